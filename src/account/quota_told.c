/* Who has been told that his mailbox is nearly full: kept, so that a restart does not tell him again. */
#include "account/directory.h"

static enum status run(struct directory *d, enum statement which, uint64_t id, bool *row)
{
	sqlite3_stmt *s = sql_take(d, which);
	enum status status;

	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	status = sql_step(d, s, row, "keep who was told of his quota", NULL);
	sql_done(s);
	return status;
}

enum said account_quota_told(struct directory *d, uint64_t id)
{
	bool row = false;

	if (run(d, SQL_QUOTA_TOLD, id, &row) != ST_OK)
		return SAID_NOTHING;
	return row ? SAID_YES : SAID_NO;
}

enum status account_set_quota_told(struct directory *d, uint64_t id, bool told)
{
	return run(d, told ? SQL_QUOTA_TOLD_ADD : SQL_QUOTA_TOLD_DEL, id, NULL);
}
