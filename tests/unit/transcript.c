#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "unit/transcript.h"

enum cutting { CUT_WHOLE, CUT_OCTETS, CUT_RANDOM };

enum { RANDOM_RUNS = 20 };

struct replay {
	const struct transcript_engine *engine;
	const char *file;
	size_t line_number;
	enum cutting cutting;
	uint64_t seed;
	void *e;
	bool started;
	enum transcript_turn turn;
	struct buf pending; /* sent by the C side, not put in yet */
	struct buf out;     /* came out, not expected yet */
	int64_t now_ms;
	bool whole_only;
	bool failed;
};

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void complain(struct replay *r, const char *what, struct str text)
{
	static const char *const cuttings[] = { "whole", "octet by octet", "random cuts" };

	fprintf(stderr, "%s:%zu (%s, seed %llu): %s: %.*s\n", r->file, r->line_number,
		cuttings[r->cutting], (unsigned long long)r->seed, what, STR_ARG(text));
	r->failed = true;
}

static void collect(struct replay *r)
{
	struct buf *out = r->engine->out(r->e);

	buf_put(&r->out, buf_str(out));
	buf_clear(out);
}

static void turn(struct replay *r)
{
	struct buf *out = r->engine->out(r->e);

	/* An engine that stops because out is full goes on when it was drained. */
	do {
		r->turn = r->engine->turn(r->e, r->now_ms);
		if (out->len == 0)
			break;
		collect(r);
	} while (r->turn == TURN_GO);
}

static void start(struct replay *r)
{
	if (r->started)
		return;
	r->started = true;
	r->engine->start(r->e, r->now_ms);
	turn(r);
}

/* Octets for the next put: all, one, or a few. */
static size_t cut_size(struct replay *r)
{
	size_t n = r->pending.len;

	switch (r->cutting) {
	case CUT_WHOLE: break;
	case CUT_OCTETS: n = 1; break;
	case CUT_RANDOM: n = 1 + (size_t)(next_random(&r->seed) % 40); break;
	}
	return n < r->pending.len ? n : r->pending.len;
}

/* What arrives in the clear after the engine asked for a handshake, or after it closed, never
 * reaches the engine. */
static void feed(struct replay *r)
{
	start(r);
	while (r->pending.len > 0 && r->turn == TURN_GO) {
		struct buf *in = r->engine->in(r->e);
		size_t n = cut_size(r), room = in->max == 0 ? n : in->max - in->len;

		if (n > room)
			n = room;
		if (n == 0) {
			complain(r, "the engine takes no more input", STR(""));
			break;
		}
		buf_put(in, str_head(buf_str(&r->pending), n));
		buf_consume(&r->pending, n);
		turn(r);
	}
	buf_clear(&r->pending);
}

/* The first line of b, without CRLF, consumed; false when there is no whole line. */
static bool take_line(struct buf *b, struct str *line)
{
	struct str s = buf_str(b);

	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] == '\r' && s.p[i + 1] == '\n') {
			*line = str_head(s, i);
			buf_consume(b, i + 2);
			return true;
		}
	return false;
}

static void expect_line(struct replay *r, struct buf *from, struct str want)
{
	struct str got = STR("");

	if (!take_line(from, &got))
		complain(r, "expected, but nothing more came", want);
	else if (!str_eq(got, want)) {
		complain(r, "expected", want);
		complain(r, "came", got);
	}
}

static void put_hex(struct replay *r, struct str text)
{
	int digit = -1;

	text = str_cut(&text, '#');
	for (size_t i = 0; i < text.n; i++) {
		char c = ascii_lower(text.p[i]);
		int v = ascii_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (v < 0)
			continue;
		if (digit >= 0)
			buf_putc(&r->pending, (char)(digit << 4 | v));
		digit = digit >= 0 ? -1 : v;
	}
}

static void move_clock(struct replay *r, struct str text)
{
	bool ms = str_ends(text, STR("ms"));
	uint64_t n = 0;

	if (!str_starts(text, STR("+")) ||
		!str_u64(str_head(str_from(text, 1), text.n - (ms ? 3 : 2)), &n))
		complain(r, "no time", text);
	r->now_ms += (int64_t)(ms ? n : n * 1000);
	turn(r);
	if (r->now_ms >= r->engine->deadline(r->e)) {
		r->engine->timeout(r->e);
		turn(r);
	}
}

static void send_often(struct replay *r, struct str text, struct str end)
{
	uint64_t times = 0;

	if (!str_u64(str_cut(&text, ' '), &times))
		complain(r, "no number", text);
	for (; times > 0; times--) {
		buf_put(&r->pending, text);
		buf_put(&r->pending, end);
	}
}

static void expect_often(struct replay *r, struct str text)
{
	uint64_t times = 0;

	if (!str_u64(str_cut(&text, ' '), &times))
		complain(r, "no number", text);
	for (; times > 0 && !r->failed; times--)
		expect_line(r, &r->out, text);
}

/* Statements of the side that the engine listens to; false when line is none. */
static bool say(struct replay *r, struct str line)
{
	struct str rest = line, word = str_cut(&rest, ':');

	if (str_starts(rest, STR(" ")))
		rest = str_from(rest, 1);
	if (str_eq(word, r->engine->client ? STR("S") : STR("C"))) {
		buf_put(&r->pending, rest);
		buf_put(&r->pending, STR("\r\n"));
	} else if (str_eq(word, STR("hex"))) {
		put_hex(r, rest);
	} else if (str_eq(word, STR("repeat"))) {
		send_often(r, rest, STR("\r\n"));
	} else if (str_eq(word, STR("fill"))) {
		send_often(r, rest, STR(""));
	} else {
		return false;
	}
	return true;
}

static void expect(struct replay *r, struct str line)
{
	struct str rest = line, word = str_cut(&rest, ':');

	feed(r);
	if (str_starts(rest, STR(" ")))
		rest = str_from(rest, 1);
	if (str_eq(word, r->engine->client ? STR("C") : STR("S"))) {
		expect_line(r, &r->out, rest);
	} else if (str_eq(word, r->engine->client ? STR("C*") : STR("S*"))) {
		expect_often(r, rest);
	} else if (str_eq(word, STR("body"))) {
		expect_line(r, r->engine->received(r->e), rest);
	} else if (str_eq(word, STR("end-of-body"))) {
		if (r->engine->received(r->e)->len > 0)
			complain(r, "received", buf_str(r->engine->received(r->e)));
	} else if (str_eq(word, STR("time"))) {
		move_clock(r, rest);
	} else if (str_eq(word, STR("closed"))) {
		if (r->turn != TURN_CLOSED)
			complain(r, "still open", STR(""));
	} else if (str_eq(word, STR("tls"))) {
		if (r->turn != TURN_TLS)
			complain(r, "no handshake was asked for", STR(""));
		r->engine->tls_started(r->e, r->now_ms);
		turn(r);
	} else if (!r->engine->directive(r->e, line)) {
		complain(r, "not so, or unknown", line);
	} else {
		turn(r); /* it may have made the engine speak */
	}
}

static void statement(struct replay *r, struct str line)
{
	if (line.n == 0 || line.p[0] == '#')
		return;
	if (str_eq(line, STR("mode: whole"))) {
		r->whole_only = true;
	} else if (str_starts(line, STR("config "))) {
		if (r->started || !r->engine->config(r->e, str_from(line, 7)))
			complain(r, "no such setting, or too late", line);
	} else if (!say(r, line)) {
		expect(r, line);
	}
}

static void replay(struct replay *r, struct str text)
{
	r->e = r->engine->create();
	buf_init(&r->pending, 0);
	buf_init(&r->out, 0);
	while (text.n > 0 && !r->failed) {
		r->line_number++;
		statement(r, str_cut(&text, '\n'));
	}
	feed(r);
	if (!r->failed && r->out.len > 0)
		complain(r, "came unexpected", buf_str(&r->out));
	buf_deinit(&r->pending);
	buf_deinit(&r->out);
	r->engine->destroy(r->e);
}

static bool replay_every_way(
	const struct transcript_engine *engine, const char *file, struct str text, uint64_t seed)
{
	for (int run = 0; run < 2 + RANDOM_RUNS; run++) {
		struct replay r = {
			.engine = engine,
			.file = file,
			.cutting = run < 2 ? (enum cutting)run : CUT_RANDOM,
			.seed = seed + (uint64_t)run,
		};

		replay(&r, text);
		if (r.failed)
			return false;
		if (r.whole_only)
			break;
	}
	return true;
}

static void read_file(const char *path, struct buf *to)
{
	FILE *f = fopen(path, "rb");
	char piece[4096];
	size_t n;

	buf_init(to, 0);
	if (f == NULL)
		return;
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		buf_put(to, str_of(piece, n));
	fclose(f);
}

static int is_transcript(const struct dirent *entry)
{
	return str_ends(str_c(entry->d_name), STR(".t"));
}

int transcript_run_all(const char *dir, const struct transcript_engine *engine)
{
	const char *given = getenv("TRANSCRIPT_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 1000003;
	struct dirent **entries = NULL;
	char path[4096];
	int n, failures = 0;

	snprintf(path, sizeof path, "%s/%s", dir, engine->directory);
	n = scandir(path, &entries, is_transcript, alphasort);
	for (int i = 0; i < n; i++) {
		struct buf text;

		snprintf(path, sizeof path, "%s/%s/%s", dir, engine->directory, entries[i]->d_name);
		read_file(path, &text);
		if (text.len == 0 || !replay_every_way(engine, path, buf_str(&text), seed))
			failures++;
		buf_deinit(&text);
		free(entries[i]);
	}
	free(entries);
	printf("%s: %d transcripts, %d failed, TRANSCRIPT_SEED=%llu\n", engine->directory, n,
		failures, (unsigned long long)seed);
	return n <= 0 ? -1 : failures;
}
