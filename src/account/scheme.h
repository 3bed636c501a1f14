/* scheme.h -- password hashes under the names that Dovecot gives them: "{SCHEME}DATA".  Slow on
 * purpose, as password.h is; touches no directory.  Threads: any.
 *
 * What crypt(3) and argon2 know is kept as they write it, without the name; PLAIN, the SHA family and
 * SCRAM-SHA-256 are kept with it.  None of these is as good as password_make(): they are for taking
 * accounts over, and the next login with the password replaces them (setting password_upgrade). */
#ifndef RESTANTE_ACCOUNT_SCHEME_H
#define RESTANTE_ACCOUNT_SCHEME_H

#include "account/account.h"

/* "{SSHA256}uPZb...", made by somebody else.  SCRAM keys come with it when the text holds them or the
 * password; else scram_iterations is 0 and SCRAM does not know the account. */
enum status scheme_import(struct str text, struct credentials *c, struct err *err);

/* Of a password, by name: "SSHA256" or "{SSHA256}", any case. */
enum status scheme_make(
	struct str scheme, struct str password, struct credentials *c, struct err *err);

/* kept: a hash that begins with "{". */
bool scheme_verify(struct str kept, struct str prepared);

/* Worse than what password_make() gives? */
bool scheme_outdated(const struct credentials *c);
/* The same password, kept well: a hash that is argon2id already stays as it is. */
enum status scheme_upgrade(
	const struct credentials *old, struct str password, struct credentials *c);

#endif
