#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"
#include "trust/dkim_internal.h"

static const struct {
	struct str signature, record; /* a=, k= */
	int type;
} algorithms[DKIM_ALGORITHMS] = {
	[DKIM_RSA_SHA256] = { STR_INIT("rsa-sha256"), STR_INIT("rsa"), EVP_PKEY_RSA },
	[DKIM_ED25519_SHA256] = { STR_INIT("ed25519-sha256"), STR_INIT("ed25519"),
		EVP_PKEY_ED25519 },
};

struct str dkim_algorithm_name(enum dkim_algorithm a)
{
	return (size_t)a < DKIM_ALGORITHMS ? algorithms[a].signature : STR("unknown");
}

bool dkim_key_usable(EVP_PKEY *pkey, enum dkim_algorithm a)
{
	return (size_t)a < DKIM_ALGORITHMS && EVP_PKEY_get_base_id(pkey) == algorithms[a].type &&
	       (a != DKIM_RSA_SHA256 || EVP_PKEY_get_bits(pkey) >= DKIM_RSA_MIN_BITS);
}

enum status dkim_key_make(enum dkim_algorithm a, struct buf *der, struct err *err)
{
	EVP_PKEY *pkey = a == DKIM_RSA_SHA256 ? EVP_RSA_gen(DKIM_RSA_MADE_BITS)
					      : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	PKCS8_PRIV_KEY_INFO *info = pkey == NULL ? NULL : EVP_PKEY2PKCS8(pkey);
	unsigned char *octets = NULL;
	int n = info == NULL ? 0 : i2d_PKCS8_PRIV_KEY_INFO(info, &octets);

	if (n > 0) {
		buf_put(der, str_of(octets, (size_t)n));
		OPENSSL_clear_free(octets, (size_t)n);
	}
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(pkey);
	return n > 0 && !der->full ? ST_OK
				   : err_set(err, ST_IO, "no key could be made: libcrypto refused");
}

struct dkim_key *dkim_key_new(enum dkim_algorithm a, struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.n);
	EVP_PKEY *pkey = info == NULL ? NULL : EVP_PKCS82PKEY(info);
	struct dkim_key *k = NULL;

	PKCS8_PRIV_KEY_INFO_free(info);
	if (pkey != NULL && dkim_key_usable(pkey, a)) {
		k = NEW(struct dkim_key);
		*k = (struct dkim_key){ pkey, a };
	} else {
		EVP_PKEY_free(pkey);
	}
	return k;
}

void dkim_key_free(struct dkim_key *k)
{
	if (k != NULL)
		EVP_PKEY_free(k->pkey);
	free(k);
}

void dkim_key_record(const struct dkim_key *k, struct buf *out)
{
	unsigned char raw[64], *octets = NULL;
	size_t n = sizeof raw;

	buf_put(out, STR("v=DKIM1; k="));
	buf_put(out, algorithms[k->algorithm].record);
	buf_put(out, STR("; p="));
	/* RFC 8463 3: the 32 octets alone.  RFC 6376 3.6.1 leaves SubjectPublicKeyInfo or RSAPublicKey;
	 * all make the former. */
	if (k->algorithm == DKIM_ED25519_SHA256) {
		if (EVP_PKEY_get_raw_public_key(k->pkey, raw, &n) == 1)
			base64_put(out, str_of(raw, n));
	} else {
		int length = i2d_PUBKEY(k->pkey, &octets);

		if (length > 0)
			base64_put(out, str_of(octets, (size_t)length));
		OPENSSL_free(octets);
	}
}
