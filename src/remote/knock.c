#include "remote/knock.h"

#include "remote/pop.h"
#include "remote/smtp.h"

static struct server_want server_of(const struct knock *k)
{
	return (struct server_want){ .host = str_c(k->at.host),
		.port = k->at.port,
		.tls = k->at.tls,
		.roots = k->roots,
		.resolvers = k->resolvers,
		.alpn = k->sends ? NULL : "pop3",
		.timeout_ms = k->timeout_ms };
}

static enum status knock_pop3(const struct knock *k, struct err *err)
{
	struct pop_want want = { .server = server_of(k), .mechanisms = STR("auto") };
	struct pop3c_event ev;
	struct pop pop;
	enum status status = pop_open(&pop, &want, err);

	if (status == ST_OK) {
		pop3c_quit(pop.engine);
		while (pop_next(&pop, &ev))
			continue;
	}
	pop_close(&pop);
	return status;
}

static enum status knock_smtp(const struct knock *k, struct err *err)
{
	struct smtp_want want = {
		.server = server_of(k), .hostname = k->hostname, .mechanisms = STR("auto")
	};
	struct smtpc_event ev;
	struct smtp smtp;
	enum status status = smtp_open(&smtp, &want, err);

	if (status == ST_OK) {
		smtpc_quit(smtp.engine);
		while (smtp_next(&smtp, &ev))
			continue;
	}
	smtp_close(&smtp);
	return status;
}

enum status knock(const struct knock *k, struct err *err)
{
	return k->sends ? knock_smtp(k, err) : knock_pop3(k, err);
}
