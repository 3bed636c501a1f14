/* Signs the message on standard input as example.org with a new key of each algorithm, and puts the records
 * of the keys, a blank line and the signed message on standard output: for check_dkim.py. */
#include <stdio.h>
#include <stdlib.h>

#include "trust/dkim.h"

static const struct str selectors[DKIM_ALGORITHMS] = { STR_INIT("r"), STR_INIT("e") };

static void write_out(struct str s)
{
	fwrite(s.p, 1, s.n, stdout);
}

int main(void)
{
	struct dkim_hash *h = dkim_hash_new();
	struct buf message = { 0 }, fields = { 0 };
	struct err err = { 0 };
	char *room = buf_reserve(&message, 4 * 1024 * 1024);

	buf_grew(&message, fread(room, 1, 4 * 1024 * 1024, stdin));
	dkim_hash_feed(h, buf_str(&message));
	for (enum dkim_algorithm a = 0; a < DKIM_ALGORITHMS; a++) {
		struct buf der = { 0 }, record = { 0 };
		struct dkim_signer s = { .domain = STR("example.org"),
			.selector = selectors[a],
			.wall_ms = 1700000000000 };
		struct dkim_key *key;

		buf_init(&der, 0);
		if (dkim_key_make(a, &der, &err) != ST_OK)
			return 1;
		key = dkim_key_new(a, buf_str(&der));
		s.key = key;
		if (dkim_sign(h, &s, &fields, &err) != ST_OK) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		dkim_key_record(key, &record);
		buf_put(&record, STR("\n"));
		write_out(buf_str(&record));
		dkim_key_free(key);
		buf_deinit(&der);
		buf_deinit(&record);
	}
	write_out(STR("\n"));
	write_out(buf_str(&fields));
	write_out(buf_str(&message));
	dkim_hash_free(h);
	buf_deinit(&fields);
	buf_deinit(&message);
	return 0;
}
