/* A maildrop session: lease, listing, octets, update. */
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/uidl.h"
#include "daemon/retention.h"
#include "daemon/svc.h"

enum { CLIENT_MAX = 512 };

static struct store *store_of(struct svc_session *x)
{
	return x->edge->svc->office.store;
}

void svc_close_drops(struct svc_session *x)
{
	for (size_t i = 0; i < SVC_DROPS; i++) {
		if (x->drops[i].token == 0)
			continue;
		store_close(store_of(x), x->drops[i].maildrop, x->drops[i].token);
		x->drops[i].token = 0;
		svc_wait_closed(x->edge->svc, x->drops[i].maildrop);
	}
}

static void answer_login(struct svc_session *x, enum store_result result, uint64_t wait_s,
	uint64_t capture, int64_t days)
{
	struct buf body = x->login_answer;

	svc_wait_stop(x);
	x->login_answer = (struct buf){ 0 };
	put_u16(&body, (uint16_t)result);
	put_u64(&body, x->count);
	put_u64(&body, x->octets);
	put_u64(&body, wait_s);
	put_u64(&body, capture);
	put_u64(&body, (uint64_t)days);
	svc_answer(x, SASL_OK, buf_str(&body), STR(""), -1);
	buf_wipe(&body);
}

static void open_next(struct svc_session *x);

static void opened(struct store_op *op, enum store_result result)
{
	struct svc_session *x = LIST_OF(op, struct svc_session, op.open_drop.op);
	bool ok = result == STORE_OK;

	if (ok) {
		x->drops[x->drop_at].token = x->op.open_drop.token;
		x->count += x->op.open_drop.count;
		x->octets += x->op.open_drop.octets;
		if (++x->drop_at < x->drop_count) {
			open_next(x);
			return;
		}
		x->opened_ms = loop_now_ms(x->edge->svc->loop);
	} else {
		svc_close_drops(x);
		if (result == STORE_BUSY && svc_wait(x))
			return;
	}
	answer_login(x, result, 0, ok ? svc_capture_begin(x) : 0,
		retention_days(&x->edge->svc->office, x->account));
}

static void open_next(struct svc_session *x)
{
	x->op.open_drop =
		(struct store_open){ .op.done = opened, .maildrop = x->drops[x->drop_at].maildrop };
	store_open(store_of(x), &x->op.open_drop);
}

void svc_open(struct svc_session *x)
{
	int64_t left_ms = svc_delay_left(x->edge->svc, x->account);

	x->count = x->octets = 0;
	if (left_ms > 0) {
		answer_login(x, STORE_BUSY, (uint64_t)(left_ms + 999) / 1000, 0, 0);
		return;
	}
	x->drops[0].maildrop = x->account;
	x->drops[1].maildrop = account_junk(x->account);
	x->drop_count = office_hands_out_junk(&x->edge->svc->office, x->account) ? 2 : 1;
	x->drop_at = 0;
	open_next(x);
}

/* The rows of a come first, so that mail in the second folder moves no number of the first. */
static void join(struct store_listing *a, const struct store_listing *b)
{
	if (b->count == 0)
		return;
	a->rows = mem_array(a->rows, a->count + b->count, sizeof *a->rows);
	a->uidls = mem_array(a->uidls, a->uidls_len + b->uidls_len + 1, 1);
	for (size_t i = 0; i < b->count; i++) {
		struct maildrop_row *row = &a->rows[a->count + i];

		*row = b->rows[i];
		row->uidl_at += (uint32_t)a->uidls_len;
	}
	if (b->uidls_len > 0)
		memcpy(a->uidls + a->uidls_len, b->uidls, b->uidls_len);
	a->count += b->count;
	a->uidls_len += b->uidls_len;
}

static void answer_listing(struct svc_session *x, enum store_result result, struct store_listing *l)
{
	struct str uidls = str_of(l->uidls, l->uidls_len);
	struct str rows = str_of(l->rows, l->count * sizeof *l->rows);
	struct buf head = { 0 };
	int fd = -1;

	if (result == STORE_OK)
		uidl_unique(l->rows, l->count, uidls);
	put_u64(&head, l->count);
	put_u64(&head, l->uidls_len);
	if (result == STORE_OK && rows.n + uidls.n > IPC_CHUNK) {
		fd = ipc_sealed("listing", rows, uidls);
		if (fd < 0)
			result = STORE_UNAVAILABLE;
	} else if (result == STORE_OK) {
		buf_put(&head, rows);
		buf_put(&head, uidls);
	}
	store_listing_free(l);
	svc_answer(x, result, buf_str(&head), STR(""), fd);
	if (fd >= 0)
		close(fd);
	buf_deinit(&head);
}

static void list_next(struct svc_session *x);

static void listed(struct store_op *op, enum store_result result)
{
	struct svc_session *x = LIST_OF(op, struct svc_session, op.listing.op);
	struct store_listing l = x->op.listing, first = x->first;

	if (x->drop_at == 0 && x->drop_count > 1 && result == STORE_OK) {
		x->first = l;
		x->drop_at++;
		list_next(x);
		return;
	}
	if (x->drop_at > 0) {
		x->first = (struct store_listing){ 0 };
		join(&first, &l);
		store_listing_free(&l);
		l = first;
	}
	answer_listing(x, result, &l);
}

static void list_next(struct svc_session *x)
{
	x->op.listing = (struct store_listing){ .op.done = listed,
		.maildrop = x->drops[x->drop_at].maildrop,
		.token = x->drops[x->drop_at].token };
	store_list(store_of(x), &x->op.listing);
}

bool svc_list(struct svc_session *x, struct reader *r)
{
	if (r->rest.n > 0 || !svc_is_open(x))
		return false;
	x->drop_at = 0;
	list_next(x);
	return true;
}

static void read_from(struct svc_session *x, size_t folder)
{
	x->drop_at = folder;
	x->op.read.maildrop = x->drops[folder].maildrop;
	x->op.read.token = x->drops[folder].token;
	store_read(store_of(x), &x->op.read);
}

/* The edge names a message by its id alone. */
static bool in_next_folder(struct svc_session *x, enum store_result result)
{
	if (result != STORE_NOT_FOUND || x->drop_at + 1 >= x->drop_count)
		return false;
	read_from(x, x->drop_at + 1);
	return true;
}

static void packet_read(struct store_op *op, enum store_result result)
{
	struct svc_session *x = LIST_OF(op, struct svc_session, op.read.op);
	char *room = x->room;

	if (in_next_folder(x, result))
		return;
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

	if (in_next_folder(x, result))
		return;
	if (result == STORE_OK) {
		put_u32(&a->lengths, (uint32_t)x->op.read.got);
		a->filled += x->op.read.got;
	}
	if (result == STORE_OK && a->ids.len > 0 && a->filled < a->room) {
		x->op.read.offset = 0;
		x->op.read.want = a->room - a->filled;
		x->op.read.to = a->to + a->filled;
		memcpy(x->op.read.id.b, buf_str(&a->ids).p, sizeof x->op.read.id.b);
		buf_consume(&a->ids, sizeof x->op.read.id.b);
		read_from(x, 0);
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

	if (r->bad || !svc_is_open(x) || ids.n % sizeof(struct msgid) != 0 ||
		ids.n / sizeof(struct msgid) > WINDOW_AHEAD || (in_packet && ids.n > 0) ||
		(!in_packet && (x->edge->window == NULL || window_room(slot) == 0)))
		return false;
	if (in_packet) {
		want = want < IPC_CHUNK ? want : IPC_CHUNK;
		x->room = mem_alloc(want);
	} else {
		x->ahead.room = window_room(slot);
		want = want < x->ahead.room ? want : x->ahead.room;
		x->ahead.to = x->edge->window + window_offset(slot);
		x->ahead.filled = 0;
		buf_put(&x->ahead.ids, ids);
	}
	x->op.read = (struct store_read){ .op.done = in_packet ? packet_read : window_read,
		.offset = offset,
		.want = want,
		.to = in_packet ? x->room : x->ahead.to };
	memcpy(x->op.read.id.b, id.p, id.n);
	read_from(x, 0);
	return true;
}

static void expunge_next(struct svc_session *x);

/* One change in each folder.  When the second fails, what was deleted in the first stays so, which RFC 1939 6
 * allows, and the client does not get +OK. */
static void expunged(struct store_op *op, enum store_result result)
{
	struct svc_session *x = LIST_OF(op, struct svc_session, op.expunge.op);

	if (result == STORE_OK && x->op.expunge.count > 0 && ++x->drop_at < x->drop_count) {
		expunge_next(x);
		return;
	}
	/* "Sessions that changed nothing" are free: a client may look as often as it likes. */
	if (result == STORE_OK && x->op.expunge.count > 0)
		svc_delay_begin(x->edge->svc, x->account, x->opened_ms);
	buf_release(&x->expunged);
	/* UPDATE is over: whoever reads our +OK may open the maildrop again at once. */
	svc_close_drops(x);
	svc_answer(x, result, STR(""), STR(""), -1);
}

static void expunge_next(struct svc_session *x)
{
	x->op.expunge = (struct store_expunge){ .op.done = expunged,
		.maildrop = x->drops[x->drop_at].maildrop,
		.token = x->drops[x->drop_at].token,
		.ids = (const struct msgid *)(const void *)buf_str(&x->expunged).p,
		.count = x->expunged.len / sizeof(struct msgid) };
	store_expunge(store_of(x), &x->op.expunge);
}

bool svc_expunge(struct svc_session *x, struct reader *r)
{
	bool last = get_u8(r) != 0;
	struct str ids = get_bytes(r, r->rest.n);

	if (r->bad || !svc_is_open(x) || ids.n % sizeof(struct msgid) != 0)
		return false;
	/* Each message once, so there are not more than were counted: that bounds what is collected. */
	if ((x->expunged.len + ids.n) / sizeof(struct msgid) > x->count)
		return false;
	buf_put(&x->expunged, ids);
	if (!last) {
		svc_answer(x, STORE_OK, STR(""), STR(""), -1);
		return true;
	}
	x->drop_at = 0;
	expunge_next(x);
	return true;
}

/* Also after QUIT has let the maildrop go.  Each message once, so there are not more than were counted. */
bool svc_retrieved(struct svc_session *x, struct reader *r)
{
	int64_t at_ms = (int64_t)get_u64(r);
	struct str client = get_str(r), ids = get_bytes(r, r->rest.n);
	uint64_t maildrops[SVC_DROPS];

	if (r->bad || x->drop_count == 0 || client.n > CLIENT_MAX ||
		ids.n % sizeof(struct msgid) != 0)
		return false;
	x->retrieved += ids.n / sizeof(struct msgid);
	if (x->retrieved > x->count)
		return false;
	for (size_t i = 0; i < x->drop_count; i++)
		maildrops[i] = x->drops[i].maildrop;
	store_retrieved(store_of(x), &(struct store_retrieved){ .maildrops = maildrops,
					     .nmaildrops = x->drop_count,
					     .client = client,
					     .at_ms = at_ms,
					     .ids = (const struct msgid *)(const void *)ids.p,
					     .count = ids.n / sizeof(struct msgid) });
	return true;
}
