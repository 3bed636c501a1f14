/* restante mailbox export */
#include <stdlib.h>
#include <sysexits.h>

#include "base/list.h"
#include "base/msgid.h"
#include "cmd/cmd.h"
#include "cmd/export_file.h"
#include "cmd/progress.h"
#include "daemon/control.h"

struct exporter {
	struct cmd *cmd;
	struct control_session *session;
	struct office_reply reply;
	struct export out;
	struct progress progress;
	struct buf index, octets; /* lines "ID UIDL"; a piece of a message */
	struct buf *into;
	json_t *row;
	uint64_t messages, written, gone, damaged, total_octets;
};

static void on_octets(struct office_reply *r, struct str octets)
{
	buf_put(LIST_OF(r, struct exporter, reply)->into, octets);
}

static void on_row(struct office_reply *r, json_t *row)
{
	struct exporter *x = LIST_OF(r, struct exporter, reply);

	json_decref(x->row);
	x->row = row;
}

static json_int_t number(const struct exporter *x, const char *name)
{
	return json_integer_value(json_object_get(x->row, name));
}

static enum status read_piece(struct exporter *x, struct str id, json_int_t offset, struct err *err)
{
	json_t *q = json_pack("{s:s, s:s, s:s%, s:I}", "verb", "mailbox.read", "address",
		x->cmd->args[0], "id", id.p, id.n, "offset", offset);
	enum status status;

	buf_clear(&x->octets);
	x->into = &x->octets;
	status = control_ask(x->session, q, &x->reply, err);
	json_decref(q);
	return status;
}

/* One message that cannot be read keeps back none of the others. */
static void note_damaged(struct exporter *x, struct str uidl, const char *why)
{
	progress_clear(&x->progress);
	fprintf(stderr, "restante: %.*s: %s: left out\n", STR_ARG(uidl), why);
	x->damaged++;
}

/* A message that was deleted since the index was made is no error. */
static enum status export_one(struct exporter *x, struct str id, struct str uidl, struct err *err)
{
	struct err why = { ST_OK, "" };
	enum status status = read_piece(x, id, 0, &why);
	json_int_t total = number(x, "octets"), received = number(x, "received"), next;
	const json_t *sender = json_object_get(x->row, "sender");

	if (status == ST_NOTFOUND) {
		x->gone++;
		return ST_OK;
	}
	if (status == ST_CORRUPT) {
		note_damaged(x, uidl, why.text);
		return ST_OK;
	}
	if (status != ST_OK)
		return err_set(err, status, "%.*s: %s", STR_ARG(uidl), why.text);
	status = export_message(&x->out,
		str_of(json_string_value(sender), json_string_length(sender)), received, id, err);
	while (status == ST_OK) {
		export_octets(&x->out, buf_str(&x->octets));
		next = number(x, "next");
		if (next >= total)
			break;
		status = x->octets.len == 0
				 ? err_set(&why, ST_CORRUPT, "it ends early: run restante fsck")
				 : read_piece(x, id, next, &why);
		if (status == ST_CORRUPT) {
			note_damaged(x, uidl, why.text);
			return export_message_drop(&x->out, err);
		}
		if (status != ST_OK)
			(void)err_set(err, status, "%.*s: %s", STR_ARG(uidl), why.text);
	}
	if (status == ST_OK)
		status = export_message_end(&x->out, id, uidl, received, err);
	x->written++;
	x->total_octets += (uint64_t)total;
	return status;
}

static enum status export_all(struct exporter *x, bool maildir, struct err *err)
{
	struct str rest = buf_str(&x->index);
	enum status status;

	for (size_t i = 0; i < rest.n; i++)
		x->messages += rest.p[i] == '\n';
	progress_begin(&x->progress, x->messages);
	status = export_begin(&x->out, x->cmd->args[1], maildir, x->messages, err);
	while (status == ST_OK && rest.n > 0) {
		struct str uidl = str_cut(&rest, '\n'), id = str_cut(&uidl, ' ');

		status = export_one(x, id, uidl, err);
		progress_at(&x->progress, x->written + x->gone + x->damaged, x->written);
	}
	progress_clear(&x->progress);
	if (status == ST_OK)
		status = export_finish(&x->out, err);
	export_end(&x->out);
	return status;
}

static void summary(const struct exporter *x)
{
	if (cmd_has(x->cmd, OPTION_JSON))
		printf("{\"messages\":%llu,\"octets\":%llu,\"gone\":%llu,\"damaged\":%llu}\n",
			(unsigned long long)x->written, (unsigned long long)x->total_octets,
			(unsigned long long)x->gone, (unsigned long long)x->damaged);
	else
		printf("%llu messages in %s\n", (unsigned long long)x->written, x->cmd->args[1]);
}

static enum status read_index(struct exporter *x, struct err *err)
{
	json_t *q = json_pack("{s:s, s:s}", "verb", "mailbox.index", "address", x->cmd->args[0]);
	enum status status;

	x->into = &x->index;
	status = control_ask(x->session, q, &x->reply, err);
	json_decref(q);
	return status;
}

/* A path that ends as mboxes do says that much by itself. */
static bool take_format(const struct cmd *c, bool *maildir)
{
	struct str format = str_c(c->value[OPTION_FORMAT]), path = str_c(c->args[1]);
	bool mbox = str_eq(format, STR("mboxrd")) || str_eq(format, STR("mbox"));

	*maildir = cmd_has(c, OPTION_FORMAT)
			   ? !mbox
			   : !str_ends(path, STR(".mbox")) && !str_ends(path, STR(".mboxrd"));
	return mbox || !cmd_has(c, OPTION_FORMAT) || str_eq(format, STR("maildir"));
}

int cmd_mailbox_export(struct cmd *c)
{
	struct exporter x = { .cmd = c, .reply = { .row = on_row, .octets = on_octets } };
	bool maildir;
	struct err err = { ST_OK, "" };
	enum status status;

	if (!take_format(c, &maildir))
		return cmd_fail(c, EX_USAGE, "--format is maildir or mboxrd");
	if (state_check_version(c->state, &err) != ST_OK)
		return cmd_fail(c, err.code == ST_USAGE ? EX_CONFIG : err_exit_code(err.code), "%s",
			err.text);
	x.session = control_open(c->state, &err);
	if (x.session == NULL)
		return cmd_fail_err(c, &err);
	control_between_calls(x.session);
	buf_init(&x.index, 0);
	buf_init(&x.octets, 0);
	status = read_index(&x, &err);
	if (status == ST_OK)
		status = export_all(&x, maildir, &err);
	control_close(x.session);
	buf_deinit(&x.index);
	buf_deinit(&x.octets);
	json_decref(x.row);
	if (status != ST_OK)
		return cmd_fail_err(c, &err);
	summary(&x);
	if (x.damaged > 0)
		return cmd_fail(c, EX_DATAERR, "%llu damaged messages are not in it",
			(unsigned long long)x.damaged);
	return output_end(c);
}
