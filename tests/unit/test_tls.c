/* TLS over socketpairs, against OpenSSL's own client in the same process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "net/conn.h"

static char *cert_pem, *key_pem;

struct rig {
	struct loop *loop;
	struct tls_server *tls;
	struct conn c;
	struct buf in, out;
	size_t most; /* read at a time */
	int events[4];
	int64_t last_read;
	SSL_CTX *client_ctx;
	SSL *client;
	int peer;
	int client_result; /* of the last SSL_do_handshake */
};

static void on_event(struct conn *c, enum conn_event e)
{
	struct rig *r = LIST_OF(c, struct rig, c);

	r->events[e]++;
	if (e == CONN_READY) {
		r->last_read = conn_read(c, &r->in, r->most);
		assert_true(conn_write(c, &r->out) >= 0 || c->broken);
	}
	if (e == CONN_READY || e == CONN_TLS_UP)
		conn_want(
			c, (r->last_read < 0 ? 0 : LOOP_READ) | (r->out.len > 0 ? LOOP_WRITE : 0));
}

static struct tls_server *server(const char *min, struct str ticket_keys)
{
	struct err err = { 0 };
	struct tls_pair pair = { str_c(cert_pem), str_c(key_pem) };
	struct tls_server *t = tls_server_new(&pair, 1, str_c(min), ticket_keys, &err);

	assert_string_equal(err.text, "");
	assert_non_null(t);
	return t;
}

/* A client that trusts our certificate only, for the name given. */
static void client_open(struct rig *r, const char *name)
{
	BIO *bio = BIO_new_mem_buf(cert_pem, -1);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	r->client_ctx = SSL_CTX_new(TLS_client_method());
	assert_non_null(r->client_ctx);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(r->client_ctx), x);
	X509_free(x);
	BIO_free(bio);
	SSL_CTX_set_verify(r->client_ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(r->client_ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
	r->client = SSL_new(r->client_ctx);
	assert_non_null(r->client);
	SSL_set1_host(r->client, name);
	SSL_set_fd(r->client, r->peer);
	SSL_set_connect_state(r->client);
}

static void rig_open_with(struct rig *r, struct tls_server *tls, const int fds[2])
{
	*r = (struct rig){ .loop = loop_new(), .tls = tls, .most = 4096 };
	r->peer = fds[1];
	conn_init(&r->c, r->loop, fds[0], NULL, on_event);
	client_open(r, "mail.example.test");
}

static void rig_open(struct rig *r, struct tls_server *tls)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	rig_open_with(r, tls, fds);
}

static void rig_close(struct rig *r)
{
	conn_close(&r->c);
	tls_server_unref(r->tls);
	SSL_free(r->client);
	SSL_CTX_free(r->client_ctx);
	if (r->peer >= 0)
		close(r->peer);
	buf_deinit(&r->in);
	buf_deinit(&r->out);
	loop_free(r->loop);
}

/* Both sides until each is done or has failed. */
static bool shake(struct rig *r)
{
	int error = SSL_ERROR_WANT_READ;

	conn_start_tls(&r->c, r->tls);
	for (int i = 0; i < 200; i++) {
		ERR_clear_error();
		r->client_result = SSL_do_handshake(r->client);
		error = SSL_get_error(r->client, r->client_result);
		loop_turn(r->loop, false);
		if (r->events[CONN_FAILED] > 0)
			break;
		if (r->client_result == 1 && r->events[CONN_TLS_UP] > 0)
			break;
		if (r->client_result != 1 && error != SSL_ERROR_WANT_READ)
			close(r->peer), r->peer = -1, SSL_set_fd(r->client, -1);
	}
	ERR_clear_error();
	return r->client_result == 1 && r->events[CONN_TLS_UP] == 1;
}

static void versions_suites_and_names(void **state)
{
	static const struct {
		const char *name, *server_min;
		int client_min, client_max;
		const char *suites, *host;
		const char *version; /* NULL: refused */
	} rows[] = {
		{ "1.3", "1.2", 0, 0, NULL, "mail.example.test", "TLSv1.3" },
		{ "1.2", "1.2", 0, TLS1_2_VERSION, NULL, "mail.example.test", "TLSv1.2" },
		{ "1.3 is the least", "1.3", 0, TLS1_2_VERSION, NULL, "mail.example.test", NULL },
		{ "1.1 (RFC 8996)", "1.2", TLS1_VERSION, TLS1_1_VERSION, "ALL:@SECLEVEL=0",
			"mail.example.test", NULL },
		{ "no forward secrecy", "1.2", 0, TLS1_2_VERSION, "AES128-GCM-SHA256",
			"mail.example.test", NULL },
		{ "CBC", "1.2", 0, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", "mail.example.test",
			NULL },
		{ "ChaCha", "1.2", 0, TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305",
			"mail.example.test", "TLSv1.2" },
		{ "localhost", "1.2", 0, 0, NULL, "localhost", "TLSv1.3" },
		{ "address", "1.2", 0, 0, NULL, "127.0.0.1", "TLSv1.3" },
		{ "another name", "1.2", 0, 0, NULL, "mail.example.org", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig r;
		bool up;

		rig_open(&r, server(rows[i].server_min, STR("")));
		SSL_set_min_proto_version(r.client, rows[i].client_min);
		SSL_set_max_proto_version(r.client, rows[i].client_max);
		if (rows[i].suites != NULL)
			assert_int_equal(SSL_set_cipher_list(r.client, rows[i].suites), 1);
		if (ascii_digit(rows[i].host[0]))
			X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(r.client), rows[i].host);
		if (ascii_digit(rows[i].host[0]))
			SSL_set1_host(r.client, NULL);
		else
			SSL_set1_host(r.client, rows[i].host);
		up = shake(&r);
		if (up != (rows[i].version != NULL))
			fail_msg("%s: %s", rows[i].name, r.c.error);
		if (up) {
			assert_string_equal(conn_tls_version(&r.c), rows[i].version);
			assert_string_equal(conn_tls_cipher(&r.c), SSL_get_cipher_name(r.client));
		}
		rig_close(&r);
	}
}

static void suites(void **state)
{
	static const char aes128[] = "TLS_AES_128_GCM_SHA256", aes256[] = "TLS_AES_256_GCM_SHA384",
			  chacha[] = "TLS_CHACHA20_POLY1305_SHA256";
	static const struct {
		const char *name;
		int max;
		const char *offer, *chosen;
	} rows[] = {
		{ "no AES in hardware", 0, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
			chacha },
		{ "256 first", 0,
			"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_"
			"SHA256",
			aes128 },
		{ "256 alone", 0, "TLS_AES_256_GCM_SHA384", aes256 },
		{ "1.2, no AES in hardware", TLS1_2_VERSION, "ECDHE+CHACHA20:ECDHE+AESGCM",
			"ECDHE-ECDSA-CHACHA20-POLY1305" },
		{ "1.2, 256 first", TLS1_2_VERSION,
			"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256",
			"ECDHE-ECDSA-AES128-GCM-SHA256" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig r;
		int set;

		rig_open(&r, server("1.2", STR("")));
		SSL_set_max_proto_version(r.client, rows[i].max);
		set = rows[i].max == 0 ? SSL_set_ciphersuites(r.client, rows[i].offer)
				       : SSL_set_cipher_list(r.client, rows[i].offer);
		assert_int_equal(set, 1);
		SSL_set1_host(r.client, "mail.example.test");
		if (!shake(&r))
			fail_msg("%s: %s", rows[i].name, r.c.error);
		assert_string_equal(conn_tls_cipher(&r.c), rows[i].chosen);
		rig_close(&r);
	}
}

static void channel_bindings(void **state)
{
	static const struct {
		const char *name;
		int max;
		uint64_t options;
		bool bound;
	} rows[] = {
		{ "1.3", 0, 0, true },
		{ "1.2", TLS1_2_VERSION, 0, true },
		{ "1.2 without extended master secret", TLS1_2_VERSION,
			SSL_OP_NO_EXTENDED_MASTER_SECRET, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		unsigned char ours[32] = { 0 }, theirs[32] = { 1 };
		struct rig r;

		rig_open(&r, server("1.2", STR("")));
		assert_false(conn_channel_binding(&r.c, ours));
		SSL_set_max_proto_version(r.client, rows[i].max);
		SSL_set_options(r.client, rows[i].options);
		assert_true(shake(&r));
		assert_int_equal(conn_channel_binding(&r.c, ours), rows[i].bound);
		SSL_export_keying_material(r.client, theirs, 32, "EXPORTER-Channel-Binding", 24,
			(const unsigned char *)"", 0, 1);
		assert_int_equal(memcmp(ours, theirs, 32) == 0, rows[i].bound);
		rig_close(&r);
	}
}

static void octets_both_ways(void **state)
{
	static const struct {
		int max;
		size_t most; /* the server reads this much at a time: records are 16 KiB */
	} rows[] = { { 0, 4096 }, { TLS1_2_VERSION, 4096 }, { 0, 100 }, { 0, 100000 } };
	enum { SIZE = 3 << 20 };
	char *sent = mem_alloc(SIZE), *echo = mem_alloc(SIZE);

	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		sent[i] = (char)(i * 2654435761u >> 13);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t to = rows[i].most == 100 ? SIZE / 16 : SIZE, put = 0, got = 0;
		struct rig r;

		rig_open(&r, server("1.2", STR("")));
		SSL_set_max_proto_version(r.client, rows[i].max);
		assert_true(shake(&r));
		r.most = rows[i].most;
		buf_put(&r.out, str_of(sent, to));
		conn_want(&r.c, LOOP_READ | LOOP_WRITE);
		while (put < to || got < to || r.in.len < to) {
			size_t n = 0;

			if (put < to && SSL_write_ex(r.client, sent + put, to - put, &n) == 1)
				put += n;
			n = 0;
			if (got < to && SSL_read_ex(r.client, echo + got, to - got, &n) == 1)
				got += n;
			assert_int_equal(ERR_get_error(), 0);
			loop_turn(r.loop, false);
			assert_int_equal(r.events[CONN_FAILED], 0);
		}
		assert_memory_equal(echo, sent, to);
		assert_memory_equal(buf_str(&r.in).p, sent, to);
		rig_close(&r);
	}
	free(sent);
	free(echo);
}

static void tcp_pair(int fds[2])
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, listening = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t n = sizeof to;

	assert_int_equal(bind(listening, (struct sockaddr *)&to, sizeof to), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&to, &n), 0);
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[1], (struct sockaddr *)&to, sizeof to), 0);
	fds[0] = accept4(listening, NULL, NULL, SOCK_NONBLOCK);
	assert_true(fds[0] >= 0);
	assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(setsockopt(fds[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
	close(listening);
}

static int arrived(const struct rig *r)
{
	int n = -1;

	assert_int_equal(ioctl(r->peer, FIONREAD, &n), 0);
	return n;
}

/* A ticket comes in the packet of the greeting, and the last reply in that of the end. */
static void few_packets(void **state)
{
	static char key[TLS_TICKET_KEY] = "a name";
	char got[16];
	size_t n;
	struct rig r;
	int fds[2];

	(void)state;
	tcp_pair(fds);
	rig_open_with(&r, server("1.2", str_of(key, sizeof key)), fds);
	assert_true(shake(&r));
	assert_int_equal(arrived(&r), 0);
	buf_put(&r.out, STR("+OK\r\n"));
	assert_int_equal(conn_write(&r.c, &r.out), 5);
	assert_in_range(arrived(&r), 100, 500);
	assert_int_equal(SSL_read_ex(r.client, got, sizeof got, &n), 1);
	assert_int_equal(n, 5);
	assert_int_equal(arrived(&r), 0);
	conn_last(&r.c);
	buf_put(&r.out, STR("+OK\r\n"));
	assert_int_equal(conn_write(&r.c, &r.out), 5);
	assert_int_equal(arrived(&r), 0);
	conn_close(&r.c);
	assert_in_range(arrived(&r), 40, 100);
	assert_int_equal(SSL_read_ex(r.client, got, sizeof got, &n), 1);
	assert_int_equal(SSL_read_ex(r.client, got, sizeof got, &n), 0);
	assert_int_equal(SSL_get_shutdown(r.client), SSL_RECEIVED_SHUTDOWN);
	rig_close(&r);
}

/* One record, read in pieces: the socket is silent, the events go on. */
static void a_record_in_pieces(void **state)
{
	struct rig r;
	char record[10000] = { 0 };

	(void)state;
	rig_open(&r, server("1.2", STR("")));
	assert_true(shake(&r));
	r.most = 1000;
	assert_int_equal(SSL_write(r.client, record, sizeof record), sizeof record);
	loop_turn(r.loop, true);
	loop_turn(r.loop, false);
	assert_int_equal(r.in.len, sizeof record);
	assert_false(conn_pending(&r.c));
	assert_true(r.events[CONN_READY] >= 10);
	rig_close(&r);
}

static void a_peer_that_stops_reading_costs_no_turns(void **state)
{
	struct rig r;
	int before;

	(void)state;
	rig_open(&r, server("1.2", STR("")));
	assert_true(shake(&r));
	buf_fill(&r.out, 'x', 4 << 20);
	assert_true(conn_write(&r.c, &r.out) > 0);
	assert_true(r.out.len > 0);
	conn_want(&r.c, LOOP_READ | LOOP_WRITE);
	conn_deadline(&r.c, clock_mono_ms() + 20);
	before = r.events[CONN_READY];
	for (int i = 0; i < 100; i++) {
		loop_turn(r.loop, false);
		usleep(500);
	}
	assert_int_equal(r.events[CONN_READY], before);
	assert_int_equal(r.events[CONN_DEADLINE], 1);
	rig_close(&r);
}

static SSL_SESSION *session_of(struct rig *r)
{
	char c;

	/* In 1.3 the ticket comes after the handshake; an SSL freed without close_notify spoils it. */
	(void)SSL_read(r->client, &c, 1);
	(void)SSL_shutdown(r->client);
	ERR_clear_error();
	return SSL_get1_session(r->client);
}

#define KEYS_40 "0123456789abcdef0123456789abcdef01234567"
#define KEYS_A  KEYS_40 KEYS_40
#define KEYS_B  "another name of" KEYS_40 "89abcdef012345678abcdef67"

static void any_edge_resumes(void **state)
{
	static const struct {
		const char *name;
		int max;
		struct str first, second;
		bool resumed;
	} rows[] = {
		{ "1.3, same keys", 0, STR_INIT(KEYS_A), STR_INIT(KEYS_A), true },
		{ "1.2, same keys", TLS1_2_VERSION, STR_INIT(KEYS_A), STR_INIT(KEYS_A), true },
		{ "1.3, other keys", 0, STR_INIT(KEYS_A), STR_INIT(KEYS_B), false },
		{ "1.2, other keys", TLS1_2_VERSION, STR_INIT(KEYS_A), STR_INIT(KEYS_B), false },
		{ "1.3, no tickets", 0, STR_INIT(""), STR_INIT(""), false },
		{ "1.2, no tickets", TLS1_2_VERSION, STR_INIT(""), STR_INIT(""), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig a, b;
		SSL_SESSION *session;

		rig_open(&a, server("1.2", rows[i].first));
		SSL_set_max_proto_version(a.client, rows[i].max);
		assert_true(shake(&a));
		assert_int_equal(SSL_session_reused(a.client), 0);
		session = session_of(&a);
		rig_close(&a);

		rig_open(&b, server("1.2", rows[i].second));
		SSL_set_max_proto_version(b.client, rows[i].max);
		SSL_set_session(b.client, session);
		assert_true(shake(&b));
		if (SSL_session_reused(b.client) != rows[i].resumed)
			fail_msg("%s", rows[i].name);
		SSL_SESSION_free(session);
		rig_close(&b);
	}
}

/* CVE-2009-3555 and its kin. */
static void renegotiation_is_refused(void **state)
{
	struct rig r;
	int done = 0;

	(void)state;
	rig_open(&r, server("1.2", STR("")));
	SSL_set_max_proto_version(r.client, TLS1_2_VERSION);
	assert_true(shake(&r));
	conn_want(&r.c, LOOP_READ);
	assert_int_equal(SSL_renegotiate(r.client), 1);
	for (int i = 0; i < 50 && done != 1; i++) {
		done = SSL_do_handshake(r.client);
		loop_turn(r.loop, false);
	}
	ERR_clear_error();
	assert_int_not_equal(done, 1);
	assert_int_equal(SSL_num_renegotiations(r.c.ssl), 0);
	assert_int_equal(r.events[CONN_TLS_UP], 1);
	rig_close(&r);
}

static void alpn(void **state)
{
	static const struct {
		const char *name, *own;
		struct str offer;
		bool up;
	} rows[] = {
		{ "none offered", "pop3", STR_INIT(""), true },
		{ "ours", "pop3", STR_INIT("\4pop3"), true },
		{ "ours among others", "pop3", STR_INIT("\2h2\4pop3"), true },
		{ "a browser", "pop3", STR_INIT("\2h2\10http/1.1"), false },
		{ "the other mail protocol", "pop3", STR_INIT("\4smtp"), false },
		{ "longer than ours", "pop3", STR_INIT("\5pop3s"), false },
		{ "SMTP", "smtp", STR_INIT("\4smtp"), true },
		{ "not told, mail", NULL, STR_INIT("\4pop3"), true },
		{ "not told, a browser", NULL, STR_INIT("\2h2"), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig r;

		rig_open(&r, server("1.2", STR("")));
		r.c.alpn = rows[i].own;
		SSL_set_alpn_protos(r.client, (const unsigned char *)rows[i].offer.p,
			(unsigned)rows[i].offer.n);
		if (shake(&r) != rows[i].up)
			fail_msg("%s: %s", rows[i].name, r.c.error);
		rig_close(&r);
	}
}

/* Whatever comes instead of a ClientHello ends in CONN_FAILED with a reason, once. */
static void junk_in_the_handshake(void **state)
{
	static const struct str fixed[] = {
		STR_INIT(""), /* end of stream */
		STR_INIT("USER pipelined-in-the-clear\r\n"),
		STR_INIT("GET / HTTP/1.1\r\n\r\n"),
		STR_INIT("\x16\x03\x01\x02\x00\x01\x00"),
		STR_INIT("\x16\x03\x01\x00\x04\x01\x00\x00\x00"),
		STR_INIT("\x16\x03\x01\xff\xff\x01\xff\xff\xff"),
		STR_INIT("\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10"),
		STR_INIT("\x15\x03\x03\x00\x02\x02\x28"),
	};
	enum { FIXED = sizeof fixed / sizeof *fixed };
	struct tls_server *tls = server("1.2", STR(""));

	(void)state;
	srand(1);
	for (size_t i = 0; i < FIXED + 300; i++) {
		char random[200];
		struct str junk =
			i < FIXED ? fixed[i] : str_of(random, (size_t)rand() % sizeof random);
		struct rig r;

		for (size_t k = 0; k < sizeof random; k++)
			random[k] = (char)rand();
		if (i % 2 == 1) /* look like a handshake record */
			memcpy(random, "\x16\x03\x01\x00\xa0\x01\x00\x00\x9c\x03\x03", 11);
		rig_open(&r, tls_server_ref(tls));
		conn_start_tls(&r.c, tls);
		assert_true(send(r.peer, junk.p, junk.n, 0) >= 0);
		shutdown(r.peer, SHUT_WR);
		for (int k = 0; k < 5; k++)
			loop_turn(r.loop, false);
		assert_int_equal(r.events[CONN_FAILED], 1);
		assert_int_equal(r.events[CONN_TLS_UP], 0);
		assert_true(str_starts(str_c(r.c.error), STR("TLS handshake: ")));
		assert_int_equal(conn_read(&r.c, &r.in, 10), CONN_ERROR);
		assert_null(conn_tls_version(&r.c));
		rig_close(&r);
	}
	tls_server_unref(tls);
}

static void a_silent_handshake_meets_its_deadline(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, server("1.2", STR("")));
	conn_start_tls(&r.c, r.tls);
	conn_deadline(&r.c, clock_mono_ms() + 20);
	while (r.events[CONN_DEADLINE] == 0)
		loop_turn(r.loop, true);
	assert_int_equal(conn_read(&r.c, &r.in, 10), 0);
	buf_put(&r.out, STR("in the clear?"));
	assert_int_equal(conn_write(&r.c, &r.out), 0);
	assert_int_equal(recv(r.peer, (char[1]){ 0 }, 1, 0), -1);
	rig_close(&r);
}

static void endings(void **state)
{
	struct rig r;
	char c;

	(void)state;
	/* The client closes its side as RFC 8446 6.1 says, and may still be answered. */
	rig_open(&r, server("1.2", STR("")));
	assert_true(shake(&r));
	SSL_shutdown(r.client);
	loop_turn(r.loop, false);
	assert_int_equal(r.last_read, CONN_EOF);
	buf_put(&r.out, STR("!"));
	assert_int_equal(conn_write(&r.c, &r.out), 1);
	assert_int_equal(SSL_read(r.client, &c, 1), 1);
	rig_close(&r);

	/* It just ends the stream. */
	rig_open(&r, server("1.2", STR("")));
	assert_true(shake(&r));
	shutdown(r.peer, SHUT_WR);
	loop_turn(r.loop, false);
	assert_int_equal(r.last_read, CONN_EOF);
	assert_false(r.c.broken);
	rig_close(&r);

	/* We close: close_notify comes first. */
	rig_open(&r, server("1.2", STR("")));
	assert_true(shake(&r));
	conn_close(&r.c);
	assert_int_equal(SSL_read(r.client, &c, 1), 0);
	assert_int_equal(SSL_get_error(r.client, 0), SSL_ERROR_ZERO_RETURN);
	rig_close(&r);

	/* Octets that are no record. */
	rig_open(&r, server("1.2", STR("")));
	assert_true(shake(&r));
	assert_int_equal(write(r.peer, "QUIT\r\n", 6), 6);
	loop_turn(r.loop, false);
	assert_int_equal(r.last_read, CONN_ERROR);
	assert_true(str_starts(str_c(r.c.error), STR("TLS read: ")));
	rig_close(&r);

	/* Gone for good: a write is an error, not a signal. */
	rig_open(&r, server("1.2", STR("")));
	assert_true(shake(&r));
	close(r.peer);
	r.peer = -1;
	SSL_set_fd(r.client, -1);
	buf_put(&r.out, STR("!"));
	assert_int_equal(conn_write(&r.c, &r.out), CONN_ERROR);
	rig_close(&r);
}

static void bad_certificates(void **state)
{
	char *other_cert, *other_key, *chain;
	struct err err = { 0 };
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(tls_self_signed(STR("other.test"), &other_cert, &other_key, &err), ST_OK);
	buf_put(&b, str_c(cert_pem));
	buf_put(&b, STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
	chain = buf_steal_c(&b);
	const struct {
		const char *name, *cert, *key, *min;
		struct str tickets;
	} rows[] = {
		{ "no certificate", "", key_pem, "1.2", STR("") },
		{ "no key", cert_pem, "", "1.2", STR("") },
		{ "key of another", cert_pem, other_key, "1.2", STR("") },
		{ "swapped", key_pem, cert_pem, "1.2", STR("") },
		{ "broken second certificate", chain, key_pem, "1.2", STR("") },
		{ "old version", cert_pem, key_pem, "1.1", STR("") },
		{ "short ticket keys", cert_pem, key_pem, "1.2", STR("0123456789") },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tls_pair pair = { str_c(rows[i].cert), str_c(rows[i].key) };

		err = (struct err){ 0 };
		assert_null(tls_server_new(&pair, 1, str_c(rows[i].min), rows[i].tickets, &err));
		if (err.code != ST_USAGE || err.text[0] == '\0')
			fail_msg("%s: '%s'", rows[i].name, err.text);
	}
	free(other_cert);
	free(other_key);
	free(chain);
}

static void bad_names(void **state)
{
	static const struct str rows[] = { STR_INIT(""), STR_INIT(","), STR_INIT("a.test,"),
		STR_INIT("a.test,,b"), STR_INIT("a b"), STR_INIT("a.test,DNS:b"), STR_INIT("a\0b"),
		STR_INIT("a;b"), STR_INIT("@x") };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *cert = NULL, *key = NULL;
		struct err err = { 0 };
		enum status st = tls_self_signed(rows[i], &cert, &key, &err);

		if (i == 2) { /* a comma at the end names nothing more */
			assert_int_equal(st, ST_OK);
		} else {
			assert_int_equal(st, ST_USAGE);
			assert_null(cert);
		}
		free(cert);
		free(key);
	}
}

static int setup(void **state)
{
	struct err err = { 0 };

	(void)state;
	if (tls_self_signed(STR("mail.example.test, localhost,127.0.0.1,::1"), &cert_pem, &key_pem,
		    &err) == ST_OK)
		return 0;
	print_error("%s\n", err.text);
	return -1;
}

static int teardown(void **state)
{
	(void)state;
	free(cert_pem);
	free(key_pem);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_suites_and_names),
		cmocka_unit_test(suites),
		cmocka_unit_test(channel_bindings),
		cmocka_unit_test(octets_both_ways),
		cmocka_unit_test(few_packets),
		cmocka_unit_test(a_record_in_pieces),
		cmocka_unit_test(a_peer_that_stops_reading_costs_no_turns),
		cmocka_unit_test(any_edge_resumes),
		cmocka_unit_test(renegotiation_is_refused),
		cmocka_unit_test(alpn),
		cmocka_unit_test(junk_in_the_handshake),
		cmocka_unit_test(a_silent_handshake_meets_its_deadline),
		cmocka_unit_test(endings),
		cmocka_unit_test(bad_certificates),
		cmocka_unit_test(bad_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
