/* office_import.h -- a stream of messages into one maildrop: the verb mailbox.import.
 *
 * After its request the client sends, for each message, a head, octets and a commit.  Deliveries run
 * beside each other, so that one sync serves many; the result of each is a row.  A message has the id
 * its client chose: one that is known in this maildrop already is "present", also when it was deleted
 * since, so that the same import can be run again.  What the quota has no room for fails, unless the request
 * says "over_quota": true.
 *
 * A message of a backup ("restore": true, "other": id) that was expunged since is "expunged", with
 * the "id" under which mailbox.undelete brings it back; when its id belongs to other maildrops, or what
 * is there is damaged, it is stored under the other one.  "replaces" names a damaged copy that
 * mailbox.expunge shall remove.
 *
 * A request with "outbox": true and no address takes mail that goes on: the head has "recipients": [address],
 * "client": who hands it in, and "smtputf8".
 *
 * head: {"n": number, "id": text, "received": ms, "sender": text, "uidl": text or "",
 *        "uid": n, "uidvalidity": n, "file": text}; row: {"n": number, "result": "stored", "present" or
 * "failed", "full": no room for it, "error": text} */
#ifndef RESTANTE_DAEMON_OFFICE_IMPORT_H
#define RESTANTE_DAEMON_OFFICE_IMPORT_H

#include "daemon/office.h"

enum { IMPORT_PIECE_MAX = 64 * 1024 };

struct import;
/* Calls row() for each answer, from store_poll() too, until import_close(). */
struct import_owner {
	void (*row)(struct import_owner *owner, json_t *row);
};

/* The first row says {"maildrop": id}. */
struct import *import_open(
	struct office *o, const json_t *request, struct import_owner *owner, struct err *err);
/* False: this is not the protocol; end the connection. */
bool import_head(struct import *im, const json_t *head);
bool import_octets(struct import *im, struct str octets);
bool import_commit(struct import *im);
/* So much waits for the disk that the client should wait too. */
bool import_is_full(const struct import *im);
size_t import_waiting(const struct import *im);
/* Drops a message that is not committed; deliveries under way end by themselves.  NULL is fine. */
void import_close(struct import *im);

#endif
