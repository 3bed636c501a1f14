/* The messages that a client retrieves: read into the window the store shares, several ahead, and out again as they
 * are or with a header that the client understands. */
#include "base/log.h"
#include "daemon/session_pop3.h"
#include "mime/field.h"

/* ---- out to the client ---- */

/* Was the message handed over with SMTPUTF8?  The topmost Received says so (RFC 6531 4.3: UTF8SMTP...).  Only
 * such a message is internationalized (RFC 6530 4); octets over 0x7F in any other header are nobody's
 * to mend: it comes out as it went in. */
static bool internationalized(struct str start)
{
	struct field field;

	while (field_cut(&start, &field) && !str_ieq(field.name, STR("Received")))
		continue;
	for (; field.body.n > 0; field.body = str_from(field.body, 1))
		if (str_istarts(field.body, STR(" with UTF8")))
			return true;
	return false;
}

/* The start of a message: does its header need UTF8 (RFC 6856 2.1)?  A header longer than one packet is
 * not known to its end, so it goes through the stream that mends what comes. */
static bool needs_utf8(struct str start, bool whole, bool *known)
{
	struct header_search search = { .from = 0 };
	size_t length;

	*known = header_search(&search, start, whole, &length);
	return !str_ascii(*known ? str_head(start, length) : start) && internationalized(start);
}

static void put_surrogate(struct session_pop3 *p, struct str octets)
{
	struct buf out = { 0 };

	if (p->downgrade.in_body) {
		pop3d_body_as(p->engine, octets, octets.n);
		return;
	}
	downgrade_feed(&p->downgrade, octets, octets.n == p->read_left, &out);
	pop3d_body_as(p->engine, buf_str(&out), octets.n);
	buf_deinit(&out);
}

/* A large piece goes from the window to the client, and not through the engine's output.  The store reads the
 * next meanwhile: while octets are missing the engine can only ask for them. */
static void put_plain(struct session_pop3 *p, struct str octets)
{
	struct window *w = &p->s.edge->window;
	uint8_t slot;

	if (p->ahead.slot == WINDOW_NONE || p->ahead.slot < WINDOW_SLOTS || octets.n < 2) {
		pop3d_body(p->engine, octets);
		return;
	}
	pop3d_body_direct(p->engine, octets.n, octets.p + octets.n - 2);
	window_pass(w, &p->ahead.slot, &slot);
	if (octets.n < p->read_left)
		p->s.protocol->serve(&p->s);
	session_write(&p->s, octets);
	window_give(w, &slot);
}

static void put_body(struct session_pop3 *p, struct str octets)
{
	struct str policy = str_c(p->s.edge->config->pop3_utf8_headers);
	bool needed, known;

	octets = str_head(octets, p->read_left);
	if (pop3d_utf8(p->engine) || str_eq(policy, STR("asis"))) {
		put_plain(p, octets);
		return;
	}
	if (p->read_from == 0) {
		downgrade_deinit(&p->downgrade);
		needed = needs_utf8(octets, octets.n == p->read_left, &known);
		if (needed && str_eq(policy, STR("refuse"))) {
			pop3d_failed(p->engine, POP3D_UTF8,
				STR("the message has a UTF-8 header, use UTF8"));
			return;
		}
		p->surrogate = needed || (!known && internationalized(octets));
	}
	if (p->surrogate)
		put_surrogate(p, octets);
	else
		put_plain(p, octets);
}

/* ---- in from the store ---- */

/* What was read ahead; false: not this message. */
static bool body_is_here(struct session_pop3 *p, const struct pop3d_event *ev)
{
	struct window *w = &p->s.edge->window;
	uint64_t octets = p->view.rows[ev->index].octets;
	const char *at;

	if (p->ahead.left == 0)
		return false;
	if (p->ahead.slot == WINDOW_NONE || ev->offset > 0 || ev->index != p->ahead.index) {
		p->ahead.in_vain = p->ahead.slot == WINDOW_NONE;
		p->ahead.left = 0;
		window_give(w, &p->ahead.slot);
		return false;
	}
	at = window_at(w, p->ahead.slot) + p->ahead.at;
	p->ahead.at += octets;
	p->ahead.index++;
	p->ahead.next = p->ahead.index;
	p->read_from = 0;
	p->read_left = octets;
	put_body(p, str_of(at, octets));
	if (--p->ahead.left == 0)
		window_give(w, &p->ahead.slot);
	return true;
}

/* The messages behind this one, as many as there is room for. */
static void put_ahead(struct session_pop3 *p, const struct pop3d_event *ev, struct buf *b)
{
	uint64_t room = WINDOW_SLOT;

	for (size_t i = ev->index, n = 0; i < p->view.count && n <= WINDOW_AHEAD; i++, n++) {
		uint64_t octets = p->view.rows[i].octets;

		if (octets == 0 || octets > room)
			return;
		room -= octets;
		if (i > ev->index)
			buf_put(b, str_of(p->view.rows[i].id.b, sizeof(struct msgid)));
	}
}

/* A client that takes one message after the other, or says what it wants before it has read, will
 * want the next. */
static bool goes_on(struct session_pop3 *p, const struct pop3d_event *ev)
{
	return ev->offset == 0 && !p->ahead.in_vain &&
	       ((ev->index > 0 && ev->index == p->ahead.next) || pop3d_in(p->engine)->len > 0);
}

void pop3_ask_body(struct session_pop3 *p, const struct pop3d_event *ev)
{
	struct window *w = edge_window(p->s.edge);
	struct buf b = { 0 };
	size_t most;

	if (body_is_here(p, ev))
		return;
	if (ev->direct && ev->want > WINDOW_SLOT && !p->slow)
		window_take_large(w, &p->ahead.slot);
	if (ev->direct && p->ahead.slot == WINDOW_NONE) /* TOP may need little of it */
		window_take(w, &p->ahead.slot);
	most = p->ahead.slot == WINDOW_NONE ? IPC_CHUNK : window_room(p->ahead.slot);
	p->ahead.index = ev->index;
	p->read_from = ev->offset;
	p->read_left = ev->want;
	buf_put(&b, str_of(p->view.rows[ev->index].id.b, sizeof(struct msgid)));
	put_u64(&b, ev->offset);
	put_u64(&b, ev->want < most ? ev->want : most);
	put_u8(&b, p->ahead.slot);
	if (p->ahead.slot != WINDOW_NONE && goes_on(p, ev))
		put_ahead(p, ev, &b);
	p->ahead.next = ev->index + 1;
	if (pop3_ask(p, IPC_READ, buf_str(&b)))
		window_asked(w, p->ahead.slot, p->s.seq);
	else
		pop3d_failed(p->engine, POP3D_SYS_TEMP, no_store);
	buf_deinit(&b);
}

/* The first message's octets are in the window; the others wait there. */
static struct str take_window(struct session_pop3 *p, struct ipc_packet *packet)
{
	uint64_t first = get_u32(&packet->body), total = first;

	p->ahead.at = first;
	for (size_t i = p->ahead.index + 1; packet->body.rest.n > 0 && i < p->view.count; i++) {
		uint64_t octets = get_u32(&packet->body);

		total += octets;
		if (octets != p->view.rows[i].octets || total > WINDOW_SLOT)
			break;
		p->ahead.left++;
	}
	p->ahead.index++;
	return first > window_room(p->ahead.slot)
		       ? STR("")
		       : str_of(window_at(&p->s.edge->window, p->ahead.slot), first);
}

void pop3_read_answered(struct session_pop3 *p, struct ipc_packet *packet)
{
	bool ok = packet->head.result == STORE_OK;
	struct str octets = packet->body.rest;

	p->ahead.left = 0;
	p->slow = pop3d_out(p->engine)->len > 0;
	if (ok && p->ahead.slot != WINDOW_NONE)
		octets = take_window(p, packet);
	if (ok && octets.n > 0)
		put_body(p, octets);
	if (p->ahead.left == 0 && p->s.seq == 0) /* else it is the next piece's already */
		window_give(&p->s.edge->window, &p->ahead.slot);
	if (ok && octets.n > 0)
		return;
	log_error("pop3.unreadable", F_C("sid", p->s.sid), F_STR("user", p->user),
		F_INT("result", packet->head.result));
	if (packet->head.result == STORE_UNAVAILABLE)
		pop3d_failed(p->engine, POP3D_SYS_TEMP, STR("the message cannot be read now"));
	else
		pop3d_failed(p->engine, POP3D_SYS_PERM, STR("the message is damaged"));
}
