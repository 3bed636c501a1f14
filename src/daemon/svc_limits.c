/* Bounds on what is taken: recipients elsewhere that an account may send to, and room on the disk.
 *
 * A stolen password must not become a flood (F8): each account has a bucket for an hour and one for a day,
 * which drain evenly.  They are in memory, and kept in the directory once a minute and at the end: a crash
 * forgives what was sent in the last minute. */
#include <stdlib.h>
#include <sys/statvfs.h>

#include "account/correspondent.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/svc.h"

enum { HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS, DISK_LOOK_MS = 1000 };

struct svc_cap {
	uint64_t account; /* 0: free */
	double hour, day; /* recipients in the buckets */
	int64_t at_ms;    /* when they stood so */
};

/* ids are counted up, so they spread by themselves */
static struct svc_cap *find(struct svc_cap *slots, size_t room, uint64_t account)
{
	size_t at = account & (room - 1);

	while (slots[at].account != 0 && slots[at].account != account)
		at = (at + 1) & (room - 1);
	return &slots[at];
}

static double drained(double level, int64_t cap, int64_t ms, int64_t whole_ms)
{
	double left = level - (double)cap * (double)ms / (double)whole_ms;

	return left > 0 ? left : 0;
}

static void drain(const struct config *c, struct svc_cap *slot, int64_t now_ms)
{
	slot->hour =
		drained(slot->hour, c->account_recipients_per_hour, now_ms - slot->at_ms, HOUR_MS);
	slot->day = drained(slot->day, c->account_recipients_per_day, now_ms - slot->at_ms, DAY_MS);
	slot->at_ms = now_ms;
}

/* Twice as large as what still counts; empty buckets are forgotten here. */
static void make_room(struct svc *s, int64_t now_ms)
{
	struct svc_caps *caps = &s->caps, old = *caps;
	size_t live = 0;

	if (caps->count * 2 < caps->room)
		return;
	for (size_t i = 0; i < old.room; i++) {
		drain(s->office.config, &old.slots[i], now_ms);
		live += old.slots[i].hour + old.slots[i].day > 0;
	}
	*caps = (struct svc_caps){ .room = 64 };
	while (caps->room < live * 4)
		caps->room *= 2;
	caps->slots = mem_zalloc(caps->room * sizeof *caps->slots);
	for (size_t i = 0; i < old.room; i++)
		if (old.slots[i].hour + old.slots[i].day > 0) {
			*find(caps->slots, caps->room, old.slots[i].account) = old.slots[i];
			caps->count++;
		}
	free(old.slots);
}

bool svc_cap_take(struct svc *s, uint64_t account)
{
	const struct config *c = s->office.config;
	int64_t hour = c->account_recipients_per_hour, day = c->account_recipients_per_day;
	struct svc_cap *slot;

	make_room(s, loop_now_ms(s->loop));
	slot = find(s->caps.slots, s->caps.room, account);
	s->caps.count += slot->account == 0;
	if (slot->account == 0)
		*slot = (struct svc_cap){ .account = account, .at_ms = loop_now_ms(s->loop) };
	drain(c, slot, loop_now_ms(s->loop));
	if ((hour > 0 && slot->hour + 1 > (double)hour) ||
		(day > 0 && slot->day + 1 > (double)day)) {
		log_warn("queue.capped", F_INT("account", account), F_INT("hour", slot->hour),
			F_INT("day", slot->day));
		return false;
	}
	s->caps.changed = true;
	slot->hour += hour > 0;
	slot->day += day > 0;
	return true;
}

bool svc_may_write_to(struct svc *s, uint64_t account, struct str recipient)
{
	struct correspondent c = { .account = account,
		.address = recipient,
		.now_ms = clock_steady_ms(),
		.most = s->office.config->account_new_recipients_per_day,
		.kept = CORRESPONDENTS_KEPT };
	struct err err = { 0 };

	if (c.most == 0)
		return true;
	switch (correspondent_take(s->office.directory, &c, &err)) {
	case SAID_YES: return true;
	case SAID_NOTHING: /* mail is rather sent */
		log_error("queue.caps-not-kept", F_C("err", err.text));
		return true;
	case SAID_NO: break;
	}
	log_warn("queue.capped-new", F_INT("account", account), F_STR("to", recipient));
	return false;
}

static void load_one(void *arg, const struct kept_sent *row)
{
	struct svc *s = arg;
	int64_t age = clock_steady_ms() - row->at_ms, now = loop_now_ms(s->loop);
	struct svc_cap *slot;

	if (row->account == 0 || !(row->hour >= 0 && row->day >= 0))
		return;
	make_room(s, now);
	slot = find(s->caps.slots, s->caps.room, row->account);
	s->caps.count += slot->account == 0;
	/* a clock that went back does not fill the bucket */
	*slot = (struct svc_cap){ row->account, row->hour, row->day, now - (age > 0 ? age : 0) };
}

void svc_caps_load(struct svc *s)
{
	struct err err = { 0 };

	if (directory_kept_sent(s->office.directory, load_one, s, &err) != ST_OK)
		log_error("queue.caps-not-kept", F_C("err", err.text));
}

void svc_caps_save(struct svc *s)
{
	struct kept_sent *rows;
	struct err err = { 0 };
	size_t n = 0;

	if (!s->caps.changed)
		return;
	rows = mem_array(NULL, s->caps.count + 1, sizeof *rows);
	for (size_t i = 0; i < s->caps.room; i++) {
		struct svc_cap *slot = &s->caps.slots[i];

		if (slot->account == 0)
			continue;
		drain(s->office.config, slot, loop_now_ms(s->loop));
		if (slot->hour + slot->day > 0)
			rows[n++] = (struct kept_sent){ slot->account, slot->hour, slot->day,
				clock_steady_ms() };
	}
	if (directory_keep_sent(s->office.directory, rows, n, &err) == ST_OK)
		s->caps.changed = false;
	else
		log_error("queue.caps-not-kept", F_C("err", err.text));
	free(rows);
}

void svc_caps_free(struct svc *s)
{
	free(s->caps.slots);
	s->caps = (struct svc_caps){ .room = 0 };
}

/* Mail that waits needs room for its results, and what is in the office can be read and deleted. */
bool svc_disk_low(struct svc *s)
{
	int64_t now = loop_now_ms(s->loop);
	struct statvfs v;
	bool low;

	if (now < s->disk_look_ms)
		return s->disk_low;
	s->disk_look_ms = now + DISK_LOOK_MS;
	if (statvfs(s->office.dir, &v) != 0)
		return s->disk_low;
	low = v.f_bavail * v.f_frsize < (uint64_t)s->office.config->disk_free_min;
	if (low && !s->disk_low)
		log_error("store.low", F_INT("free", v.f_bavail * v.f_frsize),
			F_C("do", "free disk space: no mail is taken in"));
	if (low != s->disk_low && s->changes != NULL)
		++*s->changes; /* edges ask again before they say yes */
	s->disk_low = low;
	return low;
}
