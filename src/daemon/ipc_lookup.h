/* ipc_lookup.h -- a question to DNS that crosses from an edge to the store, from there to a carrier, and its
 * answer, which comes back the same way: edges cannot dial, and the store looks into neither.
 *
 *   IPC_LOOKUP  question  edge -> store      u8 enum dns_type, the name
 *               the same  store -> carrier   head.session: the store's place for it
 *               answer    both ways back     enum dns_outcome is head.result; of each row u16 preference, data
 *
 * To the edge head.session is a place of its own, not a session's. */
#ifndef RESTANTE_DAEMON_IPC_LOOKUP_H
#define RESTANTE_DAEMON_IPC_LOOKUP_H

#include "base/codec.h"
#include "base/dns.h"

enum {
	IPC_LOOKUP = 160,       /* beyond all of ipc_job.h */
	LOOKUPS_MAX = 512,      /* of an edge at one time */
	LOOKUP_ROWS_MAX = 65536 /* octets of all rows; more are no answer */
};

/* False: not what SPF, DKIM, ARC or DMARC asks for. */
bool lookup_question_get(struct reader *r, struct str *name, enum dns_type *type);
void lookup_question_put(struct buf *b, struct str name, enum dns_type type);

/* Puts the rows; what the outcome is then. */
enum dns_outcome lookup_answer_put(struct buf *b, const struct dns_answer *a);
/* rows[DNS_ROWS_MAX]: where the answer's rows go; they are views of r. */
void lookup_answer_get(
	struct reader *r, unsigned outcome, struct dns_row *rows, struct dns_answer *a);

#endif
