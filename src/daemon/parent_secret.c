/* password_command: a carrier may not run anything, so it asks, naming a section of the configuration, never a
 * command; the command is the parent's own.  The answer is the first line that it prints. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/parent.h"

enum { COMMAND_MS = 10 * 1000, OUTPUT_MAX = 16 * 1024, PIECES_MAX = 64 };

static const struct route_rule *rule_of(const struct parent *p, struct str question)
{
	struct reader r = { .rest = question };
	struct route_rules rules = config_routes(p->files.config);
	enum route_role role = (enum route_role)get_u8(&r);
	struct str name = get_str(&r);

	return r.bad ? NULL : route_rule_find(&rules, role, name);
}

/* The question comes back with it, for the carrier to know whose it is. */
static void answer(struct parent *p, struct parent_command *run, struct str secret)
{
	struct buf b = { 0 };

	put_str(&b, buf_str(&run->question));
	put_str(&b, secret);
	for (size_t i = 0; i < PARENT_CHILDREN_MAX; i++)
		if (p->children[i].pid == run->asker && run->asker != 0)
			parent_tell(&p->children[i], LEASH_SECRET, buf_str(&b), -1);
	buf_wipe(&b);
	buf_wipe(&run->output);
	buf_deinit(&run->question);
	if (run->fd >= 0)
		close(run->fd);
	*run = (struct parent_command){ .fd = -1 };
}

static void run_shell(const char *command, int out)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody reads what it would say */
	setsid();
	if (dup2(out, 1) < 0)
		_exit(126);
	close(0);
	open("/dev/null", O_RDONLY);
	close_range(3, ~0u, 0);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static bool start(struct parent_command *run, const char *command)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	log_flush();
	run->pid = fork();
	if (run->pid == 0) {
		/* What the command writes may block it; what we read may not block us. */
		fcntl(fds[1], F_SETFL, 0);
		run_shell(command, fds[1]);
	}
	close(fds[1]);
	run->fd = fds[0];
	run->until_ms = clock_mono_ms() + COMMAND_MS;
	return run->pid > 0;
}

void parent_secret_asked(struct parent *p, const struct child *c, struct str question)
{
	const struct route_rule *rule = rule_of(p, question);
	struct parent_command *run = NULL, refused;

	for (size_t i = 0; i < PARENT_COMMANDS_MAX && run == NULL; i++)
		if (p->commands[i].asker == 0)
			run = &p->commands[i];
	if (run == NULL)
		run = &refused;
	*run = (struct parent_command){ .asker = c->pid, .fd = -1 };
	buf_init(&run->output, OUTPUT_MAX);
	run->output.secret = true;
	buf_put(&run->question, question);
	if (run == &refused || rule == NULL || rule->password_command[0] == '\0' ||
		!start(run, rule->password_command))
		answer(p, run, STR(""));
}

void parent_secret_died(struct parent *p, pid_t pid, int status)
{
	for (size_t i = 0; i < PARENT_COMMANDS_MAX; i++)
		if (p->commands[i].asker != 0 && p->commands[i].pid == pid) {
			p->commands[i].died = true;
			p->commands[i].status = status;
		}
}

/* True: nothing more will come.  Behind the first line all is read and dropped, as much as fits a turn: a command
 * that cannot write does not end. */
static bool read_all(struct parent_command *run)
{
	char piece[4096];
	ssize_t n = 1;

	for (int i = 0; i < PIECES_MAX && n > 0; i++) {
		n = read(run->fd, piece, sizeof piece);
		if (n > 0 && str_find(buf_str(&run->output), '\n') == run->output.len)
			buf_put(&run->output, str_of(piece, (size_t)n));
	}
	mem_wipe(piece, sizeof piece);
	return n == 0 || (n < 0 && errno != EAGAIN);
}

static struct str first_line(struct str text)
{
	struct str line = str_cut(&text, '\n');

	return str_ends(line, STR("\r")) ? str_head(line, line.n - 1) : line;
}

static void finish(struct parent *p, struct parent_command *run)
{
	struct str secret = first_line(buf_str(&run->output));
	bool good = run->died && run->status == 0 && !run->output.full && secret.n > 0;

	if (!good) {
		log_error("parent.password-command",
			F_INT("status", WIFEXITED(run->status) ? WEXITSTATUS(run->status) : -1),
			F_C("why", !run->died         ? "time-out"
				   : run->output.full ? "too much output"
				   : run->status != 0 ? "exit status"
						      : "no output"));
		kill(-run->pid, SIGKILL);
	}
	answer(p, run, good ? secret : STR(""));
}

bool parent_secrets_go_on(struct parent *p)
{
	bool busy = false;

	for (size_t i = 0; i < PARENT_COMMANDS_MAX; i++) {
		struct parent_command *run = &p->commands[i];
		bool ended = run->asker != 0 && read_all(run) && run->died;

		if (ended || (run->asker != 0 && clock_mono_ms() >= run->until_ms))
			finish(p, run);
		busy |= run->asker != 0;
	}
	return busy;
}

void parent_wipe_passwords(struct parent *p)
{
	struct config *c = p->files.config;

	buf_wipe(&p->files.text);
	for (size_t i = 0; i < c->route_count; i++)
		mem_wipe(c->routes[i].password, str_c(c->routes[i].password).n);
}
