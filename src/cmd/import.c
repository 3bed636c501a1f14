/* restante mailbox import: other servers' mail into a maildrop, as often as one likes.
 *
 * A message's id is made of its time and a hash of maildrop, place and octets.  Whoever imports again,
 * after an interruption or after the source has grown, stores nothing twice: the server knows the ids. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/uidl.h"
#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "daemon/control.h"
#include "maildir/message_reader.h"
#include "maildir/source.h"
#include "maildir/uidlist.h"
#include "mime/field.h"
#include "mime/mbox.h"

enum { HEADER_KEPT = 64 * 1024, MESSAGE_MAX_MIB = 2048, BAD_SHOWN = 20 };

enum uidl_from { UIDL_AUTO, UIDL_DOVECOT, UIDL_COURIER, UIDL_X_UIDL, UIDL_NONE, UIDL_TEMPLATE };

struct importer {
	struct cmd *cmd;
	struct control_session *session;
	struct office_reply reply;
	struct progress progress;
	enum uidl_from uidl_from;
	enum reader_form form; /* of an mbox */
	uint64_t maildrop;
	struct uidlist list; /* of the Maildir at hand */
	bool has_list;
	uint64_t number, stored, present, failed, bad, octets, done_octets;
	char failure[200]; /* the first that the server told */
};

/* What the first reading of a message found. */
struct facts {
	unsigned char hash[32];
	uint64_t octets;
	uint64_t end; /* mbox: offset behind it; `more` says whether another message stands there */
	bool more;
	int64_t id_ms, received_ms;
	struct buf header; /* the first octets */
	struct buf sender;
	struct buf uidl;
};

static void on_row(struct office_reply *r, json_t *row)
{
	struct importer *im = LIST_OF(r, struct importer, reply);
	struct str result = str_c(json_string_value(json_object_get(row, "result")));

	if (json_object_get(row, "maildrop") != NULL)
		im->maildrop = (uint64_t)json_integer_value(json_object_get(row, "maildrop"));
	else if (str_eq(result, STR("stored")))
		im->stored++;
	else if (str_eq(result, STR("present")))
		im->present++;
	else if (im->failed++ == 0)
		snprintf(im->failure, sizeof im->failure, "%s",
			json_string_value(json_object_get(row, "error")));
	json_decref(row);
}

static void tell_bad(
	struct importer *im, const struct source_file *f, uint64_t offset, const char *why)
{
	im->bad++;
	progress_clear(&im->progress);
	if (im->bad > BAD_SHOWN)
		return;
	if (offset > 0)
		fprintf(stderr, "restante: %s: octet %llu: %s: skipped\n", f->path,
			(unsigned long long)offset, why);
	else
		fprintf(stderr, "restante: %s: %s: skipped\n", f->path, why);
	if (im->bad == BAD_SHOWN)
		fprintf(stderr, "restante: more are counted, not shown\n");
}

static void facts_deinit(struct facts *f)
{
	buf_deinit(&f->header);
	buf_deinit(&f->sender);
	buf_deinit(&f->uidl);
}

static enum status scan(struct message_reader *r, struct facts *f, struct err *err)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	enum status status = ST_MORE;
	struct buf piece;

	buf_init(&piece, 0);
	if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		abort();
	while (status == ST_MORE) {
		buf_clear(&piece);
		status = message_reader_next(r, &piece, err);
		EVP_DigestUpdate(md, buf_str(&piece).p, piece.len);
		f->octets += piece.len;
		if (f->header.len < HEADER_KEPT)
			buf_put(&f->header, str_head(buf_str(&piece), HEADER_KEPT - f->header.len));
	}
	EVP_DigestFinal_ex(md, f->hash, NULL);
	EVP_MD_CTX_free(md);
	buf_deinit(&piece);
	f->more = message_reader_next_offset(r, &f->end);
	return status;
}

static bool header_find(const struct facts *f, struct str name, struct str *body)
{
	struct str rest = buf_str(&f->header);
	struct field field;

	while (field_cut(&rest, &field))
		if (str_ieq(field.name, name)) {
			*body = str_trim(field.body);
			return true;
		}
	return false;
}

/* The top Received line is the last hop's (RFC 5321 4.4): its date is behind the last semicolon. */
static bool header_time(const struct facts *f, int64_t *ms)
{
	struct str body;

	if (header_find(f, STR("Received"), &body) &&
		date_get(str_from(body, str_rfind(body, ';') + 1), ms))
		return true;
	return header_find(f, STR("Date"), &body) && date_get(body, ms);
}

/* The id may only depend on what copying and reading a mailbox leave alone; the time of a file does not
 * belong to that. */
static void find_times(const struct source *s, const struct source_file *file,
	const struct message_reader *r, struct facts *f)
{
	int64_t ms = 0;

	f->id_ms = 0;
	f->received_ms = file->mtime_ms;
	switch (s->kind) {
	case SOURCE_MBOX:
		if (r->mbox_ms >= 0 || header_time(f, &ms))
			f->id_ms = f->received_ms = r->mbox_ms >= 0 ? r->mbox_ms : ms;
		return;
	case SOURCE_MAILDIR:
		if (file->named_time)
			f->id_ms = file->order_ms;
		return;
	case SOURCE_FILES:
		if (header_time(f, &ms))
			f->id_ms = f->received_ms = ms;
		return;
	}
}

static bool printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7f)
			return false;
	return str_utf8(s);
}

static void find_sender(const struct message_reader *r, struct facts *f)
{
	struct str body;

	if (r->sender.len > 0)
		buf_put(&f->sender, buf_str(&r->sender));
	else if (header_find(f, STR("Return-Path"), &body) && body.n > 2 && body.p[0] == '<' &&
		 body.p[body.n - 1] == '>')
		buf_put(&f->sender, str_of(body.p + 1, body.n - 2));
	if (str_eq(buf_str(&f->sender), STR("MAILER-DAEMON")) || f->sender.len > 320 ||
		!printable(buf_str(&f->sender)))
		buf_clear(&f->sender);
}

static struct msgid make_id(const struct importer *im, const struct facts *f, struct str place)
{
	unsigned char hash[32];
	struct msgid id;
	struct buf text;

	buf_init(&text, 0);
	put_u64(&text, im->maildrop);
	put_str(&text, place);
	buf_put(&text, str_of(f->hash, sizeof f->hash));
	EVP_Digest(buf_str(&text).p, text.len, hash, NULL, EVP_sha256(), NULL);
	buf_deinit(&text);
	for (int i = 0; i < 6; i++)
		id.b[i] = (unsigned char)((uint64_t)f->id_ms >> (40 - 8 * i));
	memcpy(id.b + 6, hash, sizeof id.b - 6);
	return id;
}

static void find_uidl(
	const struct importer *im, const struct source_file *file, struct msgid id, struct facts *f)
{
	struct str base = maildir_base_name(str_c(file->name)), body;
	const struct uidlist_row *row = im->has_list ? uidlist_find(&im->list, base) : NULL;
	struct uidl_facts facts = { .id = id, .file = base };

	switch (im->uidl_from) {
	case UIDL_AUTO:
	case UIDL_DOVECOT:
	case UIDL_COURIER:
		if (row != NULL)
			uidlist_uidl_put(&im->list, row, &f->uidl);
		break;
	case UIDL_X_UIDL:
		if (header_find(f, STR("X-UIDL"), &body))
			buf_put(&f->uidl, body);
		break;
	case UIDL_TEMPLATE:
		if (row != NULL) {
			facts.uid = row->uid;
			facts.uidvalidity = row->uidvalidity;
		}
		(void)uidl_make(str_c(im->cmd->value[OPTION_UIDL_FORMAT]), &facts, &f->uidl);
		break;
	case UIDL_NONE: break;
	}
	if (!uidl_valid(buf_str(&f->uidl)))
		buf_clear(&f->uidl);
}

static json_t *head_of(
	struct importer *im, const struct source_file *file, struct msgid id, const struct facts *f)
{
	struct str base = maildir_base_name(str_c(file->name)), uidl = buf_str(&f->uidl);
	char text[MSGID_TEXT + 1];
	json_t *head;

	msgid_text(id, text);
	head = json_pack("{s:I, s:s, s:I, s:s%, s:s%, s:b}", "n", (json_int_t)im->number, "id",
		text, "received", (json_int_t)f->received_ms, "sender", buf_str(&f->sender).p,
		f->sender.len, "uidl", uidl.p, uidl.n, "template", im->uidl_from == UIDL_AUTO);
	if (im->has_list && str_utf8(base))
		json_object_set_new(head, "file", json_stringn(base.p, base.n));
	return head;
}

static enum status send_message(struct importer *im, const struct source_file *file,
	struct message_reader *r, struct msgid id, const struct facts *f, struct err *err)
{
	json_t *head = head_of(im, file, id, f);
	enum status status = control_import_head(im->session, head, err);
	uint64_t before = im->done_octets, sent = 0;
	struct buf piece;
	bool whole = false;

	buf_init(&piece, 0);
	json_decref(head);
	while (status == ST_OK && !whole) {
		enum status more;

		buf_clear(&piece);
		more = message_reader_next(r, &piece, err);
		whole = more == ST_OK;
		status = more == ST_MORE || whole
				 ? control_import_octets(im->session, buf_str(&piece), err)
				 : more;
		sent += piece.len;
		progress_at(&im->progress, before + sent, im->number);
	}
	if (status == ST_OK && sent != f->octets)
		status = err_set(err, ST_IO, "%s changes while it is read", file->path);
	if (status == ST_OK)
		status = control_import_commit(im->session, err);
	buf_deinit(&piece);
	return status;
}

/* NULL: it is one. */
static const char *why_no_message(const struct source *s, const struct facts *f)
{
	struct str rest = buf_str(&f->header);
	struct field field;

	if (f->octets == 0)
		return "empty";
	if (f->octets > (uint64_t)MESSAGE_MAX_MIB * 1024 * 1024)
		return "larger than 2 GiB";
	/* In a directory of files anything may lie; what servers kept as mail is taken as mail. */
	if (s->kind == SOURCE_FILES && !field_cut(&rest, &field))
		return "does not begin with a header";
	return NULL;
}

/* The message at *offset; *offset moves on, *more: there is another. */
static enum status import_one(struct importer *im, const struct source *s,
	const struct source_file *file, int fd, uint64_t *offset, bool *more, struct err *err)
{
	enum reader_form form = s->kind == SOURCE_MBOX ? im->form : READER_PLAIN;
	struct message_reader r;
	struct err why = { ST_OK, "" };
	enum status status = ST_OK;
	struct facts f = { .octets = 0 };
	const char *bad;
	char place[32];

	buf_init(&f.header, 0);
	buf_init(&f.sender, 0);
	buf_init(&f.uidl, 0);
	snprintf(place, sizeof place, "%llu", (unsigned long long)*offset);
	message_reader_begin(&r, fd, form, *offset);
	bad = scan(&r, &f, &why) == ST_OK ? why_no_message(s, &f) : why.text;
	find_times(s, file, &r, &f);
	find_sender(&r, &f);
	message_reader_end(&r);
	*more = why.code == ST_OK && f.more && s->kind == SOURCE_MBOX;
	im->number++;
	if (bad != NULL) {
		tell_bad(im, file, *offset, bad);
	} else {
		struct msgid id = make_id(im, &f,
			s->kind == SOURCE_MBOX ? str_c(place)
					       : maildir_base_name(str_c(file->name)));

		find_uidl(im, file, id, &f);
		message_reader_begin(&r, fd, form, *offset);
		status = send_message(im, file, &r, id, &f, err);
		message_reader_end(&r);
	}
	im->octets += f.octets;
	if (*more)
		*offset = f.end;
	facts_deinit(&f);
	return status;
}

static enum status import_file(struct importer *im, const struct source *s,
	const struct source_file *file, struct err *err)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC);
	enum status status = ST_OK;
	uint64_t offset = 0, begun = im->done_octets;
	bool more = true;

	if (fd < 0) {
		im->number++;
		tell_bad(im, file, 0, strerror(errno));
		return ST_OK;
	}
	while (status == ST_OK && more && im->failed == 0) {
		status = import_one(im, s, file, fd, &offset, &more, err);
		im->done_octets = begun + offset;
	}
	im->done_octets = begun + (uint64_t)lseek(fd, 0, SEEK_END);
	close(fd);
	return status;
}

/* The list that --uidl-format names, or the one that is there. */
static enum status load_list(struct importer *im, const struct source *s, struct err *err)
{
	struct err why = { ST_OK, "" };
	enum status status;
	bool courier = im->uidl_from == UIDL_COURIER;

	im->has_list = false;
	if (s->dir == NULL || im->uidl_from == UIDL_NONE || im->uidl_from == UIDL_X_UIDL)
		return ST_OK;
	status = uidlist_load(&im->list, s->dir, courier ? UIDLIST_COURIER : UIDLIST_DOVECOT, &why);
	if (status == ST_NOTFOUND &&
		(im->uidl_from == UIDL_AUTO || im->uidl_from == UIDL_TEMPLATE)) {
		why = (struct err){ ST_OK, "" };
		status = uidlist_load(&im->list, s->dir, UIDLIST_COURIER, &why);
		if (status == ST_NOTFOUND)
			return ST_OK;
	}
	if (status != ST_OK)
		return err_set(err, status, "%s", why.text);
	im->has_list = true;
	return ST_OK;
}

static enum status import_source(
	struct importer *im, const char *path, bool folder, struct err *err)
{
	enum uidl_from kept = im->uidl_from;
	struct source s;
	enum status status = source_open(&s, path, err);

	if (status != ST_OK)
		return status;
	/* POP3 never showed folders: they have no UIDLs to keep, and theirs may be those of the inbox. */
	if (folder)
		im->uidl_from = UIDL_NONE;
	progress_begin(&im->progress, s.octets);
	im->progress.octets = true;
	im->done_octets = 0;
	status = load_list(im, &s, err);
	for (size_t i = 0; i < s.count && status == ST_OK && im->failed == 0; i++)
		status = import_file(im, &s, &s.files[i], err);
	progress_clear(&im->progress);
	if (im->has_list)
		uidlist_free(&im->list);
	im->uidl_from = kept;
	source_close(&s);
	return status;
}

static enum status import_folders(struct importer *im, const char *path, struct err *err)
{
	size_t count;
	char **folders;
	enum status status = source_folders(path, &folders, &count, err);

	for (size_t i = 0; i < count; i++) {
		if (status == ST_OK && im->failed == 0)
			status = import_source(im, folders[i], true, err);
		free(folders[i]);
	}
	free((void *)folders);
	return status;
}

static int take_options(struct importer *im)
{
	static const struct {
		struct str name;
		enum uidl_from from;
	} formats[] = {
		{ STR_INIT("dovecot"), UIDL_DOVECOT },
		{ STR_INIT("courier"), UIDL_COURIER },
		{ STR_INIT("x-uidl"), UIDL_X_UIDL },
		{ STR_INIT("none"), UIDL_NONE },
	};
	struct str uidl = str_c(im->cmd->value[OPTION_UIDL_FORMAT]),
		   form = str_c(im->cmd->value[OPTION_FORMAT]);

	im->form = str_eq(form, STR("mboxo")) ? READER_MBOXO : READER_MBOXRD;
	if (cmd_has(im->cmd, OPTION_FORMAT) && im->form == READER_MBOXRD &&
		!str_eq(form, STR("mboxrd")))
		return cmd_fail(im->cmd, EX_USAGE, "--format is mboxrd or mboxo, for an mbox");
	if (!cmd_has(im->cmd, OPTION_UIDL_FORMAT))
		return EX_OK;
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (str_eq(formats[i].name, uidl)) {
			im->uidl_from = formats[i].from;
			return EX_OK;
		}
	if (!uidl_format_ok(uidl))
		return cmd_fail(im->cmd, EX_USAGE,
			"--uidl-format is dovecot, courier, x-uidl, none or a template with %%u or "
			"%%f");
	im->uidl_from = UIDL_TEMPLATE;
	return EX_OK;
}

static int summary(struct importer *im)
{
	json_t *sum = json_pack("{s:I, s:I, s:I, s:I, s:I}", "messages", (json_int_t)im->number,
		"stored", (json_int_t)im->stored, "present", (json_int_t)im->present, "bad",
		(json_int_t)im->bad, "octets", (json_int_t)im->octets);

	if (cmd_has(im->cmd, OPTION_JSON)) {
		json_dumpf(sum, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		printf("%llu messages: %llu stored, %llu were there already, %llu bad\n",
			(unsigned long long)im->number, (unsigned long long)im->stored,
			(unsigned long long)im->present, (unsigned long long)im->bad);
	}
	json_decref(sum);
	if (im->failed > 0)
		return cmd_fail(im->cmd, EX_TEMPFAIL,
			"stopped: %s; the same import again goes on from here", im->failure);
	return im->bad > 0 ? EX_DATAERR : EX_OK;
}

int cmd_mailbox_import(struct cmd *c)
{
	struct importer im = { .cmd = c, .reply.row = on_row };
	struct err err = { ST_OK, "" };
	json_t *request;
	enum status status;
	int code = take_options(&im);

	if (code != EX_OK)
		return code;
	if (state_check_version(c->state, &err) != ST_OK)
		return cmd_fail(c, err.code == ST_USAGE ? EX_CONFIG : err_exit_code(err.code), "%s",
			err.text);
	im.session = control_open(c->state, &err);
	if (im.session == NULL)
		return cmd_fail_err(c, &err);
	request = json_pack("{s:s, s:s, s:b}", "verb", "mailbox.import", "address", c->args[0],
		"over_quota", (int)cmd_has(c, OPTION_OVER_QUOTA));
	status = control_import_begin(im.session, request, &im.reply, &err);
	json_decref(request);
	if (status == ST_OK) {
		status = import_source(&im, c->args[1], false, &err);
		if (status == ST_OK && cmd_has(c, OPTION_FOLDERS))
			status = import_folders(&im, c->args[1], &err);
		if (control_import_finish(im.session, &err) != ST_OK && status == ST_OK)
			status = err.code;
		code = im.number > 0 ? summary(&im) : EX_OK;
	}
	control_close(im.session);
	if (status != ST_OK)
		return cmd_fail_err(c, &err);
	if (code == EX_OK && im.number == 0)
		code = summary(&im);
	return code == EX_OK || code == EX_DATAERR ? (output_end(c) == EX_OK ? code : EX_IOERR)
						   : code;
}
