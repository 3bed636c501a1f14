/* Passwords that programs keep: random, so a fast keyed digest is enough, and a leaked table without the
 * key tells nothing. */
#include <string.h>

#include "account/directory.h"
#include "account/password.h"
#include "base/clock.h"

static void digest_of(struct directory *d, struct str password, unsigned char out[SCRAM_KEY])
{
	unsigned char key[SCRAM_KEY];

	/* The secret has another use: a key of its own for this one. */
	hmac_sha256(str_of(d->secret, sizeof d->secret), STR("application password"), key);
	hmac_sha256(str_of(key, sizeof key), password, out);
}

static enum status check_name(struct str name, struct err *err)
{
	bool ok = name.n > 0 && name.n <= APP_NAME_MAX && str_utf8(name);

	for (size_t i = 0; i < name.n && ok; i++)
		ok = (unsigned char)name.p[i] >= 0x20 && name.p[i] != 0x7f;
	if (ok)
		return ST_OK;
	return err_set(err, ST_USAGE,
		"a name has 1 to %d octets of UTF-8 without control characters", APP_NAME_MAX);
}

static bool count_one(void *arg, const struct app_password *p)
{
	(void)p;
	return ++*(size_t *)arg < APP_PASSWORDS_MAX;
}

static enum status insert(struct directory *d, uint64_t account, const struct app_password *p,
	struct str password, struct err *err)
{
	unsigned char digest[SCRAM_KEY];
	sqlite3_stmt *s;
	enum status status = directory_begin(d, err);

	if (status != ST_OK)
		return status;
	digest_of(d, password, digest);
	s = sql_take(d, SQL_APP_ADD);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)account);
	sql_bind(s, 2, str_c(p->name));
	sql_bind_blob(s, 3, digest, sizeof digest);
	sqlite3_bind_int(s, 4, (int)p->scope);
	sqlite3_bind_int64(s, 5, clock_wall_ms());
	sqlite3_bind_int64(s, 6, p->expires_ms);
	status = sql_step(d, s, NULL, "add an application password", NULL);
	sql_done(s);
	if (status == ST_EXISTS)
		err_set(err, status, "there is an application password '%s' already", p->name);
	else if (status != ST_OK)
		err_set(err, status, "directory: the application password cannot be added");
	return directory_end(d, status, err);
}

enum status app_password_add(struct directory *d, struct str address, struct str name,
	struct str password, enum login_scope scope, int64_t expires_ms, struct err *err)
{
	struct app_password p = { .scope = scope, .expires_ms = expires_ms };
	struct account a;
	size_t count = 0;
	enum status status = check_name(name, err);

	if (status == ST_OK && expires_ms != 0 && expires_ms <= clock_wall_ms())
		status = err_set(err, ST_USAGE, "it would have expired already");
	if (status == ST_OK)
		status = account_get(d, address, &a, err);
	if (status == ST_OK)
		status = app_password_each(d, address, count_one, &count, err);
	if (status == ST_OK && count >= APP_PASSWORDS_MAX)
		status = err_set(err, ST_LIMIT, "%s has %d application passwords: delete one first",
			a.address, APP_PASSWORDS_MAX);
	if (status != ST_OK)
		return status;
	memcpy(p.name, name.p, name.n);
	return insert(d, a.id, &p, password, err);
}

enum status app_password_del(
	struct directory *d, struct str address, struct str name, struct err *err)
{
	struct account a;
	sqlite3_stmt *s;
	enum status status = account_get(d, address, &a, err);

	if (status != ST_OK || (status = directory_begin(d, err)) != ST_OK)
		return status;
	s = sql_take(d, SQL_APP_DEL);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)a.id);
	sql_bind(s, 2, name);
	status = sql_step(d, s, NULL, "delete an application password", err);
	sql_done(s);
	if (status == ST_OK && sqlite3_changes(d->db) == 0)
		status = err_set(err, ST_NOTFOUND,
			"%s has no application password '%.*s': see `restante account app-password "
			"list`",
			a.address, STR_ARG(str_head(name, APP_NAME_MAX)));
	return directory_end(d, status, err);
}

static void copy_name(char to[APP_NAME_MAX + 1], struct str name)
{
	name = str_head(name, APP_NAME_MAX);
	memcpy(to, name.p, name.n);
	to[name.n] = '\0';
}

enum status app_password_each(struct directory *d, struct str address,
	bool (*each)(void *arg, const struct app_password *p), void *arg, struct err *err)
{
	struct account a;
	sqlite3_stmt *s;
	bool row;
	enum status status = account_get(d, address, &a, err);

	if (status != ST_OK)
		return status;
	s = sql_take(d, SQL_APP_EACH);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)a.id);
	while ((status = sql_step(d, s, &row, "list application passwords", err)) == ST_OK && row) {
		struct app_password p = { .id = (uint64_t)sqlite3_column_int64(s, 0),
			.scope = (enum login_scope)sqlite3_column_int(s, 2),
			.created_ms = sqlite3_column_int64(s, 3),
			.expires_ms = sqlite3_column_int64(s, 4),
			.used_ms = sqlite3_column_int64(s, 5) };

		copy_name(p.name, sql_text(s, 1));
		if (!each(arg, &p))
			break;
	}
	sql_done(s);
	return status;
}

enum said app_password_find(struct directory *d, uint64_t account, struct str password,
	enum login_scope scope, struct app_password *found)
{
	unsigned char digest[SCRAM_KEY];
	sqlite3_stmt *s = sql_take(d, SQL_APP_FIND);
	enum said answer = SAID_NO;
	int64_t expires_ms;
	bool row = false;

	digest_of(d, password, digest);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)account);
	sql_bind_blob(s, 2, digest, sizeof digest);
	if (sql_step(d, s, &row, "look up an application password", NULL) != ST_OK) {
		answer = SAID_NOTHING;
	} else if (row) {
		expires_ms = sqlite3_column_int64(s, 3);
		if (((unsigned)sqlite3_column_int(s, 2) & (unsigned)scope) != 0 &&
			(expires_ms == 0 || clock_wall_ms() < expires_ms))
			answer = SAID_YES;
		found->id = (uint64_t)sqlite3_column_int64(s, 0);
		copy_name(found->name, sql_text(s, 1));
	}
	sql_done(s);
	return answer;
}
