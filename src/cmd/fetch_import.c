/* What other programs know of mailboxes: their configuration becomes remotes, what they have fetched becomes known.
 * The second comes first: a remote without it would fetch everything once more. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "cmd/fetch.h"
#include "cmd/remote_block.h"
#include "remote/rc.h"

enum { STATE_MAX = 256 * 1024 * 1024, FILES_MAX = 1000, LINES_MAX = 1000, NOTE_AT_ONCE = 1000 };

struct import {
	struct cmd *cmd;
	struct config *config; /* NULL: there is no office yet */
	struct rc rc;
	struct {
		char name[65];
		bool there; /* restante.conf has it; only what was fetched is added */
	} plan[RC_ACCOUNTS_MAX];
	struct office_reply reply;
	uint64_t maildrop;
};

static int read_text(struct import *m, const char *path, size_t max, struct buf *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;
	int code = EX_OK;

	buf_init(text, max);
	text->secret = true;
	if (fd < 0)
		return cmd_fail(m->cmd, EX_NOINPUT, "open %s: %s", path, strerror(errno));
	while (n > 0 && !text->full) {
		char *room = buf_reserve(text, 65536);

		n = room == NULL ? 0 : read(fd, room, 65536);
		if (n > 0)
			buf_grew(text, (size_t)n);
	}
	if (n < 0 || text->full)
		code = cmd_fail(m->cmd, EX_NOINPUT, "read %s: %s", path,
			text->full ? "it is too long" : strerror(errno));
	close(fd);
	return code;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static int import_fetchmail(struct import *m)
{
	const char *ids = m->cmd->value[OPTION_IMPORT_IDFILE];
	char *usual = rc_path(&m->rc, STR("~/.fetchids"));
	struct buf text;
	int code = read_text(m, m->cmd->value[OPTION_IMPORT_FETCHMAIL], RC_FILE_MAX, &text);

	m->rc.file = m->cmd->value[OPTION_IMPORT_FETCHMAIL];
	if (code == EX_OK)
		rc_fetchmail(&m->rc, buf_str(&text));
	buf_wipe(&text);
	if (ids == NULL && is_there(usual))
		ids = usual;
	if (code == EX_OK && ids != NULL) {
		code = read_text(m, ids, STATE_MAX, &text);
		m->rc.file = ids;
		if (code == EX_OK)
			rc_fetchmail_ids(&m->rc, buf_str(&text));
		buf_deinit(&text);
	} else if (code == EX_OK) {
		rc_note(&m->rc, 0, "no .fetchids: what is on the servers will come once more");
	}
	free(usual);
	return code;
}

/* The files of the accounts from `first` on. */
static int import_state(struct import *m, size_t first, const char *directory,
	void (*take)(struct rc_account *a, struct str text))
{
	int code = EX_OK;

	for (size_t i = first; i < m->rc.count && code == EX_OK; i++) {
		struct rc_account *a = &m->rc.accounts[i];
		struct buf path = { 0 }, text;
		char *name;

		if (a->pop3_host[0] == '\0')
			continue;
		buf_printf(
			&path, "%s%s%s", directory, directory[0] == '\0' ? "" : "/", a->state_file);
		name = buf_steal_c(&path);
		if (is_there(name)) {
			code = read_text(m, name, STATE_MAX, &text);
			if (code == EX_OK)
				take(a, buf_str(&text));
			buf_deinit(&text);
		} else {
			rc_note(&m->rc, 0, "%s is not there: what %s has will come once more", name,
				a->pop3_host);
		}
		free(name);
	}
	return code;
}

static int import_mpop(struct import *m, enum option_id which)
{
	struct buf text;
	size_t first = m->rc.count;
	int code = read_text(m, m->cmd->value[which], RC_FILE_MAX, &text);

	m->rc.file = m->cmd->value[which];
	if (code == EX_OK)
		rc_mpop(&m->rc, buf_str(&text), which == OPTION_IMPORT_MSMTP);
	buf_wipe(&text);
	if (code == EX_OK && which == OPTION_IMPORT_MPOP)
		code = import_state(m, first, "", rc_mpop_uidls);
	return code;
}

static int import_getmailrc(struct import *m, const char *directory, const char *name)
{
	size_t first = m->rc.count;
	struct buf path = { 0 }, text;
	char *file;
	int code;

	buf_printf(&path, "%s/%s", directory, name);
	file = buf_steal_c(&path);
	m->rc.file = file;
	code = read_text(m, file, RC_FILE_MAX, &text);
	if (code == EX_OK)
		rc_getmail(&m->rc, buf_str(&text));
	buf_wipe(&text);
	if (code == EX_OK)
		code = import_state(m, first, directory, rc_getmail_oldmail);
	m->rc.file = "";
	free(file);
	return code;
}

static bool is_getmailrc(const char *directory, const char *name)
{
	struct buf path = { 0 };
	bool found = false;
	char line[1000], *file;
	FILE *f;

	if (name[0] == '.' || str_starts(str_c(name), STR("oldmail-")))
		return false;
	buf_printf(&path, "%s/%s", directory, name);
	file = buf_steal_c(&path);
	f = fopen(file, "re");
	for (int i = 0; f != NULL && i < LINES_MAX && !found && fgets(line, sizeof line, f); i++)
		found = str_starts(str_trim(str_c(line)), STR("[retriever]"));
	if (f != NULL)
		fclose(f);
	free(file);
	return found;
}

static int import_getmail(struct import *m)
{
	const char *path = m->cmd->value[OPTION_IMPORT_GETMAIL];
	struct dirent **names = NULL;
	int count = scandir(path, &names, NULL, alphasort), code = EX_OK, found = 0;

	if (count < 0)
		return cmd_fail(m->cmd, EX_NOINPUT, "open %s: %s", path, strerror(errno));
	for (int i = 0; i < count; i++) {
		bool file = names[i]->d_type == DT_REG || names[i]->d_type == DT_LNK ||
			    names[i]->d_type == DT_UNKNOWN;

		if (code == EX_OK && file && found < FILES_MAX &&
			is_getmailrc(path, names[i]->d_name)) {
			found++;
			code = import_getmailrc(m, path, names[i]->d_name);
		}
		free(names[i]);
	}
	free(names);
	if (code == EX_OK && found == 0)
		return cmd_fail(m->cmd, EX_NOINPUT, "%s has no configuration of getmail", path);
	return code;
}

static struct str setting(const struct rc_account *a, const char *name)
{
	for (size_t i = 0; i < a->count; i++)
		if (str_eq(str_c(a->settings[i].name), str_c(name)))
			return str_c(a->settings[i].value);
	return STR("");
}

static const struct config_remote *same_remote(const struct import *m, const struct rc_account *a)
{
	struct str host = setting(a, "pop3_host");

	for (size_t i = 0; m->config != NULL && i < m->config->remote_count; i++) {
		const struct config_remote *r = &m->config->remotes[i];
		struct str user = str_c(r->user[0] != '\0' ? r->user : r->address);

		if (host.n > 0 && str_ieq(str_c(r->pop3_host), host) &&
			str_eq(user, str_c(a->user)))
			return r;
	}
	return NULL;
}

static void make_plan(struct import *m)
{
	struct buf taken = { 0 };

	for (size_t i = 0; i < m->rc.count; i++) {
		const struct config_remote *there = same_remote(m, &m->rc.accounts[i]);
		char *name = m->plan[i].name;

		m->plan[i].there = there != NULL;
		if (there != NULL)
			snprintf(name, sizeof m->plan[i].name, "%s", there->name);
		else
			block_name(m->config, buf_str(&taken), str_c(m->rc.accounts[i].name), name);
		buf_put(&taken, str_c(name));
		buf_putc(&taken, '\n');
	}
	buf_deinit(&taken);
}

/* A password is never shown: it goes into a file of its own. */
static void put_block(const struct import *m, size_t at, struct buf *out)
{
	const struct rc_account *a = &m->rc.accounts[at];
	struct buf secret = { 0 };

	if (m->plan[at].there)
		return;
	block_begin(out, str_c(m->plan[at].name));
	for (size_t i = 0; i < a->count; i++)
		if (a->secret.len == 0 || !str_ends(str_c(a->settings[i].name), STR("_command")))
			block_set(out, a->settings[i].name, str_c(a->settings[i].value));
	if (a->secret.len > 0) {
		buf_printf(&secret, "secrets/%s", m->plan[at].name);
		block_set(out, "password_file", buf_str(&secret));
	}
	block_end(out);
	buf_deinit(&secret);
}

static void on_row(struct office_reply *reply, json_t *row)
{
	struct import *m = LIST_OF(reply, struct import, reply);
	const json_t *maildrop = json_object_get(row, "maildrop");

	if (maildrop != NULL)
		m->maildrop = (uint64_t)json_integer_value(maildrop);
	json_decref(row);
}

static enum status ask(
	struct import *m, struct control_session *session, json_t *request, struct err *err)
{
	enum status status = control_ask(session, request, &m->reply, err);

	json_decref(request);
	return status;
}

static json_t *seen_row(const struct import *m, struct str row, int64_t now)
{
	char room[REMOTE_UIDL_MAX + 1], id[MSGID_TEXT + 1];
	uint64_t ms = 0;
	struct str uidl;

	(void)str_u64(str_cut(&row, ' '), &ms);
	uidl = remote_uidl(row, room);
	msgid_text(remote_id(m->maildrop, uidl, false), id);
	return json_pack("{s:s%, s:s, s:i, s:I, s:i}", "uidl", uidl.p, uidl.n, "id", id, "octets",
		0, "first_ms", (json_int_t)(ms > 0 ? (int64_t)ms : now), "state",
		(int)REMOTE_SEEN_WHOLE);
}

static enum status tell_seen(
	struct import *m, struct control_session *session, size_t at, struct err *err)
{
	struct str rest = buf_str(&m->rc.accounts[at].seen);
	const char *name = m->plan[at].name;
	enum status status = ask(
		m, session, json_pack("{s:s, s:s}", "verb", "remote.open", "remote", name), err);

	while (status == ST_OK && rest.n > 0) {
		json_t *rows = json_array();

		while (rest.n > 0 && json_array_size(rows) < NOTE_AT_ONCE)
			json_array_append_new(
				rows, seen_row(m, str_cut(&rest, '\n'), clock_steady_ms()));
		status = ask(m, session,
			json_pack("{s:s, s:s, s:o, s:[]}", "verb", "remote.note", "remote", name,
				"rows", rows, "gone"),
			err);
	}
	return status;
}

static int tell_all_seen(struct import *m)
{
	struct err err = { ST_OK, "" };
	struct control_session *session = control_open(m->cmd->state, &err);
	enum status status = session == NULL ? err.code : ST_OK;

	for (size_t i = 0; i < m->rc.count && status == ST_OK; i++)
		if (m->rc.accounts[i].seen.len > 0)
			status = tell_seen(m, session, i, &err);
	control_close(session);
	return status == ST_OK ? EX_OK : cmd_fail_err(m->cmd, &err);
}

static int write_all(struct import *m, struct str sections)
{
	struct err err = { ST_OK, "" };

	for (size_t i = 0; i < m->rc.count; i++) {
		struct buf name = { 0 };
		const struct rc_account *a = &m->rc.accounts[i];
		enum status status = ST_OK;

		if (a->secret.len > 0 && !m->plan[i].there)
			status = block_secret(m->cmd->state, str_c(m->plan[i].name),
				buf_str(&a->secret), &name, &err);
		buf_deinit(&name);
		if (status != ST_OK)
			return cmd_fail_err(m->cmd, &err);
	}
	if (sections.n > 0 && block_append(m->cmd->state, sections, &err) != ST_OK)
		return cmd_fail(m->cmd, EX_CONFIG, "%s", err.text);
	return EX_OK;
}

static void print_json(const struct import *m)
{
	json_t *all = json_array(), *notes = json_array();
	struct str rest = buf_str(&m->rc.notes);

	for (size_t i = 0; i < m->rc.count; i++)
		json_array_append_new(all, json_pack("{s:s, s:b, s:I}", "remote", m->plan[i].name,
						   "new", !m->plan[i].there, "known",
						   (json_int_t)m->rc.accounts[i].seen_count));
	while (rest.n > 0) {
		struct str one = str_cut(&rest, '\n');
		json_t *text = json_stringn(one.p, one.n);

		json_array_append_new(notes, text != NULL ? text : json_string("?"));
	}
	all = json_pack("{s:o, s:o}", "remotes", all, "notes", notes);
	json_dumpf(all, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(all);
}

static void print_all(const struct import *m, struct str sections, bool dry)
{
	struct str rest = buf_str(&m->rc.notes);

	if (cmd_has(m->cmd, OPTION_JSON)) {
		print_json(m);
		return;
	}
	while (rest.n > 0) {
		struct str one = str_cut(&rest, '\n');

		fprintf(stderr, "%.*s\n", STR_ARG(one));
	}
	if (dry)
		printf("%.*s", STR_ARG(sections));
	for (size_t i = 0; i < m->rc.count; i++)
		printf("%s: %s, %zu messages are known\n", m->plan[i].name,
			m->plan[i].there ? "is there already"
			: dry            ? "would be new"
					 : "is new",
			m->rc.accounts[i].seen_count);
	if (!dry && m->rc.count > 0)
		printf("next: restante fetch%s%s\n",
			cmd_has(m->cmd, OPTION_STATE) ? " --state " : "",
			cmd_has(m->cmd, OPTION_STATE) ? m->cmd->state : "");
}

static int take_over(struct import *m)
{
	bool dry = cmd_has(m->cmd, OPTION_DRY_RUN);
	struct err err = { ST_OK, "" };
	struct buf sections = { 0 };
	struct config *tried;
	int code = EX_OK;

	make_plan(m);
	for (size_t i = 0; i < m->rc.count; i++)
		put_block(m, i, &sections);
	tried = block_try(m->cmd->state, buf_str(&sections), &err);
	if (tried == NULL)
		code = cmd_fail(m->cmd, EX_CONFIG, "%s", err.text);
	config_free(tried);
	if (code == EX_OK && !dry && m->config == NULL)
		code = cmd_make_home(m->cmd);
	if (code == EX_OK && !dry)
		code = tell_all_seen(m);
	if (code == EX_OK && !dry)
		code = write_all(m, buf_str(&sections));
	if (code == EX_OK)
		print_all(m, buf_str(&sections), dry);
	buf_deinit(&sections);
	return code;
}

static int read_all(struct import *m)
{
	int code = EX_OK;

	if (cmd_has(m->cmd, OPTION_IMPORT_FETCHMAIL))
		code = import_fetchmail(m);
	if (code == EX_OK && cmd_has(m->cmd, OPTION_IMPORT_GETMAIL))
		code = import_getmail(m);
	if (code == EX_OK && cmd_has(m->cmd, OPTION_IMPORT_MPOP))
		code = import_mpop(m, OPTION_IMPORT_MPOP);
	if (code == EX_OK && cmd_has(m->cmd, OPTION_IMPORT_MSMTP))
		code = import_mpop(m, OPTION_IMPORT_MSMTP);
	return code;
}

int fetch_import(struct cmd *c)
{
	const struct passwd *user = getpwuid(getuid());
	const char *home = getenv("HOME");
	struct import *m = NEW(struct import);
	struct err err = { ST_OK, "" };
	int code = EX_OK;

	m->cmd = c;
	m->reply.row = on_row;
	m->rc = (struct rc){ .file = "",
		.home = home != NULL ? home : "",
		.login = user != NULL ? user->pw_name : "" };
	if (cmd_has(c, OPTION_IMPORT_IDFILE) && !cmd_has(c, OPTION_IMPORT_FETCHMAIL))
		code = cmd_fail(c, EX_USAGE, "--import-idfile goes with --import-fetchmail");
	else if (c->nargs > 0)
		code = cmd_fail(c, EX_USAGE, "an import takes no names of remotes");
	if (code == EX_OK && cmd_has_office(c)) {
		if (state_check_version(c->state, &err) == ST_OK)
			m->config = config_load(c->state, &err);
		if (m->config == NULL)
			code = cmd_fail(c, EX_CONFIG, "%s", err.text);
	}
	if (code == EX_OK)
		code = read_all(m);
	if (code == EX_OK)
		code = take_over(m);
	config_free(m->config);
	rc_free(&m->rc);
	free(m);
	return code == EX_OK ? output_end(c) : code;
}
