/* socks.h -- client side of SOCKS 5, CONNECT only, with a password when one is given (RFC 1928, 1929).  Pure.
 *
 *   socks_begin(&s, &out);
 *   then until SOCKS_THROUGH: send out, read exactly s.wants octets, socks_take().
 *
 * Not an octet more is asked for than belongs to the proxy: what follows is the server's. */
#ifndef RESTANTE_PROTO_SOCKS_H
#define RESTANTE_PROTO_SOCKS_H

#include "base/buf.h"
#include "base/err.h"

enum { SOCKS_TEXT_MAX = 255 }; /* octets of a host, a user, a password */

enum socks_stage { SOCKS_METHOD, SOCKS_PASSWORD, SOCKS_REPLY, SOCKS_BOUND, SOCKS_THROUGH };

struct socks {           /* views that stay until SOCKS_THROUGH */
	struct str host; /* a name, which the proxy looks up, or an address */
	uint16_t port;
	struct str user, password; /* user "": none */
	enum socks_stage stage;
	size_t wants; /* octets of the next socks_take() */
};

/* ST_USAGE: a text is too long, or the user has no password. */
enum status socks_begin(struct socks *s, struct buf *out, struct err *err);
/* ST_MORE: go on.  ST_OK: the server is behind it now.  ST_PERM, ST_TEMP: refused; ST_PROTO: it is no SOCKS 5. */
enum status socks_take(struct socks *s, struct str in, struct buf *out, struct err *err);

/* Splits socks5://[USER:PASSWORD@]HOST[:PORT]; the port is 1080 when none is said.  Views. */
bool socks_parse(
	struct str text, struct str *host, uint16_t *port, struct str *user, struct str *password);

#endif
