#include "account/directory.h"

static enum status add(struct directory *d, const struct kept_sent *row, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_SENT_ADD);
	enum status status;

	sqlite3_bind_int64(s, 1, (int64_t)row->account);
	sqlite3_bind_double(s, 2, row->hour);
	sqlite3_bind_double(s, 3, row->day);
	sqlite3_bind_int64(s, 4, row->at_ms);
	status = sql_step(d, s, NULL, "keep what was sent", err);
	sql_done(s);
	return status;
}

enum status directory_keep_sent(
	struct directory *d, const struct kept_sent *rows, size_t count, struct err *err)
{
	enum status status = directory_begin(d, err);

	if (status != ST_OK)
		return status;
	status = sql_run(d, SQL_SENT_DEL, "keep what was sent", err);
	for (size_t i = 0; i < count && status == ST_OK; i++)
		status = add(d, &rows[i], err);
	return directory_end(d, status, err);
}

enum status directory_kept_sent(struct directory *d,
	void (*each)(void *arg, const struct kept_sent *row), void *arg, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_SENT_EACH);
	enum status status;
	bool row;

	while ((status = sql_step(d, s, &row, "read what was sent", err)) == ST_OK && row)
		each(arg, &(struct kept_sent){ .account = (uint64_t)sqlite3_column_int64(s, 0),
				  .hour = sqlite3_column_double(s, 1),
				  .day = sqlite3_column_double(s, 2),
				  .at_ms = sqlite3_column_int64(s, 3) });
	sql_done(s);
	return status;
}
