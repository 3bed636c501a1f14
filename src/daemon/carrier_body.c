#include "daemon/carrier_job.h"

void body_reset(struct body *b)
{
	sevenbit_free(b->counter);
	sevenbit_free(b->sender);
	buf_deinit(&b->chunk);
	buf_deinit(&b->ahead);
	buf_deinit(&b->made);
	*b = (struct body){ 0 };
}

/* j->seq stays 0 when no store knows this job. */
static void ask(struct carrier_job *j, uint64_t offset)
{
	struct buf b = { 0 };

	if (!list_empty(&j->orphans))
		return;
	put_u64(&b, offset);
	put_u32(&b, IPC_CHUNK);
	j->seq = carrier_ask(j->carrier, j->number, IPC_QREAD, buf_str(&b));
	j->body.asked = true;
	j->body.ahead_at = offset;
	buf_clear(&j->body.ahead);
	buf_deinit(&b);
}

/* What is here from `offset` on. */
static struct str octets_at(struct carrier_job *j, uint64_t offset)
{
	struct body *b = &j->body;
	struct buf was = b->chunk;

	if (j->job.message.n > 0)
		return str_from(j->job.message, offset);
	if (offset == b->ahead_at && b->ahead.len > 0) {
		b->chunk = b->ahead;
		b->ahead = was;
		b->chunk_at = offset;
		buf_clear(&b->ahead);
	}
	return offset < b->chunk_at ? STR("") : str_from(buf_str(&b->chunk), offset - b->chunk_at);
}

struct str body_read_at(struct carrier_job *j, uint64_t offset)
{
	struct str here = octets_at(j, offset);
	uint64_t next = j->body.chunk_at + j->body.chunk.len;

	if (j->job.message.n > 0 || j->seq != 0)
		return here;
	if (here.n == 0)
		ask(j, offset);
	else if (j->body.ahead.len == 0 && next < j->job.octets)
		ask(j, next);
	return here;
}

static void next_phase(struct carrier_job *j)
{
	struct body *b = &j->body;

	b->read_at = 0;
	switch (b->phase) {
	case BODY_SCAN:
		/* SEVENBIT_IS: whoever marked it as 8-bit was wrong. */
		b->phase = sevenbit_scanned(b->counter) == SEVENBIT_IMPOSSIBLE ||
					   sevenbit_scanned(b->sender) == SEVENBIT_IMPOSSIBLE
				   ? BODY_IMPOSSIBLE
				   : BODY_COUNT;
		break;
	case BODY_COUNT: b->phase = BODY_SEVENBIT; break;
	case BODY_AS_IT_IS:
	case BODY_SEVENBIT:
	case BODY_UNREADABLE:
	case BODY_IMPOSSIBLE: break;
	}
}

/* A piece of the message in the phases before it is sent. */
static void look_at(struct body *b, struct str octets, bool last)
{
	if (b->phase == BODY_SCAN) {
		sevenbit_scan(b->counter, octets);
		sevenbit_scan(b->sender, octets);
		return;
	}
	sevenbit_convert(b->counter, octets, last, &b->made);
	b->octets += b->made.len;
	buf_clear(&b->made);
}

static void prepare(struct carrier_job *j)
{
	struct body *b = &j->body;

	while (b->phase == BODY_SCAN || b->phase == BODY_COUNT) {
		struct str here = body_read_at(j, b->read_at);

		if (here.n == 0 && j->seq == 0)
			b->phase = BODY_UNREADABLE;
		if (here.n == 0)
			break;
		b->read_at += here.n;
		look_at(b, here, b->read_at >= j->job.octets);
		if (b->read_at >= j->job.octets)
			next_phase(j);
	}
	if (b->phase == BODY_SEVENBIT)
		out_again(j->out);
	else if (b->phase == BODY_IMPOSSIBLE)
		job_cannot_be_sent(j, "5.6.3",
			"the next server takes no 8-bit mail, and this message cannot be made "
			"7-bit");
	else if (b->phase == BODY_UNREADABLE)
		job_cannot_be_sent(j, "4.3.0", "the message cannot be read now");
}

void body_make_sevenbit(struct carrier_job *j)
{
	struct body *b = &j->body;

	b->counter = sevenbit_new();
	b->sender = sevenbit_new();
	b->phase = BODY_SCAN;
	prepare(j);
}

/* Octets from wanted_at on, in the form in which they are sent; a body that is made 7-bit would break its seal. */
static struct str to_send(struct carrier_job *j)
{
	struct str seal = buf_str(&j->seal.fields);
	struct body *b = &j->body;

	if (b->phase == BODY_AS_IT_IS && b->wanted_at < seal.n)
		return str_from(seal, b->wanted_at);
	if (b->phase == BODY_AS_IT_IS)
		return body_read_at(j, b->wanted_at - seal.n);
	buf_consume(&b->made, b->wanted_at - b->made_at);
	b->made_at = b->wanted_at;
	while (b->made.len == 0 && b->read_at < j->job.octets) {
		struct str here = body_read_at(j, b->read_at);

		if (here.n == 0)
			break;
		b->read_at += here.n;
		sevenbit_convert(b->sender, here, b->read_at >= j->job.octets, &b->made);
	}
	return buf_str(&b->made);
}

static void serve(struct carrier_job *j)
{
	struct str octets = to_send(j);
	size_t want = j->body.wanted;

	if (octets.n == 0 && j->seq != 0)
		return;
	j->body.wanted = 0;
	out_body(j->out, str_head(octets, want));
}

void job_wants_body(struct carrier_job *j, uint64_t offset, size_t want)
{
	j->body.wanted_at = offset;
	j->body.wanted = want;
	serve(j);
}

void job_got_octets(struct carrier_job *j, struct str octets)
{
	struct body *b = &j->body;
	bool preparing = b->phase == BODY_SCAN || b->phase == BODY_COUNT;

	/* Else a session that ended while the store read had asked. */
	if (b->asked)
		buf_put(&b->ahead, octets);
	if (j->state == JOB_SEALING) {
		seal_got_octets(j, octets);
		return;
	}
	if (j->out == NULL || (b->wanted == 0 && !preparing))
		return;
	if (b->asked && octets.n == 0 && preparing) {
		b->phase = BODY_UNREADABLE;
		prepare(j);
	} else if (b->asked && octets.n == 0) {
		b->wanted = 0;
		out_body(j->out, STR(""));
	} else if (preparing) {
		prepare(j);
	} else {
		serve(j);
	}
}
