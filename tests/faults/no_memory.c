/* LD_PRELOAD: one allocation of this process fails, once (malloc, calloc, realloc and posix_memalign, of the
 * program and of its libraries): number NO_MEMORY, or with NO_MEMORY_STACK the first from that number on which
 * has that call stack.  NO_MEMORY=0 fails none.  NO_MEMORY_LIST names a file for what there was: how many
 * allocations and whether one failed, then a line for each call stack with its name and its first number.  A
 * stack is NO_MEMORY_DEPTH return addresses, counted from where their module begins, so that it has the same
 * name in each run; with NO_MEMORY_OURS those of libraries do not count, only those of the program itself.
 *
 * Who dies of SIGSEGV says so on standard error: the address, "later" unless the call of the program in which
 * the allocation failed still goes on, and for each frame its module and place.  The program's own handlers for it (cmocka's) are not taken. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

enum { FRAMES = 64, FEW = 16, OURS = 4, MODULES = 64, SITES = 1 << 17 };

static struct module {
	uintptr_t from, to, base;
} modules[MODULES];
static struct site {
	uint64_t stack, first;
} sites[SITES];

static _Atomic uint64_t count;
static atomic_flag busy = ATOMIC_FLAG_INIT;
static _Atomic bool *done; /* its children have it too */
static uint64_t which, wanted;
static int depth;
static bool program_only;
static uintptr_t failed_at;
static const char *list;
static pid_t whose;
static __thread bool inside; /* backtrace() may allocate */

static int add_modules(struct dl_phdr_info *info, size_t size, void *arg)
{
	size_t *n = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum && *n < MODULES; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + part->p_vaddr;

		if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0)
			modules[(*n)++] =
				(struct module){ from, from + part->p_memsz, info->dlpi_addr };
	}
	return 0;
}

static size_t module_of(uintptr_t at)
{
	size_t m = 0;

	while (m < MODULES && (at < modules[m].from || at >= modules[m].to))
		m++;
	return m;
}

static uint64_t stack_now(void)
{
	void *frames[FRAMES];
	int n = backtrace(frames, program_only ? FRAMES : depth), left = depth;
	uint64_t hash = 0;

	for (int i = 0; i < n && left > 0; i++) {
		uintptr_t at = (uintptr_t)frames[i];
		size_t m = module_of(at), all = 0;

		if (m == MODULES) { /* it was opened since */
			dl_iterate_phdr(add_modules, &all);
			m = module_of(at);
		}
		if (program_only && m != 0)
			continue;
		left--;
		hash = (hash ^ m ^ (m == MODULES ? 0 : at - modules[m].base) << 8) *
		       0x9e3779b97f4a7c15;
		hash ^= hash >> 32;
	}
	return hash | 1;
}

/* Where the program went on, had what it called returned now. */
static uintptr_t program_now(void)
{
	void *frames[FRAMES];
	int n = backtrace(frames, FRAMES);

	for (int i = 0; i < n; i++)
		if (module_of((uintptr_t)frames[i]) == 0) /* the program is the first */
			return (uintptr_t)frames[i];
	return 0;
}

static void note(uint64_t stack, uint64_t number)
{
	size_t i = stack % SITES;

	while (atomic_flag_test_and_set(&busy))
		continue;
	while (sites[i].stack != 0 && sites[i].stack != stack)
		i = (i + 1) % SITES;
	if (sites[i].stack == 0)
		sites[i].first = number;
	sites[i].stack = stack;
	atomic_flag_clear(&busy);
}

static bool has_stack(uint64_t number)
{
	uint64_t stack;

	inside = true;
	stack = stack_now();
	inside = false;
	if (which == 0)
		note(stack, number);
	return stack == wanted;
}

static bool fails(void)
{
	uint64_t number;
	bool hit;

	if (inside)
		return false;
	number = ++count;
	if (done == NULL || *done || number < which || (which == 0 && list == NULL))
		return false;
	hit = which > 0 && wanted == 0 ? number == which : has_stack(number);
	if (!hit || atomic_exchange(done, true))
		return false;
	inside = true;
	failed_at = program_now();
	inside = false;
	return true;
}

void *malloc(size_t n)
{
	return fails() ? errno = ENOMEM, NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? errno = ENOMEM, NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails() ? errno = ENOMEM, NULL : __libc_realloc(p, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
	*p = fails() ? NULL : __libc_memalign(align, n);
	return *p == NULL ? ENOMEM : 0;
}

static void say(int fd, const siginfo_t *info)
{
	void *frames[FEW];
	int n = backtrace(frames, FEW);
	Dl_info at;

	dprintf(fd, "no_memory: killed at %p%s:", info->si_addr,
		program_now() == failed_at ? "" : " later");
	for (int i = 2; i < n; i++) /* behind this and the handler */
		if (dladdr(frames[i], &at) != 0)
			dprintf(fd, " %s+%#tx", strrchr(at.dli_fname, '/') + 1,
				(char *)frames[i] - (char *)at.dli_fbase);
	dprintf(fd, "\n");
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	inside = true;
	say(2, info);
	raise(sig); /* the default, by SA_RESETHAND */
}

int sigaction(int sig, const struct sigaction *to, struct sigaction *from)
{
	static int (*next)(int, const struct sigaction *, struct sigaction *);

	if (next == NULL)
		next = dlsym(RTLD_NEXT, "sigaction");
	return sig == SIGSEGV && to != NULL && to->sa_sigaction != on_signal ? 0
									     : next(sig, to, from);
}

__sighandler_t signal(int sig, __sighandler_t to)
{
	struct sigaction how = { .sa_handler = to, .sa_flags = SA_RESTART }, old;

	return sigaction(sig, &how, &old) < 0 ? SIG_ERR : old.sa_handler;
}

/* Directories are named in the file of NO_MEMORY_FOLDERS, for who is ended leaves his. */
char *mkdtemp(char *name)
{
	const char *path = getenv("NO_MEMORY_FOLDERS");
	char *(*next)(char *), *made;
	int fd;

	inside = true;
	next = (char *(*)(char *))dlsym(RTLD_NEXT, "mkdtemp");
	made = next(name);
	fd = made == NULL || path == NULL
		     ? -1
		     : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0) {
		dprintf(fd, "%s\n", made);
		close(fd);
	}
	inside = false;
	return made;
}

static uint64_t variable(const char *name, int base)
{
	const char *text = getenv(name);

	return text == NULL ? 0 : strtoull(text, NULL, base);
}

/* What happens before main, in the dynamic linker and in constructors, is not counted. */
__attribute__((constructor)) static void begin(void)
{
	struct sigaction how = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESETHAND };
	void *frame;

	backtrace(&frame, 1); /* the first call of all opens a library */
	sigaction(SIGSEGV, &how, NULL);
	which = variable("NO_MEMORY", 10);
	wanted = variable("NO_MEMORY_STACK", 16);
	list = getenv("NO_MEMORY_LIST");
	depth = (int)variable("NO_MEMORY_DEPTH", 10);
	program_only = variable("NO_MEMORY_OURS", 10) != 0;
	if (!program_only)
		depth += OURS; /* about: some of ours are inlined */
	if (depth > FEW)
		depth = FEW;
	whose = getpid();
	done = mmap(NULL, sizeof *done, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (done == MAP_FAILED)
		abort();
	count = 0;
}

__attribute__((destructor)) static void end(void)
{
	FILE *f;

	if (list == NULL || getpid() != whose)
		return;
	inside = true;
	f = fopen(list, "we");
	if (f == NULL)
		abort();
	fprintf(f, "%llu %d\n", (unsigned long long)count, *done);
	for (size_t i = 0; i < SITES; i++)
		if (sites[i].stack != 0)
			fprintf(f, "%llx %llu\n", (unsigned long long)sites[i].stack,
				(unsigned long long)sites[i].first);
	if (fclose(f) != 0)
		abort();
}
