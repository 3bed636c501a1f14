/* EXTERNAL (RFC 4422 A): the TLS handshake has proved who holds the key of a client certificate. */
#include "account/sasl_internal.h"
#include "base/codec.h"

/* For the log, in the form that `account cert add` takes. */
static void call_it_by_key(struct sasl *x)
{
	buf_put(&x->user, STR("sha256:"));
	hex_put(&x->user, str_of(x->client_key, sizeof x->client_key));
}

/* authzid: whom the client wants to be; empty: whoever the certificate stands for (RFC 4422 A.1), which a
 * certificate of several accounts does not say. */
void sasl_step_external(struct sasl *x, struct str authzid, bool has_input)
{
	struct directory *d = authenticator_directory(x->a);
	struct account a;
	enum said known = SAID_NO;

	if (!has_input && x->step++ == 0) {
		sasl_challenge(x, STR(""));
		return;
	}
	x->step = 2;
	if (!str_utf8(authzid) || str_find(authzid, '\0') < authzid.n) {
		sasl_end(x, SASL_MALFORMED);
		return;
	}
	if (authzid.n == 0)
		known = certificate_account(d, x->client_key, &a);
	if (authzid.n > 0)
		buf_put(&x->user, authzid);
	else if (known == SAID_YES)
		buf_put(&x->user, str_c(a.address));
	else
		call_it_by_key(x);
	if (known == SAID_NOTHING) {
		sasl_decide(x, known);
		return;
	}
	if (!sasl_look_up(x))
		return;
	if (x->login.found && !x->login.disabled)
		sasl_decide(x, certificate_opens(d, x->login.id, x->client_key));
	else
		sasl_end(x, SASL_FAILED);
}
