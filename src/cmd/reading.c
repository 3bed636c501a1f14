#include "cmd/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/list.h"
#include "daemon/config_remote.h"
#include "daemon/remote_state.h"
#include "mime/date.h"

static const struct str remote_domain = STR_INIT("@remote");

void reading_address(struct buf *out, struct str remote)
{
	for (size_t i = 0; i < remote.n; i++)
		buf_putc(out, ascii_lower(remote.p[i]));
	buf_put(out, remote_domain);
}

struct str reading_name(struct str address)
{
	return str_head(
		address, address.n - (str_ends(address, remote_domain) ? remote_domain.n : 0));
}

static json_t *text_of(struct str s)
{
	return json_stringn(s.p, s.n);
}

json_t *reading_date(int64_t ms)
{
	struct buf text = { 0 };
	json_t *date;

	date_put_internet(&text, ms);
	date = json_stringn(buf_str(&text).p, text.len);
	buf_deinit(&text);
	return date;
}

json_t *reading_json(const struct library_row *row)
{
	json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:b, s:b}", "id",
		text_of(row->id), "uidl", text_of(row->uidl), "account",
		text_of(reading_name(row->account)), "from", text_of(row->from), "to",
		text_of(row->to), "subject", text_of(row->subject), "date",
		reading_date(row->date_ms), "octets", (json_int_t)row->octets, "thread",
		(json_int_t)row->thread, "seen", (int)row->seen, "marked", (int)row->marked);

	json_object_set_new(
		o, "attachments", json_loadb(row->attachments.p, row->attachments.n, 0, NULL));
	return o;
}

static void on_row(struct office_reply *reply, json_t *row)
{
	struct reading *r = LIST_OF(reply, struct reading, reply);

	json_decref(r->row);
	r->row = row;
}

static void on_octets(struct office_reply *reply, struct str octets)
{
	buf_put(&LIST_OF(reply, struct reading, reply)->octets, octets);
}

static enum status ask(struct reading *r, json_t *request, struct err *err)
{
	enum status status;

	buf_clear(&r->octets);
	status = control_ask(r->session, request, &r->reply, err);
	json_decref(request);
	return status;
}

static enum status source_index(struct library_source *s, struct str account,
	void (*each)(void *arg, struct str id, struct str uidl), void *arg, struct err *err)
{
	struct reading *r = LIST_OF(s, struct reading, source);
	enum status status = ask(r,
		json_pack("{s:s, s:s%}", "verb", "mailbox.index", "address", account.p, account.n),
		err);
	struct str rest = buf_str(&r->octets);

	while (status == ST_OK && rest.n > 0) {
		struct str uidl = str_cut(&rest, '\n'), id = str_cut(&uidl, ' ');

		each(arg, id, uidl);
	}
	return status;
}

static json_int_t member(const struct reading *r, const char *name)
{
	return json_integer_value(json_object_get(r->row, name));
}

static enum status source_read(struct library_source *s, struct str account, struct str id,
	uint64_t max, struct buf *octets, uint64_t *total, int64_t *received_ms, struct err *err)
{
	struct reading *r = LIST_OF(s, struct reading, source);
	enum status status;

	do {
		status = ask(r,
			json_pack("{s:s, s:s%, s:s%, s:I}", "verb", "mailbox.read", "address",
				account.p, account.n, "id", id.p, id.n, "offset",
				(json_int_t)octets->len),
			err);
		if (status != ST_OK)
			return status;
		*total = (uint64_t)member(r, "octets");
		if (octets->len == 0)
			*received_ms = member(r, "received");
		buf_put(octets, buf_str(&r->octets));
	} while (octets->len < *total && octets->len < max && r->octets.len > 0);
	if (octets->len < *total && octets->len < max)
		return err_set(err, ST_CORRUPT, "the message %.*s ends early: run restante fsck",
			STR_ARG(id));
	return ST_OK;
}

static void source_progress(struct library_source *s, uint64_t done, uint64_t of)
{
	struct reading *r = LIST_OF(s, struct reading, source);

	if (done == 1)
		progress_begin(&r->progress, of);
	progress_at(&r->progress, done, done);
	if (done == of)
		progress_clear(&r->progress);
}

enum status reading_message(struct reading *r, const struct library_row *row, uint64_t max,
	struct buf *out, struct err *err)
{
	uint64_t total;
	int64_t received_ms;

	return source_read(&r->source, row->account, row->id, max, out, &total, &received_ms, err);
}

bool reading_partial(struct reading *r, const struct library_row *row)
{
	struct str remote = reading_name(row->account);
	struct err err = { ST_OK, "" };
	char id[MSGID_TEXT + 1];
	json_t *q = json_pack("{s:s, s:s%}", "verb", "remote.open", "remote", remote.p, remote.n);

	if (remote.n == row->account.n) {
		json_decref(q);
		return false;
	}
	if (ask(r, q, &err) != ST_OK)
		return false;
	msgid_text(remote_id((uint64_t)member(r, "maildrop"), row->uidl, true), id);
	return str_eq(str_c(id), row->id);
}

static void add_account(struct reading *r, struct str remote)
{
	if (r->accounts.len > 0)
		buf_putc(&r->accounts, '\n');
	reading_address(&r->accounts, remote);
}

static int choose_accounts(struct reading *r, char **names, int count)
{
	struct err err = { 0 };
	struct config *config;

	if (cmd_has(r->cmd, OPTION_ACCOUNT)) {
		buf_put(&r->accounts, str_c(r->cmd->value[OPTION_ACCOUNT]));
		return EX_OK;
	}
	config = config_load(r->cmd->state, &err);
	if (config == NULL)
		return cmd_fail(r->cmd, EX_CONFIG, "%s", err.text);
	for (int i = 0; i < count && err.code == ST_OK; i++)
		if (config_remote(config, str_c(names[i])) != NULL)
			add_account(r, str_c(names[i]));
		else
			err_set(&err, ST_USAGE, "no remote %.64s in %s/restante.conf", names[i],
				r->cmd->state);
	for (size_t i = 0; count == 0 && i < config->remote_count; i++)
		add_account(r, str_c(config->remotes[i].name));
	config_free(config);
	if (err.code != ST_OK)
		return cmd_fail_err(r->cmd, &err);
	if (r->accounts.len == 0)
		return cmd_fail(r->cmd, EX_CONFIG,
			"no remote is in %s/restante.conf: restante setup ADDRESS makes one, "
			"--account names an account",
			r->cmd->state);
	return EX_OK;
}

static enum status open_library(struct reading *r, struct err *err)
{
	struct buf path = { 0 };
	char *name;

	buf_put(&path, str_c(r->cmd->state));
	buf_put(&path, STR("/reader.db"));
	name = buf_steal_c(&path);
	r->library = library_open(name, err);
	free(name);
	return r->library == NULL ? ST_IO : ST_OK;
}

/* A remote from which nothing was fetched yet has no account: that is no error. */
enum status reading_update(struct reading *r, struct err *err)
{
	struct str rest = buf_str(&r->accounts);
	enum status status = ST_OK;

	while (status == ST_OK && rest.n > 0) {
		struct str account = str_cut(&rest, '\n');
		struct err why = { 0 };

		status = library_update(r->library, &r->source, account, &why);
		if (status == ST_NOTFOUND && str_ends(account, remote_domain))
			status = ST_OK;
		if (status != ST_OK)
			err_set(err, status, "%s", why.text);
	}
	return status;
}

int reading_open(struct reading *r, struct cmd *c, char **names, int count)
{
	struct err err = { 0 };
	int code = cmd_need_home(c);

	*r = (struct reading){ .cmd = c,
		.reply = { .row = on_row, .octets = on_octets },
		.source = { source_index, source_read, source_progress } };
	if (code != EX_OK)
		return code;
	if (state_check_version(c->state, &err) != ST_OK)
		return cmd_fail(c, err.code == ST_USAGE ? EX_CONFIG : err_exit_code(err.code), "%s",
			err.text);
	code = choose_accounts(r, names, count);
	if (code != EX_OK)
		return code;
	umask(077);
	if (reading_begin(r, &err) != ST_OK || open_library(r, &err) != ST_OK ||
		reading_update(r, &err) != ST_OK)
		return cmd_fail_err(c, &err);
	return EX_OK;
}

enum status reading_begin(struct reading *r, struct err *err)
{
	if (r->session == NULL)
		r->session = control_open(r->cmd->state, err);
	if (r->session == NULL)
		return ST_TEMP;
	control_between_calls(r->session);
	return ST_OK;
}

void reading_rest(struct reading *r)
{
	control_close(r->session);
	r->session = NULL;
}

void reading_close(struct reading *r)
{
	library_close(r->library);
	reading_rest(r);
	json_decref(r->row);
	buf_deinit(&r->accounts);
	buf_deinit(&r->octets);
}
