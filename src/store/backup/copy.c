/* Segments, large files and small files, from one directory to another.  A sector that cannot be read
 * is zeros in the copy: the checksums tell whose octets they were, and nothing else is lost. */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/backup.h"
#include "store/local/impl.h"

enum { PIECE = 1 << 20, SECTOR = 4096, HEADER = 64, HOMES = 256 };

struct name_list {
	char **names; /* owned */
	size_t count;
};

static void name_add(void *arg, const char *name)
{
	struct name_list *l = arg;

	l->names = mem_array(l->names, l->count + 1, sizeof *l->names);
	l->names[l->count++] = str_dup_c(str_c(name));
}

static void names_free(struct name_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->names[i]);
	free(l->names);
	*l = (struct name_list){ 0 };
}

static enum status fail(struct err *err, const char *what, const char *path, int rc)
{
	return err_set(err, rc == -ENOSPC || rc == -EDQUOT ? ST_TEMP : ST_IO, "%s %s: %s", what,
		path, strerror(-rc));
}

/* ---- one file ---- */

static int read_piece(struct disk *d, int file, char *piece, size_t n, uint64_t at, uint64_t *bad)
{
	int64_t got = d->ops->read(d, file, piece, n, at);

	if (got == (int64_t)n)
		return 0;
	memset(piece, 0, n);
	for (size_t i = 0; i < n; i += SECTOR) {
		size_t part = n - i < SECTOR ? n - i : SECTOR;

		if (d->ops->read(d, file, piece + i, part, at + i) != (int64_t)part)
			++*bad;
	}
	return 0;
}

static int copy_octets(
	struct disk *d, int from, int to, uint64_t octets, struct backup_copy *counts)
{
	char *piece = mem_alloc(PIECE);
	int64_t rc = 0;

	for (uint64_t at = 0; rc >= 0 && at < octets; at += PIECE) {
		struct iovec iov = { piece, octets - at < PIECE ? (size_t)(octets - at) : PIECE };

		rc = read_piece(d, from, piece, iov.iov_len, at, &counts->unreadable);
		if (rc == 0)
			rc = d->ops->write(d, to, &iov, 1, at);
		if (rc >= 0 && rc != (int64_t)iov.iov_len)
			rc = -EIO;
		counts->copied += iov.iov_len;
		if (counts->progress != NULL)
			counts->progress(
				counts->arg, counts->copied + counts->linked, counts->total);
	}
	free(piece);
	return rc < 0 ? (int)rc : d->ops->sync(d, to);
}

static int copy_file(struct disk *d, const char *from, const char *to, uint64_t octets,
	struct backup_copy *counts)
{
	int in = d->ops->open(d, from, false), out, rc;

	if (in < 0)
		return in;
	out = rc = d->ops->open(d, to, true);
	if (out >= 0) {
		rc = copy_octets(d, in, out, octets, counts);
		(void)d->ops->close(d, out);
	}
	(void)d->ops->close(d, in);
	return rc;
}

static int64_t size_of(struct disk *d, const char *path)
{
	int file = d->ops->open(d, path, false);
	int64_t size;

	if (file < 0)
		return file;
	size = d->ops->size(d, file);
	(void)d->ops->close(d, file);
	return size;
}

static bool same_beginning(struct disk *d, const char *a, const char *b)
{
	char x[HEADER] = "", y[HEADER] = "";
	int file[2] = { d->ops->open(d, a, false), d->ops->open(d, b, false) };
	bool same = file[0] >= 0 && file[1] >= 0;

	if (same)
		same = d->ops->read(d, file[0], x, sizeof x, 0) ==
			       d->ops->read(d, file[1], y, sizeof y, 0) &&
		       memcmp(x, y, sizeof x) == 0;
	for (int i = 0; i < 2; i++)
		if (file[i] >= 0)
			(void)d->ops->close(d, file[i]);
	return same;
}

/* The older backup's may be of another office, or of a segment that has grown since: a segment's first
 * octets hold its salt. */
static bool link_older(
	struct backup_copy *b, const char *name, const char *from, const char *to, uint64_t octets)
{
	char *older = b->older == NULL ? NULL : path_join(b->older, name);
	bool linked = older != NULL && size_of(b->disk, older) == (int64_t)octets &&
		      same_beginning(b->disk, older, from) &&
		      b->disk->ops->hardlink(b->disk, older, to) == 0;

	free(older);
	return linked;
}

/* `name` below the store's directory; whole: it is closed and never changes again. */
static enum status place(
	struct backup_copy *b, const char *name, uint64_t octets, bool whole, struct err *err)
{
	char *from = path_join(b->from, name), *to = path_join(b->to, name);
	int rc = 0;

	if (link_older(b, name, from, to, octets) ||
		(whole && !b->apart && b->disk->ops->hardlink(b->disk, from, to) == 0)) {
		b->linked += octets;
		if (b->progress != NULL)
			b->progress(b->arg, b->copied + b->linked, b->total);
	} else {
		rc = copy_file(b->disk, from, to, octets, b);
	}
	if (rc != 0)
		(void)fail(err, "copy", from, rc);
	free(from);
	free(to);
	return rc == 0 ? ST_OK : err == NULL ? ST_IO : err->code;
}

/* ---- all of them ---- */

struct item {
	char name[64]; /* below the store's directory */
	uint64_t octets;
	bool whole;
};

struct items {
	struct item *at;
	size_t count;
};

static void item_add(struct items *l, const char *dir, const char *name, int64_t octets)
{
	struct buf b;
	struct item *i;

	l->at = mem_array(l->at, l->count + 1, sizeof *l->at);
	i = &l->at[l->count++];
	*i = (struct item){ .octets = octets < 0 ? 0 : (uint64_t)octets, .whole = true };
	buf_init(&b, sizeof i->name - 1);
	buf_printf(&b, "%s/%s", dir, name);
	memcpy(i->name, buf_str(&b).p, b.len);
	buf_deinit(&b);
}

static int list_segments(struct backup_copy *b, struct items *l)
{
	char *dir = store_journal_path(b->from);
	struct name_list found = { 0 };
	int rc = b->disk->ops->list(b->disk, dir, name_add, &found);

	for (size_t i = 0; i < found.count; i++) {
		uint64_t number;
		char *path;

		if (!segment_number(found.names[i], &number) || number > b->segment)
			continue;
		path = path_join(dir, found.names[i]);
		item_add(l, "journal", found.names[i], size_of(b->disk, path));
		free(path);
		if (number == b->segment) {
			l->at[l->count - 1].octets = b->end;
			l->at[l->count - 1].whole = false;
		}
		b->segments++;
	}
	names_free(&found);
	free(dir);
	return rc;
}

static int list_home(struct backup_copy *b, const char *blob_dir, unsigned home, struct items *l)
{
	struct msgid id = { .b[sizeof id.b - 1] = (unsigned char)home };
	char *dir = blob_home(blob_dir, id);
	struct name_list found = { 0 };
	int rc = b->disk->ops->list(b->disk, dir, name_add, &found);

	for (size_t i = 0; i < found.count; i++) {
		char *path = path_join(dir, found.names[i]);

		if (msgid_parse(str_c(found.names[i]), &id)) {
			item_add(l, dir + str_c(b->from).n + 1, found.names[i],
				size_of(b->disk, path));
			b->files++;
		}
		free(path);
	}
	names_free(&found);
	free(dir);
	return rc == -ENOENT ? 0 : rc;
}

static enum status list_all(struct backup_copy *b, struct items *l, struct err *err)
{
	char *blob_dir = store_blob_path(b->from);
	int rc = list_segments(b, l);

	for (unsigned home = 0; rc == 0 && home < HOMES; home++)
		rc = list_home(b, blob_dir, home, l);
	for (size_t i = 0; i < l->count; i++)
		b->total += l->at[i].octets;
	free(blob_dir);
	return rc == 0 ? ST_OK : fail(err, "list", b->from, rc);
}

/* All directories are there before a file needs one; each(disk, path). */
static enum status each_dir(
	struct backup_copy *b, int (*each)(struct disk *, const char *), struct err *err)
{
	char *journal = store_journal_path(b->to), *blob = store_blob_path(b->to);
	const char *upper[] = { b->to, journal, blob };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < 3; i++)
		rc = each(b->disk, upper[i]);
	for (unsigned home = 0; rc == 0 && home < HOMES; home++) {
		struct msgid id = { .b[sizeof id.b - 1] = (unsigned char)home };
		char *dir = blob_home(blob, id);

		rc = each(b->disk, dir);
		free(dir);
	}
	free(journal);
	free(blob);
	return rc == 0 ? ST_OK : fail(err, "write", b->to, rc);
}

enum status backup_copy(struct backup_copy *b, struct err *err)
{
	struct items all = { 0 };
	enum status status = each_dir(b, layout_make_dir, err);

	if (status == ST_OK)
		status = list_all(b, &all, err);
	for (size_t i = 0; status == ST_OK && i < all.count; i++)
		status = place(b, all.at[i].name, all.at[i].octets, all.at[i].whole, err);
	if (status == ST_OK)
		status = each_dir(b, layout_sync_dir, err);
	free(all.at);
	return status;
}

enum status backup_copy_again(struct backup_copy *b, const struct check_finding *f, struct err *err)
{
	char *path = f->what == CHECK_FILE ? blob_path("blob", f->id)
					   : segment_path("journal", f->segment);
	char *from = path_join(b->from, path), *to = path_join(b->to, path);
	int64_t octets = size_of(b->disk, from);
	const char *older = b->older;
	enum status status = ST_OK;
	bool last = f->what != CHECK_FILE && f->segment == b->segment;

	b->older = NULL;
	if (octets >= 0) {
		(void)b->disk->ops->unlink(b->disk, to);
		status = place(b, path, last ? b->end : (uint64_t)octets, !last, err);
		if (status == ST_OK)
			status = each_dir(b, layout_sync_dir, err);
	}
	b->older = older;
	free(from);
	free(to);
	free(path);
	return status;
}

enum status backup_copy_file(struct disk *d, const char *from, const char *to, struct err *err)
{
	struct backup_copy counts = { .disk = d };
	int64_t octets = size_of(d, from);
	int rc = octets < 0 ? (int)octets : copy_file(d, from, to, (uint64_t)octets, &counts);

	if (rc == 0 && counts.unreadable > 0)
		rc = -EIO;
	return rc == 0 ? ST_OK : fail(err, "copy", from, rc);
}
