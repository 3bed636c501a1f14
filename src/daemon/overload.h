/* overload.h -- what changes when connections run short (features.md E20).  Pure.
 *
 * From 80 % of connections_max on, clients that are slow or err get less: each limit below is the
 * smaller of the configured one and the table's.  Below 70 % all is as configured again.  POP3's autologout
 * stays: RFC 1939 3 forbids less than 10 minutes. */
#ifndef RESTANTE_DAEMON_OVERLOAD_H
#define RESTANTE_DAEMON_OVERLOAD_H

#include "proto/pop3d.h"
#include "proto/smtpd.h"

/* Whether there is overload, given that there was or was not. */
bool overload_now(bool before, int64_t connections, int64_t connections_max);
void overload_smtp(struct smtpd_config *c);
void overload_pop3(struct pop3d_config *c);

#endif
