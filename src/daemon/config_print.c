/* The settings as people and scripts see them: the file, JSON, rows of the manual, warnings. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "daemon/config_out.h"
#include "daemon/config_remote.h"
#include "daemon/config_route.h"
#include "daemon/config_table.h"

void config_quoted_put(struct buf *out, struct str s)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '$')
			buf_putc(out, '\\');
		buf_putc(out, s.p[i]);
	}
	buf_putc(out, '"');
}

static bool is_number(const struct config_setting *s)
{
	return s->type == CONFIG_COUNT || s->type == CONFIG_OCTETS || s->type == CONFIG_DURATION;
}

static void setting_put(struct buf *out, const struct config *c, const struct config_setting *s)
{
	struct buf value;

	buf_init(&value, 0);
	config_value_put(&value, c, s);
	buf_printf(out, "%s = ", s->name);
	if (is_number(s) || s->type == CONFIG_BOOL)
		buf_put(out, buf_str(&value));
	else
		config_quoted_put(out, buf_str(&value));
	buf_putc(out, '\n');
	buf_deinit(&value);
}

static void listen_put(struct buf *out, const struct config_listen *l)
{
	struct str protocol = config_word_at(config_protocols, l->protocol);
	struct str tls = config_word_at(config_tls_modes, l->tls);

	buf_put(out, STR("listen "));
	config_quoted_put(out, str_c(l->name));
	buf_printf(out, " {\n\tprotocol = %.*s\n\taddress = {", STR_ARG(protocol));
	for (size_t i = 0; i < l->address_count; i++)
		buf_printf(out, "%s\"%s\"", i == 0 ? "" : ", ", l->addresses[i]);
	buf_printf(out,
		"}\n\tport = %u\n\ttls = %.*s\n\ttls_tickets = %s\n\tdiscard_ehlo = ", l->port,
		STR_ARG(tls), l->tls_tickets ? "yes" : "no");
	config_quoted_put(out, str_c(l->discard_ehlo));
	buf_printf(out, "\n\tclient_certificates = %s\n\tproxy_networks = ",
		l->client_certificates ? "request" : "none");
	config_quoted_put(out, str_c(l->proxy_networks));
	buf_put(out, STR("\n}\n"));
}

static void certificate_put(struct buf *out, const struct config_certificate *c)
{
	buf_put(out, STR("certificate "));
	config_quoted_put(out, str_c(c->name));
	buf_put(out, STR(" {\n\tcertificate = "));
	config_quoted_put(out, str_c(c->certificate));
	buf_put(out, STR("\n\tkey = "));
	config_quoted_put(out, str_c(c->key));
	buf_put(out, STR("\n}\n"));
}

static json_t *setting_json(const struct config *c, const struct config_setting *s)
{
	const char *at = (const char *)c + s->at;
	struct buf value;
	json_t *v;

	if (is_number(s))
		return json_integer(*(const int64_t *)(const void *)at);
	if (s->type == CONFIG_BOOL)
		return json_boolean(*(const bool *)(const void *)at);
	buf_init(&value, 0);
	config_value_put(&value, c, s);
	v = json_stringn(buf_str(&value).p, buf_str(&value).n);
	buf_deinit(&value);
	return v;
}

static json_t *listen_json(const struct config_listen *l)
{
	struct str protocol = config_word_at(config_protocols, l->protocol);
	struct str tls = config_word_at(config_tls_modes, l->tls);
	json_t *addresses = json_array();

	for (size_t i = 0; i < l->address_count; i++)
		json_array_append_new(addresses, json_string(l->addresses[i]));
	return json_pack("{s:s, s:s%, s:o, s:i, s:s%, s:b, s:s, s:s, s:s}", "name", l->name,
		"protocol", protocol.p, protocol.n, "address", addresses, "port", (int)l->port,
		"tls", tls.p, tls.n, "tls_tickets", (int)l->tls_tickets, "discard_ehlo",
		l->discard_ehlo, "client_certificates", l->client_certificates ? "request" : "none",
		"proxy_networks", l->proxy_networks);
}

static void print_json(struct buf *out, const struct config *c)
{
	json_t *root = json_object(), *listens = json_array(), *certificates = json_array();
	char *text;

	for (size_t i = 0; i < config_settings_count; i++)
		json_object_set_new(
			root, config_settings[i].name, setting_json(c, &config_settings[i]));
	for (size_t i = 0; i < c->listen_count; i++)
		json_array_append_new(listens, listen_json(&c->listen[i]));
	json_object_set_new(root, "listen", listens);
	for (size_t i = 0; i < c->certificate_count; i++) {
		const struct config_certificate *row = &c->certificates[i];

		json_array_append_new(
			certificates, json_pack("{s:s, s:s, s:s}", "name", row->name, "certificate",
					      row->certificate, "key", row->key));
	}
	json_object_set_new(root, "certificate", certificates);
	config_routes_json(root, c);
	config_out_json(root, c);
	config_remotes_json(root, c);
	text = json_dumps(root, JSON_INDENT(2));
	buf_put(out, str_c(text));
	buf_putc(out, '\n');
	free(text);
	json_decref(root);
}

void config_print(struct buf *out, const struct config *c, bool json)
{
	if (json) {
		print_json(out, c);
		return;
	}
	for (size_t i = 0; i < config_settings_count; i++)
		setting_put(out, c, &config_settings[i]);
	for (size_t i = 0; i < c->listen_count; i++)
		listen_put(out, &c->listen[i]);
	for (size_t i = 0; i < c->certificate_count; i++)
		certificate_put(out, &c->certificates[i]);
	config_routes_put(out, c);
	config_out_put(out, c);
	config_remotes_put(out, c);
}

static void initial_listens(struct buf *out, unsigned port_offset)
{
	for (size_t i = 0; i < config_listen_kinds_count; i++)
		buf_printf(out,
			"listen %s {\n\taddress = {\"127.0.0.1\", \"::1\"}\n\tport = %u\n}\n",
			config_listen_kinds[i].name, config_listen_kinds[i].port + port_offset);
}

void config_write_initial(struct buf *out, struct str hostname, unsigned port_offset)
{
	buf_put(out,
		STR("# Restante's configuration.  Every setting may be absent; what stands after "
		    "'#'\n"
		    "# is the default.  `restante config check` reads it, SIGHUP makes the server\n"
		    "# read it again.  Sizes: 50M, 256K.  Times: 10s, 5m, 4h, 3d.\n\n"));
	buf_put(out, STR("hostname = "));
	config_quoted_put(out, hostname);
	buf_put(out, STR("\n\n"));
	if (port_offset > 0)
		initial_listens(out, port_offset);
	else
		buf_put(out,
			STR("# Without any listen section: smtp 25, submission 587, submissions "
			    "465,\n"
			    "# pop3 110 and pop3s 995 on all addresses.  With one, only those "
			    "written.\n"
			    "#listen smtp {\n#\taddress = {\"0.0.0.0\", \"::\"}\n#\tport = 25\n"
			    "#\ttls = starttls\n#}\n"));
	for (size_t i = 1; i < config_settings_count; i++) {
		const struct config_setting *s = &config_settings[i];
		bool bare = is_number(s) || s->type == CONFIG_BOOL;

		buf_printf(out, "\n# %s\n#%s = ", s->help, s->name);
		if (bare)
			buf_put(out, str_c(s->fallback));
		else
			config_quoted_put(out, str_c(s->fallback));
		buf_putc(out, '\n');
	}
}

void config_warnings(const struct config *c, void (*each)(void *arg, const char *text), void *arg)
{
	bool plain = false;

	for (size_t i = 0; i < c->listen_count; i++)
		plain |= c->listen[i].tls == LISTEN_TLS_NONE &&
			 (c->listen[i].protocol == LISTEN_SUBMISSION ||
				 c->listen[i].protocol == LISTEN_POP3);
	if (c->cleartext_auth)
		each(arg, "cleartext_auth is on: passwords may cross the network unencrypted");
	if (plain && !c->cleartext_auth)
		each(arg, "a listener for users has tls = none and cleartext_auth is off: "
			  "nobody can log in there");
	if (c->command_timeout_ms < 300000)
		each(arg, "command_timeout is less than the 5 minutes of RFC 5321 4.5.3.2.7");
	if (str_eq(str_c(c->log_level), STR("debug")))
		each(arg, "log_level is debug: the log will be large");
	if (str_find(str_c(c->hostname), '.') == str_c(c->hostname).n)
		each(arg, "hostname is not fully qualified: other servers may refuse its mail");
}

bool config_row(size_t i, struct config_row_text *row)
{
	static const struct {
		const char *prefix;
		const struct config_setting *rows;
		const size_t *count;
	} parts[] = {
		{ "", config_settings, &config_settings_count },
		{ "listen.", config_listen_settings, &config_listen_settings_count },
		{ "certificate.", config_certificate_settings, &config_certificate_settings_count },
		{ "route.", config_route_settings, &config_route_settings_count },
		{ "smarthost.", config_relay_settings, &config_relay_settings_count },
		{ "tls_policy.", config_policy_settings, &config_policy_settings_count },
		{ "source.", config_source_settings, &config_source_settings_count },
		{ "limit.", config_limit_settings, &config_limit_settings_count },
		{ "remote.", config_remote_settings, &config_remote_settings_count },
	};
	static _Thread_local char range[200], name[64];
	const struct config_setting *s;
	size_t part = 0;
	struct buf text;

	while (part < sizeof parts / sizeof *parts && i >= *parts[part].count)
		i -= *parts[part++].count;
	if (part == sizeof parts / sizeof *parts)
		return false;
	s = &parts[part].rows[i];
	buf_init(&text, sizeof range - 1);
	if (parts[part].rows == config_listen_settings && s->type == CONFIG_TEXT)
		buf_put(&text, STR("IPv4 or IPv6 addresses"));
	else
		config_range_put(&text, s);
	snprintf(range, sizeof range, "%.*s", STR_ARG(buf_str(&text)));
	buf_deinit(&text);
	snprintf(name, sizeof name, "%s%s", parts[part].prefix, s->name);
	*row = (struct config_row_text){ name, s->fallback, range, s->help };
	return true;
}
