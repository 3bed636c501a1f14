/* control_state.h -- private to the control socket's two sides. */
#ifndef RESTANTE_DAEMON_CONTROL_STATE_H
#define RESTANTE_DAEMON_CONTROL_STATE_H

#include <sys/un.h>

#include "base/err.h"

/* The socket's address by way of an open state directory, because a path has no room for more than
 * 107 octets.  Returns the directory's fd, which must stay open until bind() or connect(). */
int control_address(const char *state, struct sockaddr_un *to, struct err *err);

#endif
