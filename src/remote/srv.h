/* srv.h -- the mail services of a domain by its SRV records (RFC 6186, RFC 8314 5.1). */
#ifndef RESTANTE_REMOTE_SRV_H
#define RESTANTE_REMOTE_SRV_H

#include "remote/lookup.h"
#include "remote/service.h"

struct srv {
	struct service pop3, smtp; /* host "": not named */
	bool no_pop3, no_smtp;     /* the domain says that it has none (RFC 6186 3.4) */
	char why[DNS_HOST_MAX];    /* nobody could say; "": the answers are what there is */
};

void srv_find(struct lookup *l, struct str domain, struct srv *found);

#endif
