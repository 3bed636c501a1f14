#include "daemon/dns_state.h"

#include <stddef.h>

const char *dns_state_name(unsigned state, const char **meaning)
{
	static const char *const names[DNS_STATES][2] = {
		[DNS_STATE_UNKNOWN] = { "unknown", "not asked yet" },
		[DNS_STATE_OFF] = { "off", "dnssec_trust_anchor is empty: DANE protects nothing" },
		[DNS_STATE_VALID] = { "valid", "answers are validated by DNSSEC" },
		[DNS_STATE_STRIPPED] = { "stripped",
			"the DNS server takes the signatures of DNSSEC away, or the trust anchor "
			"is out "
			"of date; set dns_resolver to one that hands them on" },
		[DNS_STATE_SILENT] = { "silent",
			"the DNS server does not answer: mail waits; look at dns_resolver" },
	};

	if (state >= DNS_STATES)
		return NULL;
	*meaning = names[state][1];
	return names[state][0];
}
