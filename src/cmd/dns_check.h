/* dns_check.h -- is it published? */
#ifndef RESTANTE_CMD_DNS_CHECK_H
#define RESTANTE_CMD_DNS_CHECK_H

#include "cmd/dns_records.h"

enum found { FOUND_OK, FOUND_WARN, FOUND_FAIL, FOUND_UNKNOWN /* DNS does not answer */ };

struct finding {
	enum found found;
	char *what; /* heap; one line */
};

/* Asks for each of r->rows; findings: as many, zeroed.  resolver: "address[@port]", or "" for the system's;
 * anchors: see net/resolve.h. */
enum status records_check(const struct records *r, struct str resolver, struct str anchors,
	struct finding *findings, struct err *err);

#endif
