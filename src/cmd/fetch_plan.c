/* What the server has, what the office knows of it, and so what is to be done with each message. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cmd/fetch.h"

enum { WHICH_AT_ONCE = 1000 };

struct str fetch_uidl(const struct fetch *f, const struct fetch_message *m)
{
	struct str rest = str_from(buf_str(&f->uidls), m->uidl_at);

	return m->uidl_at == SIZE_MAX ? STR("") : str_cut(&rest, '\n');
}

struct fetch_message *fetch_by_number(struct fetch *f, uint64_t number)
{
	size_t low = 0, high = f->count;

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
	if (f->count == POP_ROWS_MAX)
		return err_set(err, ST_TEMP, "the server's LIST has no end");
	if (f->count > 0 && f->messages[f->count - 1].number >= number)
		f->unsorted = true;
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
	/* Both listings are in the same order, as a rule. */
	m = f->next < f->count && f->messages[f->next].number == ev->number
		    ? &f->messages[f->next]
		    : fetch_by_number(f, ev->number);
	if (m != NULL)
		f->next = (size_t)(m - f->messages) + 1;
	if (m != NULL && m->uidl_at == SIZE_MAX) {
		m->uidl_at = f->uidls.len;
		buf_put(&f->uidls, remote_uidl(ev->data, room));
		buf_putc(&f->uidls, '\n');
	}
	return ST_OK;
}

static int by_number(const void *a, const void *b)
{
	const struct fetch_message *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* RFC 1939 5 gives LIST no order; a number that comes twice is one message. */
static void sort(struct fetch *f)
{
	size_t kept = 0;

	qsort(f->messages, f->count, sizeof *f->messages, by_number);
	for (size_t i = 0; i < f->count; i++)
		if (kept == 0 || f->messages[kept - 1].number != f->messages[i].number)
			f->messages[kept++] = f->messages[i];
	f->count = kept;
	f->unsorted = false;
}

static enum status listed(struct fetch *f, const struct pop3c_event *ev, struct err *err)
{
	if (ev->result.outcome == POP3C_REFUSED && ev->request == POP3C_LIST)
		return err_set(err, ST_TEMP, "the server refuses LIST: %.*s",
			STR_ARG(str_head(ev->result.text, 150)));
	f->refused_uidl = f->refused_uidl || ev->result.outcome == POP3C_REFUSED;
	if (ev->request == POP3C_LIST && ev->bad_rows > 0)
		cmd_fail(f->cmd, 0, "%s: %llu lines of the server's LIST cannot be read",
			f->remote->name, (unsigned long long)ev->bad_rows);
	if (f->unsorted)
		sort(f);
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
			status = listed(f, &ev, err);
		}
	}
	f->counts.on_server = f->count;
	if (status == ST_OK && open > 0)
		status = err_set(err, ST_TEMP, "%s", f->pop.why.text);
	return status;
}

int64_t fetch_now_ms(const struct fetch *f)
{
	return clock_steady_ms() + f->ahead_ms;
}

static bool is(const char *value, struct str word)
{
	return str_eq(str_c(value), word);
}

/* A message that is known: is its time on the server over? */
void fetch_known(
	const struct fetch *f, struct fetch_message *m, const json_t *state_of, const json_t *since)
{
	int64_t state = json_integer_value(state_of), first_ms = json_integer_value(since);
	const struct config_remote *r = f->remote;

	bool over = is(r->keep, STR("delete")) ||
		    (is(r->keep, STR("days")) &&
			    fetch_now_ms(f) - first_ms >= r->keep_days * INT64_C(86400000));

	m->known = true;
	m->action = state == REMOTE_SEEN_UNWANTED || (state == REMOTE_SEEN_WHOLE && over)
			    ? FETCH_DELETE
			    : FETCH_KEEP;
}

enum fetch_action fetch_unknown(struct fetch *f, const struct fetch_message *m)
{
	const struct config_remote *r = f->remote;
	bool begin = r->headers_only || (r->skip_size > 0 && m->octets > (uint64_t)r->skip_size);

	/* Without UIDL and without TOP it is told by what RETR brings; then it is to be whole. */
	if (m->uidl_at == SIZE_MAX)
		return is(r->keep, STR("delete")) && (r->skip_size == 0 || !begin) ? FETCH_WHOLE
										   : FETCH_KEEP;

	if (r->kill_size > 0 && m->octets > (uint64_t)r->kill_size)
		return FETCH_DELETE;
	if (begin && !fetch_has_top(f)) {
		f->counts.left++;
		return FETCH_KEEP;
	}
	return begin ? FETCH_BEGIN : FETCH_WHOLE;
}

enum status fetch_decide_some(struct fetch *f, size_t from, size_t to, struct err *err)
{
	json_t *uidls = json_array(), *seen;
	enum status status;

	for (size_t i = from; i < to; i++) {
		struct str uidl = fetch_uidl(f, &f->messages[i]);

		json_array_append_new(uidls, json_stringn(uidl.p, uidl.n));
	}
	status = fetch_ask(f,
		json_pack("{s:s, s:s, s:I, s:b, s:o}", "verb", "remote.which", "remote",
			f->remote->name, "maildrop", (json_int_t)f->maildrop, "ids", f->full.n > 0,
			"uidls", uidls),
		err);
	seen = json_object_get(f->row, "seen");
	if (status == ST_OK && json_array_size(seen) != to - from)
		status = err_set(err, ST_IO, "the office answered something else");
	for (size_t i = from; i < to && status == ST_OK; i++) {
		struct fetch_message *m = &f->messages[i];
		const json_t *row = json_array_get(seen, i - from);

		if (f->full.n > 0) {
			fetch_full_choose(f, m, row);
			continue;
		}
		if (json_is_array(row)) {
			fetch_known(f, m, json_array_get(row, 0), json_array_get(row, 1));
			m->doubted = fetch_doubts(m, json_array_get(row, 2));
			continue;
		}
		f->counts.new_ones++;
		m->action = fetch_unknown(f, m);
	}
	return status;
}

static void count_wanted(struct fetch *f)
{
	f->counts.new_ones = f->wanted_octets = 0;
	for (size_t i = 0; i < f->count; i++) {
		const struct fetch_message *m = &f->messages[i];

		f->counts.new_ones += m->action == FETCH_WHOLE || m->action == FETCH_BEGIN;
		f->wanted_octets += m->action == FETCH_WHOLE ? m->octets : 0;
	}
}

enum status fetch_decide(struct fetch *f, struct err *err)
{
	enum status status = ST_OK;

	if (fetch_same(f))
		return ST_OK;
	status = fetch_identify(f, err);
	for (size_t i = 0; i < f->count && status == ST_OK; i += WHICH_AT_ONCE)
		status = fetch_decide_some(
			f, i, i + WHICH_AT_ONCE < f->count ? i + WHICH_AT_ONCE : f->count, err);
	if (status == ST_OK && f->full.n == 0)
		status = fetch_changed(f, err);
	if (status == ST_OK)
		status = fetch_reused(f, err);
	if (status == ST_OK && f->full.n > 0)
		status = fetch_full_check(f, err);
	if (status == ST_OK && f->full.n == 0)
		status = fetch_filter_all(f, err);
	if (status == ST_OK)
		count_wanted(f);
	return status;
}
