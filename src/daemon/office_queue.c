/* Verbs of mail that goes on.  The same queue_order() as a server's, on the server's queue or on one of this
 * request: what is written in the store is all that counts. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "daemon/office_queue_select.h"
#include "daemon/office_verbs.h"
#include "proto/path.h"
#include "queue/queue.h"

enum { ROWS_MAX = 500, ORDERS_MAX = 256 };

static struct str state_text(const struct store_out_rcpt *r)
{
	switch (r->state) {
	case STORE_OUT_WAITING:
		return (r->flags & STORE_OUT_BAD)    ? STR("bad")
		       : (r->flags & STORE_OUT_HELD) ? STR("held")
						     : STR("waiting");
	case STORE_OUT_DELIVERED: return STR("delivered");
	case STORE_OUT_FAILED: return STR("failed");
	case STORE_OUT_DROPPED: return STR("dropped");
	}
	return STR("");
}

/* By the sender (RFC 8689). */
static struct str tls_asked(uint8_t flags)
{
	return (flags & STORE_REQUIRETLS) != 0     ? STR("required")
	       : (flags & STORE_TLS_OPTIONAL) != 0 ? STR("optional")
						   : STR("");
}

static json_t *time_or_null(int64_t ms)
{
	return ms == 0 ? json_null() : json_time(ms);
}

static json_t *route_text(const struct office *o, const struct store_out *out,
	const struct store_out_rcpt *r, uint64_t marks)
{
	const struct route_ask ask = { queue_sender(out, r), r->recipient, out->octets, marks };
	const struct route_rules rules = config_routes(o->config);
	struct route route;
	struct buf site = { 0 };
	json_t *text;

	if (r->via.n == 0 || !route_parse(r->via, &route))
		route = route_of(&rules, &ask);
	route_site(&site, &route);
	text = json_text(buf_str(&site));
	buf_deinit(&site);
	return text;
}

static json_t *recipient_row(const struct office *o, const struct store_out *out,
	const struct store_out_rcpt *r, uint64_t marks)
{
	bool tries =
		r->state == STORE_OUT_WAITING && (r->flags & (STORE_OUT_HELD | STORE_OUT_BAD)) == 0;
	char id[MSGID_TEXT + 1];
	json_t *row;

	msgid_text(out->id, id);
	row = json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:I}", "id", id, "number",
		(json_int_t)r->number, "state", json_text(state_text(r)), "received",
		json_time(out->received_ms), "sender", json_text(r->sender), "recipient",
		json_text(r->recipient), "octets", (json_int_t)out->octets);
	json_object_set_new(row, "client", json_text(out->client));
	json_object_set_new(row, "route", route_text(o, out, r, marks));
	json_object_set_new(row, "via", json_text(r->via));
	json_object_set_new(row, "attempts", json_integer(r->attempts));
	json_object_set_new(row, "last", time_or_null(r->last_ms));
	json_object_set_new(row, "next", time_or_null(tries ? r->due_ms : 0));
	json_object_set_new(row, "reply", json_text(r->reply));
	json_object_set_new(row, "host", json_text(r->host));
	json_object_set_new(row, "tls", json_text(r->tls));
	json_object_set_new(row, "tls_asked", json_text(tls_asked(out->flags)));
	json_object_set_new(row, "notice", json_boolean(r->flags & STORE_OUT_OWED));
	return row;
}

static json_t *damaged_row(struct msgid id)
{
	char text[MSGID_TEXT + 1];

	msgid_text(id, text);
	return json_pack("{s:s, s:s, s:s}", "id", text, "state", "damaged", "reply",
		"its record cannot be read: run restante fsck");
}

static void say_next(struct office_reply *r, struct msgid id, const uint32_t *from)
{
	char cursor[SELECT_CURSOR_MAX];

	queue_select_cursor(cursor, id, from);
	r->row(r, json_pack("{s:s}", "after", cursor));
}

static enum status no_message(const json_t *q, struct err *err)
{
	return err_set(err, ST_NOTFOUND,
		"nothing of %s goes on: see restante queue list, and restante trace",
		json_string_value(json_object_get(q, "id")));
}

static enum status cannot_read(struct err *err)
{
	return err_set(err, ST_TEMP, "the queue cannot be read now: the log says why");
}

/* Rows of recipients; behind them {"after": ...} when there may be more. */
enum status verb_queue_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct queue_selection s;
	struct store_out out;
	const struct route_rules rules = config_routes(o->config);
	enum store_result got = STORE_OK;
	uint64_t marks = 0;
	bool marked;
	size_t rows = 0;
	enum status status = queue_select(&s, q, err);

	if (status != ST_OK)
		return status;
	while (!queue_select_is_long(&s)) {
		got = queue_select_next(&s, o->store, &out);
		if (got == STORE_NOT_FOUND)
			return s.one && rows == 0 && s.looked == 1 ? no_message(q, err) : ST_OK;
		if (got == STORE_UNAVAILABLE)
			return cannot_read(err);
		if (got != STORE_OK) {
			r->row(r, damaged_row(out.id));
			continue;
		}
		marked = false;
		for (size_t i = 0; i < out.count; i++) {
			if (!queue_select_has(&s, &out, &out.rcpts[i]))
				continue;
			if (rows == ROWS_MAX) {
				say_next(r, out.id, &out.rcpts[i].number);
				store_out_close(o->store, &out);
				return ST_OK;
			}
			/* Its header is read for a row that is shown; not to be had: as one that has none. */
			if (!marked)
				(void)queue_marks(o->store, &rules, &out, &marks);
			marked = true;
			r->row(r, recipient_row(o, &out, &out.rcpts[i], marks));
			rows++;
		}
		store_out_close(o->store, &out);
	}
	say_next(r, out.id, NULL);
	return ST_OK;
}

/* ---- orders ---- */

struct order {
	struct queue_order order;
	struct orders *all;
	uint32_t *numbers;
};

struct orders {
	struct order rows[ORDERS_MAX];
	size_t count, pending;
	size_t messages, recipients, busy, failed;
	enum queue_command command;
	struct str via;
};

static void ordered(struct queue_order *q, enum store_result result)
{
	struct orders *all = LIST_OF(q, struct order, order)->all;

	all->pending--;
	if (result == STORE_OK) {
		all->messages++;
		all->recipients += q->changed;
	} else if (result == STORE_BUSY) {
		all->busy++;
	} else if (result != STORE_NOT_FOUND) {
		all->failed++;
	}
}

/* Those of the message that are meant; it may be none. */
static void add_order(
	struct orders *all, const struct queue_selection *s, const struct store_out *out)
{
	struct order *x = &all->rows[all->count];

	*x = (struct order){ .order = { .done = ordered,
				     .command = all->command,
				     .id = out->id,
				     .via = all->via },
		.all = all,
		.numbers = mem_array(NULL, out->count, sizeof *x->numbers) };
	for (size_t i = 0; i < out->count; i++)
		if (out->rcpts[i].state == STORE_OUT_WAITING &&
			queue_select_has(s, out, &out->rcpts[i]))
			x->numbers[x->order.count++] = out->rcpts[i].number;
	x->order.numbers = x->numbers;
	if (x->order.count > 0)
		all->count++;
	else
		free(x->numbers);
}

/* All at once, so that they share the syncs. */
static void run_orders(struct office *o, struct orders *all)
{
	struct queue_settings settings = { .routes = config_routes(o->config) };
	struct queue *queue = o->queue;

	if (queue == NULL) {
		queue = queue_new(o->store, 1);
		queue_configure(queue, &settings);
	}
	all->pending = all->count;
	for (size_t i = 0; i < all->count; i++)
		queue_order(queue, &all->rows[i].order, clock_steady_ms());
	while (all->pending > 0) {
		store_flush(o->store);
		if (all->pending > 0)
			store_wait(o->store);
	}
	if (o->queue == NULL)
		queue_free(queue);
	for (size_t i = 0; i < all->count; i++)
		free(all->rows[i].numbers);
}

/* A host that can be looked up: no mail is to fail for a slip of the administrator. */
static bool is_way(struct str via)
{
	struct route route;

	return route_parse(via, &route) && str_find(via, ',') == via.n &&
	       (path_domain(route.host) ||
		       (route.kind == ROUTE_MX ? path_literal(route.host) : path_ip(route.host)));
}

static enum status take_command(struct orders *all, const json_t *q, struct err *err)
{
	static const struct {
		struct str name;
		enum queue_command command;
	} names[] = {
		{ STR_INIT("retry"), QUEUE_RETRY },
		{ STR_INIT("hold"), QUEUE_HOLD },
		{ STR_INIT("release"), QUEUE_RELEASE },
		{ STR_INIT("fail"), QUEUE_FAIL },
		{ STR_INIT("drop"), QUEUE_DROP },
		{ STR_INIT("reroute"), QUEUE_REROUTE },
	};
	struct str name;
	enum status status = request_str(q, "command", &name, err);
	size_t i = 0;

	if (status != ST_OK)
		return status;
	while (i < sizeof names / sizeof *names && !str_eq(names[i].name, name))
		i++;
	if (i == sizeof names / sizeof *names)
		return err_set(
			err, ST_USAGE, "the queue knows no '%.*s'", STR_ARG(str_head(name, 40)));
	all->command = names[i].command;
	if (all->command != QUEUE_REROUTE)
		return ST_OK;
	status = request_str(q, "to", &all->via, err);
	if (status != ST_OK || all->via.n == 0 || is_way(all->via))
		return status;
	return err_set(err, ST_USAGE,
		"'%.*s' is no way: mx:DOMAIN, relay:HOST:PORT, lmtp:HOST:PORT or default",
		STR_ARG(str_head(all->via, 80)));
}

static enum status say_orders(struct orders *all, const json_t *q, struct err *err)
{
	const char *id = json_string_value(json_object_get(q, "id"));

	if (id == NULL || all->messages > 0)
		return ST_OK;
	if (all->failed > 0)
		return err_set(err, ST_TEMP,
			"%s could not be changed: the log says why, restante fsck whether it is "
			"damaged",
			id);
	if (all->busy > 0)
		return err_set(err, ST_TEMP, "%s is on its way at this moment: try again", id);
	return no_message(q, err);
}

/* A part of what is meant; cursor: behind it.  NOT_FOUND: it was the last. */
static enum store_result collect(struct office *o, struct queue_selection *s, struct orders *all,
	char cursor[SELECT_CURSOR_MAX])
{
	enum store_result got = STORE_OK;
	struct store_out out;

	while (!queue_select_is_long(s) && all->count < ORDERS_MAX) {
		got = queue_select_next(s, o->store, &out);
		if (got == STORE_NOT_FOUND || got == STORE_UNAVAILABLE)
			break;
		queue_select_cursor(cursor, out.id, NULL);
		if (got != STORE_OK) {
			all->failed++;
			continue;
		}
		add_order(all, s, &out);
		store_out_close(o->store, &out);
	}
	return got;
}

/* Changes a part of what is meant: a row with what it did, and "after" when there may be more. */
static enum status obey(struct office *o, struct queue_selection *s, struct orders *all,
	const json_t *q, struct office_reply *r, struct err *err)
{
	char cursor[SELECT_CURSOR_MAX];
	enum store_result got;
	enum status status;
	json_t *row;

	got = collect(o, s, all, cursor);
	run_orders(o, all);
	status = got == STORE_UNAVAILABLE ? cannot_read(err) : say_orders(all, q, err);
	if (status != ST_OK)
		return status;
	row = json_pack("{s:I, s:I, s:I, s:I}", "messages", (json_int_t)all->messages, "recipients",
		(json_int_t)all->recipients, "busy", (json_int_t)all->busy, "failed",
		(json_int_t)all->failed);
	if (got != STORE_NOT_FOUND)
		json_object_set_new(row, "after", json_string(cursor));
	r->row(r, row);
	return ST_OK;
}

enum status verb_queue_order(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct orders *all = NEW(struct orders);
	struct queue_selection s;
	enum status status = take_command(all, q, err);

	if (status == ST_OK)
		status = queue_select(&s, q, err);
	if (status == ST_OK)
		status = obey(o, &s, all, q, r, err);
	free(all);
	return status;
}

size_t office_retry_domain(struct office *o, struct str domain, bool below)
{
	struct orders *all = NEW(struct orders);
	struct queue_selection s = { .domain = domain, .below = below, .before_ms = INT64_MAX };
	char cursor[SELECT_CURSOR_MAX];
	size_t messages;

	all->command = QUEUE_RETRY;
	(void)collect(o, &s, all, cursor);
	run_orders(o, all);
	messages = all->messages;
	free(all);
	return messages;
}
