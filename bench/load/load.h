/* load.h -- the load generator: many client connections on one thread, and what they measured.
 *
 * It shares no code with the server: what both got wrong would measure well.  A script
 * (smtp.c, pop3.c) is asked for the next command each time a reply is complete. */
#ifndef RESTANTE_BENCH_LOAD_H
#define RESTANTE_BENCH_LOAD_H

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum tls { TLS_NONE, TLS_STARTTLS, TLS_IMPLICIT };

struct options {
	const char *host, *password, *name; /* name: of users, with one %u of a number */
	unsigned port, connections, users, per_connection, pipeline;
	uint64_t count; /* operations; 0: until `seconds` are over */
	double seconds;
	size_t size;   /* of a message */
	uint64_t retr; /* messages to read in a session */
	enum tls tls;
	bool stat, uidl, list, dele, hold, chunking;
};

enum reply { REPLY_LINE, REPLY_SMTP, REPLY_MULTI }; /* how the reply that is awaited ends */
enum { IN_SIZE = 256 * 1024, OUT_MAX = 64 };

struct piece {
	const char *p; /* NULL: in `text` */
	size_t at, n;
};

struct load;

struct conn {
	struct load *load;
	int fd; /* -1: none */
	SSL *ssl;
	bool connecting, handshaking, rejected;
	unsigned number, rounds, opened;
	int mask; /* EPOLL* that is waited for */

	/* what is to be sent: pieces in order */
	struct piece out[OUT_MAX];
	size_t out_n, out_at, out_off;
	char text[4096];
	size_t text_n;

	enum reply expect;
	bool multi_body; /* past the status line of a REPLY_MULTI */
	char *in;
	size_t in_n;

	/* the script's */
	int step;
	unsigned done; /* messages of this connection */
	uint64_t asked, answered;
	double began;
};

struct load {
	struct options o;
	struct sockaddr_storage to;
	SSL_CTX *tls;
	int epoll;
	const struct script *script;
	char *message; /* dot-stuffed, with its end */
	size_t message_n;
	uint64_t started, ops, errors, octets, lines, handshakes;
	unsigned live, held;
	bool over;
	double begin, last;
	double *times;
	size_t times_n, times_cap;
	char first_error[300];
};

struct script {
	/* A new connection expects the greeting.  next(): a reply is complete; its status line is there.
	 * false: the connection is done. */
	bool (*next)(struct conn *c, const char *line, size_t n);
};

extern const struct script script_smtp, script_pop3;

double now(void);
/* Takes mail until it has as much as it was told to wait for. */
void sink(unsigned port, bool chunking);
/* A connection took `since` until now for one operation. */
void load_done(struct conn *c, double since);
void load_fail(struct conn *c, const char *what, const char *line, size_t n);
/* Puts a command, formatted, or octets that stay where they are. */
void conn_put(struct conn *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void conn_put_octets(struct conn *c, const char *p, size_t n);
void conn_start_tls(struct conn *c);
void conn_open(struct conn *c);
void conn_ready(struct conn *c, int events);
void conn_close(struct conn *c);
bool may_start(struct load *l);
/* The name of this connection's user: connections never share one while both are open. */
void user_name(const struct conn *c, char *to, size_t size);

#endif
