#include <string.h>

#include "account/directory.h"
#include "base/clock.h"
#include "base/mem.h"

static void bind_credentials(sqlite3_stmt *s, int at, const struct credentials *c)
{
	sql_bind(s, at, str_c(c->hash));
	sqlite3_bind_int64(s, at + 1, (sqlite3_int64)c->scram_iterations);
	sql_bind_blob(s, at + 2, c->scram_salt, sizeof c->scram_salt);
	sql_bind_blob(s, at + 3, c->scram_stored_key, sizeof c->scram_stored_key);
	sql_bind_blob(s, at + 4, c->scram_server_key, sizeof c->scram_server_key);
}

static void copy_text(char *to, size_t size, struct str s)
{
	s = str_head(s, size - 1);
	memcpy(to, s.p, s.n);
	to[s.n] = '\0';
}

static void read_account(sqlite3_stmt *s, struct account *a)
{
	*a = (struct account){
		.id = (uint64_t)sqlite3_column_int64(s, 0),
		.disabled = sqlite3_column_int(s, 2) != 0,
		.created_ms = sqlite3_column_int64(s, 3),
		.password_changed_ms = sqlite3_column_int64(s, 4),
		.quota_bytes = sqlite3_column_int64(s, 5),
		.quota_messages = sqlite3_column_int64(s, 6),
		.retention_days = sqlite3_column_int64(s, 7),
	};
	copy_text(a->pop3_folders, sizeof a->pop3_folders, sql_text(s, 8));
	copy_text(a->address, sizeof a->address, sql_text(s, 1));
}

static enum status not_found(struct str address, struct err *err)
{
	return err_set(err, ST_NOTFOUND, "there is no account %.*s: see `restante account list`",
		STR_ARG(str_head(address, 150)));
}

static enum status get(
	struct directory *d, const struct canonical *c, struct account *a, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_ACCOUNT_GET);
	bool row = false;
	enum status status;

	sql_bind(s, 1, canonical_str(c));
	status = sql_step(d, s, &row, "look up an account", err);
	if (status == ST_OK && row)
		read_account(s, a);
	sql_done(s);
	return status == ST_OK && !row ? not_found(canonical_str(c), err) : status;
}

enum status account_get(struct directory *d, struct str address, struct account *a, struct err *err)
{
	struct canonical c;
	enum status status = directory_parse(address, &c, err);

	return status == ST_OK ? get(d, &c, a, err) : status;
}

enum status account_by_id(struct directory *d, uint64_t id, struct account *a, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_ACCOUNT_BY_ID);
	bool row = false;
	enum status status;

	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	status = sql_step(d, s, &row, "look up an account", err);
	if (status == ST_OK && row)
		read_account(s, a);
	sql_done(s);
	if (status == ST_OK && !row)
		return err_set(
			err, ST_NOTFOUND, "there is no account %llu", (unsigned long long)id);
	return status;
}

enum status account_add(struct directory *d, struct str address,
	const struct credentials *credentials, uint64_t *id, struct err *err)
{
	struct canonical c;
	enum status status = directory_begin(d, err);

	if (status != ST_OK)
		return status;
	status = directory_parse_new(d, address, &c, err);
	if (status == ST_OK)
		status = directory_name_free(d, canonical_str(&c), err);
	if (status == ST_OK) {
		sqlite3_stmt *s = sql_take(d, SQL_ACCOUNT_ADD);

		sql_bind(s, 1, canonical_str(&c));
		sqlite3_bind_int64(s, 2, clock_wall_ms());
		bind_credentials(s, 3, credentials);
		status = sql_step(d, s, NULL, "add an account", err);
		sql_done(s);
	}
	if (status == ST_OK && id != NULL)
		*id = (uint64_t)sqlite3_last_insert_rowid(d->db);
	return directory_end(d, status, err);
}

/* Mail for an alias must not begin to bounce, or silently reach fewer people, because somebody left: the
 * administrator says first who takes over. */
static enum status check_unused(struct directory *d, const struct canonical *c, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_ALIAS_POINTING_AT);
	bool row = false;
	enum status status;

	sql_bind(s, 1, canonical_str(c));
	status = sql_step(d, s, &row, "look up aliases", err);
	if (status == ST_OK && row)
		status = err_set(err, ST_PERM,
			"the alias %.*s delivers to %.*s: change it first with `restante alias`",
			STR_ARG(str_head(sql_text(s, 0), 80)),
			STR_ARG(str_head(canonical_str(c), 80)));
	sql_done(s);
	return status;
}

enum status account_del(struct directory *d, struct str address, uint64_t *id, struct err *err)
{
	struct canonical c;
	struct account a;
	enum status status = directory_parse(address, &c, err);

	if (status != ST_OK || (status = directory_begin(d, err)) != ST_OK)
		return status;
	status = get(d, &c, &a, err);
	if (status == ST_OK)
		status = check_unused(d, &c, err);
	if (status == ST_OK) {
		sqlite3_stmt *s = sql_take(d, SQL_ACCOUNT_DEL);

		sql_bind(s, 1, canonical_str(&c));
		status = sql_step(d, s, NULL, "delete an account", err);
		sql_done(s);
	}
	if (status == ST_OK && id != NULL)
		*id = a.id;
	return directory_end(d, status, err);
}

/* s updates one account whose address is bound here as ?1; no row changed means no such account. */
static enum status update(struct directory *d, struct str address, sqlite3_stmt *s, struct err *err)
{
	struct canonical c;
	enum status status = directory_parse(address, &c, err);

	if (status == ST_OK)
		status = directory_begin(d, err);
	if (status != ST_OK) {
		sql_done(s);
		return status;
	}
	sql_bind(s, 1, canonical_str(&c));
	status = sql_step(d, s, NULL, "change an account", err);
	sql_done(s);
	if (status == ST_OK && sqlite3_changes(d->db) == 0)
		status = not_found(canonical_str(&c), err);
	return directory_end(d, status, err);
}

enum status account_set_password(
	struct directory *d, struct str address, const struct credentials *c, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_ACCOUNT_PASSWORD);

	sqlite3_bind_int64(s, 2, clock_wall_ms());
	bind_credentials(s, 3, c);
	return update(d, address, s, err);
}

enum status account_upgrade(struct directory *d, uint64_t id, uint64_t version,
	const struct credentials *c, struct err *err)
{
	sqlite3_stmt *s;
	enum status status = directory_begin(d, err);

	if (status != ST_OK)
		return status;
	s = sql_take(d, SQL_ACCOUNT_UPGRADE);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)version);
	bind_credentials(s, 3, c);
	status = sql_step(d, s, NULL, "change an account", err);
	sql_done(s);
	return directory_end(d, status, err);
}

enum status account_set_disabled(
	struct directory *d, struct str address, bool disabled, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_ACCOUNT_DISABLED);

	sqlite3_bind_int(s, 2, disabled);
	return update(d, address, s, err);
}

enum status account_set_quota(
	struct directory *d, struct str address, int64_t bytes, int64_t messages, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_ACCOUNT_QUOTA_SET);

	sqlite3_bind_int64(s, 2, bytes);
	sqlite3_bind_int64(s, 3, messages);
	return update(d, address, s, err);
}

enum status account_set_retention(
	struct directory *d, struct str address, int64_t days, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_ACCOUNT_RETENTION);

	sqlite3_bind_int64(s, 2, days);
	return update(d, address, s, err);
}

enum status account_set_folders(
	struct directory *d, struct str address, struct str folders, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_ACCOUNT_FOLDERS);

	sql_bind(s, 2, folders);
	return update(d, address, s, err);
}

bool directory_retention(struct directory *d, int64_t *least)
{
	if (!d->retention_known) {
		sqlite3_stmt *s = sql_take(d, SQL_RETENTION_LEAST);

		d->retention_known =
			sql_step(d, s, &d->retention, "look for retention", NULL) == ST_OK;
		d->retention_least = d->retention ? sqlite3_column_int64(s, 0) : 0;
		sql_done(s);
	}
	*least = d->retention_least;
	return d->retention;
}

int64_t account_retention(struct directory *d, uint64_t id)
{
	struct account a;
	int64_t least;

	if (!directory_retention(d, &least) || account_by_id(d, id, &a, NULL) != ST_OK)
		return RETENTION_DEFAULT;
	return a.retention_days;
}

static bool any_quota(struct directory *d)
{
	sqlite3_stmt *s;
	bool row = false;

	if (d->quotas_known)
		return d->quotas;
	s = sql_take(d, SQL_ACCOUNT_QUOTAS);
	d->quotas_known = sql_step(d, s, &row, "look for quotas", NULL) == ST_OK;
	sql_done(s);
	d->quotas = row;
	return row || !d->quotas_known;
}

void account_quota(struct directory *d, uint64_t id, int64_t *bytes, int64_t *messages)
{
	sqlite3_stmt *s;
	bool row = false;

	*bytes = *messages = QUOTA_DEFAULT;
	if (!any_quota(d))
		return;
	s = sql_take(d, SQL_ACCOUNT_QUOTA);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	if (sql_step(d, s, &row, "look up a quota", NULL) == ST_OK && row) {
		*bytes = sqlite3_column_int64(s, 0);
		*messages = sqlite3_column_int64(s, 1);
	}
	sql_done(s);
}

enum status account_each(struct directory *d, struct str after,
	bool (*each)(void *arg, const struct account *a), void *arg, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_ACCOUNT_EACH);
	enum status status;
	struct account a;
	bool row;

	sql_bind(s, 1, after);
	while ((status = sql_step(d, s, &row, "list accounts", err)) == ST_OK && row) {
		read_account(s, &a);
		if (!each(arg, &a))
			break;
	}
	sql_done(s);
	return status;
}

static void read_blob(sqlite3_stmt *s, int column, unsigned char *to, size_t n)
{
	struct str v = str_head(sql_text(s, column), n);

	memcpy(to, v.p, v.n);
}

static void read_login(sqlite3_stmt *s, struct login *l)
{
	struct credentials *c = &l->credentials;

	l->found = true;
	l->id = (uint64_t)sqlite3_column_int64(s, 0);
	l->disabled = sqlite3_column_int(s, 1) != 0;
	l->version = (uint64_t)sqlite3_column_int64(s, 2);
	copy_text(c->hash, sizeof c->hash, sql_text(s, 3));
	c->scram_iterations = (unsigned)sqlite3_column_int64(s, 4);
	read_blob(s, 5, c->scram_salt, sizeof c->scram_salt);
	read_blob(s, 6, c->scram_stored_key, sizeof c->scram_stored_key);
	read_blob(s, 7, c->scram_server_key, sizeof c->scram_server_key);
}

/* "bob" is bob@ the one domain; with two domains it is nobody.  Other names of a domain do not count. */
static enum status only_domain(struct directory *d, struct canonical *c, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_DOMAIN_EACH);
	char name[ADDRESS_MAX + 1];
	size_t n = 0, count = 0;
	enum status status;
	bool row;

	while ((status = sql_step(d, s, &row, "list domains", err)) == ST_OK && row && count < 2) {
		if (sql_text(s, 1).n > 0 || count++ > 0)
			continue;
		copy_text(name, sizeof name, sql_text(s, 0));
		n = sql_text(s, 0).n;
	}
	sql_done(s);
	if (status == ST_OK && count == 1)
		canonical_join(c, canonical_local(c), str_of(name, n));
	return status;
}

static enum status login_name(
	struct directory *d, struct str user, struct login *l, struct err *err)
{
	struct canonical c;
	enum status status = ST_OK;
	bool has;

	if (canonical_address(user, &c)) {
		status = directory_map_domain(d, &c, &has, err);
	} else {
		if (canonical_name(user, &c)) {
			status = only_domain(d, &c, err);
		} else {
			c.n = user.n < ADDRESS_MAX ? user.n : ADDRESS_MAX;
			memcpy(c.text, user.p, c.n);
		}
	}
	memcpy(l->text, c.text, c.n);
	l->text[c.n] = '\0';
	l->name = str_of(l->text, c.n);
	return status;
}

enum status directory_login(struct directory *d, struct str user, struct login *l, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_LOGIN_GET);
	enum status status;
	bool row = false;

	*l = (struct login){ .found = false };
	status = login_name(d, user, l, err);
	if (status != ST_OK)
		return status;
	sql_bind(s, 1, l->name);
	status = sql_step(d, s, &row, "look up a login", err);
	if (status == ST_OK && row)
		read_login(s, l);
	sql_done(s);
	return status;
}

void login_wipe(struct login *l)
{
	mem_wipe(l, sizeof *l);
}

enum said directory_login_valid(struct directory *d, uint64_t id, uint64_t version)
{
	sqlite3_stmt *s = sql_take(d, SQL_LOGIN_VERSION);
	enum said answer = SAID_NO;
	bool row = false;

	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	if (sql_step(d, s, &row, "look up a login", NULL) != ST_OK)
		answer = SAID_NOTHING;
	else if (row && (uint64_t)sqlite3_column_int64(s, 0) == version)
		answer = SAID_YES;
	sql_done(s);
	return answer;
}

enum said directory_same_user(struct directory *d, struct str a, struct str b)
{
	struct login x, y;

	if (str_eq(a, b))
		return SAID_YES;
	if (login_name(d, a, &x, NULL) != ST_OK || login_name(d, b, &y, NULL) != ST_OK)
		return SAID_NOTHING;
	return str_eq(x.name, y.name) ? SAID_YES : SAID_NO;
}
