/* control.h -- the control socket <state>/control.sock (0600): frames of u32 length (little-endian,
 * of what follows the kind), u8 kind ('q' request JSON, 'r' row JSON, 'o' octets, 'e' end JSON
 * {"status":n,"error":"..."}).  After the request mailbox.import the client sends 'h' head JSON, 'm'
 * octets of the message (at most 64 KiB a frame), 'c' commit for each message, and 'f' after the last.
 *
 * Server side: in the store's loop, one request at a time per connection, peer's uid checked
 * (SO_PEERCRED: root, or whoever owns the state directory).  Client side: blocking. */
#ifndef RESTANTE_DAEMON_CONTROL_H
#define RESTANTE_DAEMON_CONTROL_H

#include "daemon/office.h"
#include "net/loop.h"

enum { CONTROL_FRAME_MAX = 1024 * 1024, CONTROL_HEADER = 5 };

struct control;
/* listen_fd: bound and listening; taken over.  uid: besides root, who may call.  After a verb that
 * sets o->restart the answer is sent and the loop stopped: this process shall end and the next one
 * open the office. */
struct control *control_serve(struct loop *l, int listen_fd, uid_t uid, struct office *o);
void control_stop(struct control *c);

/* Runs a request on the state directory: through the socket when a server answers there, else by
 * opening the office here under the state's lock, with the rights of the store directory's owner. */
enum status control_call(
	const char *state, const json_t *request, struct office_reply *reply, struct err *err);

/* The same way to the office for several requests.  NULL: err says why. */
struct control_session;
struct control_session *control_open(const char *state, struct err *err);
enum status control_ask(struct control_session *s, const json_t *request,
	struct office_reply *reply, struct err *err);
void control_close(struct control_session *s); /* NULL is fine */
/* Without a server a session has the rights of the store's owner from the start to the end, committing
 * threads included.  After this only during calls, so that files made meanwhile are the caller's; such a
 * session only reads. */
void control_between_calls(struct control_session *s);

/* The office that is opened here; NULL: a server has it. */
struct office *control_office(struct control_session *s);

/* mailbox.import (office_import.h): begin, then for each message head, octets and commit, then finish.
 * Rows come to `reply`, which lives until the session is closed, at any of these calls. */
enum status control_import_begin(struct control_session *s, const json_t *request,
	struct office_reply *reply, struct err *err);
enum status control_import_head(struct control_session *s, const json_t *head, struct err *err);
enum status control_import_octets(struct control_session *s, struct str octets, struct err *err);
enum status control_import_commit(struct control_session *s, struct err *err);
enum status control_import_finish(struct control_session *s, struct err *err);

/* <state>/lock, exclusive: serve and control_call hold it.  Returns an fd, or -1: ST_TEMP when held. */
int state_lock(const char *state, struct err *err);
/* Checks <state>/version: ST_OK, or refuses a newer one and what is no state directory. */
enum status state_check_version(const char *state, struct err *err);

/* Takes the rights of path's owner when this is root's process and the owner is somebody else, so
 * that files made meanwhile belong to the server; directories above stay searchable. */
struct borrowed_rights {
	bool borrowed;
};
enum status rights_borrow(struct borrowed_rights *r, const char *path, struct err *err);
void rights_return(struct borrowed_rights *r);

#endif
