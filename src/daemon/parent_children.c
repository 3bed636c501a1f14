#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/parent.h"
#include "daemon/shared.h"
#include "daemon/web.h"

struct child *parent_store(struct parent *p)
{
	for (size_t i = 0; i < PARENT_CHILDREN_MAX; i++)
		if (p->children[i].pid != 0 && p->children[i].kind == CHILD_STORE)
			return &p->children[i];
	return NULL;
}

/* One packet of ipc.h.  The leash is almost empty always: when it is not, the child hangs, and what
 * it misses now it would have missed anyhow. */
void parent_tell(const struct child *c, enum leash_type type, struct str text, int fd)
{
	struct ipc_head head = { .type = (uint16_t)type };
	struct iovec iov[2] = { { &head, sizeof head }, { (void *)(uintptr_t)text.p, text.n } };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (fd >= 0) {
		struct cmsghdr *cm;

		msg.msg_control = control.room;
		msg.msg_controllen = sizeof control.room;
		cm = CMSG_FIRSTHDR(&msg);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(cm), &fd, sizeof fd);
	}
	if (sendmsg(c->leash, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_warn("parent.leash", F_INT("pid", c->pid), F_C("err", strerror(errno)));
}

static bool wanted(const int *keep, size_t n, int fd)
{
	for (size_t i = 0; i < n; i++)
		if (keep[i] == fd)
			return true;
	return fd <= 2;
}

/* A child has what it needs and nothing else: no other child's leash, no other socket. */
static void close_others(const int *keep, size_t n)
{
	int highest = 2;

	for (size_t i = 0; i < n; i++)
		highest = keep[i] > highest ? keep[i] : highest;
	for (int fd = 3; fd <= highest; fd++)
		if (!wanted(keep, n, fd))
			close(fd);
	close_range((unsigned)highest + 1, ~0u, 0);
}

static void become_child(struct parent *p, const char *name)
{
	sigset_t none;

	sigemptyset(&none);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* A terminal's Ctrl-C reaches every process: only the parent decides what it means. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	prctl(PR_SET_NAME, name);
	log_init(p->log_fd, p->log_level, name);
}

static struct child *free_child(struct parent *p)
{
	for (size_t i = 0; i < PARENT_CHILDREN_MAX; i++)
		if (p->children[i].pid == 0)
			return &p->children[i];
	return NULL;
}

static bool start_child(struct child *c, enum child_kind kind, const int leash[2], pid_t pid)
{
	close(leash[1]);
	if (pid < 0) {
		log_error("parent.fork", F_C("err", strerror(errno)));
		close(leash[0]);
		return false;
	}
	c->pid = pid;
	c->kind = kind;
	c->leash = leash[0];
	c->ready = c->retired = false;
	c->started_ms = clock_mono_ms();
	return true;
}

bool parent_spawn_store(struct parent *p)
{
	struct child *c = free_child(p);
	int leash[2];
	pid_t pid;

	if (c == NULL || ipc_pair(leash) < 0)
		return false;
	log_flush();
	pid = fork();
	if (pid == 0) {
		int keep[] = { leash[1], p->control_fd, p->lock_fd, p->log_fd };
		struct child_start start = { .state = p->state,
			.identity = p->store_identity,
			.leash = leash[1],
			.channel = -1,
			.config = p->files.config,
			.control_fd = p->control_fd,
			.lock_fd = p->lock_fd,
			.shared = p->shared,
			.admin = p->admin };

		close_others(keep, sizeof keep / sizeof *keep);
		become_child(p, "store");
		parent_wipe_tls(&p->files);
		mem_wipe(p->ticket_keys, sizeof p->ticket_keys);
		parent_wipe_passwords(p);
		store_process(&start);
	}
	return start_child(c, CHILD_STORE, leash, pid);
}

static int free_seat(const struct parent *p)
{
	for (unsigned seat = 0; seat < SHARED_SEATS; seat++) {
		bool taken = false;

		for (size_t i = 0; i < PARENT_CHILDREN_MAX; i++)
			taken |= p->children[i].pid != 0 && p->children[i].kind == CHILD_EDGE &&
				 p->children[i].seat == seat;
		if (!taken)
			return (int)seat;
	}
	return -1;
}

/* A pair of leash and a pair of channel for a child besides the store. */
static bool make_pairs(int leash[2], int channel[2])
{
	if (ipc_pair(leash) < 0)
		return false;
	if (ipc_pair(channel) == 0)
		return true;
	close(leash[0]);
	close(leash[1]);
	return false;
}

void parent_tell_channel(const struct child *store, const struct child *c, int fd)
{
	struct buf whose = { 0 };

	put_u32(&whose, (uint32_t)c->pid);
	parent_tell(store, c->kind == CHILD_CARRIER ? LEASH_CARRIER : LEASH_CHANNEL,
		buf_str(&whose), fd);
	buf_deinit(&whose);
}

/* Its end of the channel goes to the store. */
static bool introduce(struct parent *p, bool started, const struct child *c, const int channel[2])
{
	close(channel[1]);
	if (started)
		parent_tell_channel(parent_store(p), c, channel[0]);
	close(channel[0]);
	return started;
}

bool parent_spawn_edge(struct parent *p)
{
	struct child *c = free_child(p);
	int leash[2], channel[2], seat = free_seat(p);
	pid_t pid;

	if (c == NULL || parent_store(p) == NULL || seat < 0 || !make_pairs(leash, channel))
		return false;
	shared_clear_seat(p->shared, (unsigned)seat);
	log_flush();
	pid = fork();
	if (pid == 0) {
		int keep[PARENT_LISTENERS_MAX + 3] = { leash[1], channel[1], p->log_fd };
		char name[16];
		struct tls_pair pairs[TLS_PAIRS_MAX];
		struct child_start start = { .state = p->state,
			.identity = p->edge_identity,
			.leash = leash[1],
			.channel = channel[1],
			.config = p->files.config,
			.seat = (unsigned)seat,
			.shared = p->shared,
			.listeners = p->listeners,
			.listener_count = p->listener_count,
			.pairs = pairs,
			.pair_count = p->files.pair_count,
			.ticket_keys = parent_ticket_keys(p),
			.client_ca = buf_str(&p->files.client_ca) };

		for (size_t i = 0; i < p->files.pair_count; i++)
			pairs[i] = (struct tls_pair){ buf_str(&p->files.pairs[i].cert),
				buf_str(&p->files.pairs[i].key) };
		for (size_t i = 0; i < p->listener_count; i++)
			keep[3 + i] = p->listeners[i].fd;
		close_others(keep, 3 + p->listener_count);
		snprintf(name, sizeof name, "edge%d", seat);
		become_child(p, name);
		parent_wipe_passwords(p);
		edge_process(&start);
	}
	c->seat = (unsigned)seat;
	return introduce(p, start_child(c, CHILD_EDGE, leash, pid), c, channel);
}

bool parent_spawn_carrier(struct parent *p)
{
	struct child *c = free_child(p);
	int leash[2], channel[2];
	pid_t pid;

	if (c == NULL || parent_store(p) == NULL || !make_pairs(leash, channel))
		return false;
	log_flush();
	pid = fork();
	if (pid == 0) {
		int keep[] = { leash[1], channel[1], p->log_fd };
		struct child_start start = { .state = p->state,
			.identity = p->edge_identity,
			.leash = leash[1],
			.channel = channel[1],
			.config = p->files.config,
			.dns_servers = buf_str(&p->files.dns_servers),
			.dns_anchors = buf_str(&p->files.dns_anchors),
			.roots = buf_str(&p->files.roots) };

		close_others(keep, sizeof keep / sizeof *keep);
		become_child(p, "carrier");
		parent_wipe_tls(&p->files);
		mem_wipe(p->ticket_keys, sizeof p->ticket_keys);
		carrier_process(&start);
	}
	return introduce(p, start_child(c, CHILD_CARRIER, leash, pid), c, channel);
}

/* What it fetched is kept in a file that only the parent can open. */
static int open_kept(const struct parent *p)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof path, "%s/mtasts", p->state);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		log_warn("parent.mtasts", F_C("path", path), F_C("err", strerror(errno)));
	return fd;
}

bool parent_spawn_web(struct parent *p)
{
	struct child *c = free_child(p);
	int leash[2];
	pid_t pid;

	if (c == NULL || ipc_pair(leash) < 0)
		return false;
	log_flush();
	pid = fork();
	if (pid == 0) {
		int kept = open_kept(p);
		int keep[] = { leash[1], p->log_fd, kept };
		struct web_start start = { .state = p->state,
			.identity = p->edge_identity,
			.leash = leash[1],
			.kept_fd = kept,
			.roots = buf_str(&p->files.roots) };

		close_others(keep, sizeof keep / sizeof *keep);
		become_child(p, "web");
		parent_wipe_tls(&p->files);
		mem_wipe(p->ticket_keys, sizeof p->ticket_keys);
		parent_wipe_passwords(p);
		web_process(&start);
	}
	return start_child(c, CHILD_WEB, leash, pid);
}

void parent_connect_web(struct parent *p, const struct child *ready)
{
	for (size_t i = 0; i < PARENT_CHILDREN_MAX; i++) {
		const struct child *other = &p->children[i];
		const struct child *web = ready->kind == CHILD_WEB ? ready : other;
		const struct child *carrier = ready->kind == CHILD_WEB ? other : ready;
		int channel[2];

		if (other->pid == 0 || !other->ready || web->kind != CHILD_WEB || web->retired ||
			carrier->kind != CHILD_CARRIER || ipc_pair(channel) < 0)
			continue;
		parent_tell(carrier, LEASH_WEB, STR(""), channel[0]);
		parent_tell(web, LEASH_CARRIER, STR(""), channel[1]);
		close(channel[0]);
		close(channel[1]);
	}
}
