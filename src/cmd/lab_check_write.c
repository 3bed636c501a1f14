/* Checks of DELE and RSET.  Every mark is taken back, and no session that had one ends with QUIT; with --write one
 * is left to be dropped with the connection. */
#include "cmd/lab_check.h"

static void marked_one(struct checker *k, struct wire *w)
{
	static const struct {
		const char *line;
		bool many;
	} asks[] = {
		{ "LIST 1", false },
		{ "UIDL 1", false },
		{ "RETR 1", true },
		{ "TOP 1 0", true },
	};
	struct pop_reply r = { 0 };

	for (size_t i = 0; i < sizeof asks / sizeof *asks; i++)
		CHECK(k, CHECK_DELE_ONE,
			pop_ask(w, &r, asks[i].many, "%s", asks[i].line) == POP_ERR, LEVEL_FAIL,
			"%s is answered", asks[i].line);
	CHECK(k, CHECK_DELE, pop_ask(w, &r, false, "DELE 1") == POP_ERR, LEVEL_FAIL,
		"a second DELE of the same is taken");
	pop_reply_deinit(&r);
}

static uint64_t rows_of(const struct pop_reply *r, uint64_t *first, uint64_t *last)
{
	struct str rest = buf_str(&r->body), value;
	uint64_t n, rows = 0, bad = 0;

	*first = *last = 0;
	while (probe_row(&rest, &n, &value, &bad)) {
		*first = rows == 0 ? n : *first;
		*last = n;
		rows++;
	}
	return rows;
}

/* Message 1 is marked: what of the others? */
static void marked_all(struct checker *k, struct wire *w)
{
	struct pop_reply r = { 0 };
	uint64_t first, last, rows, count = 0;
	struct str words, before = STR(""), now = STR("");

	pop_ask(w, &r, true, "LIST");
	rows = rows_of(&r, &first, &last);
	CHECK(k, CHECK_DELE_LIST, rows == k->count - 1, LEVEL_FAIL, "LIST has %llu rows of %llu",
		(unsigned long long)rows, (unsigned long long)k->count);
	if (rows == k->count - 1)
		CHECK(k, CHECK_DELE_NUMBERS, first == 2 && last == k->count, LEVEL_FAIL,
			"LIST goes from %llu to %llu after DELE 1", (unsigned long long)first,
			(unsigned long long)last);
	pop_ask(w, &r, true, "UIDL");
	rows = rows_of(&r, &first, &last);
	CHECK(k, CHECK_DELE_UIDL, rows == k->count - 1, LEVEL_FAIL, "UIDL has %llu rows of %llu",
		(unsigned long long)rows, (unsigned long long)k->count);
	if (probe_find(&k->uidls, 2, &before))
		CHECK(k, CHECK_DELE_NUMBERS, probe_find(&r, 2, &now) && str_eq(before, now),
			LEVEL_FAIL, "message 2 has the UIDL of another after DELE 1");
	pop_ask(w, &r, false, "STAT");
	words = str_from(buf_str(&r.text), 4);
	CHECK(k, CHECK_DELE_STAT, str_u64(str_cut(&words, ' '), &count) && count == k->count - 1,
		LEVEL_FAIL, "STAT says %llu messages of %llu", (unsigned long long)count,
		(unsigned long long)k->count);
	pop_reply_deinit(&r);
}

static void marks(struct checker *k, struct wire *w)
{
	struct pop_reply r = { 0 };
	uint64_t first, last;

	CHECK(k, CHECK_NUMBER_ZERO, pop_ask(w, &r, false, "DELE 0") == POP_ERR, LEVEL_FAIL,
		"DELE 0 is taken");
	if (r.kind == POP_OK)
		pop_ask(w, &r, false, "RSET");
	CHECK(k, CHECK_DELE, pop_ask(w, &r, false, "DELE 1") == POP_OK, LEVEL_FAIL,
		"DELE 1 is refused");
	if (r.kind == POP_OK) {
		marked_all(k, w);
		marked_one(k, w);
	}
	pop_ask(w, &r, false, "RSET");
	CHECK(k, CHECK_RSET, r.kind == POP_OK, LEVEL_FAIL, "RSET is refused");
	pop_ask(w, &r, true, "LIST");
	CHECK(k, CHECK_RSET, rows_of(&r, &first, &last) == k->count, LEVEL_FAIL,
		"LIST has not all messages again");
	if (cmd_has(k->c, OPTION_WRITE))
		pop_ask(w, &r, false, "DELE 1"); /* and no QUIT */
	pop_reply_deinit(&r);
}

/* What was marked when the connection broke is there again (RFC 1939 6). */
static void after_drop(struct checker *k, struct err *err)
{
	struct wire w;
	struct pop_reply r = { 0 };
	struct str before, now;

	if (!probe_login(k, &w, err)) {
		probe_drop(k, &w);
		return;
	}
	if (probe_find(&k->uidls, 1, &before)) {
		pop_ask(&w, &r, true, "UIDL");
		CHECK(k, CHECK_DELE_DROP, probe_find(&r, 1, &now) && str_eq(before, now),
			LEVEL_FAIL, "message 1 is gone");
	}
	pop_reply_deinit(&r);
	probe_leave(k, &w);
}

void probe_deleting(struct checker *k)
{
	struct wire w;
	struct err err = { ST_OK, "" };
	bool there, counted = k->found[CHECK_STAT].level != LEVEL_FAIL;

	if (k->count < 2 || !counted) {
		for (int i = CHECK_DELE; i < CHECK_COUNT; i++)
			probe_say(k, (enum check_id)i, LEVEL_SKIP,
				counted ? "there are not two messages"
					: "STAT and LIST do not agree");
		return;
	}
	there = probe_login(k, &w, &err);
	if (there)
		marks(k, &w);
	probe_drop(k, &w);
	if (there && cmd_has(k->c, OPTION_WRITE))
		after_drop(k, &err);
	if (err.code != ST_OK)
		probe_say(k, CHECK_DELE_DROP, LEVEL_SKIP, "%s", err.text);
}
