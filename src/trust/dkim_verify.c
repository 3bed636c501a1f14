#include <openssl/x509.h>
#include <stdlib.h>

#include "base/mem.h"
#include "trust/dkim_internal.h"
#include "trust/dkim_tags.h"
#include "trust/dkim_verify.h"

enum { NAMED_MAX = 500, SIGNATURE_MAX = 16 * 1024, RECORD_MAX = 16 * 1024 };

struct signature {
	struct dkim_verdict verdict;
	const struct field *field;
	struct str names, hash, octets; /* h=, bh=, b= */
	enum dkim_algorithm algorithm;
	bool relaxed_header, relaxed_body;
	bool same_domain; /* i= is at d= itself */
	bool limited;
	uint64_t limit; /* l= */
};

struct dkim_verifier {
	int64_t wall_ms;
	struct dkim_message message;
	bool parsed;
	struct signature signatures[DKIM_SIGNATURES_MAX];
	size_t count;
	struct body {
		bool wanted;
		struct dkim_body body;
		unsigned char digest[DKIM_DIGEST];
		uint64_t octets;
	} bodies[2]; /* simple, relaxed */
};

struct dkim_verifier *dkim_verifier_new(int64_t wall_ms)
{
	struct dkim_verifier *v = NEW(struct dkim_verifier);

	v->wall_ms = wall_ms;
	return v;
}

void dkim_verifier_free(struct dkim_verifier *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < 2; i++)
		dkim_body_deinit(&v->bodies[i].body);
	dkim_message_deinit(&v->message);
	free(v);
}

static void decide(struct signature *s, enum dkim_result result, const char *why)
{
	s->verdict.result = result;
	s->verdict.why = why;
}

/* A name that can be looked up, and can be told in a header or a log. */
static bool is_domain(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !ascii_digit(c) && c != '-' && c != '_' && c != '.')
			return false;
	}
	return s.n > 0 && s.n <= 253 && s.p[0] != '.' && s.p[s.n - 1] != '.';
}

/* RFC 6376 3.5, c=: simple/simple when it is not there, body simple when only one is. */
static bool parse_canon(struct str list, struct str *value, struct signature *s)
{
	struct str body, header;

	if (!dkim_tag(list, STR("c"), value))
		return true;
	body = *value;
	header = str_cut(&body, '/');
	s->relaxed_header = str_ieq(header, STR("relaxed"));
	s->relaxed_body = str_ieq(body, STR("relaxed"));
	return (s->relaxed_header || str_ieq(header, STR("simple"))) &&
	       (s->relaxed_body || body.n == 0 || str_ieq(body, STR("simple")));
}

static bool parse_algorithm(struct str value, struct signature *s)
{
	for (enum dkim_algorithm a = 0; a < DKIM_ALGORITHMS; a++) {
		if (!str_ieq(value, dkim_algorithm_name(a)))
			continue;
		s->algorithm = a;
		return true;
	}
	return false;
}

/* RFC 6376 3.5, i=: at d= or below it. */
static bool parse_identity(struct str list, struct signature *s)
{
	struct str value, domain = s->verdict.domain, at;

	s->same_domain = true;
	if (!dkim_tag(list, STR("i"), &value))
		return true;
	if (str_rfind(value, '@') == value.n)
		return false;
	at = str_from(value, str_rfind(value, '@') + 1);
	s->same_domain = str_ieq(at, domain);
	return s->same_domain || (at.n > domain.n && at.p[at.n - domain.n - 1] == '.' &&
					 str_ieq(str_from(at, at.n - domain.n), domain));
}

static bool parse_times(struct str list, int64_t wall_ms, bool *expired)
{
	uint64_t made = 0, until = 0;
	struct str value;

	*expired = false;
	if (dkim_tag(list, STR("t"), &value) && !str_u64(value, &made))
		return false;
	if (!dkim_tag(list, STR("x"), &value))
		return true;
	*expired = str_u64(value, &until) && until < (uint64_t)(wall_ms / 1000);
	return str_u64(value, &until) && until >= made;
}

/* RFC 6376 6.1.1.  NULL: nothing is wrong with it so far. */
static const char *malformed(struct str list, struct signature *s, bool *expired, int64_t wall_ms)
{
	struct str value;

	if (list.n > SIGNATURE_MAX || !dkim_tags_valid(list))
		return "not a list of tags";
	if (!dkim_tag(list, STR("v"), &value) || !str_eq(value, STR("1")))
		return "unknown version";
	if (!dkim_tag(list, STR("d"), &s->verdict.domain) || !is_domain(s->verdict.domain) ||
		!dkim_tag(list, STR("s"), &s->verdict.selector) ||
		!is_domain(s->verdict.selector)) {
		s->verdict.domain = s->verdict.selector = STR("");
		return "no domain and selector";
	}
	if (!dkim_tag(list, STR("a"), &value) || !parse_algorithm(value, s))
		return "algorithm is not accepted";
	if (!parse_canon(list, &value, s))
		return "unknown canonicalization";
	if (dkim_tag(list, STR("q"), &value) && !dkim_list_has(value, STR("dns/txt")))
		return "unknown query method";
	if (!dkim_tag(list, STR("h"), &s->names) || !dkim_list_has(s->names, STR("From")))
		return "From is not signed";
	if (!dkim_tag(list, STR("bh"), &s->hash) || !dkim_tag(list, STR("b"), &s->octets))
		return "no signature in it";
	if (!parse_identity(list, s))
		return "identity is not of the domain";
	s->limited = dkim_tag(list, STR("l"), &value);
	if (s->limited && !str_u64(value, &s->limit))
		return "length is no number";
	return parse_times(list, wall_ms, expired) ? NULL : "times are not in order";
}

static void parse_signatures(struct dkim_verifier *v)
{
	v->parsed = true;
	for (size_t i = 0; i < v->message.count && v->count < DKIM_SIGNATURES_MAX; i++) {
		struct signature *s = &v->signatures[v->count];
		const struct field *field = &v->message.fields[i];
		const char *why;
		bool expired = false;

		if (!str_ieq(field->name, STR("DKIM-Signature")))
			continue;
		v->count++;
		s->field = field;
		why = malformed(field->body, s, &expired, v->wall_ms);
		if (why != NULL)
			decide(s, DKIM_PERMERROR, why);
		else if (expired)
			decide(s, DKIM_FAIL, "expired");
		else
			v->bodies[s->relaxed_body].wanted = true;
	}
	for (size_t i = 0; i < 2; i++)
		if (v->bodies[i].wanted)
			dkim_body_init(&v->bodies[i].body, i == 1);
}

void dkim_verifier_feed(struct dkim_verifier *v, struct str octets)
{
	struct str body = dkim_message_feed(&v->message, octets);

	if (v->message.in_body && !v->parsed)
		parse_signatures(v);
	for (size_t i = 0; i < 2; i++)
		if (v->bodies[i].wanted)
			dkim_body_feed(&v->bodies[i].body, body);
}

/* RFC 6376 6.1.3 step 4, before a key is asked for: most of what is broken is broken here. */
static void check_body(struct dkim_verifier *v, struct signature *s)
{
	const struct body *b = &v->bodies[s->relaxed_body];
	struct buf hash = { 0 };

	if (!dkim_base64(s->hash, &hash))
		decide(s, DKIM_PERMERROR, "body hash is not base64");
	else if (s->limited && s->limit > b->octets)
		decide(s, DKIM_FAIL, "body is shorter than was signed");
	else if (s->limited && s->limit < b->octets)
		decide(s, DKIM_POLICY, "not the whole body is signed");
	else if (!str_eq(buf_str(&hash), str_of(b->digest, sizeof b->digest)))
		decide(s, DKIM_FAIL, "body was changed");
	buf_deinit(&hash);
}

size_t dkim_verifier_end(struct dkim_verifier *v)
{
	dkim_message_end(&v->message);
	if (!v->parsed)
		parse_signatures(v);
	for (size_t i = 0; i < 2; i++) {
		struct body *b = &v->bodies[i];

		if (!b->wanted)
			continue;
		dkim_body_end(&b->body, b->digest);
		b->octets = b->body.put;
	}
	for (size_t i = 0; i < v->count; i++) {
		struct signature *s = &v->signatures[i];

		if (v->message.too_long && s->verdict.result == DKIM_PENDING)
			decide(s, DKIM_PERMERROR, "header is too long");
		if (s->verdict.result == DKIM_PENDING)
			check_body(v, s);
	}
	return v->count;
}

const struct dkim_verdict *dkim_verdict(const struct dkim_verifier *v, size_t i)
{
	return &v->signatures[i].verdict;
}

void dkim_verifier_name(const struct dkim_verifier *v, size_t i, struct buf *out)
{
	buf_put(out, v->signatures[i].verdict.selector);
	buf_put(out, STR("._domainkey."));
	buf_put(out, v->signatures[i].verdict.domain);
}

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

/* NULL, and the verdict says why, when the record is no key for this signature. */
static EVP_PKEY *parse_record(struct signature *s, struct str record)
{
	struct str value, kind = dkim_algorithm_name(s->algorithm);
	struct buf octets = { 0 };
	EVP_PKEY *pkey = NULL;
	const char *why = "key is broken";

	kind = str_cut(&kind, '-');
	if (record.n > RECORD_MAX || !dkim_tags_valid(record) ||
		(dkim_tag(record, STR("v"), &value) && !str_eq(value, STR("DKIM1"))))
		why = "record is not a key";
	else if (dkim_tag(record, STR("h"), &value) && !dkim_list_has(value, STR("sha256")))
		why = "key does not allow sha256";
	else if (!str_ieq(dkim_tag(record, STR("k"), &value) ? value : STR("rsa"), kind))
		why = "key is of another kind";
	else if (dkim_tag(record, STR("s"), &value) && !dkim_list_has(value, STR("*")) &&
		 !dkim_list_has(value, STR("email")))
		why = "key is not for mail";
	else if (dkim_tag(record, STR("t"), &value) && dkim_list_has(value, STR("s")) &&
		 !s->same_domain)
		why = "key is not for subdomains";
	else if (dkim_tag(record, STR("p"), &value) && value.n == 0)
		why = "key was revoked";
	else if (dkim_base64(value, &octets))
		pkey = public_key(s->algorithm, buf_str(&octets));
	buf_deinit(&octets);
	if (pkey == NULL || dkim_key_usable(pkey, s->algorithm)) {
		if (pkey == NULL)
			decide(s, DKIM_PERMERROR, why);
		return pkey;
	}
	EVP_PKEY_free(pkey);
	decide(s, DKIM_PERMERROR, "key is too short");
	return NULL;
}

/* RFC 6376 5.4.2: from the bottom up; names without a field are signed as nothing. */
static bool signed_octets(struct dkim_verifier *v, const struct signature *s, struct buf *out)
{
	struct str names = s->names;
	size_t named = 0;

	dkim_message_choose_anew(&v->message);
	while (names.n > 0) {
		const struct field *field = dkim_message_choose(&v->message, dkim_list_cut(&names));

		if (++named > NAMED_MAX)
			return false;
		if (field != NULL)
			dkim_canon_field(out, field->whole, s->relaxed_header);
	}
	dkim_canon_signature(out, s->field->whole, s->relaxed_header);
	return true;
}

static bool verifies(EVP_PKEY *pkey, enum dkim_algorithm a, struct str octets, struct str signature)
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

void dkim_verifier_key(struct dkim_verifier *v, size_t i, enum dkim_lookup found, struct str record)
{
	struct signature *s = &v->signatures[i];
	struct buf octets = { 0 }, signature = { 0 };
	struct str flags;
	EVP_PKEY *pkey;

	if (s->verdict.result != DKIM_PENDING)
		return;
	if (found != DKIM_KEY_FOUND) {
		decide(s, found == DKIM_KEY_NONE ? DKIM_PERMERROR : DKIM_TEMPERROR,
			found == DKIM_KEY_NONE ? "no key in DNS" : "DNS does not answer");
		return;
	}
	pkey = parse_record(s, record);
	if (pkey == NULL)
		return;
	s->verdict.testing = dkim_tag(record, STR("t"), &flags) && dkim_list_has(flags, STR("y"));
	if (!dkim_base64(s->octets, &signature))
		decide(s, DKIM_PERMERROR, "signature is not base64");
	else if (!signed_octets(v, s, &octets))
		decide(s, DKIM_PERMERROR, "too many fields are signed");
	else if (verifies(pkey, s->algorithm, buf_str(&octets), buf_str(&signature)))
		decide(s, DKIM_PASS, NULL);
	else
		decide(s, DKIM_FAIL, "header was changed");
	EVP_PKEY_free(pkey);
	buf_deinit(&octets);
	buf_deinit(&signature);
}
