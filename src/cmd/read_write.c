/* Writing in restante read: the user's editor, then the outbox. */
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/msgid.h"
#include "cmd/read.h"
#include "cmd/send.h"

enum { FILE_MAX = 64 * 1024 * 1024 };

static bool read_file(void *arg, struct str path, struct buf *out, struct err *err)
{
	char *name = str_dup_c(path);
	int fd = name == NULL ? -1 : open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n = 1;

	(void)arg;
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		err_set(err, ST_IO, "attach %.100s: %s", name == NULL ? "" : name,
			fd < 0 ? strerror(errno) : "no file, or too long");
	while (err->code == ST_OK && n > 0) {
		n = read(fd, buf_reserve(out, 65536), 65536);
		if (n > 0)
			buf_grew(out, (size_t)n);
		else if (n < 0)
			err_set(err, ST_IO, "read %.100s: %s", name, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	free(name);
	return err->code == ST_OK;
}

/* <state>/drafts/ID.txt, or ID.FORWARDED.txt: there until it is in the outbox or thrown away. */
static char *make_draft(struct desk *r, struct str forwarded, struct str text)
{
	char id[MSGID_TEXT + 1], *path = NULL;
	FILE *f;
	bool good;

	msgid_text(msgid_new(clock_wall_ms()), id);
	if (asprintf(&path, "%s/drafts", r->reading.cmd->state) < 0)
		abort();
	mkdir(path, 0700);
	free(path);
	if (asprintf(&path, "%s/drafts/%s%s%.*s.txt", r->reading.cmd->state, id,
		    forwarded.n > 0 ? "." : "", STR_ARG(forwarded)) < 0)
		abort();
	f = fopen(path, "wxe");
	good = f != NULL && fwrite(text.p, 1, text.n, f) == text.n;
	if (f != NULL && fclose(f) == 0 && good)
		return path;
	desk_note(r, "write %s: %s", path, strerror(errno));
	free(path);
	return NULL;
}

static void edit(struct desk *r, char *path)
{
	const char *editor = getenv("VISUAL");
	char *line = NULL;
	pid_t pid;
	int status = 0;

	if (editor == NULL || editor[0] == '\0')
		editor = getenv("EDITOR");
	if (asprintf(&line, "%s \"$1\"", editor == NULL || editor[0] == '\0' ? "vi" : editor) < 0)
		abort();
	def_prog_mode();
	endwin();
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", line, "sh", path, (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	reset_prog_mode();
	clearok(stdscr, TRUE);
	if (pid < 0 || status != 0)
		desk_note(r, "%.100s failed", line);
	free(line);
}

/* It may take long, and the reader shall not wait: what cannot go stays in the outbox. */
static void send_beside(struct desk *r, const struct config *config)
{
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		setsid();
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		if (fork() == 0)
			outbox_run(r->reading.cmd, config, STR(""));
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static enum status queue(struct desk *r, const struct config *config,
	const struct config_remote *remote, struct str octets, struct err *err)
{
	struct outgoing m = { .remote = remote, .recipients = json_array() };
	char id[MSGID_TEXT + 1];
	enum status status;

	buf_put(&m.sender, str_c(remote->address));
	status = outgoing_message(&m, octets, config, true, err);
	if (status == ST_OK && json_array_size(m.recipients) == 0)
		status = err_set(err, ST_USAGE, "it has no recipients: edit it again");
	if (status == ST_OK)
		status = outgoing_queue(r->reading.cmd->state, &m, id, err);
	outgoing_free(&m);
	if (status == ST_OK) {
		desk_note(r, "In the outbox: %s", id);
		send_beside(r, config);
	}
	return status;
}

static enum status send_draft(struct desk *r, const struct config *config,
	const struct config_remote *remote, const char *path, struct str forward)
{
	char boundary[MSGID_TEXT + 1];
	struct composed c = { .forward = forward, .file = read_file };
	struct buf draft = { 0 }, message = { 0 };
	struct err err = { ST_OK, "" };

	msgid_text(msgid_new(clock_wall_ms()), boundary);
	c.boundary = str_c(boundary);
	if (read_file(NULL, str_c(path), &draft, &err)) {
		c.draft = buf_str(&draft);
		if (compose_message(&message, &c, &err) == ST_OK)
			queue(r, config, remote, buf_str(&message), &err);
	}
	buf_deinit(&draft);
	buf_deinit(&message);
	if (err.code != ST_OK)
		desk_note(r, "%s", err.text);
	return err.code;
}

/* Of whom the message in hand is, else the first. */
static const struct config_remote *writer(const struct desk *r, const struct config *config)
{
	const struct mail *m = list_at(r);
	const struct config_remote *remote =
		m == NULL ? NULL : config_remote(config, reading_name(m->account));

	return remote != NULL || config->remote_count == 0 ? remote : &config->remotes[0];
}

/* What becomes of a draft: path is taken.  forward: a message that goes with it; "". */
static void work_on(struct desk *r, const struct config *config, const struct config_remote *remote,
	char *path, struct str forward)
{
	char question[600];
	int key = 'e';

	while (path != NULL && key == 'e') {
		edit(r, path);
		do {
			snprintf(question, sizeof question,
				"%s%ss send  e edit  x throw away  any other key: keep the draft",
				r->note, r->note[0] != '\0' ? "  " : "");
			key = ask_key(r, question, "sex");
			r->note[0] = '\0';
		} while (key == 's' && send_draft(r, config, remote, path, forward) != ST_OK);
	}
	if (key == 's' || key == 'x')
		unlink(path == NULL ? "" : path);
	else if (path != NULL)
		desk_note(r, "Kept: %s", path);
	free(path);
}

static struct config *config_to_write(struct desk *r)
{
	struct err err = { ST_OK, "" };
	struct config *config = config_load(r->reading.cmd->state, &err);

	if (config == NULL)
		desk_note(r, "%s", err.text);
	else if (config->remote_count > 0)
		return config;
	else
		desk_note(r, "No remote is in restante.conf to send through");
	config_free(config);
	return NULL;
}

void act_write(struct desk *r, enum write_kind kind)
{
	struct config *config = config_to_write(r);
	const struct config_remote *remote = config == NULL ? NULL : writer(r, config);
	struct str id = kind == WRITE_FORWARD && list_at(r) != NULL ? list_at(r)->id : STR("");
	struct buf octets = { 0 }, text = { 0 };

	if (remote != NULL && (kind == WRITE_NEW || view_octets(r, MAIL_WHOLE, &octets))) {
		compose_draft(&text, kind, str_c(remote->address), buf_str(&octets));
		work_on(r, config, remote, make_draft(r, id, buf_str(&text)),
			kind == WRITE_FORWARD ? buf_str(&octets) : STR(""));
	}
	config_free(config);
	buf_deinit(&octets);
	buf_deinit(&text);
}

/* The remote whose address stands in From, else the first. */
static const struct config_remote *writer_of(const struct config *config, struct str draft)
{
	struct str line = str_cut(&draft, '\n');

	for (size_t i = 0; i < config->remote_count; i++) {
		struct str address = str_c(config->remotes[i].address);

		for (size_t at = 0; address.n > 0 && at + address.n <= line.n; at++)
			if (str_ieq(str_head(str_from(line, at), address.n), address))
				return &config->remotes[i];
	}
	return &config->remotes[0];
}

/* The message that a draft passes on is named by the draft's name. */
static bool forwarded(struct desk *r, struct str path, struct buf *octets)
{
	struct str name = str_from(path, str_rfind(path, '/') + 1), own = str_cut(&name, '.'),
		   id = str_cut(&name, '.');
	struct library_row row;
	struct err err = { ST_OK, "" };

	(void)own;
	if (name.n == 0)
		return true;
	if (reading_begin(&r->reading, &err) == ST_OK &&
		library_get(r->reading.library, buf_str(&r->reading.accounts), id, &row, &err) ==
			ST_OK)
		reading_message(&r->reading, &row, MAIL_WHOLE, octets, &err);
	reading_rest(&r->reading);
	if (err.code != ST_OK)
		desk_note(r, "The message it passes on is not there: %s", err.text);
	return err.code == ST_OK;
}

void act_draft(struct desk *r, const char *path)
{
	struct config *config = config_to_write(r);
	struct buf draft = { 0 }, octets = { 0 };
	struct err err = { ST_OK, "" };

	if (config != NULL && !read_file(NULL, str_c(path), &draft, &err))
		desk_note(r, "%s", err.text);
	else if (config != NULL && forwarded(r, str_c(path), &octets))
		work_on(r, config, writer_of(config, buf_str(&draft)), str_dup_c(str_c(path)),
			buf_str(&octets));
	config_free(config);
	buf_deinit(&draft);
	buf_deinit(&octets);
}
