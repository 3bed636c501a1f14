/* Which TLS a host must reach: levels, DANE, MTA-STS and REQUIRETLS against each other.  The resolver
 * is played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "daemon/carrier_plan.h"

enum answer { NOT_ASKED, GOOD, UNUSABLE, NOTHING, FORGED, UNREACHABLE, INSECURE };

static enum answer answer;
static struct dns_query *asked;
static void (*asked_done)(struct dns_query *q, const struct dns_answer *a);
static char asked_name[100];

void resolve_start(struct resolver *r, struct dns_query *q, struct str name, enum dns_type type,
	void (*done)(struct dns_query *q, const struct dns_answer *a))
{
	(void)r;
	assert_int_equal(type, DNS_TLSA);
	snprintf(asked_name, sizeof asked_name, "%.*s", STR_ARG(name));
	asked = q;
	asked_done = done;
}

void resolve_cancel(struct dns_query *q)
{
	if (asked == q)
		asked = NULL;
}

static void answer_tlsa(void)
{
	static const char key[32] = "k";
	struct dns_row row = { .usage = answer == UNUSABLE ? 1 : 3,
		.selector = 1,
		.matching = 1,
		.data = { key, sizeof key } };
	struct dns_answer a = { .outcome = answer == NOTHING       ? DNS_NXDOMAIN
					   : answer == FORGED      ? DNS_BOGUS
					   : answer == UNREACHABLE ? DNS_FAILED
								   : DNS_FOUND,
		.secure = answer != INSECURE && answer != UNREACHABLE && answer != FORGED };
	struct dns_query *q = asked;

	if (a.outcome == DNS_FOUND) {
		a.rows = &row;
		a.count = 1;
	}
	asked = NULL;
	asked_done(q, &a);
}

enum {
	SIGNED = 1,
	MX_INSECURE = 2,
	LITERAL = 4,
	RELAY = 8,
	REQUIRED = 16,
	STS = 32,
	STS_TEST = 64,
	STS_OTHER = 128,
	OPTIONAL = 256
};

static const struct row {
	const char *name;
	enum route_tls level;
	unsigned facts;
	enum answer answer;
	/* What is wanted: */
	const char *status; /* NULL: it may be used */
	enum smtpc_starttls starttls;
	enum tls_check check;
	bool falls_back;
} rows[] = {
	/* clang-format off */
	{ "nothing known", ROUTE_TLS_MAY, 0, NOT_ASKED, NULL, SMTPC_TLS_MAY, TLS_CHECK_NONE, true },
	{ "level none", ROUTE_TLS_NONE, SIGNED, NOT_ASKED, NULL, SMTPC_TLS_NEVER, TLS_CHECK_NONE, false },
	{ "level encrypt", ROUTE_TLS_ENCRYPT, 0, NOT_ASKED, NULL, SMTPC_TLS_MUST, TLS_CHECK_NONE, false },
	{ "level verify", ROUTE_TLS_VERIFY, 0, NOT_ASKED, NULL, SMTPC_TLS_MUST, TLS_CHECK_NAMES, false },
	{ "level verify asks no TLSA", ROUTE_TLS_VERIFY, SIGNED, NOT_ASKED, NULL, SMTPC_TLS_MUST, TLS_CHECK_NAMES,
		false },
	{ "implicit", ROUTE_TLS_IMPLICIT, RELAY, NOT_ASKED, NULL, SMTPC_TLS_MUST, TLS_CHECK_NAMES, false },
	{ "TLSA", ROUTE_TLS_MAY, SIGNED, GOOD, NULL, SMTPC_TLS_MUST, TLS_CHECK_DANE, false },
	{ "TLSA at a relay", ROUTE_TLS_MAY, SIGNED | RELAY, GOOD, NULL, SMTPC_TLS_MUST, TLS_CHECK_DANE, false },
	{ "TLSA that nobody can use", ROUTE_TLS_MAY, SIGNED, UNUSABLE, NULL, SMTPC_TLS_MUST, TLS_CHECK_NONE, false },
	{ "no TLSA", ROUTE_TLS_MAY, SIGNED, NOTHING, NULL, SMTPC_TLS_MAY, TLS_CHECK_NONE, true },
	{ "TLSA in a zone that is not signed", ROUTE_TLS_MAY, SIGNED, INSECURE, NULL, SMTPC_TLS_MAY, TLS_CHECK_NONE,
		true },
	{ "forged TLSA", ROUTE_TLS_MAY, SIGNED, FORGED, "4.7.5", 0, 0, false },
	{ "TLSA server down", ROUTE_TLS_MAY, SIGNED, UNREACHABLE, "4.7.5", 0, 0, false },
	{ "MX not signed: DANE would prove nothing", ROUTE_TLS_MAY, SIGNED | MX_INSECURE, NOT_ASKED, NULL,
		SMTPC_TLS_MAY, TLS_CHECK_NONE, true },
	{ "a literal has no TLSA", ROUTE_TLS_MAY, SIGNED | LITERAL, NOT_ASKED, NULL, SMTPC_TLS_MAY, TLS_CHECK_NONE,
		true },
	{ "level dane", ROUTE_TLS_DANE, SIGNED, GOOD, NULL, SMTPC_TLS_MUST, TLS_CHECK_DANE, false },
	{ "level dane, no TLSA", ROUTE_TLS_DANE, SIGNED, NOTHING, "4.7.5", 0, 0, false },
	{ "level dane, useless TLSA", ROUTE_TLS_DANE, SIGNED, UNUSABLE, "4.7.5", 0, 0, false },
	{ "level dane, not signed", ROUTE_TLS_DANE, 0, NOT_ASKED, "4.7.5", 0, 0, false },
	{ "MTA-STS", ROUTE_TLS_MAY, STS, NOT_ASKED, NULL, SMTPC_TLS_MUST, TLS_CHECK_NAMES, false },
	{ "MTA-STS lists another host", ROUTE_TLS_MAY, STS | STS_OTHER, NOT_ASKED, "4.7.5", 0, 0, false },
	{ "MTA-STS testing enforces nothing", ROUTE_TLS_MAY, STS_TEST | STS_OTHER, NOT_ASKED, NULL, SMTPC_TLS_MAY,
		TLS_CHECK_NONE, true },
	{ "DANE before MTA-STS", ROUTE_TLS_MAY, SIGNED | STS | STS_OTHER, GOOD, NULL, SMTPC_TLS_MUST, TLS_CHECK_DANE,
		false },
	{ "MTA-STS cannot repair DANE", ROUTE_TLS_MAY, SIGNED | STS, FORGED, "4.7.5", 0, 0, false },
	{ "MTA-STS counts when nobody can use the TLSA", ROUTE_TLS_MAY, SIGNED | STS, UNUSABLE, NULL, SMTPC_TLS_MUST,
		TLS_CHECK_NAMES, false },
	{ "nor does a useless TLSA let in a host it does not list", ROUTE_TLS_MAY, SIGNED | STS | STS_OTHER, UNUSABLE,
		"4.7.5", 0, 0, false },
	{ "REQUIRETLS, TLSA that nobody can use", ROUTE_TLS_MAY, REQUIRED | SIGNED, UNUSABLE, NULL, SMTPC_TLS_MUST,
		TLS_CHECK_NAMES, false },
	{ "MTA-STS at a literal", ROUTE_TLS_MAY, STS | LITERAL, NOT_ASKED, "4.7.5", 0, 0, false },
	{ "REQUIRETLS, MX signed", ROUTE_TLS_MAY, REQUIRED, NOT_ASKED, NULL, SMTPC_TLS_MUST, TLS_CHECK_NAMES, false },
	{ "REQUIRETLS, MX not signed", ROUTE_TLS_MAY, REQUIRED | MX_INSECURE, NOT_ASKED, "5.7.30", 0, 0, false },
	{ "REQUIRETLS, MX listed by MTA-STS", ROUTE_TLS_MAY, REQUIRED | MX_INSECURE | STS, NOT_ASKED, NULL,
		SMTPC_TLS_MUST, TLS_CHECK_NAMES, false },
	{ "REQUIRETLS at a relay", ROUTE_TLS_MAY, REQUIRED | RELAY | MX_INSECURE, NOT_ASKED, NULL, SMTPC_TLS_MUST,
		TLS_CHECK_NAMES, false },
	{ "REQUIRETLS against the policy", ROUTE_TLS_NONE, REQUIRED, NOT_ASKED, "5.7.30", 0, 0, false },
	{ "TLS-Required: No, TLSA", ROUTE_TLS_MAY, OPTIONAL | SIGNED, NOT_ASKED, NULL, SMTPC_TLS_MAY, TLS_CHECK_NONE,
		true },
	{ "TLS-Required: No, MTA-STS lists another host", ROUTE_TLS_MAY, OPTIONAL | STS | STS_OTHER, NOT_ASKED, NULL,
		SMTPC_TLS_MAY, TLS_CHECK_NONE, true },
	{ "TLS-Required: No, level encrypt", ROUTE_TLS_ENCRYPT, OPTIONAL | SIGNED | STS, NOT_ASKED, NULL,
		SMTPC_TLS_MUST, TLS_CHECK_NONE, false },
	{ "TLS-Required: No, level verify", ROUTE_TLS_VERIFY, OPTIONAL | SIGNED, NOT_ASKED, NULL, SMTPC_TLS_MUST,
		TLS_CHECK_NAMES, false },
	{ "TLS-Required: No, level dane", ROUTE_TLS_DANE, OPTIONAL | SIGNED, FORGED, "4.7.5", 0, 0, false },
	/* clang-format on */
};

static bool is_done;

static void done(struct plan *p)
{
	(void)p;
	is_done = true;
}

static void run(const struct row *row, struct plan *p, struct loop *l)
{
	struct nexthop_host host = { .name = (char *)(uintptr_t)((row->facts & LITERAL) != 0
									 ? "192.0.2.1"
									 : "mx.x.test"),
		.is_signed = (row->facts & SIGNED) != 0,
		.literal = (row->facts & LITERAL) != 0 };
	struct mtasts_policy sts = { .mode = (row->facts & STS_TEST) != 0 ? MTASTS_TESTING
									  : MTASTS_ENFORCE };
	struct plan_facts facts = { .level = row->level,
		.is_mx = (row->facts & RELAY) == 0,
		.mx_secure = (row->facts & MX_INSECURE) == 0,
		.requiretls = (row->facts & REQUIRED) != 0,
		.tls_optional = (row->facts & OPTIONAL) != 0,
		.sts = (row->facts & (STS | STS_TEST)) != 0 ? &sts : NULL,
		.host = &host,
		.port = 25,
		.domain = STR("x.test") };

	buf_put(&sts.mx, (row->facts & STS_OTHER) != 0 ? STR("mx.y.test\n") : STR("*.x.test\n"));
	answer = row->answer;
	is_done = false;
	p->done = done;
	plan_start(p, l, (struct resolver *)p, &facts);
	assert_false(is_done);
	if ((asked != NULL) != (row->answer != NOT_ASKED))
		fail_msg("%s: TLSA was %sasked for", row->name, asked != NULL ? "" : "not ");
	if (asked != NULL) {
		assert_string_equal(asked_name, "_25._tcp.mx.x.test");
		answer_tlsa();
	}
	for (int i = 0; i < 3 && !is_done; i++)
		loop_turn(l, false);
	assert_true(is_done);
	buf_deinit(&sts.mx);
}

static void plans(void **state)
{
	struct loop *l = loop_new();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *row = &rows[i];
		struct plan p = { 0 };

		run(row, &p, l);
		if (p.usable != (row->status == NULL))
			fail_msg("%s: usable %d: %s", row->name, p.usable, p.why);
		if (row->status != NULL)
			assert_string_equal(p.status, row->status);
		else if (p.starttls != row->starttls || p.want.check != row->check ||
			 p.may_fall_back != row->falls_back)
			fail_msg("%s: starttls %d, check %d, falls back %d", row->name,
				(int)p.starttls, (int)p.want.check, p.may_fall_back);
		if (p.usable && p.want.check == TLS_CHECK_DANE) {
			assert_int_equal(p.want.tlsa_count, 1);
			assert_int_equal(p.want.tlsa[0].data.p[0], 'k');
		}
		plan_end(&p);
	}
	loop_free(l);
}

/* RFC 7672 2.2.2: the name that a CNAME leads to first, then the one that led there. */
static void aliases(void **state)
{
	struct loop *l = loop_new();
	struct nexthop_host host = { .name = (char *)(uintptr_t) "mx.x.test",
		.base = (char *)(uintptr_t) "real.y.test",
		.is_signed = true };
	struct plan_facts facts = { .level = ROUTE_TLS_MAY,
		.is_mx = true,
		.mx_secure = true,
		.host = &host,
		.port = 25,
		.domain = STR("x.test") };
	struct plan p = { .done = done };

	(void)state;
	plan_start(&p, l, (struct resolver *)&p, &facts);
	assert_string_equal(asked_name, "_25._tcp.real.y.test");
	answer = NOTHING;
	answer_tlsa();
	assert_string_equal(asked_name, "_25._tcp.mx.x.test");
	answer = GOOD;
	answer_tlsa();
	assert_int_equal(p.want.check, TLS_CHECK_DANE);
	assert_true(str_eq(p.want.sni, STR("mx.x.test")));
	plan_end(&p);
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans),
		cmocka_unit_test(aliases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
