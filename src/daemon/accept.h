/* accept.h -- a connection that was accepted becomes a session, or is refused.  A proxy of the
 * listener's proxy_networks says first, by the PROXY protocol, who its client is; limits, bans, logs and
 * Received lines are then about that client. */
#ifndef RESTANTE_DAEMON_ACCEPT_H
#define RESTANTE_DAEMON_ACCEPT_H

#include "daemon/edge.h"

/* Takes fd over. */
void accept_connection(struct edge_listener *el, int fd, const struct sockaddr *peer);

#endif
