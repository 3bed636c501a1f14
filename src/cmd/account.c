/* restante account */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "account/account.h"
#include "base/mem.h"
#include "cmd/account_from.h"
#include "cmd/cmd.h"
#include "cmd/password.h"

static const struct column columns[] = {
	{ "address", "ADDRESS", false },
	{ "disabled", "DISABLED", false },
	{ "messages", "MESSAGES", true },
	{ "octets", "OCTETS", true },
	{ "quota_messages", "QUOTA MESSAGES", true },
	{ "quota_bytes", "QUOTA BYTES", true },
	{ "created", "CREATED", false },
};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* A generated password is told once, here, and nowhere else. */
static void tell_done(const struct cmd *c, const char *generated)
{
	if (cmd_has(c, OPTION_JSON)) {
		json_t *o = json_pack("{s:s}", "address", c->args[0]);

		if (generated[0] != '\0')
			json_object_set_new(o, "password", json_string(generated));
		json_dumpf(o, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(o);
	} else if (generated[0] != '\0') {
		printf("%s\n", generated);
	}
}

/* --quota-bytes and --quota-messages as numbers of account.h; a request without them keeps what is. */
static int add_quotas(struct cmd *c, json_t *q)
{
	const struct {
		enum option_id id;
		const char *option, *text, *key;
	} rows[] = {
		{ OPTION_QUOTA_BYTES, "--quota-bytes", c->value[OPTION_QUOTA_BYTES],
			"quota_bytes" },
		{ OPTION_QUOTA_MESSAGES, "--quota-messages", c->value[OPTION_QUOTA_MESSAGES],
			"quota_messages" },
	};

	for (size_t i = 0; i < 2; i++) {
		int64_t n;

		if (!cmd_has(c, rows[i].id))
			continue;
		if (!value_quota(str_c(rows[i].text), rows[i].id == OPTION_QUOTA_BYTES, &n))
			return cmd_fail(c, EX_USAGE, "%s %s: give a number, none or default",
				rows[i].option, rows[i].text);
		json_object_set_new(q, rows[i].key, json_integer(n));
	}
	return EX_OK;
}

int cmd_retention(struct cmd *c, json_t *q)
{
	struct str text = str_c(c->value[OPTION_RETENTION_DAYS]);
	uint64_t days = 0;

	if (!cmd_has(c, OPTION_RETENTION_DAYS))
		return EX_OK;
	if (str_eq(text, STR("never")))
		json_object_set_new(q, "retention_days", json_integer(RETENTION_NEVER));
	else if (str_eq(text, STR("default")))
		json_object_set_new(q, "retention_days", json_integer(RETENTION_DEFAULT));
	else if (str_u64(text, &days) && days >= 1 && days <= RETENTION_DAYS_MAX)
		json_object_set_new(q, "retention_days", json_integer((json_int_t)days));
	else
		return cmd_fail(c, EX_USAGE,
			"--retention-days %.40s: give 1 to %d days, never or default", text.p,
			RETENTION_DAYS_MAX);
	return EX_OK;
}

int cmd_account_defaults(struct cmd *c, json_t *q)
{
	int code = add_quotas(c, q);

	return code == EX_OK ? cmd_retention(c, q) : code;
}

static int with_password(struct cmd *c, const char *verb)
{
	char generated[32];
	json_t *credentials = NULL,
	       *q = json_pack("{s:s, s:s}", "verb", verb, "address", c->args[0]);
	int code = cmd_account_defaults(c, q);

	if (code == EX_OK)
		code = password_new(c, generated, &credentials);
	else
		generated[0] = '\0';
	json_object_set_new(q, "credentials", credentials);
	if (code == EX_OK)
		code = cmd_do(c, q);
	else
		json_decref(q);
	if (code == EX_OK) {
		tell_done(c, generated);
		code = output_end(c);
	}
	mem_wipe(generated, sizeof generated);
	return code;
}

static int with_address(struct cmd *c, const char *verb)
{
	return cmd_do(c, json_pack("{s:s, s:s}", "verb", verb, "address", c->args[0]));
}

int cmd_account_add(struct cmd *c)
{
	if (cmd_has(c, OPTION_FROM) && c->nargs == 0)
		return account_add_from(c);
	if (cmd_has(c, OPTION_FROM) || c->nargs != 1)
		return cmd_fail(c, EX_USAGE, "give either one address or --from FILE");
	return with_password(c, "account.add");
}

int cmd_account_passwd(struct cmd *c)
{
	return with_password(c, "account.passwd");
}

int cmd_account_set(struct cmd *c)
{
	json_t *q = json_pack("{s:s, s:s}", "verb", "account.set", "address", c->args[0]);
	int code = EX_OK;

	if (!cmd_has(c, OPTION_QUOTA_BYTES) && !cmd_has(c, OPTION_QUOTA_MESSAGES) &&
		!cmd_has(c, OPTION_RETENTION_DAYS) && !cmd_has(c, OPTION_HAND_OUT))
		code = cmd_fail(c, EX_USAGE, "nothing to change: see restante account set --help");
	if (cmd_has(c, OPTION_HAND_OUT))
		json_object_set_new(q, "pop3_folders", json_string(c->value[OPTION_HAND_OUT]));
	if (code == EX_OK)
		code = cmd_account_defaults(c, q);
	if (code == EX_OK)
		return cmd_do(c, q);
	json_decref(q);
	return code;
}

int cmd_account_del(struct cmd *c)
{
	return with_address(c, "account.del");
}

int cmd_account_disable(struct cmd *c)
{
	return with_address(c, "account.disable");
}

int cmd_account_enable(struct cmd *c)
{
	return with_address(c, "account.enable");
}

int cmd_account_list(struct cmd *c)
{
	return cmd_pages(c, json_pack("{s:s}", "verb", "account.list"), columns, COLUMNS);
}

int cmd_account_show(struct cmd *c)
{
	static const struct column show[] = {
		{ "address", "ADDRESS", false },
		{ "disabled", "DISABLED", false },
		{ "messages", "MESSAGES", true },
		{ "octets", "OCTETS", true },
		{ "quota_messages", "QUOTA MESSAGES", true },
		{ "quota_bytes", "QUOTA BYTES", true },
		{ "retention_days", "RETENTION DAYS", true },
		{ "junk", "JUNK", true },
		{ "pop3_folders", "POP3 FOLDERS", false },
		{ "created", "CREATED", false },
		{ "login", "LAST LOGIN", false },
		{ "login_ip", "FROM", false },
		{ "login_tls", "TLS", false },
		{ "login_mechanism", "MECHANISM", false },
		{ "login_protocol", "PROTOCOL", false },
		{ "login_app", "APPLICATION", false },
		{ "password_changed", "PASSWORD SET", false },
		{ "aliases", "ALIASES", false },
	};
	return cmd_rows(c, json_pack("{s:s, s:s}", "verb", "account.show", "address", c->args[0]),
		show, sizeof show / sizeof *show);
}

int cmd_account_capture(struct cmd *c)
{
	static const struct column show[] = {
		{ "address", "ADDRESS", false },
		{ "capture", "CAPTURE", false },
		{ "directory", "DIRECTORY", false },
	};
	return cmd_rows(c,
		json_pack("{s:s, s:s, s:s}", "verb", "account.capture", "address", c->args[0],
			"capture", c->args[1]),
		show, sizeof show / sizeof *show);
}
