/* child.h -- what a child process is started with, and the leash between it and the parent.
 *
 * The leash is a SOCK_SEQPACKET pair that speaks packets of ipc.h.  A child whose leash ends (the
 * parent died) ends too. */
#ifndef RESTANTE_DAEMON_CHILD_H
#define RESTANTE_DAEMON_CHILD_H

#include "daemon/config.h"
#include "daemon/ipc.h"
#include "daemon/sandbox.h"
#include "net/tls.h"

enum leash_type {
	LEASH_READY = 1, /* child: serving now; the store: and clock_steady_ms() */
	LEASH_CHANNEL, /* parent: fd of a channel: to an edge (for the store), to the store (for an edge, with
			* its pid: it has no other one any more); edge or carrier: mine to the store is over */
	LEASH_CONFIG, /* parent to store: octets of the new configuration; a memory file of its text */
	LEASH_DRAIN, /* parent to edge: accept no more, let sessions end by themselves, then exit */
	LEASH_STOP,  /* parent: end sessions politely, then exit */
	LEASH_TOKENS,  /* store: I need a socket to oauth_check; parent: there, or nothing */
	LEASH_TICKETS, /* parent to edge: the ticket keys from now on */
	LEASH_CARRIER, /* parent to store or web process: as CHANNEL, to a carrier */
	LEASH_WEB,     /* parent to carrier: fd of a channel to the web process */
	LEASH_SECRET, /* carrier: role and name of a route's section; parent: the same, and its password or "" */
};

struct child_listener {
	int fd;
	const struct config_listen *row;
};

struct shared;

struct child_start {
	const char *state;
	struct child_identity identity;
	int leash;
	int channel;             /* to the store; -1 in the store */
	struct config *config;   /* the child's own now */
	int control_fd, lock_fd; /* store */
	uid_t admin;             /* store: besides root, who may use the control socket */
	struct shared *shared;
	/* edge: */
	unsigned seat; /* its row in the shared mapping */
	const struct child_listener *listeners;
	size_t listener_count;
	struct tls_pair *pairs; /* PEM; the keys are wiped by the edge after use */
	size_t pair_count;
	struct str ticket_keys;
	struct str client_ca; /* PEM, or "" */
	/* carrier: */
	struct str dns_servers, dns_anchors; /* net/resolve.h */
	struct str roots;                    /* PEM: net/tls_client.h */
};

/* Never return. */
_Noreturn void store_process(struct child_start *start);
_Noreturn void edge_process(struct child_start *start);
_Noreturn void carrier_process(struct child_start *start);

#endif
