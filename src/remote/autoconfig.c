#include "remote/autoconfig.h"

#include <expat.h>
#include <stdlib.h>

#include "base/buf.h"

enum { DEPTH_MAX = 16, ELEMENTS_MAX = 5000, TEXT_MAX = 1000 };

/* Where in clientConfig/emailProvider/incomingServer/hostname the reader is. */
enum place {
	IN_NOTHING,
	IN_ROOT,
	IN_PROVIDER,
	IN_DOMAIN,
	IN_SERVER,
	IN_HOST,
	IN_PORT,
	IN_TLS,
	IN_USER,
	IN_AUTH,
	IN_OTHER, /* and everything below it */
};

struct said { /* of one server */
	bool sends, wanted, has_tls;
	struct buf host, user;
	uint64_t port;
	enum server_tls tls;
	bool token, password;
};

struct reading {
	XML_Parser parser;
	struct str address, domain;
	struct autoconfig *to;
	struct err *err;
	enum place place[DEPTH_MAX];
	size_t depth, elements;
	struct buf text;
	struct said said;
	bool domains, ours; /* some are named, this one is */
	bool failed;
};

/* clang-format off */
static const struct {
	enum place parent;
	struct str name;
	enum place place;
} elements[] = {
	{ IN_NOTHING,  STR_INIT("clientConfig"),   IN_ROOT },
	{ IN_ROOT,     STR_INIT("emailProvider"),  IN_PROVIDER },
	{ IN_PROVIDER, STR_INIT("domain"),         IN_DOMAIN },
	{ IN_PROVIDER, STR_INIT("incomingServer"), IN_SERVER },
	{ IN_PROVIDER, STR_INIT("outgoingServer"), IN_SERVER },
	{ IN_SERVER,   STR_INIT("hostname"),       IN_HOST },
	{ IN_SERVER,   STR_INIT("port"),           IN_PORT },
	{ IN_SERVER,   STR_INIT("socketType"),     IN_TLS },
	{ IN_SERVER,   STR_INIT("username"),       IN_USER },
	{ IN_SERVER,   STR_INIT("authentication"), IN_AUTH },
};
/* clang-format on */

static void fail(struct reading *r, const char *why)
{
	if (!r->failed)
		err_set(r->err, ST_PROTO, "%s", why);
	r->failed = true;
	XML_StopParser(r->parser, XML_FALSE);
}

static void said_clear(struct said *s)
{
	buf_deinit(&s->host);
	buf_deinit(&s->user);
	*s = (struct said){ .port = 0 };
}

static struct str attribute(const XML_Char **pairs, struct str name)
{
	for (size_t i = 0; pairs[i] != NULL; i += 2)
		if (str_eq(str_c(pairs[i]), name))
			return str_c(pairs[i + 1]);
	return STR("");
}

static enum place place_of(enum place parent, struct str name)
{
	for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
		if (elements[i].parent == parent && str_eq(elements[i].name, name))
			return elements[i].place;
	return IN_OTHER;
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *r = arg;
	enum place parent = r->depth == 0 ? IN_NOTHING : r->place[r->depth - 1], place;

	if (r->depth == DEPTH_MAX || ++r->elements > ELEMENTS_MAX) {
		fail(r, "it has too many elements");
		return;
	}
	place = place_of(parent, str_c(name));
	if (parent == IN_NOTHING && place != IN_ROOT) {
		fail(r, "it is no clientConfig");
		return;
	}
	r->place[r->depth++] = place;
	buf_clear(&r->text);
	if (place != IN_SERVER)
		return;
	said_clear(&r->said);
	r->said.sends = str_eq(str_c(name), STR("outgoingServer"));
	r->said.wanted = str_ieq(
		attribute(attributes, STR("type")), r->said.sends ? STR("smtp") : STR("pop3"));
}

static void XMLCALL on_text(void *arg, const XML_Char *octets, int n)
{
	struct reading *r = arg;

	if (r->depth > 0 && r->place[r->depth - 1] != IN_OTHER)
		buf_put(&r->text, str_of(octets, (size_t)n));
	if (r->text.full)
		fail(r, "it has a text that is too long");
}

static void XMLCALL on_doctype(
	void *arg, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid, int internal)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)internal;
	fail(arg, "it has a document type, which no such file needs");
}

/* %EMAILADDRESS% and its parts. */
static void expand(struct buf *out, const struct reading *r, struct str text)
{
	const struct {
		struct str mark, value;
	} marks[] = {
		{ STR_INIT("%EMAILADDRESS%"), r->address },
		{ STR_INIT("%EMAILLOCALPART%"), str_head(r->address, str_rfind(r->address, '@')) },
		{ STR_INIT("%EMAILDOMAIN%"), r->domain },
	};

	for (size_t i = 0, k; i < text.n;) {
		for (k = 0; k < 3 && !str_starts(str_from(text, i), marks[k].mark); k++)
			continue;
		if (k == 3)
			buf_putc(out, text.p[i++]);
		else
			buf_put(out, marks[k].value);
		i += k == 3 ? 0 : marks[k].mark.n;
	}
}

static struct str trimmed(struct str s)
{
	while (s.n > 0 && str_find(STR(" \t\r\n"), s.p[0]) < 4)
		s = str_from(s, 1);
	while (s.n > 0 && str_find(STR(" \t\r\n"), s.p[s.n - 1]) < 4)
		s.n--;
	return s;
}

static bool is_token(struct str way)
{
	return str_ieq(way, STR("OAuth2"));
}

static void take_tls(struct said *s, struct str text)
{
	s->has_tls = true;
	if (str_ieq(text, STR("SSL")))
		s->tls = SERVER_TLS_IMPLICIT;
	else if (str_ieq(text, STR("STARTTLS")))
		s->tls = SERVER_TLS_STARTTLS;
	else if (str_ieq(text, STR("plain")))
		s->tls = SERVER_TLS_NONE;
	else
		s->has_tls = false;
}

/* A user name goes into a login line and onto a terminal. */
static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return str_utf8(s);
}

/* The first of the best kind: TLS from the first octet before STARTTLS before none (RFC 8314 3.3). */
static void take_server(struct reading *r)
{
	struct said *s = &r->said;
	struct service *to = s->sends ? &r->to->smtp : &r->to->pop3, new;
	uint16_t port = s->port == 0 ? service_port(s->sends, s->tls) : (uint16_t)s->port;
	struct str user = buf_str(&s->user);

	if (!s->wanted || !s->has_tls || s->port > 65535 ||
		!service_set(&new, buf_str(&s->host), port, s->tls) ||
		(to->host[0] != '\0' && to->tls <= new.tls))
		return;
	*to = new;
	if (!s->sends)
		r->to->token = s->token && !s->password;
	if ((s->sends && r->to->pop3.host[0] != '\0') || user.n > AUTOCONFIG_USER_MAX ||
		!is_printable(user))
		return;
	memcpy(r->to->user, user.p, user.n);
	r->to->user[user.n] = '\0';
}

static void take_text(struct reading *r, enum place place, struct str text)
{
	struct said *s = &r->said;
	struct buf *to = place == IN_HOST ? &s->host : &s->user;

	switch (place) {
	case IN_DOMAIN:
		r->domains = true;
		r->ours |= str_ieq(text, r->domain) || str_eq(text, STR("%EMAILDOMAIN%"));
		break;
	case IN_HOST:
	case IN_USER:
		buf_clear(to);
		expand(to, r, text);
		break;
	case IN_PORT:
		if (!str_u64(text, &s->port) || s->port == 0)
			s->port = UINT64_MAX;
		break;
	case IN_TLS: take_tls(s, text); break;
	case IN_AUTH:
		s->token |= is_token(text);
		s->password |= !is_token(text);
		break;
	case IN_SERVER: take_server(r); break;
	case IN_NOTHING:
	case IN_ROOT:
	case IN_PROVIDER:
	case IN_OTHER: break;
	}
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
	struct reading *r = arg;

	(void)name;
	if (r->failed || r->depth == 0)
		return;
	take_text(r, r->place[--r->depth], trimmed(buf_str(&r->text)));
	buf_clear(&r->text);
}

static enum status judge(struct reading *r, enum XML_Status done)
{
	if (r->failed)
		return ST_PROTO;
	if (done != XML_STATUS_OK)
		return err_set(r->err, ST_PROTO, "line %lu: %s",
			(unsigned long)XML_GetCurrentLineNumber(r->parser),
			XML_ErrorString(XML_GetErrorCode(r->parser)));
	if (r->domains && !r->ours)
		return err_set(r->err, ST_PROTO, "it is about other domains");
	return ST_OK;
}

enum status autoconfig_parse(
	struct str xml, struct str address, struct autoconfig *a, struct err *err)
{
	struct reading r = { .address = address,
		.domain = str_from(address, str_rfind(address, '@') + 1),
		.to = a,
		.err = err };
	enum status status;

	*a = (struct autoconfig){ .user = "" };
	if (xml.n > AUTOCONFIG_MAX)
		return err_set(err, ST_PROTO, "it is over %d octets long", (int)AUTOCONFIG_MAX);
	r.parser = XML_ParserCreate(NULL);
	if (r.parser == NULL)
		abort();
	buf_init(&r.text, TEXT_MAX);
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	status = judge(&r, XML_Parse(r.parser, xml.p, (int)xml.n, XML_TRUE));
	XML_ParserFree(r.parser);
	buf_deinit(&r.text);
	said_clear(&r.said);
	if (status != ST_OK)
		*a = (struct autoconfig){ .user = "" };
	return status;
}
