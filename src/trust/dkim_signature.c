/* A signature field, of DKIM or ARC: what it says, what it covers, and itself as something that is signed. */
#include "trust/dkim_internal.h"
#include "trust/dkim_tags.h"

enum { SIGNATURE_MAX = 16 * 1024 };

/* A name that can be looked up, and can be told in a header or a log. */
static bool is_domain(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !ascii_digit(c) && c != '-' && c != '_' && c != '.')
			return false;
	}
	return s.n > 0 && s.n <= 253 && s.p[0] != '.' && s.p[s.n - 1] != '.';
}

static bool parse_algorithm(struct str value, struct dkim_signature *s)
{
	for (enum dkim_algorithm a = 0; a < DKIM_ALGORITHMS; a++) {
		if (!str_ieq(value, dkim_algorithm_name(a)))
			continue;
		s->algorithm = a;
		return true;
	}
	return false;
}

bool dkim_signature_is_list(const struct field *field)
{
	return field->body.n <= SIGNATURE_MAX && dkim_tags_valid(field->body);
}

const char *dkim_signature_signer(struct dkim_signature *s, const struct field *field)
{
	struct str list = field->body, value;

	s->field = field;
	if (!dkim_tag(list, STR("d"), &s->domain) || !is_domain(s->domain) ||
		!dkim_tag(list, STR("s"), &s->selector) || !is_domain(s->selector)) {
		s->domain = s->selector = STR("");
		return "no domain and selector";
	}
	if (!dkim_tag(list, STR("a"), &value) || !parse_algorithm(value, s))
		return "algorithm is not accepted";
	dkim_tag(list, STR("b"), &s->octets);
	return NULL;
}

/* RFC 6376 3.5, c=: simple/simple when it is not there, body simple when only one is. */
static bool parse_canon(struct str list, struct dkim_signature *s)
{
	struct str body, header;

	if (!dkim_tag(list, STR("c"), &body))
		return true;
	header = str_cut(&body, '/');
	s->relaxed_header = str_ieq(header, STR("relaxed"));
	s->relaxed_body = str_ieq(body, STR("relaxed"));
	return (s->relaxed_header || str_ieq(header, STR("simple"))) &&
	       (s->relaxed_body || body.n == 0 || str_ieq(body, STR("simple")));
}

static bool parse_times(struct str list, int64_t wall_ms, bool *expired)
{
	uint64_t made = 0, until = 0;
	struct str value;

	if (dkim_tag(list, STR("t"), &value) && !str_u64(value, &made))
		return false;
	if (!dkim_tag(list, STR("x"), &value))
		return true;
	*expired = str_u64(value, &until) && until < (uint64_t)(wall_ms / 1000);
	return str_u64(value, &until) && until >= made;
}

const char *dkim_signature_scope(struct dkim_signature *s, int64_t wall_ms)
{
	struct str list = s->field->body, value;

	if (!parse_canon(list, s))
		return "unknown canonicalization";
	if (dkim_tag(list, STR("q"), &value) && !dkim_list_has(value, STR("dns/txt")))
		return "unknown query method";
	if (!dkim_tag(list, STR("h"), &s->names) || !dkim_list_has(s->names, STR("From")))
		return "From is not signed";
	if (!dkim_tag(list, STR("bh"), &s->hash) || !dkim_tag(list, STR("b"), &value))
		return "no signature in it";
	s->limited = dkim_tag(list, STR("l"), &value);
	if (s->limited && !str_u64(value, &s->limit))
		return "length is no number";
	return parse_times(list, wall_ms, &s->expired) ? NULL : "times are not in order";
}

const char *dkim_signature_body(const struct dkim_signature *s,
	const unsigned char digest[DKIM_DIGEST], uint64_t octets, enum dkim_result *result)
{
	struct buf hash = { 0 };
	const char *why = NULL;

	*result = DKIM_FAIL;
	if (!dkim_base64(s->hash, &hash)) {
		*result = DKIM_PERMERROR;
		why = "body hash is not base64";
	} else if (s->limited && s->limit > octets) {
		why = "body is shorter than was signed";
	} else if (s->limited && s->limit < octets) {
		*result = DKIM_POLICY;
		why = "not the whole body is signed";
	} else if (!str_eq(buf_str(&hash), str_of(digest, DKIM_DIGEST))) {
		why = "body was changed";
	}
	buf_deinit(&hash);
	return why;
}

bool dkim_signature_octets(const struct dkim_signature *s, struct dkim_message *m, struct buf *out)
{
	struct str names = s->names;
	size_t named = 0;

	dkim_message_choose_anew(m);
	while (names.n > 0) {
		const struct field *field = dkim_message_choose(m, dkim_list_cut(&names));

		if (++named > DKIM_NAMED_MAX)
			return false;
		if (field != NULL)
			dkim_canon_field(out, field->whole, s->relaxed_header);
	}
	dkim_canon_signature(out, s->field->whole, s->relaxed_header);
	return true;
}

void dkim_signature_key(const struct dkim_signature *s, struct buf *out)
{
	buf_put(out, s->selector);
	buf_put(out, STR("._domainkey."));
	buf_put(out, s->domain);
}

/* Where the value of b= begins and ends in the field; both its length when there is none.  Tags are between
 * semicolons, blanks around their names do not count (RFC 6376 3.2). */
static void find_b(struct str field, size_t *from, size_t *to)
{
	size_t at = str_find(field, ':') + 1;

	while (at < field.n) {
		size_t end = at + str_find(str_from(field, at), ';');
		size_t equals = at + str_find(str_head(str_from(field, at), end - at), '=');
		size_t name = at;

		while (name < equals && (unsigned char)field.p[name] <= ' ')
			name++;
		if (name < equals && field.p[name] == 'b') {
			do
				name++;
			while (name < equals && (unsigned char)field.p[name] <= ' ');
			if (name == equals && equals < end) {
				*from = equals + 1;
				*to = end;
				return;
			}
		}
		at = end + 1;
	}
	*from = *to = field.n;
}

void dkim_canon_signature(struct buf *out, struct str field, bool relaxed)
{
	struct buf bare = { 0 };
	size_t from, to, before = out->len;

	find_b(field, &from, &to);
	buf_put(&bare, str_head(field, from));
	buf_put(&bare, str_from(field, to));
	dkim_canon_field(out, buf_str(&bare), relaxed);
	/* RFC 6376 3.7: without its last CRLF. */
	if (out->len - before >= 2 && str_ends(buf_str(out), STR("\r\n")))
		buf_truncate(out, out->len - 2);
	buf_deinit(&bare);
}
