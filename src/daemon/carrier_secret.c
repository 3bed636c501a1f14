#include <stdlib.h>

#include "base/mem.h"
#include "daemon/carrier_secret.h"
#include "daemon/session_out.h"

enum { KEPT_MS = 5 * 60 * 1000, RETRY_MS = 5 * 1000 };

static struct carrier_secret *secret_of(struct carrier *c, const struct route_rule *rule)
{
	struct carrier_secret *s;

	for (struct link *l = c->secrets.next; l != &c->secrets; l = l->next) {
		s = LIST_OF(l, struct carrier_secret, link);
		if (s->rule == rule)
			return s;
	}
	s = NEW(struct carrier_secret);
	s->rule = rule;
	s->until_ms = 1;
	list_append(&c->secrets, &s->link);
	return s;
}

bool carrier_secret(struct carrier *c, const struct route_rule *rule, struct str *secret)
{
	struct ipc_head head = { .type = LEASH_SECRET };
	struct carrier_secret *s;
	struct buf question = { 0 };

	*secret = str_c(rule->password);
	if (rule->password_command[0] == '\0')
		return true;
	s = secret_of(c, rule);
	*secret = buf_str(&s->text);
	if (s->until_ms > loop_now_ms(c->loop))
		return true;
	if (s->until_ms == 0)
		return false;
	put_u8(&question, (uint8_t)rule->role);
	put_str(&question, str_c(rule->name));
	ipc_send(c->leash, &head, buf_str(&question), STR(""), -1);
	buf_deinit(&question);
	s->until_ms = 0;
	return false;
}

void carrier_secret_came(struct carrier *c, struct reader *r)
{
	struct reader question = { .rest = get_str(r) };
	struct str text = get_str(r), name;
	struct route_rules rules = config_routes(c->config);
	enum route_role role = (enum route_role)get_u8(&question);
	struct carrier_secret *s;
	const struct route_rule *rule;

	name = get_str(&question);
	rule = route_rule_find(&rules, role, name);
	if (r->bad || question.bad || rule == NULL)
		return;
	s = secret_of(c, rule);
	buf_wipe(&s->text);
	buf_put(&s->text, text);
	s->until_ms = loop_now_ms(c->loop) + (text.n > 0 ? KEPT_MS : RETRY_MS);
	out_secret_came(c, rule);
}

void carrier_secret_wrong(struct carrier *c, const struct route_rule *rule)
{
	struct carrier_secret *s;

	if (rule->password_command[0] == '\0')
		return;
	s = secret_of(c, rule);
	if (s->until_ms != 0)
		s->until_ms = 1;
}
