/* dns_state.h -- what a carrier found out about its DNS server, and how people are told. */
#ifndef RESTANTE_DAEMON_DNS_STATE_H
#define RESTANTE_DAEMON_DNS_STATE_H

enum dns_state {
	DNS_STATE_UNKNOWN,
	DNS_STATE_OFF, /* dnssec_trust_anchor is empty */
	DNS_STATE_VALID,
	DNS_STATE_STRIPPED, /* no signatures, or the trust anchor is out of date */
	DNS_STATE_SILENT,   /* it does not answer */
	DNS_STATES
};

/* "stripped", and what that means; NULL: no such state. */
const char *dns_state_name(unsigned state, const char **meaning);

#endif
