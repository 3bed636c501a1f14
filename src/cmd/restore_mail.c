/* restante restore --message, --account: mail of a backup into an office, through the same door as an
 * import.  What is there is left alone, what was deleted is undeleted, the rest is delivered anew; so it
 * can be done again, and a message keeps its UIDL. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "account/account.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/list.h"
#include "base/mem.h"
#include "cmd/restore.h"
#include "daemon/control.h"
#include "store/local/segment.h"

enum { IDS_BATCH = 500 };

struct wanted {
	struct msgid id;
	struct buf uidl; /* empty: the id's text */
};

struct mail {
	struct cmd *cmd;
	struct disk *disk;
	const char *src;
	struct backup_reader *reader;
	struct control_session *session;
	struct office_reply reply;
	struct progress progress;
	struct err failed; /* while octets are sent */
	const char *to;
	int64_t since_ms;
	uint64_t maildrop; /* of the account in the office */
	struct wanted *wanted;
	size_t count;
	json_t *expunged, *replaced; /* ids */
	uint64_t stored, present, undeleted, damaged, refused, replaced_count;
	char why[200];
};

static void on_row(struct office_reply *r, json_t *row)
{
	struct mail *m = LIST_OF(r, struct mail, reply);
	struct str result = str_c(json_string_value(json_object_get(row, "result")));

	if (json_object_get(row, "replaces") != NULL)
		json_array_append(m->replaced, json_object_get(row, "replaces"));
	if (json_object_get(row, "maildrop") != NULL)
		m->maildrop = (uint64_t)json_integer_value(json_object_get(row, "maildrop"));
	else if (json_object_get(row, "restored") != NULL)
		m->undeleted += (uint64_t)json_integer_value(json_object_get(row, "restored"));
	else if (json_object_get(row, "expunged") != NULL)
		m->replaced_count += (uint64_t)json_integer_value(json_object_get(row, "expunged"));
	else if (str_eq(result, STR("stored")))
		m->stored++;
	else if (str_eq(result, STR("present")))
		m->present++;
	else if (str_eq(result, STR("expunged")))
		json_array_append(m->expunged, json_object_get(row, "id"));
	else if (m->refused++ == 0)
		snprintf(m->why, sizeof m->why, "%s",
			json_string_value(json_object_get(row, "error")));
	json_decref(row);
}

/* ---- what is wanted ---- */

static void want(struct mail *m, struct msgid id, struct str uidl)
{
	m->wanted = mem_array(m->wanted, m->count + 1, sizeof *m->wanted);
	m->wanted[m->count] = (struct wanted){ .id = id };
	buf_init(&m->wanted[m->count].uidl, 0);
	buf_put(&m->wanted[m->count++].uidl, uidl);
}

/* The accounts of the backup: opened, they would be changed, so a copy is. */
static enum status account_of(struct mail *m, const char *address, uint64_t *id, struct err *err)
{
	char dir[] = "/tmp/restante-restore-XXXXXX", *from = path_join(m->src, "store/accounts.db"),
	     *copy = NULL;
	static const char *const rest[] = { "", "-wal", "-shm", "-journal" };
	struct directory *d = NULL;
	struct account a;
	enum status status =
		mkdtemp(dir) == NULL ? err_set(err, ST_IO, "make a directory in /tmp") : ST_OK;

	copy = path_join(dir, "accounts.db");
	if (status == ST_OK)
		status = backup_copy_file(m->disk, from, copy, err);
	if (status == ST_OK) {
		d = directory_open(copy, err);
		status = d == NULL ? ST_CORRUPT : account_get(d, str_c(address), &a, err);
	}
	if (status == ST_OK)
		*id = a.id;
	if (d != NULL)
		directory_close(d);
	for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
		char name[sizeof dir + 32];

		snprintf(name, sizeof name, "%s/accounts.db%s", dir, rest[i]);
		(void)unlink(name);
	}
	(void)rmdir(dir);
	free(from);
	free(copy);
	return status;
}

static bool is_since(struct mail *m, struct msgid id)
{
	struct store_facts f;
	bool since;

	if (m->since_ms == 0)
		return true;
	since = backup_reader_facts(m->reader, id, &f) == STORE_OK && f.received_ms >= m->since_ms;
	store_facts_free(&f);
	return since;
}

static enum status want_account(struct mail *m, const char *address, struct err *err)
{
	struct store_listing l;
	uint64_t maildrop = 0;
	enum status status = account_of(m, address, &maildrop, err);

	if (status != ST_OK)
		return status;
	if (backup_reader_list(m->reader, maildrop, &l) != STORE_OK)
		return err_set(err, ST_IO, "the backup's index cannot be read");
	for (size_t i = 0; i < l.count; i++) {
		const struct maildrop_row *row = &l.rows[i];

		if (is_since(m, row->id))
			want(m, row->id,
				row->uidl_len == 0 ? STR("")
						   : str_of(l.uidls + row->uidl_at, row->uidl_len));
	}
	store_listing_free(&l);
	return ST_OK;
}

static enum status want_message(struct mail *m, const char *text, struct err *err)
{
	struct msgid id;
	struct buf uidl;
	bool found;

	if (!msgid_parse(str_c(text), &id))
		return err_set(err, ST_USAGE, "'%.60s' is no id of a message", text);
	buf_init(&uidl, 0);
	found = backup_reader_uidl(m->reader, id, m->maildrop, &uidl);
	if (found)
		want(m, id, buf_str(&uidl));
	buf_deinit(&uidl);
	if (found)
		return ST_OK;
	return err_set(err, ST_NOTFOUND, "message %s is not in %s", text, m->src);
}

/* ---- sending ---- */

/* The id for a maildrop that never had the message while others did: the same each time. */
static struct msgid other_id(const struct mail *m, struct msgid id)
{
	unsigned char hash[32];
	struct buf text;

	buf_init(&text, 0);
	put_u64(&text, m->maildrop);
	buf_put(&text, str_of(id.b, sizeof id.b));
	EVP_Digest(buf_str(&text).p, text.len, hash, NULL, EVP_sha256(), NULL);
	buf_deinit(&text);
	memcpy(id.b + 6, hash, sizeof id.b - 6); /* the time stays */
	return id;
}

static json_t *head_of(struct mail *m, size_t n, const struct store_facts *f)
{
	const struct wanted *w = &m->wanted[n];
	char id[MSGID_TEXT + 1], other[MSGID_TEXT + 1];
	struct str uidl = buf_str(&w->uidl);

	msgid_text(w->id, id);
	msgid_text(other_id(m, w->id), other);
	if (uidl.n == 0)
		uidl = str_of(id, MSGID_TEXT);
	return json_pack("{s:I, s:b, s:s, s:s, s:I, s:s%, s:s%}", "n", (json_int_t)n, "restore", 1,
		"id", id, "other", other, "received", (json_int_t)f->received_ms, "sender",
		f->sender.p, f->sender.n, "uidl", uidl.p, uidl.n);
}

static bool send_octets(void *arg, struct str octets)
{
	struct mail *m = arg;

	return control_import_octets(m->session, octets, &m->failed) == ST_OK;
}

/* The message is read before the office hears of it: one that is damaged is passed over. */
static bool nothing(void *arg, struct str octets)
{
	(void)arg;
	(void)octets;
	return true;
}

static enum status send_one(struct mail *m, size_t n, struct err *err)
{
	struct msgid id = m->wanted[n].id;
	struct store_facts f;
	enum store_result result = backup_reader_facts(m->reader, id, &f);
	char text[MSGID_TEXT + 1];
	enum status status;
	json_t *head;

	if (result == STORE_OK)
		result = backup_reader_octets(m->reader, id, nothing, NULL);
	if (result != STORE_OK) {
		store_facts_free(&f);
		msgid_text(id, text);
		progress_clear(&m->progress);
		fprintf(stderr, "restante: message %s is damaged in the backup: skipped\n", text);
		m->damaged++;
		return ST_OK;
	}
	head = head_of(m, n, &f);
	status = head == NULL ? err_set(err, ST_CORRUPT, "its sender is no text")
			      : control_import_head(m->session, head, err);
	json_decref(head);
	store_facts_free(&f);
	if (status == ST_OK && backup_reader_octets(m->reader, id, send_octets, m) != STORE_OK)
		status = err_set(err, ST_TEMP, "%s",
			m->failed.code != ST_OK ? m->failed.text : "the backup cannot be read");
	return status == ST_OK ? control_import_commit(m->session, err) : status;
}

static enum status ask_for(struct mail *m, const char *verb, const json_t *ids, struct err *err)
{
	enum status status = ST_OK;
	size_t n = json_array_size(ids);

	for (size_t at = 0; status == ST_OK && at < n; at += IDS_BATCH) {
		json_t *q = json_pack("{s:s, s:s, s:[]}", "verb", verb, "address", m->to, "ids");

		for (size_t i = at; i < n && i < at + IDS_BATCH; i++)
			json_array_append(json_object_get(q, "ids"), json_array_get(ids, i));
		status = control_ask(m->session, q, &m->reply, err);
		json_decref(q);
	}
	return status;
}

static enum status restore(struct mail *m, struct err *err)
{
	json_t *q = json_pack("{s:s, s:s}", "verb", "mailbox.import", "address", m->to);
	enum status status = control_import_begin(m->session, q, &m->reply, err);

	json_decref(q);
	if (status != ST_OK)
		return status;
	if (cmd_has(m->cmd, OPTION_MESSAGE))
		status = want_message(m, m->cmd->value[OPTION_MESSAGE], err);
	else
		status = want_account(m, m->cmd->value[OPTION_ACCOUNT], err);
	progress_begin(&m->progress, m->count);
	for (size_t i = 0; status == ST_OK && m->refused == 0 && i < m->count; i++) {
		status = send_one(m, i, err);
		progress_at(&m->progress, i + 1, i + 1);
	}
	progress_clear(&m->progress);
	if (control_import_finish(m->session, err) != ST_OK && status == ST_OK)
		status = err->code;
	if (status == ST_OK)
		status = ask_for(m, "mailbox.undelete", m->expunged, err);
	if (status == ST_OK) /* only now: the message itself is there */
		status = ask_for(m, "mailbox.expunge", m->replaced, err);
	if (status == ST_OK && m->refused > 0)
		status = err_set(err, ST_TEMP,
			"stopped: %s; the same command again goes on from here", m->why);
	return status;
}

static void summary(const struct mail *m)
{
	if (cmd_has(m->cmd, OPTION_JSON))
		printf("{\"stored\":%llu,\"undeleted\":%llu,\"present\":%llu,\"replaced\":%llu,"
		       "\"damaged\":%llu}\n",
			(unsigned long long)m->stored, (unsigned long long)m->undeleted,
			(unsigned long long)m->present, (unsigned long long)m->replaced_count,
			(unsigned long long)m->damaged);
	else
		printf("%llu stored, %llu undeleted, %llu were there already, %llu damaged\n",
			(unsigned long long)m->stored, (unsigned long long)m->undeleted,
			(unsigned long long)m->present, (unsigned long long)m->damaged);
}

/* What is asked for makes sense; *since_ms: 0 or a wall clock. */
static int take_options(struct cmd *c, const char **to, int64_t *since_ms)
{
	struct str since = str_c(c->value[OPTION_SINCE]);
	int64_t ago;

	if (cmd_has(c, OPTION_MESSAGE) == cmd_has(c, OPTION_ACCOUNT))
		return cmd_fail(c, EX_USAGE, "say --message ID --to ADDRESS, or --account ADDRESS");
	if (cmd_has(c, OPTION_MESSAGE) && (!cmd_has(c, OPTION_TO) || since.n > 0))
		return cmd_fail(c, EX_USAGE, "--message ID needs --to ADDRESS, and no --since");
	*to = cmd_has(c, OPTION_TO) ? c->value[OPTION_TO] : c->value[OPTION_ACCOUNT];
	*since_ms = 0;
	if (!cmd_has(c, OPTION_SINCE))
		return EX_OK;
	if (value_duration(since, &ago))
		*since_ms = clock_wall_ms() - ago;
	else if (!value_moment(since, since_ms))
		return cmd_fail(c, EX_USAGE,
			"--since %s: say a time such as 12h or 7d, or a day such as 2027-01-31",
			since.p);
	return EX_OK;
}

int restore_mail(struct cmd *c, struct disk *disk, const char *src)
{
	struct mail m = { .cmd = c, .disk = disk, .src = src, .reply.row = on_row };
	struct err err = { ST_OK, "" };
	enum status status;
	char *store = NULL;
	int code = take_options(c, &m.to, &m.since_ms);

	if (code != EX_OK)
		return code;
	m.expunged = json_array();
	m.replaced = json_array();
	store = path_join(src, "store");
	status = state_check_version(c->state, &err);
	if (status == ST_OK) {
		m.reader = backup_reader_open(disk, store, &err);
		status = m.reader == NULL ? err.code : ST_OK;
	}
	if (status == ST_OK) {
		m.session = control_open(c->state, &err);
		status = m.session == NULL ? err.code : restore(&m, &err);
		control_close(m.session);
	}
	if (status == ST_OK)
		summary(&m);
	code = status == ST_OK ? output_end(c) : cmd_fail_err(c, &err);
	for (size_t i = 0; i < m.count; i++)
		buf_deinit(&m.wanted[i].uidl);
	free(m.wanted);
	json_decref(m.expunged);
	json_decref(m.replaced);
	backup_reader_close(m.reader);
	free(store);
	return code == EX_OK && m.damaged > 0 ? EX_DATAERR : code;
}
