/* Files under blob/ that no message has: a crash came between their name and their record, or between the record that
 * forgot them and their removal. */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/local/impl.h"

struct files {
	unsigned home;
	struct msgid *ids; /* owned */
	size_t count;
};

/* Only what this store may have put there. */
static void note(void *arg, const char *name)
{
	struct files *f = arg;
	struct msgid id;

	if (!msgid_parse(str_c(name), &id) || id.b[sizeof id.b - 1] != f->home)
		return;
	f->ids = mem_array(f->ids, f->count + 1, sizeof *f->ids);
	f->ids[f->count++] = id;
}

static uint64_t size_of(struct store *s, const char *path)
{
	int file = s->disk->ops->open(s->disk, path, false);
	int64_t size = file < 0 ? 0 : s->disk->ops->size(s->disk, file);

	if (file >= 0)
		(void)s->disk->ops->close(s->disk, file);
	return size < 0 ? 0 : (uint64_t)size;
}

/* A removal that a crash undoes is done by the next that asks. */
static void remove_one(struct store *s, struct msgid id, struct store_orphans *o)
{
	char *path = blob_path(s->blob_dir, id), text[MSGID_TEXT + 1];
	uint64_t octets = size_of(s, path);

	if (s->disk->ops->unlink(s->disk, path) == 0) {
		msgid_text(id, text);
		log_warn("store.orphan", F_C("id", text), F_INT("octets", octets));
		o->files++;
		o->octets += octets;
	}
	free(path);
}

enum store_result store_local_remove_orphans(
	struct store *s, unsigned home, struct store_orphans *o)
{
	struct files f = { .home = home };
	struct msgid first = { .b[sizeof first.b - 1] = (unsigned char)home };
	enum store_result result = STORE_OK;
	struct index_message m;
	char *dir = blob_home(s->blob_dir, first);

	*o = (struct store_orphans){ 0 };
	/* What failed last may count after a crash, and then its file is wanted. */
	if (journal_unsure(s->journal) || !store_apply(s) ||
		s->disk->ops->list(s->disk, dir, note, &f) != 0)
		result = STORE_UNAVAILABLE;
	for (size_t i = 0; i < f.count && result == STORE_OK; i++) {
		if (deliver_under_way(s, f.ids[i]))
			continue;
		result = index_message(s->index, f.ids[i], &m);
		if (result == STORE_NOT_FOUND)
			remove_one(s, f.ids[i], o);
		result = result == STORE_NOT_FOUND ? STORE_OK : result;
	}
	free(f.ids);
	free(dir);
	return result;
}
