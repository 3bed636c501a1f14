#include "base/hash.h"

static uint64_t rotate(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static void rounds(uint64_t v[4], int n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32) + v[3];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

/* Up to eight octets, little-endian. */
static uint64_t word(const char *p, size_t n)
{
	uint64_t w = 0;

	while (n-- > 0)
		w = w << 8 | (unsigned char)p[n];
	return w;
}

uint64_t hash_str(const uint64_t key[2], struct str s)
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
		key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u };

	for (size_t at = 0;; at += 8) {
		bool last = s.n - at < 8;
		uint64_t w = s.n > 0 ? word(s.p + at, last ? s.n - at : 8) : 0;

		if (last)
			w |= (uint64_t)s.n << 56;
		v[3] ^= w;
		rounds(v, 2);
		v[0] ^= w;
		if (last)
			break;
	}
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
