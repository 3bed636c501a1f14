#include "daemon/office_import.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/uidl.h"
#include "daemon/office_verbs.h"
#include "daemon/quota.h"
#include "queue/queue.h"

enum { WAITING_MAX = 64, WAITING_OCTETS = 4 * 1024 * 1024 };

/* One message, from its head until the store has answered. */
struct import_message {
	struct store_deliver deliver;
	struct store_target target;  /* of a maildrop */
	struct store_target *onward; /* of the outbox: its recipients */
	struct link link;            /* of those under way */
	struct import *im;           /* NULL: its import was closed */
	json_t *head;                /* holds sender and recipients */
	struct msgid id;
	struct buf uidl;
	uint64_t octets;
	bool replaces;         /* a damaged message, which the client removes afterwards */
	struct msgid replaced; /* that one */
};

struct import {
	struct office *office;
	struct import_owner *owner;
	uint64_t maildrop;
	bool outbox; /* what comes goes on */
	char address[321];
	struct import_message
		*now;    /* between head and commit; NULL: none, or its octets are passed over */
	bool over_quota; /* the administrator's word */
	bool full;       /* what comes after the first that has no room would come out of order */
	bool inside;     /* a head came, its commit did not */
	struct link waiting;
	size_t waiting_count;
	uint64_t waiting_octets;
};

struct import *import_open(
	struct office *o, const json_t *request, struct import_owner *owner, struct err *err)
{
	struct account a;
	struct str address;
	bool outbox = json_is_true(json_object_get(request, "outbox"));
	struct import *im;

	if (outbox)
		a = (struct account){ .id = 0 };
	else if (request_str(request, "address", &address, err) != ST_OK ||
		 account_get(o->directory, address, &a, err) != ST_OK)
		return NULL;
	im = NEW(struct import);
	im->office = o;
	im->owner = owner;
	im->outbox = outbox;
	im->maildrop = a.id;
	im->over_quota = json_is_true(json_object_get(request, "over_quota"));
	memcpy(im->address, a.address, sizeof im->address);
	list_init(&im->waiting);
	owner->row(owner, json_pack("{s:I}", "maildrop", (json_int_t)a.id));
	return im;
}

static void message_free(struct import_message *m)
{
	list_del(&m->link);
	store_draft_free(m->deliver.draft);
	buf_deinit(&m->uidl);
	json_decref(m->head);
	free(m->onward);
	free(m);
}

/* member: NULL, or the name of another one, which is an id. */
static void answer_id(struct import *im, const json_t *head, const char *result, const char *name,
	struct msgid id)
{
	char text[MSGID_TEXT + 1];
	json_t *row = json_pack("{s:I, s:s, s:s}", "n",
		json_integer_value(json_object_get(head, "n")), "result", result, "error", "");

	msgid_text(id, text);
	if (name != NULL)
		json_object_set_new(row, name, json_string(text));
	im->owner->row(im->owner, row);
}

static void answer_failed(struct import *im, const json_t *head, bool full, const char *error)
{
	im->owner->row(im->owner, json_pack("{s:I, s:s, s:b, s:s}", "n",
					  json_integer_value(json_object_get(head, "n")), "result",
					  "failed", "full", full, "error", error));
}

static const char *failure(enum store_result result)
{
	switch (result) {
	case STORE_FULL: return "no space is left on the disk";
	case STORE_CONFLICT: return "its id belongs to another message";
	case STORE_CORRUPT:
	case STORE_OK:
	case STORE_BUSY:
	case STORE_NOT_FOUND:
	case STORE_UNAVAILABLE:
	case STORE_UNKNOWN: break;
	}
	return "the store cannot take it now: the log says why";
}

static void delivered(struct store_op *op, enum store_result result)
{
	struct import_message *m = LIST_OF(op, struct import_message, deliver.op);
	struct import *im = m->im;

	if (im != NULL) {
		im->waiting_count--;
		im->waiting_octets -= m->octets;
		if (result == STORE_OK && m->onward != NULL && im->office->queue != NULL)
			queue_added(im->office->queue, m->id, false);
		if (result == STORE_OK)
			answer_id(im, m->head, "stored", m->replaces ? "replaces" : NULL,
				m->replaced);
		else
			answer_failed(im, m->head, result == STORE_FULL, failure(result));
	}
	message_free(m);
}

static struct str member(const json_t *head, const char *name)
{
	const json_t *v = json_object_get(head, name);

	return str_of(json_string_value(v), json_string_length(v));
}

/* The UIDL that the client found, else the office's template, else the id. */
static void choose_uidl(
	const struct import *im, const json_t *head, struct msgid id, struct buf *to)
{
	struct uidl_facts facts = {
		.id = id,
		.uid = (uint32_t)json_integer_value(json_object_get(head, "uid")),
		.uidvalidity = (uint32_t)json_integer_value(json_object_get(head, "uidvalidity")),
		.file = member(head, "file"),
	};
	struct str known = member(head, "uidl");

	if (uidl_valid(known))
		buf_put(to, known);
	else if (json_is_true(json_object_get(head, "template")))
		(void)uidl_make(str_c(im->office->config->pop3_uidl_format), &facts, to);
}

/* What a backup's message is to become. */
struct restoring {
	struct msgid id; /* to be stored under */
	bool replaces;
	struct msgid replaced;
};

/* True: it is there and whole, or can be brought back, and that was answered.  A copy that is damaged
 * does not count: the message is stored under its other id, and the client then removes that copy. */
static bool is_restored(struct import *im, const json_t *head, struct restoring *r)
{
	struct msgid ids[2] = { r->id, r->id };
	enum store_holding holds[2] = { HOLDS_NOT, HOLDS_NOT };

	(void)msgid_parse(member(head, "other"), &ids[1]);
	for (int i = 0; i < 2; i++) {
		bool damaged;

		if (store_local_holds(im->office->store, ids[i], im->maildrop, &holds[i]) !=
			STORE_OK)
			break; /* its delivery will say why */
		if (holds[i] != HOLDS_LIVE && holds[i] != HOLDS_EXPUNGED)
			continue;
		damaged = store_local_intact(im->office->store, ids[i]) == STORE_CORRUPT;
		if (damaged && i == 0 && holds[i] == HOLDS_LIVE) {
			r->replaces = true;
			r->replaced = ids[i];
		}
		if (damaged)
			continue;
		if (holds[i] == HOLDS_LIVE)
			answer_id(
				im, head, "present", r->replaces ? "replaces" : NULL, r->replaced);
		else
			answer_id(im, head, "expunged", "id", ids[i]);
		return true;
	}
	r->id = ids[holds[0] == HOLDS_NOT ? 0 : 1];
	return false;
}

static bool is_present(struct import *im, const json_t *head, struct msgid id)
{
	struct store_facts facts;

	if (store_facts(im->office->store, id, &facts) != STORE_OK)
		return false;
	store_facts_free(&facts);
	im->owner->row(im->owner, json_pack("{s:O?, s:s, s:s}", "n", json_object_get(head, "n"),
					  "result", "present", "error", ""));
	return true;
}

/* Recipients of the head, as targets that go on. */
static void go_on(struct import_message *m)
{
	const json_t *all = json_object_get(m->head, "recipients");
	json_int_t notify = json_integer_value(json_object_get(m->head, "notify"));
	size_t n = json_array_size(all);

	m->onward = mem_array(NULL, n + 1, sizeof *m->onward);
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(all, i);

		m->onward[i] = (struct store_target){ .recipient = str_of(json_string_value(v),
							      json_string_length(v)),
			.notify = (uint8_t)notify };
	}
	m->deliver.ret = (uint8_t)json_integer_value(json_object_get(m->head, "ret"));
	m->deliver.client = member(m->head, "client");
	m->deliver.targets = m->onward;
	m->deliver.count = n;
	m->deliver.flags = json_is_true(json_object_get(m->head, "smtputf8")) ? STORE_SMTPUTF8 : 0;
}

bool import_head(struct import *im, const json_t *head)
{
	bool restore = json_is_true(json_object_get(head, "restore"));
	struct restoring r = { .replaces = false };
	struct import_message *m;

	if (im->inside || !msgid_parse(member(head, "id"), &r.id) ||
		(im->outbox && json_array_size(json_object_get(head, "recipients")) == 0))
		return false;
	im->inside = true;
	if (restore ? is_restored(im, head, &r) : is_present(im, head, r.id))
		return true;
	m = NEW(struct import_message);
	list_init(&m->link);
	m->im = im;
	m->head = json_incref((json_t *)(uintptr_t)head);
	buf_init(&m->uidl, 0);
	choose_uidl(im, head, r.id, &m->uidl);
	m->replaces = r.replaces;
	m->replaced = r.replaced;
	m->target = (struct store_target){ im->maildrop, str_c(im->address), buf_str(&m->uidl) };
	m->deliver = (struct store_deliver){ .op.done = delivered,
		.draft = store_draft_new(im->office->store, r.id),
		.sender = member(m->head, "sender"),
		.client = restore ? STR("restore") : STR("import"),
		.received_ms = json_integer_value(json_object_get(head, "received")),
		.targets = &m->target,
		.count = 1 };
	m->id = r.id;
	if (im->outbox)
		go_on(m);
	im->now = m;
	return true;
}

/* A failure is sticky in the draft: the commit tells it. */
bool import_octets(struct import *im, struct str octets)
{
	if (!im->inside)
		return false;
	if (im->now != NULL) {
		(void)store_draft_append(im->now->deliver.draft, octets);
		im->now->octets += octets.n;
	}
	return true;
}

bool import_commit(struct import *im)
{
	struct import_message *m = im->now;

	if (!im->inside)
		return false;
	im->inside = false;
	im->now = NULL;
	if (m == NULL)
		return true;
	im->full = im->full || (!im->over_quota && !im->outbox &&
				       quota_full(im->office, im->maildrop, im->waiting_count + 1,
					       im->waiting_octets + m->octets));
	if (im->full) {
		answer_failed(im, m->head, true, "its quota is used up");
		message_free(m);
		return true;
	}
	list_append(&im->waiting, &m->link);
	im->waiting_count++;
	im->waiting_octets += m->octets;
	store_deliver(im->office->store, &m->deliver);
	return true;
}

bool import_is_full(const struct import *im)
{
	return im->waiting_count >= WAITING_MAX || im->waiting_octets >= WAITING_OCTETS;
}

size_t import_waiting(const struct import *im)
{
	return im->waiting_count;
}

void import_close(struct import *im)
{
	if (im == NULL)
		return;
	if (im->now != NULL)
		message_free(im->now);
	while (!list_empty(&im->waiting))
		LIST_OF(list_take(&im->waiting), struct import_message, link)->im = NULL;
	free(im);
}
