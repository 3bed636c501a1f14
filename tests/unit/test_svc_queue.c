/* The store's side of the wall towards carriers, with this test in place of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/ipc_job.h"
#include "daemon/svc_queue.h"
#include "office_help.h"
#include "store_help.h"

struct carrier {
	struct ipc *ipc;
	bool lost;
	struct buf
		packets; /* u16 type, u32 session, u16 result, str: what came and was not looked at */
	uint32_t seq;
};

/* What the office may have to do with after a test that failed outlives that test. */
static struct svc svc;
static struct loop_io store_io;
static char *dir;
static uint32_t next_id;
static uint64_t ann;

static void store_ready(struct loop_io *io, int events)
{
	(void)io;
	(void)events;
	store_poll(svc.office.store);
}

static void turn_end(void *arg)
{
	(void)arg;
	svc_queue_turn(&svc);
	store_flush(svc.office.store);
	svc_reap(&svc);
}

static int open_office(void **state)
{
	struct credentials c = { .hash = "x" };
	struct err err = { 0 };

	(void)state;
	log_init(2, LOG_L_ERROR + 1, "test");
	dir = help_dir("/tmp");
	if (help_office(&svc.office, dir,
		    "hostname = mx.example.test\nqueue_retry = \"1s\"\n"
		    "route \"box.example\" {\n lmtp = \"127.0.0.1\"\n}\n",
		    &err) != ST_OK)
		return -1;
	list_init(&svc.edges);
	list_init(&svc.carriers);
	list_init(&svc.waits);
	svc.loop = loop_new();
	loop_io_init(&store_io, svc.loop, store_fd(svc.office.store), store_ready);
	loop_io_want(&store_io, LOOP_READ);
	loop_at_turn_end(svc.loop, turn_end, NULL);
	directory_domain_add(svc.office.directory, STR("example.test"), NULL);
	if (account_add(svc.office.directory, STR("ann@example.test"), &c, &ann, NULL) != ST_OK)
		return -1;
	svc_queue_start(&svc);
	return 0;
}

static int close_office(void **state)
{
	(void)state;
	if (svc.loop == NULL) /* it did not open */
		return 0;
	svc_close(&svc);
	svc_queue_stop(&svc);
	office_close(&svc.office);
	loop_free(svc.loop);
	help_remove_tree(dir);
	free(dir);
	return 0;
}

/* ---- a carrier ---- */

static void came(void *owner, struct ipc_packet *p)
{
	struct carrier *c = owner;

	put_u16(&c->packets, p->head.type);
	put_u32(&c->packets, p->head.session);
	put_u16(&c->packets, p->head.result);
	put_str(&c->packets, p->body.rest);
}

static void went(void *owner)
{
	((struct carrier *)owner)->lost = true;
}

static void carrier_open(struct carrier *c, uint32_t credit)
{
	struct ipc_head head = { .type = IPC_CREDIT };
	struct buf b = { 0 };
	int fds[2];

	*c = (struct carrier){ .seq = 1 };
	assert_int_equal(ipc_pair(fds), 0);
	c->ipc = ipc_new(svc.loop, fds[0], came, went, c);
	svc_add_carrier(&svc, fds[1], 0);
	put_u32(&b, credit);
	ipc_send(c->ipc, &head, buf_str(&b), STR(""), -1);
	buf_deinit(&b);
}

static void turns(int n)
{
	while (n-- > 0)
		loop_turn(svc.loop, false);
}

static void carrier_close(struct carrier *c)
{
	int64_t until = clock_mono_ms() + 10000;

	ipc_free(c->ipc);
	buf_deinit(&c->packets);
	while (!list_empty(&svc.carriers) && clock_mono_ms() < until)
		turns(1);
	assert_true(list_empty(&svc.carriers));
}

struct packet {
	uint16_t type, result;
	uint32_t session;
	struct buf body;
};

/* The next packet, waited for at most so long; type 0: none came. */
static struct packet next(struct carrier *c, int64_t ms)
{
	int64_t until = clock_mono_ms() + ms;
	struct packet p = { 0 };
	struct reader r;
	struct str body;

	while (c->packets.len == 0 && !c->lost && clock_mono_ms() < until) {
		turns(1);
		usleep(200);
	}
	if (c->packets.len == 0)
		return p;
	r = (struct reader){ .rest = buf_str(&c->packets) };
	p.type = get_u16(&r);
	p.session = get_u32(&r);
	p.result = get_u16(&r);
	body = get_str(&r);
	buf_put(&p.body, body);
	buf_consume(&c->packets, c->packets.len - r.rest.n);
	return p;
}

static void say(struct carrier *c, uint16_t type, uint32_t session, struct str body)
{
	struct ipc_head head = {
		.type = type, .session = session, .seq = type == IPC_CREDIT ? 0 : c->seq++
	};

	ipc_send(c->ipc, &head, body, STR(""), -1);
}

static struct packet take_job(struct carrier *c, struct job *job)
{
	struct packet p = next(c, 10000);
	struct reader r = { .rest = buf_str(&p.body) };

	assert_int_equal(p.type, IPC_JOB);
	assert_true(job_get(&r, job));
	return p;
}

static void put_outcome(struct buf *b, uint32_t number, enum outcome outcome, struct str status)
{
	struct job_outcome o = { .number = number,
		.outcome = outcome,
		.status = status,
		.reply = STR("550 nobody\r\nby that name"),
		.host = STR("mx[192.0.2.1]"),
		.tls = STR("encrypted") };

	outcome_put(b, &o);
}

static void finish(struct carrier *c, uint32_t session, const struct buf *outcomes)
{
	struct packet p;

	say(c, IPC_RESULT, session, buf_str(outcomes));
	p = next(c, 10000);
	assert_int_equal(p.type, IPC_RESULT);
	assert_int_equal(p.session, session);
	assert_int_equal(p.result, STORE_OK);
	buf_deinit(&p.body);
}

/* ---- mail ---- */

static uint8_t notify;      /* NOTIFY of what is sent */
static struct str stranger; /* whose it is, by address; "": ann's */

static struct msgid send_mail(struct str octets, const char *a, const char *b)
{
	static struct store_target t[2];
	static struct store_deliver d;
	struct store_draft *draft = store_draft_new(svc.office.store, help_id(++next_id));

	t[0] = (struct store_target){ .recipient = str_c(a), .notify = notify };
	t[1] = (struct store_target){ .recipient = str_c(b), .notify = notify };
	d = (struct store_deliver){ .op.done = help_note,
		.draft = draft,
		.sender = STR("ann@example.test"),
		.client = stranger,
		.received_ms = clock_wall_ms(),
		.prefix = STR("X-Prefix: y\r\n"),
		.targets = t,
		.count = b == NULL ? 1 : 2,
		.account = stranger.n > 0 ? 0 : ann };

	for (size_t at = 0; at < octets.n; at += 10000)
		(void)store_draft_append(draft, str_head(str_from(octets, at), 10000));
	help_done = false;
	store_deliver(svc.office.store, &d);
	assert_int_equal(help_wait(svc.office.store), STORE_OK);
	svc_queue_added(&svc, help_id(next_id), false);
	return help_id(next_id);
}

#define RETURN_PATH "Return-Path: <ann@example.test>\r\n"
static const struct str small = STR_INIT(RETURN_PATH "Subject: small\r\n\r\nbody\r\n");
/* What a carrier gets of the message: Return-Path goes no further. */
static struct str without_return_path(struct str s)
{
	return str_from(s, sizeof RETURN_PATH - 1);
}

static void assert_no_more(void)
{
	uint64_t waiting, held;

	turns(20);
	assert_int_equal(store_out_count(svc.office.store, &waiting, &held), STORE_OK);
	assert_int_equal(waiting, 0);
}

/* What the only message of ann's says, and it is gone then. */
static void take_notice(struct buf *out)
{
	int64_t until = clock_mono_ms() + 10000;
	struct store_listing l = { 0 };
	static struct store_expunge e;
	struct store_open o;
	struct msgid id;

	while (l.count == 0 && clock_mono_ms() < until) {
		turns(5);
		assert_int_equal(help_list(svc.office.store, &l, ann, 0), STORE_OK);
		if (l.count == 0)
			store_listing_free(&l);
	}
	assert_int_equal(l.count, 1);
	id = l.rows[0].id;
	store_listing_free(&l);
	assert_int_equal(help_open(svc.office.store, &o, ann), STORE_OK);
	assert_int_equal(help_read(svc.office.store, out, ann, o.token, id, 4096), STORE_OK);
	assert_int_equal(help_expunge(svc.office.store, &e, &o, &id, 1), STORE_OK);
	store_close(svc.office.store, ann, o.token);
}

static bool says(const struct buf *b, const char *what)
{
	return memmem(b->data + b->head, b->len, what, strlen(what)) != NULL;
}

static void jobs_and_notices(void **state)
{
	struct buf outcomes = { 0 }, notice = { 0 };
	static struct carrier c;
	struct packet p;
	struct job job;
	struct msgid id;

	(void)state;
	carrier_open(&c, 2);
	id = send_mail(small, "u@there.example", "v@there.example");
	p = take_job(&c, &job);
	assert_memory_equal(job.id.b, id.b, 16);
	assert_int_equal(job.count, 2);
	assert_true(str_eq(job.recipients[1].address, STR("v@there.example")));
	assert_true(str_eq(job.sender, STR("ann@example.test")));
	assert_int_equal(job.kind, ROUTE_MX);
	assert_true(str_eq(job.host, STR("there.example")) &&
		    str_eq(job.site, STR("mx:there.example")));
	assert_int_equal(job.prefix_octets, 13);
	assert_true(str_starts(job.message, STR("X-Prefix: y\r\nSubject: small\r\n")));
	assert_true(str_eq(str_from(job.message, 13), without_return_path(small)));
	assert_int_equal(job.message.n, job.octets);
	put_outcome(&outcomes, 0, OUTCOME_DELIVERED, STR("2.0.0"));
	put_outcome(&outcomes, 1, OUTCOME_FAILED, STR("5.1.1"));
	finish(&c, p.session, &outcomes);
	take_notice(&notice);
	assert_true(says(&notice, "v@there.example"));
	assert_true(says(&notice, "Status: 5.1.1"));
	assert_true(says(&notice, "Subject: small"));
	assert_true(
		says(&notice, "To: <ann@example.test>") || says(&notice, "To: ann@example.test"));
	assert_false(says(&notice, "u@there.example"));
	assert_false(says(&notice, "\r\nby that name")); /* nothing breaks out of its line */
	assert_no_more();
	job_free(&job);
	buf_deinit(&p.body);
	carrier_close(&c);
	buf_deinit(&outcomes);
	buf_deinit(&notice);
}

/* RFC 3464 2.3.3: a server that takes it by LMTP has delivered it (RFC 2033 4.2), another one passes it on. */
static void delivered_or_relayed(void **state)
{
	static const char *const to[] = { "u@box.example", "u@there.example" };
	static const char *const actions[] = { "Action: delivered", "Action: relayed" };
	struct buf outcomes = { 0 };
	static struct carrier c;

	(void)state;
	carrier_open(&c, 2);
	notify = QUEUE_SUCCESS;
	put_outcome(&outcomes, 0, OUTCOME_DELIVERED, STR("2.0.0"));
	for (size_t i = 0; i < 2; i++) {
		struct buf notice = { 0 };
		struct packet p;
		struct job job;

		send_mail(small, to[i], NULL);
		p = take_job(&c, &job);
		job_free(&job);
		finish(&c, p.session, &outcomes);
		take_notice(&notice);
		assert_true(says(&notice, actions[i]));
		buf_deinit(&p.body);
		buf_deinit(&notice);
	}
	notify = 0;
	carrier_close(&c);
	buf_deinit(&outcomes);
}

static void large_messages_are_read(void **state)
{
	struct buf big = { 0 }, got = { 0 }, outcomes = { 0 }, ask = { 0 };
	struct packet p, q;
	static struct carrier c;
	struct job job;

	(void)state;
	buf_put(&big, small);
	while (big.len < 700000)
		buf_put(&big, STR("0123456789 0123456789 0123456789\r\n"));
	carrier_open(&c, 1);
	send_mail(buf_str(&big), "u@there.example", NULL);
	p = take_job(&c, &job);
	assert_int_equal(job.message.n, 0);
	assert_int_equal(job.octets, 13 + without_return_path(buf_str(&big)).n);
	do {
		buf_clear(&ask);
		put_u64(&ask, got.len);
		put_u32(&ask, 50000);
		say(&c, IPC_QREAD, p.session, buf_str(&ask));
		q = next(&c, 10000);
		assert_int_equal(q.type, IPC_QREAD);
		assert_int_equal(q.result, STORE_OK);
		buf_put(&got, buf_str(&q.body));
		if (q.body.len == 0)
			break;
		buf_deinit(&q.body);
	} while (true);
	buf_deinit(&q.body);
	assert_true(str_eq(str_from(buf_str(&got), 13), without_return_path(buf_str(&big))));
	put_outcome(&outcomes, 0, OUTCOME_DELIVERED, STR("2.0.0"));
	finish(&c, p.session, &outcomes);
	assert_no_more();
	job_free(&job);
	buf_deinit(&p.body);
	carrier_close(&c);
	buf_deinit(&big);
	buf_deinit(&got);
	buf_deinit(&ask);
	buf_deinit(&outcomes);
}

static void credit_is_kept_to(void **state)
{
	struct buf outcomes = { 0 }, credit = { 0 };
	struct packet p, none;
	static struct carrier c;
	struct job job;

	(void)state;
	carrier_open(&c, 1);
	send_mail(small, "u@one.example", NULL);
	send_mail(small, "u@two.example", NULL);
	put_outcome(&outcomes, 0, OUTCOME_DELIVERED, STR("2.0.0"));
	for (int i = 0; i < 2; i++) {
		p = take_job(&c, &job);
		job_free(&job);
		none = next(&c, 50);
		assert_int_equal(none.type, 0);
		finish(&c, p.session, &outcomes);
		none = next(&c, 50);
		assert_int_equal(none.type, 0); /* a job that ended gives none back by itself */
		buf_clear(&credit);
		put_u32(&credit, 1);
		say(&c, IPC_CREDIT, 0, buf_str(&credit));
		buf_deinit(&p.body);
	}
	assert_no_more();
	/* None at all takes back what was given: it is ending. */
	buf_clear(&credit);
	put_u32(&credit, 0);
	say(&c, IPC_CREDIT, 0, buf_str(&credit));
	turns(3);
	send_mail(small, "u@three.example", NULL);
	none = next(&c, 50);
	assert_int_equal(none.type, 0);
	carrier_close(&c);
	carrier_open(&c, 1);
	p = take_job(&c, &job);
	assert_true(str_eq(job.site, STR("mx:three.example")));
	job_free(&job);
	finish(&c, p.session, &outcomes);
	buf_deinit(&p.body);
	carrier_close(&c);
	buf_deinit(&outcomes);
	buf_deinit(&credit);
}

/* Credit of nothing takes all of it back: this carrier drains. */
static void no_more_credit(void **state)
{
	struct buf outcomes = { 0 }, credit = { 0 };
	struct packet p, none;
	static struct carrier c;
	struct job job;

	(void)state;
	carrier_open(&c, 100);
	turns(5);
	put_u32(&credit, 0);
	say(&c, IPC_CREDIT, 0, buf_str(&credit));
	turns(5);
	send_mail(small, "u@one.example", NULL);
	none = next(&c, 100);
	assert_int_equal(none.type, 0);
	buf_clear(&credit);
	put_u32(&credit, 1);
	say(&c, IPC_CREDIT, 0, buf_str(&credit));
	p = take_job(&c, &job);
	job_free(&job);
	put_outcome(&outcomes, 0, OUTCOME_DELIVERED, STR("2.0.0"));
	finish(&c, p.session, &outcomes);
	buf_deinit(&p.body);
	assert_no_more();
	carrier_close(&c);
	buf_deinit(&outcomes);
	buf_deinit(&credit);
}

/* What no honest carrier says ends its channel, and another gets its job. */
static const struct arc_request request = { .instance = 1,
	.results = STR_INIT("mx.example.test; spf=pass"),
	.names = STR_INIT("From:From"),
	.fields = STR_INIT("from:a@far.test\r\n") };

static void hostile_carriers(void **state)
{
	struct buf good = { 0 }, wrong = { 0 }, read = { 0 }, much = { 0 }, huge = { 0 };
	struct buf seal = { 0 };
	static struct carrier c, other;
	struct packet p;
	struct job job;

	(void)state;
	put_outcome(&good, 0, OUTCOME_DELIVERED, STR("2.0.0"));
	put_outcome(&wrong, 5, OUTCOME_DELIVERED, STR("2.0.0"));
	put_u64(&read, 0);
	put_u32(&read, 10);
	put_u32(&much, 1u << 30);
	put_u64(&huge, 0);
	put_u32(&huge, 1u << 30);
	seal_put(&seal, &request);
	{
		const struct {
			const char *name;
			uint16_t type;
			uint32_t session; /* added to the job's */
			struct str body;
		} t[] = {
			{ "a result of a job that is none", IPC_RESULT, 1, buf_str(&good) },
			{ "a result for somebody else", IPC_RESULT, 0, buf_str(&wrong) },
			{ "a result for nobody", IPC_RESULT, 0, STR("") },
			{ "a result that is cut off", IPC_RESULT, 0,
				str_head(buf_str(&good), good.len - 1) },
			{ "reading what is no job of its own", IPC_QREAD, 7, buf_str(&read) },
			{ "reading too much", IPC_QREAD, 0, buf_str(&huge) },
			{ "a seal of what gets none", IPC_SEAL, 0, buf_str(&seal) },
			{ "too much credit", IPC_CREDIT, 0, buf_str(&much) },
			{ "a job", IPC_JOB, 0, buf_str(&good) },
			{ "a packet of an edge", IPC_RCPT, 0, buf_str(&good) },
			{ "a type that is none", 999, 0, STR("") },
		};

		for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
			carrier_open(&c, 1);
			send_mail(small, "u@there.example", NULL);
			p = take_job(&c, &job);
			job_free(&job);
			say(&c, t[i].type, p.session + t[i].session, t[i].body);
			buf_deinit(&p.body);
			p = next(&c, 10000);
			if (p.type != 0 || !c.lost)
				fail_msg("%s", t[i].name);
			carrier_close(&c);
			carrier_open(&other, 1);
			p = take_job(&other, &job);
			assert_int_equal(job.recipients[0].attempts, 1);
			job_free(&job);
			finish(&other, p.session, &good);
			buf_deinit(&p.body);
			carrier_close(&other);
			assert_no_more();
		}
	}
	buf_deinit(&good);
	buf_deinit(&wrong);
	buf_deinit(&read);
	buf_deinit(&much);
	buf_deinit(&huge);
	buf_deinit(&seal);
}

static void no_row(struct office_reply *r, json_t *row)
{
	(void)r;
	json_decref(row);
}

/* What a stranger handed in is to be sealed as soon as there is a key, by which the store signs it once. */
static void seals(void **state)
{
	struct office_reply reply = { .row = no_row };
	json_t *q = json_pack(
		"{s:s, s:s, s:s}", "verb", "dkim.new", "domain", "example.test", "selector", "x");
	struct buf good = { 0 }, seal = { 0 };
	static struct carrier c;
	struct packet p, answer;
	struct job job;

	(void)state;
	put_outcome(&good, 0, OUTCOME_DELIVERED, STR("2.0.0"));
	seal_put(&seal, &request);
	svc.signer = signer_new(svc.office.directory, 1);
	stranger = STR("192.0.2.1");
	for (int round = 0; round < 2; round++) {
		carrier_open(&c, 1);
		send_mail(small, "u@there.example", NULL);
		p = take_job(&c, &job);
		assert_int_equal(job.flags & JOB_SEAL, round == 0 ? 0 : JOB_SEAL);
		assert_true(str_eq(job.client, round == 0 ? STR("") : stranger));
		assert_true(str_eq(job.origin, round == 0 ? STR("") : STR("ann@example.test")));
		job_free(&job);
		if (round == 0)
			assert_int_equal(office_execute(&svc.office, q, &reply, NULL), ST_OK);
		for (int i = 0; round > 0 && i < 2; i++) {
			say(&c, IPC_SEAL, p.session, buf_str(&seal));
			do {
				signer_poll(svc.signer);
				answer = next(&c, 10);
			} while (answer.type == 0 && !c.lost);
			assert_int_equal(c.lost, i == 1);
			if (i == 0) {
				assert_int_equal(answer.result, STORE_OK);
				assert_true(says(&answer.body, "ARC-Seal: i=1;"));
			}
			buf_deinit(&answer.body);
		}
		if (round == 0)
			finish(&c, p.session, &good);
		buf_deinit(&p.body);
		carrier_close(&c);
	}
	/* lost while it is signed */
	carrier_open(&c, 1);
	p = take_job(&c, &job);
	job_free(&job);
	say(&c, IPC_SEAL, p.session, buf_str(&seal));
	turns(3);
	buf_deinit(&p.body);
	carrier_close(&c);
	signer_free(svc.signer);
	svc.signer = NULL;
	stranger = STR("");
	carrier_open(&c, 1);
	p = take_job(&c, &job);
	job_free(&job);
	finish(&c, p.session, &good);
	buf_deinit(&p.body);
	carrier_close(&c);
	json_decref(q);
	buf_deinit(&good);
	buf_deinit(&seal);
	assert_no_more();
}

/* The outcome was told, and then the carrier died: it counts. */
static void lost_after_the_outcome(void **state)
{
	struct buf good = { 0 };
	static struct carrier c, other;
	struct packet p;
	struct job job;

	(void)state;
	put_outcome(&good, 0, OUTCOME_DELIVERED, STR("2.0.0"));
	carrier_open(&c, 1);
	send_mail(small, "u@there.example", NULL);
	p = take_job(&c, &job);
	job_free(&job);
	say(&c, IPC_RESULT, p.session, buf_str(&good));
	buf_deinit(&p.body);
	carrier_close(&c);
	carrier_open(&other, 1);
	p = next(&other, 1500);
	assert_int_equal(p.type, 0);
	assert_no_more();
	carrier_close(&other);
	buf_deinit(&good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_and_notices),
		cmocka_unit_test(delivered_or_relayed),
		cmocka_unit_test(large_messages_are_read),
		cmocka_unit_test(credit_is_kept_to),
		cmocka_unit_test(no_more_credit),
		cmocka_unit_test(hostile_carriers),
		cmocka_unit_test(seals),
		cmocka_unit_test(lost_after_the_outcome),
	};

	return cmocka_run_group_tests(tests, open_office, close_office);
}
