#include <stdlib.h>

#include "base/mem.h"
#include "trust/arc_internal.h"
#include "trust/dkim_tags.h"

struct str arc_cv_name(enum arc_cv cv)
{
	static const struct str names[] = {
		[ARC_NONE] = STR_INIT("none"),
		[ARC_FAIL] = STR_INIT("fail"),
		[ARC_PASS] = STR_INIT("pass"),
	};

	return names[cv];
}

struct str arc_field_name(enum arc_field kind)
{
	static const struct str names[ARC_FIELDS] = {
		[ARC_AUTHENTICATION_RESULTS] = STR_INIT("ARC-Authentication-Results"),
		[ARC_MESSAGE_SIGNATURE] = STR_INIT("ARC-Message-Signature"),
		[ARC_SEAL] = STR_INIT("ARC-Seal"),
	};

	return names[kind];
}

unsigned arc_field_instance(enum arc_field kind, struct str body)
{
	struct str value;
	uint64_t n;

	/* Of the first the rest is no list of tags: i= comes first (4.1.1). */
	if (kind == ARC_AUTHENTICATION_RESULTS)
		body = str_head(body, str_find(body, ';'));
	if (!dkim_tag(body, STR("i"), &value) || value.n > 2 || !str_u64(value, &n) ||
		n > ARC_INSTANCES_MAX)
		return 0;
	return (unsigned)n;
}

struct arc *arc_new(int64_t wall_ms)
{
	struct arc *a = NEW(struct arc);

	a->wall_ms = wall_ms;
	a->bodies[true].wanted = true;
	dkim_body_init(&a->bodies[true].body, true);
	return a;
}

void arc_free(struct arc *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < 2; i++)
		dkim_body_deinit(&a->bodies[i].body);
	dkim_message_deinit(&a->message);
	buf_deinit(&a->chain);
	free(a);
}

static void fail(struct arc *a, const char *why)
{
	if (a->why == NULL)
		a->why = why;
}

/* RFC 8617 5.2 step 1. */
static void collect(struct arc *a)
{
	for (size_t i = 0; i < a->message.count; i++) {
		const struct field *field = &a->message.fields[i];
		enum arc_field kind = 0;
		unsigned instance;

		while (kind < ARC_FIELDS && !str_ieq(field->name, arc_field_name(kind)))
			kind++;
		if (kind == ARC_FIELDS)
			continue;
		instance = arc_field_instance(kind, field->body);
		if (instance == 0)
			fail(a, "an instance is no number from 1 to 50");
		else if (a->sets[instance][kind] != NULL)
			fail(a, "a field stands twice in a set");
		else
			a->sets[instance][kind] = field;
		if (instance > a->instances)
			a->instances = instance;
	}
}

/* RFC 8617 5.2 step 3, and what every seal must be (4.1.3). */
static const char *malformed_set(struct arc *a, unsigned i)
{
	const struct field *const *set = a->sets[i], *seal = set[ARC_SEAL];
	struct str value;
	uint64_t time;

	for (enum arc_field kind = 0; kind < ARC_FIELDS; kind++)
		if (set[kind] == NULL)
			return "a set is not complete";
	if (!dkim_signature_is_list(seal) || !dkim_signature_is_list(set[ARC_MESSAGE_SIGNATURE]))
		return "not a list of tags";
	if (dkim_tag(seal->body, STR("h"), &value))
		return "a seal has h=";
	if (!dkim_tag(seal->body, STR("b"), &value))
		return "no signature in it";
	if (dkim_tag(seal->body, STR("t"), &value) && !str_u64(value, &time))
		return "times are not in order";
	if (!dkim_tag(seal->body, STR("cv"), &value) ||
		!str_ieq(value, arc_cv_name(i == 1 ? ARC_NONE : ARC_PASS)))
		return "cv= does not fit the instance";
	return dkim_signature_signer(&a->checks[i].signature, seal);
}

/* RFC 8617 5.2 step 4, as far as it goes without body and key.  That no field of ARC may be in h= (4.1.2)
 * is for who signs; only a seal there cannot be verified later, since the seal follows the signature.
 * v= and x= are as in DKIM, but that the first does not count. */
static const char *malformed_message_signature(struct arc *a)
{
	struct dkim_signature *s = &a->checks[0].signature;
	const char *why = dkim_signature_signer(s, a->sets[a->instances][ARC_MESSAGE_SIGNATURE]);

	if (why == NULL)
		why = dkim_signature_scope(s, a->wall_ms);
	if (why != NULL)
		return why;
	if (dkim_list_has(s->names, arc_field_name(ARC_SEAL)))
		return "a message signature covers ARC-Seal";
	return s->expired ? "expired" : NULL;
}

/* Each field canonical once: 50 seals over a header of any length are still one pass. */
static void put_chain(struct arc *a)
{
	for (unsigned i = 1; i <= a->instances; i++)
		for (enum arc_field kind = 0; kind < ARC_FIELDS; kind++) {
			if (kind == ARC_SEAL)
				a->seals[i] = a->chain.len;
			dkim_canon_field(&a->chain, a->sets[i][kind]->whole, true);
		}
}

static void parse(struct arc *a)
{
	const struct field *seal;
	struct str value;

	a->parsed = true;
	if (a->message.too_long)
		fail(a, "header is too long");
	collect(a);
	seal = a->sets[a->instances][ARC_SEAL];
	a->marked = seal != NULL && dkim_tag(seal->body, STR("cv"), &value) &&
		    str_ieq(value, arc_cv_name(ARC_FAIL));
	if (a->marked)
		fail(a, "the newest seal says so"); /* 5.2 step 2 */
	for (unsigned i = a->instances; i > 0 && a->why == NULL; i--)
		a->why = malformed_set(a, i);
	if (a->instances == 0 || a->why != NULL)
		return;
	a->why = malformed_message_signature(a);
	put_chain(a);
	if (!a->checks[0].signature.relaxed_body) {
		a->bodies[false].wanted = true;
		dkim_body_init(&a->bodies[false].body, false);
	}
}

void arc_feed(struct arc *a, struct str octets)
{
	struct str body = dkim_message_feed(&a->message, octets);

	if (a->message.in_body && !a->parsed)
		parse(a);
	for (size_t i = 0; i < 2; i++)
		if (a->bodies[i].wanted)
			dkim_body_feed(&a->bodies[i].body, body);
}

void arc_end(struct arc *a)
{
	const struct dkim_signature *s = &a->checks[0].signature;
	const struct arc_body *b;
	enum dkim_result result;

	dkim_message_end(&a->message);
	if (!a->parsed)
		parse(a);
	for (size_t i = 0; i < 2; i++)
		if (a->bodies[i].wanted)
			dkim_body_end(&a->bodies[i].body, a->bodies[i].digest);
	b = &a->bodies[s->relaxed_body];
	if (a->instances > 0 && a->why == NULL)
		a->why = dkim_signature_body(s, b->digest, b->body.put, &result);
}

/* RFC 8617 5.2 steps 4 and 6: the newest message signature, then the seals from the newest down. */
static const struct arc_check *next_check(const struct arc *a)
{
	if (a->why != NULL || a->instances == 0)
		return NULL;
	if (!a->checks[0].done)
		return &a->checks[0];
	for (unsigned i = a->instances; i > 0; i--)
		if (!a->checks[i].done)
			return &a->checks[i];
	return NULL;
}

bool arc_wants(const struct arc *a, struct buf *name)
{
	const struct arc_check *c = next_check(a);

	if (c != NULL)
		dkim_signature_key(&c->signature, name);
	return c != NULL;
}

static bool put_octets(struct arc *a, size_t i, struct buf *octets)
{
	const struct dkim_signature *s = &a->checks[i].signature;

	if (i == 0)
		return dkim_signature_octets(s, &a->message, octets);
	buf_put(octets, str_head(buf_str(&a->chain), a->seals[i]));
	dkim_canon_signature(octets, s->field->whole, true);
	return true;
}

/* NULL: it verifies.  i= of ARC is no identity: a key "not for subdomains" is for none here. */
static const char *check(struct arc *a, size_t i, struct str record)
{
	const struct dkim_signature *s = &a->checks[i].signature;
	struct buf octets = { 0 }, signature = { 0 };
	const char *why;
	EVP_PKEY *pkey = dkim_record_key(record, s->algorithm, true, &why);

	if (pkey == NULL)
		return why;
	if (!dkim_base64(s->octets, &signature))
		why = "signature is not base64";
	else if (!put_octets(a, i, &octets))
		why = "too many fields are signed";
	else if (!dkim_octets_verify(pkey, s->algorithm, buf_str(&octets), buf_str(&signature)))
		why = i == 0 ? "header was changed" : "the chain was changed";
	else
		why = NULL;
	EVP_PKEY_free(pkey);
	buf_deinit(&octets);
	buf_deinit(&signature);
	return why;
}

void arc_key(struct arc *a, enum dkim_lookup found, struct str record)
{
	const struct arc_check *asked = next_check(a);
	struct str domain, selector;

	if (asked == NULL)
		return;
	domain = asked->signature.domain;
	selector = asked->signature.selector;
	a->temporary = found == DKIM_KEY_UNKNOWN;
	if (found != DKIM_KEY_FOUND)
		fail(a, a->temporary ? "DNS does not answer" : "no key in DNS");
	for (unsigned i = 0; i <= a->instances && a->why == NULL; i++) {
		struct arc_check *c = &a->checks[i];

		if (c->done || !str_ieq(c->signature.domain, domain) ||
			!str_ieq(c->signature.selector, selector))
			continue;
		c->done = true;
		a->why = check(a, i, record);
	}
}

enum arc_cv arc_result(const struct arc *a)
{
	if (a->why != NULL || next_check(a) != NULL)
		return ARC_FAIL;
	return a->instances == 0 ? ARC_NONE : ARC_PASS;
}

const char *arc_why(const struct arc *a)
{
	return a->why;
}

struct str arc_sealer(const struct arc *a)
{
	return arc_result(a) == ARC_PASS ? a->checks[a->instances].signature.domain : STR("");
}

struct str arc_sealed_results(const struct arc *a)
{
	struct str body;

	if (arc_result(a) != ARC_PASS)
		return STR("");
	body = a->sets[a->instances][ARC_AUTHENTICATION_RESULTS]->body;
	return str_from(body, str_find(body, ';') + 1);
}

bool arc_temporary(const struct arc *a)
{
	return a->temporary;
}

unsigned arc_instances(const struct arc *a)
{
	return a->instances;
}
