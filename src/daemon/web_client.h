/* web_client.h -- a carrier's side of web.h: finds the addresses of a policy host and has the policy
 * fetched, or asks for the one that was kept over a restart. */
#ifndef RESTANTE_DAEMON_WEB_CLIENT_H
#define RESTANTE_DAEMON_WEB_CLIENT_H

#include "daemon/web.h"
#include "net/cidr.h"
#include "net/resolve.h"

struct web_client {
	struct loop *loop;
	struct resolver *resolver;
	const struct cidr_set *never; /* as of nexthop.h; may be NULL */
	uint16_t port;                /* 443 */
	struct ipc *ipc;              /* NULL: no web process now */
	bool lost;
	uint32_t next;
	struct link asked;
	struct loop_timer timer;
};

struct web_answer {
	struct str error; /* "": the rest is good; of web_recall() always "" */
	struct str body;  /* of the policy; "" of web_recall(): none is kept */
	struct str id;    /* of web_recall() */
	int64_t fetched_ms;
};

/* Embedded in who asks; zeroed it is idle. */
struct web_question {
	struct link link;
	struct web_client *client;
	bool busy;
	enum web_packet type;
	uint32_t number;
	int64_t deadline_ms;
	char *domain, *id;
	struct dns_query queries[2]; /* AAAA, A */
	unsigned unanswered;         /* of them */
	bool sent;
	struct buf addresses; /* 16 octets each */
	char error[80];
	void (*done)(struct web_question *q, const struct web_answer *a);
};

void web_client_init(struct web_client *w, struct loop *l, struct resolver *r);
void web_client_deinit(struct web_client *w); /* questions are cancelled by their owners */
/* A channel to a web process has come; fd is taken over. */
void web_client_channel(struct web_client *w, int fd);

/* done() comes later, once, also when there is no web process or it is silent.  What one that died has
 * not answered is asked of the next. */
void web_fetch(struct web_client *w, struct web_question *q, struct str domain, struct str id,
	void (*done)(struct web_question *q, const struct web_answer *a));
void web_recall(struct web_client *w, struct web_question *q, struct str domain,
	void (*done)(struct web_question *q, const struct web_answer *a));
void web_cancel(struct web_question *q); /* idempotent */

#endif
