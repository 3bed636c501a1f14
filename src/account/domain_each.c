#include "account/directory.h"

enum status directory_domain_each(struct directory *d,
	bool (*each)(void *arg, struct str domain, struct str alias_of), void *arg, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_DOMAIN_EACH);
	enum status status;
	bool row;

	while ((status = sql_step(d, s, &row, "list domains", err)) == ST_OK && row)
		if (!each(arg, sql_text(s, 0), sql_text(s, 1)))
			break;
	sql_done(s);
	return status;
}
