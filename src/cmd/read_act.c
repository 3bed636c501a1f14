/* What restante read does with a message: marks, saving, opening, deleting. */
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/read.h"
#include "cmd/save.h"
#include "daemon/remote_state.h"
#include "mime/tree.h"

static void set(struct desk *r, struct mail *m, bool seen, bool marked)
{
	struct err err = { ST_OK, "" };

	if (library_set(r->reading.library, m->id, seen, marked, &err) != ST_OK) {
		desk_note(r, "%s", err.text);
		return;
	}
	m->seen = seen;
	m->marked = marked;
}

void act_mark(struct desk *r)
{
	struct mail *m = list_at(r);

	if (m != NULL)
		set(r, m, m->seen, !m->marked);
}

void act_seen(struct desk *r, bool seen)
{
	struct mail *m = list_at(r);

	if (m != NULL)
		set(r, m, seen, m->marked);
}

/* ---- saving ---- */

static const char *ask_format(struct desk *r)
{
	switch (ask_key(r, "Save as  e .eml  m mbox  d Maildir  a its attachments", "emda")) {
	case 'e': return "eml";
	case 'm': return "mbox";
	case 'd': return "maildir";
	case 'a': return "attachments";
	}
	return NULL;
}

/* "~/" is the user's own. */
static char *path_of(struct str typed)
{
	struct buf path = { 0 };
	const char *home = getenv("HOME");

	if (home != NULL && str_starts(typed, STR("~/"))) {
		buf_put(&path, str_c(home));
		typed = str_from(typed, 1);
	}
	buf_put(&path, typed);
	return buf_steal_c(&path);
}

static void save_into(struct desk *r, const char *format, char *dir)
{
	struct save to = { .dir = dir, .format = str_c(format) };
	const struct mail *m = list_at(r);
	struct library_row row = { .id = m->id, .uidl = m->uidl, .date_ms = m->date_ms };
	struct err err = { ST_OK, "" };
	struct buf octets = { 0 };
	struct str saved;

	if (view_octets(r, MAIL_WHOLE, &octets) &&
		save_message(&to, &row, buf_str(&octets), &err) != ST_OK)
		desk_note(r, "%s", err.text);
	saved = buf_str(&to.saved);
	if (err.code == ST_OK && r->note[0] == '\0' && saved.n == 0)
		desk_note(r, "It has no attachments");
	else if (err.code == ST_OK && saved.n > 0)
		desk_note(r, "Saved: %.*s", STR_ARG(str_head(saved, saved.n - 1)));
	buf_deinit(&to.saved);
	buf_deinit(&octets);
}

void act_save(struct desk *r)
{
	const char *format = list_at(r) == NULL ? NULL : ask_format(r);
	struct buf typed = { 0 };
	char *dir;

	if (format == NULL)
		return;
	buf_put(&typed, STR("."));
	if (ask_line(r, "Into the directory: ", &typed, NULL) && typed.len > 0) {
		dir = path_of(buf_str(&typed));
		save_into(r, format, dir);
		free(dir);
	}
	buf_deinit(&typed);
}

/* ---- opening an attachment ---- */

bool desk_scratch(struct desk *r)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	struct buf path = { 0 };

	if (r->scratch != NULL)
		return true;
	buf_put(&path, str_c(base != NULL && base[0] == '/' ? base : "/tmp"));
	buf_put(&path, STR("/restante-XXXXXX"));
	r->scratch = buf_steal_c(&path);
	if (mkdtemp(r->scratch) != NULL)
		return true;
	desk_note(r, "make %s: %s", r->scratch, strerror(errno));
	free(r->scratch);
	r->scratch = NULL;
	return false;
}

/* Beside us: what it shows stays when the reader ends. */
static void start_viewer(struct desk *r, char *path)
{
	static char viewer[] = "xdg-open";
	char *argv[] = { viewer, path, NULL };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		setsid();
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		if (fork() == 0) {
			execvp(viewer, argv);
			_exit(127);
		}
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	desk_note(r, pid > 0 ? "%s is shown by xdg-open" : "%s cannot be shown", path);
}

static void open_part(struct desk *r, const json_t *a, const struct mime_tree *t)
{
	size_t part = (size_t)json_integer_value(json_object_get(a, "part"));
	struct save to = { .dir = r->scratch };
	struct buf name = { 0 }, body = { 0 };
	struct err err = { ST_OK, "" };

	if (part >= t->count)
		return;
	mime_file_name(t, part, &name);
	mime_body(&t->parts[part], &body);
	if (save_file(&to, buf_str(&name), buf_str(&body), &err) != ST_OK) {
		desk_note(r, "%s", err.text);
	} else {
		buf_truncate(&to.saved, to.saved.len - 1);
		buf_putc(&to.saved, '\0');
		start_viewer(r, to.saved.data);
	}
	buf_deinit(&to.saved);
	buf_deinit(&name);
	buf_deinit(&body);
}

/* Which of them; NULL: none.  More than nine have numbers, which are typed. */
static const json_t *choose(struct desk *r, const json_t *all)
{
	struct buf text = { 0 }, typed = { 0 };
	size_t n = json_array_size(all);
	uint64_t number = 0;

	if (n > 9)
		buf_printf(&text, "Open which of the %zu attachments, as they stand above: ", n);
	else
		buf_put(&text, STR("Open "));
	for (size_t i = 0; i < n && n <= 9; i++)
		buf_printf(&text, " %zu %s", i + 1,
			json_string_value(json_object_get(json_array_get(all, i), "filename")));
	buf_putc(&text, '\0');
	if (n <= 9)
		number = (uint64_t)ask_key(r, text.data, "123456789");
	else if (ask_line(r, text.data, &typed, NULL))
		(void)str_u64(str_trim(buf_str(&typed)), &number);
	number -= n <= 9 && number > 0 ? '0' : 0;
	buf_deinit(&text);
	buf_deinit(&typed);
	return number == 0 || number > n ? NULL : json_array_get(all, (size_t)number - 1);
}

void act_open(struct desk *r)
{
	const struct mail *m = list_at(r);
	json_t *all = m == NULL ? NULL : json_loadb(m->attachments.p, m->attachments.n, 0, NULL);
	const json_t *a = json_array_size(all) == 0 ? NULL : choose(r, all);
	struct buf octets = { 0 };
	struct mime_tree t;

	if (m != NULL && json_array_size(all) == 0)
		desk_note(r, "It has no attachments");
	if (a != NULL && desk_scratch(r) && view_octets(r, MAIL_WHOLE, &octets)) {
		mime_tree_parse(&t, buf_str(&octets));
		open_part(r, a, &t);
		mime_tree_free(&t);
	}
	buf_deinit(&octets);
	json_decref(all);
}

/* ---- deleting ---- */

static enum status ask_office(struct desk *r, json_t *request, struct err *err)
{
	enum status status = control_call(r->reading.cmd->state, request, &r->reading.reply, err);

	json_decref(request);
	return status;
}

/* First the wish, then the deed: a crash between them leaves the message here, to be deleted again. */
static enum status delete (struct desk *r, const struct mail *m, bool there, struct err *err) {
	struct str remote = reading_name(m->account); enum status status = ST_OK;

	if (there) status = ask_office(r,
		json_pack("{s:s, s:s%, s:[{s:s%, s:s%, s:I, s:I, s:i}]}", "verb", "remote.note",
			"remote", remote.p, remote.n, "rows", "uidl", m->uidl.p, m->uidl.n, "id",
			m->id.p, m->id.n, "octets", (json_int_t)m->octets, "first_ms",
			(json_int_t)m->date_ms, "state", (int)REMOTE_SEEN_UNWANTED),
		err);
	if (status == ST_OK) status = ask_office(r,
		json_pack("{s:s, s:s%, s:[s%]}", "verb", "mailbox.expunge", "address", m->account.p,
			m->account.n, "ids", m->id.p, m->id.n),
		err);
	return status;
}

void act_delete(struct desk *r)
{
	const struct mail *m = list_at(r);
	bool remote = m != NULL && reading_name(m->account).n < m->account.n, viewed;
	struct err err = { ST_OK, "" };
	int key = 0;

	if (m == NULL)
		return;
	key = remote ? ask_key(r,
			       "Delete here, and on the server:  k keep it there  d delete it "
			       "there "
			       "too  any other key: nothing",
			       "kd")
		     : ask_key(r, "Delete it?  y yes  any other key: no", "y");
	if (key == 0)
		return;
	viewed = r->view.mail != NULL;
	if (delete (r, m, key == 'd', &err) == ST_OK) {
		view_close(r);
		if (reading_begin(&r->reading, &err) == ST_OK)
			reading_update(&r->reading, &err);
		reading_rest(&r->reading);
		list_find(r);
		desk_note(r, "%s",
			key == 'd' ? "Deleted; on the server at the next fetch" : "Deleted");
		if (viewed && list_at(r) != NULL)
			view_open(r);
	}
	if (err.code != ST_OK)
		desk_note(r, "%s", err.text);
}
