/* restante.conf, read with libconfuse.  Its options are made from the table, every value goes in
 * as text through config_set(), so that a bad one is told with its line. */
#include <arpa/inet.h>
#include <confuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "daemon/config_out.h"
#include "daemon/config_remote.h"
#include "daemon/config_route.h"
#include "daemon/config_table.h"
#include "daemon/config_text.h"
#include "daemon/nearest.h"
#include "net/cidr.h"

enum { LISTEN_MAX = 64, CERTIFICATES_MAX = 63, SETTINGS_MAX = 256 };

/* listen NAME { }, smarthost { } and so on. */
struct section {
	const char *name;
	const struct config_setting *rows;
	const size_t *count;
	bool addresses; /* a text is an IP address, and there may be several */
	bool nameless;
};
static const struct section sections[] = {
	{ "listen", config_listen_settings, &config_listen_settings_count, .addresses = true },
	{ "certificate", config_certificate_settings, &config_certificate_settings_count },
	{ "route", config_route_settings, &config_route_settings_count },
	{ "sender_route", config_route_settings, &config_route_settings_count },
	{ "smarthost", config_relay_settings, &config_relay_settings_count, .nameless = true },
	{ "fallback_relay", config_relay_settings, &config_relay_settings_count, .nameless = true },
	{ "tls_policy", config_policy_settings, &config_policy_settings_count },
	{ "source", config_source_settings, &config_source_settings_count },
	{ "limit", config_limit_settings, &config_limit_settings_count },
	{ "remote", config_remote_settings, &config_remote_settings_count },
};
enum { SECTIONS = sizeof sections / sizeof *sections };

struct parse {
	struct config *config;
	const char *name;
	struct err *err;
	bool settings_seen[SETTINGS_MAX]; /* by row of config_settings */
	cfg_t *section;                   /* the one that section_seen is about */
	bool section_seen[SETTINGS_MAX];
};

/* libconfuse's callbacks carry no pointer of ours. */
static _Thread_local struct parse *parsing;

static void complain(cfg_t *cfg, struct str text)
{
	err_set(parsing->err, ST_USAGE, "%s:%d: %.*s", parsing->name, cfg->line, STR_ARG(text));
}

static const struct section *section_of(const cfg_t *cfg)
{
	for (size_t i = 0; i < SECTIONS; i++)
		if (str_eq(str_c(sections[i].name), str_c(cfg->name)))
			return &sections[i];
	return NULL;
}

/* Inside a section only the section's names are candidates. */
static const char *nearest_setting(cfg_t *cfg, struct str typed)
{
	const struct section *in = section_of(cfg);
	const struct config_setting *rows = in == NULL ? config_settings : in->rows;
	size_t count = in == NULL ? config_settings_count : *in->count;
	struct nearest n = nearest_to(typed);

	for (size_t i = 0; i < count; i++)
		nearest_try(&n, rows[i].name);
	for (size_t i = 0; in == NULL && i < SECTIONS; i++)
		nearest_try(&n, sections[i].name);
	return n.name;
}

/* The library's text for a name it does not know is "no such option 'NAME'". */
static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char line[256];
	struct buf text;
	struct str said, unknown = STR("no such option '");

	vsnprintf(line, sizeof line, fmt, ap);
	said = str_c(line);
	if (!str_starts(said, unknown)) {
		complain(cfg, said);
		return;
	}
	said = str_from(said, unknown.n);
	said = str_head(said, str_find(said, '\''));
	buf_init(&text, 0);
	buf_printf(&text, "unknown setting '%.*s'", STR_ARG(said));
	if (nearest_setting(cfg, said) != NULL)
		buf_printf(&text, ", did you mean '%s'?", nearest_setting(cfg, said));
	complain(cfg, buf_str(&text));
	buf_deinit(&text);
}

/* Two values for one name: the library would silently take the last. */
static bool not_again(
	cfg_t *cfg, const struct config_setting *s, bool seen[SETTINGS_MAX], size_t row)
{
	char text[100];

	if (row < SETTINGS_MAX && !seen[row]) {
		seen[row] = true;
		return true;
	}
	snprintf(text, sizeof text, "%.60s is set twice", s->name);
	complain(cfg, str_c(text));
	return false;
}

static int on_setting(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const struct config_setting *s = config_setting_find(str_c(opt->name));
	struct err err = { ST_OK, "" };

	if (s == NULL || !not_again(cfg, s, parsing->settings_seen, (size_t)(s - config_settings)))
		return -1;
	if (config_set(parsing->config, s, str_c(value), &err) != ST_OK) {
		complain(cfg, str_c(err.text));
		return -1;
	}
	*(const char **)result = value;
	return 0;
}

static bool is_address(struct str s)
{
	unsigned char to[16];
	char *c = str_dup_c(s);
	bool yes = c != NULL && (inet_pton(AF_INET, c, to) == 1 || inet_pton(AF_INET6, c, to) == 1);

	free(c);
	return yes;
}

static int on_section_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const struct section *in = section_of(cfg);
	const struct config_setting *s = in->rows;
	struct buf text;

	while (!str_eq(str_c(s->name), str_c(opt->name)))
		s++;
	if (parsing->section != cfg)
		memset(parsing->section_seen, 0, sizeof parsing->section_seen);
	parsing->section = cfg;
	if (!(in->addresses && s->type == CONFIG_TEXT) &&
		!not_again(cfg, s, parsing->section_seen, (size_t)(s - in->rows)))
		return -1;
	*(const char **)result = value;
	if (in->addresses && s->type == CONFIG_TEXT ? is_address(str_c(value))
						    : config_value_allowed(s, str_c(value)))
		return 0;
	buf_init(&text, 0);
	buf_printf(&text, "%s cannot be \"%.*s\": allowed is ", s->name,
		STR_ARG(str_head(str_c(value), 60)));
	if (in->addresses && s->type == CONFIG_TEXT)
		buf_put(&text, STR("an IPv4 or IPv6 address"));
	else
		config_range_put(&text, s);
	complain(cfg, buf_str(&text));
	buf_deinit(&text);
	return -1;
}

/* in NULL: the file itself, in which sections may stand. */
static cfg_opt_t *make_options(const struct section *in, cfg_opt_t *inside[SECTIONS])
{
	const struct config_setting *rows = in == NULL ? config_settings : in->rows;
	size_t count = in == NULL ? config_settings_count : *in->count;
	cfg_opt_t *opts = mem_array(NULL, count + SECTIONS + 1, sizeof *opts);
	const cfg_opt_t end = CFG_END();
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		bool list = in != NULL && in->addresses && rows[i].type == CONFIG_TEXT;
		cfg_opt_t opt =
			CFG_STR_CB(rows[i].name, NULL, CFGF_NODEFAULT | (list ? CFGF_LIST : 0),
				in == NULL ? on_setting : on_section_value);

		opts[n++] = opt;
	}
	for (size_t i = 0; in == NULL && i < SECTIONS; i++) {
		cfg_opt_t section = CFG_SEC(sections[i].name, inside[i],
			CFGF_MULTI | (sections[i].nameless ? 0 : CFGF_TITLE | CFGF_NO_TITLE_DUPES));

		opts[n++] = section;
	}
	opts[n] = end;
	return opts;
}

static char *dup_c(const char *s)
{
	return str_dup_c(str_c(s));
}

static void add_address(struct config_listen *l, const char *address)
{
	l->addresses = mem_array(l->addresses, l->address_count + 1, sizeof *l->addresses);
	l->addresses[l->address_count++] = dup_c(address);
}

static struct config_listen *add_listen(
	struct config *c, const char *name, const struct config_listen_kind *kind)
{
	struct config_listen *l;

	c->listen = mem_array(c->listen, c->listen_count + 1, sizeof *c->listen);
	l = &c->listen[c->listen_count++];
	*l = (struct config_listen){ .name = dup_c(name) };
	if (kind != NULL) {
		l->protocol = kind->protocol;
		l->tls = kind->tls;
		l->port = kind->port;
	}
	l->discard_ehlo = dup_c("none");
	l->proxy_networks = dup_c("");
	return l;
}

static void default_addresses(struct config_listen *l, const struct config_listen_kind *kind)
{
	bool local = kind != NULL && kind->opened == CONFIG_LISTEN_LOCAL;

	add_address(l, local ? "127.0.0.1" : "0.0.0.0");
	add_address(l, local ? "::1" : "::");
}

static void take_addresses(
	struct config_listen *l, cfg_t *section, const struct config_listen_kind *kind)
{
	for (unsigned i = 0; i < cfg_size(section, "address"); i++)
		add_address(l, cfg_getnstr(section, "address", i));
	if (l->address_count == 0)
		default_addresses(l, kind);
}

static void take_text(char **to, const char *value)
{
	if (value == NULL)
		return;
	free(*to);
	*to = dup_c(value);
}

/* A name of our own choice needs protocol and port; TLS is then STARTTLS unless said. */
static bool take_listen(struct config *c, cfg_t *section)
{
	const char *name = cfg_title(section), *missing = NULL;
	const char *protocol = cfg_getstr(section, "protocol"), *tls = cfg_getstr(section, "tls");
	const char *port = cfg_getstr(section, "port");
	const struct config_listen_kind *kind = config_listen_kind(str_c(name));
	struct config_listen *l = add_listen(c, name, kind);
	char text[160];
	uint64_t n;

	if (protocol != NULL)
		l->protocol = (enum listen_protocol)config_word(config_protocols, str_c(protocol));
	else if (kind == NULL)
		missing = "protocol";
	if (port != NULL && str_u64(str_c(port), &n))
		l->port = (uint16_t)n;
	else if (kind == NULL && missing == NULL)
		missing = "port";
	if (tls != NULL)
		l->tls = (enum listen_tls)config_word(config_tls_modes, str_c(tls));
	else if (kind == NULL)
		l->tls = LISTEN_TLS_STARTTLS;
	l->tls_tickets = c->tls_tickets;
	if (cfg_getstr(section, "tls_tickets") != NULL)
		config_bool(str_c(cfg_getstr(section, "tls_tickets")), &l->tls_tickets);
	l->client_certificates =
		str_eq(str_c(cfg_getstr(section, "client_certificates")), STR("request"));
	take_addresses(l, section, kind);
	take_text(&l->discard_ehlo, cfg_getstr(section, "discard_ehlo"));
	take_text(&l->proxy_networks, cfg_getstr(section, "proxy_networks"));
	if (missing == NULL)
		return true;
	snprintf(text, sizeof text,
		"listen %.40s needs a %s (only smtp, submission, submissions, "
		"pop3, pop3s, lmtp, https and http imply one)",
		name, missing);
	complain(section, str_c(text));
	return false;
}

static bool take_listens(struct config *c, cfg_t *cfg)
{
	unsigned count = cfg_size(cfg, "listen");
	bool mail = false; /* one is written; a page beside it ends nothing */

	if (count > LISTEN_MAX) {
		complain(cfg, STR("more than 64 listen sections"));
		return false;
	}
	for (unsigned i = 0; i < count; i++) {
		if (!take_listen(c, cfg_getnsec(cfg, "listen", i)))
			return false;
		mail = mail || c->listen[c->listen_count - 1].protocol != LISTEN_HTTP;
	}
	for (size_t i = 0; !mail && i < config_listen_kinds_count; i++) {
		const struct config_listen_kind *kind = &config_listen_kinds[i];
		struct config_listen *l;

		if (kind->opened != CONFIG_LISTEN_ALWAYS)
			continue;
		l = add_listen(c, kind->name, kind);
		l->tls_tickets = c->tls_tickets;
		default_addresses(l, kind);
	}
	return true;
}

static bool take_certificates(struct config *c, cfg_t *cfg)
{
	unsigned count = cfg_size(cfg, "certificate");

	if (count > CERTIFICATES_MAX) {
		complain(cfg, STR("more than 63 certificate sections"));
		return false;
	}
	c->certificates = mem_array(NULL, count + 1, sizeof *c->certificates);
	for (; c->certificate_count < count; c->certificate_count++) {
		cfg_t *section = cfg_getnsec(cfg, "certificate", (unsigned)c->certificate_count);
		const char *certificate = cfg_getstr(section, "certificate");
		const char *key = cfg_getstr(section, "key");
		char text[120];

		if (certificate == NULL || key == NULL) {
			snprintf(text, sizeof text, "certificate %.60s needs a %s",
				cfg_title(section), key == NULL ? "key" : "certificate");
			complain(section, str_c(text));
			return false;
		}
		c->certificates[c->certificate_count] =
			(struct config_certificate){ dup_c(cfg_title(section)), dup_c(certificate),
				dup_c(key) };
	}
	return true;
}

static bool take_sections(struct config *c, cfg_t *cfg)
{
	struct err why = { ST_OK, "" };
	cfg_t *where = cfg;

	if (!take_listens(c, cfg) || !take_certificates(c, cfg))
		return false;
	if (config_take_routes(c, cfg, &where, &why) && config_take_out(c, cfg, &where, &why) &&
		config_take_remotes(c, cfg, &where, &why))
		return true;
	complain(where, str_c(why.text));
	return false;
}

static void system_hostname(struct config *c)
{
	char name[256] = "";
	const struct config_setting *s = config_setting_find(STR("hostname"));

	if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0' ||
		config_set(c, s, str_c(name), NULL) != ST_OK || c->hostname[0] == '\0')
		config_set(c, s, STR("localhost"), NULL);
}

static bool listener_holds(const struct config_listen *l, const char *name, struct err *err)
{
	bool logins = l->protocol == LISTEN_SUBMISSION || l->protocol == LISTEN_POP3;

	if (l->protocol == LISTEN_LMTP && l->port == 25)
		err_set(err, ST_USAGE, "%s: listen %s: RFC 2033 5 forbids LMTP on port 25", name,
			l->name);
	else if (l->protocol == LISTEN_HTTP && l->tls == LISTEN_TLS_STARTTLS)
		err_set(err, ST_USAGE,
			"%s: listen %s: HTTP has no STARTTLS: tls = implicit or none", name,
			l->name);
	else if (l->client_certificates && (!logins || l->tls == LISTEN_TLS_NONE))
		err_set(err, ST_USAGE,
			"%s: listen %s: client_certificates is for POP3 and submission with TLS",
			name, l->name);
	else
		return true;
	return false;
}

static bool is_servers(struct str text)
{
	struct str address;
	uint16_t port;

	while (text.n > 0) {
		struct str word = str_cut(&text, ' ');

		if (word.n > 0 && !cidr_server(word, 53, &address, &port))
			return false;
	}
	return true;
}

static bool relations_hold(const struct config *c, const char *name, struct err *err)
{
	if (c->errors_hard < c->errors_soft) {
		err_set(err, ST_USAGE, "%s: errors_hard is less than errors_soft", name);
		return false;
	}
	if (!is_servers(str_c(c->dns_resolver))) {
		err_set(err, ST_USAGE,
			"%s: dns_resolver cannot be \"%.60s\": allowed is an address, with @port "
			"when "
			"it is not 53",
			name, c->dns_resolver);
		return false;
	}
	for (size_t i = 0; i < c->listen_count; i++)
		if (!listener_holds(&c->listen[i], name, err))
			return false;
	if (c->header_size_limit > c->message_size_limit) {
		err_set(err, ST_USAGE, "%s: header_size_limit is more than message_size_limit",
			name);
		return false;
	}
	return true;
}

static bool parse_text(struct parse *p, const char *text, bool (*take)(struct config *, cfg_t *))
{
	cfg_opt_t *inside[SECTIONS], *root;
	cfg_t *cfg;
	bool ok;

	for (size_t i = 0; i < SECTIONS; i++)
		inside[i] = make_options(&sections[i], NULL);
	root = make_options(NULL, inside);
	cfg = cfg_init(root, CFGF_NONE);
	parsing = p;
	cfg_set_error_function(cfg, on_error);
	ok = cfg_parse_buf(cfg, text) == CFG_SUCCESS && take(p->config, cfg);
	if (!ok)
		err_set(p->err, ST_USAGE, "%s: cannot be read", p->name);
	cfg_free(cfg);
	parsing = NULL;
	free(root);
	for (size_t i = 0; i < SECTIONS; i++)
		free(inside[i]);
	return ok;
}

static bool take_nothing(struct config *c, cfg_t *cfg)
{
	(void)c;
	(void)cfg;
	return true;
}

/* The library takes the end of the file for the end of a section, so that a file that was cut off
 * would pass.  A closing brace more must be one too many. */
static bool sections_are_closed(struct parse *p, const char *text)
{
	struct config *scratch = NEW(struct config);
	struct err unseen = { ST_OK, "" };
	struct parse again = { .config = scratch, .name = p->name, .err = &unseen };
	struct buf more;
	bool closed;

	buf_init(&more, 0);
	buf_put(&more, str_c(text));
	buf_put(&more, str_of("\n}", 3));
	closed = !parse_text(&again, more.data, take_nothing);
	if (!closed)
		err_set(p->err, ST_USAGE, "%s: the last section is not closed with '}'", p->name);
	buf_deinit(&more);
	config_free(scratch);
	return closed;
}

struct config *config_parse(struct str text, const char *name, struct err *err)
{
	struct config *c = NEW(struct config);
	struct parse p = { .config = c, .name = name, .err = err };
	char *copy = str_dup_c(text);
	bool ok = false;

	for (size_t i = 0; i < config_settings_count; i++)
		config_set(c, &config_settings[i], str_c(config_settings[i].fallback), NULL);
	if (copy == NULL)
		err_set(err, ST_USAGE, "%s: there is a NUL octet in it", name);
	else
		config_blank_comments(copy);
	if (copy != NULL)
		ok = parse_text(&p, copy, take_sections) && sections_are_closed(&p, copy) &&
		     relations_hold(c, name, err);
	free(copy);
	if (!ok) {
		config_free(c);
		return NULL;
	}
	if (c->hostname[0] == '\0')
		system_hostname(c);
	return c;
}

void config_free(struct config *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < config_settings_count; i++)
		switch (config_settings[i].type) {
		case CONFIG_TEXT:
		case CONFIG_HOSTNAME:
		case CONFIG_UIDL:
		case CONFIG_WORD:
		case CONFIG_WORDS:
		case CONFIG_RETRIES:
		case CONFIG_HOST:
		case CONFIG_NETWORKS:
			free(*(char **)(void *)((char *)c + config_settings[i].at));
			break;
		case CONFIG_COUNT:
		case CONFIG_OCTETS:
		case CONFIG_DURATION:
		case CONFIG_DAYS:
		case CONFIG_BOOL: break;
		}
	for (size_t i = 0; i < c->listen_count; i++) {
		for (size_t j = 0; j < c->listen[i].address_count; j++)
			free(c->listen[i].addresses[j]);
		free(c->listen[i].addresses);
		free(c->listen[i].name);
		free(c->listen[i].discard_ehlo);
		free(c->listen[i].proxy_networks);
	}
	free(c->listen);
	for (size_t i = 0; i < c->certificate_count; i++) {
		free(c->certificates[i].name);
		free(c->certificates[i].certificate);
		free(c->certificates[i].key);
	}
	free(c->certificates);
	config_free_routes(c);
	config_free_out(c);
	config_free_remotes(c);
	free(c);
}
