/* Where the servers of an address are: who knows it surest is asked first. */
#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

#include "cmd/setup.h"
#include "remote/knock.h"
#include "remote/srv.h"

enum { PROBE_TIMEOUT_MS = 5000 };

const char *const setup_source_names[] = { "", "directory", "autoconfig", "SRV", "MX", "probe" };

void setup_tried(struct setup *s, enum setup_source source, const char *fmt, ...)
{
	char text[500];
	va_list ap;
	json_t *result;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	result = json_string(text); /* NULL when it is not UTF-8 */
	json_array_append_new(
		s->tried, json_pack("{s:s, s:o}", "source", setup_source_names[source], "result",
				  result != NULL ? result : json_string("?")));
	if (!cmd_has(s->cmd, OPTION_JSON)) {
		printf("%-10s %s\n", setup_source_names[source], text);
		fflush(stdout);
	}
}

bool setup_complete(const struct setup *s)
{
	return (s->pop3.refused || s->pop3.at.host[0] != '\0') &&
	       (s->smtp.refused || s->smtp.at.host[0] != '\0');
}

/* RFC 8314 5.1: what has no TLS is passed over, whatever its priority. */
bool setup_take(struct setup *s, bool sends, const struct service *at, enum setup_source source)
{
	struct setup_server *to = sends ? &s->smtp : &s->pop3;

	if (at->host[0] == '\0' || to->refused || to->at.host[0] != '\0')
		return false;
	if (at->tls == SERVER_TLS_NONE) {
		setup_tried(s, source, "%s port %u has no TLS: not used", at->host, at->port);
		return false;
	}
	*to = (struct setup_server){ .at = *at, .source = source };
	return true;
}

static void take_provider(struct setup *s, bool sends, enum setup_source source)
{
	const struct provider_service *from = sends ? &s->provider.smtp : &s->provider.pop3;
	/* In the same order. */
	enum server_tls tls = (enum server_tls)from->tls;
	struct service at = { .host = "" };
	struct buf host = { 0 };

	provider_host(&host, from, canonical_domain(&s->address));
	if (service_set(&at, buf_str(&host), from->port, tls))
		setup_take(s, sends, &at, source);
	else if (source == SETUP_DIRECTORY)
		*(sends ? &s->smtp.refused : &s->pop3.refused) = true;
	buf_deinit(&host);
}

static int from_directory(struct setup *s)
{
	struct str domain = canonical_domain(&s->address), all = buf_str(&s->directory);
	struct provider *p = &s->provider;
	bool own = provider_find(str_head(all, s->local_directory), domain, p);

	if (!own && !provider_find(all, domain, p)) {
		*p = (struct provider){ .status = PROVIDER_LIVE };
		setup_tried(s, SETUP_DIRECTORY, "%.*s is not in it", STR_ARG(domain));
		return EX_OK;
	}
	if (p->status == PROVIDER_DEAD)
		return cmd_fail(s->cmd, EX_UNAVAILABLE, "%.*s has ended its service (%.*s): %.*s",
			STR_ARG(p->id), STR_ARG(p->since), STR_ARG(str_head(p->notes, 200)));
	setup_tried(s, SETUP_DIRECTORY, "it is %.*s%s%s", STR_ARG(p->id),
		own ? ", by the local file" : "",
		p->status == PROVIDER_UNSURE ? "; whether it still works is not sure" : "");
	take_provider(s, false, SETUP_DIRECTORY);
	take_provider(s, true, SETUP_DIRECTORY);
	if (s->pop3.refused)
		return cmd_fail(s->cmd, EX_UNAVAILABLE, "%.*s has no POP3: %.*s", STR_ARG(p->id),
			STR_ARG(str_head(p->notes, 200)));
	return EX_OK;
}

static void from_srv(struct setup *s)
{
	struct srv found;
	bool pop3, smtp;

	srv_find(&s->lookup, canonical_domain(&s->address), &found);
	pop3 = setup_take(s, false, &found.pop3, SETUP_SRV);
	smtp = setup_take(s, true, &found.smtp, SETUP_SRV);
	s->pop3.refused |= found.no_pop3 && s->pop3.at.host[0] == '\0';
	s->smtp.refused |= found.no_smtp && s->smtp.at.host[0] == '\0';
	s->silent |= found.why[0] != '\0';
	setup_tried(s, SETUP_SRV, "%s",
		found.why[0] != '\0' ? found.why
		: pop3 && smtp       ? "names POP3 and SMTP"
		: pop3               ? "names POP3"
		: smtp               ? "names SMTP"
		: found.no_pop3      ? "the domain says that it has no POP3"
				     : "no records");
}

/* Of the first question to DNS. */
struct mx {
	struct setup *setup;
	struct provider provider; /* of the host that takes the mail; its id "": nobody is known */
	enum dns_outcome outcome;
	size_t count;
};

static void on_mx(void *arg, const struct dns_answer *a)
{
	struct mx *mx = arg;

	mx->outcome = a->outcome;
	for (; a->outcome == DNS_FOUND && mx->count < a->count; mx->count++)
		if (mx->provider.id.n == 0 && !provider_find_mx(buf_str(&mx->setup->directory),
						      a->rows[mx->count].data, &mx->provider))
			mx->provider = (struct provider){ .status = PROVIDER_LIVE };
}

static int ask_mx(struct setup *s, struct mx *mx)
{
	struct lookup_question question = { .type = DNS_MX, .answer = on_mx, .arg = mx };

	snprintf(question.name, sizeof question.name, "%.*s",
		STR_ARG(canonical_domain(&s->address)));
	lookup_ask(&s->lookup, &question, 1);
	switch (mx->outcome) {
	case DNS_NXDOMAIN:
		return cmd_fail(s->cmd, EX_UNAVAILABLE, "there is no domain %s", question.name);
	case DNS_FAILED:
	case DNS_BOGUS:
		return cmd_fail(s->cmd, EX_TEMPFAIL,
			"DNS does not answer: try again when the network is there");
	case DNS_FOUND:
	case DNS_NODATA: break;
	}
	return EX_OK;
}

/* A domain whose mail a known provider takes. */
static void from_mx(struct setup *s, const struct mx *mx)
{
	const struct provider *p = &mx->provider;

	if (p->id.n == 0 || p->status == PROVIDER_DEAD) {
		setup_tried(s, SETUP_MX, "%s",
			mx->count > 0 ? "its mail goes to nobody who is known"
				      : "the domain takes no mail");
		return;
	}
	setup_tried(s, SETUP_MX, "its mail goes to %.*s", STR_ARG(p->id));
	s->provider = *p;
	take_provider(s, false, SETUP_MX);
	take_provider(s, true, SETUP_MX);
	if (p->localpart && s->user.len == 0)
		buf_put(&s->user, canonical_local(&s->address));
}

struct guess {
	const char *prefix;
	bool pop3, smtp, there, silent;
};

static void on_guess(void *arg, const struct dns_answer *a)
{
	struct guess *g = arg;

	g->there |= a->outcome == DNS_FOUND && a->count > 0;
	g->silent |= a->outcome == DNS_FAILED;
}

static bool probe_one(struct setup *s, bool sends, const char *host, enum server_tls tls)
{
	struct knock k = { .sends = sends,
		.roots = buf_str(&s->roots),
		.resolvers = buf_str(&s->resolvers),
		.hostname = STR("localhost"),
		.timeout_ms = PROBE_TIMEOUT_MS };
	struct err err = { ST_OK, "" };

	if (!service_set(&k.at, str_c(host), service_port(sends, tls), tls))
		return false;
	if (knock(&k, &err) != ST_OK) {
		setup_tried(s, SETUP_PROBE, "%s port %u: %s", host, k.at.port, err.text);
		return false;
	}
	setup_tried(s, SETUP_PROBE, "%s port %u answers", host, k.at.port);
	return setup_take(s, sends, &k.at, SETUP_PROBE);
}

static void probe_host(struct setup *s, const struct guess *g, const char *host)
{
	static const enum server_tls kinds[] = { SERVER_TLS_IMPLICIT, SERVER_TLS_STARTTLS };

	for (int sends = 0; sends < 2; sends++) {
		const struct setup_server *to = sends ? &s->smtp : &s->pop3;

		for (size_t i = 0; i < 2 && (sends ? g->smtp : g->pop3); i++)
			if (to->refused || to->at.host[0] != '\0' ||
				probe_one(s, sends, host, kinds[i]))
				break;
	}
}

/* The names that most have.  No password is sent to any of them before the user has seen which it is. */
static void probe(struct setup *s)
{
	struct guess guesses[] = {
		{ "pop.", true, false, false, false },
		{ "pop3.", true, false, false, false },
		{ "smtp.", false, true, false, false },
		{ "mail.", true, true, false, false },
	};
	enum { GUESSES = sizeof guesses / sizeof *guesses };
	struct lookup_question questions[2 * GUESSES];
	struct str domain = canonical_domain(&s->address);
	bool any = false;

	for (size_t i = 0; i < 2 * GUESSES; i++) {
		struct lookup_question *q = &questions[i];

		*q = (struct lookup_question){ .type = i % 2 == 0 ? DNS_A : DNS_AAAA,
			.answer = on_guess,
			.arg = &guesses[i / 2] };
		snprintf(q->name, sizeof q->name, "%s%.*s", guesses[i / 2].prefix, STR_ARG(domain));
	}
	lookup_ask(&s->lookup, questions, 2 * GUESSES);
	for (size_t i = 0; i < GUESSES; i++) {
		s->silent |= guesses[i].silent;
		any |= guesses[i].there;
		if (guesses[i].there)
			probe_host(s, &guesses[i], questions[2 * i].name);
	}
	if (!any)
		setup_tried(s, SETUP_PROBE, "there is no pop., pop3., smtp. or mail.%.*s",
			STR_ARG(domain));
}

static int look_around(struct setup *s)
{
	struct mx mx = { .setup = s, .outcome = DNS_FAILED };
	int code = ask_mx(s, &mx);

	if (code != EX_OK)
		return code;
	setup_autoconfig(s);
	if (!setup_complete(s))
		from_srv(s);
	if (!setup_complete(s))
		from_mx(s, &mx);
	if (!setup_complete(s))
		probe(s);
	return EX_OK;
}

int setup_find(struct setup *s)
{
	int code = from_directory(s);

	if (code == EX_OK && !setup_complete(s))
		code = look_around(s);
	if (code != EX_OK || s->pop3.at.host[0] != '\0')
		return code;
	if (s->silent)
		return cmd_fail(s->cmd, EX_TEMPFAIL,
			"DNS or a server does not answer: try again when the network is there");
	return cmd_fail(s->cmd, EX_UNAVAILABLE,
		"no POP3 server with TLS was found for %.*s: ask its provider, and write a "
		"remote into restante.conf",
		STR_ARG(canonical_domain(&s->address)));
}
