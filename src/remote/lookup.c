#include "remote/lookup.h"

#include <stdio.h>

void lookup_system_servers(struct buf *servers)
{
	struct buf text = { 0 };
	FILE *f = fopen("/etc/resolv.conf", "re");
	char room[4096];
	size_t n;

	while (f != NULL && (n = fread(room, 1, sizeof room, f)) > 0)
		buf_put(&text, str_of(room, n));
	if (f != NULL)
		fclose(f);
	resolver_from_resolv_conf(buf_str(&text), servers);
	buf_deinit(&text);
}

enum status lookup_open(struct lookup *l, struct str servers, int64_t timeout_ms, struct err *err)
{
	struct buf system = { 0 };
	struct resolver_config config = { .timeout_ms = timeout_ms };

	*l = (struct lookup){ .loop = loop_new() };
	if (servers.n == 0)
		lookup_system_servers(&system);
	config.servers = servers.n > 0 ? servers : buf_str(&system);
	l->dns = resolver_new(l->loop, &config, err);
	buf_deinit(&system);
	return l->dns == NULL ? err->code : ST_OK;
}

void lookup_close(struct lookup *l)
{
	resolver_free(l->dns);
	if (l->loop != NULL)
		loop_free(l->loop);
	*l = (struct lookup){ .open = 0 };
}

static void on_answer(struct dns_query *query, const struct dns_answer *a)
{
	struct lookup_question *q = LIST_OF(query, struct lookup_question, query);

	q->lookup->open--;
	q->answer(q->arg, a);
}

void lookup_ask(struct lookup *l, struct lookup_question *questions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct lookup_question *q = &questions[i];

		q->lookup = l;
		l->open++;
		resolve_start(l->dns, &q->query, str_c(q->name), q->type, on_answer);
	}
	while (l->open > 0)
		loop_turn(l->loop, true);
}
