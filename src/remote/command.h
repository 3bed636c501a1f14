/* command.h -- a command of the user's, run by the shell: its input, its output, its end in time.
 *
 * Blocking, for tools.  The command has a process group of its own, which is ended when its time is over. */
#ifndef RESTANTE_REMOTE_COMMAND_H
#define RESTANTE_REMOTE_COMMAND_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

enum command_pipes { COMMAND_INPUT = 1, COMMAND_OUTPUT = 2 };

struct user_command {
	pid_t pid;
	int input, output; /* -1: not ours */
	int64_t end_by_ms; /* monotonic */
	bool late;         /* its time is over */
};

/* pipes: enum command_pipes; what is not asked for is /dev/null, besides the standard error. */
enum status command_start(
	struct user_command *c, const char *line, int pipes, int64_t timeout_ms, struct err *err);
/* A command that reads no more is no error: its status tells. */
enum status command_write(struct user_command *c, struct str octets, struct err *err);
/* Reads its output to the end, as far as `to` takes it. */
enum status command_read(struct user_command *c, struct buf *to, struct err *err);
/* Waits for it.  *status: 0-255, or 128 and the signal that ended it.  To be called in any case. */
enum status command_end(struct user_command *c, int *status, struct err *err);

#endif
