/* Line ends, dots and header fields of a message as it passes.  Octets are looked at in blocks, a line at a
 * time where a block is not plain, and handed on as views of the input: the body is never copied here. */
#include "base/block.h"
#include "proto/smtpd_int.h"

/* Line ends in [i, stop), where stop is after a LF or at the end of the input.  Returns nothing
 * but what b->at and b->bare become: every CR must be followed by LF and every LF preceded by CR
 * (RFC 5321 2.3.8). */
static void check_line(struct body *b, const char *p, size_t n, bool lf)
{
	size_t text = lf ? n - 1 : n;
	const char *cr = text == 0 ? NULL : memchr(p, '\r', text);

	if (b->at == AT_CR && !(lf && text == 0))
		b->bare = true;
	if (lf) {
		bool crlf = text == 0 ? b->at == AT_CR : p[text - 1] == '\r';

		if (!crlf || (cr != NULL && cr != p + text - 1))
			b->bare = true;
#ifdef MUTANT_LF_DOT
		crlf = true;
#endif
		b->at = crlf ? AT_BOL : AT_MID;
	} else {
		if (cr != NULL && cr != p + text - 1)
			b->bare = true;
		b->at = text > 0 && p[text - 1] == '\r' ? AT_CR : AT_MID;
	}
}

/* A dot at the start of a line: the end of data, a stuffed dot, or too early to say. */
enum dot { DOT_UNKNOWN, DOT_END, DOT_STUFFED };

static enum dot look_at_dot(struct str s)
{
#ifdef MUTANT_LF_DOT
	if (s.n > 1 && s.p[1] == '\n')
		return DOT_END;
#endif
	if (s.n == 1 || (s.n == 2 && s.p[1] == '\r'))
		return DOT_UNKNOWN;
	return s.p[1] == '\r' && s.p[2] == '\n' ? DOT_END : DOT_STUFFED;
}

/* What the first octet of a line says about the header section: a blank line and a line that is no
 * field end it. */
static enum header_at header_line(struct body *b, char c)
{
	b->name_len = 0;
	b->name_received = true;
	if (c == '\r')
		return HDR_CR;
	if (c == ' ' || c == '\t')
		return b->header_octets > 0 ? HDR_REST : HDR_DONE;
	return HDR_NAME;
}

static enum header_at header_name(struct body *b, char c)
{
	static const struct str received = STR_INIT("received");

	if (c == ':') {
		b->received += b->name_received && b->name_len == received.n;
		return b->name_len > 0 ? HDR_REST : HDR_DONE;
	}
	/* RFC 5322 4.5 allows white space between name and colon. */
	if (c == ' ' || c == '\t')
		return HDR_SPACE;
	if (c < '!' || c > '~')
		return HDR_DONE;
	if (b->name_len >= received.n || ascii_lower(c) != received.p[b->name_len])
		b->name_received = false;
	b->name_len++;
	return HDR_NAME;
}

/* Counts Received fields and the octets of the header section. */
static void scan_header(struct body *b, struct str s)
{
	size_t i = 0;

	while (i < s.n && b->header != HDR_DONE) {
		const char *lf;

		switch (b->header) {
		case HDR_BOL:
			b->header = header_line(b, s.p[i]);
			if (b->header == HDR_NAME)
				continue;
			break;
		case HDR_NAME: b->header = header_name(b, s.p[i]); break;
		case HDR_SPACE:
			if (s.p[i] == ':')
				b->header = header_name(b, ':');
			else if (s.p[i] != ' ' && s.p[i] != '\t')
				b->header = HDR_DONE;
			break;
		case HDR_REST:
			lf = memchr(s.p + i, '\n', s.n - i);
			b->header_octets += lf == NULL ? s.n - i : (size_t)(lf - s.p) + 1 - i;
			if (lf == NULL)
				return;
			i = (size_t)(lf - s.p) + 1;
			b->header = HDR_BOL;
			continue;
		case HDR_CR:
		case HDR_DONE: b->header = HDR_DONE; break;
		}
		i++;
		b->header_octets++;
	}
}

/* Whole blocks in which each CR and LF is of a CRLF and, where dots are stuffed, no line begins with one: nearly
 * all of nearly every message. */
static size_t pass_blocks(struct body *b, struct str s, bool stuffed)
{
	uint64_t cr = b->at == AT_CR, lf = b->at == AT_BOL;
	size_t i = 0;

	for (; BLOCK_OCTETS > 0 && s.n - i >= BLOCK_OCTETS; i += BLOCK_OCTETS) {
		struct block k = block_of(s.p + i);
		uint64_t cr_after = cr, lf_after = lf;

		if (block_behind(k.cr, &cr_after) != k.lf ||
			(block_behind(k.lf, &lf_after) & k.dot && stuffed))
			break;
		cr = cr_after;
		lf = lf_after;
	}
	if (i > 0)
		b->at = cr ? AT_CR : lf ? AT_BOL : AT_MID;
	return i;
}

struct body_run body_scan(struct body *b, struct str in, bool stuffed)
{
	struct body_run run = { 0 };
	size_t from = 0, i = 0;

	while (i < in.n) {
		const char *lf;
		size_t stop;

		i += pass_blocks(b, str_from(in, i), stuffed);
		if (i == in.n)
			break;
		if (stuffed && b->at == AT_BOL && in.p[i] == '.') {
			enum dot dot;

			if (i > from)
				break; /* the view ends before the dot */
			dot = look_at_dot(str_from(in, i));
			run.end = dot == DOT_END;
			if (dot != DOT_STUFFED) {
				run.used = run.end ? i + 3 : 0;
				return run;
			}
			from = ++i;
			b->at = AT_MID;
		}
		lf = memchr(in.p + i, '\n', in.n - i);
		stop = lf == NULL ? in.n : (size_t)(lf - in.p) + 1;
		check_line(b, in.p + i, stop - i, lf != NULL);
		i = stop;
	}
	run.used = i;
	run.take = str_head(str_from(in, from), i - from);
	if (b->header != HDR_DONE)
		scan_header(b, run.take);
	return run;
}
