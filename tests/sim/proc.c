/* Processes as coroutines: each has a stack of its own and runs until it would wait.
 *
 * swapcontext() makes two system calls, and a world switches ten thousands of times: after the first time
 * longjmp() does it, whose fortified form refuses to leave a stack. */
#undef _FORTIFY_SOURCE
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "base/mem.h"
#include "sim.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

enum { STACK = 1 << 20, STACKS_KEPT = 64, JITTER_US = 60 };

struct sim_context {
	ucontext_t at;
	jmp_buf jump;
	bool begun;
	void *fake_stack; /* ASan's */
	char *stack;
};

struct sim_proc *sim_self;

static struct link procs = { &procs, &procs };
static size_t live;
static unsigned ids;
#ifdef HAS_ASAN
static ucontext_t scheduler;
#else
static jmp_buf scheduler_jump;
#endif
static char *kept[STACKS_KEPT];
static size_t kept_count;

#ifdef HAS_ASAN
static const void *main_stack;
static size_t main_stack_size;
#endif

static char *take_stack(void)
{
	char *stack;

	if (kept_count > 0)
		return kept[--kept_count];
	stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack == MAP_FAILED)
		abort();
	return stack;
}

static void give_stack(char *stack)
{
#ifdef HAS_ASAN
	__asan_unpoison_memory_region(stack, STACK); /* its owner never returned */
#endif
	if (kept_count < STACKS_KEPT)
		kept[kept_count++] = stack;
	else
		munmap(stack, STACK);
}

static void entered(void)
{
#ifdef HAS_ASAN
	__sanitizer_finish_switch_fiber(
		sim_self->context->fake_stack, &main_stack, &main_stack_size);
#endif
}

/* The only way from a process to the scheduler. */
static void give_way(void)
{
	struct sim_context *c = sim_self->context;

#ifdef HAS_ASAN
	__sanitizer_start_switch_fiber(
		sim_self->dead ? NULL : &c->fake_stack, main_stack, main_stack_size);
#endif
#ifdef HAS_ASAN
	swapcontext(&c->at, &scheduler);
#else
	if (_setjmp(c->jump) == 0)
		_longjmp(scheduler_jump, 1);
#endif
	entered();
}

static void trampoline(void)
{
	entered();
	sim_self->run(sim_self->arg);
	proc_exit(0);
}

static void reap(struct sim_proc *p)
{
	int status = p->status;

	sim_trace("end", p->id, (uint64_t)status);
	net_reap(p, !p->host->up);
	memory_reap(p);
	sim_disk_reap(p);
	give_stack(p->context->stack);
	free(p->context);
	p->context = NULL;
	list_del(&p->link);
	live--;
	if (p->ended != NULL)
		p->ended(p, status);
	free(p);
}

#ifndef HAS_ASAN
static void enter(struct sim_context *c)
{
	if (_setjmp(scheduler_jump) != 0)
		return;
	if (c->begun)
		_longjmp(c->jump, 1);
	c->begun = true;
	setcontext(&c->at);
}
#endif

static void resume(uint64_t id)
{
	struct sim_proc *p = proc_find((unsigned)id);

	if (p == NULL || p->wake_us > sim_now_us)
		return;
	p->wake_us = INT64_MAX;
	sim_self = p;
	memory_owner(p);
#ifdef HAS_ASAN
	void *mine;

	__sanitizer_start_switch_fiber(&mine, p->context->stack, STACK);
#endif
#ifdef HAS_ASAN
	swapcontext(&scheduler, &p->context->at);
	__sanitizer_finish_switch_fiber(mine, NULL, NULL);
#else
	enter(p->context);
#endif
	sim_self = NULL;
	memory_owner(NULL);
	if (p->dead)
		reap(p);
}

struct sim_proc *proc_find(unsigned id)
{
	for (struct link *l = procs.next; l != &procs; l = l->next)
		if (LIST_OF(l, struct sim_proc, link)->id == id)
			return LIST_OF(l, struct sim_proc, link);
	return NULL;
}

size_t proc_count(void)
{
	return live;
}

struct sim_proc *proc_start(struct sim_host *h, const char *name, void (*run)(void *arg), void *arg,
	void (*ended)(struct sim_proc *p, int status))
{
	struct sim_proc *was = memory_world(), *p = NEW(struct sim_proc);

	p->id = ++ids;
	snprintf(p->name, sizeof p->name, "%s", name);
	p->host = h;
	p->steady_from = h->steady_from;
	p->run = run;
	p->arg = arg;
	p->ended = ended;
	p->wake_us = INT64_MAX;
	p->context = NEW(struct sim_context);
	p->context->stack = take_stack();
	getcontext(&p->context->at);
	p->context->at.uc_stack.ss_sp = p->context->stack;
	p->context->at.uc_stack.ss_size = STACK;
	makecontext(&p->context->at, trampoline, 0);
	list_append(&procs, &p->link);
	live++;
	sim_trace("start", p->id, 0);
	proc_wake(p, sim_now_us);
	memory_owner(was);
	return p;
}

void proc_exit(int status)
{
	sim_self->dead = true;
	sim_self->status = status;
	give_way();
	abort();
}

void proc_end(void)
{
	while (!list_empty(&procs)) {
		struct sim_proc *p = LIST_OF(procs.next, struct sim_proc, link);

		p->ended = NULL;
		proc_kill(p);
	}
	ids = 0;
}

void proc_kill(struct sim_proc *p)
{
	if (p == sim_self)
		proc_exit(SIM_KILLED);
	p->dead = true;
	p->status = SIM_KILLED;
	reap(p);
}

void proc_wake(struct sim_proc *p, int64_t at_us)
{
	if (p == NULL || p->dead)
		return;
	at_us = (at_us > sim_now_us ? at_us : sim_now_us) + sim_between(1, JITTER_US);
	if (at_us >= p->wake_us)
		return;
	p->wake_us = at_us;
	sim_at(at_us, resume, p->id);
}

void proc_park(int64_t until_us)
{
	if (until_us != INT64_MAX)
		proc_wake(sim_self, until_us);
	give_way();
}

void proc_sleep(int64_t us)
{
	int64_t until = sim_now_us + us;

	while (sim_now_us < until)
		proc_park(until);
}

void proc_tick(void)
{
	if (sim_self != NULL && sim_self->fuse > 0 && --sim_self->fuse == 0)
		proc_exit(SIM_KILLED);
}
