/* The process that holds the mail: accounts, maildrops, drafts.  It reads packets of edges and
 * requests of administrators, and has no socket of its own. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/child.h"
#include "daemon/control.h"
#include "daemon/kept_bans.h"
#include "daemon/retention.h"
#include "daemon/sandbox.h"
#include "daemon/scrub.h"
#include "daemon/shared.h"
#include "daemon/svc_queue.h"
#include "daemon/svc_token.h"

enum {
	LOGINS_MS = 60 * 1000,
	SWEEP_MS = 3600 * 1000,
	SLICE_MS = 50,
	FIRST_SWEEP_MS = 2000,
	SCRUB_LOOK_MS = 60 * 1000, /* whether it is time for the next */
	COMPACT_EACH_MS = 6 * 3600 * 1000,
	SIGNERS = 2, /* threads */
};

struct storesvc {
	struct svc svc;
	struct ipc *leash;
	struct shared *shared;
	struct svc_tokens tokens;
	struct control *control;
	struct loop_io store_io, authenticator_io, signer_io;
	struct retention retention;
	struct loop_timer compact, scrub;
	bool compacting;
	bool scrubbing;
	struct loop_timer sweep;   /* of old mail */
	struct loop_timer leisure; /* what nobody waits for goes to disk; */
	int64_t leisure_at_ms;     /* 0: it is not armed */
	struct loop_timer logins;  /* last logins are written now and then, not at each */
};

/* Accounts, domains or the configuration may say something else now. */
static void publish_expire(struct storesvc *s)
{
	bool differs;
	int64_t least = retention_least(&s->svc.office, &differs);

	shared_set_expire(s->shared, least, differs);
}

static void take_config(struct storesvc *s, struct ipc_packet *p)
{
	uint64_t n = get_u64(&p->body);
	const char *text = n == 0 ? "" : ipc_map(p->fd, n);
	struct config *config = NULL;
	struct err err = { 0 };

	if (text == NULL)
		err_set(&err, ST_IO, "its text: %s", strerror(errno));
	else
		config = config_parse(str_of(text, n), "restante.conf", &err);
	if (text != NULL && n > 0)
		munmap((void *)(uintptr_t)text, n);
	if (config == NULL) {
		log_error("store.config", F_C("err", err.text));
		return;
	}
	config_free(s->svc.office.config);
	s->svc.office.config = config;
	s->svc.disk_look_ms = 0;
	directory_count_changes(s->svc.office.directory, s->svc.changes);
	svc_queue_configure(&s->svc);
	directory_drop_characters(
		s->svc.office.directory, str_c(s->svc.office.config->drop_characters));
	authenticator_upgrade(s->svc.authenticator, config->password_upgrade);
}

static void from_parent(void *owner, struct ipc_packet *p)
{
	struct storesvc *s = owner;

	switch ((enum leash_type)p->head.type) {
	case LEASH_CHANNEL:
		if (p->fd >= 0) {
			svc_add_edge(&s->svc, p->fd, get_u32(&p->body));
			return;
		}
		break;
	case LEASH_CARRIER:
		if (p->fd >= 0) {
			svc_add_carrier(&s->svc, p->fd, get_u32(&p->body));
			return;
		}
		break;
	case LEASH_CONFIG: take_config(s, p); break;
	case LEASH_TOKENS: svc_tokens_socket(&s->tokens, p->fd); return;
	case LEASH_STOP: loop_stop(s->svc.loop); break;
	case LEASH_READY:
	case LEASH_SECRET:
	case LEASH_WEB:
	case LEASH_DRAIN:
	case LEASH_TICKETS: break; /* not for the store */
	}
	if (p->fd >= 0)
		close(p->fd);
}

static void parent_lost(void *owner)
{
	struct storesvc *s = owner;

	loop_stop(s->svc.loop);
}

static void store_ready(struct loop_io *io, int events)
{
	struct storesvc *s = LIST_OF(io, struct storesvc, store_io);

	(void)events;
	store_poll(s->svc.office.store);
}

static void authenticator_ready(struct loop_io *io, int events)
{
	struct storesvc *s = LIST_OF(io, struct storesvc, authenticator_io);

	(void)events;
	authenticator_poll(s->svc.authenticator);
}

static void signer_ready(struct loop_io *io, int events)
{
	struct storesvc *s = LIST_OF(io, struct storesvc, signer_io);

	(void)events;
	signer_poll(s->svc.signer);
}

static void write_logins(struct loop_timer *t)
{
	struct storesvc *s = LIST_OF(t, struct storesvc, logins);

	directory_flush_logins(s->svc.office.directory);
	kept_bans_save(&s->svc.office);
	svc_caps_save(&s->svc);
	loop_timer_at(t, loop_now_ms(s->svc.loop) + LOGINS_MS);
}

/* A slice now and then while a sweep goes on; a sweep each hour. */
static void sweep_on(struct loop_timer *t)
{
	struct storesvc *s = LIST_OF(t, struct storesvc, sweep);
	bool more;

	retention_begin(&s->retention);
	more = retention_slice(&s->retention, clock_steady_ms());
	loop_timer_at(t, loop_now_ms(s->svc.loop) + (more ? SLICE_MS : SWEEP_MS));
}

/* Now and then, and when somebody asked for it; goes on in slices. */
static void compact_on(struct loop_timer *t)
{
	struct storesvc *s = LIST_OF(t, struct storesvc, compact);
	struct office *o = &s->svc.office;

	s->compacting = store_local_compact(o->store, o->compact == COMPACT_ALL);
	if (!s->compacting)
		o->compact = COMPACT_NOT;
	loop_timer_at(t, loop_now_ms(s->svc.loop) + (s->compacting ? SLICE_MS : COMPACT_EACH_MS));
}

static void scrub_on(struct loop_timer *t)
{
	struct storesvc *s = LIST_OF(t, struct storesvc, scrub);
	int64_t wait_ms = scrub_slice(s->svc.office.scrub, clock_steady_ms());

	s->scrubbing = wait_ms >= 0;
	loop_timer_at(t, loop_now_ms(s->svc.loop) + (s->scrubbing ? wait_ms : SCRUB_LOOK_MS));
}

/* An administrator asked for it in this turn: no timer has to look whether one did. */
static void begin_what_was_asked(struct storesvc *s)
{
	if (s->svc.office.compact != COMPACT_NOT && !s->compacting)
		loop_timer_at(&s->compact, loop_now_ms(s->svc.loop));
	if (scrub_is_wanted(s->svc.office.scrub) && !s->scrubbing)
		loop_timer_at(&s->scrub, loop_now_ms(s->svc.loop));
}

static void flush_all(struct loop_timer *t)
{
	struct storesvc *s = LIST_OF(t, struct storesvc, leisure);

	s->leisure_at_ms = 0;
	store_flush(s->svc.office.store);
}

/* Everything that came in during this turn goes to disk with one sync. */
static void turn_end(void *arg)
{
	struct storesvc *s = arg;
	int64_t left_ms, at_ms;

	svc_queue_turn(&s->svc);
	left_ms = store_flush_waited(s->svc.office.store);
	at_ms = loop_now_ms(s->svc.loop) + left_ms;
	if (left_ms > 0 && (s->leisure_at_ms == 0 || at_ms < s->leisure_at_ms)) {
		s->leisure_at_ms = at_ms;
		loop_timer_at(&s->leisure, at_ms);
	}
	svc_reap(&s->svc);
	begin_what_was_asked(s);
	publish_expire(s);
	log_flush();
}

static bool start_service(
	struct storesvc *s, struct child_start *start, const char *dir, struct err *err)
{
	const struct config *c = start->config;

	if (office_open(&s->svc.office, dir, start->config, err) != ST_OK ||
		directory_prepare(s->svc.office.directory, err) != ST_OK)
		return false;
	s->shared = start->shared;
	s->svc.changes = shared_changes(start->shared);
	directory_count_changes(s->svc.office.directory, s->svc.changes);
	publish_expire(s);
	s->svc.office.bans = shared_bans(start->shared);
	kept_bans_load(&s->svc.office);
	s->svc.authenticator = authenticator_new(
		s->svc.office.directory, (unsigned)c->hash_threads, (size_t)c->hash_queue);
	authenticator_upgrade(s->svc.authenticator, c->password_upgrade);
	s->svc.signer = signer_new(s->svc.office.directory, SIGNERS);
	return sandbox_syscalls(SANDBOX_STORE, err) == ST_OK;
}

_Noreturn void store_process(struct child_start *start)
{
	struct storesvc *s = NEW(struct storesvc);
	struct err err = { 0 };
	struct ipc_head ready = { .type = LEASH_READY };
	struct buf now = { 0 };
	char root[4096];

	mem_tune();
	signal(SIGPIPE, SIG_IGN);
	snprintf(root, sizeof root, "%s/store", start->state);
	list_init(&s->svc.edges);
	list_init(&s->svc.carriers);
	list_init(&s->svc.waits);
	disk_real_prepare();
	setenv("SQLITE_TMPDIR", start->identity.drop ? "/" : root, 1); /* it sees no /tmp */
	if (sandbox_drop(&start->identity, root, &err) != ST_OK ||
		!start_service(s, start, start->identity.drop ? "/" : root, &err)) {
		log_error("store.failed", F_C("err", err.text));
		fprintf(stderr, "restante: %s\n", err.text);
		/* A full disk is to be tried again, unlike what somebody has to mend first. */
		_exit(err.code == ST_TEMP ? EX_TEMPFAIL : EX_CONFIG);
	}
	s->svc.loop = loop_new();
	svc_sessions_init(&s->svc);
	svc_caps_load(&s->svc);
	svc_queue_start(&s->svc);
	s->leash = ipc_new(s->svc.loop, start->leash, from_parent, parent_lost, s);
	svc_tokens_init(&s->tokens, s->svc.loop, s->leash);
	authenticator_tokens(s->svc.authenticator, &s->tokens.checker);
	s->control = control_serve(s->svc.loop, start->control_fd, start->admin, &s->svc.office);
	loop_io_init(&s->store_io, s->svc.loop, store_fd(s->svc.office.store), store_ready);
	loop_io_want(&s->store_io, LOOP_READ);
	loop_io_init(&s->authenticator_io, s->svc.loop, authenticator_fd(s->svc.authenticator),
		authenticator_ready);
	loop_io_want(&s->authenticator_io, LOOP_READ);
	loop_io_init(&s->signer_io, s->svc.loop, signer_fd(s->svc.signer), signer_ready);
	loop_io_want(&s->signer_io, LOOP_READ);
	loop_timer_init(&s->leisure, s->svc.loop, flush_all);
	loop_timer_init(&s->logins, s->svc.loop, write_logins);
	loop_timer_at(&s->logins, loop_now_ms(s->svc.loop) + LOGINS_MS);
	retention_init(&s->retention, &s->svc.office);
	loop_timer_init(&s->compact, s->svc.loop, compact_on);
	loop_timer_at(&s->compact, loop_now_ms(s->svc.loop) + COMPACT_EACH_MS);
	loop_timer_init(&s->scrub, s->svc.loop, scrub_on);
	loop_timer_at(&s->scrub, loop_now_ms(s->svc.loop) + SCRUB_LOOK_MS);
	loop_timer_init(&s->sweep, s->svc.loop, sweep_on);
	loop_timer_at(&s->sweep, loop_now_ms(s->svc.loop) + FIRST_SWEEP_MS);
	loop_at_turn_end(s->svc.loop, turn_end, s);
	put_u64(&now, (uint64_t)clock_steady_ms());
	ipc_send(s->leash, &ready, buf_str(&now), STR(""), -1);
	buf_deinit(&now);
	loop_run(s->svc.loop);
	/* Whoever still waits gets no answer, which promises nothing; what was begun is finished. */
	signer_free(s->svc.signer);
	svc_caps_save(&s->svc);
	svc_close(&s->svc);
	svc_queue_stop(&s->svc);
	control_stop(s->control);
	kept_bans_save(&s->svc.office);
	authenticator_free(s->svc.authenticator);
	office_close(&s->svc.office);
	retention_deinit(&s->retention);
	log_flush();
	_exit(0);
}
