#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "cmd/lab_wire.h"

/* Octets.  A row of JSON has more around it than in it. */
enum { KEPT_MAX = 16 * 1024 * 1024, ROW_COST = 300 };

int64_t wire_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

enum status wire_open(struct wire *w, const struct server_want *want, struct err *err)
{
	struct server_want plain = *want;
	enum status status;

	plain.tls = SERVER_TLS_NONE;
	w->in.secret = w->out.secret = w->line.secret = true;
	w->end = WIRE_UP;
	w->from_us = wire_now_us();
	status = server_connect(&w->server, &plain, err);
	w->server.want.tls = want->tls;
	if (status != ST_OK)
		w->end = WIRE_CLOSED;
	return status;
}

enum status wire_tls(struct wire *w, struct err *err)
{
	enum status status = server_start_tls(&w->server, err);

	if (status != ST_OK)
		w->end = WIRE_CLOSED;
	return status;
}

void wire_close(struct wire *w)
{
	server_close(&w->server);
	buf_wipe(&w->in);
	buf_wipe(&w->out);
	buf_wipe(&w->line);
	buf_deinit(&w->odd);
}

void wire_escape(struct buf *to, struct str octets)
{
	for (size_t i = 0; i < octets.n; i++) {
		char c = octets.p[i];

		if (c == '\\')
			buf_put(to, STR("\\\\"));
		else if (c == '\r')
			buf_put(to, STR("\\r"));
		else if (c == '\n')
			buf_put(to, STR("\\n"));
		else if (c == '\t')
			buf_put(to, STR("\\t"));
		else if (c >= ' ' && c <= '~')
			buf_putc(to, c);
		else
			buf_printf(to, "\\x%02x", (unsigned char)c);
	}
}

bool wire_unescape(struct buf *to, struct str text)
{
	static const char letters[] = "rnt0\\", octets[] = "\r\n\t\0\\";

	while (text.n > 0) {
		size_t at = str_find(text, '\\'), known;

		buf_put(to, str_head(text, at));
		text = str_from(text, at);
		if (text.n == 0)
			break;
		if (text.n >= 4 && text.p[1] == 'x' && hex_value(text.p[2]) >= 0 &&
			hex_value(text.p[3]) >= 0) {
			buf_putc(to, (char)(hex_value(text.p[2]) * 16 + hex_value(text.p[3])));
			text = str_from(text, 4);
			continue;
		}
		known = text.n < 2 ? 5 : str_find(str_of(letters, 5), text.p[1]);
		if (known == 5)
			return false;
		buf_putc(to, octets[known]);
		text = str_from(text, 2);
	}
	return true;
}

static void note(struct wire *w, const char *way, struct str line, size_t shown)
{
	struct buf text = { .secret = true };

	if (!w->show && w->lines == NULL)
		return;
	if (w->show_secrets)
		shown = WIRE_ALL;
	wire_escape(&text, str_head(line, shown));
	if (shown < line.n)
		buf_put(&text, STR("***"));
	if (w->show)
		printf("%s %.*s\n", way, (int)text.len, buf_str(&text).p);
	w->kept += text.len + ROW_COST;
	if (w->lines != NULL && w->kept <= KEPT_MAX)
		json_array_append_new(w->lines,
			json_pack("{s:s,s:s%,s:f}", "way", way, "text", buf_str(&text).p, text.len,
				"ms", (double)(wire_now_us() - w->from_us) / 1000));
	buf_wipe(&text);
}

/* Each line by itself; its CRLF is understood, any other end is shown. */
static void note_sent(struct wire *w, struct str octets, size_t shown)
{
	while (octets.n > 0) {
		size_t at = str_find(octets, '\n'), n = at < octets.n ? at + 1 : octets.n;
		struct str line = str_head(octets, n);

		if (str_ends(line, STR("\r\n")))
			line.n -= 2;
		note(w, "->", line, shown);
		shown = shown == WIRE_ALL ? WIRE_ALL : shown > n ? shown - n : 0;
		octets = str_from(octets, n);
	}
}

static bool turn(struct wire *w, bool read, int64_t until_ms)
{
	switch (server_turn(&w->server, &w->in, &w->out, read, until_ms)) {
	case SERVER_MOVED:
		if (server_interrupted(&w->server))
			w->end = WIRE_CLOSED;
		return !server_interrupted(&w->server);
	case SERVER_LATE: return false;
	case SERVER_CLOSED: w->end = WIRE_CLOSED; return false;
	}
	return false;
}

void wire_send(struct wire *w, struct str octets, size_t shown)
{
	int64_t until = clock_mono_ms() + w->server.want.timeout_ms;

	if (w->end != WIRE_UP)
		return;
	note_sent(w, octets, shown);
	buf_put(&w->out, octets);
	/* Reading meanwhile, as a server that answers a burst may wait for room. */
	while (w->out.len > 0 && turn(w, true, until))
		continue;
	if (w->out.len > 0 && w->end == WIRE_UP)
		w->end = WIRE_LATE;
}

bool wire_line(struct wire *w, struct str *line)
{
	int64_t until = clock_mono_ms() + w->server.want.timeout_ms;
	size_t at, searched = 0;

	for (;;) {
		struct str have = buf_str(&w->in);

		at = searched + str_find(str_from(have, searched), '\n');
		if (at < have.n || have.n >= WIRE_LINE_MAX)
			break;
		searched = have.n;
		if (w->end == WIRE_UP && !turn(w, true, until) && w->end == WIRE_UP)
			w->end = WIRE_LATE;
		if (w->end != WIRE_UP && w->in.len == have.n) {
			if (have.n == 0 || w->end == WIRE_LATE)
				return false;
			break; /* what came before the end of the connection */
		}
	}
	buf_clear(&w->line);
	w->whole = at < w->in.len;
	buf_put(&w->line, str_head(buf_str(&w->in), w->whole ? at : WIRE_LINE_MAX));
	buf_consume(&w->in, w->line.len + (w->whole ? 1 : 0));
	*line = buf_str(&w->line);
	w->bare = w->whole && !str_ends(*line, STR("\r"));
	if (w->whole && !w->bare)
		line->n--;
	note(w, "<-", *line, WIRE_ALL);
	return true;
}

bool wire_wait(struct wire *w, int64_t ms)
{
	int64_t until = clock_mono_ms() + ms;

	while (w->in.len == 0 && w->end == WIRE_UP && turn(w, true, until))
		continue;
	return w->in.len > 0 || w->end != WIRE_UP;
}
