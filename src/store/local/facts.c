#include "base/block.h"
#include "store/local/facts.h"

enum { LINE_KEPT = MESSAGE_ID_MAX + 16 };

void facts_init(struct facts *f)
{
	*f = (struct facts){ .last = '\n' };
	buf_init(&f->line, 0);
	buf_init(&f->message_id, 0);
}

void facts_deinit(struct facts *f)
{
	buf_deinit(&f->line);
	buf_deinit(&f->message_id);
}

static struct str without_end(struct str line)
{
	while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	return line;
}

/* The first Message-ID, unfolded (RFC 5322 2.2.3: the CRLF of a fold is dropped). */
static void header_line(struct facts *f)
{
	struct str line = buf_str(&f->line), name = STR("message-id:");
	bool folded = line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t');

	if (f->id_state == ID_HERE && !folded)
		f->id_state = ID_OVER;
	if (f->id_state == ID_NONE && str_istarts(line, name)) {
		f->id_state = ID_HERE;
		line = str_from(line, name.n);
	}
	if (f->id_state != ID_HERE)
		return;
	line = without_end(line);
	buf_put(&f->message_id, str_head(line, MESSAGE_ID_MAX - f->message_id.len));
}

/* RFC 8689 3: "TLS-Required:" [FWS] "No".  Anything else in it, or a second one, says nothing. */
static void tls_required(struct facts *f)
{
	struct str line = buf_str(&f->line), name = STR("tls-required:");

	if (str_istarts(line, name)) {
		f->tls_here = true;
		line = str_from(line, name.n);
	} else if (line.n == 0 || (line.p[0] != ' ' && line.p[0] != '\t')) {
		f->tls_here = false;
	}
	line = str_trim(without_end(line));
	if (f->tls_here && line.n > 0)
		f->tls_required = f->tls_required == TLS_NOT_TOLD && str_ieq(line, STR("no"))
					  ? TLS_NO
					  : TLS_OTHER;
}

static bool is_empty_line(const struct facts *f)
{
	return str_eq(buf_str(&f->line), STR("\r\n")) || str_eq(buf_str(&f->line), STR("\n"));
}

static bool has_eight(struct str s)
{
	uint64_t all = 0, eight;
	size_t i = 0;

	for (; i + sizeof eight <= s.n; i += sizeof eight) {
		memcpy(&eight, s.p + i, sizeof eight);
		all |= eight;
	}
	for (; i < s.n; i++)
		all |= (unsigned char)s.p[i];
	return (all & UINT64_C(0x8080808080808080)) != 0;
}

static struct str feed_header(struct facts *f, struct str s)
{
	while (!f->header_over && s.n > 0) {
		size_t lf = str_find(s, '\n');
		size_t n = lf < s.n ? lf + 1 : s.n;

		if (f->line_octets == 0 && s.p[0] == '.')
			f->dots = true;
		if (f->line.len < LINE_KEPT)
			buf_put(&f->line, str_head(str_head(s, n), LINE_KEPT - f->line.len));
		f->line_octets += n;
		f->header_octets += n;
		f->last = s.p[n - 1];
		s = str_from(s, n);
		if (f->last != '\n')
			break;
		f->header_over = f->line_octets <= 2 && is_empty_line(f);
		header_line(f);
		tls_required(f);
		buf_clear(&f->line);
		f->line_octets = 0;
	}
	return s;
}

/* What is left is less than a block. */
static struct str feed_blocks(struct facts *f, struct str s)
{
	uint64_t lf = f->last == '\n', eight = 0, dots = 0;
	size_t i = 0;

	for (; BLOCK_OCTETS > 0 && s.n - i >= BLOCK_OCTETS; i += BLOCK_OCTETS) {
		struct block k = block_of(s.p + i);

		eight |= k.eight;
		dots |= block_behind(k.lf, &lf) & k.dot;
	}
	f->eight_body = f->eight_body || eight != 0;
	f->dots = f->dots || dots != 0;
	f->last = i > 0 ? s.p[i - 1] : f->last;
	return str_from(s, i);
}

void facts_feed(struct facts *f, struct str s)
{
	struct str all = s;

	s = feed_header(f, s);
	f->eight_header = f->eight_header || has_eight(str_head(all, all.n - s.n));
	s = feed_blocks(f, s);
	f->eight_body = f->eight_body || has_eight(s);
	if (s.n == 0)
		return;
	if (f->last == '\n' && s.p[0] == '.')
		f->dots = true;
	f->last = s.p[s.n - 1];
	while (!f->dots && s.n > 0) {
		s = str_from(s, str_find(s, '\n') + 1);
		f->dots = s.n > 0 && s.p[0] == '.';
	}
}

struct str facts_message_id(const struct facts *f)
{
	return str_trim(buf_str(&f->message_id));
}
