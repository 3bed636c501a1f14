/* config_remote.h -- remote "NAME" { }: a mailbox at a provider, fetched and sent through by its owner. */
#ifndef RESTANTE_DAEMON_CONFIG_REMOTE_H
#define RESTANTE_DAEMON_CONFIG_REMOTE_H

#include <confuse.h>
#include <jansson.h>

#include "daemon/config_table.h"

/* Where fetched mail goes: what stands before the colon of `delivery`. */
enum remote_delivery {
	REMOTE_STORE,
	REMOTE_MAILDIR,
	REMOTE_MBOXRD,
	REMOTE_COMMAND,
	REMOTE_SMTP,
	REMOTE_LMTP,
};

struct config_remote {
	char *name;
	char *address;
	char *pop3_host, *smtp_host;  /* "": as the provider of the address has it */
	int64_t pop3_port, smtp_port; /* 0: the one of its kind of TLS */
	char *pop3_tls, *smtp_tls;    /* "auto", "implicit", "starttls", "none" */
	char *user;                   /* "": the address */
	char *password_file, *password_command, *token_command;
	char *auth; /* "auto", or SASL mechanisms */
	char *ca_file, *fingerprint;
	char *client_certificate, *client_key; /* files; "": none; the key is in the same file */
	char *source, *proxy;                  /* an address; socks5://...; "": none */
	bool allow_cleartext;
	char *keep; /* "keep", "delete", "days" */
	int64_t keep_days;
	int64_t skip_size, kill_size; /* octets; 0: no limit */
	bool headers_only;
	bool only_named;
	int64_t timeout_ms;
	char *delivery;                          /* "store", "maildir:DIR" ... */
	char *envelope_field, *envelope_domains; /* "": none */
	int64_t interval_ms; /* between rounds of --daemon; 0: as --interval says */
	char *filter;        /* a command; "": none */
	char *pipelining;    /* "auto", "on", "off" */
};

/* HOST[:PORT][/ADDRESS] of smtp:// and lmtp://: where to, and to whom. */
struct remote_target { /* views */
	struct str host, recipient;
	uint16_t port;
};
bool remote_target_parse(enum remote_delivery kind, struct str text, struct remote_target *to);

/* What stands behind the colon in *rest. */
bool remote_delivery_parse(struct str text, enum remote_delivery *kind, struct str *rest);

/* Names are addresses of maildrops, where case does not count.  NULL: none. */
const struct config_remote *config_remote(const struct config *c, struct str name);

/* Inside of config.c and config_print.c.  False: err says what is wrong, *where is the section. */
bool config_take_remotes(struct config *c, cfg_t *cfg, cfg_t **where, struct err *err);
void config_free_remotes(struct config *c);
void config_remotes_put(struct buf *out, const struct config *c);
void config_remotes_json(json_t *root, const struct config *c);

extern const struct config_setting config_remote_settings[];
extern const size_t config_remote_settings_count;

#endif
