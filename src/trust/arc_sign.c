/* A set of fields, made of a request. */
#include "trust/arc_internal.h"

enum { WORD_MAX = 900 }; /* so that no line is longer than RFC 5322 2.1.1 allows */

static bool is_results(struct str s)
{
	size_t word = 0;

	if (str_trim(s).n == 0 || s.n > ARC_RESULTS_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		word = s.p[i] == ' ' ? 0 : word + 1;
		if (s.p[i] < ' ' || s.p[i] > '~' || word > WORD_MAX)
			return false;
	}
	return true;
}

static bool is_covered(struct str name)
{
	struct str covered;

	for (size_t i = 0; (covered = arc_covered(i)).n > 0; i++)
		if (str_ieq(covered, name))
			return true;
	return false;
}

/* A canonical field is one line. */
static bool cut_field(struct str *rest, struct field *field)
{
	struct str line = str_head(*rest, str_find(*rest, '\n'));

	if (line.n == rest->n || line.n == 0 || str_find(line, '\r') != line.n - 1)
		return false;
	*rest = str_from(*rest, line.n + 1);
	field->body = str_head(line, line.n - 1);
	field->name = str_cut(&field->body, ':');
	return true;
}

/* Every field has its name and every name its field, but for the last From (RFC 6376 5.4: it MUST be
 * signed). */
static bool names_fit(struct str names, struct str fields)
{
	struct field field;
	size_t named = 0;
	bool from = false;

	if (names.n > ARC_NAMES_MAX || fields.n > ARC_FIELDS_MAX)
		return false;
	while (fields.n > 0) {
		struct str name = str_cut(&names, ':');

		if (!cut_field(&fields, &field) || !is_covered(name) ||
			!str_ieq(name, field.name) || ++named == DKIM_NAMED_MAX)
			return false;
		from = from || str_ieq(name, STR("From"));
	}
	return from && str_ieq(names, STR("From"));
}

static bool chain_fits(const struct arc_request *r)
{
	struct str rest = r->chain;
	struct field field;

	if (r->cv != ARC_PASS)
		return rest.n == 0;
	if (rest.n > ARC_CHAIN_MAX)
		return false;
	for (unsigned i = 1; i < r->instance; i++)
		for (enum arc_field kind = 0; kind < ARC_FIELDS; kind++)
			if (!cut_field(&rest, &field) ||
				!str_ieq(field.name, arc_field_name(kind)) ||
				arc_field_instance(kind, field.body) != i)
				return false;
	return rest.n == 0;
}

enum status arc_request_check(const struct arc_request *r, struct err *err)
{
	bool first = r->instance == 1;

	if (r->instance < 1 || r->instance > ARC_INSTANCES_MAX)
		return err_set(err, ST_PERM, "arc: instance %u", r->instance);
	if (r->cv != ARC_FAIL && r->cv != (first ? ARC_NONE : ARC_PASS))
		return err_set(err, ST_PERM, "arc: cv= does not fit the instance");
	if (!is_results(r->results))
		return err_set(err, ST_PERM, "arc: results are none for a header");
	if (!names_fit(r->names, r->fields))
		return err_set(err, ST_PERM, "arc: the fields cannot be signed");
	if (!chain_fits(r))
		return err_set(err, ST_PERM, "arc: the chain cannot be sealed");
	return ST_OK;
}

static size_t put_start(struct buf *out, enum arc_field kind, unsigned instance)
{
	buf_put(out, arc_field_name(kind));
	buf_put(out, STR(": i="));
	buf_putu(out, instance);
	buf_putc(out, ';');
	return out->len;
}

static void put_results(struct buf *out, const struct arc_request *r)
{
	size_t column = put_start(out, ARC_AUTHENTICATION_RESULTS, r->instance);
	struct str rest = r->results;

	while (rest.n > 0) {
		struct str word = str_cut(&rest, ' ');
		struct buf text = { 0 };

		if (word.n == 0)
			continue;
		buf_putc(&text, ' ');
		buf_put(&text, word);
		dkim_put_folded(out, &column, buf_str(&text));
		buf_deinit(&text);
	}
	buf_put(out, STR("\r\n"));
}

static void put_signer(struct buf *out, size_t *column, const struct dkim_signer *s)
{
	dkim_put_tag(out, column, STR(" d="), s->domain);
	dkim_put_tag(out, column, STR(" s="), s->selector);
	dkim_put_time(out, column, STR(" t="), s->wall_ms);
}

static bool put_message_signature(
	struct buf *out, const struct arc_request *r, const struct dkim_signer *s)
{
	size_t column = put_start(out, ARC_MESSAGE_SIGNATURE, r->instance);
	struct buf octets = { 0 };
	struct str names = r->names;
	bool ok;

	dkim_put_tag(out, &column, STR(" a="), dkim_algorithm_name(s->key->algorithm));
	dkim_put_tag(out, &column, STR(" c="), STR("relaxed/relaxed"));
	put_signer(out, &column, s);
	for (bool first = true; names.n > 0; first = false)
		dkim_put_name(out, &column, first, str_cut(&names, ':'));
	buf_putc(out, ';');
	column++;
	dkim_put_hash(out, &column, r->body_hash);
	buf_put(out, STR(" b="));
	buf_put(&octets, r->fields);
	ok = dkim_put_signature(s->key, &octets, out, column + 3);
	buf_deinit(&octets);
	return ok;
}

static bool put_seal(struct buf *out, const struct arc_request *r, const struct dkim_signer *s,
	struct str results, struct str message_signature)
{
	size_t column = put_start(out, ARC_SEAL, r->instance);
	struct buf octets = { 0 };
	bool ok;

	dkim_put_tag(out, &column, STR(" a="), dkim_algorithm_name(s->key->algorithm));
	dkim_put_tag(out, &column, STR(" cv="), arc_cv_name(r->cv));
	put_signer(out, &column, s);
	buf_put(out, STR(" b="));
	buf_put(&octets, r->chain);
	dkim_canon_field(&octets, results, true);
	dkim_canon_field(&octets, message_signature, true);
	ok = dkim_put_signature(s->key, &octets, out, column + 3);
	buf_deinit(&octets);
	return ok;
}

enum status arc_sign(
	const struct arc_request *r, const struct dkim_signer *s, struct buf *out, struct err *err)
{
	struct buf fields[ARC_FIELDS] = { 0 };
	enum status status = arc_request_check(r, err);

	if (status != ST_OK)
		return status;
	put_results(&fields[ARC_AUTHENTICATION_RESULTS], r);
	if (put_message_signature(&fields[ARC_MESSAGE_SIGNATURE], r, s) &&
		put_seal(&fields[ARC_SEAL], r, s, buf_str(&fields[ARC_AUTHENTICATION_RESULTS]),
			buf_str(&fields[ARC_MESSAGE_SIGNATURE])))
		for (enum arc_field kind = ARC_FIELDS; kind-- > 0;)
			buf_put(out, buf_str(&fields[kind]));
	else
		status = err_set(err, ST_IO, "arc: libcrypto does not sign");
	for (enum arc_field kind = 0; kind < ARC_FIELDS; kind++)
		buf_deinit(&fields[kind]);
	return status;
}
