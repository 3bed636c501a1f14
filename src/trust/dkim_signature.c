/* The DKIM-Signature field as something that is signed itself. */
#include "trust/dkim_internal.h"

/* Where the value of b= begins and ends in the field; both its length when there is none.  Tags are between
 * semicolons, blanks around their names do not count (RFC 6376 3.2). */
static void find_b(struct str field, size_t *from, size_t *to)
{
	size_t at = str_find(field, ':') + 1;

	while (at < field.n) {
		size_t end = at + str_find(str_from(field, at), ';');
		size_t equals = at + str_find(str_head(str_from(field, at), end - at), '=');
		size_t name = at;

		while (name < equals && (unsigned char)field.p[name] <= ' ')
			name++;
		if (name < equals && field.p[name] == 'b') {
			do
				name++;
			while (name < equals && (unsigned char)field.p[name] <= ' ');
			if (name == equals && equals < end) {
				*from = equals + 1;
				*to = end;
				return;
			}
		}
		at = end + 1;
	}
	*from = *to = field.n;
}

void dkim_canon_signature(struct buf *out, struct str field, bool relaxed)
{
	struct buf bare = { 0 };
	size_t from, to, before = out->len;

	find_b(field, &from, &to);
	buf_put(&bare, str_head(field, from));
	buf_put(&bare, str_from(field, to));
	dkim_canon_field(out, buf_str(&bare), relaxed);
	/* RFC 6376 3.7: without its last CRLF. */
	if (out->len - before >= 2 && str_ends(buf_str(out), STR("\r\n")))
		buf_truncate(out, out->len - 2);
	buf_deinit(&bare);
}
