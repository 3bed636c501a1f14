/* svc_lookup.h -- questions to DNS on their way from an edge to a carrier and back.  The store looks at neither
 * names nor answers: it remembers who asked whom. */
#ifndef RESTANTE_DAEMON_SVC_LOOKUP_H
#define RESTANTE_DAEMON_SVC_LOOKUP_H

#include "daemon/svc_carrier.h"

/* IPC_LOOKUP of an edge; false: not what an honest one sends. */
bool svc_lookup(struct svc_edge *e, struct ipc_packet *p);
/* The carrier's answer; false: to nothing that it was asked. */
bool svc_lookup_answered(struct svc_carrier *c, struct ipc_packet *p);
/* Nobody waits for the answers; or none will come. */
void svc_lookup_edge_lost(struct svc_edge *e);
void svc_lookup_carrier_lost(struct svc_carrier *c);
void svc_lookup_free(struct svc *s);

#endif
