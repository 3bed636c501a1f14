/* capture.h -- captured POP3 sessions of single accounts: <store>/capture/<account id>/.
 *
 * An administrator turns it on for an account; CAPTURE_HOURS later it is off by itself.  Each session is one file
 * of at most CAPTURE_OCTETS, of which CAPTURE_FILES are kept for CAPTURE_DAYS. */
#ifndef RESTANTE_DAEMON_CAPTURE_H
#define RESTANTE_DAEMON_CAPTURE_H

#include "daemon/office.h"

enum { CAPTURE_HOURS = 24, CAPTURE_DAYS = 7, CAPTURE_FILES = 100, CAPTURE_OCTETS = 1024 * 1024 };

enum status capture_turn_on(struct office *o, uint64_t account, struct err *err);
enum status capture_turn_off(struct office *o, uint64_t account, struct err *err);

/* A new file to write a session to; -1: not now. */
int capture_file(struct office *o, uint64_t account, struct str sid);

#endif
