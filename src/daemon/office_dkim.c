/* Verbs of the keys that domains sign their mail with.  Their private halves stay in this process. */
#include <time.h>

#include "account/dkim_keys.h"
#include "base/clock.h"
#include "daemon/dkim_pair.h"
#include "daemon/office_verbs.h"
#include "trust/dkim.h"

static const struct str suffixes[DKIM_ALGORITHMS] = {
	[DKIM_RSA_SHA256] = STR_INIT("-rsa"),
	[DKIM_ED25519_SHA256] = STR_INIT("-ed25519"),
};
static const struct str states[] = {
	[DKIM_PREPARED] = STR_INIT("prepared"),
	[DKIM_SIGNING] = STR_INIT("signing"),
	[DKIM_RETIRED] = STR_INIT("retired"),
};

/* What the server made in a thread, or made here when none runs. */
static enum status pair_made(struct office *o, struct err *err)
{
	if (o->pair == NULL)
		o->pair = dkim_pair_new();
	if (!o->pair->made && o->pair->err.code == ST_OK)
		dkim_pair_make(o->pair);
	return o->pair->made ? ST_OK : err_set(err, o->pair->err.code, "%s", o->pair->err.text);
}

static enum status pair_add(struct office *o, struct str domain, struct str selector,
	int64_t active_ms, struct err *err)
{
	struct buf selectors[DKIM_ALGORITHMS] = { 0 };
	struct dkim_row rows[DKIM_ALGORITHMS];
	enum status status;

	for (enum dkim_algorithm a = 0; a < DKIM_ALGORITHMS; a++) {
		buf_put(&selectors[a], selector);
		buf_put(&selectors[a], suffixes[a]);
		rows[a] = (struct dkim_row){ .domain = domain,
			.selector = buf_str(&selectors[a]),
			.algorithm = (int)a,
			.private_key = buf_str(&o->pair->private_key[a]),
			.record = buf_str(&o->pair->record[a]),
			.active_ms = active_ms };
	}
	status = dkim_keys_add(o->directory, rows, DKIM_ALGORITHMS, err);
	for (size_t i = 0; i < DKIM_ALGORITHMS; i++)
		buf_deinit(&selectors[i]);
	return status;
}

/* Keys without a name are called by when they were made; what is taken makes it a second later. */
static enum status pair_add_dated(
	struct office *o, struct str domain, int64_t now_ms, int64_t active_ms, struct err *err)
{
	time_t seconds = (time_t)(now_ms / 1000), last = seconds + 60;
	struct err why = { ST_EXISTS, "" };
	char date[24];
	struct tm tm;

	for (; why.code == ST_EXISTS && seconds < last; seconds++) {
		why = (struct err){ ST_OK, "" };
		gmtime_r(&seconds, &tm);
		pair_add(o, domain, str_of(date, strftime(date, sizeof date, "%Y%m%d-%H%M%S", &tm)),
			active_ms, &why);
	}
	return why.code == ST_OK ? ST_OK : err_set(err, why.code, "%s", why.text);
}

static bool count_one(void *arg, const struct dkim_row *row)
{
	(void)row;
	return ++*(size_t *)arg != 0;
}

/* new: the domain's first, sign at once.  rotate: there are some, and they sign until the new ones do. */
static enum status add(
	struct office *o, const json_t *q, bool rotate, struct office_reply *r, struct err *err)
{
	struct str domain, selector = STR("");
	int64_t now_ms = clock_steady_ms(),
		after_ms = rotate ? json_integer_value(json_object_get(q, "after_ms")) : 0;
	size_t count = 0;
	enum status status = request_str(q, "domain", &domain, err);

	(void)r;
	if (status == ST_OK)
		status = dkim_keys_each(o->directory, domain, count_one, &count, err);
	if (status == ST_OK && rotate != (count > 0))
		status = rotate ? err_set(err, ST_NOTFOUND,
					  "%.*s has no key: `restante dkim new` makes the first",
					  STR_ARG(str_head(domain, 150)))
				: err_set(err, ST_EXISTS,
					  "%.*s has keys: `restante dkim rotate` replaces them",
					  STR_ARG(str_head(domain, 150)));
	if (status == ST_OK)
		status = pair_made(o, err);
	if (status == ST_OK)
		status = request_str(q, "selector", &selector, NULL) == ST_OK
				 ? pair_add(o, domain, selector, now_ms + after_ms, err)
				 : pair_add_dated(o, domain, now_ms, now_ms + after_ms, err);
	dkim_pair_free(o->pair);
	o->pair = NULL;
	return status;
}

enum status verb_dkim_new(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	return add(o, q, false, r, err);
}

enum status verb_dkim_rotate(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	return add(o, q, true, r, err);
}

enum status verb_dkim_activate(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct str domain;
	enum status status = request_str(q, "domain", &domain, err);

	(void)r;
	return status == ST_OK ? dkim_keys_activate(o->directory, domain, err) : status;
}

enum status verb_dkim_del(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct str domain, selector = STR("");
	enum status status = request_str(q, "domain", &domain, err);

	(void)r;
	request_str(q, "selector", &selector, NULL);
	return status == ST_OK ? dkim_keys_del(o->directory, domain, selector, err) : status;
}

/* A key that the signer cannot read leaves no trace but a line in the log: so it is read here too, 0.4 ms each. */
struct str office_dkim_state(const struct dkim_row *k)
{
	struct dkim_key *key = dkim_key_new((enum dkim_algorithm)k->algorithm, k->private_key);
	struct str state =
		key == NULL ? STR("broken") : states[dkim_row_state(k, clock_steady_ms())];

	dkim_key_free(key);
	return state;
}

static bool list_one(void *arg, const struct dkim_row *k)
{
	struct office_reply *r = arg;
	struct str algorithm = dkim_algorithm_name((enum dkim_algorithm)k->algorithm);

	r->row(r, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "domain",
			  json_text(k->domain), "selector", json_text(k->selector), "algorithm",
			  json_text(str_head(algorithm, str_find(algorithm, '-'))), "state",
			  json_text(office_dkim_state(k)), "created", json_time(k->created_ms),
			  "signs_from", json_time(k->active_ms), "signs_until",
			  k->retired_ms == 0 ? json_null() : json_time(k->retired_ms), "record",
			  json_text(k->record)));
	return true;
}

enum status verb_dkim_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct str domain = STR("");

	request_str(q, "domain", &domain, NULL);
	return dkim_keys_each(o->directory, domain, list_one, r, err);
}
