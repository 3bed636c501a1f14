/* carrier_lookup.h -- questions to DNS that edges have about mail of strangers (ipc_lookup.h).  At most
 * CARRIER_LOOKUPS_MAX of them are asked at one time, the others wait, and none takes longer than
 * check_timeout: so no stranger's slow domain holds up what mail that goes out needs to ask. */
#ifndef RESTANTE_DAEMON_CARRIER_LOOKUP_H
#define RESTANTE_DAEMON_CARRIER_LOOKUP_H

#include "daemon/ipc.h"

struct carrier;

enum { CARRIER_LOOKUPS_MAX = 128 }; /* half of what a resolver asks at once */

void carrier_lookup(struct carrier *c, struct ipc_packet *p);
/* The store that asked is gone. */
void carrier_lookups_lost(struct carrier *c);

#endif
