#include "account/directory.h"

enum status directory_domain_each(struct directory *d,
	bool (*each)(void *arg, const struct domain *domain), void *arg, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, SQL_DOMAIN_EACH);
	enum status status;
	bool row;

	while ((status = sql_step(d, s, &row, "list domains", err)) == ST_OK && row) {
		struct domain domain = { sql_text(s, 0), sql_text(s, 1),
			sqlite3_column_int64(s, 2) };

		if (!each(arg, &domain))
			break;
	}
	sql_done(s);
	return status;
}
