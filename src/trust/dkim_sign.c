#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"
#include "trust/dkim_internal.h"

enum { LINE = 72, NAMED_MAX = 500 };

/* What is signed, and once more than it is there, so that nobody adds another (RFC 6376 8.15).  The List
 * fields may be added by a list that leaves the rest as it is: only those that are there are
 * protected. */
static const struct {
	struct str name;
	bool always;
} names[] = {
	{ STR_INIT("From"), true },
	{ STR_INIT("Subject"), true },
	{ STR_INIT("Date"), true },
	{ STR_INIT("To"), true },
	{ STR_INIT("Cc"), true },
	{ STR_INIT("Reply-To"), true },
	{ STR_INIT("Message-ID"), true },
	{ STR_INIT("MIME-Version"), true },
	{ STR_INIT("Content-Type"), true },
	{ STR_INIT("In-Reply-To"), true },
	{ STR_INIT("References"), true },
	{ STR_INIT("Content-Transfer-Encoding"), false },
	{ STR_INIT("Sender"), false },
	{ STR_INIT("List-Id"), false },
	{ STR_INIT("List-Help"), false },
	{ STR_INIT("List-Unsubscribe"), false },
	{ STR_INIT("List-Unsubscribe-Post"), false },
	{ STR_INIT("List-Subscribe"), false },
	{ STR_INIT("List-Post"), false },
	{ STR_INIT("List-Owner"), false },
	{ STR_INIT("List-Archive"), false },
};

struct dkim_hash {
	struct dkim_message message;
	struct dkim_body body;
	bool ended;
	unsigned char digest[DKIM_DIGEST];
};

struct dkim_hash *dkim_hash_new(void)
{
	struct dkim_hash *h = NEW(struct dkim_hash);

	dkim_body_init(&h->body, true);
	return h;
}

void dkim_hash_free(struct dkim_hash *h)
{
	if (h == NULL)
		return;
	dkim_body_deinit(&h->body);
	dkim_message_deinit(&h->message);
	free(h);
}

void dkim_hash_feed(struct dkim_hash *h, struct str octets)
{
	dkim_body_feed(&h->body, dkim_message_feed(&h->message, octets));
}

static void end(struct dkim_hash *h)
{
	if (h->ended)
		return;
	h->ended = true;
	dkim_message_end(&h->message);
	dkim_body_end(&h->body, h->digest);
}

struct str dkim_hash_from(struct dkim_hash *h)
{
	end(h);
	for (size_t i = 0; i < h->message.count; i++)
		if (str_ieq(h->message.fields[i].name, STR("From")))
			return h->message.fields[i].body;
	return STR("");
}

/* s on this line; or, without its first blank, on the next where it would not fit. */
static void put_folded(struct buf *out, size_t *column, struct str s)
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

static void put_name(struct buf *out, size_t *column, bool first, struct str name)
{
	struct buf text = { 0 };

	buf_put(&text, first ? STR(" h=") : STR(":"));
	buf_put(&text, name);
	put_folded(out, column, buf_str(&text));
	buf_deinit(&text);
}

/* h=, and what each of its names chooses goes to signed_octets. */
static bool put_names(
	struct dkim_message *m, struct buf *out, size_t *column, struct buf *signed_octets)
{
	const struct field *field;
	size_t named = 0;

	dkim_message_choose_anew(m);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		bool there = false;

		while ((field = dkim_message_choose(m, names[i].name)) != NULL &&
			named < NAMED_MAX) {
			put_name(out, column, named++ == 0, names[i].name);
			dkim_canon_field(signed_octets, field->whole, true);
			there = true;
		}
		if (i == 0 && !there)
			return false; /* RFC 6376 5.4: From MUST be signed */
		if (there || names[i].always)
			put_name(out, column, named++ == 0, names[i].name);
	}
	return named < NAMED_MAX;
}

static void put_tag(struct buf *out, size_t *column, struct str tag, struct str value)
{
	struct buf text = { 0 };

	buf_put(&text, tag);
	buf_put(&text, value);
	buf_putc(&text, ';');
	put_folded(out, column, buf_str(&text));
	buf_deinit(&text);
}

static void put_time(struct buf *out, size_t *column, struct str tag, int64_t wall_ms)
{
	struct buf text = { 0 };

	buf_putu(&text, (uint64_t)(wall_ms / 1000));
	put_tag(out, column, tag, buf_str(&text));
	buf_deinit(&text);
}

/* All up to and with "b=". */
static bool put_unsigned(struct dkim_hash *h, const struct dkim_signer *s, struct buf *out,
	size_t *column, struct buf *signed_octets)
{
	struct buf digest = { 0 };

	buf_put(out, STR("DKIM-Signature: v=1;"));
	*column = out->len;
	put_tag(out, column, STR(" a="), dkim_algorithm_name(s->key->algorithm));
	put_tag(out, column, STR(" c="), STR("relaxed/relaxed"));
	put_tag(out, column, STR(" d="), s->domain);
	put_tag(out, column, STR(" s="), s->selector);
	put_time(out, column, STR(" t="), s->wall_ms);
	if (s->valid_ms > 0)
		put_time(out, column, STR(" x="), s->wall_ms + s->valid_ms);
	if (!put_names(&h->message, out, column, signed_octets))
		return false;
	buf_putc(out, ';');
	++*column;
	base64_put(&digest, str_of(h->digest, sizeof h->digest));
	put_tag(out, column, STR(" bh="), buf_str(&digest));
	buf_deinit(&digest);
	buf_put(out, STR(" b="));
	*column += 3;
	return true;
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

enum status dkim_sign(
	struct dkim_hash *h, const struct dkim_signer *s, struct buf *out, struct err *err)
{
	struct buf field = { 0 }, octets = { 0 }, signature = { 0 };
	size_t column = 0;
	enum status status = ST_OK;

	end(h);
	if (h->message.too_long || !put_unsigned(h, s, &field, &column, &octets)) {
		status = err_set(
			err, ST_PERM, "dkim: the message has no From, or too much of a header");
		goto out;
	}
	dkim_canon_signature(&octets, buf_str(&field), true);
	if (!sign_octets(s->key, buf_str(&octets), &signature)) {
		status = err_set(err, ST_IO, "dkim: libcrypto does not sign");
		goto out;
	}
	put_wrapped(&field, &column, buf_str(&signature));
	buf_put(out, buf_str(&field));
	buf_put(out, STR("\r\n"));
out:
	buf_deinit(&field);
	buf_deinit(&octets);
	buf_deinit(&signature);
	return status;
}
