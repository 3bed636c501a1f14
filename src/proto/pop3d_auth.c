#include "base/codec.h"
#include "proto/pop3d_impl.h"

/* RFC 8314 3, RFC 5034 4: no password without TLS unless the administrator insists. */
bool pop3d_may_login(const struct pop3d *p)
{
	return p->peer.tls_active || p->config->cleartext_auth;
}

/* No response code: [AUTH] would tell the client to ask its user for another password
 * (RFC 3206 5), and nothing is wrong with that. */
static enum pop3d_verdict refuse_cleartext(struct pop3d *p)
{
	pop3d_err(p, POP3D_NO_CODE,
		p->peer.tls_available ? STR("TLS is needed to log in, use STLS")
				      : STR("TLS is needed to log in"));
	return V_DONE;
}

/* The same answer for every name: who has a mailbox here is nobody's business (RFC 1939 13). */
enum pop3d_verdict pop3d_do_user(struct pop3d *p, const struct str *arg, struct pop3d_event *ev)
{
	(void)ev;
	if (!pop3d_may_login(p))
		return refuse_cleartext(p);
	/* RFC 6856 2.2 */
	if (!str_utf8(arg[0])) {
		pop3d_err(p, POP3D_NO_CODE, STR("the name is not UTF-8"));
		return V_BAD;
	}
	buf_clear(&p->user);
	buf_put(&p->user, arg[0]);
	pop3d_ok(p, STR("send PASS"));
	return V_DONE;
}

enum pop3d_verdict pop3d_do_pass(struct pop3d *p, const struct str *arg, struct pop3d_event *ev)
{
	if (!pop3d_may_login(p))
		return refuse_cleartext(p);
	if (p->user.len == 0) {
		pop3d_err(p, POP3D_NO_CODE, STR("send USER first"));
		return V_BAD;
	}
	if (!str_utf8(arg[0])) {
		pop3d_err(p, POP3D_NO_CODE, STR("the password is not UTF-8"));
		return V_BAD;
	}
	buf_put(&p->secret, arg[0]);
	p->asked = Q_LOGIN;
	ev->type = POP3D_ASK_LOGIN;
	ev->user = buf_str(&p->user);
	ev->password = buf_str(&p->secret);
	return V_EVENT;
}

void pop3d_mechanisms(const struct pop3d *p, struct str lists[POP3D_LISTS])
{
	lists[0] = p->config->mechanisms;
	lists[1] = p->peer.channel_binding ? p->config->mechanisms_plus : STR("");
	lists[2] = p->peer.certificate ? p->config->mechanisms_certificate : STR("");
}

/* The mechanism as the configuration spells it; "" when it is not offered. */
static struct str find_mechanism(const struct pop3d *p, struct str name)
{
	struct str lists[POP3D_LISTS];

	pop3d_mechanisms(p, lists);
	for (size_t i = 0; i < POP3D_LISTS; i++)
		while (lists[i].n > 0) {
			struct str word = str_cut(&lists[i], ' ');

			if (word.n > 0 && str_ieq(word, name))
				return word;
		}
	return STR("");
}

/* RFC 1734 had no AUTH without arguments; clients ask so all the same, and the answer is a list. */
static enum pop3d_verdict list_mechanisms(struct pop3d *p)
{
	struct str lists[POP3D_LISTS];

	pop3d_mechanisms(p, lists);
	pop3d_ok(p, STR("mechanisms follow"));
	for (size_t i = 0; i < POP3D_LISTS; i++)
		while (lists[i].n > 0) {
			struct str word = str_cut(&lists[i], ' ');

			if (word.n == 0)
				continue;
			buf_put(&p->out, word);
			buf_put(&p->out, STR("\r\n"));
		}
	buf_put(&p->out, STR(".\r\n"));
	return V_DONE;
}

/* "=" is an empty initial response, none at all is something else (RFC 5034 4). */
enum pop3d_verdict pop3d_do_auth(struct pop3d *p, const struct str *arg, struct pop3d_event *ev)
{
	struct str mechanism;
	bool has_data;

	if (!pop3d_may_login(p))
		return refuse_cleartext(p);
	if (arg == NULL)
		return list_mechanisms(p);
	mechanism = find_mechanism(p, arg[0]);
	if (mechanism.n == 0) {
		pop3d_err(p, POP3D_NO_CODE, STR("mechanism is not supported"));
		return V_DONE;
	}
	has_data = arg[1].n > 0;
	buf_reserve(&p->secret, arg[1].n); /* a buffer that grows leaves copies behind */
	if (has_data && !str_eq(arg[1], STR("=")) && !base64_get(arg[1], &p->secret)) {
		buf_wipe(&p->secret);
		pop3d_err(p, POP3D_NO_CODE, STR("initial response is not base64"));
		return V_BAD;
	}
	buf_clear(&p->user); /* an AUTH between USER and PASS ends that pair */
	p->asked = Q_AUTH;
	ev->type = POP3D_ASK_AUTH;
	ev->mechanism = mechanism;
	ev->data = buf_str(&p->secret);
	ev->has_data = has_data;
	return V_EVENT;
}

/* A response inside the exchange; a lone "*" cancels (RFC 5034 4). */
enum pop3d_verdict pop3d_sasl_line(
	struct pop3d *p, struct str line, bool malformed, struct pop3d_event *ev)
{
	bool cancel = str_eq(line, STR("*"));

	buf_reserve(&p->secret, line.n); /* a buffer that grows leaves copies behind */
	if (!malformed && !cancel && base64_get(line, &p->secret)) {
		p->state = S_AUTHORIZATION; /* until the next challenge */
		p->asked = Q_AUTH;
		ev->type = POP3D_ASK_AUTH_MORE;
		ev->data = buf_str(&p->secret);
		ev->has_data = true;
		return V_EVENT;
	}
	buf_wipe(&p->secret);
	p->state = S_AUTHORIZATION;
	p->sasl_broken = !cancel;
	pop3d_err(p, POP3D_NO_CODE,
		cancel ? STR("authentication cancelled") : STR("response is not base64"));
	ev->type = POP3D_EV_AUTH_CANCEL;
	return V_EVENT;
}

void pop3d_auth_challenge(struct pop3d *p, struct str challenge)
{
	if (p->asked ==
		Q_LOGIN) /* PASS and APOP do not go on: an owner who thinks so is confused */
		pop3d_login_failed(p, POP3D_SYS_TEMP, STR("cannot authenticate now, try again"));
	if (p->asked != Q_AUTH)
		return;
	buf_wipe(&p->secret);
	buf_put(&p->out, STR("+ "));
	base64_put(&p->out, challenge);
	buf_put(&p->out, STR("\r\n"));
	p->asked = Q_NONE;
	p->state = S_SASL;
}

void pop3d_login_ok(struct pop3d *p, struct str user, uint64_t count, uint64_t octets)
{
	struct buf name = { 0 };

	if (p->asked != Q_LOGIN && p->asked != Q_AUTH)
		return;
	buf_put(&name, user); /* which may be a view of p->user */
	buf_deinit(&p->user);
	p->user = name;
	buf_wipe(&p->secret);
	p->asked = Q_NONE;
	p->state = S_TRANSACTION;
	p->touched = true;
	p->errors = 0;
	p->count = count;
	p->octets = octets;
	buf_put(&p->out, STR("+OK "));
	pop3d_say_drop(p, true);
}

void pop3d_expire(struct pop3d *p, int64_t days)
{
	p->peer.expire_days = days;
	p->peer.expire_differs = false;
}

/* RFC 1939 7: after a failed PASS the pair begins anew with USER. */
void pop3d_login_failed(struct pop3d *p, enum pop3d_code code, struct str text)
{
	if (p->asked != Q_LOGIN && p->asked != Q_AUTH)
		return;
	p->asked = Q_NONE;
	p->state = S_AUTHORIZATION;
	buf_wipe(&p->secret);
	buf_release(&p->user);
	pop3d_err(p, code, text);
	if (++p->failures >= p->config->auth_failures)
		pop3d_close(p);
}

/* RFC 2595 4, 2.4: what came after STLS in the clear was never said (CVE-2011-0411 and kin). */
enum pop3d_verdict pop3d_do_stls(struct pop3d *p, const struct str *arg, struct pop3d_event *ev)
{
	(void)arg;
	if (p->peer.tls_active || !p->peer.tls_available) {
		pop3d_err(p, POP3D_NO_CODE,
			p->peer.tls_active ? STR("TLS is active already")
					   : STR("TLS is not available"));
		return V_DONE;
	}
	/* RFC 6856 2.1: clients must not do this. */
	if (p->utf8) {
		pop3d_err(p, POP3D_NO_CODE, STR("not after UTF8"));
		return V_DONE;
	}
	pop3d_ok(p, STR("begin TLS negotiation"));
	buf_release(&p->user);
	pop3d_drop_input(p);
	p->asked = Q_TLS;
	ev->type = POP3D_EV_STLS;
	return V_EVENT;
}

/* The clock of the login goes on: it is a whole time, handshake included. */
void pop3d_tls_started(struct pop3d *p, bool channel_binding, int64_t now_ms)
{
	(void)now_ms;
	if (p->asked != Q_TLS)
		return;
	pop3d_drop_input(p);
	p->peer.tls_active = true;
	p->peer.channel_binding = channel_binding;
	p->language = 0; /* anybody in between could have said LANG (RFC 6856 7) */
	p->asked = Q_NONE;
}

void pop3d_certificate_shown(struct pop3d *p)
{
	p->peer.certificate = true;
}
