#include "remote/srv.h"

#include <stdio.h>

/* TLS from the first octet before STARTTLS (RFC 8314 5.1). */
static const struct {
	const char *label;
	bool sends;
	enum server_tls tls;
} labels[] = {
	{ "_pop3s", false, SERVER_TLS_IMPLICIT },
	{ "_pop3", false, SERVER_TLS_STARTTLS },
	{ "_submissions", true, SERVER_TLS_IMPLICIT },
	{ "_submission", true, SERVER_TLS_STARTTLS },
};
enum { LABELS = sizeof labels / sizeof *labels };

struct asked {
	size_t label;
	struct service best;
	bool none;
	char why[80];
};

/* RFC 2782: the lowest priority; of these the heaviest, as what is found is written down once. */
static const struct dns_row *best_row(const struct dns_answer *a)
{
	const struct dns_row *best = NULL;

	for (size_t i = 0; i < a->count; i++) {
		const struct dns_row *row = &a->rows[i];

		if (best == NULL || row->preference < best->preference ||
			(row->preference == best->preference && row->weight > best->weight))
			best = row;
	}
	return best;
}

static void on_answer(void *arg, const struct dns_answer *a)
{
	struct asked *asked = arg;
	const struct dns_row *row = a->outcome == DNS_FOUND ? best_row(a) : NULL;

	if (a->outcome == DNS_FAILED || a->outcome == DNS_BOGUS)
		snprintf(asked->why, sizeof asked->why, "%s",
			a->outcome == DNS_BOGUS ? "DNSSEC says that they are forged"
						: "DNS does not answer");
	if (row == NULL)
		return;
	asked->none = row->data.n == 0;
	if (!asked->none)
		service_set(&asked->best, row->data, row->port, labels[asked->label].tls);
}

static void take(struct srv *found, const struct asked *asked)
{
	bool sends = labels[asked->label].sends;
	struct service *to = sends ? &found->smtp : &found->pop3;

	*(sends ? &found->no_smtp : &found->no_pop3) |= asked->none;
	if (asked->why[0] != '\0')
		snprintf(found->why, sizeof found->why, "%s", asked->why);
	if (asked->best.host[0] == '\0' || to->host[0] != '\0')
		return;
	*to = asked->best;
}

void srv_find(struct lookup *l, struct str domain, struct srv *found)
{
	struct lookup_question questions[LABELS];
	struct asked asked[LABELS];

	*found = (struct srv){ .why = "" };
	for (size_t i = 0; i < LABELS; i++) {
		asked[i] = (struct asked){ .label = i };
		questions[i] = (struct lookup_question){
			.type = DNS_SRV, .answer = on_answer, .arg = &asked[i]
		};
		snprintf(questions[i].name, sizeof questions[i].name, "%s._tcp.%.*s",
			labels[i].label, STR_ARG(str_head(domain, DNS_HOST_MAX)));
	}
	lookup_ask(l, questions, LABELS);
	for (size_t i = 0; i < LABELS; i++)
		take(found, &asked[i]);
	found->no_pop3 &= found->pop3.host[0] == '\0';
	found->no_smtp &= found->smtp.host[0] == '\0';
}
