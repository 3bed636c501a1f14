#include "daemon/web.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/child.h"
#include "daemon/web_get.h"
#include "daemon/web_kept.h"
#include "net/cidr.h"
#include "trust/mtasts.h"

enum { DOMAIN_MOST = 253 };

struct office {
	struct loop *loop;
	struct web web;
	struct kept kept;
	struct ipc *leash;
	struct link askers;
	struct link waiting; /* struct fetch, not begun */
	struct link running;
	size_t waiting_count;
};

struct asker { /* a carrier */
	struct link link;
	struct office *office;
	struct ipc *ipc;
	bool lost;
};

struct fetch {
	struct link link;
	struct office *office;
	struct asker *asker; /* NULL: nobody waits any more; what comes is kept all the same */
	struct ipc_head head;
	struct web_get get;
	char domain[DOMAIN_MOST + 1], id[MTASTS_ID_MAX + 1];
	char addresses[WEB_ADDRESSES * 48];
	uint16_t port;
};

static void answer(struct asker *a, const struct ipc_head *head, struct str error, struct str body)
{
	struct buf out = { 0 };

	put_str(&out, error);
	put_str(&out, body);
	ipc_send(a->ipc, head, buf_str(&out), STR(""), -1);
	buf_deinit(&out);
}

static void start_waiting(struct office *o);

static void on_fetched(struct web_get *g)
{
	struct fetch *f = LIST_OF(g, struct fetch, get);
	struct office *o = f->office;
	struct mtasts_policy policy;
	struct err err = { 0 };

	if (g->error[0] == '\0' && mtasts_parse(&policy, buf_str(&g->body), &err) == ST_OK) {
		mtasts_policy_deinit(&policy);
		kept_put(&o->kept, str_c(f->domain), str_c(f->id), clock_steady_ms(),
			buf_str(&g->body));
		log_info("web.policy", F_C("domain", f->domain), F_C("id", f->id));
	} else {
		if (g->error[0] == '\0')
			snprintf(g->error, sizeof g->error, "%s", err.text);
		/* RFC 8461 3.3: administrators are told. */
		log_warn("web.no-policy", F_C("domain", f->domain), F_C("id", f->id),
			F_C("err", g->error));
	}
	if (f->asker != NULL)
		answer(f->asker, &f->head, str_c(g->error),
			g->error[0] == '\0' ? buf_str(&g->body) : STR(""));
	web_get_deinit(g);
	list_del(&f->link);
	free(f);
	start_waiting(o);
}

static void begin(struct fetch *f)
{
	char url[DOMAIN_MOST + 80], resolve[DOMAIN_MOST + 40 + sizeof f->addresses], port[8] = "";

	if (f->port != 443)
		snprintf(port, sizeof port, ":%u", f->port);
	snprintf(url, sizeof url, "https://mta-sts.%s%s/.well-known/mta-sts.txt", f->domain, port);
	snprintf(resolve, sizeof resolve, "mta-sts.%s:%u:%s", f->domain, f->port, f->addresses);
	f->get.type = "text/plain"; /* RFC 8461 3.2 */
	web_get_start(&f->office->web, &f->get, url, resolve, MTASTS_POLICY_MAX, on_fetched);
}

static void start_waiting(struct office *o)
{
	struct link *l;

	while (o->web.running < WEB_AT_ONCE && (l = list_take(&o->waiting)) != NULL) {
		list_append(&o->running, l);
		o->waiting_count--;
		begin(LIST_OF(l, struct fetch, link));
	}
}

/* What becomes part of a URL: letters, digits, dots and dashes. */
static bool is_domain(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!((c >= 'a' && c <= 'z') || ascii_digit(c) || c == '-' || c == '.'))
			return false;
	}
	return s.n > 0 && s.n <= DOMAIN_MOST && s.p[0] != '.' && s.p[0] != '-';
}

static void add_address(struct fetch *f, struct str octets)
{
	size_t at = str_c(f->addresses).n;
	const unsigned char *ip = (const unsigned char *)octets.p;
	bool v4 = cidr_is_v4(ip);
	char text[INET6_ADDRSTRLEN];

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip + 12 : ip, text, sizeof text);
	snprintf(f->addresses + at, sizeof f->addresses - at, "%s%s%s%s", at > 0 ? "," : "",
		v4 ? "" : "[", text, v4 ? "" : "]");
}

/* False: no packet a carrier sends. */
static bool take_fetch(struct asker *a, struct ipc_packet *p)
{
	struct fetch *f = NEW(struct fetch);
	struct office *o = a->office;
	struct str domain = get_str(&p->body), id = get_str(&p->body);
	unsigned count;

	f->office = o;
	f->asker = a;
	f->head = p->head;
	f->port = get_u16(&p->body);
	count = get_u8(&p->body);
	if (count > 0 && count <= WEB_ADDRESSES && is_domain(domain) && id.n <= MTASTS_ID_MAX &&
		f->port != 0)
		for (unsigned i = 0; i < count; i++) {
			struct str octets = get_bytes(&p->body, 16);

			if (!p->body.bad)
				add_address(f, octets);
		}
	else
		p->body.bad = true;
	if (p->body.bad || p->body.rest.n > 0) {
		free(f);
		return false;
	}
	for (size_t i = 0; i < domain.n; i++)
		f->domain[i] = ascii_lower(domain.p[i]);
	snprintf(f->id, sizeof f->id, "%.*s", STR_ARG(id));
	if (o->web.curl == NULL || o->waiting_count >= WEB_WAITING) {
		answer(a, &p->head,
			o->web.curl == NULL ? STR("libcurl is missing")
					    : STR("too many fetches wait"),
			STR(""));
		free(f);
		return true;
	}
	list_append(&o->waiting, &f->link);
	o->waiting_count++;
	start_waiting(o);
	return true;
}

static bool take_recall(struct asker *a, struct ipc_packet *p)
{
	struct str domain = get_str(&p->body);
	const struct kept_row *row = kept_find(&a->office->kept, domain);
	struct buf out = { 0 };

	if (p->body.bad || p->body.rest.n > 0)
		return false;
	put_str(&out, row != NULL ? buf_str(&row->id) : STR(""));
	put_u64(&out, row != NULL ? (uint64_t)row->fetched_ms : 0);
	put_str(&out, row != NULL ? buf_str(&row->body) : STR(""));
	ipc_send(a->ipc, &p->head, buf_str(&out), STR(""), -1);
	buf_deinit(&out);
	return true;
}

static void from_carrier(void *owner, struct ipc_packet *p)
{
	struct asker *a = owner;
	bool good = !a->lost && p->fd < 0;

	if (p->fd >= 0)
		close(p->fd);
	if (good && p->head.type == WEB_FETCH)
		good = take_fetch(a, p);
	else if (good && p->head.type == WEB_RECALL)
		good = take_recall(a, p);
	else
		good = false;
	if (good || a->lost)
		return;
	log_error("web.bad-packet", F_INT("type", p->head.type));
	a->lost = true;
}

static void carrier_lost(void *owner)
{
	struct asker *a = owner;

	a->lost = true;
}

static void leave(struct link *fetches, const struct asker *a)
{
	for (struct link *l = fetches->next; l != fetches; l = l->next)
		if (LIST_OF(l, struct fetch, link)->asker == a)
			LIST_OF(l, struct fetch, link)->asker = NULL;
}

static void turn_end(void *arg)
{
	struct office *o = arg;

	for (struct link *l = o->askers.next, *next; l != &o->askers; l = next) {
		struct asker *a = LIST_OF(l, struct asker, link);

		next = l->next;
		if (!a->lost)
			continue;
		leave(&o->waiting, a);
		leave(&o->running, a);
		ipc_free(a->ipc);
		list_del(&a->link);
		free(a);
	}
	log_flush();
}

static void from_parent(void *owner, struct ipc_packet *p)
{
	struct office *o = owner;

	if (p->head.type == LEASH_CARRIER && p->fd >= 0) {
		struct asker *a = NEW(struct asker);

		a->office = o;
		a->ipc = ipc_new(o->loop, p->fd, from_carrier, carrier_lost, a);
		list_append(&o->askers, &a->link);
		return;
	}
	if (p->head.type == LEASH_STOP || p->head.type == LEASH_DRAIN)
		loop_stop(o->loop);
	if (p->fd >= 0)
		close(p->fd);
}

static void parent_lost(void *owner)
{
	struct office *o = owner;

	loop_stop(o->loop);
}

_Noreturn void web_process(const struct web_start *start)
{
	static struct office office;
	struct office *o = &office;
	struct err err = { 0 };
	struct ipc_head ready = { .type = LEASH_READY };
	char root[4096];

	signal(SIGPIPE, SIG_IGN);
	snprintf(root, sizeof root, "%s/empty", start->state);
	o->loop = loop_new();
	list_init(&o->askers);
	list_init(&o->waiting);
	list_init(&o->running);
	/* The policies that are kept bind all the same (RFC 8461 5.1). */
	if (web_init(&o->web, o->loop, start->roots, &err) != ST_OK)
		log_error("web.no-libcurl", F_C("err", err.text),
			F_C("do", "install libcurl4 and reload: no MTA-STS policy can be fetched"));
	if (sandbox_drop(&start->identity, root, &err) != ST_OK ||
		sandbox_syscalls(SANDBOX_WEB, &err) != ST_OK) {
		log_error("web.failed", F_C("err", err.text));
		_exit(EX_CONFIG);
	}
	kept_open(&o->kept, start->kept_fd);
	o->leash = ipc_new(o->loop, start->leash, from_parent, parent_lost, o);
	loop_at_turn_end(o->loop, turn_end, o);
	ipc_send(o->leash, &ready, STR(""), STR(""), -1);
	loop_run(o->loop);
	log_flush();
	_exit(0);
}
