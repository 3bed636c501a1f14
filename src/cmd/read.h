/* read.h -- inside of restante read: the screen, and what stands behind it.
 *
 * The office is open only while something is read from it, so that fetch and a server can begin meanwhile.
 * Everything drawn went through charset_put_safe() when the library or the text was made. */
#ifndef RESTANTE_CMD_READ_H
#define RESTANTE_CMD_READ_H

#include "cmd/read_compose.h"
#include "cmd/reading.h"

struct mail { /* one allocation with its texts */
	struct str account, id, uidl, from, to, subject, attachments;
	int64_t octets, date_ms, thread;
	size_t rank;  /* of its thread: by its newest message */
	size_t place; /* by date, the newest first */
	bool seen, marked, reply;
};

struct mail_list {
	struct mail **rows;
	size_t count, cap;
};

/* The message that is open. */
struct mail_view {
	const struct mail *mail; /* NULL: the list is shown */
	struct buf octets, text;
	struct str *lines; /* of text, as wide as the screen */
	size_t count, top, columns;
	bool cut; /* it is longer than what is shown */
};

struct desk {
	struct reading reading;
	struct mail_list list;
	struct mail_view view;
	struct buf query; /* as typed */
	struct str only;  /* one account of reading.accounts; "": all */
	size_t at, top;   /* the row in hand, the first row shown */
	bool threads, ended;
	bool partial;   /* of the message read last only the beginning was fetched */
	char *scratch;  /* directory for files of this run; NULL: none yet */
	char note[512]; /* the last line, until the next key */
};

/* ---- read_list.c ---- */

/* Finds anew; what was in hand stays in hand.  A query that cannot be understood changes nothing and is noted. */
void list_find(struct desk *r);
void list_draw(struct desk *r);
void list_free(struct mail_list *l);
struct mail *list_at(const struct desk *r); /* NULL: there is none */
void list_move(struct desk *r, long by);

/* ---- read_view.c ---- */

bool view_open(struct desk *r);
void view_close(struct desk *r);
void view_draw(struct desk *r);
void view_move(struct desk *r, long by);
/* The message in hand, at most max octets of it; false: noted why. */
enum { MAIL_WHOLE = 1024 * 1024 * 1024 };
bool view_octets(struct desk *r, uint64_t max, struct buf *octets);

/* ---- read_ask.c ---- */

void desk_note(struct desk *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* One key of `keys`; 0: another one. */
int ask_key(struct desk *r, const char *question, const char *keys);
/* Edits a line; false: given up.  changed: after each key; NULL: nobody wants to know. */
bool ask_line(
	struct desk *r, const char *question, struct buf *line, void (*changed)(struct desk *));
void draw_line(int row, struct str text, unsigned attributes);

/* ---- read_act.c ---- */

void act_save(struct desk *r);
void act_open(struct desk *r);
void act_delete(struct desk *r);
void act_mark(struct desk *r);
void act_seen(struct desk *r, bool seen);
/* Makes r->scratch; false: noted why. */
bool desk_scratch(struct desk *r);

/* ---- read.c ---- */

void desk_update(struct desk *r); /* takes in what is new */

/* ---- read_fetch.c, read_outbox.c ---- */

void act_fetch(struct desk *r);
void act_help(void); /* read_help.c */
void act_outbox(struct desk *r);

/* ---- read_write.c ---- */

void act_write(struct desk *r, enum write_kind kind);
/* Goes on with a draft that was kept. */
void act_draft(struct desk *r, const char *path);

#endif
