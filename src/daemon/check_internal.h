/* check_internal.h -- one message that is being checked; private to check.c and check_write.c. */
#ifndef RESTANTE_DAEMON_CHECK_INTERNAL_H
#define RESTANTE_DAEMON_CHECK_INTERNAL_H

#include "daemon/check.h"
#include "daemon/edge.h"
#include "trust/arc.h"
#include "trust/dmarc.h"
#include "trust/spf.h"

enum { CHECK_AUTHORS_MAX = 4 }; /* domains in From */

struct check {
	struct edge *edge;
	void (*done)(void *owner);
	void *owner;
	bool null_path;
	char address[64]; /* of the client */

	struct spf *spf;
	struct dkim_verifier *dkim;
	struct arc *arc; /* NULL: nobody's seal is trusted */
	struct dmarc *dmarc[CHECK_AUTHORS_MAX];
	struct dmarc *asking; /* who waits for dmarc_query: another may have got a question since */
	size_t authors;
	bool too_many_authors;
	size_t signature; /* whose key is looked up */
	bool judging;     /* DMARC knows what the others found */

	struct edge_lookup spf_query, dkim_query, arc_query, dmarc_query;
	struct loop_timer timer;
	int64_t ended_ms, waited_ms;
	bool ended, late, over;
};

/* The author domain whose owner asks for most; NULL: there is none. */
const struct dmarc *check_strictest(const struct check *c);
/* A seal that is trusted says that the message passed DMARC. */
bool check_is_vouched_for(const struct check *c);

#endif
