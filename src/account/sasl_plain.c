/* PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login, which every mail client speaks). */
#include "account/sasl_internal.h"

/* 1*SAFE: UTF-8 without NUL.  Longer than any name we keep is still a name, of nobody. */
static bool is_name(struct str s)
{
	return s.n > 0 && str_utf8(s) && str_find(s, '\0') == s.n;
}

/* message = [authzid] NUL authcid NUL passwd (RFC 4616 2).  The password is left out of the UTF-8 rule: one
 * that was imported in another charset must go on working. */
void sasl_step_plain(struct sasl *x, struct str input, bool has_input)
{
	struct str authzid, authcid, password = input;
	enum said same = SAID_YES;

	if (!has_input && x->step++ == 0) {
		sasl_challenge(x, STR(""));
		return;
	}
	x->step = 2;
	authzid = str_cut(&password, '\0');
	authcid = str_cut(&password, '\0');
	if (authzid.n + authcid.n + 2 + password.n != input.n || password.n == 0 ||
		str_find(password, '\0') < password.n || !is_name(authcid) ||
		(authzid.n > 0 && !is_name(authzid))) {
		sasl_end(x, SASL_MALFORMED);
		return;
	}
	buf_put(&x->user, authcid);
	/* Nobody acts for somebody else (RFC 4616 2; maddy CVE-2023-27582).  No hash is needed to see it, and
	 * the answer does not depend on who exists. */
	if (authzid.n > 0)
		same = directory_same_user(authenticator_directory(x->a), authzid, authcid);
	if (same == SAID_YES)
		sasl_check_password(x, password);
	else
		sasl_decide(x, same);
}

/* Some clients send the name as initial response. */
void sasl_step_login(struct sasl *x, struct str input, bool has_input)
{
	if (!has_input && x->step == 0) {
		x->step = 1;
		sasl_challenge(x, STR("Username:"));
	} else if (x->step < 2) {
		x->step = 2;
		if (!is_name(input)) {
			sasl_end(x, SASL_MALFORMED);
			return;
		}
		buf_put(&x->user, input);
		sasl_challenge(x, STR("Password:"));
	} else if (input.n == 0 || str_find(input, '\0') < input.n) {
		sasl_end(x, SASL_MALFORMED);
	} else {
		sasl_check_password(x, input);
	}
}
