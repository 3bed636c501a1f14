#include "daemon/carrier_seal.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/carrier_job.h"
#include "daemon/spf_of.h"
#include "mime/compose.h"
#include "store/store.h"
#include "trust/authres.h"

enum { SEAL_MS = 20 * 1000, REQUEST_MAX = IPC_PACKET_MAX - 4096 };

void seal_end(struct carrier_job *j)
{
	struct seal *s = &j->seal;

	if (s->arc != NULL) {
		resolve_cancel(&s->query);
		loop_timer_stop(&s->late);
	}
	spf_free(s->spf);
	dkim_verifier_free(s->dkim);
	arc_free(s->arc);
	buf_deinit(&s->results);
	buf_deinit(&s->found);
	buf_deinit(&s->fields);
	*s = (struct seal){ 0 };
}

/* fields: "" without one. */
static void go_on(struct carrier_job *j, struct str fields)
{
	seal_end(j);
	buf_put(&j->seal.fields, fields);
	job_go(j);
}

static void without(struct carrier_job *j, const char *why)
{
	char id[MSGID_TEXT + 1];

	msgid_text(j->job.id, id);
	log_info("carrier.unsealed", F_C("id", id), F_C("why", why));
	go_on(j, STR(""));
}

/* ---- what is said: RFC 8601 2.2, with the properties of 2.7 and of RFC 8617 10.1 ---- */

/* Of what a peer wrote, only what needs no quotes. */
static void put_property(struct buf *out, const char *name, struct str value)
{
	static const struct str plain =
		STR_INIT("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
	size_t n = 0;

	while (n < value.n && str_find(plain, value.p[n]) < plain.n)
		n++;
	if (n > 0 && n == value.n && n <= 255)
		buf_printf(out, " %s=%.*s", name, STR_ARG(value));
}

static void put_spf(struct buf *out, const struct carrier_job *j)
{
	enum spf_result result = spf_result(j->seal.spf);
	bool null = j->job.origin.n == 0;

	buf_put(out, STR("; spf="));
	buf_put(out, spf_result_name(result == SPF_PENDING ? SPF_TEMPERROR : result));
	put_property(out, null ? "smtp.helo" : "smtp.mailfrom", spf_domain(j->seal.spf));
}

static void put_arc(struct buf *out, const struct carrier_job *j)
{
	buf_put(out, STR("; arc="));
	buf_put(out, arc_cv_name(arc_result(j->seal.arc)));
	buf_printf(out, " smtp.remote-ip=\"%.*s\"", STR_ARG(j->job.client));
}

static bool says_arc(struct str results)
{
	for (enum arc_cv cv = ARC_NONE; cv <= ARC_PASS; cv++)
		if (authres_says(results, STR("arc"), arc_cv_name(cv)))
			return true;
	return false;
}

static void put_results(struct buf *out, const struct carrier_job *j)
{
	const struct seal *s = &j->seal;

	if (s->spf == NULL) {
		buf_put(out, buf_str(&s->found));
		if (!says_arc(buf_str(&s->found)))
			put_arc(out, j);
		return;
	}
	buf_put(out, str_c(j->carrier->config->hostname));
	put_spf(out, j);
	for (size_t i = 0; i < s->signatures; i++) {
		const struct dkim_verdict *v = dkim_verdict(s->dkim, i);

		buf_put(out, STR("; dkim="));
		buf_put(out, dkim_result_name(v->result));
		put_property(out, "header.d", v->domain);
		put_property(out, "header.s", v->selector);
	}
	if (s->signatures == 0)
		buf_put(out, STR("; dkim=none"));
	put_arc(out, j);
}

static const char too_late[] = "DNS does not answer in time";

static void log_sealed(const struct carrier_job *j)
{
	const struct seal *s = &j->seal;
	const char *spf = s->spf == NULL                      ? NULL
			  : spf_result(s->spf) == SPF_PENDING ? too_late
							      : spf_why(s->spf);
	const char *arc = arc_why(s->arc);
	char id[MSGID_TEXT + 1];

	msgid_text(j->job.id, id);
	log_info("carrier.sealed", F_C("id", id), F_INT("instance", s->instance),
		F_STR("results", buf_str(&s->results)), F_C("spf_why", spf != NULL ? spf : ""),
		F_C("arc_why", arc != NULL ? arc : ""));
}

static void ask_store(struct carrier_job *j)
{
	struct buf space = { 0 }, packet = { 0 };
	struct arc_request request;
	struct err err = { 0 };

	loop_timer_stop(&j->seal.late);
	put_results(&j->seal.results, j);
	if (arc_request_of(j->seal.arc, buf_str(&j->seal.results), &request, &space, &err) ==
		ST_OK) {
		err_set(&err, ST_PERM, "its header is too long");
		seal_put(&packet, &request);
		j->seal.instance = request.instance;
		if (packet.len <= REQUEST_MAX)
			j->seq = carrier_ask(j->carrier, j->number, IPC_SEAL, buf_str(&packet));
	}
	buf_deinit(&packet);
	buf_deinit(&space);
	if (j->seq == 0)
		without(j, err.text);
}

void seal_signed(struct carrier_job *j, struct ipc_packet *p)
{
	if (p->head.result != STORE_OK) {
		without(j, "the store did not sign it");
		return;
	}
	log_sealed(j);
	go_on(j, p->body.rest);
}

/* ---- what DNS says ---- */

static void ask_next(struct carrier_job *j);

static struct carrier_job *job_of(struct dns_query *q)
{
	return LIST_OF(q, struct carrier_job, seal.query);
}

static void spf_came(struct dns_query *q, const struct dns_answer *a)
{
	struct carrier_job *j = job_of(q);

	spf_answer(j->seal.spf, a);
	ask_next(j);
}

static void dkim_key_came(struct dns_query *q, const struct dns_answer *a)
{
	struct carrier_job *j = job_of(q);
	struct str record;
	enum dkim_lookup found = dkim_lookup_of(a, &record);

	dkim_verifier_key(j->seal.dkim, j->seal.signature, found, record);
	ask_next(j);
}

static void arc_key_came(struct dns_query *q, const struct dns_answer *a)
{
	struct carrier_job *j = job_of(q);
	struct str record;
	enum dkim_lookup found = dkim_lookup_of(a, &record);

	arc_key(j->seal.arc, found, record);
	ask_next(j);
}

static bool wants_dkim_key(struct seal *s, struct buf *name)
{
	while (s->signature < s->signatures &&
		dkim_verdict(s->dkim, s->signature)->result != DKIM_PENDING)
		s->signature++;
	if (s->signature == s->signatures)
		return false;
	dkim_verifier_name(s->dkim, s->signature, name);
	return true;
}

/* One question at a time. */
static void ask_next(struct carrier_job *j)
{
	struct resolver *resolver = j->carrier->resolver;
	struct seal *s = &j->seal;
	struct spf_question question;
	struct buf name = { 0 };

	if (s->spf != NULL && spf_asks(s->spf, &question))
		resolve_start(resolver, &s->query, question.name, question.type, spf_came);
	else if (s->spf != NULL && wants_dkim_key(s, &name))
		resolve_start(resolver, &s->query, buf_str(&name), DNS_TXT, dkim_key_came);
	else if (arc_wants(s->arc, &name))
		resolve_start(resolver, &s->query, buf_str(&name), DNS_TXT, arc_key_came);
	else
		ask_store(j);
	buf_deinit(&name);
}

/* SPF and signatures that are not known by now are said to be so; without the chain there is no seal. */
static void late(struct loop_timer *t)
{
	struct carrier_job *j = LIST_OF(t, struct carrier_job, seal.late);
	struct buf name = { 0 };
	bool unknown = arc_wants(j->seal.arc, &name);

	buf_deinit(&name);
	resolve_cancel(&j->seal.query);
	if (unknown)
		without(j, too_late);
	else
		ask_store(j);
}

/* ---- the message ---- */

/* A field above our own Received is our own (RFC 8601 4). */
static bool take_found(struct seal *s, struct str beginning, struct str hostname)
{
	struct buf id = { 0 };
	struct field field;
	bool ours;

	ours = field_cut(&beginning, &field) &&
	       str_ieq(field.name, STR("Authentication-Results")) && authres_id(field.body, &id) &&
	       str_eq(buf_str(&id), hostname) && compose_received_helo(beginning).n > 0;
	buf_deinit(&id);
	while (ours && field.body.n > 0) {
		struct str line = str_cut(&field.body, '\n');

		line = str_trim(str_head(line, line.n - str_ends(line, STR("\r"))));
		if (s->found.len > 0 && line.n > 0)
			buf_putc(&s->found, ' ');
		buf_put(&s->found, line);
	}
	return ours;
}

static void begin(struct carrier_job *j, struct str beginning)
{
	struct seal *s = &j->seal;

	if (take_found(s, beginning, str_c(j->carrier->config->hostname)))
		return;
	s->dkim = dkim_verifier_new(s->wall_ms);
	s->spf = spf_of(j->job.client, compose_received_helo(beginning), j->job.origin);
}

static void read_on(struct carrier_job *j)
{
	struct seal *s = &j->seal;

	while (s->read_at < j->job.octets) {
		struct str here = body_read_at(j, s->read_at);

		if (here.n == 0 && j->seq == 0)
			without(j, "the store cannot be read");
		if (here.n == 0)
			return;
		if (s->read_at == 0)
			begin(j, here);
		s->read_at += here.n;
		if (s->dkim != NULL)
			dkim_verifier_feed(s->dkim, here);
		arc_feed(s->arc, here);
	}
	if (s->read_at == 0) {
		without(j, "it is empty");
		return;
	}
	loop_timer_at(&s->late, loop_now_ms(j->carrier->loop) + SEAL_MS);
	s->signatures = s->dkim == NULL ? 0 : dkim_verifier_end(s->dkim);
	arc_end(s->arc);
	ask_next(j);
}

void seal_begin(struct carrier_job *j)
{
	j->state = JOB_SEALING;
	j->seal.wall_ms = clock_wall_ms();
	j->seal.arc = arc_new(j->seal.wall_ms);
	loop_timer_init(&j->seal.late, j->carrier->loop, late);
	read_on(j);
}

void seal_got_octets(struct carrier_job *j, struct str octets)
{
	if (octets.n == 0 ||
		j->seal.read_at >= j->job.octets) /* or it was a signature that was asked for */
		without(j, "the message cannot be read now");
	else
		read_on(j);
}
