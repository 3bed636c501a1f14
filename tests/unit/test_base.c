#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/msgid.h"

static void cut_rows(void **state)
{
	static const struct {
		const char *name;
		struct str in, before, after;
	} rows[] = {
		{ "no separator", STR_INIT("QUIT"), STR_INIT("QUIT"), STR_INIT("") },
		{ "NUL is a byte", STR_INIT("a\0b c"), STR_INIT("a\0b"), STR_INIT("c") },
		{ "empty", STR_INIT(""), STR_INIT(""), STR_INIT("") },
		{ "separator last", STR_INIT("a "), STR_INIT("a"), STR_INIT("") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct str rest = rows[i].in, before = str_cut(&rest, ' ');

		assert_true(str_eq(before, rows[i].before));
		assert_true(str_eq(rest, rows[i].after));
	}
}

/* RFC 3720 B.4 */
static void crc32c_vectors(void **state)
{
	char octets[32] = { 0 };

	(void)state;
	assert_int_equal(crc32c(0, octets, sizeof octets), 0x8a9136aa);
	for (size_t i = 0; i < sizeof octets; i++)
		octets[i] = (char)i;
	assert_int_equal(crc32c(0, octets, sizeof octets), 0x46dd794e);
}

/* Long stretches go three at a time: the same must come out in whatever pieces. */
static void crc32c_in_pieces(void **state)
{
	static char octets[20000];
	uint32_t one_by_one = 0;

	(void)state;
	for (size_t i = 0; i < sizeof octets; i++)
		octets[i] = (char)(i * 2654435761u >> 13);
	for (size_t n = 0; n < sizeof octets; n++) {
		one_by_one = crc32c(one_by_one, octets + n, 1);
		if (n % 61 == 0 || n % 3072 < 2) {
			assert_int_equal(crc32c(0, octets, n + 1), one_by_one);
			assert_int_equal(
				crc32c(crc32c(0, octets, n / 3), octets + n / 3, n + 1 - n / 3),
				one_by_one);
		}
	}
}

static void crc32c_of_two(void **state)
{
	static const size_t behind[] = { 0, 1, 7, 8, 4096, 65537, 100000 };
	static unsigned char octets[100000 + 321];

	(void)state;
	for (size_t i = 0; i < sizeof octets; i++)
		octets[i] = (unsigned char)(i * 2654435761u >> 24);
	for (size_t i = 0; i < sizeof behind / sizeof *behind; i++)
		assert_int_equal(crc32c(0, octets, 321 + behind[i]),
			crc32c_zeros(crc32c(0, octets, 321), behind[i]) ^
				crc32c(0, octets + 321, behind[i]));
}

/* The vectors of the authors' program: key and text count up from 0. */
static void siphash_vectors(void **state)
{
	static const struct {
		size_t n;
		uint64_t hash;
	} rows[] = { { 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd },
		{ 8, 0x93f5f5799a932462 }, { 15, 0xa129ca6149be45e5 } };
	static const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	char text[15];

	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)i;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_true(hash_str(key, str_of(text, rows[i].n)) == rows[i].hash);
}

static void ids_as_text(void **state)
{
	static const struct {
		struct msgid id;
		const char *text;
	} rows[] = {
		{ { { 0 } }, "00000000000000000000000000" },
		{ { { 0, 0, 0, 0, 0, 0, 0, 0x0f, 0xf0 } }, "0000000000007Z000000000000" },
		{ { { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76,
			  0x54, 0x32, 0x10 } },
			"014D2PF2DBSQQZXQ5TK1V58CGG" },
		{ { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			  0xff, 0xff, 0xff } },
			"7ZZZZZZZZZZZZZZZZZZZZZZZZZ" },
	};
	char text[MSGID_TEXT + 1];
	struct msgid back;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		msgid_text(rows[i].id, text);
		assert_string_equal(text, rows[i].text);
		assert_true(msgid_parse(str_c(text), &back));
		assert_true(msgid_eq(back, rows[i].id));
	}
	for (size_t bit = 0; bit < 128; bit++) {
		struct msgid id = { { 0 } };

		id.b[bit / 8] = (unsigned char)(1 << bit % 8);
		msgid_text(id, text);
		assert_true(msgid_parse(str_c(text), &back));
		assert_true(msgid_eq(back, id));
	}
}

#ifdef __GLIBC__
/* The heap that is trimmed; malloc() is another one under a sanitizer. */
void *__libc_malloc(size_t n);
void __libc_free(void *p);

static size_t resident(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*u %lu", &pages), 1);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* What is free below something that is used goes back only when it is asked for. */
static void free_memory_goes_back(void **state)
{
	enum { BLOCKS = 256, BLOCK = 64 * 1024, ALL = BLOCKS * BLOCK };
	void *blocks[BLOCKS], *last;
	size_t used, freed, trimmed;

	(void)state;
	for (size_t i = 0; i < BLOCKS; i++)
		memset(blocks[i] = __libc_malloc(BLOCK), 1, BLOCK);
	last = __libc_malloc(BLOCK);
	used = resident();
	for (size_t i = 0; i < BLOCKS; i++)
		__libc_free(blocks[i]);
	freed = resident();
	mem_trim();
	trimmed = resident();
	__libc_free(last);
	assert_true(freed + ALL / 4 > used);
	assert_true(trimmed + ALL / 4 * 3 < used);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_rows),
		cmocka_unit_test(crc32c_vectors),
		cmocka_unit_test(crc32c_in_pieces),
		cmocka_unit_test(crc32c_of_two),
		cmocka_unit_test(siphash_vectors),
		cmocka_unit_test(ids_as_text),
#ifdef __GLIBC__
		cmocka_unit_test(free_memory_goes_back),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
