/* path.h -- paths, mailboxes and parameters of MAIL and RCPT (RFC 5321 4.1.2, 6531 3.3).  Pure.
 *
 * Strict: what is not in the grammar is refused, so that no control octet, NUL or stray bracket goes
 * on to a lookup key, a header or a log.  The one leniency is length: RFC 5321 4.5.3.1 names the
 * least that must be taken, and list software sends local parts of more than 64 octets. */
#ifndef RESTANTE_PROTO_PATH_H
#define RESTANTE_PROTO_PATH_H

#include "base/buf.h"

enum { PATH_LOCAL_MAX = 128, PATH_DOMAIN_MAX = 255, PATH_LABEL_MAX = 63 };

enum path_kind { PATH_REVERSE, PATH_FORWARD };

struct path {
	struct str mailbox; /* local@domain without a source route; "" for <>; "postmaster" alone */
	struct str local;   /* as sent, with its quotes */
	struct str domain;  /* as sent; "" for <> and <postmaster> */
	bool utf8;          /* holds octets over 0x7F: needs SMTPUTF8 */
};

/* Cuts <path> off the front of *rest.  REVERSE takes <>, FORWARD takes <postmaster> without a
 * domain in any case (RFC 5321 4.1.1.3).  A source route is dropped (RFC 5321 appendix C). */
bool path_cut(struct str *rest, enum path_kind kind, struct path *path);

/* The whole of s is local@domain, nothing else. */
bool path_mailbox(struct str s, struct path *path);

/* The whole of s is a domain name: letters, digits, inner hyphens, UTF-8 labels. */
bool path_domain(struct str s);

/* The whole of s is an IPv4 or IPv6 literal with its brackets (RFC 5321 4.1.3). */
bool path_literal(struct str s);

/* The whole of s is an IPv4 or IPv6 address without brackets; a port number. */
bool path_ip(struct str s);
bool path_port(struct str s);

/* The whole of s is HOST, HOST:PORT or [ADDRESS]:PORT; without a port it is `fallback`.  The host is a view. */
bool path_host_port(struct str s, uint16_t fallback, struct str *host, uint16_t *port);

struct param {
	struct str keyword;
	struct str value;
	bool has_value;
};

enum param_result { PARAM_END, PARAM_CUT, PARAM_BAD };

/* Cuts the next " keyword[=value]" off *rest. */
enum param_result param_cut(struct str *rest, struct param *param);

/* RFC 3461 4: "+" and two upper case hexadecimal digits for an octet.  False when s is not that. */
bool xtext_get(struct str s, struct buf *out);

#endif
