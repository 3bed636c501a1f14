/* mpop's and msmtp's configuration: a command a line, accounts that inherit from others. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "remote/rc.h"

enum command {
	C_HOST,
	C_PORT,
	C_USER,
	C_PASSWORD,
	C_PASSWORDEVAL,
	C_AUTH,
	C_TLS,
	C_STARTTLS,
	C_TRUST,
	C_FINGERPRINT,
	C_CERTCHECK,
	C_TIMEOUT,
	C_KEEP,
	C_SKIPSIZE,
	C_KILLSIZE,
	C_FILTER,
	C_DELIVERY,
	C_UIDLS,
	C_PIPELINING,
	C_FROM,
	C_PROTOCOL,
	C_CERT,
	C_KEY,
	C_SOURCE,
	C_PROXY,
	C_PROXY_PORT,
	C_KEPT,           /* so many are taken over */
	C_QUIET = C_KEPT, /* says nothing that would be missed */
	C_NONE,           /* there is no such thing here */
};

/* clang-format off */
static const struct {
	struct str word;
	enum command command;
} commands[] = {
	{ STR_INIT("host"), C_HOST },             { STR_INIT("port"), C_PORT },
	{ STR_INIT("user"), C_USER },             { STR_INIT("password"), C_PASSWORD },
	{ STR_INIT("passwordeval"), C_PASSWORDEVAL }, { STR_INIT("auth"), C_AUTH },
	{ STR_INIT("tls"), C_TLS },               { STR_INIT("tls_starttls"), C_STARTTLS },
	{ STR_INIT("tls_trust_file"), C_TRUST },  { STR_INIT("tls_fingerprint"), C_FINGERPRINT },
	{ STR_INIT("tls_certcheck"), C_CERTCHECK }, { STR_INIT("timeout"), C_TIMEOUT },
	{ STR_INIT("keep"), C_KEEP },             { STR_INIT("skipsize"), C_SKIPSIZE },
	{ STR_INIT("killsize"), C_KILLSIZE },     { STR_INIT("filter"), C_FILTER },
	{ STR_INIT("delivery"), C_DELIVERY },     { STR_INIT("uidls_file"), C_UIDLS },
	{ STR_INIT("pipelining"), C_PIPELINING }, { STR_INIT("from"), C_FROM },
	{ STR_INIT("protocol"), C_PROTOCOL },     { STR_INIT("only_new"), C_QUIET },
	{ STR_INIT("logfile"), C_NONE },          { STR_INIT("syslog"), C_NONE },
	{ STR_INIT("received_header"), C_NONE },  { STR_INIT("source_ip"), C_SOURCE },
	{ STR_INIT("proxy_host"), C_PROXY },       { STR_INIT("proxy_port"), C_PROXY_PORT },
	{ STR_INIT("socket"), C_NONE },           { STR_INIT("ntlmdomain"), C_NONE },
	{ STR_INIT("tls_crl_file"), C_NONE },     { STR_INIT("tls_key_file"), C_KEY },
	{ STR_INIT("tls_cert_file"), C_CERT },    { STR_INIT("tls_priorities"), C_NONE },
	{ STR_INIT("tls_host_override"), C_NONE },{ STR_INIT("tls_min_dh_prime_bits"), C_NONE },
	{ STR_INIT("domain"), C_NONE },           { STR_INIT("maildomain"), C_NONE },
	{ STR_INIT("aliases"), C_NONE },          { STR_INIT("auto_from"), C_NONE },
	{ STR_INIT("dsn_notify"), C_NONE },       { STR_INIT("dsn_return"), C_NONE },
	{ STR_INIT("set_from_header"), C_NONE },  { STR_INIT("set_date_header"), C_NONE },
	{ STR_INIT("set_msgid_header"), C_NONE }, { STR_INIT("remove_bcc_headers"), C_NONE },
	{ STR_INIT("undisclosed_recipients"), C_NONE }, { STR_INIT("allow_from_override"), C_NONE },
	{ STR_INIT("from_full_name"), C_NONE },   { STR_INIT("add_missing_from_header"), C_NONE },
	{ STR_INIT("add_missing_date_header"), C_NONE }, { STR_INIT("logfile_time_format"), C_NONE },
};
/* clang-format on */

struct section {
	struct str name, value[C_KEPT];
	unsigned line[C_KEPT]; /* 0: not said */
	unsigned at;
};

struct parse {
	struct rc *rc;
	bool sends;
	struct section defaults, *accounts;
	size_t count;
};

static struct str argument(struct str s)
{
	s = str_trim(s);
	if (s.n > 1 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		return str_head(str_from(s, 1), s.n - 2);
	return s;
}

static bool on(const struct section *a, enum command c, bool otherwise)
{
	if (a->line[c] == 0)
		return otherwise;
	return a->value[c].n == 0 || str_eq(a->value[c], STR("on"));
}

static void inherit(struct section *to, const struct section *from)
{
	for (size_t c = 0; c < C_KEPT; c++)
		if (from->line[c] != 0) {
			to->value[c] = from->value[c];
			to->line[c] = from->line[c];
		}
}

/* "account NAME : OTHER, OTHER" */
static struct section *begin_account(struct parse *p, struct str rest, unsigned line)
{
	struct section *a;
	struct str others = rest, name = str_trim(str_cut(&others, ':'));

	p->accounts = mem_array(p->accounts, p->count + 1, sizeof *p->accounts);
	a = &p->accounts[p->count++];
	*a = p->defaults;
	a->name = name;
	a->at = line;
	while (others.n > 0) {
		struct str other = str_trim(str_cut(&others, ','));
		size_t i = 0;

		while (i + 1 < p->count && !str_eq(p->accounts[i].name, other))
			i++;
		if (i + 1 < p->count)
			inherit(a, &p->accounts[i]);
		else
			rc_note(p->rc, line, "account %.*s is not there to inherit from",
				STR_ARG(str_head(other, 60)));
	}
	return a;
}

static void take_line(struct parse *p, struct section **into, struct str row, unsigned line)
{
	size_t end = 0, i = 0;
	struct str word, rest;

	while (end < row.n && row.p[end] != ' ' && row.p[end] != '\t')
		end++;
	word = str_head(row, end);
	rest = argument(str_from(row, end));
	if (str_eq(word, STR("defaults"))) {
		*into = &p->defaults;
		return;
	}
	if (str_eq(word, STR("account"))) {
		*into = begin_account(p, rest, line);
		return;
	}
	while (i < sizeof commands / sizeof *commands && !str_eq(commands[i].word, word))
		i++;
	if (i == sizeof commands / sizeof *commands)
		rc_note(p->rc, line, "%.*s is not known: not taken over",
			STR_ARG(str_head(word, 60)));
	else if (commands[i].command == C_NONE && rest.n > 0)
		rc_note(p->rc, line, "%.*s is not taken over: there is no such setting here",
			STR_ARG(word));
	else if (commands[i].command < C_KEPT) {
		enum command c = commands[i].command;

		(*into)->value[c] = rest;
		(*into)->line[c] = line;
		/* What is said last counts, also against what was inherited. */
		if (c == C_PASSWORD || c == C_PASSWORDEVAL)
			(*into)->value[c == C_PASSWORD ? C_PASSWORDEVAL : C_PASSWORD] = STR("");
	}
}

static void take_tls(struct parse *p, const struct section *a, struct rc_account *to)
{
	bool tls = on(a, C_TLS, false), starttls = on(a, C_STARTTLS, true);
	struct str print = a->value[C_FINGERPRINT], trust = a->value[C_TRUST];
	uint64_t port = 0;

	if (a->line[C_PORT] != 0 && (!str_u64(a->value[C_PORT], &port) || port > 65535))
		rc_note(p->rc, a->line[C_PORT], "port is no number: not taken over");
	rc_server(to, p->sends, a->value[C_HOST], port <= 65535 ? port : 0,
		tls && !starttls ? "implicit" : "starttls");
	if (!tls)
		rc_note(p->rc, a->line[C_TLS] != 0 ? a->line[C_TLS] : a->at,
			"%.*s has no TLS: STARTTLS is demanded here",
			STR_ARG(str_head(a->name, 60)));
	if (!on(a, C_CERTCHECK, true))
		rc_note(p->rc, a->line[C_CERTCHECK],
			"tls_certcheck off is not taken over: set fingerprint or ca_file");
	if (print.n > 0 && rc_fingerprint(print))
		rc_set(to, "fingerprint", print);
	else if (print.n > 0)
		rc_note(p->rc, a->line[C_FINGERPRINT],
			"tls_fingerprint is not SHA-256: not taken over");
	if (!str_eq(trust, STR("system")))
		rc_set_file(p->rc, to, "ca_file", trust);
	rc_set_file(p->rc, to, "client_certificate", a->value[C_CERT]);
	rc_set_file(p->rc, to, "client_key", a->value[C_KEY]);
}

static void take_way(const struct section *a, struct rc_account *to)
{
	struct str host = a->value[C_PROXY], port = a->value[C_PROXY_PORT];
	bool literal = str_find(host, ':') < host.n;
	struct buf proxy = { 0 };

	if (a->value[C_SOURCE].n > 0)
		rc_set(to, "source", a->value[C_SOURCE]);
	if (host.n == 0)
		return;
	buf_printf(&proxy, literal ? "socks5://[%.*s]" : "socks5://%.*s",
		STR_ARG(str_head(host, 255)));
	if (port.n > 0)
		buf_printf(&proxy, ":%.*s", STR_ARG(str_head(port, 5)));
	rc_set(to, "proxy", buf_str(&proxy));
	buf_deinit(&proxy);
}

static void take_login(struct parse *p, const struct section *a, struct rc_account *to)
{
	static const struct {
		struct str theirs;
		struct str ours;
	} ways[] = {
		{ STR_INIT("user"), STR_INIT("USER") },
		{ STR_INIT("plain"), STR_INIT("PLAIN") },
		{ STR_INIT("login"), STR_INIT("LOGIN") },
		{ STR_INIT("cram-md5"), STR_INIT("CRAM-MD5") },
		{ STR_INIT("apop"), STR_INIT("APOP") },
		{ STR_INIT("scram-sha-1"), STR_INIT("SCRAM-SHA-1") },
		{ STR_INIT("scram-sha-256"), STR_INIT("SCRAM-SHA-256") },
		{ STR_INIT("external"), STR_INIT("EXTERNAL") },
		{ STR_INIT("oauthbearer"), STR_INIT("OAUTHBEARER") },
		{ STR_INIT("xoauth2"), STR_INIT("XOAUTH2") },
	};
	struct str auth = a->value[C_AUTH];
	bool token = str_eq(auth, STR("oauthbearer")) || str_eq(auth, STR("xoauth2"));
	size_t i = 0, count = sizeof ways / sizeof *ways;

	while (i < count && !str_eq(ways[i].theirs, auth))
		i++;
	if (i < count)
		rc_set(to, "auth", ways[i].ours);
	else if (auth.n > 0 && !str_eq(auth, STR("on")))
		rc_note(p->rc, a->line[C_AUTH], "auth %.*s is not taken over",
			STR_ARG(str_head(auth, 40)));
	if (a->value[C_USER].n > 0)
		rc_set(to, "user", a->value[C_USER]);
	if (a->value[C_PASSWORDEVAL].n > 0)
		rc_set(to, token ? "token_command" : "password_command", a->value[C_PASSWORDEVAL]);
	else if (a->value[C_PASSWORD].n > 0 && to->secret.len == 0)
		buf_put(&to->secret, a->value[C_PASSWORD]);
}

static void take_size(struct parse *p, const struct section *a, enum command c,
	struct rc_account *to, const char *setting)
{
	struct str value = a->value[c];
	char unit = value.n > 0 ? ascii_lower(value.p[value.n - 1]) : '\0';
	uint64_t number;
	char text[32];

	if (value.n == 0 || str_eq(value, STR("off")))
		return;
	if (unit == 'k' || unit == 'm')
		value.n--;
	if (!str_u64(value, &number) || number == 0) {
		rc_note(p->rc, a->line[c], "%s: %.*s is not taken over", setting,
			STR_ARG(str_head(a->value[c], 40)));
		return;
	}
	snprintf(text, sizeof text, "%llu%s", (unsigned long long)number,
		unit == 'k'   ? "K"
		: unit == 'm' ? "M"
			      : "");
	rc_set(to, setting, str_c(text));
}

static void take_delivery(struct parse *p, const struct section *a, struct rc_account *to)
{
	static const struct {
		struct str theirs;
		const char *ours;
	} ways[] = {
		{ STR_INIT("maildir"), "maildir:" },
		{ STR_INIT("mbox"), "mboxrd:" },
		{ STR_INIT("mda"), "command:" },
	};
	struct str rest = a->value[C_DELIVERY], way = str_cut(&rest, ' ');
	struct buf out = { 0 };
	char *path;

	rest = argument(rest);
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		if (!str_eq(way, ways[i].theirs) || (i == 2 && str_find(rest, '%') < rest.n))
			continue;
		path = rc_path(p->rc, rest);
		buf_printf(&out, "%s%s", ways[i].ours, path);
		rc_set(to, "delivery", buf_str(&out));
		free(path);
		buf_deinit(&out);
		return;
	}
	if (way.n > 0)
		rc_note(p->rc, a->line[C_DELIVERY],
			"delivery %.*s is not taken over: mail goes into the store",
			STR_ARG(str_head(a->value[C_DELIVERY], 100)));
}

/* "on", "off", or since 1.4.23 a time.  What is not understood deletes nothing. */
static void take_keep(struct parse *p, const struct section *a, struct rc_account *to)
{
	struct str value = a->value[C_KEEP];
	uint64_t number = 0, unit = str_ends(value, STR("d"))   ? 1
				    : str_ends(value, STR("w")) ? 7
								: 0;
	bool off = a->line[C_KEEP] == 0 || str_eq(value, STR("off"));
	char text[24];

	if (unit > 0 && str_u64(str_head(value, value.n - 1), &number) && number <= 36500 / unit) {
		snprintf(text, sizeof text, "%llu", (unsigned long long)(number * unit));
		rc_set(to, "keep", STR("days"));
		rc_set(to, "keep_days", str_c(text));
	} else {
		rc_set(to, "keep", off ? STR("delete") : STR("keep"));
		if (!off && !on(a, C_KEEP, false))
			rc_note(p->rc, a->line[C_KEEP],
				"keep %.*s is not taken over: all of it stays there, see keep_days",
				STR_ARG(str_head(value, 40)));
	}
	/* With keep, mpop only passes over what is larger. */
	if (off)
		take_size(p, a, C_KILLSIZE, to, "kill_size");
	else if (a->value[C_KILLSIZE].n > 0 && !str_eq(a->value[C_KILLSIZE], STR("off")))
		rc_note(p->rc, a->line[C_KILLSIZE],
			"killsize is not taken over: with keep nothing is to be deleted");
}

static void take_fetching(struct parse *p, const struct section *a, struct rc_account *to)
{
	struct str filter = a->value[C_FILTER], pipelining = a->value[C_PIPELINING];
	struct str file = a->line[C_UIDLS] != 0 ? a->value[C_UIDLS] : STR("~/.mpop_uidls/%U_at_%H");
	struct buf path = { 0 };

	take_keep(p, a, to);
	take_size(p, a, C_SKIPSIZE, to, "skip_size");
	take_delivery(p, a, to);
	if (filter.n > 0 && str_find(filter, '%') == filter.n)
		rc_set(to, "filter", filter);
	else if (filter.n > 0)
		rc_note(p->rc, a->line[C_FILTER],
			"filter is not taken over: %%F and %%S have no meaning here");
	if (pipelining.n > 0)
		rc_set(to, "pipelining", pipelining);
	for (size_t i = 0; i < file.n; i++) {
		bool marked = file.p[i] == '%' && i + 1 < file.n &&
			      (file.p[i + 1] == 'U' || file.p[i + 1] == 'H');

		if (!marked)
			buf_putc(&path, file.p[i]);
		else
			buf_put(&path, file.p[++i] == 'U' ? a->value[C_USER] : a->value[C_HOST]);
	}
	free(to->state_file);
	to->state_file = rc_path(p->rc, buf_str(&path));
	buf_deinit(&path);
}

static bool same(const char *ours, struct str theirs)
{
	return theirs.n > 0 && str_ieq(str_c(ours), theirs);
}

/* Whom a section of msmtp's belongs to. */
static struct rc_account *of_sender(struct rc *rc, const struct section *a)
{
	for (size_t i = 0; i < rc->count; i++)
		if (same(rc->accounts[i].address, a->value[C_FROM]) ||
			same(rc->accounts[i].user, a->value[C_USER]))
			return &rc->accounts[i];
	return NULL;
}

static struct str address_of(const struct section *a)
{
	struct str user = a->value[C_USER];

	if (a->value[C_FROM].n > 0)
		return a->value[C_FROM];
	return str_find(user, '@') < user.n ? user : STR("");
}

static void take_account(struct parse *p, const struct section *a)
{
	struct str address = address_of(a), timeout = a->value[C_TIMEOUT];
	struct rc_account *to = p->sends ? of_sender(p->rc, a) : NULL;
	bool joined = to != NULL;
	char text[32];
	uint64_t seconds;

	if (to == NULL)
		to = rc_add(p->rc, str_eq(a->name, STR("default")) ? a->value[C_HOST] : a->name);
	if (to == NULL)
		return;
	if (str_find(address, '*') < address.n) {
		rc_note(p->rc, a->line[C_FROM],
			"from %.*s is not taken over: one address is needed",
			STR_ARG(str_head(address, 60)));
		address = STR("");
	}
	if (to->address[0] == '\0' && address.n > 0) {
		free(to->address);
		to->address = str_dup_c(address);
		rc_set(to, "address", address);
	}
	take_tls(p, a, to);
	take_way(a, to);
	if (joined && !same(to->user, a->value[C_USER])) {
		rc_note(p->rc, a->line[C_USER], "user %.*s is not taken over: POP3 has %s",
			STR_ARG(str_head(a->value[C_USER], 60)), to->user);
	} else if (!joined) {
		take_login(p, a, to);
		free(to->user);
		to->user = str_dup_c(a->value[C_USER]);
	}
	if (!p->sends)
		take_fetching(p, a, to);
	if (timeout.n > 0 && str_u64(timeout, &seconds) && seconds > 0 && seconds <= 3600) {
		snprintf(text, sizeof text, "%us", (unsigned)seconds);
		rc_set(to, "timeout", str_c(text));
	}
}

/* "account default : freemail" is freemail once more. */
static bool is_again(const struct parse *p, size_t at)
{
	const struct section *a = &p->accounts[at];

	for (size_t i = 0; i < p->count; i++)
		if (i != at && (i < at || str_eq(a->name, STR("default"))) &&
			str_eq(p->accounts[i].value[C_HOST], a->value[C_HOST]) &&
			str_eq(p->accounts[i].value[C_USER], a->value[C_USER]) &&
			!str_eq(p->accounts[i].name, STR("default")))
			return true;
	return false;
}

void rc_mpop(struct rc *rc, struct str text, bool sends)
{
	struct parse p = { .rc = rc, .sends = sends };
	struct section *into = &p.defaults;

	for (size_t c = 0; c < C_KEPT; c++)
		p.defaults.value[c] = STR("");
	for (unsigned line = 1; text.n > 0; line++) {
		struct str row = str_cut(&text, '\n');

		if (str_ends(row, STR("\r")))
			row.n--;
		row = str_trim(row);
		if (row.n > 0 && row.p[0] != '#')
			take_line(&p, &into, row, line);
	}
	for (size_t i = 0; i < p.count; i++) {
		const struct section *a = &p.accounts[i];

		if (a->value[C_HOST].n == 0)
			rc_note(rc, a->at, "account %.*s has no host: not taken over",
				STR_ARG(str_head(a->name, 60)));
		else if (a->value[C_PROTOCOL].n > 0 && !str_eq(a->value[C_PROTOCOL], STR("smtp")))
			rc_note(rc, a->line[C_PROTOCOL], "protocol %.*s is not taken over",
				STR_ARG(str_head(a->value[C_PROTOCOL], 40)));
		else if (!is_again(&p, i))
			take_account(&p, a);
	}
	free(p.accounts);
}

/* " NUMBER HOST USER", then so many UIDLs; several of these. */
void rc_mpop_uidls(struct rc_account *a, struct str text)
{
	bool ours = false;

	while (text.n > 0) {
		struct str row = str_cut(&text, '\n');

		if (row.n == 0 || row.p[0] == '#')
			continue;
		if (row.p[0] != ' ') {
			if (ours)
				rc_seen(a, row, 0);
			continue;
		}
		row = str_from(row, 1);
		str_cut(&row, ' ');
		ours = str_ieq(str_cut(&row, ' '), str_c(a->pop3_host)) &&
		       str_eq(row, str_c(a->user));
	}
}
