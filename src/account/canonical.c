#include <idn2.h>
#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "account/canonical.h"
#include "base/buf.h"
#include "base/dns.h"
#include "base/mem.h"

static bool ldh(char c)
{
	return ascii_digit(c) || (c >= 'a' && c <= 'z') || c == '-';
}

/* U-labels become A-labels by UTS 46, non-transitional, as browsers and RFC 5891 5.3 have it.  What libidn2
 * makes is checked as ASCII again: its mapping may produce "@" or "%" out of full-width forms. */
static bool domain_to_ascii(struct str s, char *to, size_t *n)
{
	char *in = str_dup_c(s), *out = NULL;
	bool ok = false;

	if (in != NULL &&
		idn2_to_ascii_8z(in, &out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK) {
		struct str a = str_c(out);

		if (a.n > 0 && a.p[a.n - 1] == '.')
			a.n--;
		if (a.n <= DOMAIN_MAX) {
			for (size_t i = 0; i < a.n; i++)
				to[i] = ascii_lower(a.p[i]);
			*n = a.n;
			ok = true;
		}
	}
	free(in);
	if (out != NULL)
		idn2_free(out);
	return ok;
}

bool canonical_domain_name(struct str s, char *to, size_t *n)
{
	if (s.n > 0 && s.p[s.n - 1] == '.')
		s.n--;
	if (s.n == 0 || s.n > 1024 || !str_utf8(s))
		return false;
	if (!str_ascii(s)) {
		if (!domain_to_ascii(s, to, n))
			return false;
	} else {
		if (s.n > DOMAIN_MAX)
			return false;
		for (size_t i = 0; i < s.n; i++)
			to[i] = ascii_lower(s.p[i]);
		*n = s.n;
	}
	to[*n] = '\0';
	return dns_host_name(str_of(to, *n));
}

/* "[127.0.0.1]", "[IPv6:::1]": kept as it is, in lower case; never one of our domains. */
static bool address_literal(struct str s, char *to, size_t *n)
{
	if (s.n < 3 || s.n > DOMAIN_MAX || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (i > 0 && i < s.n - 1 && !ldh(c) && c != '.' && c != ':')
			return false;
		to[i] = c;
	}
	to[s.n] = '\0';
	*n = s.n;
	return true;
}

static bool lower_local(struct str local, char *to, size_t *n)
{
	size_t len = ADDRESS_MAX;
	uint8_t *p;

	if (local.n == 0 || local.n > ADDRESS_MAX || !str_utf8(local))
		return false;
	for (size_t i = 0; i < local.n; i++)
		if ((unsigned char)local.p[i] < 0x20 || local.p[i] == 0x7f)
			return false;
	if (str_ascii(local)) {
		for (size_t i = 0; i < local.n; i++)
			to[i] = ascii_lower(local.p[i]);
		*n = local.n;
		return true;
	}
	/* NULL: no locale, so that "I" is the same letter on every machine. */
	p = u8_tolower((const uint8_t *)local.p, local.n, NULL, UNINORM_NFC, (uint8_t *)to, &len);
	if (p == NULL)
		return false;
	if (p != (uint8_t *)to) {
		free(p); /* did not fit */
		return false;
	}
	*n = len;
	return true;
}

/* The Quoted-string at the start of s without quotes and backslashes; *used is its length in s.
 * False when it does not end (RFC 5321 4.1.2). */
static bool unquote(struct str s, char to[ADDRESS_MAX], size_t *n, size_t *used)
{
	*n = 0;
	for (size_t i = 1; i < s.n; i++) {
		char c = s.p[i];

		if (c == '"') {
			*used = i + 1;
			return true;
		}
		if (c == '\\' && ++i < s.n)
			c = s.p[i];
		if (i >= s.n || *n == ADDRESS_MAX)
			return false;
		to[(*n)++] = c;
	}
	return false;
}

/* Cuts s at the "@" that divides it.  An unquoted local part with an "@" in it is what relays of old
 * took for a route (`@us,@b:u@evil`, `u@evil@us`): malformed (RFC 5321 4.1.2, appendix C). */
static bool split(struct str s, char raw[ADDRESS_MAX], struct str *local, struct str *domain)
{
	size_t at, n;

	if (s.n > 0 && s.p[0] == '"') {
		if (!unquote(s, raw, &n, &at) || (at < s.n && s.p[at] != '@'))
			return false;
		*local = str_of(raw, n);
	} else {
		at = str_find(s, '@');
		*local = str_head(s, at);
		if (str_find(*local, '"') < local->n || str_find(*local, '\\') < local->n ||
			str_find(*local, ' ') < local->n)
			return false;
	}
	*domain = str_from(s, at + 1);
	return at == s.n || domain->n > 0;
}

bool canonical_join(struct canonical *c, struct str local, struct str domain)
{
	if (local.n + 1 + domain.n > ADDRESS_MAX)
		return false;
	memmove(c->text, local.p, local.n);
	c->text[local.n] = '@';
	memcpy(c->text + local.n + 1, domain.p, domain.n);
	c->local_n = local.n;
	c->n = local.n + 1 + domain.n;
	c->text[c->n] = '\0';
	return true;
}

bool canonical_address(struct str s, struct canonical *c)
{
	char raw[ADDRESS_MAX], lower[ADDRESS_MAX], name[ADDRESS_MAX + 1];
	struct str local, domain;
	size_t local_n, n;

	if (s.n > 4 * ADDRESS_MAX || !split(s, raw, &local, &domain) || domain.n == 0)
		return false;
	if (!lower_local(local, lower, &local_n))
		return false;
	if (domain.p[0] == '[' ? !address_literal(domain, name, &n)
			       : !canonical_domain_name(domain, name, &n))
		return false;
	return canonical_join(c, str_of(lower, local_n), str_of(name, n));
}

bool canonical_name(struct str s, struct canonical *c)
{
	if (str_find(s, '@') < s.n || !lower_local(s, c->text, &c->n))
		return false;
	c->local_n = c->n;
	c->text[c->n] = '\0';
	return true;
}

/* Letters, digits and marks of any script; compatibility forms are out (RFC 8264 9.17), so that no two
 * mailboxes look the same for being typed differently. */
static bool wide_letters(struct str s)
{
	size_t n = 0;
	uint8_t *nf;
	bool ok = true;

	for (size_t i = 0; i < s.n && ok;) {
		ucs4_t c;
		int len = u8_mbtouc(&c, (const uint8_t *)s.p + i, s.n - i);

		if (c >= 0x80)
			ok = uc_is_general_category(c, UC_CATEGORY_L) ||
			     uc_is_general_category(c, UC_CATEGORY_M) ||
			     uc_is_general_category(c, UC_CATEGORY_Nd);
		i += (size_t)len;
	}
	nf = u8_normalize(UNINORM_NFKC, (const uint8_t *)s.p, s.n, NULL, &n);
	ok = ok && nf != NULL && str_eq(s, str_of(nf, n));
	free(nf);
	return ok;
}

enum status canonical_check_local(struct str local, struct err *err)
{
	if (local.n == 0)
		return err_set(err, ST_USAGE,
			"the part before @ is empty; give an address such as user@domain");
	if (local.n > LOCAL_MAX)
		return err_set(err, ST_USAGE,
			"the part before @ has %zu octets; RFC 5321 allows %d", local.n, LOCAL_MAX);
	if (str_find(local, '+') < local.n)
		return err_set(err, ST_USAGE,
			"'+' separates tags (user+tag@domain): choose a name without it");
	for (size_t i = 0; i < local.n; i++) {
		char c = local.p[i];

		if (!ldh(c) && c != '.' && c != '_' && c != '\'' && (unsigned char)c < 0x80)
			return err_set(err, ST_USAGE,
				"octet 0x%02x before @: use letters, digits, '.', '_', '-' and ' "
				"only",
				(unsigned)(unsigned char)c);
	}
	if (local.p[0] == '.' || local.p[0] == '-' || local.p[local.n - 1] == '.')
		return err_set(
			err, ST_USAGE, "a name must not begin with '.' or '-', nor end with '.'");
	for (size_t i = 1; i < local.n; i++)
		if (local.p[i] == '.' && local.p[i - 1] == '.')
			return err_set(err, ST_USAGE, "two dots in a row before @: write one");
	if (!str_ascii(local) && !wide_letters(local))
		return err_set(err, ST_USAGE,
			"a character before @ is no plain letter, mark or digit: use letters only");
	return ST_OK;
}

bool canonical_catch_all(struct str s, struct canonical *c)
{
	char name[ADDRESS_MAX + 1];
	size_t n;

	return str_starts(s, STR("@")) && canonical_domain_name(str_from(s, 1), name, &n) &&
	       canonical_join(c, STR(""), str_of(name, n));
}
