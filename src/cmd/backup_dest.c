#include "cmd/backup_dest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/local/segment.h"

enum { STAMP = 16, STAMP_TRIES = 30, TRY_US = 100000 };

static bool is_stamp(struct str name)
{
	for (size_t i = 0; i < STAMP && i < name.n; i++)
		if (i == 8 || i == 15 ? name.p[i] != "T______Z"[i - 8] : !ascii_digit(name.p[i]))
			return false;
	return name.n == STAMP;
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* The newest complete one, heap; with `clean` the others without a manifest are removed. */
static char *newest(const char *dest, struct disk *disk, bool clean)
{
	struct backup_manifest m;
	struct dirent **names;
	int n = scandir(dest, &names, NULL, alphasort);
	char *found = NULL;

	for (int i = n - 1; i >= 0; i--) {
		char *dir = path_join(dest, names[i]->d_name);
		bool stamp = is_stamp(str_c(names[i]->d_name));
		enum status status = stamp && (clean || found == NULL)
					     ? backup_manifest_read(&m, disk, dir, NULL)
					     : ST_OK;

		if (clean && status == ST_NOTFOUND)
			(void)nftw(dir, drop, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
		if (stamp && found == NULL && status == ST_OK)
			found = dir;
		else
			free(dir);
		free(names[i]);
	}
	if (n >= 0)
		free((void *)names);
	return found;
}

static enum status make_stamped(struct backup_dest *d, const char *dest, struct err *err)
{
	char name[STAMP + 8];

	for (int i = 0; i < STAMP_TRIES; i++) {
		time_t now = time(NULL);
		struct tm tm;

		strftime(name, sizeof name, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
		d->dir = path_join(dest, name);
		if (mkdir(d->dir, 0700) == 0)
			return ST_OK;
		if (errno != EEXIST)
			return err_set(err, ST_EXISTS, "make %s: %s", d->dir, strerror(errno));
		free(d->dir);
		d->dir = NULL;
		usleep(TRY_US);
	}
	return err_set(err, ST_TEMP, "%s/%s is there: try again", dest, name);
}

enum status backup_dest_open(
	struct backup_dest *d, struct disk *disk, const char *dest, struct err *err)
{
	enum status status;

	*d = (struct backup_dest){ .lock = -1 };
	if (mkdir(dest, 0700) != 0 && errno != EEXIST)
		return err_set(err, ST_EXISTS, "make %s: %s", dest, strerror(errno));
	d->lock = open(dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->lock < 0)
		return err_set(err, ST_EXISTS, "open %s: %s", dest, strerror(errno));
	if (flock(d->lock, LOCK_EX | LOCK_NB) != 0)
		return err_set(err, ST_TEMP, "another backup into %s is running", dest);
	d->older = newest(dest, disk, true);
	status = make_stamped(d, dest, err);
	if (status == ST_OK && fsync(d->lock) != 0)
		status = err_set(err, ST_IO, "sync %s: %s", dest, strerror(errno));
	return status;
}

void backup_dest_close(struct backup_dest *d)
{
	if (d->lock >= 0)
		close(d->lock);
	free(d->dir);
	free(d->older);
}

enum status backup_find(
	struct disk *disk, const char *src, char **dir, struct backup_manifest *m, struct err *err)
{
	struct err why = { ST_OK, "" };
	enum status status = backup_manifest_read(m, disk, src, &why);

	*dir = status == ST_OK ? str_dup_c(str_c(src)) : NULL;
	if (status == ST_NOTFOUND) {
		*dir = newest(src, disk, false);
		if (*dir == NULL)
			return err_set(err, ST_NOTFOUND, "no complete backup in %s", src);
		return backup_manifest_read(m, disk, *dir, err);
	}
	return status == ST_OK ? ST_OK : err_set(err, status, "%s", why.text);
}

enum status backup_make_parents(const char *dir, const char *name, struct err *err)
{
	struct str all = str_c(name);

	for (size_t at = str_find(all, '/'); at < all.n;
		at += 1 + str_find(str_from(all, at + 1), '/')) {
		char *part = str_dup_c(str_head(all, at)), *path = path_join(dir, part);
		int rc = mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : errno;

		if (rc != 0)
			(void)err_set(err, ST_IO, "make %s: %s", path, strerror(rc));
		free(part);
		free(path);
		if (rc != 0)
			return ST_IO;
	}
	return ST_OK;
}
