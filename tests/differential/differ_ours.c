/* Our side of a comparison with another program: what this one reads in messages, address lists and dates.
 *
 *   differ_ours mime|address|date|when < CASES */
#include "base/codec.h"
#include "cases.h"
#include "mime/address.h"
#include "mime/date.h"
#include "mime/mbox.h"
#include "mime/param.h"
#include "mime/tree.h"
#include "mime/word.h"

static void print_str(const char *key, struct str s)
{
	put_text(key, s.p, s.n);
}

static void put_param(const struct mime_part *p, struct str field, const char *name)
{
	struct buf value = { 0 };

	if (param_get(mime_field(p->header, field), str_c(name), &value))
		print_str(name, buf_str(&value));
	buf_deinit(&value);
}

/* base64 that goes on behind padding (RFC 2045 6.8) */
static bool goes_on(struct str s)
{
	str_cut(&s, '=');
	while (s.n > 0 && base64_value(s.p[0]) < 0)
		s = str_from(s, 1);
	return s.n > 0;
}

/* "=" that escapes nothing, or a blank at the end of a line (RFC 2045 6.7) */
static bool is_no_quoted(struct str s)
{
	while (s.n > 0) {
		struct str line = str_cut(&s, '\n');

		if (str_ends(line, STR("\r")))
			line.n--;
		if (str_ends(line, STR(" ")) || str_ends(line, STR("\t")))
			return true;
		for (size_t i = 0; i + 1 < line.n; i++)
			if (line.p[i] == '=' && (i + 2 >= line.n || hex_value(line.p[i + 1]) < 0 ||
							hex_value(line.p[i + 2]) < 0))
				return true;
	}
	return false;
}

/* What the comparer has rules for: a header section that ends without a blank line in front of a body, one that says
 * the same twice, a part without fields. */
static void put_flags(const struct mime_part *p)
{
	static const struct str once[] = { STR_INIT("Content-Type"),
		STR_INIT("Content-Disposition"), STR_INIT("Content-Transfer-Encoding"),
		STR_INIT("Subject") };
	const char *end = p->header.p + p->header.n;

	if (p->body.p == end && p->body.n > 0)
		put_text("open", "1", 1);
	if (p->header.n == 0)
		put_text("bare", "1", 1);
	for (size_t i = 0; i < sizeof once / sizeof *once; i++) {
		struct str first = mime_field(p->header, once[i]), rest = p->header;
		struct field f;

		while (field_cut(&rest, &f))
			if (str_ieq(f.name, once[i]) && f.body.p != first.p)
				put_text("twice", once[i].p, once[i].n);
	}
}

static void put_part(const struct mime_part *p)
{
	static const char *const encodings[] = { "plain", "quoted", "base64" };
	struct str subject = mime_field(p->header, STR("Subject"));
	struct buf b = { 0 };

	printf("%u %s", p->depth, encodings[p->encoding]);
	print_str("type", str_c(p->type));
	put_param(p, STR("Content-Type"), "charset");
	put_param(p, STR("Content-Type"), "name");
	put_param(p, STR("Content-Disposition"), "filename");
	word_decode(subject, &b);
	print_str("subject", str_trim(buf_str(&b)));
	buf_clear(&b);
	if (!p->container) {
		put_hash("raw", p->body.p, p->body.n);
		mime_body(p, &b);
		put_hash("body", buf_str(&b).p, b.len);
		if (p->encoding == TRANSFER_BASE64) /* the groups of four letters that are whole */
			put_hash("whole", buf_str(&b).p, b.len - b.len % 3);
		if ((p->encoding == TRANSFER_BASE64 && goes_on(p->body)) ||
			(p->encoding == TRANSFER_QUOTED && is_no_quoted(p->body)))
			put_text("damaged", "1", 1);
	}
	put_flags(p);
	putchar('\n');
	buf_deinit(&b);
}

static void compare_mime(struct str message)
{
	struct mime_tree t;

	mime_tree_parse(&t, message);
	for (size_t i = 0; i < t.count; i++)
		put_part(&t.parts[i]);
	mime_tree_free(&t);
}

static void compare_address(struct str body)
{
	struct address_list l = { .rest = body };
	enum address_result result;
	struct buf one = { 0 };

	while ((result = address_cut(&l, &one)) == ADDRESS_CUT) {
		print_str("to", buf_str(&one));
		putchar('\n');
	}
	puts(result == ADDRESS_BAD ? "bad" : "good");
	buf_deinit(&one);
}

static void compare_date(struct str ms)
{
	struct buf b = { 0 };
	uint64_t value = 0;

	if (!str_u64(ms, &value))
		abort();
	date_put(&b, (int64_t)value);
	buf_putc(&b, '\n');
	date_put_internet(&b, (int64_t)value);
	buf_putc(&b, '\n');
	fwrite(buf_str(&b).p, 1, b.len, stdout);
	buf_deinit(&b);
}

static void compare_when(struct str text)
{
	int64_t ms;

	if (date_get(text, &ms))
		printf("%lld\n", (long long)ms / 1000);
	else
		puts("bad");
}

int main(int argc, char **argv)
{
	struct str what = str_c(argc == 2 ? argv[1] : "");
	char *data;
	size_t n;

	while ((data = case_read(&n)) != NULL) {
		struct str s = str_of(data, n);

		if (str_eq(what, STR("mime")))
			compare_mime(s);
		else if (str_eq(what, STR("address")))
			compare_address(s);
		else if (str_eq(what, STR("date")))
			compare_date(s);
		else if (str_eq(what, STR("when")))
			compare_when(s);
		else
			return 64;
		puts(".");
		free(data);
	}
	return 0;
}
