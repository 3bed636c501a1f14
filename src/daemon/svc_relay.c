/* Mail to other servers: who may send there, and where aliases send it on.
 *
 * Nobody but an account that logged in, on this very session, may name a recipient elsewhere (RFC 5321 3.6.2;
 * 550 5.7.1 for all others), unless a route takes mail for that domain (backup_mx).  Three other ways lead outside, and in none a
 * stranger chooses where: an alias's target, the sender of a message that we forwarded (SRS), and a
 * notice to the sender of a message that was taken in. */
#include <stdlib.h>

#include "base/log.h"
#include "daemon/admit.h"
#include "daemon/svc_queue.h"
#include "proto/path.h"
#include "trust/srs.h"

_Static_assert((int)SRS_LOCAL_MAX <= (int)PATH_LOCAL_MAX, "what SRS makes can be said");

enum resolved svc_resolve(struct svc_session *x, struct str recipient, struct maildrops *found)
{
	struct admit admit = { .office = &x->edge->svc->office,
		.account = x->account,
		.local = x->local,
		.notice = x->notice };
	enum resolved resolved;

	if (svc_disk_low(x->edge->svc))
		return RESOLVED_NO_DISK;
	resolved = admit_recipient(&admit, recipient, found);
	if (resolved != RESOLVED || !admit.relayed)
		return resolved;
	if (!svc_may_write_to(x->edge->svc, svc_sends_as(x), recipient))
		resolved = RESOLVED_CAPPED_NEW;
	else if (!svc_cap_take(x->edge->svc, svc_sends_as(x)))
		resolved = RESOLVED_CAPPED;
	else
		return RESOLVED;
	maildrops_free(found);
	*found = (struct maildrops){ 0 };
	return resolved;
}

bool svc_forwarded(struct str recipient, struct str address)
{
	return !str_eq(recipient, address) && !srs_is_made(recipient);
}

/* What it was sent to when an alias sends it on, or "". */
static struct str forwarded_for(const struct svc_session *x)
{
	struct reader texts = { .rest = buf_str(&x->recipients) };

	for (size_t i = 0; i < x->nfound; i++) {
		struct reader onward = { .rest = buf_str(&x->found[i].onward) };
		struct str recipient = get_str(&texts);

		(void)get_u8(&texts);
		(void)get_str(&texts);
		if (x->found[i].onward_count > 0 && svc_forwarded(recipient, get_str(&onward)))
			return recipient;
	}
	return STR("");
}

enum said svc_srs(struct svc_session *x, struct str sender, struct buf *out)
{
	struct office *o = &x->edge->svc->office;
	struct str recipient = forwarded_for(x);
	struct err err = { 0 };
	struct srs srs;

	if (recipient.n == 0)
		return SAID_NO;
	switch (directory_is_local_domain(o->directory, route_domain(sender))) {
	case SAID_YES: return SAID_NO; /* ours: it finds back without */
	case SAID_NOTHING: return SAID_NOTHING;
	case SAID_NO: break;
	}
	if (!admit_srs(o, &srs, &err)) {
		log_error("srs.not-read", F_C("err", err.text));
		return SAID_NOTHING;
	}
	srs.domain = route_domain(recipient);
	return srs_forward(&srs, sender, out) ? SAID_YES : SAID_NO;
}

/* RFC 1985: an honest edge asks for those only who may. */
bool svc_etrn(struct svc_session *x, struct reader *r)
{
	struct str domain = get_str(r);
	bool below = get_u8(r) != 0;
	struct buf body = { 0 };

	if (r->bad || r->rest.n > 0)
		return false;
	put_u32(&body, (uint32_t)office_retry_domain(&x->edge->svc->office, domain, below));
	svc_answer(x, STORE_OK, buf_str(&body), STR(""), -1);
	buf_deinit(&body);
	return true;
}
