/* password.h -- password hashes and SCRAM keys.  Slow on purpose: for a worker thread; nothing here
 * touches the directory.  Threads: any. */
#ifndef RESTANTE_ACCOUNT_PASSWORD_H
#define RESTANTE_ACCOUNT_PASSWORD_H

#include "account/account.h"

enum {
	PASSWORD_MAX = 1024, /* octets, before and after normalisation */
	/* Weak beside argon2id, and the keys stand in the same file, so as high as clients bear:
	 * Cyrus SASL refuses more than 65536. */
	SCRAM_ITERATIONS = 50000,
	SCRAM_KEY = 32,
};

/* PRECIS OpaqueString (RFC 8265 4.2): other spaces become U+0020, then NFC.  What is not UTF-8 stays as
 * it is when `strict` is false (a hash may have been imported with it).  False: empty, too long, with
 * NUL, or (strict) with control characters or invalid UTF-8. */
bool password_prepare(struct str password, bool strict, struct buf *out);

/* prepared against libsodium's, any crypt(3) string or scheme.h's; an unknown or locked one never matches. */
bool password_is_hash(const char *hash); /* false: locked, as in shadow(5): "", "!...", "*..." */
bool password_verify(const char *hash, struct str prepared);

/* A hash nobody knows the password of, of the cost that password_make() gives. */
void password_dummy_hash(char hash[256]);

/* SaltedPassword, StoredKey, ServerKey of RFC 5802 3; c->scram_salt and _iterations are given. */
bool password_scram_keys(struct str password, struct credentials *c);

void hmac_sha256(struct str key, struct str text, unsigned char out[SCRAM_KEY]);

#endif
