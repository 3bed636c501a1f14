#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/cidr.h"

enum { ADDRESS_MAX = 45 }; /* INET6_ADDRSTRLEN without its NUL */

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

/* *width: bits of the written form, 32 or 128. */
static bool address_get(struct str text, unsigned char to[16], unsigned *width)
{
	char c[ADDRESS_MAX + 1] = { 0 };

	if (text.n == 0 || text.n > ADDRESS_MAX || str_find(text, '\0') != text.n)
		return false;
	memcpy(c, text.p, text.n);
	*width = 32;
	if (inet_pton(AF_INET, c, to + 12) == 1) {
		memcpy(to, mapped, sizeof mapped);
		return true;
	}
	*width = 128;
	return inet_pton(AF_INET6, c, to) == 1;
}

bool cidr_address(struct str text, unsigned char to[16])
{
	unsigned width;

	return address_get(text, to, &width);
}

bool cidr_server(struct str text, uint16_t fallback, struct str *address, uint16_t *port)
{
	bool brackets = str_starts(text, STR("["));
	struct str rest = str_from(text, brackets ? 1 : 0), after = text;
	bool one_colon = str_cut(&after, ':').n < text.n && str_find(after, ':') == after.n;
	size_t end = str_find(rest, brackets ? ']' : one_colon ? ':' : '@');
	bool has_port = end < rest.n;
	unsigned char bits[16];
	uint64_t n = fallback;

	*address = str_head(rest, end);
	rest = str_from(rest, end + 1);
	if (brackets && (!has_port || (rest.n > 0 && rest.p[0] != ':')))
		return false;
	if (brackets) {
		has_port = rest.n > 0;
		rest = str_from(rest, 1);
	}
	if (has_port && (!str_u64(rest, &n) || n == 0 || n > UINT16_MAX))
		return false;
	*port = (uint16_t)n;
	return cidr_address(*address, bits);
}

/* The first `bits` bits of a and b are equal. */
static bool same(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned octets = bits / 8, rest = bits % 8;

	if (memcmp(a, b, octets) != 0)
		return false;
	return rest == 0 || ((a[octets] ^ b[octets]) >> (8 - rest)) == 0;
}

bool cidr_has(const struct cidr *net, const unsigned char address[16])
{
	return same(net->address, address, net->bits);
}

struct cidr cidr_of(const unsigned char address[16], unsigned bits)
{
	struct cidr net = { .bits = bits };

	memcpy(net.address, address, sizeof net.address);
	for (unsigned i = bits; i < 128; i++)
		net.address[i / 8] &= (unsigned char)~(0x80u >> (i % 8));
	return net;
}

bool cidr_is_v4(const unsigned char address[16])
{
	return memcmp(address, mapped, sizeof mapped) == 0;
}

void cidr_text(const struct cidr *net, char to[CIDR_TEXT])
{
	bool v4 = net->bits >= 96 && cidr_is_v4(net->address);
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(v4 ? AF_INET : AF_INET6, net->address + (v4 ? 12 : 0), text, sizeof text);
	if (net->bits == 128)
		snprintf(to, CIDR_TEXT, "%s", text);
	else
		snprintf(to, CIDR_TEXT, "%s/%u", text, net->bits - (v4 ? 96 : 0));
}

bool cidr_parse(struct str text, struct cidr *to)
{
	struct str rest = text, address = str_cut(&rest, '/');
	unsigned char zero[16] = { 0 }, tail[16];
	unsigned width;
	uint64_t bits;

	if (!address_get(address, to->address, &width))
		return false;
	bits = width;
	if (address.n < text.n && (rest.n > 3 || !str_u64(rest, &bits) || bits > width))
		return false;
	to->bits = (unsigned)bits + 128 - width;
	memcpy(tail, to->address, sizeof tail);
	for (unsigned i = 0; i < to->bits; i++)
		tail[i / 8] &= (unsigned char)~(0x80u >> (i % 8));
	return memcmp(tail, zero, sizeof tail) == 0;
}

bool cidr_set_parse(struct cidr_set *set, struct str text, struct str *bad)
{
	*set = (struct cidr_set){ 0 };
	*bad = text;
	while (text.n > 0) {
		struct str word = str_cut(&text, ' ');
		struct cidr row;

		if (word.n == 0)
			continue;
		if (set->count < CIDR_ROWS_MAX && !cidr_parse(word, &row))
			*bad = word;
		else if (set->count < CIDR_ROWS_MAX) {
			set->rows = mem_array(set->rows, set->count + 1, sizeof *set->rows);
			set->rows[set->count++] = row;
			continue;
		}
		cidr_set_free(set);
		return false;
	}
	return true;
}

void cidr_set_free(struct cidr_set *set)
{
	free(set->rows);
	*set = (struct cidr_set){ 0 };
}

bool cidr_set_has(const struct cidr_set *set, struct str address)
{
	unsigned char a[16];

	if (set->count == 0 || !cidr_address(address, a))
		return false;
	for (size_t i = 0; i < set->count; i++)
		if (cidr_has(&set->rows[i], a))
			return true;
	return false;
}
