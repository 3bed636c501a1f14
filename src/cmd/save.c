/* restante save */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/export_file.h"
#include "cmd/save.h"
#include "maildir/deliver.h"
#include "mime/tree.h"

enum { SAVE_MAX = 1024 * 1024 * 1024, TRIES = 1000 };

/* A new file in the directory, never one that is there: "name", "name (2)" ... *path: heap. */
static int make_file(const char *dir, struct str name, char **path, struct err *err)
{
	size_t dot = str_rfind(name, '.');
	int fd = -1;

	*path = NULL;
	for (int i = 1; fd < 0 && i <= TRIES; i++) {
		struct buf text = { 0 };

		free(*path);
		buf_put(&text, str_c(dir));
		buf_putc(&text, '/');
		buf_put(&text, str_head(name, dot));
		if (i > 1)
			buf_printf(&text, " (%d)", i);
		buf_put(&text, str_from(name, dot));
		*path = buf_steal_c(&text);
		fd = open(*path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0)
		err_set(err, ST_IO, "make %s: %s", *path, strerror(errno));
	return fd;
}

static void put_path(struct save *to, struct str path)
{
	buf_put(&to->saved, path);
	buf_putc(&to->saved, '\n');
}

enum status save_file(struct save *to, struct str name, struct str octets, struct err *err)
{
	enum status status = ST_OK;
	char *path;
	int fd = make_file(to->dir, name, &path, err);

	while (fd >= 0 && octets.n > 0 && status == ST_OK) {
		ssize_t n = write(fd, octets.p, octets.n);

		if (n > 0)
			octets = str_from(octets, (size_t)n);
		else if (errno != EINTR)
			status = err_set(err, ST_IO, "write %s: %s", path, strerror(errno));
	}
	if (fd >= 0 && (fsync(fd) != 0 || close(fd) != 0) && status == ST_OK)
		status = err_set(err, ST_IO, "write %s: %s", path, strerror(errno));
	if (fd >= 0 && status == ST_OK)
		put_path(to, str_c(path));
	else if (fd >= 0)
		unlink(path); /* a part of it would pass for the whole */
	free(path);
	return fd < 0 ? ST_IO : status;
}

static enum status save_eml(
	struct save *to, const struct library_row *row, struct str octets, struct err *err)
{
	struct buf name = { 0 };
	enum status status;

	buf_put(&name, row->id);
	buf_put(&name, STR(".eml"));
	status = save_file(to, buf_str(&name), octets, err);
	buf_deinit(&name);
	return status;
}

static enum status save_attachments(struct save *to, struct str octets, struct err *err)
{
	enum status status = ST_OK;
	struct mime_tree t;

	mime_tree_parse(&t, octets);
	for (size_t i = 0; i < t.count && status == ST_OK; i++) {
		const struct mime_part *p = &t.parts[i];
		struct buf name = { 0 }, body = { 0 };

		if (!mime_is_file(p))
			continue;
		mime_file_name(&t, i, &name);
		mime_body(p, &body);
		status = save_file(to, buf_str(&name), buf_str(&body), err);
		buf_deinit(&name);
		buf_deinit(&body);
	}
	mime_tree_free(&t);
	return status;
}

static enum status save_mbox(
	struct save *to, const struct library_row *row, struct str octets, struct err *err)
{
	struct buf name = { 0 };
	struct export x = { .file = NULL };
	enum status status;
	char *path;

	buf_put(&name, str_c(to->dir));
	buf_putc(&name, '/');
	buf_put(&name, row->id);
	buf_put(&name, STR(".mbox"));
	path = buf_steal_c(&name);
	status = export_begin(&x, path, false, 1, err);
	if (status == ST_OK)
		status = export_message(&x, STR(""), row->date_ms, row->id, err);
	if (status == ST_OK) {
		export_octets(&x, octets);
		status = export_message_end(&x, row->id, row->uidl, row->date_ms, err);
	}
	if (status == ST_OK)
		status = export_finish(&x, err);
	export_end(&x);
	if (status == ST_OK)
		put_path(to, str_c(path));
	free(path);
	return status;
}

static enum status save_maildir(
	struct save *to, const struct library_row *row, struct str octets, struct err *err)
{
	struct maildir_message m;
	struct buf name = { 0 };
	enum status status;

	buf_printf(&name, "%lld.", (long long)(row->date_ms / 1000));
	buf_put(&name, row->id);
	buf_put(&name, STR(".restante"));
	status = maildir_begin(&m, to->dir, buf_str(&name), err);
	if (status == ST_OK) {
		maildir_octets(&m, octets);
		status = maildir_written(&m, err);
	}
	if (status == ST_OK)
		status = maildir_commit(&m, 1, err);
	if (status == ST_OK) {
		buf_put(&to->saved, str_c(to->dir));
		buf_put(&to->saved, STR("/new/"));
		put_path(to, str_c(m.name));
	}
	maildir_end(&m);
	buf_deinit(&name);
	return status;
}

enum status save_message(
	struct save *to, const struct library_row *row, struct str octets, struct err *err)
{
	mkdir(to->dir, 0700);
	if (str_eq(to->format, STR("mbox")))
		return save_mbox(to, row, octets, err);
	if (str_eq(to->format, STR("maildir")))
		return save_maildir(to, row, octets, err);
	if (str_eq(to->format, STR("attachments")))
		return save_attachments(to, octets, err);
	return save_eml(to, row, octets, err);
}

static bool is_format(struct str s)
{
	static const struct str formats[] = { STR_INIT("eml"), STR_INIT("mbox"),
		STR_INIT("maildir"), STR_INIT("attachments") };

	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (str_eq(formats[i], s))
			return true;
	return false;
}

static void print_saved(struct cmd *c, json_t *message, struct str saved)
{
	json_t *paths = json_array();

	if (!cmd_has(c, OPTION_JSON))
		fwrite(saved.p, 1, saved.n, stdout);
	while (saved.n > 0) {
		struct str path = str_cut(&saved, '\n');

		json_array_append_new(paths, json_stringn(path.p, path.n));
	}
	json_object_set_new(message, "paths", paths);
	if (cmd_has(c, OPTION_JSON)) {
		json_dumpf(message, stdout, JSON_INDENT(1));
		putchar('\n');
	}
}

int cmd_save(struct cmd *c)
{
	struct save to = { .dir = c->args[1],
		.format = cmd_has(c, OPTION_FORMAT) ? str_c(c->value[OPTION_FORMAT]) : STR("eml") };
	struct buf octets = { 0 };
	struct library_row row;
	struct err err = { 0 };
	struct reading r;
	json_t *message = NULL;
	int code;

	if (!is_format(to.format))
		return cmd_fail(c, EX_USAGE, "--format is eml, mbox, maildir or attachments");
	code = reading_open(&r, c, NULL, 0);
	if (code == EX_OK) {
		if (library_get(r.library, buf_str(&r.accounts), str_c(c->args[0]), &row, &err) !=
				ST_OK ||
			reading_message(&r, &row, SAVE_MAX, &octets, &err) != ST_OK ||
			(message = reading_json(&row)) == NULL ||
			save_message(&to, &row, buf_str(&octets), &err) != ST_OK)
			code = cmd_fail_err(c, &err);
	}
	if (message != NULL)
		print_saved(c, message, buf_str(&to.saved));
	json_decref(message);
	buf_deinit(&to.saved);
	buf_deinit(&octets);
	reading_close(&r);
	return code == EX_OK ? output_end(c) : code;
}
