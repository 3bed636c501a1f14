#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/sandbox.h"

/* The leak checker of a sanitized build looks at its own process by ptrace when that ends. */
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true
#elif defined __has_feature
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED false
#endif

/* Everything an ABI of landlock(7) can forbid, and what is allowed below the root: no execution and
 * no special files.  Linking and renaming between directories came with the second ABI; a kernel
 * that has only the first one would forbid them always. */
enum {
	BELOW_ROOT = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
		     LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |
		     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
		     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER,
	EVERYWHERE = BELOW_ROOT | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
		     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
		     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_SYM,
	LANDLOCK_ABI = 2,
};

/* What chroot does for root.  A kernel without it leaves the seccomp list alone, as before. */
static enum status confine(const char *root, struct err *err)
{
	struct landlock_ruleset_attr all = { .handled_access_fs = EVERYWHERE };
	struct landlock_path_beneath_attr below = { .allowed_access = BELOW_ROOT };
	int ruleset, r;

	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) <
		LANDLOCK_ABI)
		return ST_OK;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
	below.parent_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (below.parent_fd < 0) {
		close(ruleset);
		return err_set(err, ST_IO, "open %s: %s", root, strerror(errno));
	}
	r = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0);
	if (r == 0)
		r = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
	if (r < 0)
		err_set(err, ST_IO, "landlock: %s", strerror(errno));
	close(below.parent_fd);
	close(ruleset);
	return r == 0 ? ST_OK : ST_IO;
}

enum status sandbox_drop(const struct child_identity *id, const char *root, struct err *err)
{
	struct rlimit none = { 0, 0 };

	if (id->drop) {
		if (chroot(root) < 0 || chdir("/") < 0)
			return err_set(err, ST_IO, "chroot %s: %s", root, strerror(errno));
		if (setgroups(0, NULL) < 0 || setresgid(id->gid, id->gid, id->gid) < 0 ||
			setresuid(id->uid, id->uid, id->uid) < 0)
			return err_set(err, ST_IO, "change to uid %u: %s", (unsigned)id->uid,
				strerror(errno));
		/* A kernel that says yes and does nothing must not go unnoticed. */
		if (id->uid != 0 && setuid(0) == 0)
			return err_set(err, ST_IO, "still root after setresuid");
	}
	if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_set(err, ST_IO, "give up privileges: %s", strerror(errno));
	return id->drop ? ST_OK : confine(root, err);
}

/* Every process: memory, time, its own epoll, reading and writing what is open. */
static const int for_all[] = { SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(lseek), SCMP_SYS(munmap), SCMP_SYS(brk),
	SCMP_SYS(madvise), SCMP_SYS(mremap), SCMP_SYS(futex), SCMP_SYS(sched_yield),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(restart_syscall), SCMP_SYS(getrandom), SCMP_SYS(getpid),
	SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rseq),
	SCMP_SYS(set_robust_list), SCMP_SYS(membarrier), SCMP_SYS(fcntl), SCMP_SYS(dup),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(eventfd2),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),
	SCMP_SYS(shutdown), SCMP_SYS(sysinfo), SCMP_SYS(getrusage), SCMP_SYS(uname) };

/* Strangers' sockets that the parent opened for listening; none of its own. */
static const int for_edge[] = { SCMP_SYS(accept4), SCMP_SYS(recvfrom), SCMP_SYS(sendto),
	SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(sendfile), SCMP_SYS(splice) };

/* Sockets of its own, but only to other hosts; add_socket_rules() says of which kind. */
static const int for_carrier[] = { SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(recvfrom),
	SCMP_SYS(sendto), SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg), SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername) };

/* TCP to web servers, and the one file that was open before. */
static const int for_web[] = { SCMP_SYS(connect), SCMP_SYS(recvfrom), SCMP_SYS(sendto),
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate) };

/* Files below its root, threads for syncs and hashes, the control socket; no socket of its own. */
static const int for_store[] = { SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(open),
	SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(pread64), SCMP_SYS(pwrite64),
	SCMP_SYS(preadv), SCMP_SYS(pwritev), SCMP_SYS(pwritev2), SCMP_SYS(fdatasync),
	SCMP_SYS(fsync), SCMP_SYS(sync_file_range), SCMP_SYS(ftruncate), SCMP_SYS(fallocate),
	SCMP_SYS(fadvise64), SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(getdents64), SCMP_SYS(fchmod),
	SCMP_SYS(fchown), SCMP_SYS(umask), SCMP_SYS(getcwd), SCMP_SYS(getppid), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(fstatfs), SCMP_SYS(statfs), SCMP_SYS(memfd_create),
	SCMP_SYS(accept4), SCMP_SYS(getsockopt), SCMP_SYS(getsockname), SCMP_SYS(flock),
	SCMP_SYS(copy_file_range), SCMP_SYS(recvfrom), SCMP_SYS(sendto),
	SCMP_SYS(sched_getaffinity) };

/* Nobody here ever calls these: whoever does is not us. */
static const int fatal[] = { SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(fork),
	SCMP_SYS(vfork), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(bpf),
	SCMP_SYS(mount), SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(init_module),
	SCMP_SYS(kexec_load), SCMP_SYS(add_key), SCMP_SYS(userfaultfd), SCMP_SYS(chroot) };

/* Not in the parent either, nor in a password_command that it runs: for that one's sake they fail, as they
 * do in most containers, and keyrings stay (`keyctl pipe` is such a command). */
static const int not_for_parent[] = { SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(process_madvise), SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp), SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register), SCMP_SYS(mount), SCMP_SYS(umount2),
	SCMP_SYS(pivot_root), SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen),
	SCMP_SYS(fspick), SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(mount_setattr),
	SCMP_SYS(open_by_handle_at), SCMP_SYS(quotactl), SCMP_SYS(swapon), SCMP_SYS(swapoff),
	SCMP_SYS(acct), SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(init_module),
	SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime), SCMP_SYS(adjtimex), SCMP_SYS(clock_adjtime), SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname), SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(syslog),
	SCMP_SYS(personality), SCMP_SYS(vhangup) };

#define COUNT(a) (sizeof(a) / sizeof *(a))

static int add_all(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		if (calls[i] >= 0) /* negative: not a call of this architecture */
			r = seccomp_rule_add(ctx, action, calls[i], 0);
	return r;
}

/* Threads, not processes: what clone3 makes stands in memory, where a filter cannot look, so it is
 * not there at all and the C library takes clone. */
static int add_store_rules(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp thread =
		SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM);
	const struct scmp_arg_cmp self = SCMP_A0(SCMP_CMP_EQ, 0);
	int r = add_all(ctx, SCMP_ACT_ALLOW, for_store, COUNT(for_store));

	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (r == 0)
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, &thread);
	if (r == 0)
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, &self);
	return r;
}

/* TCP to other servers, with `datagrams` UDP to the resolver; never a Unix socket, which could reach the
 * machine's own services. */
static int add_socket_rules(scmp_filter_ctx ctx, bool datagrams)
{
	static const scmp_datum_t families[] = { AF_INET, AF_INET6 };
	static const scmp_datum_t types[] = { SOCK_STREAM, SOCK_DGRAM };
	const scmp_datum_t flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
	size_t type_count = datagrams ? COUNT(types) : 1;
	int r = 0;

	for (size_t i = 0; i < COUNT(families) * type_count && r == 0; i++) {
		const struct scmp_arg_cmp which[] = { SCMP_A0(SCMP_CMP_EQ,
							      families[i / type_count]),
			SCMP_A1(SCMP_CMP_MASKED_EQ, (scmp_datum_t)UINT32_MAX & ~flags,
				types[i % type_count]) };

		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, which);
	}
	return r;
}

static int refuse(scmp_filter_ctx ctx, int call, struct scmp_arg_cmp when)
{
	return seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EPERM), call, 1, &when);
}

/* What it must not do, of all the rest: it reads any file, changes users, forks and runs commands. */
static int add_parent_rules(scmp_filter_ctx ctx)
{
	static const scmp_datum_t spaces[] = { CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET,
		CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS };
	const scmp_datum_t type = 0xf; /* without SOCK_CLOEXEC and SOCK_NONBLOCK */
	int r = add_all(ctx, SCMP_ACT_ERRNO(EPERM), not_for_parent, COUNT(not_for_parent));

	if (r == 0 && !SANITIZED)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ptrace), 0);
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	for (size_t i = 0; i < COUNT(spaces) && r == 0; i++)
		r = refuse(ctx, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, spaces[i], spaces[i]));
	for (scmp_datum_t family = 0; family < AF_INET6 && r == 0; family++)
		if (family != AF_UNIX && family != AF_INET)
			r = refuse(ctx, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, family));
	if (r == 0)
		r = refuse(ctx, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_GT, AF_INET6));
	if (r == 0)
		r = refuse(ctx, SCMP_SYS(socket), SCMP_A1(SCMP_CMP_MASKED_EQ, type, SOCK_RAW));
	return r;
}

static int add_rules(scmp_filter_ctx ctx, enum sandbox_kind kind)
{
	const struct scmp_arg_cmp not_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	/* For abort(); another process of the same user is none of its business. */
	const struct scmp_arg_cmp self = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid());
	int r;

	if (kind == SANDBOX_PARENT)
		return add_parent_rules(ctx);
	r = add_all(ctx, SCMP_ACT_ALLOW, for_all, COUNT(for_all));
	if (r == 0)
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &not_exec);
	if (r == 0)
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, &not_exec);
	if (r == 0)
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);
	if (r == 0)
		r = add_all(ctx, SCMP_ACT_KILL_PROCESS, fatal, COUNT(fatal));
	if (r != 0)
		return r;
	switch (kind) {
	case SANDBOX_EDGE: return add_all(ctx, SCMP_ACT_ALLOW, for_edge, COUNT(for_edge));
	case SANDBOX_STORE: return add_store_rules(ctx);
	case SANDBOX_CARRIER:
		r = add_all(ctx, SCMP_ACT_ALLOW, for_carrier, COUNT(for_carrier));
		return r != 0 ? r : add_socket_rules(ctx, true);
	case SANDBOX_WEB:
		r = add_all(ctx, SCMP_ACT_ALLOW, for_web, COUNT(for_web));
		return r != 0 ? r : add_socket_rules(ctx, false);
	case SANDBOX_PARENT: return r; /* above */
	}
	return r;
}

enum status sandbox_syscalls(enum sandbox_kind kind, struct err *err)
{
	scmp_filter_ctx ctx =
		seccomp_init(kind == SANDBOX_PARENT ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));
	int r = ctx == NULL ? -ENOMEM : seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);

	if (r == 0)
		r = add_rules(ctx, kind);
	if (r == 0)
		r = seccomp_load(ctx);
	if (ctx != NULL)
		seccomp_release(ctx);
	if (r != 0)
		return err_set(err, ST_IO, "seccomp filter: %s", strerror(-r));
	return ST_OK;
}
