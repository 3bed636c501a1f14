/* A maildrop session: lease, listing, octets, update. */
#include <stdlib.h>
#include <sys/mman.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/uidl.h"
#include "daemon/retention.h"
#include "daemon/svc.h"

enum { EXPUNGE_MAX = 64 * 1024 * 1024 }; /* octets of ids: four million messages */

static struct store *store_of(struct svc_session *x)
{
	return x->edge->svc->office.store;
}

static void opened(struct store_op *op, enum store_result result)
{
	struct svc_session *x = LIST_OF(op, struct svc_session, op.open_drop.op);
	struct buf body = { 0 };

	if (result == STORE_OK) {
		x->token = x->op.open_drop.token;
		x->opened_ms = loop_now_ms(x->edge->svc->loop);
	}
	put_u64(&body, x->op.open_drop.count);
	put_u64(&body, x->op.open_drop.octets);
	put_u64(&body, 0);
	put_u64(&body, result == STORE_OK ? svc_capture_begin(x) : 0);
	put_u64(&body, (uint64_t)retention_days(&x->edge->svc->office, x->account));
	svc_answer(x, result, buf_str(&body), STR(""), -1);
	buf_deinit(&body);
}

/* Seconds to wait, in the place of what an open maildrop has. */
static void delayed(struct svc_session *x, int64_t left_ms)
{
	struct buf body = { 0 };

	put_u64(&body, 0);
	put_u64(&body, 0);
	put_u64(&body, (uint64_t)(left_ms + 999) / 1000);
	svc_answer(x, STORE_BUSY, buf_str(&body), STR(""), -1);
	buf_deinit(&body);
}

bool svc_open(struct svc_session *x, struct reader *r)
{
	int64_t left_ms;

	if (r->rest.n > 0 || x->account == 0 || x->token != 0)
		return false;
	left_ms = svc_delay_left(x->edge->svc, x->account);
	if (left_ms > 0) {
		delayed(x, left_ms);
		return true;
	}
	x->op.open_drop = (struct store_open){ .op.done = opened, .maildrop = x->account };
	store_open(store_of(x), &x->op.open_drop);
	return true;
}

/* A mapping that nobody can change any more: the engine on the other side may trust that rows stay
 * what they were when it checked them. */
static int sealed(struct str rows, struct str uidls)
{
	int fd = memfd_create("listing", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct str parts[] = { rows, uidls };

	if (fd < 0)
		return -1;
	for (size_t i = 0; i < 2; i++)
		while (parts[i].n > 0) {
			ssize_t n = write(fd, parts[i].p, parts[i].n);

			if (n <= 0) {
				close(fd);
				return -1;
			}
			parts[i] = str_from(parts[i], (size_t)n);
		}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void listed(struct store_op *op, enum store_result result)
{
	struct svc_session *x = LIST_OF(op, struct svc_session, op.listing.op);
	struct store_listing l = x->op.listing;
	struct str uidls = str_of(l.uidls, l.uidls_len);
	struct str rows = str_of(l.rows, l.count * sizeof *l.rows);
	struct buf head = { 0 };
	int fd = -1;

	if (result == STORE_OK)
		uidl_unique(l.rows, l.count, uidls);
	put_u64(&head, l.count);
	put_u64(&head, l.uidls_len);
	if (result == STORE_OK && rows.n + uidls.n > IPC_CHUNK) {
		fd = sealed(rows, uidls);
		if (fd < 0)
			result = STORE_UNAVAILABLE;
	} else if (result == STORE_OK) {
		buf_put(&head, rows);
		buf_put(&head, uidls);
	}
	store_listing_free(&l);
	svc_answer(x, result, buf_str(&head), STR(""), fd);
	if (fd >= 0)
		close(fd);
	buf_deinit(&head);
}

bool svc_list(struct svc_session *x, struct reader *r)
{
	if (r->rest.n > 0 || x->token == 0)
		return false;
	x->op.listing = (struct store_listing){
		.op.done = listed, .maildrop = x->account, .token = x->token
	};
	store_list(store_of(x), &x->op.listing);
	return true;
}

static void packet_read(struct store_op *op, enum store_result result)
{
	struct svc_session *x = LIST_OF(op, struct svc_session, op.read.op);
	char *room = x->room;

	x->room = NULL;
	svc_answer(x, result, str_of(room, result == STORE_OK ? x->op.read.got : 0), STR(""), -1);
	free(room);
}

/* One after the other, until there is no room or no message left.  What cannot be read ahead is asked
 * for again when somebody wants it. */
static void window_read(struct store_op *op, enum store_result result)
{
	struct svc_session *x = LIST_OF(op, struct svc_session, op.read.op);
	struct svc_ahead *a = &x->ahead;
	struct buf lengths;

	if (result == STORE_OK) {
		put_u32(&a->lengths, (uint32_t)x->op.read.got);
		a->filled += x->op.read.got;
	}
	if (result == STORE_OK && a->ids.len > 0 && a->filled < WINDOW_SLOT) {
		x->op.read.offset = 0;
		x->op.read.want = WINDOW_SLOT - a->filled;
		x->op.read.to = a->to + a->filled;
		memcpy(x->op.read.id.b, buf_str(&a->ids).p, sizeof x->op.read.id.b);
		buf_consume(&a->ids, sizeof x->op.read.id.b);
		store_read(store_of(x), &x->op.read);
		return;
	}
	if (a->lengths.len > 0)
		result = STORE_OK;
	buf_release(&a->ids);
	lengths = a->lengths;
	a->lengths = (struct buf){ 0 };
	svc_answer(x, result, buf_str(&lengths), STR(""), -1);
	buf_deinit(&lengths);
}

bool svc_read(struct svc_session *x, struct reader *r)
{
	struct str id = get_bytes(r, sizeof(struct msgid));
	uint64_t offset = get_u64(r), want = get_u64(r);
	uint8_t slot = get_u8(r);
	struct str ids = get_bytes(r, r->rest.n);
	bool in_packet = slot == WINDOW_NONE;

	if (r->bad || x->token == 0 || ids.n % sizeof(struct msgid) != 0 ||
		ids.n / sizeof(struct msgid) > WINDOW_AHEAD || (in_packet && ids.n > 0) ||
		(!in_packet && (x->edge->window == NULL || slot >= WINDOW_SLOTS)))
		return false;
	if (in_packet) {
		want = want < IPC_CHUNK ? want : IPC_CHUNK;
		x->room = mem_alloc(want);
	} else {
		want = want < WINDOW_SLOT ? want : WINDOW_SLOT;
		x->ahead.to = x->edge->window + (size_t)slot * WINDOW_SLOT;
		x->ahead.filled = 0;
		buf_put(&x->ahead.ids, ids);
	}
	x->op.read = (struct store_read){ .op.done = in_packet ? packet_read : window_read,
		.maildrop = x->account,
		.token = x->token,
		.offset = offset,
		.want = want,
		.to = in_packet ? x->room : x->ahead.to };
	memcpy(x->op.read.id.b, id.p, id.n);
	store_read(store_of(x), &x->op.read);
	return true;
}

static void expunged(struct store_op *op, enum store_result result)
{
	struct svc_session *x = LIST_OF(op, struct svc_session, op.expunge.op);

	/* "Sessions that changed nothing" are free: a client may look as often as it likes. */
	if (result == STORE_OK && x->op.expunge.count > 0)
		svc_delay_begin(x->edge->svc, x->account, x->opened_ms);
	buf_release(&x->expunged);
	/* UPDATE is over: whoever reads our +OK may open the maildrop again at once. */
	store_close(store_of(x), x->account, x->token);
	x->token = 0;
	svc_answer(x, result, STR(""), STR(""), -1);
}

bool svc_expunge(struct svc_session *x, struct reader *r)
{
	bool last = get_u8(r) != 0;
	struct str ids = get_bytes(r, r->rest.n);

	if (r->bad || x->token == 0 || ids.n % sizeof(struct msgid) != 0)
		return false;
	buf_put(&x->expunged, ids);
	if (x->expunged.len > EXPUNGE_MAX)
		return false;
	if (!last) {
		svc_answer(x, STORE_OK, STR(""), STR(""), -1);
		return true;
	}
	x->op.expunge = (struct store_expunge){ .op.done = expunged,
		.maildrop = x->account,
		.token = x->token,
		.ids = (const struct msgid *)(const void *)buf_str(&x->expunged).p,
		.count = x->expunged.len / sizeof(struct msgid) };
	store_expunge(store_of(x), &x->op.expunge);
	return true;
}
