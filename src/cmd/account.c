/* restante account */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/password.h"

static const struct column columns[] = {
	{"address",   "ADDRESS",  false},
	{ "disabled", "DISABLED", false},
	{ "messages", "MESSAGES", true },
	{ "octets",   "OCTETS",   true },
	{ "created",  "CREATED",  false},
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

static int with_password(struct cmd *c, const char *verb)
{
	char generated[32];
	json_t *credentials = NULL;
	int code = password_new(c, generated, &credentials);

	if (code == EX_OK)
		code = cmd_do(c, json_pack("{s:s, s:s, s:o}", "verb", verb, "address", c->args[0],
					 "credentials", credentials));
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
	return with_password(c, "account.add");
}

int cmd_account_passwd(struct cmd *c)
{
	return with_password(c, "account.passwd");
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
	struct cmd_result result = { .octets = NULL };
	int code = cmd_call(c, json_pack("{s:s}", "verb", "account.list"), &result);

	if (code == EX_OK) {
		output_rows(c, result.rows, columns, COLUMNS);
		code = output_end(c);
	}
	json_decref(result.rows);
	return code;
}

int cmd_account_show(struct cmd *c)
{
	static const struct column show[] = {
		{"address",           "ADDRESS",      false},
		{ "disabled",         "DISABLED",     false},
		{ "messages",         "MESSAGES",     true },
		{ "octets",           "OCTETS",       true },
		{ "created",          "CREATED",      false},
		{ "password_changed", "PASSWORD SET", false},
		{ "aliases",          "ALIASES",      false},
	};
	struct cmd_result result = { .octets = NULL };
	int code = cmd_call(
		c, json_pack("{s:s, s:s}", "verb", "account.show", "address", c->args[0]), &result);

	if (code == EX_OK) {
		output_rows(c, result.rows, show, sizeof show / sizeof *show);
		code = output_end(c);
	}
	json_decref(result.rows);
	return code;
}

int cmd_account_capture(struct cmd *c)
{
	static const struct column show[] = {
		{"address",    "ADDRESS",   false},
		{ "capture",   "CAPTURE",   false},
		{ "directory", "DIRECTORY", false},
	};
	struct cmd_result result = { .octets = NULL };
	int code = cmd_call(c,
		json_pack("{s:s, s:s, s:s}", "verb", "account.capture", "address", c->args[0],
			"capture", c->args[1]),
		&result);

	if (code == EX_OK) {
		output_rows(c, result.rows, show, sizeof show / sizeof *show);
		code = output_end(c);
	}
	json_decref(result.rows);
	return code;
}
