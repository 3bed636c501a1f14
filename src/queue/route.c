#include "queue/route.h"

struct str route_domain(struct str address)
{
	size_t at = str_rfind(address, '@');

	return at == address.n ? STR("") : str_from(address, at + 1);
}

/* "*", "example.org", or ".example.org", which is for what is below it: an exact name before the longest
 * suffix before "*". */
size_t route_name_weight(struct str name, struct str domain)
{
	if (name.n > 0 && name.p[0] == '.')
		return domain.n > name.n && str_ieq(str_from(domain, domain.n - name.n), name)
			       ? 1 + name.n
			       : 0;
	if (str_eq(name, STR("*")))
		return 1;
	return str_ieq(name, domain) ? SIZE_MAX : 0;
}

/* ask: NULL as long as the message is not there; then only those that are for all. */
static bool is_for(const struct route_rule *r, const struct route_ask *ask)
{
	if (ask == NULL)
		return !route_is_for_some(r);
	return ask->octets >= (uint64_t)r->min_size &&
	       (r->max_size == 0 || ask->octets <= (uint64_t)r->max_size) &&
	       (r->mark == 0 || (r->mark & ask->marks) != 0);
}

static size_t weight_of(const struct route_rule *r, struct str address, struct str domain)
{
	struct str whom = str_c(r->whom != NULL && r->whom[0] != '\0' ? r->whom : r->name);
	size_t weight = route_name_weight(whom, domain);

	if (r->role == RULE_SENDER && str_ieq(whom, address))
		return SIZE_MAX;
	return weight == SIZE_MAX ? SIZE_MAX - 1 : weight;
}

/* Of those that speak as exactly of the address: one for some messages before one for all, then the first. */
static const struct route_rule *by_address(const struct route_rules *rules, enum route_role role,
	struct str address, const struct route_ask *ask)
{
	struct str domain = route_domain(address);
	const struct route_rule *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < rules->count; i++) {
		const struct route_rule *r = &rules->rows[i];
		size_t weight =
			r->role == role && is_for(r, ask) ? weight_of(r, address, domain) : 0;

		if (weight > most || (weight > 0 && weight == most && !route_is_for_some(best) &&
					     route_is_for_some(r))) {
			best = r;
			most = weight;
		}
	}
	return best;
}

const struct route_rule *route_rule_find(
	const struct route_rules *rules, enum route_role role, struct str name)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->rows[i].role == role && str_ieq(str_c(rules->rows[i].name), name))
			return &rules->rows[i];
	return NULL;
}

struct route route_of(const struct route_rules *rules, const struct route_ask *ask)
{
	struct str domain = route_domain(ask->recipient);
	const struct route_rule *r = by_address(rules, RULE_ROUTE, ask->recipient, ask);

	/* A notice of ours has no sender: it goes as the default goes. */
	if (r == NULL && ask->sender.n > 0)
		r = by_address(rules, RULE_SENDER, ask->sender, ask);
	if (r == NULL)
		r = route_rule_find(rules, RULE_SMARTHOST, STR(""));
	if (r == NULL)
		return (struct route){ .kind = ROUTE_MX, .host = domain, .port = 25 };
	return (struct route){ .kind = r->kind,
		.host = r->kind == ROUTE_MX ? domain : str_c(r->host),
		.port = r->port,
		.rule = r };
}

struct schedule route_schedule(const struct route_rules *rules, const struct schedule *general,
	const struct route_ask *ask)
{
	const struct route_rule *r = route_of(rules, ask).rule;
	struct schedule s = *general;

	if (r == NULL)
		return s;
	if (r->schedule.waits > 0) {
		memcpy(s.wait_ms, r->schedule.wait_ms, sizeof s.wait_ms);
		s.waits = r->schedule.waits;
	}
	if (r->schedule.lifetime_ms != 0)
		s.lifetime_ms = r->schedule.lifetime_ms;
	if (r->schedule.delay_notice_ms != 0)
		s.delay_notice_ms = r->schedule.delay_notice_ms;
	return s;
}

enum route_accept route_accepts(const struct route_rules *rules, struct str recipient)
{
	const struct route_rule *r = by_address(rules, RULE_ROUTE, recipient, NULL);
	struct str listed;

	if (r == NULL || !r->backup_mx)
		return ROUTE_NOT_OURS;
	listed = str_c(r->recipients);
	if (listed.n == 0)
		return ROUTE_ACCEPT;
	while (listed.n > 0)
		if (str_ieq(str_cut(&listed, ' '), recipient))
			return ROUTE_ACCEPT;
	return ROUTE_NO_SUCH_RECIPIENT;
}

static void put_lower(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_putc(out, ascii_lower(s.p[i]));
}

void route_site(struct buf *out, const struct route *r)
{
	static const char *const names[] = {
		[ROUTE_MX] = "mx:",
		[ROUTE_RELAY] = "relay:[",
		[ROUTE_LMTP] = "lmtp:[",
		[ROUTE_DISCARD] = "discard:",
		[ROUTE_REFUSE] = "refuse:",
	};

	buf_put(out, str_c(names[r->kind]));
	put_lower(out, r->host);
	if (r->kind == ROUTE_RELAY || r->kind == ROUTE_LMTP)
		buf_printf(out, "]:%u", r->port);
	if (r->rule != NULL && r->rule->user != NULL && r->rule->user[0] != '\0')
		buf_printf(out, ",%s", r->rule->user);
}

bool route_parse(struct str site, struct route *r)
{
	struct str rest = site, kind = str_cut(&rest, ':');
	uint64_t port;

	*r = (struct route){ .kind = ROUTE_MX, .host = rest, .port = 25 };
	if (str_eq(kind, STR("mx")))
		return rest.n > 0;
	r->kind = str_eq(kind, STR("lmtp")) ? ROUTE_LMTP : ROUTE_RELAY;
	if ((r->kind == ROUTE_RELAY && !str_eq(kind, STR("relay"))) || !str_starts(rest, STR("[")))
		return false;
	rest = str_from(rest, 1);
	r->host = str_cut(&rest, ']');
	rest = str_head(rest, str_find(rest, ','));
	if (r->host.n == 0 || !str_starts(rest, STR(":")) || !str_u64(str_from(rest, 1), &port) ||
		port == 0 || port > UINT16_MAX)
		return false;
	r->port = (uint16_t)port;
	return true;
}
