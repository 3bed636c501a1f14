#include "trust/spf_internal.h"

enum { BITS4 = 32, BITS6 = 128, WHOLE4 = 4, WHOLE6 = 16 };

/* What may stand behind the name of a mechanism. */
enum { MAY_DOMAIN = 1, NEEDS_DOMAIN = 2, MAY_CIDR = 4, NEEDS_NETWORK = 8 };

/* RFC 7208 5 */
static const struct {
	struct str name;
	enum spf_kind kind;
	unsigned takes;
} mechanisms[] = {
	{ STR_INIT("all"), SPF_ALL, 0 },
	{ STR_INIT("include"), SPF_INCLUDE, NEEDS_DOMAIN },
	{ STR_INIT("a"), SPF_A, MAY_DOMAIN | MAY_CIDR },
	{ STR_INIT("mx"), SPF_MX, MAY_DOMAIN | MAY_CIDR },
	{ STR_INIT("ptr"), SPF_PTR, MAY_DOMAIN },
	{ STR_INIT("ip4"), SPF_IP4, NEEDS_NETWORK },
	{ STR_INIT("ip6"), SPF_IP6, NEEDS_NETWORK },
	{ STR_INIT("exists"), SPF_EXISTS, NEEDS_DOMAIN },
};

bool spf_same_network(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned whole = bits / 8, left = bits % 8;

	return memcmp(a, b, whole) == 0 && (left == 0 || (a[whole] ^ b[whole]) >> (8 - left) == 0);
}

/* Decimal without a zero in front. */
static bool number(struct str s, uint64_t max, uint64_t *out)
{
	return str_u64(s, out) && *out <= max && (s.n == 1 || s.p[0] != '0');
}

static bool take_ip4(struct str s, unsigned char *to)
{
	for (size_t i = 0; i < WHOLE4; i++) {
		size_t dot = str_find(s, '.');
		uint64_t value;

		if ((dot == s.n) != (i == WHOLE4 - 1) || !number(str_head(s, dot), 255, &value))
			return false;
		to[i] = (unsigned char)value;
		s = str_from(s, dot + 1);
	}
	return true;
}

static bool take_group(struct str s, unsigned char *to)
{
	unsigned value = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!ascii_digit(c) && !(c >= 'a' && c <= 'f'))
			return false;
		value = value << 4 | (unsigned)(ascii_digit(c) ? c - '0' : c - 'a' + 10);
		if (i == 4)
			return false;
	}
	to[0] = (unsigned char)(value >> 8);
	to[1] = (unsigned char)value;
	return s.n > 0;
}

/* RFC 4291 2.2 */
static bool take_ip6(struct str s, unsigned char to[WHOLE6])
{
	size_t n = 0, gap = str_starts(s, STR("::")) ? 0 : WHOLE6, tail;

	s = str_from(s, gap == 0 ? 2 : 0);
	while (s.n > 0) {
		size_t colon = str_find(s, ':');
		bool v4 = colon == s.n && str_find(s, '.') < s.n;
		size_t width = v4 ? WHOLE4 : 2;

		if (n + width > WHOLE6 ||
			!(v4 ? take_ip4(s, to + n) : take_group(str_head(s, colon), to + n)))
			return false;
		n += width;
		if (colon == s.n - 1)
			return false;
		s = str_from(s, colon + 1);
		if (s.n > 0 && s.p[0] == ':') {
			if (gap < WHOLE6)
				return false;
			gap = n;
			s = str_from(s, 1);
		}
	}
	if (gap == WHOLE6 || n == WHOLE6) /* "::" is one group at least */
		return gap == WHOLE6 && n == WHOLE6;
	tail = n - gap;
	memmove(to + WHOLE6 - tail, to + gap, tail);
	memset(to + gap, 0, WHOLE6 - n);
	return true;
}

/* Cuts `slashes` and digits off the end of *s, where they are.  False: they are no prefix length. */
static bool cut_bits(struct str *s, struct str slashes, unsigned max, unsigned *bits)
{
	size_t start = s->n;
	uint64_t value;

	while (start > 0 && ascii_digit(s->p[start - 1]))
		start--;
	if (start == s->n || !str_ends(str_head(*s, start), slashes))
		return true;
	if (!number(str_from(*s, start), max, &value))
		return false;
	*bits = (unsigned)value;
	s->n = start - slashes.n;
	return true;
}

/* A slash may stand in a domain-spec, but not at the end of one, where a prefix length may. */
static bool take_target(struct spf_term *t, struct str arg, unsigned takes)
{
	if ((takes & MAY_CIDR) != 0 && (!cut_bits(&arg, STR("//"), BITS6, &t->bits6) ||
					       !cut_bits(&arg, STR("/"), BITS4, &t->bits4)))
		return false;
	if (arg.n == 0)
		return (takes & NEEDS_DOMAIN) == 0;
	t->domain = str_from(arg, 1);
	return takes != 0 && arg.p[0] == ':' && spf_domain_spec_valid(t->domain);
}

static bool take_network(struct spf_term *t, struct str arg)
{
	bool v6 = t->kind == SPF_IP6;

	if (!str_starts(arg, STR(":")) ||
		!cut_bits(&arg, STR("/"), v6 ? BITS6 : BITS4, v6 ? &t->bits6 : &t->bits4))
		return false;
	arg = str_from(arg, 1);
	return v6 ? take_ip6(arg, t->network) : take_ip4(arg, t->network);
}

static bool take_mechanism(struct spf_term *t, struct str name, struct str arg)
{
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
		if (!str_ieq(name, mechanisms[i].name))
			continue;
		t->kind = mechanisms[i].kind;
		return mechanisms[i].takes == NEEDS_NETWORK
			       ? take_network(t, arg)
			       : take_target(t, arg, mechanisms[i].takes);
	}
	return false;
}

static bool is_modifier_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);
		bool alpha = c >= 'a' && c <= 'z';

		if (!alpha && (i == 0 || !(ascii_digit(c) || c == '-' || c == '_' || c == '.')))
			return false;
	}
	return s.n > 0;
}

static bool take_modifier(struct spf_term *t, struct str name, struct str value)
{
	t->domain = value;
	t->kind = str_ieq(name, STR("redirect")) ? SPF_REDIRECT
		  : str_ieq(name, STR("exp"))    ? SPF_EXP
						 : SPF_UNKNOWN_MODIFIER;
	return t->kind == SPF_UNKNOWN_MODIFIER
		       ? is_modifier_name(name) && spf_macro_string_valid(value)
		       : spf_domain_spec_valid(value);
}

/* RFC 7208 4.6.2 */
static bool take_qualifier(struct str *term, enum spf_result *match)
{
	static const enum spf_result results[] = { SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_NEUTRAL };
	size_t at = str_find(STR("+-~?"), term->p[0]);

	*match = at < 4 ? results[at] : SPF_PASS;
	*term = str_from(*term, at < 4 ? 1 : 0);
	return at < 4;
}

bool spf_term_cut(struct str *rest, struct spf_term *t)
{
	struct str term, after;
	bool qualified, good;
	size_t end = 0;

	*t = (struct spf_term){ .bits4 = BITS4, .bits6 = BITS6 };
	while (rest->n > 0 && rest->p[0] == ' ')
		*rest = str_from(*rest, 1);
	if (rest->n == 0)
		return false;
	after = *rest;
	term = str_cut(&after, ' ');
	qualified = take_qualifier(&term, &t->match);
	while (end < term.n && str_find(STR(":/="), term.p[end]) == 3)
		end++;
	if (end < term.n && term.p[end] == '=')
		good = !qualified && take_modifier(t, str_head(term, end), str_from(term, end + 1));
	else
		good = take_mechanism(t, str_head(term, end), str_from(term, end));
	if (good)
		*rest = after;
	return good;
}
