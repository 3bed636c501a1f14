/* Verbs of the keys that domains sign their mail with.  Keys are made here and their private halves stay
 * here: making one takes some tenths of a second, a few times a year. */
#include <time.h>

#include "account/dkim_keys.h"
#include "base/clock.h"
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

struct pair { /* one key of each algorithm */
	struct buf private_key[DKIM_ALGORITHMS], record[DKIM_ALGORITHMS], selector[DKIM_ALGORITHMS];
};

static void pair_deinit(struct pair *p)
{
	for (size_t i = 0; i < DKIM_ALGORITHMS; i++) {
		buf_wipe(&p->private_key[i]);
		buf_deinit(&p->record[i]);
		buf_deinit(&p->selector[i]);
	}
}

static enum status pair_make(struct pair *p, struct err *err)
{
	enum status status = ST_OK;

	*p = (struct pair){ 0 };
	for (enum dkim_algorithm a = 0; a < DKIM_ALGORITHMS && status == ST_OK; a++) {
		struct dkim_key *key;

		p->private_key[a].secret = true;
		status = dkim_key_make(a, &p->private_key[a], err);
		if (status != ST_OK)
			break;
		key = dkim_key_new(a, buf_str(&p->private_key[a]));
		if (key == NULL)
			return err_set(err, ST_IO, "no key could be made: libcrypto refused");
		dkim_key_record(key, &p->record[a]);
		dkim_key_free(key);
	}
	return status;
}

static enum status pair_add(struct office *o, struct pair *p, struct str domain,
	struct str selector, int64_t active_ms, struct err *err)
{
	struct dkim_row rows[DKIM_ALGORITHMS];

	for (enum dkim_algorithm a = 0; a < DKIM_ALGORITHMS; a++) {
		buf_clear(&p->selector[a]);
		buf_put(&p->selector[a], selector);
		buf_put(&p->selector[a], suffixes[a]);
		rows[a] = (struct dkim_row){ .domain = domain,
			.selector = buf_str(&p->selector[a]),
			.algorithm = (int)a,
			.private_key = buf_str(&p->private_key[a]),
			.record = buf_str(&p->record[a]),
			.active_ms = active_ms };
	}
	return dkim_keys_add(o->directory, rows, DKIM_ALGORITHMS, err);
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
	int64_t now_ms = clock_wall_ms(),
		after_ms = rotate ? json_integer_value(json_object_get(q, "after_ms")) : 0;
	time_t seconds = (time_t)(now_ms / 1000);
	struct pair p = { 0 };
	struct tm tm;
	char date[16];
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
		status = pair_make(&p, err);
	if (status == ST_OK && request_str(q, "selector", &selector, NULL) != ST_OK &&
		gmtime_r(&seconds, &tm) != NULL)
		selector = str_of(date, strftime(date, sizeof date, "%Y%m%d-%H%M", &tm));
	if (status == ST_OK)
		status = pair_add(o, &p, domain, selector, now_ms + after_ms, err);
	pair_deinit(&p);
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

static bool list_one(void *arg, const struct dkim_row *k)
{
	struct office_reply *r = arg;
	struct str algorithm = dkim_algorithm_name((enum dkim_algorithm)k->algorithm);

	r->row(r,
		json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "domain",
			json_text(k->domain), "selector", json_text(k->selector), "algorithm",
			json_text(str_head(algorithm, str_find(algorithm, '-'))), "state",
			json_text(states[dkim_row_state(k, clock_wall_ms())]), "created",
			json_time(k->created_ms), "signs_from", json_time(k->active_ms),
			"signs_until", k->retired_ms == 0 ? json_null() : json_time(k->retired_ms),
			"record", json_text(k->record)));
	return true;
}

enum status verb_dkim_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct str domain = STR("");

	request_str(q, "domain", &domain, NULL);
	return dkim_keys_each(o->directory, domain, list_one, r, err);
}
