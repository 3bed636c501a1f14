#include <stdlib.h>

#include "account/canonical.h"
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/check_internal.h"
#include "daemon/spf_of.h"
#include "trust/authres.h"

static void go(struct check *c);

static void late(struct loop_timer *t)
{
	struct check *c = LIST_OF(t, struct check, timer);

	c->late = true;
	edge_lookup_cancel(c->edge, &c->spf_query);
	edge_lookup_cancel(c->edge, &c->dkim_query);
	edge_lookup_cancel(c->edge, &c->arc_query);
	edge_lookup_cancel(c->edge, &c->dmarc_query);
	go(c);
}

struct check *check_new(
	struct edge *e, const struct check_client *client, void (*done)(void *owner), void *owner)
{
	struct check *c = NEW(struct check);
	int64_t wall_ms = clock_wall_ms();

	c->edge = e;
	c->done = done;
	c->owner = owner;
	memcpy(c->address, client->address.p, str_head(client->address, sizeof c->address - 1).n);
	c->null_path = client->reverse_path.n == 0;
	c->spf = spf_of(client->address, client->helo, client->reverse_path);
	c->dkim = dkim_verifier_new(wall_ms);
	if (e->config->arc_trusted[0] != '\0')
		c->arc = arc_new(wall_ms);
	loop_timer_init(&c->timer, e->loop, late);
	go(c);
	return c;
}

void check_free(struct check *c)
{
	if (c == NULL)
		return;
	loop_timer_stop(&c->timer);
	edge_lookup_cancel(c->edge, &c->spf_query);
	edge_lookup_cancel(c->edge, &c->dkim_query);
	edge_lookup_cancel(c->edge, &c->arc_query);
	edge_lookup_cancel(c->edge, &c->dmarc_query);
	spf_free(c->spf);
	dkim_verifier_free(c->dkim);
	arc_free(c->arc);
	for (size_t i = 0; i < c->authors; i++)
		dmarc_free(c->dmarc[i]);
	free(c);
}

/* ---- what DNS says: four questions at a time, one of each kind ---- */

/* False: it will not be answered. */
static bool ask(struct check *c, struct edge_lookup *q, struct str name, enum dns_type type,
	void (*came)(struct edge_lookup *q, const struct dns_answer *a))
{
	return !c->late && edge_lookup_start(c->edge, q, name, type, came);
}

static const struct dns_answer no_answer = { .outcome = DNS_FAILED };

static void spf_came(struct edge_lookup *q, const struct dns_answer *a)
{
	struct check *c = LIST_OF(q, struct check, spf_query);

	spf_answer(c->spf, a);
	go(c);
}

static void go_spf(struct check *c)
{
	struct spf_question question;

	while (c->spf_query.place == 0 && spf_asks(c->spf, &question) &&
		!ask(c, &c->spf_query, question.name, question.type, spf_came))
		spf_answer(c->spf, &no_answer);
}

static void take_dkim_key(struct check *c, const struct dns_answer *a)
{
	struct str record;
	enum dkim_lookup found = dkim_lookup_of(a, &record);

	dkim_verifier_key(c->dkim, c->signature, found, record);
}

static void dkim_came(struct edge_lookup *q, const struct dns_answer *a)
{
	struct check *c = LIST_OF(q, struct check, dkim_query);

	take_dkim_key(c, a);
	go(c);
}

static bool wants_dkim_key(struct check *c, struct buf *name)
{
	size_t count = dkim_verifier_count(c->dkim);

	while (c->signature < count && dkim_verdict(c->dkim, c->signature)->result != DKIM_PENDING)
		c->signature++;
	if (c->signature == count)
		return false;
	buf_clear(name);
	dkim_verifier_name(c->dkim, c->signature, name);
	return true;
}

static void go_dkim(struct check *c)
{
	struct buf name = { 0 };

	while (c->dkim_query.place == 0 && wants_dkim_key(c, &name) &&
		!ask(c, &c->dkim_query, buf_str(&name), DNS_TXT, dkim_came))
		take_dkim_key(c, &no_answer);
	buf_deinit(&name);
}

static void take_arc_key(struct check *c, const struct dns_answer *a)
{
	struct str record;
	enum dkim_lookup found = dkim_lookup_of(a, &record);

	arc_key(c->arc, found, record);
}

static void arc_came(struct edge_lookup *q, const struct dns_answer *a)
{
	struct check *c = LIST_OF(q, struct check, arc_query);

	take_arc_key(c, a);
	go(c);
}

static void go_arc(struct check *c)
{
	struct buf name = { 0 };

	while (c->arc != NULL && c->arc_query.place == 0 &&
		(buf_clear(&name), arc_wants(c->arc, &name)) &&
		!ask(c, &c->arc_query, buf_str(&name), DNS_TXT, arc_came))
		take_arc_key(c, &no_answer);
	buf_deinit(&name);
}

static void dmarc_came(struct edge_lookup *q, const struct dns_answer *a)
{
	struct check *c = LIST_OF(q, struct check, dmarc_query);

	dmarc_answer(c->asking, a);
	go(c);
}

static void go_dmarc(struct check *c)
{
	struct dmarc_question q;

	for (size_t i = 0; i < c->authors; i++)
		while (c->dmarc_query.place == 0 && dmarc_asks(c->dmarc[i], &q)) {
			c->asking = c->dmarc[i];
			if (!ask(c, &c->dmarc_query, q.name, q.type, dmarc_came))
				dmarc_answer(c->asking, &no_answer);
		}
}

/* SPF and all signatures are known. */
static void judge(struct check *c)
{
	enum spf_result spf = spf_result(c->spf);

	c->judging = true;
	for (size_t i = 0; i < c->authors; i++) {
		if (spf == SPF_PASS || spf == SPF_TEMPERROR)
			dmarc_identity(
				c->dmarc[i], DMARC_SPF, spf_domain(c->spf), spf == SPF_TEMPERROR);
		for (size_t k = 0; k < dkim_verifier_count(c->dkim); k++) {
			const struct dkim_verdict *v = dkim_verdict(c->dkim, k);

			if (v->result == DKIM_PASS || v->result == DKIM_TEMPERROR)
				dmarc_identity(c->dmarc[i], DMARC_DKIM, v->domain,
					v->result == DKIM_TEMPERROR);
		}
		dmarc_judge(c->dmarc[i]);
	}
}

static bool is_over(const struct check *c)
{
	return c->judging && c->spf_query.place == 0 && c->dkim_query.place == 0 &&
	       c->arc_query.place == 0 && c->dmarc_query.place == 0;
}

static void advance(struct check *c)
{
	go_spf(c);
	if (c->ended) {
		go_dkim(c);
		go_arc(c);
	}
	if (c->ended && !c->judging && c->spf_query.place == 0 && c->dkim_query.place == 0)
		judge(c);
	go_dmarc(c);
}

static void go(struct check *c)
{
	bool was_ended = c->ended;

	if (c->over)
		return;
	advance(c);
	if (!was_ended || !is_over(c))
		return;
	c->over = true;
	c->waited_ms = loop_now_ms(c->edge->loop) - c->ended_ms;
	loop_timer_stop(&c->timer);
	c->done(c->owner);
}

/* ---- the message ---- */

void check_feed(struct check *c, struct str octets)
{
	dkim_verifier_feed(c->dkim, octets);
	if (c->arc != NULL)
		arc_feed(c->arc, octets);
}

static bool has_author(const struct check *c, struct str domain)
{
	for (size_t i = 0; i < c->authors; i++)
		if (str_eq(dmarc_author(c->dmarc[i]), domain))
			return true;
	return false;
}

void check_header(struct check *c, struct str header)
{
	char name[ADDRESS_MAX + 1];
	struct buf domains = { 0 };
	struct str rest;
	size_t n;

	c->too_many_authors = !dmarc_from(header, &domains);
	for (rest = buf_str(&domains); rest.n > 0 && !c->too_many_authors;) {
		struct str domain = str_cut(&rest, '\n');

		/* In A-labels, as names are in DNS; what is no name gets its permerror. */
		if (canonical_domain_name(domain, name, &n))
			domain = str_of(name, n);
		if (has_author(c, domain))
			continue;
		if (c->authors == CHECK_AUTHORS_MAX)
			c->too_many_authors = true;
		else
			c->dmarc[c->authors++] = dmarc_new(domain);
	}
	buf_deinit(&domains);
	go(c);
}

bool check_end(struct check *c)
{
	(void)dkim_verifier_end(c->dkim);
	if (c->arc != NULL)
		arc_end(c->arc);
	c->ended_ms = loop_now_ms(c->edge->loop);
	c->ended = true;
	advance(c);
	c->over = is_over(c);
	if (!c->over)
		loop_timer_at(&c->timer, c->ended_ms + c->edge->config->check_timeout_ms);
	return c->over;
}
