/* Verbs of application passwords. */
#include "daemon/office_verbs.h"

static const struct {
	struct str name;
	enum login_scope scope;
} scopes[] = {
	{ STR_INIT("pop3"), LOGIN_POP3 },
	{ STR_INIT("smtp"), LOGIN_SMTP },
	{ STR_INIT("all"), LOGIN_ALL },
};
enum { SCOPES = sizeof scopes / sizeof *scopes };

static enum status scope_get(const json_t *q, enum login_scope *scope, struct err *err)
{
	struct str name;
	enum status status = request_str(q, "scope", &name, err);

	if (status != ST_OK)
		return status;
	for (size_t i = 0; i < SCOPES; i++)
		if (str_eq(scopes[i].name, name)) {
			*scope = scopes[i].scope;
			return ST_OK;
		}
	return err_set(err, ST_USAGE, "no scope '%.*s': there are pop3, smtp and all",
		STR_ARG(str_head(name, 40)));
}

enum status verb_app_password_add(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct str address, name, password;
	enum login_scope scope = LOGIN_ALL;
	int64_t expires_ms = json_integer_value(json_object_get(q, "expires_ms"));
	enum status status = request_str(q, "address", &address, err);

	(void)r;
	if (status == ST_OK)
		status = request_str(q, "name", &name, err);
	if (status == ST_OK)
		status = request_str(q, "password", &password, err);
	if (status == ST_OK)
		status = scope_get(q, &scope, err);
	/* They are kept under a fast digest, which is right for random ones only. */
	if (status == ST_OK && password.n < 16)
		status = err_set(err, ST_USAGE, "an application password is generated");
	if (status == ST_OK)
		status = app_password_add(
			o->directory, address, name, password, scope, expires_ms, err);
	return status;
}

enum status verb_app_password_del(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct str address, name;
	enum status status = request_str(q, "address", &address, err);

	(void)r;
	if (status == ST_OK)
		status = request_str(q, "name", &name, err);
	return status == ST_OK ? app_password_del(o->directory, address, name, err) : status;
}

static json_t *moment(int64_t wall_ms)
{
	return wall_ms == 0 ? json_null() : json_time(wall_ms);
}

static bool list_one(void *arg, const struct app_password *p)
{
	struct office_reply *r = arg;
	struct str scope = STR("all");

	for (size_t i = 0; i < SCOPES; i++)
		if (scopes[i].scope == p->scope)
			scope = scopes[i].name;
	r->row(r, json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", json_text(str_c(p->name)), "scope",
			  json_text(scope), "created", json_time(p->created_ms), "expires",
			  moment(p->expires_ms), "used", moment(p->used_ms)));
	return true;
}

enum status verb_app_password_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct str address;
	enum status status = request_str(q, "address", &address, err);

	if (status != ST_OK)
		return status;
	directory_flush_logins(o->directory); /* the stamps of use */
	return app_password_each(o->directory, address, list_one, r, err);
}
