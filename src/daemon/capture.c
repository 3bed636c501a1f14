#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/capture.h"
#include "daemon/office_verbs.h"

#define MARK "on" /* while it is younger than CAPTURE_HOURS */

enum { HOUR_S = 3600 };

/* The account's directory as an fd, made on the way when `make` says so; -1: there is none. */
static int open_dir(struct office *o, uint64_t account, bool make)
{
	char name[24];
	int store = open(o->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), all = -1, fd = -1;

	snprintf(name, sizeof name, "%ju", (uintmax_t)account);
	if (store >= 0 && make && mkdirat(store, "capture", 0700) != 0 && errno != EEXIST)
		goto out;
	if (store >= 0)
		all = openat(store, "capture", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (all >= 0 && make && mkdirat(all, name, 0700) != 0 && errno != EEXIST)
		goto out;
	if (all >= 0)
		fd = openat(all, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
out:
	if (all >= 0)
		close(all);
	if (store >= 0)
		close(store);
	return fd;
}

static int64_t age_s(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return INT64_MAX;
	return clock_wall_ms() / 1000 - (int64_t)st.st_mtime;
}

/* Removes what is too old; how many sessions are left. */
static size_t purge(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	size_t left = 0;

	if (dir == NULL && copy >= 0)
		close(copy);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		struct str name = str_c(entry->d_name);

		if (!str_ends(name, STR(".txt")))
			continue;
		if (age_s(fd, entry->d_name) > (int64_t)CAPTURE_DAYS * 24 * HOUR_S)
			unlinkat(fd, entry->d_name, 0);
		else
			left++;
	}
	if (dir != NULL)
		closedir(dir);
	return left;
}

enum status capture_turn_on(struct office *o, uint64_t account, struct err *err)
{
	int dir = open_dir(o, account, true), fd = -1;
	enum status status = ST_OK;

	if (dir >= 0) {
		o->captures = CAPTURES_SOME;
		purge(dir);
		unlinkat(dir, MARK, 0); /* its age is what counts */
		fd = openat(dir, MARK, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	if (fd < 0)
		status = err_set(err, ST_IO, "%s/capture: %s", o->dir, strerror(errno));
	else
		close(fd);
	if (dir >= 0)
		close(dir);
	return status;
}

enum status capture_turn_off(struct office *o, uint64_t account, struct err *err)
{
	int dir = open_dir(o, account, false);
	enum status status = ST_OK;

	if (dir < 0)
		return ST_OK;
	purge(dir);
	if (unlinkat(dir, MARK, 0) != 0 && errno != ENOENT)
		status = err_set(err, ST_IO, "%s/capture: %s", o->dir, strerror(errno));
	close(dir);
	return status;
}

/* A fact, not a look at the disk for each login: nearly nobody is ever captured. */
static bool have_captures(struct office *o)
{
	struct buf path = { 0 };
	char *name;

	if (o->captures == CAPTURES_UNKNOWN) {
		buf_printf(&path, "%s/capture", o->dir);
		name = buf_steal_c(&path);
		o->captures = access(name, F_OK) == 0 ? CAPTURES_SOME : CAPTURES_NONE;
		free(name);
	}
	return o->captures == CAPTURES_SOME;
}

int capture_file(struct office *o, uint64_t account, struct str sid)
{
	int dir, fd = -1;
	char name[64];

	dir = have_captures(o) ? open_dir(o, account, false) : -1;
	if (dir < 0)
		return -1;
	if (age_s(dir, MARK) <= CAPTURE_HOURS * HOUR_S && purge(dir) < CAPTURE_FILES) {
		snprintf(name, sizeof name, "%jd-%.*s.txt", (intmax_t)clock_wall_ms(),
			STR_ARG(str_head(sid, 24)));
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			log_warn("capture.failed", F_C("err", strerror(errno)));
	}
	close(dir);
	return fd;
}

enum status verb_account_capture(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct str address, wanted;
	struct account a;
	char where[64];
	bool on;
	enum status status = request_str(q, "address", &address, err);

	if (status == ST_OK)
		status = request_str(q, "capture", &wanted, err);
	if (status == ST_OK)
		status = account_get(o->directory, address, &a, err);
	if (status != ST_OK)
		return status;
	on = str_eq(wanted, STR("on"));
	if (!on && !str_eq(wanted, STR("off")))
		return err_set(err, ST_USAGE, "say on or off");
	status = on ? capture_turn_on(o, a.id, err) : capture_turn_off(o, a.id, err);
	if (status != ST_OK)
		return status;
	snprintf(where, sizeof where, "store/capture/%ju", (uintmax_t)a.id);
	r->row(r, json_pack("{s:s, s:b, s:s}", "address", a.address, "capture", (int)on,
			  "directory", where));
	return ST_OK;
}
