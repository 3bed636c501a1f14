#include "account/dkim_keys.h"
#include "account/directory.h"
#include "base/clock.h"

static enum status parse_domain(
	struct directory *d, struct str domain, struct canonical *c, struct err *err)
{
	bool here = false;
	enum status status = ST_OK;

	if (!canonical_domain_name(domain, c->text, &c->n))
		return err_set(err, ST_USAGE,
			"'%.*s' is no domain name: give one such as example.org",
			STR_ARG(str_head(domain, 100)));
	status = directory_has_domain(d, canonical_str(c), &here, err);
	if (status == ST_OK && !here)
		status = err_set(err, ST_NOTFOUND,
			"there is no domain %.*s: see `restante domain list`",
			STR_ARG(str_head(canonical_str(c), 150)));
	return status;
}

/* RFC 6376 3.1: a selector is one label here. */
static enum status check_selector(struct str selector, struct err *err)
{
	bool ok = selector.n > 0 && selector.n <= DKIM_SELECTOR_MAX && selector.p[0] != '-' &&
		  selector.p[selector.n - 1] != '-';

	for (size_t i = 0; i < selector.n && ok; i++) {
		char c = selector.p[i];

		ok = (c >= 'a' && c <= 'z') || ascii_digit(c) || c == '-';
	}
	return ok ? ST_OK
		  : err_set(err, ST_USAGE,
			    "a selector has 1 to %d of the letters a-z, digits and hyphens",
			    DKIM_SELECTOR_MAX);
}

static enum status insert(struct directory *d, const struct dkim_row *r, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_DKIM_ADD);
	enum status status;

	sql_bind(s, 1, r->domain);
	sql_bind(s, 2, r->selector);
	sqlite3_bind_int(s, 3, r->algorithm);
	sql_bind_blob(s, 4, r->private_key.p, r->private_key.n);
	sql_bind(s, 5, r->record);
	sqlite3_bind_int64(s, 6, clock_wall_ms());
	sqlite3_bind_int64(s, 7, r->active_ms);
	status = sql_step(d, s, NULL, "add a DKIM key", NULL);
	sql_done(s);
	if (status == ST_EXISTS)
		return err_set(err, status,
			"%.*s has a key with the selector %.*s: give another --selector",
			STR_ARG(str_head(r->domain, 150)), STR_ARG(r->selector));
	return status == ST_OK ? ST_OK
			       : err_set(err, status, "directory: the DKIM key cannot be added");
}

static enum status at_moment(struct directory *d, enum statement which, struct str domain,
	int64_t now_ms, int64_t then_ms, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, which);
	enum status status;

	sql_bind(s, 1, domain);
	sqlite3_bind_int64(s, 2, now_ms);
	if (then_ms != 0)
		sqlite3_bind_int64(s, 3, then_ms);
	status = sql_step(d, s, NULL, "change a DKIM key", err);
	sql_done(s);
	return status;
}

struct tally {
	int64_t now_ms;
	size_t count, prepared;
};

static bool count_one(void *arg, const struct dkim_row *row)
{
	struct tally *t = arg;

	t->count++;
	t->prepared += dkim_row_state(row, t->now_ms) == DKIM_PREPARED;
	return true;
}

static enum status check_room(
	struct directory *d, struct str domain, size_t n, int64_t now_ms, struct err *err)
{
	struct tally t = { .now_ms = now_ms };
	enum status status = dkim_keys_each(d, domain, count_one, &t, err);

	if (status == ST_OK && t.prepared > 0)
		status = err_set(err, ST_EXISTS,
			"%.*s has keys that do not sign yet: `restante dkim rotate --activate` or "
			"`restante dkim del` first",
			STR_ARG(str_head(domain, 150)));
	if (status == ST_OK && t.count + n > DKIM_KEYS_MAX)
		status = err_set(err, ST_LIMIT, "%.*s has %zu keys: delete old ones first",
			STR_ARG(str_head(domain, 150)), t.count);
	return status;
}

enum status dkim_keys_add(
	struct directory *d, const struct dkim_row *rows, size_t n, struct err *err)
{
	int64_t now_ms = clock_steady_ms();
	struct canonical c;
	enum status status = parse_domain(d, rows[0].domain, &c, err);

	for (size_t i = 0; i < n && status == ST_OK; i++)
		status = check_selector(rows[i].selector, err);
	if (status == ST_OK)
		status = check_room(d, canonical_str(&c), n, now_ms, err);
	if (status != ST_OK || (status = directory_begin(d, err)) != ST_OK)
		return status;
	status = at_moment(d, SQL_DKIM_RETIRE, canonical_str(&c), now_ms, rows[0].active_ms, err);
	for (size_t i = 0; i < n && status == ST_OK; i++) {
		struct dkim_row row = rows[i];

		row.domain = canonical_str(&c);
		status = insert(d, &row, err);
	}
	return directory_end(d, status, err);
}

enum status dkim_keys_each(struct directory *d, struct str domain,
	bool (*each)(void *arg, const struct dkim_row *row), void *arg, struct err *err)
{
	sqlite3_stmt *s;
	struct canonical c = { .n = 0 };
	bool row;
	enum status status = domain.n == 0 ? ST_OK : parse_domain(d, domain, &c, err);

	if (status != ST_OK)
		return status;
	s = sql_take(d, SQL_DKIM_EACH);
	sql_bind(s, 1, canonical_str(&c));
	while ((status = sql_step(d, s, &row, "list DKIM keys", err)) == ST_OK && row) {
		struct dkim_row r = { .domain = sql_text(s, 0),
			.selector = sql_text(s, 1),
			.algorithm = sqlite3_column_int(s, 2),
			.private_key = sql_text(s, 3),
			.record = sql_text(s, 4),
			.created_ms = sqlite3_column_int64(s, 5),
			.active_ms = sqlite3_column_int64(s, 6),
			.retired_ms = sqlite3_column_int64(s, 7) };

		if (!each(arg, &r))
			break;
	}
	sql_done(s);
	return status;
}

enum status dkim_keys_activate(struct directory *d, struct str domain, struct err *err)
{
	int64_t now_ms = clock_steady_ms();
	struct canonical c;
	enum status status = parse_domain(d, domain, &c, err);

	if (status != ST_OK || (status = directory_begin(d, err)) != ST_OK)
		return status;
	status = at_moment(d, SQL_DKIM_RETIRE_NOW, canonical_str(&c), now_ms, 0, err);
	if (status == ST_OK)
		status = at_moment(d, SQL_DKIM_ACTIVATE, canonical_str(&c), now_ms, 0, err);
	if (status == ST_OK && sqlite3_changes(d->db) == 0)
		status = err_set(err, ST_NOTFOUND,
			"%.*s has no key that does not sign yet: `restante dkim rotate` makes one",
			STR_ARG(str_head(canonical_str(&c), 150)));
	return directory_end(d, status, err);
}

enum status dkim_keys_del(
	struct directory *d, struct str domain, struct str selector, struct err *err)
{
	struct canonical c;
	sqlite3_stmt *s;
	enum status status = parse_domain(d, domain, &c, err);

	if (status != ST_OK || (status = directory_begin(d, err)) != ST_OK)
		return status;
	s = sql_take(d, SQL_DKIM_DEL);
	sql_bind(s, 1, canonical_str(&c));
	sql_bind(s, 2, selector);
	status = sql_step(d, s, NULL, "delete a DKIM key", err);
	sql_done(s);
	if (status == ST_OK && sqlite3_changes(d->db) == 0)
		status = err_set(err, ST_NOTFOUND, "%.*s has no such key: see `restante dkim list`",
			STR_ARG(str_head(canonical_str(&c), 150)));
	return directory_end(d, status, err);
}

bool dkim_domain_of(struct str address, char domain[DKIM_DOMAIN_MAX + 1])
{
	char name[ADDRESS_MAX + 1];
	size_t n;

	if (!canonical_domain_name(str_from(address, str_rfind(address, '@') + 1), name, &n) ||
		n > DKIM_DOMAIN_MAX)
		return false;
	memcpy(domain, name, n);
	domain[n] = '\0';
	return true;
}

uint64_t directory_generation(const struct directory *d)
{
	return d->generation;
}

enum status directory_srs_secret(struct directory *d, unsigned char secret[32], struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_SRS_SECRET);
	bool row = false;
	enum status status = sql_step(d, s, &row, "read the secret of rewritten senders", err);

	if (status == ST_OK && row && sql_text(s, 0).n == 32)
		memcpy(secret, sql_text(s, 0).p, 32);
	else if (status == ST_OK)
		status = err_set(
			err, ST_CORRUPT, "directory: the secret of rewritten senders is gone");
	sql_done(s);
	return status;
}
