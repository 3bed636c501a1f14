/* The verb about whom an account has written to.  Only hashes of them are kept: who asks has to name them. */
#include "account/correspondent.h"
#include "base/clock.h"
#include "daemon/office_verbs.h"

static enum status tell_numbers(
	struct office *o, const struct correspondent *c, struct office_reply *r, struct err *err)
{
	int64_t known, fresh, most = o->config->account_new_recipients_per_day;
	enum status status = correspondent_count(o->directory, c->account, 0, &known, err);

	if (status == ST_OK)
		status = correspondent_count(
			o->directory, c->account, c->now_ms - CORRESPONDENT_DAY_MS, &fresh, err);
	if (status == ST_OK)
		r->row(r, json_pack("{s:I, s:I, s:o}", "known", (json_int_t)known, "new",
				  (json_int_t)fresh, "new_most",
				  most == 0 ? json_null() : json_integer(most)));
	return status;
}

static enum status tell_one(
	struct office *o, const struct correspondent *c, struct office_reply *r, struct err *err)
{
	int64_t since_ms;
	enum status status = correspondent_since(o->directory, c, &since_ms, err);

	if (status == ST_OK)
		r->row(r, json_pack("{s:o, s:s, s:o}", "recipient", json_text(c->address), "known",
				  since_ms != 0 ? "yes" : "no", "since",
				  since_ms != 0 ? json_time(since_ms) : json_null()));
	return status;
}

static enum status import(struct office *o, struct correspondent *c, const json_t *recipients,
	struct office_reply *r, struct err *err)
{
	int64_t known;
	enum status status = correspondent_count(o->directory, c->account, 0, &known, err);
	int64_t room = c->kept - known;
	const json_t *one;
	size_t i;

	if (status == ST_OK)
		status = directory_batch_begin(o->directory, err);
	if (status != ST_OK)
		return status;
	json_array_foreach(recipients, i, one)
	{
		struct err why = { ST_OK, "" };

		c->address = str_of(json_string_value(one), json_string_length(one));
		if (correspondent_import(o->directory, c, &room, &why) != ST_OK)
			r->row(r, json_pack("{s:I, s:o}", "number", (json_int_t)i, "error",
					  json_text(str_c(why.text))));
	}
	return directory_batch_end(o->directory, err);
}

/* {"recipients": [..]}: are they known?  With "import" they are from now on, and there is a row for each that cannot
 * be.  None: numbers. */
enum status verb_account_correspondents(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	const json_t *recipients = json_object_get(q, "recipients"), *one;
	struct correspondent c = { .now_ms = clock_steady_ms(), .kept = CORRESPONDENTS_KEPT };
	struct str address;
	struct account a;
	enum status status = request_str(q, "address", &address, err);
	size_t i;

	if (status == ST_OK)
		status = account_get(o->directory, address, &a, err);
	if (status != ST_OK)
		return status;
	c.account = a.id;
	if (json_is_true(json_object_get(q, "import")))
		return import(o, &c, recipients, r, err);
	if (json_array_size(recipients) == 0)
		return tell_numbers(o, &c, r, err);
	json_array_foreach(recipients, i, one)
	{
		c.address = str_of(json_string_value(one), json_string_length(one));
		status = tell_one(o, &c, r, err);
		if (status != ST_OK)
			break;
	}
	return status;
}
