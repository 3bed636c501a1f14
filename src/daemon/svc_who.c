/* Which sessions there are, and how to end one.  The store knows a session from its first question on: those
 * that only connected are the edge's business and its limits'. */
#include "base/list.h"
#include "daemon/svc.h"

static void keep(char *to, size_t room, struct str s)
{
	s = str_head(s, room - 1);
	memcpy(to, s.p, s.n);
	to[s.n] = '\0';
}

bool svc_hello(struct svc_session *x, struct reader *r)
{
	struct str protocol = get_str(r), sid = get_str(r), peer = get_str(r);
	int64_t since_ms = (int64_t)get_u64(r);

	if (r->bad || r->rest.n > 0 || x->since_ms != 0)
		return false;
	keep(x->protocol, sizeof x->protocol, protocol);
	keep(x->sid, sizeof x->sid, sid);
	keep(x->peer, sizeof x->peer, peer);
	x->since_ms = since_ms;
	return true;
}

static struct svc *svc_of(struct office_sessions *s)
{
	return LIST_OF(s, struct svc, sessions);
}

static struct str state_of(const struct svc_session *x)
{
	if (svc_is_open(x))
		return x->open ? STR("maildrop open, busy") : STR("maildrop open");
	if (x->nfound > 0 || x->draft != NULL)
		return x->open ? STR("sending, busy") : STR("sending");
	return x->account != 0 ? STR("logged in") : STR("not logged in");
}

static struct str user_of(const struct svc_session *x, struct account *a)
{
	if (x->account == 0 ||
		account_by_id(x->edge->svc->office.directory, x->account, a, NULL) != ST_OK)
		return STR("");
	return str_c(a->address);
}

/* The next session from *edge, *slot on; NULL after the last. */
static struct svc_session *next_session(struct svc *s, struct link **edge, size_t *slot)
{
	for (; *edge != &s->edges; *edge = (*edge)->next, *slot = 0) {
		struct svc_edge *e = LIST_OF(*edge, struct svc_edge, link);

		while (!e->dead && *slot < e->slots) {
			struct svc_session *x = e->sessions[(*slot)++];

			if (x != NULL && x->since_ms != 0)
				return x;
		}
	}
	return NULL;
}

static void each(struct office_sessions *sessions,
	void (*say)(void *arg, const struct office_session *row), void *arg)
{
	struct svc *s = svc_of(sessions);
	struct link *edge = s->edges.next;
	struct svc_session *x;
	size_t slot = 0;

	while ((x = next_session(s, &edge, &slot)) != NULL) {
		struct account a;
		struct office_session row = { .protocol = str_c(x->protocol),
			.user = user_of(x, &a),
			.ip = str_c(x->peer),
			.sid = str_c(x->sid),
			.state = state_of(x),
			.since_ms = x->since_ms };

		say(arg, &row);
	}
}

static void tell(struct svc_session *x)
{
	struct ipc_head head = { .type = IPC_KICK, .session = x->slot };
	struct buf b = { 0 };

	put_str(&b, str_c(x->sid));
	ipc_send(x->edge->ipc, &head, buf_str(&b), STR(""), -1);
	buf_deinit(&b);
}

static size_t kick(struct office_sessions *sessions, struct str sid_or_user)
{
	struct svc *s = svc_of(sessions);
	struct link *edge = s->edges.next;
	struct svc_session *x;
	size_t slot = 0, kicked = 0;
	struct account a;

	while ((x = next_session(s, &edge, &slot)) != NULL)
		if (str_eq(str_c(x->sid), sid_or_user) ||
			(x->account != 0 && str_eq(user_of(x, &a), sid_or_user))) {
			tell(x);
			kicked++;
		}
	return kicked;
}

void svc_sessions_init(struct svc *s)
{
	s->sessions = (struct office_sessions){ .each = each, .kick = kick };
	s->office.sessions = &s->sessions;
}
