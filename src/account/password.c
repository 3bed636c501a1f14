#include <crypt.h>
#include <gsasl.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "account/password.h"
#include "account/scheme.h"
#include "base/clock.h"
#include "base/mem.h"

/* Above OWASP's least for argon2id (19 MiB, two passes): 25 to 60 ms on a server core.  libsodium's
 * INTERACTIVE asks 64 MiB, which a pool of hashing threads would multiply. */
#define ARGON_OPS 2ULL
#define ARGON_MEM ((size_t)32 * 1024 * 1024)

/* U+0020 for every other space, or false at a control character (RFC 8264 9.11 bars them). */
static bool map_spaces(struct str s, bool strict, struct buf *out)
{
	for (size_t i = 0; i < s.n;) {
		ucs4_t c;
		int len = u8_mbtouc(&c, (const uint8_t *)s.p + i, s.n - i);

		if (strict && uc_is_general_category(c, UC_CATEGORY_Cc))
			return false;
		if (c != ' ' && uc_is_general_category(c, UC_CATEGORY_Zs))
			buf_putc(out, ' ');
		else
			buf_put(out, str_of(s.p + i, (size_t)len));
		i += (size_t)len;
	}
	return true;
}

bool password_prepare(struct str password, bool strict, struct buf *out)
{
	struct buf mapped;
	size_t n = 0;
	uint8_t *nfc;
	bool ok;

	if (password.n == 0 || password.n > PASSWORD_MAX || str_find(password, '\0') < password.n)
		return false;
	if (!str_utf8(password)) {
		if (!strict)
			buf_put(out, password);
		return !strict && !out->full;
	}
	buf_init(&mapped, 0);
	buf_reserve(&mapped, password.n); /* growing would leave a copy behind */
	ok = map_spaces(password, strict, &mapped);
	if (ok && str_ascii(buf_str(&mapped))) {
		buf_put(out, buf_str(&mapped));
	} else if (ok) {
		nfc = u8_normalize(
			UNINORM_NFC, (const uint8_t *)buf_str(&mapped).p, mapped.len, NULL, &n);
		ok = nfc != NULL && n <= PASSWORD_MAX;
		if (ok)
			buf_put(out, str_of(nfc, n));
		if (nfc != NULL)
			mem_wipe(nfc, n);
		free(nfc);
	}
	buf_wipe(&mapped);
	return ok && !out->full;
}

void hmac_sha256(struct str key, struct str text, unsigned char out[SCRAM_KEY])
{
	crypto_auth_hmacsha256_state s;

	crypto_auth_hmacsha256_init(&s, (const unsigned char *)key.p, key.n);
	crypto_auth_hmacsha256_update(&s, (const unsigned char *)text.p, text.n);
	crypto_auth_hmacsha256_final(&s, out);
	mem_wipe(&s, sizeof s);
}

/* Clients of SCRAM prepare with SASLprep (RFC 5802 2.2, 5.1), whose NFKC differs from
 * OpaqueString's NFC for a few letters.  What SASLprep bars, a client has to send as it is. */
static char *scram_password(struct str password)
{
	char *raw = str_dup_c(password), *out = NULL;

	if (raw == NULL || gsasl_saslprep(raw, GSASL_ALLOW_UNASSIGNED, &out, NULL) != GSASL_OK)
		return raw;
	mem_wipe(raw, password.n);
	free(raw);
	return out;
}

bool password_scram_keys(struct str password, struct credentials *c)
{
	unsigned char salted[SCRAM_KEY], client[SCRAM_KEY];
	char *text = scram_password(password);
	struct str p = str_c(text);
	bool ok;

	if (text == NULL)
		return false;
	ok = p.n > 0 && p.n <= 4 * PASSWORD_MAX &&
	     PKCS5_PBKDF2_HMAC(p.p, (int)p.n, c->scram_salt, sizeof c->scram_salt,
		     (int)c->scram_iterations, EVP_sha256(), sizeof salted, salted) == 1;
	if (ok) {
		hmac_sha256(str_of(salted, sizeof salted), STR("Client Key"), client);
		crypto_hash_sha256(c->scram_stored_key, client, sizeof client);
		hmac_sha256(str_of(salted, sizeof salted), STR("Server Key"), c->scram_server_key);
	}
	mem_wipe(salted, sizeof salted);
	mem_wipe(client, sizeof client);
	mem_wipe(text, p.n);
	free(text);
	return ok;
}

enum status password_make(struct str password, struct credentials *c, struct err *err)
{
	struct buf prepared;
	enum status status = ST_OK;

	*c = (struct credentials){ .scram_iterations = SCRAM_ITERATIONS };
	if (sodium_init() < 0)
		return err_set(err, ST_TEMP, "libsodium does not start: is /dev/urandom there?");
	buf_init(&prepared, 0);
	random_bytes(c->scram_salt, sizeof c->scram_salt);
	if (!password_prepare(password, true, &prepared))
		status = err_set(err, ST_USAGE,
			"a password is 1 to %d octets of UTF-8 without control characters: choose "
			"another",
			PASSWORD_MAX);
	else if (crypto_pwhash_str_alg(c->hash, prepared.data, prepared.len, ARGON_OPS, ARGON_MEM,
			 crypto_pwhash_ALG_ARGON2ID13) != 0)
		status = err_set(
			err, ST_TEMP, "hashing needs 32 MiB of memory: free some and try again");
	else if (!password_scram_keys(buf_str(&prepared), c))
		status = err_set(err, ST_USAGE,
			"SCRAM keys cannot be made of this password: choose another");
	buf_wipe(&prepared);
	if (status != ST_OK)
		mem_wipe(c, sizeof *c);
	return status;
}

void password_dummy_hash(char hash[256])
{
	unsigned char raw[16 + 32];
	char salt[32], key[64];

	random_bytes(raw, sizeof raw);
	sodium_bin2base64(salt, sizeof salt, raw, 16, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	sodium_bin2base64(key, sizeof key, raw + 16, 32, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	snprintf(hash, 256, "$argon2id$v=19$m=%zu,t=%llu,p=1$%s$%s", ARGON_MEM / 1024, ARGON_OPS,
		salt, key);
}

static bool verify_crypt(const char *hash, struct str prepared)
{
	struct crypt_data *data = mem_zalloc(sizeof *data);
	char *text = str_dup_c(prepared);
	const char *made = text == NULL ? NULL : crypt_rn(text, hash, data, sizeof *data);
	bool ok = made != NULL && str_eq_secret(str_c(made), str_c(hash));

	if (text != NULL)
		mem_wipe(text, prepared.n);
	free(text);
	mem_wipe(data, sizeof *data);
	free(data);
	return ok;
}

bool password_is_hash(const char *hash)
{
	return hash[0] != '\0' && hash[0] != '!' && hash[0] != '*';
}

bool password_verify(const char *hash, struct str prepared)
{
	if (!password_is_hash(hash) || prepared.n == 0)
		return false;
	if (hash[0] == '{')
		return scheme_verify(str_c(hash), prepared);
	if (str_starts(str_c(hash), STR("$argon2")))
		return crypto_pwhash_str_verify(hash, prepared.p, prepared.n) == 0;
	return verify_crypt(hash, prepared);
}

/* 16 letters of 5 bits; without i, l, o and u none is taken for another. */
void password_generate(char text[32])
{
	static const char letters[32] = "0123456789abcdefghjkmnpqrstvwxyz";
	unsigned char raw[16];
	size_t n = 0;

	random_bytes(raw, sizeof raw);
	for (size_t i = 0; i < sizeof raw; i++) {
		if (i > 0 && i % 4 == 0)
			text[n++] = '-';
		text[n++] = letters[raw[i] % 32];
	}
	text[n] = '\0';
	mem_wipe(raw, sizeof raw);
}
