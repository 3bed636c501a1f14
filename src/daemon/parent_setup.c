#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/activation.h"
#include "daemon/control.h"
#include "daemon/control_state.h"
#include "daemon/own.h"
#include "daemon/parent.h"
#include "net/conn.h"

enum { FILE_MAX = 1024 * 1024, LOCK_WAIT_MS = 10000 };

/* When the system has no such users, these numbers keep the processes apart all the same. */
enum { EDGE_UID_FALLBACK = 62025, STORE_UID_FALLBACK = 62110 };

enum status parent_read_file(const char *state, const char *name, struct buf *to, struct err *err)
{
	char path[4096];
	int fd;
	ssize_t n = 0;

	snprintf(path, sizeof path, name[0] == '/' ? "%.0s%s" : "%s/%s", state, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, errno == ENOENT ? ST_NOTFOUND : ST_IO, "open %s: %s", path,
			strerror(errno));
	buf_init(to, FILE_MAX);
	for (;;) {
		char *room = buf_reserve(to, 4096);

		n = room == NULL ? 0 : read(fd, room, 4096);
		if (n <= 0)
			break;
		buf_grew(to, (size_t)n);
	}
	close(fd);
	if (n < 0 || to->full)
		return err_set(
			err, ST_IO, "read %s: %s", path, n < 0 ? strerror(errno) : "too large");
	return ST_OK;
}

enum status parent_read_setting(const struct parent *p, const char *setting, const char *name,
	struct buf *to, struct err *err)
{
	struct err why = { 0 };

	if (parent_read_file(p->state, name, to, &why) == ST_OK)
		return ST_OK;
	return err_set(err, ST_USAGE, "%s: %s", setting, why.text);
}

static void warn(void *arg, const char *text)
{
	(void)arg;
	log_warn("config.warning", F_C("text", text));
	fprintf(stderr, "restante: warning: %s\n", text);
}

void parent_files_free(struct parent_files *f)
{
	config_free(f->config);
	buf_deinit(&f->text);
	buf_deinit(&f->client_ca);
	buf_deinit(&f->dns_servers);
	buf_deinit(&f->dns_anchors);
	buf_deinit(&f->roots);
	parent_wipe_tls(f);
	*f = (struct parent_files){ 0 };
}

enum status parent_read(const struct parent *p, struct parent_files *f, struct err *err)
{
	struct err why = { 0 };
	enum status st = parent_read_file(p->state, "restante.conf", &f->text, &why);

	/* The file may be absent. */
	if (st != ST_OK && st != ST_NOTFOUND) {
		*err = why;
	} else {
		f->config = config_parse(buf_str(&f->text), "restante.conf", err);
		st = f->config == NULL ? ST_USAGE : parent_read_tls(p, f, err);
		if (st == ST_OK)
			st = parent_read_out(p, f, err);
	}
	if (st == ST_OK) {
		config_warnings(f->config, warn, NULL);
		parent_certificate_warnings(f, true, warn, NULL);
	} else {
		parent_files_free(f);
	}
	return st;
}

/* A socket in the state directory; -1 with err. */
static int state_socket(const char *state, const char *name, mode_t mask, struct err *err)
{
	struct sockaddr_un sa;
	int dir = state_socket_address(state, name, &sa, err), fd, r;
	mode_t old;

	if (dir < 0)
		return -1;
	unlinkat(dir, name, 0); /* we hold the lock: nobody serves on it */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	old = umask(mask);
	r = bind(fd, (const struct sockaddr *)&sa, sizeof sa);
	umask(old);
	close(dir);
	if (r == 0 && listen(fd, 64) == 0)
		return fd;
	err_set(err, ST_IO, "bind %s/%s: %s", state, name, strerror(errno));
	close(fd);
	return -1;
}

static int take_bound(struct parent *p, bool *kept, const char *address, uint16_t port)
{
	for (size_t i = 0; i < p->listener_count; i++)
		if (!kept[i] && p->bound[i].port == port &&
			str_eq(str_c(p->bound[i].address), str_c(address))) {
			kept[i] = true;
			return p->listeners[i].fd;
		}
	return -1;
}

struct binding {
	struct child_listener listeners[PARENT_LISTENERS_MAX];
	struct bound bound[PARENT_LISTENERS_MAX];
	size_t count;
	bool fresh[PARENT_LISTENERS_MAX];
	bool kept[PARENT_LISTENERS_MAX];
};

static enum status bind_row(
	struct parent *p, struct binding *b, const struct config_listen *row, struct err *err)
{
	size_t bound = 0;
	struct err first = { 0 };

	for (size_t i = 0; i < row->address_count; i++) {
		struct err why = { 0 };
		size_t at = b->count;
		int fd = take_bound(p, b->kept, row->addresses[i], row->port);

		if (at == PARENT_LISTENERS_MAX)
			return err_set(err, ST_USAGE, "more than %d listening sockets",
				PARENT_LISTENERS_MAX);
		b->fresh[at] = fd < 0;
		if (fd < 0)
			fd = activation_take(row->addresses[i], row->port);
		if (fd < 0)
			fd = listen_tcp(row->addresses[i], row->port, 1024, &why);
		if (fd < 0) {
			/* A machine without IPv6 is common; a port that is taken is a mistake. */
			log_warn("listen.failed", F_C("listen", row->name), F_C("err", why.text));
			if (first.code == ST_OK)
				first = why;
			continue;
		}
		b->listeners[at] = (struct child_listener){ fd, row };
		b->bound[at].port = row->port;
		snprintf(
			b->bound[at].address, sizeof b->bound[at].address, "%s", row->addresses[i]);
		b->count++;
		bound++;
	}
	if (bound == 0)
		return err_set(err, ST_IO, "listen %s: %s", row->name, first.text);
	return ST_OK;
}

/* init makes the directory for its owner alone.  Its own files stay closed to others. */
static void let_users_through(const char *state)
{
	struct stat st;

	if (geteuid() == 0 && stat(state, &st) == 0 && (st.st_mode & 0011) != 0011 &&
		chmod(state, (st.st_mode & 07777) | 0011) != 0)
		log_warn("serve.no-way-through", F_C("dir", state), F_C("err", strerror(errno)));
}

/* Whoever can reach it may connect: the store asks the kernel who it is. */
static enum status bind_submit(struct parent *p, struct binding *b, struct err *err)
{
	static char name[] = "submit.sock", none[] = "none", nobody[] = "";
	static const struct config_listen row = { .name = name,
		.protocol = LISTEN_SUBMISSION,
		.tls = LISTEN_TLS_NONE,
		.discard_ehlo = none,
		.proxy_networks = nobody,
		.local = true };
	int fd = take_bound(p, b->kept, name, 0);

	if (b->count == PARENT_LISTENERS_MAX)
		return err_set(
			err, ST_USAGE, "more than %d listening sockets", PARENT_LISTENERS_MAX);
	b->fresh[b->count] = fd < 0;
	if (fd < 0)
		fd = state_socket(p->state, name, 0111, err);
	if (fd < 0)
		return ST_IO;
	let_users_through(p->state);
	b->listeners[b->count] = (struct child_listener){ fd, &row };
	snprintf(b->bound[b->count].address, sizeof b->bound->address, "%s", name);
	b->bound[b->count++].port = 0;
	return ST_OK;
}

enum status parent_listen(struct parent *p, struct parent_files *f, struct err *err)
{
	static struct binding b;
	enum status st = ST_OK;

	b = (struct binding){ 0 };
	for (size_t i = 0; i < f->config->listen_count && st == ST_OK; i++)
		st = bind_row(p, &b, &f->config->listen[i], err);
	if (st == ST_OK && f->config->submit_socket)
		st = bind_submit(p, &b, err);
	if (st != ST_OK) {
		for (size_t i = 0; i < b.count; i++)
			if (b.fresh[i])
				close(b.listeners[i].fd);
		return st;
	}
	for (size_t i = 0; i < p->listener_count; i++)
		if (!b.kept[i])
			close(p->listeners[i].fd);
	memcpy(p->listeners, b.listeners, sizeof p->listeners);
	memcpy(p->bound, b.bound, sizeof p->bound);
	p->listener_count = b.count;
	parent_files_free(&p->files);
	p->files = *f;
	return ST_OK;
}

static enum status identity(struct child_identity *id, const char *user, const char *standard,
	uid_t fallback, struct err *err)
{
	const struct passwd *pw = getpwnam(user);

	id->drop = geteuid() == 0;
	if (!id->drop)
		return ST_OK;
	if (pw != NULL) {
		id->uid = pw->pw_uid;
		id->gid = pw->pw_gid;
	} else if (str_eq(str_c(user), str_c(standard))) {
		log_warn("serve.no-user", F_C("user", user), F_INT("uid", fallback));
		id->uid = fallback;
		id->gid = fallback;
	} else {
		return err_set(err, ST_USAGE,
			"user %s does not exist: create it, or change the setting", user);
	}
	if (id->uid == 0)
		return err_set(err, ST_USAGE, "user %s is root: choose another", user);
	return ST_OK;
}

/* A server that was killed leaves a store that finishes its last commit: it holds the lock until then. */
static int lock_patiently(const char *state, struct err *err)
{
	int64_t until = clock_mono_ms() + LOCK_WAIT_MS;

	for (;;) {
		struct err why = { 0 };
		int fd = state_lock(state, &why);

		if (fd >= 0)
			return fd;
		if (why.code != ST_TEMP || clock_mono_ms() >= until) {
			*err = why;
			return -1;
		}
		usleep(50 * 1000);
	}
}

enum status parent_open_state(struct parent *p, const struct config *c, struct err *err)
{
	struct stat st;
	enum status r;
	int dir;

	if (stat(p->state, &st) < 0)
		return err_set(err, ST_NOTFOUND, "%s: %s (make it with `restante init`)", p->state,
			strerror(errno));
	p->admin = st.st_uid;
	p->lock_fd = lock_patiently(p->state, err);
	if (p->lock_fd < 0)
		return err->code;
	r = identity(&p->edge_identity, c->edge_user, "restante-edge", EDGE_UID_FALLBACK, err);
	if (r == ST_OK)
		r = identity(&p->store_identity, c->store_user, "restante-store",
			STORE_UID_FALLBACK, err);
	if (r == ST_OK && p->edge_identity.drop && p->edge_identity.uid == p->store_identity.uid)
		r = err_set(err, ST_USAGE, "edge_user and store_user must be two users");
	if (r != ST_OK)
		return r;
	dir = open(p->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || (mkdirat(dir, "empty", 0755) < 0 && errno != EEXIST))
		r = err_set(err, ST_IO, "%s/empty: %s", p->state, strerror(errno));
	if (r == ST_OK && p->store_identity.drop)
		r = own_tree(dir, "store", p->store_identity.uid, p->store_identity.gid, err);
	close(dir);
	if (r == ST_OK)
		p->control_fd = state_socket(p->state, "control.sock", 0177, err);
	return r == ST_OK && p->control_fd < 0 ? ST_IO : r;
}

void parent_open_log(struct parent *p, const struct config *c)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = { { "debug", LOG_L_DEBUG }, { "info", LOG_L_INFO }, { "warn", LOG_L_WARN },
		{ "error", LOG_L_ERROR } };
	enum log_level level = LOG_L_INFO;
	const char *log = c->log;
	char path[4096];
	int fd = 2;

	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
		if (str_eq(str_c(levels[i].name), str_c(c->log_level)))
			level = levels[i].level;
	if (!str_eq(str_c(log), STR("stderr"))) {
		snprintf(path, sizeof path, log[0] == '/' ? "%.0s%s" : "%s/%s", p->state, log);
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0) {
			fprintf(stderr, "restante: warning: open %s: %s: logging to stderr\n", path,
				strerror(errno));
			fd = 2;
		}
	}
	if (p->log_fd > 2 && p->log_fd != fd)
		close(p->log_fd);
	p->log_fd = fd;
	p->log_level = level;
	log_init(fd, level, "parent");
}
