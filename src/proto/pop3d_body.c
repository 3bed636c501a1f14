#include "proto/pop3d_impl.h"

static bool plain(const struct pop3d *p)
{
	return (p->view.rows[p->job.index].flags & MAILDROP_ROW_DOTS) == 0;
}

static bool may_be_direct(const struct pop3d *p)
{
	return p->job.kind == J_RETR && plain(p) && !p->config->nul_to_80 && !p->config->end_header;
}

static void begin_reply(struct pop3d *p, bool surrogate)
{
	struct pop3d_job *job = &p->job;

	if (job->started)
		return;
	job->started = true;
	if (job->kind == J_TOP) {
		pop3d_ok(p, STR("top of message follows"));
		return;
	}
	if (surrogate)
		pop3d_ok(p, STR("message follows"));
	else
		pop3d_say(p, STR("+OK "), STR("# octets"), p->view.rows[job->index].octets, 0);
}

/* The dot stands on a line of its own: a message whose last line has no CRLF gets one. */
static void end_reply(struct pop3d *p)
{
	struct pop3d_job *job = &p->job;

	if (job->sent > 0 && (job->last[0] != '\r' || job->last[1] != '\n'))
		buf_put(&p->out, STR("\r\n"));
	if (p->config->end_header && !job->in_body)
		buf_put(&p->out, STR("\r\n"));
	buf_put(&p->out, STR(".\r\n"));
	if (job->kind == J_TOP) {
		p->stats.top++;
		p->stats.top_octets += job->sent;
	} else {
		p->stats.retr_last = job->index;
		p->stats.retr++;
		p->stats.retr_octets += job->sent;
	}
	job->kind = J_NONE;
}

/* Asks for what is missing, or ends the reply; true when it asked. */
bool pop3d_body_step(struct pop3d *p, struct pop3d_event *ev)
{
	struct pop3d_job *job = &p->job;
	uint64_t octets = p->view.rows[job->index].octets;

	if (!job->cut && job->offset < octets) {
		p->asked = Q_BODY;
		ev->type = POP3D_ASK_BODY;
		ev->index = job->index;
		ev->offset = job->offset;
		ev->want = octets - job->offset;
		ev->direct = may_be_direct(p);
		return true;
	}
	begin_reply(p, false);
	end_reply(p);
	return false;
}

/* RFC 1939 3: a line that begins with "." gets another one.  A bare LF counts as a line end here:
 * most clients take it for one, and a lone "." behind it would end the reply for them.  The store
 * keeps no bare LF, so no client that knows CRLF alone ever sees a dot too many. */
static void put_stuffed(struct pop3d *p, struct str octets)
{
	bool line_start = p->job.sent == 0 || p->job.last[1] == '\n';
	size_t from = 0, at = 0;

	while (at < octets.n) {
		if (line_start && octets.p[at] == '.') {
			buf_put(&p->out, str_of(octets.p + from, at - from));
#ifndef MUTANT_SINGLE_DOT
			buf_putc(&p->out, '.');
#endif
			from = at;
		}
		at += str_find(str_from(octets, at), '\n') + 1;
		line_start = true;
	}
	buf_put(&p->out, str_from(octets, from));
}

/* How many of these octets TOP sends.  RFC 1939 7: the header, the blank line, and n lines of the
 * body: lines of the header are not counted, and n = 0 stops after the blank line. */
static size_t top_octets(struct pop3d_job *job, struct str octets)
{
	size_t at = 0;

	while (at < octets.n) {
		struct str rest = str_from(octets, at);
		size_t n = str_find(rest, '\n');
		bool blank;

		if (job->line_len == 0 && n > 0)
			job->line_first = rest.p[0];
		if (n > 2 || job->line_len + n > 2)
			job->line_len = 2;
		else
			job->line_len = (uint8_t)(job->line_len + n);
		if (n == rest.n)
			return octets.n;
		at += n + 1;
		blank = job->line_len == 0 || (job->line_len == 1 && job->line_first == '\r');
		job->line_len = 0;
		if (job->in_body)
			job->lines--;
		else
			job->in_body = blank;
		job->cut = job->in_body && job->lines == 0;
		if (job->cut)
			return at;
	}
	return octets.n;
}

static void remember_end(struct pop3d_job *job, struct str octets)
{
	if (octets.n == 0)
		return;
	job->last[0] = octets.n > 1 ? octets.p[octets.n - 2] : job->last[1];
	job->last[1] = octets.p[octets.n - 1];
	job->sent += octets.n;
}

/* A message may hold NUL; clients that end lines or whole messages there exist. */
static void replace_nuls(struct pop3d *p, size_t from)
{
	char *at = p->out.data == NULL ? NULL : p->out.data + p->out.head;

	for (size_t i = from; i < p->out.len; i++)
		if (at[i] == '\0')
			at[i] = '\x80';
}

static void put_body(struct pop3d *p, struct str octets, bool stuff)
{
	struct pop3d_job *job = &p->job;
	size_t before = p->out.len;

	if (job->kind == J_TOP) {
		octets = str_head(octets, top_octets(job, octets));
	} else if (p->config->end_header && !job->in_body) {
		job->lines = UINT64_MAX; /* only to see the end of the header */
		top_octets(job, octets);
	}
	if (stuff)
		put_stuffed(p, octets);
	else
		buf_put(&p->out, octets);
	if (p->config->nul_to_80)
		replace_nuls(p, before);
	remember_end(job, octets);
}

void pop3d_body(struct pop3d *p, struct str octets)
{
	struct pop3d_job *job = &p->job;

	if (p->asked != Q_BODY)
		return;
	if (octets.n == 0) {
		pop3d_failed(p, POP3D_SYS_TEMP, STR("message could not be read"));
		return;
	}
	p->asked = Q_NONE;
	p->touched = true;
	begin_reply(p, false);
	octets = str_head(octets, p->view.rows[job->index].octets - job->offset);
	put_body(p, octets, !plain(p));
	job->offset += octets.n;
}

void pop3d_body_as(struct pop3d *p, struct str octets, uint64_t consumed)
{
	struct pop3d_job *job = &p->job;

	if (p->asked != Q_BODY)
		return;
	if (consumed == 0 || consumed > p->view.rows[job->index].octets - job->offset) {
		pop3d_failed(p, POP3D_SYS_TEMP, STR("message could not be read"));
		return;
	}
	p->asked = Q_NONE;
	p->touched = true;
	begin_reply(p, true);
	put_body(p, octets, true);
	job->offset += consumed;
}

void pop3d_body_direct(struct pop3d *p, uint64_t octets, const char last[2])
{
	struct pop3d_job *job = &p->job;

	if (p->asked != Q_BODY || !may_be_direct(p) || octets == 0 ||
		octets > p->view.rows[job->index].octets - job->offset)
		return;
	p->asked = Q_NONE;
	p->touched = true;
	begin_reply(p, false);
	job->last[0] = octets > 1 ? last[0] : job->last[1];
	job->last[1] = last[1];
	job->offset += octets;
	job->sent += octets;
}
