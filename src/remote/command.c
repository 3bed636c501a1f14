#include "remote/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

extern char **environ;

enum { STEP_MS = 20 };

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* One end becomes the command's descriptor `as`, the other is ours. */
static bool make_pipe(posix_spawn_file_actions_t *actions, int as, bool wanted, int *ours, int *its)
{
	int ends[2];

	*ours = *its = -1;
	if (!wanted)
		return posix_spawn_file_actions_addopen(actions, as, "/dev/null",
			       as == STDIN_FILENO ? O_RDONLY : O_WRONLY, 0) == 0;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	*its = as == STDIN_FILENO ? ends[0] : ends[1];
	*ours = as == STDIN_FILENO ? ends[1] : ends[0];
	fcntl(*ours, F_SETFL, O_NONBLOCK);
	return posix_spawn_file_actions_adddup2(actions, *its, as) == 0;
}

enum status command_start(
	struct user_command *c, const char *line, int pipes, int64_t timeout_ms, struct err *err)
{
	char shell[] = "sh", option[] = "-c";
	char *argv[] = { shell, option, (char *)(uintptr_t)line, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t defaults, none;
	int in = -1, out = -1, code;

	*c = (struct user_command){ .pid = -1, .input = -1, .output = -1 };
	c->end_by_ms = clock_mono_ms() + timeout_ms;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(
		&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	code = make_pipe(&actions, STDIN_FILENO, (pipes & COMMAND_INPUT) != 0, &c->input, &in) &&
			       make_pipe(&actions, STDOUT_FILENO, (pipes & COMMAND_OUTPUT) != 0,
				       &c->output, &out)
		       ? posix_spawn(&c->pid, "/bin/sh", &actions, &attr, argv, environ)
		       : errno;
	close_fd(&in);
	close_fd(&out);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (code == 0)
		return ST_OK;
	c->pid = -1;
	close_fd(&c->input);
	close_fd(&c->output);
	return err_set(err, ST_TEMP, "run '%.100s': %s", line, strerror(code));
}

/* False: its time is over, or poll() failed. */
static bool ready(struct user_command *c, int fd, short events)
{
	struct pollfd p = { fd, events, 0 };
	int64_t left = c->end_by_ms - clock_mono_ms();
	int n = left <= 0 ? 0 : poll(&p, 1, (int)(left > 1000 ? 1000 : left));

	c->late = n == 0 && clock_mono_ms() >= c->end_by_ms;
	return !c->late && (n >= 0 || errno == EINTR);
}

static enum status too_late(struct err *err)
{
	return err_set(err, ST_TEMP, "the command did not end in time");
}

enum status command_write(struct user_command *c, struct str octets, struct err *err)
{
	while (octets.n > 0 && c->input >= 0) {
		ssize_t n = write(c->input, octets.p, octets.n);

		if (n > 0)
			octets = str_from(octets, (size_t)n);
		else if (n < 0 && errno == EPIPE)
			close_fd(&c->input);
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_set(err, ST_TEMP, "write to the command: %s", strerror(errno));
		else if (!ready(c, c->input, POLLOUT))
			return too_late(err);
	}
	return ST_OK;
}

enum status command_read(struct user_command *c, struct buf *to, struct err *err)
{
	char piece[4096];
	ssize_t n = 1;

	while (n != 0) {
		n = read(c->output, piece, sizeof piece);
		if (n > 0)
			buf_put(to, str_of(piece, (size_t)n));
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_set(err, ST_TEMP, "read from the command: %s", strerror(errno));
		else if (n < 0 && !ready(c, c->output, POLLIN))
			return too_late(err);
	}
	return ST_OK;
}

enum status command_end(struct user_command *c, int *status, struct err *err)
{
	struct timespec step = { 0, STEP_MS * 1000000 };
	bool late = c->late;
	int how = 0;
	pid_t gone = 0;

	*status = 255;
	close_fd(&c->input);
	close_fd(&c->output);
	if (c->pid < 0)
		return ST_OK;
	while ((gone = waitpid(c->pid, &how, WNOHANG)) == 0 && !late) {
		nanosleep(&step, NULL);
		late = clock_mono_ms() >= c->end_by_ms;
	}
	if (gone == 0) {
		kill(-c->pid, SIGKILL);
		waitpid(c->pid, &how, 0);
		c->pid = -1;
		return too_late(err);
	}
	c->pid = -1;
	*status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
	return ST_OK;
}
