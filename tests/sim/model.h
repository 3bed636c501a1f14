/* model.h -- what was asked and what was answered, of every letter and every mailbox. */
#ifndef RESTANTE_SIM_MODEL_H
#define RESTANTE_SIM_MODEL_H

#include "office.h"

enum {
	LETTERS_MOST = 400,
	RCPTS_MOST = 3,
	OFFICES = 2,
	MAILBOXES = OFFICES * USERS,
	HELD_MOST = 4000
};

struct letter_rcpt {
	char address[40];
	int mailbox; /* -1: on the strange host */
	bool local;  /* of the office that it is handed to */
	bool done;   /* nobody has to try again */
	bool open;   /* is being said, and not answered yet */
	unsigned acked, unknown, refused;
	/* copies in the mailbox; notices; taken by the strange host; still in the queue */
	unsigned found, bounced, strange, queued;
};

struct letter {
	unsigned number;
	int from; /* mailbox; -1: a stranger's */
	int office;
	size_t octets;
	struct letter_rcpt rcpts[RCPTS_MOST];
	size_t count;
};

/* A message as a POP3 server names it. */
struct held {
	char uidl[72];
	unsigned letter; /* 0: not read yet, or a notice */
	bool stored;     /* here */
	bool listed;     /* in this session */
	enum { HELD_THERE, HELD_ASKED, HELD_GONE } state;
};

struct mailbox {
	struct office_sim *office;
	char address[40];
	struct held *held;
	size_t count;
	unsigned sessions, listings, lost_quits;
};

extern struct letter letters[LETTERS_MOST + 1]; /* from 1 on */
extern unsigned letter_count;
extern struct mailbox mailboxes[MAILBOXES];
/* Things that allow one more copy of what goes from one office to another (RFC 1047). */
extern uint64_t model_doubts;

void model_begin(struct office_sim offices[OFFICES]);
void model_end(void);
struct letter *letter_new(int from, int office);
void letter_rcpt_add(struct letter *l, int mailbox, const char *elsewhere);
bool letter_done(const struct letter *l);
void letter_text(const struct letter *l, struct buf *b);

/* A whole listing came. */
struct held *mailbox_listed(struct mailbox *m, struct str uidl);
void mailbox_listing_begins(struct mailbox *m);
void mailbox_listing_ends(struct mailbox *m);
void mailbox_stored(struct mailbox *m, struct held *h, struct str octets);
/* QUIT is about to be said, after DELE for each with `listed`; then what was answered. */
void mailbox_asks(struct held *h);
void mailbox_quit(struct mailbox *m, bool ok, bool refused);
/* A strange host took it. */
void model_strange(struct str recipient, struct str octets);
void model_queued(struct str octets, struct str recipient);
/* All is quiet: every promise is looked at.  waits: a clock was set back, so mail may still be waiting. */
void model_check(bool disturbed, bool waits);
bool model_all_sent(void);
uint64_t model_sum(uint64_t *acked, uint64_t *unknown, uint64_t *bounced);

#endif
