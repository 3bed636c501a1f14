/* The directories of a store, and that their names are durable before anything in them is promised. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/local/impl.h"

int layout_make_dir(struct disk *d, const char *path)
{
	int dir = d->ops->open_dir(d, path, true);

	return dir < 0 ? dir : d->ops->close(d, dir);
}

int layout_sync_dir(struct disk *d, const char *path)
{
	int dir = d->ops->open_dir(d, path, false), rc;

	if (dir < 0)
		return dir;
	rc = d->ops->sync(d, dir);
	(void)d->ops->close(d, dir);
	return rc;
}

/* All directories that a message may ever need are made once, so that no commit has to make one.
 * The last to be made is looked for first. */
static int make_blob_homes(struct disk *d, const char *blob_dir)
{
	struct msgid id = { { 0 } };
	char *home;
	int rc;

	id.b[sizeof id.b - 1] = 0xff;
	home = blob_home(blob_dir, id);
	rc = d->ops->open_dir(d, home, false);
	free(home);
	if (rc >= 0)
		return d->ops->close(d, rc);
	for (unsigned i = 0; i < 256; i++) {
		id.b[sizeof id.b - 1] = (unsigned char)i;
		home = blob_home(blob_dir, id);
		rc = layout_make_dir(d, home);
		free(home);
		if (rc < 0)
			return rc;
		/* the last name becomes durable only behind all the others */
		if (i == 254 && (rc = layout_sync_dir(d, blob_dir)) < 0)
			return rc;
	}
	return layout_sync_dir(d, blob_dir);
}

/* The directory that has `path`. */
static int sync_above(struct disk *d, struct str path)
{
	size_t slash = str_rfind(path, '/');
	char *parent;
	int rc;

	if (slash == path.n)
		return layout_sync_dir(d, ".");
	parent = slash == 0 ? str_dup_c(STR("/")) : str_dup_c(str_head(path, slash));
	rc = layout_sync_dir(d, parent);
	free(parent);
	return rc;
}

int layout_sync(struct disk *d, const char *journal_dir)
{
	struct str dir = str_head(str_c(journal_dir), str_rfind(str_c(journal_dir), '/'));
	int rc = sync_above(d, dir);

	if (rc == -EACCES || rc == -ENOENT)
		rc = 0; /* whoever made it for us synced it */
	return rc != 0 ? rc : sync_above(d, str_c(journal_dir));
}

enum status layout_make(struct store *s, struct err *err)
{
	struct disk *d = s->disk;
	int rc = layout_make_dir(d, s->dir);

	if (rc == 0)
		rc = layout_make_dir(d, s->journal_dir);
	if (rc == 0)
		rc = layout_make_dir(d, s->blob_dir);
	if (rc == 0)
		rc = make_blob_homes(d, s->blob_dir);
	if (rc == 0)
		rc = s->journal_file = d->ops->open_dir(d, s->journal_dir, false);
	if (rc < 0)
		return err_set(err, ST_IO, "the store in %s: %s", s->dir, strerror(-rc));
	return ST_OK;
}
