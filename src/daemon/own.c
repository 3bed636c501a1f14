#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "daemon/own.h"

/* journal/, blob/, blob/xx/: the store's tree is three deep. */
enum { DEPTH_MAX = 4 };

static enum status own(
	int parent, const char *name, uid_t uid, gid_t gid, int depth, struct err *err)
{
	struct stat st;
	struct dirent *entry;
	DIR *dir;
	int fd;
	enum status r = ST_OK;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? ST_OK
				       : err_set(err, ST_IO, "stat %s: %s", name, strerror(errno));
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return err_set(err, ST_IO, "%s: neither a file nor a directory", name);
	if (S_ISREG(st.st_mode) && st.st_nlink > 1 && st.st_uid != uid)
		return err_set(err, ST_IO, "%s: a file of somebody else with %ju names", name,
			(uintmax_t)st.st_nlink);
	if ((st.st_uid != uid || st.st_gid != gid) &&
		fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(err, ST_IO, "chown %s: %s", name, strerror(errno));
	if (!S_ISDIR(st.st_mode) || depth == DEPTH_MAX)
		return ST_OK;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return err_set(err, ST_IO, "open %s: %s", name, strerror(errno));
	}
	while (r == ST_OK && (entry = readdir(dir)) != NULL)
		if (!str_eq(str_c(entry->d_name), STR(".")) &&
			!str_eq(str_c(entry->d_name), STR("..")))
			r = own(fd, entry->d_name, uid, gid, depth + 1, err);
	closedir(dir);
	return r;
}

enum status own_tree(int parent, const char *name, uid_t uid, gid_t gid, struct err *err)
{
	return own(parent, name, uid, gid, 0, err);
}
