/* The sections route, sender_route, smarthost, fallback_relay and tls_policy. */
#include "daemon/config_route.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "daemon/config_table.h"
#include "proto/path.h"

enum { SECTIONS_MAX = 10000 };

static const char *const role_names[] = {
	[RULE_ROUTE] = "route",
	[RULE_SENDER] = "sender_route",
	[RULE_SMARTHOST] = "smarthost",
	[RULE_FALLBACK] = "fallback_relay",
};
enum { ROLES = sizeof role_names / sizeof *role_names };

static bool nameless(enum route_role role)
{
	return role == RULE_SMARTHOST || role == RULE_FALLBACK;
}

/* A setting of the section; NULL when it does not stand there, or this kind has none of that name. */
static const char *value(cfg_t *section, const char *name)
{
	return cfg_getopt(section, name) == NULL ? NULL : cfg_getstr(section, name);
}

static char *text(cfg_t *section, const char *name)
{
	const char *v = value(section, name);

	return str_dup_c(str_c(v == NULL ? "" : v));
}

/* Where: exactly one of the settings that say it; by MX when none does. */
static bool take_kind(struct route_rule *r, cfg_t *section, struct err *err)
{
	const char *relay = value(section, nameless(r->role) ? "host" : "relay");
	const char *lmtp = nameless(r->role) ? NULL : value(section, "lmtp");
	const char *null = nameless(r->role) ? NULL : value(section, "null");

	r->kind = relay != NULL ? ROUTE_RELAY : lmtp != NULL ? ROUTE_LMTP : ROUTE_MX;
	if (null != NULL)
		r->kind = str_eq(str_c(null), STR("discard")) ? ROUTE_DISCARD : ROUTE_REFUSE;
	r->host = str_dup_c(str_c(relay != NULL ? relay : lmtp != NULL ? lmtp : ""));
	if ((relay != NULL) + (lmtp != NULL) + (null != NULL) > 1) {
		err_set(err, ST_USAGE, "%s: only one of relay, lmtp and null", role_names[r->role]);
		return false;
	}
	if (nameless(r->role) && relay == NULL) {
		err_set(err, ST_USAGE, "%s needs a host", role_names[r->role]);
		return false;
	}
	return true;
}

static void take_defaults(struct route_rule *r, cfg_t *section)
{
	const char *port = value(section, "port"), *tls = value(section, "tls");
	bool user = r->user[0] != '\0';
	uint64_t n;

	r->tls = r->kind == ROUTE_LMTP ? ROUTE_TLS_NONE : user ? ROUTE_TLS_VERIFY : ROUTE_TLS_MAY;
	if (tls != NULL && str_eq(str_c(tls), STR("starttls"))) /* as listen and remote say it */
		r->tls = ROUTE_TLS_VERIFY;
	else if (tls != NULL)
		r->tls = (enum route_tls)(
			ROUTE_TLS_NONE + config_word(config_route_tls, str_c(tls)));
	r->port = r->kind == ROUTE_LMTP ? 24 : r->tls == ROUTE_TLS_IMPLICIT ? 465 : user ? 587 : 25;
	if (port != NULL && str_u64(str_c(port), &n))
		r->port = (uint16_t)n;
}

struct schedule config_schedule(const struct config *c)
{
	struct schedule s = { .lifetime_ms = c->queue_lifetime_ms,
		.delay_notice_ms = c->queue_delay_notice_ms };

	(void)config_retry_times(str_c(c->queue_retry), s.wait_ms, &s.waits);
	return s;
}

/* Those of its settings that are kept as numbers. */
static void take_numbers(struct route_rule *r, cfg_t *section, struct err *err)
{
	for (size_t i = 0; i < config_route_settings_count && !nameless(r->role); i++) {
		const struct config_setting *s = &config_route_settings[i];
		const char *v = s->type == CONFIG_DURATION || s->type == CONFIG_OCTETS
					? value(section, s->name)
					: NULL;

		if (v != NULL)
			(void)config_set(r, s, str_c(v), err);
	}
}

bool config_names_domains(struct str s)
{
	if (str_eq(s, STR("*")))
		return true;
	s = str_from(s, str_starts(s, STR(".")) ? 1 : 0);
	return path_domain(s) || path_literal(s) || path_ip(s);
}

static struct str whom_of(const struct route_rule *r)
{
	return str_c(r->whom[0] != '\0' ? r->whom : r->name);
}

/* For whom there is a section already: to look through ten thousand of them for each would hold up who loads them. */
struct names {
	struct buf *slots; /* by hash; twice as many as there can be names, a power of two; owned */
	size_t count;
};

static void names_init(struct names *n, size_t most)
{
	for (n->count = 16; n->count < 2 * most;)
		n->count *= 2;
	n->slots = mem_zalloc(n->count * sizeof *n->slots);
}

static void names_deinit(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		buf_deinit(&n->slots[i]);
	free(n->slots);
}

/* False: it is there.  kind: of the sections among which it may be once, in any case of its letters. */
static bool names_add(struct names *n, char kind, struct str name)
{
	static const uint64_t key[2]; /* no stranger chooses them */
	struct buf text = { 0 };
	size_t at;

	buf_putc(&text, kind);
	for (size_t i = 0; i < name.n; i++)
		buf_putc(&text, ascii_lower(name.p[i]));
	at = hash_str(key, buf_str(&text)) & (n->count - 1);
	while (n->slots[at].len > 0 && !str_eq(buf_str(&n->slots[at]), buf_str(&text)))
		at = (at + 1) & (n->count - 1);
	if (n->slots[at].len > 0) {
		buf_deinit(&text);
		return false;
	}
	n->slots[at] = text;
	return true;
}

/* A name that fits nobody would lead no mail, without a word. */
static bool names_hold(struct names *names, const struct route_rule *r, struct err *err)
{
	struct str whom = whom_of(r), listed = str_c(r->recipients);
	struct path path;

	if (nameless(r->role))
		return true;
	if (!config_names_domains(whom) && (r->role != RULE_SENDER || !path_mailbox(whom, &path))) {
		err_set(err, ST_USAGE, "%s %.*s: for whom it is, is %s, .DOMAIN or *",
			role_names[r->role], STR_ARG(str_head(whom, 60)),
			r->role == RULE_SENDER ? "an address, a domain" : "a domain");
		return false;
	}
	/* Of the same role, for all messages: one of them would never count. */
	if (!route_is_for_some(r) && !names_add(names, (char)('0' + r->role), whom)) {
		err_set(err, ST_USAGE, "%s %.*s is there twice", role_names[r->role],
			STR_ARG(str_head(whom, 60)));
		return false;
	}
	while (listed.n > 0) {
		struct str one = str_cut(&listed, ' ');

		if (one.n == 0 ||
			(path_mailbox(one, &path) && route_name_weight(whom, path.domain) > 0))
			continue;
		err_set(err, ST_USAGE, "%s %.*s: recipients: %.*s is no address there",
			role_names[r->role], STR_ARG(str_head(whom, 60)),
			STR_ARG(str_head(one, 60)));
		return false;
	}
	return true;
}

static bool conditions_hold(const struct route_rule *r, struct err *err)
{
	if (r->header[0] != '\0' && !route_header_is_valid(str_c(r->header)))
		err_set(err, ST_USAGE,
			"%s: header is a field and a pattern, as in \"X-Kind: *bulk*\"",
			role_names[r->role]);
	else if (r->header[0] != '\0' && r->mark == 0)
		err_set(err, ST_USAGE, "more than %d sections with header", (int)ROUTE_MARKS);
	else if (r->max_size != 0 && r->max_size < r->min_size)
		err_set(err, ST_USAGE, "%s: max_size is below min_size", role_names[r->role]);
	else if (r->backup_mx && route_is_for_some(r))
		err_set(err, ST_USAGE, "%s: backup_mx is for messages of any size and header",
			role_names[r->role]);
	else
		return true;
	return false;
}

/* What it says itself; mail that goes by the smarthost is tried again as the settings for all say. */
static bool take_schedule(struct route_rule *r, cfg_t *section, struct err *err)
{
	const char *retry = nameless(r->role) ? NULL : value(section, "retry");

	if (retry != NULL)
		(void)config_retry_times(str_c(retry), r->schedule.wait_ms, &r->schedule.waits);
	if (r->kind != ROUTE_DISCARD && r->kind != ROUTE_REFUSE)
		return true;
	if (r->schedule.waits == 0 && r->schedule.lifetime_ms == 0 &&
		r->schedule.delay_notice_ms == 0)
		return true;
	err_set(err, ST_USAGE, "%s: with null nothing is tried again", role_names[r->role]);
	return false;
}

static bool is_loopback(struct str host)
{
	return path_ip(host) && (str_starts(host, STR("127.")) || str_eq(host, STR("::1")));
}

/* A password would go to whoever answers under that address. */
static bool secrets_are_safe(const struct route_rule *r, struct err *err)
{
	bool secret = r->password[0] != '\0' || r->password_command[0] != '\0';
	const char *name = role_names[r->role];

	if (secret != (r->user[0] != '\0'))
		err_set(err, ST_USAGE, "%s: user and password or password_command go together",
			name);
	else if (r->password[0] != '\0' && r->password_command[0] != '\0')
		err_set(err, ST_USAGE, "%s: only one of password and password_command", name);
	else if (secret && r->kind == ROUTE_RELAY &&
		 (r->tls == ROUTE_TLS_NONE || r->tls == ROUTE_TLS_MAY) &&
		 !is_loopback(str_c(r->host)))
		err_set(err, ST_USAGE,
			"%s: with tls = none or may the password could cross the network "
			"unencrypted",
			name);
	else
		return true;
	return false;
}

/* The next bit; 0 when all are taken. */
static uint64_t next_mark(const struct config *c)
{
	uint64_t taken = 0;

	for (size_t i = 0; i < c->route_count; i++)
		taken |= c->routes[i].mark;
	return taken + 1;
}

static bool take_rule(struct config *c, enum route_role role, cfg_t *section, struct names *names,
	struct err *err)
{
	struct route_rule *r = &c->routes[c->route_count++];
	const char *backup = nameless(role) ? NULL : value(section, "backup_mx");

	*r = (struct route_rule){ .role = role };
	r->name = str_dup_c(str_c(nameless(role) ? "" : cfg_title(section)));
	r->whom = nameless(role) ? str_dup_c(STR("")) : text(section, "for");
	r->user = text(section, "user");
	r->password = text(section, "password");
	r->password_command = text(section, "password_command");
	r->recipients = nameless(role) ? str_dup_c(STR("")) : text(section, "recipients");
	r->header = nameless(role) ? str_dup_c(STR("")) : text(section, "header");
	if (r->header[0] != '\0')
		r->mark = next_mark(c);
	if (backup != NULL)
		config_bool(str_c(backup), &r->backup_mx);
	take_numbers(r, section, err);
	if (!names_hold(names, r, err) || !take_kind(r, section, err) ||
		!take_schedule(r, section, err) || !conditions_hold(r, err))
		return false;
	take_defaults(r, section);
	if (role == RULE_SENDER && r->backup_mx) {
		err_set(err, ST_USAGE, "sender_route: backup_mx is for a recipient's domain");
		return false;
	}
	return secrets_are_safe(r, err);
}

static bool policy_holds(struct names *names, struct str name, struct err *err)
{
	if (!config_names_domains(name)) {
		err_set(err, ST_USAGE, "tls_policy %.*s: its name is a domain, .DOMAIN or *",
			STR_ARG(str_head(name, 60)));
		return false;
	}
	if (names_add(names, 'p', name))
		return true;
	err_set(err, ST_USAGE, "tls_policy %.*s is there twice", STR_ARG(str_head(name, 60)));
	return false;
}

static bool take_policies(
	struct config *c, cfg_t *cfg, cfg_t **where, struct names *names, struct err *err)
{
	unsigned count = cfg_size(cfg, "tls_policy");

	c->tls_policies = mem_array(NULL, count + 1, sizeof *c->tls_policies);
	for (; c->tls_policy_count < count; c->tls_policy_count++) {
		cfg_t *section = cfg_getnsec(cfg, "tls_policy", (unsigned)c->tls_policy_count);
		const char *level = value(section, "level");

		*where = section;
		if (!policy_holds(names, str_c(cfg_title(section)), err))
			return false;
		c->tls_policies[c->tls_policy_count] =
			(struct config_tls_policy){ str_dup_c(str_c(cfg_title(section))),
				level == NULL ? ROUTE_TLS_MAY
					      : (enum route_tls)(ROUTE_TLS_NONE +
								 config_word(config_route_tls,
									 str_c(level))) };
	}
	return true;
}

static bool take_rules(
	struct config *c, cfg_t *cfg, cfg_t **where, struct names *names, struct err *err)
{
	for (size_t i = 0; i < ROLES; i++) {
		unsigned count = cfg_size(cfg, role_names[i]);

		for (unsigned k = 0; k < count; k++) {
			*where = cfg_getnsec(cfg, role_names[i], k);
			if (k > 0 && nameless((enum route_role)i)) {
				err_set(err, ST_USAGE, "%s is there twice", role_names[i]);
				return false;
			}
			if (!take_rule(c, (enum route_role)i, *where, names, err))
				return false;
		}
	}
	return true;
}

bool config_take_routes(struct config *c, cfg_t *cfg, cfg_t **where, struct err *err)
{
	struct names names;
	size_t total = 0;
	bool good;

	for (size_t i = 0; i < ROLES; i++)
		total += cfg_size(cfg, role_names[i]);
	if (total + cfg_size(cfg, "tls_policy") > SECTIONS_MAX) {
		err_set(err, ST_USAGE, "more than %d sections of routes", (int)SECTIONS_MAX);
		return false;
	}
	c->routes = mem_array(NULL, total + 1, sizeof *c->routes);
	names_init(&names, total + cfg_size(cfg, "tls_policy"));
	good = take_rules(c, cfg, where, &names, err) && take_policies(c, cfg, where, &names, err);
	names_deinit(&names);
	return good;
}

void config_free_routes(struct config *c)
{
	for (size_t i = 0; i < c->route_count; i++) {
		free(c->routes[i].name);
		free(c->routes[i].whom);
		free(c->routes[i].host);
		free(c->routes[i].user);
		free(c->routes[i].password);
		free(c->routes[i].password_command);
		free(c->routes[i].recipients);
		free(c->routes[i].header);
	}
	free(c->routes);
	for (size_t i = 0; i < c->tls_policy_count; i++)
		free(c->tls_policies[i].name);
	free(c->tls_policies);
}

enum route_tls config_tls_level(const struct config *c, struct str domain)
{
	const struct config_tls_policy *best = NULL;

	for (size_t i = 0; i < c->tls_policy_count; i++)
		if (route_name_weight(str_c(c->tls_policies[i].name), domain) >
			(best == NULL ? 0 : route_name_weight(str_c(best->name), domain)))
			best = &c->tls_policies[i];
	return best == NULL ? 0 : best->level;
}

/* ---- showing them ---- */

struct line {
	const char *name;
	bool bare;
	struct buf text; /* empty: it is not shown */
};

enum { LINES = 16 };

static void lines_of(const struct route_rule *r, struct line l[LINES])
{
	bool null = r->kind == ROUTE_DISCARD || r->kind == ROUTE_REFUSE;
	const char *where = r->kind == ROUTE_LMTP ? "lmtp" : nameless(r->role) ? "host" : "relay";
	const struct line lines[LINES] = {
		{ .name = where },
		{ .name = "null", .bare = true },
		{ .name = "backup_mx", .bare = true },
		{ .name = "recipients" },
		{ .name = "port", .bare = true },
		{ .name = "tls", .bare = true },
		{ .name = "user" },
		{ .name = "password" },
		{ .name = "password_command" },
		{ .name = "retry" },
		{ .name = "lifetime", .bare = true },
		{ .name = "delay_notice", .bare = true },
		{ .name = "min_size", .bare = true },
		{ .name = "max_size", .bare = true },
		{ .name = "header" },
		{ .name = "for" },
	};

	memcpy(l, lines, sizeof lines);
	buf_put(&l[0].text, str_c(r->host));
	if (null)
		buf_put(&l[1].text, config_word_at(config_null_routes, r->kind == ROUTE_REFUSE));
	if (r->backup_mx)
		buf_put(&l[2].text, STR("yes"));
	buf_put(&l[3].text, str_c(r->recipients));
	if (r->host[0] != '\0') {
		buf_putu(&l[4].text, r->port);
		buf_put(&l[5].text, config_word_at(config_route_tls, r->tls - ROUTE_TLS_NONE));
	}
	buf_put(&l[6].text, str_c(r->user));
	if (r->password[0] != '\0')
		buf_put(&l[7].text, STR("(not shown)"));
	buf_put(&l[8].text, str_c(r->password_command));
	config_retries_put(&l[9].text, &r->schedule);
	if (r->schedule.lifetime_ms != 0)
		config_duration_put(&l[10].text, r->schedule.lifetime_ms);
	if (r->schedule.delay_notice_ms != 0)
		config_duration_put(&l[11].text, r->schedule.delay_notice_ms);
	if (r->min_size != 0)
		config_octets_put(&l[12].text, r->min_size);
	if (r->max_size != 0)
		config_octets_put(&l[13].text, r->max_size);
	buf_put(&l[14].text, str_c(r->header));
	buf_put(&l[15].text, str_c(r->whom));
}

static void lines_free(struct line l[LINES])
{
	for (size_t i = 0; i < LINES; i++)
		buf_deinit(&l[i].text);
}

void config_routes_put(struct buf *out, const struct config *c)
{
	for (size_t i = 0; i < c->route_count; i++) {
		const struct route_rule *r = &c->routes[i];
		struct line lines[LINES];

		lines_of(r, lines);
		buf_put(out, str_c(role_names[r->role]));
		buf_putc(out, ' ');
		if (!nameless(r->role)) {
			config_quoted_put(out, str_c(r->name));
			buf_putc(out, ' ');
		}
		buf_put(out, STR("{\n"));
		for (size_t k = 0; k < LINES; k++) {
			if (lines[k].text.len == 0)
				continue;
			buf_printf(out, "\t%s = ", lines[k].name);
			if (lines[k].bare)
				buf_put(out, buf_str(&lines[k].text));
			else
				config_quoted_put(out, buf_str(&lines[k].text));
			buf_putc(out, '\n');
		}
		lines_free(lines);
		buf_put(out, STR("}\n"));
	}
	for (size_t i = 0; i < c->tls_policy_count; i++) {
		buf_put(out, STR("tls_policy "));
		config_quoted_put(out, str_c(c->tls_policies[i].name));
		buf_put(out, STR(" {\n\tlevel = "));
		buf_put(out, config_word_at(
				     config_route_tls, c->tls_policies[i].level - ROUTE_TLS_NONE));
		buf_put(out, STR("\n}\n"));
	}
}

void config_routes_json(json_t *root, const struct config *c)
{
	json_t *lists[ROLES], *policies = json_array();

	for (size_t i = 0; i < ROLES; i++) {
		lists[i] = json_array();
		json_object_set_new(root, role_names[i], lists[i]);
	}
	for (size_t i = 0; i < c->route_count; i++) {
		const struct route_rule *r = &c->routes[i];
		json_t *row = json_pack("{s:s}", "name", r->name);
		struct line lines[LINES];

		lines_of(r, lines);
		for (size_t k = 0; k < LINES; k++)
			if (lines[k].text.len > 0)
				json_object_set_new(row, lines[k].name,
					json_stringn(lines[k].text.data, lines[k].text.len));
		lines_free(lines);
		json_array_append_new(lists[r->role], row);
	}
	for (size_t i = 0; i < c->tls_policy_count; i++) {
		struct str level =
			config_word_at(config_route_tls, c->tls_policies[i].level - ROUTE_TLS_NONE);

		json_array_append_new(
			policies, json_pack("{s:s, s:s%}", "name", c->tls_policies[i].name, "level",
					  level.p, level.n));
	}
	json_object_set_new(root, "tls_policy", policies);
}
