#include "account/directory.h"

enum status directory_has_domain(
	struct directory *d, struct str canonical, bool *has, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_DOMAIN_GET);
	enum status status;

	sql_bind(s, 1, canonical);
	status = sql_step(d, s, has, "look up a domain", err);
	sql_done(s);
	return status;
}

enum status directory_map_domain(
	struct directory *d, struct canonical *c, bool *has, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_DOMAIN_GET);
	struct canonical mapped;
	enum status status;

	*has = false;
	sql_bind(s, 1, canonical_domain(c));
	status = sql_step(d, s, has, "look up a domain", err);
	if (status == ST_OK && *has && sql_text(s, 0).n > 0 &&
		canonical_join(&mapped, canonical_local(c), sql_text(s, 0))) {
		sql_done(s);
		*c = mapped;
		return ST_OK;
	}
	sql_done(s);
	return status;
}

static enum status parse_domain(
	struct str domain, char name[ADDRESS_MAX + 1], size_t *n, struct err *err)
{
	if (canonical_domain_name(domain, name, n))
		return ST_OK;
	return err_set(err, ST_USAGE, "'%.*s' is no domain name: give one such as example.org",
		STR_ARG(str_head(domain, 100)));
}

static enum status not_here(struct str name, struct err *err)
{
	return err_set(err, ST_NOTFOUND, "there is no domain %.*s: see `restante domain list`",
		STR_ARG(str_head(name, 150)));
}

/* One level: another name of another name would make loops possible for nothing. */
static enum status check_alias_of(struct directory *d, struct str name, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_DOMAIN_GET);
	bool row = false;
	enum status status;

	sql_bind(s, 1, name);
	status = sql_step(d, s, &row, "look up a domain", err);
	if (status == ST_OK && !row)
		status = not_here(name, err);
	else if (status == ST_OK && sql_text(s, 0).n > 0)
		status = err_set(err, ST_PERM, "%.*s is itself another name of %.*s: name that one",
			STR_ARG(str_head(name, 80)), STR_ARG(str_head(sql_text(s, 0), 80)));
	sql_done(s);
	return status;
}

enum status directory_domain_del(struct directory *d, struct str domain, struct err *err)
{
	char name[ADDRESS_MAX + 1];
	size_t n;
	sqlite3_stmt *s;
	bool row = false;
	enum status status = parse_domain(domain, name, &n, err);

	if (status != ST_OK || (status = directory_begin(d, err)) != ST_OK)
		return status;
	s = sql_take(d, SQL_DOMAIN_USED);
	sql_bind(s, 1, str_of(name, n));
	status = sql_step(d, s, &row, "look for users of a domain", err);
	if (status == ST_OK && row)
		status = err_set(err, ST_PERM, "the %.*s %.*s needs the domain: delete that first",
			STR_ARG(str_head(sql_text(s, 1), 20)),
			STR_ARG(str_head(sql_text(s, 0), 120)));
	sql_done(s);
	if (status == ST_OK) {
		s = sql_take(d, SQL_DOMAIN_DEL);
		sql_bind(s, 1, str_of(name, n));
		status = sql_step(d, s, NULL, "delete a domain", err);
		sql_done(s);
	}
	if (status == ST_OK && sqlite3_changes(d->db) == 0)
		status = not_here(str_of(name, n), err);
	return directory_end(d, status, err);
}

/* As addresses do, and no name (RFC 1123 2.1). */
static bool ends_with_a_number(struct str name)
{
	size_t dot = str_rfind(name, '.');
	uint64_t number;

	return str_u64(dot < name.n ? str_from(name, dot + 1) : name, &number);
}

static enum status add(struct directory *d, struct str domain, struct str alias_of, struct err *err)
{
	char name[ADDRESS_MAX + 1], main[ADDRESS_MAX + 1] = "";
	size_t n, main_n = 0;
	bool has = false;
	enum status status = parse_domain(domain, name, &n, err);

	if (status == ST_OK && alias_of.n > 0)
		status = parse_domain(alias_of, main, &main_n, err);
	if (status == ST_OK && ends_with_a_number(str_of(name, n)))
		status = err_set(err, ST_USAGE,
			"'%s' ends with a number, as no domain does: give one such as example.org",
			name);
	if (status != ST_OK || (status = directory_begin(d, err)) != ST_OK)
		return status;
	status = directory_has_domain(d, str_of(name, n), &has, err);
	if (status == ST_OK && !has && main_n > 0)
		status = check_alias_of(d, str_of(main, main_n), err);
	if (status == ST_OK && has) {
		status = err_set(err, ST_EXISTS, "the domain %s is here already", name);
	} else if (status == ST_OK) {
		sqlite3_stmt *s = sql_take(d, SQL_DOMAIN_ADD);

		sql_bind(s, 1, str_of(name, n));
		sql_bind(s, 2, str_of(main, main_n));
		status = sql_step(d, s, NULL, "add a domain", err);
		sql_done(s);
	}
	return directory_end(d, status, err);
}

enum status directory_domain_set_retention(
	struct directory *d, struct str domain, int64_t days, struct err *err)
{
	char name[ADDRESS_MAX + 1];
	size_t n;
	sqlite3_stmt *s;
	enum status status = parse_domain(domain, name, &n, err);

	if (status == ST_OK)
		status = check_alias_of(d, str_of(name, n), err);
	if (status != ST_OK || (status = directory_begin(d, err)) != ST_OK)
		return status;
	s = sql_take(d, SQL_DOMAIN_RETENTION);
	sql_bind(s, 1, str_of(name, n));
	sqlite3_bind_int64(s, 2, days);
	status = sql_step(d, s, NULL, "change a domain", err);
	sql_done(s);
	return directory_end(d, status, err);
}

enum said directory_is_local_domain(struct directory *d, struct str domain)
{
	char name[ADDRESS_MAX + 1];
	size_t n;
	bool has = false;

	if (!canonical_domain_name(domain, name, &n))
		return SAID_NO;
	if (directory_has_domain(d, str_of(name, n), &has, NULL) != ST_OK)
		return SAID_NOTHING;
	return has ? SAID_YES : SAID_NO;
}

enum status directory_domain_add(struct directory *d, struct str domain, struct err *err)
{
	return add(d, domain, STR(""), err);
}

enum status directory_domain_alias(
	struct directory *d, struct str domain, struct str of, struct err *err)
{
	if (of.n == 0)
		return err_set(err, ST_USAGE, "another name of which domain?");
	return add(d, domain, of, err);
}

enum status directory_parse(struct str address, struct canonical *c, struct err *err)
{
	if (canonical_address(address, c))
		return ST_OK;
	return err_set(err, ST_USAGE, "not an address: give one such as user@example.org");
}

enum status directory_parse_new(
	struct directory *d, struct str address, struct canonical *c, struct err *err)
{
	bool has = false;
	enum status status = directory_parse(address, c, err);
	struct canonical mapped;

	if (status == ST_OK)
		status = canonical_check_local(canonical_local(c), err);
	mapped = *c;
	if (status == ST_OK)
		status = directory_map_domain(d, &mapped, &has, err);
	if (status == ST_OK && has && !str_eq(canonical_str(&mapped), canonical_str(c)))
		status = err_set(err, ST_PERM, "%.*s is another name of %.*s: add it there",
			STR_ARG(str_head(canonical_domain(c), 80)),
			STR_ARG(str_head(canonical_domain(&mapped), 80)));
	if (status == ST_OK && !has)
		status = err_set(err, ST_NOTFOUND,
			"the domain %.*s is not served here: add it with `restante domain add "
			"%.*s`",
			STR_ARG(str_head(canonical_domain(c), 80)),
			STR_ARG(str_head(canonical_domain(c), 80)));
	return status;
}

enum status directory_name_free(struct directory *d, struct str canonical, struct err *err)
{
	static const struct {
		enum statement get;
		const char *what;
	} tables[] = { { SQL_ACCOUNT_GET, "an account" }, { SQL_ALIAS_GET, "an alias" } };

	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		sqlite3_stmt *s = sql_take(d, tables[i].get);
		bool row = false;
		enum status status;

		sql_bind(s, 1, canonical);
		status = sql_step(d, s, &row, "look up a name", err);
		sql_done(s);
		if (status != ST_OK)
			return status;
		if (row)
			return err_set(err, ST_EXISTS, "%.*s is %s already: choose another name",
				STR_ARG(str_head(canonical, 150)), tables[i].what);
	}
	return ST_OK;
}
