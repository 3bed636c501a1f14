/* What the server has, what the office knows of it, and so what is to be done with each message. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cmd/fetch.h"

enum { WHICH_AT_ONCE = 1000, MESSAGES_MAX = 20 * 1000 * 1000 };

struct str fetch_uidl(const struct fetch *f, const struct fetch_message *m)
{
	struct str rest = str_from(buf_str(&f->uidls), m->uidl_at);

	return m->uidl_at == SIZE_MAX ? STR("") : str_cut(&rest, '\n');
}

/* Numbers come in order, nearly always. */
static struct fetch_message *message_of(struct fetch *f, uint64_t number)
{
	size_t low = 0, high = f->count;

	if (f->count > 0 && f->messages[f->count - 1].number < number)
		return NULL;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (f->messages[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < f->count && f->messages[low].number == number ? &f->messages[low] : NULL;
}

static enum status add(struct fetch *f, uint64_t number, uint64_t octets, struct err *err)
{
	if (f->count == MESSAGES_MAX ||
		(f->count > 0 && f->messages[f->count - 1].number >= number))
		return err_set(err, ST_TEMP, "the server's LIST is in no order, or has no end");
	if (f->count == f->cap) {
		f->cap = f->cap == 0 ? 256 : 2 * f->cap;
		f->messages = mem_array(f->messages, f->cap, sizeof *f->messages);
	}
	f->messages[f->count++] =
		(struct fetch_message){ .number = number, .octets = octets, .uidl_at = SIZE_MAX };
	return ST_OK;
}

static enum status take_row(struct fetch *f, const struct pop3c_event *ev, struct err *err)
{
	char room[REMOTE_UIDL_MAX + 1];
	struct fetch_message *m;

	if (ev->request == POP3C_LIST)
		return add(f, ev->number, ev->octets, err);
	m = message_of(f, ev->number);
	if (m != NULL && m->uidl_at == SIZE_MAX) {
		m->uidl_at = f->uidls.len;
		buf_put(&f->uidls, remote_uidl(ev->data, room));
		buf_putc(&f->uidls, '\n');
	}
	return ST_OK;
}

enum status fetch_list(struct fetch *f, struct err *err)
{
	struct pop3c_event ev;
	enum status status = ST_OK;
	int open = 2;

	pop3c_request(f->pop.engine, POP3C_LIST, 0, 0);
	pop3c_request(f->pop.engine, POP3C_UIDL, 0, 0);
	while (status == ST_OK && open > 0 && pop_next(&f->pop, &ev)) {
		if (ev.type == POP3C_EV_ROW) {
			status = take_row(f, &ev, err);
		} else if (ev.type == POP3C_EV_DONE) {
			open--;
			if (ev.result.outcome == POP3C_REFUSED && ev.request == POP3C_LIST)
				status = err_set(err, ST_TEMP, "the server refuses LIST: %.*s",
					STR_ARG(str_head(ev.result.text, 150)));
		}
	}
	f->counts.on_server = f->count;
	if (status == ST_OK && open > 0)
		status = err_set(err, ST_TEMP, "%s", f->pop.why.text);
	return status;
}

/* The same UIDL twice (RFC 1939 7 lets equal messages have it): the first counts, the others wait until it is gone. */
static int by_uidl(const void *a, const void *b, void *arg)
{
	const struct fetch *f = arg;
	const struct fetch_message *const *x = a, *const *y = b;
	int order = str_cmp(fetch_uidl(f, *x), fetch_uidl(f, *y));

	return order != 0 ? order : (*x)->number < (*y)->number ? -1 : 1;
}

static void drop_doubles(struct fetch *f)
{
	struct fetch_message **sorted = mem_array(NULL, f->count, sizeof(struct fetch_message *));
	size_t n = 0;

	for (size_t i = 0; i < f->count; i++)
		if (f->messages[i].uidl_at != SIZE_MAX)
			sorted[n++] = &f->messages[i];
	qsort_r((void *)sorted, n, sizeof(struct fetch_message *), by_uidl, f);
	for (size_t i = 1; i < n; i++)
		if (str_eq(fetch_uidl(f, sorted[i]), fetch_uidl(f, sorted[i - 1])))
			sorted[i]->failed = true;
	free((void *)sorted);
}

static bool is(const char *value, struct str word)
{
	return str_eq(str_c(value), word);
}

/* A message that is known: is its time on the server over? */
static enum fetch_action known(const struct fetch *f, const json_t *seen)
{
	int64_t first_ms = json_integer_value(json_object_get(seen, "first_ms"));
	int64_t state = json_integer_value(json_object_get(seen, "state"));
	const struct config_remote *r = f->remote;

	if (state == REMOTE_SEEN_UNWANTED)
		return FETCH_DELETE;
	if (state != REMOTE_SEEN_WHOLE)
		return FETCH_KEEP;
	if (is(r->keep, STR("delete")) ||
		(is(r->keep, STR("days")) &&
			clock_wall_ms() - first_ms >= r->keep_days * INT64_C(86400000)))
		return FETCH_DELETE;
	return FETCH_KEEP;
}

static enum fetch_action unknown(const struct fetch *f, const struct fetch_message *m)
{
	const struct config_remote *r = f->remote;

	if (r->kill_size > 0 && m->octets > (uint64_t)r->kill_size)
		return FETCH_DELETE;
	if (r->headers_only || (r->skip_size > 0 && m->octets > (uint64_t)r->skip_size))
		return FETCH_BEGIN;
	return FETCH_WHOLE;
}

static enum status decide_some(struct fetch *f, size_t from, size_t to, struct err *err)
{
	json_t *uidls = json_array(), *seen;
	enum status status;

	for (size_t i = from; i < to; i++) {
		struct str uidl = fetch_uidl(f, &f->messages[i]);

		json_array_append_new(uidls, json_stringn(uidl.p, uidl.n));
	}
	status = fetch_ask(f,
		json_pack("{s:s, s:s, s:I, s:o}", "verb", "remote.which", "remote", f->remote->name,
			"maildrop", (json_int_t)f->maildrop, "uidls", uidls),
		err);
	seen = json_object_get(f->row, "seen");
	if (status == ST_OK && json_array_size(seen) != to - from)
		status = err_set(err, ST_PROTO, "the office answered something else");
	for (size_t i = from; i < to && status == ST_OK; i++) {
		struct fetch_message *m = &f->messages[i];
		const json_t *row = json_array_get(seen, i - from);

		if (m->failed || m->uidl_at == SIZE_MAX)
			continue;
		m->action = json_is_object(row) ? known(f, row) : unknown(f, m);
		if (m->action == FETCH_WHOLE || m->action == FETCH_BEGIN) {
			f->counts.new_ones++;
			f->wanted_octets += m->action == FETCH_WHOLE ? m->octets : 0;
		}
	}
	return status;
}

enum status fetch_decide(struct fetch *f, struct err *err)
{
	enum status status = ST_OK;

	drop_doubles(f);
	for (size_t i = 0; i < f->count && status == ST_OK; i += WHICH_AT_ONCE)
		status = decide_some(
			f, i, i + WHICH_AT_ONCE < f->count ? i + WHICH_AT_ONCE : f->count, err);
	return status;
}
