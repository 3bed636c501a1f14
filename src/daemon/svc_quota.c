/* Is there room in a mailbox?  Asked at RCPT with the size that the client announced, and again at COMMIT with the
 * size that came.
 *
 * A recipient that is a group has room while one of its members has: then all of them get the message, the
 * full ones too.  Leaving them out would lose mail after a 250, and refusing would let one full mailbox close
 * a list.  At the end of an SMTP transaction the same holds for its recipients, of which each had room at
 * RCPT: there is one answer for all (RFC 5321 4.2.5).  LMTP answers for each (RFC 2033 4.2), so there only those with
 * room get it. */
#include <stdlib.h>

#include "daemon/quota.h"
#include "daemon/svc.h"

bool svc_is_full(struct svc *s, const struct maildrops *recipient, uint64_t octets)
{
	return quota_all_full(&s->office, recipient, octets);
}

bool svc_all_full(struct svc_session *x, uint64_t octets)
{
	for (size_t i = 0; i < x->nfound; i++)
		if (!svc_is_full(x->edge->svc, &x->found[i], octets))
			return false;
	return x->nfound > 0;
}

void svc_leave_out_full(struct svc_session *x, uint64_t octets)
{
	for (size_t i = 0; i < x->nfound; i++)
		if (svc_is_full(x->edge->svc, &x->found[i], octets)) {
			bit_set(&x->full, i);
			maildrops_free(&x->found[i]);
		}
}
