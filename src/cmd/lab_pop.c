#include "cmd/lab_pop.h"

#include <stdarg.h>

enum { PATIENCE = 10, BODY_MAX = 32 * 1024 * 1024, OCTETS_MAX = 64 * 1024 * 1024 };

void pop_reply_deinit(struct pop_reply *r)
{
	buf_deinit(&r->text);
	buf_deinit(&r->body);
}

static void take_line(struct wire *w, struct pop_reply *r, struct str line)
{
	if (str_starts(line, STR("..")))
		line = str_from(line, 1);
	else if (str_starts(line, STR(".")))
		r->undotted = true;
	r->bare = r->bare || w->bare;
	r->lines++;
	r->octets += line.n + 2;
	if (r->body.len + line.n + 2 <= BODY_MAX) {
		buf_put(&r->body, line);
		buf_put(&r->body, STR("\r\n"));
	}
}

enum pop_kind pop_hear(struct wire *w, struct pop_reply *r, bool many)
{
	int64_t until = wire_now_us() + w->server.want.timeout_ms * 1000 * PATIENCE;
	struct str line;

	buf_clear(&r->text);
	buf_clear(&r->body);
	*r = (struct pop_reply){ .text = r->text, .body = r->body, .kind = POP_GONE };
	if (!wire_line(w, &line))
		return r->kind;
	buf_put(&r->text, line);
	r->longest = line.n + 2;
	r->bare = w->bare;
	r->kind = str_starts(line, STR("+OK"))    ? POP_OK
		  : str_starts(line, STR("-ERR")) ? POP_ERR
						  : POP_ODD;
	if (r->kind == POP_ODD && w->odd.len == 0)
		wire_escape(&w->odd, str_head(line, 100));
	while (many && r->kind == POP_OK) {
		if (!wire_line(w, &line))
			return r->kind = POP_GONE;
		if (str_eq(line, STR(".")))
			break;
		r->longest = line.n + 2 > r->longest ? line.n + 2 : r->longest;
		take_line(w, r, line);
		if (r->octets > OCTETS_MAX || wire_now_us() > until) {
			w->end = WIRE_LATE;
			return r->kind = POP_GONE;
		}
	}
	return r->kind;
}

enum pop_kind pop_ask(struct wire *w, struct pop_reply *r, bool many, const char *fmt, ...)
{
	char line[300];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line - 2, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof line - 2)
		n = sizeof line - 3;
	line[n] = '\r';
	line[n + 1] = '\n';
	wire_send(w, str_of(line, (size_t)n + 2), WIRE_ALL);
	return pop_hear(w, r, many);
}

bool pop_offers(const struct pop_reply *capa, struct str name, struct str *args)
{
	struct str rest = buf_str(&capa->body);

	while (rest.n > 0) {
		struct str line = str_trim(str_cut(&rest, '\n')), row = str_trim(line);
		struct str tag;

		if (str_ends(row, STR("\r")))
			row.n--;
		tag = str_cut(&row, ' ');
		if (!str_ieq(tag, name))
			continue;
		if (args != NULL)
			*args = str_trim(row);
		return true;
	}
	return false;
}

struct str pop_timestamp(struct str greeting)
{
	size_t from = str_find(greeting, '<'), to = str_rfind(greeting, '>');
	struct str inside =
		to < greeting.n && from < to ? str_of(greeting.p + from, to - from + 1) : STR("");

	return str_find(inside, ' ') == inside.n && str_find(inside, '@') < inside.n ? inside
										     : STR("");
}
