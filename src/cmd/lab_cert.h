/* lab_cert.h -- what TLS came to: version, suite, the certificate, and whether it would be believed. */
#ifndef RESTANTE_CMD_LAB_CERT_H
#define RESTANTE_CMD_LAB_CERT_H

#include <jansson.h>

#include "base/str.h"
#include "net/conn.h"

/* {version, cipher, group, subject, issuer, names, not_before, not_after, fingerprint, key_fingerprint, chain,
 * verified, why}.  roots: PEM of who may vouch for it; host: the name or address that was asked for. */
json_t *lab_cert(struct conn *conn, struct str roots, struct str host);

#endif
