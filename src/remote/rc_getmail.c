/* getmail's configuration: sections of "name = value", lines that go on are indented. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "remote/rc.h"

enum { VALUES = 40 };

enum how {
	H_TAKEN, /* somewhere below */
	H_QUIET, /* says nothing that would be missed */
	H_NONE,  /* there is no such thing here */
};

/* clang-format off */
static const struct {
	struct str section, name;
	enum how how;
} options[] = {
	{ STR_INIT("retriever"), STR_INIT("type"), H_TAKEN },
	{ STR_INIT("retriever"), STR_INIT("server"), H_TAKEN },
	{ STR_INIT("retriever"), STR_INIT("port"), H_TAKEN },
	{ STR_INIT("retriever"), STR_INIT("username"), H_TAKEN },
	{ STR_INIT("retriever"), STR_INIT("password"), H_TAKEN },
	{ STR_INIT("retriever"), STR_INIT("password_command"), H_TAKEN },
	{ STR_INIT("retriever"), STR_INIT("timeout"), H_TAKEN },
	{ STR_INIT("retriever"), STR_INIT("ca_certs"), H_TAKEN },
	{ STR_INIT("retriever"), STR_INIT("use_apop"), H_TAKEN },
	{ STR_INIT("retriever"), STR_INIT("use_xoauth2"), H_TAKEN },
	{ STR_INIT("retriever"), STR_INIT("ssl_fingerprints"), H_TAKEN },
	{ STR_INIT("retriever"), STR_INIT("delete_dup_msgids"), H_QUIET },
	{ STR_INIT("destination"), STR_INIT("type"), H_TAKEN },
	{ STR_INIT("destination"), STR_INIT("path"), H_TAKEN },
	{ STR_INIT("destination"), STR_INIT("arguments"), H_TAKEN },
	{ STR_INIT("options"), STR_INIT("delete"), H_TAKEN },
	{ STR_INIT("options"), STR_INIT("delete_after"), H_TAKEN },
	{ STR_INIT("options"), STR_INIT("max_message_size"), H_TAKEN },
	{ STR_INIT("options"), STR_INIT("read_all"), H_QUIET }, /* nothing is fetched twice */
	{ STR_INIT("options"), STR_INIT("verbose"), H_QUIET },
	{ STR_INIT("options"), STR_INIT("to_oldmail_on_each_mail"), H_QUIET },
	{ STR_INIT("options"), STR_INIT("delivered_to"), H_NONE },
	{ STR_INIT("options"), STR_INIT("received"), H_NONE },
};
/* clang-format on */

struct value {
	struct str section, name;
	struct buf text;
	unsigned line;
};

struct parse {
	struct rc *rc;
	struct value values[VALUES];
	size_t count;
};

static struct value *find(struct parse *p, struct str section, struct str name)
{
	for (size_t i = 0; i < p->count; i++)
		if (str_eq(p->values[i].section, section) && str_ieq(p->values[i].name, name))
			return &p->values[i];
	return NULL;
}

static struct str get(struct parse *p, struct str section, const char *name)
{
	struct value *v = find(p, section, str_c(name));

	return v == NULL ? STR("") : buf_str(&v->text);
}

static const struct str retriever = STR_INIT("retriever"), destination = STR_INIT("destination"),
			general = STR_INIT("options");

static unsigned line_of(struct parse *p, struct str section, const char *name)
{
	struct value *v = find(p, section, str_c(name));

	return v == NULL ? 0 : v->line;
}

static bool is_true(struct str s)
{
	return str_ieq(s, STR("true")) || str_ieq(s, STR("yes")) || str_ieq(s, STR("on")) ||
	       str_eq(s, STR("1"));
}

static void take_row(struct parse *p, struct str section, struct str row, unsigned line)
{
	struct value *v;
	size_t equals = str_find(row, '='), colon = str_find(row, ':'),
	       at = equals < colon ? equals : colon;

	if (at == row.n || p->count == VALUES) {
		rc_note(p->rc, line, "%.*s is not taken over",
			STR_ARG(str_head(row, at < 60 ? at : 60)));
		return;
	}
	v = &p->values[p->count++];
	*v = (struct value){
		.section = section, .name = str_trim(str_head(row, at)), .line = line
	};
	buf_put(&v->text, str_trim(str_from(row, at + 1)));
}

static void read_all(struct parse *p, struct str text)
{
	struct str section = STR("");

	for (unsigned line = 1; text.n > 0; line++) {
		struct str row = str_cut(&text, '\n'), inner;
		bool indented = row.n > 0 && (row.p[0] == ' ' || row.p[0] == '\t');

		if (str_ends(row, STR("\r")))
			row.n--;
		inner = str_trim(row);
		if (inner.n == 0 || inner.p[0] == '#' || inner.p[0] == ';')
			continue;
		if (indented && p->count > 0) {
			buf_putc(&p->values[p->count - 1].text, ' ');
			buf_put(&p->values[p->count - 1].text, inner);
		} else if (inner.p[0] == '[') {
			section = str_head(str_from(inner, 1), str_find(inner, ']') - 1);
		} else {
			take_row(p, section, inner, line);
		}
	}
}

/* ("program", "argument", ...) as a line for the shell; false: it is none.  first: a program that goes before. */
static bool command_line(struct str tuple, struct str first, struct buf *out)
{
	char quote = '\0';
	bool any = first.n > 0;

	buf_put(out, first);
	for (size_t i = 0; i < tuple.n; i++) {
		char c = tuple.p[i];

		if (quote == '\0' && (c == '"' || c == '\'')) {
			buf_put(out, any ? STR(" '") : STR("'"));
			quote = c;
			any = true;
		} else if (quote == c) {
			buf_putc(out, '\'');
			quote = '\0';
		} else if (quote != '\0' && c == '\\' && i + 1 < tuple.n) {
			buf_putc(out, tuple.p[++i]);
		} else if (quote != '\0' && c == '\'') {
			buf_put(out, STR("'\\''"));
		} else if (quote != '\0') {
			buf_putc(out, c);
		}
	}
	return any && quote == '\0' && !out->full;
}

static void take_secret(struct parse *p, struct rc_account *a)
{
	struct str tuple = get(p, retriever, "password_command");
	bool token = is_true(get(p, retriever, "use_xoauth2"));
	struct buf line = { 0 };

	buf_put(&a->secret, get(p, retriever, "password"));
	if (token)
		rc_set(a, "auth", STR("XOAUTH2"));
	else if (is_true(get(p, retriever, "use_apop")))
		rc_set(a, "auth", STR("APOP"));
	if (tuple.n > 0 && command_line(tuple, STR(""), &line))
		rc_set(a, token ? "token_command" : "password_command", buf_str(&line));
	else if (tuple.n > 0)
		rc_note(p->rc, line_of(p, retriever, "password_command"),
			"password_command is not taken over: it is no list of words");
	buf_deinit(&line);
}

static void take_destination(struct parse *p, struct rc_account *a)
{
	struct str type = get(p, destination, "type"), path = get(p, destination, "path"),
		   arguments = get(p, destination, "arguments");
	struct buf out = { 0 };
	char *whole = rc_path(p->rc, path);

	if (str_eq(type, STR("Maildir")))
		buf_printf(&out, "maildir:%s", whole);
	else if (str_eq(type, STR("Mboxrd")))
		buf_printf(&out, "mboxrd:%s", whole);
	else if (str_eq(type, STR("MDA_external")) && str_find(arguments, '%') == arguments.n) {
		buf_put(&out, STR("command:"));
		if (!command_line(arguments, str_c(whole), &out))
			buf_clear(&out);
	}
	if (out.len > 0)
		rc_set(a, "delivery", buf_str(&out));
	else
		rc_note(p->rc, line_of(p, destination, "type"),
			"destination %.*s is not taken over: mail goes into the store",
			STR_ARG(str_head(type, 60)));
	buf_deinit(&out);
	free(whole);
}

static void take_options(struct parse *p, struct rc_account *a)
{
	struct str after = get(p, general, "delete_after"),
		   most = get(p, general, "max_message_size"),
		   timeout = get(p, retriever, "timeout");
	uint64_t days, seconds;
	char text[32];

	rc_set(a, "keep", is_true(get(p, general, "delete")) ? STR("delete") : STR("keep"));
	if (str_u64(after, &days) && days > 0 && days <= 36500 &&
		!is_true(get(p, general, "delete"))) {
		rc_set(a, "keep", STR("days"));
		rc_set(a, "keep_days", after);
	}
	if (most.n > 0 && !str_eq(most, STR("0")))
		rc_set(a, "skip_size", most);
	if (str_u64(timeout, &seconds) && seconds > 0 && seconds <= 3600) {
		snprintf(text, sizeof text, "%us", (unsigned)seconds);
		rc_set(a, "timeout", str_c(text));
	}
}

static void note_others(struct parse *p)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct value *v = &p->values[i];
		enum how how = H_NONE;

		for (size_t k = 0; k < sizeof options / sizeof *options; k++)
			if (str_eq(options[k].section, v->section) &&
				str_ieq(options[k].name, v->name))
				how = options[k].how;
		if (how == H_NONE)
			rc_note(p->rc, v->line, "[%.*s] %.*s is not taken over",
				STR_ARG(str_head(v->section, 30)), STR_ARG(str_head(v->name, 60)));
	}
}

/* What getmail calls it is taken apart: "SimplePOP3SSLRetriever". */
static const char *tls_of(struct parse *p)
{
	struct str type = get(p, retriever, "type");
	unsigned line = line_of(p, retriever, "type");
	bool simple = str_starts(type, STR("SimplePOP3")),
	     broken = str_starts(type, STR("BrokenUIDLPOP3"));

	if (!simple && !broken) {
		rc_note(p->rc, line, "the type %.*s is not taken over: only POP3 of one mailbox",
			STR_ARG(str_head(type, 60)));
		return NULL;
	}
	if (broken)
		rc_note(p->rc, line,
			"what was fetched is not known by UIDLs: it will come once more");
	if (str_ends(type, STR("SSLRetriever")))
		return "implicit";
	rc_note(p->rc, line, "%.*s: STLS is demanded here", STR_ARG(type));
	return "starttls";
}

/* The same characters as there: [/\:;<>|]+ becomes "-". */
static void name_state(struct rc_account *a)
{
	struct buf name = { 0 };
	bool implicit = false;

	for (size_t i = 0; i < a->count; i++)
		implicit |= str_eq(str_c(a->settings[i].value), STR("implicit"));
	buf_printf(&name, "oldmail-%s-%llu-%s", a->pop3_host,
		(unsigned long long)(a->port != 0 ? a->port
				     : implicit   ? 995
						  : 110),
		a->user);
	free(a->state_file);
	a->state_file = mem_zalloc(name.len + 1);
	for (size_t i = 0, n = 0; i < name.len; i++) {
		bool odd = str_find(STR("/\\:;<>|"), buf_str(&name).p[i]) < 7;

		if (!odd)
			a->state_file[n++] = buf_str(&name).p[i];
		else if (i == 0 || str_find(STR("/\\:;<>|"), buf_str(&name).p[i - 1]) == 7)
			a->state_file[n++] = '-';
	}
	buf_deinit(&name);
}

static void take_account(struct parse *p, const char *tls)
{
	struct str user = get(p, retriever, "username"), host = get(p, retriever, "server"),
		   roots = get(p, retriever, "ca_certs"),
		   prints = get(p, retriever, "ssl_fingerprints");
	struct rc_account *a = rc_add(p->rc, host);
	uint64_t port = 0;
	char *path;

	if (a == NULL)
		return;
	(void)str_u64(get(p, retriever, "port"), &port);
	if (str_find(user, '@') < user.n) {
		free(a->address);
		a->address = str_dup_c(user);
		rc_set(a, "address", user);
	}
	rc_server(a, false, host, port <= 65535 ? port : 0, tls);
	rc_set(a, "user", user);
	free(a->user);
	a->user = str_dup_c(user);
	if (roots.n > 0) {
		path = rc_path(p->rc, roots);
		rc_set(a, "ca_file", str_c(path));
		free(path);
	}
	if (prints.n > 0)
		rc_note(p->rc, line_of(p, retriever, "ssl_fingerprints"),
			"ssl_fingerprints is not taken over: set fingerprint to one of them");
	take_secret(p, a);
	take_destination(p, a);
	take_options(p, a);
	name_state(a);
}

void rc_getmail(struct rc *rc, struct str text)
{
	struct parse *p = NEW(struct parse);
	const char *tls;

	p->rc = rc;
	read_all(p, text);
	tls = tls_of(p);
	if (tls != NULL && get(p, retriever, "server").n == 0)
		rc_note(rc, 0, "[retriever] has no server: not taken over");
	else if (tls != NULL)
		take_account(p, tls);
	note_others(p);
	for (size_t i = 0; i < p->count; i++)
		buf_wipe(&p->values[i].text);
	free(p);
}

/* "UIDL", a NUL, seconds since 1970. */
void rc_getmail_oldmail(struct rc_account *a, struct str text)
{
	while (text.n > 0) {
		struct str row = str_cut(&text, '\n'), uidl = str_cut(&row, '\0');
		uint64_t seconds;

		if (str_u64(row, &seconds) && seconds < UINT64_C(1) << 40)
			rc_seen(a, uidl, seconds * 1000);
	}
}
