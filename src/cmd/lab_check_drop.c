/* Checks of the maildrop as a whole: STAT, LIST, UIDL, and numbers that no message has. */
#include "cmd/lab_check.h"

enum { UIDL_MAX = 70, PREFIX_LEAST = 5, SUSPECT = 250 };

/* The first 250, 500 or 1000 are perhaps not all: WildDuck shows 250 and says nothing of the rest. */
static bool suspicious(uint64_t count)
{
	return count == SUSPECT || count == 2 * SUSPECT || count == 4 * SUSPECT;
}

static void stat_and_list(struct checker *k, struct wire *w)
{
	struct pop_reply r = { 0 };
	struct str words, rest, value, one;
	uint64_t n, size, sum = 0, rows = 0, bad = 0;
	bool dense = true;

	pop_ask(w, &r, false, "STAT");
	words = str_from(buf_str(&r.text), 4);
	if (!str_u64(str_cut(&words, ' '), &k->count) || !str_u64(str_cut(&words, ' '), &k->octets))
		probe_say(k, CHECK_STAT, LEVEL_FAIL, "STAT does not tell two numbers");
	pop_ask(w, &k->listing, true, "LIST");
	rest = buf_str(&k->listing.body);
	while (probe_row(&rest, &n, &value, &bad)) {
		dense = dense && n == ++rows;
		if (str_u64(str_cut(&value, ' '), &size))
			sum += size;
		else
			bad++;
	}
	CHECK(k, CHECK_STAT, rows == k->count && sum == k->octets, LEVEL_FAIL,
		"STAT %llu %llu, LIST %llu messages of %llu octets", (unsigned long long)k->count,
		(unsigned long long)k->octets, (unsigned long long)rows, (unsigned long long)sum);
	CHECK(k, CHECK_LIST, dense && bad == 0, LEVEL_FAIL, "%s",
		bad > 0 ? "LIST has rows that are none" : "the numbers are not 1, 2, 3 ...");
	CHECK(k, CHECK_ALL_SHOWN, !suspicious(rows), LEVEL_WARN,
		"exactly %llu messages: are there more?", (unsigned long long)rows);
	if (rows > 0 && probe_find(&k->listing, 1, &value)) {
		pop_ask(w, &r, false, "LIST 1");
		one = str_from(buf_str(&r.text), 4);
		CHECK(k, CHECK_LIST,
			r.kind == POP_OK && str_starts(one, STR("1 ")) &&
				str_starts(str_from(one, 2), str_cut(&value, ' ')),
			LEVEL_FAIL, "LIST 1 is not the row of LIST");
	}
	pop_reply_deinit(&r);
}

static bool good_uidl(struct str uidl)
{
	for (size_t i = 0; i < uidl.n; i++)
		if (uidl.p[i] < '!' || uidl.p[i] > '~')
			return false;
	return uidl.n > 0 && uidl.n <= UIDL_MAX;
}

static bool all_digits(struct str s)
{
	size_t i = 0;

	while (i < s.n && ascii_digit(s.p[i]))
		i++;
	return i == s.n;
}

static size_t common(struct str a, struct str b)
{
	size_t i = 0;

	while (i < a.n && i < b.n && a.p[i] == b.p[i])
		i++;
	return i;
}

/* Two of the same stand side by side once they are sorted; here n is small enough to compare all. */
static void uidl_rows(struct checker *k)
{
	enum { COMPARED_MAX = 3000 };
	struct str rest = buf_str(&k->uidls.body), all = rest, first = STR(""), uidl, other;
	struct str listed = buf_str(&k->listing.body);
	uint64_t n, m, rows = 0, bad = 0, wrong = 0, twice = 0;
	bool digits = true;
	size_t prefix = SIZE_MAX;
	char text[100];

	while (probe_row(&rest, &n, &uidl, &bad)) {
		struct str behind = rest;

		rows++;
		wrong += !probe_row(&listed, &m, &other, &bad) || m != n;
		CHECK(k, CHECK_UIDL_FORM, good_uidl(uidl), LEVEL_FAIL, "%s",
			probe_text(uidl, text));
		digits = digits && all_digits(uidl);
		first = rows == 1 ? uidl : first;
		prefix = common(first, uidl) < prefix ? common(first, uidl) : prefix;
		for (int i = 0; i < COMPARED_MAX && rows <= COMPARED_MAX &&
				probe_row(&behind, &m, &other, &bad);
			i++)
			twice += str_eq(uidl, other);
	}
	bad = 0;
	while (probe_row(&all, &n, &uidl, &bad))
		continue;
	CHECK(k, CHECK_UIDL, rows == k->count && wrong == 0 && bad == 0, LEVEL_FAIL,
		"%llu rows of UIDL for %llu messages, %llu of them strange",
		(unsigned long long)rows, (unsigned long long)k->count,
		(unsigned long long)(wrong + bad));
	CHECK(k, CHECK_UIDL_UNIQUE, twice == 0, LEVEL_FAIL, "%llu are there more than once",
		(unsigned long long)twice);
	/* 1234567 and 1 give the same as 123456 and 71. */
	CHECK(k, CHECK_UIDL_TWO_NUMBERS,
		rows < 2 || !digits || prefix < PREFIX_LEAST || prefix == first.n, LEVEL_WARN,
		"they look like two numbers without anything between: %s", probe_text(first, text));
}

static void unique_ids(struct checker *k, struct wire *w)
{
	struct pop_reply r = { 0 };
	struct str value, one;

	if (pop_ask(w, &k->uidls, true, "UIDL") != POP_OK) {
		probe_say(k, CHECK_UIDL, LEVEL_WARN, "there is no UIDL");
		return;
	}
	uidl_rows(k);
	if (probe_find(&k->uidls, 1, &value)) {
		pop_ask(w, &r, false, "UIDL 1");
		one = str_from(buf_str(&r.text), 4);
		CHECK(k, CHECK_UIDL,
			r.kind == POP_OK && str_starts(one, STR("1 ")) &&
				str_eq(str_trim(str_from(one, 2)), value),
			LEVEL_FAIL, "UIDL 1 is not the row of UIDL");
	}
	pop_reply_deinit(&r);
}

/* Is `what` refused, whatever the command? */
static void refused(struct checker *k, struct wire *w, enum check_id id, const char *number)
{
	static const struct {
		const char *verb, *rest;
		bool many;
	} asks[] = {
		{ "LIST", "", false },
		{ "UIDL", "", false },
		{ "RETR", "", true },
		{ "TOP", " 0", true },
	};
	struct pop_reply r = { 0 };

	for (size_t i = 0; i < sizeof asks / sizeof *asks && w->end == WIRE_UP; i++) {
		pop_ask(w, &r, asks[i].many, "%s %s%s", asks[i].verb, number, asks[i].rest);
		CHECK(k, id, r.kind == POP_ERR, LEVEL_FAIL, "%s %s%s: %s", asks[i].verb, number,
			asks[i].rest, r.kind == POP_OK ? "+OK" : "no -ERR");
	}
	pop_reply_deinit(&r);
}

void probe_maildrop(struct checker *k, struct wire *w)
{
	char beyond[32];
	struct pop_reply r = { 0 };

	stat_and_list(k, w);
	unique_ids(k, w);
	refused(k, w, CHECK_NUMBER_ZERO, "0");
	snprintf(beyond, sizeof beyond, "%llu", (unsigned long long)k->count + 1);
	refused(k, w, CHECK_NUMBER_ODD, beyond);
	refused(k, w, CHECK_NUMBER_ODD, "4294967297"); /* 1, when it is cut to 32 bits */
	refused(k, w, CHECK_NUMBER_ODD, "-1");
	CHECK(k, CHECK_CASE, pop_ask(w, &r, false, "noop") == POP_OK, LEVEL_FAIL,
		"noop is refused");
	pop_reply_deinit(&r);
}
