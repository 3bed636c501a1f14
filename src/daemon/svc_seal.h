/* svc_seal.h -- ARC seals for mail that this office passes on for somebody else (RFC 8617): the carrier has found what
 * is to be said about it, only the store has the keys. */
#ifndef RESTANTE_DAEMON_SVC_SEAL_H
#define RESTANTE_DAEMON_SVC_SEAL_H

#include "daemon/ipc_job.h"
#include "daemon/svc_carrier.h"
#include "store/store.h"

/* Says in the job that it is to be sealed, when a stranger handed the message in and a domain of ours has a key: that
 * of the reverse-path that an alias gave it (SRS), that of this host's name, or of the domain above it. */
void svc_seal_wanted(struct svc *s, const struct store_out *o, struct job *job);
/* IPC_SEAL of a job that is to be sealed, once; sender: the job's.  False: not what an honest carrier sends. */
bool svc_seal(struct svc_carrier *c, struct ipc_packet *p, struct str sender);
/* What is being signed for it is for nobody now. */
void svc_seal_carrier_lost(struct svc_carrier *c);

#endif
