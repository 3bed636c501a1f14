/* test_crash -- cuts power at random points of random work, again and again, and compares what is
 * there afterwards with what was promised.
 *
 *   test_crash [--seed S] [--cuts N] [--verbose]
 *
 * The model knows of every message and maildrop what was asked and what was answered:
 *   answered OK        there, once, with its octets, in every maildrop it was sent to
 *   answered otherwise never there (refused), also after any number of restarts
 *   not answered, or UNKNOWN: whole or absent, in all its maildrops or in none; then it stays so
 * and the same for deletions.  What a quota refused was never asked of the store and is never there, and
 * what counts for it is what is there.  The journal lives on the simulated disk; the index lives on a real
 * one and is, between two lives, kept, removed, or put back as it once was: it is a view. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "base/list.h"
#include "base/log.h"
#include "store/disk_sim.h"
#include "store/local.h"
#include "../unit/store_help.h"
#include "crash_quota.h"

enum { MAILDROPS = CRASH_ACCOUNTS, MESSAGES = 4000, ASKED_AT_ONCE = 6, LIVES = 25 };

enum fate { ABSENT, PRESENT, OPEN /* nobody was told */ };

struct model_message {
	uint32_t id;
	size_t octets;
	unsigned maildrops; /* bits */
	enum fate fate;
	bool unknown;              /* was answered so */
	enum fate in[MAILDROPS];   /* PRESENT unless a deletion was asked */
	unsigned asked[MAILDROPS]; /* number of the deletion that is open */
	unsigned seen;
};

struct asked {
	struct store_deliver deliver;
	struct store_target targets[MAILDROPS];
	struct model_message *m;
	bool answered;
	char uidl[32];
};

struct world {
	uint64_t rng, seed;
	struct disk *disk;
	struct store *store;
	char *dir, *index, *saved_index;
	struct model_message messages[MESSAGES];
	size_t count;
	unsigned deletions;
	struct asked asked[ASKED_AT_ONCE];
	struct buf expected, out;
	uint64_t cuts, answered_ok, refused, unknown, kept_open, faults, index_games, restored,
		retired, given_back, over_quota, imported;
	int64_t keep;
};

static bool verbose;

static uint64_t rnd(struct world *w, uint64_t below)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return w->rng % below;
}

__attribute__((noreturn, format(printf, 2, 3))) static void broken(
	const struct world *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("BROKEN PROMISE (seed %" PRIu64 ", cut %" PRIu64 "): ", w->seed, w->cuts);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
	help_remove_tree(w->dir);
	exit(1);
}

/* ---- messages ---- */

static struct str content(struct world *w, const struct model_message *m)
{
	uint32_t x = m->id * 2654435761u;

	buf_clear(&w->expected);
	buf_printf(&w->expected, "Message-ID: <%u@x>\r\n\r\n", m->id);
	while (w->expected.len < m->octets) {
		uint32_t piece[128];

		for (size_t i = 0; i < 128; i++)
			piece[i] = x = x * 1664525 + 1013904223;
		buf_put(&w->expected, str_of(piece, sizeof piece));
	}
	buf_truncate(&w->expected, m->octets);
	return buf_str(&w->expected);
}

static void uidl_of(const struct model_message *m, size_t maildrop, char text[32])
{
	text[0] = '\0';
	if (m->id % 3 == 0 && maildrop == 0)
		(void)snprintf(text, 32, "imported-%u", m->id);
}

static int64_t received_ms(uint32_t id)
{
	return INT64_C(1700000000000) + id * INT64_C(1000);
}

static void deliver_done(struct store_op *op, enum store_result result)
{
	struct asked *a = LIST_OF(op, struct asked, deliver.op);

	a->answered = true;
	a->m->seen = (unsigned)result; /* read by settle_answers() */
}

static void ask_deliver(struct world *w, struct asked *a, struct model_message *m)
{
	struct store_draft *draft = store_draft_new(w->store, help_id(m->id));
	struct str octets = content(w, m);
	size_t n = 0;

	for (size_t i = 0; i < MAILDROPS; i++)
		if (m->maildrops & 1u << i) {
			uidl_of(m, i, a->uidl);
			a->targets[n++] = (struct store_target){ .maildrop = i + 1,
				.recipient = STR("r@example.org"),
				.uidl = i == 0 ? str_c(a->uidl) : STR("") };
		}
	for (size_t at = 0; at < octets.n; at += 1500)
		(void)store_draft_append(draft, str_head(str_from(octets, at), 1500));
	a->m = m;
	a->answered = false;
	a->deliver = (struct store_deliver){ .op.done = deliver_done,
		.draft = draft,
		.sender = STR("s@example.org"),
		.client = STR("192.0.2.1"),
		.received_ms = received_ms(m->id),
		.targets = a->targets,
		.count = n };
	m->fate = OPEN;
	/* a->uidl of maildrop 0 must live: it is the first target, so nothing overwrote it */
	uidl_of(m, 0, a->uidl);
	store_deliver(w->store, &a->deliver);
}

/* What is in a maildrop for sure, or with `maybe` also what nobody was told of. */
static struct crash_usage usage(const struct world *w, size_t maildrop, bool maybe)
{
	struct crash_usage sum = { 0 };

	for (size_t i = 0; i < w->count; i++) {
		const struct model_message *m = &w->messages[i];
		bool sure = m->fate == PRESENT && m->in[maildrop] == PRESENT;
		bool perhaps = m->fate != ABSENT && m->in[maildrop] != ABSENT;

		if ((m->maildrops & 1u << maildrop) == 0 || !(maybe ? perhaps : sure))
			continue;
		sum.count++;
		sum.octets += m->octets;
	}
	return sum;
}

/* Has its quota no room for more?  It must say what the model knows. */
static bool is_full(struct world *w, size_t maildrop, const struct crash_usage *more)
{
	struct crash_usage least = usage(w, maildrop, false), most = usage(w, maildrop, true);
	bool full = crash_quota_full(w->store, maildrop + 1, more);

	if (disk_sim_dead(w->disk))
		return full;
	if (!full && crash_must_refuse(maildrop + 1, &least, more))
		broken(w, "maildrop %d is over its quota and takes more", (int)maildrop);
	if (full && !crash_must_refuse(maildrop + 1, &most, more))
		broken(w, "maildrop %d has room and its quota refuses", (int)maildrop);
	return full;
}

/* As daemon/svc_quota.c: refused when all are full; by LMTP the others get it. */
static bool quota_refuses(struct world *w, struct model_message *m)
{
	bool lmtp = m->fate != OPEN && rnd(w, 2) == 0;
	struct crash_usage more = { 1, m->octets };
	unsigned full = 0;

	for (size_t i = 0; i < MAILDROPS; i++)
		if ((m->maildrops & 1u << i) && is_full(w, i, &more))
			full |= 1u << i;
	if (full != m->maildrops) {
		m->maildrops &= lmtp ? ~full : ~0u;
		return false;
	}
	m->fate = m->unknown ? OPEN : ABSENT;
	w->over_quota++;
	return true;
}

/* Often a little more or less than what is there. */
static void do_quota(struct world *w)
{
	size_t maildrop = rnd(w, MAILDROPS);
	struct crash_usage now = usage(w, maildrop, false);
	struct crash_quota *q = &crash_quotas[maildrop + 1];

	*q = (struct crash_quota){ QUOTA_NONE, QUOTA_NONE };
	if (rnd(w, 3) == 0)
		q->messages = (int64_t)(now.count / 2 + rnd(w, now.count + 8)) + 1;
	if (rnd(w, 3) == 0)
		q->octets = (int64_t)(now.octets / 2 + rnd(w, now.octets + 40000)) + 1;
}

static struct model_message *new_message(struct world *w)
{
	struct model_message *m = &w->messages[w->count];
	static const size_t sizes[] = { 30, 200, 900, 3000, 4096, 4097, 9000, 20000 };

	if (w->count == MESSAGES)
		return NULL;
	*m = (struct model_message){ .id = (uint32_t)++w->count };
	m->octets = sizes[rnd(w, 8)] + rnd(w, 9);
	m->maildrops = (unsigned)(1 + rnd(w, (1 << MAILDROPS) - 1));
	for (size_t i = 0; i < MAILDROPS; i++)
		m->in[i] = PRESENT;
	return m;
}

/* Answers that came while the disk was alive are promises, also the refusals. */
static void settle_answer(struct world *w, struct asked *a, bool alive)
{
	enum store_result result = (enum store_result)a->m->seen;

	if (!a->answered || (!alive && result != STORE_OK))
		return; /* stays OPEN */
	if (result == STORE_OK) {
		a->m->fate = PRESENT;
		w->answered_ok++;
	} else if (result == STORE_FULL || result == STORE_UNAVAILABLE) {
		/* a refusal speaks of this asking only, not of an earlier one that ended UNKNOWN */
		a->m->fate = a->m->unknown ? OPEN : ABSENT;
		w->refused++;
	} else if (result == STORE_UNKNOWN) {
		a->m->unknown = true;
		w->unknown++;
	} else {
		broken(w, "message %u answered %d", a->m->id, (int)result);
	}
}

static struct model_message *pick_open(struct world *w)
{
	for (size_t tries = 0; w->count > 0 && tries < 5; tries++) {
		struct model_message *m = &w->messages[rnd(w, w->count)];

		if (m->fate == OPEN)
			return m;
	}
	return NULL;
}

static void await_deliveries(struct world *w, size_t n)
{
	bool alive;

	store_flush(w->store);
	for (size_t i = 0; i < n; i++)
		while (!w->asked[i].answered) {
			alive = !disk_sim_dead(w->disk);
			store_wait(w->store);
			if (disk_sim_dead(w->disk) && alive)
				break;
		}
	alive = !disk_sim_dead(w->disk);
	for (size_t i = 0; i < n; i++) {
		while (!w->asked[i].answered)
			store_wait(w->store);
		settle_answer(w, &w->asked[i], alive);
	}
}

static void do_deliveries(struct world *w)
{
	size_t n = 1 + rnd(w, ASKED_AT_ONCE);

	for (size_t i = 0; i < n; i++) {
		struct model_message *m = rnd(w, 6) == 0 ? pick_open(w) : NULL;

		if (m == NULL)
			m = new_message(w);
		for (size_t k = 0; m != NULL && k < i; k++)
			if (w->asked[k].m == m)
				m = NULL;
		if (m == NULL || quota_refuses(w, m)) {
			n = i;
			break;
		}
		ask_deliver(w, &w->asked[i], m);
	}
	await_deliveries(w, n);
}

/* As daemon/office_import.c: into one maildrop until its quota is used up, what is under way counts too. */
static void do_import(struct world *w)
{
	size_t maildrop = rnd(w, MAILDROPS), most = 1 + rnd(w, ASKED_AT_ONCE), n = 0;
	struct crash_usage there;
	struct model_message *m;

	while (n < most && (m = new_message(w)) != NULL) {
		struct crash_usage more = { 1, m->octets };

		m->maildrops = 1u << maildrop;
		for (size_t i = 0; i < n; i++) {
			more.count += !w->asked[i].answered;
			more.octets += w->asked[i].answered ? 0 : w->asked[i].m->octets;
		}
		if (is_full(w, maildrop, &more)) {
			w->over_quota++;
			break;
		}
		ask_deliver(w, &w->asked[n++], m);
	}
	await_deliveries(w, n);
	w->imported += n;
	there = usage(w, maildrop, false);
	if (n > 0 && !disk_sim_dead(w->disk) && crash_exceeds(&crash_quotas[maildrop + 1], &there))
		broken(w, "an import went over the quota of maildrop %d", (int)maildrop);
}

/* ---- deletions ---- */

/* Messages that are there, or that were deleted for sure. */
static size_t choose(struct world *w, size_t maildrop, enum fate fate, struct msgid *ids,
	struct model_message **which)
{
	size_t n = 0;

	for (size_t i = 0; i < w->count && n < 10; i++) {
		struct model_message *m = &w->messages[i];

		if (m->fate == PRESENT && (m->maildrops & 1u << maildrop) &&
			m->in[maildrop] == fate && rnd(w, 3) == 0) {
			ids[n] = help_id(m->id);
			which[n++] = m;
		}
	}
	return n;
}

static void expunge(
	struct world *w, size_t maildrop, struct msgid *ids, struct model_message **which, size_t n)
{
	struct store_open o;
	struct store_expunge e;
	enum store_result result;

	if (help_open(w->store, &o, maildrop + 1) != STORE_OK)
		return; /* the index may be behind a dead disk */
	w->deletions++;
	result = help_expunge(w->store, &e, &o, ids, n);
	store_close(w->store, maildrop + 1, o.token);
	if (result == STORE_OK && n > 0 && e.expunged != n)
		broken(w, "deleted %d of %d", (int)e.expunged, (int)n);
	for (size_t i = 0; i < n; i++) {
		if (result == STORE_OK) {
			which[i]->in[maildrop] = ABSENT;
		} else if (disk_sim_dead(w->disk) || result == STORE_UNKNOWN) {
			which[i]->in[maildrop] = OPEN;
			which[i]->asked[maildrop] = w->deletions;
		}
	}
}

static void do_expunge(struct world *w)
{
	size_t maildrop = rnd(w, MAILDROPS);
	struct model_message *which[10];
	struct msgid ids[10];
	size_t n = choose(w, maildrop, PRESENT, ids, which);

	expunge(w, maildrop, ids, which, n);
}

static struct model_message *by_id(struct world *w, struct msgid id)
{
	for (size_t i = 0; i < w->count; i++)
		if (msgid_eq(help_id(w->messages[i].id), id))
			return &w->messages[i];
	return NULL;
}

/* As daemon/retention.c does it: what came before a time, a slice at a time. */
static void do_retention(struct world *w)
{
	size_t maildrop = rnd(w, MAILDROPS);
	uint32_t first = (uint32_t)rnd(w, 1 + w->count / 2); /* that stays */
	struct model_message *which[10];
	struct msgid ids[10];
	uint64_t from = 0;

	for (size_t i = 0; i < w->count; i++)
		w->messages[i].seen = 0;
	do {
		size_t count = 1 + rnd(w, 10), n = 0;

		if (store_older(w->store, maildrop + 1, received_ms(first), &from, ids, &count) !=
			STORE_OK)
			return;
		for (size_t i = 0; i < count; i++) {
			struct model_message *m = by_id(w, ids[i]);

			if (m == NULL || m->id >= first || m->in[maildrop] == ABSENT)
				broken(w, "what is not there or not old counts as old");
			m->seen = 1;
			/* of others nobody knows whether they are there */
			if (m->fate == PRESENT && m->in[maildrop] == PRESENT) {
				ids[n] = ids[i];
				which[n++] = m;
			}
		}
		expunge(w, maildrop, ids, which, n);
		for (size_t i = 0; i < n; i++)
			w->retired += which[i]->in[maildrop] == ABSENT;
	} while (from != 0 && !disk_sim_dead(w->disk));
	for (size_t i = 0; i + 1 < first && !disk_sim_dead(w->disk); i++) {
		const struct model_message *m = &w->messages[i];

		if (m->fate == PRESENT && m->in[maildrop] == PRESENT && m->seen == 0 &&
			(m->maildrops & 1u << maildrop) != 0)
			broken(w, "message %u is old, and nobody was told", m->id);
	}
}

static void do_restore(struct world *w)
{
	size_t maildrop = rnd(w, MAILDROPS), n;
	struct model_message *which[10];
	struct msgid ids[10];
	struct store_open o;
	struct store_restore r;
	enum store_result result;

	if (w->keep < 0 || help_open(w->store, &o, maildrop + 1) != STORE_OK)
		return;
	n = choose(w, maildrop, ABSENT, ids, which);
	w->deletions++; /* the same bookkeeping: all of it or nothing */
	result = help_restore(w->store, &r, &o, ids, n);
	store_close(w->store, maildrop + 1, o.token);
	if (result == STORE_OK && n > 0 && r.restored != n)
		broken(w, "restored %d of %d", (int)r.restored, (int)n);
	w->restored += r.restored;
	for (size_t i = 0; i < n; i++) {
		if (result == STORE_OK) {
			which[i]->in[maildrop] = PRESENT;
		} else if (disk_sim_dead(w->disk) || result == STORE_UNKNOWN) {
			which[i]->in[maildrop] = OPEN;
			which[i]->asked[maildrop] = w->deletions;
		}
	}
}

static void do_compact(struct world *w)
{
	bool all = rnd(w, 2) == 0;

	for (uint64_t n = rnd(w, 60); n > 0 && store_local_compact(w->store, all); n--) {
		if (rnd(w, 8) == 0)
			return; /* goes on later, with other work in between */
		store_flush(w->store);
		if (store_local_busy(w->store) && rnd(w, 8) != 0)
			store_wait(w->store);
	}
}

static void count_space(struct world *w)
{
	struct store_space space;
	struct err err = { 0 };

	if (w->store == NULL)
		return;
	(void)store_local_space(w->store, &space, &err); /* the disk may be dead */
	w->given_back += space.given_back;
}

/* Nobody waits for it, so a cut may take it or tear it; nothing else may change by it. */
static void note_retrieved(struct world *w, size_t maildrop, const struct model_message *m)
{
	struct msgid ids[] = { help_id(m->id), help_id(m->id + 1) };
	uint64_t maildrops[] = { maildrop + 1, 99 };

	store_retrieved(w->store, &(struct store_retrieved){ .maildrops = maildrops,
					  .nmaildrops = 1 + m->id % 2,
					  .client = STR("b via 192.0.2.7"),
					  .at_ms = 1700000001000,
					  .ids = ids,
					  .count = 2 });
}

static void do_reads(struct world *w)
{
	size_t maildrop = rnd(w, MAILDROPS);

	disk_sim_fail(w->disk, SIM_OPEN, 0, 0, false); /* would be refused, rightly */
	for (size_t tries = 0; w->count > 0 && tries < 3; tries++) {
		struct model_message *m = &w->messages[rnd(w, w->count)];
		enum store_result result;

		if (m->fate != PRESENT || !(m->maildrops & 1u << maildrop) ||
			m->in[maildrop] != PRESENT)
			continue;
		result = help_read(w->store, &w->out, maildrop + 1, 0, help_id(m->id), 2000);
		if (disk_sim_dead(w->disk))
			return;
		if (result != STORE_OK || !str_eq(buf_str(&w->out), content(w, m)))
			broken(w, "message %u reads %d before any crash", m->id, (int)result);
		note_retrieved(w, maildrop, m);
	}
}

/* ---- comparing ---- */

static void check_row(struct world *w, size_t maildrop, const struct store_listing *l, size_t i)
{
	struct maildrop_view view = { l->rows, l->count, str_of(l->uidls, l->uidls_len) };
	struct model_message *m = by_id(w, l->rows[i].id);
	char text[MSGID_TEXT + 1], override[32];
	struct str uidl;
	enum store_result result;

	if (m == NULL || !(m->maildrops & 1u << maildrop))
		broken(w, "a message in maildrop %d that nobody sent there", (int)maildrop);
	if (m->seen & 1u << maildrop)
		broken(w, "message %u is twice in maildrop %d", m->id, (int)maildrop);
	m->seen |= 1u << maildrop;
	if (m->fate == ABSENT)
		broken(w, "message %u was refused and is there", m->id);
	if (m->in[maildrop] == ABSENT)
		broken(w, "message %u was deleted and is there", m->id);
	if (!maildrop_uidl(&view, i, text, &uidl))
		broken(w, "message %u has no UIDL", m->id);
	uidl_of(m, maildrop, override);
	if (override[0] == '\0')
		msgid_text(help_id(m->id), text);
	if (!str_eq(uidl, override[0] != '\0' ? str_c(override) : str_c(text)))
		broken(w, "message %u has another UIDL", m->id);
	result = help_read(w->store, &w->out, maildrop + 1, 0, help_id(m->id), 1 << 15);
	if (result != STORE_OK || !str_eq(buf_str(&w->out), content(w, m)))
		broken(w, "message %u reads %d, %d of %d octets", m->id, (int)result,
			(int)w->out.len, (int)m->octets);
}

/* A deletion nobody was told of: all of it or nothing of it. */
static void settle_deletions(struct world *w, size_t maildrop)
{
	for (size_t i = 0; i < w->count; i++) {
		struct model_message *m = &w->messages[i];
		bool here = (m->seen & 1u << maildrop) != 0;

		if (m->in[maildrop] != OPEN)
			continue;
		for (size_t k = i + 1; k < w->count; k++) {
			struct model_message *other = &w->messages[k];

			if (other->in[maildrop] == OPEN &&
				other->asked[maildrop] == m->asked[maildrop] &&
				((other->seen & 1u << maildrop) != 0) != here)
				broken(w, "half of a deletion in maildrop %d", (int)maildrop);
		}
		m->in[maildrop] = here ? PRESENT : ABSENT;
	}
}

static void settle_message(struct world *w, struct model_message *m)
{
	unsigned should = 0;

	for (size_t i = 0; i < MAILDROPS; i++)
		if ((m->maildrops & 1u << i) && m->in[i] == PRESENT)
			should |= 1u << i;
	if (m->fate == OPEN) {
		w->kept_open += m->seen != 0;
		if (m->seen != 0 && m->seen != should)
			broken(w, "message %u is in some of its maildrops only", m->id);
		m->fate = m->seen != 0 ? PRESENT : ABSENT;
	}
	if (m->fate == PRESENT && m->seen != should)
		broken(w, "message %u is not there (in %x, should %x)", m->id, m->seen, should);
}

static void say_finding(void *arg, const char *line)
{
	(void)arg;
	if (verbose)
		printf("fsck: %s\n", line);
}

static void check_fsck(struct world *w)
{
	struct fsck_report r;
	struct err err = { 0 };

	if (store_local_fsck(
		    w->dir, w->disk, &r, &(struct fsck_watch){ .say = say_finding }, &err) != ST_OK)
		broken(w, "fsck: %s", err.text);
	if (r.corrupt + r.missing + r.index_differs > 0)
		broken(w, "fsck: %d corrupt, %d missing, %d rows differ", (int)r.corrupt,
			(int)r.missing, (int)r.index_differs);
}

static void check_all(struct world *w)
{
	struct store_listing l;

	for (size_t i = 0; i < w->count; i++)
		w->messages[i].seen = 0;
	for (size_t maildrop = 0; maildrop < MAILDROPS; maildrop++) {
		uint64_t count, octets, sum = 0;

		if (help_list(w->store, &l, maildrop + 1, 0) != STORE_OK ||
			store_usage(w->store, maildrop + 1, &count, &octets) != STORE_OK)
			broken(w, "maildrop %d cannot be listed", (int)maildrop);
		for (size_t i = 0; i < l.count; i++) {
			check_row(w, maildrop, &l, i);
			sum += l.rows[i].octets;
		}
		if (l.count != count || sum != octets)
			broken(w, "maildrop %d counts wrong", (int)maildrop);
		store_listing_free(&l);
		settle_deletions(w, maildrop);
	}
	for (size_t i = 0; i < w->count; i++)
		settle_message(w, &w->messages[i]);
	if (rnd(w, 3) == 0)
		check_fsck(w);
}

/* ---- lives ---- */

static void copy_file(const char *from, const char *to)
{
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	char piece[65536];
	size_t n;

	while (in != NULL && out != NULL && (n = fread(piece, 1, sizeof piece, in)) > 0)
		if (fwrite(piece, 1, n, out) != n)
			abort();
	if (in != NULL)
		fclose(in);
	if (out != NULL)
		fclose(out);
}

static void remove_index(struct world *w)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < 3; i++) {
		char path[512];

		(void)snprintf(path, sizeof path, "%s%s", w->index, suffixes[i]);
		(void)unlink(path);
	}
}

/* Only while the store is closed: then the index is one file. */
static void play_with_index(struct world *w)
{
	uint64_t what = rnd(w, 6);

	w->index_games += what < 2;
	if (what == 0) {
		remove_index(w);
	} else if (what == 1 && access(w->saved_index, R_OK) == 0) {
		remove_index(w);
		copy_file(w->saved_index, w->index);
	} else if (what == 2 && access(w->index, R_OK) == 0) {
		copy_file(w->index, w->saved_index);
	}
}

static void open_world(struct world *w)
{
	struct store_local_config config = {
		.segment_octets = 48 << 10, .inline_max = 4096, .expunged_keep_ms = w->keep
	};
	struct err err = { 0 };

	play_with_index(w);
	w->store = store_local_open(w->dir, w->disk, &config, &err);
	if (w->store == NULL)
		broken(w, "does not open: %s", err.text);
}

static void maybe_fault(struct world *w)
{
	static const enum disk_sim_call calls[] = { SIM_WRITE, SIM_ALLOCATE, SIM_SYNC, SIM_LINK,
		SIM_OPEN };

	if (rnd(w, 4) != 0)
		return;
	w->faults++;
	disk_sim_fail(w->disk, calls[rnd(w, 5)], (unsigned)(1 + rnd(w, 12)),
		rnd(w, 2) ? -EIO : -ENOSPC, rnd(w, 5) == 0);
}

static void clear_faults(struct world *w)
{
	for (int c = 0; c < SIM_CALLS; c++)
		disk_sim_fail(w->disk, (enum disk_sim_call)c, 0, 0, false);
}

static void work(struct world *w)
{
	while (!disk_sim_dead(w->disk)) {
		switch (rnd(w, 12)) {
		case 0: do_expunge(w); break;
		case 1: rnd(w, 2) == 0 ? do_retention(w) : do_expunge(w); break;
		case 2: do_reads(w); break;
		case 3: maybe_fault(w); break;
		case 8: do_restore(w); break;
		case 9: do_compact(w); break;
		case 10: do_quota(w); break;
		case 11: do_import(w); break;
		case 4:
			if (rnd(w, 10) == 0 && !disk_sim_dead(w->disk)) {
				clear_faults(w);
				store_close_all(
					w->store); /* a clean restart, or a cut while closing */
				w->store = NULL;
				if (!disk_sim_dead(w->disk)) {
					unsigned left = (unsigned)rnd(w, 60);

					/* opening itself is cut by one_life(); here it must work */
					disk_sim_killed(w->disk);
					open_world(w);
					disk_sim_die_after(w->disk, left);
				} else {
					return;
				}
			}
			break;
		default: do_deliveries(w); break;
		}
		if (w->count == MESSAGES)
			return;
	}
}

/* The next start itself is cut now and then: recovery must stand being interrupted. */
static void cut_while_opening(struct world *w)
{
	struct store_local_config config = {
		.segment_octets = 48 << 10, .inline_max = 4096, .expunged_keep_ms = w->keep
	};
	struct err err = { 0 };
	struct store *s;

	disk_sim_die_after(w->disk, (unsigned)rnd(w, 8));
	s = store_local_open(w->dir, w->disk, &config, &err);
	store_close_all(s);
	disk_sim_power_cut(w->disk, rnd(w, UINT64_MAX));
	w->cuts++;
}

static void one_life(struct world *w)
{
	disk_sim_die_after(w->disk, (unsigned)rnd(w, rnd(w, 3) == 0 ? 300 : 40));
	work(w);
	count_space(w);
	if (w->store != NULL) {
		disk_sim_die_after(w->disk, 0);
		store_close_all(w->store);
	}
	if (rnd(w, 4) == 0)
		disk_sim_killed(w->disk); /* kill -9: what was written is still there, unsynced */
	else
		disk_sim_power_cut(w->disk, rnd(w, UINT64_MAX));
	w->cuts++;
	if (rnd(w, 5) == 0)
		cut_while_opening(w);
	open_world(w);
	check_all(w);
	if (rnd(w, 4) == 0) { /* what is shown now must be there after a cut right now */
		disk_sim_die_after(w->disk, 0);
		store_close_all(w->store);
		disk_sim_power_cut(w->disk, rnd(w, UINT64_MAX));
		w->cuts++;
		open_world(w);
		check_all(w);
	}
}

static char *path_in(const char *dir, const char *name)
{
	struct buf b;

	buf_init(&b, 0);
	buf_printf(&b, "%s/%s", dir, name);
	return buf_steal_c(&b);
}

static void one_world(struct world *w, const char *home, uint64_t cuts)
{
	w->disk = disk_sim_new(home);
	w->dir = help_dir(home);
	w->index = path_in(w->dir, "index.sqlite");
	w->saved_index = path_in(w->dir, "saved");
	w->count = 0;
	memset(crash_quotas, 0, sizeof crash_quotas);
	w->keep = rnd(w, 2) == 0 ? -1 : 0;
	open_world(w);
	for (int i = 0; i < LIVES && w->count < MESSAGES && w->cuts < cuts; i++)
		one_life(w);
	store_close_all(w->store);
	w->store = NULL;
	w->disk->ops->free(w->disk);
	help_remove_tree(w->dir);
	free(w->dir);
	free(w->index);
	free(w->saved_index);
}

int main(int argc, char **argv)
{
	const char *home = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	struct world *w = NEW(struct world);
	uint64_t cuts = 2000, seed = 1;

	for (int i = 1; i < argc; i++) {
		struct str a = str_c(argv[i]);

		if (str_eq(a, STR("--verbose")))
			verbose = true;
		else if (i + 1 < argc && str_eq(a, STR("--seed")) &&
			 str_u64(str_c(argv[i + 1]), &seed))
			i++;
		else if (i + 1 < argc && str_eq(a, STR("--cuts")) &&
			 str_u64(str_c(argv[i + 1]), &cuts))
			i++;
		else
			return fprintf(stderr, "usage: test_crash [--seed S] [--cuts N]\n"), 64;
	}
	log_init(2, verbose ? LOG_L_INFO : LOG_L_ERROR + 1, "crash");
	buf_init(&w->expected, 0);
	buf_init(&w->out, 0);
	for (; w->cuts < cuts; seed++) {
		w->seed = seed;
		w->rng = seed * 0x9e3779b97f4a7c15u + 1;
		one_world(w, home, cuts);
	}
	printf("%" PRIu64 " cuts: every promise held (%" PRIu64 " deliveries acknowledged, %" PRIu64
	       " refused, %" PRIu64 " unknown, %" PRIu64 " kept though nobody was told, %" PRIu64
	       " faults, %" PRIu64 " indexes taken away or put back, %" PRIu64 " restored, %" PRIu64
	       " old ones deleted, %" PRIu64 " KiB given back, %" PRIu64
	       " refused for quota, %" PRIu64 " imported)\n",
		w->cuts, w->answered_ok, w->refused, w->unknown, w->kept_open, w->faults,
		w->index_games, w->restored, w->retired, w->given_back >> 10, w->over_quota,
		w->imported);
	buf_deinit(&w->expected);
	buf_deinit(&w->out);
	free(w);
	return 0;
}
