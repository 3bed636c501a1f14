#include "daemon/config_remote.h"

#include <stdlib.h>

#include "base/mem.h"
#include "daemon/config_route.h"
#include "daemon/config_table.h"
#include "net/cidr.h"
#include "proto/path.h"
#include "proto/socks.h"

#define AT(member) offsetof(struct config_remote, member)

enum { REMOTES_MAX = 1000, NAME_OCTETS_MAX = 64 };

static const char tls_words[] = "auto implicit starttls none";
static const char mechanisms[] =
	"auto PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-1-PLUS SCRAM-SHA-256 "
	"SCRAM-SHA-256-PLUS OAUTHBEARER XOAUTH2 EXTERNAL USER APOP";

/* clang-format off */
const struct config_setting config_remote_settings[] = {
	{ "address", CONFIG_TEXT, AT(address), "", 0, 320, NULL,
		"The mail address; its provider's servers are taken where none are named." },
	{ "pop3_host", CONFIG_HOST, AT(pop3_host), "", 0, 0, NULL,
		"POP3 server." },
	{ "pop3_port", CONFIG_COUNT, AT(pop3_port), "0", 0, 65535, NULL,
		"Its port; 0: 995 with implicit TLS, else 110." },
	{ "pop3_tls", CONFIG_WORD, AT(pop3_tls), "auto", 0, 0, tls_words,
		"TLS from the first octet, or by STLS before any password; auto: as the provider has it, else implicit." },
	{ "smtp_host", CONFIG_HOST, AT(smtp_host), "", 0, 0, NULL,
		"Submission server." },
	{ "smtp_port", CONFIG_COUNT, AT(smtp_port), "0", 0, 65535, NULL,
		"Its port; 0: 465 with implicit TLS, else 587." },
	{ "smtp_tls", CONFIG_WORD, AT(smtp_tls), "auto", 0, 0, tls_words,
		"As pop3_tls, by STARTTLS." },
	{ "user", CONFIG_TEXT, AT(user), "", 0, 320, NULL,
		"Name to log in with; empty: the address, or what stands before its @ where the provider wants that." },
	{ "password_file", CONFIG_TEXT, AT(password_file), "", 0, 4096, NULL,
		"File whose first line is the password, which nobody else may read; without any of the three, ~/.netrc is asked." },
	{ "password_command", CONFIG_TEXT, AT(password_command), "", 0, 4096, NULL,
		"Command that prints the password." },
	{ "token_command", CONFIG_TEXT, AT(token_command), "", 0, 4096, NULL,
		"Command that prints an OAuth access token." },
	{ "auth", CONFIG_WORDS, AT(auth), "auto", 0, 0, mechanisms,
		"Ways to log in; auto: the best that both sides have." },
	{ "ca_file", CONFIG_TEXT, AT(ca_file), "", 0, 4096, NULL,
		"Authorities that may vouch for the servers, in PEM; empty: the system's." },
	{ "fingerprint", CONFIG_TEXT, AT(fingerprint), "", 0, 95, NULL,
		"SHA-256 of the servers' certificate or of its key, in hex; then nothing else vouches." },
	{ "client_certificate", CONFIG_TEXT, AT(client_certificate), "", 0, 4096, NULL,
		"Certificate in PEM that the servers are shown, to log in by it (EXTERNAL); then no password is needed." },
	{ "client_key", CONFIG_TEXT, AT(client_key), "", 0, 4096, NULL,
		"Its key, which nobody else may read; empty: in the same file." },
	{ "source", CONFIG_TEXT, AT(source), "", 0, 45, NULL,
		"Address of this machine to connect from; empty: the system chooses." },
	{ "proxy", CONFIG_TEXT, AT(proxy), "", 0, 800, NULL,
		"SOCKS proxy to connect through, which also looks the names up: socks5://[USER:PASSWORD@]HOST[:PORT]." },
	{ "allow_cleartext", CONFIG_BOOL, AT(allow_cleartext), "no", 0, 0, NULL,
		"Lets the password cross the network unencrypted (against RFC 8314 3)." },
	{ "keep", CONFIG_WORD, AT(keep), "keep", 0, 0, "keep delete days",
		"What becomes of fetched mail on the server." },
	{ "keep_days", CONFIG_COUNT, AT(keep_days), "30", 0, 36500, NULL,
		"With keep = days: days since it was fetched, after which it is deleted there." },
	{ "skip_size", CONFIG_OCTETS, AT(skip_size), "0", 0, INT64_C(1) << 40, NULL,
		"Of larger messages only the beginning is fetched, the rest when asked for; 0: of none." },
	{ "kill_size", CONFIG_OCTETS, AT(kill_size), "0", 0, INT64_C(1) << 40, NULL,
		"Larger messages are deleted unread; 0: none." },
	{ "headers_only", CONFIG_BOOL, AT(headers_only), "no", 0, 0, NULL,
		"Fetches only headers; the rest when asked for." },
	{ "only_named", CONFIG_BOOL, AT(only_named), "no", 0, 0, NULL,
		"Fetched only when its name is given." },
	{ "timeout", CONFIG_DURATION, AT(timeout_ms), "60s", 1000, 3600000, NULL,
		"Time the server has for each answer." },
	{ "delivery", CONFIG_TEXT, AT(delivery), "store", 1, 4096, NULL,
		"Where fetched mail goes: store, maildir:DIR, mboxrd:FILE, command:CMD, smtp://HOST:PORT or lmtp://HOST:PORT, there to address, or to what follows a /." },
	{ "envelope_field", CONFIG_TEXT, AT(envelope_field), "", 0, 76, NULL,
		"Header field in which the provider names the recipient, where one mailbox has the mail of a domain: Delivered-To; with delivery by smtp:// and lmtp:// each message goes to those of envelope_domains whom its first such field names, to address when that names none." },
	{ "envelope_domains", CONFIG_TEXT, AT(envelope_domains), "", 0, 4096, NULL,
		"Domains of these recipients, separated by spaces; mail is handed on to no others." },
	{ "interval", CONFIG_DURATION, AT(interval_ms), "0s", 0, 86400000, NULL,
		"With fetch --daemon: time between two rounds here; 0s: what --interval says." },
	{ "filter", CONFIG_TEXT, AT(filter), "", 0, 4096, NULL,
		"Command that gets a header before the message is fetched; status 0: fetch it, 1: delete it unread, 2: leave it there." },
	{ "pipelining", CONFIG_WORD, AT(pipelining), "auto", 0, 0, "auto on off",
		"Sends commands before the answers to earlier ones; auto: when the server says it can." },
};
/* clang-format on */
const size_t config_remote_settings_count =
	sizeof config_remote_settings / sizeof *config_remote_settings;

bool remote_delivery_parse(struct str text, enum remote_delivery *kind, struct str *rest)
{
	static const struct {
		struct str prefix;
		enum remote_delivery kind;
	} rows[] = {
		{ STR_INIT("maildir:"), REMOTE_MAILDIR },
		{ STR_INIT("mboxrd:"), REMOTE_MBOXRD },
		{ STR_INIT("command:"), REMOTE_COMMAND },
		{ STR_INIT("smtp://"), REMOTE_SMTP },
		{ STR_INIT("lmtp://"), REMOTE_LMTP },
	};

	*kind = REMOTE_STORE;
	*rest = STR("");
	if (str_eq(text, STR("store")))
		return true;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (str_starts(text, rows[i].prefix)) {
			*kind = rows[i].kind;
			*rest = str_from(text, rows[i].prefix.n);
			return rest->n > 0;
		}
	return false;
}

bool remote_target_parse(enum remote_delivery kind, struct str text, struct remote_target *to)
{
	size_t slash = str_find(text, '/');

	*to = (struct remote_target){ .recipient = str_from(text, slash + 1) };
	return path_host_port(
		str_head(text, slash), kind == REMOTE_LMTP ? 24 : 25, &to->host, &to->port);
}

static bool fingerprint_ok(struct str s)
{
	size_t digits = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (ascii_digit(c) || (c >= 'a' && c <= 'f'))
			digits++;
		else if (c != ':')
			return false;
	}
	return digits == 0 || digits == 64;
}

static bool is_word(const char *value, struct str word)
{
	return str_eq(str_c(value), word);
}

static enum status check_way(const struct config_remote *r, struct err *err)
{
	struct str host, user, password;
	unsigned char address[16];
	uint16_t port;

	if (r->source[0] != '\0' && !cidr_address(str_c(r->source), address))
		return err_set(err, ST_USAGE, "remote %s: source is no address", r->name);
	if (r->proxy[0] != '\0' && !socks_parse(str_c(r->proxy), &host, &port, &user, &password))
		return err_set(err, ST_USAGE,
			"remote %s: proxy is no socks5://[USER:PASSWORD@]HOST[:PORT]", r->name);
	if (r->client_key[0] != '\0' && r->client_certificate[0] == '\0')
		return err_set(err, ST_USAGE, "remote %s: client_key goes with client_certificate",
			r->name);
	return ST_OK;
}

static enum status check_envelope(
	const struct config_remote *r, enum remote_delivery kind, struct err *err)
{
	if ((r->envelope_field[0] == '\0') != (r->envelope_domains[0] == '\0'))
		return err_set(err, ST_USAGE,
			"remote %s: envelope_field and envelope_domains go together", r->name);
	if (r->envelope_field[0] != '\0' && kind != REMOTE_SMTP && kind != REMOTE_LMTP)
		return err_set(err, ST_USAGE,
			"remote %s: envelope_field goes with delivery by smtp:// or lmtp://",
			r->name);
	return ST_OK;
}

static enum status check(const struct config_remote *r, struct err *err)
{
	int secrets = (r->password_file[0] != '\0') + (r->password_command[0] != '\0') +
		      (r->token_command[0] != '\0');
	enum remote_delivery kind;
	struct remote_target target;
	struct str rest;

	if (r->address[0] == '\0' && r->pop3_host[0] == '\0' && r->smtp_host[0] == '\0')
		return err_set(err, ST_USAGE, "remote %s: give it an address, or a host", r->name);
	if (secrets > 1)
		return err_set(err, ST_USAGE,
			"remote %s: only one of password_file, password_command and token_command",
			r->name);
	if (!r->allow_cleartext &&
		(is_word(r->pop3_tls, STR("none")) || is_word(r->smtp_tls, STR("none"))))
		return err_set(err, ST_USAGE,
			"remote %s: without TLS the password crosses the network unencrypted; "
			"allow_cleartext = yes permits it",
			r->name);
	if (!fingerprint_ok(str_c(r->fingerprint)))
		return err_set(
			err, ST_USAGE, "remote %s: fingerprint is not 64 hex digits", r->name);
	if (!remote_delivery_parse(str_c(r->delivery), &kind, &rest) ||
		((kind == REMOTE_SMTP || kind == REMOTE_LMTP) &&
			!remote_target_parse(kind, rest, &target)))
		return err_set(err, ST_USAGE,
			"remote %s: delivery is none of store, maildir:DIR, mboxrd:FILE, "
			"command:CMD, smtp://HOST:PORT, lmtp://HOST:PORT",
			r->name);
	return check_way(r, err) == ST_OK ? check_envelope(r, kind, err) : ST_USAGE;
}

/* It names a maildrop, and stands in file names. */
static bool name_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!ascii_digit(c) && (c < 'a' || c > 'z') && str_find(STR("-_."), c) == 3)
			return false;
	}
	return s.n > 0 && s.n <= NAME_OCTETS_MAX && s.p[0] != '.' && s.p[0] != '-';
}

static bool take(struct config *c, cfg_t *section, struct err *err)
{
	struct config_remote *r = &c->remotes[c->remote_count++];

	*r = (struct config_remote){ .name = str_dup_c(str_c(cfg_title(section))) };
	for (size_t i = 0; i < config_remote_settings_count; i++) {
		const struct config_setting *s = &config_remote_settings[i];
		const char *value = cfg_getstr(section, s->name);

		config_set(r, s, str_c(value == NULL ? s->fallback : value), err);
	}
	if (!name_ok(str_c(r->name))) {
		err_set(err, ST_USAGE, "remote %.60s: a name has letters, digits and -_. only",
			r->name);
		return false;
	}
	if (config_remote(c, str_c(r->name)) != r) {
		err_set(err, ST_USAGE, "remote %s: it is there already", r->name);
		return false;
	}
	return check(r, err) == ST_OK;
}

bool config_take_remotes(struct config *c, cfg_t *cfg, cfg_t **where, struct err *err)
{
	unsigned count = cfg_size(cfg, "remote");

	if (count > REMOTES_MAX) {
		err_set(err, ST_USAGE, "more than %d remote sections", (int)REMOTES_MAX);
		return false;
	}
	c->remotes = mem_array(NULL, count + 1, sizeof *c->remotes);
	for (unsigned i = 0; i < count; i++) {
		*where = cfg_getnsec(cfg, "remote", i);
		if (!take(c, *where, err))
			return false;
	}
	return true;
}

static bool is_text(const struct config_setting *s)
{
	return s->type == CONFIG_TEXT || s->type == CONFIG_HOST || s->type == CONFIG_WORD ||
	       s->type == CONFIG_WORDS;
}

void config_free_remotes(struct config *c)
{
	for (size_t i = 0; i < c->remote_count; i++) {
		struct config_remote *r = &c->remotes[i];

		free(r->name);
		for (size_t k = 0; k < config_remote_settings_count; k++)
			if (is_text(&config_remote_settings[k]))
				free(*(char **)(void *)((char *)r + config_remote_settings[k].at));
	}
	free(c->remotes);
}

const struct config_remote *config_remote(const struct config *c, struct str name)
{
	for (size_t i = 0; i < c->remote_count; i++)
		if (str_ieq(str_c(c->remotes[i].name), name))
			return &c->remotes[i];
	return NULL;
}

void config_remotes_put(struct buf *out, const struct config *c)
{
	struct buf value = { 0 };

	for (size_t i = 0; i < c->remote_count; i++) {
		buf_put(out, STR("remote "));
		config_quoted_put(out, str_c(c->remotes[i].name));
		buf_put(out, STR(" {\n"));
		for (size_t k = 0; k < config_remote_settings_count; k++) {
			const struct config_setting *s = &config_remote_settings[k];

			buf_clear(&value);
			config_value_put(&value, &c->remotes[i], s);
			buf_printf(out, "\t%s = ", s->name);
			if (is_text(s))
				config_quoted_put(out, buf_str(&value));
			else
				buf_put(out, buf_str(&value));
			buf_putc(out, '\n');
		}
		buf_put(out, STR("}\n"));
	}
	buf_deinit(&value);
}

void config_remotes_json(json_t *root, const struct config *c)
{
	json_t *all = json_array();
	struct buf value = { 0 };

	for (size_t i = 0; i < c->remote_count; i++) {
		json_t *row = json_pack("{s:s}", "name", c->remotes[i].name);

		for (size_t k = 0; k < config_remote_settings_count; k++) {
			const struct config_setting *s = &config_remote_settings[k];

			buf_clear(&value);
			config_value_put(&value, &c->remotes[i], s);
			json_object_set_new(
				row, s->name, json_stringn(buf_str(&value).p, value.len));
		}
		json_array_append_new(all, row);
	}
	json_object_set_new(root, "remote", all);
	buf_deinit(&value);
}
