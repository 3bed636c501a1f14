/* Room that is kept for a full disk.  Reading and deleting need the index, and SQLite cannot begin a
 * transaction without a few free blocks.  So a file holds some, and gives them up when the disk is
 * full; from then on new messages are refused until there is room enough to hold them again. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/local/impl.h"

enum { RETRY_MS = 1000 };

/* Everything at start may need room: what was held is given up first and taken back by
 * reserve_hold(), or not. */
void reserve_open(struct store *s)
{
	char *path;
	int file;

	s->reserve = -1;
	if (s->config.reserve_octets == 0)
		return;
	path = path_join(s->dir, "reserve");
	file = s->disk->ops->open(s->disk, path, true);
	free(path);
	if (file < 0)
		return; /* not a block for a name: nothing to give up either */
	s->reserve = file;
	(void)s->disk->ops->truncate(s->disk, file, 0);
	s->low = true;
}

void reserve_close(struct store *s)
{
	if (s->reserve >= 0)
		(void)s->disk->ops->close(s->disk, s->reserve);
	s->reserve = -1;
}

/* Twice as much must be free, so that the first message after it does not fill the disk again. */
static int allocate(struct store *s)
{
	struct disk *d = s->disk;
	int rc = d->ops->allocate(d, s->reserve, 2 * s->config.reserve_octets);

	(void)d->ops->truncate(d, s->reserve, 0);
	if (rc == 0)
		rc = d->ops->allocate(d, s->reserve, s->config.reserve_octets);
	if (rc != 0)
		(void)d->ops->truncate(d, s->reserve, 0);
	return rc;
}

bool reserve_hold(struct store *s)
{
	int64_t now = clock_mono_ms();

	if (!s->low)
		return true;
	if (now < s->reserve_retry_ms)
		return false;
	s->reserve_retry_ms = now + RETRY_MS;
	if (allocate(s) != 0)
		return false;
	s->low = false;
	if (s->was_full)
		log_info("store.room", F_C("do", "messages are taken again"));
	s->was_full = false;
	return true;
}

bool reserve_give_up(struct store *s)
{
	if (s->reserve < 0 || s->low)
		return false;
	(void)s->disk->ops->truncate(s->disk, s->reserve, 0);
	s->low = s->was_full = true;
	s->reserve_retry_ms = clock_mono_ms() + RETRY_MS;
	log_error("store.full", F_INT("given_up", s->config.reserve_octets),
		F_C("do", "free disk space; reading and deleting go on, deliveries go on then"));
	return true;
}
