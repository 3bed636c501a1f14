/* service.h -- where a mail service is.  Pure. */
#ifndef RESTANTE_REMOTE_SERVICE_H
#define RESTANTE_REMOTE_SERVICE_H

#include "base/dns.h"
#include "remote/server.h"

struct service {
	char host[DNS_HOST_MAX + 1]; /* "": there is none */
	uint16_t port;
	enum server_tls tls;
};

/* False: it is no host name; the service is as before. */
bool service_set(struct service *s, struct str host, uint16_t port, enum server_tls tls);
/* The port when nobody says another (RFC 8314 3, RFC 1939, RFC 6409). */
uint16_t service_port(bool sends, enum server_tls tls);
const char *service_tls_name(enum server_tls tls); /* "implicit", as in restante.conf */
/* The host is the domain, or below it. */
bool service_inside(const struct service *s, struct str domain);

#endif
