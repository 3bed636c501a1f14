#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "daemon/carrier_plan.h"
#include "trust/dane.h"

static void decided(struct loop_timer *t)
{
	struct plan *p = LIST_OF(t, struct plan, later);

	p->done(p);
}

static void finish(struct plan *p)
{
	loop_timer_at(&p->later, 0);
}

static void refuse(struct plan *p, const char *status, const char *why)
{
	p->usable = false;
	p->status = status;
	snprintf(p->why, sizeof p->why, "%s", why);
	finish(p);
}

static void demand(struct plan *p, enum tls_check check)
{
	p->starttls = SMTPC_TLS_MUST;
	p->may_fall_back = false;
	p->want.check = check;
	finish(p);
}

static bool sts_demands(const struct plan_facts *f)
{
	return f->sts != NULL && f->sts->mode == MTASTS_ENFORCE && f->is_mx;
}

/* Without DANE.  A host that MX records named is only as good as they are: REQUIRETLS wants
 * them signed or listed by MTA-STS (RFC 8689 4.2.1). */
static void without_dane(struct plan *p)
{
	const struct plan_facts *f = &p->facts;
	bool sts = sts_demands(f);

	if (f->level == ROUTE_TLS_DANE)
		refuse(p, "4.7.5",
			"the policy wants DANE, and there are no TLSA records that can be used");
	else if (sts && (f->host->literal || !mtasts_mx_allowed(f->sts, str_c(f->host->name))))
		refuse(p, "4.7.5", "the MTA-STS policy of the domain does not list this host");
	else if (sts)
		demand(p, TLS_CHECK_NAMES);
	else if (f->requiretls && f->is_mx && !f->mx_secure)
		refuse(p, "5.7.30",
			"REQUIRETLS needs MX records that are signed or listed by MTA-STS");
	else if (f->requiretls)
		demand(p, TLS_CHECK_NAMES);
	else
		finish(p);
}

static void ask_tlsa(struct plan *p, const char *base);

/* The answer dies with this call, the rows are wanted until the handshake. */
static void keep_rows(struct plan *p, const struct dns_row *rows, size_t usable)
{
	size_t at = 0;

	if (usable > sizeof p->rows / sizeof *p->rows)
		usable = sizeof p->rows / sizeof *p->rows;
	for (size_t i = 0; i < usable; i++)
		buf_put(&p->octets, rows[i].data);
	for (size_t i = 0; i < usable; i++) {
		p->rows[i] = rows[i];
		p->rows[i].data = str_head(str_from(buf_str(&p->octets), at), rows[i].data.n);
		at += rows[i].data.n;
	}
	p->want.tlsa = p->rows;
	p->want.tlsa_count = usable;
}

/* RFC 7672 3.2.2: the base domain, and the name that the mail is for. */
static void authenticate(struct plan *p, const char *base)
{
	p->names[0] = p->want.sni = str_c(base);
	p->names[1] = p->facts.domain;
	demand(p, TLS_CHECK_DANE);
}

static void tlsa_answered(struct dns_query *q, const struct dns_answer *answer)
{
	struct plan *p = LIST_OF(q, struct plan, query);
	const struct nexthop_host *host = p->facts.host;
	struct dns_answer a = *answer;
	size_t usable = 0;

	switch (dane_decide(&a, &usable)) {
	case DANE_NONE:
		/* RFC 7672 2.2.2: first where the CNAMEs lead, then the name itself. */
		if (host->base != NULL && !p->asked_name &&
			!str_eq(str_c(host->base), str_c(host->name))) {
			p->asked_name = true;
			ask_tlsa(p, host->name);
		} else {
			without_dane(p);
		}
		return;
	case DANE_ENCRYPT:
		/* Records that authenticate nobody replace no certificate that somebody else asks for
		 * (RFC 8461 2, RFC 8689 4.2.1). */
		if (p->facts.level == ROUTE_TLS_DANE || p->facts.requiretls ||
			sts_demands(&p->facts))
			without_dane(p);
		else
			demand(p, TLS_CHECK_NONE);
		return;
	case DANE_AUTHENTICATE:
		keep_rows(p, a.rows, usable);
		authenticate(p, p->asked_name || host->base == NULL ? host->name : host->base);
		return;
	case DANE_UNREACHABLE:
		refuse(p, "4.7.5",
			"TLSA records cannot be looked up, so DANE forbids this host now");
		return;
	}
}

static void ask_tlsa(struct plan *p, const char *base)
{
	struct buf name = { 0 };

	dane_query_name(&name, str_c(base), p->facts.port);
	resolve_start(p->resolver, &p->query, buf_str(&name), DNS_TLSA, tlsa_answered);
	buf_deinit(&name);
}

void plan_start(struct plan *p, struct loop *l, struct resolver *r, const struct plan_facts *facts)
{
	const struct nexthop_host *host = facts->host;
	bool dane = !host->literal && host->is_signed && (!facts->is_mx || facts->mx_secure);
	void (*done)(struct plan * p) = p->done;

	*p = (struct plan){ .usable = true, .facts = *facts, .resolver = r, .done = done };
	loop_timer_init(&p->later, l, decided);
	p->names[0] = p->want.sni = str_c(host->name);
	if (host->literal)
		p->want.sni = STR("");
	p->want.names = p->names;
	p->want.name_count = 1;
	snprintf(p->peer, sizeof p->peer, "%s:%u", host->name, facts->port);
	p->want.peer = str_c(p->peer);
	switch (facts->level) {
	case ROUTE_TLS_NONE:
		p->starttls = SMTPC_TLS_NEVER;
		if (facts->requiretls)
			refuse(p, "5.7.30",
				"REQUIRETLS was asked for, and the policy is to use no TLS");
		else
			finish(p);
		return;
	case ROUTE_TLS_IMPLICIT: p->implicit = true; /* fall through */
	case ROUTE_TLS_VERIFY: demand(p, TLS_CHECK_NAMES); return;
	case ROUTE_TLS_MAY:
		p->starttls = SMTPC_TLS_MAY;
		p->may_fall_back = true;
		break;
	case ROUTE_TLS_ENCRYPT: p->starttls = SMTPC_TLS_MUST; break;
	case ROUTE_TLS_DANE: break;
	}
	if (facts->tls_optional && facts->level != ROUTE_TLS_DANE)
		finish(p);
	else if (dane)
		ask_tlsa(p, host->base != NULL ? host->base : host->name);
	else
		without_dane(p);
}

void plan_end(struct plan *p)
{
	if (p->resolver == NULL)
		return;
	resolve_cancel(&p->query);
	loop_timer_stop(&p->later);
	buf_deinit(&p->octets);
	p->resolver = NULL;
}

const char *plan_level(const struct tls_result *r)
{
	if (r == NULL)
		return "clear";
	switch (r->verified) {
	case TLS_UNVERIFIED: return "encrypted";
	case TLS_BY_NAME:
	case TLS_BY_PIN: return "verified";
	case TLS_BY_DANE_TA:
	case TLS_BY_DANE_EE: return "dane";
	}
	return "encrypted";
}
