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
#endif

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
#if defined(__x86_64__)
	static int fast = -1;

	if (fast < 0)
		fast = __builtin_cpu_supports("sse4.2") != 0;
	if (fast)
		return ~crc_sse42(~crc, p, n);
#endif
	return ~crc_table(~crc, p, n);
}
