/* Which way mail goes: each row is a sender, a recipient, and the site that decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue/route.h"

#define RULE(role_, name_, kind_, host_, port_)                                                    \
	{                                                                                          \
		.role = role_, .name = name_, .kind = kind_, .host = host_, .port = port_,         \
		.recipients = ""                                                                   \
	}

static char listed[] = "anna@backup.example bert@backup.example";

static const struct route_rule rows[] = {
	RULE(RULE_ROUTE, "exact.example", ROUTE_RELAY, "192.0.2.1", 25),
	RULE(RULE_ROUTE, ".below.example", ROUTE_RELAY, "192.0.2.2", 26),
	RULE(RULE_ROUTE, ".deep.below.example", ROUTE_LMTP, "127.0.0.1", 24),
	RULE(RULE_ROUTE, "direct.example", ROUTE_MX, "", 25),
	RULE(RULE_ROUTE, "hole.example", ROUTE_DISCARD, "", 0),
	RULE(RULE_ROUTE, "shut.example", ROUTE_REFUSE, "", 0),
	{ .role = RULE_ROUTE,
		.name = "backup.example",
		.kind = ROUTE_MX,
		.host = "",
		.port = 25,
		.backup_mx = true,
		.recipients = listed },
	{ .role = RULE_ROUTE,
		.name = "open.example",
		.kind = ROUTE_MX,
		.host = "",
		.port = 25,
		.backup_mx = true,
		.recipients = "" },
	RULE(RULE_SENDER, "anna@ours.example", ROUTE_RELAY, "192.0.2.3", 587),
	{ .role = RULE_SENDER,
		.name = "ours.example",
		.kind = ROUTE_RELAY,
		.host = "192.0.2.4",
		.port = 587,
		.user = "office@p.example" },
	RULE(RULE_SMARTHOST, "", ROUTE_RELAY, "Smart.example", 587),
	RULE(RULE_FALLBACK, "", ROUTE_RELAY, "fallback.example", 25),
};

static void routes(void **state)
{
	static const struct {
		const char *name;
		struct str sender, recipient, site;
		size_t rules; /* how many of the rows count */
	} t[] = {
		{ "exact domain", STR_INIT("x@y.example"), STR_INIT("a@EXACT.example"),
			STR_INIT("relay:[192.0.2.1]:25"), 12 },
		{ "a suffix is for what is below it", STR_INIT(""), STR_INIT("a@x.below.example"),
			STR_INIT("relay:[192.0.2.2]:26"), 12 },
		{ "and not for itself", STR_INIT(""), STR_INIT("a@below.example"),
			STR_INIT("relay:[smart.example]:587"), 12 },
		{ "nor for another name that ends so", STR_INIT(""), STR_INIT("a@notbelow.example"),
			STR_INIT("relay:[smart.example]:587"), 12 },
		{ "the longer suffix wins", STR_INIT(""), STR_INIT("a@x.deep.below.example"),
			STR_INIT("lmtp:[127.0.0.1]:24"), 12 },
		{ "by MX although there is a smarthost", STR_INIT("x@ours.example"),
			STR_INIT("a@Direct.example"), STR_INIT("mx:direct.example"), 12 },
		{ "dropped", STR_INIT(""), STR_INIT("a@hole.example"), STR_INIT("discard:"), 12 },
		{ "refused", STR_INIT(""), STR_INIT("a@shut.example"), STR_INIT("refuse:"), 12 },
		{ "the recipient's rule before the sender's", STR_INIT("anna@ours.example"),
			STR_INIT("a@exact.example"), STR_INIT("relay:[192.0.2.1]:25"), 12 },
		{ "a sender", STR_INIT("Anna@ours.example"), STR_INIT("a@z.example"),
			STR_INIT("relay:[192.0.2.3]:587"), 12 },
		{ "a sender's domain", STR_INIT("bert@ours.example"), STR_INIT("a@z.example"),
			STR_INIT("relay:[192.0.2.4]:587,office@p.example"), 12 },
		{ "a notice has no sender", STR_INIT(""), STR_INIT("a@z.example"),
			STR_INIT("relay:[smart.example]:587"), 12 },
		{ "nothing said", STR_INIT("x@y.example"), STR_INIT("a@Z.example"),
			STR_INIT("mx:z.example"), 0 },
		{ "an @ in a quoted local part", STR_INIT(""),
			STR_INIT("\"a@exact.example\"@z.example"), STR_INIT("mx:z.example"), 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct route_rules rules = { rows, t[i].rules };
		struct route r =
			route_of(&rules, &(struct route_ask){ t[i].sender, t[i].recipient, 0 });
		struct buf site = { 0 };

		route_site(&site, &r);
		if (!str_eq(buf_str(&site), t[i].site))
			fail_msg("%s: %.*s", t[i].name, STR_ARG(buf_str(&site)));
		buf_deinit(&site);
	}
}

/* What the section of its route says, and for the rest what holds for all. */
static void schedules(void **state)
{
	static const struct schedule general = {
		.wait_ms = { 60, 300 }, .waits = 2, .lifetime_ms = 5000, .delay_notice_ms = 400
	};
	static const struct route_rule own[] = {
		{ .role = RULE_ROUTE,
			.name = "retry.example",
			.kind = ROUTE_MX,
			.host = "",
			.schedule = { .wait_ms = { 7 }, .waits = 1 } },
		{ .role = RULE_ROUTE,
			.name = "*",
			.kind = ROUTE_MX,
			.host = "",
			.schedule = { .lifetime_ms = 900, .delay_notice_ms = -1 } },
		{ .role = RULE_SENDER,
			.name = "ours.example",
			.kind = ROUTE_RELAY,
			.host = "192.0.2.4",
			.schedule = { .delay_notice_ms = 50 } },
	};
	static const struct {
		struct str sender, recipient;
		size_t from, rules;
		int64_t wait, lifetime, notice;
		size_t waits;
	} t[] = {
		{ STR_INIT(""), STR_INIT("a@Retry.example"), 0, 3, 7, 5000, 400, 1 },
		{ STR_INIT(""), STR_INIT("a@z.example"), 0, 3, 60, 900, -1, 2 },
		{ STR_INIT("x@ours.example"), STR_INIT("a@z.example"), 2, 1, 60, 5000, 50, 2 },
		{ STR_INIT(""), STR_INIT("a@z.example"), 2, 1, 60, 5000, 400, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct route_rules rules = { own + t[i].from, t[i].rules };
		struct schedule s = route_schedule(
			&rules, &general, &(struct route_ask){ t[i].sender, t[i].recipient, 0 });

		assert_int_equal(s.waits, t[i].waits);
		assert_int_equal(s.wait_ms[0], t[i].wait);
		assert_int_equal(s.lifetime_ms, t[i].lifetime);
		assert_int_equal(s.delay_notice_ms, t[i].notice);
	}
}

/* A section that is for other sizes is as if it were not there. */
static void sizes(void **state)
{
#define SIZED(role_, name_, host_, min_, max_)                                                     \
	{                                                                                          \
		.role = role_, .name = name_, .kind = ROUTE_RELAY, .host = host_, .port = 25,      \
		.recipients = "", .min_size = min_, .max_size = max_                               \
	}
	static const struct route_rule sized[] = {
		SIZED(RULE_ROUTE, "big.example", "large", 1000, 0),
		SIZED(RULE_ROUTE, "small.example", "little", 0, 100),
		SIZED(RULE_ROUTE, "middle.example", "middle", 100, 200),
		{ .role = RULE_ROUTE,
			.name = ".example",
			.kind = ROUTE_RELAY,
			.host = "any",
			.port = 25,
			.backup_mx = true,
			.recipients = "" },
		SIZED(RULE_SENDER, "ann@ours.test", "anns", 0, 10),
		SIZED(RULE_SENDER, "ours.test", "ours", 0, 0),
	};
	static const struct {
		struct str recipient;
		uint64_t octets;
		struct str host;
	} t[] = {
		{ STR_INIT("a@big.example"), 999, STR_INIT("any") },
		{ STR_INIT("a@big.example"), 1000, STR_INIT("large") },
		{ STR_INIT("a@big.example"), UINT64_MAX, STR_INIT("large") },
		{ STR_INIT("a@small.example"), 100, STR_INIT("little") },
		{ STR_INIT("a@small.example"), 101, STR_INIT("any") },
		{ STR_INIT("a@middle.example"), 99, STR_INIT("any") },
		{ STR_INIT("a@middle.example"), 150, STR_INIT("middle") },
		{ STR_INIT("a@middle.example"), 201, STR_INIT("any") },
		{ STR_INIT("a@else.test"), 10, STR_INIT("anns") },
		{ STR_INIT("a@else.test"), 11, STR_INIT("ours") },
	};
	const struct route_rules rules = { sized, sizeof sized / sizeof *sized };

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct route_ask ask = { STR("ann@ours.test"), t[i].recipient, t[i].octets };
		struct route r = route_of(&rules, &ask);

		if (!str_eq(r.host, t[i].host))
			fail_msg("row %zu: %.*s", i, STR_ARG(r.host));
	}
	/* how large it will be is not known at RCPT */
	assert_int_equal(route_accepts(&rules, STR("a@big.example")), ROUTE_ACCEPT);
	assert_int_equal(route_accepts(&rules, STR("a@small.example")), ROUTE_ACCEPT);
}

/* Which patterns a header has; views of it are unfolded. */
static void headers(void **state)
{
	static const struct {
		char *header;
		struct str section;
		bool has;
	} t[] = {
		{ "X-Kind: bulk", STR_INIT("From: a\r\nX-Kind: bulk\r\n\r\n"), true },
		{ "x-kind:BULK", STR_INIT("X-KIND \t:  Bulk \r\n"), true },
		{ "X-Kind: bulk", STR_INIT("X-Kind: bulky\r\n"), false },
		{ "X-Kind: bulk", STR_INIT("X-Kin: bulk\r\nX-Kinds: bulk\r\n"), false },
		{ "X-Kind: bulk", STR_INIT("X-Kind: other\r\nX-Kind: bulk"), true },
		{ "X-Kind: *", STR_INIT("X-Kind:\r\n"), true },
		{ "X-Kind: *", STR_INIT("Subject: X-Kind:\r\n"), false },
		{ "List-Id: *<a.example>", STR_INIT("List-Id: A list\r\n\t<a.example>\r\n"), true },
		{ "Subject: a b", STR_INIT("Subject: a\r\n b\r\n"), true },
		{ "Subject: *aab*", STR_INIT("Subject: aaaaaaab\r\n"), true },
		{ "Subject: *a*b*c", STR_INIT("Subject: xaybxbzc\r\n"), true },
		{ "Subject: *a*b*c", STR_INIT("Subject: xcybxbza\r\n"), false },
		{ "Subject: a*a", STR_INIT("Subject: a\r\n"), false },
		{ "Subject: *", STR_INIT("From: a\r\n\r\nSubject: of the body\r\n"), false },
		{ "Subject: *", STR_INIT(""), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		const struct route_rule some[] = {
			{ .role = RULE_ROUTE, .name = "a.example", .header = "" },
			{ .role = RULE_ROUTE,
				.name = "*",
				.kind = ROUTE_REFUSE,
				.host = "",
				.header = t[i].header,
				.mark = 1ull << 63 },
		};
		const struct route_rules rules = { some, 2 };
		struct route_ask ask = { STR(""), STR("a@else.test"), 10,
			route_marks(&rules, t[i].section) };

		assert_true(route_header_is_valid(str_c(t[i].header)));
		if ((route_of(&rules, &ask).kind == ROUTE_REFUSE) != t[i].has ||
			ask.marks != (t[i].has ? 1ull << 63 : 0))
			fail_msg("row %zu", i);
	}
	assert_false(route_header_is_valid(STR("X-Kind")));
	assert_false(route_header_is_valid(STR(": bulk")));
	assert_false(route_header_is_valid(STR("X Kind: bulk")));
	assert_false(route_header_is_valid(STR("X-Kind: a\r\nb")));
}

/* Sections of other names for one domain, and for one sender: by size, and the one for all last, wherever it stands. */
static void several(void **state)
{
	static const struct route_rule some[] = {
		{ .role = RULE_ROUTE, .name = "all", .whom = "a.example", .host = "all" },
		{ .role = RULE_ROUTE, .name = "a.example", .host = "small", .max_size = 10 },
		{ .role = RULE_ROUTE,
			.name = "large",
			.whom = "A.example",
			.host = "large",
			.min_size = 100 },
		{ .role = RULE_ROUTE,
			.name = "also large",
			.whom = "a.example",
			.host = "never",
			.min_size = 100 },
		{ .role = RULE_ROUTE, .name = "x", .whom = "*", .host = "other", .min_size = 50 },
		{ .role = RULE_SENDER, .name = "b", .whom = "ann@b.test", .host = "ann" },
		{ .role = RULE_SENDER,
			.name = "a",
			.whom = "ann@b.test",
			.host = "ann-small",
			.max_size = 10 },
		{ .role = RULE_SENDER, .name = "c", .whom = "b.test", .host = "b", .max_size = 5 },
	};
	static const struct route_rules rules = { some, sizeof some / sizeof *some };
	static const struct {
		struct str sender, recipient;
		uint64_t octets;
		const char *host;
	} t[] = {
		{ STR_INIT(""), STR_INIT("x@a.example"), 10, "small" },
		{ STR_INIT(""), STR_INIT("x@a.example"), 11, "all" },
		{ STR_INIT(""), STR_INIT("x@a.example"), 100, "large" },
		{ STR_INIT(""), STR_INIT("x@large"), 100, "other" }, /* a name, and no domain */
		{ STR_INIT("ann@b.test"), STR_INIT("x@c.test"), 5, "ann-small" },
		{ STR_INIT("ANN@b.test"), STR_INIT("x@c.test"), 11, "ann" },
		{ STR_INIT("bob@b.test"), STR_INIT("x@c.test"), 5, "b" },
		{ STR_INIT("bob@b.test"), STR_INIT("x@c.test"), 50, "other" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct route_ask ask = { t[i].sender, t[i].recipient, t[i].octets, 0 };
		struct route r = route_of(&rules, &ask);

		if (r.rule == NULL || !str_eq(str_c(r.rule->host), str_c(t[i].host)))
			fail_msg("row %zu: %s", i, r.rule == NULL ? "none" : r.rule->host);
		assert_ptr_equal(
			route_rule_find(&rules, r.rule->role, str_c(r.rule->name)), r.rule);
	}
}

/* What a limit looks for, and what an administrator may say. */
static void parsed(void **state)
{
	struct route r;

	(void)state;
	assert_true(route_parse(STR("relay:[192.0.2.4]:587,office@p.example"), &r));
	assert_true(str_eq(r.host, STR("192.0.2.4")) && r.port == 587 && r.kind == ROUTE_RELAY);
	assert_true(route_parse(STR("relay:[smart.example]:25"), &r));
	assert_false(route_parse(STR("relay:[smart.example],25"), &r));
	assert_false(route_parse(STR("relay:[smart.example]:,x"), &r));
}

static void strangers(void **state)
{
	static const struct {
		struct str recipient;
		enum route_accept accept;
	} t[] = {
		{ STR_INIT("a@exact.example"), ROUTE_NOT_OURS },
		{ STR_INIT("a@z.example"), ROUTE_NOT_OURS },
		{ STR_INIT("a@open.example"), ROUTE_ACCEPT },
		{ STR_INIT("a@x.open.example"), ROUTE_NOT_OURS },
		{ STR_INIT("Bert@backup.example"), ROUTE_ACCEPT },
		{ STR_INIT("carl@backup.example"), ROUTE_NO_SUCH_RECIPIENT },
		{ STR_INIT("a@z.example@open.example"), ROUTE_ACCEPT }, /* the parser refuses it */
		{ STR_INIT("open.example"), ROUTE_NOT_OURS },
	};
	struct route_rules rules = { rows, sizeof rows / sizeof *rows };

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		if (route_accepts(&rules, t[i].recipient) != t[i].accept)
			fail_msg("%.*s", STR_ARG(t[i].recipient));
	assert_ptr_equal(route_rule_find(&rules, RULE_FALLBACK, STR("")), &rows[11]);
	assert_null(route_rule_find(&rules, RULE_ROUTE, STR("z.example")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes),
		cmocka_unit_test(schedules),
		cmocka_unit_test(sizes),
		cmocka_unit_test(headers),
		cmocka_unit_test(several),
		cmocka_unit_test(parsed),
		cmocka_unit_test(strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
