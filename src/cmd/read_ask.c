/* The last line of restante read: notes, questions, a line to type. */
#include <curses.h>
#include <stdarg.h>
#include <stdio.h>

#include "cmd/read.h"
#include "cmd/read_text.h"
#include "mime/charset.h"

enum { LINE_OCTETS = 2048, KEY_ESCAPE = 27 };

void desk_note(struct desk *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->note, sizeof r->note, fmt, ap);
	va_end(ap);
}

void draw_line(int row, struct str text, unsigned attributes)
{
	struct buf safe = { 0 }, fit = { 0 };

	if (row < 0 || COLS <= 0)
		return;
	charset_put_line(&safe, text);
	text_fit(&fit, buf_str(&safe), (size_t)COLS);
	attrset((int)attributes);
	mvhline(row, 0, ' ', COLS);
	mvaddnstr(row, 0, buf_str(&fit).p, (int)fit.len);
	attrset(A_NORMAL);
	buf_deinit(&safe);
	buf_deinit(&fit);
}

static void draw_behind(struct desk *r)
{
	if (r->view.mail != NULL)
		view_draw(r);
	else
		list_draw(r);
}

int ask_key(struct desk *r, const char *question, const char *keys)
{
	for (;;) {
		int key;

		draw_behind(r);
		draw_line(LINES - 1, str_c(question), A_BOLD);
		refresh();
		key = getch();
		if (key == KEY_RESIZE)
			continue;
		for (const char *k = keys; key != ERR && *k != '\0'; k++)
			if (*k == key)
				return key;
		return 0;
	}
}

/* A character of UTF-8 comes octet by octet; controls are no text. */
static bool type(struct buf *line, int key)
{
	if (key == KEY_BACKSPACE || key == 127 || key == 8) {
		buf_truncate(line, text_shorter(buf_str(line)).n);
		return true;
	}
	if (key == 21) { /* ^U */
		buf_clear(line);
		return true;
	}
	if (key < ' ' || key > 255 || line->len >= LINE_OCTETS)
		return false;
	buf_putc(line, (char)key);
	return str_utf8(buf_str(line));
}

bool ask_line(
	struct desk *r, const char *question, struct buf *line, void (*changed)(struct desk *))
{
	for (;;) {
		struct buf shown = { 0 };
		int key;

		buf_put(&shown, str_c(question));
		buf_put(&shown, buf_str(line));
		draw_behind(r);
		if (r->note[0] != '\0' && LINES > 2)
			draw_line(LINES - 2, str_c(r->note), A_NORMAL);
		draw_line(LINES - 1, buf_str(&shown), A_BOLD);
		buf_deinit(&shown);
		refresh();
		key = getch();
		if (key == ERR || key == KEY_ESCAPE || key == 7 || key == '\n' || key == '\r' ||
			key == KEY_ENTER)
			return key == '\n' || key == '\r' || key == KEY_ENTER;
		if (key != KEY_RESIZE && type(line, key) && changed != NULL) {
			r->note[0] = '\0';
			changed(r);
		}
	}
}
