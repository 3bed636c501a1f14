/* Who logged in when: accounts whose next POP3 login has to wait.  In memory: a store that starts anew lets
 * everybody in at once, which costs no more than the delay is worth. */
#include <stdlib.h>

#include "base/mem.h"
#include "daemon/svc.h"

struct svc_delay {
	uint64_t account; /* 0: free */
	int64_t login_ms;
};

static int64_t delay_ms(const struct svc *s)
{
	return s->office.config->pop3_login_delay_ms;
}

/* The account's slot, or the free one where it belongs; ids are counted up, so they spread by
 * themselves. */
static struct svc_delay *find(struct svc_delay *slots, size_t cap, uint64_t account)
{
	size_t at = account & (cap - 1);

	while (slots[at].account != 0 && slots[at].account != account)
		at = (at + 1) & (cap - 1);
	return &slots[at];
}

/* Twice as large as what still counts; what is over is forgotten here. */
static void make_room(struct svc *s, int64_t now)
{
	struct svc_delays *d = &s->delays, old = *d;
	size_t live = 0;

	if (d->count * 2 < d->cap)
		return;
	for (size_t i = 0; i < old.cap; i++)
		live += old.slots[i].account != 0 && old.slots[i].login_ms + delay_ms(s) > now;
	*d = (struct svc_delays){ .cap = 64 };
	while (d->cap < live * 4)
		d->cap *= 2;
	d->slots = mem_zalloc(d->cap * sizeof *d->slots);
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].account != 0 && old.slots[i].login_ms + delay_ms(s) > now) {
			*find(d->slots, d->cap, old.slots[i].account) = old.slots[i];
			d->count++;
		}
	free(old.slots);
}

void svc_delay_begin(struct svc *s, uint64_t account, int64_t login_ms)
{
	struct svc_delay *slot;

	if (delay_ms(s) == 0)
		return;
	make_room(s, loop_now_ms(s->loop));
	slot = find(s->delays.slots, s->delays.cap, account);
	s->delays.count += slot->account == 0;
	*slot = (struct svc_delay){ account, login_ms };
}

int64_t svc_delay_left(struct svc *s, uint64_t account)
{
	const struct svc_delay *slot;
	int64_t left;

	if (s->delays.cap == 0)
		return 0;
	slot = find(s->delays.slots, s->delays.cap, account);
	left = slot->login_ms + delay_ms(s) - loop_now_ms(s->loop);
	return slot->account == account && left > 0 ? left : 0;
}

void svc_delay_free(struct svc *s)
{
	free(s->delays.slots);
	s->delays = (struct svc_delays){ .cap = 0 };
}
