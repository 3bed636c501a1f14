/* authenticator.h -- the slow half of a login: password checks in a bounded pool, and the memory of
 * recent successes.  For the SASL mechanisms of this library.
 *
 * The memory is keyed with random octets and by account, credential version and password: it tells
 * nothing about a password, and a changed password or a disabled account is forgotten at once. */
#ifndef RESTANTE_ACCOUNT_AUTHENTICATOR_H
#define RESTANTE_ACCOUNT_AUTHENTICATOR_H

#include "account/directory.h"
#include "account/sasl.h"

struct check; /* one password check under way */

enum check_result { CHECK_OK, CHECK_WRONG, CHECK_TEMP };
struct check_owner {
	void (*done)(void *owner, enum check_result result);
	void *owner;
	struct check **under_way; /* set while done() is still to come and may be abandoned */
	unsigned flow;            /* authenticator_flow() of where it comes from */
};

/* Starts a check of the password against l, or against the dummy when l has no usable account.  done() is
 * called once, perhaps before the return. */
void check_start(struct authenticator *a, const struct login *l, struct str password,
	struct check_owner owner);
/* Who asks from the same network stands in one line: a crowd from there holds up itself. */
unsigned authenticator_flow(const struct authenticator *a, struct str network);
/* done() will not be called; what runs, runs out. */
void check_abandon(struct check *c);

struct token_checker *authenticator_checker(const struct authenticator *a); /* or NULL */
struct directory *authenticator_directory(const struct authenticator *a);
/* How many hashes were asked for, to show that unknown users cost what known ones do. */
uint64_t authenticator_hashes(const struct authenticator *a);

#endif
