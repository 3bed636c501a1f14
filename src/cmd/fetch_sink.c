/* Where a fetched message goes (the setting `delivery`).  Besides the own store: a Maildir, an mbox, a command, a
 * mail server.  There
 * remote.db is the only memory of what came, so each message is noted as soon as it is durable. */
#include <errno.h>
#include <fcntl.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/export_file.h"
#include "cmd/fetch.h"

enum { COMMAND_TIMEOUT_MS = 300 * 1000, LOCK_TRIES = 300, PIECE = 64 * 1024 };

enum status sink_open(struct fetch *f, struct err *err)
{
	struct fetch_sink *s = &f->sink;
	struct str where;
	enum status status = ST_OK;
	json_t *q;

	(void)remote_delivery_parse(str_c(f->remote->delivery), &s->kind, &where);
	s->where = where.p;
	switch (s->kind) {
	case REMOTE_STORE:
		q = json_pack("{s:s, s:s%}", "verb", "mailbox.import", "address", f->address.data,
			f->address.len);
		status = control_import_begin(f->session, q, &f->reply, err);
		json_decref(q);
		f->importing = status == ST_OK;
		break;
	case REMOTE_MAILDIR:
	case REMOTE_MBOXRD:
		if (where.p[0] != '/')
			status = err_set(
				err, ST_USAGE, "delivery: %s does not begin with /", where.p);
		break;
	case REMOTE_COMMAND: break;
	case REMOTE_SMTP:
	case REMOTE_LMTP: status = handover_open(f, err); break;
	}
	return status;
}

enum status sink_begin(struct fetch *f, struct fetch_message *m, struct err *err)
{
	struct fetch_sink *s = &f->sink;
	struct str uidl = fetch_uidl(f, m);
	char id[MSGID_TEXT + 1];
	enum status status;
	json_t *head;

	msgid_text(remote_id(f->maildrop, uidl, m->action == FETCH_BEGIN), id);
	if (s->kind == REMOTE_MAILDIR)
		return maildir_sink_begin(f, str_c(id), err);
	if (s->kind != REMOTE_STORE) {
		s->spool = tmpfile();
		return s->spool != NULL
			       ? ST_OK
			       : err_set(err, ST_IO, "a temporary file: %s", strerror(errno));
	}
	head = json_pack("{s:I, s:s, s:I, s:s, s:s%}", "n", (json_int_t)(m - f->messages), "id", id,
		"received", (json_int_t)m->first_ms, "sender", "", "uidl", uidl.p, uidl.n);
	status = control_import_head(f->session, head, err);
	json_decref(head);
	return status;
}

/* Errors of files are told by sink_commit(). */
enum status sink_octets(struct fetch *f, struct str octets, struct err *err)
{
	struct fetch_sink *s = &f->sink;

	if (s->kind == REMOTE_STORE)
		return control_import_octets(f->session, octets, err);
	if (s->kind == REMOTE_MAILDIR)
		maildir_octets(&s->maildir, octets);
	else if (s->kind == REMOTE_SMTP || s->kind == REMOTE_LMTP)
		handover_octets(f, octets, false);
	else
		fwrite(octets.p, 1, octets.n, s->spool);
	return ST_OK;
}

/* fcntl() is the lock that mail readers and local delivery agents of Debian share (policy 11.6). */
static enum status lock(int fd, const char *path, struct err *err)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };

	for (int i = 0; fcntl(fd, F_SETLK, &whole) != 0; i++) {
		if ((errno != EAGAIN && errno != EACCES) || i == LOCK_TRIES)
			return err_set(err, ST_TEMP, "lock %s: %s", path, strerror(errno));
		nanosleep(&pause, NULL);
	}
	return ST_OK;
}

static enum status append(
	const struct fetch_sink *s, FILE *mbox, const struct fetch_message *m, struct err *err)
{
	struct export x = { .file = mbox };
	char *piece = mem_alloc(PIECE);
	size_t n;
	enum status status = export_message(&x, STR("MAILER-DAEMON"), m->first_ms, STR(""), err);

	while ((n = fread(piece, 1, PIECE, s->spool)) > 0)
		export_octets(&x, str_of(piece, n));
	free(piece);
	if (status == ST_OK && !ferror(mbox) && !ferror(s->spool))
		status = export_message_end(&x, STR(""), STR(""), m->first_ms, err);
	if (ferror(mbox) || ferror(s->spool) || fflush(mbox) != 0 || fsync(fileno(mbox)) != 0)
		return err_set(err, ST_IO, "write %s: %s", s->where, strerror(errno));
	return status;
}

/* What could not be written whole is taken back. */
static enum status into_mbox(struct fetch *f, const struct fetch_message *m, struct err *err)
{
	const struct fetch_sink *s = &f->sink;
	int fd = open(s->where, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	FILE *mbox = fd < 0 ? NULL : fdopen(fd, "a");
	struct stat st;
	enum status status;

	if (mbox == NULL) {
		err_set(err, ST_IO, "open %s: %s", s->where, strerror(errno));
		if (fd >= 0)
			close(fd);
		return ST_IO;
	}
	status = lock(fd, s->where, err);
	if (status == ST_OK && fstat(fd, &st) != 0)
		status = err_set(err, ST_IO, "look at %s: %s", s->where, strerror(errno));
	if (status == ST_OK) {
		status = append(s, mbox, m, err);
		__fpurge(mbox); /* or fclose() writes behind the new end */
		if (status != ST_OK && (ftruncate(fd, st.st_size) != 0 || fsync(fd) != 0))
			cmd_fail(f->cmd, 0, "%s: part of a message is at its end", s->where);
	}
	fclose(mbox);
	return status;
}

static enum status into_command(const struct fetch_sink *s, struct err *err)
{
	struct user_command command;
	char *piece = mem_alloc(PIECE);
	enum status status =
		command_start(&command, s->where, COMMAND_INPUT, COMMAND_TIMEOUT_MS, err);
	int code = 0;
	size_t n;

	while (status == ST_OK && (n = fread(piece, 1, PIECE, s->spool)) > 0)
		status = command_write(&command, str_of(piece, n), err);
	free(piece);
	if (command_end(&command, &code, err) != ST_OK && status == ST_OK)
		status = ST_TEMP;
	if (status == ST_OK && code != 0)
		status =
			err_set(err, ST_TEMP, "the command of delivery ended with status %d", code);
	return status;
}

static enum status put(struct fetch *f, const struct fetch_message *m, struct err *err)
{
	struct fetch_sink *s = &f->sink;

	if (s->kind == REMOTE_SMTP || s->kind == REMOTE_LMTP)
		handover_octets(f, STR(""), true);
	if (fflush(s->spool) != 0 || ferror(s->spool))
		return err_set(err, ST_IO, "write a temporary file: %s", strerror(errno));
	if (s->kind == REMOTE_SMTP || s->kind == REMOTE_LMTP)
		return handover_commit(f, err);
	rewind(s->spool);
	return s->kind == REMOTE_MBOXRD ? into_mbox(f, m, err) : into_command(s, err);
}

/* The store answers by rows, later, and a Maildir is synced now and then; elsewhere it is durable when this returns. */
enum status sink_commit(struct fetch *f, struct fetch_message *m, struct err *err)
{
	enum status status;

	if (f->sink.kind == REMOTE_STORE)
		return control_import_commit(f->session, err);
	status = f->sink.kind == REMOTE_MAILDIR ? maildir_sink_commit(f, m, err) : put(f, m, err);
	sink_abandon(f);
	if (status != ST_OK) {
		f->counts.failed += !m->failed;
		m->failed = true;
		if (status != ST_PERM)
			return status;
		cmd_fail(f->cmd, 0, "%s: message %llu stays there: %s", f->remote->name,
			(unsigned long long)m->number, err->text);
		err->code = ST_OK;
		return ST_OK;
	}
	if (f->sink.kind == REMOTE_MAILDIR)
		return ST_OK;
	m->stored = true;
	f->counts.stored++;
	f->counts.stubs += m->action == FETCH_BEGIN;
	return fetch_note(f, m, 1, err);
}

void sink_abandon(struct fetch *f)
{
	if (f->sink.kind == REMOTE_MAILDIR && f->sink.maildir.dir != NULL)
		maildir_end(&f->sink.maildir);
	if (f->sink.spool != NULL)
		fclose(f->sink.spool);
	f->sink.spool = NULL;
}

enum status sink_close(struct fetch *f, struct err *err)
{
	enum status status;

	sink_abandon(f);
	status = maildir_sink_flush(f, err);
	handover_close(f);
	if (f->importing)
		status = control_import_finish(f->session, err);
	f->importing = false;
	return status;
}
