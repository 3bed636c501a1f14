#include "proto/dsn.h"
#include "proto/path.h"

bool dsn_ret(struct str value, enum dsn_ret *ret)
{
	if (str_ieq(value, STR("FULL")))
		*ret = DSN_RET_FULL;
	else if (str_ieq(value, STR("HDRS")))
		*ret = DSN_RET_HDRS;
	else
		return false;
	return true;
}

/* "NEVER" / 1#notify-list-element */
bool dsn_notify(struct str value, unsigned *notify)
{
	static const struct {
		struct str word;
		enum dsn_notify bit;
	} words[] = {
		{ STR_INIT("NEVER"), DSN_NEVER },
		{ STR_INIT("SUCCESS"), DSN_SUCCESS },
		{ STR_INIT("FAILURE"), DSN_FAILURE },
		{ STR_INIT("DELAY"), DSN_DELAY },
	};
	bool more = true;

	*notify = 0;
	while (more) {
		size_t comma = str_find(value, ','), i = 0;
		struct str word = str_head(value, comma);

		more = comma < value.n;
		value = str_from(value, comma + 1);
		while (i < sizeof words / sizeof *words && !str_ieq(words[i].word, word))
			i++;
		if (i == sizeof words / sizeof *words)
			return false;
		*notify |= words[i].bit;
	}
	return (*notify & DSN_NEVER) == 0 || *notify == DSN_NEVER;
}

/* What xtext stands for goes into a message one day: text without controls (RFC 3461 4.4). */
static bool is_text(struct str xtext)
{
	struct buf plain = { 0 };
	bool good = xtext_get(xtext, &plain) && plain.len > 0;
	struct str s = buf_str(&plain);

	for (size_t i = 0; good && i < s.n; i++)
		good = s.p[i] >= ' ' && s.p[i] <= '~';
	buf_deinit(&plain);
	return good;
}

bool dsn_envid(struct str value)
{
	return value.n <= DSN_ENVID_MAX && is_text(value);
}

/* addr-type = atom (RFC 5322 3.2.3) */
static bool is_atom(struct str s)
{
	static const struct str marks = STR_INIT("!#$%&'*+-/=?^_`{|}~");

	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!ascii_digit(c) && (c < 'a' || c > 'z') && str_find(marks, c) == marks.n)
			return false;
	}
	return s.n > 0;
}

/* RFC 6533 3: utf-8-addr-xtext is xtext with \x{HEX} in it, utf-8-addr-unitext may hold UTF-8. */
static bool is_utf8_address(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || s.p[i] == '=')
			return false;
	return s.n > 0 && str_utf8(s);
}

bool dsn_orcpt(struct str value, bool utf8)
{
	struct str address = value, type = str_cut(&address, ';');

	if (value.n > DSN_ORCPT_MAX || !is_atom(type))
		return false;
	if (utf8 && !str_ascii(address))
		return str_ieq(type, STR("utf-8")) && is_utf8_address(address);
	return is_text(address);
}
