/* A domain's autoconfig file: whatever stands there, what is taken of it is a host, a port and a printable name. */
#include <stdlib.h>

#include "remote/autoconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct service *s)
{
	struct service again;

	if (s->host[0] != '\0' && !service_set(&again, str_c(s->host), s->port, s->tls))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct autoconfig a;

	if (autoconfig_parse(str_of(data, size), STR("ann@example.test"), &a, NULL) != ST_OK &&
		(a.pop3.host[0] != '\0' || a.smtp.host[0] != '\0'))
		abort();
	check(&a.pop3);
	check(&a.smtp);
	for (const char *p = a.user; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			abort();
	return 0;
}
