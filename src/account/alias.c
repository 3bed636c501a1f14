#include "account/directory.h"

static enum status alias_exists(struct directory *d, struct str name, bool *exists, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_ALIAS_GET);
	enum status status;

	sql_bind(s, 1, name);
	status = sql_step(d, s, exists, "look up an alias", err);
	sql_done(s);
	return status;
}

/* A target is an account or an alias of this office, or an address in a domain that is not ours. */
static enum status check_target(
	struct directory *d, const struct canonical *target, struct err *err)
{
	struct str name = canonical_str(target);
	enum status status = directory_name_free(d, name, NULL);
	bool ours = true;

	if (status == ST_OK)
		status = directory_has_domain(d, canonical_domain(target), &ours, NULL);
	if (status == ST_EXISTS || (status == ST_OK && !ours))
		return ST_OK;
	if (status == ST_OK)
		return err_set(err, ST_NOTFOUND,
			"the target %.*s is neither account nor alias here: add it first",
			STR_ARG(str_head(name, 150)));
	return err_set(err, status, "directory: look up a target: try again");
}

/* How many levels hang above or under name; one more than allowed is enough to know. */
static enum status levels(struct directory *d, enum statement which, struct str name,
	int64_t *depth, bool *loop, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, which);
	enum status status;
	bool row = false;

	sql_bind(s, 1, name);
	sqlite3_bind_int(s, 2, ALIAS_DEPTH_MAX + 1);
	status = sql_step(d, s, &row, "follow an alias", err);
	*depth = row ? sqlite3_column_int64(s, 0) : 0;
	if (loop != NULL)
		*loop = row && sqlite3_column_int(s, 1) != 0;
	sql_done(s);
	return status;
}

/* Asked after the rows are in, inside the transaction.  Every change keeps the graph free of loops, so a
 * new loop leads through this alias. */
static enum status check_graph(struct directory *d, struct str name, struct err *err)
{
	int64_t down, up;
	bool loop = false;
	enum status status = levels(d, SQL_ALIAS_DOWN, name, &down, &loop, err);

	if (status == ST_OK && loop)
		return err_set(err, ST_PERM,
			"the alias %.*s would lead back to itself: leave that target out",
			STR_ARG(str_head(name, 120)));
	if (status == ST_OK)
		status = levels(d, SQL_ALIAS_UP, name, &up, NULL, err);
	if (status == ST_OK && down + up > ALIAS_DEPTH_MAX)
		return err_set(err, ST_LIMIT,
			"aliases more than %d deep: let %.*s point at accounts", ALIAS_DEPTH_MAX,
			STR_ARG(str_head(name, 120)));
	return status;
}

static enum status change_target(struct directory *d, enum statement which, struct str name,
	struct str target, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, which);
	enum status status;

	sql_bind(s, 1, name);
	sql_bind(s, 2, target);
	status = sql_step(d, s, NULL, "change an alias", err);
	sql_done(s);
	return status;
}

static enum status add_targets(
	struct directory *d, struct str name, const struct str *targets, size_t n, struct err *err)
{
	struct canonical t;
	enum status status = ST_OK;

	for (size_t i = 0; i < n && status == ST_OK; i++) {
		status = directory_parse(targets[i], &t, err);
		if (status == ST_OK && str_eq(canonical_str(&t), name))
			status = err_set(err, ST_PERM,
				"the alias %.*s cannot be its own target: leave it out",
				STR_ARG(str_head(name, 120)));
		if (status == ST_OK)
			status = check_target(d, &t, err);
		if (status == ST_OK)
			status = change_target(d, SQL_ALIAS_ADD, name, canonical_str(&t), err);
	}
	return status;
}

/* The name of an alias that exists or is about to be made: an address, or "@domain". */
static enum status parse_alias(
	struct directory *d, struct str alias, bool is_new, struct canonical *c, struct err *err)
{
	struct canonical mapped;
	bool has = false;
	enum status status;

	if (!canonical_catch_all(alias, c))
		return is_new ? directory_parse_new(d, alias, c, err)
			      : directory_parse(alias, c, err);
	mapped = *c;
	status = directory_map_domain(d, &mapped, &has, err);
	if (status == ST_OK && is_new && !has)
		status = err_set(err, ST_NOTFOUND, "the domain %.*s is not served here",
			STR_ARG(str_head(canonical_domain(c), 80)));
	else if (status == ST_OK && is_new && !str_eq(canonical_str(&mapped), canonical_str(c)))
		status = err_set(err, ST_PERM, "%.*s is another name of %.*s: add it there",
			STR_ARG(str_head(canonical_domain(c), 80)),
			STR_ARG(str_head(canonical_domain(&mapped), 80)));
	return status;
}

enum status alias_add(
	struct directory *d, struct str alias, const struct str *targets, size_t n, struct err *err)
{
	struct canonical c;
	bool exists = false;
	enum status status = ST_OK;

	if (n == 0)
		return err_set(err, ST_USAGE, "an alias needs a target: name at least one address");
	if ((status = directory_begin(d, err)) != ST_OK)
		return status;
	status = parse_alias(d, alias, true, &c, err);
	if (status == ST_OK)
		status = alias_exists(d, canonical_str(&c), &exists, err);
	if (status == ST_OK && !exists)
		status = directory_name_free(d, canonical_str(&c), err);
	if (status == ST_OK)
		status = add_targets(d, canonical_str(&c), targets, n, err);
	if (status == ST_OK)
		status = check_graph(d, canonical_str(&c), err);
	return directory_end(d, status, err);
}

/* An alias that others lead to must not vanish under them. */
static enum status check_unused(struct directory *d, struct str name, struct err *err)
{
	sqlite3_stmt *s;
	bool exists = false, row = false;
	enum status status = alias_exists(d, name, &exists, err);

	if (status != ST_OK || exists)
		return status;
	s = sql_take(d, SQL_ALIAS_POINTING_AT);
	sql_bind(s, 1, name);
	status = sql_step(d, s, &row, "look up aliases", err);
	if (status == ST_OK && row)
		status = err_set(err, ST_PERM,
			"the alias %.*s delivers to %.*s: change it first with `restante alias`",
			STR_ARG(str_head(sql_text(s, 0), 80)), STR_ARG(str_head(name, 80)));
	sql_done(s);
	return status;
}

static enum status del_targets(
	struct directory *d, struct str name, const struct str *targets, size_t n, struct err *err)
{
	struct canonical t;
	enum status status = ST_OK;

	for (size_t i = 0; i < n && status == ST_OK; i++) {
		status = directory_parse(targets[i], &t, err);
		if (status == ST_OK)
			status = change_target(d, SQL_ALIAS_DEL, name, canonical_str(&t), err);
		if (status == ST_OK && sqlite3_changes(d->db) == 0)
			status = err_set(err, ST_NOTFOUND,
				"%.*s is no target of %.*s: see `restante alias list`",
				STR_ARG(str_head(canonical_str(&t), 80)),
				STR_ARG(str_head(name, 80)));
	}
	return status;
}

enum status alias_del(
	struct directory *d, struct str alias, const struct str *targets, size_t n, struct err *err)
{
	struct canonical c;
	bool exists = false;
	enum status status = parse_alias(d, alias, false, &c, err);

	if (status != ST_OK || (status = directory_begin(d, err)) != ST_OK)
		return status;
	status = alias_exists(d, canonical_str(&c), &exists, err);
	if (status == ST_OK && !exists)
		status = err_set(err, ST_NOTFOUND,
			"there is no alias %.*s: see `restante alias list`",
			STR_ARG(str_head(canonical_str(&c), 120)));
	if (status == ST_OK && n > 0) {
		status = del_targets(d, canonical_str(&c), targets, n, err);
	} else if (status == ST_OK) {
		sqlite3_stmt *s = sql_take(d, SQL_ALIAS_DEL_ALL);

		sql_bind(s, 1, canonical_str(&c));
		status = sql_step(d, s, NULL, "delete an alias", err);
		sql_done(s);
	}
	if (status == ST_OK)
		status = check_unused(d, canonical_str(&c), err);
	return directory_end(d, status, err);
}

enum status alias_each(struct directory *d,
	bool (*each)(void *arg, struct str alias, struct str target), void *arg, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_ALIAS_EACH);
	enum status status;
	bool row;

	while ((status = sql_step(d, s, &row, "list aliases", err)) == ST_OK && row)
		if (!each(arg, sql_text(s, 0), sql_text(s, 1)))
			break;
	sql_done(s);
	return status;
}
