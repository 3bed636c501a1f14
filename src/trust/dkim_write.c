/* Composing fields with signatures, of DKIM and ARC. */
#include "base/codec.h"
#include "trust/dkim_internal.h"

enum { LINE = 72 };

void dkim_put_folded(struct buf *out, size_t *column, struct str s)
{
	if (*column + s.n > LINE) {
		buf_put(out, STR("\r\n\t"));
		*column = 8;
		s = s.p[0] == ' ' ? str_from(s, 1) : s;
	}
	buf_put(out, s);
	*column += s.n;
}

/* The same for what may be cut anywhere. */
static void put_wrapped(struct buf *out, size_t *column, struct str s)
{
	while (s.n > 0) {
		struct str line = str_head(s, *column < LINE ? LINE - *column : 0);

		buf_put(out, line);
		*column += line.n;
		s = str_from(s, line.n);
		if (s.n > 0) {
			buf_put(out, STR("\r\n\t"));
			*column = 8;
		}
	}
}

void dkim_put_tag(struct buf *out, size_t *column, struct str tag, struct str value)
{
	struct buf text = { 0 };

	buf_put(&text, tag);
	buf_put(&text, value);
	buf_putc(&text, ';');
	dkim_put_folded(out, column, buf_str(&text));
	buf_deinit(&text);
}

void dkim_put_time(struct buf *out, size_t *column, struct str tag, int64_t wall_ms)
{
	struct buf text = { 0 };

	buf_putu(&text, (uint64_t)(wall_ms / 1000));
	dkim_put_tag(out, column, tag, buf_str(&text));
	buf_deinit(&text);
}

void dkim_put_name(struct buf *out, size_t *column, bool first, struct str name)
{
	struct buf text = { 0 };

	buf_put(&text, first ? STR(" h=") : STR(":"));
	buf_put(&text, name);
	dkim_put_folded(out, column, buf_str(&text));
	buf_deinit(&text);
}

void dkim_put_hash(struct buf *out, size_t *column, const unsigned char digest[DKIM_DIGEST])
{
	struct buf text = { 0 };

	base64_put(&text, str_of(digest, DKIM_DIGEST));
	dkim_put_tag(out, column, STR(" bh="), buf_str(&text));
	buf_deinit(&text);
}

static bool sign_octets(const struct dkim_key *k, struct str octets, struct buf *signature)
{
	unsigned char digest[DKIM_DIGEST], room[1024];
	size_t n = sizeof room;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = false;

	/* RFC 8463 3: Ed25519 signs the SHA-256 digest as its message. */
	if (c != NULL && k->algorithm == DKIM_ED25519_SHA256)
		ok = EVP_Digest(octets.p, octets.n, digest, NULL, EVP_sha256(), NULL) == 1 &&
		     EVP_DigestSignInit(c, NULL, NULL, NULL, k->pkey) == 1 &&
		     EVP_DigestSign(c, room, &n, digest, sizeof digest) == 1;
	else if (c != NULL)
		ok = EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, k->pkey) == 1 &&
		     EVP_DigestSign(c, room, &n, (const unsigned char *)octets.p, octets.n) == 1;
	EVP_MD_CTX_free(c);
	if (ok)
		base64_put(signature, str_of(room, n));
	return ok;
}

bool dkim_put_signature(
	const struct dkim_key *k, struct buf *octets, struct buf *field, size_t column)
{
	struct buf signature = { 0 };
	bool ok;

	dkim_canon_signature(octets, buf_str(field), true);
	ok = sign_octets(k, buf_str(octets), &signature);
	put_wrapped(field, &column, buf_str(&signature));
	buf_put(field, STR("\r\n"));
	buf_deinit(&signature);
	return ok;
}
