#include "proto/path.h"

static bool is_alnum(char c)
{
	return ascii_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

static bool is_high(char c)
{
	return (unsigned char)c >= 0x80;
}

/* RFC 5322 3.2.3, with the octets that RFC 6531 3.3 adds. */
static bool is_atext(char c)
{
	return is_alnum(c) || is_high(c) ||
	       (c != '\0' && str_find(STR("!#$%&'*+-/=?^_`{|}~"), c) < 19);
}

/* Valid UTF-8 without C1 controls (U+0080 to U+009F), which terminals obey. */
static bool is_clean_utf8(struct str s)
{
	for (size_t i = 0; i + 1 < s.n; i++)
		if ((unsigned char)s.p[i] == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0)
			return false;
	return str_utf8(s);
}

/* Length of the Dot-string at the front, 0 when there is none. */
static size_t dot_string(struct str s)
{
	size_t i = 0;

	for (;;) {
		size_t atom = i;

		while (i < s.n && is_atext(s.p[i]))
			i++;
		if (i == atom)
			return 0;
		if (i == s.n || s.p[i] != '.')
			return i;
		i++;
	}
}

/* Length of the Quoted-string at the front with its quotes, 0 when there is none. */
static size_t quoted_string(struct str s)
{
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '"')
			return i + 1;
		if (s.p[i] == '\\' && (++i == s.n || is_high(s.p[i])))
			return 0; /* quoted-pairSMTP is ASCII only */
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return 0;
	}
	return 0;
}

bool path_domain(struct str s)
{
	if (s.n == 0 || s.n > PATH_DOMAIN_MAX || s.p[s.n - 1] == '.' || !is_clean_utf8(s))
		return false;
	while (s.n > 0) {
		struct str label = str_cut(&s, '.');

		if (label.n == 0 || label.n > PATH_LABEL_MAX || label.p[0] == '-' ||
			label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_alnum(label.p[i]) && label.p[i] != '-' && !is_high(label.p[i]))
				return false;
	}
	return true;
}

static bool is_ipv4(struct str s)
{
	size_t parts = 0;

	while (s.n > 0) {
		struct str part = str_cut(&s, '.');
		uint64_t v;

		if (++parts > 4 || part.n > 3 || !str_u64(part, &v) || v > 255 ||
			(parts < 4 && s.n == 0))
			return false;
	}
	return parts == 4;
}

static bool is_group(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_digit(s.p[i]) &&
			(ascii_lower(s.p[i]) < 'a' || ascii_lower(s.p[i]) > 'f'))
			return false;
	return s.n >= 1 && s.n <= 4;
}

/* RFC 4291 2.2: eight groups, one run of them as "::", the last two perhaps in dotted form. */
static bool is_ipv6(struct str s)
{
	size_t groups = 0;
	bool gap = false;

	if (str_starts(s, STR("::"))) {
		gap = true;
		s = str_from(s, 2);
	}
	while (s.n > 0) {
		size_t colon = str_find(s, ':');
		struct str part = str_head(s, colon);

		if (colon == s.n && str_find(part, '.') < part.n) {
			if (!is_ipv4(part))
				return false;
			groups += 2;
			break;
		}
		if (!is_group(part) || ++groups > 8)
			return false;
		s = str_from(s, colon);
		if (str_starts(s, STR("::"))) {
			if (gap)
				return false;
			gap = true;
			s = str_from(s, 2);
		} else if (s.n > 0) {
			s = str_from(s, 1);
			if (s.n == 0)
				return false;
		}
	}
	return gap ? groups < 8 : groups == 8;
}

bool path_literal(struct str s)
{
	if (s.n < 2 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return false;
	s = str_head(str_from(s, 1), s.n - 2);
	if (str_istarts(s, STR("IPv6:")))
		return is_ipv6(str_from(s, 5));
	return is_ipv4(s);
}

bool path_ip(struct str s)
{
	return is_ipv4(s) || is_ipv6(s);
}

bool path_port(struct str s)
{
	uint64_t port;

	return s.n <= 5 && str_u64(s, &port) && port <= UINT16_MAX;
}

bool path_host_port(struct str s, uint16_t fallback, struct str *host, uint16_t *port)
{
	bool literal = str_starts(s, STR("["));
	uint64_t number = fallback;

	s = str_from(s, literal);
	*host = str_head(s, str_find(s, literal ? ']' : ':'));
	s = str_from(s, host->n + literal);
	if (s.n > 0 && (s.p[0] != ':' || !str_u64(str_from(s, 1), &number)))
		return false;
	*port = (uint16_t)number;
	return host->n > 0 && number > 0 && number < 65536;
}

/* Cuts local@domain, the domain up to the first octet of `end` or the end of s. */
static bool cut_mailbox(struct str *rest, char end, struct path *path)
{
	struct str s = *rest;
	size_t local = s.n > 0 && s.p[0] == '"' ? quoted_string(s) : dot_string(s);
	struct str after = str_from(s, local);
	size_t stop;

	if (local == 0 || local > PATH_LOCAL_MAX || after.n == 0 || after.p[0] != '@')
		return false;
	after = str_from(after, 1);
	stop = str_find(after, end);
	path->local = str_head(s, local);
	path->domain = str_head(after, stop);
	path->mailbox = str_head(s, local + 1 + stop);
	path->utf8 = !str_ascii(path->mailbox);
	*rest = str_from(after, stop);
	return is_clean_utf8(path->local) &&
	       (path_domain(path->domain) || path_literal(path->domain));
}

bool path_mailbox(struct str s, struct path *path)
{
	*path = (struct path){ 0 };
	/* No octet of a domain or literal is a NUL, so the domain goes to the end of s. */
	return cut_mailbox(&s, '\0', path) && s.n == 0;
}

/* A-d-l ":" -- read and forgotten. */
static bool skip_source_route(struct str *rest)
{
	struct str s = *rest, route;

	if (!str_starts(s, STR("@")))
		return true;
	route = str_cut(&s, ':');
	/* An IPv6 literal in a route holds colons; nobody may ask for one any more. */
	while (route.n > 0) {
		struct str hop = str_cut(&route, ',');

		if (!str_starts(hop, STR("@")) ||
			(!path_domain(str_from(hop, 1)) && !path_literal(str_from(hop, 1))))
			return false;
	}
	*rest = s;
	return true;
}

bool path_cut(struct str *rest, enum path_kind kind, struct path *path)
{
	static const struct str postmaster = STR_INIT("postmaster");
	struct str s = *rest;

	*path = (struct path){ .mailbox = str_head(s, 0), .local = str_head(s, 0) };
	path->domain = path->local;
	if (!str_starts(s, STR("<")))
		return false;
	s = str_from(s, 1);
	if (kind == PATH_REVERSE && str_starts(s, STR(">"))) {
		*rest = str_from(s, 1);
		return true;
	}
	if (kind == PATH_FORWARD && str_istarts(s, postmaster) &&
		str_starts(str_from(s, postmaster.n), STR(">"))) {
		path->mailbox = path->local = str_head(s, postmaster.n);
		*rest = str_from(s, postmaster.n + 1);
		return true;
	}
	if (!skip_source_route(&s) || !cut_mailbox(&s, '>', path) || !str_starts(s, STR(">")))
		return false;
	*rest = str_from(s, 1);
	return true;
}

static bool is_keyword(struct str s)
{
	if (s.n == 0 || !is_alnum(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '-')
			return false;
	return true;
}

static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '=' || s.p[i] == 0x7f)
			return false;
	return s.n > 0 && is_clean_utf8(s);
}

enum param_result param_cut(struct str *rest, struct param *param)
{
	struct str word;

	if (rest->n == 0)
		return PARAM_END;
	if (rest->p[0] != ' ')
		return PARAM_BAD;
	while (str_starts(*rest, STR(" ")))
		*rest = str_from(*rest, 1);
	word = str_cut(rest, ' ');
	/* str_cut took the space; the next call wants to see it. */
	if (rest->n > 0)
		*rest = str_of(rest->p - 1, rest->n + 1);
	param->has_value = str_find(word, '=') < word.n;
	param->keyword = str_cut(&word, '=');
	param->value = word;
	/* "XVERP=+=" is Postfix's, and no value of RFC 5321 4.1.2. */
	return is_keyword(param->keyword) && (!param->has_value || is_value(word) ||
						     str_ieq(param->keyword, STR("XVERP")))
		       ? PARAM_CUT
		       : PARAM_BAD;
}

static int upper_hex(char c)
{
	return ascii_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool xtext_get(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 33 || c > 126 || c == '=')
			return false;
		if (c == '+') {
			int high = i + 1 < s.n ? upper_hex(s.p[i + 1]) : -1;
			int low = i + 2 < s.n ? upper_hex(s.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (unsigned char)(high << 4 | low);
			i += 2;
		}
		buf_putc(out, (char)c);
	}
	return !out->full;
}
