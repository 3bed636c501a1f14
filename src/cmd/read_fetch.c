/* restante read: fetching, by the command beside us; the reader shows its last words. */
#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/read.h"
#include "mime/charset.h"

enum { WORDS_MAX = 64 * 1024 };

static int run_fetch(char *const argv[], struct buf *words)
{
	int ends[2], status = -1;
	ssize_t n = 1;
	pid_t pid;

	if (pipe(ends) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		close(ends[0]);
		close(ends[1]);
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	close(ends[1]);
	buf_init(words, WORDS_MAX);
	while (pid > 0 && n != 0) {
		char piece[4096];

		n = read(ends[0], piece, sizeof piece);
		if (n > 0)
			buf_put(words, str_of(piece, (size_t)n));
		else if (n < 0 && errno != EINTR)
			break;
	}
	close(ends[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

static void note_last_line(struct desk *r, struct str words)
{
	struct buf safe = { 0 };
	size_t before;

	while (words.n > 0 && words.p[words.n - 1] == '\n')
		words.n--;
	before = str_rfind(words, '\n');
	charset_put_line(&safe, str_from(words, before == words.n ? 0 : before + 1));
	desk_note(r, "%.*s", STR_ARG(str_head(buf_str(&safe), 300)));
	buf_deinit(&safe);
}

void act_fetch(struct desk *r)
{
	static char name[] = "restante", verb[] = "fetch", full[] = "--full", state[] = "--state";
	const struct mail *m = list_at(r);
	char *id = m == NULL ? NULL : str_dup_c(m->id),
	     *where = str_dup_c(str_c(r->reading.cmd->state));
	char *rest[] = { name, verb, state, where, full, id, NULL };
	struct buf words = { 0 };
	bool viewed = r->view.mail != NULL;
	int key =
		ask_key(r, "Fetch:  n new mail  r the rest of this message  any other key: nothing",
			m == NULL ? "n" : "nr");

	if (key == 'n')
		rest[4] = NULL;
	if (key != 0) {
		draw_line(LINES - 1, STR("Fetching ..."), A_BOLD);
		refresh();
		(void)run_fetch(rest, &words);
		view_close(r);
		desk_update(r);
		if (viewed && list_at(r) != NULL)
			view_open(r);
		note_last_line(r, buf_str(&words));
	}
	buf_deinit(&words);
	free(where);
	free(id);
}
