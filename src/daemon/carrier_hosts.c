/* One host after the other: DNS, policy, connection, session, until each recipient has an outcome. */
#include <stdio.h>

#include "base/log.h"
#include "daemon/carrier_job.h"
#include "daemon/config_out.h"

enum { EXCHANGERS_MAX = 16 };

static void next_host(struct carrier_job *j);

static const struct nexthop_target *target(const struct carrier_job *j, size_t *count)
{
	return nexthop_targets(j->find.hops, count) + j->at;
}

/* None of its addresses is tried any more. */
static void skip_host(struct carrier_job *j)
{
	j->at += j->slice - 1;
	j->slice = 1;
	next_host(j);
}

static void dialled(struct dial *d)
{
	struct carrier_job *j = LIST_OF(d, struct carrier_job, dial);
	size_t count;
	const struct nexthop_target *t = target(j, &count);
	char address[64];

	if (d->fd < 0) {
		note_host(&j->last, "4.4.1", "connect to %s[%s]:%u: %s", t[d->at].host->name,
			dial_text(t[d->at].address, address), t[d->at].port, d->error);
		snprintf(j->last.host, sizeof j->last.host, "%s[%s]", t[d->at].host->name, address);
		skip_host(j);
		return;
	}
	/* What is left of this host is tried when this address fails. */
	j->slice -= d->at;
	j->at += d->at;
	j->state = JOB_TALKING;
	out_start(j->carrier, &(struct out_peer){ d->fd, &d->peer.any, str_c(t[d->at].host->name) },
		j);
}

static void dial(struct carrier_job *j)
{
	size_t count;
	const struct nexthop_target *t = target(j, &count);
	struct dial_config config = j->carrier->dial;

	j->state = JOB_DIALLING;
	body_reset(&j->body);
	if (j->source != NULL) {
		config.source4 = str_c(j->source->ipv4);
		config.source6 = str_c(j->source->ipv6);
	}
	dial_start(&j->dial, j->carrier->loop, &config, t, j->slice, dialled);
}

static void planned(struct plan *p)
{
	struct carrier_job *j = LIST_OF(p, struct carrier_job, plan);

	if (!p->usable) {
		note_host(&j->last, p->status, "%s: %s", p->facts.host->name, p->why);
		skip_host(j);
		return;
	}
	dial(j);
}

/* The targets from j->at on that are addresses of one host. */
static void plan(struct carrier_job *j)
{
	size_t count;
	const struct nexthop_target *t = target(j, &count);
	const struct nexthop_facts *f = nexthop_facts(j->find.hops);
	struct plan_facts facts = { .level = j->level,
		.is_mx = j->job.kind == ROUTE_MX,
		.mx_secure = f->mx_secure,
		.requiretls = job_requires_tls(j),
		.tls_optional = job_tls_optional(j),
		.sts = j->sts.mode == MTASTS_OFF ? NULL : &j->sts,
		.host = t->host,
		.port = t->port,
		.domain = str_c(f->domain) };

	for (j->slice = 1; j->at + j->slice < count && t[j->slice].host == t->host;)
		j->slice++;
	j->state = JOB_PLANNING;
	j->without_tls = false;
	plan_end(&j->plan);
	j->plan.done = planned;
	plan_start(&j->plan, j->carrier->loop, j->carrier->resolver, &facts);
}

/* Recipients share only what the last host said: what the others did stands here. */
static void log_host_failed(const struct carrier_job *j)
{
	char id[MSGID_TEXT + 1];

	msgid_text(j->job.id, id);
	log_info("carrier.host-failed", F_C("id", id), F_STR("site", j->job.site),
		F_C("host", j->last.host), F_C("status", j->last.status),
		F_C("reply", j->last.reply));
}

void job_exchangers(const struct carrier_job *j, struct buf *out)
{
	const struct nexthop_target *t;
	size_t count = 0, n = 0;
	struct str names[EXCHANGERS_MAX];

	if (j->find.hops == NULL || j->job.kind != ROUTE_MX ||
		nexthop_result(j->find.hops) != ST_OK)
		return;
	t = nexthop_targets(j->find.hops, &count);
	for (size_t i = 0; i < count && n < EXCHANGERS_MAX; i++) {
		struct str name = str_c(t[i].host->name);
		size_t at = n;

		while (at > 0 && str_cmp(name, names[at - 1]) < 0)
			at--;
		if (at > 0 && str_eq(name, names[at - 1]))
			continue;
		memmove(&names[at + 1], &names[at], (n - at) * sizeof *names);
		names[at] = name;
		n++;
	}
	for (size_t i = 0; i < n && out->len + names[i].n < JOB_EXCHANGERS_MAX; i++) {
		if (out->len > 0)
			buf_putc(out, ' ');
		buf_put(out, names[i]);
	}
}

/* No exchanger could be reached.  Another way is no help against an answer for good, and none around what
 * the domain demands of TLS. */
static void give_up(struct carrier_job *j)
{
	const struct route_rules rules = config_routes(j->carrier->config);
	const struct route_rule *fallback = route_rule_find(&rules, RULE_FALLBACK, STR(""));
	char id[MSGID_TEXT + 1];

	if (fallback == NULL || j->job.kind != ROUTE_MX || j->distrusted ||
		j->last.outcome != OUTCOME_DEFERRED) {
		job_report(j);
		return;
	}
	msgid_text(j->job.id, id);
	log_info("carrier.fallback", F_C("id", id), F_STR("site", j->job.site),
		F_C("host", fallback->host), F_C("why", j->last.reply));
	j->rule = fallback;
	j->level = fallback->tls;
	j->job.kind = fallback->kind;
	j->job.host = str_c(fallback->host);
	j->job.port = fallback->port;
	mtasts_policy_deinit(&j->sts); /* it was the domain's */
	j->sts = (struct mtasts_policy){ 0 };
	plan_end(&j->plan);
	find_end(&j->find);
	job_find(j);
}

/* The next address of this host, or the next host. */
static void next_host(struct carrier_job *j)
{
	size_t count;

	nexthop_targets(j->find.hops, &count);
	log_host_failed(j);
	j->distrusted |= str_starts(str_c(j->last.status), STR("4.7."));
	j->at++;
	j->slice--;
	if (j->slice > 0)
		dial(j);
	else if (j->at < count)
		plan(j);
	else
		give_up(j);
}

static void policy_known(struct sts_wait *w)
{
	struct carrier_job *j = LIST_OF(w, struct carrier_job, sts_wait);

	/* What the carrier keeps may change while this job goes from host to host. */
	mtasts_policy_deinit(&j->sts);
	j->sts = (struct mtasts_policy){ 0 };
	if (w->policy != NULL) {
		j->sts.mode = w->policy->mode;
		buf_put(&j->sts.mx, buf_str(&w->policy->mx));
	}
	plan(j);
}

static void log_tls_optional(const struct carrier_job *j)
{
	char id[MSGID_TEXT + 1];

	msgid_text(j->job.id, id);
	log_info("carrier.tls-optional", F_C("id", id), F_STR("site", j->job.site));
}

/* By `restante queue reroute`: nobody but its administrator wrote that domain, and no sender is told that it is wrong. */
static bool is_rerouted(const struct carrier_job *j)
{
	return j->job.kind == ROUTE_MX &&
	       !str_ieq(route_domain(j->job.recipients[0].address), j->job.host);
}

static void found(struct find *f)
{
	struct carrier_job *j = LIST_OF(f, struct carrier_job, find);
	const struct nexthop_failure *why = nexthop_failure(f->hops);

	if (nexthop_result(f->hops) != ST_OK) {
		note_host(&j->last, is_rerouted(j) && why->status[0] == '5' ? "4.4.4" : why->status,
			"%s", why->text);
		give_up(j);
		return;
	}
	j->at = 0;
	if (job_tls_optional(j))
		log_tls_optional(j);
	if (j->job.kind != ROUTE_MX || job_tls_optional(j) ||
		(j->level != ROUTE_TLS_MAY && j->level != ROUTE_TLS_ENCRYPT)) {
		plan(j);
		return;
	}
	j->state = JOB_POLICY;
	j->sts_wait.done = policy_known;
	sts_look(j->carrier, &j->sts_wait, str_c(nexthop_facts(f->hops)->domain));
}

void job_find(struct carrier_job *j)
{
	struct carrier *c = j->carrier;
	bool mx = j->job.kind == ROUTE_MX;
	struct find_where where = { mx ? NEXTHOP_MX : NEXTHOP_HOST, j->job.host, j->job.port };

	j->state = JOB_FINDING;
	j->reused = false;
	j->find.done = found;
	find_start(&j->find, c->loop, c->resolver, mx ? &c->mx : &c->host, &where);
}

static void signed_by(struct job_note *n, const struct out *o)
{
	snprintf(n->host, sizeof n->host, "%s", o->host);
	n->tls = out_level(o);
}

void job_recipient(struct carrier_job *j, size_t index, const struct smtpc_result *r)
{
	struct job_note *n = &j->notes[j->index[index]];

	note_result(n, r);
	signed_by(n, j->out);
	n->relayed = r->outcome == SMTPC_DELIVERED && out_knows_dsn(j->out);
	if (!n->final)
		j->last = *n;
}

void job_does_without(struct carrier_job *j, const struct smtpc_result *lacks)
{
	if (lacks->why == SMTPC_WHY_8BITMIME && j->body.phase == BODY_AS_IT_IS) {
		body_make_sevenbit(j);
		return;
	}
	for (size_t i = 0; i < j->message.rcpt_count; i++)
		job_recipient(j, i, lacks);
	out_next(j->out);
}

void job_cannot_be_sent(struct carrier_job *j, const char *status, const char *why)
{
	for (size_t i = 0; i < j->message.rcpt_count; i++) {
		struct job_note *n = &j->notes[j->index[i]];

		note_host(n, status, "%s", why);
		signed_by(n, j->out);
		n->final = true;
	}
	out_next(j->out);
}

static bool all_final(const struct carrier_job *j)
{
	for (size_t i = 0; i < j->job.count; i++)
		if (!j->notes[i].final)
			return false;
	return true;
}

/* A connection that has waited for work may be gone through no fault of the host: then all begins
 * anew with one of our own. */
static void go_on(struct carrier_job *j)
{
	if (all_final(j))
		job_report(j);
	else if (j->reused)
		job_find(j);
	else
		next_host(j);
}

void job_sent(struct carrier_job *j)
{
	go_on(j);
}

void job_session_over(struct carrier_job *j, const struct out *o, const struct smtpc_result *r)
{
	note_result(&j->last, r);
	signed_by(&j->last, o);
	go_on(j);
}

void job_tls_failed(
	struct carrier_job *j, const struct out *o, const char *refusal, const char *error)
{
	if (j->plan.may_fall_back && !j->without_tls) {
		/* RFC 7435 3: where nothing was promised, mail in the clear is better than none. */
		log_info("carrier.tls-fallback", F_C("host", o->host), F_C("err", error));
		j->without_tls = true;
		dial(j);
		return;
	}
	note_host(&j->last, job_requires_tls(j) ? "5.7.10" : "4.7.5", "TLS with %s: %s", o->host,
		refusal != NULL ? refusal : error);
	signed_by(&j->last, o);
	next_host(j);
}

void job_login_failed(struct carrier_job *j, const struct out *o, const char *why)
{
	note_host(&j->last, "4.7.8", "log in at %s: %s", o->host, why);
	signed_by(&j->last, o);
	next_host(j);
}
