/* report.h -- delivery status notifications (RFC 3461 6, RFC 3464, 6522, 6533).  Pure.
 *
 * A report is: what report_begin() puts, then the first report_returned() octets of the message it is
 * about, as they are, then what report_end() puts.  It goes out with the reverse-path <> (RFC 3464 2).
 * One report tells of any number of recipients.  Whatever a remote server or a sender chose is made
 * harmless here: it ends no line, opens no field, and is cut when it is long. */
#ifndef RESTANTE_MIME_REPORT_H
#define RESTANTE_MIME_REPORT_H

#include "base/buf.h"
#include "base/msgid.h"

enum report_action { /* RFC 3464 2.3.3 */
	REPORT_FAILED,
	REPORT_DELAYED,
	REPORT_DELIVERED,
	REPORT_RELAYED, /* to a server that promises no reports: the last that is heard */
	REPORT_EXPANDED,
	REPORT_ACTIONS
};

struct report_recipient {
	enum report_action action;
	struct str recipient; /* where it was to go at last */
	struct str orcpt;     /* as ORCPT came: "rfc822;xtext"; "" */
	struct str status;    /* "5.1.1"; what is no enhanced status becomes the action's default */
	struct str reply;     /* what the remote server said, or why we gave up; "" */
	struct str host;      /* the remote server that said it; "": our own words */
	int64_t last_try_ms;  /* 0: never */
	int64_t retry_till_ms; /* delayed: when we give up; 0: not told */
};

struct report {
	struct str hostname; /* ours */
	struct str to;       /* who is told: the original's reverse-path, or the postmaster */
	struct str envid;    /* as ENVID came, xtext; "" */
	struct msgid id;     /* of the report; unpredictable, it makes the boundary */
	struct msgid original;
	int64_t wall_ms, arrived_ms;
	int64_t held_until_ms; /* FUTURERELEASE was asked for (RFC 4865); 0: it was not */
	bool utf8;         /* the original came with SMTPUTF8: what the report says may be UTF-8 */
	bool tls_optional; /* the original said "TLS-Required: No", so the report does (RFC 8689 6) */
	bool eightbit;     /* the original has octets over 0x7F in what is returned */
	bool whole;        /* all of it is returned, not only its header: report_whole() */
	uint64_t header_octets, octets; /* of the original */
	const struct report_recipient *recipients;
	size_t count; /* at least one */
};

enum {
	REPORT_REPLY_MAX = 512,              /* octets of a reply that are kept */
	REPORT_HEADER_RETURNED = 128 * 1024, /* a longer header is not returned */
};

/* RFC 3461 4.3: header_only when RET=HDRS.  A longer message than max returns its header, and so does
 * one that did not fail. */
bool report_whole(const struct report *r, bool header_only, uint64_t max);

void report_begin(struct buf *out, const struct report *r);
uint64_t report_returned(const struct report *r);
void report_end(struct buf *out, const struct report *r);

#endif
