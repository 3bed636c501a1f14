/* What an intruder would try first, tried inside the sandbox of each kind of child, one process
 * for each try.  Built without sanitizers, so that the list of a release is what is tested.  As root both
 * ways of confinement are tried, otherwise the one that needs no privileges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/sandbox.h"

enum { EDGE_UID = 62025, STORE_UID = 62110, NOBODY = 65534 };

/* How a try ended. */
enum end {
	WORKED,
	REFUSED, /* EPERM: by the list */
	HIDDEN,  /* ENOENT or EACCES: by chroot or landlock */
	MISSING, /* ENOSYS */
	KILLED,  /* SIGSYS */
	OTHER,
};
static const char *const end_names[] = { "worked", "refused", "hidden", "missing", "killed",
	"failed otherwise" };

static char base[] = "/tmp/restante-sandbox-XXXXXX";
static char outside_file[64], secret_file[64];
static int outside_dir; /* stays open over the confinement, as a mistake would leave it */
static pid_t bystander; /* a process of the same user */

static long try_open_passwd(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static long try_open_secret(void)
{
	return open(secret_file, O_RDONLY);
}

static long try_create_outside(void)
{
	return open(outside_file, O_WRONLY | O_CREAT, 0600);
}

static long try_dots(void)
{
	return open("../../../../../../../../etc/passwd", O_RDONLY);
}

static long try_openat2(void)
{
	uint64_t how[3] = { O_RDONLY };

	return syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof how);
}

static long try_proc_environ(void)
{
	return open("/proc/1/environ", O_RDONLY);
}

static long try_proc_maps(void)
{
	return open("/proc/self/maps", O_RDONLY);
}

static long try_device(void)
{
	return open("/dev/mem", O_RDWR);
}

static long try_unlink(void)
{
	return unlink(secret_file);
}

static long try_rename(void)
{
	return rename(secret_file, outside_file);
}

static long try_link(void)
{
	return link(secret_file, outside_file);
}

static long try_symlink(void)
{
	return symlink("/etc/passwd", "link");
}

static long try_mknod(void)
{
	return mknod("device", S_IFCHR | 0600, 0x0101);
}

static long try_mkdir(void)
{
	return mkdir("directory", 0700);
}

static long try_chmod(void)
{
	return chmod(secret_file, 0777);
}

static long try_chdir(void)
{
	return chdir("/etc");
}

static long try_fchdir(void)
{
	return fchdir(outside_dir);
}

static long try_chroot(void)
{
	return chroot(".");
}

static long try_pivot_root(void)
{
	return syscall(SYS_pivot_root, ".", ".");
}

static long try_tcp(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long try_udp(void)
{
	return socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
}

static long try_raw(void)
{
	return socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
}

static long try_packet(void)
{
	return socket(AF_PACKET, SOCK_DGRAM, 0);
}

static long try_accept(void)
{
	return syscall(SYS_accept4, 0, NULL, NULL, 0);
}

static long try_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long try_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static long try_connect(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(25) };

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(0, (struct sockaddr *)&sa, sizeof sa);
}

static long try_bind(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };

	return bind(0, (struct sockaddr *)&sa, sizeof sa);
}

static long try_listen(void)
{
	return listen(0, 1);
}

/* The store asks who called of a socket that an edge took (svc_local). */
static long try_getsockname(void)
{
	struct sockaddr_storage name;
	socklen_t n = sizeof name;

	return getsockname(outside_dir, (struct sockaddr *)&name, &n);
}

static long try_socketpair(void)
{
	int fds[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
}

static long try_exec(void)
{
	char *none[] = { NULL };

	return execve("/bin/true", none, none);
}

static long try_fexec(void)
{
	char *none[] = { NULL };

	return syscall(SYS_execveat, outside_dir, "x", none, none, 0);
}

static long try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static long try_raw_fork(void)
{
#ifdef SYS_fork
	long pid = syscall(SYS_fork);

	if (pid == 0)
		_exit(0);
	return pid;
#else
	raise(SIGSYS);
	return -1;
#endif
}

static long try_clone(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long try_clone3(void)
{
	uint64_t args[11] = { [4] = SIGCHLD };
	long pid = syscall(SYS_clone3, args, sizeof args);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long try_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static long try_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, bystander, NULL, NULL);
}

static long try_vfork(void)
{
#ifdef SYS_vfork
	long pid = syscall(SYS_vfork);

	if (pid == 0)
		_exit(0);
	return pid;
#else
	raise(SIGSYS);
	return -1;
#endif
}

static long try_setns(void)
{
	return setns(outside_dir, 0);
}

static long try_kexec(void)
{
	return syscall(SYS_kexec_load, 0, 0, NULL, 0);
}

static long try_write_memory(void)
{
	return syscall(SYS_process_vm_writev, bystander, NULL, 0, NULL, 0, 0);
}

static long try_read_memory(void)
{
	return syscall(SYS_process_vm_readv, bystander, NULL, 0, NULL, 0, 0);
}

static long try_kill(void)
{
	return kill(bystander, SIGKILL);
}

static long try_tgkill(void)
{
	return syscall(SYS_tgkill, bystander, bystander, SIGKILL);
}

static long try_tkill(void)
{
	return syscall(SYS_tkill, bystander, SIGKILL);
}

static long try_pidfd(void)
{
	return syscall(SYS_pidfd_open, bystander, 0);
}

static long try_limits_of_another(void)
{
	struct rlimit none = { 0, 0 };

	return prlimit(bystander, RLIMIT_NOFILE, &none, NULL);
}

static long try_mmap_exec(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0) == MAP_FAILED
		       ? -1
		       : 0;
}

static long try_mprotect_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long try_pkey_mprotect_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return syscall(SYS_pkey_mprotect, p, 4096, PROT_READ | PROT_EXEC, -1);
}

static long try_personality(void)
{
	return syscall(SYS_personality, 0x0400000); /* READ_IMPLIES_EXEC */
}

static long try_setuid(void)
{
	return setuid(0);
}

static long try_setgid(void)
{
	return setgid(0);
}

static long try_capset(void)
{
	return syscall(SYS_capset, NULL, NULL);
}

static long try_mount(void)
{
	return syscall(SYS_mount, "none", "/", "proc", 0, NULL);
}

static long try_umount(void)
{
	return syscall(SYS_umount2, "/", 0);
}

static long try_bpf(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY };

	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr);
}

static long try_perf(void)
{
	return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}

static long try_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL);
}

static long try_userfaultfd(void)
{
	return syscall(SYS_userfaultfd, 0);
}

static long try_keyring(void)
{
	return syscall(SYS_add_key, "user", "x", "y", 1, -1);
}

static long try_module(void)
{
	return syscall(SYS_init_module, NULL, 0, "");
}

static long try_reboot(void)
{
	return syscall(SYS_reboot, 0, 0, 0, NULL);
}

static long try_set_time(void)
{
	return syscall(SYS_settimeofday, NULL, NULL);
}

static long try_new_filter(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static long try_ioctl(void)
{
	return syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x");
}

/* As root these would be done, so they name nothing. */
static long try_mount_nothing(void)
{
	return syscall(SYS_mount, NULL, NULL, NULL, 0, NULL);
}

static long try_umount_nothing(void)
{
	return syscall(SYS_umount2, NULL, 0);
}

static long try_clone_namespace(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid;
}

/* What must work, or the process could not do its work: the list is not simply empty. */
static long try_time(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_MONOTONIC, &t);
}

static long try_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? -1
		       : 0;
}

static long try_own_file(void)
{
	return open("own", O_RDWR | O_CREAT, 0600);
}

static int idle_thread(void *arg)
{
	(void)arg;
	syscall(SYS_exit, 0);
	return 0;
}

static long try_thread(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int flags =
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

	return clone(idle_thread, stack + sizeof stack, flags, NULL);
}

static const struct {
	const char *name;
	long (*try)(void);
	enum end edge, store, carrier;
} rows[] = {
	{ "open /etc/passwd", try_open_passwd, REFUSED, HIDDEN, REFUSED },
	{ "open a file of the state", try_open_secret, REFUSED, HIDDEN, REFUSED },
	{ "create a file outside", try_create_outside, REFUSED, HIDDEN, REFUSED },
	{ "open with ..", try_dots, REFUSED, HIDDEN, REFUSED },
	{ "openat2", try_openat2, REFUSED, HIDDEN, REFUSED },
	{ "/proc of the first process", try_proc_environ, REFUSED, HIDDEN, REFUSED },
	{ "/proc of itself", try_proc_maps, REFUSED, HIDDEN, REFUSED },
	{ "memory as a device", try_device, REFUSED, HIDDEN, REFUSED },
	{ "unlink outside", try_unlink, REFUSED, HIDDEN, REFUSED },
	{ "rename outside", try_rename, REFUSED, HIDDEN, REFUSED },
	{ "link outside", try_link, REFUSED, HIDDEN, REFUSED },
	{ "symlink", try_symlink, REFUSED, REFUSED, REFUSED },
	{ "mknod", try_mknod, REFUSED, REFUSED, REFUSED },
	{ "mkdir", try_mkdir, REFUSED, WORKED, REFUSED },
	{ "chmod", try_chmod, REFUSED, REFUSED, REFUSED },
	{ "chdir", try_chdir, REFUSED, REFUSED, REFUSED },
	{ "fchdir to an open directory", try_fchdir, REFUSED, REFUSED, REFUSED },
	{ "chroot, once more", try_chroot, KILLED, KILLED, KILLED },
	{ "pivot_root", try_pivot_root, REFUSED, REFUSED, REFUSED },
	{ "a TCP socket", try_tcp, REFUSED, REFUSED, WORKED },
	{ "a UDP socket", try_udp, REFUSED, REFUSED, WORKED },
	{ "a raw socket", try_raw, REFUSED, REFUSED, REFUSED },
	{ "a packet socket", try_packet, REFUSED, REFUSED, REFUSED },
	{ "a Unix socket", try_unix, REFUSED, REFUSED, REFUSED },
	{ "a netlink socket", try_netlink, REFUSED, REFUSED, REFUSED },
	{ "connect", try_connect, REFUSED, REFUSED, OTHER },
	{ "bind", try_bind, REFUSED, REFUSED, OTHER },
	{ "listen", try_listen, REFUSED, REFUSED, REFUSED },
	{ "accept4", try_accept, OTHER, OTHER, REFUSED },
	{ "getsockname", try_getsockname, OTHER, OTHER, OTHER },
	{ "socketpair", try_socketpair, REFUSED, REFUSED, REFUSED },
	{ "execve", try_exec, KILLED, KILLED, KILLED },
	{ "execveat", try_fexec, KILLED, KILLED, KILLED },
	{ "fork of the C library", try_fork, REFUSED, REFUSED, REFUSED },
	{ "fork", try_raw_fork, KILLED, KILLED, KILLED },
	{ "vfork", try_vfork, KILLED, KILLED, KILLED },
	{ "another's namespace", try_setns, KILLED, KILLED, KILLED },
	{ "kexec_load", try_kexec, KILLED, KILLED, KILLED },
	{ "another's memory, to write", try_write_memory, KILLED, KILLED, KILLED },
	{ "clone of a process", try_clone, REFUSED, REFUSED, REFUSED },
	{ "clone3 of a process", try_clone3, REFUSED, MISSING, REFUSED },
	{ "a namespace of its own", try_namespace, KILLED, KILLED, KILLED },
	{ "ptrace", try_ptrace, KILLED, KILLED, KILLED },
	{ "another's memory", try_read_memory, KILLED, KILLED, KILLED },
	{ "kill", try_kill, REFUSED, REFUSED, REFUSED },
	{ "tgkill", try_tgkill, REFUSED, REFUSED, REFUSED },
	{ "tkill", try_tkill, REFUSED, REFUSED, REFUSED },
	{ "pidfd_open", try_pidfd, REFUSED, REFUSED, REFUSED },
	{ "limits of another", try_limits_of_another, REFUSED, REFUSED, REFUSED },
	{ "memory to write and execute", try_mmap_exec, REFUSED, REFUSED, REFUSED },
	{ "memory made executable", try_mprotect_exec, REFUSED, REFUSED, REFUSED },
	{ "the same with a key", try_pkey_mprotect_exec, REFUSED, REFUSED, REFUSED },
	{ "personality", try_personality, REFUSED, REFUSED, REFUSED },
	{ "setuid", try_setuid, REFUSED, REFUSED, REFUSED },
	{ "setgid", try_setgid, REFUSED, REFUSED, REFUSED },
	{ "capset", try_capset, REFUSED, REFUSED, REFUSED },
	{ "mount", try_mount, KILLED, KILLED, KILLED },
	{ "umount", try_umount, REFUSED, REFUSED, REFUSED },
	{ "bpf", try_bpf, KILLED, KILLED, KILLED },
	{ "perf_event_open", try_perf, REFUSED, REFUSED, REFUSED },
	{ "io_uring", try_io_uring, REFUSED, REFUSED, REFUSED },
	{ "userfaultfd", try_userfaultfd, KILLED, KILLED, KILLED },
	{ "add_key", try_keyring, KILLED, KILLED, KILLED },
	{ "init_module", try_module, KILLED, KILLED, KILLED },
	{ "reboot", try_reboot, REFUSED, REFUSED, REFUSED },
	{ "settimeofday", try_set_time, REFUSED, REFUSED, REFUSED },
	{ "prctl", try_new_filter, REFUSED, REFUSED, REFUSED },
	{ "ioctl", try_ioctl, REFUSED, REFUSED, REFUSED },
	{ "the time", try_time, WORKED, WORKED, WORKED },
	{ "memory", try_memory, WORKED, WORKED, WORKED },
	{ "a file of its own", try_own_file, REFUSED, WORKED, REFUSED },
	{ "a thread", try_thread, REFUSED, WORKED, REFUSED },
};

/* The parent: what it needs, and what neither it nor a command that it runs may do. */
static const struct {
	const char *name;
	long (*try)(void);
	enum end end;
} parent_rows[] = {
	{ "open /etc/passwd", try_open_passwd, WORKED },
	{ "a TCP socket", try_tcp, WORKED },
	{ "a UDP socket", try_udp, WORKED },
	{ "a Unix socket", try_unix, WORKED },
	{ "socketpair", try_socketpair, WORKED },
	{ "fork", try_fork, WORKED },
	{ "clone", try_clone, WORKED },
	{ "clone3", try_clone3, MISSING },
	{ "execve", try_exec, WORKED },
	{ "a raw socket", try_raw, REFUSED },
	{ "a packet socket", try_packet, REFUSED },
	{ "a netlink socket", try_netlink, REFUSED },
	{ "ptrace", try_ptrace, REFUSED },
	{ "another's memory", try_read_memory, REFUSED },
	{ "another's memory, to write", try_write_memory, REFUSED },
	{ "a namespace of its own", try_namespace, REFUSED },
	{ "a process in a namespace", try_clone_namespace, REFUSED },
	{ "another's namespace", try_setns, REFUSED },
	{ "mount", try_mount_nothing, REFUSED },
	{ "umount", try_umount_nothing, REFUSED },
	{ "pivot_root", try_pivot_root, REFUSED },
	{ "kexec_load", try_kexec, REFUSED },
	{ "init_module", try_module, REFUSED },
	{ "bpf", try_bpf, REFUSED },
	{ "perf_event_open", try_perf, REFUSED },
	{ "io_uring", try_io_uring, REFUSED },
	{ "userfaultfd", try_userfaultfd, REFUSED },
	{ "reboot", try_reboot, REFUSED },
	{ "settimeofday", try_set_time, REFUSED },
	{ "personality", try_personality, REFUSED },
};

static bool below_parent; /* the list of the parent first, as in a server */

static enum end end_of(long result, int error)
{
	if (result >= 0)
		return WORKED;
	switch (error) {
	case EPERM: return REFUSED;
	case ENOENT:
	case EACCES:
	case EXDEV: return HIDDEN;
	case ENOSYS: return MISSING;
	default: return OTHER; /* errno is no enum of ours */
	}
}

/* The child: does not return. */
static void in_sandbox(enum sandbox_kind kind, bool drop, long (*try)(void))
{
	struct child_identity id = { .drop = drop };
	struct err err = { 0 };
	char root[64];
	long r;

	if ((below_parent || kind == SANDBOX_PARENT) &&
		sandbox_syscalls(SANDBOX_PARENT, &err) != ST_OK)
		_exit(103);
	if (kind == SANDBOX_PARENT) {
		errno = 0;
		r = try();
		_exit((int)end_of(r, errno));
	}
	snprintf(root, sizeof root, "%s/%s", base, kind == SANDBOX_STORE ? "store" : "empty");
	id.uid = id.gid = kind == SANDBOX_STORE ? STORE_UID : EDGE_UID;
	if (!drop && geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
		_exit(100);
	if (chdir(root) < 0)
		_exit(101);
	if (sandbox_drop(&id, root, &err) != ST_OK || sandbox_syscalls(kind, &err) != ST_OK)
		_exit(102);
	errno = 0;
	r = try();
	_exit((int)end_of(r, errno));
}

static enum end run(enum sandbox_kind kind, bool drop, long (*try)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		in_sandbox(kind, drop, try);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return KILLED;
	if (!WIFEXITED(status) || WEXITSTATUS(status) > OTHER)
		fail_msg("the sandbox was not entered: status %x", (unsigned)status);
	return (enum end)WEXITSTATUS(status);
}

static void start_bystander(uid_t uid)
{
	bystander = fork();
	if (bystander == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (geteuid() == 0 &&
			(setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0))
			_exit(1);
		for (;;)
			pause();
	}
}

static void remove_made(void)
{
	static const char *const names[] = { "store/own", "store/directory", "outside" };
	char path[64];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", base, names[i]);
		remove(path);
	}
}

static void all_rows(enum sandbox_kind kind, bool drop)
{
	int bad = 0;

	start_bystander(!drop ? NOBODY : kind == SANDBOX_STORE ? STORE_UID : EDGE_UID);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		/* A carrier without datagrams and without a choice of its address. */
		enum end web = rows[i].try == try_udp || rows[i].try == try_bind ? REFUSED
										 : rows[i].carrier;
		const enum end wants[] = { [SANDBOX_EDGE] = rows[i].edge,
			[SANDBOX_STORE] = rows[i].store,
			[SANDBOX_CARRIER] = rows[i].carrier,
			[SANDBOX_WEB] = web };
		enum end want = wants[kind], got = run(kind, drop, rows[i].try);

		if (got != want) {
			print_error(
				"%s: %s, not %s\n", rows[i].name, end_names[got], end_names[want]);
			bad++;
		}
	}
	remove_made();
	assert_int_equal(kill(bystander, 0), 0);
	kill(bystander, SIGKILL);
	waitpid(bystander, NULL, 0);
	assert_int_equal(bad, 0);
}

static void parent(void **state)
{
	int bad = 0;

	(void)state;
	start_bystander(NOBODY);
	for (size_t i = 0; i < sizeof parent_rows / sizeof *parent_rows; i++) {
		enum end got = run(SANDBOX_PARENT, false, parent_rows[i].try);

		if (got != parent_rows[i].end) {
			print_error("%s: %s, not %s\n", parent_rows[i].name, end_names[got],
				end_names[parent_rows[i].end]);
			bad++;
		}
	}
	assert_int_equal(kill(bystander, SIGKILL), 0);
	waitpid(bystander, NULL, 0);
	assert_int_equal(bad, 0);
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static void need_landlock(void)
{
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 2)
		skip();
}

static void edge_as_root(void **state)
{
	(void)state;
	need_root();
	all_rows(SANDBOX_EDGE, true);
}

static void store_as_root(void **state)
{
	(void)state;
	need_root();
	all_rows(SANDBOX_STORE, true);
}

static void carrier_as_root(void **state)
{
	(void)state;
	need_root();
	all_rows(SANDBOX_CARRIER, true);
}

static void carrier_without_privileges(void **state)
{
	(void)state;
	all_rows(SANDBOX_CARRIER, false);
}

static void web_as_root(void **state)
{
	(void)state;
	need_root();
	all_rows(SANDBOX_WEB, true);
}

static void web_without_privileges(void **state)
{
	(void)state;
	all_rows(SANDBOX_WEB, false);
}

static void edge_without_privileges(void **state)
{
	(void)state;
	all_rows(SANDBOX_EDGE, false);
}

static void store_without_privileges(void **state)
{
	(void)state;
	need_landlock();
	all_rows(SANDBOX_STORE, false);
}

/* A child inherits the parent's list and puts its own on top of it. */
static void below_the_parent(void **state)
{
	(void)state;
	need_root();
	below_parent = true;
	all_rows(SANDBOX_EDGE, true);
	all_rows(SANDBOX_STORE, true);
	all_rows(SANDBOX_CARRIER, true);
	all_rows(SANDBOX_WEB, true);
	below_parent = false;
}

/* Each row must be able to fail: without a sandbox the plain ones work. */
static _Atomic bool confined, got_through;

static void *hashing_thread(void *arg)
{
	while (!confined)
		continue;
	(void)try_ptrace();
	got_through = true;
	return arg;
}

/* Those that hash passwords run before the list closes. */
static void threads_from_before(void **state)
{
	struct err err = { 0 };
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, hashing_thread, NULL) != 0)
			_exit(100);
		if (sandbox_syscalls(SANDBOX_STORE, &err) != ST_OK)
			_exit(101);
		confined = true;
		while (!got_through)
			continue;
		_exit(WORKED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void outside_they_work(void **state)
{
	static long (*const plain[])(void) = { try_open_passwd, try_open_secret, try_proc_maps,
		try_tcp, try_unix, try_socketpair, try_fork, try_raw_fork, try_clone, try_clone3,
		try_mmap_exec, try_mprotect_exec, try_personality, try_chdir, try_fchdir };

	(void)state;
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			_exit(plain[i]() >= 0 ? 0 : 1);
		waitpid(pid, &status, 0);
		if (status != 0)
			fail_msg("row %zu does not work outside either", i);
	}
}

/* What is refused here is refused to our own code. */
static void built_for_release(void **state)
{
	(void)state;
#ifdef __SANITIZE_ADDRESS__
	fail_msg("built with sanitizers: their own calls are in the way");
#endif
}

static void make_file(char *path, size_t n, const char *name)
{
	int fd;

	snprintf(path, n, "%s/%s", base, name);
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	if (write(fd, "x", 1) != 1)
		abort();
	close(fd);
}

static int setup(void **state)
{
	char path[64];

	(void)state;
	if (mkdtemp(base) == NULL || chmod(base, 0777) < 0)
		return -1;
	make_file(secret_file, sizeof secret_file, "secret");
	/* Its owner may link it (protected_hardlinks of proc(5)), so only the sandbox can refuse. */
	if (geteuid() == 0 && chown(secret_file, NOBODY, NOBODY) < 0)
		return -1;
	snprintf(outside_file, sizeof outside_file, "%s/outside", base);
	snprintf(path, sizeof path, "%s/empty", base);
	mkdir(path, 0755);
	snprintf(path, sizeof path, "%s/store", base);
	if (mkdir(path, 0777) < 0 || chmod(path, 0777) < 0)
		return -1;
	outside_dir = open("/etc", O_RDONLY | O_DIRECTORY);
	return outside_dir < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "store", "empty", "secret", "" };
	char path[64];

	(void)state;
	remove_made();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", base, names[i]);
		remove(path);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_for_release),
		cmocka_unit_test(outside_they_work),
		cmocka_unit_test(threads_from_before),
		cmocka_unit_test(edge_as_root),
		cmocka_unit_test(store_as_root),
		cmocka_unit_test(edge_without_privileges),
		cmocka_unit_test(store_without_privileges),
		cmocka_unit_test(carrier_as_root),
		cmocka_unit_test(carrier_without_privileges),
		cmocka_unit_test(web_as_root),
		cmocka_unit_test(web_without_privileges),
		cmocka_unit_test(parent),
		cmocka_unit_test(below_the_parent),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
