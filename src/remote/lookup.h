/* lookup.h -- DNS for tools: several questions at once, blocking. */
#ifndef RESTANTE_REMOTE_LOOKUP_H
#define RESTANTE_REMOTE_LOOKUP_H

#include "net/resolve.h"

struct lookup {
	struct loop *loop;
	struct resolver *dns;
	size_t open;
};

struct lookup_question {
	char name[DNS_NAME_MAX + 1];
	enum dns_type type;
	void (*answer)(void *arg, const struct dns_answer *a);
	void *arg;
	struct dns_query query; /* inside of lookup_ask() */
	struct lookup *lookup;
};

/* Servers as dns_resolver has them, "" for the system's; nothing is validated.  lookup_close() in any case. */
enum status lookup_open(struct lookup *l, struct str servers, int64_t timeout_ms, struct err *err);
void lookup_close(struct lookup *l);

/* Comes back when each has its answer; a name that is too long is answered DNS_NXDOMAIN. */
void lookup_ask(struct lookup *l, struct lookup_question *questions, size_t count);

/* What /etc/resolv.conf names. */
void lookup_system_servers(struct buf *servers);

#endif
