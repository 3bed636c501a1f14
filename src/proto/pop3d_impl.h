/* pop3d_impl.h -- what the files of the POP3 engine share; nobody else includes it.
 *
 * pop3d.c        life, the loop, deadlines
 * pop3d_verbs.c  the command table and the short commands
 * pop3d_auth.c   USER, PASS, AUTH, STLS and their answers
 * pop3d_reply.c  CAPA, LIST, UIDL, DELE: what needs the rows
 * pop3d_body.c   RETR and TOP
 * pop3d_lang.c   LANG, and every text for people */
#ifndef RESTANTE_PROTO_POP3D_IMPL_H
#define RESTANTE_PROTO_POP3D_IMPL_H

#include "proto/line.h"
#include "proto/pop3d.h"

enum {
	POP3D_LINE_MAX = 255,        /* RFC 2449 4, with CRLF */
	POP3D_AUTH_LINE_MAX = 12288, /* RFC 5034 4 names no limit; the one of RFC 4954 4 */
	POP3D_IN_MARK = 16384,       /* input that waits; above every line limit */
	POP3D_OUT_MARK = 32768,
	/* For messages: above what one answer brings, so that the next is on its way while this one is
	 * written. */
	POP3D_BODY_MARK = 160 * 1024,
};

/* S_SASL is AUTHORIZATION inside an AUTH exchange; UPDATE is TRANSACTION with Q_UPDATE open. */
enum pop3d_state { S_AUTHORIZATION, S_SASL, S_TRANSACTION, S_CLOSED };

/* What the owner owes us. */
enum pop3d_question { Q_NONE, Q_LOGIN, Q_AUTH, Q_TLS, Q_LISTING, Q_BODY, Q_UPDATE, Q_XCLIENT };

enum pop3d_job_kind { J_NONE, J_LIST, J_LIST_ONE, J_UIDL, J_UIDL_ONE, J_DELE, J_RETR, J_TOP };

struct pop3d_job { /* the command in TRANSACTION that is not finished yet */
	enum pop3d_job_kind kind;
	bool started;     /* its first reply line is in out: there is no way back to -ERR */
	bool in_body;     /* TOP, end_header: the blank line after the header went by */
	bool cut;         /* TOP: enough lines were sent */
	uint8_t line_len; /* TOP: octets of the line under way; 2 stands for more */
	char line_first;
	char last[2];    /* of the message, as sent so far */
	size_t index;    /* of the message; LIST and UIDL: the next row */
	uint64_t offset; /* of the next octet of the message */
	uint64_t sent;   /* without stuffing; differs from offset for a surrogate */
	uint64_t lines;  /* TOP: body lines still to be sent */
};

struct pop3d {
	const struct pop3d_config *config;
	struct buf in, out;
	struct line_cutter cutter; /* of in; reset whenever in is emptied */
	struct buf user;           /* the name of USER, later who is logged in */
	struct buf secret;         /* password or SASL response while its question is open; wiped */
	struct pop3d_peer peer;
	enum pop3d_state state;
	enum pop3d_question asked;
	unsigned char language; /* row of pop3d_lang.c */
	bool utf8;
	bool first_line;  /* nothing was read yet */
	bool touched;     /* the owner answered: the client's time starts anew */
	bool sasl_broken; /* the response just refused counts as an error */
	bool stopping, kicked;
	bool close_told;
	bool have_view;
	struct maildrop_view view;
	uint64_t count, octets; /* of the whole maildrop */
	uint64_t deleted, deleted_octets;
	uint8_t *deleted_bits; /* NULL until the first DELE */
	struct pop3d_job job;
	struct pop3d_stats stats;
	size_t errors, failures;
	size_t out_seen; /* out.len when pop3d_next() returned: less means the client reads */
	int64_t deadline;
};

/* What a command handler says. */
enum pop3d_verdict {
	V_DONE,  /* answered, or a job was begun */
	V_BAD,   /* answered with -ERR and counted: no real client sends this */
	V_EVENT, /* ev is for the owner */
};

/* pop3d.c */
void pop3d_close(struct pop3d *p);
void pop3d_ok(struct pop3d *p, struct str text);
void pop3d_err(struct pop3d *p, enum pop3d_code code, struct str text);
void pop3d_drop_input(struct pop3d *p);

/* pop3d_verbs.c */
enum pop3d_verdict pop3d_command(struct pop3d *p, struct str line, struct pop3d_event *ev);

/* pop3d_auth.c */
bool pop3d_may_login(const struct pop3d *p);
/* What AUTH offers now: lists of names, some of them empty. */
enum { POP3D_LISTS = 3 };
void pop3d_mechanisms(const struct pop3d *p, struct str lists[POP3D_LISTS]);
enum pop3d_verdict pop3d_do_user(struct pop3d *p, const struct str *arg, struct pop3d_event *ev);
enum pop3d_verdict pop3d_do_pass(struct pop3d *p, const struct str *arg, struct pop3d_event *ev);
enum pop3d_verdict pop3d_do_auth(struct pop3d *p, const struct str *arg, struct pop3d_event *ev);
enum pop3d_verdict pop3d_do_stls(struct pop3d *p, const struct str *arg, struct pop3d_event *ev);
enum pop3d_verdict pop3d_sasl_line(
	struct pop3d *p, struct str line, bool malformed, struct pop3d_event *ev);

/* pop3d_xclient.c */
enum pop3d_verdict pop3d_do_xclient(struct pop3d *p, const struct str *arg, struct pop3d_event *ev);

/* pop3d_reply.c */
/* "maildrop has 2 messages (320 octets)", or only "2 messages ...", without the deleted ones */
void pop3d_say_drop(struct pop3d *p, bool whole);
void pop3d_put_capabilities(struct pop3d *p);
void pop3d_put_scan(struct pop3d *p, size_t index);   /* "1 120" CRLF */
void pop3d_put_unique(struct pop3d *p, size_t index); /* "1 UIDL" CRLF */
void pop3d_list_step(struct pop3d *p);

/* pop3d_lang.c */
struct str pop3d_text(const struct pop3d *p, struct str english);
/* prefix, the text with its numbers in it, CRLF. */
void pop3d_say(struct pop3d *p, struct str prefix, struct str english, uint64_t a, uint64_t b);
enum pop3d_verdict pop3d_do_lang(struct pop3d *p, const struct str *arg, struct pop3d_event *ev);

/* pop3d_body.c */
bool pop3d_body_step(struct pop3d *p, struct pop3d_event *ev);

#endif
