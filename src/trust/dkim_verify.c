#include <stdlib.h>

#include "base/mem.h"
#include "trust/dkim_internal.h"
#include "trust/dkim_tags.h"

struct signature {
	struct dkim_verdict verdict;
	struct dkim_signature said;
	bool same_domain; /* i= is at d= itself */
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

/* RFC 6376 6.1.1.  NULL: nothing is wrong with it so far. */
static const char *malformed(const struct field *field, struct signature *s, int64_t wall_ms)
{
	struct str value;
	const char *why;

	if (!dkim_signature_is_list(field))
		return "not a list of tags";
	if (!dkim_tag(field->body, STR("v"), &value) || !str_eq(value, STR("1")))
		return "unknown version";
	why = dkim_signature_signer(&s->said, field);
	s->verdict.domain = s->said.domain;
	s->verdict.selector = s->said.selector;
	if (why != NULL)
		return why;
	if (!parse_identity(field->body, s))
		return "identity is not of the domain";
	return dkim_signature_scope(&s->said, wall_ms);
}

static void parse_signatures(struct dkim_verifier *v)
{
	v->parsed = true;
	for (size_t i = 0; i < v->message.count && v->count < DKIM_SIGNATURES_MAX; i++) {
		struct signature *s = &v->signatures[v->count];
		const struct field *field = &v->message.fields[i];
		const char *why;

		if (!str_ieq(field->name, STR("DKIM-Signature")))
			continue;
		v->count++;
		why = malformed(field, s, v->wall_ms);
		if (why != NULL)
			decide(s, DKIM_PERMERROR, why);
		else if (s->said.expired)
			decide(s, DKIM_FAIL, "expired");
		else
			v->bodies[s->said.relaxed_body].wanted = true;
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

static void check_body(struct dkim_verifier *v, struct signature *s)
{
	const struct body *b = &v->bodies[s->said.relaxed_body];
	enum dkim_result result;
	const char *why = dkim_signature_body(&s->said, b->digest, b->octets, &result);

	if (why != NULL)
		decide(s, result, why);
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

size_t dkim_verifier_count(const struct dkim_verifier *v)
{
	return v->count;
}

const struct dkim_verdict *dkim_verdict(const struct dkim_verifier *v, size_t i)
{
	return &v->signatures[i].verdict;
}

void dkim_verifier_name(const struct dkim_verifier *v, size_t i, struct buf *out)
{
	dkim_signature_key(&v->signatures[i].said, out);
}

void dkim_verifier_key(struct dkim_verifier *v, size_t i, enum dkim_lookup found, struct str record)
{
	struct signature *s = &v->signatures[i];
	struct buf octets = { 0 }, signature = { 0 };
	struct str flags;
	const char *why;
	EVP_PKEY *pkey;

	if (s->verdict.result != DKIM_PENDING)
		return;
	if (found != DKIM_KEY_FOUND) {
		decide(s, found == DKIM_KEY_NONE ? DKIM_PERMERROR : DKIM_TEMPERROR,
			found == DKIM_KEY_NONE ? "no key in DNS" : "DNS does not answer");
		return;
	}
	pkey = dkim_record_key(record, s->said.algorithm, s->same_domain, &why);
	if (pkey == NULL) {
		decide(s, DKIM_PERMERROR, why);
		return;
	}
	s->verdict.testing = dkim_tag(record, STR("t"), &flags) && dkim_list_has(flags, STR("y"));
	if (!dkim_base64(s->said.octets, &signature))
		decide(s, DKIM_PERMERROR, "signature is not base64");
	else if (!dkim_signature_octets(&s->said, &v->message, &octets))
		decide(s, DKIM_PERMERROR, "too many fields are signed");
	else if (dkim_octets_verify(pkey, s->said.algorithm, buf_str(&octets), buf_str(&signature)))
		decide(s, DKIM_PASS, NULL);
	else
		decide(s, DKIM_FAIL, "header was changed");
	EVP_PKEY_free(pkey);
	buf_deinit(&octets);
	buf_deinit(&signature);
}

struct str dkim_result_name(enum dkim_result result)
{
	static const struct str names[] = {
		[DKIM_PENDING] = STR_INIT("temperror"),
		[DKIM_PASS] = STR_INIT("pass"),
		[DKIM_FAIL] = STR_INIT("fail"),
		[DKIM_POLICY] = STR_INIT("policy"),
		[DKIM_NEUTRAL] = STR_INIT("neutral"),
		[DKIM_TEMPERROR] = STR_INIT("temperror"),
		[DKIM_PERMERROR] = STR_INIT("permerror"),
	};

	return names[result];
}

enum dkim_lookup dkim_lookup_of(const struct dns_answer *a, struct str *record)
{
	static const enum dkim_lookup lookups[] = {
		[DNS_FOUND] = DKIM_KEY_FOUND,
		[DNS_NODATA] = DKIM_KEY_NONE,
		[DNS_NXDOMAIN] = DKIM_KEY_NONE,
		[DNS_FAILED] = DKIM_KEY_UNKNOWN,
		[DNS_BOGUS] = DKIM_KEY_UNKNOWN,
	};

	*record = a->count > 0 ? a->rows[0].data : STR("");
	return lookups[a->outcome];
}
