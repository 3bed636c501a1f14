/* fetch --full ID: the rest of a message whose beginning is here.
 *
 * It comes whole, under an id of its own; then the beginning is deleted.  A crash between the two leaves both, and the
 * same command mends it. */
#include <sysexits.h>

#include "cmd/fetch.h"
#include "cmd/reading.h"

int fetch_full_find(struct cmd *c, struct buf *remote, struct buf *id)
{
	struct library_row row;
	struct err err = { ST_OK, "" };
	struct reading r;
	int code = reading_open(&r, c, c->args, c->nargs);

	if (code == EX_OK && library_get(r.library, buf_str(&r.accounts),
				     str_c(c->value[OPTION_FULL]), &row, &err) != ST_OK)
		code = cmd_fail_err(c, &err);
	if (code == EX_OK) {
		buf_put(remote, reading_name(row.account));
		buf_put(id, row.id);
	}
	reading_close(&r);
	return code;
}

/* Of all that is listed only this one.  A server's new UIDL changes nothing: the office knows it by its id. */
void fetch_full_choose(struct fetch *f, struct fetch_message *m, const json_t *seen)
{
	const char *id = json_string_value(json_array_get(seen, 3));
	char stub[MSGID_TEXT + 1];

	msgid_text(remote_id(f->maildrop, fetch_uidl(f, m), true), stub);
	m->action = str_eq(str_c(stub), f->full) || (str_eq(str_c(id), f->full) &&
							    json_integer_value(json_array_get(
								    seen, 0)) == REMOTE_SEEN_STUB)
			    ? FETCH_WHOLE
			    : FETCH_KEEP;
	m->doubted = m->action == FETCH_WHOLE;
	f->found = f->found || m->action == FETCH_WHOLE || str_eq(str_c(id), f->full);
}

enum status fetch_full_check(const struct fetch *f, struct err *err)
{
	if (!str_eq(str_c(f->remote->delivery), STR("store")))
		return err_set(err, ST_USAGE, "delivery is %.100s, not store", f->remote->delivery);
	return f->found ? ST_OK : err_set(err, ST_NOTFOUND, "the server has this message no more");
}

enum status fetch_full_end(struct fetch *f, struct err *err)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->messages[i].stored)
			return fetch_ask(f,
				json_pack("{s:s, s:s%, s:[s%]}", "verb", "mailbox.expunge",
					"address", f->address.data, f->address.len, "ids",
					f->full.p, f->full.n),
				err);
	return ST_OK;
}
