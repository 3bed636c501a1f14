/* All keys of restante read, in pages where the screen is small. */
#include <curses.h>

#include "cmd/read.h"

/* clang-format off */
static const struct {
	const char *keys, *what;
} rows[] = {
	{ "enter", "read the message" },
	{ "up down j k", "a line on or back; also space and b: a page" },
	{ "n p", "in a message: the next, the one before" },
	{ "/", "find; escape: show all again" },
	{ "a", "the next account, or all" },
	{ "t", "threads, or by date" },
	{ "m", "mark, or no more" },
	{ "u", "unread again" },
	{ "s", "save the message or its files" },
	{ "o", "open a file of the message" },
	{ "d", "delete; asks what the server shall do" },
	{ "w", "write a message" },
	{ "r R", "reply to the sender, to all" },
	{ "f", "forward" },
	{ "x", "drafts, and what waits to be sent" },
	{ "F", "fetch new mail, or the rest of a message" },
	{ "G", "look for mail that was fetched meanwhile" },
	{ "q", "back; from the list: quit" },
};
/* clang-format on */

static void draw_row(int row, size_t i)
{
	struct buf line = { 0 };

	buf_printf(&line, " %-12s %s", rows[i].keys, rows[i].what);
	draw_line(row, buf_str(&line), A_NORMAL);
	buf_deinit(&line);
}

void act_help(void)
{
	enum { COUNT = sizeof rows / sizeof *rows };

	for (size_t first = 0; first < COUNT;) {
		size_t page = LINES > 2 ? (size_t)LINES - 1 : 1, end = first + page;
		int key;

		end = end < COUNT ? end : COUNT;
		erase();
		for (size_t i = first; i < end; i++)
			draw_row((int)(i - first), i);
		draw_line(LINES - 1,
			end < COUNT ? STR("space: more  any other key: back")
				    : STR("any key: back"),
			A_BOLD);
		refresh();
		key = getch();
		if (key == KEY_RESIZE)
			first = 0;
		else
			first = key == ' ' ? end : COUNT;
	}
}
