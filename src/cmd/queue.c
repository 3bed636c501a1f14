/* restante queue: mail to other servers.  Asked for page by page, so that neither the server nor this
 * command holds all of a long queue. */
#include <stdio.h>
#include <sysexits.h>

#include "cmd/cmd.h"
#include "proto/path.h"

static const enum option_id filters[] = { OPTION_SENDER, OPTION_RECIPIENT, OPTION_DOMAIN,
	OPTION_ERROR };

/* Puts the filters in; EX_OK, or what was told.  *any: there are some. */
static int put_filters(struct cmd *c, json_t *q, bool *any)
{
	const char *older = c->value[OPTION_OLDER_THAN];
	int64_t ms;

	*any = older != NULL || cmd_has(c, OPTION_HELD);
	for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
		if (cmd_has(c, filters[i])) {
			*any = true;
			if (json_object_set_new(q, options[filters[i]].name,
				    json_string(c->value[filters[i]])) != 0)
				return cmd_fail(
					c, EX_USAGE, "--%s is not UTF-8", options[filters[i]].name);
		}
	if (cmd_has(c, OPTION_HELD))
		json_object_set_new(q, "held", json_true());
	if (older == NULL)
		return EX_OK;
	if (!value_duration(str_c(older), &ms))
		return cmd_fail(
			c, EX_USAGE, "--older-than '%.40s' is no time such as 12h or 3d", older);
	json_object_set_new(q, "older_than", json_integer(ms / 1000));
	return EX_OK;
}

int cmd_queue_list(struct cmd *c)
{
	static const struct column columns[] = {
		{ "id", "ID", false },
		{ "received", "RECEIVED", false },
		{ "sender", "FROM", false },
		{ "recipient", "TO", false },
		{ "state", "STATE", false },
		{ "attempts", "TRIED", true },
		{ "next", "NEXT", false },
		{ "tls", "TLS", false },
		{ "reply", "REPLY", false },
	};
	json_t *q = json_pack("{s:s}", "verb", "queue.list");
	bool any;
	int code = put_filters(c, q, &any);

	if (code == EX_OK)
		return cmd_pages(c, q, columns, sizeof columns / sizeof *columns);
	json_decref(q);
	return code;
}

int cmd_queue_show(struct cmd *c)
{
	static const struct column columns[] = {
		{ "number", "NO", true },
		{ "sender", "FROM", false },
		{ "recipient", "TO", false },
		{ "client", "CLIENT", false },
		{ "received", "RECEIVED", false },
		{ "octets", "OCTETS", true },
		{ "route", "ROUTE", false },
		{ "state", "STATE", false },
		{ "attempts", "TRIED", true },
		{ "last", "LAST", false },
		{ "next", "NEXT", false },
		{ "host", "HOST", false },
		{ "tls", "TLS", false },
		{ "tls_asked", "TLS-ASKED", false },
		{ "reply", "REPLY", false },
	};

	return cmd_pages(c, json_pack("{s:s, s:s}", "verb", "queue.list", "id", c->args[0]),
		columns, sizeof columns / sizeof *columns);
}

static const char *const sums[] = { "messages", "recipients", "busy", "failed" };

/* All pages of one order; what was done is added to total. */
static int order(struct cmd *c, json_t *q, json_t *total)
{
	bool more = true;
	int code = EX_OK;

	while (more && code == EX_OK) {
		struct cmd_result result = { .octets = NULL };
		const json_t *row, *after;

		code = cmd_call(c, json_incref(q), &result);
		row = json_array_get(result.rows, 0);
		after = json_object_get(row, "after");
		more = after != NULL && json_object_get(q, "id") == NULL;
		if (more)
			json_object_set_new(q, "after", json_copy((json_t *)(uintptr_t)after));
		for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
			json_object_set_new(total, sums[i],
				json_integer(json_integer_value(json_object_get(total, sums[i])) +
					     json_integer_value(json_object_get(row, sums[i]))));
		json_decref(result.rows);
	}
	return code;
}

static int tell(struct cmd *c, json_t *total)
{
	json_int_t n[sizeof sums / sizeof *sums];
	json_t *rows = json_array();

	for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
		n[i] = json_integer_value(json_object_get(total, sums[i]));
	json_array_append(rows, total);
	if (cmd_has(c, OPTION_JSON))
		output_rows(c, rows, NULL, 0);
	else
		printf("%lld recipients of %lld messages\n", (long long)n[1], (long long)n[0]);
	json_decref(rows);
	if (n[2] > 0)
		return cmd_fail(c, EX_TEMPFAIL,
			"%lld messages are on their way at this moment: try again",
			(long long)n[2]);
	if (n[3] > 0)
		return cmd_fail(c, EX_TEMPFAIL,
			"%lld messages could not be changed: the log says why, restante fsck "
			"whether they are damaged",
			(long long)n[3]);
	return output_end(c);
}

/* relay:HOST and relay:HOST:PORT, as people write it, in the words of the queue; "" is the configuration's way. */
static json_t *way(const char *to)
{
	struct str rest = str_c(to), kind = str_cut(&rest, ':'), host;
	bool lmtp = str_eq(kind, STR("lmtp"));
	uint16_t port;

	if (to == NULL || str_eq(str_c(to), STR("default")))
		return json_string("");
	if ((!lmtp && !str_eq(kind, STR("relay"))) || str_starts(rest, STR("[")) ||
		!path_host_port(rest, lmtp ? 24 : 25, &host, &port))
		return json_string(to);
	return json_sprintf("%.*s:[%.*s]:%u", STR_ARG(kind), STR_ARG(host), (unsigned)port);
}

/* Which of the six it is, its last word says. */
int cmd_queue_order(struct cmd *c)
{
	const char *name = c->row->name + sizeof "queue " - 1;
	bool reroute = str_eq(str_c(name), STR("reroute")), any;
	json_t *q = json_pack("{s:s, s:s}", "verb", "queue.order", "command", name);
	json_t *total = json_object();
	int code = put_filters(c, q, &any);

	if (code == EX_OK && (c->nargs > 0) + (any || cmd_has(c, OPTION_ALL)) != 1)
		code = cmd_fail(c, EX_USAGE, "needs ids, or --all, or filters such as --domain");
	if (reroute)
		json_object_set_new(q, "to", way(c->value[OPTION_TO]));
	if (code == EX_OK && c->nargs == 0)
		code = order(c, q, total);
	for (int i = 0; code == EX_OK && i < c->nargs; i++) {
		json_object_set_new(q, "id", json_string(c->args[i]));
		code = order(c, q, total);
	}
	if (code == EX_OK)
		code = tell(c, total);
	json_decref(q);
	json_decref(total);
	return code;
}

/* sendmail -q */
int cmd_queue_retry_all(struct cmd *c)
{
	json_t *total = json_object();
	json_t *q = json_pack("{s:s, s:s}", "verb", "queue.order", "command", "retry");
	int code = order(c, q, total);

	json_decref(q);
	json_decref(total);
	return code;
}
