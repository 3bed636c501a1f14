/* Verdicts do not depend on where a message was cut, whatever the message and the key record are; and what
 * we sign passes until it is changed.  The first line is the record. */
#include <stdlib.h>

#include "trust/dkim_verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t judge(struct str message, size_t cut, struct str record, enum dkim_result *results)
{
	struct dkim_verifier *v = dkim_verifier_new(1528637910000);
	size_t n;

	dkim_verifier_feed(v, str_head(message, cut));
	dkim_verifier_feed(v, str_from(message, cut));
	n = dkim_verifier_end(v);
	for (size_t i = 0; i < n; i++) {
		struct buf name = { 0 };

		dkim_verifier_name(v, i, &name);
		for (size_t k = 0; k < name.len; k++)
			if (name.data[k] <= ' ' || name.data[k] > '~')
				abort();
		buf_deinit(&name);
		dkim_verifier_key(v, i, DKIM_KEY_FOUND, record);
		results[i] = dkim_verdict(v, i)->result;
		if (results[i] == DKIM_PENDING)
			abort();
	}
	dkim_verifier_free(v);
	return n;
}

static void sign(struct str message, size_t cut)
{
	static struct dkim_key *key;
	struct dkim_signer signer = { .domain = STR("x.test"), .selector = STR("s") };
	struct buf text = { 0 }, record = { 0 }, der = { 0 };
	struct dkim_hash *h = dkim_hash_new();
	enum dkim_result results[DKIM_SIGNATURES_MAX];

	if (key == NULL && dkim_key_make(DKIM_ED25519_SHA256, &der, NULL) == ST_OK)
		key = dkim_key_new(DKIM_ED25519_SHA256, buf_str(&der));
	buf_deinit(&der);
	signer.key = key;
	dkim_key_record(key, &record);
	dkim_hash_feed(h, str_head(message, cut));
	dkim_hash_feed(h, str_from(message, cut));
	if (dkim_sign(h, &signer, &text, NULL) == ST_OK) {
		buf_put(&text, message);
		if (judge(buf_str(&text), 0, buf_str(&record), results) == 0 ||
			results[0] != DKIM_PASS)
			abort();
	}
	dkim_hash_free(h);
	buf_deinit(&text);
	buf_deinit(&record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str message = str_of(data, size), record = str_cut(&message, '\n');
	enum dkim_result whole[DKIM_SIGNATURES_MAX], cut[DKIM_SIGNATURES_MAX];
	size_t at, n;

	if (size > 16384 || size == 0)
		return 0;
	at = data[size - 1] * message.n / 256;
	n = judge(message, 0, record, whole);
	if (judge(message, at, record, cut) != n || memcmp(whole, cut, n * sizeof *cut) != 0)
		abort();
	sign(message, at);
	return 0;
}
