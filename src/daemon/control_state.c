/* The state directory: its lock, its version, its socket's name, its owner's rights. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/control.h"
#include "daemon/control_state.h"

static int open_in(const char *state, const char *name, int flags, mode_t mode)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/%s", state, name) < 0)
		abort();
	fd = open(path, flags | O_CLOEXEC, mode);
	free(path);
	return fd;
}

int state_lock(const char *state, struct err *err)
{
	int fd = open_in(state, "lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);

	if (fd < 0) {
		err_set(err, errno == EACCES ? ST_PERM : ST_IO, "open %s/lock: %s", state,
			strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	err_set(err, ST_TEMP, "%s is in use by another server or command", state);
	close(fd);
	return -1;
}

enum status state_check_version(const char *state, struct err *err)
{
	char text[32];
	ssize_t n;
	uint64_t version;
	int fd = open_in(state, "version", O_RDONLY, 0);

	if (fd < 0 && errno == EACCES)
		return err_set(
			err, ST_PERM, "no access to %s: run this as root or as its owner", state);
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		return err_set(err, ST_IO, "open %s/version: %s", state, strerror(errno));
	if (fd < 0)
		return err_set(err, ST_USAGE,
			"%s is no state directory: make one with "
			"restante init --state %s --domain DOMAIN",
			state, state);
	n = read(fd, text, sizeof text);
	close(fd);
	if (n < 0 || !str_u64(str_trim(str_head(str_of(text, n < 0 ? 0 : (size_t)n),
				      str_find(str_of(text, (size_t)n), '\n'))),
			     &version))
		return err_set(err, ST_CORRUPT, "%s/version holds no number", state);
	if (version != STORE_LOCAL_FORMAT)
		return err_set(err, ST_VERSION,
			"%s has format %llu, this restante knows format %d: "
			"use the restante that fits",
			state, (unsigned long long)version, (int)STORE_LOCAL_FORMAT);
	return ST_OK;
}

int state_socket_address(
	const char *state, const char *name, struct sockaddr_un *to, struct err *err)
{
	int dir = open(state, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0) {
		err_set(err, errno == EACCES ? ST_PERM : ST_IO, "open %s: %s", state,
			strerror(errno));
		return -1;
	}
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(to->sun_path, sizeof to->sun_path, "/proc/self/fd/%d/%s", dir, name);
	return dir;
}

int control_address(const char *state, struct sockaddr_un *to, struct err *err)
{
	return state_socket_address(state, "control.sock", to, err);
}

/* Changing the effective user dropped the effective capabilities, not the permitted ones.  Reading
 * through root's own 0700 directory needs this one back; what is written still belongs to the owner. */
static void keep_search_right(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	unsigned bit = 1U << CAP_DAC_READ_SEARCH;

	if (syscall(SYS_capget, &head, data) != 0 || (data[0].permitted & bit) == 0)
		return;
	data[0].effective |= bit;
	(void)!syscall(SYS_capset, &head, data);
}

enum status rights_borrow(struct borrowed_rights *r, const char *path, struct err *err)
{
	struct stat st;

	r->borrowed = false;
	if (geteuid() != 0)
		return ST_OK;
	if (stat(path, &st) != 0)
		return err_set(err, ST_IO, "%s: %s", path, strerror(errno));
	if (st.st_uid == 0)
		return ST_OK;
	if (setegid(st.st_gid) != 0 || seteuid(st.st_uid) != 0) {
		(void)!setegid(0);
		return err_set(err, ST_PERM, "become the owner of %s: %s", path, strerror(errno));
	}
	keep_search_right();
	r->borrowed = true;
	return ST_OK;
}

void rights_return(struct borrowed_rights *r)
{
	if (!r->borrowed)
		return;
	if (seteuid(0) != 0 || setegid(0) != 0)
		abort();
	r->borrowed = false;
}
