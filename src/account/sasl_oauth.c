/* OAUTHBEARER (RFC 7628) and XOAUTH2, what Google and Microsoft had before it: the client shows a bearer token,
 * and somebody outside says whose it is. */
#include "account/sasl_internal.h"

#define KVSEP '\001'

static bool is_b64token(struct str s)
{
	size_t n = 0;

	/* RFC 6750 2.1: 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=" */
	while (n < s.n && (ascii_digit(s.p[n]) ||
				  (ascii_lower(s.p[n]) >= 'a' && ascii_lower(s.p[n]) <= 'z') ||
				  str_find(STR("-._~+/"), s.p[n]) < 6))
		n++;
	if (n == 0)
		return false;
	while (n < s.n && s.p[n] == '=')
		n++;
	return n == s.n;
}

static bool is_key(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (ascii_lower(s.p[i]) < 'a' || ascii_lower(s.p[i]) > 'z')
			return false;
	return s.n > 0;
}

/* RFC 7628 3.1: VCHAR, SP, HTAB, CR, LF. */
static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < 0x20 || s.p[i] > 0x7e) && s.p[i] != '\t' && s.p[i] != '\r' &&
			s.p[i] != '\n')
			return false;
	return true;
}

/* *kvpair kvsep: of all keys only auth is ours, and it says "Bearer TOKEN"; unknown ones are ignored. */
static bool token_get(struct str pairs, struct str *token)
{
	bool found = false;

	while (pairs.n > 1) {
		size_t end = str_find(pairs, KVSEP);
		struct str value = str_head(pairs, end), key;

		if (end == pairs.n || str_find(value, '=') == value.n)
			return false;
		pairs = str_from(pairs, end + 1);
		key = str_cut(&value, '=');
		if (!is_key(key) || !is_value(value))
			return false;
		if (!str_ieq(key, STR("auth")))
			continue;
		if (found || !str_istarts(value, STR("Bearer ")))
			return false;
		*token = str_trim(str_from(value, 7));
		found = is_b64token(*token);
		if (!found)
			return false;
	}
	return found && pairs.n == 1 && pairs.p[0] == KVSEP;
}

/* saslname of RFC 5801 4: "=2C" is a comma, "=3D" an equals sign, and neither stands for itself. */
static bool saslname(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		struct str rest = str_from(s, i);

		if (str_starts(rest, STR("=2C")) || str_starts(rest, STR("=3D"))) {
			buf_putc(out, rest.p[2] == 'C' ? ',' : '=');
			i += 2;
		} else if (rest.p[0] == '=' || rest.p[0] == ',' || rest.p[0] == '\0') {
			return false;
		} else {
			buf_putc(out, rest.p[0]);
		}
	}
	return out->len > 0 && str_utf8(buf_str(out));
}

/* gs2-header kvsep *kvpair kvsep; no channel binding exists for it, so "p=" is none of its flags. */
static bool parse_bearer(struct sasl *x, struct str input, struct str *token)
{
	size_t end = str_find(input, KVSEP);
	struct str header = str_head(input, end), rest = header, flag, authzid;

	if (end == input.n)
		return false;
	flag = str_cut(&rest, ',');
	authzid = str_cut(&rest, ',');
	if ((!str_eq(flag, STR("n")) && !str_eq(flag, STR("y"))) ||
		flag.n + authzid.n + 2 != header.n)
		return false;
	if (authzid.n > 0 &&
		(!str_starts(authzid, STR("a=")) || !saslname(str_from(authzid, 2), &x->user)))
		return false;
	return token_get(str_from(input, end + 1), token);
}

/* "user=" NAME kvsep "auth=Bearer " TOKEN kvsep kvsep */
static bool parse_xoauth2(struct sasl *x, struct str input, struct str *token)
{
	size_t end = str_find(input, KVSEP);
	struct str user = str_head(input, end);

	if (end == input.n || !str_istarts(user, STR("user=")))
		return false;
	user = str_from(user, 5);
	if (user.n == 0 || !str_utf8(user) || str_find(user, '\0') < user.n)
		return false;
	buf_put(&x->user, user);
	return token_get(str_from(input, end + 1), token);
}

/* RFC 7628 3.2.2: the error first; the client's dummy response then ends the exchange. */
static void fail(struct sasl *x)
{
	x->step = 2;
	sasl_challenge(x, x->mechanism == MECH_XOAUTH2
				  ? STR("{\"status\":\"401\",\"schemes\":\"bearer\"}")
				  : STR("{\"status\":\"invalid_token\",\"schemes\":\"bearer\"}"));
}

/* The token's owner is who it is.  Whom the client named must be the same: nobody acts for somebody else. */
static void good(struct sasl *x, struct str username)
{
	struct directory *d = authenticator_directory(x->a);
	enum said same = SAID_YES;

	if (x->user.len > 0)
		same = directory_same_user(d, buf_str(&x->user), username);
	if (same != SAID_YES) {
		if (same == SAID_NO)
			fail(x);
		else
			sasl_end(x, SASL_TEMP);
		return;
	}
	buf_clear(&x->user);
	buf_put(&x->user, username);
	if (!sasl_look_up(x))
		return;
	if (x->login.found && !x->login.disabled)
		sasl_ok(x);
	else
		fail(x);
}

static void checked(struct token_check *c, enum token_result result, struct str username)
{
	struct sasl *x = (struct sasl *)(void *)((char *)c - offsetof(struct sasl, token));

	x->token_asked = false;
	switch (result) {
	case TOKEN_GOOD: good(x, username); return;
	case TOKEN_BAD: fail(x); return;
	case TOKEN_UNREACHABLE: sasl_end(x, SASL_TEMP); return;
	}
}

void sasl_step_oauth(struct sasl *x, struct str input, bool has_input)
{
	struct token_checker *checker = authenticator_checker(x->a);
	struct str token = STR("");

	if (x->step == 2) {
		sasl_end(x, SASL_FAILED);
		return;
	}
	if (!has_input && x->step == 0) {
		x->step = 1;
		sasl_challenge(x, STR(""));
		return;
	}
	if (x->mechanism == MECH_XOAUTH2 ? !parse_xoauth2(x, input, &token)
					 : !parse_bearer(x, input, &token)) {
		sasl_end(x, SASL_MALFORMED);
		return;
	}
	x->token = (struct token_check){ .done = checked };
	x->token_asked = true;
	checker->start(checker, &x->token, token, buf_str(&x->user));
}
