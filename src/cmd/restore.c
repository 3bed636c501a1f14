/* restante restore SRC --state DIR: an office from a backup, into an empty directory.  As with init the
 * version file comes last: what was not finished is no state directory. */
#include "cmd/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"
#include "daemon/config.h"
#include "store/local/segment.h"

struct restore {
	struct cmd *cmd;
	struct disk *disk;
	char *src; /* the backup; heap */
	struct backup_manifest manifest;
	struct damage damage;
	struct progress progress;
	struct check_report report;
	bool made_keys;
};

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
	struct restore *r = arg;

	r->progress.total = total;
	progress_at(&r->progress, done, 0);
}

static enum status copy_small(struct restore *r, const char *name, struct err *err)
{
	char *from = path_join(r->src, name), *to = path_join(r->cmd->state, name);
	enum status status = backup_make_parents(r->cmd->state, name, err);

	if (status == ST_OK)
		status = backup_copy_file(r->disk, from, to, err);
	free(from);
	free(to);
	return status;
}

static enum status copy_store(struct restore *r, struct err *err)
{
	char *from = path_join(r->src, "store"), *to = path_join(r->cmd->state, "store");
	struct backup_copy copy = { .disk = r->disk,
		.from = from,
		.to = to,
		.segment = r->manifest.segment,
		.end = r->manifest.end,
		.apart = true,
		.progress = on_progress,
		.arg = r };
	struct check_source source = { .disk = r->disk, .dir = to };
	enum status status;

	progress_begin(&r->progress, 0);
	r->progress.octets = true;
	status = backup_copy(&copy, err);
	progress_clear(&r->progress);
	if (status == ST_OK)
		status = damage_check(&r->damage, &source, &r->report, err);
	free(from);
	free(to);
	return status;
}

/* A server does not start without them; they can be replaced at any time. */
static enum status make_missing_keys(struct restore *r, int dir, struct err *err)
{
	struct config *c = config_load(r->cmd->state, err);
	enum status status = c == NULL ? ST_USAGE : ST_OK;

	if (status == ST_OK && str_eq(str_c(c->tls_key), STR("tls/key.pem")) &&
		faccessat(dir, c->tls_key, F_OK, 0) != 0) {
		status = cmd_make_keys(dir, c->hostname, c->hostname, err);
		r->made_keys = status == ST_OK;
	}
	config_free(c);
	return status;
}

static enum status sync_dir(int dir, const char *name, struct err *err)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum status status = ST_OK;

	if (fd >= 0 ? fsync(fd) != 0 : errno != ENOENT)
		status = err_set(err, ST_IO, "sync %s: %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return status;
}

static enum status restore_all(struct restore *r, int dir, struct err *err)
{
	enum status status = ST_OK;

	for (size_t i = 0; status == ST_OK && i < r->manifest.file_count; i++)
		if (!str_eq(str_c(r->manifest.files[i].name), STR("version")))
			status = copy_small(r, r->manifest.files[i].name, err);
	if (status == ST_OK && mkdirat(dir, "empty", 0755) != 0)
		status = err_set(err, ST_IO, "make empty: %s", strerror(errno));
	if (status == ST_OK)
		status = copy_store(r, err);
	if (status == ST_OK)
		status = make_missing_keys(r, dir, err);
	if (status == ST_OK)
		status = sync_dir(dir, "tls", err);
	if (status == ST_OK)
		status = sync_dir(dir, ".", err);
	if (status == ST_OK)
		status = copy_small(r, "version", err);
	return status == ST_OK ? sync_dir(dir, ".", err) : status;
}

static void summary(const struct restore *r)
{
	json_t *o;

	if (!r->damage.json) {
		printf("%s: %llu segments, %llu messages from %s\n", r->cmd->state,
			(unsigned long long)r->report.segments,
			(unsigned long long)r->report.messages, r->src);
		if (r->made_keys)
			printf("next: the certificate is self-signed: put the real one into "
			       "%s/tls/cert.pem and key.pem\n",
				r->cmd->state);
		return;
	}
	o = json_pack("{s:s, s:s, s:I, s:I, s:b, s:I, s:O}", "path", r->cmd->state, "from", r->src,
		"segments", (json_int_t)r->report.segments, "messages",
		(json_int_t)r->report.messages, "self_signed", (int)r->made_keys, "damaged",
		(json_int_t)r->damage.count, "damage", r->damage.lines);
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}

static int restore_office(struct restore *r)
{
	struct cmd *c = r->cmd;
	struct err err = { ST_OK, "" };
	int code = cmd_make_state(c), dir;

	if (code != EX_OK)
		return code;
	umask(0077);
	/* what is damaged here stays so in the office; it is told, and the rest is restored */
	backup_manifest_check(&r->manifest, r->disk, r->src, damage_say, &r->damage);
	dir = open(c->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return cmd_fail(c, EX_CANTCREAT, "open %s: %s", c->state, strerror(errno));
	if (restore_all(r, dir, &err) != ST_OK)
		code = cmd_fail(c, err_exit_code(err.code), "%s (%s is unfinished: remove it)",
			err.text, c->state);
	close(dir);
	if (code != EX_OK)
		return code;
	summary(r);
	code = output_end(c);
	return code == EX_OK && r->damage.count > 0 ? EX_DATAERR : code;
}

int cmd_restore(struct cmd *c)
{
	bool mail = cmd_has(c, OPTION_MESSAGE) || cmd_has(c, OPTION_ACCOUNT) ||
		    cmd_has(c, OPTION_TO) || cmd_has(c, OPTION_SINCE);
	struct restore *r = NEW(struct restore);
	struct err err = { ST_OK, "" };
	int code;

	r->cmd = c;
	r->disk = disk_real();
	damage_init(&r->damage, c);
	if (backup_find(r->disk, c->args[0], &r->src, &r->manifest, &err) != ST_OK)
		code = cmd_fail(c, err.code == ST_NOTFOUND ? EX_NOINPUT : err_exit_code(err.code),
			"%s", err.text);
	else
		code = mail ? restore_mail(c, r->disk, r->src) : restore_office(r);
	damage_deinit(&r->damage);
	r->disk->ops->free(r->disk);
	free(r->src);
	free(r);
	return code;
}
