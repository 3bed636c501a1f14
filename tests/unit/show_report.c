/* Puts the report of one case on standard output, for check_report.py.  Usage: show_report CASE */
#include <stdio.h>
#include <stdlib.h>

#include "mime/report.h"

#define EVIL "550 5.7.1 no\r\nBcc: victim@x.test\r\n\r\n--=_x\n.\n\x1b[31m\0\xff\xc3"

static struct report_recipient failed = { .action = REPORT_FAILED,
	.recipient = STR_INIT("bob@example.net"),
	.orcpt = STR_INIT("rfc822;robert+2Bx@example.org"),
	.status = STR_INIT("5.1.1"),
	.reply = STR_INIT("550 5.1.1 <bob@example.net>: no such user"),
	.host = STR_INIT("mx.example.net[192.0.2.1]"),
	.last_try_ms = 1000000000000 };
static struct report_recipient delayed = { .action = REPORT_DELAYED,
	.recipient = STR_INIT("carol@example.net"),
	.reply = STR_INIT("connection timed out"),
	.retry_till_ms = 1000400000000 };
static struct report_recipient given_up = { .action = REPORT_FAILED,
	.recipient = STR_INIT("erin@example.net"),
	.status = STR_INIT("4.4.7"),
	.reply = STR_INIT("connection refused"),
	.host = STR_INIT("mx.example.net[192.0.2.1]") };
static struct report_recipient greylisted = { .action = REPORT_DELAYED,
	.recipient = STR_INIT("frank@example.net"),
	.status = STR_INIT("4.7.1"),
	.reply = STR_INIT("451 4.7.1 greylisted"),
	.host = STR_INIT("mx.example.net[192.0.2.1]"),
	.retry_till_ms = 1000400000000 };
static struct report_recipient refused_here = { .action = REPORT_FAILED,
	.recipient = STR_INIT("gina@example.net"),
	.status = STR_INIT("5.7.1"),
	.reply = STR_INIT("this server sends no mail to that domain") };
static struct report_recipient relayed = {
	.action = REPORT_RELAYED, .recipient = STR_INIT("dave@x.test"), .status = STR_INIT("2.1.5")
};
static struct report_recipient evil = { .action = REPORT_FAILED,
	.recipient = STR_INIT("e\rv\nil\0@x.test"),
	.orcpt = STR_INIT("rfc822;a+0D+0ABcc:+20v@x.test"),
	.status = STR_INIT("5.7.1\r\nX: y"),
	.reply = STR_INIT(EVIL),
	.host = STR_INIT("mx\r\nBcc: victim@x.test") };
static struct report_recipient utf8 = { .action = REPORT_FAILED,
	.recipient = STR_INIT("gr\xc3\xbcn@b\xc3\xbc"
			      "cher.example"),
	.status = STR_INIT("5.6.7"),
	.reply = STR_INIT("553 5.6.7 nein: gr\xc3\xbcn"),
	.host = STR_INIT("mx.x.test") };

static char endless[4000];

int main(int argc, char **argv)
{
	struct report_recipient rows[3] = { failed };
	struct report r = { .hostname = STR("mail.ours.test"),
		.to = STR("alice@ours.test"),
		.envid = STR("QQ+2B314159"),
		.wall_ms = 1000000100000,
		.arrived_ms = 999999999000,
		.recipients = rows,
		.count = 1,
		.header_octets = 39 };
	struct str original = STR(
			   "From: alice@ours.test\r\nSubject: hello\r\n\r\nThis is the body.\r\n"),
		   which = str_c(argc > 1 ? argv[1] : "failed");
	struct buf out = { 0 };

	r.id.b[0] = 7;
	r.octets = original.n;
	if (str_eq(which, STR("mixed"))) {
		rows[1] = delayed;
		rows[2] = relayed;
		r.count = 3;
	} else if (str_eq(which, STR("delayed"))) {
		rows[0] = delayed;
	} else if (str_eq(which, STR("given-up"))) {
		rows[0] = given_up;
	} else if (str_eq(which, STR("greylisted"))) {
		rows[0] = greylisted;
	} else if (str_eq(which, STR("greylisted-to-the-end"))) {
		rows[0] = greylisted;
		rows[0].action = REPORT_FAILED;
	} else if (str_eq(which, STR("refused-here"))) {
		rows[0] = refused_here;
	} else if (str_eq(which, STR("evil"))) {
		rows[0] = evil;
		r.envid = STR("x+0D+0AX: y");
		r.to = STR("a\r\nBcc: victim@x.test");
	} else if (str_eq(which, STR("endless"))) {
		memset(endless, '\x80', sizeof endless);
		rows[0].reply = rows[0].host = rows[0].recipient = rows[0].orcpt =
			str_of(endless, sizeof endless);
	} else if (str_eq(which, STR("utf8")) || str_eq(which, STR("utf8-plain"))) {
		rows[0] = utf8;
		r.utf8 = str_eq(which, STR("utf8"));
	}
	r.whole = report_whole(&r, str_eq(which, STR("header")), 1000);
	report_begin(&out, &r);
	buf_put(&out, str_head(original, report_returned(&r)));
	report_end(&out, &r);
	fwrite(out.data, 1, out.len, stdout);
	buf_deinit(&out);
	return 0;
}
