/* SCRAM, client side, with tls-exporter channel binding (RFC 5802, 7677, 9266). */
#include <gsasl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "account/sasl_client_int.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"

/* RFC 5802 5.1 asks for at least 4096 iterations: fewer would let a false server guess cheaply.  More than
 * these would let it stop us for seconds. */
enum { ITERATIONS_MIN = 4096, ITERATIONS_MAX = 600000, NONCE_OCTETS = 18 };

static bool printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e || s.p[i] == ',')
			return false;
	return s.n > 0;
}

/* RFC 5802 2.2, 5.1: what SASLprep does not take is sent as it is, for the server to judge. */
static void prepare(struct buf *text)
{
	char *raw = str_dup_c(buf_str(text)), *out = NULL;

	if (raw != NULL && gsasl_saslprep(raw, GSASL_ALLOW_UNASSIGNED, &out, NULL) == GSASL_OK) {
		struct str prepared = str_c(out);

		buf_clear(text);
		buf_put(text, prepared);
		mem_wipe(out, prepared.n);
		gsasl_free(out);
	}
	if (raw != NULL)
		mem_wipe(raw, str_c(raw).n);
	free(raw);
}

static void make_nonce(struct buf *out)
{
	unsigned char octets[NONCE_OCTETS];

	random_bytes(octets, sizeof octets);
	base64_put(out, str_of(octets, sizeof octets));
}

bool sasl_client_scram_prepare(struct sasl_client *c, struct err *err)
{
	prepare(&c->user);
	prepare(&c->password);
	if (c->nonce.len == 0)
		make_nonce(&c->nonce);
	if (printable(buf_str(&c->nonce)) && c->user.len > 0 && c->password.len > 0)
		return true;
	err_set(err, ST_USAGE, "user name or password is empty once prepared (SASLprep)");
	return false;
}

/* gs2-header: "y" says that we could bind but saw no -PLUS, so that a server that offered it learns that
 * somebody cut it from the list (RFC 5802 6). */
static void client_first(struct sasl_client *c)
{
	bool aware = c->exporter.len > 0 && !c->plus_offered;

	buf_put(&c->gs2, c->row->plus ? STR("p=tls-exporter") : aware ? STR("y") : STR("n"));
	buf_putc(&c->gs2, ',');
	if (c->authzid.len > 0) {
		buf_put(&c->gs2, STR("a="));
		sasl_client_saslname(&c->gs2, buf_str(&c->authzid));
	}
	buf_putc(&c->gs2, ',');
	buf_put(&c->first_bare, STR("n="));
	sasl_client_saslname(&c->first_bare, buf_str(&c->user));
	buf_put(&c->first_bare, STR(",r="));
	buf_put(&c->first_bare, buf_str(&c->nonce));
	buf_put(&c->out, buf_str(&c->gs2));
	buf_put(&c->out, buf_str(&c->first_bare));
}

struct server_first {
	struct str nonce;
	struct buf salt;
	uint64_t iterations;
};

static bool attribute(struct str *rest, char key, struct str *value)
{
	struct str a = str_cut(rest, ',');

	*value = str_from(a, 2);
	return a.n > 2 && a.p[0] == key && a.p[1] == '=';
}

/* "r=" nonce ",s=" base64 ",i=" number ["," extensions]; "m=" in front is a mandatory extension, and none is
 * known here (RFC 5802 5.1). */
static bool parse_first(struct sasl_client *c, struct str message, struct server_first *f)
{
	struct str rest = message, salt, iterations;
	bool ok = attribute(&rest, 'r', &f->nonce) && attribute(&rest, 's', &salt) &&
		  attribute(&rest, 'i', &iterations);

	return ok && str_starts(f->nonce, buf_str(&c->nonce)) && f->nonce.n > c->nonce.len &&
	       printable(f->nonce) && base64_get(salt, &f->salt) && f->salt.len > 0 &&
	       str_u64(iterations, &f->iterations);
}

static void hmac(const EVP_MD *md, struct str key, struct str text, unsigned char *out)
{
	HMAC(md, key.p, (int)key.n, (const unsigned char *)text.p, text.n, out, NULL);
}

/* ClientProof = ClientKey XOR HMAC(H(ClientKey), AuthMessage), and the ServerSignature to wait for
 * (RFC 5802 3). */
static bool prove(struct sasl_client *c, const struct server_first *f)
{
	const EVP_MD *md = EVP_get_digestbyname(c->row->digest);
	unsigned char salted[EVP_MAX_MD_SIZE], key[EVP_MAX_MD_SIZE], stored[EVP_MAX_MD_SIZE],
		signature[EVP_MAX_MD_SIZE];
	struct str password = buf_str(&c->password), salt = buf_str(&f->salt);
	size_t n = md == NULL ? 0 : (size_t)EVP_MD_get_size(md);

	if (n == 0 || PKCS5_PBKDF2_HMAC(password.p, (int)password.n, (const void *)salt.p,
			      (int)salt.n, (int)f->iterations, md, (int)n, salted) != 1)
		return false;
	hmac(md, str_of(salted, n), STR("Client Key"), key);
	if (EVP_Digest(key, n, stored, NULL, md, NULL) != 1)
		return false;
	hmac(md, str_of(stored, n), buf_str(&c->auth_message), signature);
	for (size_t i = 0; i < n; i++)
		signature[i] ^= key[i];
	base64_put(&c->out, str_of(signature, n));
	hmac(md, str_of(salted, n), STR("Server Key"), key);
	hmac(md, str_of(key, n), buf_str(&c->auth_message), signature);
	base64_put(&c->verifier, str_of(signature, n));
	mem_wipe(salted, sizeof salted);
	mem_wipe(key, sizeof key);
	mem_wipe(stored, sizeof stored);
	return true;
}

static void client_final(struct sasl_client *c, struct str server_first, struct str nonce)
{
	struct buf binding = { 0 };

	buf_put(&binding, buf_str(&c->gs2));
	if (c->row->plus)
		buf_put(&binding, buf_str(&c->exporter));
	buf_put(&c->out, STR("c="));
	base64_put(&c->out, buf_str(&binding));
	buf_put(&c->out, STR(",r="));
	buf_put(&c->out, nonce);
	buf_put(&c->auth_message, buf_str(&c->first_bare));
	buf_putc(&c->auth_message, ',');
	buf_put(&c->auth_message, server_first);
	buf_putc(&c->auth_message, ',');
	buf_put(&c->auth_message, buf_str(&c->out));
	buf_put(&c->out, STR(",p="));
	buf_deinit(&binding);
}

static bool answer_first(struct sasl_client *c, struct str challenge, struct err *err)
{
	struct server_first f = { .nonce = STR_INIT("") };
	bool ok = parse_first(c, challenge, &f);

	if (!ok)
		err_set(err, ST_PROTO, "SCRAM: the server's first message is not valid");
	if (ok && (f.iterations < ITERATIONS_MIN || f.iterations > ITERATIONS_MAX)) {
		err_set(err, ST_PROTO, "SCRAM: the server asks for %llu iterations",
			(unsigned long long)f.iterations);
		ok = false;
	}
	if (ok) {
		client_final(c, challenge, f.nonce);
		ok = prove(c, &f);
	}
	buf_deinit(&f.salt);
	return ok;
}

/* "v=" base64 / "e=" error.  Without the right signature the server never knew the password. */
static bool answer_final(struct sasl_client *c, struct str challenge, struct err *err)
{
	struct str verifier;

	if (!attribute(&challenge, 'v', &verifier)) {
		err_set(err, ST_PERM, "SCRAM: the server refuses");
		return false;
	}
	c->through = str_eq_secret(verifier, buf_str(&c->verifier));
	if (!c->through)
		err_set(err, ST_PERM,
			"SCRAM: the server does not know the password: a false server?");
	return c->through;
}

bool sasl_client_scram(struct sasl_client *c, struct str challenge, struct err *err)
{
	if (c->gs2.len == 0) {
		client_first(c);
		return true;
	}
	if (c->verifier.len == 0)
		return answer_first(c, challenge, err);
	return !c->through && answer_final(c, challenge, err);
}
