#include "proto/verp.h"
#include "proto/path.h"

bool verp_delimiters(struct str s, char delimiters[VERP_DELIMITERS])
{
	static const struct str allowed = STR_INIT("-=+");

	for (size_t i = 0; i < s.n; i++)
		if (s.n != VERP_DELIMITERS || str_find(allowed, s.p[i]) == allowed.n)
			return false;
	if (s.n > 0)
		memcpy(delimiters, s.p, VERP_DELIMITERS);
	return s.n > 0;
}

bool verp_put(struct buf *out, struct str owner, struct str recipient,
	const char delimiters[VERP_DELIMITERS])
{
	size_t before = out->len, at = str_rfind(owner, '@'), to = str_rfind(recipient, '@');
	struct path path;

	buf_put(out, str_head(owner, at));
	buf_putc(out, delimiters[0]);
	buf_put(out, str_head(recipient, to));
	buf_putc(out, delimiters[1]);
	buf_put(out, str_from(recipient, to + 1));
	buf_put(out, str_from(owner, at));
	/* What needs quotes, and a literal's brackets, are no part of an atom (RFC 5321 4.1.2). */
	if (to < recipient.n && str_ascii(str_from(buf_str(out), before)) &&
		path_mailbox(str_from(buf_str(out), before), &path))
		return true;
	buf_truncate(out, before);
	return false;
}
