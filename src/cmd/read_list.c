/* The list of restante read: found, put in order of threads, drawn. */
#include <curses.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "cmd/read.h"
#include "cmd/read_text.h"
#include "reader/query.h"

static struct str keep(char **room, struct str s)
{
	char *to = *room;

	if (s.n > 0)
		memcpy(to, s.p, s.n);
	*room += s.n;
	return str_of(to, s.n);
}

static bool on_found(void *arg, const struct library_row *row)
{
	struct mail_list *l = arg;
	size_t texts = row->account.n + row->id.n + row->uidl.n + row->from.n + row->to.n +
		       row->subject.n + row->attachments.n;
	struct mail *m = mem_zalloc(sizeof *m + texts);
	char *room = (char *)(m + 1);

	m->account = keep(&room, row->account);
	m->id = keep(&room, row->id);
	m->uidl = keep(&room, row->uidl);
	m->from = keep(&room, row->from);
	m->to = keep(&room, row->to);
	m->subject = keep(&room, row->subject);
	m->attachments = keep(&room, row->attachments);
	m->octets = row->octets;
	m->date_ms = row->date_ms;
	m->thread = row->thread;
	m->seen = row->seen;
	m->marked = row->marked;
	m->place = l->count;
	if (l->count == l->cap) {
		l->cap = l->cap == 0 ? 256 : l->cap * 2;
		l->rows = mem_array(l->rows, l->cap, sizeof *l->rows);
	}
	l->rows[l->count++] = m;
	return true;
}

void list_free(struct mail_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->rows[i]);
	free(l->rows);
	*l = (struct mail_list){ NULL, 0, 0 };
}

static int three_way(bool less, bool more)
{
	return more - less;
}

static int by_thread(const void *a, const void *b)
{
	const struct mail *x = *(struct mail *const *)a, *y = *(struct mail *const *)b;

	if (x->thread != y->thread)
		return three_way(x->thread<y->thread, x->thread> y->thread);
	return three_way(x->place<y->place, x->place> y->place);
}

/* The thread with the newest message first; inside of it, the oldest first. */
static int by_rank(const void *a, const void *b)
{
	const struct mail *x = *(struct mail *const *)a, *y = *(struct mail *const *)b;

	if (x->rank != y->rank)
		return three_way(x->rank<y->rank, x->rank> y->rank);
	return three_way(x->place > y->place, x->place < y->place);
}

static void order_threads(struct mail_list *l)
{
	if (l->count == 0)
		return;
	qsort(l->rows, l->count, sizeof *l->rows, by_thread);
	for (size_t i = 0; i < l->count; i++) {
		bool same = i > 0 && l->rows[i]->thread == l->rows[i - 1]->thread;

		l->rows[i]->rank = same ? l->rows[i - 1]->rank : l->rows[i]->place;
	}
	qsort(l->rows, l->count, sizeof *l->rows, by_rank);
	for (size_t i = 1; i < l->count; i++)
		l->rows[i]->reply = l->rows[i]->rank == l->rows[i - 1]->rank;
}

/* What is being typed is the beginning of a word, where that can be. */
static enum status parse(struct desk *r, struct library_query *q, struct err *err)
{
	struct str typed = buf_str(&r->query);
	struct buf begun = { 0 };
	enum status status = ST_USAGE;

	if (typed.n > 0 && typed.p[typed.n - 1] != ' ' && typed.p[typed.n - 1] != '"' &&
		typed.p[typed.n - 1] != '*') {
		buf_put(&begun, typed);
		buf_putc(&begun, '*');
		status = query_parse(q, buf_str(&begun), NULL);
		if (status != ST_OK)
			library_query_deinit(q);
		buf_deinit(&begun);
	}
	return status == ST_OK ? status : query_parse(q, typed, err);
}

struct mail *list_at(const struct desk *r)
{
	return r->at < r->list.count ? r->list.rows[r->at] : NULL;
}

static void find_again(struct desk *r, const struct mail *before)
{
	r->at = before == NULL || r->at < r->list.count ? r->at : 0;
	for (size_t i = 0; before != NULL && i < r->list.count; i++)
		if (str_eq(r->list.rows[i]->id, before->id)) {
			r->at = i;
			return;
		}
	if (r->at >= r->list.count)
		r->at = r->list.count > 0 ? r->list.count - 1 : 0;
}

void list_find(struct desk *r)
{
	struct mail_list found = { NULL, 0, 0 }, old = r->list;
	struct library_query q = { .after_ms = 0 };
	struct str accounts = r->only.n > 0 ? r->only : buf_str(&r->reading.accounts);
	struct err err = { ST_OK, "" };

	if (parse(r, &q, &err) == ST_OK &&
		library_find(r->reading.library, accounts, &q, on_found, &found, &err) == ST_OK) {
		struct mail *before = list_at(r);

		if (r->threads)
			order_threads(&found);
		r->list = found;
		find_again(r, before);
		list_free(&old);
	} else {
		list_free(&found);
		desk_note(r, "%s", err.text);
	}
	library_query_deinit(&q);
}

void list_move(struct desk *r, long by)
{
	size_t last = r->list.count > 0 ? r->list.count - 1 : 0, far = (size_t)labs(by);

	if (by < 0)
		r->at = far < r->at ? r->at - far : 0;
	else
		r->at = far < last - r->at ? r->at + far : last;
}

/* ---- drawing ---- */

enum { DATE_COLUMNS = 10, ACCOUNT_COLUMNS = 10, FROM_COLUMNS = 20 };

static void put_column(int row, int *column, struct str text, int columns)
{
	struct buf fit = { 0 };

	if (columns > COLS - *column)
		columns = COLS - *column;
	if (columns <= 0)
		return;
	text_fit(&fit, text, (size_t)columns);
	mvaddnstr(row, *column, buf_str(&fit).p, (int)fit.len);
	*column += columns + 1;
	buf_deinit(&fit);
}

/* "Ann <ann@example.test>" is Ann. */
static struct str person(struct str from)
{
	struct str name = str_trim(str_head(from, str_find(from, '<')));

	if (name.n > 1 && name.p[0] == '"' && name.p[name.n - 1] == '"')
		name = str_of(name.p + 1, name.n - 2);
	return name.n > 0 ? name : from;
}

static struct str date_text(int64_t ms, char room[16])
{
	time_t t = (time_t)(ms / 1000), now = time(NULL);
	struct tm tm, today;

	if (localtime_r(&t, &tm) == NULL || localtime_r(&now, &today) == NULL)
		return STR("");
	strftime(room, 16,
		tm.tm_year == today.tm_year && tm.tm_yday == today.tm_yday ? "%H:%M" : "%Y-%m-%d",
		&tm);
	return str_c(room);
}

static void draw_mail(const struct desk *r, int row, const struct mail *m, bool chosen)
{
	bool has_file = !str_eq(m->attachments, STR("[]"));
	char flags[4] = { m->seen ? ' ' : 'N', m->marked ? '*' : ' ', has_file ? '@' : ' ', '\0' };
	struct buf subject = { 0 };
	char date[16];
	int column = 0;

	attrset(chosen ? A_REVERSE : m->seen ? A_NORMAL : A_BOLD);
	mvhline(row, 0, ' ', COLS);
	put_column(row, &column, str_c(flags), 3);
	put_column(row, &column, date_text(m->date_ms, date), DATE_COLUMNS);
	if (r->only.n == 0 &&
		str_find(buf_str(&r->reading.accounts), '\n') < r->reading.accounts.len)
		put_column(row, &column, reading_name(m->account), ACCOUNT_COLUMNS);
	put_column(row, &column, person(m->from), FROM_COLUMNS);
	if (r->threads && m->reply)
		buf_put(&subject, STR("└ "));
	buf_put(&subject, m->subject.n > 0 ? m->subject : STR("(no subject)"));
	put_column(row, &column, buf_str(&subject), COLS - column);
	attrset(A_NORMAL);
	buf_deinit(&subject);
}

static void draw_head(const struct desk *r)
{
	struct buf head = { 0 };

	buf_put(&head, STR(" Mail of "));
	buf_put(&head, r->only.n > 0 ? reading_name(r->only) : STR("all accounts"));
	buf_printf(&head, ": %zu", r->list.count);
	if (r->query.len > 0) {
		buf_put(&head, STR("  found: "));
		buf_put(&head, buf_str(&r->query));
	}
	draw_line(0, buf_str(&head), A_REVERSE);
	buf_deinit(&head);
}

void list_draw(struct desk *r)
{
	size_t rows = LINES > 2 ? (size_t)LINES - 2 : 0;

	erase();
	if (r->at < r->top)
		r->top = r->at;
	if (rows > 0 && r->at >= r->top + rows)
		r->top = r->at - rows + 1;
	draw_head(r);
	for (size_t i = 0; i < rows && r->top + i < r->list.count; i++)
		draw_mail(r, (int)i + 1, r->list.rows[r->top + i], r->top + i == r->at);
	if (r->list.count == 0 && rows > 0)
		draw_line(1, r->query.len > 0 ? STR("Nothing found.") : STR("No mail yet."),
			A_NORMAL);
}
