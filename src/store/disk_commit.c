/* The order of a group commit is the promise itself, so it stands here once, for the real and for
 * the simulated disk.  The MUTANT_ builds do one step wrong and exist to show that the tests
 * notice. */
#include <errno.h>

#include "store/disk.h"

static int name_files(struct disk *d, const struct disk_commit *c)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->nlinks; i++) {
#ifndef MUTANT_NO_BLOB_SYNC
		rc = d->ops->sync(d, c->links[i].file);
#endif
		if (rc == 0)
			rc = d->ops->link(d, c->links[i].file, c->links[i].name);
	}
#ifndef MUTANT_NO_DIR_SYNC
	for (size_t i = 0; rc == 0 && i < c->ndirs; i++)
		rc = d->ops->sync(d, c->dirs[i]);
#endif
	return rc;
}

static int write_journal(struct disk *d, const struct disk_commit *c)
{
	uint64_t total = 0;
	int64_t n;

	for (int i = 0; i < c->iovcnt; i++)
		total += c->iov[i].iov_len;
	n = d->ops->write(d, c->file, c->iov, c->iovcnt, c->offset);
	if (n < 0)
		return (int)n;
	if ((uint64_t)n != total)
		return -EIO;
#ifdef MUTANT_NO_FSYNC
	return 0;
#elif defined(MUTANT_SYNC_AGAIN)
	return d->ops->sync(d, c->file) == 0 ? 0 : d->ops->sync(d, c->file);
#else
	return d->ops->sync(d, c->file);
#endif
}

void disk_commit_run(struct disk *d, struct disk_commit *c)
{
	c->wrote = false;
	c->result = name_files(d, c);
	if (c->result != 0)
		return;
	c->wrote = true;
	c->result = write_journal(d, c);
}
