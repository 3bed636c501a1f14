#include "mime/charset.h"

#include <errno.h>
#include <iconv.h>

static const struct str replacement = STR_INIT("\xef\xbf\xbd");

/* Names as mail has them (IANA's, and what is written instead), by what iconv calls them.  Old names mean the
 * larger set that everybody writes under them. */
static const struct {
	struct str name;
	const char *iconv;
} charsets[] = {
	{ STR_INIT("ascii"), "WINDOWS-1252" },
	{ STR_INIT("us-ascii"), "WINDOWS-1252" },
	{ STR_INIT("iso-8859-1"), "WINDOWS-1252" },
	{ STR_INIT("latin1"), "WINDOWS-1252" },
	{ STR_INIT("windows-1252"), "WINDOWS-1252" },
	{ STR_INIT("cp1252"), "WINDOWS-1252" },
	{ STR_INIT("iso-8859-2"), "ISO-8859-2" },
	{ STR_INIT("iso-8859-3"), "ISO-8859-3" },
	{ STR_INIT("iso-8859-4"), "ISO-8859-4" },
	{ STR_INIT("iso-8859-5"), "ISO-8859-5" },
	{ STR_INIT("iso-8859-6"), "ISO-8859-6" },
	{ STR_INIT("iso-8859-7"), "ISO-8859-7" },
	{ STR_INIT("iso-8859-8"), "ISO-8859-8" },
	{ STR_INIT("iso-8859-8-i"), "ISO-8859-8" },
	{ STR_INIT("iso-8859-9"), "WINDOWS-1254" },
	{ STR_INIT("iso-8859-10"), "ISO-8859-10" },
	{ STR_INIT("iso-8859-11"), "TIS-620" },
	{ STR_INIT("iso-8859-13"), "ISO-8859-13" },
	{ STR_INIT("iso-8859-14"), "ISO-8859-14" },
	{ STR_INIT("iso-8859-15"), "ISO-8859-15" },
	{ STR_INIT("iso-8859-16"), "ISO-8859-16" },
	{ STR_INIT("windows-1250"), "WINDOWS-1250" },
	{ STR_INIT("windows-1251"), "WINDOWS-1251" },
	{ STR_INIT("windows-1253"), "WINDOWS-1253" },
	{ STR_INIT("windows-1254"), "WINDOWS-1254" },
	{ STR_INIT("windows-1255"), "WINDOWS-1255" },
	{ STR_INIT("windows-1256"), "WINDOWS-1256" },
	{ STR_INIT("windows-1257"), "WINDOWS-1257" },
	{ STR_INIT("windows-1258"), "WINDOWS-1258" },
	{ STR_INIT("windows-874"), "CP874" },
	{ STR_INIT("tis-620"), "TIS-620" },
	{ STR_INIT("ibm437"), "IBM437" },
	{ STR_INIT("ibm850"), "IBM850" },
	{ STR_INIT("ibm866"), "IBM866" },
	{ STR_INIT("macintosh"), "MACINTOSH" },
	{ STR_INIT("koi8-r"), "KOI8-R" },
	{ STR_INIT("koi8-u"), "KOI8-U" },
	{ STR_INIT("gb2312"), "GB18030" },
	{ STR_INIT("gbk"), "GB18030" },
	{ STR_INIT("x-gbk"), "GB18030" },
	{ STR_INIT("cp936"), "GB18030" },
	{ STR_INIT("gb18030"), "GB18030" },
	{ STR_INIT("big5"), "BIG5-HKSCS" },
	{ STR_INIT("big5-hkscs"), "BIG5-HKSCS" },
	{ STR_INIT("euc-jp"), "EUC-JP" },
	{ STR_INIT("iso-2022-jp"), "ISO-2022-JP" },
	{ STR_INIT("shift_jis"), "CP932" },
	{ STR_INIT("shift-jis"), "CP932" },
	{ STR_INIT("x-sjis"), "CP932" },
	{ STR_INIT("windows-31j"), "CP932" },
	{ STR_INIT("cp932"), "CP932" },
	{ STR_INIT("euc-kr"), "CP949" },
	{ STR_INIT("ks_c_5601-1987"), "CP949" },
	{ STR_INIT("cp949"), "CP949" },
	{ STR_INIT("utf-7"), "UTF-7" },
	{ STR_INIT("unicode-1-1-utf-7"), "UTF-7" },
	{ STR_INIT("utf-16"), "UTF-16" },
	{ STR_INIT("utf-16le"), "UTF-16LE" },
	{ STR_INIT("utf-16be"), "UTF-16BE" },
};

static bool is_utf8_name(struct str name)
{
	return str_ieq(name, STR("utf-8")) || str_ieq(name, STR("utf8"));
}

static const char *iconv_name(struct str name)
{
	for (size_t i = 0; i < sizeof charsets / sizeof *charsets; i++)
		if (str_ieq(charsets[i].name, name))
			return charsets[i].iconv;
	return NULL;
}

/* Octets of the UTF-8 character that s begins with; 0 when it is none (RFC 3629 4). */
static size_t utf8_char(struct str s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

	return n > 0 && n <= s.n && str_utf8(str_head(s, n)) ? n : 0;
}

static void put_utf8(struct buf *out, struct str s)
{
	while (s.n > 0) {
		size_t n = utf8_char(s);

		buf_put(out, n == 0 ? replacement : str_head(s, n));
		s = str_from(s, n == 0 ? 1 : n);
	}
}

static void convert(iconv_t cd, struct str s, struct buf *out)
{
	char piece[512], *from = (char *)(uintptr_t)s.p, *to;
	size_t left = s.n, room, n;

	do {
		to = piece;
		room = sizeof piece;
		n = iconv(cd, &from, &left, &to, &room);
		buf_put(out, str_of(piece, sizeof piece - room));
		if (n == (size_t)-1 && errno != E2BIG) {
			buf_put(out, replacement);
			from++;
			left--;
			iconv(cd, NULL, NULL, NULL, NULL);
		}
	} while (left > 0 && !out->full);
	to = piece;
	room = sizeof piece;
	iconv(cd, NULL, NULL, &to, &room);
	buf_put(out, str_of(piece, sizeof piece - room));
}

bool charset_utf8(struct str charset, struct str octets, struct buf *out)
{
	const char *name = iconv_name(charset);
	bool known = name != NULL || is_utf8_name(charset);
	iconv_t cd;

	if (is_utf8_name(charset)) {
		put_utf8(out, octets);
		return known;
	}
	if (name == NULL && str_utf8(octets)) {
		buf_put(out, octets);
		return false;
	}
	cd = iconv_open("UTF-8", name == NULL ? "WINDOWS-1252" : name);
	if (cd == (iconv_t)-1) { /* a libc without its converters */
		put_utf8(out, octets);
		return false;
	}
	if (octets.n > 0)
		convert(cd, octets, out);
	iconv_close(cd);
	return known;
}

/* Format characters that reorder what stands around them (UAX 9), and C1 controls. */
static bool deceives(struct str c)
{
	static const struct {
		const char *from, *to;
	} ranges[] = {
		{ "\xc2\x80", "\xc2\x9f" },
		{ "\xd8\x9c", "\xd8\x9c" },
		{ "\xe2\x80\x8e", "\xe2\x80\x8f" },
		{ "\xe2\x80\xa8", "\xe2\x80\xae" },
		{ "\xe2\x81\xa6", "\xe2\x81\xa9" },
	};

	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (str_c(ranges[i].from).n == c.n && memcmp(c.p, ranges[i].from, c.n) >= 0 &&
			memcmp(c.p, ranges[i].to, c.n) <= 0)
			return true;
	return false;
}

static void put_safe(struct buf *out, struct str text, bool one_line)
{
	while (text.n > 0 && !out->full) {
		size_t n = utf8_char(text);
		struct str c = str_head(text, n == 0 ? 1 : n);
		unsigned char first = (unsigned char)c.p[0];

		if (n == 0)
			buf_put(out, replacement);
		else if (first == '\n' || first == '\t')
			buf_putc(out, one_line ? ' ' : c.p[0]);
		else if (first < 0x20 || first == 0x7f || deceives(c))
			buf_putc(out, '?');
		else
			buf_put(out, c);
		text = str_from(text, c.n);
	}
}

void charset_put_safe(struct buf *out, struct str text)
{
	put_safe(out, text, false);
}

void charset_put_line(struct buf *out, struct str text)
{
	put_safe(out, text, true);
}
