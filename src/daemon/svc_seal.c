#include "daemon/svc_seal.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/mem.h"

struct svc_seal {
	struct link link;
	struct svc_carrier *carrier; /* NULL: lost */
	struct ipc_head asked;
	struct buf packet; /* what the request looks into */
	struct sealing sealing;
};

/* Mail of programs of this host comes from no address. */
static bool is_address(struct str client)
{
	unsigned char octets[16];
	char text[INET6_ADDRSTRLEN];

	if (client.n == 0 || client.n >= sizeof text)
		return false;
	memcpy(text, client.p, client.n);
	text[client.n] = '\0';
	return inet_pton(AF_INET, text, octets) == 1 || inet_pton(AF_INET6, text, octets) == 1;
}

void svc_seal_wanted(struct svc *s, const struct store_out *o, struct job *job)
{
	const struct config *c = s->office.config;

	if (!c->arc_seal || s->signer == NULL || o->account != 0 || (o->flags & STORE_REPORT) ||
		!is_address(o->client) ||
		!signer_can_seal(s->signer, job->sender, str_c(c->hostname)))
		return;
	job->flags |= JOB_SEAL;
	job->client = o->client;
	job->origin = o->sender;
}

static void sealed(struct sealing *sealing)
{
	struct svc_seal *x = LIST_OF(sealing, struct svc_seal, sealing);

	x->asked.result = sealing->fields.len > 0 ? STORE_OK : STORE_UNAVAILABLE;
	if (x->carrier != NULL && !x->carrier->dead)
		ipc_send(x->carrier->ipc, &x->asked, buf_str(&sealing->fields), STR(""), -1);
	list_del(&x->link);
	buf_deinit(&sealing->fields);
	buf_deinit(&x->packet);
	free(x);
}

bool svc_seal(struct svc_carrier *c, struct ipc_packet *p, struct str sender)
{
	struct svc_seal *x = NEW(struct svc_seal);
	struct reader r = { .bad = false };

	buf_put(&x->packet, p->body.rest);
	r.rest = buf_str(&x->packet);
	if (!seal_get(&r, &x->sealing.request)) {
		buf_deinit(&x->packet);
		free(x);
		return false;
	}
	x->carrier = c;
	x->asked = p->head;
	x->sealing.done = sealed;
	list_append(&c->seals, &x->link);
	signer_seal(c->svc->signer, &x->sealing, sender, str_c(c->svc->office.config->hostname));
	return true;
}

void svc_seal_carrier_lost(struct svc_carrier *c)
{
	struct link *l;

	while ((l = list_take(&c->seals)) != NULL)
		LIST_OF(l, struct svc_seal, link)->carrier = NULL;
}
