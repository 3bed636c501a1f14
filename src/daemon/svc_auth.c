/* SASL behind the wall.  The edge learns: a challenge to pass on, or who it is, or that it failed. */
#include "base/clock.h"
#include "daemon/svc.h"
#include "net/cidr.h"

enum { SENDERS_MAX = 128 }; /* an honest edge asks for fewer at a time */

static void copy(char *to, size_t size, struct str s)
{
	s = str_head(s, size - 1);
	memcpy(to, s.p, s.n);
	to[s.n] = '\0';
}

static void note_login(struct svc_session *x, const struct sasl_reply *reply)
{
	struct last_login *l = &x->login;

	l->at_ms = clock_wall_ms();
	copy(l->mechanism, sizeof l->mechanism, reply->mechanism);
	copy(l->app, sizeof l->app, reply->app_name);
	directory_note_login(x->edge->svc->office.directory, reply->account, reply->app, l);
}

static void done(void *owner, const struct sasl_reply *reply)
{
	struct svc_session *x = owner;
	struct buf body = { 0 };

	put_str(&body, reply->output);
	put_str(&body, reply->address);
	put_str(&body, reply->user);
	if (reply->result == SASL_OK) {
		x->account = reply->account;
		note_login(x, reply);
		if (x->hands_out) {
			sasl_free(x->sasl);
			x->sasl = NULL;
			x->login_answer = body;
			svc_open(x);
			return;
		}
	}
	svc_answer(x, reply->result, buf_str(&body), STR(""), -1);
	buf_wipe(&body);
}

/* An IPv4 /16, an IPv6 /32: addresses are cheap, whole providers are not. */
static struct str network_of(struct str ip, struct cidr *net)
{
	unsigned char address[16];

	if (!cidr_address(ip, address))
		return STR("");
	*net = cidr_of(address, cidr_is_v4(address) ? 96 + 16 : 32);
	return str_of(net->address, sizeof net->address);
}

bool svc_auth(struct svc_session *x, struct reader *r)
{
	struct sasl_start start = { 0 };
	struct str input, protocol;
	struct cidr net;
	bool has_input;

	start.mechanism = get_str(r);
	start.tls = get_u8(r) != 0;
	start.plus_offered = get_u8(r) != 0;
	start.exporter = get_str(r);
	has_input = get_u8(r) != 0;
	input = get_str(r);
	protocol = get_str(r);
	x->hands_out = str_eq(protocol, STR("pop3"));
	start.scope = x->hands_out ? LOGIN_POP3 : LOGIN_SMTP;
	copy(x->login.protocol, sizeof x->login.protocol, protocol);
	copy(x->login.ip, sizeof x->login.ip, get_str(r));
	copy(x->login.tls, sizeof x->login.tls, get_str(r));
	start.client_key = get_str(r);
	start.network = network_of(str_c(x->login.ip), &net);
	/* One account a session: what was done under it must not be taken along to another. */
	if (r->bad || r->rest.n > 0 || x->account != 0)
		return false;
	sasl_free(x->sasl);
	x->sasl = sasl_new(x->edge->svc->authenticator, &start, done, x);
	sasl_step(x->sasl, input, has_input);
	return true;
}

bool svc_auth_step(struct svc_session *x, struct reader *r)
{
	struct str input = get_str(r);

	if (r->bad || r->rest.n > 0 || x->sasl == NULL || x->account != 0)
		return false;
	sasl_step(x->sasl, input, true);
	return true;
}

bool svc_sender(struct svc_session *x, struct reader *r)
{
	struct directory *d = x->edge->svc->office.directory;
	uint32_t first = 0;
	struct buf b = { 0 };
	enum said may = SAID_YES;

	if (x->account == 0 || r->rest.n == 0)
		return false;
	while (may == SAID_YES && r->rest.n > 0) {
		struct str address = get_str(r);

		if (r->bad || first == SENDERS_MAX)
			return false;
		may = directory_may_send_as(d, x->account, address);
		first += may == SAID_YES;
	}
	put_u32(&b, first);
	svc_answer(x, may, buf_str(&b), STR(""), -1);
	buf_deinit(&b);
	return true;
}
