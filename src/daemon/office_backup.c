/* Verbs of a backup: the moment it is of.  The client copies the files itself; what only the office
 * can do is to say how far the journal is durable and what the accounts are at that same instant. */
#include <stdio.h>
#include <stdlib.h>

#include "account/copy.h"
#include "daemon/office_verbs.h"

/* "begin": from the beginning, whoever else is at it; then again and again until "done". */
enum status verb_backup_moment(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	enum status status;
	uint64_t segment, end;
	char *path;

	if (json_is_true(json_object_get(q, "begin"))) {
		if (asprintf(&path, "%s/" OFFICE_ACCOUNTS_COPY, o->dir) < 0)
			abort();
		directory_copy_end(o->accounts_copy);
		o->accounts_copy = directory_copy_begin(o->directory, path, err);
		free(path);
		if (o->accounts_copy == NULL)
			return ST_IO;
	}
	if (o->accounts_copy == NULL)
		return err_set(err, ST_TEMP, "the server was started anew meanwhile: try again");
	status = directory_copy_step(o->accounts_copy, err);
	if (status != ST_OK && status != ST_MORE)
		return status;
	store_local_end(o->store, &segment, &end);
	r->row(r, json_pack("{s:b, s:I, s:I}", "done", (int)(status == ST_OK), "segment",
			  (json_int_t)segment, "end", (json_int_t)end));
	return ST_OK;
}

/* The copy of the accounts is not needed any more. */
enum status verb_backup_end(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	(void)q;
	(void)r;
	(void)err;
	directory_copy_end(o->accounts_copy);
	o->accounts_copy = NULL;
	return ST_OK;
}
