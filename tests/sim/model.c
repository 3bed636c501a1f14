#include "model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"

struct letter letters[LETTERS_MOST + 1];
unsigned letter_count;
struct mailbox mailboxes[MAILBOXES];
uint64_t model_doubts;

void model_begin(struct office_sim offices[OFFICES])
{
	letter_count = 0;
	model_doubts = 0;
	for (int i = 0; i < MAILBOXES; i++) {
		struct mailbox *m = &mailboxes[i];

		*m = (struct mailbox){ .office = &offices[i / USERS] };
		m->held = mem_array(NULL, HELD_MOST, sizeof *m->held);
		snprintf(m->address, sizeof m->address, "u%d@%s", i % USERS, m->office->domain);
	}
}

void model_end(void)
{
	for (int i = 0; i < MAILBOXES; i++)
		free(mailboxes[i].held);
}

/* ---- letters ---- */

struct letter *letter_new(int from, int office)
{
	struct letter *l = &letters[++letter_count];

	*l = (struct letter){ .number = letter_count, .from = from, .office = office };
	l->octets = sim_chance(100)   ? (size_t)sim_between(4000, 70000)
		    : sim_chance(100) ? 0
				      : (size_t)sim_between(1, 2500);
	return l;
}

void letter_rcpt_add(struct letter *l, int mailbox, const char *elsewhere)
{
	struct letter_rcpt *r = &l->rcpts[l->count];
	const char *address = mailbox < 0 ? elsewhere : mailboxes[mailbox].address;

	for (size_t i = 0; i < l->count; i++)
		if (str_eq(str_c(l->rcpts[i].address), str_c(address)))
			return;
	*r = (struct letter_rcpt){ .mailbox = mailbox };
	r->local = mailbox >= 0 && mailbox / USERS == l->office;
	snprintf(r->address, sizeof r->address, "%s", address);
	l->count++;
}

bool letter_done(const struct letter *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (!l->rcpts[i].done)
			return false;
	return true;
}

bool model_all_sent(void)
{
	for (unsigned i = 1; i <= letter_count; i++)
		if (!letter_done(&letters[i]))
			return false;
	return true;
}

/* The same octets each time; with what a transport might spoil. */
void letter_text(const struct letter *l, struct buf *b)
{
	uint64_t x = l->number * 0x9e3779b97f4a7c15u;
	size_t end;

	buf_printf(b,
		"X-Sim: %u\r\nFrom: <%s>\r\nTo: <somebody@b.test>\r\n"
		"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
		"Message-ID: <%u@sim.test>\r\nSubject: letter\r\n\r\n",
		l->number, l->from < 0 ? "stranger@elsewhere.test" : mailboxes[l->from].address,
		l->number);
	end = b->len + l->octets;
	while (b->len < end) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		if (x >> 61 == 0)
			buf_put(b, STR(".\r\n"));
		else if (x >> 61 == 1)
			buf_put(b, STR("..dots\r\n"));
		else if (x >> 61 == 2)
			buf_put(b, STR("From the beginning\r\n"));
		else
			buf_printf(b, "%016" PRIx64 " of letter %u\r\n", x, l->number);
	}
}

/* text.n: it is not there. */
static size_t find(struct str text, struct str word)
{
	const char *p = memmem(text.p, text.n, word.p, word.n);

	return p == NULL ? text.n : (size_t)(p - text.p);
}

static unsigned number_behind(struct str text, struct str word)
{
	size_t at = find(text, word);
	uint64_t n = 0;

	if (at == text.n)
		return 0;
	text = str_from(text, at + word.n);
	for (size_t i = 0; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++)
		n = n * 10 + (uint64_t)(text.p[i] - '0');
	return n <= letter_count ? (unsigned)n : 0;
}

/* Where it ends in just these octets it is that letter. */
static struct letter *letter_of(struct str octets)
{
	size_t header = find(octets, STR("\r\n\r\n"));
	struct letter *l = &letters[number_behind(str_head(octets, header), STR("\nX-Sim: "))];
	struct buf b = { 0 };

	if (l == letters)
		return NULL;
	letter_text(l, &b);
	if (!str_ends(octets, buf_str(&b)) && sim_verbose > 0)
		printf("--- came:\n%.*s\n--- sent:\n%.*s\n---\n", STR_ARG(octets),
			STR_ARG(buf_str(&b)));
	if (!str_ends(octets, buf_str(&b)))
		sim_broken("letter %u came with other octets (%zu of %zu)", l->number, octets.n,
			b.len);
	buf_deinit(&b);
	return l;
}

/* A notice of failure: of which letter, to whom? */
static void bounced(const struct mailbox *m, struct str octets)
{
	struct letter *l = &letters[number_behind(octets, STR("\nX-Sim: "))];

	if (l == letters)
		sim_broken("%s has a message that nobody sent: %.*s", m->address,
			STR_ARG(str_head(octets, 1500)));
	if (l->from < 0 || m != &mailboxes[l->from])
		sim_broken("%s has a notice about letter %u, which is not its own", m->address,
			l->number);
	for (size_t i = 0; i < l->count; i++) {
		struct buf want = { 0 };
		size_t at;

		buf_printf(&want, "Final-Recipient: rfc822; %s\r\n", l->rcpts[i].address);
		at = find(octets, buf_str(&want));
		if (at < octets.n &&
			find(str_head(str_from(octets, at), 200), STR("Action: failed")) < 200)
			l->rcpts[i].bounced++;
		buf_deinit(&want);
	}
}

static struct letter_rcpt *rcpt_of(struct str octets, struct str recipient)
{
	struct letter *l = letter_of(octets);

	for (size_t i = 0; l != NULL && i < l->count; i++)
		if (str_eq(str_c(l->rcpts[i].address), recipient))
			return &l->rcpts[i];
	return NULL;
}

void model_strange(struct str recipient, struct str octets)
{
	struct sim_proc *was = memory_world();
	struct letter_rcpt *r = rcpt_of(octets, recipient);

	if (r != NULL)
		r->strange++;
	memory_owner(was);
}

void model_queued(struct str octets, struct str recipient)
{
	struct letter_rcpt *r = rcpt_of(octets, recipient);

	if (r != NULL)
		r->queued++;
}

/* ---- mailboxes ---- */

void mailbox_listing_begins(struct mailbox *m)
{
	for (size_t i = 0; i < m->count; i++)
		m->held[i].listed = false;
}

struct held *mailbox_listed(struct mailbox *m, struct str uidl)
{
	struct held *h;

	for (size_t i = 0; i < m->count; i++)
		if (str_eq(str_c(m->held[i].uidl), uidl)) {
			m->held[i].listed = true;
			return &m->held[i];
		}
	if (m->count == HELD_MOST)
		sim_broken("%s holds too much", m->address);
	h = &m->held[m->count++];
	*h = (struct held){ .listed = true };
	snprintf(h->uidl, sizeof h->uidl, "%.*s", STR_ARG(uidl));
	return h;
}

void mailbox_listing_ends(struct mailbox *m)
{
	m->listings++;
	for (size_t i = 0; i < m->count; i++) {
		struct held *h = &m->held[i];

		if (h->listed && h->state == HELD_GONE)
			sim_broken("%s: %s was deleted and is there again", m->address, h->uidl);
		if (!h->listed && h->state == HELD_THERE)
			sim_broken("%s: %s is gone and nobody deleted it", m->address, h->uidl);
		/* Nobody knew: now it is known, and stays so. */
		if (h->state == HELD_ASKED)
			h->state = h->listed ? HELD_THERE : HELD_GONE;
	}
}

void mailbox_stored(struct mailbox *m, struct held *h, struct str octets)
{
	struct sim_proc *was = memory_world();
	struct letter *l = letter_of(octets);

	h->stored = true;
	sim_trace("stored", (uint64_t)(m - mailboxes), l == NULL ? 0 : l->number);
	if (l == NULL) {
		bounced(m, octets);
		memory_owner(was);
		return;
	}
	h->letter = l->number;
	for (size_t i = 0; i <= l->count; i++) {
		if (i == l->count)
			sim_broken("letter %u came to %s, to whom nobody sent it", l->number,
				m->address);
		if (l->rcpts[i].mailbox == m - mailboxes) {
			l->rcpts[i].found++;
			break;
		}
	}
	memory_owner(was);
}

void mailbox_asks(struct held *h)
{
	h->state = HELD_ASKED;
}

void mailbox_quit(struct mailbox *m, bool ok, bool refused)
{
	m->lost_quits += !ok;
	for (size_t i = 0; (ok || refused) && i < m->count; i++)
		if (m->held[i].state == HELD_ASKED)
			m->held[i].state = ok ? HELD_GONE : HELD_THERE;
}

/* ---- at the end ---- */

static void check_rcpt(
	const struct letter *l, const struct letter_rcpt *r, bool disturbed, bool waits)
{
	unsigned ended = r->found + r->bounced + r->strange + r->queued,
		 asked = r->acked + r->unknown;
	/* The strange host takes what it says it has not taken (RFC 1047). */
	uint64_t more = r->local         ? 0
			: r->mailbox < 0 ? UINT32_MAX
			: disturbed      ? asked * (1 + model_doubts)
					 : 0;

	if (!r->done)
		sim_broken("letter %u to %s cannot be handed in", l->number, r->address);
	if (r->refused > 0)
		sim_broken("letter %u to %s was refused for good", l->number, r->address);
	if (ended < r->acked)
		sim_broken("letter %u to %s was taken %u times; %u came, %u notices", l->number,
			r->address, r->acked, r->found + r->strange, r->bounced);
	if (r->queued > 0 && !waits)
		sim_broken("letter %u to %s still waits", l->number, r->address);
	if (!disturbed && r->mailbox >= 0 && r->bounced > 0)
		sim_broken("letter %u to %s came back though nothing went wrong", l->number,
			r->address);
	if (r->local && r->bounced > 0)
		sim_broken("letter %u to %s came back", l->number, r->address);
	if (ended > asked + more)
		sim_broken("letter %u to %s was handed in %u times (and %u perhaps); %u came, %u "
			   "notices",
			l->number, r->address, r->acked, r->unknown, r->found + r->strange,
			r->bounced);
}

void model_check(bool disturbed, bool waits)
{
	for (unsigned i = 1; i <= letter_count; i++)
		for (size_t k = 0; k < letters[i].count; k++)
			check_rcpt(&letters[i], &letters[i].rcpts[k], disturbed, waits);
	for (int i = 0; i < MAILBOXES; i++)
		for (size_t k = 0; k < mailboxes[i].count; k++)
			if (!mailboxes[i].held[k].stored)
				sim_broken("%s: %s was never fetched", mailboxes[i].address,
					mailboxes[i].held[k].uidl);
}

uint64_t model_sum(uint64_t *acked, uint64_t *unknown, uint64_t *bounced)
{
	uint64_t found = 0;

	*acked = *unknown = *bounced = 0;
	for (unsigned i = 1; i <= letter_count; i++)
		for (size_t k = 0; k < letters[i].count; k++) {
			const struct letter_rcpt *r = &letters[i].rcpts[k];

			found += r->found + r->strange;
			*acked += r->acked;
			*unknown += r->unknown;
			*bounced += r->bounced;
		}
	return found;
}
