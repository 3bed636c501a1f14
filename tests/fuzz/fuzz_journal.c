/* A journal to which somebody appended records under right checksums: any type, any meta, any body.  Opening,
 * asking, compacting and fsck survive it; and as the index is a view of the journal, one made anew says the same
 * as the one that grew. */
#include "fuzz_store.h"

#include "store/local/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS_MAX = 16, META_MAX = 1024 };

static struct fuzz_file *the_segment(void)
{
	for (size_t i = 0; i < fuzz.count; i++)
		if (strstr(fuzz.files[i].path, "/journal/") != NULL)
			return &fuzz.files[i];
	abort();
}

/* Meta is what an honest writer would have put, or any octets; ids and maildrops are those that exist. */
static void put_meta(struct reader *in, struct buf *meta)
{
	uint8_t n = get_u8(in);
	struct message_meta m = { .id = help_id(n % 5),
		.octets = n,
		.header_octets = n / 2,
		.flags = (uint16_t)(n & 1 ? MESSAGE_OUT | MESSAGE_DSN : 0),
		.sender = STR("s@example.test"),
		.client = STR("x"),
		.message_id = STR("<m>") };
	struct message_target t = { .maildrop = n >> 6, .recipient = STR("r@else.test") };
	struct store_out_rcpt out = { .state = (enum store_out_state)(n & 7),
		.flags = (uint8_t)(n >> 3),
		.reply = STR("250"),
		.due_ms = n };

	switch (n % 6) {
	case 0:
		message_put(meta, &m);
		message_put_target(meta, &m, &t);
		break;
	case 1: put_u64(meta, n >> 6); break;
	case 2:
		put_u64(meta, n >> 6);
		put_msgid(meta, help_id(n >> 3 & 3));
		break;
	case 3:
		put_msgid(meta, help_id(n >> 3 & 3));
		put_u32(meta, n >> 6);
		result_put(meta, &out);
		break;
	case 4:
		put_msgid(meta, help_id(n >> 3 & 3));
		put_u16(meta, 1);
		put_u64(meta, n >> 6);
		break;
	}
	buf_put(meta, get_bytes(in, get_u8(in)));
	for (uint8_t k = get_u8(in) % 4; k > 0 && meta->len > 0; k--) {
		size_t at = get_u16(in) % meta->len;

		meta->data[at] = (char)get_u8(in);
	}
}

/* Behind what is there, and before the room that was allocated. */
static void append(struct str script)
{
	struct fuzz_file *f = the_segment();
	FILE *file = fopen(f->path, "r+b");
	int fd = file == NULL ? -1 : fileno(file);
	struct reader in = { script, false };
	struct segment seg;
	struct record r;
	struct scan scan;
	uint64_t at = SEGMENT_DATA;

	check(fd >= 0 && segment_load(fuzz.disk, fd, &seg) == SEGMENT_GOOD);
	scan_init(&scan, fuzz.disk, fd, &seg, SEGMENT_DATA, UINT64_MAX);
	while (scan_next(&scan, &r) == SCAN_RECORD)
		if (r.type != RECORD_SEAL)
			at = pos_offset(r.pos) + r.size;
	scan_deinit(&scan);
	for (int i = 0; i < RECORDS_MAX && in.rest.n > 0; i++) {
		struct buf whole = { 0 }, meta = { 0 };
		uint8_t type = get_u8(&in);
		struct str body;

		put_meta(&in, &meta);
		body = get_bytes(&in, type >> 4);
		r = (struct record){ .type = (enum record_type)(type & 15),
			.pos = pos_of(seg.number, at),
			.durable = (uint32_t)at,
			.time_ms = 1700000000000,
			.body_len = (uint32_t)body.n,
			.body_crc = crc32c(0, body.p, body.n),
			.meta = buf_str(&meta) };
		buf_fill(&whole, 0, RECORD_HEADER);
		buf_put(&whole, buf_str(&meta));
		buf_fill(&whole, 0, record_pad(meta.len) - meta.len);
		buf_put(&whole, body);
		buf_fill(&whole, 0, record_pad(body.n) - body.n);
		record_seal(whole.data, seg.salt, &r);
		check(pwrite(fd, whole.data, whole.len, (off_t)at) == (ssize_t)whole.len);
		at += whole.len;
		buf_deinit(&whole);
		buf_deinit(&meta);
	}
	fclose(file);
}

static uint64_t differing(void)
{
	struct fsck_report report = { 0 };

	check(store_local_fsck(fuzz.dir, fuzz.disk, &report, NULL, NULL) == ST_OK);
	return report.index_differs;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store *s;

	if (size > META_MAX * 4)
		return 0;
	fuzz_reset();
	append(str_of(data, size));
	s = fuzz_open();
	if (s != NULL) {
		fuzz_tour(s);
		store_close_all(s);
		check(differing() == 0);
	}
	if (store_local_rebuild(fuzz.dir, fuzz.disk, NULL) == ST_OK)
		check(differing() == 0);
	return 0;
}
