/* Index rows that are not what the store wrote: any value of any type in any column, rows gone and doubled, and
 * octets of the file itself.  The index is a view and no truth: every question ends, and one made anew
 * from the journal is right again. */
#include "fuzz_store.h"

#include <sqlite3.h>

#include "base/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHANGES_MAX = 8 };

static const char *const columns[][2] = { { "message", "id" }, { "message", "pos" },
	{ "message", "body_at" }, { "message", "octets" }, { "message", "header_octets" },
	{ "message", "crc" }, { "message", "flags" }, { "message", "received_ms" },
	{ "message", "sender" }, { "message", "client" }, { "message", "message_id" },
	{ "message", "recipients" }, { "message", "at" }, { "delivery", "maildrop" },
	{ "delivery", "pos" }, { "delivery", "id" }, { "delivery", "octets" },
	{ "delivery", "flags" }, { "delivery", "uidl" }, { "expunged", "maildrop" },
	{ "expunged", "pos" }, { "expunged", "id" }, { "expunged", "octets" },
	{ "expunged", "uidl" }, { "expunged", "expunged_ms" }, { "maildrop", "count" },
	{ "maildrop", "octets" }, { "onward", "id" }, { "onward", "number" }, { "onward", "state" },
	{ "onward", "flags" }, { "onward", "due" }, { "onward", "attempts" }, { "onward", "reply" },
	{ "onward", "host" }, { "onward", "tls" }, { "onward", "via" }, { "onward", "since_ms" },
	{ "onward", "recipient" }, { "applied", "pos" }, { "applied", "salt" },
	{ "applied", "format" } };

static char *index_path(void)
{
	static char path[200];

	snprintf(path, sizeof path, "%s/index.sqlite", fuzz.dir);
	return path;
}

static void bind(sqlite3_stmt *st, struct reader *in)
{
	uint8_t how = get_u8(in);
	struct str s;

	switch (how & 3) {
	case 0: sqlite3_bind_int64(st, 1, (int64_t)get_u64(in)); return;
	case 1: sqlite3_bind_int64(st, 1, (int8_t)get_u8(in)); return;
	case 2: sqlite3_bind_null(st, 1); return;
	}
	s = get_bytes(in, how >> 2);
	sqlite3_bind_blob(st, 1, s.p, (int)s.n, SQLITE_TRANSIENT);
}

static void change_row(sqlite3 *db, struct reader *in)
{
	const char *const *c = columns[get_u8(in) % (sizeof columns / sizeof *columns)];
	uint8_t which = get_u8(in);
	sqlite3_stmt *st = NULL;
	char sql[200];

	if (which >> 6 == 3)
		snprintf(sql, sizeof sql, "DELETE FROM %s WHERE ?1 IS NOT 77", c[0]);
	else
		snprintf(sql, sizeof sql, "UPDATE OR IGNORE %s SET %s=?1 WHERE %d OR %s IS %s",
			c[0], c[1], which & 1, c[1], which & 2 ? "NULL" : "0");
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
		bind(st, in);
		(void)sqlite3_step(st);
	}
	sqlite3_finalize(st);
}

static void change_rows(struct reader *in)
{
	sqlite3 *db = NULL;

	if (sqlite3_open(index_path(), &db) == SQLITE_OK)
		for (int i = 0; i < CHANGES_MAX && in->rest.n > 0; i++)
			change_row(db, in);
	sqlite3_close(db);
}

static void change_octets(struct reader *in)
{
	FILE *f = fopen(index_path(), "r+b");

	check(f != NULL);
	for (int i = 0; i < CHANGES_MAX && in->rest.n > 0; i++) {
		fseek(f, get_u16(in), SEEK_SET);
		fputc(get_u8(in), f);
	}
	fclose(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader in = { str_of(data, size), false };
	struct fsck_report report = { 0 };
	struct store *s;

	fuzz_reset();
	if (get_u8(&in) & 1)
		change_octets(&in);
	else
		change_rows(&in);
	s = fuzz_open();
	if (s != NULL) {
		fuzz_tour(s);
		store_close_all(s);
	}
	(void)store_local_fsck(fuzz.dir, fuzz.disk, &report, NULL, NULL);
	fuzz_reset(); /* the journal of before: compaction may have believed the index */
	check(store_local_rebuild(fuzz.dir, fuzz.disk, NULL) == ST_OK);
	check(store_local_fsck(fuzz.dir, fuzz.disk, &report, NULL, NULL) == ST_OK);
	check(report.corrupt + report.missing + report.index_differs == 0);
	return 0;
}
