/* The parent's loop: signals, children that get ready or die, and nothing else. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/activation.h"
#include "daemon/control.h"
#include "daemon/parent.h"
#include "daemon/sandbox.h"
#include "daemon/serve.h"
#include "daemon/shared.h"

enum {
	STOP_GRACE_MS = 10 * 1000, /* for sessions to end after SIGTERM */
	YOUNG_MS = 2000, /* a child that dies before this age is not started again at once */
	BACKOFF_FIRST_MS = 100,
	BACKOFF_MOST_MS = 10 * 1000,
	POLL_MOST_MS = 3600 * 1000, /* nothing is due: no process wakes up for nothing */
	TRY_AGAIN_MS = 10 * 1000,   /* to fork, when that failed */
	CHANNEL_EACH_MS = 1000,     /* a second one for the same child not before */
};

/* sd_notify(3) without the library: one datagram to $NOTIFY_SOCKET. */
static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct str text = str_c(state), to = str_c(path);
	int fd;

	if (to.n == 0 || to.n >= sizeof sa.sun_path)
		return;
	memcpy(sa.sun_path, to.p, to.n);
	if (sa.sun_path[0] == '@')
		sa.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text.p, text.n, MSG_NOSIGNAL, (const struct sockaddr *)&sa,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + to.n)) < 0)
		log_warn("serve.notify", F_C("err", strerror(errno)));
	close(fd);
}

static unsigned count(const struct parent *p, enum child_kind kind, bool only_ready)
{
	unsigned n = 0;

	for (size_t i = 0; i < PARENT_CHILDREN_MAX; i++) {
		const struct child *c = &p->children[i];

		if (c->pid != 0 && c->kind == kind && !c->retired && (c->ready || !only_ready))
			n++;
	}
	return n;
}

static void say_ready(struct parent *p)
{
	struct child *store = parent_store(p);

	if (p->said_ready || store == NULL || !store->ready ||
		count(p, CHILD_EDGE, true) < p->edges ||
		count(p, CHILD_CARRIER, true) < p->carriers)
		return;
	p->said_ready = true;
	puts("ready");
	fflush(stdout);
	notify("READY=1");
	mem_trim();
	log_info("serve.ready", F_INT("edges", p->edges), F_INT("carriers", p->carriers),
		F_INT("listeners", p->listener_count));
	log_flush();
}

static struct child *oldest_draining(struct parent *p, bool of_edges)
{
	struct child *oldest = NULL;

	for (size_t i = 0; i < PARENT_CHILDREN_MAX; i++) {
		struct child *c = &p->children[i];

		if (c->pid != 0 && c->retired && c->end_by_ms == 0 &&
			(!of_edges || c->kind == CHILD_EDGE) &&
			(oldest == NULL || c->started_ms < oldest->started_ms))
			oldest = c;
	}
	return oldest;
}

/* A generation that drains has its seats for as long as its last session lives.  When the next one would find none, the
 * oldest is not waited for: else a few reloads, and clients that stay, would leave nobody who accepts.  Returns in
 * how many ms it wants to be called again. */
static int64_t make_places(struct parent *p)
{
	unsigned places = PARENT_CHILDREN_MAX, seats = SHARED_SEATS;
	int64_t now = clock_mono_ms(), next_ms = POLL_MOST_MS;
	struct child *c;

	for (size_t i = 0; i < PARENT_CHILDREN_MAX && !p->stopping; i++) {
		c = &p->children[i];
		if (c->pid != 0 && c->end_by_ms == 0) {
			places--;
			seats -= c->kind == CHILD_EDGE;
		} else if (c->pid != 0 && c->end_by_ms <= now) {
			kill(c->pid, SIGKILL);
		} else if (c->pid != 0 && c->end_by_ms - now < next_ms) {
			next_ms = c->end_by_ms - now;
		}
	}
	while ((places < p->edges + p->carriers + 1 || seats < p->edges) &&
		(c = oldest_draining(p, seats < p->edges)) != NULL) {
		log_warn("serve.cut", F_INT("pid", c->pid),
			F_INT("age", (now - c->started_ms) / 1000));
		parent_tell(c, LEASH_STOP, STR(""), -1);
		c->end_by_ms = now + STOP_GRACE_MS;
		places++;
		seats += c->kind == CHILD_EDGE;
		next_ms = STOP_GRACE_MS;
	}
	return next_ms;
}

/* Starts what is missing: the store first, the others when it is there.  Returns in how many ms it
 * wants to be called again. */
static int64_t start_missing(struct parent *p)
{
	struct child *store = parent_store(p);
	int64_t now = clock_mono_ms();

	if (p->stopping)
		return POLL_MOST_MS;
	if (now < p->not_before_ms)
		return p->not_before_ms - now;
	if (store == NULL)
		return parent_spawn_store(p) ? POLL_MOST_MS : TRY_AGAIN_MS;
	if (!store->ready)
		return POLL_MOST_MS;
	while (count(p, CHILD_EDGE, false) < p->edges)
		if (!parent_spawn_edge(p))
			return TRY_AGAIN_MS;
	while (count(p, CHILD_CARRIER, false) < p->carriers)
		if (!parent_spawn_carrier(p))
			return TRY_AGAIN_MS;
	if (p->carriers > 0 && count(p, CHILD_WEB, false) == 0 && !parent_spawn_web(p))
		return TRY_AGAIN_MS;
	return POLL_MOST_MS;
}

static bool asks_the_store(const struct child *c)
{
	return c->pid != 0 && (c->kind == CHILD_EDGE || c->kind == CHILD_CARRIER);
}

static void connect_one(struct child *store, struct child *c)
{
	int channel[2];

	if (ipc_pair(channel) < 0)
		return;
	parent_tell_channel(store, c, channel[0]);
	parent_tell(c, LEASH_CHANNEL, STR(""), channel[1]);
	close(channel[0]);
	close(channel[1]);
	c->wants_channel = false;
	c->channel_ms = clock_mono_ms();
}

/* After a crash of the store: each other child gets a channel to the new one. */
static void connect_all(struct parent *p, struct child *store)
{
	for (size_t i = 0; i < PARENT_CHILDREN_MAX; i++)
		if (asks_the_store(&p->children[i]))
			connect_one(store, &p->children[i]);
}

/* A call on a channel failed while both its ends live: another one at once, and then one a second.  When
 * it was the store that ended, connect_all() makes them.  Returns in how many ms it wants to be called
 * again. */
static int64_t connect_again(struct parent *p)
{
	struct child *store = parent_store(p);
	int64_t now = clock_mono_ms(), next_ms = POLL_MOST_MS;

	for (size_t i = 0; store != NULL && store->ready && i < PARENT_CHILDREN_MAX; i++) {
		struct child *c = &p->children[i];
		int64_t wait_ms = c->channel_ms + CHANNEL_EACH_MS - now;

		if (!asks_the_store(c) || !c->wants_channel)
			continue;
		if (wait_ms <= 0) {
			log_warn("parent.channel", F_INT("pid", c->pid));
			connect_one(store, c);
			wait_ms = CHANNEL_EACH_MS;
		}
		if (wait_ms < next_ms)
			next_ms = wait_ms;
	}
	return next_ms;
}

/* The store may not connect to anything.  -1: nobody listens, or there is no such setting. */
static int connect_checker(const struct parent *p)
{
	const char *name = p->files.config->oauth_check;
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int n = snprintf(sa.sun_path, sizeof sa.sun_path, "%s%s%s", name[0] == '/' ? "" : p->state,
		name[0] == '/' ? "" : "/", name);
	int fd;

	if (name[0] == '\0' || n < 0 || (size_t)n >= sizeof sa.sun_path)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&sa, sizeof sa) < 0) {
		log_warn("oauth.connect", F_C("path", sa.sun_path), F_C("err", strerror(errno)));
		close(fd);
		return -1;
	}
	return fd;
}

/* The store knows from its journal when it was last; who is started from now on has that time too. */
static void take_time(struct str octets)
{
	struct reader r = { octets, false };
	int64_t now_ms = (int64_t)get_u64(&r);

	if (!r.bad)
		clock_steady_at_least(now_ms);
}

static void child_said(struct parent *p, struct child *c)
{
	char packet[1024];
	struct ipc_head head;
	ssize_t n = recv(c->leash, packet, sizeof packet, MSG_DONTWAIT);

	/* It cannot be told anything any more, and poll() would never wait again.  Of one that has just ended this
	 * changes nothing. */
	if (n == 0)
		kill(c->pid, SIGKILL);
	if (n < (ssize_t)sizeof head)
		return;
	memcpy(&head, packet, sizeof head);
	if (head.type == LEASH_SECRET && c->kind == CHILD_CARRIER) {
		parent_secret_asked(p, c, str_of(packet + sizeof head, (size_t)n - sizeof head));
		return;
	}
	if (head.type == LEASH_TOKENS && c->kind == CHILD_STORE) {
		int fd = connect_checker(p);

		parent_tell(c, LEASH_TOKENS, STR(""), fd);
		if (fd >= 0)
			close(fd);
		return;
	}
	if (head.type == LEASH_CHANNEL)
		c->wants_channel = true;
	if (head.type != LEASH_READY || c->ready)
		return;
	c->ready = true;
	if (c->kind == CHILD_STORE) {
		take_time(str_of(packet + sizeof head, (size_t)n - sizeof head));
		connect_all(p, c);
	}
	parent_connect_web(p, c);
	say_ready(p);
}

static void child_died(struct parent *p, struct child *c, int status)
{
	static const char *const names[] = { [CHILD_STORE] = "store",
		[CHILD_EDGE] = "edge",
		[CHILD_CARRIER] = "carrier",
		[CHILD_WEB] = "web" };
	int64_t now = clock_mono_ms();
	bool expected = p->stopping || c->end_by_ms != 0 ||
			((c->retired || c->kind == CHILD_STORE) && status == 0);

	if (!expected)
		log_error("serve.child-died", F_C("child", names[c->kind]), F_INT("pid", c->pid),
			F_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
			F_INT("status", WIFEXITED(status) ? WEXITSTATUS(status) : 0));
	if (!expected && now - c->started_ms < YOUNG_MS) {
		p->backoff_ms = p->backoff_ms == 0 ? BACKOFF_FIRST_MS : p->backoff_ms * 2;
		if (p->backoff_ms > BACKOFF_MOST_MS)
			p->backoff_ms = BACKOFF_MOST_MS;
		p->not_before_ms = now + p->backoff_ms;
	} else {
		p->backoff_ms = 0;
	}
	close(c->leash);
	if (c->kind == CHILD_EDGE)
		shared_clear_seat(p->shared, c->seat);
	*c = (struct child){ 0 };
}

/* Returns what to exit with when a child failed before the office was ever ready, else 0. */
static int reap(struct parent *p)
{
	int status, failed = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		parent_secret_died(p, pid, status);
		for (size_t i = 0; i < PARENT_CHILDREN_MAX; i++)
			if (p->children[i].pid == pid) {
				if (!p->said_ready && !p->stopping)
					failed = WIFEXITED(status) && WEXITSTATUS(status) != 0
							 ? WEXITSTATUS(status)
							 : EX_SOFTWARE;
				child_died(p, &p->children[i], status);
			}
	}
	return failed;
}

static void retire_all(struct parent *p, enum leash_type type)
{
	for (size_t i = 0; i < PARENT_CHILDREN_MAX; i++) {
		struct child *c = &p->children[i];

		if (c->pid == 0 || c->kind == CHILD_STORE)
			continue;
		c->retired = true;
		parent_tell(c, type, STR(""), -1);
	}
}

/* As a memory file: it may be longer than a packet. */
static void tell_config(const struct child *store, struct str text, int fd)
{
	struct buf octets = { 0 };

	put_u64(&octets, text.n);
	parent_tell(store, LEASH_CONFIG, buf_str(&octets), fd);
	buf_deinit(&octets);
}

static enum status read_again(
	const struct parent *p, struct parent_files *files, int *text, struct err *err)
{
	enum status st = parent_read(p, files, err);

	if (st != ST_OK)
		return st;
	*text = ipc_sealed("config", buf_str(&files->text), STR(""));
	return *text >= 0 ? ST_OK : err_set(err, ST_IO, "memfd_create: %s", strerror(errno));
}

/* New edges and carriers work with the new configuration; the old ones begin nothing more and live on
 * until their last session ends.  So nothing in a running session ever changes under it. */
static void reload(struct parent *p)
{
	struct err err = { 0 };
	struct parent_files files = { 0 };
	struct child *store = parent_store(p);
	int text = -1;

	notify("RELOADING=1");
	if (read_again(p, &files, &text, &err) != ST_OK ||
		parent_listen(p, &files, &err) != ST_OK) {
		parent_files_free(&files);
		log_error("serve.reload-refused", F_C("err", err.text));
		fprintf(stderr, "restante: reload refused, the old configuration stays: %s\n",
			err.text);
	} else {
		parent_open_log(p, p->files.config);
		if (store != NULL)
			tell_config(store, buf_str(&p->files.text), text);
		retire_all(p, LEASH_DRAIN);
		log_info("serve.reloaded", F_INT("listeners", p->listener_count));
	}
	if (text >= 0)
		close(text);
	log_flush();
	notify("READY=1");
}

static void stop(struct parent *p)
{
	if (p->stopping)
		return;
	p->stopping = true;
	p->stop_by_ms = clock_mono_ms() + STOP_GRACE_MS;
	notify("STOPPING=1");
	log_info("serve.stopping", F_INT("edges", count(p, CHILD_EDGE, false)));
	retire_all(p, LEASH_STOP);
}

/* The store goes last: what edges are still handing in must get its answer, and what carriers have
 * handed on must be written down. */
static bool stopped(struct parent *p)
{
	struct child *store = parent_store(p);
	bool late = clock_mono_ms() >= p->stop_by_ms;
	bool others = false;

	for (size_t i = 0; i < PARENT_CHILDREN_MAX; i++)
		if (p->children[i].pid != 0 && p->children[i].kind != CHILD_STORE) {
			others = true;
			if (late)
				kill(p->children[i].pid, SIGKILL);
		}
	if (!others && store != NULL && !store->retired) {
		store->retired = true;
		parent_tell(store, LEASH_STOP, STR(""), -1);
		p->stop_by_ms = clock_mono_ms() + STOP_GRACE_MS;
	} else if (store != NULL && store->retired && late) {
		kill(store->pid, SIGKILL);
	}
	return !others && store == NULL;
}

static void read_signals(struct parent *p)
{
	struct signalfd_siginfo info;

	while (read(p->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			stop(p);
		else if (info.ssi_signo == SIGHUP && !p->stopping)
			reload(p);
	}
}

static int run(struct parent *p)
{
	struct pollfd fds[PARENT_CHILDREN_MAX + 1];
	struct child *who[PARENT_CHILDREN_MAX + 1];

	for (;;) {
		nfds_t n = 1;
		int failed;
		int64_t next_ms = start_missing(p), rotate_ms = parent_rotate_tickets(p),
			connect_ms = connect_again(p), places_ms = make_places(p),
			certificates_ms = parent_watch_certificates(p);

		log_flush();
		fds[0] = (struct pollfd){ .fd = p->signal_fd, .events = POLLIN };
		for (size_t i = 0; i < PARENT_CHILDREN_MAX; i++)
			if (p->children[i].pid != 0) {
				fds[n] = (struct pollfd){ .fd = p->children[i].leash,
					.events = POLLIN };
				who[n++] = &p->children[i];
			}
		if (rotate_ms < next_ms)
			next_ms = rotate_ms;
		if (connect_ms < next_ms)
			next_ms = connect_ms;
		if (places_ms < next_ms)
			next_ms = places_ms;
		if (certificates_ms < next_ms)
			next_ms = certificates_ms;
		if (parent_secrets_go_on(p) || p->stopping)
			next_ms = 100;
		if (poll(fds, n, (int)next_ms) < 0 && errno != EINTR)
			return EX_OSERR;
		for (nfds_t i = 1; i < n; i++)
			if (fds[i].revents & POLLIN)
				child_said(p, who[i]);
		if (fds[0].revents & POLLIN)
			read_signals(p);
		failed = reap(p);
		if (failed != 0)
			return failed;
		if (p->stopping && stopped(p))
			return EX_OK;
	}
}

static void catch_signals(struct parent *p)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	p->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	signal(SIGPIPE, SIG_IGN);
}

/* A session is a descriptor: what the administrator lets us have counts, not what shells begin with. */
static void raise_descriptors(void)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, &most) == 0 && most.rlim_cur < most.rlim_max) {
		most.rlim_cur = most.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &most) < 0)
			log_warn("serve.descriptors", F_C("err", strerror(errno)));
	}
}

/* The lock first: everything after it may change the state directory. */
static enum status open_office(struct parent *p, struct err *err)
{
	struct parent_files files = { 0 };
	enum status st = state_check_version(p->state, err);

	if (st == ST_OK)
		st = parent_read(p, &files, err);
	if (st == ST_OK) {
		parent_open_log(p, files.config);
		st = parent_open_state(p, files.config, err);
	}
	if (st == ST_OK)
		st = parent_listen(p, &files, err);
	activation_end();
	if (st != ST_OK)
		parent_files_free(&files);
	return st;
}

int serve_main(const char *state)
{
	static struct parent parent;
	struct parent *p = &parent;
	struct err err = { 0 };
	enum status st;
	char *full = realpath(state, NULL);
	char path[4096];
	int code;

	p->state = full != NULL ? full : state;
	(void)clock_steady_ms(); /* begins here, for all children */
	p->log_fd = 2;
	activation_begin();
	parent_start_tickets(p);
	st = open_office(p, &err);
	if (st != ST_OK) {
		fprintf(stderr, "restante: serve: %s\n", err.text);
		free(full);
		return st == ST_USAGE ? EX_CONFIG : err_exit_code(st);
	}
	p->edges = p->files.config->edges > 0 ? (unsigned)p->files.config->edges
					      : (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	if (p->edges > SHARED_SEATS / 4)
		p->edges = SHARED_SEATS / 4;
	p->carriers = (unsigned)p->files.config->carriers;
	raise_descriptors();
	p->shared = shared_new();
	catch_signals(p);
	if (sandbox_syscalls(SANDBOX_PARENT, &err) != ST_OK)
		log_warn("serve.no-seccomp", F_C("err", err.text));
	code = run(p);
	for (size_t i = 0; i < PARENT_CHILDREN_MAX; i++)
		if (p->children[i].pid != 0)
			kill(p->children[i].pid, SIGKILL);
	snprintf(path, sizeof path, "%s/control.sock", p->state);
	unlink(path);
	log_info("serve.stopped", F_INT("status", code));
	log_flush();
	parent_files_free(&p->files);
	free(full);
	return code;
}
