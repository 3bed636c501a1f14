/* A batch of records is in the index as a whole or not at all, whichever read of SQLite's file fails: SQLite rolls back by
 * itself then, and what came after it would be committed alone, with the place up to which all is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "reads_fail.h"
#include "store/local/index.h"
#include "store_help.h"

enum {
	MESSAGES = 400, /* many pages of them, so that not all were read before the last record */
	OLD = 7,        /* the one that the last record is about */
	GONE = 8,       /* deleted before */
	ONWARD = 9,     /* goes on */
	NEW = 1000,
	RECORD = 512, /* octets between two */
	READS = 200,  /* more than any batch does */
};

/* ---- records ---- */

static struct index *open_at(const char *path, struct index_place *at)
{
	struct err err = { 0 };
	struct index *x;

	if (index_open(&x, path, at, &err) != ST_OK)
		fail_msg("%s", err.text);
	return x;
}

static void apply(struct index *x, enum record_type type, uint32_t at, const struct buf *meta)
{
	struct record r = { .type = type,
		.pos = UINT64_C(1) << 32 | at * RECORD,
		.size = RECORD,
		.time_ms = 1,
		.meta = buf_str(meta) };

	index_apply(x, &r);
}

static void put_message_of(struct buf *b, uint32_t n)
{
	struct message_meta m = { .id = help_id(n),
		.octets = 100,
		.received_ms = 1,
		.sender = STR("somebody.with.a.long.name@example.org"),
		.client = STR("192.0.2.1"),
		.message_id = STR("<a.message.id.as.they.are@example.org>") };
	struct message_target here = { .maildrop = 1, .recipient = STR("b@example.net") };
	struct message_target onward = { .recipient = STR("c@example.com") };

	if (n == ONWARD)
		m.flags = MESSAGE_OUT;
	message_put(b, &m);
	message_put_target(b, &m, &here);
	if (n == ONWARD)
		message_put_target(b, &m, &onward);
}

static void put_named(struct buf *b, uint32_t n)
{
	put_u64(b, 1);
	put_msgid(b, help_id(n));
}

static void put_record(struct buf *b, enum record_type type)
{
	static const struct store_out_rcpt sent = { .state = STORE_OUT_DELIVERED };
	struct message_meta m = { .id = help_id(OLD), .octets = 100, .received_ms = 1 };
	struct message_target t = { .maildrop = 1, .recipient = STR("b@example.net") };

	switch (type) {
	case RECORD_MESSAGE: put_message_of(b, NEW + 1); break;
	case RECORD_EXPUNGE: put_named(b, OLD); break;
	case RECORD_DROP: put_u64(b, 1); break;
	case RECORD_RESTORE: put_named(b, GONE); break;
	case RECORD_MOVED:
		put_u64(b, UINT64_C(1) << 32 | (OLD + 16) * RECORD);
		message_put(b, &m);
		message_put_target(b, &m, &t);
		moved_put(b, &t, &(struct moved){ .state = MOVED_GONE });
		break;
	case RECORD_FORGET:
		put_msgid(b, help_id(GONE));
		put_u16(b, 1);
		put_u64(b, 1);
		break;
	case RECORD_RESULT:
		put_msgid(b, help_id(ONWARD));
		put_u32(b, 1);
		result_put(b, &sent);
		break;
	case RECORD_SEAL:
	case RECORD_RETIRE:
	case RECORD_RETRIEVED: break;
	}
}

/* Is what the record says so in the index? */
static bool has_happened(struct index *x, enum record_type type)
{
	uint64_t gone = UINT64_C(1) << 32 | (GONE + 16) * RECORD;
	uint64_t old = UINT64_C(1) << 32 | (OLD + 16) * RECORD;
	struct store_out_rcpt o = { 0 };
	struct index_message m;
	uint64_t count, octets;
	struct buf texts = { 0 };
	int64_t when;

	switch (type) {
	case RECORD_MESSAGE: return index_message(x, help_id(NEW + 1), &m) == STORE_OK;
	case RECORD_EXPUNGE: return index_has(x, 1, old, false) == STORE_NOT_FOUND;
	case RECORD_DROP: return index_usage(x, 1, &count, &octets) == STORE_OK && count == 0;
	case RECORD_RESTORE: return index_has(x, 1, gone, false) == STORE_OK;
	case RECORD_MOVED: return index_message(x, help_id(OLD), &m) == STORE_OK && m.at != m.pos;
	case RECORD_FORGET:
		return index_expunged_at(x, 1, gone, &when) == STORE_NOT_FOUND &&
		       index_message(x, help_id(GONE), &m) == STORE_NOT_FOUND;
	case RECORD_RESULT:
		assert_int_equal(index_onward(x, help_id(ONWARD), 1, &o, &texts), STORE_OK);
		buf_deinit(&texts);
		return o.state == STORE_OUT_DELIVERED;
	case RECORD_SEAL:
	case RECORD_RETIRE:
	case RECORD_RETRIEVED: break;
	}
	return false;
}

static void fill(const char *path)
{
	struct index_place at;
	struct index *x = open_at(path, &at);
	struct buf b = { 0 };

	index_begin(x);
	for (uint32_t i = 0; i < MESSAGES; i++) {
		buf_clear(&b);
		put_message_of(&b, i);
		apply(x, RECORD_MESSAGE, i + 16, &b);
	}
	buf_clear(&b);
	put_named(&b, GONE);
	apply(x, RECORD_EXPUNGE, MESSAGES + 16, &b);
	at = (struct index_place){ 1, 1 };
	assert_true(index_commit(x, &at));
	index_close(x);
	buf_deinit(&b);
}

/* A new message and then the record, of which SQLite cannot read a page; true when it was committed. */
static bool try_batch(const char *path, enum record_type type, int read)
{
	struct buf message = { 0 }, record = { 0 };
	struct index_place at;
	struct index *x = open_at(path, &at);
	struct index_message m;
	bool kept, all = true;

	put_message_of(&message, NEW);
	put_record(&record, type);
	at = (struct index_place){ 2, 2 };
	reads_left = read;
	index_begin(x);
	apply(x, RECORD_MESSAGE, 1000, &message);
	apply(x, type, 1001, &record);
	kept = index_commit(x, &at);
	reads_left = -1;
	index_close(x);
	x = open_at(path, &at);
	if (type != RECORD_DROP)
		all = (index_message(x, help_id(NEW), &m) == STORE_OK) == kept;
	all = all && has_happened(x, type) == kept && (at.pos == 2) == kept;
	if (!all)
		fail_msg("type %d, read %d: %s, at %d, and only half of it is there", (int)type,
			read, kept ? "committed" : "rolled back", (int)at.pos);
	index_close(x);
	buf_deinit(&message);
	buf_deinit(&record);
	return kept;
}

static void all_or_nothing(void **state)
{
	static const enum record_type types[] = { RECORD_MESSAGE, RECORD_EXPUNGE, RECORD_DROP,
		RECORD_RESTORE, RECORD_MOVED, RECORD_FORGET, RECORD_RESULT };
	char *dir = help_dir("/tmp"), full[256], path[256];

	(void)state;
	snprintf(full, sizeof full, "%s/full", dir);
	snprintf(path, sizeof path, "%s/index", dir);
	fill(full);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		int read = 0, failed = 0;

		do {
			reads_fail_copy(full, path);
			failed += !try_batch(path, types[i], read);
		} while (failed == ++read && read < READS);
		assert_in_range(failed, 3, READS - 1);
	}
	help_remove_tree(dir);
	free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_or_nothing, reads_fail_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
