/* Verbs of the store's room. */
#include "base/clock.h"
#include "daemon/office_verbs.h"
#include "daemon/scrub.h"

enum status verb_store_status(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct store_space space;
	enum status status = store_local_space(o->store, &space, err);

	json_t *row;

	(void)q;
	if (status != ST_OK)
		return status;
	row = json_pack("{s:I, s:I, s:I, s:b}", "segments", (json_int_t)space.segments, "octets",
		(json_int_t)space.journal_octets, "given_back", (json_int_t)space.given_back,
		"compacting", (int)space.compacting);
	scrub_tell(o->scrub, row);
	r->row(r, row);
	return ST_OK;
}

/* Beside a server it is done in the background, else now. */
enum status verb_store_compact(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	bool all = json_is_true(json_object_get(q, "all"));

	o->compact = all ? COMPACT_ALL : COMPACT_WORTH;
	while (!o->served && store_local_compact(o->store, all)) {
		store_flush(o->store);
		if (store_local_busy(o->store))
			store_wait(o->store);
	}
	return verb_store_status(o, q, r, err);
}

/* The same. */
enum status verb_store_scrub(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	scrub_ask(o->scrub, !o->served || json_is_true(json_object_get(q, "fast")));
	while (scrub_slice(o->scrub, clock_steady_ms()) >= 0 && !o->served)
		;
	return verb_store_status(o, q, r, err);
}

/* {"home": one of STORE_HOMES directories} -> {"files", "octets"}: a little at a time, so that nobody waits for it. */
enum status verb_fsck_orphans(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	json_int_t home = json_integer_value(json_object_get(q, "home"));
	struct store_orphans found;

	if (home < 0 || home >= STORE_HOMES)
		return err_set(err, ST_USAGE, "the request's \"home\" is malformed");
	if (store_local_remove_orphans(o->store, (unsigned)home, &found) != STORE_OK)
		return err_set(err, ST_TEMP, "the store cannot say now: the log says why");
	r->row(r, json_pack("{s:I, s:I}", "files", (json_int_t)found.files, "octets",
			  (json_int_t)found.octets));
	return ST_OK;
}
