/* Verbs of bans.  They live in the mapping of a running server. */
#include "base/clock.h"
#include "daemon/bans.h"
#include "daemon/kept_bans.h"
#include "daemon/office_verbs.h"

static enum status no_server(struct err *err)
{
	return err_set(err, ST_TEMP, "no server runs on this state directory: there are no bans");
}

static enum status net_get(const json_t *q, struct cidr *net, struct err *err)
{
	struct str text;
	enum status status = request_str(q, "network", &text, err);

	if (status != ST_OK || cidr_parse(text, net))
		return status;
	return err_set(err, ST_USAGE,
		"'%.*s' is no network: give one such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/48",
		STR_ARG(str_head(text, 60)));
}

enum status verb_ban_add(struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct ban ban = { .why = BAN_BY_HAND, .since_ms = clock_steady_ms() };
	enum status status = net_get(q, &ban.net, err);

	(void)r;
	if (status != ST_OK)
		return status;
	if (o->bans == NULL)
		return no_server(err);
	ban.until_ms = json_integer_value(json_object_get(q, "until_ms"));
	if (ban.until_ms != 0 && ban.until_ms <= ban.since_ms)
		return err_set(err, ST_USAGE, "it would be over already");
	if (!bans_add(o->bans, &ban, ban.since_ms))
		return err_set(err, ST_LIMIT, "there are %d bans: delete some first", BANS_MAX);
	kept_bans_save(o);
	return ST_OK;
}

enum status verb_ban_del(struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct cidr net;
	enum status status = net_get(q, &net, err);

	(void)r;
	if (status != ST_OK)
		return status;
	if (o->bans == NULL)
		return no_server(err);
	if (!bans_del(o->bans, &net, clock_steady_ms()))
		return err_set(err, ST_NOTFOUND, "it is not banned: see `restante ban list`");
	kept_bans_save(o);
	return ST_OK;
}

enum status verb_ban_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	int64_t now = clock_steady_ms();
	char text[CIDR_TEXT];
	struct ban ban;

	(void)q;
	if (o->bans == NULL)
		return no_server(err);
	for (size_t i = 0; i < BANS_MAX; i++) {
		if (!bans_get(o->bans, i, now, &ban))
			continue;
		cidr_text(&ban.net, text);
		r->row(r, json_pack("{s:s, s:s, s:o, s:o}", "network", text, "why",
				  ban.why == BAN_LOGINS ? "logins" : "by hand", "since",
				  json_time(ban.since_ms), "until",
				  ban.until_ms == 0 ? json_null() : json_time(ban.until_ms)));
	}
	return ST_OK;
}
