/* Verbs of live sessions. */
#include "daemon/office_verbs.h"

static enum status no_server(struct err *err)
{
	return err_set(err, ST_TEMP, "no server runs on this state directory");
}

static void say_session(void *arg, const struct office_session *s)
{
	struct office_reply *r = arg;

	r->row(r, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "session", json_text(s->sid),
			  "protocol", json_text(s->protocol), "user", json_text(s->user), "ip",
			  json_text(s->ip), "since", json_time(s->since_ms), "state",
			  json_text(s->state)));
}

enum status verb_who(struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	(void)q;
	if (o->sessions == NULL)
		return no_server(err);
	o->sessions->each(o->sessions, say_session, r);
	return ST_OK;
}

enum status verb_kick(struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct str what;
	struct account a;
	size_t kicked;
	enum status status = request_str(q, "session", &what, err);

	if (status != ST_OK)
		return status;
	if (o->sessions == NULL)
		return no_server(err);
	/* Sessions have the address as the directory spells it. */
	if (str_find(what, '@') < what.n) {
		status = account_get(o->directory, what, &a, err);
		if (status != ST_OK)
			return status;
		what = str_c(a.address);
	}
	kicked = o->sessions->kick(o->sessions, what);
	if (kicked == 0)
		return err_set(err, ST_NOTFOUND, "no session of %.*s: see restante who",
			STR_ARG(str_head(what, 100)));
	r->row(r, json_pack("{s:I}", "kicked", (json_int_t)kicked));
	return ST_OK;
}
