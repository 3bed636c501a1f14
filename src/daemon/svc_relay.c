/* Mail to other servers: who may send there, and where aliases send it on.
 *
 * Nobody but an account that logged in, on this very session, may name a recipient elsewhere (RFC 5321 3.6.2;
 * 550 5.7.1 for all others), unless a route takes mail for that domain (backup_mx).  Three other ways lead outside, and in none a
 * stranger chooses where: an alias's target, the sender of a message that we forwarded (SRS), and a
 * notice to the sender of a message that was taken in. */
#include <stdlib.h>

#include "account/dkim_keys.h"
#include "account/suppression.h"
#include "base/clock.h"
#include "daemon/svc_queue.h"
#include "trust/srs.h"

static void add_onward(struct maildrops *found, struct str address)
{
	put_str(&found->onward, address);
	found->onward_count++;
}

static bool get_srs(struct svc_session *x, struct srs *srs)
{
	*srs = (struct srs){ .wall_ms = clock_wall_ms() };
	return directory_srs_secret(x->edge->svc->office.directory, srs->secret, NULL) == ST_OK;
}

/* The sender of a message that we forwarded: its notice finds back, whoever brings it. */
static enum resolved send_back(struct svc_session *x, struct str recipient, struct maildrops *found)
{
	struct directory *d = x->edge->svc->office.directory;
	enum resolved resolved = RESOLVED_NOWHERE;
	struct buf back = { 0 };
	struct srs srs;

	if (!get_srs(x, &srs))
		return RESOLVED_TEMP;
	switch (srs_reverse(&srs, recipient, &back)) {
	case SRS_NOT: resolved = directory_resolve(d, recipient, found); break;
	case SRS_FORGED:
	case SRS_EXPIRED: break;
	case SRS_BACK:
		resolved = directory_resolve(d, buf_str(&back), found);
		if (resolved == RESOLVED_FOREIGN) {
			add_onward(found, buf_str(&back));
			resolved = RESOLVED;
		}
		break;
	}
	buf_deinit(&back);
	return resolved;
}

static enum resolved relay(struct svc_session *x, struct str recipient, struct maildrops *found)
{
	const struct route_rules rules = config_routes(x->edge->svc->office.config);

	if (svc_sends_as(x) == 0)
		switch (route_accepts(&rules, recipient)) {
		case ROUTE_NOT_OURS: return RESOLVED_FOREIGN;
		case ROUTE_NO_SUCH_RECIPIENT: return RESOLVED_NOWHERE;
		case ROUTE_ACCEPT: break;
		}
	if (x->account != 0 && x->edge->svc->office.config->suppression &&
		suppression_has(x->edge->svc->office.directory, x->account, recipient))
		return RESOLVED_SUPPRESSED;
	if (svc_sends_as(x) != 0 && !svc_cap_take(x->edge->svc, svc_sends_as(x)))
		return RESOLVED_CAPPED;
	add_onward(found, recipient);
	return RESOLVED;
}

enum resolved svc_resolve(struct svc_session *x, struct str recipient, struct maildrops *found)
{
	struct directory *d = x->edge->svc->office.directory;
	enum resolved resolved;

	if (svc_disk_low(x->edge->svc))
		return RESOLVED_NO_DISK;
	if (str_istarts(recipient, STR("SRS")) &&
		directory_is_local_domain(d, route_domain(recipient)))
		return send_back(x, recipient, found);
	resolved = directory_resolve(d, recipient, found);
	return resolved == RESOLVED_FOREIGN ? relay(x, recipient, found) : resolved;
}

bool svc_forwarded(struct str recipient, struct str address)
{
	return !str_eq(recipient, address) && !str_istarts(recipient, STR("SRS"));
}

bool svc_srs(struct svc_session *x, struct str sender, struct buf *out)
{
	struct reader texts = { .rest = buf_str(&x->recipients) };
	struct srs srs;

	if (directory_is_local_domain(x->edge->svc->office.directory, route_domain(sender)))
		return false; /* ours: it finds back without */
	for (size_t i = 0; i < x->nfound; i++) {
		struct reader onward = { .rest = buf_str(&x->found[i].onward) };
		struct str recipient = get_str(&texts);

		(void)get_u8(&texts);
		(void)get_str(&texts);
		if (x->found[i].onward_count == 0 || !svc_forwarded(recipient, get_str(&onward)))
			continue;
		if (!get_srs(x, &srs))
			return false;
		srs.domain = route_domain(recipient);
		return srs_forward(&srs, sender, out);
	}
	return false;
}
