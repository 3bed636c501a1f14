/* restante backup verify, and the telling of damage that backup and restore share. */
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/backup_dest.h"
#include "store/local/segment.h"

enum { SLICE = 4 << 20 };

void damage_init(struct damage *d, const struct cmd *c)
{
	*d = (struct damage){ .json = cmd_has(c, OPTION_JSON),
		.colour = output_colour(STDOUT_FILENO),
		.lines = json_array() };
}

void damage_deinit(struct damage *d)
{
	json_decref(d->lines);
}

void damage_say(void *arg, const char *line)
{
	struct damage *d = arg;

	d->count++;
	json_array_append_new(d->lines, json_string(line));
	if (!d->json)
		printf("%s%s%s\n", d->colour ? "\033[31m" : "", line, d->colour ? "\033[0m" : "");
}

void damage_found(void *arg, const struct check_finding *f)
{
	struct buf text;
	char *line;

	buf_init(&text, 0);
	check_text(f, &text);
	line = buf_steal_c(&text);
	damage_say(arg, line);
	free(line);
}

enum status damage_check(
	struct damage *d, struct check_source *source, struct check_report *report, struct err *err)
{
	struct progress progress;
	struct check *check;

	if (source->found == NULL) {
		source->found = damage_found;
		source->arg = d;
	}
	check = check_open(source, err);
	if (check == NULL)
		return err == NULL ? ST_IO : err->code;
	progress_begin(&progress, 0);
	progress.octets = true;
	while (check_step(check, SLICE)) {
		progress.total = check_report(check)->total;
		progress_at(&progress, check_report(check)->octets, check_report(check)->messages);
	}
	progress_clear(&progress);
	*report = *check_report(check);
	check_close(check);
	return ST_OK;
}

static void print_verdict(const struct damage *d, const char *dir, const struct check_report *r)
{
	json_t *o;

	if (!d->json) {
		printf("%s: %llu segments, %llu messages, %llu octets: %llu damaged\n", dir,
			(unsigned long long)r->segments, (unsigned long long)r->messages,
			(unsigned long long)r->octets, (unsigned long long)d->count);
		return;
	}
	o = json_pack("{s:s, s:I, s:I, s:I, s:I, s:O}", "path", dir, "segments",
		(json_int_t)r->segments, "messages", (json_int_t)r->messages, "octets",
		(json_int_t)r->octets, "damaged", (json_int_t)d->count, "damage", d->lines);
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}

static enum status verify(struct disk *disk, struct damage *d, const char *dir,
	const struct backup_manifest *m, struct err *err)
{
	char *store = path_join(dir, "store");
	struct check_source source = { .disk = disk, .dir = store };
	struct check_report report = { 0 };
	enum status status;

	backup_manifest_check(m, disk, dir, damage_say, d);
	status = damage_check(d, &source, &report, err);
	if (status == ST_OK)
		print_verdict(d, dir, &report);
	free(store);
	return status;
}

int cmd_backup_verify(struct cmd *c)
{
	struct disk *disk = disk_real();
	struct err err = { ST_OK, "" };
	struct backup_manifest *m = NEW(struct backup_manifest);
	struct damage d;
	char *dir = NULL;
	enum status status = backup_find(disk, c->args[0], &dir, m, &err);
	int code = EX_OK;

	damage_init(&d, c);
	if (status == ST_OK)
		status = verify(disk, &d, dir, m, &err);
	if (status != ST_OK)
		code = cmd_fail(c, status == ST_NOTFOUND ? EX_NOINPUT : err_exit_code(status), "%s",
			err.text);
	else
		code = output_end(c);
	if (code == EX_OK && d.count > 0)
		code = EX_DATAERR;
	damage_deinit(&d);
	disk->ops->free(disk);
	free(dir);
	free(m);
	return code;
}
