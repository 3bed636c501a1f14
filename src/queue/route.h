/* route.h -- which way a recipient's mail goes.  Pure: settings and what is asked for in, a way out.
 *
 * Asked anew at each attempt, so that a changed configuration holds for what waits already. */
#ifndef RESTANTE_QUEUE_ROUTE_H
#define RESTANTE_QUEUE_ROUTE_H

#include "base/buf.h"
#include "queue/schedule.h"

enum route_kind {
	ROUTE_MX = 1,  /* host: the domain; its MX or address records tell where (RFC 5321 5.1) */
	ROUTE_RELAY,   /* host and port, by SMTP */
	ROUTE_LMTP,    /* host and port, by LMTP (RFC 2033) */
	ROUTE_DISCARD, /* taken and dropped */
	ROUTE_REFUSE,  /* nobody gets mail there */
};

/* Levels of a relay's tls; of tls_policy all but implicit. */
enum route_tls {
	ROUTE_TLS_NONE = 1, /* never */
	ROUTE_TLS_MAY,      /* when it is offered; what DANE and MTA-STS say counts */
	ROUTE_TLS_ENCRYPT,  /* or not at all; any certificate */
	ROUTE_TLS_VERIFY,   /* and the certificate is valid for the name */
	ROUTE_TLS_DANE,     /* and TLSA records say so (RFC 7672) */
	ROUTE_TLS_IMPLICIT, /* from the first octet on, and verified (RFC 8314) */
};

/* What a section of the configuration says; strings are the configuration's. */
enum route_role { RULE_ROUTE, RULE_SENDER, RULE_SMARTHOST, RULE_FALLBACK };
struct route_rule {
	enum route_role role;
	char *name; /* of the section; "" for smarthost and fallback_relay */
	char *whom; /* "example.org", ".example.org" for what is below it, "*"; also a sender's address;
				NULL or "": the name */
	enum route_kind kind;
	char *host; /* "" for ROUTE_MX, ROUTE_DISCARD, ROUTE_REFUSE */
	uint16_t port;
	enum route_tls tls;
	char *user, *password, *password_command; /* "": none */
	bool backup_mx;                           /* strangers may send there through us */
	char *recipients; /* those whom strangers may send to, separated by spaces; "": all */
	int64_t min_size, max_size; /* octets of messages that it is for; 0: any */
	char *header;  /* "Name: pattern" of a field of messages that it is for; "": any */
	uint64_t mark; /* one bit of its own, of a section with a header; else 0 */
	struct schedule schedule; /* what is 0 in it: as for all */
};

struct route_rules {
	const struct route_rule *rows;
	size_t count;
};

struct route {
	enum route_kind kind;
	struct str host; /* of the rule, or of the recipient */
	uint16_t port;
	const struct route_rule *rule; /* NULL: the default, MX */
};

/* Not for each message that goes its way. */
static inline bool route_is_for_some(const struct route_rule *r)
{
	return r->min_size != 0 || r->max_size != 0 || r->mark != 0;
}

struct route_ask {
	struct str sender, recipient;
	uint64_t octets; /* of the message */
	uint64_t marks;  /* route_marks() of it */
};

/* Of the sections that are for such a message, by its size and its header: recipient's domain first (exact, then the
 * longest ".suffix", then "*"), then the sender's address and domain, then the smarthost, then MX.  Of several for the
 * same, one for some messages before one for all, then the first. */
struct route route_of(const struct route_rules *rules, const struct route_ask *ask);
/* When mail for the recipient is tried again: what the section of its route does not say is as in *general. */
struct schedule route_schedule(const struct route_rules *rules, const struct schedule *general,
	const struct route_ask *ask);
/* How exactly a section of this name speaks of the domain: 0 not at all, SIZE_MAX by its very name. */
size_t route_name_weight(struct str name, struct str domain);
/* The rule of this role and name; NULL: none (any more). */
const struct route_rule *route_rule_find(
	const struct route_rules *rules, enum route_role role, struct str name);
/* May strangers hand in mail for this recipient, whose domain is not ours?  No section for some messages only says so. */
enum route_accept { ROUTE_NOT_OURS, ROUTE_ACCEPT, ROUTE_NO_SUCH_RECIPIENT };
enum route_accept route_accepts(const struct route_rules *rules, struct str recipient);

/* ---- route_header.c ---- */

enum { ROUTE_MARKS = 64 /* sections with a header */ };

/* Is it a field's name (RFC 5322 2.2), a colon, and a pattern, in which each '*' stands for any octets, none too? */
bool route_header_is_valid(struct str header);
/* The marks of the sections one of whose fields the message has; section: its header section, views of which are
 * unfolded and without blanks at their ends when they are compared, in any case of letters. */
uint64_t route_marks(const struct route_rules *rules, struct str section);

/* ---- route.c ---- */

/* The next hop's key: "mx:example.org", "relay:[192.0.2.1]:25"; lower case.  Behind a comma, as whom we log in
 * there: a login that is refused closes the way to nobody else, and no recipient goes by another's. */
void route_site(struct buf *out, const struct route *r);
/* The way that such a key names, without the login, for an administrator who chose one; false: none does.  Views
 * of it. */
bool route_parse(struct str site, struct route *r);
/* The domain of an address; "" without one.  A quoted local part may hold an '@'. */
struct str route_domain(struct str address);

#endif
