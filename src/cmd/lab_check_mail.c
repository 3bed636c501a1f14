/* Checks of messages: size, line ends, TOP; and of bursts. */
#include "cmd/lab_check.h"

enum { LOOKED_AT = 10, LARGEST = 1024 * 1024, BURST = 8 };

/* Lines of the header, the empty one with it; all when there is none. */
static uint64_t header_lines(const struct pop_reply *r)
{
	struct str rest = buf_str(&r->body);
	uint64_t lines = 0;

	while (rest.n > 0) {
		lines++;
		if (str_eq(str_cut(&rest, '\n'), STR("\r")))
			break;
	}
	return lines;
}

static void one_message(
	struct checker *k, struct wire *w, uint64_t n, uint64_t size, uint64_t *body)
{
	struct pop_reply r = { 0 };

	if (pop_ask(w, &r, true, "RETR %llu", (unsigned long long)n) == POP_OK) {
		CHECK(k, CHECK_SIZE, r.octets == size, LEVEL_FAIL,
			"LIST says %llu octets of message %llu, RETR sends %llu",
			(unsigned long long)size, (unsigned long long)n,
			(unsigned long long)r.octets);
		CHECK(k, CHECK_LINES, !r.bare && !r.undotted, LEVEL_FAIL, "message %llu has %s",
			(unsigned long long)n,
			r.bare ? "lines that end with LF alone" : "a dot that is not doubled");
		*body = r.lines - header_lines(&r);
	} else {
		probe_say(k, CHECK_SIZE, LEVEL_FAIL, "RETR %llu is refused", (unsigned long long)n);
	}
	pop_reply_deinit(&r);
}

static void top(struct checker *k, struct wire *w, uint64_t n)
{
	struct pop_reply r = { 0 };
	uint64_t body;

	if (pop_ask(w, &r, true, "TOP %llu 0", (unsigned long long)n) != POP_OK) {
		probe_say(k, CHECK_TOP_ZERO,
			pop_offers(&k->capa, STR("TOP"), NULL) ? LEVEL_FAIL : LEVEL_WARN,
			"TOP is refused");
		pop_reply_deinit(&r);
		return;
	}
	body = r.lines - header_lines(&r);
	CHECK(k, CHECK_TOP_ZERO, body == 0, LEVEL_FAIL, "it has %llu lines of the body",
		(unsigned long long)body);
	if (pop_ask(w, &r, true, "TOP %llu 1", (unsigned long long)n) == POP_OK) {
		body = r.lines - header_lines(&r);
		CHECK(k, CHECK_TOP_LINES, body == 1, LEVEL_FAIL, "it has %llu lines of the body%s",
			(unsigned long long)body, body == 0 ? ": does the header count?" : "");
	}
	pop_reply_deinit(&r);
}

static void burst(struct checker *k, struct wire *w)
{
	struct buf all = { 0 };
	struct pop_reply r = { 0 };
	int answered = 0;

	if (!pop_offers(&k->capa, STR("PIPELINING"), NULL)) {
		probe_say(k, CHECK_PIPELINING, LEVEL_WARN, "not announced");
		return;
	}
	for (int i = 0; i < BURST; i++)
		buf_put(&all, STR("NOOP\r\n"));
	wire_send(w, buf_str(&all), WIRE_ALL);
	while (answered < BURST && pop_hear(w, &r, false) != POP_GONE)
		answered++;
	CHECK(k, CHECK_PIPELINING, answered == BURST, LEVEL_FAIL,
		"announced, but of %d commands %d are answered", BURST, answered);
	buf_deinit(&all);
	pop_reply_deinit(&r);
}

void probe_mail(struct checker *k, struct wire *w)
{
	struct str rest = buf_str(&k->listing.body), value;
	uint64_t n, size, bad = 0, body, with_body = 0;
	int looked = 0;

	while (looked < LOOKED_AT && w->end == WIRE_UP && probe_row(&rest, &n, &value, &bad)) {
		if (!str_u64(str_cut(&value, ' '), &size) || size > LARGEST)
			continue;
		looked++;
		body = 0;
		one_message(k, w, n, size, &body);
		if (with_body == 0 && body >= 2)
			with_body = n;
	}
	if (with_body > 0) {
		top(k, w, with_body);
	} else {
		probe_say(k, CHECK_TOP_ZERO, LEVEL_SKIP, "no message with two lines of a body");
		probe_say(k, CHECK_TOP_LINES, LEVEL_SKIP, "no message with two lines of a body");
	}
	if (looked == 0) {
		probe_say(k, CHECK_SIZE, LEVEL_SKIP, "no message");
		probe_say(k, CHECK_LINES, LEVEL_SKIP, "no message");
	}
	if (w->end == WIRE_UP)
		burst(k, w);
}
