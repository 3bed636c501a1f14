#include "base/mem.h"
#include "proto/pop3d_impl.h"

void pop3d_say_drop(struct pop3d *p, bool whole)
{
	static const struct str texts[2][2] = {
		{ STR_INIT("# messages (# octets)"), STR_INIT("# message (# octets)") },
		{ STR_INIT("maildrop has # messages (# octets)"),
			STR_INIT("maildrop has # message (# octets)") },
	};
	uint64_t n = p->count - p->deleted;

	pop3d_say(p, STR(""), texts[whole][n == 1], n, p->octets - p->deleted_octets);
}

/* RFC 5034 6 */
static void put_mechanisms(struct pop3d *p)
{
	struct str lists[POP3D_LISTS];

	pop3d_mechanisms(p, lists);
	if (lists[0].n + lists[1].n + lists[2].n == 0)
		return;
	buf_put(&p->out, STR("SASL"));
	for (size_t i = 0; i < POP3D_LISTS; i++)
		if (lists[i].n > 0) {
			buf_putc(&p->out, ' ');
			buf_put(&p->out, lists[i]);
		}
	buf_put(&p->out, STR("\r\n"));
}

/* RFC 2449 5: what is announced before login is announced after it too; only STLS means "permitted
 * now" (RFC 2595 4).  EXPIRE may be another one for each user (RFC 2449 6.7), LOGIN-DELAY is the same for
 * all. */
void pop3d_put_capabilities(struct pop3d *p)
{
	const struct pop3d_config *c = p->config;
	struct buf *out = &p->out;

	pop3d_ok(p, STR("capability list follows"));
	buf_put(out,
		STR("TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUTF8 USER\r\n"
		    "LANG\r\nEXPIRE "));
	if (p->peer.expire_days > 0)
		buf_putu(out, (uint64_t)p->peer.expire_days);
	else
		buf_put(out, STR("NEVER"));
	if (p->peer.expire_differs)
		buf_put(out, STR(" USER"));
	buf_put(out, STR("\r\n"));
	if (c->login_delay_s > 0) {
		buf_put(out, STR("LOGIN-DELAY "));
		buf_putu(out, c->login_delay_s);
		buf_put(out, STR("\r\n"));
	}
	if (pop3d_may_login(p)) {
		buf_put(out, STR("USER\r\n"));
		put_mechanisms(p);
	}
	if (p->peer.tls_available && !p->peer.tls_active && p->state == S_AUTHORIZATION)
		buf_put(out, STR("STLS\r\n"));
	if (c->implementation.n > 0) {
		buf_put(out, STR("IMPLEMENTATION "));
		buf_put(out, c->implementation);
		buf_put(out, STR("\r\n"));
	}
	buf_put(out, STR(".\r\n"));
}

/* buf_putu() without a call for each digit string: a LIST of a million rows is mostly this. */
static char *put_decimal(char *to, uint64_t v)
{
	char digits[20];
	size_t at = sizeof digits;

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	memcpy(to, digits + at, sizeof digits - at);
	return to + (sizeof digits - at);
}

enum { ROW_MAX = 20 + 1 + 70 + 2 };

void pop3d_put_scan(struct pop3d *p, size_t index)
{
	char *start = buf_reserve(&p->out, ROW_MAX), *at;

	at = put_decimal(start, index + 1);
	*at++ = ' ';
	at = put_decimal(at, p->view.rows[index].octets);
	*at++ = '\r';
	*at++ = '\n';
	buf_grew(&p->out, (size_t)(at - start));
}

/* RFC 1939 7: 1 to 70 octets in 0x21 .. 0x7E. */
static bool uidl_ok(struct str uidl)
{
	if (uidl.n == 0 || uidl.n > 70)
		return false;
	for (size_t i = 0; i < uidl.n; i++)
		if (uidl.p[i] < 0x21 || uidl.p[i] > 0x7e)
			return false;
	return true;
}

/* A stored UIDL that the protocol cannot carry is replaced by the id, which is as unique and as
 * constant; a damaged row must not break the listing of all others. */
void pop3d_put_unique(struct pop3d *p, size_t index)
{
	char *start = buf_reserve(&p->out, ROW_MAX), *at;
	char text[MSGID_TEXT + 1];
	struct str uidl;

	if (!maildrop_uidl(&p->view, index, text, &uidl) ||
		(p->view.rows[index].uidl_len > 0 && !uidl_ok(uidl))) {
		msgid_text(p->view.rows[index].id, text);
		uidl = str_of(text, MSGID_TEXT);
	}
	at = put_decimal(start, index + 1);
	*at++ = ' ';
	memcpy(at, uidl.p, uidl.n);
	at += uidl.n;
	*at++ = '\r';
	*at++ = '\n';
	buf_grew(&p->out, (size_t)(at - start));
}

static void delete_message(struct pop3d *p)
{
	size_t index = p->job.index;

	if (p->deleted_bits == NULL)
		p->deleted_bits = mem_zalloc((size_t)(p->count / 8 + 1));
	p->deleted_bits[index / 8] |= (uint8_t)(1u << (index % 8));
	p->deleted++;
	p->deleted_octets += p->view.rows[index].octets;
	pop3d_say(p, STR("+OK "), STR("message # deleted"), index + 1, 0);
}

/* Rows until out is over its mark; numbers are those of the whole maildrop (RFC 1939 5). */
static void put_rows(struct pop3d *p)
{
	struct pop3d_job *job = &p->job;

	if (!job->started) {
		buf_put(&p->out, STR("+OK "));
		pop3d_say_drop(p, false);
		job->started = true;
	}
	for (; job->index < p->count && p->out.len < POP3D_OUT_MARK; job->index++) {
		if (pop3d_is_deleted(p, job->index))
			continue;
		if (job->kind == J_LIST)
			pop3d_put_scan(p, job->index);
		else
			pop3d_put_unique(p, job->index);
	}
	if (job->index < p->count)
		return;
	buf_put(&p->out, STR(".\r\n"));
	job->kind = J_NONE;
}

void pop3d_list_step(struct pop3d *p)
{
	struct pop3d_job *job = &p->job;

	switch (job->kind) {
	case J_LIST:
	case J_UIDL: put_rows(p); return;
	case J_LIST_ONE:
		buf_put(&p->out, STR("+OK "));
		pop3d_put_scan(p, job->index);
		break;
	case J_UIDL_ONE:
		buf_put(&p->out, STR("+OK "));
		pop3d_put_unique(p, job->index);
		break;
	case J_DELE: delete_message(p); break;
	case J_NONE:
	case J_RETR:
	case J_TOP: break;
	}
	job->kind = J_NONE;
}

void pop3d_listing(struct pop3d *p, const struct maildrop_view *view)
{
	if (p->asked != Q_LISTING)
		return;
	if (view->count != p->count) {
		pop3d_failed(p, POP3D_SYS_PERM, STR("maildrop is damaged"));
		return;
	}
	p->view = *view;
	p->have_view = true;
	p->asked = Q_NONE;
	p->touched = true;
}

/* Once a part of a message is out, -ERR would be read as a line of it: only closing without the
 * terminating dot tells the client that the message is not whole. */
void pop3d_failed(struct pop3d *p, enum pop3d_code code, struct str text)
{
	if (p->asked != Q_LISTING && p->asked != Q_BODY)
		return;
	p->asked = Q_NONE;
	p->touched = true;
	if (p->job.started) {
		pop3d_close(p);
		return;
	}
	p->job.kind = J_NONE;
	pop3d_err(p, code, text);
}
