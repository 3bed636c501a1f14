#include "account/correspondent.h"

#include "account/directory.h"
#include "base/hash.h"

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

static enum status change(struct directory *d, enum statement which, const int64_t args[3],
	const char *what, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, which);
	enum status status;

	for (int i = 0; i < sqlite3_bind_parameter_count(s); i++)
		sqlite3_bind_int64(s, i + 1, args[i]);
	status = sql_step(d, s, NULL, what, err);
	sql_done(s);
	return status;
}

static enum status add(struct directory *d, const struct correspondent *c, int64_t hash,
	int64_t at_ms, struct err *err)
{
	return change(d, SQL_CORRESPONDENT_ADD, (int64_t[]){ (int64_t)c->account, hash, at_ms },
		"note a correspondent", err);
}

static enum status note(
	struct directory *d, const struct correspondent *c, int64_t hash, struct err *err)
{
	enum status status = directory_begin(d, err);

	if (status != ST_OK)
		return status;
	status = add(d, c, hash, c->now_ms, err);
	if (status == ST_OK)
		status = change(d, SQL_CORRESPONDENT_TRIM,
			(int64_t[]){ (int64_t)c->account, c->kept, 0 }, "forget old correspondents",
			err);
	return directory_end(d, status, err);
}

/* False: no address. */
static bool hash_of(const struct correspondent *c, int64_t *hash)
{
	/* Whoever finds two addresses of one hash finds them for one account. */
	const uint64_t key[2] = { c->account, UINT64_C(0x52455354414e5445) };
	struct canonical name;

	if (!canonical_address(c->address, &name))
		return false;
	*hash = (int64_t)hash_str(key, canonical_str(&name));
	return true;
}

static enum status since(struct directory *d, const struct correspondent *c, int64_t hash,
	int64_t *since_ms, struct err *err)
{
	return ask(
		d, SQL_CORRESPONDENT_GET, (int64_t[]){ (int64_t)c->account, hash }, since_ms, err);
}

enum status correspondent_count(
	struct directory *d, uint64_t account, int64_t after_ms, int64_t *count, struct err *err)
{
	return ask(d, SQL_CORRESPONDENT_NEW, (int64_t[]){ (int64_t)account, after_ms }, count, err);
}

enum said correspondent_take(struct directory *d, const struct correspondent *c, struct err *err)
{
	int64_t hash, number;

	if (!hash_of(c, &hash))
		return SAID_YES;
	if (since(d, c, hash, &number, err) != ST_OK)
		return SAID_NOTHING;
	if (number != 0)
		return SAID_YES;
	if (correspondent_count(d, c->account, c->now_ms - CORRESPONDENT_DAY_MS, &number, err) !=
		ST_OK)
		return SAID_NOTHING;
	if (number >= c->most)
		return SAID_NO;
	return note(d, c, hash, err) == ST_OK ? SAID_YES : SAID_NOTHING;
}

static enum status need_hash(const struct correspondent *c, int64_t *hash, struct err *err)
{
	*hash = 0;
	return hash_of(c, hash)
		       ? ST_OK
		       : err_set(err, ST_USAGE, "'%.*s' is no address: give local-part@domain",
				 STR_ARG(str_head(c->address, 100)));
}

enum status correspondent_since(
	struct directory *d, const struct correspondent *c, int64_t *since_ms, struct err *err)
{
	int64_t hash;
	enum status status = need_hash(c, &hash, err);

	return status == ST_OK ? since(d, c, hash, since_ms, err) : status;
}

enum status correspondent_import(
	struct directory *d, const struct correspondent *c, int64_t *room, struct err *err)
{
	int64_t since_ms = 0, hash;
	enum status status = need_hash(c, &hash, err);

	if (status == ST_OK)
		status = since(d, c, hash, &since_ms, err);
	if (status != ST_OK || since_ms != 0)
		return status;
	if (*room <= 0)
		return err_set(
			err, ST_LIMIT, "%lld are known, and no more are kept", (long long)c->kept);
	status = add(d, c, hash, c->now_ms - CORRESPONDENT_DAY_MS, err);
	*room -= status == ST_OK;
	return status;
}
