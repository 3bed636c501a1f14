/* block.h -- 64 octets looked at together: which of them are CR, LF, a dot, or beyond ASCII.  Bit n is octet n.
 * Only where the processor can do that in a few instructions: BLOCK_OCTETS is 0 elsewhere, and whoever asks
 * goes on octet by octet. */
#ifndef RESTANTE_BASE_BLOCK_H
#define RESTANTE_BASE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

struct block {
	uint64_t cr, lf, dot, eight;
};

#ifdef __SSE2__
#include <emmintrin.h>

enum { BLOCK_OCTETS = 64 };

static inline uint64_t block_bits(__m128i match, unsigned at)
{
	return (uint64_t)(uint32_t)_mm_movemask_epi8(match) << at;
}

static inline struct block block_of(const char *p)
{
	const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n'), dot = _mm_set1_epi8('.');
	struct block b = { 0 };

	for (unsigned at = 0; at < BLOCK_OCTETS; at += 16) {
		__m128i part = _mm_loadu_si128((const __m128i *)(const void *)(p + at));

		b.cr |= block_bits(_mm_cmpeq_epi8(part, cr), at);
		b.lf |= block_bits(_mm_cmpeq_epi8(part, lf), at);
		b.dot |= block_bits(_mm_cmpeq_epi8(part, dot), at);
		b.eight |= block_bits(part, at);
	}
	return b;
}
#else
enum { BLOCK_OCTETS = 0 };

static inline struct block block_of(const char *p)
{
	(void)p;
	return (struct block){ 0 };
}
#endif

/* The octets right behind those of `bits`; carry: whether the last octet before this block was such a one.  It is
 * what the next block's carry must be. */
static inline uint64_t block_behind(uint64_t bits, uint64_t *carry)
{
	uint64_t behind = bits << 1 | *carry;

	*carry = bits >> 63;
	return behind;
}

#endif
