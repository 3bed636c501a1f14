/* activation.h -- listening sockets from whoever started us (sd_listen_fds(3)), so that low ports
 * need no rights here and connections wait while the server starts again. */
#ifndef RESTANTE_DAEMON_ACTIVATION_H
#define RESTANTE_DAEMON_ACTIVATION_H

#include <stdint.h>

/* Takes note of what was passed and removes it from the environment.  Once, before any descriptor is
 * opened.  Returns how many sockets there are. */
unsigned activation_begin(void);
/* The passed socket that listens on exactly this address and port, or -1; it is the caller's then. */
int activation_take(const char *address, uint16_t port);
/* Closes what nobody took, with a line in the log for each: a unit and a configuration that do not agree. */
void activation_end(void);

#endif
