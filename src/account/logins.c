/* Who logged in last: one row an account and one stamp an application password, gathered in memory, so that
 * a login costs no sync. */
#include <stdlib.h>
#include <string.h>

#include "account/directory.h"
#include "base/mem.h"

enum {
	LOGINS_MAX = 1024, /* not written yet; then they are */
	PLACES = 4096,
};

struct noted_login {
	uint64_t account, app_id;
	struct last_login l;
};

void directory_note_login(
	struct directory *d, uint64_t account, uint64_t app_id, const struct last_login *l)
{
	uint16_t *at;
	const struct noted_login *n;

	if (d->logins == NULL) {
		d->logins = mem_array(NULL, LOGINS_MAX, sizeof *d->logins);
		d->login_at = mem_zalloc(PLACES * sizeof *d->login_at);
	}
	/* Two accounts of one place take turns there and may have several rows: the newest is written last. */
	at = &d->login_at[account % PLACES];
	n = &d->logins[*at];
	if (*at >= d->login_count || n->account != account || n->app_id != app_id) {
		if (d->login_count == LOGINS_MAX)
			directory_flush_logins(d);
		*at = (uint16_t)d->login_count++;
	}
	d->logins[*at] = (struct noted_login){ account, app_id, *l };
}

bool directory_logins_pending(const struct directory *d)
{
	return d->login_count > 0;
}

static enum status write_one(struct directory *d, const struct noted_login *n)
{
	sqlite3_stmt *s = sql_take(d, SQL_LAST_LOGIN_SET);
	enum status status;

	sqlite3_bind_int64(s, 1, (sqlite3_int64)n->account);
	sqlite3_bind_int64(s, 2, n->l.at_ms);
	sql_bind(s, 3, str_c(n->l.ip));
	sql_bind(s, 4, str_c(n->l.tls));
	sql_bind(s, 5, str_c(n->l.mechanism));
	sql_bind(s, 6, str_c(n->l.protocol));
	sql_bind(s, 7, str_c(n->l.app));
	status = sql_step(d, s, NULL, "note a login", NULL);
	sql_done(s);
	if (status != ST_OK || n->app_id == 0)
		return status;
	s = sql_take(d, SQL_APP_USED);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)n->app_id);
	sqlite3_bind_int64(s, 2, n->l.at_ms);
	status = sql_step(d, s, NULL, "note a login", NULL);
	sql_done(s);
	return status;
}

static int by_time(const void *a, const void *b)
{
	const struct noted_login *x = a, *y = b;

	return (x->l.at_ms > y->l.at_ms) - (x->l.at_ms < y->l.at_ms);
}

/* Losing these is no broken promise: what cannot be written is let go. */
void directory_flush_logins(struct directory *d)
{
	enum status status;

	if (d->login_count == 0)
		return;
	qsort(d->logins, d->login_count, sizeof *d->logins, by_time);
	status = directory_begin(d, NULL);
	if (status == ST_OK) {
		for (size_t i = 0; i < d->login_count && status == ST_OK; i++)
			status = write_one(d, &d->logins[i]);
		directory_end_unseen(d, status, NULL);
	}
	d->login_count = 0;
}

static void copy(char *to, size_t size, struct str s)
{
	s = str_head(s, size - 1);
	memcpy(to, s.p, s.n);
	to[s.n] = '\0';
}

enum status account_last_login(
	struct directory *d, uint64_t id, struct last_login *l, bool *found, struct err *err)
{
	sqlite3_stmt *s;
	enum status status;

	directory_flush_logins(d);
	*l = (struct last_login){ 0 };
	s = sql_take(d, SQL_LAST_LOGIN_GET);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	status = sql_step(d, s, found, "look up the last login", err);
	if (status == ST_OK && *found) {
		l->at_ms = sqlite3_column_int64(s, 0);
		copy(l->ip, sizeof l->ip, sql_text(s, 1));
		copy(l->tls, sizeof l->tls, sql_text(s, 2));
		copy(l->mechanism, sizeof l->mechanism, sql_text(s, 3));
		copy(l->protocol, sizeof l->protocol, sql_text(s, 4));
		copy(l->app, sizeof l->app, sql_text(s, 5));
	}
	sql_done(s);
	return status;
}
