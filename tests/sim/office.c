#include "office.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "account/account.h"
#include "account/scheme.h"
#include "base/mem.h"
#include "calls.h"
#include "daemon/child.h"
#include "daemon/shared.h"
#include "store/local.h"

enum kind { STORE, EDGE, CARRIER };

static const struct {
	const char *name;
	enum kind kind;
} rows[CHILDREN] = {
	{ "store", STORE },
	{ "edge1", EDGE },
	{ "edge2", EDGE },
	{ "carrier", CARRIER },
};

static const uint16_t ports[3] = { PORT_SMTP, PORT_SUBMISSION, PORT_POP3 };

static const char settings[] = "hostname = mx.%s\n"
			       "cleartext_auth = yes\n"
			       "queue_retry = \"1m, 3m, 5m\"\n"
			       "queue_lifetime = %s\n"
			       "segment_size = 1M\n"
			       "inline_max = 4K\n"
			       "hash_threads = 1\n"
			       "password_upgrade = no\n"
			       "listen smtp { address = 0.0.0.0 }\n"
			       "listen submission { address = 0.0.0.0 }\n"
			       "listen pop3 { address = 0.0.0.0 }\n";

static struct config *settings_of(const struct office_sim *o)
{
	struct err err = { 0 };
	struct buf b = { 0 };
	struct config *c;

	buf_printf(&b, settings, o->domain, "90m");
	c = config_parse(buf_str(&b), "sim", &err);
	if (c == NULL)
		sim_broken("settings: %s", err.text);
	buf_deinit(&b);
	return c;
}

/* ---- its processes ---- */

static const struct config_listen *row_for(const struct config *c, uint16_t port)
{
	for (size_t i = 0; i < c->listen_count; i++)
		if (c->listen[i].port == port)
			return &c->listen[i];
	sim_broken("no listener for port %u", port);
}

static void run(void *arg)
{
	struct office_child *child = arg;
	struct office_sim *o = child->office;
	struct child_listener listeners[3];
	struct child_start start = { .state = o->dir,
		.leash = child->fds[0],
		.channel = child->fds[1],
		.control_fd = child->fds[1],
		.config = settings_of(o),
		.shared = o->shared,
		.ticket_keys = STR(""),
		.client_ca = STR(""),
		.dns_servers = STR(""),
		.dns_anchors = STR(""),
		.roots = STR(""),
		.seat = child->seat,
		.listeners = listeners,
		.listener_count = child->kind == EDGE ? 3 : 0 };

	for (size_t i = 0; i < start.listener_count; i++) {
		listeners[i].fd = child->fds[2 + i];
		listeners[i].row = row_for(start.config, ports[i]);
	}
	if (child->kind == STORE)
		store_process(&start);
	if (child->kind == EDGE)
		edge_process(&start);
	carrier_process(&start);
}

static void tell(const struct office_child *c, enum leash_type type, int fd)
{
	struct ipc_head head = { .type = (uint16_t)type };
	struct iovec iov = { &head, sizeof head };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof control.room;
		control.head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(sizeof fd) };
		memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	}
	(void)net_send_packet(c->leash, &msg);
}

static void ended(struct sim_proc *p, int status);

static void spawn(struct office_child *c)
{
	struct office_sim *o = c->office;
	int leash[2], channel[2] = { -1, -1 };

	if (net_pair(leash) != 0 || (c->kind != STORE && net_pair(channel) != 0))
		abort();
	c->leash = leash[0];
	c->fd_count = 0;
	c->fds[c->fd_count++] = leash[1];
	c->fds[c->fd_count++] = c->kind == STORE ? net_listen(o->host, 0) : channel[1];
	for (size_t i = 0; c->kind == EDGE && i < 3; i++)
		c->fds[c->fd_count++] = net_dup(o->listeners[i]);
	if (c->kind == EDGE)
		shared_clear_seat(o->shared, c->seat);
	c->stopped = false;
	c->proc = proc_start(o->host, rows[c - o->children].name, run, c, ended);
	c->proc->owner = c;
	c->faults = sim_disk_faults(o->disk);
	for (size_t i = 0; i < c->fd_count; i++)
		net_give(c->fds[i], c->proc);
	if (channel[0] >= 0) {
		tell(&o->children[STORE], c->kind == EDGE ? LEASH_CHANNEL : LEASH_CARRIER,
			channel[0]);
		net_close(channel[0]);
	}
}

/* Each other child gets a channel to the new store. */
static void connect_all(struct office_sim *o)
{
	for (size_t i = 0; i < CHILDREN; i++) {
		struct office_child *c = &o->children[i];
		int channel[2];

		if (c->proc == NULL || c->kind == STORE || net_pair(channel) != 0)
			continue;
		tell(&o->children[STORE], c->kind == EDGE ? LEASH_CHANNEL : LEASH_CARRIER,
			channel[0]);
		tell(c, LEASH_CHANNEL, channel[1]);
		net_close(channel[0]);
		net_close(channel[1]);
	}
}

static struct office_sim *offices[4];

/* What is missing is started; the store first, as nothing else starts without one. */
static void start_missing(uint64_t at)
{
	struct office_sim *o = offices[at];

	if (o == NULL || o->stopping || !o->host->up)
		return;
	if (o->children[STORE].proc == NULL) {
		spawn(&o->children[STORE]);
		connect_all(o);
	}
	for (size_t i = 1; i < CHILDREN; i++)
		if (o->children[i].proc == NULL)
			spawn(&o->children[i]);
}

static size_t number_of(const struct office_sim *o)
{
	size_t at = 0;

	while (offices[at] != o)
		at++;
	return at;
}

static void ended(struct sim_proc *p, int status)
{
	struct office_child *c = p->owner;
	struct office_sim *o = c->office;

	c->proc = NULL;
	net_close(c->leash);
	/* It may fail to begin on a disk that fails, and ends with these two then; once it serves it goes on. */
	if (status != SIM_KILLED && !o->stopping && o->host->up && c->kind == STORE &&
		!((status == EX_CONFIG || status == EX_TEMPFAIL) &&
			sim_disk_faults(o->disk) > c->faults))
		sim_broken("the store of %s ended with status %d", o->domain, status);
	if (o->host->up)
		sim_at(sim_now_us + sim_between(MS(1), S(2)), start_missing, number_of(o));
}

void office_kill(struct office_sim *o, size_t child)
{
	if (o->children[child].proc == NULL)
		return;
	o->kills++;
	proc_kill(o->children[child].proc);
}

void office_fuse(struct office_sim *o, size_t child, unsigned calls)
{
	if (o->children[child].proc == NULL)
		return;
	o->kills++;
	o->children[child].proc->fuse = calls;
}

/* ---- the machine ---- */

static char *in_store(const struct office_sim *o, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/store/%s", o->dir, name) < 0)
		abort();
	return path;
}

static void copy(const char *from, const char *to)
{
	static char room[1 << 16];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;

	while (out >= 0 && (n = read(in, room, sizeof room)) > 0)
		if (write(out, room, (size_t)n) != n)
			abort();
	if (in >= 0)
		__real_close(in);
	if (out >= 0)
		__real_close(out);
}

/* The index is a view: it may be lost, or be an older one. */
static void disturb_index(const struct office_sim *o)
{
	static const char *const names[] = { "index.sqlite", "index.sqlite-wal",
		"index.sqlite-shm" };
	uint64_t what = sim_random(4);

	for (size_t i = 0; i < 3 && what < 2; i++) {
		char *path = in_store(o, names[i]), *old = NULL;

		if (asprintf(&old, "%s.old", path) < 0)
			abort();
		unlink(path);
		if (what == 1)
			copy(old, path);
		free(path);
		free(old);
	}
	for (size_t i = 0; i < 3 && what == 2; i++) {
		char *path = in_store(o, names[i]), *old = NULL;

		if (asprintf(&old, "%s.old", path) < 0)
			abort();
		unlink(old);
		copy(path, old);
		free(path);
		free(old);
	}
}

static void power_on(uint64_t at)
{
	struct office_sim *o = offices[at];

	if (o == NULL || o->host->up)
		return;
	o->host->up = true;
	o->host->booted_us = sim_now_us;
	o->host->steady_from = sim_steady_from(o->host);
	for (size_t i = 0; i < 3; i++)
		o->listeners[i] = net_listen(o->host, ports[i]);
	o->shared = shared_new();
	sim_trace("power-on", at, 0);
	start_missing(at);
}

void office_power_cut(struct office_sim *o)
{
	if (!o->host->up)
		return;
	sim_trace("power-cut", number_of(o), 0);
	o->cuts++;
	o->host->up = false;
	net_host_down(o->host);
	for (size_t i = 0; i < CHILDREN; i++)
		if (o->children[i].proc != NULL)
			proc_kill(o->children[i].proc);
	for (size_t i = 0; i < 3; i++)
		net_close(o->listeners[i]);
	memory_unmap(o->shared);
	sim_disk_cut(o->disk);
	disturb_index(o);
	sim_at(sim_now_us + sim_between(S(1), S(300)), power_on, number_of(o));
}

/* ---- its life ---- */

static void make_accounts(const char *domain, const char *path)
{
	struct err err = { 0 };
	struct directory *d = directory_open(path, &err);
	struct credentials c = { .hash = "" };

	if (d == NULL || directory_domain_add(d, str_c(domain), &err) != ST_OK ||
		scheme_make(STR("PLAIN"), STR("secret"), &c, &err) != ST_OK)
		sim_broken("accounts: %s", err.text);
	for (int i = 0; i < USERS; i++) {
		char name[40];
		uint64_t id;

		snprintf(name, sizeof name, "u%d@%s", i, domain);
		if (account_add(d, str_c(name), &c, &id, &err) != ST_OK)
			sim_broken("account: %s", err.text);
	}
	directory_close(d);
}

static void accounts_path(const char *domain, char path[100])
{
	snprintf(path, 100, "%s/accounts.%s", sim_directory(), domain);
}

void office_prepare(const char *domain)
{
	char path[100];

	accounts_path(domain, path);
	sim_begin(0);
	make_accounts(domain, path);
	sim_end();
}

void office_begin(struct office_sim *o, const char *domain, unsigned last)
{
	static char names[4][32];
	size_t at = 0;
	char *path, accounts[100];

	while (offices[at] != NULL)
		at++;
	offices[at] = o;
	*o = (struct office_sim){ .host = NULL };
	snprintf(o->domain, sizeof o->domain, "%s", domain);
	snprintf(names[at], sizeof names[at], "mx.%s", domain);
	snprintf(o->dir, sizeof o->dir, "%s/%s", sim_directory(), domain);
	o->host = sim_host_add(names[at], last);
	path = in_store(o, "");
	path[str_c(path).n - 1] = '\0';
	(void)mkdir(o->dir, 0700);
	(void)mkdir(path, 0700);
	o->disk = sim_disk_new(o->host, path);
	free(path);
	path = in_store(o, "accounts.db");
	accounts_path(domain, accounts);
	copy(accounts, path);
	free(path);
	for (size_t i = 0; i < CHILDREN; i++)
		o->children[i] = (struct office_child){
			.office = o, .kind = (int)rows[i].kind, .seat = (unsigned)i
		};
	o->host->up = false;
	power_on(at);
}

void office_stop(struct office_sim *o)
{
	o->stopping = true;
	for (size_t i = 1; i < CHILDREN; i++)
		if (o->children[i].proc != NULL)
			tell(&o->children[i], LEASH_STOP, -1);
}

bool office_stopped(const struct office_sim *o)
{
	bool others = false;

	for (size_t i = 1; i < CHILDREN; i++)
		others |= o->children[i].proc != NULL;
	/* The store last, as the real parent does. */
	if (!others && o->children[STORE].proc != NULL && !o->children[STORE].stopped) {
		((struct office_sim *)(uintptr_t)o)->children[STORE].stopped = true;
		tell(&o->children[STORE], LEASH_STOP, -1);
	}
	return !others && o->children[STORE].proc == NULL;
}

void office_check_leaks(struct office_sim *o)
{
	for (size_t i = 1; i <= EDGES; i++) {
		const struct sim_proc *p = o->children[i].proc;
		/* leash, channel, listeners; and the window to the store may be there */
		size_t most = 2 + 3 + 1;

		if (p != NULL && net_count(p) > most)
			sim_broken("%s of %s holds %zu descriptors and nobody is there", p->name,
				o->domain, net_count(p));
	}
	if (shared_total(o->shared) != 0)
		sim_broken("%s counts %" PRId64 " connections and nobody is there", o->domain,
			shared_total(o->shared));
}

static void queued_of(
	struct store *store, struct msgid id, void (*each)(struct str octets, struct str recipient))
{
	struct store_out o;
	struct buf b = { 0 };
	uint64_t got = 1;

	if (store_out_open(store, id, &o) != STORE_OK)
		sim_broken("a message of the queue cannot be opened");
	while (got > 0) {
		if (store_out_read(store, &o, b.len, buf_reserve(&b, 65536), 65536, &got) !=
			STORE_OK)
			sim_broken("a message of the queue cannot be read");
		buf_grew(&b, got);
	}
	for (size_t i = 0; i < o.count; i++)
		if (o.rcpts[i].state == STORE_OUT_WAITING ||
			(o.rcpts[i].flags & STORE_OUT_OWED) != 0)
			each(buf_str(&b), o.rcpts[i].recipient);
	store_out_close(store, &o);
	buf_deinit(&b);
}

void office_each_queued(struct office_sim *o, void (*each)(struct str octets, struct str recipient))
{
	struct store_local_config config = { .segment_octets = 1 << 20, .inline_max = 4096 };
	char *dir = in_store(o, "");
	struct err err = { 0 };
	struct store *store;
	struct msgid ids[100] = { { { 0 } } };
	size_t count;

	dir[str_c(dir).n - 1] = '\0';
	store = store_local_open(dir, sim_disk_inner(o->disk), &config, &err);
	if (store == NULL)
		sim_broken("the store of %s: %s", o->domain, err.text);
	do {
		struct msgid after = ids[0];

		count = sizeof ids / sizeof *ids;
		if (store_out_list(store, after, false, ids, &count) != STORE_OK)
			sim_broken("the queue of %s cannot be listed", o->domain);
		for (size_t i = 0; i < count; i++)
			queued_of(store, ids[i], each);
		ids[0] = count > 0 ? ids[count - 1] : after;
	} while (count > 0);
	store_close_all(store);
	free(dir);
}

static void say_finding(void *arg, const char *line)
{
	(void)arg;
	if (sim_verbose > 0)
		printf("fsck: %s\n", line);
}

void office_fsck(struct office_sim *o)
{
	struct fsck_report r;
	struct fsck_watch watch = { .say = say_finding };
	struct err err = { 0 };
	char *dir = in_store(o, "");

	dir[str_c(dir).n - 1] = '\0';
	if (store_local_fsck(dir, sim_disk_inner(o->disk), &r, &watch, &err) != ST_OK)
		sim_broken("fsck of %s: %s", o->domain, err.text);
	if (r.corrupt + r.missing + r.index_differs > 0)
		sim_broken("fsck of %s: %" PRIu64 " corrupt, %" PRIu64 " missing, %" PRIu64
			   " rows of the index differ",
			o->domain, r.corrupt, r.missing, r.index_differs);
	free(dir);
}

void office_end(struct office_sim *o)
{
	offices[number_of(o)] = NULL;
	if (o->host->up)
		memory_unmap(o->shared);
	sim_disk_free(o->disk);
	sim_remove(o->dir);
}
