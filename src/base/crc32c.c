/* CRC-32C, by the SSE4.2 instruction where the processor has it, else by table.  Both give the same
 * value; the choice is made once. */
#include "base/codec.h"

static uint32_t crc_table(uint32_t crc, const unsigned char *p, size_t n)
{
	static uint32_t table[256];

	if (table[1] == 0)
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t v = i;

			for (int bit = 0; bit < 8; bit++)
				v = v & 1 ? v >> 1 ^ 0x82f63b78u : v >> 1;
			table[i] = v;
		}
	for (; n > 0; n--, p++)
		crc = table[(crc ^ *p) & 0xff] ^ crc >> 8;
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_sse42(
	uint32_t crc, const unsigned char *p, size_t n)
{
	uint64_t c = crc;

	for (; n >= 8; n -= 8, p += 8) {
		uint64_t v;

		memcpy(&v, p, 8);
		c = __builtin_ia32_crc32di(c, v);
	}
	for (; n > 0; n--, p++)
		c = __builtin_ia32_crc32qi((uint32_t)c, *p);
	return (uint32_t)c;
}

/* The instruction takes three cycles and one can begin in each, so three stretches go side by side and
 * are put together: a CRC is linear, and over[k][v] is what BLOCK zeros make of octet k being v. */
enum { BLOCK = 1024 };
static uint32_t over[4][256];

static void make_over(void)
{
	static const unsigned char zeros[BLOCK];

	for (uint32_t k = 0; k < 4; k++)
		for (uint32_t v = 0; v < 256; v++)
			over[k][v] = crc_sse42(v << 8 * k, zeros, BLOCK);
}

static uint32_t behind_block(uint32_t crc)
{
	return over[0][crc & 0xff] ^ over[1][crc >> 8 & 0xff] ^ over[2][crc >> 16 & 0xff] ^
	       over[3][crc >> 24];
}

__attribute__((target("sse4.2"))) static uint32_t crc_three(
	uint32_t crc, const unsigned char *p, size_t n)
{
	for (; n >= (size_t)3 * BLOCK; n -= (size_t)3 * BLOCK, p += (size_t)3 * BLOCK) {
		uint64_t a = crc, b = 0, c = 0;

		for (size_t i = 0; i < BLOCK; i += 8) {
			uint64_t v[3];

			memcpy(&v[0], p + i, 8);
			memcpy(&v[1], p + BLOCK + i, 8);
			memcpy(&v[2], p + (size_t)2 * BLOCK + i, 8);
			a = __builtin_ia32_crc32di(a, v[0]);
			b = __builtin_ia32_crc32di(b, v[1]);
			c = __builtin_ia32_crc32di(c, v[2]);
		}
		crc = behind_block(behind_block((uint32_t)a) ^ (uint32_t)b) ^ (uint32_t)c;
	}
	return crc_sse42(crc, p, n);
}
#endif

/* A CRC is linear: zeros[k][i] is what 2^k zeros make of bit i alone. */
static uint32_t zeros_of(const uint32_t rows[32], uint32_t crc)
{
	uint32_t sum = 0;

	for (; crc != 0; crc &= crc - 1)
		sum ^= rows[__builtin_ctz(crc)];
	return sum;
}

uint32_t crc32c_zeros(uint32_t crc, uint64_t n)
{
	static uint32_t zeros[40][32];

	for (uint32_t k = 0; zeros[39][0] == 0 && k < 40; k++)
		for (uint32_t i = 0; i < 32; i++)
			zeros[k][i] =
				k == 0 ? crc_table(UINT32_C(1) << i, (const unsigned char *)"", 1)
				       : zeros_of(zeros[k - 1], zeros[k - 1][i]);
	for (uint32_t k = 0; k < 40; k++)
		if ((n >> k & 1) != 0)
			crc = zeros_of(zeros[k], crc);
	return crc;
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
#if defined(__x86_64__)
	static int fast = -1;

	if (fast < 0) {
		bool can = __builtin_cpu_supports("sse4.2") != 0;

		if (can)
			make_over();
		fast = can;
	}
	if (fast)
		return ~crc_three(~crc, p, n);
#endif
	return ~crc_table(~crc, p, n);
}
