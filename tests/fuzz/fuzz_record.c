/* A journal record as the disk gives it back: any octets, and any meta under a right checksum. */
#include <stdlib.h>

#include "store/local/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static bool inside(struct str part, struct str whole)
{
	return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void read_meta(struct str meta)
{
	struct message_meta m;
	struct message_target t;
	size_t targets = 0;

	if (!message_get(meta, &m))
		return;
	check(inside(m.sender, meta) && inside(m.client, meta) && inside(m.message_id, meta));
	while (message_target(&m, &t)) {
		check(inside(t.recipient, meta) && inside(t.uidl, meta));
		check(++targets <= meta.n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t salt = 0x5a17, pos = (uint64_t)3 << 32 | 4096;
	struct str meta = str_of(data, size);
	struct record r = { .type = RECORD_MESSAGE, .pos = pos, .meta = meta }, back;
	struct buf whole = { 0 };

	read_meta(meta);
	/* As it stands: what claims to fit is judged without a look outside. */
	if (size >= RECORD_HEADER) {
		uint64_t claims = record_claims((const char *)data);

		if (claims > 0 && claims <= size)
			record_open((const char *)data, salt, pos, &back);
	}
	/* Sealed, it is good where it was written and nowhere else. */
	buf_fill(&whole, 0, RECORD_HEADER);
	buf_put(&whole, meta);
	buf_fill(&whole, 0, record_pad(meta.n) - meta.n);
	record_seal(whole.data, salt, &r);
	if (record_claims(whole.data) != 0) {
		check(record_claims(whole.data) == whole.len);
		check(record_open(whole.data, salt, pos, &back) == RECORD_GOOD);
		check(str_eq(back.meta, meta) && back.type == RECORD_MESSAGE);
		check(record_open(whole.data, salt, pos + 8, &back) == RECORD_BAD);
		check(record_open(whole.data, salt + 1, pos, &back) == RECORD_BAD);
	}
	buf_deinit(&whole);
	return 0;
}
