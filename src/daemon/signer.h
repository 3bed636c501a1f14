/* signer.h -- signs submitted mail that goes on to other servers (DKIM) with the keys of the directory, in
 * threads of its own: an RSA signature takes most of a millisecond, as much as ten commits.
 *
 * Whose key: the From's domain when it has keys, for only such a signature counts for DMARC (RFC 7489 3.1.1);
 * else that of the account's domain; else mail goes out unsigned.  Private keys are parsed once and kept
 * until the directory changes.  While the directory cannot be read nobody knows, and the mail has to wait. */
#ifndef RESTANTE_DAEMON_SIGNER_H
#define RESTANTE_DAEMON_SIGNER_H

#include "account/account.h"
#include "base/work.h"
#include "trust/arc.h"
#include "trust/dkim.h"

struct signer;
struct signer_keys;

struct signing { /* one message; the caller's, until done() */
	void (*done)(struct signing *s);
	struct buf fields; /* out: DKIM-Signature fields, none when it could not be signed */

	struct work work; /* from here on the signer's */
	struct signer_keys *keys;
	struct dkim_hash *hash;
	int64_t wall_ms, steady_ms; /* what the signature says; by what keys come and go */
	struct err err;
};

struct sealing { /* one message that is passed on; the caller's, until done() */
	void (*done)(struct sealing *s);
	struct arc_request request; /* its views live until done() */
	struct buf fields;          /* out: an ARC set, none when it could not be sealed */

	struct work work; /* from here on the signer's */
	struct signer_keys *keys;
	int64_t wall_ms, steady_ms;
	struct err err;
};

struct signer *signer_new(struct directory *d, unsigned threads);
void signer_free(struct signer *s); /* finishes what was begun, calls done() */
int signer_fd(const struct signer *s);
void signer_poll(struct signer *s);

/* hash: of the whole message, taken over.  SAID_NO: nobody signs for it; SAID_NOTHING: whether anybody does
 * cannot be read now (logged).  Then done() is not called; else from signer_poll(), or from inside this call when
 * all threads are behind. */
enum said signer_sign(
	struct signer *s, struct signing *to, struct dkim_hash *hash, uint64_t account);

/* With a key of the domain in `sender`, or of this name of a host, or of the domain above that; the first RSA key that
 * signs now, for many know no other (RFC 8617 sets have one signature).  done() is called always, maybe from inside. */
void signer_seal(struct signer *s, struct sealing *to, struct str sender, struct str hostname);
bool signer_can_seal(struct signer *s, struct str sender, struct str hostname);
/* Says which key that would be: "example.org" and its selector. */
enum said signer_of_seal(struct directory *d, struct str sender, struct str hostname,
	struct buf *domain, struct buf *selector, struct err *err);

#endif
