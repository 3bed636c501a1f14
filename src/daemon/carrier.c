/* The process that dials: no listening socket, no file, no user's session; its only way to the mail is
 * the channel to the store. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/carrier_job.h"
#include "daemon/carrier_lookup.h"
#include "daemon/carrier_secret.h"
#include "daemon/ipc_lookup.h"

enum {
	ORPHAN_MS = 30 * 1000,
	STOP_MS = 5 * 1000, /* for sessions to end after LEASH_STOP */
	JOBS_AT_ONCE = 256,
	QUIT_MS = 5 * 1000,
};

static void credit(struct carrier *c, uint32_t jobs)
{
	struct ipc_head head = { .type = IPC_CREDIT };
	struct buf b = { 0 };

	put_u32(&b, jobs);
	if (c->store != NULL && !c->store_lost)
		ipc_send(c->store, &head, buf_str(&b), STR(""), -1);
	buf_deinit(&b);
}

uint32_t carrier_ask(struct carrier *c, uint32_t number, enum ipc_queue type, struct str fields)
{
	struct ipc_head head = { .type = (uint16_t)type, .session = number };

	if (c->store == NULL || c->store_lost)
		return 0;
	if (++c->seq == 0)
		c->seq = 1;
	head.seq = c->seq;
	ipc_send(c->store, &head, fields, STR(""), -1);
	return head.seq;
}

static void end_if_drained(struct carrier *c)
{
	if (c->draining && c->job_count == 0)
		loop_stop(c->loop);
}

void carrier_job_ended(struct carrier *c, uint32_t number)
{
	c->jobs[number] = NULL;
	c->job_count--;
	c->ended++;
	end_if_drained(c);
}

static void from_store(void *owner, struct ipc_packet *p)
{
	struct carrier *c = owner;
	uint32_t number = p->head.session;
	struct carrier_job *j = number < c->job_slots ? c->jobs[number] : NULL;

	if (p->head.type == IPC_JOB) {
		if (!job_start(c, number, &p->body))
			log_error("carrier.bad-job", F_INT("job", number));
	} else if (p->head.type == IPC_LOOKUP) {
		carrier_lookup(c, p);
	} else if (j != NULL && j->seq != 0 && j->seq == p->head.seq) {
		job_answered(j, p);
	}
	if (p->fd >= 0)
		close(p->fd);
}

static void forget_store(struct carrier *c)
{
	log_warn("carrier.store-lost", F_INT("jobs", c->job_count));
	c->store_lost = true;
	carrier_lookups_lost(c);
	for (uint32_t i = 0; i < c->job_slots; i++)
		if (c->jobs[i] != NULL)
			job_store_lost(c->jobs[i]);
}

static void store_lost(void *owner)
{
	struct carrier *c = owner;
	struct ipc_head ask = { .type = LEASH_CHANNEL };

	forget_store(c);
	ipc_send(c->leash, &ask, STR(""), STR(""), -1);
	loop_timer_at(&c->orphaned, loop_now_ms(c->loop) + ORPHAN_MS);
}

void carrier_new_store(struct carrier *c, int fd)
{
	if (c->store != NULL && !c->store_lost) /* the parent knew before us */
		forget_store(c);
	ipc_free(c->store);
	c->store = ipc_new(c->loop, fd, from_store, store_lost, c);
	ipc_gather(c->store);
	c->store_lost = false;
	c->ended = 0;
	loop_timer_stop(&c->orphaned);
	carrier_dns_tell(c);
	if (!c->draining)
		credit(c, JOBS_AT_ONCE);
}

/* Nobody gave us another channel in all that time. */
static void orphaned(struct loop_timer *t)
{
	struct carrier *c = LIST_OF(t, struct carrier, orphaned);

	log_error("carrier.orphaned", F_INT("jobs", c->job_count));
	log_flush();
	_exit(EX_SOFTWARE);
}

/* Jobs under way end as they would; one that the store sends before it knows is done too. */
static void drain(struct carrier *c)
{
	c->draining = true;
	credit(c, 0);
	out_quit_idle(c);
	end_if_drained(c);
}

static void late(struct loop_timer *t)
{
	struct carrier *c = LIST_OF(t, struct carrier, late);

	log_warn("carrier.cut", F_INT("jobs", c->job_count));
	loop_stop(c->loop);
}

void carrier_from_parent(void *owner, struct ipc_packet *p)
{
	struct carrier *c = owner;

	switch ((enum leash_type)p->head.type) {
	case LEASH_CHANNEL:
		if (p->fd < 0)
			break;
		carrier_new_store(c, p->fd);
		return;
	case LEASH_STOP: loop_timer_at(&c->late, loop_now_ms(c->loop) + STOP_MS); /* fall through */
	case LEASH_DRAIN: drain(c); break;
	case LEASH_WEB:
		if (p->fd < 0)
			break;
		web_client_channel(&c->web, p->fd);
		return;
	case LEASH_SECRET: carrier_secret_came(c, &p->body); break;
	case LEASH_READY:
	case LEASH_CONFIG:
	case LEASH_TOKENS:
	case LEASH_TICKETS:
	case LEASH_CARRIER: break; /* not for a carrier */
	}
	if (p->fd >= 0)
		close(p->fd);
}

static void parent_lost(void *owner)
{
	struct carrier *c = owner;

	loop_stop(c->loop);
}

/* What this turn has for the store crosses together: a system call, and the store woken, once for all. */
static void turn_end(void *arg)
{
	struct carrier *c = arg;

	if (c->ended > 0 && !c->draining)
		credit(c, c->ended);
	c->ended = 0;
	if (c->store != NULL)
		ipc_flush(c->store);
	log_flush();
}

/* Addresses that no MX record can mean: ourselves, nobody, everybody (RFC 6890). */
static const char never_mx[] = "0.0.0.0/8 127.0.0.0/8 169.254.0.0/16 224.0.0.0/4 240.0.0.0/4 "
			       "::/128 ::1 fe80::/10 ff00::/8";

void carrier_init(struct carrier *c)
{
	const struct config *config = c->config;
	struct str bad; /* nothing is */

	c->smtp = (struct smtpc_config){ .greeting_timeout_ms =
						 config->smtp_client_greeting_timeout_ms,
		.command_timeout_ms = config->smtp_client_command_timeout_ms,
		.data_timeout_ms = config->smtp_client_data_timeout_ms,
		.block_timeout_ms = config->smtp_client_block_timeout_ms,
		.end_timeout_ms = config->smtp_client_dot_timeout_ms,
		.quit_timeout_ms = QUIT_MS };
	loop_at_turn_end(c->loop, turn_end, c);
	c->dial.timeout_ms = config->smtp_client_connect_timeout_ms;
	list_init(&c->sessions);
	list_init(&c->secrets);
	list_init(&c->lookups);
	list_init(&c->lookups_wait);
	list_init(&c->orphans);
	list_init(&c->sts);
	loop_timer_init(&c->orphaned, c->loop, orphaned);
	loop_timer_init(&c->late, c->loop, late);
	cidr_set_parse(&c->never, str_c(never_mx), &bad);
	c->own_names[0] = str_c(config->hostname);
	c->mx = (struct nexthop_config){ .own_names = c->own_names,
		.own_name_count = 1,
		.own_addresses = &c->own_addresses,
		.never = &c->never };
}

/* Those of our interfaces; mail that MX records send there would come back to us. */
static void own_addresses(struct cidr_set *set)
{
	struct ifaddrs *all = NULL;
	size_t n = 0;

	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *a = all; a != NULL; a = a->ifa_next)
		n++;
	set->rows = mem_array(NULL, n + 1, sizeof *set->rows);
	for (const struct ifaddrs *a = all; a != NULL; a = a->ifa_next) {
		char text[INET6_ADDRSTRLEN];
		int family = a->ifa_addr == NULL ? AF_UNSPEC : a->ifa_addr->sa_family;
		const void *ip =
			family == AF_INET
				? (const void *)&(
					  (const struct sockaddr_in *)(const void *)a->ifa_addr)
					  ->sin_addr
				: (const void *)&(
					  (const struct sockaddr_in6 *)(const void *)a->ifa_addr)
					  ->sin6_addr;

		if ((family == AF_INET || family == AF_INET6) &&
			inet_ntop(family, ip, text, sizeof text) != NULL &&
			cidr_parse(str_c(text), &set->rows[set->count]))
			set->count++;
	}
	freeifaddrs(all);
}

/* Before the sandbox closes: what needs netlink and files. */
static bool prepare(struct carrier *c, struct err *err)
{
	bool ready;

	c->tls = tls_client_new(c->start->roots, err);
	ready = c->tls != NULL && carrier_dns_prepare(c, err);
	web_client_init(&c->web, c->loop, c->resolver);
	c->web.never = &c->never;
	return ready;
}

_Noreturn void carrier_process(struct child_start *start)
{
	struct carrier *c = NEW(struct carrier);
	struct err err = { 0 };
	struct ipc_head ready = { .type = LEASH_READY };
	char root[4096];

	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes with write(2) */
	snprintf(root, sizeof root, "%s/empty", start->state);
	c->start = start;
	c->config = start->config;
	c->loop = loop_new();
	carrier_init(c);
	own_addresses(&c->own_addresses);
	if (!prepare(c, &err) || sandbox_drop(&start->identity, root, &err) != ST_OK ||
		sandbox_syscalls(SANDBOX_CARRIER, &err) != ST_OK) {
		log_error("carrier.failed", F_C("err", err.text));
		_exit(EX_CONFIG);
	}
	c->leash = ipc_new(c->loop, start->leash, carrier_from_parent, parent_lost, c);
	carrier_new_store(c, start->channel);
	carrier_dns_start(c);
	ipc_send(c->leash, &ready, STR(""), STR(""), -1);
	loop_run(c->loop);
	log_flush();
	_exit(0);
}
