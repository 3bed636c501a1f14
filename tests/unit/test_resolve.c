/* The resolver against nsd with zones that are signed, broken and neither (dns_zones). */
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
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "daemon/sandbox.h"
#include "net/resolve.h"

static char dir[] = "/tmp/restante-dns-XXXXXX";
static char server[64];
static pid_t nsd;
static struct buf anchors;

struct asked {
	struct dns_query q;
	struct loop *loop;
	bool done, in_start;
	enum dns_outcome outcome;
	bool secure;
	unsigned aliases;
	size_t count;
	char name[64], data[64];
	char why[256];
};

static void on_answer(struct dns_query *q, const struct dns_answer *a)
{
	struct asked *w = LIST_OF(q, struct asked, q);

	assert_false(w->done || w->in_start);
	w->done = true;
	w->outcome = a->outcome;
	w->secure = a->secure;
	w->aliases = a->aliases;
	w->count = a->count;
	snprintf(w->name, sizeof w->name, "%.*s", STR_ARG(a->name));
	snprintf(w->why, sizeof w->why, "%.*s", STR_ARG(a->why));
	if (a->count > 0)
		snprintf(w->data, sizeof w->data, "%.*s", STR_ARG(a->rows[0].data));
}

static void ask_async(struct asked *w, struct resolver *r, struct str name, enum dns_type type)
{
	*w = (struct asked){ .in_start = true };
	resolve_start(r, &w->q, name, type, on_answer);
	w->in_start = false;
}

static void ask(
	struct asked *w, struct loop *l, struct resolver *r, const char *name, enum dns_type type)
{
	ask_async(w, r, str_c(name), type);
	while (!w->done)
		loop_turn(l, true);
}

static struct resolver *resolver(struct loop *l, struct str trusted)
{
	const struct resolver_config config = { .servers = str_c(server), .anchors = trusted };
	struct err err = { 0 };
	struct resolver *r = resolver_new(l, &config, &err);

	if (r == NULL)
		fail_msg("%s", err.text);
	return r;
}

#define TEN "\\043123456789"

static void answers(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		enum dns_type type;
		enum dns_outcome outcome;
		bool secure;
		size_t count;
		unsigned aliases;
	} rows[] = {
		{"signed.test",               DNS_MX,    DNS_FOUND,    true,  2,  0},
		{ "SIGNED.test.",             DNS_MX,    DNS_FOUND,    true,  2,  0},
		{ "signed.test",              DNS_SRV,   DNS_NODATA,   true,  0,  0},
		{ "none.signed.test",         DNS_A,     DNS_NXDOMAIN, true,  0,  0},
		{ "mx1.signed.test",          DNS_A,     DNS_FOUND,    true,  1,  0},
		{ "mx1.signed.test",          DNS_AAAA,  DNS_FOUND,    true,  1,  0},
		{ "_25._tcp.mx1.signed.test", DNS_TLSA,  DNS_FOUND,    true,  1,  0},
		{ "_25._tcp.mx2.signed.test", DNS_TLSA,  DNS_NXDOMAIN, true,  0,  0},
		{ "_pop3s._tcp.signed.test",  DNS_SRV,   DNS_FOUND,    true,  1,  0},
		{ "alias.signed.test",        DNS_A,     DNS_FOUND,    true,  1,  1},
		{ "alias.signed.test",        DNS_CNAME, DNS_FOUND,    true,  1,  0},
 /* RFC 7672 2.1.3: insecure from the first insecure link on, and all of it */
		{ "outside.signed.test",      DNS_A,     DNS_FOUND,    false, 1,  1},
		{ "outside.signed.test",      DNS_CNAME, DNS_FOUND,    true,  1,  0},
		{ "mx.broken.test",           DNS_A,     DNS_BOGUS,    false, 0,  0},
		{ "broken.test",              DNS_MX,    DNS_FOUND,    true,  1,  0},
		{ "plain.test",               DNS_MX,    DNS_FOUND,    false, 1,  0},
		{ "none.plain.test",          DNS_A,     DNS_NXDOMAIN, false, 0,  0},
		{ "_25._tcp.mx.plain.test",   DNS_TLSA,  DNS_FOUND,    false, 1,  0},
		{ "many.plain.test",          DNS_TXT,   DNS_FOUND,    false, 90, 0},
		/* octets of no host name, escaped; 63 of them are a label */
		{ "odd\\064name\\043.plain.test", DNS_A, DNS_FOUND,    false, 1,  0},
		{ "Odd\\064NAME\\043.plain.test", DNS_A, DNS_FOUND,    false, 1,  0},
		{ TEN TEN TEN TEN TEN TEN "\\091-\\093.plain.test", DNS_A, DNS_FOUND, false, 1, 0},
		{ TEN TEN TEN TEN TEN TEN "\\091--\\093.plain.test", DNS_A, DNS_NXDOMAIN, false, 0, 0},
		{ "a\\06",                    DNS_A,     DNS_NXDOMAIN, false, 0,  0},
		{ "elsewhere.test",           DNS_MX,    DNS_FAILED,   false, 0,  0},
		{ "a..test",                  DNS_A,     DNS_NXDOMAIN, false, 0,  0},
		{ "with space.test",          DNS_A,     DNS_NXDOMAIN, false, 0,  0},
	};
	/* clang-format on */
	struct loop *l = loop_new();
	struct resolver *r = resolver(l, buf_str(&anchors));
	struct asked w;

	(void)state;
	/* The second time from the cache. */
	for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
		size_t at = i % (sizeof rows / sizeof *rows);

		ask(&w, l, r, rows[at].name, rows[at].type);
		if (w.outcome != rows[at].outcome || w.secure != rows[at].secure ||
			w.count != rows[at].count || w.aliases != rows[at].aliases)
			fail_msg("%s %s: %s, secure %d, %zu rows, %u aliases: %s", rows[at].name,
				dns_type_name(rows[at].type), dns_outcome_name(w.outcome), w.secure,
				w.count, w.aliases, w.why);
	}
	ask(&w, l, r, "signed.test", DNS_TXT);
	assert_string_equal(w.data, "v=spf1 -all");
	ask(&w, l, r, "alias.signed.test", DNS_A);
	assert_string_equal(w.name, "mx1.signed.test");
	ask(&w, l, r, "mx.broken.test", DNS_A);
	assert_true(w.why[0] != '\0');
	resolver_free(r);
	loop_free(l);
}

/* Without a trust anchor nothing is secure and nothing bogus. */
static void no_anchors(void **state)
{
	struct loop *l = loop_new();
	struct resolver *r = resolver(l, STR(""));
	struct asked w;

	(void)state;
	ask(&w, l, r, "signed.test", DNS_MX);
	assert_int_equal(w.outcome, DNS_FOUND);
	assert_false(w.secure);
	ask(&w, l, r, "mx.broken.test", DNS_A);
	assert_int_equal(w.outcome, DNS_FOUND);
	resolver_free(r);
	loop_free(l);
}

static void no_server(void **state)
{
	const struct resolver_config config = {
		.servers = STR("127.0.0.1@9"), .timeout_ms = 300, .queries_max = 1
	};
	struct loop *l = loop_new();
	struct resolver *r = resolver_new(l, &config, NULL);
	struct asked w, second;
	int64_t start = clock_mono_ms();

	(void)state;
	assert_non_null(r);
	/* The second one waits for the first, and its time runs meanwhile. */
	ask_async(&w, r, STR("a.test"), DNS_A);
	ask_async(&second, r, STR("b.test"), DNS_A);
	assert_int_equal(w.q.state, DNS_ASKED);
	assert_int_equal(second.q.state, DNS_WAITS);
	while (!w.done || !second.done)
		loop_turn(l, true);
	assert_int_equal(w.outcome, DNS_FAILED);
	assert_int_equal(second.outcome, DNS_FAILED);
	assert_true(clock_mono_ms() - start < 3000);
	resolver_free(r);
	loop_free(l);
}

/* A thousand at once: all are answered, at most 256 are asked; cancelled ones keep still. */
static void crowd_and_cancel(void **state)
{
	enum { CROWD = 1000 };
	struct loop *l = loop_new();
	struct resolver *r = resolver(l, buf_str(&anchors));
	struct asked *crowd = mem_zalloc(CROWD * sizeof *crowd);
	size_t asked = 0, done = 0;

	(void)state;
	for (size_t i = 0; i < CROWD; i++) {
		char name[40];

		snprintf(name, sizeof name, "n%zu.plain.test", i);
		ask_async(&crowd[i], r, str_c(name), DNS_A);
		asked += crowd[i].q.state == DNS_ASKED;
	}
	assert_int_equal(asked, 256);
	for (size_t i = 0; i < CROWD; i += 2)
		resolve_cancel(&crowd[i].q);
	while (done < CROWD / 2) {
		loop_turn(l, true);
		done = 0;
		for (size_t i = 0; i < CROWD; i++) {
			done += crowd[i].done;
			assert_false(crowd[i].done && i % 2 == 0);
		}
	}
	for (size_t i = 1; i < CROWD; i += 2)
		assert_int_equal(crowd[i].outcome, DNS_NXDOMAIN);
	/* What is under way dies with the resolver, an answer that waits to be told too. */
	ask_async(&crowd[0], r, STR("x.plain.test"), DNS_A);
	ask_async(&crowd[1], r, STR("n1.plain.test"), DNS_A);
	assert_int_equal(crowd[1].q.state, DNS_ANSWERED);
	resolver_free(r);
	assert_int_equal(crowd[0].q.state, DNS_IDLE);
	free(crowd);
	loop_free(l);
}

/* KeyTrap, CVE-2023-50387: 12 100 pairs of key and signature to be tried, 4096 bits each, were two seconds
 * of work for one answer.  Bogus, after a few. */
static void a_costly_answer(void **state)
{
	struct loop *l = loop_new();
	struct resolver *r = resolver(l, buf_str(&anchors));
	struct asked w;
	clock_t before;

	(void)state;
	before = clock();
	ask(&w, l, r, "a.trap.test", DNS_A);
	assert_int_equal(w.outcome, DNS_BOGUS);
	ask(&w, l, r, "ns.trap.test", DNS_A);
	assert_int_equal(w.outcome, DNS_BOGUS); /* so many keys of one tag are nobody's */
	assert_true(clock() - before < CLOCKS_PER_SEC);
	resolver_free(r);
	loop_free(l);
}

/* As a carrier asks: what was made before the sandbox closes works behind it, by UDP and by TCP. */
static void in_the_sandbox(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct loop *l = loop_new();
		struct resolver *r = resolver(l, buf_str(&anchors));
		struct asked w;

		if (sandbox_syscalls(SANDBOX_CARRIER, NULL) != ST_OK)
			_exit(1);
		ask(&w, l, r, "signed.test", DNS_MX);
		if (w.outcome != DNS_FOUND || !w.secure)
			_exit(2);
		ask(&w, l, r, "many.plain.test", DNS_TXT);
		_exit(w.count == 90 ? 0 : 3);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void bad_settings(void **state)
{
	/* clang-format off */
	static const struct resolver_config rows[] = {
		{.servers = STR_INIT("dns.example.org")},
		{									    .servers = STR_INIT("127.0.0.1:x")                                     },
		{			  .servers = STR_INIT("127.0.0.1 127.0.0.1@99999999")     },
		{ .servers = STR_INIT("127.0.0.1"),                                       .anchors = STR_INIT("signed.test DS what") },
	};
	/* clang-format on */
	struct loop *l = loop_new();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };

		if (resolver_new(l, &rows[i], &err) != NULL)
			fail_msg("row %zu was taken", i);
		assert_int_equal(err.code, ST_USAGE);
	}
	loop_free(l);
}

static void resolv_conf(void **state)
{
	struct buf servers = { 0 };

	(void)state;
	resolver_from_resolv_conf(STR("# nameserver 1.1.1.1\nsearch example.org\n"
				      "nameserver 192.0.2.1\nnameserver\t 2001:db8::1 # two\n"
				      "nameserver fe80::1%eth0\nnameserver 192.0.2.4\n"),
		&servers);
	assert_true(str_eq(buf_str(&servers), STR("192.0.2.1 2001:db8::1 fe80::1%eth0")));
	buf_deinit(&servers);
}

/* Free for UDP and for TCP: nsd wants both. */
static int free_port(void)
{
	for (;;) {
		struct sockaddr_in a = { .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		socklen_t n = sizeof a;
		int udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);
		bool both;

		assert_return_code(bind(udp, (struct sockaddr *)&a, n), 0);
		assert_return_code(getsockname(udp, (struct sockaddr *)&a, &n), 0);
		both = bind(tcp, (struct sockaddr *)&a, n) == 0;
		close(udp);
		close(tcp);
		if (both)
			return ntohs(a.sin_port);
	}
}

static int start_nsd(void **state)
{
	char port[8], path[64], text[4096];
	int fd = -1;

	(void)state;
	if (access("/usr/sbin/nsd", X_OK) != 0 || access("/usr/bin/ldns-signzone", X_OK) != 0)
		exit(77); /* meson: skipped */
	assert_non_null(mkdtemp(dir));
	snprintf(port, sizeof port, "%d", free_port());
	snprintf(server, sizeof server, "127.0.0.1@%s", port);
	nsd = fork();
	if (nsd == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		setpgid(0, 0);
		execl("/bin/bash", "bash", DNS_ZONES, dir, port, NULL);
		_exit(127);
	}
	snprintf(path, sizeof path, "%s/nsd.log", dir);
	for (int i = 0; i < 800 && fd < 0; i++) {
		FILE *log = fopen(path, "r");
		size_t n = log == NULL ? 0 : fread(text, 1, sizeof text, log);

		if (log != NULL)
			fclose(log);
		if (memmem(text, n, "nsd started", 11) != NULL) {
			snprintf(path, sizeof path, "%s/anchors", dir);
			fd = open(path, O_RDONLY);
		}
		usleep(50000);
	}
	assert_true(fd >= 0);
	buf_put(&anchors, str_of(text, (size_t)read(fd, text, sizeof text)));
	close(fd);
	return 0;
}

static int stop_nsd(void **state)
{
	char command[80];

	(void)state;
	kill(-nsd, SIGTERM);
	waitpid(nsd, NULL, 0);
	buf_deinit(&anchors);
	snprintf(command, sizeof command, "rm -r %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(no_anchors),
		cmocka_unit_test(no_server),
		cmocka_unit_test(crowd_and_cancel),
		cmocka_unit_test(a_costly_answer),
		cmocka_unit_test(in_the_sandbox),
		cmocka_unit_test(bad_settings),
		cmocka_unit_test(resolv_conf),
	};

	return cmocka_run_group_tests(tests, start_nsd, stop_nsd);
}
