#include "account/suppression.h"

#include "account/directory.h"

enum status suppression_add(
	struct directory *d, uint64_t account, struct str address, int64_t wall_ms, struct err *err)
{
	sqlite3_stmt *s;
	struct canonical c;
	enum status status;

	if (!canonical_address(address, &c))
		return err_set(err, ST_USAGE, "not an address");
	s = sql_take(d, SQL_SUPPRESSION_ADD);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)account);
	sql_bind(s, 2, canonical_str(&c));
	sqlite3_bind_int64(s, 3, wall_ms);
	status = sql_step(d, s, NULL, "suppress an address", err);
	sql_done(s);
	return status;
}

enum said suppression_has(struct directory *d, uint64_t account, struct str address)
{
	sqlite3_stmt *s;
	struct canonical c;
	enum status status;
	bool row = false;

	if (!canonical_address(address, &c))
		return SAID_NO;
	s = sql_take(d, SQL_SUPPRESSION_GET);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)account);
	sql_bind(s, 2, canonical_str(&c));
	status = sql_step(d, s, &row, "look up a suppressed address", NULL);
	sql_done(s);
	if (status != ST_OK)
		return SAID_NOTHING;
	return row ? SAID_YES : SAID_NO;
}

enum status suppression_del(
	struct directory *d, struct str account, struct str address, struct err *err)
{
	struct canonical who, whom;
	sqlite3_stmt *s;
	enum status status = directory_parse(account, &who, err);

	if (status == ST_OK)
		status = directory_parse(address, &whom, err);
	if (status != ST_OK)
		return status;
	s = sql_take(d, SQL_SUPPRESSION_DEL);
	sql_bind(s, 1, canonical_str(&who));
	sql_bind(s, 2, canonical_str(&whom));
	status = sql_step(d, s, NULL, "allow a suppressed address", err);
	sql_done(s);
	if (status == ST_OK && sqlite3_changes(d->db) == 0)
		status = err_set(err, ST_NOTFOUND,
			"%.*s may send to %.*s: see `restante suppression list`",
			STR_ARG(str_head(canonical_str(&who), 80)),
			STR_ARG(str_head(canonical_str(&whom), 80)));
	return status;
}

enum status suppression_each(struct directory *d,
	bool (*each)(void *arg, struct str account, struct str address, int64_t at_ms), void *arg,
	struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_SUPPRESSION_EACH);
	enum status status;
	bool row;

	while ((status = sql_step(d, s, &row, "list suppressed addresses", err)) == ST_OK && row)
		if (!each(arg, sql_text(s, 0), sql_text(s, 1), sqlite3_column_int64(s, 2)))
			break;
	sql_done(s);
	return status;
}
