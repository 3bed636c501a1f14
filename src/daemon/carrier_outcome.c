#include <stdarg.h>
#include <stdio.h>

#include "daemon/carrier_outcome.h"

enum { NOT_TAKING_MAIL = 521, CLOSING = 421 };

/* Does it say something about the message or its recipients? */
static bool of_message(const struct smtpc_result *r)
{
	switch (r->at) {
	case SMTPC_AT_GREETING:
	case SMTPC_AT_EHLO:
	case SMTPC_AT_STARTTLS:
	case SMTPC_AT_AUTH:
	case SMTPC_AT_IDLE:
	case SMTPC_AT_RSET:
	case SMTPC_AT_QUIT: return false;
	case SMTPC_AT_MAIL:
	case SMTPC_AT_RCPT:
	case SMTPC_AT_DATA:
	case SMTPC_AT_BODY:
	case SMTPC_AT_END: break;
	}
	return r->code != CLOSING;
}

static bool is_final(const struct smtpc_result *r)
{
	switch (r->why) {
	case SMTPC_WHY_REPLY: return of_message(r);
	case SMTPC_WHY_OWNER:
	case SMTPC_WHY_BARE:
	case SMTPC_WHY_ADDRESS:
	case SMTPC_WHY_RCPTMAX:
	case SMTPC_WHY_SIZE:
	case SMTPC_WHY_8BITMIME:
	case SMTPC_WHY_SMTPUTF8: return true;
	case SMTPC_WHY_CLOSED:
	case SMTPC_WHY_TIMEOUT:
	case SMTPC_WHY_GARBAGE:
	case SMTPC_WHY_NO_TLS:
	case SMTPC_WHY_INJECTED:
	case SMTPC_WHY_REQUIRETLS: break;
	}
	return false;
}

static enum outcome outcome_of(const struct smtpc_result *r, bool final)
{
	switch (r->outcome) {
#ifdef MUTANT_EARLY_SUCCESS
	case SMTPC_UNKNOWN:
#endif
	case SMTPC_DELIVERED: return OUTCOME_DELIVERED;
	case SMTPC_FAILED:
		/* A server that turns everybody away today may be repaired tomorrow; only 521 says that it
		 * never takes mail (RFC 7504 3), and REQUIRETLS asks for an end at once (RFC 8689 4.2.1). */
		return final || r->code == NOT_TAKING_MAIL || r->why == SMTPC_WHY_REQUIRETLS
			       ? OUTCOME_FAILED
			       : OUTCOME_DEFERRED;
	case SMTPC_NOTHING:
	case SMTPC_DEFERRED:
#ifndef MUTANT_EARLY_SUCCESS
	case SMTPC_UNKNOWN:
#endif
		break;
	}
	return OUTCOME_DEFERRED;
}

void note_result(struct job_note *n, const struct smtpc_result *r)
{
	n->unknown = r->outcome == SMTPC_UNKNOWN;
	n->final = n->unknown || r->outcome == SMTPC_DELIVERED || is_final(r);
	n->outcome = outcome_of(r, n->final);
	snprintf(n->status, sizeof n->status, "%.*s", STR_ARG(str_head(r->status, 11)));
	/* The class of the status is what the outcome is (RFC 3463 2). */
	if (n->outcome == OUTCOME_DEFERRED && n->status[0] == '5')
		n->status[0] = '4';
	if (r->code != 0) /* nothing of ours in it (RFC 3464 2.3.6) */
		snprintf(n->reply, sizeof n->reply, "%u%s%.*s%s%.*s", r->code,
			r->said.n > 0 ? " " : "", STR_ARG(str_head(r->said, 11)),
			r->text.n > 0 ? " " : "", STR_ARG(str_head(r->text, 480)));
	else
		snprintf(n->reply, sizeof n->reply, "%.*s", STR_ARG(str_head(r->text, 480)));
}

void note_host(struct job_note *n, const char *status, const char *fmt, ...)
{
	va_list args;

	*n = (struct job_note){ .outcome = status[0] == '5' ? OUTCOME_FAILED : OUTCOME_DEFERRED };
	snprintf(n->status, sizeof n->status, "%s", status);
	va_start(args, fmt);
	vsnprintf(n->reply, sizeof n->reply, fmt, args);
	va_end(args);
}
