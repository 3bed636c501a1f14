/* XCLIENT as Dovecot's proxy sends it: ADDR, PORT, SESSION, TTL and others, separated by spaces.  Only
 * those may say it whom the owner trusts; names we do not use are read over. */
#include "proto/path.h"
#include "proto/pop3d_impl.h"

static bool take(struct pop3d_event *ev, struct str word)
{
	struct str value = word, name = str_cut(&value, '=');

	if (name.n == 0 || name.n == word.n)
		return false;
	if (str_ieq(name, STR("ADDR"))) {
		ev->address = value;
		return path_ip(value);
	}
	if (str_ieq(name, STR("PORT"))) {
		ev->port = value;
		return path_port(value);
	}
	return true;
}

enum pop3d_verdict pop3d_do_xclient(struct pop3d *p, const struct str *arg, struct pop3d_event *ev)
{
	struct str rest = *arg;

	if (!p->peer.xclient) {
		pop3d_err(p, POP3D_NO_CODE, STR("unknown command"));
		return V_BAD;
	}
	while (rest.n > 0)
		if (!take(ev, str_cut(&rest, ' '))) {
			*ev = (struct pop3d_event){ 0 };
			pop3d_err(p, POP3D_NO_CODE, STR("wrong arguments"));
			return V_BAD;
		}
	/* The line is wiped before the owner reads what stood in it. */
	buf_clear(&p->secret);
	buf_put(&p->secret, ev->address);
	buf_put(&p->secret, ev->port);
	ev->address = str_head(buf_str(&p->secret), ev->address.n);
	ev->port = str_from(buf_str(&p->secret), ev->address.n);
	ev->type = POP3D_ASK_XCLIENT;
	p->asked = Q_XCLIENT;
	return V_EVENT;
}

void pop3d_client_taken(struct pop3d *p, bool ok)
{
	if (p->asked != Q_XCLIENT)
		return;
	p->asked = Q_NONE;
	p->touched = true;
	buf_wipe(&p->secret);
	if (ok) {
		pop3d_ok(p, STR("client taken"));
		return;
	}
	pop3d_err(p, POP3D_SYS_TEMP, STR("too many connections, try again later"));
	pop3d_close(p);
}
