#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "trust/arc.h"

#define NOW     1753000000000
#define RESULTS "mx.example.org; spf=pass smtp.mailfrom=a@x.test; arc=none"

#define MESSAGE                                                                                    \
	"Received: from x.test\r\n"                                                                \
	"DKIM-Signature: v=1; a=rsa-sha256; d=x.test; s=y; h=From; bh=AA==; b=AA==\r\n"            \
	"From: Ann <a@x.test>\r\n"                                                                 \
	"To: list@example.org,\r\n\tb@example.org\r\n"                                             \
	"Subject: a  chain\r\n"                                                                    \
	"Date: Fri, 18 Jul 2025 12:00:00 +0000\r\n"                                                \
	"\r\n"                                                                                     \
	"One  line.\r\n\r\n\r\n"

#define COVERED "h=From:Subject:Date:To\r\n\t:DKIM-Signature:From"

static struct dkim_key *keys[DKIM_ALGORITHMS];
static struct buf records[DKIM_ALGORITHMS];

static int make_keys(void **state)
{
	(void)state;
	for (enum dkim_algorithm a = 0; a < DKIM_ALGORITHMS; a++) {
		struct buf der = { 0 };

		if (dkim_key_make(a, &der, NULL) != ST_OK)
			return 1;
		keys[a] = dkim_key_new(a, buf_str(&der));
		dkim_key_record(keys[a], &records[a]);
		buf_deinit(&der);
	}
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	for (enum dkim_algorithm a = 0; a < DKIM_ALGORITHMS; a++) {
		dkim_key_free(keys[a]);
		buf_deinit(&records[a]);
	}
	return 0;
}

static struct dkim_signer signer(enum dkim_algorithm a)
{
	return (struct dkim_signer){ .key = keys[a],
		.domain = STR("example.org"),
		.selector = a == DKIM_RSA_SHA256 ? STR("rsa") : STR("ed"),
		.wall_ms = NOW };
}

/* Answers what it asks, counts how often. */
static size_t answer(struct arc *a)
{
	size_t asked = 0;
	struct buf name = { 0 };

	for (; arc_wants(a, &name); buf_clear(&name), asked++)
		if (str_eq(buf_str(&name), STR("rsa._domainkey.example.org")))
			arc_key(a, DKIM_KEY_FOUND, buf_str(&records[DKIM_RSA_SHA256]));
		else if (str_eq(buf_str(&name), STR("ed._domainkey.example.org")))
			arc_key(a, DKIM_KEY_FOUND, buf_str(&records[DKIM_ED25519_SHA256]));
		else
			arc_key(a, DKIM_KEY_NONE, STR(""));
	buf_deinit(&name);
	return asked;
}

static struct arc *judge(struct str message, size_t step)
{
	struct arc *a = arc_new(NOW);

	for (size_t i = 0; i < message.n; i += step)
		arc_feed(a, str_head(str_from(message, i), step));
	arc_end(a);
	answer(a);
	return a;
}

static const char *why_of(struct str message)
{
	struct arc *a = judge(message, message.n);
	const char *why = arc_why(a);

	assert_int_equal(arc_result(a) == ARC_FAIL, why != NULL);
	arc_free(a);
	return why == NULL ? "" : why;
}

/* A hop: validates the message and puts a set on top. */
static enum status seal(struct buf *message, enum dkim_algorithm algorithm, struct err *err)
{
	struct arc *a = judge(buf_str(message), message->len);
	struct dkim_signer s = signer(algorithm);
	struct arc_request r;
	struct buf space = { 0 }, top = { 0 };
	enum status status = arc_request_of(a, STR(RESULTS), &r, &space, err);

	if (status == ST_OK)
		status = arc_sign(&r, &s, &top, err);
	if (status == ST_OK) {
		buf_put(&top, buf_str(message));
		buf_deinit(message);
		*message = top;
	} else {
		assert_int_equal(top.len, 0);
	}
	buf_deinit(&space);
	arc_free(a);
	return status;
}

static void put_message(struct buf *message, unsigned hops)
{
	buf_put(message, STR(MESSAGE));
	for (unsigned i = 0; i < hops; i++)
		assert_int_equal(
			seal(message, i % 2 == 0 ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256, NULL),
			ST_OK);
}

static size_t place_of(struct str s, struct str what)
{
	size_t at = 0;

	while (at + what.n <= s.n && !str_starts(str_from(s, at), what))
		at++;
	if (at + what.n > s.n)
		fail_msg("no %.*s in %.*s", STR_ARG(what), STR_ARG(s));
	return at;
}

/* The first `from` becomes `to`. */
static void change(struct buf *message, struct str from, struct str to)
{
	struct str s = buf_str(message);
	size_t at = place_of(s, from);
	struct buf changed = { 0 };

	buf_put(&changed, str_head(s, at));
	buf_put(&changed, to);
	buf_put(&changed, str_from(s, at + from.n));
	buf_deinit(message);
	*message = changed;
}

static void assert_why(const char *name, struct str message, const char *why)
{
	const char *got = why_of(message);

	if (str_cmp(str_c(got), str_c(why)) != 0)
		fail_msg("%s: \"%s\"", name, got);
}

static void chains(void **state)
{
	struct buf message = { 0 };

	(void)state;
	buf_put(&message, STR(MESSAGE));
	for (unsigned hops = 0; hops <= 3; hops++) {
		static const enum dkim_algorithm by[] = { DKIM_RSA_SHA256, DKIM_ED25519_SHA256,
			DKIM_RSA_SHA256, DKIM_ED25519_SHA256 };
		struct arc *a = judge(buf_str(&message), message.len);

		assert_int_equal(arc_result(a), hops == 0 ? ARC_NONE : ARC_PASS);
		assert_null(arc_why(a));
		assert_false(arc_temporary(a));
		assert_int_equal(arc_instances(a), hops);
		arc_free(a);
		assert_int_equal(seal(&message, by[hops], NULL), ST_OK);
		/* What servers on the way put on top or fold anew. */
		buf_put(&message, STR("\r\n"));
		change(&message, STR("ARC-Seal"), STR("Received: x\r\nSender: y\r\nARC-Seal"));
		change(&message, STR(" arc=none"), STR("\r\n  arc=none"));
	}
	buf_deinit(&message);
}

/* However it was cut. */
static void pieces(void **state)
{
	struct buf message = { 0 };

	(void)state;
	put_message(&message, 2);
	for (size_t step = 1; step < message.len; step = step * 3 + 1) {
		struct arc *a = judge(buf_str(&message), step);

		assert_int_equal(arc_result(a), ARC_PASS);
		arc_free(a);
	}
	buf_deinit(&message);
}

/* One key is asked for once, whoever signed with it. */
static void questions(void **state)
{
	struct buf message = { 0 }, name = { 0 };
	struct arc *a;

	(void)state;
	put_message(&message, 4);
	a = arc_new(NOW);
	arc_feed(a, buf_str(&message));
	arc_end(a);
	assert_int_equal(arc_result(a), ARC_FAIL); /* so far */
	assert_int_equal(answer(a), 2);
	assert_int_equal(arc_result(a), ARC_PASS);
	arc_free(a);

	a = arc_new(NOW);
	arc_feed(a, buf_str(&message));
	arc_end(a);
	assert_true(arc_wants(a, &name));
	assert_true(str_eq(buf_str(&name), STR("ed._domainkey.example.org")));
	arc_key(a, DKIM_KEY_UNKNOWN, STR(""));
	assert_false(arc_wants(a, &name));
	assert_int_equal(arc_result(a), ARC_FAIL);
	assert_true(arc_temporary(a));
	arc_free(a);

	a = arc_new(NOW);
	arc_feed(a, buf_str(&message));
	arc_end(a);
	arc_key(a, DKIM_KEY_NONE, STR(""));
	assert_int_equal(arc_result(a), ARC_FAIL);
	assert_false(arc_temporary(a));
	arc_free(a);
	buf_deinit(&message);
	buf_deinit(&name);
}

/* RFC 8617 4.2.1: 50 sets, and the next has no room. */
static void the_longest(void **state)
{
	struct buf message = { 0 };
	struct err err = { 0 };

	(void)state;
	buf_put(&message, STR(MESSAGE));
	for (unsigned i = 1; i <= ARC_INSTANCES_MAX; i++)
		assert_int_equal(seal(&message, DKIM_ED25519_SHA256, &err), ST_OK);
	assert_why("50", buf_str(&message), "");
	assert_int_equal(seal(&message, DKIM_ED25519_SHA256, &err), ST_PERM);
	assert_string_equal(err.text, "arc: the chain is full");
	change(&message, STR("ARC-Seal: i=50"), STR("ARC-Seal: i=51"));
	assert_why("51", buf_str(&message), "an instance is no number from 1 to 50");
	buf_deinit(&message);
}

static void tampering(void **state)
{
	static const char instance[] = "an instance is no number from 1 to 50",
			  twice[] = "a field stands twice in a set",
			  incomplete[] = "a set is not complete", header[] = "header was changed",
			  chain[] = "the chain was changed", cv[] = "cv= does not fit the instance";
	static const struct {
		struct str from, to;
		const char *why;
	} rows[] = {
		{ STR_INIT("One  line"), STR_INIT("Two  lines"), "body was changed" },
		{ STR_INIT("One  line"), STR_INIT("One line"), "" },
		{ STR_INIT("Subject: a"), STR_INIT("Subject: b"), header },
		{ STR_INIT("From: Ann"), STR_INIT("From: Eve"), header },
		{ STR_INIT("From: Ann"), STR_INIT("From: <e@x.test>\r\nFrom: Ann"), header },
		{ STR_INIT("d=x.test; s=y"), STR_INIT("d=x.test; s=z"), header },
		{ STR_INIT("Received: from"), STR_INIT("X-Received: by"), "" },
		/* the results of an earlier hop; of the newest */
		{ STR_INIT("Results: i=1; mx"), STR_INIT("Results: i=1; my"), chain },
		{ STR_INIT("Results: i=3; mx"), STR_INIT("Results: i=3; my"), chain },
		{ STR_INIT("Signature: i=1; a="), STR_INIT("Signature: i=1; z=1; a="), chain },
		{ STR_INIT("Signature: i=3; a="), STR_INIT("Signature: i=3; z=1; a="), header },
		{ STR_INIT("Seal: i=2; a="), STR_INIT("Seal: i=2; z=1; a="), chain },
		{ STR_INIT("Seal: i=1; a="), STR_INIT("Seal: i=1; z=1; a="), chain },
		/* 5.2 step 3 */
		{ STR_INIT("ARC-Seal: i=2"), STR_INIT("ARC-Seal: i=1"), twice },
		{ STR_INIT("ARC-Seal: i=2"), STR_INIT("X-ARC-Seal: i=2"), incomplete },
		{ STR_INIT("ARC-Message-Signature: i=2"), STR_INIT("X: i=2"), incomplete },
		{ STR_INIT("ARC-Authentication-Results: i=2"), STR_INIT("X: i=2"), incomplete },
		{ STR_INIT("ARC-Seal: i=3"), STR_INIT("ARC-Seal: i=4"), incomplete },
		{ STR_INIT("ARC-Seal: i=3"), STR_INIT("ARC-Seal: i=0"), instance },
		{ STR_INIT("ARC-Seal: i=3"), STR_INIT("ARC-Seal: i=-3"), instance },
		{ STR_INIT("ARC-Seal: i=3"), STR_INIT("ARC-Seal: i=003"), instance },
		{ STR_INIT("ARC-Seal: i=3;"), STR_INIT("ARC-Seal: i=;"), instance },
		{ STR_INIT("ARC-Seal: i=3;"), STR_INIT("ARC-Seal:"), instance },
		{ STR_INIT("ARC-Authentication-Results: i=3;"),
			STR_INIT("ARC-Authentication-Results:"), instance },
		{ STR_INIT("ARC-Authentication-Results: i=3;"),
			STR_INIT("ARC-Authentication-Results: i=2; a\r\n"
				 "ARC-Authentication-Results: i=3;"),
			twice },
		{ STR_INIT("cv=pass"), STR_INIT("cv=none"), cv },
		{ STR_INIT("cv=none"), STR_INIT("cv=pass"), cv },
		{ STR_INIT("cv=none"), STR_INIT("cv=fail"), cv },
		{ STR_INIT("cv=none;"), STR_INIT(""), cv },
		{ STR_INIT("cv=pass"), STR_INIT("cv=fail"), "the newest seal says so" },
		/* the tags */
		{ STR_INIT("Seal: i=3; a="), STR_INIT("Seal: i=3; h=from; a="), "a seal has h=" },
		{ STR_INIT("Seal: i=3; a="), STR_INIT("Seal: i=3; i=3; a="), "not a list of tags" },
		{ STR_INIT("Seal: i=3; a=rsa"), STR_INIT("Seal: i=3; a=dsa"),
			"algorithm is not accepted" },
		{ STR_INIT("Seal: i=3; a=rsa"), STR_INIT("Seal: i=3; a=ed25519"),
			"key is of another kind" },
		{ STR_INIT("d=example.org;"), STR_INIT("d=example.org\" x;"),
			"no domain and selector" },
		{ STR_INIT("s=rsa;"), STR_INIT("s=gone;"), "no key in DNS" },
		{ STR_INIT("d=example.org;"), STR_INIT("d=other.test;"), "no key in DNS" },
		{ STR_INIT("s=rsa; t=1753000000; h="), STR_INIT("s=gone; t=1753000000; h="),
			"no key in DNS" },
		{ STR_INIT("Signature: i=1; a="), STR_INIT("Signature: i=1; i=1; a="),
			"not a list of tags" },
		{ STR_INIT("t=17"), STR_INIT("t=17 "), "times are not in order" },
		{ STR_INIT(" b="), STR_INIT(" c="), "no signature in it" },
		{ STR_INIT(" b="), STR_INIT(" b=#"), "signature is not base64" },
		{ STR_INIT("Signature: i=3; a="), STR_INIT("Signature: i=3; v=7; a="), header },
		{ STR_INIT("Signature: i=3; a="), STR_INIT("Signature: i=3; x=9; a="),
			"times are not in order" },
		{ STR_INIT("t=1753000000; h="), STR_INIT("t=1; x=2; h="), "expired" },
		{ STR_INIT("Signature: i=3; a="), STR_INIT("Signature: i=3; l=3; a="),
			"not the whole body is signed" },
		{ STR_INIT("h=From"), STR_INIT("h=ARC-Seal:From"),
			"a message signature covers ARC-Seal" },
		{ STR_INIT("c=relaxed/relaxed"), STR_INIT("c=relaxed/simple"), "body was changed" },
		{ STR_INIT("c=relaxed/relaxed"), STR_INIT("c=relaxed/loose"),
			"unknown canonicalization" },
		{ STR_INIT(COVERED), STR_INIT("h=Cc"), "From is not signed" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf message = { 0 };

		put_message(&message, 3);
		change(&message, rows[i].from, rows[i].to);
		assert_why(rows[i].to.p, buf_str(&message), rows[i].why);
		buf_deinit(&message);
	}
}

/* A body that is the same both ways is found so. */
static void simple_bodies(void **state)
{
	struct buf message = { 0 };

	(void)state;
	buf_put(&message, STR("From: a@x.test\r\n\r\nOne line.\r\n"));
	assert_int_equal(seal(&message, DKIM_ED25519_SHA256, NULL), ST_OK);
	change(&message, STR("c=relaxed/relaxed"), STR("c=relaxed/simple"));
	assert_why("simple", buf_str(&message), "header was changed");
	buf_deinit(&message);
}

/* Each octet of a set counts, but for blanks that canonicalization takes away. */
static void every_change_is_seen(void **state)
{
	struct buf message = { 0 };
	size_t sets, passed = 0;

	(void)state;
	buf_put(&message, STR(MESSAGE));
	assert_int_equal(seal(&message, DKIM_ED25519_SHA256, NULL), ST_OK);
	sets = place_of(buf_str(&message), STR("Received"));
	for (size_t i = 0; i < sets; i++) {
		struct arc *a;

		message.data[i] ^= 1;
		a = judge(buf_str(&message), message.len);
		passed += arc_result(a) == ARC_PASS;
		arc_free(a);
		message.data[i] ^= 1;
	}
	assert_int_equal(passed, 0);
	buf_deinit(&message);
}

/* RFC 8617 5.1.2: it is told once, over its own set alone, and then never again. */
static void broken_chains(void **state)
{
	static const struct str breaks[] = { STR_INIT("Results: i=1; mx"),
		STR_INIT("ARC-Seal: i=1;"), STR_INIT("cv=none"), STR_INIT("ARC-Seal: i=2") };

	(void)state;
	for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
		struct buf message = { 0 };
		struct err err = { 0 };
		struct str top;

		put_message(&message, 2);
		change(&message, breaks[i], STR("Results: i=1; my"));
		assert_int_equal(seal(&message, DKIM_RSA_SHA256, &err), ST_OK);
		top = str_head(buf_str(&message), 40);
		assert_true(str_starts(top, STR("ARC-Seal: i=3; a=rsa-sha256; cv=fail;")));
		assert_why("marked", buf_str(&message), "the newest seal says so");
		assert_int_equal(seal(&message, DKIM_RSA_SHA256, &err), ST_PERM);
		assert_string_equal(err.text, "arc: the chain is sealed as broken");
		buf_deinit(&message);
	}
}

static void unsealed(void **state)
{
	struct buf message = { 0 }, space = { 0 }, name = { 0 };
	struct arc_request r;
	struct arc *a;

	(void)state;
	put_message(&message, 1);
	a = arc_new(NOW);
	arc_feed(a, buf_str(&message));
	arc_end(a);
	assert_int_equal(arc_request_of(a, STR(RESULTS), &r, &space, NULL), ST_TEMP);
	arc_key(a, DKIM_KEY_UNKNOWN, STR(""));
	assert_int_equal(arc_request_of(a, STR(RESULTS), &r, &space, NULL), ST_TEMP);
	arc_free(a);

	buf_clear(&message);
	buf_put(&message, STR("Subject: no From\r\n\r\nx\r\n"));
	assert_int_equal(seal(&message, DKIM_RSA_SHA256, NULL), ST_PERM);
	buf_clear(&message);
	assert_int_equal(seal(&message, DKIM_RSA_SHA256, NULL), ST_PERM);
	for (size_t i = 0; i < 600; i++)
		buf_put(&message, STR("To: b@x.test\r\n"));
	buf_put(&message, STR(MESSAGE));
	assert_int_equal(seal(&message, DKIM_RSA_SHA256, NULL), ST_PERM);
	buf_clear(&message);
	buf_put(&message, STR("Subject: "));
	buf_fill(&message, 'x', DKIM_HEADER_MAX);
	buf_put(&message, STR("\r\n" MESSAGE));
	assert_why("too long", buf_str(&message), "header is too long");
	assert_int_equal(seal(&message, DKIM_RSA_SHA256, NULL), ST_PERM);
	buf_clear(&message);
	buf_put(&message, STR("From: a@x.test\r\n"));
	for (size_t i = 0; i < DKIM_FIELDS_MAX; i++)
		buf_put(&message, STR("X: y\r\n"));
	assert_int_equal(seal(&message, DKIM_RSA_SHA256, NULL), ST_PERM);
	buf_deinit(&message);
	buf_deinit(&space);
	buf_deinit(&name);
}

static const struct arc_request good = {
	.instance = 1,
	.cv = ARC_NONE,
	.results = STR_INIT(RESULTS),
	.names = STR_INIT("From:From"),
	.fields = STR_INIT("from:a\r\n"),
	.chain = STR_INIT(""),
};

/* What the one that holds the keys does not sign, whoever asks for it. */
static void refused(void **state)
{
#define AT(member) offsetof(struct arc_request, member)
#define SET                                                                                        \
	"arc-authentication-results:i=1; x\r\narc-message-signature:i=1; a\r\narc-seal:i=1; a\r\n"
	static const struct {
		const char *name;
		size_t at;
		struct str value;
		const char *why;
	} rows[] = {
		{ "no results", AT(results), STR_INIT(""), "results" },
		{ "blank", AT(results), STR_INIT("  "), "results" },
		{ "a field of its own", AT(results), STR_INIT("a\r\nFrom: x"), "results" },
		{ "line end", AT(results), STR_INIT("a\nb"), "results" },
		{ "NUL", AT(results), STR_INIT("a\0b"), "results" },
		{ "tab", AT(results), STR_INIT("a\tb"), "results" },
		{ "DEL", AT(results), STR_INIT("a\x7f"), "results" },
		{ "8-bit", AT(results), STR_INIT("a\xc3\xbc"), "results" },
		{ "no names", AT(names), STR_INIT(""), "fields" },
		{ "From only once", AT(names), STR_INIT("From"), "fields" },
		{ "nothing behind it", AT(names), STR_INIT("From:Subject:From"), "fields" },
		{ "another", AT(names), STR_INIT("Subject:From"), "fields" },
		{ "a tag", AT(names), STR_INIT("From:From; d=x.test"), "fields" },
		{ "empty", AT(names), STR_INIT("From:"), "fields" },
		{ "no fields", AT(fields), STR_INIT(""), "fields" },
		{ "not ended", AT(fields), STR_INIT("from:a"), "fields" },
		{ "LF", AT(fields), STR_INIT("from:a\n"), "fields" },
		{ "CR", AT(fields), STR_INIT("from:a\rb\r\n"), "fields" },
		{ "one more", AT(fields), STR_INIT("from:a\r\nsubject:b\r\n"), "fields" },
		{ "a signature", AT(fields), STR_INIT("dkim-signature:v=1; b="), "fields" },
		{ "no From", AT(fields), STR_INIT("subject:a\r\n"), "fields" },
		{ "a chain", AT(chain), STR_INIT(SET), "chain" },
		{ "junk", AT(chain), STR_INIT("x"), "chain" },
	}, chains[] = {
		{ "none", 0, STR_INIT(""), "chain" },
		{ "two sets", 0, STR_INIT(SET SET), "chain" },
		{ "not ended", 0, STR_INIT(SET "x"), "chain" },
		{ "another order", 0,
			STR_INIT("arc-message-signature:i=1; a\r\n"
				 "arc-authentication-results:i=1; x\r\narc-seal:i=1; a\r\n"),
			"chain" },
		{ "another instance", 0,
			STR_INIT("arc-authentication-results:i=1; x\r\n"
				 "arc-message-signature:i=2; a\r\narc-seal:i=1; a\r\n"),
			"chain" },
		{ "a signature", 0,
			STR_INIT("arc-authentication-results:i=1; x\r\n"
				 "arc-message-signature:i=1; a\r\ndkim-signature:i=1; a\r\n"),
			"chain" },
	};
	static const struct {
		unsigned instance;
		enum arc_cv cv;
	} steps[] = { { 0, ARC_NONE }, { 0, ARC_FAIL }, { 1, ARC_PASS }, { 2, ARC_NONE },
		{ 51, ARC_PASS }, { 51, ARC_FAIL }, { 1, (enum arc_cv)7 } };
	struct arc_request r = good;
	struct dkim_signer s = signer(DKIM_ED25519_SHA256);
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(arc_sign(&r, &s, &out, NULL), ST_OK);
	r = (struct arc_request){ 2, ARC_PASS, good.results, good.names, good.fields, STR(SET),
		{ 0 } };
	assert_int_equal(arc_sign(&r, &s, &out, NULL), ST_OK);
	buf_clear(&out);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };

		r = good;
		memcpy((char *)&r + rows[i].at, &rows[i].value, sizeof rows[i].value);
		if (arc_sign(&r, &s, &out, &err) != ST_PERM || out.len != 0)
			fail_msg("%s", rows[i].name);
		place_of(str_c(err.text), str_c(rows[i].why));
	}
	for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
		r = good;
		r.instance = 2;
		r.cv = ARC_PASS;
		r.chain = chains[i].value;
		if (arc_sign(&r, &s, &out, NULL) != ST_PERM || out.len != 0)
			fail_msg("%s", chains[i].name);
	}
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		r = good;
		r.instance = steps[i].instance;
		r.cv = steps[i].cv;
		assert_int_equal(arc_sign(&r, &s, &out, NULL), ST_PERM);
	}
	buf_deinit(&out);
}

/* A request whose fields are named, and each of its limits. */
static void refused_sizes(void **state)
{
	struct arc_request r;
	struct dkim_signer s = signer(DKIM_ED25519_SHA256);
	struct buf out = { 0 }, big = { 0 }, chain = { 0 }, names = { 0 }, fields = { 0 };
	struct buf blanks = { 0 };

	(void)state;
	r = good;
	r.names = STR("From:Received:From");
	r.fields = STR("from:a\r\nreceived:b\r\n");
	assert_int_equal(arc_sign(&r, &s, &out, NULL), ST_PERM);
	buf_put(&big, STR("from:"));
	buf_fill(&big, 'x', ARC_CHAIN_MAX);
	buf_put(&big, STR("\r\n"));
	r = good;
	r.fields = buf_str(&big);
	assert_int_equal(arc_sign(&r, &s, &out, NULL), ST_PERM);
	r = good;
	r.instance = 2;
	r.cv = ARC_PASS;
	buf_put(&chain, STR("arc-authentication-results:i=1;"));
	buf_put(&chain, str_from(buf_str(&big), 5));
	buf_put(&chain, str_from(STR(SET), STR("arc-authentication-results:i=1; x\r\n").n));
	r.chain = buf_str(&chain);
	assert_int_equal(arc_sign(&r, &s, &out, NULL), ST_PERM);
	for (size_t i = 0; i < 300; i++) {
		buf_put(&names, STR("List-Unsubscribe:"));
		buf_put(&fields, STR("list-unsubscribe:\r\n"));
	}
	buf_put(&names, STR("From:From"));
	buf_put(&fields, STR("from:x\r\n"));
	r = good;
	r.names = buf_str(&names);
	r.fields = buf_str(&fields);
	assert_int_equal(arc_sign(&r, &s, &out, NULL), ST_PERM);
	r = good;
	r.results = str_head(str_from(buf_str(&big), 5), 901); /* a word no line has room for */
	assert_int_equal(arc_sign(&r, &s, &out, NULL), ST_PERM);
	r.results = str_head(r.results, 900);
	assert_int_equal(arc_sign(&r, &s, &out, NULL), ST_OK);
	buf_clear(&out);
	buf_fill(&blanks, ' ', ARC_RESULTS_MAX);
	buf_putc(&blanks, 'x');
	r.results = buf_str(&blanks);
	assert_int_equal(arc_sign(&r, &s, &out, NULL), ST_PERM);
	r.results = str_from(r.results, 1);
	assert_int_equal(arc_sign(&r, &s, &out, NULL), ST_OK);
	buf_clear(&out);
	r.results = STR(" x.test;  none ");
	assert_int_equal(arc_sign(&r, &s, &out, NULL), ST_OK);
	place_of(buf_str(&out), STR("Results: i=1; x.test; none\r\n"));
	buf_deinit(&out);
	buf_deinit(&big);
	buf_deinit(&chain);
	buf_deinit(&names);
	buf_deinit(&fields);
	buf_deinit(&blanks);
}

/* Folded below 78 octets where there are blanks, no blanks at ends of lines; newest on top. */
static void layout(void **state)
{
	static const struct str names[] = { STR_INIT("ARC-Seal: i=1; a=rsa-sha256; cv=none;"),
		STR_INIT("ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed;"),
		STR_INIT("ARC-Authentication-Results: i=1; mx.example.org; spf=pass") };
	struct buf message = { 0 };
	struct str rest;
	size_t found = 0;

	(void)state;
	put_message(&message, 1);
	for (rest = buf_str(&message); !str_starts(rest, STR("Received"));) {
		struct str line = str_cut(&rest, '\n');

		assert_true(line.n > 1 && line.n < 78 && line.p[line.n - 1] == '\r');
		assert_false(line.p[line.n - 2] == ' ');
		if (line.p[0] == '\t')
			continue;
		assert_true(found < 3 && str_starts(line, names[found]));
		found++;
	}
	assert_int_equal(found, 3);
	/* RFC 8617 4.1.2: nothing of ARC is covered, nor what servers on the way change. */
	place_of(buf_str(&message), STR(COVERED ";"));
	buf_deinit(&message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains),
		cmocka_unit_test(pieces),
		cmocka_unit_test(questions),
		cmocka_unit_test(the_longest),
		cmocka_unit_test(tampering),
		cmocka_unit_test(simple_bodies),
		cmocka_unit_test(every_change_is_seen),
		cmocka_unit_test(broken_chains),
		cmocka_unit_test(unsealed),
		cmocka_unit_test(refused),
		cmocka_unit_test(refused_sizes),
		cmocka_unit_test(layout),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
