/* cert_validity.h -- what clients will refuse of a server's certificates, told before they do.  Pure: the time is given. */
#ifndef RESTANTE_NET_CERT_VALIDITY_H
#define RESTANTE_NET_CERT_VALIDITY_H

#include <stdint.h>

#include "base/str.h"

struct cert_file {
	const char *name; /* for people */
	struct str pem;   /* the first certificate in it counts */
};

/* A line for each that has expired, will soon (in 14 days, or in a third of its life when that is shorter), or is not
 * valid yet; and one when none of them is for `host`, which may be NULL. */
void cert_validity(const struct cert_file *files, size_t count, const char *host, int64_t now_ms,
	void (*each)(void *arg, const char *text), void *arg);

#endif
