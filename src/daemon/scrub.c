#include "daemon/scrub.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/office_verbs.h"
#include "store/check.h"

enum { SLICE_MS = 100, FAST_OCTETS = 1 << 20, FAST_MS = 5, SHOWN = 100, FIRST_MS = 60 * 1000 };

struct scrub {
	struct office *office; /* not owned */
	char *path;
	struct check *check; /* NULL: no run is under way */
	bool asked, fast;
	int64_t not_before_ms; /* a start has other work */
	int64_t begun_ms;      /* clock_steady_ms() */
	uint64_t damaged;      /* of this run, also before a restart */
	uint64_t saved;        /* segment */
	json_t *damage;        /* its first lines */
	json_t *kept;          /* what the file says: of the last run, and where one goes on */
};

struct scrub *scrub_open(struct office *o)
{
	struct scrub *s = NEW(struct scrub);

	s->office = o;
	s->not_before_ms = clock_steady_ms() + FIRST_MS;
	if (asprintf(&s->path, "%s/scrub.json", o->dir) < 0)
		abort();
	s->damage = json_array();
	s->kept = json_load_file(s->path, 0, NULL);
	if (!json_is_object(s->kept)) {
		json_decref(s->kept);
		s->kept = json_object();
	}
	return s;
}

void scrub_close(struct scrub *s)
{
	if (s == NULL)
		return;
	check_close(s->check);
	json_decref(s->damage);
	json_decref(s->kept);
	free(s->path);
	free(s);
}

static int64_t kept(const struct scrub *s, const char *name)
{
	return json_integer_value(json_object_get(s->kept, name));
}

/* Lost by a power cut it costs another run, so nothing is synced. */
static void save(struct scrub *s)
{
	char *fresh;

	if (asprintf(&fresh, "%s.new", s->path) < 0)
		abort();
	if (json_dump_file(s->kept, fresh, JSON_COMPACT) != 0 || rename(fresh, s->path) != 0)
		log_warn("scrub.save", F_C("err", "scrub.json cannot be written"));
	free(fresh);
}

static void on_found(void *arg, const struct check_finding *f)
{
	struct scrub *s = arg;
	char id[MSGID_TEXT + 1] = "", *line;
	struct buf text;

	buf_init(&text, 0);
	check_text(f, &text);
	line = buf_steal_c(&text);
	if (f->has_id)
		msgid_text(f->id, id);
	log_error("scrub.damage", F_C("qid", id), F_INT("segment", f->segment),
		F_INT("from", f->from), F_C("err", line),
		F_C("do", "bring it back with restante restore --message; check the disk"));
	s->damaged++;
	if (json_array_size(s->damage) < SHOWN)
		json_array_append_new(s->damage, json_string(line));
	free(line);
}

static bool begin(struct scrub *s, int64_t steady_ms)
{
	struct check_source source = { .disk = s->office->disk,
		.dir = s->office->dir,
		.store = s->office->store,
		.from = (uint64_t)kept(s, "from"),
		.found = on_found,
		.arg = s };
	const json_t *before = json_object_get(s->kept, "partial");
	struct err err = { ST_OK, "" };

	s->asked = false;
	s->check = check_open(&source, &err);
	s->begun_ms = source.from > 0 ? kept(s, "begun") : steady_ms;
	s->damaged = source.from > 0 ? (uint64_t)kept(s, "partial_damaged") : 0;
	json_array_clear(s->damage);
	if (source.from > 0 && json_is_array(before))
		json_array_extend(s->damage, (json_t *)(uintptr_t)before);
	s->saved = source.from;
	if (s->check == NULL) { /* tried again when it would be time for the next */
		log_error("scrub.failed", F_C("err", err.text));
		json_object_set_new(s->kept, "last", json_integer(steady_ms));
		return false;
	}
	log_info("scrub.begun", F_INT("segment", source.from));
	return true;
}

static void save_place(struct scrub *s)
{
	s->saved = check_report(s->check)->segment;
	json_object_set_new(s->kept, "from", json_integer((json_int_t)s->saved));
	json_object_set_new(s->kept, "begun", json_integer(s->begun_ms));
	json_object_set_new(s->kept, "partial_damaged", json_integer((json_int_t)s->damaged));
	json_object_set(s->kept, "partial", s->damage);
	save(s);
}

static void finish(struct scrub *s, int64_t steady_ms)
{
	const struct check_report *r = check_report(s->check);

	log_info("scrub.done", F_INT("segments", r->segments), F_INT("messages", r->messages),
		F_INT("octets", r->octets), F_INT("damaged", s->damaged),
		F_INT("ms", steady_ms - s->begun_ms));
	json_decref(s->kept);
	s->kept = json_pack("{s:I, s:I, s:O}", "last", (json_int_t)steady_ms, "damaged",
		(json_int_t)s->damaged, "damage", s->damage);
	save(s);
	check_close(s->check);
	s->check = NULL;
	s->fast = false;
}

static bool is_due(const struct scrub *s, int64_t steady_ms)
{
	int64_t interval = s->office->config->scrub_interval_ms;

	if (s->asked || steady_ms < s->not_before_ms)
		return s->asked;
	return kept(s, "from") > 0 || (interval > 0 && steady_ms - kept(s, "last") >= interval);
}

int64_t scrub_slice(struct scrub *s, int64_t steady_ms)
{
	uint64_t rate = (uint64_t)s->office->config->scrub_rate, before, wait_ms;

	if (s->check == NULL && !(is_due(s, steady_ms) && begin(s, steady_ms)))
		return -1;
	before = check_report(s->check)->octets;
	if (!check_step(s->check, s->fast ? FAST_OCTETS : rate * SLICE_MS / 1000)) {
		finish(s, steady_ms);
		return -1;
	}
	if (check_report(s->check)->segment != s->saved)
		save_place(s);
	/* A message is looked at whole: the rate holds by a longer rest. */
	wait_ms = (check_report(s->check)->octets - before) * 1000 / rate;
	return s->fast ? FAST_MS : wait_ms > SLICE_MS ? (int64_t)wait_ms : SLICE_MS;
}

void scrub_ask(struct scrub *s, bool fast)
{
	s->asked = true;
	s->fast |= fast;
}

bool scrub_is_wanted(const struct scrub *s)
{
	return s->asked || s->check != NULL;
}

void scrub_tell(const struct scrub *s, json_t *row)
{
	const struct check_report *r = s->check == NULL ? NULL : check_report(s->check);
	const json_t *damage = json_object_get(s->kept, "damage");

	json_object_set_new(
		row, "scrubbed", kept(s, "last") > 0 ? json_time(kept(s, "last")) : json_null());
	json_object_set_new(row, "scrubbing",
		r == NULL ? json_null()
			  : json_sprintf("%d%%",
				    (int)(r->octets * 100 / (r->total > 0 ? r->total : 1))));
	json_object_set_new(row, "damaged",
		json_integer(r != NULL ? (json_int_t)s->damaged : kept(s, "damaged")));
	json_object_set_new(row, "damage",
		r != NULL               ? json_deep_copy(s->damage)
		: json_is_array(damage) ? json_deep_copy(damage)
					: json_array());
}
