#include "daemon/carrier_dns.h"

#include "base/log.h"
#include "daemon/carrier.h"

enum { SILENT_AGAIN_MS = 10 * 1000, STRIPPED_AGAIN_MS = 10 * 60 * 1000 };

void carrier_dns_tell(struct carrier *c)
{
	struct ipc_head head = { .type = IPC_DNS };
	char state = (char)c->dns.state;

	if (state != DNS_STATE_UNKNOWN && c->store != NULL && !c->store_lost)
		ipc_send(c->store, &head, str_of(&state, 1), STR(""), -1);
}

static void is(struct carrier_dns *d, enum dns_state state)
{
	struct carrier *c = d->carrier;
	const char *meaning, *name = dns_state_name(state, &meaning);
	bool plain = state == DNS_STATE_STRIPPED && !c->config->dnssec_required;

	c->resolver = plain ? d->plain : d->valid;
	c->web.resolver = c->resolver;
	if (state == DNS_STATE_SILENT || state == DNS_STATE_STRIPPED)
		loop_timer_at(&d->again,
			loop_now_ms(c->loop) +
				(state == DNS_STATE_SILENT ? SILENT_AGAIN_MS : STRIPPED_AGAIN_MS));
	if (state == d->state)
		return;
	d->state = state;
	if (state == DNS_STATE_VALID || state == DNS_STATE_OFF)
		log_info("carrier.dns", F_C("state", name), F_C("why", meaning));
	else
		log_warn("carrier.dns-trouble", F_C("state", name), F_C("why", meaning),
			F_C("now", plain ? "asked without DNSSEC: DANE protects nothing"
					 : "mail that needs DNS waits"));
	carrier_dns_tell(c);
}

static void answered_plainly(struct dns_query *q, const struct dns_answer *a)
{
	struct carrier_dns *d = LIST_OF(q, struct carrier_dns, query);

	is(d, a->outcome == DNS_FAILED ? DNS_STATE_SILENT : DNS_STATE_STRIPPED);
}

static void answered(struct dns_query *q, const struct dns_answer *a)
{
	struct carrier_dns *d = LIST_OF(q, struct carrier_dns, query);

	if (a->secure)
		is(d, DNS_STATE_VALID);
	else /* no answer, or none that counts: is anybody there? */
		resolve_start(d->plain, &d->query, d->anchor, DNS_A, answered_plainly);
}

static void again(struct loop_timer *t)
{
	struct carrier_dns *d = LIST_OF(t, struct carrier_dns, again);

	resolve_start(d->valid, &d->query, d->anchor, DNS_A, answered);
}

/* "example. IN DS ..." */
static struct str first_anchor(struct str text)
{
	while (text.n > 0) {
		struct str line = str_trim(str_cut(&text, '\n'));

		if (line.n > 0 && line.p[0] != ';' && line.p[0] != '#') {
			size_t space = str_find(line, ' '), tab = str_find(line, '\t');

			return str_head(line, space < tab ? space : tab);
		}
	}
	return STR("");
}

bool carrier_dns_prepare(struct carrier *c, struct err *err)
{
	struct resolver_config config = { .servers = c->start->dns_servers,
		.anchors = c->start->dns_anchors };

	c->dns.carrier = c;
	c->dns.anchor = first_anchor(config.anchors);
	c->dns.valid = resolver_new(c->loop, &config, err);
	config.anchors = STR("");
	if (c->dns.valid != NULL)
		c->dns.plain = resolver_new(c->loop, &config, err);
	c->resolver = c->dns.valid;
	return c->dns.plain != NULL;
}

void carrier_dns_start(struct carrier *c)
{
	loop_timer_init(&c->dns.again, c->loop, again);
	if (c->dns.anchor.n == 0)
		is(&c->dns, DNS_STATE_OFF);
	else
		again(&c->dns.again);
}
