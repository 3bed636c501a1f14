/* restante explain: what would be answered to RCPT, and why.  Asks what a session asks (admit.h), and takes
 * nothing in. */
#include <arpa/inet.h>

#include "base/clock.h"
#include "base/codec.h"
#include "daemon/config_out.h"
#include "daemon/admit.h"
#include "daemon/bans.h"
#include "daemon/office_verbs.h"
#include "daemon/quota.h"
#include "daemon/signer.h"
#include "queue/route.h"

struct explain {
	struct office *office;
	struct office_reply *reply;
	struct str from, to, ip;
	uint64_t octets;
	struct str field; /* of the message; "": none */
	struct admit admit;
};

static void say(struct explain *e, const char *step, const char *result, struct str rule)
{
	e->reply->row(e->reply, json_pack("{s:s, s:s, s:o}", "step", step, "result", result, "rule",
					json_text(rule)));
}

/* "550 5.1.1 no such mailbox here" */
static void decide(
	struct explain *e, const char *step, unsigned code, struct str text, const char *rule)
{
	struct buf b = { 0 };

	buf_printf(&b, "%u %.*s", code == 0 ? 250 : code, STR_ARG(text));
	buf_putc(&b, '\0');
	say(e, step, b.data, str_c(rule));
	say(e, "decision", b.data, str_c(rule));
	buf_deinit(&b);
}

static enum status take_account(struct explain *e, const json_t *q, struct err *err)
{
	struct str auth;
	struct account a;
	enum status status;

	if (json_object_get(q, "auth") == NULL) {
		say(e, "login", "none", STR("no --auth"));
		return ST_OK;
	}
	status = request_str(q, "auth", &auth, err);
	if (status == ST_OK)
		status = account_get(e->office->directory, auth, &a, err);
	if (status != ST_OK)
		return status;
	if (a.disabled)
		return err_set(err, ST_USAGE, "%.*s is disabled and cannot log in",
			STR_ARG(str_head(auth, 200)));
	e->admit.account = a.id;
	say(e, "login", "account", str_c(a.address));
	return ST_OK;
}

/* By which schedule it is tried again. */
static void say_retry(
	struct explain *e, const struct route_rules *rules, const struct route_ask *ask)
{
	const struct schedule general = config_schedule(e->office->config);
	const struct schedule s = route_schedule(rules, &general, ask);
	struct buf waits = { 0 }, b = { 0 };

	config_retries_put(&waits, &s);
	buf_putc(&waits, '\0');
	buf_put(&b, ask->recipient);
	buf_put(&b, STR(": given up after "));
	config_duration_put(&b, s.lifetime_ms);
	buf_put(&b, STR(", notice of the delay "));
	if (s.delay_notice_ms >= 0)
		buf_put(&b, STR("after "));
	config_duration_put(&b, s.delay_notice_ms);
	say(e, "retry", waits.data, buf_str(&b));
	buf_deinit(&waits);
	buf_deinit(&b);
}

/* Under which name it goes on: an alias gives it a sender in its own domain, if it is not one of ours (svc_srs()). */
static struct str sender_onward(const struct explain *e, struct str to)
{
	bool forwarded = e->from.n > 0 && !str_eq(e->to, to) && !srs_is_made(e->to);

	return forwarded && directory_is_local_domain(
				    e->office->directory, route_domain(e->from)) == SAID_NO
		       ? e->to
		       : e->from;
}

/* As svc_seal_wanted() decides. */
static void say_seal(struct explain *e, struct str to)
{
	const struct config *c = e->office->config;
	struct buf domain = { 0 }, selector = { 0 }, why = { 0 };
	struct err err = { 0 };

	buf_put(&why, to);
	if (!c->arc_seal)
		buf_put(&why, STR(": arc_seal is off"));
	else if (e->admit.account != 0)
		buf_put(&why, STR(": what an account sends is signed, not sealed"));
	else
		switch (signer_of_seal(e->office->directory, sender_onward(e, to),
			str_c(c->hostname), &domain, &selector, &err)) {
		case SAID_YES: buf_printf(&why, ": key %.*s", STR_ARG(buf_str(&selector))); break;
		case SAID_NO: buf_put(&why, STR(": no domain for it has a key")); break;
		case SAID_NOTHING: buf_printf(&why, ": %s", err.text); break;
		}
	if (domain.len == 0)
		buf_put(&domain, STR("none"));
	buf_putc(&domain, '\0');
	say(e, "seal", domain.data, buf_str(&why));
	buf_deinit(&domain);
	buf_deinit(&selector);
	buf_deinit(&why);
}

static void say_routes(struct explain *e, const struct maildrops *found)
{
	const struct route_rules rules = config_routes(e->office->config);
	struct reader onward = { .rest = buf_str(&found->onward) };
	const struct config_source *source = config_source(e->office->config, e->from);
	struct buf b = { 0 }, site = { 0 };

	for (size_t i = 0; i < found->count; i++)
		say(e, "delivery", "mailbox", STR("here"));
	if (source != NULL && found->onward_count > 0) {
		buf_printf(&b, "source \"%s\"", source->name);
		say(e, "source", source->ipv4[0] != '\0' ? source->ipv4 : source->ipv6,
			buf_str(&b));
	}
	while (onward.rest.n > 0) {
		struct str to = get_str(&onward);
		const struct route_ask ask = { e->from, to, e->octets,
			route_marks(&rules, e->field) };
		struct route route = route_of(&rules, &ask);
		static const char *const roles[] = { [RULE_ROUTE] = "route",
			[RULE_SENDER] = "sender_route",
			[RULE_SMARTHOST] = "smarthost",
			[RULE_FALLBACK] = "fallback_relay" };

		buf_clear(&b);
		buf_clear(&site);
		route_site(&site, &route);
		buf_putc(&site, '\0');
		buf_put(&b, to);
		buf_printf(&b, ": %s",
			route.rule == NULL ? "MX of the domain" : roles[route.rule->role]);
		if (route.rule != NULL && route.rule->name[0] != '\0')
			buf_printf(&b, " \"%s\"", route.rule->name);
		say(e, "route", site.data, buf_str(&b));
		if (route.kind != ROUTE_DISCARD && route.kind != ROUTE_REFUSE) {
			say_retry(e, &rules, &ask);
			say_seal(e, to);
		}
	}
	buf_deinit(&b);
	buf_deinit(&site);
}

/* Which name it has here, when that is not what was written. */
static void say_name(struct explain *e)
{
	static const char *const rules[] = { [STANDS_WITHOUT_TAG] = "without its +tag",
		[STANDS_WITHOUT_DROPPED] = "drop_characters" };
	struct buf name = { 0 };
	enum stands how = directory_stands(e->office->directory, e->to, &name);

	buf_putc(&name, '\0');
	if (how == STANDS_WITHOUT_TAG || how == STANDS_WITHOUT_DROPPED)
		say(e, "name", name.data, str_c(rules[how]));
	buf_deinit(&name);
}

static void explain_recipient(struct explain *e)
{
	struct maildrops found = { 0 };
	struct admit_reply reply;
	enum resolved resolved = admit_recipient(&e->admit, e->to, &found);

	if (resolved == RESOLVED && quota_all_full(e->office, &found, 0)) {
		resolved = RESOLVED_FULL;
		e->admit.rule = "quota";
	}
	reply = admit_reply(resolved, e->office->config);
	say_name(e);
	if (resolved == RESOLVED && e->admit.relayed)
		say(e, "caps", "counted by the server",
			STR("account_recipients_per_hour, account_recipients_per_day, "
			    "account_new_recipients_per_day"));
	if (resolved == RESOLVED)
		say_routes(e, &found);
	decide(e, "recipient", reply.code,
		resolved == RESOLVED ? STR("2.1.5 recipient ok") : reply.text, e->admit.rule);
	maildrops_free(&found);
}

enum status verb_explain_rcpt(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct explain e = { .office = o, .reply = r, .admit = { .office = o } };
	char ip[64];
	unsigned char octets[16];
	enum said sender;
	enum status status = request_str(q, "from", &e.from, err);

	if (status == ST_OK)
		status = request_str(q, "to", &e.to, err);
	if (status == ST_OK)
		status = request_str(q, "ip", &e.ip, err);
	if (status != ST_OK)
		return status;
	e.octets = (uint64_t)json_integer_value(json_object_get(q, "octets"));
	if (json_object_get(q, "field") != NULL)
		status = request_str(q, "field", &e.field, err);
	if (status != ST_OK)
		return status;
	snprintf(ip, sizeof ip, "%.*s", STR_ARG(str_head(e.ip, 60)));
	if (inet_pton(AF_INET, ip, octets) != 1 && inet_pton(AF_INET6, ip, octets) != 1)
		return err_set(err, ST_USAGE, "'%s' is no address of IPv4 or IPv6", ip);
	if (o->bans != NULL && bans_has(o->bans, e.ip, clock_steady_ms())) {
		say(&e, "connection", "closed", STR("banned: restante ban list"));
		say(&e, "decision", "closed", STR("banned: restante ban list"));
		return ST_OK;
	}
	say(&e, "connection", "taken",
		o->bans == NULL ? STR("no server runs: bans are not known") : STR("not banned"));
	status = take_account(&e, q, err);
	if (status != ST_OK)
		return status;
	e.admit.notice = e.from.n == 0;
	sender = admit_sender(&e.admit, e.from);
	if (sender == SAID_NOTHING)
		return err_set(err, ST_IO, "directory: it cannot be read now");
	if (sender == SAID_NO) {
		decide(&e, "sender", 553, STR("5.7.1 this sender address is not yours"),
			"sender_login_match");
		return ST_OK;
	}
	say(&e, "sender", "taken",
		e.admit.account == 0 ? STR("not checked: nobody logged in")
		: o->config->sender_login_match
			? STR("sender_login_match: an address of the account")
			: STR("sender_login_match is off"));
	explain_recipient(&e);
	return ST_OK;
}
