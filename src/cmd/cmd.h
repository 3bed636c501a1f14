/* cmd.h -- the command line: one table of commands and one of options give dispatch, help,
 * completion and the check of the manual.
 *
 * A command gets a struct cmd with its options and arguments checked for number and kind, and
 * returns a sysexits code.  What went wrong is one line on standard error that says what to do. */
#ifndef RESTANTE_CMD_CMD_H
#define RESTANTE_CMD_CMD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "base/str.h"

/* In the order of options[]. */
enum option_id {
	OPTION_STATE,
	OPTION_JSON,
	OPTION_HELP,
	OPTION_DOMAIN,
	OPTION_HOSTNAME,
	OPTION_PORT_OFFSET,
	OPTION_PASSWORD_STDIN,
	OPTION_REBUILD,
	OPTION_REPAIR,
	OPTION_HASH,
	OPTION_QUOTA_BYTES,
	OPTION_QUOTA_MESSAGES,
	OPTION_NAME,
	OPTION_SCOPE,
	OPTION_EXPIRES,
	OPTION_ALIAS_OF,
	OPTION_FORMAT,
	OPTION_UIDL_FORMAT,
	OPTION_FOLDERS,
	OPTION_UIDL,
	OPTION_SINCE,
	OPTION_ALL,
	OPTION_EXPUNGED,
	OPTION_NOW,
	OPTION_RETENTION_DAYS,
	OPTION_OVER_QUOTA,
	OPTION_FROM,
	OPTION_FOLDER,
	OPTION_HAND_OUT,
	OPTION_SELECTOR,
	OPTION_AFTER,
	OPTION_ACTIVATE,
	OPTION_WITH_KEYS,
	OPTION_SEGMENTS,
	OPTION_MESSAGE,
	OPTION_ACCOUNT,
	OPTION_TO,
	OPTION_CHECK,
	OPTION_RESOLVER,
	OPTION_DRY_RUN,
	OPTION_SENDER,
	OPTION_RECIPIENT,
	OPTION_OLDER_THAN,
	OPTION_ERROR,
	OPTION_HELD,
	OPTION_HEADER,
	OPTION_READ_RECIPIENTS,
	OPTION_READ_ENVELOPE_FROM,
	OPTION_SERVERINFO,
	OPTION_OUTBOX,
	OPTION_RUN,
	OPTION_IP,
	OPTION_SIZE,
	OPTION_FIELD,
	OPTION_AUTH,
	OPTION_YES,
	OPTION_DAEMON,
	OPTION_FULL,
	OPTION_INTERVAL,
	OPTION_NO_LOGIN,
	OPTION_PASSWORD_FILE,
	OPTION_PASSWORD_COMMAND,
	OPTION_TOKEN_COMMAND,
	OPTION_CA_FILE,
	OPTION_PORT,
	OPTION_TLS,
	OPTION_USER,
	OPTION_INSECURE,
	OPTION_TIMEOUT,
	OPTION_STOP_AFTER,
	OPTION_SEND,
	OPTION_RAW,
	OPTION_BARE_LF,
	OPTION_PIPELINING,
	OPTION_DROP,
	OPTION_DATA,
	OPTION_SHOW_SECRETS,
	OPTION_WRITE,
	OPTION_IDLE,
	OPTION_IMPORT_FETCHMAIL,
	OPTION_IMPORT_IDFILE,
	OPTION_IMPORT_GETMAIL,
	OPTION_IMPORT_MPOP,
	OPTION_IMPORT_MSMTP,
	OPTION_DSN_NOTIFY,
	OPTION_DSN_RETURN,
	OPTION_HOST,
	OPTION_COUNT,
};

struct option {
	const char *name;  /* "state": written --state */
	const char *value; /* "DIR"; NULL: a flag */
	const char *help;
};
extern const struct option options[OPTION_COUNT];

struct cmd;

struct command {
	const char *name; /* "account add" */
	const char *usage;
	const char *options; /* their names, separated by spaces; --help besides */
	int min, max;        /* arguments; max -1: any number */
	int (*run)(struct cmd *c);
	const char *help;
};
extern const struct command commands[];
extern const size_t commands_count;

struct cmd {
	const struct command *row;
	const char *value[OPTION_COUNT]; /* NULL: not given; of a flag "" */
	const char *state;               /* --state, or where it is without */
	char **args;
	int nargs;
};

static inline bool cmd_has(const struct cmd *c, enum option_id id)
{
	return c->value[id] != NULL;
}

/* May this command have it? */
bool command_takes(const struct command *row, enum option_id id);

/* Takes options out of argv[0 .. argc) wherever they stand ("--" ends them), leaves arguments.
 * EX_OK, or EX_USAGE after it was told. */
int cmd_options(struct cmd *c, int argc, char **argv);
/* c->state, as far as the environment says. */
void cmd_find_state(struct cmd *c);

/* "restante: account add: TEXT"; returns code. */
int cmd_fail(const struct cmd *c, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int cmd_fail_err(const struct cmd *c, const struct err *err);

/* ---- call.c: verbs ---- */

struct cmd_result {
	json_t *rows;                                 /* array; json_decref() */
	void (*octets)(void *arg, struct str octets); /* NULL: none are expected */
	void *arg;
};
/* Sends the request (the reference is taken) and collects its rows.  A sysexits code, already told. */
int cmd_call(struct cmd *c, json_t *request, struct cmd_result *result);
/* What a request came to: ST_USAGE is the configuration's fault when that cannot be read, and EX_CONFIG then. */
int cmd_tell(struct cmd *c, const struct err *err);
/* The same for verbs without rows. */
int cmd_do(struct cmd *c, json_t *request);
/* And for those whose answer is a listing: it is written out as well. */
struct column;
int cmd_rows(struct cmd *c, json_t *request, const struct column *columns, size_t n);
/* Rows that the server gives part by part: behind all but the last part a row {"after": where the next begins}, with which it
 * is asked again. */
int cmd_pages(struct cmd *c, json_t *request, const struct column *columns, size_t n);

/* A request about the mailbox of the first argument, in the folder of --folder. */
json_t *cmd_mailbox_request(const struct cmd *c, const char *verb);

/* ---- output.c ---- */

struct column {
	const char *key, *title;
	bool right; /* numbers */
};
/* Rows as a JSON array, as an aligned table on a terminal, or as lines of tab-separated fields. */
void output_rows(const struct cmd *c, const json_t *rows, const struct column *columns, size_t n);
/* The same page by page: the first begins a JSON array, output_last() ends it.  Pages are aligned each for
 * itself. */
void output_page(const struct cmd *c, const json_t *rows, bool first, const struct column *columns,
	size_t n);
void output_last(const struct cmd *c, bool first);
bool output_colour(int fd);
/* Standard output is written out: EX_OK, or EX_IOERR after it was told. */
int output_end(const struct cmd *c);

/* ---- value.c: what people write ---- */

/* "500M", "1000"; "default" and "none" as account.h's QUOTA_*. */
bool value_quota(struct str text, bool octets, int64_t *out);
bool value_octets(struct str text, int64_t *out); /* "200000", "20M" */
/* Puts --retention-days into a request; EX_OK, or what was told. */
int cmd_retention(struct cmd *c, json_t *q);
/* "30d", "12h", "90m", "10s". */
bool value_duration(struct str text, int64_t *ms);
/* Such a time from now on, or "2027-01-31", or "2027-01-31T12:00:00Z": wall clock. */
bool value_moment(struct str text, int64_t *wall_ms);

/* ---- help.c ---- */

void help_all(FILE *to);
void help_command(const struct command *row);
/* Of `name` ("account"): its commands. */
void help_group(FILE *to, struct str group);

/* ---- init.c ---- */

/* An empty state directory: made, or there already; anything else is refused. */
int cmd_make_state(struct cmd *c);
bool cmd_has_office(const struct cmd *c);
/* An office for who only fetches and sends: as `restante init` makes it, with the directories above it. */
int cmd_make_home(struct cmd *c);
/* That there is an office: made when its restante.conf is all there is. */
int cmd_need_home(struct cmd *c);
/* tls/cert.pem and tls/key.pem below a state directory: self-signed. */
enum status cmd_make_keys(int dir, const char *hostname, const char *domain, struct err *err);

/* ---- the commands ---- */

int cmd_help(struct cmd *c);
int cmd_version(struct cmd *c);
int cmd_completion(struct cmd *c);
int cmd_init(struct cmd *c);
int cmd_serve(struct cmd *c);
int cmd_account_add(struct cmd *c);
int cmd_account_set(struct cmd *c);
int cmd_account_del(struct cmd *c);
int cmd_app_password_add(struct cmd *c);
int cmd_app_password_del(struct cmd *c);
int cmd_app_password_list(struct cmd *c);
int cmd_cert_add(struct cmd *c);
int cmd_cert_del(struct cmd *c);
int cmd_cert_list(struct cmd *c);
int cmd_account_passwd(struct cmd *c);
int cmd_account_list(struct cmd *c);
int cmd_account_show(struct cmd *c);
int cmd_account_disable(struct cmd *c);
int cmd_account_enable(struct cmd *c);
int cmd_account_capture(struct cmd *c);
int cmd_account_correspondents(struct cmd *c);
int cmd_alias_add(struct cmd *c);
int cmd_alias_del(struct cmd *c);
int cmd_alias_list(struct cmd *c);
int cmd_suppression_del(struct cmd *c);
int cmd_suppression_list(struct cmd *c);
int cmd_ban_add(struct cmd *c);
int cmd_ban_del(struct cmd *c);
int cmd_ban_list(struct cmd *c);
int cmd_dkim_new(struct cmd *c);
int cmd_dkim_rotate(struct cmd *c);
int cmd_dkim_del(struct cmd *c);
int cmd_dkim_dns(struct cmd *c);
int cmd_dkim_list(struct cmd *c);
int cmd_dns(struct cmd *c);
int cmd_domain_add(struct cmd *c);
int cmd_domain_del(struct cmd *c);
int cmd_domain_set(struct cmd *c);
int cmd_domain_list(struct cmd *c);
int cmd_mailbox_list(struct cmd *c);
int cmd_mailbox_show(struct cmd *c);
int cmd_mailbox_envelope(struct cmd *c);
int cmd_mailbox_import(struct cmd *c);
int cmd_mailbox_export(struct cmd *c);
int cmd_mailbox_expunged(struct cmd *c);
int cmd_mailbox_move(struct cmd *c);
int cmd_mailbox_undelete(struct cmd *c);
int cmd_store_status(struct cmd *c);
int cmd_store_scrub(struct cmd *c);
int cmd_store_compact(struct cmd *c);
int cmd_backup(struct cmd *c);
int cmd_backup_verify(struct cmd *c);
int cmd_restore(struct cmd *c);
int cmd_status(struct cmd *c);
int cmd_who(struct cmd *c);
int cmd_kick(struct cmd *c);
int cmd_config_check(struct cmd *c);
int cmd_config_show(struct cmd *c);
int cmd_config_defaults(struct cmd *c);
int cmd_fsck(struct cmd *c);
int cmd_fetch(struct cmd *c);
int cmd_lab_check_pop3(struct cmd *c);
int cmd_lab_pop3(struct cmd *c);
int cmd_lab_smtp(struct cmd *c);
int cmd_list(struct cmd *c);
int cmd_search(struct cmd *c);
int cmd_show(struct cmd *c);
int cmd_save(struct cmd *c);
int cmd_queue_list(struct cmd *c);
int cmd_queue_show(struct cmd *c);
int cmd_queue_order(struct cmd *c);
int cmd_read(struct cmd *c);
int cmd_queue_retry_all(struct cmd *c);
int cmd_sendmail(struct cmd *c); /* takes its words as they are */
int cmd_submit(struct cmd *c);
int cmd_trace(struct cmd *c);
int cmd_send(struct cmd *c);
int cmd_explain_rcpt(struct cmd *c);
int cmd_setup(struct cmd *c);
int cmd_provider_list(struct cmd *c);
int cmd_provider_show(struct cmd *c);
int cmd_provider_test(struct cmd *c);

#endif
