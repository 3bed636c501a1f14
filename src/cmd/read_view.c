/* One message of restante read. */
#include <curses.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "cmd/read.h"
#include "cmd/read_text.h"
#include "mime/charset.h"
#include "mime/text.h"

enum { VIEW_MAX = 64 * 1024 * 1024 };

bool view_octets(struct desk *r, uint64_t max, struct buf *octets)
{
	const struct mail *m = list_at(r);
	struct err err = { ST_OK, "" };
	struct library_row row;

	if (m == NULL)
		return false;
	row = (struct library_row){ .account = m->account, .id = m->id, .uidl = m->uidl };
	if (reading_begin(&r->reading, &err) == ST_OK) {
		r->partial = reading_partial(&r->reading, &row);
		reading_message(&r->reading, &row, max, octets, &err);
	}
	reading_rest(&r->reading);
	if (err.code != ST_OK)
		desk_note(r, "%s", err.text);
	return err.code == ST_OK;
}

static void put_field(struct buf *out, const char *name, struct str text)
{
	if (text.n == 0)
		return;
	buf_put(out, str_c(name));
	buf_put(out, text);
	buf_putc(out, '\n');
}

static void put_date(struct buf *out, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	char text[64];
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL)
		return;
	strftime(text, sizeof text, "%Y-%m-%d %H:%M %z", &tm);
	put_field(out, "Date:    ", str_c(text));
}

static void make_text(struct mail_view *v)
{
	struct buf text = { 0 }, head = { 0 };
	struct mime_tree t;

	put_field(&head, "From:    ", v->mail->from);
	put_field(&head, "To:      ", v->mail->to);
	put_date(&head, v->mail->date_ms);
	put_field(&head, "Subject: ", v->mail->subject);
	buf_putc(&head, '\n');
	buf_put(&v->text, buf_str(&head));
	mime_tree_parse(&t, buf_str(&v->octets));
	mime_text(&t, &text);
	mime_tree_free(&t);
	text_expand(&v->text, buf_str(&text));
	buf_deinit(&text);
	buf_deinit(&head);
}

static void wrap(struct mail_view *v)
{
	struct str rest = buf_str(&v->text);
	size_t cap = 0;

	free(v->lines);
	v->lines = NULL;
	v->count = 0;
	v->columns = COLS > 2 ? (size_t)COLS : 2;
	while (rest.n > 0) {
		if (v->count == cap) {
			cap = cap == 0 ? 256 : cap * 2;
			v->lines = mem_array(v->lines, cap, sizeof *v->lines);
		}
		v->lines[v->count++] = text_wrap(&rest, v->columns);
	}
}

bool view_open(struct desk *r)
{
	struct mail *m = list_at(r);
	struct mail_view v = { .mail = m };

	if (!view_octets(r, VIEW_MAX, &v.octets)) {
		buf_deinit(&v.octets);
		return false;
	}
	view_close(r);
	v.cut = m->octets > 0 && (uint64_t)m->octets > v.octets.len;
	r->view = v;
	make_text(&r->view);
	if (v.cut)
		desk_note(r, "Only its beginning is shown: save it to have it whole");
	else if (r->partial)
		desk_note(r, "Only its beginning was fetched: F brings the rest");
	act_seen(r, true);
	return true;
}

void view_close(struct desk *r)
{
	buf_deinit(&r->view.octets);
	buf_deinit(&r->view.text);
	free(r->view.lines);
	r->view = (struct mail_view){ .mail = NULL };
}

static size_t page(void)
{
	return LINES > 2 ? (size_t)LINES - 2 : 1;
}

void view_move(struct desk *r, long by)
{
	struct mail_view *v = &r->view;
	size_t last = v->count > page() ? v->count - page() : 0, far = (size_t)labs(by);

	if (by < 0)
		v->top = far < v->top ? v->top - far : 0;
	else
		v->top = v->top + far < last ? v->top + far : last;
}

void view_draw(struct desk *r)
{
	struct mail_view *v = &r->view;
	struct buf head = { 0 };

	if (v->columns != (size_t)COLS)
		wrap(v);
	view_move(r, 0);
	erase();
	buf_printf(&head, " %zu of %zu  ", r->at + 1, r->list.count);
	buf_put(&head, reading_name(v->mail->account));
	if (v->mail->marked)
		buf_put(&head, STR("  *"));
	if (v->count > page())
		buf_printf(&head, "  lines %zu-%zu of %zu", v->top + 1,
			v->top + page() < v->count ? v->top + page() : v->count, v->count);
	draw_line(0, buf_str(&head), A_REVERSE);
	for (size_t i = 0; i < page() && v->top + i < v->count; i++)
		draw_line((int)i + 1, v->lines[v->top + i], A_NORMAL);
	buf_deinit(&head);
}
