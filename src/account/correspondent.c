#include "account/correspondent.h"

#include "account/directory.h"
#include "base/hash.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };

/* One row at most: a number, 0 when there is none. */
static enum status ask(struct directory *d, enum statement which, const int64_t args[2],
	int64_t *number, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, which);
	enum status status;
	bool row = false;

	sqlite3_bind_int64(s, 1, args[0]);
	sqlite3_bind_int64(s, 2, args[1]);
	status = sql_step(d, s, &row, "look up a correspondent", err);
	*number = status == ST_OK && row ? sqlite3_column_int64(s, 0) : 0;
	sql_done(s);
	return status;
}

static enum status note(
	struct directory *d, const struct correspondent *c, int64_t address, struct err *err)
{
	enum status status = directory_begin(d, err);
	sqlite3_stmt *s;

	if (status != ST_OK)
		return status;
	s = sql_take(d, SQL_CORRESPONDENT_ADD);
	sqlite3_bind_int64(s, 1, (int64_t)c->account);
	sqlite3_bind_int64(s, 2, address);
	sqlite3_bind_int64(s, 3, c->now_ms);
	status = sql_step(d, s, NULL, "note a correspondent", err);
	sql_done(s);
	if (status == ST_OK) {
		s = sql_take(d, SQL_CORRESPONDENT_TRIM);
		sqlite3_bind_int64(s, 1, (int64_t)c->account);
		sqlite3_bind_int64(s, 2, c->kept);
		status = sql_step(d, s, NULL, "forget old correspondents", err);
		sql_done(s);
	}
	return directory_end(d, status, err);
}

enum said correspondent_take(struct directory *d, const struct correspondent *c, struct err *err)
{
	struct canonical name;
	int64_t args[2] = { (int64_t)c->account }, number;
	/* Whoever finds two addresses of one hash finds them for one account. */
	uint64_t key[2] = { c->account, UINT64_C(0x52455354414e5445) };

	if (!canonical_address(c->address, &name))
		return SAID_YES;
	args[1] = (int64_t)hash_str(key, canonical_str(&name));
	if (ask(d, SQL_CORRESPONDENT_GET, args, &number, err) != ST_OK)
		return SAID_NOTHING;
	if (number != 0)
		return SAID_YES;
	if (ask(d, SQL_CORRESPONDENT_NEW, (int64_t[]){ args[0], c->now_ms - DAY_MS }, &number,
		    err) != ST_OK)
		return SAID_NOTHING;
	if (number >= c->most)
		return SAID_NO;
	return note(d, c, args[1], err) == ST_OK ? SAID_YES : SAID_NOTHING;
}
