/* parent.h -- the first process: reads the configuration, binds ports, reads TLS keys, starts
 * children and starts them again.  It reads nothing that comes from the network. */
#ifndef RESTANTE_DAEMON_PARENT_H
#define RESTANTE_DAEMON_PARENT_H

#include "base/log.h"
#include "daemon/child.h"

enum { PARENT_LISTENERS_MAX = 64, PARENT_CHILDREN_MAX = 128, PARENT_COMMANDS_MAX = 8 };

enum child_kind { CHILD_STORE, CHILD_EDGE, CHILD_CARRIER, CHILD_WEB };

struct child {
	pid_t pid; /* 0: free */
	enum child_kind kind;
	bool ready;
	bool retired;  /* it drains: not started again */
	unsigned seat; /* an edge's */
	int leash;
	bool wants_channel; /* the one to the store is over, and the store may live */
	int64_t started_ms, channel_ms;
	int64_t end_by_ms; /* its place is wanted: it was told to end its sessions; 0: not */
};

struct parent_command { /* one that prints a password */
	pid_t asker;    /* the carrier that waits for it; 0: free */
	pid_t pid;
	int fd, status;
	bool died;
	int64_t until_ms;
	struct buf question, output;
};

struct parent_pair {
	struct buf cert, key;
};

struct parent_files { /* what a generation of edges is started with */
	struct config *config;
	struct buf text, client_ca;
	struct parent_pair *pairs; /* first that of tls_certificate, then the sections' */
	size_t pair_count;
	struct buf dns_servers, dns_anchors, roots; /* what a carrier cannot read itself */
};

struct bound {
	char address[64];
	uint16_t port;
};

struct parent {
	const char *state;
	struct parent_files files;
	unsigned char ticket_keys[2 * TLS_TICKET_KEY]; /* the present one, the one before */
	int64_t new_ticket_key_ms;
	int64_t certificates_day; /* on which they were looked at last, since 1970 */
	struct child_listener listeners[PARENT_LISTENERS_MAX];
	struct bound bound[PARENT_LISTENERS_MAX]; /* where each fd listens */
	size_t listener_count;
	int control_fd, lock_fd, signal_fd, log_fd;
	enum log_level log_level;
	struct child_identity edge_identity, store_identity;
	uid_t admin;
	struct shared *shared;
	struct child children[PARENT_CHILDREN_MAX];
	struct parent_command commands[PARENT_COMMANDS_MAX];
	unsigned edges, carriers; /* how many are wanted */
	bool stopping, said_ready;
	int64_t stop_by_ms;    /* children that still live then are killed */
	int64_t not_before_ms; /* a child died young: start none before then */
	int64_t backoff_ms;
};

/* parent_setup.c: what is read and bound before any child, and again at SIGHUP.  On failure nothing that
 * runs was changed. */
enum status parent_read(const struct parent *p, struct parent_files *files, struct err *err);
void parent_files_free(struct parent_files *files);
enum status parent_read_file(const char *state, const char *name, struct buf *to, struct err *err);
/* The file that a setting names: what is wrong with it is wrong with the configuration. */
enum status parent_read_setting(const struct parent *p, const char *setting, const char *name,
	struct buf *to, struct err *err);
/* Binds what is new, closes what is gone; then files are p's. */
enum status parent_listen(struct parent *p, struct parent_files *files, struct err *err);
enum status parent_open_state(struct parent *p, const struct config *c,
	struct err *err); /* lock, users, control socket, owner */
void parent_open_log(struct parent *p, const struct config *c);

/* parent_tls.c */
enum status parent_read_tls(const struct parent *p, struct parent_files *files, struct err *err);
void parent_wipe_tls(struct parent_files *files); /* what a child must not have */
void parent_start_tickets(struct parent *p);
/* Makes a new key when it is time, and tells the edges; returns how many ms until the next. */
int64_t parent_rotate_tickets(struct parent *p);
struct str parent_ticket_keys(const struct parent *p); /* empty: no tickets */
/* Certificates that expire, and at the start (at_start) also names that none has. */
void parent_certificate_warnings(const struct parent_files *f, bool at_start,
	void (*each)(void *arg, const char *text), void *arg);
/* Once a day; returns how many ms until the next look. */
int64_t parent_watch_certificates(struct parent *p);

/* parent_out.c: the files of outgoing mail. */
enum status parent_read_out(const struct parent *p, struct parent_files *files, struct err *err);

/* parent_secret.c */
void parent_secret_asked(struct parent *p, const struct child *c, struct str question);
void parent_secret_died(struct parent *p, pid_t pid, int status);
bool parent_secrets_go_on(struct parent *p);  /* false: no command runs */
void parent_wipe_passwords(struct parent *p); /* in a child that has no use for them */

/* parent_children.c */
bool parent_spawn_store(struct parent *p);
bool parent_spawn_edge(struct parent *p);
bool parent_spawn_carrier(struct parent *p);
bool parent_spawn_web(struct parent *p);
/* A carrier or a web process is ready: each carrier speaks with the web process. */
void parent_connect_web(struct parent *p, const struct child *ready);
void parent_tell(const struct child *c, enum leash_type type, struct str text, int fd);
/* The store's end of a channel to this child; whatever other one it still has is over then. */
void parent_tell_channel(const struct child *store, const struct child *c, int fd);
struct child *parent_store(struct parent *p);

#endif
