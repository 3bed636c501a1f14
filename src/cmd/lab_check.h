/* lab_check.h -- lab check pop3: is a server what the RFCs say?  A table of checks, filled by a few sessions.
 *
 * Harmless: every mark as deleted is taken back by RSET, with --write one is dropped with the connection (RFC 1939 6);
 * one login fails, for a user that there is not. */
#ifndef RESTANTE_CMD_LAB_CHECK_H
#define RESTANTE_CMD_LAB_CHECK_H

#include "cmd/lab.h"
#include "cmd/lab_pop.h"

/* In the order of checks[] and of the table that is printed. */
enum check_id {
	CHECK_GREETING,
	CHECK_ANSWERS,
	CHECK_LENGTHS,
	CHECK_TLS,
	CHECK_CERTIFICATE,
	CHECK_STLS_INJECTION,
	CHECK_CLEARTEXT,
	CHECK_CAPA,
	CHECK_RESP_CODES,
	CHECK_AUTH_CODE,
	CHECK_UNKNOWN,
	CHECK_EARLY,
	CHECK_LONG_LINE,
	CHECK_USER_NAME,
	CHECK_REFUSAL,
	CHECK_LOGIN,
	CHECK_LOCK,
	CHECK_LOGIN_DELAY,
	CHECK_CASE,
	CHECK_STAT,
	CHECK_LIST,
	CHECK_ALL_SHOWN,
	CHECK_NUMBER_ZERO,
	CHECK_NUMBER_ODD,
	CHECK_UIDL,
	CHECK_UIDL_FORM,
	CHECK_UIDL_UNIQUE,
	CHECK_UIDL_TWO_NUMBERS,
	CHECK_UIDL_STABLE,
	CHECK_SIZE,
	CHECK_LINES,
	CHECK_TOP_ZERO,
	CHECK_TOP_LINES,
	CHECK_PIPELINING,
	CHECK_QUIT,
	CHECK_IDLE,
	CHECK_DELE,
	CHECK_DELE_LIST,
	CHECK_DELE_UIDL,
	CHECK_DELE_STAT,
	CHECK_DELE_ONE,
	CHECK_DELE_NUMBERS,
	CHECK_RSET,
	CHECK_DELE_DROP,
	CHECK_COUNT
};

enum check_level { LEVEL_NONE, LEVEL_OK, LEVEL_SKIP, LEVEL_WARN, LEVEL_FAIL };

struct found {
	enum check_level level;
	char seen[160];
};

struct checker {
	struct cmd *c;
	struct lab_target target;
	struct found found[CHECK_COUNT];
	struct pop_reply capa;           /* as it is for who logs in */
	struct pop_reply listing, uidls; /* of the first session */
	struct buf timestamp;
	uint64_t count, octets; /* as STAT says */
	int64_t login_delay_s, idle_ms;
	bool logged_in;
};

/* What was seen of it; the worst stays, and of equals the first. */
void probe_say(struct checker *k, enum check_id id, enum check_level level, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* LEVEL_OK with nothing to tell, when `good`; else the level and the text. */
#define CHECK(k, id, good, bad, ...)                                                               \
	((good) ? probe_say(k, id, LEVEL_OK, "%s", "") : probe_say(k, id, bad, __VA_ARGS__))
/* Text of the server, fit for probe_say(). */
const char *probe_text(struct str text, char to[100]);

/* Connects, also TLS, and hears the greeting. */
bool probe_open(struct checker *k, struct wire *w, struct err *err);
/* The same, and logs in; a server that says [LOGIN-DELAY] or [IN-USE] is asked again later. */
bool probe_login(struct checker *k, struct wire *w, struct err *err);
/* QUIT, whose answer is looked at, and the end. */
void probe_leave(struct checker *k, struct wire *w);
/* The end without QUIT. */
void probe_drop(struct checker *k, struct wire *w);

/* The next "NUMBER VALUE" of a listing; rows that are none are passed over and counted in *bad. */
bool probe_row(struct str *rest, uint64_t *number, struct str *value, uint64_t *bad);
/* The value of that number. */
bool probe_find(const struct pop_reply *listing, uint64_t number, struct str *value);

/* ---- the sessions, in their order ---- */

enum status probe_hello(struct checker *k, struct err *err); /* before any login */
void probe_maildrop(struct checker *k, struct wire *w);      /* STAT, LIST, UIDL, numbers */
void probe_mail(struct checker *k, struct wire *w);          /* RETR, TOP, pipelining */
void probe_deleting(struct checker *k);                      /* sessions of its own */

#endif
