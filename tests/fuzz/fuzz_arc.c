/* Verdicts do not depend on where a message was cut, whatever the message and the key record are; what can
 * be sealed is a chain that passes, or is told to be broken; and requests of any kind are refused, or
 * are three fields.  The first line is the record. */
#include <stdlib.h>

#include "trust/arc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUR_NAME STR("s._domainkey.x.test")

static struct dkim_key *key;
static struct buf our_record;

static struct arc *judge(struct str message, size_t cut, struct str record)
{
	struct arc *a = arc_new(1528637910000);
	struct buf name = { 0 };
	size_t asked = 0;

	arc_feed(a, str_head(message, cut));
	arc_feed(a, str_from(message, cut));
	arc_end(a);
	for (; arc_wants(a, &name); buf_clear(&name)) {
		for (size_t i = 0; i < name.len; i++)
			if (name.data[i] <= ' ' || name.data[i] > '~')
				abort();
		if (++asked > ARC_INSTANCES_MAX + 1)
			abort();
		arc_key(a, DKIM_KEY_FOUND,
			str_eq(buf_str(&name), OUR_NAME) ? buf_str(&our_record) : record);
	}
	buf_deinit(&name);
	if ((arc_result(a) == ARC_FAIL) != (arc_why(a) != NULL))
		abort();
	return a;
}

static bool sign(const struct arc_request *r, struct buf *out)
{
	struct dkim_signer signer = { .key = key, .domain = STR("x.test"), .selector = STR("s") };

	return arc_sign(r, &signer, out, NULL) == ST_OK;
}

static void seal(struct arc *a, struct str message, struct str record)
{
	struct buf space = { 0 }, text = { 0 };
	struct arc_request r;

	if (arc_request_of(a, STR("x.test; none"), &r, &space, NULL) == ST_OK) {
		struct arc *sealed;

		if (!sign(&r, &text))
			abort();
		buf_put(&text, message);
		sealed = judge(buf_str(&text), text.len / 2, record);
		if (arc_instances(sealed) != r.instance ||
			arc_result(sealed) != (r.cv == ARC_FAIL ? ARC_FAIL : ARC_PASS))
			abort();
		arc_free(sealed);
	}
	buf_deinit(&space);
	buf_deinit(&text);
}

/* Lines of results and names, then what is covered up to a form feed, then the chain. */
static void request(struct str rest, uint8_t first)
{
	struct arc_request r = { .instance = first % 64, .cv = first / 64 };
	struct buf out = { 0 };
	size_t fields = 0;

	r.results = str_cut(&rest, '\n');
	r.names = str_cut(&rest, '\n');
	r.fields = str_head(rest, str_find(rest, '\f'));
	r.chain = str_from(rest, r.fields.n + 1);
	if (r.cv <= ARC_PASS && sign(&r, &out)) {
		for (size_t i = 0; i < out.len; i++)
			fields += out.data[i] == '\n' &&
				  (i + 1 == out.len || out.data[i + 1] != '\t');
		if (fields != 3)
			abort();
	} else if (out.len != 0) {
		abort();
	}
	buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str message = str_of(data, size), record = str_cut(&message, '\n');
	struct arc *whole, *cut;

	if (size > 16384 || size == 0)
		return 0;
	if (key == NULL) {
		struct buf der = { 0 };

		if (dkim_key_make(DKIM_ED25519_SHA256, &der, NULL) != ST_OK)
			abort();
		key = dkim_key_new(DKIM_ED25519_SHA256, buf_str(&der));
		dkim_key_record(key, &our_record);
		buf_deinit(&der);
	}
	whole = judge(message, 0, record);
	cut = judge(message, data[size - 1] * message.n / 256, record);
	if (arc_result(whole) != arc_result(cut) || arc_why(whole) != arc_why(cut) ||
		arc_instances(whole) != arc_instances(cut))
		abort();
	seal(cut, message, record);
	arc_free(whole);
	arc_free(cut);
	request(str_of(data + 1, size - 1), data[0]);
	return 0;
}
