/* What a session's end means for a recipient, and whether another host is tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/carrier_outcome.h"

struct row {
	const char *name;
	enum smtpc_outcome outcome;
	enum smtpc_stage at;
	enum smtpc_why why;
	unsigned code;
	const char *status, *text;
	bool final;
	enum outcome means;
	const char *told, *reply;
	bool without; /* the reply had no status, the one here is ours */
};

/* clang-format off */
static const struct row rows[] = {
	{ "taken", SMTPC_DELIVERED, SMTPC_AT_END, SMTPC_WHY_REPLY, 250, "2.0.0", "ok",
		true, OUTCOME_DELIVERED, "2.0.0", "250 2.0.0 ok" },
	{ "no such user", SMTPC_FAILED, SMTPC_AT_RCPT, SMTPC_WHY_REPLY, 550, "5.1.1", "no such user",
		true, OUTCOME_FAILED, "5.1.1", "550 5.1.1 no such user" },
	{ "greylisted: another host would say the same", SMTPC_DEFERRED, SMTPC_AT_RCPT, SMTPC_WHY_REPLY,
		451, "4.7.1", "later", true, OUTCOME_DEFERRED, "4.7.1", "451 4.7.1 later" },
	{ "421 is about the host, wherever it comes", SMTPC_DEFERRED, SMTPC_AT_RCPT, SMTPC_WHY_REPLY,
		421, "4.3.2", "closing", false, OUTCOME_DEFERRED, "4.3.2", "421 4.3.2 closing" },
	{ "a server that turns everybody away", SMTPC_FAILED, SMTPC_AT_GREETING, SMTPC_WHY_REPLY,
		554, "5.7.1", "go away", false, OUTCOME_DEFERRED, "4.7.1", "554 5.7.1 go away" },
	{ "a host that never takes mail (RFC 7504)", SMTPC_FAILED, SMTPC_AT_GREETING, SMTPC_WHY_REPLY,
		521, "5.3.2", "no mail here", false, OUTCOME_FAILED, "5.3.2", "521 5.3.2 no mail here" },
	{ "EHLO refused", SMTPC_FAILED, SMTPC_AT_EHLO, SMTPC_WHY_REPLY, 550, "5.0.0", "no",
		false, OUTCOME_DEFERRED, "4.0.0", "550 no", true },
	{ "too many recipients, as RFC 5321 wants it understood", SMTPC_DEFERRED, SMTPC_AT_RCPT, SMTPC_WHY_REPLY,
		552, "4.5.3", "too many", true, OUTCOME_DEFERRED, "4.5.3", "552 too many", true },
	{ "the message itself is refused", SMTPC_FAILED, SMTPC_AT_END, SMTPC_WHY_REPLY, 554, "5.7.1", "spam",
		true, OUTCOME_FAILED, "5.7.1", "554 5.7.1 spam" },
	{ "closed in the middle of the message", SMTPC_DEFERRED, SMTPC_AT_BODY, SMTPC_WHY_CLOSED, 0,
		"4.4.2", "connection lost", false, OUTCOME_DEFERRED, "4.4.2", "connection lost" },
	{ "closed after the dot: another host could deliver it twice", SMTPC_UNKNOWN, SMTPC_AT_END,
		SMTPC_WHY_CLOSED, 0, "4.4.2", "lost", true, OUTCOME_DEFERRED, "4.4.2", "lost" },
	{ "no answer to the dot", SMTPC_UNKNOWN, SMTPC_AT_END, SMTPC_WHY_TIMEOUT, 0, "4.4.2", "time-out",
		true, OUTCOME_DEFERRED, "4.4.2", "time-out" },
	{ "garbage", SMTPC_DEFERRED, SMTPC_AT_MAIL, SMTPC_WHY_GARBAGE, 0, "4.5.0", "no SMTP",
		false, OUTCOME_DEFERRED, "4.5.0", "no SMTP" },
	{ "no STARTTLS where it must be", SMTPC_DEFERRED, SMTPC_AT_STARTTLS, SMTPC_WHY_NO_TLS, 0,
		"4.7.4", "no TLS", false, OUTCOME_DEFERRED, "4.7.4", "no TLS" },
	{ "REQUIRETLS: the next host may have it", SMTPC_FAILED, SMTPC_AT_MAIL, SMTPC_WHY_REQUIRETLS, 0,
		"5.7.30", "not offered", false, OUTCOME_FAILED, "5.7.30", "not offered" },
	{ "too large for the server", SMTPC_FAILED, SMTPC_AT_MAIL, SMTPC_WHY_SIZE, 0, "5.3.4", "too large",
		true, OUTCOME_FAILED, "5.3.4", "too large" },
	{ "the store has no octets", SMTPC_DEFERRED, SMTPC_AT_BODY, SMTPC_WHY_OWNER, 0, "4.3.0", "unreadable",
		true, OUTCOME_DEFERRED, "4.3.0", "unreadable" },
};
/* clang-format on */

static void outcomes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *row = &rows[i];
		struct smtpc_result r = { row->outcome, row->at, row->why, row->code,
			str_c(row->status), str_c(row->text),
			str_c(row->without || row->code == 0 ? "" : row->status) };
		struct job_note n = { 0 };

		note_result(&n, &r);
		if (n.final != row->final || n.outcome != row->means)
			fail_msg("%s: final %d, outcome %d", row->name, n.final, n.outcome);
		assert_string_equal(n.status, row->told);
		assert_string_equal(n.reply, row->reply);
		assert_int_equal(n.unknown, row->outcome == SMTPC_UNKNOWN);
	}
}

/* What a server says is bounded here, whatever the engine lets through. */
static void long_reply(void **state)
{
	static char text[4000];
	struct job_note n = { 0 };
	struct smtpc_result r = { SMTPC_FAILED, SMTPC_AT_RCPT, SMTPC_WHY_REPLY, 550,
		STR("5.123.456789012"), str_of(text, sizeof text), STR("5.123.456789012") };

	(void)state;
	memset(text, 'x', sizeof text);
	note_result(&n, &r);
	assert_in_range(str_c(n.reply).n, 400, JOB_REPLY_MAX);
	assert_in_range(str_c(n.status).n, 5, 11);
}

static void own_reasons(void **state)
{
	struct job_note n;

	(void)state;
	note_host(&n, "4.4.1", "connect to %s: %s", "mx.test", "refused");
	assert_int_equal(n.outcome, OUTCOME_DEFERRED);
	assert_string_equal(n.reply, "connect to mx.test: refused");
	note_host(&n, "5.1.10", "the domain takes no mail");
	assert_int_equal(n.outcome, OUTCOME_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcomes),
		cmocka_unit_test(long_reply),
		cmocka_unit_test(own_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
