/* cases.h -- what both sides of a comparison read and print.
 *
 * Input: for each case the number of its octets in decimal, LF, the octets.  Output: lines of words without blanks,
 * and "." alone behind each case. */
#ifndef RESTANTE_DIFFERENTIAL_CASES_H
#define RESTANTE_DIFFERENTIAL_CASES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The next case, the caller's to free; NULL at the end. */
static inline char *case_read(size_t *n)
{
	char *data;

	if (scanf("%zu", n) != 1 || getchar() != '\n')
		return NULL;
	data = malloc(*n + 1);
	if (data == NULL || fread(data, 1, *n, stdin) != *n)
		abort();
	data[*n] = '\0';
	return data;
}

/* " KEY=VALUE", all that is not a plain character as %XX. */
static inline void put_text(const char *key, const char *p, size_t n)
{
	printf(" %s=", key);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c > ' ' && c < 0x7f && c != '%' && c != '=')
			putchar(c);
		else
			printf("%%%02x", c);
	}
}

/* " KEY=LENGTH:HASH" (FNV-1a) */
static inline void put_hash(const char *key, const char *p, size_t n)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)p[i]) * 0x100000001b3;
	printf(" %s=%zu:%016llx", key, n, (unsigned long long)hash);
}

#endif
