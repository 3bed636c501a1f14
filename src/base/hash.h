/* hash.h -- SipHash-2-4 (Aumasson, Bernstein 2012) for tables whose keys a stranger can choose.  Pure.
 *
 * With a key that nobody outside knows, nobody can choose texts that all fall into one bucket.  The key
 * is two random words, one pair a table. */
#ifndef RESTANTE_BASE_HASH_H
#define RESTANTE_BASE_HASH_H

#include <stdint.h>

#include "base/str.h"

uint64_t hash_str(const uint64_t key[2], struct str s);

#endif
