/* restante config */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "daemon/control.h"

static struct config *load(struct cmd *c, int *code)
{
	struct err err = { ST_OK, "" };
	struct config *config = NULL;

	*code = EX_OK;
	if (state_check_version(c->state, &err) == ST_OK)
		config = config_load(c->state, &err);
	if (config == NULL)
		*code = cmd_fail(c, err.code == ST_USAGE ? EX_CONFIG : err_exit_code(err.code),
			"%s", err.text);
	return config;
}

static void warn(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "restante: config: warning: %s\n", text);
}

static void check_file(const struct cmd *c, const char *name)
{
	char *path, *text;

	if (name[0] == '\0')
		return;
	if (asprintf(&path, "%s%s%s", name[0] == '/' ? "" : c->state, name[0] == '/' ? "" : "/",
		    name) < 0)
		abort();
	if (access(path, R_OK) != 0 && asprintf(&text, "%s cannot be read", path) >= 0) {
		warn(NULL, text);
		free(text);
	}
	free(path);
}

int cmd_config_check(struct cmd *c)
{
	int code;
	struct config *config = load(c, &code);

	if (config == NULL)
		return code;
	config_warnings(config, warn, NULL);
	check_file(c, config->tls_certificate);
	check_file(c, config->tls_key);
	for (size_t i = 0; i < config->certificate_count; i++) {
		check_file(c, config->certificates[i].certificate);
		check_file(c, config->certificates[i].key);
	}
	check_file(c, config->client_ca_file);
	check_file(c, config->tls_ca_file);
	check_file(c, config->dnssec_trust_anchor);
	config_free(config);
	printf("%s/restante.conf is valid\n", c->state);
	return output_end(c);
}

int cmd_config_show(struct cmd *c)
{
	int code;
	struct config *config = load(c, &code);
	struct buf text;

	if (config == NULL)
		return code;
	buf_init(&text, 0);
	config_print(&text, config, cmd_has(c, OPTION_JSON));
	fwrite(buf_str(&text).p, 1, text.len, stdout);
	buf_deinit(&text);
	config_free(config);
	return output_end(c);
}

int cmd_config_defaults(struct cmd *c)
{
	static const struct column columns[] = {
		{ "setting", "SETTING", false },
		{ "default", "DEFAULT", false },
		{ "range", "RANGE", false },
		{ "help", "MEANING", false },
	};
	json_t *rows = json_array();
	struct config_row_text r;

	for (size_t i = 0; config_row(i, &r); i++)
		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:s, s:s}", "setting", r.name, "default",
				      r.fallback, "range", r.range, "help", r.help));
	output_rows(c, rows, columns, 4);
	json_decref(rows);
	return output_end(c);
}
