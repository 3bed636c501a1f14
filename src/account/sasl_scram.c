/* SCRAM-SHA-256 and -PLUS, server side (RFC 5802, 7677; tls-exporter: RFC 9266).  Needs StoredKey and
 * ServerKey only; no step is slow.  Why not libgsasl's: doc/design/sasl.md. */
#include <sodium.h>

#include "account/sasl_internal.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"

enum { NONCE_LEN = 30, CLIENT_NONCE_MAX = 256, MESSAGE_MAX = 4096 };

/* 30 of the 93 printable characters without ",": 196 bits. */
static void make_nonce(struct buf *out)
{
	unsigned char octets[64];
	size_t made = 0;

	while (made < NONCE_LEN) {
		random_bytes(octets, sizeof octets);
		for (size_t i = 0; i < sizeof octets && made < NONCE_LEN; i++) {
			unsigned c = 0x21 + octets[i] % 93u;

			if (octets[i] >= 2 * 93) /* even chances for all */
				continue;
			buf_putc(out, (char)(c >= ',' ? c + 1 : c));
			made++;
		}
	}
}

static bool printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e || s.p[i] == ',')
			return false;
	return s.n > 0;
}

/* saslname: "," and "=" come as =2C and =3D; any other "=" fails (RFC 5802 5.1). */
static bool saslname(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '=') {
			buf_putc(out, s.p[i]);
			continue;
		}
		if (str_starts(str_from(s, i), STR("=2C")))
			buf_putc(out, ',');
		else if (str_starts(str_from(s, i), STR("=3D")))
			buf_putc(out, '=');
		else
			return false;
		i += 2;
	}
	return s.n > 0;
}

/* Cuts "k=value" at the next comma; false when the attribute is another one. */
static bool attribute(struct str *rest, char key, struct str *value)
{
	struct str a = str_cut(rest, ',');

	*value = str_from(a, 2);
	return a.n >= 2 && a.p[0] == key && a.p[1] == '=';
}

/* [","  attr-val *("," attr-val)]: unknown ones are ignored, but they have to be some. */
static bool extensions(struct str rest, bool any)
{
	while (any) {
		char c;
		struct str a;

		any = str_find(rest, ',') < rest.n;
		a = str_cut(&rest, ',');
		c = a.n < 3 ? '\0' : ascii_lower(a.p[0]);
		if (c < 'a' || c > 'z' || a.p[1] != '=')
			return false;
	}
	return true;
}

static bool message_ok(struct str s)
{
	return s.n > 0 && s.n <= MESSAGE_MAX && str_utf8(s) && str_find(s, '\0') == s.n;
}

struct client_first {
	struct str flag, authzid, nonce;
	struct buf user, zuser;
};

/* gs2-cbind-flag "," [authzid] "," n=user ",r=" nonce ["," extensions] (RFC 5802 7).  "m=" fails by not
 * being "n=": mandatory extensions are unknown here. */
static bool parse_first(struct sasl *x, struct str input, struct client_first *f)
{
	struct str rest = input, bare, authzid, user;
	bool more;

	if (!message_ok(input))
		return false;
	f->flag = str_cut(&rest, ',');
	authzid = str_cut(&rest, ',');
	buf_put(&x->gs2, str_head(input, input.n - rest.n));
	if (!str_ends(buf_str(&x->gs2), STR(",")) || f->flag.n + authzid.n + 2 != x->gs2.len)
		return false;
	if (!str_eq(f->flag, STR("n")) && !str_eq(f->flag, STR("y")) &&
		!(str_starts(f->flag, STR("p=")) && f->flag.n > 2))
		return false;
	if (authzid.n > 0 &&
		(!str_starts(authzid, STR("a=")) || !saslname(str_from(authzid, 2), &f->zuser)))
		return false;
	bare = rest;
	buf_put(&x->first_bare, bare);
	if (!attribute(&rest, 'n', &user) || !saslname(user, &f->user))
		return false;
	more = str_find(rest, ',') < rest.n;
	return attribute(&rest, 'r', &f->nonce) && printable(f->nonce) &&
	       f->nonce.n <= CLIENT_NONCE_MAX && extensions(rest, more);
}

/* RFC 5802 6.  "y": the client could bind but saw no -PLUS; if it was offered, somebody took it out of
 * the list on the way. */
static bool binding_ok(const struct sasl *x, struct str flag)
{
	if (x->mechanism == MECH_SCRAM_PLUS)
		return str_eq(flag, STR("p=tls-exporter"));
	if (str_eq(flag, STR("y")))
		return !x->plus_offered;
	return str_eq(flag, STR("n"));
}

/* Users that do not exist get a salt that stays the same for ever and keys nobody can meet, so that they
 * look like all others until the proof fails. */
static void fake_keys(struct sasl *x)
{
	struct directory *d = authenticator_directory(x->a);
	struct credentials *c = &x->login.credentials;
	unsigned char mac[SCRAM_KEY];

	hmac_sha256(str_of(d->secret, sizeof d->secret), x->login.name, mac);
	/* Known users pay for the HMAC too: no difference in time. */
	if (!x->login.found || x->login.disabled || c->scram_iterations == 0) {
		x->login.found = false;
		c->scram_iterations = SCRAM_ITERATIONS;
		memcpy(c->scram_salt, mac, sizeof c->scram_salt);
		random_bytes(c->scram_stored_key, sizeof c->scram_stored_key);
	}
	mem_wipe(mac, sizeof mac);
}

static void server_first(struct sasl *x, struct str client_nonce)
{
	const struct credentials *c = &x->login.credentials;

	buf_put(&x->nonce, client_nonce);
	make_nonce(&x->nonce);
	buf_put(&x->server_first, STR("r="));
	buf_put(&x->server_first, buf_str(&x->nonce));
	buf_put(&x->server_first, STR(",s="));
	base64_put(&x->server_first, str_of(c->scram_salt, sizeof c->scram_salt));
	buf_put(&x->server_first, STR(",i="));
	buf_putu(&x->server_first, c->scram_iterations);
	sasl_challenge(x, buf_str(&x->server_first));
}

static void client_first(struct sasl *x, struct str input)
{
	struct client_first f = { .flag = STR_INIT("") };
	struct directory *d = authenticator_directory(x->a);
	enum sasl_result result = SASL_CHALLENGE;
	enum said same = SAID_YES;

	if (!parse_first(x, input, &f)) {
		result = SASL_MALFORMED;
	} else {
		buf_put(&x->user, buf_str(&f.user));
		if (f.zuser.len > 0)
			same = directory_same_user(d, buf_str(&f.zuser), buf_str(&f.user));
		if (!binding_ok(x, f.flag) || same == SAID_NO)
			result = SASL_FAILED;
		else if (same == SAID_NOTHING)
			result = SASL_TEMP;
	}
	buf_deinit(&f.user);
	buf_deinit(&f.zuser);
	if (result != SASL_CHALLENGE) {
		sasl_end(x, result);
	} else if (sasl_look_up(x)) {
		fake_keys(x);
		server_first(x, f.nonce);
	}
}

struct client_final {
	struct str without_proof, nonce;
	struct buf binding, proof;
};

/* "c=" base64 ",r=" nonce ["," extensions] ",p=" base64 (RFC 5802 7) */
static bool parse_final(struct str input, struct client_final *f)
{
	size_t comma = str_rfind(input, ',');
	struct str rest, c, last = str_from(input, comma + 1);
	bool more;

	f->without_proof = rest = str_head(input, comma);
	if (!message_ok(input) || comma == input.n || !attribute(&rest, 'c', &c))
		return false;
	more = str_find(rest, ',') < rest.n;
	return attribute(&rest, 'r', &f->nonce) && printable(f->nonce) && extensions(rest, more) &&
	       base64_get(c, &f->binding) && str_starts(last, STR("p=")) &&
	       base64_get(str_from(last, 2), &f->proof) && f->proof.len == SCRAM_KEY;
}

/* cbind-input = gs2-header [cbind-data], and the nonce is ours unchanged. */
static bool same_channel(const struct sasl *x, const struct client_final *f)
{
	struct str in = buf_str(&f->binding), gs2 = buf_str(&x->gs2);
	struct str data = x->mechanism == MECH_SCRAM_PLUS ? buf_str(&x->exporter) : STR("");

	return str_eq(f->nonce, buf_str(&x->nonce)) && str_starts(in, gs2) &&
	       str_eq_secret(str_from(in, gs2.n), data);
}

/* ClientProof XOR HMAC(StoredKey, AuthMessage) must hash to StoredKey.  *verifier becomes ServerSignature
 * (RFC 5802 3). */
static bool proof_ok(
	const struct sasl *x, const struct client_final *f, unsigned char verifier[SCRAM_KEY])
{
	const struct credentials *c = &x->login.credentials;
	unsigned char signature[SCRAM_KEY], hashed[SCRAM_KEY];
	struct buf message;
	bool ok;

	buf_init(&message, 0);
	buf_put(&message, buf_str(&x->first_bare));
	buf_putc(&message, ',');
	buf_put(&message, buf_str(&x->server_first));
	buf_putc(&message, ',');
	buf_put(&message, f->without_proof);
	hmac_sha256(str_of(c->scram_stored_key, SCRAM_KEY), buf_str(&message), signature);
	hmac_sha256(str_of(c->scram_server_key, SCRAM_KEY), buf_str(&message), verifier);
	for (size_t i = 0; i < SCRAM_KEY; i++)
		signature[i] ^= (unsigned char)buf_str(&f->proof).p[i];
	crypto_hash_sha256(hashed, signature, sizeof signature);
	ok = sodium_memcmp(hashed, c->scram_stored_key, SCRAM_KEY) == 0;
	mem_wipe(signature, sizeof signature);
	buf_deinit(&message);
	return ok && x->login.found;
}

static enum said still_valid(const struct sasl *x)
{
	return directory_login_valid(authenticator_directory(x->a), x->login.id, x->login.version);
}

static void client_final(struct sasl *x, struct str input)
{
	struct client_final f = { .nonce = STR_INIT("") };
	unsigned char verifier[SCRAM_KEY] = { 0 };
	struct buf out;
	enum sasl_result result = SASL_CHALLENGE;
	enum said valid = SAID_YES;

	buf_init(&out, 0);
	if (!parse_final(input, &f)) {
		result = SASL_MALFORMED;
	} else {
		bool proof = proof_ok(x, &f, verifier);

		if (!same_channel(x, &f) || !proof)
			result = SASL_FAILED;
	}
	if (result == SASL_CHALLENGE)
		valid = still_valid(x);
	if (valid != SAID_YES)
		result = valid == SAID_NO ? SASL_FAILED : SASL_TEMP;
	buf_wipe(&f.binding);
	buf_wipe(&f.proof);
	if (result != SASL_CHALLENGE) {
		sasl_end(x, result);
		return;
	}
	buf_put(&out, STR("v="));
	base64_put(&out, str_of(verifier, sizeof verifier));
	sasl_challenge(x, buf_str(&out));
	buf_deinit(&out);
}

/* Neither SMTP nor POP3 can send data along with success, so the verifier goes as a challenge of its own and
 * the client answers with nothing (RFC 4422 3, RFC 4954 4, RFC 5034 4). */
void sasl_step_scram(struct sasl *x, struct str input, bool has_input)
{
	if (!has_input && x->step == 0) {
		x->step = 1;
		sasl_challenge(x, STR(""));
		return;
	}
	x->step = x->step < 2 ? 2 : x->step + 1;
	if (x->step == 2)
		client_first(x, input);
	else if (x->step == 3)
		client_final(x, input);
	else if (input.n > 0)
		sasl_end(x, SASL_MALFORMED);
	else
		sasl_decide(x, still_valid(x));
}
