/* session.h -- one client connection: drives an engine with a socket on one side and the store on
 * the other.  What is common to all protocols is here; what the events of an engine mean
 * is in session_smtp.c and session_pop3.c. */
#ifndef RESTANTE_DAEMON_SESSION_H
#define RESTANTE_DAEMON_SESSION_H

#include "daemon/edge.h"

struct session;

/* An engine as the driver sees it. */
struct session_protocol {
	const char *name;
	void (*serve)(struct session *s); /* events, until input, an answer or time is needed */
	/* The store's answer; p NULL: it went away before it answered. */
	void (*answered)(struct session *s, struct ipc_packet *p);
	void (*tls_up)(struct session *s, bool channel_binding);
	void (*certificate_shown)(struct session *s);
	struct buf *(*in)(struct session *s);
	struct buf *(*out)(struct session *s);
	bool (*wants_input)(const struct session *s);
	int64_t (*deadline)(const struct session *s);
	void (*timeout)(struct session *s);
	void (*shutdown)(struct session *s);
	/* The last word to the log and the store, while its TLS is still there to tell of. */
	void (*last_word)(struct session *s);
	void (*free)(struct session *s); /* engine and memory */
};

/* What every engine has, as functions of the session that owns it: in, out, wants_input, deadline. */
#define SESSION_ENGINE(of, engine_)                                                                \
	static struct buf *in(struct session *s)                                                   \
	{                                                                                          \
		return engine_##_in(of(s)->engine);                                                \
	}                                                                                          \
	static struct buf *out(struct session *s)                                                  \
	{                                                                                          \
		return engine_##_out(of(s)->engine);                                               \
	}                                                                                          \
	static bool wants_input(const struct session *s)                                           \
	{                                                                                          \
		return engine_##_wants_input(of(s)->engine);                                       \
	}                                                                                          \
	static int64_t deadline(const struct session *s)                                           \
	{                                                                                          \
		return engine_##_deadline(of(s)->engine);                                          \
	}

struct session {
	struct conn conn;
	struct edge *edge;
	const struct session_protocol *protocol;
	const struct config_listen *row;
	uint32_t slot, seq; /* seq: the open question to the store, 0 none */
	bool known;         /* the store was asked something: tell it END */
	bool lost; /* the store that was asked is gone: the next one is not, for it knows half */
	bool holds_maildrop; /* there, so that nobody else can open it meanwhile */
	bool closing, starting_tls, driving, ended;
	bool again;              /* serve once more although nothing came */
	bool bulk;               /* the last read was full: more is coming */
	int64_t paused_until_ms; /* 0: not paused */
	bool has_certificate;    /* and its key is client_key */
	unsigned char client_key[32];
	uint64_t capture_left; /* octets that the store still wants to see (A27) */
	int64_t end_by_ms;     /* kicked: ended then at the latest; 0 not */
	int64_t started_ms;
	char sid[20];
};

/* Takes the socket over; the client was counted already (accept.c). */
void session_start(struct edge_listener *el, const struct conn *conn);
void session_init(
	struct session *s, const struct session_protocol *protocol); /* by the makers below */
struct session *session_smtp_new(const struct edge_listener *el, const char *peer);
struct session *session_pop3_new(struct edge *e, const struct config_listen *row, const char *peer);
struct session *session_http_new(struct edge *e);

/* Does all that can be done now. */
void session_drive(struct session *s);
void session_answered(struct session *s, struct ipc_packet *p);
void session_shutdown(struct session *s);
/* An administrator wants it gone: politely, if the client listens. */
void session_kick(struct session *s);
/* The engine's deadline may have changed: wait for the new one. */
void session_rearm(struct session *s);
/* A proxy said who its client is: counts, logs and the store follow.  False: that client has too many
 * connections. */
bool session_take_client(struct session *s, struct str address, uint16_t port);
/* What is in out, then these octets without a copy of them.  What the client does not take now is put into out. */
void session_write(struct session *s, struct str octets);
/* Answers to the client wait: tarpit, failed login. */
void session_pause(struct session *s, int64_t ms);

static inline struct str session_peer(const struct session *s)
{
	return str_c(s->conn.peer);
}

/* For log lines: "TLSv1.3", "TLS_AES_256_GCM_SHA384" and "x25519", or "none". */
static inline const char *session_tls(const struct session *s)
{
	const char *version = conn_tls_version(&s->conn);

	return version != NULL ? version : "none";
}

static inline const char *session_tls_cipher(const struct session *s)
{
	const char *cipher = conn_tls_cipher(&s->conn);

	return cipher != NULL ? cipher : "none";
}

static inline const char *session_tls_group(const struct session *s)
{
	const char *group = conn_tls_group(&s->conn);

	return group != NULL ? group : "none";
}

/* The fields of IPC_AUTH and what comes back; the same for both protocols. */
bool session_ask_auth(
	struct session *s, struct str mechanism, struct str input, bool has_input, bool plus);
bool session_ask_auth_step(struct session *s, struct str input);
struct auth_answer {
	struct str output, address, user;
};
bool session_get_auth(struct ipc_packet *p, struct auth_answer *a);
/* Logs it in the one stable form and pauses the session; features.md B13. */
void session_auth_failed(struct session *s, struct str user, const char *why);
void session_auth_ok(struct session *s, struct str address);

#endif
