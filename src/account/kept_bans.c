#include "account/directory.h"

static enum status add(struct directory *d, const struct kept_ban *ban, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_BAN_ADD);
	enum status status;

	sql_bind(s, 1, ban->network);
	sqlite3_bind_int(s, 2, ban->why);
	sqlite3_bind_int64(s, 3, ban->since_ms);
	sqlite3_bind_int64(s, 4, ban->until_ms);
	status = sql_step(d, s, NULL, "keep a ban", err);
	sql_done(s);
	return status;
}

enum status directory_keep_bans(
	struct directory *d, const struct kept_ban *bans, size_t count, struct err *err)
{
	enum status status = directory_begin(d, err);

	if (status != ST_OK)
		return status;
	status = sql_run(d, SQL_BANS_DEL, "keep bans", err);
	for (size_t i = 0; i < count && status == ST_OK; i++)
		status = add(d, &bans[i], err);
	return directory_end(d, status, err);
}

enum status directory_kept_bans(struct directory *d,
	void (*each)(void *arg, const struct kept_ban *ban), void *arg, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_BAN_EACH);
	enum status status;
	bool row;

	while ((status = sql_step(d, s, &row, "read bans", err)) == ST_OK && row)
		each(arg, &(struct kept_ban){ .network = sql_text(s, 0),
				  .why = sqlite3_column_int(s, 1),
				  .since_ms = sqlite3_column_int64(s, 2),
				  .until_ms = sqlite3_column_int64(s, 3) });
	sql_done(s);
	return status;
}
