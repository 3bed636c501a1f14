/* restante provider: what is known of mail providers. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/provider.h"
#include "remote/provider.h"

enum { LOCAL_MAX = 1024 * 1024 };

/* <state>/providers.tsv; "" when it is not there. */
static enum status read_local(const struct cmd *c, struct buf *text, struct err *err)
{
	enum status status = ST_OK;
	ssize_t got = 1;
	char *path;
	int fd;

	buf_init(text, LOCAL_MAX);
	if (asprintf(&path, "%s/providers.tsv", c->state) < 0)
		abort();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT && errno != EACCES)
		status = err_set(err, ST_IO, "open %s: %s", path, strerror(errno));
	while (fd >= 0 && got > 0 && !text->full) {
		char *room = buf_reserve(text, 4096);

		got = room == NULL ? 0 : read(fd, room, 4096);
		if (got > 0)
			buf_grew(text, (size_t)got);
	}
	if (got < 0)
		status = err_set(err, ST_IO, "read %s: %s", path, strerror(errno));
	if (text->full)
		status = err_set(err, ST_LIMIT, "%s is longer than %d octets", path, LOCAL_MAX);
	if (fd >= 0)
		close(fd);
	free(path);
	return status;
}

int cmd_providers(struct cmd *c, struct buf *text)
{
	struct err err = { 0 };
	struct provider p;
	struct str rest;
	unsigned line = 0;
	enum status status;

	if (read_local(c, text, &err) != ST_OK)
		return cmd_fail_err(c, &err);
	rest = buf_str(text);
	while ((status = provider_cut(&rest, &line, &p, &err)) == ST_OK)
		continue;
	if (status != ST_NOTFOUND)
		return cmd_fail(c, EX_CONFIG, "%s/%s", c->state, err.text);
	text->max = 0;
	buf_putc(text, '\n');
	buf_put(text, provider_builtin());
	return EX_OK;
}

static json_t *json_words(struct str list, char separator)
{
	json_t *all = json_array();

	while (list.n > 0) {
		struct str one = str_cut(&list, separator);

		json_array_append_new(all, json_stringn(one.p, one.n));
	}
	return all;
}

static json_t *json_word(const char *words, unsigned n)
{
	struct str rest = str_c(words), word = str_cut(&rest, ' ');

	while (n-- > 0)
		word = str_cut(&rest, ' ');
	return json_stringn(word.p, word.n);
}

static json_t *json_service(const struct provider_service *s, struct str domain)
{
	struct buf host = { 0 };
	json_t *o;

	if (s->host.n == 0)
		return json_null();
	provider_host(&host, s, domain);
	o = json_pack("{s:s#, s:i, s:o}", "host", host.data, (int)host.len, "port", (int)s->port,
		"tls", json_word(provider_tls_words, s->tls));
	buf_deinit(&host);
	return o;
}

/* domain: of the address that was asked for; "": its first one. */
static json_t *provider_row(const struct provider *p, struct str domain)
{
	struct str rest = p->domains, first = str_cut(&rest, ',');

	if (domain.n == 0)
		domain = first;
	return json_pack("{s:s#, s:o, s:o, s:o, s:s, s:o, s:o, s:s#, s:s#}", "id", p->id.p,
		(int)p->id.n, "domains", json_words(p->domains, ','), "pop3",
		json_service(&p->pop3, domain), "smtp", json_service(&p->smtp, domain), "user",
		p->localpart ? "localpart" : "address", "login", json_words(p->login, '|'),
		"status", json_word(provider_status_words, p->status), "since", p->since.p,
		(int)p->since.n, "notes", p->notes.p, (int)p->notes.n);
}

/* A line of a listing has one text for a server: "pop.example.org:995 implicit". */
static void flatten(json_t *row, const char *key)
{
	json_t *s = json_object_get(row, key);

	json_object_set_new(row, key,
		json_is_null(s)
			? json_string("-")
			: json_sprintf("%s:%d %s", json_string_value(json_object_get(s, "host")),
				  (int)json_integer_value(json_object_get(s, "port")),
				  json_string_value(json_object_get(s, "tls"))));
}

int cmd_provider_list(struct cmd *c)
{
	static const struct column columns[] = {
		{ "id", "PROVIDER", false },
		{ "pop3", "POP3", false },
		{ "smtp", "SMTP", false },
		{ "login", "LOGIN", false },
		{ "status", "STATUS", false },
	};
	struct buf text;
	struct str rest;
	struct provider p;
	unsigned line = 0;
	json_t *rows;
	int code = cmd_providers(c, &text);

	rest = buf_str(&text);
	rows = json_array();
	while (code == EX_OK && provider_cut(&rest, &line, &p, NULL) == ST_OK) {
		json_t *row = provider_row(&p, STR(""));

		if (!cmd_has(c, OPTION_JSON)) {
			flatten(row, "pop3");
			flatten(row, "smtp");
		}
		json_array_append_new(rows, row);
	}
	if (code == EX_OK) {
		output_rows(c, rows, columns, sizeof columns / sizeof *columns);
		code = output_end(c);
	}
	json_decref(rows);
	buf_deinit(&text);
	return code;
}

static void print_one(json_t *row)
{
	static const char *const keys[] = { "id", "domains", "pop3", "smtp", "user", "login",
		"status", "since", "notes" };

	flatten(row, "pop3");
	flatten(row, "smtp");
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const json_t *v = json_object_get(row, keys[i]), *one;
		size_t k;

		if (json_is_string(v) && json_string_length(v) == 0)
			continue;
		printf("%-8s", keys[i]);
		if (json_is_string(v))
			printf(" %s", json_string_value(v));
		json_array_foreach(v, k, one) printf(" %s", json_string_value(one));
		putchar('\n');
	}
}

int cmd_provider_show(struct cmd *c)
{
	struct str asked = str_c(c->args[0]), domain = asked;
	struct provider p;
	struct buf text;
	json_t *row;
	int code = cmd_providers(c, &text);

	if (str_find(asked, '@') < asked.n)
		domain = str_from(asked, str_rfind(asked, '@') + 1);
	if (code == EX_OK && !provider_find(buf_str(&text), domain, &p))
		code = cmd_fail(c, EX_UNAVAILABLE, "nothing is known of %.200s", c->args[0]);
	if (code == EX_OK) {
		row = provider_row(&p, str_ieq(domain, p.id) ? STR("") : domain);
		if (cmd_has(c, OPTION_JSON)) {
			json_dumpf(row, stdout, JSON_INDENT(1));
			putchar('\n');
		} else {
			print_one(row);
		}
		json_decref(row);
		code = output_end(c);
	}
	buf_deinit(&text);
	return code;
}
