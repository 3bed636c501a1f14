/* sendmail.h -- local programs hand in mail: by the name that they have always called, or as restante submit.
 *
 * The message is read to its end, mended (sendmail_message.c) and handed to the server's submit.sock by SMTP
 * (sendmail_call.c).  All of it is taken, for all recipients, or nothing. */
#ifndef RESTANTE_CMD_SENDMAIL_H
#define RESTANTE_CMD_SENDMAIL_H

#include "base/codec.h"
#include "cmd/cmd.h"

struct sendmail {
	const char *sender; /* -f; NULL: who calls */
	const char *name;   /* -F */
	const char *notify, *ret, *envid;
	bool from_header; /* -t: recipients are those of the header too */
	char verp[10];    /* -XV: "XVERP", and its delimiters (proto/verp.h); "": not asked for */
	bool dots;        /* a dot alone ends the message */
	bool tell;        /* the id of what was taken, on standard output */
	char **recipients;
	int count;

	struct buf input;    /* as it was read */
	struct buf origin;   /* what addresses without a domain get */
	struct buf to;       /* put_str() of each recipient */
	struct buf text;     /* CRLF line ends, without transparency */
	struct buf id;       /* of the message, as the server said it */
	bool eightbit, utf8; /* an octet over 127: anywhere; in header or envelope */
};

/* ---- sendmail_message.c: pure ---- */

/* Adds the addresses of a list as people write them, and the list with whole addresses to `whole` when it is
 * not NULL.  False: a control in it, or, when they are taken, words that belong to no address: who is meant
 * by "a@x b@y" is not guessed, and nobody is left out in silence. */
bool sendmail_addresses(struct sendmail *m, struct str list, bool take, struct buf *whole);
/* text and to, out of input.  author: for a new From.  EX_OK, or with why. */
int sendmail_mend(struct sendmail *m, struct str author, struct str full_name, const char **why);

/* ---- sendmail_call.c ---- */

/* EX_OK, or what is wrong with -N, -R or -V. */
int sendmail_notices(struct cmd *c, const struct sendmail *m);
/* A connection to the server of c->state; -1: why was told. */
int sendmail_connect(struct cmd *c);
/* -bs: standard input and output speak SMTP with the server. */
int sendmail_pass(struct cmd *c, int fd);
/* Greeting and EHLO: fills origin. */
int sendmail_hello(struct cmd *c, struct sendmail *m, int fd);
/* Fills id, when the server says one. */
int sendmail_hand_in(struct cmd *c, struct sendmail *m, int fd);

#endif
