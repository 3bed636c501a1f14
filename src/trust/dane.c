#include "trust/dane.h"

/* RFC 6698 2.1, 7218 2 */
enum usage { DANE_TA = 2, DANE_EE = 3 };
enum selector { WHOLE = 0, KEY = 1 };
enum matching { FULL = 0, SHA_256 = 1, SHA_512 = 2 };

void dane_query_name(struct buf *to, struct str base, uint16_t port)
{
	buf_printf(to, "_%u._tcp.", port);
	buf_put(to, base);
}

/* RFC 7672 3.1.3: PKIX-TA and PKIX-EE cannot be relied on between mail servers. */
static bool is_usable(const struct dns_row *r)
{
	if ((r->usage != DANE_TA && r->usage != DANE_EE) ||
		(r->selector != WHOLE && r->selector != KEY))
		return false;
	switch ((enum matching)r->matching) {
	case FULL: return r->data.n > 0;
	case SHA_256: return r->data.n == 32;
	case SHA_512: return r->data.n == 64;
	}
	return false;
}

/* RFC 7671 9: of the digests of one usage and selector only the strongest counts, so that nobody who
 * broke the weaker gains by its being there.  FULL is no digest. */
static bool is_outdone(const struct dns_row *r, const struct dns_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (r->matching == SHA_256 && rows[i].matching == SHA_512 &&
			rows[i].usage == r->usage && rows[i].selector == r->selector &&
			is_usable(&rows[i]))
			return true;
	return false;
}

enum dane_decision dane_decide(struct dns_answer *answer, size_t *usable)
{
	*usable = 0;
	switch (answer->outcome) {
	case DNS_FAILED:
	case DNS_BOGUS: return DANE_UNREACHABLE;
	case DNS_NODATA:
	case DNS_NXDOMAIN: return DANE_NONE;
	case DNS_FOUND: break;
	}
	if (!answer->secure)
		return DANE_NONE;
	for (size_t i = 0; i < answer->count; i++) {
		struct dns_row row = answer->rows[i];

		if (!is_usable(&row) || is_outdone(&row, answer->rows, answer->count))
			continue;
		answer->rows[i] = answer->rows[*usable];
		answer->rows[(*usable)++] = row;
	}
	return *usable > 0 ? DANE_AUTHENTICATE : DANE_ENCRYPT;
}
