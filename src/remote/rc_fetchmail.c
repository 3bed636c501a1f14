/* fetchmail's configuration: words, strings and noise; server options, then one or more users of each. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "remote/rc.h"

enum { TOKENS_MAX = 50000 };

struct token {
	char *text;
	unsigned line;
	bool quoted;
};

enum option {
	O_POLL,
	O_SKIP,
	O_DEFAULTS,
	O_SET,
	O_USER,
	O_VIA,
	O_PROTO,
	O_SERVICE,
	O_AUTH,
	O_TIMEOUT,
	O_PASSWORD,
	O_SSLPROTO,
	O_SSLCERTFILE,
	O_SSLCERT,
	O_SSLKEY,
	O_LIMIT,
	O_MDA,
	O_SMTPHOST,
	O_KEEP,
	O_SSL,
	O_SSLCERTCK,
	O_VALUES, /* so many are kept */
	O_IS = O_VALUES,
	O_NOISE,     /* no argument, says nothing that would be missed */
	O_NOISE_ONE, /* with one argument */
	O_FLAG,      /* no argument; there is no such thing here */
	O_ONE,       /* one argument */
	O_LIST,      /* any number */
};

/* clang-format off */
static const struct {
	struct str word;
	enum option option;
} words[] = {
	{ STR_INIT("poll"), O_POLL },           { STR_INIT("server"), O_POLL },
	{ STR_INIT("skip"), O_SKIP },           { STR_INIT("defaults"), O_DEFAULTS },
	{ STR_INIT("set"), O_SET },             { STR_INIT("user"), O_USER },
	{ STR_INIT("username"), O_USER },       { STR_INIT("via"), O_VIA },
	{ STR_INIT("proto"), O_PROTO },         { STR_INIT("protocol"), O_PROTO },
	{ STR_INIT("service"), O_SERVICE },     { STR_INIT("port"), O_SERVICE },
	{ STR_INIT("auth"), O_AUTH },           { STR_INIT("authenticate"), O_AUTH },
	{ STR_INIT("timeout"), O_TIMEOUT },     { STR_INIT("pass"), O_PASSWORD },
	{ STR_INIT("password"), O_PASSWORD },   { STR_INIT("sslproto"), O_SSLPROTO },
	{ STR_INIT("sslcertfile"), O_SSLCERTFILE }, { STR_INIT("limit"), O_LIMIT },
	{ STR_INIT("mda"), O_MDA },             { STR_INIT("smtphost"), O_SMTPHOST },
	{ STR_INIT("smtp"), O_SMTPHOST },       { STR_INIT("keep"), O_KEEP },
	{ STR_INIT("ssl"), O_SSL },             { STR_INIT("sslcertck"), O_SSLCERTCK },
	{ STR_INIT("is"), O_IS },               { STR_INIT("to"), O_IS },
	{ STR_INIT("and"), O_NOISE },           { STR_INIT("with"), O_NOISE },
	{ STR_INIT("has"), O_NOISE },           { STR_INIT("wants"), O_NOISE },
	{ STR_INIT("options"), O_NOISE },       { STR_INIT("here"), O_NOISE },
	{ STR_INIT("there"), O_NOISE },         { STR_INIT("uidl"), O_NOISE },
	{ STR_INIT("fetchall"), O_NOISE },      { STR_INIT("idle"), O_NOISE },
	{ STR_INIT("dns"), O_NOISE },           { STR_INIT("rewrite"), O_FLAG },
	{ STR_INIT("flush"), O_FLAG },          { STR_INIT("limitflush"), O_FLAG },
	{ STR_INIT("stripcr"), O_FLAG },        { STR_INIT("forcecr"), O_FLAG },
	{ STR_INIT("pass8bits"), O_FLAG },      { STR_INIT("mimedecode"), O_FLAG },
	{ STR_INIT("dropstatus"), O_FLAG },     { STR_INIT("dropdelivered"), O_FLAG },
	{ STR_INIT("checkalias"), O_FLAG },     { STR_INIT("tracepolls"), O_FLAG },
	{ STR_INIT("envelope"), O_ONE },        { STR_INIT("qvirtual"), O_ONE },
	{ STR_INIT("interface"), O_ONE },       { STR_INIT("monitor"), O_ONE },
	{ STR_INIT("plugin"), O_ONE },          { STR_INIT("plugout"), O_ONE },
	{ STR_INIT("interval"), O_ONE },        { STR_INIT("principal"), O_ONE },
	{ STR_INIT("esmtpname"), O_ONE },       { STR_INIT("esmtppassword"), O_ONE },
	{ STR_INIT("bad-header"), O_ONE },      { STR_INIT("smtpaddress"), O_ONE },
	{ STR_INIT("smtpname"), O_ONE },        { STR_INIT("bsmtp"), O_ONE },
	{ STR_INIT("preconnect"), O_ONE },      { STR_INIT("postconnect"), O_ONE },
	{ STR_INIT("warnings"), O_ONE },        { STR_INIT("batchlimit"), O_ONE },
	{ STR_INIT("fetchlimit"), O_ONE },      { STR_INIT("fetchsizelimit"), O_ONE },
	{ STR_INIT("fastuidl"), O_NOISE_ONE },  { STR_INIT("expunge"), O_ONE },
	{ STR_INIT("properties"), O_ONE },      { STR_INIT("sslcert"), O_SSLCERT },
	{ STR_INIT("sslkey"), O_SSLKEY },          { STR_INIT("sslcertpath"), O_ONE },
	{ STR_INIT("sslcommonname"), O_ONE },   { STR_INIT("sslfingerprint"), O_ONE },
	{ STR_INIT("lmtp"), O_FLAG },           { STR_INIT("invisible"), O_FLAG },
	{ STR_INIT("localdomains"), O_LIST },   { STR_INIT("local"), O_LIST },
	{ STR_INIT("aka"), O_LIST },            { STR_INIT("folder"), O_LIST },
	{ STR_INIT("folders"), O_LIST },        { STR_INIT("fetchdomains"), O_LIST },
	{ STR_INIT("antispam"), O_LIST },
};
/* clang-format on */
enum { WORDS = sizeof words / sizeof *words };

/* Of "set". */
static const struct str set_flags[] = { STR_INIT("bouncemail"), STR_INIT("spambounce"),
	STR_INIT("softbounce"), STR_INIT("syslog"), STR_INIT("invisible"), STR_INIT("showdots") };

struct entry { /* of one user at one server, or the defaults */
	const char *value[O_VALUES];
	unsigned line[O_VALUES];
};

struct parse {
	struct rc *rc;
	struct token *tokens;
	size_t count, at;
	struct entry defaults, server, entry;
	bool in_defaults, polling, has_user;
};

/* ---- words and strings ---- */

static char escaped(struct str *rest)
{
	static const char letters[] = "ntbr", values[] = "\n\t\b\r";
	char c = rest->n > 0 ? rest->p[0] : '\\';

	*rest = str_from(*rest, 1);
	for (size_t i = 0; i < 4; i++)
		if (letters[i] == c)
			return values[i];
	return c;
}

static void put_token(struct parse *p, struct buf *text, unsigned line, bool quoted)
{
	if (p->count == TOKENS_MAX) {
		buf_clear(text);
		return;
	}
	p->tokens = mem_array(p->tokens, p->count + 1, sizeof *p->tokens);
	p->tokens[p->count++] =
		(struct token){ .text = buf_steal_c(text), .line = line, .quoted = quoted };
}

static void read_string(struct parse *p, struct str *text, unsigned *line)
{
	struct buf out = { .secret = true };
	char quote = text->p[0];
	unsigned begin = *line;

	*text = str_from(*text, 1);
	while (text->n > 0 && text->p[0] != quote) {
		char c = text->p[0];

		*text = str_from(*text, 1);
		*line += c == '\n';
		buf_putc(&out, c == '\\' ? escaped(text) : c);
	}
	*text = str_from(*text, 1);
	put_token(p, &out, begin, true);
}

static void tokenise(struct parse *p, struct str text)
{
	static const struct str between = STR_INIT(" \t\r=:;,");
	unsigned line = 1;

	while (text.n > 0) {
		struct buf out = { 0 };
		char c = text.p[0];

		if (c == '"' || c == '\'') {
			read_string(p, &text, &line);
		} else if (c == '\n') {
			line++;
			text = str_from(text, 1);
		} else if (c == '#') {
			text = str_from(text, str_find(text, '\n'));
		} else if (str_find(between, c) < between.n) {
			text = str_from(text, 1);
		} else {
			while (text.n > 0 && text.p[0] != '\n' &&
				str_find(between, text.p[0]) == between.n) {
				buf_putc(&out, text.p[0]);
				text = str_from(text, 1);
			}
			put_token(p, &out, line, false);
		}
	}
}

/* ---- what they say ---- */

static bool word_at(const struct parse *p, size_t at, enum option *option)
{
	struct str text = at < p->count ? str_c(p->tokens[at].text) : STR("");

	if (at >= p->count || p->tokens[at].quoted)
		return false;
	for (size_t i = 0; i < WORDS; i++)
		if (str_ieq(words[i].word, text)) {
			*option = words[i].option;
			return true;
		}
	return false;
}

/* "no keep" and "nokeep": how many tokens that is; 0: it is none. */
static size_t negated(const struct parse *p, size_t at, enum option *option)
{
	struct str text = str_c(p->tokens[at].text);

	if (p->tokens[at].quoted || !str_istarts(text, STR("no")))
		return 0;
	if (text.n == 2)
		return word_at(p, at + 1, option) ? 2 : 0;
	for (size_t i = 0; i < WORDS; i++)
		if (str_ieq(words[i].word, str_from(text, 2))) {
			*option = words[i].option;
			return 1;
		}
	return 0;
}

static struct str value(const struct entry *e, enum option o)
{
	return str_c(e->value[o] == NULL ? "" : e->value[o]);
}

static bool is(const struct entry *e, enum option o)
{
	return str_eq(value(e, o), STR("yes"));
}

static void take_delivery(struct parse *p, const struct entry *e, struct rc_account *a)
{
	struct str mda = value(e, O_MDA);
	struct buf out = { 0 };

	if (mda.n > 0 && str_find(mda, '%') == mda.n) {
		buf_printf(&out, "command:%.*s", STR_ARG(mda));
		rc_set(a, "delivery", buf_str(&out));
		buf_deinit(&out);
	} else if (mda.n > 0) {
		rc_note(p->rc, e->line[O_MDA],
			"mda is not taken over, as %%T and %%F have no meaning here: mail goes "
			"into the store");
	} else {
		rc_note(p->rc, e->line[O_SMTPHOST] != 0 ? e->line[O_SMTPHOST] : e->line[O_POLL],
			"mail of %s goes into the store, not to a mail server: delivery = "
			"\"smtp://HOST:25\" does that",
			a->name);
	}
}

static void take_login(struct parse *p, const struct entry *e, struct rc_account *a)
{
	struct str auth = value(e, O_AUTH);

	if (str_ieq(value(e, O_PROTO), STR("apop")))
		rc_set(a, "auth", STR("APOP"));
	else if (str_ieq(auth, STR("cram-md5")))
		rc_set(a, "auth", STR("CRAM-MD5"));
	else if (str_ieq(auth, STR("external")))
		rc_set(a, "auth", STR("EXTERNAL"));
	else if (auth.n > 0 && !str_ieq(auth, STR("any")) && !str_ieq(auth, STR("password")))
		rc_note(p->rc, e->line[O_AUTH], "auth %.*s is not taken over",
			STR_ARG(str_head(auth, 40)));
	buf_put(&a->secret, value(e, O_PASSWORD));
	if (value(e, O_PASSWORD).n == 0)
		rc_note(p->rc, e->line[O_POLL],
			"%s has no password: ~/.netrc is asked, or set password_file", a->name);
}

static void take_tls(struct parse *p, const struct entry *e, struct rc_account *a)
{
	struct str via = value(e, O_VIA), host = via.n > 0 ? via : value(e, O_POLL),
		   service = value(e, O_SERVICE);
	uint64_t port = 0;

	if (service.n > 0 && !str_u64(service, &port) && !str_eq(service, STR("pop3")) &&
		!str_eq(service, STR("pop3s")))
		rc_note(p->rc, e->line[O_SERVICE], "service %.*s is no number: not taken over",
			STR_ARG(str_head(service, 40)));
	rc_server(a, false, host, port <= 65535 ? port : 0, is(e, O_SSL) ? "implicit" : "starttls");
	/* Its state is kept by the name behind "poll". */
	free(a->pop3_host);
	a->pop3_host = str_dup_c(value(e, O_POLL));
	if (!is(e, O_SSL) && e->line[O_SSLPROTO] != 0 && value(e, O_SSLPROTO).n == 0)
		rc_note(p->rc, e->line[O_SSLPROTO],
			"sslproto '' is not taken over: STLS is demanded here");
	if (e->line[O_SSLCERTCK] != 0 && !is(e, O_SSLCERTCK))
		rc_note(p->rc, e->line[O_SSLCERTCK],
			"no sslcertck is not taken over: set fingerprint or ca_file");
	rc_set_file(p->rc, a, "ca_file", value(e, O_SSLCERTFILE));
	rc_set_file(p->rc, a, "client_certificate", value(e, O_SSLCERT));
	rc_set_file(p->rc, a, "client_key", value(e, O_SSLKEY));
}

static void take_account(struct parse *p, const struct entry *e)
{
	struct str proto = value(e, O_PROTO), user = value(e, O_USER), limit = value(e, O_LIMIT),
		   timeout = value(e, O_TIMEOUT);
	struct rc_account *a;
	uint64_t seconds;

	if (proto.n > 0 && !str_ieq(proto, STR("pop3")) && !str_ieq(proto, STR("apop")) &&
		!str_ieq(proto, STR("auto"))) {
		rc_note(p->rc, e->line[O_PROTO], "%.*s is not taken over: %.*s is not POP3",
			STR_ARG(str_head(value(e, O_POLL), 100)), STR_ARG(str_head(proto, 20)));
		return;
	}
	if (user.n == 0)
		user = str_c(p->rc->login);
	a = rc_add(p->rc, value(e, O_POLL));
	if (a == NULL)
		return;
	if (is(e, O_SKIP))
		rc_set(a, "only_named", STR("yes"));
	free(a->user);
	a->user = str_dup_c(user);
	if (str_find(user, '@') < user.n) {
		free(a->address);
		a->address = str_dup_c(user);
		rc_set(a, "address", user);
	}
	rc_set(a, "user", user);
	rc_set(a, "keep", is(e, O_KEEP) ? STR("keep") : STR("delete"));
	if (limit.n > 0 && !str_eq(limit, STR("0")))
		rc_set(a, "skip_size", limit);
	if (str_u64(timeout, &seconds) && seconds > 0 && seconds <= 3600) {
		char text[32];

		snprintf(text, sizeof text, "%us", (unsigned)seconds);
		rc_set(a, "timeout", str_c(text));
	}
	take_tls(p, e, a);
	take_login(p, e, a);
	take_delivery(p, e, a);
}

static void end_user(struct parse *p)
{
	if (p->in_defaults)
		p->defaults = p->entry;
	else if (p->polling)
		take_account(p, &p->entry);
}

static void begin_entry(struct parse *p, enum option o)
{
	const struct token *t = &p->tokens[p->at];

	end_user(p);
	p->entry = p->defaults;
	p->in_defaults = o == O_DEFAULTS;
	p->polling = !p->in_defaults;
	p->has_user = false;
	p->at++;
	if (p->at == p->count)
		p->polling = false;
	if (!p->polling)
		return;
	p->entry.value[O_POLL] = p->tokens[p->at++].text;
	p->entry.line[O_POLL] = t->line;
	if (o == O_SKIP)
		p->entry.value[O_SKIP] = "yes";
	p->server = p->entry;
}

/* What stands before the first user of a server holds for all of them. */
static void begin_user(struct parse *p)
{
	if (p->has_user) {
		end_user(p);
		p->entry = p->server;
	} else {
		p->server = p->entry;
	}
	p->has_user = !p->in_defaults;
}

static void skip_list(struct parse *p)
{
	enum option next;

	while (p->at < p->count && !word_at(p, p->at, &next) && negated(p, p->at, &next) == 0)
		p->at++;
}

static void take_set(struct parse *p)
{
	const struct token *t;
	struct str name;

	if (++p->at < p->count && str_ieq(str_c(p->tokens[p->at].text), STR("no")))
		p->at++;
	if (p->at == p->count)
		return;
	t = &p->tokens[p->at++];
	name = str_c(t->text);
	if (str_istarts(name, STR("no")))
		name = str_from(name, 2);
	rc_note(p->rc, t->line, "set %s is not taken over%s", t->text,
		str_ieq(name, STR("daemon")) ? ": restante fetch --daemon --interval does that"
					     : "");
	for (size_t i = 0; i < sizeof set_flags / sizeof *set_flags; i++)
		if (str_ieq(set_flags[i], name))
			return;
	p->at++;
}

static void take_one(struct parse *p, enum option o)
{
	const struct token *t = &p->tokens[p->at++];

	if (p->at == p->count) {
		rc_note(p->rc, t->line, "%s: what belongs to it is missing", t->text);
		return;
	}
	if (o == O_USER)
		begin_user(p);
	p->entry.value[o] = p->tokens[p->at++].text;
	p->entry.line[o] = t->line;
}

static void note_none(struct parse *p, const struct token *t)
{
	rc_note(p->rc, t->line, "%s is not taken over: there is no such setting here", t->text);
}

static void take_option(struct parse *p, enum option o)
{
	const struct token *t = &p->tokens[p->at];

	switch (o) {
	case O_POLL:
	case O_SKIP:
	case O_DEFAULTS: begin_entry(p, o); break;
	case O_SET: take_set(p); break;
	case O_USER:
	case O_VIA:
	case O_PROTO:
	case O_SERVICE:
	case O_AUTH:
	case O_TIMEOUT:
	case O_PASSWORD:
	case O_SSLPROTO:
	case O_SSLCERTFILE:
	case O_SSLCERT:
	case O_SSLKEY:
	case O_LIMIT:
	case O_MDA:
	case O_SMTPHOST: take_one(p, o); break;
	case O_KEEP:
	case O_SSL:
	case O_SSLCERTCK:
		p->entry.value[o] = "yes";
		p->entry.line[o] = t->line;
		p->at++;
		break;
	case O_IS:
		p->at++;
		skip_list(p);
		break;
	case O_NOISE: p->at++; break;
	case O_NOISE_ONE: p->at += 2; break;
	case O_FLAG:
		note_none(p, t);
		p->at++;
		break;
	case O_ONE:
		note_none(p, t);
		p->at += 2;
		break;
	case O_LIST:
		note_none(p, t);
		p->at++;
		skip_list(p);
		break;
	}
}

static void take_negated(struct parse *p, enum option o, size_t tokens)
{
	const struct token *t = &p->tokens[p->at];

	if (o == O_KEEP || o == O_SSL || o == O_SSLCERTCK) {
		p->entry.value[o] = "no";
		p->entry.line[o] = t->line;
	}
	p->at += tokens;
}

void rc_fetchmail(struct rc *rc, struct str text)
{
	struct parse p = { .rc = rc };
	enum option o = O_POLL;
	size_t tokens;

	tokenise(&p, text);
	while (p.at < p.count) {
		if (word_at(&p, p.at, &o)) {
			take_option(&p, o);
		} else if ((tokens = negated(&p, p.at, &o)) > 0) {
			take_negated(&p, o, tokens);
		} else {
			rc_note(rc, p.tokens[p.at].line, "%.60s is not known: not taken over",
				p.tokens[p.at].text);
			p.at++;
		}
	}
	end_user(&p);
	for (size_t i = 0; i < p.count; i++) {
		mem_wipe(p.tokens[i].text, str_c(p.tokens[i].text).n);
		free(p.tokens[i].text);
	}
	free(p.tokens);
}

/* "USER@HOST UIDL", HOST being what stands behind "poll"; either may have an @. */
void rc_fetchmail_ids(struct rc *rc, struct str text)
{
	size_t others = 0;

	while (text.n > 0) {
		struct str row = str_cut(&text, '\n');
		size_t i = 0;

		for (; i < rc->count; i++) {
			struct rc_account *a = &rc->accounts[i];
			struct str user = str_c(a->user), host = str_c(a->pop3_host);
			size_t n = user.n + 1 + host.n;

			if (row.n <= n + 1 || row.p[user.n] != '@' || row.p[n] != ' ' ||
				!str_starts(row, user) ||
				!str_ieq(str_head(str_from(row, user.n + 1), host.n), host))
				continue;
			rc_seen(a, str_from(row, n + 1), 0);
			break;
		}
		others += row.n > 0 && i == rc->count;
	}
	if (others > 0)
		rc_note(rc, 0, "%zu lines are of accounts that are not taken over", others);
}
