/* office_verbs.h -- one function per verb of office_execute(); private to the office. */
#ifndef RESTANTE_DAEMON_OFFICE_VERBS_H
#define RESTANTE_DAEMON_OFFICE_VERBS_H

#include "daemon/office.h"

enum status verb_account_add(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_account_add_many(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_account_del(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_account_set(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_app_password_add(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_app_password_del(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_app_password_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_cert_add(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_cert_del(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_cert_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_account_passwd(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_account_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_account_show(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_account_disable(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_account_enable(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_account_capture(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_account_correspondents(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_suppression_del(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_suppression_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_alias_add(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_alias_del(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_alias_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_ban_add(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_ban_del(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_ban_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_dkim_new(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_dkim_rotate(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_dkim_activate(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_dkim_del(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_dkim_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_domain_add(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_domain_del(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_domain_set(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_domain_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_mailbox_facts(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_mailbox_show(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_mailbox_envelope(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_mailbox_expunge(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_mailbox_expunged(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_mailbox_move(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_mailbox_undelete(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_fsck_orphans(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_store_status(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_store_scrub(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_store_compact(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_backup_moment(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_backup_end(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_remote_open(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_remote_which(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_remote_recognise(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_remote_note(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_queue_list(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_explain_rcpt(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_queue_order(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_who(struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_kick(struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_mailbox_index(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);
enum status verb_mailbox_read(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err);

/* The maildrop of "address" and "folder": inbox, if it is not said, or junk. */
enum status request_maildrop(struct office *o, const json_t *q, uint64_t *id, struct err *err);
/* "retention_days" of a request, if it is given: as account.h has it. */
enum status request_retention(const json_t *q, bool *given, int64_t *days, struct err *err);
struct dkim_row;
/* "prepared", "signing", "retired", or "broken": it cannot be read, so it signs nothing. */
struct str office_dkim_state(const struct dkim_row *k);
/* The string member of a request; ST_USAGE when it is not there. */
enum status request_str(const json_t *q, const char *name, struct str *out, struct err *err);
/* JSON of text that may hold any octets: what is not UTF-8 becomes U+FFFD. */
json_t *json_text(struct str s);
/* "2026-11-22T03:00:00Z" */
json_t *json_time(int64_t wall_ms);

#endif
