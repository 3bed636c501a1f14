/* collide.h -- texts that fall into one bucket of a table hashed by FNV-1a, as a stranger would choose them.
 *
 * The low bits of FNV-1a depend on nothing but the low bits before: two blocks of letters that end in the
 * same ones, found again and again from there, give 2^n texts of n blocks (Joux 2004). */
#ifndef RESTANTE_TESTS_COLLIDE_H
#define RESTANTE_TESTS_COLLIDE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { COLLIDE_BLOCK = 4, COLLIDE_STAGES = 15, COLLIDE_TEXT = COLLIDE_BLOCK * COLLIDE_STAGES };

struct collide {
	char blocks[COLLIDE_STAGES][2][COLLIDE_BLOCK];
};

static void collide_block(uint32_t n, char to[COLLIDE_BLOCK])
{
	for (int i = 0; i < COLLIDE_BLOCK; i++, n /= 26)
		to[i] = (char)('a' + n % 26);
}

/* basis and prime: of the 32 or 64 bits that the table's hash has. */
static void collide_make(struct collide *c, uint64_t basis, uint64_t prime)
{
	enum { MASK = (1 << 18) - 1 };
	uint64_t from = basis;
	uint32_t *seen = calloc(MASK + 1, sizeof *seen);

	if (seen == NULL)
		abort();
	for (int stage = 0; stage < COLLIDE_STAGES; stage++) {
		memset(seen, 0, (MASK + 1) * sizeof *seen);
		for (uint32_t n = 0;; n++) {
			uint64_t h = from;

			collide_block(n, c->blocks[stage][1]);
			for (int i = 0; i < COLLIDE_BLOCK; i++)
				h = (h ^ (unsigned char)c->blocks[stage][1][i]) * prime;
			if (seen[h & MASK] != 0) {
				collide_block(seen[h & MASK] - 1, c->blocks[stage][0]);
				from = h & MASK;
				break;
			}
			seen[h & MASK] = n + 1;
		}
	}
	free(seen);
}

/* The i-th of 2^COLLIDE_STAGES. */
static void collide_text(const struct collide *c, uint32_t i, char to[COLLIDE_TEXT])
{
	for (int stage = 0; stage < COLLIDE_STAGES; stage++)
		memcpy(to + stage * COLLIDE_BLOCK, c->blocks[stage][i >> stage & 1], COLLIDE_BLOCK);
}

#endif
