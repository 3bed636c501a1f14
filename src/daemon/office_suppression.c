/* Verbs of the list of recipients that were reported not to exist. */
#include "account/suppression.h"
#include "daemon/office_verbs.h"

static bool list_one(void *arg, struct str account, struct str address, int64_t at_ms)
{
	struct office_reply *r = arg;

	r->row(r, json_pack("{s:o, s:o, s:I}", "account", json_text(account), "recipient",
			  json_text(address), "at_ms", (json_int_t)at_ms));
	return true;
}

enum status verb_suppression_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	(void)q;
	return suppression_each(o->directory, list_one, r, err);
}

enum status verb_suppression_del(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct str account, recipient;
	enum status status = request_str(q, "account", &account, err);

	(void)r;
	if (status == ST_OK)
		status = request_str(q, "recipient", &recipient, err);
	return status == ST_OK ? suppression_del(o->directory, account, recipient, err) : status;
}
