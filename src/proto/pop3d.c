#include <stdlib.h>

#include "base/mem.h"
#include "proto/pop3d_impl.h"

struct pop3d *pop3d_new(
	const struct pop3d_config *config, const struct pop3d_peer *peer, int64_t now_ms)
{
	struct pop3d *p = NEW(struct pop3d);

	p->config = config;
	p->peer = *peer;
	p->first_line = true;
	p->in.secret = p->secret.secret = true;
	p->deadline = now_ms + config->login_timeout_ms;
	return p;
}

void pop3d_free(struct pop3d *p)
{
	if (p == NULL)
		return;
	buf_wipe(&p->in);
	buf_deinit(&p->out);
	buf_deinit(&p->user);
	buf_wipe(&p->secret);
	free(p->deleted_bits);
	free(p);
}

void pop3d_close(struct pop3d *p)
{
	p->state = S_CLOSED;
	p->asked = Q_NONE;
	p->job.kind = J_NONE;
	buf_wipe(&p->secret);
	pop3d_drop_input(p);
}

void pop3d_drop_input(struct pop3d *p)
{
#ifndef MUTANT_KEEP_INPUT
	buf_wipe(&p->in);
#endif
	p->cutter = (struct line_cutter){ 0 };
}

void pop3d_ok(struct pop3d *p, struct str text)
{
	buf_put(&p->out, STR("+OK"));
	if (text.n > 0)
		buf_putc(&p->out, ' ');
	buf_put(&p->out, pop3d_text(p, text));
	buf_put(&p->out, STR("\r\n"));
}

/* RFC 2449 8: a text that begins with "[" is a response code, so only ours may.  The first line
 * of a reply has at most 512 octets (RFC 2449 4). */
void pop3d_err(struct pop3d *p, enum pop3d_code code, struct str text)
{
	static const struct str codes[] = {
		[POP3D_NO_CODE] = STR_INIT(""),
		[POP3D_IN_USE] = STR_INIT("[IN-USE] "),
		[POP3D_LOGIN_DELAY] = STR_INIT("[LOGIN-DELAY] "),
		[POP3D_SYS_TEMP] = STR_INIT("[SYS/TEMP] "),
		[POP3D_SYS_PERM] = STR_INIT("[SYS/PERM] "),
		[POP3D_AUTH] = STR_INIT("[AUTH] "),
		[POP3D_UTF8] = STR_INIT("[UTF8] "),
	};

	buf_put(&p->out, STR("-ERR "));
	buf_put(&p->out, codes[code]);
	text = str_head(pop3d_text(p, text), 400);
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c < 0x20 || c == 0x7f || (i == 0 && code == POP3D_NO_CODE && c == '['))
			buf_putc(&p->out, '?');
		else
			buf_putc(&p->out, text.p[i]);
	}
	buf_put(&p->out, STR("\r\n"));
}

/* Never a timestamp in "<>": that would offer APOP (RFC 1939 7). */
void pop3d_greet(struct pop3d *p)
{
	/* Dovecot as a proxy looks for this word before it sends XCLIENT. */
	buf_put(&p->out, p->peer.xclient ? STR("+OK [XCLIENT] ") : STR("+OK "));
	buf_put(&p->out, p->config->hostname);
	buf_put(&p->out, STR(" POP3 server ready\r\n"));
}

static void count_error(struct pop3d *p)
{
	const struct pop3d_config *c = p->config;

	p->errors++;
	if (p->errors >=
		(p->state == S_TRANSACTION ? c->errors_after_login : c->errors_before_login))
		pop3d_close(p);
}

/* One line from the client; true when it raised an event. */
static bool line_step(struct pop3d *p, int64_t now_ms, struct pop3d_event *ev, bool *starved)
{
	bool sasl = p->state == S_SASL, secret = p->state != S_TRANSACTION;
	enum pop3d_verdict verdict;
	enum line_result result;
	struct line line;

	result = line_cut(&p->cutter, &p->in, sasl ? POP3D_AUTH_LINE_MAX : POP3D_LINE_MAX, &line);
	*starved = result == LINE_MORE;
	if (*starved)
		return false;
	if (p->state == S_TRANSACTION)
		p->deadline = now_ms + p->config->autologout_ms;
	if (sasl) {
		verdict = pop3d_sasl_line(p, line.text, result == LINE_LONG || line.odd, ev);
	} else if (result == LINE_LONG) {
		pop3d_err(p, POP3D_NO_CODE, STR("command line over 255 octets"));
		verdict = V_BAD;
	} else if (line.odd) {
		pop3d_err(p, POP3D_NO_CODE, STR("bare CR, bare LF or NUL in the line"));
		verdict = V_BAD;
	} else {
		verdict = pop3d_command(p, line.text, ev);
	}
	p->first_line = false;
	/* The line stands in front of what is left of `in`, unless the command emptied that. */
	if (secret && p->in.data != NULL && line.text.n > 0)
		mem_wipe((char *)(uintptr_t)line.text.p, line.text.n);
	if (verdict == V_BAD || p->sasl_broken)
		count_error(p);
	p->sasl_broken = false;
	return verdict == V_EVENT;
}

static bool job_step(struct pop3d *p, struct pop3d_event *ev)
{
	bool needs_rows = p->count > 0 && !p->have_view;

	if (needs_rows) {
		p->asked = Q_LISTING;
		ev->type = POP3D_ASK_LISTING;
		return true;
	}
	if (p->job.kind == J_RETR || p->job.kind == J_TOP)
		return pop3d_body_step(p, ev);
	pop3d_list_step(p);
	return false;
}

static bool step(struct pop3d *p, int64_t now_ms, struct pop3d_event *ev)
{
	bool starved = false;

	while (p->asked == Q_NONE && !starved) {
		if (p->state == S_CLOSED) {
#ifdef MUTANT_DELE_WITHOUT_QUIT
			if (p->deleted > 0 && p->stats.deleted == 0) {
				p->asked = Q_UPDATE;
				ev->type = POP3D_ASK_UPDATE;
				return true;
			}
#endif
			if (p->close_told)
				return false;
			p->close_told = true;
			ev->type = POP3D_EV_CLOSE;
			return true;
		}
		if (p->out.len >= (p->job.kind == J_RETR ? POP3D_BODY_MARK : POP3D_OUT_MARK))
			return false;
		if (p->job.kind != J_NONE) {
			if (job_step(p, ev))
				return true;
		} else if (p->stopping) {
			pop3d_err(p, POP3D_SYS_TEMP,
				p->kicked ? STR("the administrator ended this session")
					  : STR("server is shutting down"));
			pop3d_close(p);
		} else if (line_step(p, now_ms, ev, &starved)) {
			return true;
		}
	}
	return false;
}

bool pop3d_next(struct pop3d *p, int64_t now_ms, struct pop3d_event *ev)
{
	bool event;

	*ev = (struct pop3d_event){ 0 };
	/* Output that drains is a client that is alive: a slow download is not inactivity. */
	if (p->state == S_TRANSACTION && (p->touched || p->out.len < p->out_seen))
		p->deadline = now_ms + p->config->autologout_ms;
	p->touched = false;
	event = step(p, now_ms, ev);
	if (!event && p->in.len == 0)
		buf_release(&p->in);
	if (!event && p->out.len == 0)
		buf_release(&p->out);
	p->out_seen = p->out.len;
	return event;
}

struct buf *pop3d_in(struct pop3d *p)
{
	return &p->in;
}

struct buf *pop3d_out(struct pop3d *p)
{
	return &p->out;
}

bool pop3d_wants_input(const struct pop3d *p)
{
	return p->state != S_CLOSED && p->asked == Q_NONE && p->out.len < POP3D_OUT_MARK &&
	       p->in.len < POP3D_IN_MARK;
}

/* While we owe the client an answer it cannot be inactive; only a handshake is the client's. */
int64_t pop3d_deadline(const struct pop3d *p)
{
	return p->asked == Q_NONE || p->asked == Q_TLS ? p->deadline : INT64_MAX;
}

/* RFC 1939 3: close "without removing any messages or sending any response". */
void pop3d_timeout(struct pop3d *p)
{
	buf_release(&p->out);
	pop3d_close(p);
}

void pop3d_shutdown(struct pop3d *p, bool kicked)
{
	p->kicked = kicked;
	p->stopping = true;
}

bool pop3d_in_transaction(const struct pop3d *p)
{
	return p->state == S_TRANSACTION;
}

bool pop3d_utf8(const struct pop3d *p)
{
	return p->utf8;
}

struct str pop3d_user(const struct pop3d *p)
{
	return buf_str(&p->user);
}

const struct pop3d_stats *pop3d_stats(const struct pop3d *p)
{
	return &p->stats;
}
