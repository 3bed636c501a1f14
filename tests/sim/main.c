/* sim -- two offices, those who send, those who fetch, and everything that can go wrong between them.
 *
 *   sim [--seed S] [--runs N] [--sum] [--verbose]
 *
 * Seeds S .. S+N-1, a world each.  --sum prints the sum of each world's trace: the same seed, the same sum.
 * Ends at the first broken promise; `sim --seed S` plays that world again. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "client.h"
#include "strange.h"

enum { SENDERS = 3, RUN_S = 1500, SETTLE_S = 3 * 3600 };

struct world {
	struct office_sim offices[OFFICES];
	struct sender senders[SENDERS];
	struct fetcher fetchers[MAILBOXES];
	struct strange_host strange;
	struct strange_client nuisance;
	bool calm;                                    /* nothing goes wrong in this one */
	bool bent;                                    /* a clock was set back, or stood still */
	unsigned kill, power, partition, clock, disk; /* per mille, each second */
};

static struct world world;

static void make_letters(void)
{
	unsigned n = (unsigned)sim_between(5, 30);

	for (unsigned i = 0; i < n; i++) {
		int from = sim_chance(300) ? -1 : (int)sim_random(MAILBOXES);
		int office = from < 0 ? (int)sim_random(OFFICES) : from / USERS;
		struct letter *l = letter_new(from, office);
		size_t rcpts = sim_chance(700) ? 1 : (size_t)sim_between(2, RCPTS_MOST);

		for (size_t k = 0; k < rcpts; k++) {
			int to = (int)sim_random(MAILBOXES);

			/* A stranger's is for this office only. */
			if (from < 0)
				to = office * USERS + to % USERS;
			if (from >= 0 && !world.calm && sim_chance(150))
				letter_rcpt_add(l, -1, "somebody@strange.test");
			else
				letter_rcpt_add(l, to, NULL);
		}
	}
}

static void faults_on(bool on)
{
	bool rough = on && !world.calm;

	net_faults.cut = rough && sim_chance(600) ? (unsigned)sim_between(10, 300) : 0;
	net_faults.tiny = on && sim_chance(500) ? (unsigned)sim_between(10, 600) : 0;
	net_faults.slow = on && sim_chance(500) ? (unsigned)sim_between(1, 60) : 0;
	disk_faults.slow = on && sim_chance(300) ? (unsigned)sim_between(10, 300) : 0;
	dns_faults.fail = rough && sim_chance(300) ? (unsigned)sim_between(50, 700) : 0;
	dns_faults.slow = on && sim_chance(300) ? (unsigned)sim_between(50, 300) : 0;
	world.kill = rough && sim_chance(600) ? (unsigned)sim_between(1, 40) : 0;
	world.power = rough && sim_chance(400) ? (unsigned)sim_between(1, 10) : 0;
	world.partition = rough && sim_chance(300) ? (unsigned)sim_between(1, 20) : 0;
	world.disk = rough && sim_chance(300) ? (unsigned)sim_between(1, 20) : 0;
	world.clock = on && sim_chance(300) ? (unsigned)sim_between(1, 20) : 0;
}

static void kill_somebody(void)
{
	size_t what = sim_random(CHILDREN + 2);
	struct office_sim *o = &world.offices[sim_random(OFFICES)];
	struct sender *s = &world.senders[sim_random(SENDERS)];
	struct fetcher *f = &world.fetchers[sim_random(MAILBOXES)];

	if (what < CHILDREN && sim_chance(500))
		office_kill(o, what);
	else if (what < CHILDREN)
		office_fuse(o, what, (unsigned)sim_between(1, 60));
	else if (what == CHILDREN && s->proc != NULL)
		proc_kill(s->proc);
	else if (what > CHILDREN && f->proc != NULL)
		proc_kill(f->proc);
}

static void bend_clock(struct sim_host *h)
{
	int64_t was = sim_wall_ms(h);
	static const int64_t steps_ms[] = { 500, 60000, 3600000, 86400000, INT64_C(31536000000) };
	int64_t step = steps_ms[sim_random(5)];

	if (sim_chance(300)) {
		h->frozen_ms = sim_wall_ms(h);
		h->frozen = !h->frozen;
	} else {
		h->wall_ms += sim_chance(500) ? step : -step;
	}
	world.bent |= h->frozen || sim_wall_ms(h) < was;
	sim_trace("clock", (uint64_t)h->wall_ms, h->frozen);
}

/* Draws are named one after the other: C does not say in which order arguments are evaluated, and the same seed
 * would be another world with another compiler. */
static void partition(void)
{
	struct sim_host *a = &sim_hosts[sim_random(sim_host_count)];
	struct sim_host *b = &sim_hosts[sim_random(sim_host_count)];

	net_partition(a, b, sim_now_us + sim_between(S(1), S(600)));
}

static void disk_trouble(void)
{
	struct office_sim *o = &world.offices[sim_random(OFFICES)];

	sim_disk_trouble(o->disk, sim_between(MS(100), S(200)));
}

static void each_second(void)
{
	if (sim_chance(world.kill))
		kill_somebody();
	if (sim_chance(world.power))
		office_power_cut(&world.offices[sim_random(OFFICES)]);
	if (sim_chance(world.disk))
		disk_trouble();
	if (sim_chance(world.partition))
		partition();
	if (sim_chance(world.clock))
		bend_clock(world.offices[sim_random(OFFICES)].host);
}

static void build(void)
{
	static const char *const hosts[] = { "client1.test", "client2.test" };

	world = (struct world){ .calm = sim_chance(150) };
	office_begin(&world.offices[0], "a.test", 1);
	office_begin(&world.offices[1], "b.test", 2);
	model_begin(world.offices);
	make_letters();
	for (size_t i = 0; i < 2; i++)
		(void)sim_host_add(hosts[i], 101 + (unsigned)i);
	world.nuisance.host = sim_host_add("client3.test", SIM_ELSEWHERE + 3);
	world.nuisance.offices = world.offices;
	if (!world.calm) {
		strange_host_begin(&world.strange);
		if (sim_chance(300))
			strange_client_begin(&world.nuisance);
	}
	for (unsigned i = 0; i < SENDERS; i++) {
		world.senders[i] = (struct sender){
			.host = &sim_hosts[2 + i % 2], .first = i + 1, .step = SENDERS
		};
		sender_start(&world.senders[i]);
	}
	for (int i = 0; i < MAILBOXES; i++) {
		world.fetchers[i] =
			(struct fetcher){ .host = &sim_hosts[2 + i % 2], .mailbox = &mailboxes[i] };
		fetcher_start(&world.fetchers[i]);
	}
}

/* Nothing goes wrong any more: whatever is under way must come to its end. */
static void settle(void)
{
	faults_on(false);
	for (size_t i = 0; i < OFFICES; i++) {
		struct sim_host *h = world.offices[i].host;

		h->frozen = false;
		sim_disk_mend(world.offices[i].disk);
		h->wall_ms = h->wall_ms > 0 ? h->wall_ms : 0;
		for (size_t k = 0; k < CHILDREN; k++)
			if (world.offices[i].children[k].proc != NULL)
				world.offices[i].children[k].proc->fuse = 0;
	}
	for (int i = 0; i < MAILBOXES; i++)
		world.fetchers[i].hurry = true;
	world.nuisance.ending = true;
	sim_play(sim_now_us + S(SETTLE_S));
	for (int i = 0; i < MAILBOXES; i++)
		world.fetchers[i].ending = true;
	world.strange.ending = true;
	sim_play(sim_now_us + S(1800));
}

static void stop_all(void)
{
	bool stopped = false;

	for (size_t i = 0; i < OFFICES; i++)
		office_check_leaks(&world.offices[i]);
	for (size_t i = 0; i < OFFICES; i++)
		office_stop(&world.offices[i]);
	for (int i = 0; i < 60 && !stopped; i++) {
		sim_play(sim_now_us + S(1));
		stopped = true;
		for (size_t k = 0; k < OFFICES; k++)
			stopped &= office_stopped(&world.offices[k]);
	}
	if (!stopped)
		sim_broken("an office did not end within a minute");
	if (proc_count() > 0)
		sim_broken("%zu processes did not end", proc_count());
	for (size_t i = 0; i < OFFICES; i++)
		office_fsck(&world.offices[i]);
}

/* An office that begins anew goes by the wall clock, which may be wrong. */
static bool power_was_cut(void)
{
	bool cut = false;

	for (size_t i = 0; i < OFFICES; i++)
		cut |= world.offices[i].cuts > 0;
	return cut;
}

static void play(uint64_t seed, bool say)
{
	uint64_t disturbed, acked, unknown, bounced, found;

	sim_begin(seed);
	build();
	faults_on(true);
	for (int i = 0; i < RUN_S; i++) {
		sim_play(sim_now_us + S(1));
		each_second();
	}
	disturbed = net_cuts + world.kill + world.power + world.partition + dns_faults.fail;
	for (size_t i = 0; i < OFFICES; i++)
		disturbed += world.offices[i].kills + world.offices[i].cuts +
			     sim_disk_faults(world.offices[i].disk);
	model_doubts = disturbed;
	settle();
	stop_all();
	for (size_t i = 0; i < OFFICES; i++)
		office_each_queued(&world.offices[i], model_queued);
	model_check(disturbed > 0, world.bent && power_was_cut());
	found = model_sum(&acked, &unknown, &bounced);
	if (say)
		printf("seed %" PRIu64 ": %016" PRIx64 " events %" PRIu64
		       " letters %u taken %" PRIu64 " perhaps %" PRIu64 " came %" PRIu64
		       " back %" PRIu64 " cuts %" PRIu64 " kills %" PRIu64 " power %" PRIu64
		       " disk %" PRIu64 " database %" PRIu64 "\n",
			seed, sim_trace_sum(), sim_events(), letter_count, acked, unknown, found,
			bounced, net_cuts, world.offices[0].kills + world.offices[1].kills,
			world.offices[0].cuts + world.offices[1].cuts,
			sim_disk_faults(world.offices[0].disk) +
				sim_disk_faults(world.offices[1].disk),
			sim_disk_database_faults(world.offices[0].disk) +
				sim_disk_database_faults(world.offices[1].disk));
	for (size_t i = 0; i < OFFICES; i++)
		office_end(&world.offices[i]);
	proc_end();
	net_end();
	model_end();
	sim_end();
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (*text == '\0' || *end != '\0') {
		fprintf(stderr, "sim: %s is no number\n", text);
		exit(64);
	}
	return n;
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, runs = 1;
	bool sum = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			seed = number(argv[++i]);
		else if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc)
			runs = number(argv[++i]);
		else if (strcmp(argv[i], "--sum") == 0)
			sum = true;
		else if (strcmp(argv[i], "--verbose") == 0)
			sim_verbose++;
		else
			return 64;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* What a store says that cannot begin on a disk that fails; sanitizers write to the descriptor. */
	if (sim_verbose == 0)
		stderr = fopen("/dev/null", "we");
	/* What one world gives back the next one takes: not to the system in between. */
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 28);
	(void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
	office_prepare("a.test");
	office_prepare("b.test");
	for (uint64_t i = 0; i < runs; i++)
		play(seed + i, sum);
	sim_remove(sim_directory());
	printf("%" PRIu64 " worlds: every promise held\n", runs);
	return 0;
}
