/* restante backup: beside a server the files are read here, not by the server; it only says up to
 * where, and copies the accounts at that same instant.  While the journal's directory is held nothing
 * is removed from it, and nobody waits for it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "cmd/backup_dest.h"
#include "daemon/control.h"
#include "store/local/segment.h"

struct backup {
	struct cmd *cmd;
	struct disk *disk;
	struct backup_dest dest;
	struct backup_copy copy;
	struct backup_manifest manifest;
	struct damage damage;
	struct progress progress;
	struct check_report report;
	struct office_reply reply;
	char *from, *to, *older; /* store directories */
	int held;                /* the journal's directory; -1 */
	bool done;
	/* findings of the first reading */
	struct check_finding *findings;
	size_t nfindings;
};

static void on_row(struct office_reply *r, json_t *row)
{
	struct backup *b = LIST_OF(r, struct backup, reply);

	b->done = json_is_true(json_object_get(row, "done"));
	b->copy.segment = (uint64_t)json_integer_value(json_object_get(row, "segment"));
	b->copy.end = (uint64_t)json_integer_value(json_object_get(row, "end"));
	json_decref(row);
}

static enum status ask(
	struct backup *b, struct control_session *s, const char *verb, bool begin, struct err *err)
{
	json_t *q = json_pack("{s:s, s:b}", "verb", verb, "begin", (int)begin);
	enum status status = control_ask(s, q, &b->reply, err);

	json_decref(q);
	return status;
}

/* A running compaction removes a segment under this lock: it is waited for, a moment. */
static enum status hold_journal(struct backup *b, struct err *err)
{
	char *journal = path_join(b->from, "journal");

	b->held = open(journal, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->held < 0 || flock(b->held, LOCK_SH) != 0)
		(void)err_set(err, ST_IO, "hold %s: %s", journal, strerror(errno));
	free(journal);
	return b->held < 0 ? ST_IO : ST_OK;
}

/* What the backup is of: everything that was acknowledged by now, and the accounts of now. */
static enum status take_moment(struct backup *b, struct err *err)
{
	char *copy = path_join(b->from, OFFICE_ACCOUNTS_COPY),
	     *accounts = path_join(b->to, "accounts.db");
	struct control_session *s = control_open(b->cmd->state, err);
	enum status status = s == NULL ? err->code : hold_journal(b, err);
	bool begin = true;

	if (s != NULL)
		control_between_calls(s);
	while (status == ST_OK && !b->done) {
		status = ask(b, s, "backup.moment", begin, err);
		begin = false;
	}
	b->manifest.taken_ms = clock_wall_ms();
	if (status == ST_OK)
		status = backup_copy_file(b->disk, copy, accounts, err);
	if (status == ST_OK)
		status = ask(b, s, "backup.end", false, err);
	control_close(s);
	free(copy);
	free(accounts);
	return status;
}

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
	struct backup *b = arg;

	b->progress.total = total;
	progress_at(&b->progress, done, 0);
}

static enum status add_file(struct backup *b, const char *name, struct err *err)
{
	char *from = path_join(b->cmd->state, name), *to = path_join(b->dest.dir, name);
	enum status status = backup_make_parents(b->dest.dir, name, err);

	if (status == ST_OK)
		status = backup_copy_file(b->disk, from, to, err);
	if (status == ST_OK)
		status = backup_manifest_add(&b->manifest, b->disk, b->dest.dir, name, err);
	free(from);
	free(to);
	return status;
}

static enum status add_key(struct backup *b, const char *name, struct err *err)
{
	if (name[0] != '/')
		return add_file(b, name, err);
	fprintf(stderr, "restante: %s is outside the state directory: not in the backup\n", name);
	return ST_OK;
}

static enum status add_keys(struct backup *b, struct err *err)
{
	struct config *c = config_load(b->cmd->state, err);
	enum status status = c == NULL ? ST_USAGE : add_key(b, c->tls_certificate, err);

	if (status == ST_OK)
		status = add_key(b, c->tls_key, err);
	for (size_t i = 0; status == ST_OK && i < c->certificate_count; i++) {
		status = add_key(b, c->certificates[i].certificate, err);
		if (status == ST_OK)
			status = add_key(b, c->certificates[i].key, err);
	}
	config_free(c);
	return status;
}

/* `name` below the state directory, if it is there. */
static enum status add_if_there(struct backup *b, const char *name, struct err *err)
{
	char *path = path_join(b->cmd->state, name);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there ? add_file(b, name, err) : ST_OK;
}

/* What is known of fetched mail must not know more than the store has: it is taken before the moment. */
static enum status take_remotes(struct backup *b, struct err *err)
{
	char *from = path_join(b->from, "remote.db"), *to = path_join(b->to, "remote.db");
	enum status status = ST_OK;

	if (access(from, F_OK) == 0) {
		status = backup_copy_sqlite(from, to, b->from, err);
		if (status == ST_OK)
			status = backup_manifest_add(
				&b->manifest, b->disk, b->dest.dir, "store/remote.db", err);
	}
	free(from);
	free(to);
	return status;
}

static enum status add_small_files(struct backup *b, struct err *err)
{
	enum status status =
		backup_manifest_add(&b->manifest, b->disk, b->dest.dir, "store/accounts.db", err);

	if (status == ST_OK)
		status = add_file(b, "version", err);
	if (status == ST_OK)
		status = add_if_there(b, "restante.conf", err);
	if (status == ST_OK)
		status = add_if_there(b, "providers.tsv", err);
	if (status == ST_OK && cmd_has(b->cmd, OPTION_WITH_KEYS))
		status = add_keys(b, err);
	return status;
}

static void keep_finding(void *arg, const struct check_finding *f)
{
	struct backup *b = arg;

	b->findings = mem_array(b->findings, b->nfindings + 1, sizeof *b->findings);
	b->findings[b->nfindings++] = *f;
}

/* Reads all that was written.  What the older backup had damaged is taken from the office again;
 * what is damaged then is damaged there. */
static enum status verify(struct backup *b, struct err *err)
{
	struct check_source source = {
		.disk = b->disk, .dir = b->to, .found = keep_finding, .arg = b
	};
	enum status status = damage_check(&b->damage, &source, &b->report, err);

	for (size_t i = 0; status == ST_OK && i < b->nfindings; i++)
		if (b->older != NULL)
			status = backup_copy_again(&b->copy, &b->findings[i], err);
		else
			damage_found(&b->damage, &b->findings[i]);
	source.found = NULL;
	if (status == ST_OK && b->nfindings > 0 && b->older != NULL)
		status = damage_check(&b->damage, &source, &b->report, err);
	return status;
}

static enum status make(struct backup *b, struct err *err)
{
	enum status status = backup_make_parents(b->dest.dir, "store/", err);

	if (status == ST_OK)
		status = take_remotes(b, err);
	if (status == ST_OK)
		status = take_moment(b, err);
	progress_begin(&b->progress, 0);
	b->progress.octets = true;
	if (status == ST_OK)
		status = backup_copy(&b->copy, err);
	progress_clear(&b->progress);
	if (status == ST_OK)
		status = add_small_files(b, err);
	if (status == ST_OK)
		status = verify(b, err);
	b->manifest.segment = b->copy.segment;
	b->manifest.end = b->copy.end;
	b->manifest.segments = b->copy.segments;
	b->manifest.damaged = b->damage.count;
	if (status == ST_OK)
		status = backup_manifest_write(&b->manifest, b->disk, b->dest.dir, err);
	return status;
}

static void summary(struct backup *b)
{
	const struct backup_copy *k = &b->copy;
	json_t *o;

	if (!b->damage.json) {
		printf("%s: %llu messages, %llu segments, %llu large files, %llu octets, %llu of "
		       "them "
		       "copied\n",
			b->dest.dir, (unsigned long long)b->report.messages,
			(unsigned long long)k->segments, (unsigned long long)k->files,
			(unsigned long long)k->total, (unsigned long long)k->copied);
		return;
	}
	o = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "path", b->dest.dir,
		"messages", (json_int_t)b->report.messages, "segments", (json_int_t)k->segments,
		"files", (json_int_t)k->files, "octets", (json_int_t)k->total, "copied",
		(json_int_t)k->copied, "linked", (json_int_t)k->linked, "damaged",
		(json_int_t)b->damage.count, "damage", b->damage.lines);
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}

/* Root's files in a store are given to its user when a server starts, which refuses to do that with a
 * file that has another name. */
static bool may_be_given_away(const char *store)
{
	struct stat st;

	return stat(store, &st) != 0 || (geteuid() == 0 && st.st_uid == 0);
}

int cmd_backup(struct cmd *c)
{
	struct backup *b = NEW(struct backup);
	struct err err = { ST_OK, "" };
	enum status status;
	int code;

	b->cmd = c;
	b->held = b->dest.lock = -1;
	b->reply.row = on_row;
	damage_init(&b->damage, c);
	if (state_check_version(c->state, &err) != ST_OK) {
		code = cmd_fail(c, err.code == ST_USAGE ? EX_CONFIG : err_exit_code(err.code), "%s",
			err.text);
		goto out;
	}
	b->disk = disk_real();
	b->from = path_join(c->state, "store");
	status = backup_dest_open(&b->dest, b->disk, c->args[0], &err);
	if (status == ST_OK) {
		b->to = path_join(b->dest.dir, "store");
		b->older = b->dest.older == NULL ? NULL : path_join(b->dest.older, "store");
		b->copy = (struct backup_copy){ .disk = b->disk,
			.from = b->from,
			.to = b->to,
			.older = b->older,
			.apart = may_be_given_away(b->from),
			.progress = on_progress,
			.arg = b };
		status = make(b, &err);
	}
	if (status == ST_OK)
		summary(b);
	code = status == ST_OK ? output_end(c) : cmd_fail_err(c, &err);
	if (code == EX_OK && b->damage.count > 0)
		code = EX_DATAERR;
	b->disk->ops->free(b->disk);
out:
	if (b->held >= 0)
		close(b->held);
	backup_dest_close(&b->dest);
	damage_deinit(&b->damage);
	free(b->findings);
	free(b->from);
	free(b->to);
	free(b->older);
	free(b);
	return code;
}
