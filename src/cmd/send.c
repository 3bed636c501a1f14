/* restante send */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/msgid.h"
#include "cmd/send.h"
#include "mime/address.h"
#include "mime/tree.h"
#include "proto/path.h"

static enum status read_input(struct buf *to, size_t max, struct err *err)
{
	ssize_t n = 1;

	buf_init(to, max);
	while (n != 0 && !to->full) {
		char *room = buf_reserve(to, 65536);

		n = room == NULL ? 0 : read(STDIN_FILENO, room, 65536);
		if (n > 0)
			buf_grew(to, (size_t)n);
		if (n < 0 && errno != EINTR)
			return err_set(err, ST_IO, "read the message: %s", strerror(errno));
	}
	if (to->full)
		return err_set(
			err, ST_LIMIT, "the message is longer than message_size_limit allows");
	if (to->len == 0)
		return err_set(err, ST_LIMIT, "there is no message on standard input");
	return ST_OK;
}

/* The first address of From. */
static void from_of(struct buf *out, struct str octets)
{
	struct address_list list = { .rest = mime_field(octets, STR("From")) };

	if (address_cut(&list, out) != ADDRESS_CUT)
		buf_clear(out);
}

static const struct config_remote *of_address(const struct config *config, struct str address)
{
	for (size_t i = 0; i < config->remote_count; i++)
		if (str_ieq(str_c(config->remotes[i].address), address))
			return &config->remotes[i];
	return NULL;
}

/* --account, else whose address the message is from, else the first. */
static const struct config_remote *choose(
	struct cmd *c, const struct config *config, struct str from, struct err *err)
{
	const struct config_remote *r = NULL;

	if (config->remote_count == 0) {
		err_set(err, ST_USAGE,
			"no remote is in %s/restante.conf to send through: restante setup ADDRESS "
			"makes one",
			c->state);
	} else if (cmd_has(c, OPTION_ACCOUNT)) {
		r = config_remote(config, str_c(c->value[OPTION_ACCOUNT]));
		if (r == NULL)
			err_set(err, ST_USAGE, "no remote %.64s in %s/restante.conf",
				c->value[OPTION_ACCOUNT], c->state);
	} else {
		r = of_address(config, from);
		r = r == NULL ? &config->remotes[0] : r;
	}
	return r;
}

static int usage(const struct cmd *c, const char *what, const char *arg)
{
	return cmd_fail(c, EX_USAGE, what, arg);
}

static int fill(struct cmd *c, const struct config *config, struct outgoing *m, struct str octets)
{
	const char *said = c->value[OPTION_FROM];
	struct err err = { ST_OK, "" };
	struct buf from = { 0 };
	struct path path;

	from_of(&from, octets);
	m->remote = choose(c, config, said != NULL ? str_c(said) : buf_str(&from), &err);
	m->name = cmd_has(c, OPTION_NAME) ? str_c(c->value[OPTION_NAME]) : STR("");
	if (said != NULL && !str_eq(str_c(said), STR("<>")))
		buf_put(&m->sender, str_c(said));
	else if (said == NULL && m->remote != NULL)
		buf_put(&m->sender, cmd_has(c, OPTION_READ_ENVELOPE_FROM) && from.len > 0
					    ? buf_str(&from)
					    : str_c(m->remote->address));
	buf_deinit(&from);
	if (m->remote == NULL)
		return cmd_fail(c, EX_CONFIG, "%s", err.text);
	if (m->sender.len > 0 && !path_mailbox(buf_str(&m->sender), &path))
		return usage(c, "--from: %.100s is no address", said != NULL ? said : "From");
	m->utf8 |= m->sender.len > 0 && path.utf8;
	for (int i = 0; i < c->nargs; i++)
		if (!outgoing_recipient(m, str_c(c->args[i])))
			return usage(c, "%.100s is no address", c->args[i]);
	if (outgoing_message(m, octets, config, cmd_has(c, OPTION_READ_RECIPIENTS), &err) != ST_OK)
		return cmd_fail(c, EX_DATAERR, "%s", err.text);
	if (json_array_size(m->recipients) == 0)
		return usage(c, "no recipients: name them, or take them out of the header with %s",
			"--read-recipients");
	return EX_OK;
}

/* RFC 3461 4.1, 4.3. */
static int take_dsn(struct cmd *c, struct outgoing *m)
{
	const char *notify = c->value[OPTION_DSN_NOTIFY], *ret = c->value[OPTION_DSN_RETURN];

	if (notify != NULL && !dsn_notify(str_c(notify), &m->notify))
		return usage(c,
			"--dsn-notify: %.40s is neither never nor some of success,failure,delay",
			notify);
	if (ret != NULL && !dsn_ret(str_c(ret), &m->ret))
		return usage(c, "--dsn-return: %.40s is neither full nor hdrs", ret);
	return EX_OK;
}

/* What would go where. */
static void print_outgoing(const struct cmd *c, const struct outgoing *m)
{
	const json_t *to;
	size_t i;

	if (cmd_has(c, OPTION_JSON)) {
		struct str from = buf_str(&m->sender);
		json_t *o = json_pack("{s:s, s:s%, s:O, s:I}", "remote", m->remote->name, "from",
			from.n > 0 ? from.p : "", from.n, "to", m->recipients, "octets",
			(json_int_t)m->message.len);

		json_dumpf(o, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(o);
		return;
	}
	printf("remote  %s\nfrom    <%.*s>\n", m->remote->name, STR_ARG(buf_str(&m->sender)));
	json_array_foreach(m->recipients, i, to) printf("to      <%s>\n", json_string_value(to));
	printf("octets  %zu\n", m->message.len);
}

static int queue_one(struct cmd *c, const struct config *config)
{
	struct outgoing m = { .recipients = json_array() };
	struct err err = { ST_OK, "" };
	char id[MSGID_TEXT + 1];
	struct buf octets;
	int code = EX_OK;

	if (read_input(&octets, (size_t)config->message_size_limit, &err) != ST_OK)
		code = cmd_fail_err(c, &err);
	if (code == EX_OK)
		code = take_dsn(c, &m);
	if (code == EX_OK)
		code = fill(c, config, &m, buf_str(&octets));
	if (code == EX_OK && cmd_has(c, OPTION_DRY_RUN)) {
		print_outgoing(c, &m);
		buf_deinit(&octets);
		outgoing_free(&m);
		return output_end(c);
	}
	if (code == EX_OK && outgoing_queue(c->state, &m, id, &err) != ST_OK)
		code = cmd_fail_err(c, &err);
	if (code == EX_OK && cmd_has(c, OPTION_JSON))
		printf("{\"id\": \"%s\"}\n", id);
	buf_deinit(&octets);
	outgoing_free(&m);
	/* It is safe now; that it cannot go out at once is no failure. */
	if (code == EX_OK && outbox_run(c, config, str_c(id)) == EX_UNAVAILABLE)
		code = EX_UNAVAILABLE;
	return code == EX_OK ? output_end(c) : code;
}

static int print_outbox(struct cmd *c)
{
	static const struct column columns[] = {
		{ "id", "ID", false },
		{ "state", "STATE", false },
		{ "recipient", "RECIPIENT", false },
		{ "attempts", "ATTEMPTS", true },
		{ "next", "NEXT", false },
		{ "reply", "REPLY", false },
	};
	json_t *rows;
	int code = outbox_rows(c, &rows);

	if (code == EX_OK) {
		output_rows(c, rows, columns, sizeof columns / sizeof *columns);
		code = output_end(c);
	}
	json_decref(rows);
	return code;
}

int cmd_send(struct cmd *c)
{
	bool run = cmd_has(c, OPTION_RUN), list = cmd_has(c, OPTION_OUTBOX),
	     info = cmd_has(c, OPTION_SERVERINFO);
	struct err err = { ST_OK, "" };
	const struct config_remote *remote;
	struct config *config;
	int code;

	if (run + list + info > 1 || ((run || list || info) && c->nargs > 0))
		return cmd_fail(c, EX_USAGE,
			"only one of --run, --outbox and --serverinfo, and no recipients with it");
	if (cmd_has(c, OPTION_HOST) && !info)
		return cmd_fail(c, EX_USAGE,
			"--host goes with --serverinfo: mail goes through a remote of "
			"restante.conf");
	if (cmd_has(c, OPTION_HOST))
		return send_serverinfo(c, NULL, NULL);
	code = cmd_need_home(c);
	if (code != EX_OK)
		return code;
	if (state_check_version(c->state, &err) != ST_OK)
		return cmd_fail(c, EX_CONFIG, "%s", err.text);
	if (list)
		return print_outbox(c);
	config = config_load(c->state, &err);
	if (config == NULL)
		return cmd_fail(c, EX_CONFIG, "%s", err.text);
	if (info) {
		remote = choose(c, config, STR(""), &err);
		code = remote == NULL ? cmd_fail(c, EX_CONFIG, "%s", err.text)
				      : send_serverinfo(c, config, remote);
	} else {
		code = run ? outbox_run(c, config, STR("")) : queue_one(c, config);
	}
	config_free(config);
	return code;
}
