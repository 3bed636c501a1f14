/* Verbs of the client certificates that open an account. */
#include "base/codec.h"
#include "daemon/office_verbs.h"
#include "net/spki.h"

_Static_assert((int)SPKI_DIGEST == (int)CERTIFICATE_KEY, "one digest");

static enum status request_key(
	const json_t *q, struct str *address, unsigned char key[CERTIFICATE_KEY], struct err *err)
{
	struct str text;
	enum status status = request_str(q, "address", address, err);

	if (status == ST_OK)
		status = request_str(q, "key", &text, err);
	if (status == ST_OK && !spki_of_text(text, key))
		status = err_set(err, ST_USAGE, "the request's \"key\" is malformed");
	return status;
}

enum status verb_cert_add(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	unsigned char key[CERTIFICATE_KEY];
	struct str address, name;
	enum status status = request_key(q, &address, key, err);

	(void)r;
	if (status == ST_OK)
		status = request_str(q, "name", &name, err);
	return status == ST_OK ? certificate_add(o->directory, address, key, name, err) : status;
}

enum status verb_cert_del(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	unsigned char key[CERTIFICATE_KEY];
	struct str address;
	enum status status = request_key(q, &address, key, err);

	(void)r;
	return status == ST_OK ? certificate_del(o->directory, address, key, err) : status;
}

static bool list_one(void *arg, const struct certificate *c)
{
	struct office_reply *r = arg;
	struct buf key = { 0 };

	hex_put(&key, str_of(c->key, sizeof c->key));
	r->row(r, json_pack("{s:o, s:o, s:o}", "key", json_text(buf_str(&key)), "name",
			  json_text(str_c(c->name)), "added", json_time(c->added_ms)));
	buf_deinit(&key);
	return true;
}

enum status verb_cert_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct str address;
	enum status status = request_str(q, "address", &address, err);

	return status == ST_OK ? certificate_each(o->directory, address, list_one, r, err) : status;
}
