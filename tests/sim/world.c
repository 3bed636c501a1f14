/* Time, chance and the queue of events. */
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "calls.h"
#include "sim.h"

struct event {
	int64_t at_us;
	uint64_t number; /* of two at one time the older one comes first */
	void (*call)(uint64_t arg);
	uint64_t arg;
};

int64_t sim_now_us;
int sim_verbose;
uint64_t sim_seed;
struct sim_host sim_hosts[SIM_HOSTS];
size_t sim_host_count;

static struct event *heap;
static size_t count, room;
static uint64_t numbers, rng, sum, played;

static bool before(const struct event *a, const struct event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->number < b->number;
}

static void swap(size_t a, size_t b)
{
	struct event e = heap[a];

	heap[a] = heap[b];
	heap[b] = e;
}

void sim_at(int64_t us, void (*call)(uint64_t arg), uint64_t arg)
{
	struct sim_proc *was = memory_world();
	size_t i = count++;

	if (count > room) {
		room = room == 0 ? 1024 : room * 2;
		heap = mem_array(heap, room, sizeof *heap);
	}
	heap[i] = (struct event){ us > sim_now_us ? us : sim_now_us, ++numbers, call, arg };
	for (; i > 0 && before(&heap[i], &heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(i, (i - 1) / 2);
	memory_owner(was);
}

static struct event take(void)
{
	struct event first = heap[0];
	size_t i = 0;

	heap[0] = heap[--count];
	for (;;) {
		size_t least = i, left = 2 * i + 1;

		if (left < count && before(&heap[left], &heap[least]))
			least = left;
		if (left + 1 < count && before(&heap[left + 1], &heap[least]))
			least = left + 1;
		if (least == i)
			return first;
		swap(i, least);
		i = least;
	}
}

void sim_play(int64_t until_us)
{
	while (count > 0 && heap[0].at_us <= until_us) {
		struct event e = take();

		sim_now_us = e.at_us;
		played++;
		e.call(e.arg);
	}
	sim_now_us = until_us > sim_now_us ? until_us : sim_now_us;
}

uint64_t sim_random(uint64_t below)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (rng * 0x2545f4914f6cdd1du >> 11) % below;
}

int64_t sim_between(int64_t least, int64_t most)
{
	return least + (int64_t)sim_random((uint64_t)(most - least + 1));
}

bool sim_chance(unsigned per_mille)
{
	return per_mille > 0 && sim_random(1000) < per_mille;
}

static void mix(uint64_t v)
{
	sum = (sum ^ v) * 0xff51afd7ed558ccdu;
	sum ^= sum >> 29;
}

void sim_trace(const char *what, uint64_t a, uint64_t b)
{
	for (const char *c = what; *c != '\0'; c++)
		mix((unsigned char)*c);
	mix((uint64_t)sim_now_us);
	mix(a);
	mix(b);
	if (sim_verbose > 1)
		printf("%10.6f %-12s %s %" PRIu64 " %" PRIu64 "\n", (double)sim_now_us / 1e6,
			sim_self == NULL ? "-" : sim_self->name, what, a, b);
}

void sim_trace_octets(struct str octets)
{
	mix(crc32c(0, octets.p, octets.n));
	mix(octets.n);
}

uint64_t sim_trace_sum(void)
{
	return sum;
}

uint64_t sim_events(void)
{
	return played;
}

void sim_broken(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("BROKEN PROMISE (seed %" PRIu64 ", at %.3f s): ", sim_seed,
		(double)sim_now_us / 1e6);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
	sim_remove(sim_directory());
	__real__exit(1);
}

int64_t sim_wall_ms(const struct sim_host *h)
{
	static const int64_t begin_ms = INT64_C(1795341600000); /* 2026-11-22 10:00 */

	if (h != NULL && h->frozen)
		return h->frozen_ms;
	return begin_ms + sim_now_us / 1000 + (h == NULL ? 0 : h->wall_ms);
}

void sim_begin(uint64_t seed)
{
	sim_seed = seed;
	rng = (seed + 1) * 0x9e3779b97f4a7c15u;
	for (int i = 0; i < 8; i++)
		(void)sim_random(2);
	sim_now_us = 0;
	numbers = played = 0;
	sum = seed;
	count = 0;
	sim_host_count = 0;
	sim_databases();
}

static char directory[40];

const char *sim_directory(void)
{
	if (directory[0] == '\0') {
		snprintf(directory, sizeof directory, "/dev/shm/restante-sim-XXXXXX");
		if (mkdtemp(directory) == NULL)
			abort();
	}
	return directory;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *w)
{
	(void)st;
	(void)flag;
	(void)w;
	return remove(path);
}

void sim_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void sim_end(void)
{
	free(heap);
	heap = NULL;
	count = room = 0;
}

struct sim_host *sim_host_add(const char *name, unsigned last)
{
	struct sim_host *h = &sim_hosts[sim_host_count++];

	*h = (struct sim_host){ .name = name,
		.address = { 192, 0, 2, (unsigned char)last },
		.up = true,
		.booted_us = -S(100) };
	if (last >= SIM_ELSEWHERE)
		memcpy(h->address, (unsigned char[]){ 198, 51, 100 }, 3);
	return h;
}
