#include "mime/crlf.h"

void crlf_put(struct crlf *c, struct str s, struct buf *out)
{
	while (s.n > 0) {
		size_t n = 0;

		if (c->cr && s.p[0] == '\n') {
			c->cr = false;
			s = str_from(s, 1);
			continue;
		}
		while (n < s.n && s.p[n] != '\r' && s.p[n] != '\n')
			n++;
		buf_put(out, str_head(s, n));
		c->open = n == s.n;
		c->cr = !c->open && s.p[n] == '\r';
		if (!c->open)
			buf_put(out, STR("\r\n"));
		s = str_from(s, n + 1);
	}
}

void crlf_end(struct crlf *c, struct buf *out)
{
	if (c->open)
		buf_put(out, STR("\r\n"));
	*c = (struct crlf){ .cr = false };
}
