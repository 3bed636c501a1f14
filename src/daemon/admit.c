#include "daemon/admit.h"

#include "account/dkim_keys.h"
#include "account/suppression.h"
#include "base/clock.h"
#include "base/codec.h"
#include "queue/route.h"

static enum resolved decide(struct admit *a, const char *rule, enum resolved resolved)
{
	a->rule = rule;
	return resolved;
}

static void add_onward(struct maildrops *found, struct str address)
{
	put_str(&found->onward, address);
	found->onward_count++;
}

bool admit_srs(struct office *o, struct srs *srs, struct err *err)
{
	*srs = (struct srs){ .wall_ms = clock_steady_ms() };
	return directory_srs_secret(o->directory, srs->secret, err) == ST_OK;
}

static enum resolved look_up(struct admit *a, struct str recipient, struct maildrops *found)
{
	return decide(a, "accounts and aliases of our domains",
		directory_resolve(a->office->directory, recipient, found));
}

/* The sender of a message that we forwarded: its notice finds back, whoever brings it. */
static enum resolved send_back(struct admit *a, struct str recipient, struct maildrops *found)
{
	enum resolved resolved = RESOLVED_NOWHERE;
	struct buf back = { 0 };
	struct srs srs;

	if (!admit_srs(a->office, &srs, NULL))
		return decide(a, "the directory", RESOLVED_TEMP);
	switch (srs_reverse(&srs, recipient, &back)) {
	case SRS_NOT: resolved = look_up(a, recipient, found); break;
	case SRS_FORGED: resolved = decide(a, "SRS: not an address of ours", resolved); break;
	case SRS_EXPIRED: resolved = decide(a, "SRS: the address is too old", resolved); break;
	case SRS_BACK:
		/* Nothing but a notice was ever asked for there; anything else would leave without a
		 * sender of its own to answer for it. */
		if (!a->notice) {
			resolved = decide(a, "SRS: for notices alone", RESOLVED_NOT_A_NOTICE);
			break;
		}
		resolved = look_up(a, buf_str(&back), found);
		if (resolved == RESOLVED_FOREIGN) {
			add_onward(found, buf_str(&back));
			resolved = decide(a, "SRS: back to whom it was forwarded for", RESOLVED);
		}
		break;
	}
	buf_deinit(&back);
	return resolved;
}

static enum resolved relay(struct admit *a, struct str recipient, struct maildrops *found)
{
	const struct route_rules rules = config_routes(a->office->config);
	bool known = a->account != 0 || a->local;

	a->rule = a->account != 0 ? "who logged in sends to anybody"
				  : "a user of this machine sends to anybody";
	if (!known)
		switch (route_accepts(&rules, recipient)) {
		case ROUTE_NOT_OURS:
			return decide(a, "nobody logged in, and no route with backup_mx is for it",
				RESOLVED_FOREIGN);
		case ROUTE_NO_SUCH_RECIPIENT:
			return decide(a, "not among the recipients of the route with backup_mx",
				RESOLVED_NOWHERE);
		case ROUTE_ACCEPT: a->rule = "a route with backup_mx"; break;
		}
	if (a->account != 0 && a->office->config->suppression)
		switch (suppression_has(a->office->directory, a->account, recipient)) {
		case SAID_YES: return decide(a, "suppression", RESOLVED_SUPPRESSED);
		case SAID_NOTHING: return decide(a, "the directory", RESOLVED_TEMP);
		case SAID_NO: break;
		}
	a->relayed = known;
	add_onward(found, recipient);
	return RESOLVED;
}

enum resolved admit_recipient(struct admit *a, struct str recipient, struct maildrops *found)
{
	enum resolved resolved;

	a->relayed = false;
	if (srs_is_made(recipient))
		switch (directory_is_local_domain(a->office->directory, route_domain(recipient))) {
		case SAID_YES: return send_back(a, recipient, found);
		case SAID_NOTHING: return decide(a, "the directory", RESOLVED_TEMP);
		case SAID_NO: break;
		}
	resolved = look_up(a, recipient, found);
	return resolved == RESOLVED_FOREIGN ? relay(a, recipient, found) : resolved;
}

enum said admit_sender(struct admit *a, struct str sender)
{
	/* Notices of a mail client have no sender to check (RFC 8098 3). */
	if (a->account == 0 || !a->office->config->sender_login_match || sender.n == 0)
		return SAID_YES;
	return directory_may_send_as(a->office->directory, a->account, sender);
}

struct admit_reply admit_reply(enum resolved resolved, const struct config *config)
{
	static const struct admit_reply replies[] = {
		[RESOLVED] = { 0, STR_INIT(""), "" },
		[RESOLVED_NOWHERE] = { 550, STR_INIT("5.1.1 no such mailbox here"), "no-mailbox" },
		[RESOLVED_FOREIGN] = { 550, STR_INIT("5.7.1 relaying denied"), "relay" },
		[RESOLVED_DISABLED] = { 550, STR_INIT("5.2.1 this mailbox is disabled"),
			"disabled" },
		[RESOLVED_TEMP] = { 451,
			STR_INIT("4.3.0 cannot look up the mailbox, try again later"),
			"directory" },
		[RESOLVED_FULL] = { 452, STR_INIT("4.2.2 the mailbox is full"), "quota" },
		[RESOLVED_CAPPED] = { 450,
			STR_INIT(
				"4.7.28 this account sent to too many recipients, try again later"),
			"capped" },
		[RESOLVED_CAPPED_NEW] = { 450,
			STR_INIT("4.7.28 this account wrote to too many for the first time, try "
				 "again tomorrow"),
			"capped-new" },
		[RESOLVED_SUPPRESSED] = { 550,
			STR_INIT("5.1.1 this recipient was reported not to exist"), "suppressed" },
		[RESOLVED_NO_DISK] = { 452,
			STR_INIT("4.3.1 too little room on the disk, try again later"), "disk" },
		[RESOLVED_NOT_A_NOTICE] = { 550,
			STR_INIT("5.7.1 this address takes notices alone, from <>"),
			"not-a-notice" },
		[RESOLVED_NOT_HELD] = { 550,
			STR_INIT("5.3.3 mail for a mailbox of this server cannot be held back"),
			"hold" },
	};

	if (resolved == RESOLVED_FULL && str_eq(str_c(config->quota_reply), STR("refuse")))
		return (struct admit_reply){ 552, STR("5.2.2 the mailbox is full"), "quota" };
	return replies[resolved > RESOLVED_NOT_HELD ? RESOLVED_TEMP : resolved];
}
