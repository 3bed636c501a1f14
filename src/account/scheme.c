#include <crypt.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "account/password.h"
#include "account/scheme.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"

enum kind { KIND_PLAIN, KIND_DIGEST, KIND_CRYPT, KIND_ARGON2, KIND_SCRAM };
enum { SALT = 16, SCRAM_LEAST = 4096, SCRAM_MOST = 100000000 };

static const struct scheme {
	struct str name;
	enum kind kind;
	const char *prefix; /* crypt(3), argon2: of DATA; NULL: any */
	const EVP_MD *(*digest)(void);
	bool salted;
} schemes[] = {
	{ STR_INIT("PLAIN"), KIND_PLAIN, NULL, NULL, false },
	{ STR_INIT("CLEARTEXT"), KIND_PLAIN, NULL, NULL, false },
	{ STR_INIT("SHA"), KIND_DIGEST, NULL, EVP_sha1, false },
	{ STR_INIT("SHA1"), KIND_DIGEST, NULL, EVP_sha1, false },
	{ STR_INIT("SHA256"), KIND_DIGEST, NULL, EVP_sha256, false },
	{ STR_INIT("SHA512"), KIND_DIGEST, NULL, EVP_sha512, false },
	{ STR_INIT("SSHA"), KIND_DIGEST, NULL, EVP_sha1, true },
	{ STR_INIT("SSHA256"), KIND_DIGEST, NULL, EVP_sha256, true },
	{ STR_INIT("SSHA512"), KIND_DIGEST, NULL, EVP_sha512, true },
	{ STR_INIT("CRYPT"), KIND_CRYPT, NULL, NULL, true },
	{ STR_INIT("MD5-CRYPT"), KIND_CRYPT, "$1$", NULL, true },
	{ STR_INIT("SHA256-CRYPT"), KIND_CRYPT, "$5$", NULL, true },
	{ STR_INIT("SHA512-CRYPT"), KIND_CRYPT, "$6$", NULL, true },
	{ STR_INIT("BLF-CRYPT"), KIND_CRYPT, "$2", NULL, true },
	{ STR_INIT("ARGON2I"), KIND_ARGON2, "$argon2i$", NULL, true },
	{ STR_INIT("ARGON2ID"), KIND_ARGON2, "$argon2id$", NULL, true },
	{ STR_INIT("SCRAM-SHA-256"), KIND_SCRAM, NULL, NULL, true },
};

static const struct scheme *find(struct str name, struct err *err)
{
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (str_ieq(schemes[i].name, name))
			return &schemes[i];
	err_set(err, ST_USAGE,
		"no password scheme '%.*s': there are PLAIN, SHA, SHA256, SHA512, SSHA, SSHA256, "
		"SSHA512, CRYPT, MD5-CRYPT, SHA256-CRYPT, SHA512-CRYPT, BLF-CRYPT, ARGON2I, "
		"ARGON2ID "
		"and SCRAM-SHA-256",
		STR_ARG(str_head(name, 40)));
	return NULL;
}

/* "{NAME}DATA" -> NAME, and DATA in *data; without braces everything is the name. */
static struct str name_of(struct str text, struct str *data)
{
	if (!str_starts(text, STR("{"))) {
		*data = STR("");
		return text;
	}
	*data = str_from(text, 1);
	return str_cut(data, '}');
}

/* As C string "{NAME}DATA", or only DATA. */
static enum status keep(
	struct credentials *c, const struct scheme *scheme, struct str data, struct err *err)
{
	struct buf b;
	enum status status = ST_OK;

	buf_init(&b, sizeof c->hash - 1);
	if (scheme != NULL)
		buf_printf(&b, "{%.*s}", STR_ARG(scheme->name));
	buf_put(&b, data);
	if (b.full || str_find(buf_str(&b), '\0') < b.len)
		status = err_set(err, ST_USAGE, "a password hash has at most %zu octets",
			sizeof c->hash - 1);
	else
		memcpy(c->hash, buf_str(&b).p, b.len);
	buf_wipe(&b);
	return status;
}

static bool digest(const struct scheme *scheme, struct str password, struct str salt,
	unsigned char out[EVP_MAX_MD_SIZE])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, scheme->digest(), NULL) == 1 &&
		  EVP_DigestUpdate(ctx, password.p, password.n) == 1 &&
		  EVP_DigestUpdate(ctx, salt.p, salt.n) == 1 &&
		  EVP_DigestFinal_ex(ctx, out, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

static size_t digest_octets(const struct scheme *scheme)
{
	return (size_t)EVP_MD_get_size(scheme->digest());
}

/* base64 of the digest and then the salt. */
static bool digest_data(const struct scheme *scheme, struct str data, struct buf *out)
{
	size_t n = digest_octets(scheme);

	buf_init(out, 256);
	return base64_get(data, out) && (scheme->salted ? out->len > n : out->len == n);
}

static bool verify_digest(const struct scheme *scheme, struct str data, struct str prepared)
{
	unsigned char made[EVP_MAX_MD_SIZE];
	size_t n = digest_octets(scheme);
	struct buf kept;
	bool ok = digest_data(scheme, data, &kept) &&
		  digest(scheme, prepared, str_from(buf_str(&kept), n), made) &&
		  str_eq_secret(str_of(made, n), str_head(buf_str(&kept), n));

	buf_deinit(&kept);
	mem_wipe(made, sizeof made);
	return ok;
}

static bool key_of(struct str *rest, unsigned char *to, size_t n)
{
	struct buf key;
	bool ok;

	buf_init(&key, 64);
	ok = base64_get(str_cut(rest, ','), &key) && key.len == n;
	if (ok)
		memcpy(to, buf_str(&key).p, n);
	buf_wipe(&key);
	return ok;
}

/* "ITERATIONS,SALT,STORED,SERVER" as Dovecot writes it. */
static bool scram_data(struct str data, struct credentials *c)
{
	struct str rest = data;
	uint64_t iterations;

	if (!str_u64(str_cut(&rest, ','), &iterations) || iterations < SCRAM_LEAST ||
		iterations > SCRAM_MOST)
		return false;
	c->scram_iterations = (unsigned)iterations;
	return key_of(&rest, c->scram_salt, sizeof c->scram_salt) &&
	       key_of(&rest, c->scram_stored_key, sizeof c->scram_stored_key) &&
	       key_of(&rest, c->scram_server_key, sizeof c->scram_server_key) && rest.n == 0;
}

static bool verify_scram(struct str data, struct str prepared)
{
	struct credentials kept = { 0 }, made;
	bool ok = scram_data(data, &kept);

	made = kept;
	ok = ok && password_scram_keys(prepared, &made) &&
	     str_eq_secret(str_of(made.scram_stored_key, SCRAM_KEY),
		     str_of(kept.scram_stored_key, SCRAM_KEY));
	mem_wipe(&kept, sizeof kept);
	mem_wipe(&made, sizeof made);
	return ok;
}

bool scheme_verify(struct str kept, struct str prepared)
{
	struct str data, name = name_of(kept, &data);
	const struct scheme *scheme = find(name, NULL);

	if (scheme == NULL || prepared.n == 0)
		return false;
	switch (scheme->kind) {
	case KIND_PLAIN: return str_eq_secret(data, prepared);
	case KIND_DIGEST: return verify_digest(scheme, data, prepared);
	case KIND_SCRAM: return verify_scram(data, prepared);
	case KIND_CRYPT:
	case KIND_ARGON2: break; /* kept without their name */
	}
	return false;
}

static bool scram_keys(struct str prepared, struct credentials *c)
{
	c->scram_iterations = SCRAM_ITERATIONS;
	random_bytes(c->scram_salt, sizeof c->scram_salt);
	return password_scram_keys(prepared, c);
}

static enum status make_plain(
	const struct scheme *scheme, struct str prepared, struct credentials *c, struct err *err)
{
	enum status status = keep(c, scheme, prepared, err);

	if (status == ST_OK && !scram_keys(prepared, c))
		status = err_set(err, ST_USAGE, "SCRAM keys cannot be made of this password");
	return status;
}

static enum status make_digest(
	const struct scheme *scheme, struct str prepared, struct credentials *c, struct err *err)
{
	unsigned char raw[EVP_MAX_MD_SIZE + SALT];
	size_t n = digest_octets(scheme), salt = scheme->salted ? SALT : 0;
	struct buf text;
	enum status status;

	buf_init(&text, 0);
	random_bytes(raw + n, salt);
	if (!digest(scheme, prepared, str_of(raw + n, salt), raw))
		return err_set(err, ST_TEMP, "the digest cannot be computed");
	base64_put(&text, str_of(raw, n + salt));
	status = keep(c, scheme, buf_str(&text), err);
	buf_deinit(&text);
	return status;
}

static enum status make_crypt(
	const struct scheme *scheme, struct str prepared, struct credentials *c, struct err *err)
{
	/* What Dovecot's CRYPT makes is bcrypt, and "$2y$" is the form every crypt(3) knows. */
	const char *prefix =
		scheme->prefix == NULL || scheme->prefix[1] == '2' ? "$2y$" : scheme->prefix;
	char setting[CRYPT_GENSALT_OUTPUT_SIZE], random[64];
	struct crypt_data *data = mem_zalloc(sizeof *data);
	char *text = str_dup_c(prepared);
	const char *made = NULL;
	enum status status = ST_OK;

	random_bytes(random, sizeof random);
	if (text != NULL &&
		crypt_gensalt_rn(prefix, 0, random, sizeof random, setting, sizeof setting) != NULL)
		made = crypt_rn(text, setting, data, sizeof *data);
	if (made == NULL)
		status = err_set(
			err, ST_TEMP, "crypt(3) cannot make %.*s here", STR_ARG(scheme->name));
	else
		status = keep(c, NULL, str_c(made), err);
	if (text != NULL)
		mem_wipe(text, prepared.n);
	free(text);
	mem_wipe(data, sizeof *data);
	free(data);
	return status;
}

static enum status make_scram(
	const struct scheme *scheme, struct str prepared, struct credentials *c, struct err *err)
{
	struct buf text;
	enum status status = ST_OK;

	if (!scram_keys(prepared, c))
		return err_set(err, ST_USAGE, "SCRAM keys cannot be made of this password");
	buf_init(&text, 0);
	buf_putu(&text, c->scram_iterations);
	buf_putc(&text, ',');
	base64_put(&text, str_of(c->scram_salt, sizeof c->scram_salt));
	buf_putc(&text, ',');
	base64_put(&text, str_of(c->scram_stored_key, SCRAM_KEY));
	buf_putc(&text, ',');
	base64_put(&text, str_of(c->scram_server_key, SCRAM_KEY));
	status = keep(c, scheme, buf_str(&text), err);
	buf_wipe(&text);
	return status;
}

static enum status make(
	const struct scheme *scheme, struct str prepared, struct credentials *c, struct err *err)
{
	enum status status = ST_OK;

	switch (scheme->kind) {
	case KIND_PLAIN: return make_plain(scheme, prepared, c, err);
	case KIND_DIGEST: status = make_digest(scheme, prepared, c, err); break;
	case KIND_CRYPT: status = make_crypt(scheme, prepared, c, err); break;
	case KIND_SCRAM: return make_scram(scheme, prepared, c, err);
	case KIND_ARGON2:
		if (str_eq(scheme->name, STR("ARGON2ID")))
			return password_make(prepared, c, err);
		return err_set(err, ST_USAGE, "ARGON2I is only taken over: make ARGON2ID");
	}
	/* Where the password is known, SCRAM shall work too. */
	if (status == ST_OK && !scram_keys(prepared, c))
		status = err_set(err, ST_USAGE, "SCRAM keys cannot be made of this password");
	return status;
}

enum status scheme_make(
	struct str text, struct str password, struct credentials *c, struct err *err)
{
	struct str data, name = name_of(text, &data);
	const struct scheme *scheme = find(name, err);
	struct buf prepared;
	enum status status;

	memset(c, 0, sizeof *c);
	if (scheme == NULL)
		return ST_USAGE;
	buf_init(&prepared, 0);
	if (password_prepare(password, true, &prepared))
		status = make(scheme, buf_str(&prepared), c, err);
	else
		status = err_set(err, ST_USAGE,
			"a password is 1 to %d octets of UTF-8 without control characters",
			PASSWORD_MAX);
	buf_wipe(&prepared);
	if (status != ST_OK)
		mem_wipe(c, sizeof *c);
	return status;
}

/* What was cut short by a copy would let nobody in, and not say why.  Of forms that are not here any length
 * is taken. */
static bool crypt_is_whole(struct str data)
{
	static const struct {
		struct str prefix;
		size_t last; /* octets after the last '$' */
	} forms[] = {
		{ STR_INIT("$1$"), 22 },
		{ STR_INIT("$5$"), 43 },
		{ STR_INIT("$6$"), 86 },
		{ STR_INIT("$2"), 53 },
		{ STR_INIT("$y$"), 43 },
	};

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (str_starts(data, forms[i].prefix))
			return data.n - str_rfind(data, '$') - 1 == forms[i].last;
	return true;
}

/* crypt(3) says whether it can check such a hash at all. */
static bool crypt_knows(struct str data)
{
	char *text = str_dup_c(data);
	bool ok = text != NULL && data.n > 2 && data.p[0] != '*' && data.p[0] != '!' &&
		  crypt_is_whole(data) && crypt_checksalt(text) != CRYPT_SALT_INVALID &&
		  crypt_checksalt(text) != CRYPT_SALT_METHOD_DISABLED;

	free(text);
	return ok;
}

static bool data_ok(const struct scheme *scheme, struct str data, struct credentials *c)
{
	struct buf octets;
	bool ok = false;

	if (scheme->prefix != NULL && !str_starts(data, str_c(scheme->prefix)))
		return false;
	switch (scheme->kind) {
	case KIND_PLAIN: return data.n > 0;
	case KIND_DIGEST:
		ok = digest_data(scheme, data, &octets);
		buf_deinit(&octets);
		return ok;
	case KIND_CRYPT: return crypt_knows(data);
	case KIND_ARGON2: return str_find(data, ',') < data.n;
	case KIND_SCRAM: return scram_data(data, c);
	}
	return ok;
}

enum status scheme_import(struct str text, struct credentials *c, struct err *err)
{
	struct str data, name = name_of(text, &data);
	const struct scheme *scheme = find(name, err);
	enum status status;

	memset(c, 0, sizeof *c);
	if (scheme == NULL)
		return ST_USAGE;
	if (!data_ok(scheme, data, c))
		status = err_set(
			err, ST_USAGE, "this is no hash of the scheme %.*s", STR_ARG(scheme->name));
	else if (scheme->kind == KIND_PLAIN)
		return scheme_make(name, data, c, err);
	else
		status = keep(c,
			scheme->kind == KIND_DIGEST || scheme->kind == KIND_SCRAM ? scheme : NULL,
			data, err);
	if (status != ST_OK)
		mem_wipe(c, sizeof *c);
	return status;
}

bool scheme_outdated(const struct credentials *c)
{
	return c->scram_iterations == 0 || !str_starts(str_c(c->hash), STR("$argon2id$"));
}

enum status scheme_upgrade(
	const struct credentials *old, struct str password, struct credentials *c)
{
	if (!str_starts(str_c(old->hash), STR("$argon2id$")))
		return password_make(password, c, NULL);
	memset(c, 0, sizeof *c);
	memcpy(c->hash, old->hash, sizeof c->hash);
	return scram_keys(password, c) ? ST_OK : ST_TEMP;
}
