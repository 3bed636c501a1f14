#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "daemon/check.h"
#include "daemon/edge.h"

/* ---- DNS, answered when the test wants it: lines "NAME RECORD" of TXT, all else is NXDOMAIN ---- */

enum { KINDS = 4 };

static struct asked {
	struct edge_lookup *q;
	char name[256];
	enum dns_type type;
} asked[KINDS];

bool edge_lookup_start(struct edge *e, struct edge_lookup *q, struct str name, enum dns_type type,
	void (*done)(struct edge_lookup *q, const struct dns_answer *a))
{
	uint32_t at = 0;

	(void)e;
	while (asked[at].q != NULL)
		at++;
	assert_true(at < KINDS);
	asked[at].q = q;
	asked[at].type = type;
	snprintf(asked[at].name, sizeof asked[at].name, "%.*s", STR_ARG(name));
	q->place = at + 1;
	q->done = done;
	return true;
}

void edge_lookup_cancel(struct edge *e, struct edge_lookup *q)
{
	(void)e;
	if (q->place != 0)
		asked[q->place - 1].q = NULL;
	q->place = 0;
}

static void answer(struct asked *one, struct str zone)
{
	struct dns_row row;
	struct dns_answer a = { .outcome = DNS_NXDOMAIN, .rows = &row };
	struct edge_lookup *q = one->q;

	while (zone.n > 0) {
		struct str line = str_cut(&zone, '\n'), name = str_cut(&line, ' ');

		if (one->type != DNS_TXT || !str_eq(name, str_c(one->name)))
			continue;
		row = (struct dns_row){ .data = line };
		a.outcome = DNS_FOUND;
		a.count = 1;
	}
	one->q = NULL;
	q->place = 0;
	q->done(q, &a);
}

/* All but the questions for this name, and those that follow from them. */
static void answer_all(const char *zone, const char *but)
{
	bool some = true;

	while (some) {
		some = false;
		for (size_t i = 0; i < KINDS; i++)
			if (asked[i].q != NULL && !str_eq(str_c(asked[i].name), str_c(but))) {
				answer(&asked[i], str_c(zone));
				some = true;
			}
	}
}

/* ---- a message ---- */

static struct config config = { .hostname = "mail.a.test",
	.dmarc_policy = "enforce",
	.arc_trusted = "list.test",
	.check_timeout_ms = 5000 };
static struct edge edge = { .config = &config };

static void over(void *owner)
{
	*(bool *)owner = true;
}

static struct check *checked(struct str message, bool *done)
{
	struct check_client client = { .address = STR("192.0.2.1"),
		.helo = STR("mail.sender.test"),
		.reverse_path = STR("x@sender.test") };
	struct check *c;

	edge.loop = loop_new();
	*done = false;
	c = check_new(&edge, &client, over, done);
	check_feed(c, message);
	check_header(c, message);
	return c;
}

static void end(struct check *c)
{
	check_free(c);
	loop_free(edge.loop);
}

/* Two authors: what is asked on behalf of one, and answered late, says nothing of the other, or who has any domain
 * could pass for everybody. */
static void an_answer_is_for_who_asked(void **state)
{
	static const char zone[] = "sender.test v=spf1 +all\n_dmarc.bank.test v=DMARC1; p=reject\n"
				   "_dmarc.slow.test v=DMARC1; p=none\n";
	bool done;
	struct check *c =
		checked(STR("From: boss@bank.test, x@slow.test\r\nSubject: y\r\n\r\nz\r\n"), &done);

	(void)state;
	answer_all(zone, "_dmarc.slow.test");
	assert_false(check_end(c));
	answer_all(zone, "_dmarc.slow.test");
	assert_false(done);
	answer_all(zone, "");
	assert_true(done);
	assert_int_equal(check_verdict(c), CHECK_REFUSE);
	end(c);
}

static void put_signature(struct buf *b, size_t d, size_t s)
{
	buf_put(b, STR("DKIM-Signature: v=1; a=rsa-sha256; h=from; d="));
	buf_fill(b, 'd', d);
	buf_put(b, STR(".test; s="));
	buf_fill(b, 's', s);
	buf_put(b, STR(";\r\n bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"));
}

/* The room that is left for the field is that of the longest. */
static void fits(struct str message)
{
	struct buf longest = { 0 }, field = { 0 };
	bool done;
	struct check *c = checked(message, &done);

	check_put(c, &longest, true);
	if (!check_end(c))
		answer_all("", "");
	check_put(c, &field, false);
	if (field.len > longest.len || longest.len > CHECK_FIELD_MAX)
		fail_msg("%zu octets in a room of %zu: %.*s", field.len, longest.len,
			STR_ARG(buf_str(&field)));
	buf_deinit(&longest);
	buf_deinit(&field);
	end(c);
}

static void the_field_fits(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (size_t n = 1; n < 200; n++) {
		buf_clear(&b);
		for (size_t i = 0; i < 8; i++)
			put_signature(&b, i < 5 ? n : 60, i < 5 ? 1 + n % 60 : 200);
		buf_put(&b, STR("From: x@b.test\r\n\r\n"));
		fits(buf_str(&b));
	}
	buf_clear(&b);
	buf_put(&b, STR("From: x@"));
	for (size_t i = 0; i < 3; i++) {
		buf_fill(&b, 'a', 60);
		buf_putc(&b, '.');
	}
	buf_put(&b, STR("test, x@["));
	for (size_t i = 0; i < 90; i++)
		buf_put(&b, STR("\\\\"));
	buf_put(&b, STR("]\r\n\r\n"));
	fits(buf_str(&b));
	buf_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_for_who_asked),
		cmocka_unit_test(the_field_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
