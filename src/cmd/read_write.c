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

/* <state>/drafts/ID: there until it is in the outbox or thrown away. */
static char *make_draft(struct desk *r, struct str text)
{
	char id[MSGID_TEXT + 1], *path = NULL;
	FILE *f;
	bool good;

	msgid_text(msgid_new(clock_wall_ms()), id);
	if (asprintf(&path, "%s/drafts", r->reading.cmd->state) < 0)
		abort();
	mkdir(path, 0700);
	free(path);
	if (asprintf(&path, "%s/drafts/%s.txt", r->reading.cmd->state, id) < 0)
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

static void work_on(
	struct desk *r, const struct config *config, enum write_kind kind, struct str octets)
{
	const struct config_remote *remote = writer(r, config);
	struct buf text = { 0 };
	char question[600], *path;
	int key = 'e';

	compose_draft(&text, kind, str_c(remote->address), octets);
	path = make_draft(r, buf_str(&text));
	buf_deinit(&text);
	while (path != NULL && key == 'e') {
		edit(r, path);
		do {
			snprintf(question, sizeof question,
				"%s%ss send  e edit  x throw away  any other key: keep the draft",
				r->note, r->note[0] != '\0' ? "  " : "");
			key = ask_key(r, question, "sex");
			r->note[0] = '\0';
		} while (key == 's' && send_draft(r, config, remote, path,
					       kind == WRITE_FORWARD ? octets : STR("")) != ST_OK);
	}
	if (key == 's' || key == 'x')
		unlink(path == NULL ? "" : path);
	else if (path != NULL)
		desk_note(r, "Kept: %s", path);
	free(path);
}

void act_write(struct desk *r, enum write_kind kind)
{
	struct err err = { ST_OK, "" };
	struct config *config = config_load(r->reading.cmd->state, &err);
	struct buf octets = { 0 };

	if (config == NULL)
		desk_note(r, "%s", err.text);
	else if (config->remote_count == 0)
		desk_note(r, "No remote is in restante.conf to send through");
	else if (kind == WRITE_NEW || view_octets(r, &octets))
		work_on(r, config, kind, buf_str(&octets));
	config_free(config);
	buf_deinit(&octets);
}
