#include "daemon/ipc_job.h"

#include <stdlib.h>

#include "base/mem.h"

void job_put(struct buf *b, const struct job *j)
{
	buf_put(b, str_of(j->id.b, sizeof j->id.b));
	put_u16(b, j->flags);
	put_str(b, j->sender);
	put_str(b, j->envid);
	put_u8(b, j->ret);
	put_u64(b, (uint64_t)j->received_ms);
	put_u64(b, j->octets);
	put_u32(b, j->prefix_octets);
	put_u8(b, (uint8_t)j->kind);
	put_str(b, j->host);
	put_u16(b, j->port);
	put_str(b, j->site);
	put_u8(b, j->has_rule);
	put_u8(b, (uint8_t)j->role);
	put_str(b, j->rule);
	if (j->flags & JOB_SEAL) {
		put_str(b, j->client);
		put_str(b, j->origin);
	}
	put_u32(b, (uint32_t)j->count);
	for (size_t i = 0; i < j->count; i++) {
		put_u32(b, j->recipients[i].number);
		put_str(b, j->recipients[i].address);
		put_str(b, j->recipients[i].orcpt);
		put_u8(b, j->recipients[i].notify);
		put_u32(b, j->recipients[i].attempts);
	}
	put_str(b, j->message);
}

static bool get_recipients(struct reader *r, struct job *j)
{
	uint32_t count = get_u32(r);

	if (r->bad || count == 0 || count > JOB_RECIPIENTS_MAX)
		return false;
	j->recipients = mem_array(NULL, count, sizeof *j->recipients);
	for (; j->count < count; j->count++) {
		struct job_recipient *to = &j->recipients[j->count];

		to->number = get_u32(r);
		to->address = get_str(r);
		to->orcpt = get_str(r);
		to->notify = get_u8(r);
		to->attempts = get_u32(r);
	}
	return true;
}

bool job_get(struct reader *r, struct job *j)
{
	struct str id = get_bytes(r, sizeof j->id.b);

	*j = (struct job){ .count = 0 };
	if (id.n == sizeof j->id.b)
		memcpy(j->id.b, id.p, id.n);
	j->flags = get_u16(r);
	j->sender = get_str(r);
	j->envid = get_str(r);
	j->ret = get_u8(r);
	j->received_ms = (int64_t)get_u64(r);
	j->octets = get_u64(r);
	j->prefix_octets = get_u32(r);
	j->kind = (enum route_kind)get_u8(r);
	j->host = get_str(r);
	j->port = get_u16(r);
	j->site = get_str(r);
	j->has_rule = get_u8(r) != 0;
	j->role = (enum route_role)get_u8(r);
	j->rule = get_str(r);
	j->client = j->flags & JOB_SEAL ? get_str(r) : STR("");
	j->origin = j->flags & JOB_SEAL ? get_str(r) : STR("");
	if (get_recipients(r, j)) {
		j->message = get_str(r);
		if (!r->bad && r->rest.n == 0 && j->received_ms >= 0)
			return true;
	}
	job_free(j);
	return false;
}

void job_free(struct job *j)
{
	free(j->recipients);
	j->recipients = NULL;
	j->count = 0;
}

void seal_put(struct buf *b, const struct arc_request *request)
{
	put_u8(b, (uint8_t)request->instance);
	put_u8(b, (uint8_t)request->cv);
	put_str(b, request->results);
	put_str(b, request->names);
	put_str(b, request->fields);
	put_str(b, request->chain);
	buf_put(b, str_of((const char *)request->body_hash, sizeof request->body_hash));
}

bool seal_get(struct reader *r, struct arc_request *request)
{
	struct str hash;

	*request = (struct arc_request){ .instance = get_u8(r) };
	request->cv = (enum arc_cv)get_u8(r);
	request->results = get_str(r);
	request->names = get_str(r);
	request->fields = get_str(r);
	request->chain = get_str(r);
	hash = get_bytes(r, sizeof request->body_hash);
	if (hash.n == sizeof request->body_hash)
		memcpy(request->body_hash, hash.p, hash.n);
	return !r->bad && r->rest.n == 0;
}

enum { OUTCOME_SITE = 1, OUTCOME_RELAYED = 2, OUTCOME_UNKNOWN = 4, OUTCOME_SEALED = 8 };

void outcome_put(struct buf *b, const struct job_outcome *o)
{
	put_u32(b, o->number);
	put_u8(b, (uint8_t)o->outcome);
	put_u8(b,
		(uint8_t)((o->site_failed ? OUTCOME_SITE : 0) | (o->relayed ? OUTCOME_RELAYED : 0) |
			  (o->unknown ? OUTCOME_UNKNOWN : 0) | (o->sealed ? OUTCOME_SEALED : 0)));
	put_str(b, str_head(o->status, 11));
	put_str(b, str_head(o->reply, JOB_REPLY_MAX));
	put_str(b, str_head(o->host, JOB_REPLY_MAX));
	put_str(b, str_head(o->tls, 16));
	put_str(b, str_head(o->exchangers, JOB_EXCHANGERS_MAX));
}

bool outcome_get(struct reader *r, struct job_outcome *o)
{
	uint8_t outcome, flags;

	if (r->bad || r->rest.n == 0)
		return false;
	*o = (struct job_outcome){ .number = get_u32(r) };
	outcome = get_u8(r);
	flags = get_u8(r);
	o->outcome = (enum outcome)outcome;
	o->site_failed = flags & OUTCOME_SITE;
	o->relayed = flags & OUTCOME_RELAYED;
	o->unknown = flags & OUTCOME_UNKNOWN;
	o->sealed = flags & OUTCOME_SEALED;
	o->status = get_str(r);
	o->reply = get_str(r);
	o->host = get_str(r);
	o->tls = get_str(r);
	o->exchangers = get_str(r);
	r->bad |= outcome < OUTCOME_DELIVERED || outcome > OUTCOME_FAILED || o->status.n > 11 ||
		  o->reply.n > JOB_REPLY_MAX || o->host.n > JOB_REPLY_MAX || o->tls.n > 16 ||
		  o->exchangers.n > JOB_EXCHANGERS_MAX;
	return !r->bad;
}
