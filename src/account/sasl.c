#include <stdlib.h>
#include <string.h>

#include "account/sasl_internal.h"
#include "base/mem.h"

static const struct {
	struct str name;
	enum mechanism mechanism;
} names[] = {
	{ STR_INIT("PLAIN"), MECH_PLAIN },
	{ STR_INIT("LOGIN"), MECH_LOGIN },
	{ STR_INIT("SCRAM-SHA-256"), MECH_SCRAM },
	{ STR_INIT("SCRAM-SHA-256-PLUS"), MECH_SCRAM_PLUS },
	{ STR_INIT("OAUTHBEARER"), MECH_OAUTHBEARER },
	{ STR_INIT("XOAUTH2"), MECH_XOAUTH2 },
	{ STR_INIT("EXTERNAL"), MECH_EXTERNAL },
};

static enum mechanism mechanism_of(const struct authenticator *a, const struct sasl_start *start)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!str_ieq(start->mechanism, names[i].name))
			continue;
		/* No -PLUS without something to bind to (RFC 5802 6). */
		if (names[i].mechanism == MECH_SCRAM_PLUS &&
			(!start->tls || start->exporter.n == 0))
			return MECH_UNKNOWN;
		if ((names[i].mechanism == MECH_OAUTHBEARER ||
			    names[i].mechanism == MECH_XOAUTH2) &&
			authenticator_checker(a) == NULL)
			return MECH_UNKNOWN;
		if (names[i].mechanism == MECH_EXTERNAL && start->client_key.n != CERTIFICATE_KEY)
			return MECH_UNKNOWN;
		return names[i].mechanism;
	}
	return MECH_UNKNOWN;
}

struct sasl *sasl_new(
	struct authenticator *a, const struct sasl_start *start, sasl_done *done, void *owner)
{
	struct sasl *x = NEW(struct sasl);

	x->a = a;
	x->done = done;
	x->owner = owner;
	x->mechanism = mechanism_of(a, start);
	x->scope = start->scope;
	x->tls = start->tls;
	x->plus_offered = start->plus_offered;
	x->flow = authenticator_flow(a, start->network);
	buf_put(&x->exporter, start->exporter);
	if (start->client_key.n == CERTIFICATE_KEY)
		memcpy(x->client_key, start->client_key.p, CERTIFICATE_KEY);
	return x;
}

static void destroy(struct sasl *x)
{
	check_abandon(x->check);
	if (x->token_asked)
		authenticator_checker(x->a)->abandon(authenticator_checker(x->a), &x->token);
	buf_wipe(&x->exporter);
	buf_wipe(&x->user);
	buf_wipe(&x->first_bare);
	buf_wipe(&x->server_first);
	buf_wipe(&x->gs2);
	buf_wipe(&x->nonce);
	login_wipe(&x->login);
	free(x);
}

void sasl_free(struct sasl *x)
{
	if (x == NULL)
		return;
	/* The owner may free us in done(), whose views must live until it returns. */
	if (x->answering > 0)
		x->freed = true;
	else
		destroy(x);
}

static void tell(struct sasl *x, struct sasl_reply *reply)
{
	x->over = reply->result != SASL_CHALLENGE;
	x->answering++;
	reply->user = buf_str(&x->user);
	x->done(x->owner, reply);
	if (--x->answering == 0 && x->freed)
		destroy(x);
}

void sasl_challenge(struct sasl *x, struct str output)
{
	tell(x, &(struct sasl_reply){
			.result = SASL_CHALLENGE, .output = output, .has_output = true });
}

void sasl_end(struct sasl *x, enum sasl_result result)
{
	tell(x, &(struct sasl_reply){ .result = result, .output = STR("") });
}

static struct str name_of(enum mechanism mechanism)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].mechanism == mechanism)
			return names[i].name;
	return STR("");
}

void sasl_ok(struct sasl *x)
{
	tell(x, &(struct sasl_reply){ .result = SASL_OK,
			.output = STR(""),
			.account = x->login.id,
			.address = x->login.name,
			.app = x->app.id,
			.app_name = str_c(x->app.name),
			.mechanism = name_of(x->mechanism) });
}

bool sasl_look_up(struct sasl *x)
{
	struct directory *d = authenticator_directory(x->a);

	login_wipe(&x->login);
	if (directory_login(d, buf_str(&x->user), &x->login, NULL) == ST_OK)
		return true;
#ifdef MUTANT_UNREADABLE_IS_WRONG
	sasl_end(x, SASL_FAILED);
#else
	sasl_end(x, SASL_TEMP);
#endif
	return false;
}

static void checked(void *owner, enum check_result result)
{
	struct sasl *x = owner;

	switch (result) {
	case CHECK_OK: sasl_ok(x); return;
	case CHECK_WRONG: sasl_end(x, SASL_FAILED); return;
	case CHECK_TEMP: sasl_end(x, SASL_TEMP); return;
	}
}

/* A fast lookup, and what it finds is random: no oracle for anybody's own password. */
static enum said is_app_password(struct sasl *x, struct str password)
{
	if (!x->login.found || x->login.disabled || x->scope == 0)
		return SAID_NO;
	return app_password_find(
		authenticator_directory(x->a), x->login.id, password, x->scope, &x->app);
}

void sasl_check_password(struct sasl *x, struct str password)
{
	if (!sasl_look_up(x))
		return;
	switch (is_app_password(x, password)) {
	case SAID_YES: sasl_ok(x); return;
	case SAID_NOTHING: sasl_end(x, SASL_TEMP); return;
	case SAID_NO: break;
	}
	x->app = (struct app_password){ .id = 0 };
	check_start(x->a, &x->login, password,
		(struct check_owner){
			.done = checked, .owner = x, .under_way = &x->check, .flow = x->flow });
}

void sasl_decide(struct sasl *x, enum said answer)
{
	switch (answer) {
	case SAID_YES: sasl_ok(x); return;
	case SAID_NO: sasl_end(x, SASL_FAILED); return;
	case SAID_NOTHING: sasl_end(x, SASL_TEMP); return;
	}
}

void sasl_step(struct sasl *x, struct str input, bool has_input)
{
	if (x->over || x->check != NULL || x->token_asked || input.n > SASL_INPUT_MAX) {
		if (x->token_asked)
			authenticator_checker(x->a)->abandon(
				authenticator_checker(x->a), &x->token);
		x->token_asked = false;
		check_abandon(x->check); /* one answer a step, also for an owner who lost count */
		x->check = NULL;
		sasl_end(x, SASL_MALFORMED);
		return;
	}
	switch (x->mechanism) {
	case MECH_UNKNOWN: sasl_end(x, SASL_UNKNOWN_MECHANISM); return;
	case MECH_PLAIN: sasl_step_plain(x, input, has_input); return;
	case MECH_LOGIN: sasl_step_login(x, input, has_input); return;
	case MECH_EXTERNAL: sasl_step_external(x, input, has_input); return;
	case MECH_OAUTHBEARER:
	case MECH_XOAUTH2: sasl_step_oauth(x, input, has_input); return;
	case MECH_SCRAM:
	case MECH_SCRAM_PLUS: sasl_step_scram(x, input, has_input); return;
	}
}
