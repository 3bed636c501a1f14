#include <stdlib.h>

#include "trust/dkim_canon.h"

void dkim_body_init(struct dkim_body *b, bool relaxed)
{
	*b = (struct dkim_body){ .digest = EVP_MD_CTX_new(), .relaxed = relaxed };
	if (b->digest == NULL || EVP_DigestInit_ex(b->digest, EVP_sha256(), NULL) != 1)
		abort(); /* out of memory: see base/mem.h */
}

void dkim_body_deinit(struct dkim_body *b)
{
	EVP_MD_CTX_free(b->digest);
	b->digest = NULL;
}

static void hash_staged(struct dkim_body *b)
{
	EVP_DigestUpdate(b->digest, b->stage, b->staged);
	b->staged = 0;
}

static void put(struct dkim_body *b, struct str s)
{
	b->put += s.n;
	if (s.n > sizeof b->stage - b->staged)
		hash_staged(b);
	if (s.n > sizeof b->stage) {
		EVP_DigestUpdate(b->digest, s.p, s.n);
		return;
	}
	memcpy(b->stage + b->staged, s.p, s.n);
	b->staged += s.n;
}

/* Something that counts comes: what was held back counts as well. */
static void put_held(struct dkim_body *b)
{
	for (; b->lines > 0; b->lines--)
		put(b, STR("\r\n"));
	if (b->blanks)
		put(b, STR(" "));
	b->blanks = false;
}

static size_t run_length(const struct dkim_body *b, struct str s)
{
	size_t n = 0;

	if (!b->relaxed)
		return str_find(s, '\r');
	while (n < s.n && s.p[n] != '\r' && s.p[n] != ' ' && s.p[n] != '\t')
		n++;
	return n;
}

/* After a CR: a line end, or an octet like any other. */
static void after_cr(struct dkim_body *b, struct str *s)
{
	b->cr = false;
	if (s->p[0] == '\n') {
		b->blanks = false;
		b->lines++;
		*s = str_from(*s, 1);
	} else {
		put_held(b);
		put(b, STR("\r"));
	}
}

void dkim_body_feed(struct dkim_body *b, struct str s)
{
	while (s.n > 0) {
		size_t run;

		if (b->cr) {
			after_cr(b, &s);
			continue;
		}
		run = run_length(b, s);
		if (run > 0) {
			put_held(b);
			put(b, str_head(s, run));
		} else if (s.p[0] == '\r') {
			b->cr = true;
			run = 1;
		} else {
			b->blanks = true;
			run = 1;
		}
		s = str_from(s, run);
	}
}

void dkim_body_end(struct dkim_body *b, unsigned char digest[DKIM_DIGEST])
{
	if (b->cr) {
		put_held(b);
		put(b, STR("\r"));
	}
	/* RFC 6376 3.4.3, 3.4.4: lines at the end that are empty do not count; what is there ends with
	 * CRLF; an empty body is one CRLF when simple, and nothing when relaxed. */
	if (b->put > 0 || !b->relaxed)
		put(b, STR("\r\n"));
	hash_staged(b);
	EVP_DigestFinal_ex(b->digest, digest, NULL);
	dkim_body_deinit(b);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 6376 3.4.2: unfolded, each run of blanks one space, none at either end. */
static void put_unfolded(struct buf *out, struct str s)
{
	bool blank = false, first = true;

	for (size_t i = 0; i < s.n; i++) {
		if (is_blank(s.p[i])) {
			blank = true;
			continue;
		}
		if (blank && !first)
			buf_putc(out, ' ');
		blank = first = false;
		buf_putc(out, s.p[i]);
	}
}

void dkim_canon_field(struct buf *out, struct str whole, bool relaxed)
{
	struct str rest = whole, name;

	if (!relaxed) {
		buf_put(out, whole);
		return;
	}
	name = str_trim(str_cut(&rest, ':'));
	for (size_t i = 0; i < name.n; i++)
		buf_putc(out, ascii_lower(name.p[i]));
	buf_putc(out, ':');
	put_unfolded(out, rest);
	buf_put(out, STR("\r\n"));
}
