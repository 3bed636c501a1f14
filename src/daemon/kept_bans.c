#include <stdlib.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/bans.h"
#include "daemon/kept_bans.h"

struct kept {
	struct kept_ban rows[BANS_MAX];
	char text[BANS_MAX][CIDR_TEXT];
	size_t count;
};

static void load_one(void *arg, const struct kept_ban *kept)
{
	struct office *o = arg;
	struct ban ban = { .why = kept->why == BAN_LOGINS ? BAN_LOGINS : BAN_BY_HAND,
		.since_ms = kept->since_ms,
		.until_ms = kept->until_ms };
	int64_t now = clock_steady_ms();

	if ((ban.until_ms == 0 || ban.until_ms > now) && cidr_parse(kept->network, &ban.net))
		bans_add(o->bans, &ban, now);
}

void kept_bans_load(struct office *o)
{
	struct err err = { 0 };

	if (o->bans->used == 0 && directory_kept_bans(o->directory, load_one, o, &err) != ST_OK)
		log_error("ban.not-kept", F_C("err", err.text));
}

static uint32_t collect(struct office *o, struct kept *k)
{
	int64_t now = clock_steady_ms();
	struct buf all = { 0 };
	struct ban ban;
	uint32_t sum;

	for (size_t i = 0; i < BANS_MAX; i++) {
		struct kept_ban *row = &k->rows[k->count];

		if (!bans_get(o->bans, i, now, &ban))
			continue;
		cidr_text(&ban.net, k->text[k->count]);
		*row = (struct kept_ban){ str_c(k->text[k->count]), (int)ban.why, ban.since_ms,
			ban.until_ms };
		put_str(&all, row->network);
		put_u64(&all, (uint64_t)ban.until_ms);
		k->count++;
	}
	sum = crc32c(0, all.data, all.len);
	buf_deinit(&all);
	return sum;
}

void kept_bans_save(struct office *o)
{
	struct kept *k = NEW(struct kept);
	uint32_t sum = collect(o, k);
	struct err err = { 0 };

	if (sum == o->bans_kept)
		;
	else if (directory_keep_bans(o->directory, k->rows, k->count, &err) == ST_OK)
		o->bans_kept = sum;
	else
		log_error("ban.not-kept", F_C("err", err.text));
	free(k);
}
