/* Fetched mail into a Maildir: what came is synced and noted by dozens, so that a message does not cost three syncs.
 * A crash between its rename and its note does no harm: its file's name is made of its UIDL. */
#include "cmd/fetch.h"

enum status maildir_sink_begin(struct fetch *f, struct str id, struct err *err)
{
	return maildir_begin(&f->sink.maildir, f->sink.where, id, err);
}

enum status maildir_sink_flush(struct fetch *f, struct err *err)
{
	struct fetch_sink *s = &f->sink;
	size_t count = s->written_count;
	enum status status = maildir_commit(s->written, count, err);
	struct fetch_message *first = s->owners[0];

	for (size_t i = 0; i < count; i++) {
		struct fetch_message *m = s->owners[i];

		m->stored = status == ST_OK;
		m->failed = !m->stored;
		f->counts.stored += m->stored;
		f->counts.failed += m->failed;
		f->counts.stubs += m->stored && m->action == FETCH_BEGIN;
		maildir_end(&s->written[i]);
	}
	s->written_count = 0;
	return status != ST_OK || count == 0
		       ? status
		       : fetch_note(f, first, (size_t)(s->owners[count - 1] - first) + 1, err);
}

/* Its octets are on their way to the disk. */
enum status maildir_sink_commit(struct fetch *f, struct fetch_message *m, struct err *err)
{
	struct fetch_sink *s = &f->sink;
	enum status status = maildir_written(&s->maildir, err);

	if (status != ST_OK)
		return status;
	s->owners[s->written_count] = m;
	s->written[s->written_count++] = s->maildir;
	s->maildir = (struct maildir_message){ NULL };
	return s->written_count == FETCH_AT_ONCE ? maildir_sink_flush(f, err) : ST_OK;
}
