#include "remote/service.h"

bool service_set(struct service *s, struct str host, uint16_t port, enum server_tls tls)
{
	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	if (!dns_host_name_of_others(host) || port == 0)
		return false;
	*s = (struct service){ .port = port, .tls = tls };
	for (size_t i = 0; i < host.n; i++)
		s->host[i] = ascii_lower(host.p[i]);
	return true;
}

uint16_t service_port(bool sends, enum server_tls tls)
{
	if (tls == SERVER_TLS_IMPLICIT)
		return sends ? 465 : 995;
	return sends ? 587 : 110;
}

const char *service_tls_name(enum server_tls tls)
{
	switch (tls) {
	case SERVER_TLS_IMPLICIT: return "implicit";
	case SERVER_TLS_STARTTLS: return "starttls";
	case SERVER_TLS_NONE: break;
	}
	return "none";
}

bool service_inside(const struct service *s, struct str domain)
{
	struct str host = str_c(s->host);

	return str_ieq(host, domain) ||
	       (host.n > domain.n && host.p[host.n - domain.n - 1] == '.' &&
		       str_ieq(str_from(host, host.n - domain.n), domain));
}
