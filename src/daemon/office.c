/* The opened state directory and the table of verbs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account/copy.h"
#include "base/mem.h"
#include "daemon/dkim_pair.h"
#include "daemon/dns_state.h"
#include "daemon/office_verbs.h"
#include "daemon/remote_state.h"
#include "daemon/scrub.h"

enum { RESERVE_OCTETS = 8 << 20 };

/* A file of this name in the store's directory: make the index anew at the next start. */
#define REBUILD_MARK "rebuild"

static char *path_in(const struct office *o, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", o->dir, name) < 0)
		abort();
	return path;
}

static enum status make_dir(const char *dir, struct err *err)
{
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return err_set(err, ST_IO, "make %s: %s", dir, strerror(errno));
	return ST_OK;
}

static enum status rebuild_when_marked(struct office *o, struct err *err)
{
	char *mark = path_in(o, REBUILD_MARK);
	enum status status = ST_OK;

	if (access(mark, F_OK) == 0) {
		status = store_local_rebuild(o->dir, o->disk, err);
		if (status == ST_OK && unlink(mark) != 0)
			status = err_set(err, ST_IO, "remove %s: %s", mark, strerror(errno));
	}
	free(mark);
	return status;
}

static enum status open_store(struct office *o, struct err *err)
{
	struct store_local_config config = {
		.reserve_octets = RESERVE_OCTETS,
		.segment_octets = (uint64_t)o->config->segment_size,
		.inline_max = (uint64_t)o->config->inline_max,
		.expunged_keep_ms =
			o->config->expunged_keep_ms > 0 ? o->config->expunged_keep_ms : -1,
	};
	enum status status = rebuild_when_marked(o, err);

	if (status != ST_OK)
		return status;
	o->store = store_local_open(o->dir, o->disk, &config, err);
	if (o->store != NULL)
		return ST_OK;
	return err_set(err, ST_IO, "the store in %s cannot be opened", o->dir);
}

enum status office_open(struct office *o, const char *dir, struct config *config, struct err *err)
{
	struct err cause = { ST_OK, "" };
	enum status status;
	char *path;

	*o = (struct office){ .dir = str_dup_c(str_c(dir)), .config = config };
	status = make_dir(dir, &cause);
	if (status != ST_OK)
		goto out;
	o->disk = disk_real();
	/* The directory first: one that a newer program made is refused before anything is changed. */
	path = path_in(o, "accounts.db");
	o->directory = directory_open(path, &cause);
	if (o->directory == NULL)
		status = err_set(&cause, ST_IO, "%s cannot be opened", path);
	free(path);
	if (status == ST_OK)
		directory_drop_characters(o->directory, str_c(config->drop_characters));
	if (status == ST_OK)
		status = open_store(o, &cause);
	if (status == ST_OK)
		o->scrub = scrub_open(o);
out:
	if (status == ST_OK)
		return ST_OK;
	office_close(o);
	if (cause.code == ST_OK)
		cause.code = status;
	return err_set(err, cause.code, "%s", cause.text);
}

void office_close(struct office *o)
{
	scrub_close(o->scrub);
	if (o->store != NULL)
		store_close_all(o->store);
	directory_copy_end(o->accounts_copy);
	remote_state_close(o->remotes);
	if (o->directory != NULL)
		directory_close(o->directory);
	if (o->disk != NULL)
		o->disk->ops->free(o->disk);
	config_free(o->config);
	free(o->dir);
	*o = (struct office){ .dir = NULL };
}

/* The mark must be there after a crash too, else the index would stay as it is unnoticed. */
static enum status set_mark(struct office *o, struct err *err)
{
	char *mark = path_in(o, REBUILD_MARK);
	int file = o->disk->ops->open(o->disk, mark, true), dir;
	int failed = file < 0 ? -file : 0;

	free(mark);
	if (file >= 0)
		o->disk->ops->close(o->disk, file);
	dir = failed != 0 ? -1 : o->disk->ops->open_dir(o->disk, o->dir, false);
	if (dir >= 0) {
		failed = -o->disk->ops->sync(o->disk, dir);
		o->disk->ops->close(o->disk, dir);
	} else if (failed == 0) {
		failed = -dir;
	}
	if (failed != 0)
		return err_set(err, ST_IO, "mark %s: %s", o->dir, strerror(failed));
	return ST_OK;
}

/* Sessions hold the store open while a server runs, so there the next store process does it: it is
 * the parent that starts it. */
static enum status verb_fsck_rebuild(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	enum status status = set_mark(o, err);

	(void)q;
	if (status != ST_OK)
		return status;
	if (o->served) {
		o->restart = true;
	} else {
		scrub_close(o->scrub);
		o->scrub = scrub_open(o); /* what it read is not there any more */
		store_close_all(o->store);
		o->store = NULL;
		status = open_store(o, err);
	}
	if (status == ST_OK)
		r->row(r, json_pack("{s:b}", "restarting", (int)o->served));
	return status;
}

static enum status verb_status(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	uint64_t waiting = 0, held = 0;
	const char *meaning, *dns = dns_state_name(o->dns_state, &meaning);

	(void)q;
	(void)err;
	if (o->store != NULL)
		(void)store_out_count(o->store, &waiting, &held);
	r->row(r, json_pack("{s:s, s:i, s:i, s:i, s:b, s:I, s:I, s:s, s:s}", "version",
			  RESTANTE_VERSION, "format", (int)STORE_LOCAL_FORMAT, "pid",
			  (int)(o->served ? getppid() : getpid()), "store_pid", (int)getpid(),
			  "served", (int)o->served, "waiting", (json_int_t)waiting, "held",
			  (json_int_t)held, "dns", dns, "meaning", meaning));
	return ST_OK;
}

static const struct verb {
	struct str name;
	enum status (*run)(struct office *, const json_t *, struct office_reply *, struct err *);
	bool needs_store;
} verbs[] = {
	{ STR_INIT("account.add"), verb_account_add, false },
	{ STR_INIT("account.add-many"), verb_account_add_many, false },
	{ STR_INIT("account.del"), verb_account_del, true },
	{ STR_INIT("account.set"), verb_account_set, false },
	{ STR_INIT("cert.add"), verb_cert_add, false },
	{ STR_INIT("cert.del"), verb_cert_del, false },
	{ STR_INIT("cert.list"), verb_cert_list, false },
	{ STR_INIT("app-password.add"), verb_app_password_add, false },
	{ STR_INIT("app-password.del"), verb_app_password_del, false },
	{ STR_INIT("app-password.list"), verb_app_password_list, false },
	{ STR_INIT("account.passwd"), verb_account_passwd, false },
	{ STR_INIT("account.list"), verb_account_list, true },
	{ STR_INIT("account.show"), verb_account_show, true },
	{ STR_INIT("account.disable"), verb_account_disable, false },
	{ STR_INIT("account.enable"), verb_account_enable, false },
	{ STR_INIT("account.correspondents"), verb_account_correspondents, false },
	{ STR_INIT("alias.add"), verb_alias_add, false },
	{ STR_INIT("alias.del"), verb_alias_del, false },
	{ STR_INIT("alias.list"), verb_alias_list, false },
	{ STR_INIT("suppression.del"), verb_suppression_del, false },
	{ STR_INIT("suppression.list"), verb_suppression_list, false },
	{ STR_INIT("dkim.new"), verb_dkim_new, false },
	{ STR_INIT("dkim.rotate"), verb_dkim_rotate, false },
	{ STR_INIT("dkim.activate"), verb_dkim_activate, false },
	{ STR_INIT("dkim.del"), verb_dkim_del, false },
	{ STR_INIT("dkim.list"), verb_dkim_list, false },
	{ STR_INIT("domain.add"), verb_domain_add, false },
	{ STR_INIT("domain.set"), verb_domain_set, false },
	{ STR_INIT("domain.del"), verb_domain_del, false },
	{ STR_INIT("domain.list"), verb_domain_list, false },
	{ STR_INIT("ban.add"), verb_ban_add, false },
	{ STR_INIT("ban.del"), verb_ban_del, false },
	{ STR_INIT("ban.list"), verb_ban_list, false },
	{ STR_INIT("mailbox.move"), verb_mailbox_move, true },
	{ STR_INIT("mailbox.facts"), verb_mailbox_facts, true },
	{ STR_INIT("mailbox.envelope"), verb_mailbox_envelope, true },
	{ STR_INIT("mailbox.show"), verb_mailbox_show, true },
	{ STR_INIT("mailbox.index"), verb_mailbox_index, true },
	{ STR_INIT("mailbox.read"), verb_mailbox_read, true },
	{ STR_INIT("mailbox.expunge"), verb_mailbox_expunge, true },
	{ STR_INIT("mailbox.expunged"), verb_mailbox_expunged, true },
	{ STR_INIT("store.status"), verb_store_status, true },
	{ STR_INIT("store.scrub"), verb_store_scrub, true },
	{ STR_INIT("store.compact"), verb_store_compact, true },
	{ STR_INIT("backup.moment"), verb_backup_moment, true },
	{ STR_INIT("backup.end"), verb_backup_end, false },
	{ STR_INIT("mailbox.undelete"), verb_mailbox_undelete, true },
	{ STR_INIT("queue.list"), verb_queue_list, true },
	{ STR_INIT("explain.rcpt"), verb_explain_rcpt, true },
	{ STR_INIT("queue.order"), verb_queue_order, true },
	{ STR_INIT("who"), verb_who, false },
	{ STR_INIT("kick"), verb_kick, false },
	{ STR_INIT("account.capture"), verb_account_capture, false },
	{ STR_INIT("fsck.rebuild"), verb_fsck_rebuild, true },
	{ STR_INIT("fsck.orphans"), verb_fsck_orphans, true },
	{ STR_INIT("remote.open"), verb_remote_open, true },
	{ STR_INIT("remote.which"), verb_remote_which, true },
	{ STR_INIT("remote.recognise"), verb_remote_recognise, true },
	{ STR_INIT("remote.note"), verb_remote_note, true },
	{ STR_INIT("status"), verb_status, false },
};

enum status office_execute(
	struct office *o, const json_t *request, struct office_reply *reply, struct err *err)
{
	struct str name;
	enum status status = request_str(request, "verb", &name, err);

	if (status != ST_OK)
		return status;
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (!str_eq(verbs[i].name, name))
			continue;
		if (verbs[i].needs_store && o->store == NULL)
			return err_set(err, ST_TEMP, "the store is not open: run restante fsck");
		return verbs[i].run(o, request, reply, err);
	}
	return err_set(err, ST_USAGE, "the server does not know '%.*s': restart it, it is older",
		STR_ARG(str_head(name, 40)));
}

struct dkim_pair *office_long_work(const json_t *request)
{
	struct str name = STR("");

	(void)request_str(request, "verb", &name, NULL);
	if (str_eq(name, STR("dkim.new")) || str_eq(name, STR("dkim.rotate")))
		return dkim_pair_new();
	return NULL;
}

bool office_hands_out_junk(struct office *o, uint64_t account)
{
	struct account a;
	struct str own = account_by_id(o->directory, account, &a, NULL) == ST_OK
				 ? str_c(a.pop3_folders)
				 : STR("");

	return !str_eq(own.n > 0 ? own : str_c(o->config->pop3_folders), STR("inbox"));
}
