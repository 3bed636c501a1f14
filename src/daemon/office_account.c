/* Verbs of accounts. */
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/list.h"
#include "base/mem.h"
#include "daemon/office_verbs.h"

enum { LIST_MAX = 1000 };

static bool key_get(const json_t *o, const char *name, unsigned char *to, size_t n)
{
	const json_t *v = json_object_get(o, name);
	struct buf octets;
	bool ok;

	if (!json_is_string(v))
		return false;
	buf_init(&octets, 64);
	ok = base64_get(str_of(json_string_value(v), json_string_length(v)), &octets) &&
	     octets.len == n;
	if (ok)
		memcpy(to, buf_str(&octets).p, n);
	buf_wipe(&octets);
	return ok;
}

/* {"hash": .., "iterations": .., "salt", "stored_key", "server_key": base64}: made by the client
 * with password_make(), so that this process never waits for a hash.  No iterations: no keys for SCRAM. */
static enum status credentials_get(const json_t *q, struct credentials *c, struct err *err)
{
	const json_t *o = json_object_get(q, "credentials");
	json_int_t iterations = json_integer_value(json_object_get(o, "iterations"));
	struct str hash = { "", 0 };

	memset(c, 0, sizeof *c);
	if (request_str(o, "hash", &hash, err) != ST_OK)
		return ST_USAGE;
	if (hash.n >= sizeof c->hash ||
		(iterations != 0 && (iterations < 4096 || iterations > 100000000)) ||
		!key_get(o, "salt", c->scram_salt, sizeof c->scram_salt) ||
		!key_get(o, "stored_key", c->scram_stored_key, sizeof c->scram_stored_key) ||
		!key_get(o, "server_key", c->scram_server_key, sizeof c->scram_server_key))
		return err_set(err, ST_USAGE, "the request's credentials are malformed");
	memcpy(c->hash, hash.p, hash.n);
	c->scram_iterations = (unsigned)iterations;
	return ST_OK;
}

static enum status domain_is_here(struct office *o, struct str address, struct err *err)
{
	size_t at = str_rfind(address, '@');
	struct str domain = str_from(address, at + 1);

	if (at == address.n || domain.n == 0 || at == 0)
		return err_set(err, ST_USAGE, "'%.*s' is no address: give local-part@domain",
			STR_ARG(str_head(address, 100)));
	switch (directory_is_local_domain(o->directory, domain)) {
	case SAID_YES: return ST_OK;
	case SAID_NOTHING: return err_set(err, ST_IO, "directory: it cannot be read now");
	case SAID_NO: break;
	}
	return err_set(err, ST_NOTFOUND,
		"the domain %.*s is not one of this office: first run restante domain add %.*s",
		STR_ARG(str_head(domain, 80)), STR_ARG(str_head(domain, 80)));
}

/* A number, or null: no limit. */
static json_t *quota_json(int64_t own, int64_t fallback)
{
	int64_t quota = own == QUOTA_DEFAULT ? fallback : own;

	return quota == QUOTA_NONE ? json_null() : json_integer(quota);
}

/* The same. */
static json_t *retention_json(const struct office *o, int64_t days)
{
	if (days == RETENTION_DEFAULT)
		days = o->config->retention_days;
	return days > 0 ? json_integer(days) : json_null();
}

/* QUOTA_KEEP when the request says nothing. */
static enum status quota_get(const json_t *q, const char *key, int64_t *out, struct err *err)
{
	const json_t *v = json_object_get(q, key);

	*out = QUOTA_KEEP;
	if (v == NULL)
		return ST_OK;
	*out = json_integer_value(v);
	if (json_is_integer(v) && *out >= QUOTA_DEFAULT)
		return ST_OK;
	return err_set(err, ST_USAGE, "the request's \"%s\" is malformed", key);
}

static enum status set_quotas(
	struct office *o, const json_t *q, struct str address, struct err *err)
{
	int64_t bytes, messages;
	enum status status = quota_get(q, "quota_bytes", &bytes, err);

	if (status == ST_OK)
		status = quota_get(q, "quota_messages", &messages, err);
	if (status != ST_OK || (bytes == QUOTA_KEEP && messages == QUOTA_KEEP))
		return status;
	return account_set_quota(o->directory, address, bytes, messages, err);
}

enum status request_retention(const json_t *q, bool *given, int64_t *days, struct err *err)
{
	const json_t *v = json_object_get(q, "retention_days");

	*given = v != NULL;
	*days = json_integer_value(v);
	if (v == NULL || (json_is_integer(v) && *days >= RETENTION_DEFAULT && *days != 0 &&
				 *days <= RETENTION_DAYS_MAX))
		return ST_OK;
	return err_set(err, ST_USAGE, "the request's \"retention_days\" is malformed");
}

static enum status set_retention(
	struct office *o, const json_t *q, struct str address, struct err *err)
{
	bool given;
	int64_t days;
	enum status status = request_retention(q, &given, &days, err);

	if (status != ST_OK || !given)
		return status;
	return account_set_retention(o->directory, address, days, err);
}

/* *folders: as the directory has them; .p NULL when the request says nothing. */
static enum status folders_get(const json_t *q, struct str *folders, struct err *err)
{
	static const struct str words[] = { STR_INIT("inbox"), STR_INIT("inbox+junk"),
		STR_INIT("all"), STR_INIT("default") };
	struct str word;

	*folders = (struct str){ 0 };
	if (json_object_get(q, "pop3_folders") == NULL)
		return ST_OK;
	if (request_str(q, "pop3_folders", &word, err) != ST_OK)
		return ST_USAGE;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_eq(words[i], word)) {
			*folders = i == 3 ? STR("") : words[i];
			return ST_OK;
		}
	return err_set(err, ST_USAGE, "no folders '%.*s': give inbox, inbox+junk, all or default",
		STR_ARG(str_head(word, 40)));
}

static enum status set_folders(
	struct office *o, const json_t *q, struct str address, struct err *err)
{
	struct str folders;
	enum status status = folders_get(q, &folders, err);

	if (status != ST_OK || folders.p == NULL)
		return status;
	return account_set_folders(o->directory, address, folders, err);
}

/* Before anything is changed: a request that is refused for its last setting must not have changed the first. */
static enum status settings_hold(const json_t *q, struct err *err)
{
	int64_t number;
	struct str folders;
	bool given;
	enum status status = quota_get(q, "quota_bytes", &number, err);

	if (status == ST_OK)
		status = quota_get(q, "quota_messages", &number, err);
	if (status == ST_OK)
		status = request_retention(q, &given, &number, err);
	return status == ST_OK ? folders_get(q, &folders, err) : status;
}

enum status verb_account_set(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct str address;
	enum status status = request_str(q, "address", &address, err);

	(void)r;
	if (status == ST_OK)
		status = settings_hold(q, err);
	if (status == ST_OK)
		status = set_quotas(o, q, address, err);
	if (status == ST_OK)
		status = set_retention(o, q, address, err);
	return status == ST_OK ? set_folders(o, q, address, err) : status;
}

static json_t *account_row(struct office *o, const struct account *a)
{
	uint64_t count = 0, octets = 0, junk = 0, junk_octets = 0;
	json_t *row = json_pack("{s:s, s:I, s:b, s:o, s:o}", "address", a->address, "id",
		(json_int_t)a->id, "disabled", (int)a->disabled, "created",
		json_time(a->created_ms), "password_changed", json_time(a->password_changed_ms));
	json_object_set_new(row, "quota_bytes", quota_json(a->quota_bytes, o->config->quota_bytes));
	json_object_set_new(
		row, "quota_messages", quota_json(a->quota_messages, o->config->quota_messages));

	json_object_set_new(row, "pop3_folders",
		json_string(
			a->pop3_folders[0] != '\0' ? a->pop3_folders : o->config->pop3_folders));
	json_object_set_new(row, "retention_days", retention_json(o, a->retention_days));

	if (o->store != NULL && store_usage(o->store, a->id, &count, &octets) == STORE_OK &&
		store_usage(o->store, account_junk(a->id), &junk, &junk_octets) == STORE_OK) {
		json_object_set_new(row, "messages", json_integer((json_int_t)(count + junk)));
		json_object_set_new(
			row, "octets", json_integer((json_int_t)(octets + junk_octets)));
		json_object_set_new(row, "junk", json_integer((json_int_t)junk));
	}
	return row;
}

static enum status add_account(
	struct office *o, const json_t *q, struct str *address, struct err *err)
{
	struct credentials c;
	uint64_t id;
	enum status status = request_str(q, "address", address, err);

	if (status == ST_OK)
		status = settings_hold(q, err);
	if (status == ST_OK)
		status = domain_is_here(o, *address, err);
	if (status != ST_OK)
		return status;
	status = credentials_get(q, &c, err);
	if (status == ST_OK)
		status = account_add(o->directory, *address, &c, &id, err);
	mem_wipe(&c, sizeof c);
	if (status == ST_OK)
		status = set_quotas(o, q, *address, err);
	return status == ST_OK ? set_retention(o, q, *address, err) : status;
}

enum status verb_account_add(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct account a;
	struct str address;
	enum status status = add_account(o, q, &address, err);

	if (status == ST_OK)
		status = account_get(o->directory, address, &a, err);
	if (status == ST_OK)
		r->row(r, account_row(o, &a));
	return status;
}

/* {"accounts": [as account.add has it, with "line": n, ...]}: one transaction.  A row for each that cannot
 * be added; the others are. */
enum status verb_account_add_many(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	const json_t *accounts = json_object_get(q, "accounts"), *one;
	enum status status;
	size_t i;

	if (!json_is_array(accounts))
		return err_set(err, ST_USAGE, "the request's \"accounts\" is missing");
	status = directory_batch_begin(o->directory, err);
	if (status != ST_OK)
		return status;
	json_array_foreach(accounts, i, one)
	{
		struct err why = { ST_OK, "" };
		struct str address;

		if (add_account(o, one, &address, &why) != ST_OK)
			r->row(r, json_pack("{s:I, s:o}", "line",
					  json_integer_value(json_object_get(one, "line")), "error",
					  json_text(str_c(why.text))));
	}
	return directory_batch_end(o->directory, err);
}

struct drop {
	struct store_drop drop;
	bool done;
	enum store_result result;
};

static void on_dropped(struct store_op *op, enum store_result result)
{
	struct drop *d = LIST_OF(op, struct drop, drop.op);

	d->done = true;
	d->result = result;
}

static bool drop(struct office *o, uint64_t maildrop)
{
	struct drop d = { .drop = { .op = { .done = on_dropped }, .maildrop = maildrop } };

	store_drop(o->store, &d.drop);
	while (!d.done) {
		store_flush(o->store);
		if (!d.done)
			store_wait(o->store);
	}
	return d.result == STORE_OK || d.result == STORE_NOT_FOUND;
}

/* The account goes first: a crash in between leaves mail that nobody can reach, and the id is
 * never used again. */
enum status verb_account_del(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct str address;
	uint64_t id = 0;
	enum status status = request_str(q, "address", &address, err);
	bool inbox, junk;

	(void)r;
	if (status == ST_OK)
		status = account_del(o->directory, address, &id, err);
	if (status != ST_OK)
		return status;
	inbox = drop(o, id);
	junk = drop(o, account_junk(id));
	if (!inbox || !junk)
		return err_set(err, ST_TEMP,
			"the account is deleted, but its mail could not be: maildrop %llu stays",
			(unsigned long long)id);
	return ST_OK;
}

enum status verb_account_passwd(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct credentials c;
	struct str address;
	enum status status = request_str(q, "address", &address, err);

	(void)r;
	if (status != ST_OK)
		return status;
	status = credentials_get(q, &c, err);
	if (status == ST_OK)
		status = account_set_password(o->directory, address, &c, err);
	mem_wipe(&c, sizeof c);
	return status;
}

struct listing {
	struct office *office;
	struct office_reply *reply;
	size_t count;
	char after[sizeof((struct account *)NULL)->address]; /* of the last one */
};

static bool list_one(void *arg, const struct account *a)
{
	struct listing *l = arg;

	if (l->count == LIST_MAX) {
		l->reply->row(l->reply, json_pack("{s:s}", "after", l->after));
		return false;
	}
	l->count++;
	memcpy(l->after, a->address, sizeof l->after);
	l->reply->row(l->reply, account_row(l->office, a));
	return true;
}

/* At most LIST_MAX of them, and {"after": address} when there are more: who has a hundred thousand holds up nobody. */
enum status verb_account_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct listing l = { .office = o, .reply = r };
	struct str after = STR("");
	enum status status =
		json_object_get(q, "after") == NULL ? ST_OK : request_str(q, "after", &after, err);

	return status == ST_OK ? account_each(o->directory, after, list_one, &l, err) : status;
}

struct aliases_of {
	const char *address;
	json_t *names;
};

static bool collect_alias(void *arg, struct str alias, struct str target)
{
	struct aliases_of *a = arg;

	if (str_eq(target, str_c(a->address)))
		json_array_append_new(a->names, json_text(alias));
	return true;
}

static void add_last_login(struct office *o, uint64_t id, json_t *row)
{
	struct last_login l;
	bool found = false;

	if (account_last_login(o->directory, id, &l, &found, NULL) != ST_OK || !found)
		return;
	json_object_set_new(row, "login", json_time(l.at_ms));
	json_object_set_new(row, "login_ip", json_text(str_c(l.ip)));
	json_object_set_new(row, "login_tls", json_text(str_c(l.tls)));
	json_object_set_new(row, "login_mechanism", json_text(str_c(l.mechanism)));
	json_object_set_new(row, "login_protocol", json_text(str_c(l.protocol)));
	if (l.app[0] != '\0')
		json_object_set_new(row, "login_app", json_text(str_c(l.app)));
}

enum status verb_account_show(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct aliases_of aliases;
	struct account a;
	struct str address;
	json_t *row;
	enum status status = request_str(q, "address", &address, err);

	if (status == ST_OK)
		status = account_get(o->directory, address, &a, err);
	if (status != ST_OK)
		return status;
	aliases = (struct aliases_of){ a.address, json_array() };
	status = alias_each(o->directory, collect_alias, &aliases, err);
	row = account_row(o, &a);
	json_object_set_new(row, "aliases", aliases.names);
	add_last_login(o, a.id, row);
	if (status == ST_OK)
		r->row(r, row);
	else
		json_decref(row);
	return status;
}

static enum status set_disabled(struct office *o, const json_t *q, bool disabled, struct err *err)
{
	struct str address;
	enum status status = request_str(q, "address", &address, err);

	if (status == ST_OK)
		status = account_set_disabled(o->directory, address, disabled, err);
	return status;
}

enum status verb_account_disable(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	(void)r;
	return set_disabled(o, q, true, err);
}

enum status verb_account_enable(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	(void)r;
	return set_disabled(o, q, false, err);
}
