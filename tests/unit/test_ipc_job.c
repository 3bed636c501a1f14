/* Jobs and outcomes survive the wall, and nothing that is cut short does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "daemon/ipc_job.h"

static void fill_job(struct job *j, struct job_recipient *recipients)
{
	recipients[0] = (struct job_recipient){ 3, STR("a@b.example"), STR("rfc822;a+40b"), 5, 2 };
	recipients[1] = (struct job_recipient){ 70000, STR("c@b.example"), STR(""), 0, 0 };
	*j = (struct job){ .id = { { 1, 2, 3 } },
		.flags = JOB_8BIT | JOB_REQUIRETLS | JOB_SEAL,
		.sender = STR("s@ours.example"),
		.client = STR("192.0.2.3"),
		.origin = STR("x@stranger.example"),
		.envid = STR("e1"),
		.ret = 2,
		.received_ms = 1234567890123,
		.octets = 77,
		.prefix_octets = 7,
		.kind = ROUTE_RELAY,
		.host = STR("192.0.2.1"),
		.port = 587,
		.site = STR("relay:[192.0.2.1]:587"),
		.has_rule = true,
		.role = RULE_SENDER,
		.rule = STR("ours.example"),
		.recipients = recipients,
		.count = 2,
		.message = STR("Subject: x\r\n\r\n") };
}

static void jobs(void **state)
{
	struct job_recipient recipients[2];
	struct job j, back;
	struct buf b = { 0 };
	struct reader r;

	(void)state;
	fill_job(&j, recipients);
	job_put(&b, &j);
	for (size_t n = 0; n < b.len; n++) {
		r = (struct reader){ .rest = str_head(buf_str(&b), n) };
		assert_false(job_get(&r, &back));
		assert_null(back.recipients);
	}
	r = (struct reader){ .rest = buf_str(&b) };
	assert_true(job_get(&r, &back));
	assert_memory_equal(back.id.b, j.id.b, 16);
	assert_int_equal(back.flags, j.flags);
	assert_true(str_eq(back.sender, j.sender) && str_eq(back.envid, j.envid));
	assert_true(str_eq(back.client, j.client) && str_eq(back.origin, j.origin));
	assert_int_equal(back.ret, 2);
	assert_true(back.received_ms == j.received_ms && back.octets == 77);
	assert_int_equal(back.prefix_octets, 7);
	assert_int_equal(back.kind, ROUTE_RELAY);
	assert_int_equal(back.port, 587);
	assert_true(back.has_rule && back.role == RULE_SENDER && str_eq(back.rule, j.rule));
	assert_true(str_eq(back.host, j.host) && str_eq(back.site, j.site));
	assert_true(str_eq(back.message, j.message));
	assert_int_equal(back.count, 2);
	assert_int_equal(back.recipients[1].number, 70000);
	assert_true(str_eq(back.recipients[0].orcpt, recipients[0].orcpt));
	assert_int_equal(back.recipients[0].notify, 5);
	assert_int_equal(back.recipients[0].attempts, 2);
	job_free(&back);
	buf_putc(&b, 'x');
	r = (struct reader){ .rest = buf_str(&b) };
	assert_false(job_get(&r, &back));
	buf_deinit(&b);
}

static void outcomes(void **state)
{
	struct job_outcome o = { 4, OUTCOME_DEFERRED, true, false, true, true, STR("4.4.1"),
		STR("421 4.4.1 busy"), STR("mx.b.example[192.0.2.9]"), STR("dane"),
		STR("mx.a.example mx.b.example") };
	struct job_outcome back;
	struct buf b = { 0 }, bad = { 0 };
	struct reader r;

	(void)state;
	outcome_put(&b, &o);
	r = (struct reader){ .rest = buf_str(&b) };
	assert_true(outcome_get(&r, &back));
	assert_int_equal(back.number, 4);
	assert_int_equal(back.outcome, OUTCOME_DEFERRED);
	assert_true(back.site_failed && !back.relayed && back.sealed && back.unknown);
	assert_true(str_eq(back.status, o.status) && str_eq(back.reply, o.reply));
	assert_true(str_eq(back.host, o.host) && str_eq(back.tls, o.tls));
	assert_true(str_eq(back.exchangers, o.exchangers));
	assert_false(outcome_get(&r, &back));
	assert_false(r.bad);
	r = (struct reader){ .rest = str_head(buf_str(&b), b.len - 1) };
	assert_false(outcome_get(&r, &back));
	assert_true(r.bad);
	buf_put(&bad, buf_str(&b));
	bad.data[bad.head + 4] = 9; /* no such outcome */
	r = (struct reader){ .rest = buf_str(&bad) };
	assert_false(outcome_get(&r, &back));
	assert_true(r.bad);
	buf_deinit(&bad);
	buf_deinit(&b);
}

static void seals(void **state)
{
	struct arc_request request = { 3, ARC_PASS, STR("mx.a.example; spf=pass"), STR("From:To"),
		STR("from:a\r\nto:b\r\n"), STR("arc-seal:x\r\n"), { 1, 2, 3 } };
	struct arc_request back;
	struct buf b = { 0 };
	struct reader r;

	(void)state;
	seal_put(&b, &request);
	for (size_t n = 0; n < b.len; n++) {
		r = (struct reader){ .rest = str_head(buf_str(&b), n) };
		assert_false(seal_get(&r, &back));
	}
	r = (struct reader){ .rest = buf_str(&b) };
	assert_true(seal_get(&r, &back));
	assert_int_equal(back.instance, 3);
	assert_int_equal(back.cv, ARC_PASS);
	assert_true(str_eq(back.results, request.results) && str_eq(back.names, request.names));
	assert_true(str_eq(back.fields, request.fields) && str_eq(back.chain, request.chain));
	assert_memory_equal(back.body_hash, request.body_hash, sizeof back.body_hash);
	buf_putc(&b, 'x');
	r = (struct reader){ .rest = buf_str(&b) };
	assert_false(seal_get(&r, &back));
	buf_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs),
		cmocka_unit_test(outcomes),
		cmocka_unit_test(seals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
