/* restante provider test: is what the directory says so?  Names, ports and certificates; no login. */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/mem.h"
#include "cmd/fetch.h"
#include "cmd/provider.h"
#include "remote/knock.h"
#include "remote/lookup.h"
#include "remote/provider.h"

enum { LOOKUP_MS = 10000, KNOCK_MS = 10000, AT_ONCE = 32 };

enum result { RESULT_OK, RESULT_FAIL, RESULT_UNKNOWN };
static const char *const result_names[] = { "ok", "fail", "unknown" };

struct place {
	struct provider provider;
	bool sends;
	struct service at;
	bool there, silent; /* the name */
};

struct test {
	struct cmd *cmd;
	struct buf roots, resolvers, directory;
	struct lookup lookup;
	struct place *places;
	size_t count, counts[3];
	bool told, outside;
};

static void add_place(struct test *t, const struct provider *p, bool sends)
{
	const struct provider_service *from = sends ? &p->smtp : &p->pop3;
	struct place new = { .provider = *p, .sends = sends };
	struct str rest = p->domains, domain = str_cut(&rest, ',');
	struct buf host = { 0 };

	provider_host(&host, from, domain);
	if (service_set(&new.at, buf_str(&host), from->port, (enum server_tls)from->tls)) {
		t->places = mem_array(t->places, t->count + 1, sizeof *t->places);
		t->places[t->count++] = new;
	}
	buf_deinit(&host);
}

static int add_all(struct test *t)
{
	struct str rest = buf_str(&t->directory), asked;
	unsigned line = 0;
	struct provider p;

	if (t->cmd->nargs == 0) {
		while (provider_cut(&rest, &line, &p, NULL) == ST_OK) {
			add_place(t, &p, false);
			add_place(t, &p, true);
		}
		return EX_OK;
	}
	asked = str_c(t->cmd->args[0]);
	if (str_find(asked, '@') < asked.n)
		asked = str_from(asked, str_rfind(asked, '@') + 1);
	if (!provider_find(rest, asked, &p))
		return cmd_fail(
			t->cmd, EX_UNAVAILABLE, "nothing is known of %.200s", t->cmd->args[0]);
	add_place(t, &p, false);
	add_place(t, &p, true);
	if (t->count == 0)
		return cmd_fail(
			t->cmd, EX_UNAVAILABLE, "%.*s has no servers to test", STR_ARG(p.id));
	return EX_OK;
}

static void on_answer(void *arg, const struct dns_answer *a)
{
	struct place *p = arg;

	p->there |= a->outcome == DNS_FOUND && a->count > 0;
	p->silent |= a->outcome == DNS_FAILED || a->outcome == DNS_BOGUS;
}

static void look_up(struct test *t, size_t from, size_t to)
{
	struct lookup_question questions[2 * AT_ONCE];

	for (size_t i = 0; i < 2 * (to - from); i++) {
		struct place *p = &t->places[from + i / 2];

		questions[i] = (struct lookup_question){
			.type = i % 2 == 0 ? DNS_A : DNS_AAAA, .answer = on_answer, .arg = p
		};
		snprintf(questions[i].name, sizeof questions[i].name, "%s", p->at.host);
	}
	lookup_ask(&t->lookup, questions, 2 * (to - from));
}

/* A name that is there wherever DNS knows the world: what is missing beside it is missing. */
static void look_outside(struct test *t)
{
	struct place root = { .sends = false };
	struct lookup_question question = {
		.name = "a.root-servers.net", .type = DNS_A, .answer = on_answer, .arg = &root
	};

	lookup_ask(&t->lookup, &question, 1);
	t->outside = root.there;
}

static enum result judge(struct test *t, const struct place *p, struct err *why)
{
	struct knock k = { .at = p->at,
		.sends = p->sends,
		.roots = buf_str(&t->roots),
		.resolvers = buf_str(&t->resolvers),
		.hostname = STR("localhost"),
		.timeout_ms = KNOCK_MS };
	bool dead = p->provider.status == PROVIDER_DEAD;

	if (!p->there && p->silent) {
		err_set(why, ST_TEMP, "DNS does not answer");
		return RESULT_UNKNOWN;
	}
	if (!p->there) {
		err_set(why, ST_PERM,
			t->outside ? "there is no such host"
				   : "the DNS of this network does not know it");
		return !t->outside ? RESULT_UNKNOWN : dead ? RESULT_OK : RESULT_FAIL;
	}
	if (knock(&k, why) != ST_OK)
		return dead ? RESULT_OK : RESULT_FAIL;
	err_set(why, ST_OK, "%s",
		dead                           ? "it answers, though it is listed as dead"
		: p->at.tls == SERVER_TLS_NONE ? "it answers, without TLS"
					       : "it answers");
	return dead ? RESULT_FAIL : RESULT_OK;
}

static void tell(struct test *t, const struct place *p, enum result result, const char *text)
{
	static const struct column columns[] = {
		{ "provider", "PROVIDER", false },
		{ "service", "SERVICE", false },
		{ "server", "SERVER", false },
		{ "result", "RESULT", false },
		{ "text", "", false },
	};
	json_t *rows = json_pack("[{s:s%, s:s, s:o, s:s, s:s}]", "provider", p->provider.id.p,
		p->provider.id.n, "service", p->sends ? "smtp" : "pop3", "server",
		json_sprintf("%s:%u %s", p->at.host, p->at.port, service_tls_name(p->at.tls)),
		"result", result_names[result], "text", text);

	t->counts[result]++;
	output_page(t->cmd, rows, !t->told, columns, sizeof columns / sizeof *columns);
	fflush(stdout);
	t->told = true;
	json_decref(rows);
}

static int test_all(struct test *t)
{
	look_outside(t);
	for (size_t from = 0; from < t->count; from += AT_ONCE) {
		size_t to = from + AT_ONCE < t->count ? from + AT_ONCE : t->count;
		bool none = !t->outside;

		look_up(t, from, to);
		for (size_t i = from; i < to; i++)
			none &= !t->places[i].there;
		if (none && from == 0)
			return cmd_fail(t->cmd, EX_TEMPFAIL,
				"DNS knows no names of the outside: nothing can be told without a "
				"network");
		for (size_t i = from; i < to; i++) {
			struct err why = { ST_OK, "" };
			enum result result = judge(t, &t->places[i], &why);

			tell(t, &t->places[i], result, why.text);
		}
	}
	output_last(t->cmd, !t->told);
	return t->counts[RESULT_FAIL] > 0      ? EX_UNAVAILABLE
	       : t->counts[RESULT_UNKNOWN] > 0 ? EX_TEMPFAIL
					       : EX_OK;
}

static int prepare(struct test *t)
{
	struct cmd *c = t->cmd;
	const char *ca_file = c->value[OPTION_CA_FILE], *resolver = c->value[OPTION_RESOLVER];
	struct err err = { ST_OK, "" };
	struct config *config = cmd_has_office(c) ? config_load(c->state, &err) : NULL;
	int code = EX_OK;

	if (err.code != ST_OK)
		return cmd_fail(c, EX_CONFIG, "%s", err.text);
	if (resolver != NULL)
		buf_put(&t->resolvers, str_c(resolver));
	else if (config != NULL)
		buf_put(&t->resolvers, str_c(config->dns_resolver));
	config_free(config);
	if (fetch_roots(&t->roots, ca_file == NULL ? "" : ca_file, &err) != ST_OK ||
		lookup_open(&t->lookup, buf_str(&t->resolvers), LOOKUP_MS, &err) != ST_OK)
		code = cmd_fail(c, EX_CONFIG, "%s", err.text);
	return code;
}

int cmd_provider_test(struct cmd *c)
{
	struct test t = { .cmd = c };
	int code = cmd_providers(c, &t.directory);

	if (code == EX_OK)
		code = add_all(&t);
	if (code == EX_OK)
		code = prepare(&t);
	if (code == EX_OK)
		code = test_all(&t);
	lookup_close(&t.lookup);
	free(t.places);
	buf_deinit(&t.roots);
	buf_deinit(&t.resolvers);
	buf_deinit(&t.directory);
	return code == EX_OK ? output_end(c) : code;
}
