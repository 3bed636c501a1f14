#include <string.h>

#include "account/directory.h"
#include "base/clock.h"

static bool count_one(void *arg, const struct certificate *c)
{
	(void)c;
	return ++*(size_t *)arg < CERTIFICATES_PER_ACCOUNT;
}

static enum status insert(struct directory *d, const struct account *a,
	const unsigned char key[CERTIFICATE_KEY], struct str name, struct err *err)
{
	enum status status = directory_begin(d, err);
	sqlite3_stmt *s;

	if (status != ST_OK)
		return status;
	s = sql_take(d, SQL_CERT_ADD);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)a->id);
	sql_bind_blob(s, 2, key, CERTIFICATE_KEY);
	sql_bind(s, 3, str_head(name, CERTIFICATE_NAME_MAX));
	sqlite3_bind_int64(s, 4, clock_wall_ms());
	status = sql_step(d, s, NULL, "add a certificate", NULL);
	sql_done(s);
	if (status == ST_EXISTS)
		err_set(err, status, "%s has this key already", a->address);
	else if (status != ST_OK)
		err_set(err, status, "directory: the certificate cannot be added");
	return directory_end(d, status, err);
}

enum status certificate_add(struct directory *d, struct str address,
	const unsigned char key[CERTIFICATE_KEY], struct str name, struct err *err)
{
	struct account a;
	size_t count = 0;
	enum status status = account_get(d, address, &a, err);

	if (status == ST_OK)
		status = certificate_each(d, address, count_one, &count, err);
	if (status == ST_OK && count >= CERTIFICATES_PER_ACCOUNT)
		status = err_set(err, ST_LIMIT, "%s has %d certificates: delete one first",
			a.address, CERTIFICATES_PER_ACCOUNT);
	return status == ST_OK ? insert(d, &a, key, name, err) : status;
}

enum status certificate_del(struct directory *d, struct str address,
	const unsigned char key[CERTIFICATE_KEY], struct err *err)
{
	struct account a;
	sqlite3_stmt *s;
	enum status status = account_get(d, address, &a, err);

	if (status != ST_OK || (status = directory_begin(d, err)) != ST_OK)
		return status;
	s = sql_take(d, SQL_CERT_DEL);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)a.id);
	sql_bind_blob(s, 2, key, CERTIFICATE_KEY);
	status = sql_step(d, s, NULL, "delete a certificate", err);
	sql_done(s);
	if (status == ST_OK && sqlite3_changes(d->db) == 0)
		status = err_set(err, ST_NOTFOUND,
			"%s has no such certificate: see `restante account cert list`", a.address);
	return directory_end(d, status, err);
}

enum status certificate_each(struct directory *d, struct str address,
	bool (*each)(void *arg, const struct certificate *c), void *arg, struct err *err)
{
	struct account a;
	sqlite3_stmt *s;
	bool row;
	enum status status = account_get(d, address, &a, err);

	if (status != ST_OK)
		return status;
	s = sql_take(d, SQL_CERT_EACH);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)a.id);
	while ((status = sql_step(d, s, &row, "list certificates", err)) == ST_OK && row) {
		struct certificate c = { .added_ms = sqlite3_column_int64(s, 2) };
		struct str key = sql_text(s, 0);
		struct str name = str_head(sql_text(s, 1), CERTIFICATE_NAME_MAX);

		memcpy(c.key, key.p, key.n < sizeof c.key ? key.n : sizeof c.key);
		memcpy(c.name, name.p, name.n);
		if (!each(arg, &c))
			break;
	}
	sql_done(s);
	return status;
}

enum said certificate_opens(
	struct directory *d, uint64_t account, const unsigned char key[CERTIFICATE_KEY])
{
	sqlite3_stmt *s = sql_take(d, SQL_CERT_OPENS);
	enum status status;
	bool row = false;

	sqlite3_bind_int64(s, 1, (sqlite3_int64)account);
	sql_bind_blob(s, 2, key, CERTIFICATE_KEY);
	status = sql_step(d, s, &row, "look up a certificate", NULL);
	sql_done(s);
	if (status != ST_OK)
		return SAID_NOTHING;
	return row ? SAID_YES : SAID_NO;
}

enum said certificate_account(
	struct directory *d, const unsigned char key[CERTIFICATE_KEY], struct account *a)
{
	sqlite3_stmt *s = sql_take(d, SQL_CERT_ACCOUNTS);
	bool row = false, more = false;
	enum status status;
	uint64_t id = 0;

	sql_bind_blob(s, 1, key, CERTIFICATE_KEY);
	status = sql_step(d, s, &row, "look up a certificate", NULL);
	if (status == ST_OK && row) {
		id = (uint64_t)sqlite3_column_int64(s, 0);
		status = sql_step(d, s, &more, "look up a certificate", NULL);
	}
	sql_done(s);
	if (status == ST_OK && row && !more)
		status = account_by_id(d, id, a, NULL);
	else if (status == ST_OK)
		status = ST_NOTFOUND;
	return status == ST_OK ? SAID_YES : status == ST_NOTFOUND ? SAID_NO : SAID_NOTHING;
}
