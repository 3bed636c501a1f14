#include "net/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <unbound.h>

#include "base/mem.h"
#include "net/cidr.h"
#include "net/resolve_event.h"

enum { CLASS_IN = 1, LABEL_MAX = 63, HOST_MAX = 253, SERVERS_MAX = 8 };
enum { QUERIES_DEFAULT = 256, CACHE_DEFAULT = 16 << 20, TIMEOUT_DEFAULT_MS = 30000 };

/* https://data.iana.org/root-anchors/root-anchors.xml */
const char resolver_root_anchors[] =
	". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
	". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16\n";

struct resolver {
	struct loop *loop;
	struct resolve_events events;
	struct ub_ctx *ctx;
	size_t under_way, queries_max;
	int64_t timeout_ms;
	struct link waiting, asked, answered; /* struct dns_query, each the oldest first */
	struct loop_timer timer;              /* the first deadline, or now when one is answered */
};

static struct dns_query *first(struct link *list)
{
	return list_empty(list) ? NULL : LIST_OF(list->next, struct dns_query, link);
}

static void arm(struct resolver *r)
{
	struct dns_query *asked = first(&r->asked), *waits = first(&r->waiting);

	if (!list_empty(&r->answered))
		loop_timer_at(&r->timer, loop_now_ms(r->loop));
	else if (asked != NULL)
		loop_timer_at(&r->timer, asked->deadline_ms);
	else if (waits != NULL)
		loop_timer_at(&r->timer, waits->deadline_ms);
	else
		loop_timer_stop(&r->timer);
}

static void answered(struct dns_query *q)
{
	if (q->state == DNS_ASKED)
		q->resolver->under_way--;
	q->state = DNS_ANSWERED;
	list_del(&q->link);
	list_append(&q->resolver->answered, &q->link);
	arm(q->resolver);
}

static void failed(struct dns_query *q, struct str why)
{
	q->answer = (struct dns_answer){ .outcome = DNS_FAILED, .why = why };
	answered(q);
}

/* From the library, perhaps from inside ub_resolve_event(). */
static void on_result(void *arg, int rcode, void *packet, int packet_n, int security,
	char *why_bogus, int limited)
{
	enum { BOGUS = 1, SECURE = 2 };
	struct dns_query *q = arg;
	struct str message = str_of(packet, packet == NULL || packet_n < 0 ? 0 : (size_t)packet_n);

	(void)limited;
	if (security == BOGUS) {
		q->answer = (struct dns_answer){ .outcome = DNS_BOGUS };
		q->answer.memory = str_dup_c(str_c(why_bogus != NULL ? why_bogus : "bogus"));
		q->answer.why = str_c(q->answer.memory);
		answered(q);
	} else if (rcode != 0 || message.n == 0) {
		failed(q, STR("the servers of the zone do not answer"));
	} else {
		dns_parse(&q->answer, message, str_c(q->name), q->type);
		q->answer.secure = security == SECURE && q->answer.outcome != DNS_FAILED;
		answered(q);
	}
}

static void start_waiting(struct resolver *r)
{
	struct dns_query *q;

	while (r->under_way < r->queries_max && (q = first(&r->waiting)) != NULL) {
		int code;

		list_del(&q->link);
		list_append(&r->asked, &q->link);
		q->state = DNS_ASKED;
		r->under_way++;
		code = ub_resolve_event(
			r->ctx, q->name, (int)q->type, CLASS_IN, q, on_result, &q->id);
		if (code != 0 && q->state == DNS_ASKED)
			failed(q, str_c(ub_strerror(code)));
	}
	arm(r);
}

static void time_out(struct resolver *r, struct link *list)
{
	struct dns_query *q;

	while ((q = first(list)) != NULL && q->deadline_ms <= loop_now_ms(r->loop)) {
		if (q->state == DNS_ASKED)
			ub_cancel(r->ctx, q->id);
		failed(q, STR("no answer in time"));
	}
}

static void on_timer(struct loop_timer *t)
{
	struct resolver *r = LIST_OF(t, struct resolver, timer);
	struct link batch;
	struct dns_query *q;

	time_out(r, &r->asked);
	time_out(r, &r->waiting);
	/* What done() asks and the cache knows is answered in the next turn. */
	list_init(&batch);
	while ((q = first(&r->answered)) != NULL) {
		list_del(&q->link);
		list_append(&batch, &q->link);
	}
	while ((q = first(&batch)) != NULL) {
		struct dns_answer answer = q->answer;

		q->answer = (struct dns_answer){ 0 };
		resolve_cancel(q);
		q->done(q, &answer);
		dns_answer_free(&answer);
	}
	start_waiting(r);
}

/* A label as base/dns.h writes it, where "\DDD" is one octet. */
static bool label_is_possible(struct str label, size_t *octets)
{
	size_t before = *octets;

	for (size_t i = 0; i < label.n; i++, ++*octets) {
		if (label.p[i] <= ' ' || label.p[i] > '~')
			return false;
		if (label.p[i] == '\\')
			i += 3;
		if (i >= label.n)
			return false;
	}
	return *octets > before && *octets - before <= LABEL_MAX;
}

static bool name_is_possible(struct str name)
{
	size_t octets = 0;

	for (; name.n > 0; octets++) /* and a dot */
		if (!label_is_possible(str_cut(&name, '.'), &octets))
			return false;
	return octets <= HOST_MAX + 1;
}

void resolve_start(struct resolver *r, struct dns_query *q, struct str name, enum dns_type type,
	void (*done)(struct dns_query *q, const struct dns_answer *a))
{
	struct buf text = { 0 };

	if (str_ends(name, STR(".")))
		name.n--;
	*q = (struct dns_query){ .resolver = r,
		.type = type,
		.deadline_ms = loop_now_ms(r->loop) + r->timeout_ms,
		.state = DNS_WAITS,
		.done = done };
	list_append(&r->waiting, &q->link);
	if (!name_is_possible(name)) {
		q->answer = (struct dns_answer){ .outcome = DNS_NXDOMAIN };
		answered(q);
	} else {
		buf_put(&text, name);
		buf_putc(&text, '.');
		q->name = buf_steal_c(&text);
	}
	start_waiting(r);
}

void resolve_cancel(struct dns_query *q)
{
	struct resolver *r = q->resolver;

	if (q->state == DNS_IDLE)
		return;
	if (q->state == DNS_ASKED) {
		ub_cancel(r->ctx, q->id);
		r->under_way--;
	}
	list_del(&q->link);
	q->state = DNS_IDLE;
	free(q->name);
	q->name = NULL;
	dns_answer_free(&q->answer);
	arm(r);
}

static struct str cut_word(struct str *rest)
{
	size_t space = str_find(*rest, ' '), tab = str_find(*rest, '\t');
	struct str word = str_head(*rest, space < tab ? space : tab);

	*rest = str_trim(str_from(*rest, word.n));
	return word;
}

void resolver_from_resolv_conf(struct str text, struct buf *servers)
{
	unsigned found = 0;

	while (text.n > 0 && found < 3) {
		struct str line = str_trim(str_cut(&text, '\n')), word = cut_word(&line);

		if (!str_eq(word, STR("nameserver")))
			continue;
		if (found++ > 0)
			buf_putc(servers, ' ');
		buf_put(servers, cut_word(&line));
	}
}

/* The library's own; what is not here is as it comes. */
static int set_options(struct ub_ctx *ctx, const struct resolver_config *c)
{
	static const char *const options[][2] = {
		{ "do-not-query-localhost:",
			"no" }, /* a resolver on this machine is the usual one */
		{ "unblock-lan-zones:", "yes" },
		{ "edns-buffer-size:", "1232" }, /* dnsflagday.net/2020: never fragmented */
		{ "trust-anchor-signaling:", "no" },
		{ "outgoing-range:", "512" },
		{ "outgoing-num-tcp:", "32" },
	};
	static const char *const caches[] = {
		"msg-cache-size:", "rrset-cache-size:", "key-cache-size:", "neg-cache-size:"
	};
	int64_t octets = c->cache_octets > 0 ? c->cache_octets : CACHE_DEFAULT;
	char number[24];
	int code = 0;

	for (size_t i = 0; code == 0 && i < sizeof options / sizeof *options; i++)
		code = ub_ctx_set_option(ctx, options[i][0], options[i][1]);
	snprintf(number, sizeof number, "%lld", (long long)octets / 4);
	for (size_t i = 0; code == 0 && i < sizeof caches / sizeof *caches; i++)
		code = ub_ctx_set_option(ctx, caches[i], number);
	return code;
}

static enum status add_anchors(struct ub_ctx *ctx, struct str text, struct err *err)
{
	while (text.n > 0) {
		struct str line = str_trim(str_cut(&text, '\n'));
		char *row = NULL;
		int code = 0;

		if (line.n == 0 || line.p[0] == ';' || line.p[0] == '#')
			continue;
		row = str_dup_c(line);
		code = row == NULL ? UB_SYNTAX : ub_ctx_add_ta(ctx, row);
		free(row);
		if (code != 0)
			return err_set(err, ST_USAGE, "DNSSEC trust anchor '%.*s': %s",
				STR_ARG(str_head(line, 80)), ub_strerror(code));
	}
	return ST_OK;
}

static enum status add_servers(struct ub_ctx *ctx, struct str text, struct err *err)
{
	size_t count = 0;

	while (text.n > 0) {
		struct str word = str_cut(&text, ' '), host = word;
		bool scoped = str_find(word, '%') < word.n; /* fe80::1%eth0, in resolv.conf */
		char address[80];
		uint16_t port = 53;
		int code = UB_SYNTAX;

		/* The library takes a port of any size. */
		if ((scoped || cidr_server(word, 53, &host, &port)) && count++ < SERVERS_MAX) {
			snprintf(address, sizeof address, "%.*s@%u", STR_ARG(str_head(host, 70)),
				(unsigned)port);
			code = ub_ctx_set_fwd(ctx, address);
		}
		if (word.n > 0 && code != 0)
			return err_set(err, ST_USAGE,
				"DNS server '%.*s': not \"address\" or \"address@port\", or "
				"more than %d",
				STR_ARG(str_head(word, 60)), SERVERS_MAX);
	}
	return ST_OK;
}

static void on_nothing(void *arg, int rcode, void *packet, int n, int security, char *why, int l)
{
	(void)rcode, (void)packet, (void)n, (void)security, (void)why, (void)l;
	*(bool *)arg = true;
}

/* A first question makes the library read and allocate whatever it puts off; it answers this name
 * by itself (RFC 6761 6.3), so nothing goes out. */
static enum status warm_up(struct ub_ctx *ctx, struct err *err)
{
	bool answered_at_once = false;
	int code = ub_resolve_event(
		ctx, "localhost.", DNS_A, CLASS_IN, &answered_at_once, on_nothing, NULL);

	/* A wrong anchor is found only here. */
	if (code != 0)
		return err_set(err, ST_USAGE, "DNS resolver: %s%s", ub_strerror(code),
			code == UB_INITFAIL ? ", look at dns_resolver and dnssec_trust_anchor"
					    : "");
	if (!answered_at_once)
		abort();
	/* RFC 6761 6.2: tests may use it. */
	ub_ctx_zone_remove(ctx, "test.");
	return ST_OK;
}

struct resolver *resolver_new(struct loop *l, const struct resolver_config *config, struct err *err)
{
	struct resolver *r = NEW(struct resolver);
	int code;

	r->loop = l;
	r->queries_max = config->queries_max > 0 ? config->queries_max : QUERIES_DEFAULT;
	r->timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : TIMEOUT_DEFAULT_MS;
	list_init(&r->waiting);
	list_init(&r->asked);
	list_init(&r->answered);
	loop_timer_init(&r->timer, l, on_timer);
	resolve_events_init(&r->events, l);
	r->ctx = ub_ctx_create_ub_event(&r->events.base);
	if (r->ctx == NULL)
		abort();
	ub_ctx_debugout(r->ctx, NULL);
	code = set_options(r->ctx, config);
	if (code != 0)
		err_set(err, ST_USAGE, "DNS resolver: %s", ub_strerror(code));
	else if (add_servers(r->ctx, config->servers, err) == ST_OK &&
		 add_anchors(r->ctx, config->anchors, err) == ST_OK &&
		 warm_up(r->ctx, err) == ST_OK)
		return r;
	resolver_free(r);
	return NULL;
}

static void forget(struct link *list)
{
	struct dns_query *q;

	while ((q = first(list)) != NULL)
		resolve_cancel(q);
}

void resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	forget(&r->waiting);
	forget(&r->asked);
	forget(&r->answered);
	loop_timer_stop(&r->timer);
	ub_ctx_delete(r->ctx);
	free(r);
}
