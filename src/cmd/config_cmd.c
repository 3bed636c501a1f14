/* restante config */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/cmd.h"
#include "daemon/control.h"
#include "daemon/parent.h"
#include "net/cert_validity.h"

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

/* A certificate with its key, as an edge will take them.  What cannot be read was told. */
static int check_pair(struct cmd *c, const struct config *config, const char *certificate,
	const char *key, struct buf *cert)
{
	struct buf secret = { 0 };
	struct err err = { ST_OK, "" };
	struct tls_server *probe;
	struct tls_pair pair;
	int code = EX_OK;

	if (parent_read_file(c->state, certificate, cert, NULL) == ST_OK &&
		parent_read_file(c->state, key, &secret, NULL) == ST_OK) {
		pair = (struct tls_pair){ buf_str(cert), buf_str(&secret) };
		probe = tls_server_new(&pair, 1, str_c(config->tls_min_version), STR(""), &err);
		if (probe == NULL)
			code = cmd_fail(c, EX_CONFIG, "%s: %s", certificate, err.text);
		tls_server_unref(probe);
	}
	buf_wipe(&secret);
	return code;
}

static int check_certificates(struct cmd *c, const struct config *config)
{
	struct buf texts[TLS_PAIRS_MAX] = { 0 };
	struct cert_file files[TLS_PAIRS_MAX];
	size_t count = 0;
	int code = EX_OK;

	for (size_t i = 0; i <= config->certificate_count && i < TLS_PAIRS_MAX; i++) {
		const char *cert =
			i == 0 ? config->tls_certificate : config->certificates[i - 1].certificate;
		const char *key = i == 0 ? config->tls_key : config->certificates[i - 1].key;
		int one = check_pair(c, config, cert, key, &texts[count]);

		code = code == EX_OK ? one : code;
		files[count] = (struct cert_file){ cert, buf_str(&texts[count]) };
		count++;
	}
	cert_validity(files, count, config->hostname, clock_wall_ms(), warn, NULL);
	for (size_t i = 0; i < count; i++)
		buf_deinit(&texts[i]);
	return code;
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
	code = check_certificates(c, config);
	config_free(config);
	if (code != EX_OK)
		return code;
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
