/* What a store or a web process that is broken or was taken over says to a carrier: jobs, octets of messages, policies and
 * results as honest ones give them, such with octets changed, and any octets, in any order, cut off at any
 * place, while servers that are as strange are dialed.
 *
 * The carrier may lose that mail; it stays in its memory, and every job and connection ends.  Timers are ours, so that
 * hours pass at once; the resolver and connect(2) are too. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/carrier_job.h"
#include "daemon/carrier_secret.h"
#include "daemon/carrier_sts.c" /* forget_one() */
#include "fuzz_packets.h"
#include "fuzz_servers.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __wrap_loop_timer_at(struct loop_timer *t, int64_t at);
void __wrap_loop_timer_stop(struct loop_timer *t);

enum { OPS_MAX = 80, QUESTIONS = 8, TIMERS = 2048, END_TURNS = 3000 };

static const char settings[] =
	"hostname = mx.example.test\n"
	"smarthost {\nhost = 127.0.0.1\nport = 587\ntls = may\nuser = me\npassword_command = "
	"/bin/x\n}\n"
	"route a.test {\nrelay = 127.0.0.1\nuser = me\npassword = secret\ntls = none\n}\n"
	"route l.test {\nlmtp = 127.0.0.1\n}\n"
	"route b.test {\nbackup_mx = yes\n}\n"
	"sender_route s.test {\nrelay = 192.0.2.9\ntls = encrypt\n}\n"
	"fallback_relay {\nhost = 192.0.2.8\nport = 465\ntls = implicit\n}\n"
	"tls_policy d.test {\nlevel = dane\n}\ntls_policy v.test {\nlevel = verify\n}\n";

static struct carrier carrier;
static struct child_start start;
static int store, web, leash; /* the other ends; -1: closed */

/* ---- time ---- */

static int64_t now_ms;
static struct loop_timer *timers[TIMERS]; /* that run */
static size_t timer_count;

static int64_t wall_ms(void)
{
	return INT64_C(1700000000000);
}

static int64_t mono_ms(void)
{
	return now_ms;
}

static void same_octets(void *to, size_t n)
{
	memset(to, 7, n);
}

void __wrap_loop_timer_stop(struct loop_timer *t)
{
	for (size_t i = 0; i < timer_count; i++)
		if (timers[i] == t)
			timers[i--] = timers[--timer_count];
}

void __wrap_loop_timer_at(struct loop_timer *t, int64_t at)
{
	__wrap_loop_timer_stop(t);
	if (t == &carrier.orphaned || t == &carrier.late) /* they end the process */
		return;
	check(timer_count < TIMERS);
	t->at = at;
	timers[timer_count++] = t;
}

static struct loop_timer *first_timer(void)
{
	struct loop_timer *first = NULL;

	for (size_t i = 0; i < timer_count; i++)
		if (first == NULL || timers[i]->at < first->at)
			first = timers[i];
	return first;
}

/* ---- the store, the web process and the parent ---- */

static struct question {
	uint16_t type;
	uint32_t session, seq;
	uint64_t offset;
	uint32_t want;
} questions[QUESTIONS], of_web;
static unsigned asked;

static void take_of_store(const struct ipc_head *head, struct reader body)
{
	struct question *q = &questions[asked % QUESTIONS];
	struct arc_request request;
	struct job_outcome o;

	if (head->type == IPC_RESULT) {
		while (outcome_get(&body, &o))
			continue;
		check(!body.bad);
	}
	if (head->seq == 0)
		return;
	asked++;
	*q = (struct question){ head->type, head->session, head->seq, 0, 0 };
	if (head->type == IPC_SEAL)
		check(seal_get(&body, &request));
	if (head->type == IPC_QREAD) {
		q->offset = get_u64(&body);
		q->want = get_u32(&body);
		check(!body.bad && q->want > 0);
	}
}

static void take_of_web(const struct ipc_head *head, struct reader body)
{
	(void)body;
	of_web = (struct question){ head->type, head->session, head->seq, 0, 0 };
}

static void take_of_leash(const struct ipc_head *head, struct reader body)
{
	struct ipc_packet p = { .head = *head, .fd = -1 };
	struct buf b = { 0 };

	if (head->type != LEASH_SECRET)
		return;
	put_str(&b, body.rest);
	put_str(&b, network & 1 ? STR("") : STR("secret"));
	p.body.rest = buf_str(&b);
	carrier_from_parent(&carrier, &p);
	buf_deinit(&b);
}

static void channel_of(uint16_t type, int *ours)
{
	struct ipc_packet p = { .head = { .type = type } };
	int fds[2];

	if (*ours >= 0)
		close(*ours);
	check(ipc_pair(fds) == 0);
	*ours = fds[0];
	p.fd = fds[1];
	carrier_from_parent(&carrier, &p);
}

static void close_channel(int *ours)
{
	if (*ours >= 0)
		close(*ours);
	*ours = -1;
}

static const char message[] =
	"Subject: \xc3\xbc\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	"Content-Transfer-Encoding: 8bit\r\n\r\n.\xc3\xbc\r\n.\r\nlast\r\n";

/* The same to be sealed: a signature, and a chain of one. */
static const char signed_message[] =
	"ARC-Seal: i=1; a=rsa-sha256; t=1; cv=none; d=far.test; s=s; b=AAAA\r\n"
	"ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=far.test; s=s; t=1;\r\n"
	" h=From; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"
	"ARC-Authentication-Results: i=1; far.test; none\r\n"
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=far.test; s=s; h=From;\r\n"
	" bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"
	"From: a@far.test\r\n\r\n";

static struct str message_of(const struct job *j)
{
	return j->flags & JOB_SEAL ? str_of(signed_message, sizeof signed_message - 1)
				   : str_of(message, sizeof message - 1);
}

/* Where mail of this number goes. */
static void set_way(struct job *j, uint8_t n)
{
	static const struct {
		enum route_kind kind;
		struct str host;
		uint16_t port;
		bool has_rule;
		enum route_role role;
		struct str rule;
	} ways[] = {
		{ ROUTE_MX, STR_INIT("x.test"), 25, false, RULE_ROUTE, STR_INIT("") },
		{ ROUTE_MX, STR_INIT("d.test"), 25, false, RULE_ROUTE, STR_INIT("") },
		{ ROUTE_MX, STR_INIT("b.test"), 25, true, RULE_ROUTE, STR_INIT("b.test") },
		{ ROUTE_RELAY, STR_INIT("127.0.0.1"), 25, true, RULE_ROUTE, STR_INIT("a.test") },
		{ ROUTE_LMTP, STR_INIT("127.0.0.1"), 24, true, RULE_ROUTE, STR_INIT("l.test") },
		{ ROUTE_RELAY, STR_INIT("127.0.0.1"), 587, true, RULE_SMARTHOST, STR_INIT("") },
		{ ROUTE_RELAY, STR_INIT("192.0.2.9"), 25, true, RULE_SENDER, STR_INIT("s.test") },
		{ ROUTE_MX, STR_INIT("[192.0.2.1"), 25, false, RULE_ROUTE, STR_INIT("") },
	};

	j->kind = ways[n % 8].kind;
	j->host = ways[n % 8].host;
	j->port = ways[n % 8].port;
	j->has_rule = ways[n % 8].has_rule;
	j->role = ways[n % 8].role;
	j->rule = ways[n % 8].rule;
	j->site = j->host;
}

static void put_job(struct reader *in, struct buf *b)
{
	static struct job_recipient to[] = {
		{ .number = 1, .address = STR_INIT("a@x.test") },
		{ .number = 2, .address = STR_INIT("b@x.test"), .notify = 7 },
		{ .number = 3, .address = STR_INIT("\xc3\xbc@x.test") },
	};
	uint8_t way = get_u8(in), how = get_u8(in);
	struct job j = { .sender = way & 8 ? STR("") : STR("s@s.test"),
		.envid = way & 16 ? STR("env") : STR(""),
		.flags = (uint16_t)((how & 15) | (way & 32 ? JOB_SEAL : 0)),
		.client = way & 1 ? STR("192.0.2.1") : STR("2001:db8::1"),
		.origin = way & 2 ? STR("a@far.test") : STR(""),
		.recipients = to,
		.count = 1 + way % 3 };

	j.octets = message_of(&j).n;
	j.message = how & 16 ? STR("") : message_of(&j);
	set_way(&j, way);
	j.id.b[0] = (unsigned char)(how >> 5);
	if (way & 64)
		j.octets = get_u8(in);
	if (way & 128)
		j.octets = 200 * 1024;
	job_put(b, &j);
}

static void say_job(struct reader *in, bool changed)
{
	uint8_t number = get_u8(in);
	struct ipc_head head = { .type = IPC_JOB, .session = number & 7 };
	struct buf b = { 0 };

	put_job(in, &b);
	if (changed)
		change_octets(in, &b);
	if (number & 128)
		buf_truncate(&b, b.len - b.len * (number >> 3 & 15) / 16);
	say_packet(store, &head, buf_str(&b), -1);
	buf_deinit(&b);
}

static void put_octets(const struct question *q, struct buf *b)
{
	static const char more[] = "And so on, and so on, and so on.\r\n";

	if (q->offset < sizeof message - 1)
		buf_put(b, str_from(str_of(message, sizeof message - 1), q->offset));
	while (b->len < q->want && b->len < 40000)
		buf_put(b, str_c(more));
	if (b->len > q->want)
		buf_truncate(b, q->want);
}

/* The type and what is said are mostly those of the question. */
static void answer_store(struct reader *in, uint8_t how)
{
	uint8_t which = get_u8(in);
	const struct question *q = &questions[(asked - 1 - which % QUESTIONS) % QUESTIONS];
	struct ipc_head head = { .type = q->type, .session = q->session, .seq = q->seq };
	struct buf b = { 0 };

	if (q->type == IPC_QREAD && (how & 1) != 0)
		put_octets(q, &b);
	if (q->type == IPC_SEAL && (how & 1) != 0)
		buf_put(&b, STR("ARC-Seal: x\r\n"));
	if (how & 2)
		change_octets(in, &b);
	if (how & 4) {
		head.type = get_u8(in) & 1 ? IPC_QREAD : IPC_RESULT;
		head.result = get_u8(in) & 7;
		buf_put(&b, get_bytes(in, get_u8(in)));
	}
	say_packet(store, &head, buf_str(&b), which & 128 ? dup(leash) : -1);
	buf_deinit(&b);
}

static void answer_web(struct reader *in, uint8_t how)
{
	static const struct str policies[] = {
		STR_INIT("version: STSv1\nmode: enforce\nmx: mx1.test\nmax_age: 86400\n"),
		STR_INIT("version: STSv1\nmode: testing\nmx: *.test\nmax_age: 1\n"), STR_INIT("")
	};
	struct ipc_head head = { .type = of_web.type, .session = of_web.session, .seq = 1 };
	struct buf b = { 0 };

	put_str(&b, of_web.type == WEB_FETCH && (how & 4) == 0 ? STR("") : STR("1"));
	if (of_web.type == WEB_RECALL)
		put_u64(&b, how & 8 ? get_u64(in) : 1);
	put_str(&b, policies[how % 3]);
	if (how & 16)
		change_octets(in, &b);
	if (how & 32)
		buf_put(&b, get_bytes(in, get_u8(in)));
	say_packet(web, &head, buf_str(&b), how & 64 ? dup(leash) : -1);
	buf_deinit(&b);
}

/* What nobody asked for. */
static void note(struct reader *in)
{
	static const uint16_t types[] = { IPC_JOB, IPC_QREAD, IPC_RESULT, IPC_MANY, IPC_CREDIT };
	uint8_t how = get_u8(in);
	struct ipc_head head = { .type = types[how % 5], .session = get_u32(in), .seq = how >> 4 };
	struct str octets = get_bytes(in, get_u8(in));

	if (how & 8)
		head.session &= 7;
	say_packet(how & 128 ? web : store, &head, octets, how & 64 ? dup(leash) : -1);
}

/* ---- turns ---- */

static void turn(void)
{
	struct link *l;
	struct loop_timer *t;

	loop_turn(carrier.loop, false);
	while ((l = list_take(&names)) != NULL)
		answer_name(LIST_OF(l, struct dns_query, link));
	for (int i = 0; i < 50 && (t = first_timer()) != NULL && t->at <= now_ms; i++) {
		__wrap_loop_timer_stop(t);
		t->expired(t);
	}
	take_packets(store, take_of_store);
	take_packets(web, take_of_web);
	take_packets(leash, take_of_leash);
}

/* Until the next timer. */
static void time_passes(void)
{
	const struct loop_timer *t = first_timer();

	if (t != NULL && t->at > now_ms)
		now_ms = t->at;
	turn();
}

static void step_peers(struct reader *in, uint8_t what)
{
	struct server *s = &servers[what % SERVERS];

	switch (what >> 3 & 3) {
	case 0: server_says(s, reply(get_u8(in))); break;
	case 1: server_says(s, get_bytes(in, get_u8(in))); break;
	case 2: serve(s); break;
	case 3: server_ends(s); break;
	}
}

static void step(struct reader *in)
{
	uint8_t what = get_u8(in);

	switch (what >> 5) {
	case 0: say_job(in, (what & 3) == 3); break;
	case 1: answer_store(in, what & 7 ? what & 7 : 1); break;
	case 2: step_peers(in, what); break;
	case 3:
		for (size_t i = 0; i < SERVERS; i++)
			serve(&servers[i]);
		break;
	case 4: answer_web(in, get_u8(in)); break;
	case 5: note(in); break;
	case 6: time_passes(); break;
	case 7:
		if (what & 1)
			channel_of(LEASH_CHANNEL, &store);
		else if (what & 2)
			channel_of(LEASH_WEB, &web);
		else if (what & 4)
			close_channel(what & 8 ? &store : &web);
		else
			network = get_u8(in), offers = get_u8(in);
		break;
	}
	for (int i = 0; i < 3; i++)
		turn();
}

/* ---- beginning and end ---- */

static void begin(void)
{
	static const struct clock_source clock = { wall_ms, mono_ms, same_octets };
	struct err err = { ST_OK, "" };
	int fds[2];

	log_init(2, LOG_L_ERROR + 1, "fuzz");
	clock_replace(&clock);
	list_init(&names);
	carrier.start = &start;
	carrier.config = start.config = config_parse(str_c(settings), "fuzz", &err);
	if (carrier.config == NULL)
		fprintf(stderr, "%s\n", err.text);
	check(carrier.config != NULL);
	carrier.loop = loop_new();
	carrier_init(&carrier);
	carrier.tls = tls_client_new(STR(""), &err);
	check(carrier.tls != NULL && carrier_dns_prepare(&carrier, &err));
	check(ipc_pair(fds) == 0);
	leash = fds[0];
	carrier.leash = ipc_new(carrier.loop, fds[1], carrier_from_parent, NULL, &carrier);
}

static void forget_secrets(void)
{
	struct link *l;

	while ((l = list_take(&carrier.secrets)) != NULL) {
		struct carrier_secret *s = LIST_OF(l, struct carrier_secret, link);

		buf_wipe(&s->text);
		free(s);
	}
}

/* The channels are gone, the servers too, and hours pass: nothing may be left. */
static void end(void)
{
	close_channel(&store);
	close_channel(&web);
	for (size_t i = 0; i < SERVERS; i++)
		server_ends(&servers[i]);
	network = REFUSES;
	turn();
	for (int n = 0; n < END_TURNS && (timer_count > 0 || !list_empty(&names)); n++)
		time_passes();
	check(timer_count == 0 && carrier.job_count == 0 && carrier.idle_count == 0);
	check(list_empty(&carrier.sessions) && list_empty(&carrier.orphans));
	while (carrier.sts_count > 0) {
		size_t before = carrier.sts_count;

		forget_one(&carrier);
		check(carrier.sts_count < before);
	}
	forget_secrets();
	ipc_free(carrier.store);
	carrier.store = NULL;
	web_client_deinit(&carrier.web);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool begun;
	struct reader in = { str_of(data, size), false };
	int next;

	if (!begun)
		begin();
	begun = true;
	next = next_descriptor();
	now_ms = 1000000;
	asked = 0;
	memset(questions, 0, sizeof questions);
	of_web = (struct question){ 0 };
	store = web = -1;
	for (size_t i = 0; i < SERVERS; i++)
		servers[i].fd = -1;
	network = get_u8(&in);
	offers = get_u8(&in);
	web_client_init(&carrier.web, carrier.loop, carrier.resolver);
	carrier.web.never = &carrier.never;
	channel_of(LEASH_CHANNEL, &store);
	channel_of(LEASH_WEB, &web);
	for (int i = 0; i < OPS_MAX && in.rest.n > 0; i++)
		step(&in);
	end();
	check(next == next_descriptor());
	return 0;
}
