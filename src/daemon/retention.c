#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/retention.h"

enum { SLICE_MAILDROPS = 5 };

static const int64_t day_ms = INT64_C(24) * 3600 * 1000;

static int64_t effective(const struct office *o, int64_t days)
{
	if (days == RETENTION_DEFAULT)
		days = o->config->retention_days;
	return days > 0 ? days : 0;
}

int64_t retention_days(struct office *o, uint64_t account)
{
	return effective(o, account_retention(o->directory, account));
}

int64_t retention_least(struct office *o, bool *differs)
{
	int64_t least = 0, all = effective(o, RETENTION_DEFAULT);

	*differs = directory_retention(o->directory, &least);
	return least > 0 && (all == 0 || least < all) ? least : all;
}

void retention_init(struct retention *t, struct office *o)
{
	*t = (struct retention){ .office = o };
}

void retention_deinit(struct retention *t)
{
	free(t->rows);
	t->rows = NULL;
	t->count = t->at = 0;
}

struct gather {
	struct retention *t;
	size_t room;
};

static bool add_maildrop(void *arg, const struct account *a)
{
	struct gather *g = arg;
	struct retention *t = g->t;

	if (effective(t->office, a->retention_days) == 0)
		return true;
	if (t->count + 2 > g->room) {
		g->room = g->room == 0 ? 64 : g->room * 2;
		t->rows = mem_array(t->rows, g->room, sizeof *t->rows);
	}
	t->rows[t->count++] = (struct retention_row){ a->id, a->id };
	t->rows[t->count++] = (struct retention_row){ account_junk(a->id), a->id };
	return true;
}

void retention_begin(struct retention *t)
{
	struct gather g = { .t = t };
	struct err err = { ST_OK, "" };

	bool differs;

	if (t->at < t->count || t->busy || retention_least(t->office, &differs) == 0)
		return;
	retention_deinit(t);
	t->from = t->expunged = 0;
	if (account_each(t->office->directory, STR(""), add_maildrop, &g, &err) != ST_OK)
		log_error("retention.accounts", F_C("err", err.text));
}

static void end_maildrop(struct retention *t)
{
	store_close(t->office->store, t->open.maildrop, t->open.token);
	t->busy = false;
}

static void on_expunged(struct store_op *op, enum store_result result)
{
	struct retention *t = LIST_OF(op, struct retention, expunge.op);

	if (result == STORE_OK)
		t->expunged += t->expunge.expunged;
	end_maildrop(t);
}

static void on_opened(struct store_op *op, enum store_result result)
{
	struct retention *t = LIST_OF(op, struct retention, open.op);

	if (result != STORE_OK) { /* somebody reads it: the next sweep */
		t->busy = false;
		return;
	}
	t->expunge.op.done = on_expunged;
	t->expunge.maildrop = t->open.maildrop;
	t->expunge.token = t->open.token;
	store_expunge(t->office->store, &t->expunge);
}

static void expunge(struct retention *t, uint64_t maildrop, size_t count)
{
	t->busy = true;
	t->expunge = (struct store_expunge){ .ids = t->ids, .count = count };
	t->open = (struct store_open){ .op = { .done = on_opened }, .maildrop = maildrop };
	store_open(t->office->store, &t->open);
}

static void end_sweep(struct retention *t)
{
	if (t->expunged > 0)
		log_info("retention.expunged", F_INT("messages", t->expunged));
	retention_deinit(t);
}

/* 0 also when that cannot be read: the next sweep. */
static int64_t days_now(const struct retention *t, uint64_t account)
{
	struct account a;

	if (account_by_id(t->office->directory, account, &a, NULL) != ST_OK)
		return 0;
	return effective(t->office, a.retention_days);
}

bool retention_slice(struct retention *t, int64_t now_ms)
{
	if (t->busy)
		return true;
	for (int i = 0; i < SLICE_MAILDROPS && t->at < t->count; i++) {
		uint64_t maildrop = t->rows[t->at].maildrop, from = t->from;
		int64_t days = days_now(t, t->rows[t->at].account);
		size_t n = RETENTION_IDS;

		if (days == 0 || store_older(t->office->store, maildrop, now_ms - days * day_ms,
					 &t->from, t->ids, &n) != STORE_OK)
			n = 0, t->from = 0;
		if (t->from == 0)
			t->at++;
		if (n > 0)
			expunge(t, maildrop, n);
		if (n > 0 || t->from != 0 || from != 0)
			return true;
	}
	if (t->at < t->count)
		return true;
	end_sweep(t);
	return false;
}
