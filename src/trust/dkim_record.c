/* The public half: records of keys, and signatures under them. */
#include <openssl/x509.h>

#include "trust/dkim_internal.h"
#include "trust/dkim_tags.h"

enum { RECORD_MAX = 16 * 1024 };

/* p= of a key record (RFC 6376 3.6.1, RFC 8463 4). */
static EVP_PKEY *public_key(enum dkim_algorithm a, struct str octets)
{
	const unsigned char *p = (const unsigned char *)octets.p;
	EVP_PKEY *pkey;

	if (a == DKIM_ED25519_SHA256)
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, p, octets.n);
	pkey = d2i_PUBKEY(NULL, &p, (long)octets.n);
	if (pkey == NULL) { /* some publish RSAPublicKey, as the RFC's text says */
		p = (const unsigned char *)octets.p;
		pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)octets.n);
	}
	return pkey;
}

EVP_PKEY *dkim_record_key(
	struct str record, enum dkim_algorithm a, bool same_domain, const char **why)
{
	struct str value, kind = dkim_algorithm_name(a);
	struct buf octets = { 0 };
	EVP_PKEY *pkey = NULL;

	*why = "key is broken";
	kind = str_cut(&kind, '-');
	if (record.n > RECORD_MAX || !dkim_tags_valid(record) ||
		(dkim_tag(record, STR("v"), &value) && !str_eq(value, STR("DKIM1"))))
		*why = "record is not a key";
	else if (dkim_tag(record, STR("h"), &value) && !dkim_list_has(value, STR("sha256")))
		*why = "key does not allow sha256";
	else if (!str_ieq(dkim_tag(record, STR("k"), &value) ? value : STR("rsa"), kind))
		*why = "key is of another kind";
	else if (dkim_tag(record, STR("s"), &value) && !dkim_list_has(value, STR("*")) &&
		 !dkim_list_has(value, STR("email")))
		*why = "key is not for mail";
	else if (dkim_tag(record, STR("t"), &value) && dkim_list_has(value, STR("s")) &&
		 !same_domain)
		*why = "key is not for subdomains";
	else if (dkim_tag(record, STR("p"), &value) && value.n == 0)
		*why = "key was revoked";
	else if (dkim_base64(value, &octets))
		pkey = public_key(a, buf_str(&octets));
	buf_deinit(&octets);
	if (pkey == NULL || dkim_key_usable(pkey, a))
		return pkey;
	EVP_PKEY_free(pkey);
	*why = "key is too short";
	return NULL;
}

bool dkim_octets_verify(
	EVP_PKEY *pkey, enum dkim_algorithm a, struct str octets, struct str signature)
{
	unsigned char digest[DKIM_DIGEST];
	const unsigned char *sig = (const unsigned char *)signature.p,
			    *tbs = (const unsigned char *)octets.p;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = false;

	if (c != NULL && a == DKIM_ED25519_SHA256)
		ok = EVP_Digest(tbs, octets.n, digest, NULL, EVP_sha256(), NULL) == 1 &&
		     EVP_DigestVerifyInit(c, NULL, NULL, NULL, pkey) == 1 &&
		     EVP_DigestVerify(c, sig, signature.n, digest, sizeof digest) == 1;
	else if (c != NULL)
		ok = EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, pkey) == 1 &&
		     EVP_DigestVerify(c, sig, signature.n, tbs, octets.n) == 1;
	EVP_MD_CTX_free(c);
	return ok;
}
