/* autoconfig.h -- what a domain says of its mail servers, in the XML that Thunderbird made known (config-v1.1.xml).
 *
 * It comes from whoever answers under the domain's name, so it is read with suspicion: no document type, hence no
 * entities but XML's own five; bounded size, depth, number of elements and length of texts.  No I/O. */
#ifndef RESTANTE_REMOTE_AUTOCONFIG_H
#define RESTANTE_REMOTE_AUTOCONFIG_H

#include "base/err.h"
#include "remote/service.h"

enum { AUTOCONFIG_MAX = 256 * 1024, AUTOCONFIG_USER_MAX = 320 };

struct autoconfig {
	struct service pop3, smtp;          /* the best of each; host "": none is named */
	char user[AUTOCONFIG_USER_MAX + 1]; /* to log in at the first of them; "": not said */
	bool token;                         /* POP3 takes OAuth and nothing else */
};

/* ST_OK: it is such a file, about the domain of this address, also when it names neither. */
enum status autoconfig_parse(
	struct str xml, struct str address, struct autoconfig *a, struct err *err);

#endif
