#include "reader/query.h"

#include "mime/mbox.h"
#include "reader/entry.h"

enum { TERMS_MAX = 64 };

/* The columns of the full-text table that a prefix means. */
static const struct {
	struct str prefix;
	const char *columns;
} columns[] = {
	{ STR_INIT("from:"), "sender" },
	{ STR_INIT("to:"), "recipients" },
	{ STR_INIT("subject:"), "subject" },
	{ STR_INIT("body:"), "body" },
	{ STR_INIT("with:"), "{sender recipients}" },
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* The next term: what stands before a colon, and a word or a phrase. */
static bool cut_term(struct str *s, struct str *prefix, struct str *value, struct err *err)
{
	size_t n = 0;

	while (s->n > 0 && is_blank(s->p[0]))
		*s = str_from(*s, 1);
	while (n < s->n && !is_blank(s->p[n]) && s->p[n] != ':' && s->p[n] != '"')
		n++;
	*prefix = str_head(*s, n < s->n && s->p[n] == ':' ? n + 1 : 0);
	*s = str_from(*s, prefix->n);
	n = 0;
	if (s->n > 0 && s->p[0] == '"') {
		*s = str_from(*s, 1);
		n = str_find(*s, '"');
		*value = str_head(*s, n);
		if (n == s->n) {
			err_set(err, ST_USAGE, "a quotation mark is not closed");
			return false;
		}
		*s = str_from(*s, n + 1);
		return true;
	}
	while (n < s->n && !is_blank(s->p[n]))
		n++;
	*value = str_head(*s, n);
	*s = str_from(*s, n);
	return prefix->n + n > 0;
}

/* As a phrase of FTS5: nothing in it is an operator. */
static void put_match(struct library_query *q, const char *in, struct str value)
{
	struct buf text = { 0 };
	bool beginning = value.n > 1 && value.p[value.n - 1] == '*';
	struct str s;

	if (beginning)
		value.n--;
	entry_index_text(&text, value);
	s = str_trim(buf_str(&text));
	buf_put(&q->match, q->match.len > 0 ? STR(" AND ") : STR(""));
	if (in != NULL)
		buf_printf(&q->match, "%s : ", in);
	buf_putc(&q->match, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			buf_putc(&q->match, '"');
		buf_putc(&q->match, s.p[i] == '\0' ? ' ' : s.p[i]);
	}
	buf_put(&q->match, beginning ? STR("\" *") : STR("\""));
	buf_deinit(&text);
}

static enum status take_word(
	struct library_query *q, struct str prefix, struct str value, struct err *err)
{
	static const struct {
		struct str prefix, value;
		size_t at;
	} flags[] = {
		{ STR_INIT("has:"), STR_INIT("attachment"),
			offsetof(struct library_query, attachment) },
		{ STR_INIT("is:"), STR_INIT("marked"), offsetof(struct library_query, marked) },
		{ STR_INIT("is:"), STR_INIT("unseen"), offsetof(struct library_query, unseen) },
	};
	bool known = false;

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		known |= str_eq(flags[i].prefix, prefix);
		if (str_eq(flags[i].prefix, prefix) && str_eq(flags[i].value, value)) {
			*(bool *)(void *)((char *)q + flags[i].at) = true;
			return ST_OK;
		}
	}
	return known ? err_set(err, ST_USAGE,
			       "'%.*s%.*s': there is has:attachment, is:marked and is:unseen",
			       STR_ARG(prefix), STR_ARG(str_head(value, 40)))
		     : err_set(err, ST_USAGE,
			       "'%.*s' is none of from: to: with: subject: body: after: before: "
			       "has: is: "
			       "account:",
			       STR_ARG(str_head(prefix, 40)));
}

static enum status take_day(int64_t *ms, struct str prefix, struct str value, struct err *err)
{
	if (date_day(value, ms))
		return ST_OK;
	return err_set(err, ST_USAGE, "'%.*s%.*s': a day is written 2026-01-31", STR_ARG(prefix),
		STR_ARG(str_head(value, 40)));
}

static enum status take_term(
	struct library_query *q, struct str prefix, struct str value, struct err *err)
{
	if (prefix.n > 0 && value.n == 0)
		return err_set(err, ST_USAGE, "'%.*s' needs something behind it", STR_ARG(prefix));
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		if (str_eq(columns[i].prefix, prefix)) {
			put_match(q, columns[i].columns, value);
			return ST_OK;
		}
	if (str_eq(prefix, STR("after:")))
		return take_day(&q->after_ms, prefix, value, err);
	if (str_eq(prefix, STR("before:")))
		return take_day(&q->before_ms, prefix, value, err);
	if (str_eq(prefix, STR("account:"))) {
		buf_clear(&q->account);
		buf_put(&q->account, value);
		return ST_OK;
	}
	if (prefix.n > 0)
		return take_word(q, prefix, value, err);
	put_match(q, NULL, value);
	return ST_OK;
}

enum status query_parse(struct library_query *q, struct str text, struct err *err)
{
	struct err why = { ST_OK, "" };
	struct str prefix, value;
	enum status status = str_utf8(text) ? ST_OK : err_set(&why, ST_USAGE, "it is not UTF-8");
	int terms = 0;

	*q = (struct library_query){ .after_ms = 0 };
	while (status == ST_OK && cut_term(&text, &prefix, &value, &why))
		status = ++terms > TERMS_MAX
				 ? err_set(&why, ST_USAGE, "more than %d words", (int)TERMS_MAX)
				 : take_term(q, prefix, value, &why);
	return why.code == ST_OK ? ST_OK : err_set(err, why.code, "%s", why.text);
}

void library_query_deinit(struct library_query *q)
{
	buf_deinit(&q->match);
	buf_deinit(&q->account);
}
