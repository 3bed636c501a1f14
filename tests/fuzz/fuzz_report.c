/* Reports about words of strangers: sender, recipient, reply and host are any octets, the report stays a message
 * of lines in ASCII or UTF-8 that opens no field and no part of theirs.  And SRS: what was not made
 * here never comes back as an address, what was comes back as it went. */
#include <stdlib.h>

#include "base/codec.h"
#include "mime/report.h"
#include "trust/srs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void check_lines(struct str s, bool utf8)
{
	size_t line = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\r') {
			check(i + 1 < s.n && s.p[i + 1] == '\n');
			check(++i < s.n && line <= 998);
			line = 0;
			continue;
		}
		check(c != '\n' && c != 0 && (c >= ' ' || c == '\t') && (utf8 || c < 0x80));
		line++;
	}
}

/* Lines that begin with this, of a report about n recipients. */
static size_t beginning(struct str s, struct str what)
{
	size_t n = 0;

	for (size_t i = 0; i + what.n <= s.n; i++)
		n += (i == 0 || s.p[i - 1] == '\n') && memcmp(s.p + i, what.p, what.n) == 0;
	return n;
}

static void check_report(struct reader in)
{
	struct report_recipient to[2];
	struct report r = { .hostname = STR("mx.example.test"),
		.to = STR("a@example.test"),
		.recipients = to,
		.wall_ms = 1700000000000 };
	uint8_t flags = get_u8(&in);
	struct buf out = { 0 };

	r.utf8 = flags & 1;
	r.eightbit = flags & 2;
	r.whole = flags & 4;
	r.octets = r.header_octets = flags;
	r.count = 1 + (flags >> 7);
	r.envid = get_bytes(&in, get_u8(&in));
	for (size_t i = 0; i < 2; i++) {
		uint8_t action = get_u8(&in);

		to[i] = (struct report_recipient){
			.action = (enum report_action)(action % REPORT_ACTIONS),
			.recipient = get_bytes(&in, get_u8(&in)),
			.orcpt = get_bytes(&in, get_u8(&in)),
			.status = get_bytes(&in, action >> 4),
			.reply = get_bytes(&in, get_u16(&in) % 1000),
			.host = get_bytes(&in, get_u8(&in)),
		};
	}
	report_begin(&out, &r);
	check(report_returned(&r) <= r.octets);
	report_end(&out, &r);
	check_lines(buf_str(&out), r.utf8);
	check(beginning(buf_str(&out), STR("Action: ")) == r.count);
	check(beginning(buf_str(&out), STR("Subject: ")) == 1);
	check(beginning(buf_str(&out), STR("MIME-Version: ")) == 1);
	buf_deinit(&out);
}

static void check_srs(struct str in)
{
	struct srs s = {
		.secret = { 1, 2, 3 }, .domain = STR("ours.test"), .wall_ms = 1700000000000
	};
	struct buf there = { 0 }, back = { 0 };

	check(srs_reverse(&s, in, &back) != SRS_BACK);
	check(back.len == 0);
	if (!srs_is_made(in) && srs_forward(&s, in, &there) && !str_eq(buf_str(&there), in)) {
		check(srs_reverse(&s, buf_str(&there), &back) == SRS_BACK);
		s.secret[0] ^= 1;
		buf_clear(&back);
		check(srs_reverse(&s, buf_str(&there), &back) == SRS_FORGED);
	}
	buf_deinit(&there);
	buf_deinit(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size);

	check_report((struct reader){ in, false });
	check_srs(in);
	return 0;
}
