/* restante read: keys. */
#include <curses.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/read.h"
#include "cmd/read_text.h"

static void next_account(struct desk *r)
{
	struct str all = buf_str(&r->reading.accounts), rest = all;

	if (r->only.n > 0)
		rest = str_from(all, (size_t)(r->only.p - all.p) + r->only.n + 1);
	r->only = str_cut(&rest, '\n');
	list_find(r);
}

static void look_for(struct desk *r)
{
	struct buf before = { 0 };

	buf_put(&before, buf_str(&r->query));
	if (!ask_line(r, "Find: ", &r->query, list_find)) {
		buf_clear(&r->query);
		buf_put(&r->query, buf_str(&before));
		list_find(r);
	}
	buf_deinit(&before);
}

void desk_update(struct desk *r)
{
	struct err err = { ST_OK, "" };
	size_t before = r->list.count;

	if (reading_begin(&r->reading, &err) == ST_OK)
		reading_update(&r->reading, &err);
	reading_rest(&r->reading);
	list_find(r);
	if (err.code != ST_OK)
		desk_note(r, "%s", err.text);
	else if (r->list.count > before)
		desk_note(r, "%zu new", r->list.count - before);
}

static void next_message(struct desk *r, long by)
{
	size_t before = r->at;

	list_move(r, by);
	if (r->at != before)
		view_open(r);
}

static const char help[] =
	"? keys  enter read  / find  a account  t threads  m mark  u unread  d delete  s save  o "
	"open  "
	"r reply  R to all  f forward  w write  x outbox  F fetch  G look for new  q quit";

/* Keys that do the same in the list and in a message. */
static void on_common(struct desk *r, int key)
{
	switch (key) {
	case 'm': act_mark(r); break;
	case 's': act_save(r); break;
	case 'o': act_open(r); break;
	case 'd': act_delete(r); break;
	case 'w': act_write(r, WRITE_NEW); break;
	case 'r': act_write(r, WRITE_REPLY); break;
	case 'R': act_write(r, WRITE_REPLY_ALL); break;
	case 'f': act_write(r, WRITE_FORWARD); break;
	case 'F': act_fetch(r); break;
	case 'x': act_outbox(r); break;
	case '?': act_help(); break;
	}
}

static void on_list(struct desk *r, int key)
{
	long page = LINES > 3 ? LINES - 3 : 1;

	switch (key) {
	case 'q': r->ended = true; break;
	case 'j':
	case KEY_DOWN: list_move(r, 1); break;
	case 'k':
	case KEY_UP: list_move(r, -1); break;
	case ' ':
	case KEY_NPAGE: list_move(r, page); break;
	case 'b':
	case KEY_PPAGE: list_move(r, -page); break;
	case 'g':
	case KEY_HOME: r->at = 0; break;
	case KEY_END: list_move(r, (long)r->list.count); break;
	case '\n':
	case '\r':
	case KEY_ENTER: view_open(r); break;
	case '/': look_for(r); break;
	case 'a': next_account(r); break;
	case 'G': desk_update(r); break;
	case 'u': act_seen(r, false); break;
	case 't':
		r->threads = !r->threads;
		list_find(r);
		break;
	case 27:
		buf_clear(&r->query);
		list_find(r);
		break;
	case KEY_RESIZE: break;
	}
	on_common(r, key);
}

static void on_view(struct desk *r, int key)
{
	long page = LINES > 3 ? LINES - 3 : 1;

	switch (key) {
	case 'q':
	case 27:
	case KEY_LEFT: view_close(r); return;
	case 'j':
	case KEY_DOWN: view_move(r, 1); break;
	case 'k':
	case KEY_UP: view_move(r, -1); break;
	case ' ':
	case KEY_NPAGE: view_move(r, page); break;
	case 'b':
	case KEY_PPAGE: view_move(r, -page); break;
	case 'g':
	case KEY_HOME: r->view.top = 0; break;
	case KEY_END: view_move(r, (long)r->view.count); break;
	case 'n': next_message(r, 1); break;
	case 'p': next_message(r, -1); break;
	case 'u':
		act_seen(r, false);
		view_close(r);
		return;
	case KEY_RESIZE: break;
	}
	on_common(r, key);
}

static void run(struct desk *r)
{
	while (!r->ended) {
		int key;

		if (r->view.mail != NULL)
			view_draw(r);
		else
			list_draw(r);
		draw_line(LINES - 1, r->note[0] != '\0' ? str_c(r->note) : str_c(help), A_NORMAL);
		refresh();
		key = getch();
		if (key == ERR)
			break;
		if (key != KEY_RESIZE)
			r->note[0] = '\0';
		if (r->view.mail != NULL)
			on_view(r, key);
		else
			on_list(r, key);
	}
}

/* Only files that this run made. */
static void remove_scratch(const char *path)
{
	DIR *d = path == NULL ? NULL : opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	if (path != NULL)
		rmdir(path);
}

static int read_in_terminal(struct desk *r)
{
	text_begin();
	if (newterm(NULL, stdout, stdin) == NULL)
		return cmd_fail(r->reading.cmd, EX_USAGE,
			"this terminal is not known: set TERM, for instance to vt100");
	set_escdelay(25);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	curs_set(0);
	list_find(r);
	run(r);
	endwin();
	return EX_OK;
}

int cmd_read(struct cmd *c)
{
	struct desk r = { .threads = true };
	int code;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return cmd_fail(c, EX_USAGE,
			"this is for a terminal: in scripts use restante list, search, show and "
			"save");
	code = reading_open(&r.reading, c, c->args, c->nargs);
	if (code == EX_OK) {
		reading_rest(&r.reading);
		code = read_in_terminal(&r);
	}
	view_close(&r);
	list_free(&r.list);
	remove_scratch(r.scratch);
	free(r.scratch);
	buf_deinit(&r.query);
	reading_close(&r.reading);
	return code;
}
