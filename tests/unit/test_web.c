/* The web process, whole and in its sandbox, against a server that is many policy hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/child.h"
#include "daemon/web_client.h"

static char dir[] = "/tmp/restante-web-XXXXXX";
static pid_t hosts;
static uint16_t port;
static struct buf roots;

struct rig {
	struct loop *loop;
	struct ipc *leash;
	struct ipc *carrier;
	pid_t pid;
	bool ready, lost;
	char error[300];
	struct buf id, body;
	int64_t fetched_ms;
	int answers;
};

static void from_web(void *owner, struct ipc_packet *p)
{
	struct rig *r = owner;

	r->ready |= p->head.type == LEASH_READY;
}

static void take_answer(void *owner, struct ipc_packet *p)
{
	struct rig *r = owner;
	struct str s = STR("");

	assert_int_equal(p->head.session, 7);
	buf_clear(&r->id);
	buf_clear(&r->body);
	if (p->head.type == WEB_FETCH)
		s = get_str(&p->body);
	else
		buf_put(&r->id, get_str(&p->body));
	snprintf(r->error, sizeof r->error, "%.*s", STR_ARG(s));
	if (p->head.type == WEB_RECALL)
		r->fetched_ms = (int64_t)get_u64(&p->body);
	buf_put(&r->body, get_str(&p->body));
	assert_false(p->body.bad);
	r->answers++;
}

static void on_lost(void *owner)
{
	((struct rig *)owner)->lost = true;
}

static void run_until(struct rig *r, const int *count, int wanted)
{
	int64_t end = clock_mono_ms() + 20000;

	while (*count < wanted && !r->lost && clock_mono_ms() < end) {
		loop_turn(r->loop, false);
		usleep(500);
	}
}

static void to_web(struct ipc *leash, enum leash_type type, int fd)
{
	struct ipc_head head = { .type = (uint16_t)type };

	ipc_send(leash, &head, STR(""), STR(""), fd);
}

static struct ipc *introduce(struct rig *r)
{
	int channel[2];
	struct ipc *end;

	assert_return_code(ipc_pair(channel), 0);
	to_web(r->leash, LEASH_CARRIER, channel[0]);
	close(channel[0]);
	end = ipc_new(r->loop, channel[1], take_answer, on_lost, r);
	return end;
}

static void start_web(struct rig *r)
{
	int leash[2];
	char path[64];

	r->ready = r->lost = false;
	snprintf(path, sizeof path, "%s/kept", dir);
	assert_return_code(ipc_pair(leash), 0);
	r->pid = fork();
	if (r->pid == 0) {
		struct web_start start = { .state = dir,
			.leash = leash[1],
			.kept_fd = open(path, O_RDWR | O_CREAT, 0600),
			.roots = buf_str(&roots) };

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(leash[0]);
		log_init(2, LOG_L_ERROR, "web");
		web_process(&start);
	}
	close(leash[1]);
	r->leash = ipc_new(r->loop, leash[0], from_web, on_lost, r);
	for (int i = 0; i < 5000 && !r->ready; i++) {
		loop_turn(r->loop, false);
		usleep(1000);
	}
	assert_true(r->ready);
	r->carrier = introduce(r);
}

static void rig_open(struct rig *r)
{
	*r = (struct rig){ .loop = loop_new() };
	start_web(r);
}

static void rig_close(struct rig *r)
{
	int status = 1;

	if (!r->lost)
		to_web(r->leash, LEASH_STOP, -1);
	loop_turn(r->loop, false);
	ipc_free(r->carrier);
	waitpid(r->pid, &status, 0);
	assert_int_equal(status, 0);
	ipc_free(r->leash);
	buf_deinit(&r->id);
	buf_deinit(&r->body);
	loop_free(r->loop);
}

static void put_fetch(struct buf *to, struct str domain, struct str id, uint16_t at, uint8_t count)
{
	unsigned char address[16] = { [10] = 0xff, [11] = 0xff, 127, 0, 0, 1 };

	put_str(to, domain);
	put_str(to, id);
	put_u16(to, at);
	put_u8(to, count);
	for (int i = 0; i < count; i++)
		buf_put(to, str_of(address, 16));
}

static void fetch(struct rig *r, const char *domain, const char *id, uint16_t at)
{
	struct ipc_head head = { .type = WEB_FETCH, .session = 7, .seq = 1 };
	struct buf out = { 0 };
	int before = r->answers;

	put_fetch(&out, str_c(domain), str_c(id), at, 1);
	ipc_send(r->carrier, &head, buf_str(&out), STR(""), -1);
	buf_deinit(&out);
	run_until(r, &r->answers, before + 1);
	assert_int_equal(r->answers, before + 1);
}

static void recall(struct rig *r, const char *domain)
{
	struct ipc_head head = { .type = WEB_RECALL, .session = 7, .seq = 1 };
	struct buf out = { 0 };
	int before = r->answers;

	put_str(&out, str_c(domain));
	ipc_send(r->carrier, &head, buf_str(&out), STR(""), -1);
	buf_deinit(&out);
	run_until(r, &r->answers, before + 1);
	assert_int_equal(r->answers, before + 1);
}

static void fetches(void **state)
{
	static const struct {
		const char *domain, *error; /* what the error holds; NULL: a policy */
	} rows[] = {
		{ "good.test", NULL },
		{ "Plain.TEST", NULL },
		{ "html.test", "not text/plain" },
		{ "gone.test", "HTTP status 404" },
		{ "moved.test", "HTTP status 302" },
		{ "big.test", "over 65536 octets" },
		{ "endless.test", "over 65536 octets" },
		{ "fields.test", "header over 65536 octets" },
		{ "cut.test", "transfer closed" },
		{ "bad.test", "a line is no" },
		{ "other.test", "no alternative certificate subject name matches" },
		{ "late.test", "certificate has expired" },
		{ "own.test", "unable to get local issuer certificate" },
	};
	struct rig r;

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *wanted = rows[i].error != NULL ? rows[i].error : "";

		fetch(&r, rows[i].domain, "a1", port);
		if ((rows[i].error == NULL) != (r.error[0] == '\0') ||
			memmem(r.error, str_c(r.error).n, wanted, str_c(wanted).n) == NULL)
			fail_msg("%s: %s", rows[i].domain, r.error);
		assert_int_equal(r.body.len > 0, rows[i].error == NULL);
	}
	assert_false(r.lost);
	rig_close(&r);
}

static void nobody_there(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	fetch(&r, "good.test", "a1", 9);
	assert_non_null(memmem(r.error, str_c(r.error).n, "Failed to connect", 17));
	rig_close(&r);
}

static void kept_over_restarts(void **state)
{
	struct rig r;
	int64_t before = clock_wall_ms();
	char path[64];
	int fd;

	(void)state;
	snprintf(path, sizeof path, "%s/kept", dir);
	unlink(path);
	rig_open(&r);
	recall(&r, "good.test");
	assert_int_equal(r.body.len, 0);
	fetch(&r, "good.test", "a1", port);
	fetch(&r, "plain.test", "p1", port);
	fetch(&r, "good.test", "a2", port);
	fetch(&r, "gone.test", "g1", port);
	rig_close(&r);
	/* Killed in the middle of a record. */
	fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "\100\0\0\0torn", 8), 8);
	close(fd);
	for (int i = 0; i < 2; i++) {
		rig_open(&r);
		recall(&r, "good.test");
		assert_true(str_eq(buf_str(&r.id), STR("a2")));
		assert_true(str_starts(buf_str(&r.body), STR("version: STSv1\r\n")));
		assert_in_range(r.fetched_ms, before, clock_wall_ms());
		recall(&r, "plain.test");
		assert_true(str_eq(buf_str(&r.id), STR("p1")));
		recall(&r, "gone.test");
		assert_int_equal(r.body.len, 0);
		rig_close(&r);
	}
}

static void bad_packets(void **state)
{
	static const struct {
		const char *name;
		struct str domain, id;
		uint16_t port;
		uint8_t count;
	} rows[] = {
		{ "a slash", STR_INIT("a/b"), STR_INIT("1"), 443, 1 },
		{ "a user", STR_INIT("a@b"), STR_INIT("1"), 443, 1 },
		{ "a line end", STR_INIT("a\r\nb"), STR_INIT("1"), 443, 1 },
		{ "nothing", STR_INIT(""), STR_INIT("1"), 443, 1 },
		{ "no address", STR_INIT("a.test"), STR_INIT("1"), 443, 0 },
		{ "too many", STR_INIT("a.test"), STR_INIT("1"), 443, WEB_ADDRESSES + 1 },
		{ "port 0", STR_INIT("a.test"), STR_INIT("1"), 0, 1 },
		{ "a long id", STR_INIT("a.test"), STR_INIT("012345678901234567890123456789012"),
			443, 1 },
	};
	struct rig r;

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct ipc_head head = { .type = WEB_FETCH, .session = 7, .seq = 1 };
		struct buf out = { 0 };

		put_fetch(&out, rows[i].domain, rows[i].id, rows[i].port, rows[i].count);
		ipc_send(r.carrier, &head, buf_str(&out), STR(""), -1);
		buf_deinit(&out);
		run_until(&r, &r.answers, 1);
		if (!r.lost)
			fail_msg("%s", rows[i].name);
		/* Another carrier is served on. */
		r.lost = false;
		ipc_free(r.carrier);
		r.carrier = introduce(&r);
	}
	recall(&r, "nothing.test");
	rig_close(&r);
}

struct asked {
	struct web_question q;
	struct buf error, body, id;
	int answers;
};

static void on_answer(struct web_question *q, const struct web_answer *a)
{
	struct asked *w = LIST_OF(q, struct asked, q);

	buf_clear(&w->error);
	buf_clear(&w->body);
	buf_clear(&w->id);
	buf_put(&w->error, a->error);
	buf_put(&w->body, a->body);
	buf_put(&w->id, a->id);
	w->answers++;
}

static void ask(
	struct rig *r, struct web_client *c, struct asked *w, bool recall, const char *domain)
{
	int before = w->answers;

	if (recall)
		web_recall(c, &w->q, str_c(domain), on_answer);
	else
		web_fetch(c, &w->q, str_c(domain), STR("c1"), on_answer);
	assert_int_equal(w->answers, before);
	run_until(r, &w->answers, before + 1);
	assert_int_equal(w->answers, before + 1);
}

/* The carrier's side of it; unbound itself knows what is below localhost (RFC 6761 6.3). */
static void clients(void **state)
{
	const struct resolver_config dns = { .servers = STR("127.0.0.1@9"), .timeout_ms = 200 };
	struct cidr_set loopback;
	struct web_client c;
	struct asked w = { 0 };
	struct str bad;
	struct rig r;
	struct resolver *resolver;
	int channel[2];

	(void)state;
	assert_true(cidr_set_parse(&loopback, STR("127.0.0.0/8 ::1"), &bad));
	rig_open(&r);
	resolver = resolver_new(r.loop, &dns, NULL);
	web_client_init(&c, r.loop, resolver);
	c.port = port;
	/* Asked before there is a channel, and sent when it comes. */
	web_recall(&c, &w.q, STR("nothing.test"), on_answer);
	for (int i = 0; i < 20; i++)
		loop_turn(r.loop, false);
	assert_int_equal(w.answers, 0);
	assert_return_code(ipc_pair(channel), 0);
	to_web(r.leash, LEASH_CARRIER, channel[0]);
	close(channel[0]);
	web_client_channel(&c, channel[1]);
	run_until(&r, &w.answers, 1);
	assert_true(w.answers == 1 && w.error.len == 0 && w.body.len == 0);
	ask(&r, &c, &w, false, "localhost");
	assert_true(str_eq(buf_str(&w.error), STR("")));
	assert_true(w.body.len > 0);
	ask(&r, &c, &w, true, "localhost");
	assert_true(str_eq(buf_str(&w.id), STR("c1")) && w.body.len > 0);
	ask(&r, &c, &w, false, "unknown.test");
	assert_true(str_eq(buf_str(&w.error), STR("the policy host has no address")));
	c.never = &loopback;
	ask(&r, &c, &w, false, "localhost");
	assert_true(str_eq(buf_str(&w.error), STR("the policy host has no address")));
	/* Cancelled, no answer comes. */
	web_recall(&c, &w.q, STR("localhost"), on_answer);
	web_cancel(&w.q);
	web_cancel(&w.q);
	/* One that is asked while the process dies is asked of the next. */
	kill(r.pid, SIGSTOP);
	web_recall(&c, &w.q, STR("localhost"), on_answer);
	loop_turn(r.loop, false);
	kill(r.pid, SIGKILL);
	waitpid(r.pid, NULL, 0);
	w.answers = 0;
	ipc_free(r.carrier);
	ipc_free(r.leash);
	start_web(&r);
	assert_return_code(ipc_pair(channel), 0);
	to_web(r.leash, LEASH_CARRIER, channel[0]);
	close(channel[0]);
	web_client_channel(&c, channel[1]);
	run_until(&r, &w.answers, 1);
	assert_int_equal(w.answers, 1);
	assert_true(str_eq(buf_str(&w.id), STR("c1")) && w.body.len > 0);
	web_client_deinit(&c);
	resolver_free(resolver);
	cidr_set_free(&loopback);
	buf_deinit(&w.error);
	buf_deinit(&w.body);
	buf_deinit(&w.id);
	rig_close(&r);
}

static uint16_t free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_return_code(bind(fd, (struct sockaddr *)&a, n), 0);
	assert_return_code(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static int set_up(void **state)
{
	char path[64], number[8];
	int fd = -1;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "mkdir %s/empty", dir);
	assert_int_equal(system(path), 0);
	port = free_port();
	snprintf(number, sizeof number, "%u", port);
	hosts = fork();
	if (hosts == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		execlp("python3", "python3", POLICY_HOSTS, dir, number, NULL);
		_exit(127);
	}
	snprintf(path, sizeof path, "%s/ca.pem", dir);
	for (int i = 0; i < 600 && fd < 0; i++) {
		fd = open(path, O_RDONLY);
		if (fd < 0)
			usleep(50000);
	}
	assert_true(fd >= 0);
	buf_grew(&roots, (size_t)read(fd, buf_reserve(&roots, 4096), 4096));
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	char command[80];

	(void)state;
	kill(hosts, SIGTERM);
	waitpid(hosts, NULL, 0);
	buf_deinit(&roots);
	snprintf(command, sizeof command, "rm -r %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fetches),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(kept_over_restarts),
		cmocka_unit_test(bad_packets),
		cmocka_unit_test(clients),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
