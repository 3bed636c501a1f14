#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "trust/srs.h"

enum {
	HASH_DIGITS = 6,
	DAY_DIGITS = 2,
	DAYS = 1024, /* the stamp's period */
	DAY_MS = 24 * 60 * 60 * 1000,
	ADDRESS_LONGEST = 254, /* 4.5.3.1.3, without the brackets */
};

static const struct str base32 = STR_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");

static void put_lower(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_putc(out, ascii_lower(s.p[i]));
}

/* HASH_DIGITS of base32 over what `kind` is to protect. */
static void put_hash(const struct srs *s, struct str kind, struct str protected, struct buf *out)
{
	struct buf plain;
	unsigned char mac[EVP_MAX_MD_SIZE];
	uint32_t bits;

	buf_init(&plain, 0);
	buf_put(&plain, kind);
	put_lower(&plain, protected);
	HMAC(EVP_sha256(), s->secret, sizeof s->secret, (const unsigned char *)plain.data,
		plain.len, mac, NULL);
	buf_deinit(&plain);
	bits = (uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 | (uint32_t)mac[2] << 8 | mac[3];
	for (int i = 0; i < HASH_DIGITS; i++, bits <<= 5)
		buf_putc(out, base32.p[bits >> 27]);
}

static uint32_t today(const struct srs *s)
{
	return (uint32_t)(s->wall_ms / DAY_MS % DAYS);
}

static int digit(char c)
{
	size_t at = str_find(base32, (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c));

	return at < base32.n ? (int)at : -1;
}

/* After "SRS0" or "SRS1" others may use "-" or "+" (the scheme's separators). */
static bool is_kind(struct str local, struct str kind)
{
	static const struct str separators = STR_INIT("=-+");

	return str_istarts(local, kind) && local.n > kind.n &&
	       str_find(separators, local.p[kind.n]) < separators.n;
}

bool srs_is_made(struct str address)
{
	return is_kind(address, STR("SRS0")) || is_kind(address, STR("SRS1"));
}

/* A first hop: hash, day, domain and local part of the author. */
static void put_first(const struct srs *s, struct str local, struct str domain, struct buf *out)
{
	struct buf text;

	buf_init(&text, 0);
	buf_putc(&text, base32.p[today(s) >> 5]);
	buf_putc(&text, base32.p[today(s) & 31]);
	buf_putc(&text, '=');
	buf_put(&text, domain);
	buf_putc(&text, '=');
	buf_put(&text, local);
	buf_put(out, STR("SRS0="));
	put_hash(s, STR("0"), buf_str(&text), out);
	buf_putc(out, '=');
	buf_put(out, buf_str(&text));
	buf_deinit(&text);
}

/* A later hop: only the first forwarder is kept, it knows the author.  opaque: what came after its "SRS0",
 * separator and all. */
static void put_later(const struct srs *s, struct str opaque, struct str domain, struct buf *out)
{
	struct buf text;

	buf_init(&text, 0);
	buf_put(&text, domain);
	buf_putc(&text, '=');
	buf_put(&text, opaque);
	buf_put(out, STR("SRS1="));
	put_hash(s, STR("1"), buf_str(&text), out);
	buf_putc(out, '=');
	buf_put(out, buf_str(&text));
	buf_deinit(&text);
}

bool srs_forward(const struct srs *s, struct str sender, struct buf *out)
{
	size_t at = str_rfind(sender, '@'), was = out->len;
	struct str local = str_head(sender, at), domain = str_from(sender, at + 1);

	if (sender.n == 0 || str_ieq(domain, s->domain)) {
		buf_put(out, sender);
		return true;
	}
	/* "=" ends the domain on the way back; no name has one, an address literal may. */
	if (local.n == 0 || domain.n == 0 || local.p[0] == '"' || str_find(domain, '=') < domain.n)
		return false;
	if (is_kind(local, STR("SRS0"))) {
		put_later(s, str_from(local, 4), domain, out);
	} else if (is_kind(local, STR("SRS1"))) {
		struct str rest = str_from(local, 5), first;

		str_cut(&rest, '=');
		first = str_cut(&rest, '=');
		if (first.n == 0 || rest.n == 0)
			return false;
		put_later(s, rest, first, out);
	} else {
		put_first(s, local, domain, out);
	}
	if (out->len - was <= SRS_LOCAL_MAX &&
		out->len - was + 1 + s->domain.n <= ADDRESS_LONGEST) {
		buf_putc(out, '@');
		buf_put(out, s->domain);
		return true;
	}
	buf_truncate(out, was);
	return false;
}

static bool hash_fits(const struct srs *s, struct str kind, struct str hash, struct str protected)
{
	struct buf right, given;
	bool fits;

	buf_init(&right, 0);
	buf_init(&given, 0);
	put_hash(s, kind, protected, &right);
	for (size_t i = 0; i < hash.n; i++)
		buf_putc(&given, digit(hash.p[i]) < 0 ? '?' : base32.p[digit(hash.p[i])]);
	fits = str_eq_secret(buf_str(&right), buf_str(&given));
	buf_deinit(&right);
	buf_deinit(&given);
	return fits;
}

static enum srs_result back_to_author(const struct srs *s, struct str text, struct buf *out)
{
	struct str day = str_cut(&text, '='), domain = str_cut(&text, '=');
	uint32_t age, stamp;

	if (day.n != DAY_DIGITS || digit(day.p[0]) < 0 || digit(day.p[1]) < 0 || domain.n == 0 ||
		text.n == 0)
		return SRS_FORGED;
	stamp = (uint32_t)(digit(day.p[0]) * 32 + digit(day.p[1]));
	age = (today(s) + DAYS - stamp) % DAYS;
	if (age > SRS_VALID_DAYS)
		return SRS_EXPIRED;
	buf_put(out, text);
	buf_putc(out, '@');
	buf_put(out, domain);
	return SRS_BACK;
}

static enum srs_result back_to_first(struct str text, struct buf *out)
{
	struct str domain = str_cut(&text, '=');

	if (domain.n == 0 || text.n < 2)
		return SRS_FORGED;
	buf_put(out, STR("SRS0"));
	buf_put(out, text);
	buf_putc(out, '@');
	buf_put(out, domain);
	return SRS_BACK;
}

enum srs_result srs_reverse(const struct srs *s, struct str recipient, struct buf *out)
{
	struct str rest = str_head(recipient, str_rfind(recipient, '@')), hash;
	bool first = is_kind(rest, STR("SRS0"));

	if (!first && !is_kind(rest, STR("SRS1")))
		return SRS_NOT;
	rest = str_from(rest, 5);
	hash = str_cut(&rest, '=');
	if (!hash_fits(s, first ? STR("0") : STR("1"), hash, rest))
		return SRS_FORGED;
	return first ? back_to_author(s, rest, out) : back_to_first(rest, out);
}
