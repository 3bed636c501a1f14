/* serve.h -- `restante serve`: runs the office in the foreground until SIGTERM.  Returns a sysexits
 * code. */
#ifndef RESTANTE_DAEMON_SERVE_H
#define RESTANTE_DAEMON_SERVE_H

int serve_main(const char *state);

#endif
