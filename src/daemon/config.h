/* config.h -- restante.conf: one table of settings gives parser, range check, defaults,
 * `restante config`, and the man page's table (libconfuse reads the file). */
#ifndef RESTANTE_DAEMON_CONFIG_H
#define RESTANTE_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "queue/route.h"
#include "queue/site.h"

enum listen_protocol { LISTEN_SMTP, LISTEN_SUBMISSION, LISTEN_POP3, LISTEN_LMTP, LISTEN_HTTP };
enum listen_tls { LISTEN_TLS_NONE, LISTEN_TLS_STARTTLS, LISTEN_TLS_IMPLICIT };

struct config_listen {
	/* "smtp", "submission", "submissions", "pop3", "pop3s", "lmtp", or anything with protocol
	 * and port set */
	char *name;
	enum listen_protocol protocol;
	enum listen_tls tls;
	char **addresses;
	size_t address_count;
	uint16_t port;
	bool tls_tickets, client_certificates;
	char *discard_ehlo;   /* "none", or extensions that are not offered here */
	char *proxy_networks; /* who speaks the PROXY protocol first; net/cidr.h */
	bool local;           /* submit.sock: users of this machine, known by their uid */
};

struct config_certificate {
	char *name; /* for messages only: what it is valid for stands in it */
	char *certificate, *key;
};

/* tls_policy DOMAIN { }: in front of what the domain's own records say. */
struct config_tls_policy {
	char *name; /* "example.org", ".example.org", "*" */
	enum route_tls level;
};

struct config {
	char *hostname;
	struct config_listen *listen;
	size_t listen_count;
	char *tls_certificate, *tls_key;         /* relative to the state directory */
	struct config_certificate *certificates; /* besides those */
	size_t certificate_count;
	struct config_remote *remotes; /* config_remote.h */
	size_t remote_count;
	struct route_rule *routes; /* route, sender_route, smarthost, fallback_relay */
	size_t route_count;
	struct config_tls_policy *tls_policies;
	size_t tls_policy_count;
	struct config_source *sources; /* config_out.h */
	size_t source_count;
	struct site_limit *limits;
	size_t limit_count;
	char *queue_retry;                                /* config_retry_times() */
	int64_t queue_lifetime_ms, queue_delay_notice_ms; /* -1: none */
	int64_t queue_site_connections, queue_site_rate;  /* messages a minute; 0: no limit */
	int64_t disk_free_min;
	int64_t smtp_client_connect_timeout_ms, smtp_client_greeting_timeout_ms,
		smtp_client_command_timeout_ms, smtp_client_data_timeout_ms,
		smtp_client_block_timeout_ms, smtp_client_dot_timeout_ms;
	int64_t account_new_recipients_per_day; /* 0: no limit, and nobody is remembered */
	int64_t account_recipients_per_hour, account_recipients_per_day; /* 0: no limit */
	bool suppression;
	bool submit_socket;
	int64_t future_release_max_ms;
	char *dns_resolver; /* "": the system's */
	bool dnssec_required;
	char *dnssec_trust_anchor, *tls_ca_file;
	char *tls_min_version; /* "1.2" */
	char *client_ca_file;  /* relative to the state directory; "": none */
	bool tls_tickets;
	int64_t tls_ticket_rotation_ms;
	int64_t message_size_limit; /* octets */
	int64_t recipients_max;
	int64_t transactions_max; /* a session; 0: no limit */
	int64_t command_line_max;
	int64_t header_size_limit;
	int64_t received_max;
	int64_t errors_soft, errors_hard;
	int64_t connections_max; /* all edges together */
	int64_t connections_per_address, connections_per_network;
	int64_t auth_failures; /* a session */
	bool cleartext_auth;
	int64_t greet_timeout_ms, command_timeout_ms, data_timeout_ms, session_max_ms;
	int64_t login_timeout_ms, autologout_ms;
	int64_t pop3_errors_before_login, pop3_errors_after_login;
	char *implementation;   /* what POP3's IMPLEMENTATION says; "" hides it; %v: version */
	int64_t retention_days; /* -1: never */
	int64_t pop3_login_delay_ms;
	int64_t pop3_lock_wait_ms;
	char *pop3_folders;      /* "inbox", "inbox+junk", "all" */
	char *pop3_utf8_headers; /* "downgrade", "refuse", "asis" */
	char *pop3_language;
	char *pop3_workarounds; /* of "none nul separator" */
	char *pop3_uidl_format; /* base/uidl.h */
	int64_t edges;          /* 0: one per core */
	int64_t carriers;
	int64_t hash_threads, hash_queue;
	int64_t quota_bytes, quota_messages; /* 0: none */
	int64_t quota_warning;               /* percent; -1: none */
	char *quota_reply;                   /* "defer", "refuse" */
	bool password_upgrade;
	int64_t password_length_min; /* of one that is typed */
	char *oauth_check;           /* a Unix socket; "": none */
	char *sasl_mechanisms;       /* "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS" */
	char *drop_characters;       /* some of ". - _ '", or "none" */
	bool sender_login_match, from_login_match; /* F2 */
	bool arc_seal;                             /* H3 */
	bool sender_checks;
	char *dmarc_policy; /* "mark", "enforce" */
	int64_t check_timeout_ms;
	char *check_exempt; /* net/cidr.h */
	char *arc_trusted;  /* domains */
	int64_t ban_after_failures, ban_time_ms;
	char *ban_exempt;                                      /* net/cidr.h */
	char *lmtp_clients, *xclient_networks, *etrn_networks; /* net/cidr.h */
	bool hide_client_address;                              /* F7: submission's Received */
	int64_t expunged_keep_ms;
	int64_t scrub_interval_ms, scrub_rate; /* 0: never; octets a second */
	int64_t segment_size, inline_max;
	char *log; /* "stderr", or a path relative to the state directory */
	char *log_level;
	char *edge_user, *store_user;
};

/* text: the whole file; name: for messages ("restante.conf:12: unknown setting 'hostnam', did you mean
 * 'hostname'?").  Defaults for what is absent.  NULL and err (ST_USAGE) when it is not valid. */
struct config *config_parse(struct str text, const char *name, struct err *err);
struct config *config_load(
	const char *state, struct err *err); /* <state>/restante.conf; may be absent */
void config_free(struct config *c);

enum { CONFIG_RETRIES_MAX = 32 };
/* "1m, 5m, 15m": at least one time of at least a second.  times may be NULL. */
bool config_retry_times(struct str text, int64_t times[CONFIG_RETRIES_MAX], size_t *count);
/* What holds for all mail. */
struct schedule config_schedule(const struct config *c);
/* "5d"; "off" for what never comes. */
void config_duration_put(struct buf *out, int64_t ms);
/* "1m, 5m, 15m" */
void config_retries_put(struct buf *out, const struct schedule *s);
static inline struct route_rules config_routes(const struct config *c)
{
	return (struct route_rules){ c->routes, c->route_count };
}
/* Of the section that names the domain most exactly; 0: none does. */
enum route_tls config_tls_level(const struct config *c, struct str domain);

/* The commented file that `init` writes. */
void config_write_initial(struct buf *out, struct str hostname, unsigned port_offset);
/* Effective settings / defaults, as a configuration file or as JSON. */
void config_print(struct buf *out, const struct config *c, bool json);
/* Warnings an administrator should see (cleartext_auth, missing certificate ...): each(arg, text). */
void config_warnings(const struct config *c, void (*each)(void *arg, const char *text), void *arg);
/* Rows for the man page and its check: name, default, range, help. */
struct config_row_text {
	const char *name, *fallback, *range, *help;
};
bool config_row(size_t i, struct config_row_text *row);

#endif
