/* restante fetch */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "cmd/fetch.h"

/* Of those for which there is no room the first is told, and the number of the others. */
static void on_failed(struct fetch *f, struct fetch_message *m, const json_t *row)
{
	bool full = json_is_true(json_object_get(row, "full"));

	m->failed = true;
	f->counts.failed++;
	f->counts.no_room += full;
	if (!full || !f->crowded)
		cmd_fail(f->cmd, 0, "%s: message %llu cannot be stored: %s", f->remote->name,
			(unsigned long long)m->number,
			json_string_value(json_object_get(row, "error")));
	if (full && (!f->crowded || m->octets < f->crowded_octets))
		f->crowded_octets = m->octets;
	f->crowded = f->crowded || full;
}

static void on_row(struct office_reply *reply, json_t *row)
{
	struct fetch *f = LIST_OF(reply, struct fetch, reply);
	const char *result = json_string_value(json_object_get(row, "result"));
	size_t n = (size_t)json_integer_value(json_object_get(row, "n"));

	if (!f->importing || result == NULL || n >= f->count) {
		json_decref(f->row);
		f->row = row;
		return;
	}
	if (str_eq(str_c(result), STR("failed"))) {
		on_failed(f, &f->messages[n], row);
	} else {
		f->messages[n].stored = true;
		f->counts.stored++;
		f->counts.stubs += f->messages[n].action == FETCH_BEGIN;
	}
	json_decref(row);
}

enum status fetch_ask(struct fetch *f, json_t *request, struct err *err)
{
	enum status status = control_ask(f->session, request, &f->reply, err);

	json_decref(request);
	return status;
}

static enum status open_maildrop(struct fetch *f, struct err *err)
{
	enum status status = fetch_ask(
		f, json_pack("{s:s, s:s}", "verb", "remote.open", "remote", f->remote->name), err);

	if (status != ST_OK)
		return status;
	buf_put(&f->address, str_c(json_string_value(json_object_get(f->row, "address"))));
	f->maildrop = (uint64_t)json_integer_value(json_object_get(f->row, "maildrop"));
	f->ahead_ms = json_integer_value(json_object_get(f->row, "now_ms")) - clock_steady_ms();
	buf_put(&f->last, str_c(json_string_value(json_object_get(f->row, "listing"))));
	return ST_OK;
}

static const char *const action_words[] = { "keep", "fetch", "fetch its beginning", "delete" };

static void print_plan(const struct fetch *f)
{
	for (size_t i = 0; i < f->count; i++)
		printf("%s: %llu %.*s %llu octets: %s\n", f->remote->name,
			(unsigned long long)f->messages[i].number,
			STR_ARG(fetch_uidl(f, &f->messages[i])),
			(unsigned long long)f->messages[i].octets,
			action_words[f->messages[i].action]);
}

static json_t *plan_json(const struct fetch *f)
{
	json_t *plan = json_array();

	for (size_t i = 0; i < f->count; i++) {
		struct str uidl = fetch_uidl(f, &f->messages[i]);

		json_array_append_new(plan,
			json_pack("{s:I, s:s%, s:I, s:s}", "number",
				(json_int_t)f->messages[i].number, "uidl", uidl.n > 0 ? uidl.p : "",
				uidl.n, "octets", (json_int_t)f->messages[i].octets, "action",
				action_words[f->messages[i].action]));
	}
	return plan;
}

static bool has_work(const struct fetch *f, enum fetch_action first, enum fetch_action last)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->messages[i].action >= first && f->messages[i].action <= last)
			return true;
	return false;
}

/* The rest is done also when something before it went wrong: what came is stored, what is stored becomes known. */
static enum status work(struct fetch *f, struct err *err)
{
	struct err why = { ST_OK, "" };
	enum status status = fetch_list(f, err);

	if (status == ST_OK)
		status = fetch_decide(f, err);
	if (status != ST_OK)
		return status;
	if (cmd_has(f->cmd, OPTION_DRY_RUN)) {
		if (!cmd_has(f->cmd, OPTION_JSON))
			print_plan(f);
		pop3c_quit(f->pop.engine);
		while (pop_next(&f->pop, &(struct pop3c_event){ 0 }))
			continue;
		return ST_OK;
	}
	if (has_work(f, FETCH_WHOLE, FETCH_BEGIN))
		status = fetch_messages(f, err);
	if (f->counts.left > 0)
		cmd_fail(f->cmd, 0,
			"%s: %llu messages stay there: the server has no TOP, which gives "
			"the beginning of one",
			f->remote->name, (unsigned long long)f->counts.left);
	if (f->counts.no_room > 1)
		cmd_fail(f->cmd, 0, "%s: there is no room for %llu more: they stay there",
			f->remote->name, (unsigned long long)(f->counts.no_room - 1));
	if (fetch_note(f, f->messages, f->count, &why) != ST_OK && status == ST_OK)
		status = err_set(err, why.code, "%s", why.text);
	if (f->full.n > 0 && status == ST_OK)
		status = fetch_full_end(f, err);
	if (status == ST_OK && f->pop.over)
		status = err_set(err, ST_TEMP, "%s", f->pop.why.text);
	if (status == ST_OK)
		status = fetch_settled(f, err);
	if (status == ST_OK)
		status = fetch_delete(f, err);
	return status;
}

static void fetch_clear(struct fetch *f)
{
	free(f->messages);
	f->messages = NULL;
	f->count = f->cap = 0;
	buf_deinit(&f->uidls);
	buf_deinit(&f->now);
	json_decref(f->named);
	f->named = NULL;
}

static enum status session(struct fetch *f, const struct pop_want *want, struct err *err)
{
	enum status status = pop_open(&f->pop, want, err);

	if (status == ST_OK) {
		f->login_delay_s = pop3c_server(f->pop.engine)->login_delay_s;
		status = work(f, err);
	}
	pop_close(&f->pop);
	return status;
}

/* A server may announce PIPELINING and lose commands; what came is known by then, so the rest is asked for once more,
 * one by one. */
static enum status sessions(struct fetch *f, struct pop_want *want, struct err *err)
{
	struct err why = { ST_OK, "" };
	struct fetch_counts before;
	enum status status = session(f, want, &why);

	if (status != ST_TEMP || !f->pop.pipelined || pop_interrupted(&f->pop) ||
		str_eq(str_c(f->remote->pipelining), STR("on")))
		return status == ST_OK ? ST_OK : err_set(err, why.code, "%s", why.text);
	cmd_fail(f->cmd, 0, "%s: %s; once more without pipelining", f->remote->name, why.text);
	before = f->counts;
	f->counts = (struct fetch_counts){ 0 };
	f->done_octets = 0;
	fetch_clear(f);
	want->pipelining = false;
	status = session(f, want, err);
	f->counts.stored += before.stored;
	f->counts.stubs += before.stubs;
	f->counts.octets += before.octets;
	return status;
}

static enum status fetch_one(struct fetch *f, struct err *err)
{
	struct fetch_server server = { .sends = false };
	enum status status = fetch_server(&server, f->cmd, f->config, f->remote, err);

	f->server = &server;
	if (status == ST_OK)
		status = open_maildrop(f, err);
	if (status == ST_OK)
		status = sessions(f, &server.want, err);
	fetch_server_free(&server);
	return status;
}

static json_t *summary_json(const struct fetch *f, const struct err *err)
{
	const struct fetch_counts *n = &f->counts;

	json_t *o = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "remote",
		f->remote->name, "on_server", (json_int_t)n->on_server, "new",
		(json_int_t)n->new_ones, "stored", (json_int_t)n->stored, "stubs",
		(json_int_t)n->stubs, "deleted", (json_int_t)n->deleted, "failed",
		(json_int_t)n->failed, "octets", (json_int_t)n->octets, "recognised",
		(json_int_t)n->recognised, "error", err->text);

	if (cmd_has(f->cmd, OPTION_DRY_RUN))
		json_object_set_new(o, "plan", plan_json(f));
	return o;
}

static void print_summary(const struct fetch *f)
{
	const struct fetch_counts *n = &f->counts;

	printf("%s: %llu on the server, %llu fetched", f->remote->name,
		(unsigned long long)n->on_server, (unsigned long long)n->stored);
	if (n->stubs > 0)
		printf(" (%llu of them in part)", (unsigned long long)n->stubs);
	if (n->deleted > 0)
		printf(", %llu deleted there", (unsigned long long)n->deleted);
	if (n->failed > 0)
		printf(", %llu failed", (unsigned long long)n->failed);
	putchar('\n');
}

static int run(struct cmd *c, const struct config *config, const struct config_remote *remote,
	struct control_session *session, struct fetch_round *round)
{
	struct fetch f = { .cmd = c,
		.full = buf_str(&round->full),
		.config = config,
		.remote = remote,
		.session = session,
		.reply = { .row = on_row } };
	struct err err = { ST_OK, "" };
	enum status status = fetch_one(&f, &err);
	int code = status == ST_OK ? EX_OK : fetch_exit_code(&err);

	if (cmd_has(c, OPTION_JSON))
		json_array_append_new(round->rows, summary_json(&f, &err));
	else if (!cmd_has(c, OPTION_DRY_RUN) && f.pop.logged_in)
		print_summary(&f);
	if (status != ST_OK)
		cmd_fail(c, code, "%s: %s", remote->name, err.text);
	else if (f.counts.failed > 0)
		code = EX_TEMPFAIL;
	round->interrupted = pop_interrupted(&f.pop);
	round->cut_short |= round->interrupted && !cmd_has(c, OPTION_DRY_RUN) &&
			    f.counts.stored + f.counts.failed + f.counts.left < f.counts.new_ones;
	if (round->schedule != NULL)
		schedule_set(round->schedule, remote, code == EX_OK, f.login_delay_s);
	json_decref(f.row);
	fetch_clear(&f);
	buf_deinit(&f.address);
	buf_deinit(&f.last);
	return code;
}

static bool is_meant(const struct cmd *c, const struct config_remote *r)
{
	return c->nargs > 0 || !r->only_named;
}

static int run_all(struct cmd *c, const struct config *config, struct control_session *session,
	struct fetch_round *round)
{
	const struct config_remote *owner = config_remote(config, buf_str(&round->owner));
	bool all = c->nargs == 0;
	size_t count = all ? config->remote_count : (size_t)c->nargs;
	size_t meant = 0;
	int code = EX_OK;

	for (int i = 0; i < c->nargs; i++)
		if (config_remote(config, str_c(c->args[i])) == NULL)
			code = cmd_fail(c, EX_CONFIG, "no remote %.64s in %s/restante.conf",
				c->args[i], c->state);
	for (size_t i = 0; i < config->remote_count; i++)
		meant += is_meant(c, &config->remotes[i]);
	if (code == EX_OK && meant == 0 && owner == NULL)
		code = cmd_fail(c, EX_CONFIG,
			"every remote in %s/restante.conf is only_named: name those to fetch",
			c->state);
	if (code != EX_OK)
		return code;
	round->rows = json_array();
	if (owner != NULL) {
		count = 0;
		code = run(c, config, owner, session, round);
	}
	for (size_t i = 0; i < count; i++) {
		const struct config_remote *remote =
			all ? &config->remotes[i] : config_remote(config, str_c(c->args[i]));
		int one;

		if (!is_meant(c, remote) ||
			(round->schedule != NULL &&
				!schedule_is_due(round->schedule, remote->name)))
			continue;
		if (round->interrupted) {
			round->cut_short = true;
			break;
		}
		one = run(c, config, remote, session, round);
		code = code == EX_OK ? one : code;
	}
	if (code == EX_OK && round->cut_short && round->schedule == NULL)
		code = cmd_fail(c, EX_TEMPFAIL, "interrupted: the next fetch brings the rest");
	if (cmd_has(c, OPTION_JSON)) {
		json_dumpf(round->rows, stdout, JSON_INDENT(1));
		putchar('\n');
	}
	json_decref(round->rows);
	fflush(stdout);
	return code;
}

int fetch_round(struct cmd *c, struct fetch_round *round)
{
	struct control_session *session;
	struct config *config = NULL;
	struct err err = { ST_OK, "" };
	int code = cmd_need_home(c);

	if (code != EX_OK)
		return code;
	if (state_check_version(c->state, &err) == ST_OK)
		config = config_load(c->state, &err);
	if (config == NULL)
		return cmd_fail(c, EX_CONFIG, "%s", err.text);
	session = control_open(c->state, &err);
	if (config->remote_count == 0)
		code = cmd_fail(c, EX_CONFIG,
			"no remote is in %s/restante.conf: restante setup ADDRESS makes one",
			c->state);
	else if (session == NULL)
		code = cmd_fail_err(c, &err);
	else
		code = run_all(c, config, session, round);
	control_close(session);
	config_free(config);
	return code;
}

int cmd_fetch(struct cmd *c)
{
	const char *interval = c->value[OPTION_INTERVAL];
	struct fetch_round round = { .interrupted = false };
	int64_t interval_ms = 5 * 60 * 1000;
	int code = EX_OK;

	if (cmd_has(c, OPTION_IMPORT_FETCHMAIL) || cmd_has(c, OPTION_IMPORT_IDFILE) ||
		cmd_has(c, OPTION_IMPORT_GETMAIL) || cmd_has(c, OPTION_IMPORT_MPOP) ||
		cmd_has(c, OPTION_IMPORT_MSMTP))
		return fetch_import(c);
	if (interval != NULL && (!value_duration(str_c(interval), &interval_ms) ||
					interval_ms < 1000 || interval_ms > FETCH_DAY_MS))
		return cmd_fail(c, EX_USAGE, "--interval is a time from 1s to 24h: 5m");
	if (interval != NULL && !cmd_has(c, OPTION_DAEMON))
		return cmd_fail(c, EX_USAGE, "--interval goes with --daemon");
	if (cmd_has(c, OPTION_DAEMON))
		return cmd_has(c, OPTION_FULL)
			       ? cmd_fail(c, EX_USAGE, "--full is for once, --daemon is not")
			       : fetch_daemon(c, interval_ms);
	if (cmd_has(c, OPTION_FULL))
		code = fetch_full_find(c, &round.owner, &round.full);
	if (code == EX_OK)
		code = fetch_round(c, &round);
	buf_deinit(&round.owner);
	buf_deinit(&round.full);
	return code;
}
