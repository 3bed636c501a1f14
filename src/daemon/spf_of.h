/* spf_of.h -- SPF of a client as the daemon knows it: its address as text, what it said. */
#ifndef RESTANTE_DAEMON_SPF_OF_H
#define RESTANTE_DAEMON_SPF_OF_H

#include "trust/spf.h"

/* reverse_path: "" is <>; its domain may be in U-labels (RFC 8616 4). */
struct spf *spf_of(struct str address, struct str helo, struct str reverse_path);

#endif
