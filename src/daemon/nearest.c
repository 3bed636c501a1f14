#include "daemon/nearest.h"

enum { LONGEST = 64 };

static size_t least(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Damerau's distance, restricted: insert, delete, change, and swap of two neighbours count one. */
static size_t distance(struct str a, struct str b)
{
	size_t rows[3][LONGEST + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= b.n; j++)
		last[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *spare = before;

		now[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t cost = a.p[i - 1] == b.p[j - 1] ? 0 : 1;

			now[j] = least(last[j] + 1, now[j - 1] + 1, last[j - 1] + cost);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
				a.p[i - 2] == b.p[j - 1] && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[b.n];
}

void nearest_try(struct nearest *n, const char *name)
{
	struct str s = str_c(name);
	size_t d;

	if (s.n > LONGEST || n->typed.n > LONGEST || n->typed.n == 0)
		return;
	d = distance(n->typed, s);
	/* A name that shares less than about two thirds, or half of a short one, was not meant. */
	if (d >= n->distance || d > 1 + n->typed.n / 3 || 2 * d > n->typed.n)
		return;
	n->distance = d;
	n->name = name;
}
