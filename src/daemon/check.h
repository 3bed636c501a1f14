/* check.h -- what SPF, DKIM, ARC and DMARC say of a message that a stranger hands in, found while it comes in: the
 * edge sees each octet once, and asks DNS by way of edge_lookup.h.
 *
 * SPF is asked about when the message begins, the DMARC policy when its header is there, keys at its end.  From then on
 * all of it has check_timeout; what is not known by then is a temperror.  Memory: the header section, which is
 * bounded, and some kilobytes; none of it in a session without a message. */
#ifndef RESTANTE_DAEMON_CHECK_H
#define RESTANTE_DAEMON_CHECK_H

#include "base/buf.h"

struct edge;
struct check;

struct check_client {
	struct str address; /* text of its IP address */
	struct str helo;
	struct str reverse_path; /* "" is <> */
};

/* done(): once, when the verdict is there and check_end() said that it is not yet; from the loop. */
struct check *check_new(
	struct edge *e, const struct check_client *client, void (*done)(void *owner), void *owner);
void check_free(struct check *c);

/* The octets of the message as the client sends them, all of them, in pieces of any size. */
void check_feed(struct check *c, struct str octets);
/* Its header section was fed; once.  header: all up to the blank line, or with it. */
void check_header(struct check *c, struct str header);
/* Nothing follows, the header was told.  True: the verdict is there; false: done() will be called. */
bool check_end(struct check *c);

/* ---- the verdict ---- */

enum check_verdict {
	CHECK_TAKE,
	CHECK_REFUSE,  /* the domain in From asks for it */
	CHECK_AUTHORS, /* more domains in From than anybody has: some policy would be escaped */
};

enum check_verdict check_verdict(const struct check *c);
/* Puts Authentication-Results.  longest: before the verdict is there, at least as long as it will be. */
void check_put(const struct check *c, struct buf *out, bool longest);
enum { CHECK_FIELD_MAX = 3500 }; /* octets of that field */
/* For the log: the results on one line; what is asked for and done; why SPF is an error, or ""; how long DNS kept the
 * client waiting. */
void check_results(const struct check *c, struct buf *out);
struct str check_policy(const struct check *c);
const char *check_spf_why(const struct check *c);
int64_t check_waited_ms(const struct check *c);

#endif
