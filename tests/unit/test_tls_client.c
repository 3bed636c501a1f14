/* Our TLS client against our TLS server, both in one loop, with certificates made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "net/conn.h"
#include "net/spki.h"

struct made {
	const char *common_name;
	struct str san; /* one DNS name; empty: none */
	bool by_ca, expired, not_server;
	EVP_PKEY *key;
	X509 *x;
	char *pem, *key_pem;
};

enum { CA, GOOD, EXPIRED, SELF, ONLY_CN, NUL, WILD, DEEP_WILD, NOT_SERVER, MADE };
/* clang-format off */
static struct made made[MADE] = {
	[CA] = { .common_name = "test authority" },
	[GOOD] = { "mx.test", STR_INIT("mx.test"), .by_ca = true },
	[EXPIRED] = { "mx.test", STR_INIT("mx.test"), .by_ca = true, .expired = true },
	[SELF] = { "mx.test", STR_INIT("mx.test") },
	[ONLY_CN] = { "mx.test", .by_ca = true },
	[NUL] = { "x", STR_INIT("mx.test\0.evil.test"), .by_ca = true },
	[WILD] = { "x", STR_INIT("*.mx.test"), .by_ca = true },
	[DEEP_WILD] = { "x", STR_INIT("a*.mx.test"), .by_ca = true },
	[NOT_SERVER] = { "mx.test", STR_INIT("mx.test"), .by_ca = true, .not_server = true },
};
/* clang-format on */

static void add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

static void add_name(X509 *x, struct str name)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *one = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	assert_true(names != NULL && one != NULL && text != NULL);
	ASN1_STRING_set(text, name.p, (int)name.n);
	GENERAL_NAME_set0_value(one, GEN_DNS, text);
	sk_GENERAL_NAME_push(names, one);
	X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0);
	GENERAL_NAMES_free(names);
}

static char *text_of(BIO *bio)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);
	char *text = str_dup_c(str_of(p, (size_t)n));

	BIO_free(bio);
	return text;
}

static void make(struct made *m)
{
	struct made *issuer = m->by_ca ? &made[CA] : m;
	BIO *cert = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_mem());
	X509_NAME *name;

	m->key = EVP_EC_gen("P-256");
	m->x = X509_new();
	assert_true(cert != NULL && key != NULL && m->key != NULL && m->x != NULL);
	X509_set_version(m->x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(m->x), 1 + (m - made));
	X509_gmtime_adj(X509_getm_notBefore(m->x), -86400);
	X509_gmtime_adj(X509_getm_notAfter(m->x), m->expired ? -3600 : 3600);
	X509_set_pubkey(m->x, m->key);
	name = X509_get_subject_name(m->x);
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_ASC, (const unsigned char *)m->common_name, -1, -1, 0);
	X509_set_issuer_name(m->x, X509_get_subject_name(issuer->x));
	if (m == &made[CA])
		add_extension(m->x, NID_basic_constraints, "critical,CA:TRUE");
	if (m->not_server)
		add_extension(m->x, NID_ext_key_usage, "clientAuth");
	if (m->san.n > 0)
		add_name(m->x, m->san);
	assert_true(X509_sign(m->x, issuer->key, EVP_sha256()) > 0);
	PEM_write_bio_X509(cert, m->x);
	if (m->by_ca) /* DANE-TA wants the authority in the chain (RFC 7672 3.1.2) */
		PEM_write_bio_X509(cert, made[CA].x);
	PEM_write_bio_PrivateKey(key, m->key, NULL, NULL, 0, NULL, NULL);
	m->pem = text_of(cert);
	m->key_pem = text_of(key);
}

struct end {
	struct conn c;
	struct buf in;
	int up, failed;
};

struct rig {
	struct loop *loop;
	struct end server, client;
};

static void on_event(struct conn *c, enum conn_event e)
{
	struct end *end = LIST_OF(c, struct end, c);

	end->up += e == CONN_TLS_UP;
	end->failed += e == CONN_FAILED;
	if (e == CONN_READY && conn_read(c, &end->in, 4096) < 0)
		conn_want(c, 0);
	else if (e == CONN_READY || e == CONN_TLS_UP)
		conn_want(c, LOOP_READ);
}

static struct tls_server *server(int cert, const char *min)
{
	struct err err = { 0 };
	struct tls_pair pair = { str_c(made[cert].pem), str_c(made[cert].key_pem) };
	static char keys[TLS_TICKET_KEY] = "a name";
	struct tls_server *t =
		tls_server_new(&pair, 1, str_c(min), str_of(keys, sizeof keys), &err);

	assert_string_equal(err.text, "");
	return t;
}

/* Both ends until both are up or one has failed; then an octet each way, so that tickets arrive. */
static bool shake(
	struct rig *r, struct tls_server *s, struct tls_client *t, const struct tls_want *w)
{
	struct err err = { 0 };
	struct buf octet = { 0 };
	int fds[2];

	*r = (struct rig){ .loop = loop_new() };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	conn_init(&r->server.c, r->loop, fds[0], NULL, on_event);
	conn_init(&r->client.c, r->loop, fds[1], NULL, on_event);
	conn_start_tls(&r->server.c, s);
	if (conn_start_tls_client(&r->client.c, t, w, &err) != ST_OK)
		fail_msg("%s", err.text);
	for (int i = 0; i < 100 && r->client.failed + r->server.failed == 0; i++) {
		loop_turn(r->loop, false);
		if (r->client.up + r->server.up == 2)
			break;
	}
	for (int i = 0; i < 4; i++)
		loop_turn(r->loop, false);
	if (r->client.up == 0 || r->client.failed != 0)
		return false;
	buf_put(&octet, STR("x"));
	conn_write(&r->server.c, &octet);
	for (int i = 0; i < 50 && r->client.in.len == 0; i++)
		loop_turn(r->loop, false);
	buf_deinit(&octet);
	return true;
}

static void rig_close(struct rig *r)
{
	conn_close(&r->client.c);
	conn_close(&r->server.c);
	buf_deinit(&r->client.in);
	buf_deinit(&r->server.in);
	loop_free(r->loop);
}

static struct tls_client *client(struct str roots)
{
	struct err err = { 0 };
	struct tls_client *t = tls_client_new(roots, &err);

	assert_string_equal(err.text, "");
	return t;
}

static const struct str mx[] = { STR_INIT("mx.test") }, other[] = { STR_INIT("other.test") },
			both[] = { STR_INIT("other.test"), STR_INIT("MX.test") },
			upper[] = { STR_INIT("MX.TEST") }, below[] = { STR_INIT("a.mx.test") },
			half[] = { STR_INIT("ab.mx.test") }, deep[] = { STR_INIT("b.a.mx.test") };

static void names(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		int cert;
		enum tls_check check;
		const struct str *names;
		size_t name_count;
		enum tls_verified verified; /* TLS_UNVERIFIED with a check: refused */
		const char *refusal;
	} rows[] = {
		{ "good", GOOD, TLS_CHECK_NAMES, mx, 1, TLS_BY_NAME, NULL },
		{ "case does not count", GOOD, TLS_CHECK_NAMES, upper, 1, TLS_BY_NAME, NULL },
		{ "one of two", GOOD, TLS_CHECK_NAMES, both, 2, TLS_BY_NAME, NULL },
		{ "another name", GOOD, TLS_CHECK_NAMES, other, 1, TLS_UNVERIFIED,
			"hostname mismatch" },
		{ "expired", EXPIRED, TLS_CHECK_NAMES, mx, 1, TLS_UNVERIFIED,
			"certificate has expired" },
		{ "its own authority", SELF, TLS_CHECK_NAMES, mx, 1, TLS_UNVERIFIED,
			"self-signed certificate" },
		{ "no name but the common one", ONLY_CN, TLS_CHECK_NAMES, mx, 1, TLS_UNVERIFIED,
			"hostname mismatch" },
		{ "a NUL in the name", NUL, TLS_CHECK_NAMES, mx, 1, TLS_UNVERIFIED,
			"hostname mismatch" },
		{ "a whole label by a star", WILD, TLS_CHECK_NAMES, below, 1, TLS_BY_NAME, NULL },
		{ "two labels by a star", WILD, TLS_CHECK_NAMES, deep, 1, TLS_UNVERIFIED,
			"hostname mismatch" },
		{ "half a label by a star", DEEP_WILD, TLS_CHECK_NAMES, half, 1, TLS_UNVERIFIED,
			"hostname mismatch" },
		{ "no certificate for servers", NOT_SERVER, TLS_CHECK_NAMES, mx, 1, TLS_UNVERIFIED,
			"unsuitable certificate purpose" },
		{ "any", EXPIRED, TLS_CHECK_NONE, NULL, 0, TLS_UNVERIFIED, NULL },
		{ "any of its own", SELF, TLS_CHECK_NONE, NULL, 0, TLS_UNVERIFIED, NULL },
		{ "any, not for servers", NOT_SERVER, TLS_CHECK_NONE, mx, 1, TLS_UNVERIFIED, NULL },
	};
	/* clang-format on */
	struct tls_client *t = client(str_c(made[CA].pem));

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tls_want want = { .check = rows[i].check,
			.sni = STR("mx.test"),
			.names = rows[i].names,
			.name_count = rows[i].name_count };
		struct tls_server *s = server(rows[i].cert, "1.2");
		struct tls_result result;
		struct rig r;
		bool up = shake(&r, s, t, &want);

		if (up != (rows[i].refusal == NULL))
			fail_msg("%s: %s", rows[i].name, r.client.c.error);
		if (up) {
			tls_client_result(r.client.c.ssl, &result);
			assert_int_equal(result.verified, rows[i].verified);
			assert_string_equal(result.version, "TLSv1.3");
			assert_null(tls_client_refusal(r.client.c.ssl));
			assert_int_equal(result.name[0] != '\0', result.verified == TLS_BY_NAME);
		} else {
			assert_string_equal(tls_client_refusal(r.client.c.ssl), rows[i].refusal);
			assert_int_equal(r.client.failed, 1);
		}
		rig_close(&r);
		tls_server_unref(s);
	}
	tls_client_free(t);
}

/* What a TLSA row of usage, selector and SHA-256 says of a certificate. */
static struct dns_row tlsa_of(int cert, uint8_t usage, uint8_t selector, unsigned char digest[32])
{
	unsigned n;

	if (selector == 1)
		assert_true(spki_digest(made[cert].x, digest));
	else
		assert_int_equal(X509_digest(made[cert].x, EVP_sha256(), digest, &n), 1);
	return (struct dns_row){
		.usage = usage, .selector = selector, .matching = 1, .data = str_of(digest, 32)
	};
}

static void dane(void **state)
{
	static const struct {
		const char *name;
		int cert, row_of;
		uint8_t usage, selector;
		const struct str *names;
		enum tls_verified verified;
	} rows[] = {
		{ "the key", GOOD, GOOD, 3, 1, mx, TLS_BY_DANE_EE },
		{ "the certificate", SELF, SELF, 3, 0, mx, TLS_BY_DANE_EE },
		{ "of DANE-EE neither name nor date count", EXPIRED, EXPIRED, 3, 1, other,
			TLS_BY_DANE_EE },
		{ "another key", GOOD, SELF, 3, 1, mx, TLS_UNVERIFIED },
		{ "the authority", GOOD, CA, 2, 0, mx, TLS_BY_DANE_TA },
		{ "the authority's key", GOOD, CA, 2, 1, mx, TLS_BY_DANE_TA },
		{ "of DANE-TA the name counts", GOOD, CA, 2, 0, other, TLS_UNVERIFIED },
		{ "and the date", EXPIRED, CA, 2, 0, mx, TLS_UNVERIFIED },
		{ "another authority", SELF, CA, 2, 0, mx, TLS_UNVERIFIED },
		{ "the common name will do", ONLY_CN, CA, 2, 0, mx, TLS_BY_DANE_TA },
	};
	struct tls_client *t = client(STR(""));

	(void)state;
	for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
		size_t at = i / 2;
		unsigned char digest[32], wrong[32] = { 0 };
		struct dns_row tlsa[2] = {
			{ .usage = 3, .selector = 1, .matching = 1, .data = str_of(wrong, 32) }
		};
		struct tls_want want = { .check = TLS_CHECK_DANE,
			.sni = rows[at].names[0],
			.names = rows[at].names,
			.name_count = 1,
			.tlsa = tlsa + 1 - i % 2, /* alone, and behind one that does not match */
			.tlsa_count = 1 + i % 2 };
		struct tls_server *s = server(rows[at].cert, "1.2");
		struct tls_result result;
		struct rig r;
		bool up;

		tlsa[1] = tlsa_of(rows[at].row_of, rows[at].usage, rows[at].selector, digest);
		up = shake(&r, s, t, &want);
		if (up != (rows[at].verified != TLS_UNVERIFIED))
			fail_msg("%s: %s", rows[at].name, r.client.c.error);
		if (up) {
			tls_client_result(r.client.c.ssl, &result);
			assert_int_equal(result.verified, rows[at].verified);
		} else {
			assert_non_null(tls_client_refusal(r.client.c.ssl));
		}
		rig_close(&r);
		tls_server_unref(s);
	}
	tls_client_free(t);
}

static void pins(void **state)
{
	unsigned char pin[3][TLS_PIN] = { { 0 }, { 0 }, { 0 } };
	struct tls_client *t = client(STR(""));
	struct tls_server *s = server(SELF, "1.2");
	struct tls_want want = { .check = TLS_CHECK_PINS, .pins = pin, .pin_count = 2 };
	struct tls_result result;
	struct rig r;
	unsigned n;

	(void)state;
	assert_false(shake(&r, s, t, &want));
	assert_non_null(tls_client_refusal(r.client.c.ssl));
	assert_string_equal(tls_client_refusal(r.client.c.ssl), "certificate not trusted");
	rig_close(&r);
	assert_true(spki_digest(made[SELF].x, pin[1]));
	assert_true(shake(&r, s, t, &want));
	tls_client_result(r.client.c.ssl, &result);
	assert_int_equal(result.verified, TLS_BY_PIN);
	assert_memory_equal(result.pin, pin[1], TLS_PIN);
	assert_string_equal(result.subject, "/CN=mx.test");
	rig_close(&r);
	X509_digest(made[SELF].x, EVP_sha256(), pin[1], &n);
	assert_true(shake(&r, s, t, &want));
	rig_close(&r);
	tls_server_unref(s);
	tls_client_free(t);
}

static bool resumed(struct rig *r, enum tls_verified verified)
{
	struct tls_result result;

	tls_client_result(r->client.c.ssl, &result);
	assert_int_equal(result.verified, verified);
	return result.resumed;
}

static void resumes_only_the_same(void **state)
{
	unsigned char digest[32];
	struct dns_row row = tlsa_of(GOOD, 3, 1, digest);
	const struct tls_want base = { .check = TLS_CHECK_NONE,
		.sni = STR("mx.test"),
		.names = mx,
		.name_count = 1,
		.peer = STR("mx.test:25") };
	struct tls_client *t = client(str_c(made[CA].pem));
	struct tls_want want;
	struct tls_server *s = server(GOOD, "1.2");
	struct rig r;

	(void)state;
	want = base;
	for (int i = 0; i < 3; i++) {
		assert_true(shake(&r, s, t, &want));
		assert_int_equal(resumed(&r, TLS_UNVERIFIED), i > 0);
		rig_close(&r);
	}
	/* A session without a check is none for who wants one. */
	want.check = TLS_CHECK_NAMES;
	for (int i = 0; i < 2; i++) {
		assert_true(shake(&r, s, t, &want));
		assert_int_equal(resumed(&r, TLS_BY_NAME), i > 0);
		rig_close(&r);
	}
	want.check = TLS_CHECK_DANE;
	want.tlsa = &row;
	want.tlsa_count = 1;
	for (int i = 0; i < 2; i++) {
		assert_true(shake(&r, s, t, &want));
		assert_int_equal(resumed(&r, TLS_BY_DANE_EE), i > 0);
		rig_close(&r);
	}
	/* The rows have changed, the key has not: nothing of the old ones counts. */
	row = tlsa_of(SELF, 3, 1, digest);
	assert_false(shake(&r, s, t, &want));
	rig_close(&r);
	want = base;
	want.peer = STR("");
	assert_true(shake(&r, s, t, &want));
	assert_false(resumed(&r, TLS_UNVERIFIED));
	rig_close(&r);
	want = base;
	want.peer = STR("mx.test:26");
	assert_true(shake(&r, s, t, &want));
	assert_false(resumed(&r, TLS_UNVERIFIED));
	rig_close(&r);
	tls_server_unref(s);
	tls_client_free(t);
}

static void wishes_that_cannot_be_met(void **state)
{
	static const struct str many[TLS_NAMES_MAX + 1] = { STR_INIT("a") };
	static const struct dns_row bad = {
		.usage = 3, .selector = 1, .matching = 1, .data = STR_INIT("short")
	};
	static const unsigned char pin[1][TLS_PIN];
	const struct tls_want rows[] = {
		{ .check = TLS_CHECK_NAMES },
		{ .check = TLS_CHECK_NAMES, .names = many, .name_count = TLS_NAMES_MAX + 1 },
		{ .check = TLS_CHECK_DANE, .names = mx, .name_count = 1 },
		{ .check = TLS_CHECK_DANE,
			.names = mx,
			.name_count = 1,
			.tlsa = &bad,
			.tlsa_count = 1 },
		{ .check = TLS_CHECK_PINS },
		{ .check = TLS_CHECK_PINS, .pins = pin, .pin_count = 1, .sni = STR_INIT("a\0b") },
	};
	struct tls_client *t = client(STR(""));

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };

		assert_null(tls_client_session(t, &rows[i], &err));
		assert_int_equal(err.code, ST_USAGE);
	}
	tls_client_free(t);
}

static void versions(void **state)
{
	struct tls_client *t = client(str_c(made[CA].pem));
	/* clang-format off */
	struct tls_want want = { .check = TLS_CHECK_NONE };
	struct tls_server *s = server(GOOD, "1.2");
	struct tls_result result;
	struct rig r;

	(void)state;
	SSL_CTX_set_max_proto_version(tls_server_ctx(s), TLS1_2_VERSION);
	assert_true(shake(&r, s, t, &want));
	tls_client_result(r.client.c.ssl, &result);
	assert_string_equal(result.version, "TLSv1.2");
	assert_true(result.group[0] != '\0' && result.cipher[0] != '\0');
	rig_close(&r);
	want.only_13 = true;
	assert_false(shake(&r, s, t, &want));
	/* No certificate was refused: the handshake came to nothing. */
	assert_null(tls_client_refusal(r.client.c.ssl));
	rig_close(&r);
	want.only_13 = false;
	SSL_CTX_set_min_proto_version(tls_server_ctx(s), TLS1_1_VERSION);
	SSL_CTX_set_max_proto_version(tls_server_ctx(s), TLS1_1_VERSION);
	SSL_CTX_set_security_level(tls_server_ctx(s), 0);
	SSL_CTX_set_cipher_list(tls_server_ctx(s), "ALL:@SECLEVEL=0");
	assert_false(shake(&r, s, t, &want));
	rig_close(&r);
	tls_server_unref(s);
	tls_client_free(t);
}

static void alpn(void **state)
{
	struct tls_client *t = client(STR(""));
	struct tls_server *s = server(GOOD, "1.2");
	struct tls_want want = { .check = TLS_CHECK_NONE, .alpn = "pop3" };
	struct rig r;

	(void)state;
	assert_true(shake(&r, s, t, &want));
	rig_close(&r);
	want.alpn = "imap";
	assert_false(shake(&r, s, t, &want));
	rig_close(&r);
	tls_server_unref(s);
	tls_client_free(t);
}

static void roots(void **state)
{
	struct err err = { 0 };
	struct buf two = { 0 };
	struct tls_client *t;

	(void)state;
	buf_put(&two, STR("# a bundle\n"));
	buf_put(&two, str_c(made[CA].pem));
	buf_put(&two, STR("\nanother\n"));
	buf_put(&two, str_c(made[SELF].pem));
	t = client(buf_str(&two));
	assert_int_equal(tls_client_root_count(t), 2);
	tls_client_free(t);
	buf_truncate(&two, two.len - 60);
	assert_null(tls_client_new(buf_str(&two), &err));
	assert_int_equal(err.code, ST_USAGE);
	assert_null(tls_client_new(STR("not PEM"), NULL));
	buf_deinit(&two);
}

/* No more sessions are kept than the limit says, however many peers there are. */
static void sessions_are_bounded(void **state)
{
	struct tls_client *t = client(STR(""));
	struct tls_server *s = server(GOOD, "1.2");
	struct tls_want want = { .check = TLS_CHECK_NONE };
	char peer[16];
	struct rig r;

	(void)state;
	for (int i = 0; i <= 1001; i++) {
		/* The first peer again at the end: it has been pushed out. */
		snprintf(peer, sizeof peer, "h%d:25", i == 1001 ? 0 : i);
		want.peer = str_c(peer);
		assert_true(shake(&r, s, t, &want));
		assert_false(resumed(&r, TLS_UNVERIFIED));
		rig_close(&r);
	}
	tls_server_unref(s);
	tls_client_free(t);
}

static int set_up(void **state)
{
	(void)state;
	for (int i = 0; i < MADE; i++)
		make(&made[i]);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < MADE; i++) {
		X509_free(made[i].x);
		EVP_PKEY_free(made[i].key);
		free(made[i].pem);
		free(made[i].key_pem);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(dane),
		cmocka_unit_test(pins),
		cmocka_unit_test(resumes_only_the_same),
		cmocka_unit_test(wishes_that_cannot_be_met),
		cmocka_unit_test(versions),
		cmocka_unit_test(alpn),
		cmocka_unit_test(roots),
		cmocka_unit_test(sessions_are_bounded),
	};
	/* clang-format on */

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
