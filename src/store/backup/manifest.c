/* The manifest: lines of text, the last one a checksum of those before it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/backup.h"
#include "store/local/segment.h"

enum { MANIFEST_FORMAT = 1, MANIFEST_MAX = 64 << 10, PIECE = 64 << 10 };

static enum status sum_file(struct disk *d, const char *dir, const char *name, uint64_t *octets,
	uint32_t *crc, struct err *err)
{
	char *path = path_join(dir, name), *piece = mem_alloc(PIECE);
	int file = d->ops->open(d, path, false);
	int64_t n = file;

	*octets = 0;
	*crc = 0;
	while (file >= 0 && (n = d->ops->read(d, file, piece, PIECE, *octets)) > 0) {
		*crc = crc32c(*crc, piece, (size_t)n);
		*octets += (uint64_t)n;
	}
	if (n < 0)
		(void)err_set(err, ST_IO, "read %s: %s", path, strerror((int)-n));
	if (file >= 0)
		(void)d->ops->close(d, file);
	free(path);
	free(piece);
	return n < 0 ? ST_IO : ST_OK;
}

enum status backup_manifest_add(struct backup_manifest *m, struct disk *d, const char *dir,
	const char *name, struct err *err)
{
	struct backup_file *f = &m->files[m->file_count];
	enum status status;

	if (m->file_count == BACKUP_FILES_MAX || str_c(name).n >= sizeof f->name)
		return err_set(err, ST_LIMIT, "%s: too many files, or its name is too long", name);
	status = sum_file(d, dir, name, &f->octets, &f->crc, err);
	if (status != ST_OK)
		return status;
	snprintf(f->name, sizeof f->name, "%s", name);
	m->file_count++;
	return ST_OK;
}

static void text_of(const struct backup_manifest *m, struct buf *b)
{
	buf_printf(b, "restante-backup %d\ntaken %lld\n", (int)MANIFEST_FORMAT,
		(long long)m->taken_ms);
	buf_printf(b, "journal %llu %llu %llu\ndamaged %llu\n", (unsigned long long)m->segments,
		(unsigned long long)m->segment, (unsigned long long)m->end,
		(unsigned long long)m->damaged);
	for (size_t i = 0; i < m->file_count; i++)
		buf_printf(b, "file %llu %lu %s\n", (unsigned long long)m->files[i].octets,
			(unsigned long)m->files[i].crc, m->files[i].name);
	buf_printf(b, "sum %lu\n", (unsigned long)crc32c(0, buf_str(b).p, b->len));
}

enum status backup_manifest_write(
	const struct backup_manifest *m, struct disk *d, const char *dir, struct err *err)
{
	char *fresh = path_join(dir, "manifest.new"), *path = path_join(dir, "manifest");
	int file = d->ops->open(d, fresh, true), home = d->ops->open_dir(d, dir, false);
	int64_t rc = file < 0 ? file : home < 0 ? home : 0;
	struct iovec iov;
	struct buf b;

	buf_init(&b, 0);
	text_of(m, &b);
	iov = (struct iovec){ b.data, b.len };
	if (rc == 0)
		rc = d->ops->write(d, file, &iov, 1, 0);
	if (rc >= 0)
		rc = rc == (int64_t)b.len ? d->ops->sync(d, file) : -EIO;
	/* what else is in the directory is durable before the name that makes it a backup */
	if (rc == 0)
		rc = d->ops->sync(d, home);
	if (rc == 0)
		rc = d->ops->rename(d, fresh, path);
	if (rc == 0)
		rc = d->ops->sync(d, home);
	if (rc < 0)
		(void)err_set(err, ST_IO, "write %s: %s", path, strerror((int)-rc));
	if (file >= 0)
		(void)d->ops->close(d, file);
	if (home >= 0)
		(void)d->ops->close(d, home);
	buf_deinit(&b);
	free(fresh);
	free(path);
	return rc < 0 ? ST_IO : ST_OK;
}

/* ---- reading ---- */

static bool numbers(struct str *rest, uint64_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!str_u64(str_cut(rest, ' '), &to[i]))
			return false;
	return true;
}

/* A name that stays below the directory. */
static bool is_inside(struct str name)
{
	if (name.n == 0 || name.n >= BACKUP_NAME_MAX || name.p[0] == '/')
		return false;
	while (name.n > 0)
		if (str_eq(str_cut(&name, '/'), STR("..")))
			return false;
	return true;
}

static bool file_line(struct backup_manifest *m, struct str rest)
{
	struct backup_file *f = &m->files[m->file_count];
	uint64_t v[2];

	if (m->file_count == BACKUP_FILES_MAX || !numbers(&rest, v, 2) || !is_inside(rest))
		return false;
	f->octets = v[0];
	f->crc = (uint32_t)v[1];
	memcpy(f->name, rest.p, rest.n);
	f->name[rest.n] = '\0';
	m->file_count++;
	return true;
}

/* False: this is no line of a manifest. */
static bool take_line(struct backup_manifest *m, struct str line)
{
	struct str key = str_cut(&line, ' ');
	uint64_t v[3];

	if (str_eq(key, STR("file")))
		return file_line(m, line);
	if (str_eq(key, STR("taken")) && numbers(&line, v, 1))
		m->taken_ms = (int64_t)v[0];
	else if (str_eq(key, STR("damaged")) && numbers(&line, v, 1))
		m->damaged = v[0];
	else if (str_eq(key, STR("journal")) && numbers(&line, v, 3)) {
		m->segments = v[0];
		m->segment = v[1];
		m->end = v[2];
	} else
		return false;
	return true;
}

static enum status parse(
	struct backup_manifest *m, struct str all, const char *dir, struct err *err)
{
	struct str rest = all, first = str_cut(&rest, '\n'), name = str_cut(&first, ' ');
	uint64_t format, sum;

	if (!str_eq(name, STR("restante-backup")) || !str_u64(first, &format))
		return err_set(err, ST_CORRUPT, "%s/manifest is no manifest of a backup", dir);
	if (format != MANIFEST_FORMAT)
		return err_set(err, ST_PERM,
			"%s was made by another version of restante: use that one", dir);
	while (rest.n > 0) {
		size_t at = (size_t)(rest.p - all.p);
		struct str line = str_cut(&rest, '\n'), key = line;

		if (str_eq(str_cut(&key, ' '), STR("sum"))) {
			if (rest.n == 0 && str_u64(key, &sum) && sum == crc32c(0, all.p, at))
				return ST_OK;
			break;
		}
		if (!take_line(m, line))
			break;
	}
	return err_set(err, ST_CORRUPT, "%s/manifest is damaged", dir);
}

enum status backup_manifest_read(
	struct backup_manifest *m, struct disk *d, const char *dir, struct err *err)
{
	char *path = path_join(dir, "manifest"), *text = mem_alloc(MANIFEST_MAX);
	int file = d->ops->open(d, path, false);
	int64_t n = file < 0 ? file : d->ops->read(d, file, text, MANIFEST_MAX, 0);
	enum status status;

	*m = (struct backup_manifest){ 0 };
	if (n == -ENOENT || n == -ENOTDIR)
		status = err_set(err, ST_NOTFOUND, "%s is no complete backup", dir);
	else if (n < 0)
		status = err_set(err, ST_IO, "read %s: %s", path, strerror((int)-n));
	else
		status = parse(m, str_of(text, (size_t)n), dir, err);
	if (file >= 0)
		(void)d->ops->close(d, file);
	free(path);
	free(text);
	return status;
}

/* ---- checking ---- */

static bool end_is_there(const struct backup_manifest *m, struct disk *d, const char *dir)
{
	char *journal = path_join(dir, "store/journal"), *path = segment_path(journal, m->segment);
	int file = d->ops->open(d, path, false);
	bool there = file >= 0 && d->ops->size(d, file) == (int64_t)m->end;

	if (file >= 0)
		(void)d->ops->close(d, file);
	free(journal);
	free(path);
	return there || m->segment == 0;
}

uint64_t backup_manifest_check(const struct backup_manifest *m, struct disk *d, const char *dir,
	void (*say)(void *arg, const char *line), void *arg)
{
	char line[BACKUP_NAME_MAX + 64];
	uint64_t bad = 0, octets;
	uint32_t crc;

	for (size_t i = 0; i < m->file_count; i++) {
		const struct backup_file *f = &m->files[i];

		if (sum_file(d, dir, f->name, &octets, &crc, NULL) == ST_OK &&
			octets == f->octets && crc == f->crc)
			continue;
		snprintf(line, sizeof line, "%s is missing or damaged", f->name);
		say(arg, line);
		bad++;
	}
	if (!end_is_there(m, d, dir)) {
		snprintf(line, sizeof line, "journal %08llx: the last segment is missing or cut",
			(unsigned long long)m->segment);
		say(arg, line);
		bad++;
	}
	return bad;
}
