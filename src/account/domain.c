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

enum status directory_domain_add(struct directory *d, struct str domain, struct err *err)
{
	char name[ADDRESS_MAX + 1];
	size_t n;
	bool has = false;
	enum status status;

	if (!canonical_domain_name(domain, name, &n))
		return err_set(err, ST_USAGE,
			"'%.*s' is no domain name: give one such as example.org",
			STR_ARG(str_head(domain, 100)));
	if ((status = directory_begin(d, err)) != ST_OK)
		return status;
	status = directory_has_domain(d, str_of(name, n), &has, err);
	if (status == ST_OK && has) {
		status = err_set(err, ST_EXISTS, "the domain %s is here already", name);
	} else if (status == ST_OK) {
		sqlite3_stmt *s = sql_take(d, SQL_DOMAIN_ADD);

		sql_bind(s, 1, str_of(name, n));
		status = sql_step(d, s, NULL, "add a domain", err);
		sql_done(s);
	}
	return directory_end(d, status, err);
}

bool directory_is_local_domain(struct directory *d, struct str domain)
{
	char name[ADDRESS_MAX + 1];
	size_t n;
	bool has = false;

	return canonical_domain_name(domain, name, &n) &&
	       directory_has_domain(d, str_of(name, n), &has, NULL) == ST_OK && has;
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

	if (status == ST_OK)
		status = canonical_check_local(canonical_local(c), err);
	if (status == ST_OK)
		status = directory_has_domain(d, canonical_domain(c), &has, err);
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
	} tables[] = {
		{SQL_ACCOUNT_GET, "an account"},
                { SQL_ALIAS_GET,  "an alias"  }
	};

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
