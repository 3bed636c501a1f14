/* svc_queue.h -- the queue inside of the store process: mail that goes on is handed to carriers, what becomes
 * of it is written, and senders are told. */
#ifndef RESTANTE_DAEMON_SVC_QUEUE_H
#define RESTANTE_DAEMON_SVC_QUEUE_H

#include "daemon/svc_carrier.h"
#include "queue/queue.h"

struct svc_queue {
	struct svc *svc;
	struct queue *queue; /* owned */
	struct loop_timer wake;
	struct buf packet;         /* with a job, while it is made */
	struct svc_report *report; /* being told; NULL: none */
	bool stopping;
};

void svc_queue_start(struct svc *s);
void svc_queue_stop(struct svc *s); /* waits for what is being written */
void svc_queue_configure(struct svc *s);
/* Durable, and something of it goes on. */
void svc_queue_added(struct svc *s, struct msgid id, bool report);
/* At the end of each turn, before the store is flushed: jobs for those who can take them. */
void svc_queue_turn(struct svc *s);

/* Packets of a carrier; false: not what an honest one sends. */
bool svc_queue_packet(struct svc_carrier *c, struct ipc_packet *p);
void svc_queue_carrier_lost(struct svc_carrier *c);

/* ---- svc_report.c ---- */

/* Tells one sender at a time, as far as there is something to tell. */
void svc_report_next(struct svc_queue *q);

#endif
