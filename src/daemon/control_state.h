/* control_state.h -- private to the control socket's two sides. */
#ifndef RESTANTE_DAEMON_CONTROL_STATE_H
#define RESTANTE_DAEMON_CONTROL_STATE_H

#include <sys/un.h>

#include "base/err.h"
#include "daemon/control.h"
#include "daemon/office_import.h"

/* The socket's address by way of an open state directory, because a path has no room for more than
 * 107 octets.  Returns the directory's fd, which must stay open until bind() or connect(). */
int control_address(const char *state, struct sockaddr_un *to, struct err *err);
/* The same of another socket there. */
int state_socket_address(
	const char *state, const char *name, struct sockaddr_un *to, struct err *err);

/* A server's socket, or the office itself under the state's lock. */
struct control_session {
	int fd;    /* -1: the office is opened here */
	int lock;  /* -1: a server has it */
	char *dir; /* of the office */
	struct borrowed_rights rights;
	bool between_calls; /* the rights are given back */
	struct office office;
	struct office_reply *reply; /* of an import; not owned */
	struct import_owner owner;
	struct import *import; /* of the office here */
	size_t unanswered;     /* messages sent to the server */
};

/* Around everything that touches the office here; nothing when a server has it. */
void session_enter(struct control_session *s);
void session_leave(struct control_session *s);

/* Blocking; false: the connection is over. */
bool control_send(int fd, uint8_t kind, struct str payload);
bool control_send_octets(int fd, struct str octets);
/* ST_MORE: there is another frame. */
enum status control_receive(int fd, struct office_reply *reply, struct err *err);

#endif
