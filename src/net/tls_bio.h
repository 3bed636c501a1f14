/* tls_bio.h -- between TLS and the socket of a connection: no read that is known to be in vain, no
 * packet of its own for what nobody waits for. */
#ifndef RESTANTE_NET_TLS_BIO_H
#define RESTANTE_NET_TLS_BIO_H

#include "net/conn.h"

/* c->ssl reads from and writes to c->fd from now on; c stays where it is. */
void tls_bio_attach(struct conn *c);

#endif
