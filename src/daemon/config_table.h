/* config_table.h -- the one table of settings, and how values look as text.
 *
 * config.c parses by it, config_print.c prints by it; nothing else reads it. */
#ifndef RESTANTE_DAEMON_CONFIG_TABLE_H
#define RESTANTE_DAEMON_CONFIG_TABLE_H

#include "daemon/config.h"

enum config_type {
	CONFIG_COUNT,    /* int64_t */
	CONFIG_OCTETS,   /* int64_t; "25M" */
	CONFIG_DURATION, /* int64_t milliseconds; "5m"; with `words`, that word is -1 */
	CONFIG_DAYS,     /* int64_t; "never" is -1 */
	CONFIG_BOOL,     /* bool; yes or no */
	CONFIG_TEXT,     /* char *; at most `max` octets */
	CONFIG_HOSTNAME, /* char *; "" means the system's name */
	CONFIG_UIDL,     /* char *; a template of base/uidl.h */
	CONFIG_WORD,     /* char *; one of `words` */
	CONFIG_WORDS,    /* char *; some of `words`, separated by spaces */
	CONFIG_RETRIES,  /* char *; durations separated by commas */
	CONFIG_HOST,     /* char *; a host name or IP address; "" for none when min is 0 */
	CONFIG_NETWORKS, /* char *; networks of net/cidr.h, separated by spaces; "" for none */
};

struct config_setting {
	const char *name;
	enum config_type type;
	size_t at; /* offset in struct config */
	const char *fallback;
	int64_t min, max;
	const char *words;
	const char *help;
};

extern const struct config_setting config_settings[];
extern const size_t config_settings_count;

/* The same rows for what stands inside listen NAME { } and certificate NAME { }; `at` is not used. */
extern const struct config_setting config_listen_settings[];
extern const size_t config_listen_settings_count;
extern const struct config_setting config_certificate_settings[];
extern const size_t config_certificate_settings_count;
/* route DOMAIN { } and sender_route NAME { }; smarthost { } and fallback_relay { }; tls_policy DOMAIN { }. */
extern const struct config_setting config_route_settings[];
extern const size_t config_route_settings_count;
extern const struct config_setting config_relay_settings[];
extern const size_t config_relay_settings_count;
extern const struct config_setting config_policy_settings[];
extern const size_t config_policy_settings_count;

const struct config_setting *config_setting_find(struct str name);

/* Listeners that need no more than their name. */
struct config_listen_kind {
	const char *name;
	enum listen_protocol protocol;
	enum listen_tls tls;
	uint16_t port;
	enum {
		CONFIG_LISTEN_ALWAYS, /* unless others are written */
		CONFIG_LISTEN_WHEN_WRITTEN,
		CONFIG_LISTEN_LOCAL, /* so too, and on loopback unless that says more */
	} opened;
};
extern const struct config_listen_kind config_listen_kinds[];
extern const size_t config_listen_kinds_count;
const struct config_listen_kind *config_listen_kind(struct str name);

/* The position of word in a list separated by spaces; -1 when it is not there. */
int config_word(const char *words, struct str word);
/* The n-th word of such a list. */
struct str config_word_at(const char *words, size_t n);
extern const char config_protocols[], config_tls_modes[];   /* in the order of the enums */
extern const char config_route_tls[], config_null_routes[]; /* so too, from their first on */

bool config_bool(struct str text, bool *out); /* false: neither yes nor no */
/* A value of a type that is kept as text. */
bool config_text_allowed(const struct config_setting *s, struct str text);
bool config_value_allowed(const struct config_setting *s, struct str text);
/* Sets the member at s->at of the struct, or says what is allowed. */
enum status config_set(void *of, const struct config_setting *s, struct str text, struct err *err);
/* The member's text, such that config_set() gives the same value. */
void config_value_put(struct buf *out, const void *of, const struct config_setting *s);
/* "25M" */
void config_octets_put(struct buf *out, int64_t octets);
/* "100 .. 100000", "yes or no", "none, starttls or implicit". */
void config_range_put(struct buf *out, const struct config_setting *s);

#endif
