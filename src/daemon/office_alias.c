/* Verbs of aliases and domains. */
#include <stdlib.h>

#include "account/dkim_keys.h"
#include "base/mem.h"
#include "daemon/office_verbs.h"

static enum status targets_get(const json_t *q, struct str **targets, size_t *n, struct err *err)
{
	const json_t *array = json_object_get(q, "targets"), *v;
	size_t i;

	*n = json_array_size(array);
	*targets = mem_array(NULL, *n, sizeof **targets);
	json_array_foreach(array, i, v)
	{
		if (!json_is_string(v))
			return err_set(err, ST_USAGE, "the request's targets are malformed");
		(*targets)[i] = str_of(json_string_value(v), json_string_length(v));
	}
	return ST_OK;
}

typedef enum status change(struct directory *d, struct str alias, const struct str *targets,
	size_t n, struct err *err);

static enum status change_alias(struct office *o, const json_t *q, change *apply, struct err *err)
{
	struct str alias, *targets = NULL;
	size_t n = 0;
	enum status status = request_str(q, "alias", &alias, err);

	if (status == ST_OK)
		status = targets_get(q, &targets, &n, err);
	if (status == ST_OK)
		status = apply(o->directory, alias, targets, n, err);
	free(targets);
	return status;
}

enum status verb_alias_add(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	(void)r;
	return change_alias(o, q, alias_add, err);
}

enum status verb_alias_del(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	(void)r;
	return change_alias(o, q, alias_del, err);
}

static bool list_alias(void *arg, struct str alias, struct str target)
{
	struct office_reply *r = arg;

	r->row(r, json_pack("{s:o, s:o}", "alias", json_text(alias), "target", json_text(target)));
	return true;
}

enum status verb_alias_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	(void)q;
	return alias_each(o->directory, list_alias, r, err);
}

enum status verb_domain_add(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct str domain, of;
	enum status status = request_str(q, "domain", &domain, err);

	(void)r;
	if (status != ST_OK)
		return status;
	if (request_str(q, "alias_of", &of, NULL) == ST_OK)
		return directory_domain_alias(o->directory, domain, of, err);
	return directory_domain_add(o->directory, domain, err);
}

enum status verb_domain_del(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct str domain;
	enum status status = request_str(q, "domain", &domain, err);

	(void)r;
	return status == ST_OK ? directory_domain_del(o->directory, domain, err) : status;
}

enum status verb_domain_set(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct str domain;
	bool given;
	int64_t days;
	enum status status = request_str(q, "domain", &domain, err);

	(void)r;
	if (status == ST_OK)
		status = request_retention(q, &given, &days, err);
	if (status == ST_OK && !given)
		status = err_set(err, ST_USAGE, "nothing to change");
	if (status != ST_OK)
		return status;
	return directory_domain_set_retention(o->directory, domain, days, err);
}

/* What it says itself: days, "never", or "default". */
static json_t *own_retention(int64_t days)
{
	if (days == RETENTION_DEFAULT || days == RETENTION_NEVER)
		return json_string(days == RETENTION_NEVER ? "never" : "default");
	return json_integer(days);
}

struct domain_list {
	struct office *office;
	struct office_reply *reply;
	enum status status;
	struct err *err;
};

/* The key that matters most: one that signs, else one that cannot, for its state is not the domain's wish. */
static bool see_key(void *arg, const struct dkim_row *key)
{
	static const struct str order[] = { STR_INIT("none"), STR_INIT("retired"),
		STR_INIT("prepared"), STR_INIT("broken"), STR_INIT("signing") };
	struct str *most = arg, state = office_dkim_state(key);
	size_t is = 0, was = 0;

	while (!str_eq(order[is], state))
		is++;
	while (!str_eq(order[was], *most))
		was++;
	if (is > was)
		*most = state;
	return !str_eq(state, STR("signing"));
}

static bool list_domain(void *arg, const struct domain *d)
{
	struct domain_list *l = arg;
	struct str dkim = STR("none");

	l->status = dkim_keys_each(l->office->directory, d->name, see_key, &dkim, l->err);
	if (l->status != ST_OK)
		return false;
	l->reply->row(l->reply, json_pack("{s:o, s:o, s:o, s:o}", "domain", json_text(d->name),
					"alias_of", json_text(d->alias_of), "retention_days",
					own_retention(d->retention_days), "dkim", json_text(dkim)));
	return true;
}

enum status verb_domain_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct domain_list l = { o, r, ST_OK, err };
	enum status status = directory_domain_each(o->directory, list_domain, &l, err);

	(void)q;
	return status != ST_OK ? status : l.status;
}
