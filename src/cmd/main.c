/* restante -- finds the command in the table and runs it. */
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>

#include "cmd/cmd.h"
#include "daemon/nearest.h"

static bool is_group(struct str word)
{
	for (size_t i = 0; i < commands_count; i++) {
		struct str rest = str_c(commands[i].name), first = str_cut(&rest, ' ');

		if (rest.n > 0 && str_eq(first, word))
			return true;
	}
	return false;
}

/* The row whose words begin the line; *taken: how many words they are. */
static const struct command *find_command(int argc, char **argv, int *taken)
{
	for (size_t i = 0; i < commands_count; i++) {
		struct str rest = str_c(commands[i].name);
		bool same = true;

		for (*taken = 0; rest.n > 0 && same; ++*taken)
			same = *taken < argc && str_eq(str_cut(&rest, ' '), str_c(argv[*taken]));
		if (same)
			return &commands[i];
	}
	return NULL;
}

/* In a group its second words are candidates, else every first word. */
static int unknown_command(char **argv)
{
	bool group = is_group(str_c(argv[0]));
	const char *typed = argv[group ? 1 : 0], *before = group ? argv[0] : "";
	struct nearest n = nearest_to(str_c(typed));
	char first[32], best[32] = "";

	for (size_t i = 0; i < commands_count; i++) {
		struct str rest = str_c(commands[i].name), word = str_cut(&rest, ' ');

		if (group && !str_eq(word, str_c(argv[0])))
			continue;
		snprintf(first, sizeof first, "%.*s", STR_ARG(group ? rest : word));
		n.name = NULL;
		nearest_try(&n, first);
		if (n.name != NULL)
			snprintf(best, sizeof best, "%s", first);
	}
	if (best[0] != '\0')
		return cmd_fail(NULL, EX_USAGE, "no command %s%s%.60s: did you mean %s%s%s?",
			before, group ? " " : "", typed, before, group ? " " : "", best);
	return cmd_fail(NULL, EX_USAGE, "no command %s%s%.60s: see restante help", before,
		group ? " " : "", typed);
}

static int run(const struct command *row, int argc, char **argv)
{
	struct cmd c = { .row = row };
	int code;

	if (row->run == cmd_sendmail) { /* its options are not ours */
		cmd_find_state(&c);
		c.args = argv;
		c.nargs = argc;
		return cmd_sendmail(&c);
	}
	code = cmd_options(&c, argc, argv);
	if (code != EX_OK)
		return code;
	if (cmd_has(&c, OPTION_HELP)) {
		help_command(row);
		return output_end(&c);
	}
	if (c.nargs < row->min || (row->max >= 0 && c.nargs > row->max))
		return cmd_fail(&c, EX_USAGE, "usage: restante %s%s%s", row->name,
			row->usage[0] == '\0' ? "" : " ", row->usage);
	return row->run(&c);
}

static int run_group(int argc, char **argv)
{
	struct str word = argc > 1 ? str_c(argv[1]) : STR("");

	if (word.n == 0 || str_starts(word, STR("--"))) {
		bool asked = str_eq(word, STR("--help"));

		help_group(asked ? stdout : stderr, str_c(argv[0]));
		return asked ? EX_OK : EX_USAGE;
	}
	return unknown_command(argv);
}

/* Options before the command, as `restante --state DIR account list` has them: how many words. */
static int options_before(int argc, char **argv)
{
	int n = 0;

	while (n < argc && str_starts(str_c(argv[n]), STR("--"))) {
		struct str rest = str_from(str_c(argv[n]), 2), all = rest,
			   name = str_cut(&rest, '=');
		size_t i = 0;

		while (i < OPTION_COUNT && !str_eq(str_c(options[i].name), name))
			i++;
		if (i == OPTION_COUNT)
			break;
		n += options[i].value != NULL && name.n == all.n ? 2 : 1;
	}
	return n < argc ? n : 0;
}

/* The first `n` words go behind the `m` after them. */
static void move_behind(char **words, int n, int m)
{
	for (; n > 0 && m > 0; words++, m--) {
		char *word = words[n];

		for (int i = n; i > 0; i--)
			words[i] = words[i - 1];
		words[0] = word;
	}
}

/* Called by a name that programs have always called: false when it is not one. */
static bool old_name(int argc, char **argv, int *code)
{
	static char mode[] = "-bp", nothing[] = "-bi", command[] = "sendmail";
	struct str path = str_c(argc > 0 ? argv[0] : ""),
		   name = str_from(path, str_rfind(path, '/') + 1);
	char *words[] = { command, NULL };
	int taken;

	if (str_find(path, '/') == path.n)
		name = path;
	if (str_eq(name, STR("mailq")))
		words[1] = mode;
	else if (str_eq(name, STR("newaliases")))
		words[1] = nothing;
	else if (!str_eq(name, STR("sendmail")))
		return false;
	if (words[1] != NULL)
		*code = run(find_command(1, words, &taken), 1, words + 1);
	else
		*code = run(find_command(1, words, &taken), argc - 1, argv + 1);
	return true;
}

int main(int argc, char **argv)
{
	int code;
	static char help[] = "help", version[] = "version";
	const struct command *row;
	int taken = 0, before;

	signal(SIGPIPE, SIG_IGN);
	if (old_name(argc, argv, &code))
		return code;
	if (argc < 2) {
		help_all(stderr);
		return EX_USAGE;
	}
	if (str_eq(str_c(argv[1]), STR("--help")) || str_eq(str_c(argv[1]), STR("-h")))
		argv[1] = help;
	if (str_eq(str_c(argv[1]), STR("--version")))
		argv[1] = version;
	before = options_before(argc - 1, argv + 1);
	row = find_command(argc - 1 - before, argv + 1 + before, &taken);
	move_behind(argv + 1, before, row != NULL ? taken : argc - 1 - before);
	if (row != NULL)
		return run(row, argc - 1 - taken, argv + 1 + taken);
	if (is_group(str_c(argv[1])))
		return run_group(argc - 1, argv + 1);
	return unknown_command(argv + 1);
}
