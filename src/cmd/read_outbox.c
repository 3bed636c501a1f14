/* restante read: drafts that were kept, and what waits to be sent. */
#include <curses.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/read.h"
#include "cmd/send.h"

enum { DRAFTS_MAX = 9, HEAD_MAX = 4096 };

struct draft {
	char *path;
	char to[80], subject[80];
};

struct drafts {
	struct draft rows
		[DRAFTS_MAX]; /* the newest first: their names are ids, which begin with the time */
	size_t count, all;
};

static int newest_first(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*b)->d_name, (*a)->d_name);
}

static int is_draft(const struct dirent *e)
{
	return str_ends(str_c(e->d_name), STR(".txt"));
}

/* Lines of a draft end with LF. */
static void put_field(char *to, size_t room, struct str head, struct str name)
{
	while (head.n > 0) {
		struct str value = str_cut(&head, '\n'), word = str_cut(&value, ':');

		if (str_ieq(word, name)) {
			value = str_trim(value);
			snprintf(to, room, "%.*s", STR_ARG(str_head(value, room - 1)));
			return;
		}
	}
}

static void read_head(struct draft *d)
{
	FILE *f = fopen(d->path, "re");
	char head[HEAD_MAX];
	size_t n = f == NULL ? 0 : fread(head, 1, sizeof head, f);

	if (f != NULL)
		fclose(f);
	put_field(d->to, sizeof d->to, str_of(head, n), STR("To"));
	put_field(d->subject, sizeof d->subject, str_of(head, n), STR("Subject"));
}

static void find_drafts(struct drafts *d, const char *state)
{
	struct dirent **names = NULL;
	char *dir = NULL;
	int count;

	if (asprintf(&dir, "%s/drafts", state) < 0)
		abort();
	count = scandir(dir, &names, is_draft, newest_first);
	for (int i = 0; i < count; i++) {
		if (d->count < DRAFTS_MAX) {
			struct draft *row = &d->rows[d->count++];

			if (asprintf(&row->path, "%s/%s", dir, names[i]->d_name) < 0)
				abort();
			read_head(row);
		}
		d->all++;
		free(names[i]);
	}
	free(names);
	free(dir);
}

static const char *text(const json_t *row, const char *name)
{
	const char *value = json_string_value(json_object_get(row, name));

	return value == NULL ? "" : value;
}

static void draw(const struct drafts *d, const json_t *waiting)
{
	char line[600];
	int at = 0;
	size_t i;
	json_t *row;

	erase();
	snprintf(line, sizeof line, " Drafts: %zu  waiting in the outbox: %zu", d->all,
		json_array_size(waiting));
	draw_line(at++, str_c(line), A_REVERSE);
	for (i = 0; i < d->count && at < LINES - 1; i++) {
		snprintf(line, sizeof line, "%zu draft    %-28.28s %s", i + 1, d->rows[i].to,
			d->rows[i].subject);
		draw_line(at++, str_c(line), A_NORMAL);
	}
	json_array_foreach(waiting, i, row)
	{
		if (at >= LINES - 1)
			break;
		snprintf(line, sizeof line, "  %-8.8s %-28.28s %.16s  %s", text(row, "state"),
			text(row, "recipient"), text(row, "next"), text(row, "reply"));
		draw_line(at++, str_c(line), A_NORMAL);
	}
	draw_line(LINES - 1,
		d->count > 0 ? STR("1-9 go on with a draft  any other key: back")
			     : STR("any key: back"),
		A_BOLD);
	refresh();
}

void act_outbox(struct desk *r)
{
	struct drafts d = { .count = 0 };
	json_t *waiting = NULL;
	int key;

	find_drafts(&d, r->reading.cmd->state);
	if (outbox_rows(r->reading.cmd, &waiting) != 0)
		desk_note(r, "The outbox cannot be read: run restante send --outbox");
	do {
		draw(&d, waiting);
		key = getch();
	} while (key == KEY_RESIZE);
	if (key >= '1' && key < '1' + (int)d.count)
		act_draft(r, d.rows[key - '1'].path);
	for (size_t i = 0; i < d.count; i++)
		free(d.rows[i].path);
	json_decref(waiting);
}
