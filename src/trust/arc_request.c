/* A request to seal, made of a message. */
#include "trust/arc_internal.h"

struct str arc_covered(size_t i)
{
	if (i < DKIM_COVERED)
		return dkim_covered[i].name;
	return i == DKIM_COVERED ? STR("DKIM-Signature") : STR(""); /* RFC 8617 4.1.2: SHOULD */
}

/* What our message signature covers; From once more, so that nobody adds another.  At DKIM_NAMED_MAX it
 * ends, and arc_request_check() refuses it. */
static void put_covered(struct arc *a, struct buf *names, struct buf *fields)
{
	const struct field *field;
	struct str name;
	size_t named = 0;

	dkim_message_choose_anew(&a->message);
	for (size_t i = 0; (name = arc_covered(i)).n > 0; i++)
		while (named < DKIM_NAMED_MAX &&
			(field = dkim_message_choose(&a->message, name)) != NULL) {
			named++;
			buf_put(names, name);
			buf_putc(names, ':');
			dkim_canon_field(fields, field->whole, true);
		}
	buf_put(names, STR("From"));
}

enum status arc_request_of(struct arc *a, struct str results, struct arc_request *r,
	struct buf *space, struct err *err)
{
	struct buf name = { 0 }, fields = { 0 };
	bool pending = arc_wants(a, &name);
	size_t names;

	buf_deinit(&name);
	if (pending || a->temporary)
		return err_set(err, ST_TEMP, "arc: the chain is not validated");
	if (a->message.too_long)
		return err_set(err, ST_PERM, "arc: too much of a header");
	if (a->marked) /* RFC 8617 5.1 step 2 */
		return err_set(err, ST_PERM, "arc: the chain is sealed as broken");
	if (a->instances == ARC_INSTANCES_MAX)
		return err_set(err, ST_PERM, "arc: the chain is full");
	*r = (struct arc_request){
		.instance = a->instances + 1,
		.cv = arc_result(a),
		.results = results,
	};
	memcpy(r->body_hash, a->bodies[true].digest, sizeof r->body_hash);
	buf_clear(space);
	put_covered(a, space, &fields);
	names = space->len;
	buf_put(space, buf_str(&fields));
	if (r->cv == ARC_PASS) /* else the new set alone (5.1.2) */
		buf_put(space, buf_str(&a->chain));
	r->names = str_head(buf_str(space), names);
	r->fields = str_head(str_from(buf_str(space), names), fields.len);
	r->chain = str_from(buf_str(space), names + fields.len);
	buf_deinit(&fields);
	return arc_request_check(r, err);
}
