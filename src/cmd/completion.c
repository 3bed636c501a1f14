/* restante completion bash, zsh: from the table. */
#include <stdio.h>
#include <sysexits.h>

#include "cmd/cmd.h"

static void options_of(const struct command *row)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (command_takes(row, (enum option_id)i))
			printf(" --%s", options[i].name);
}

/* The first words, each once: equal ones stand together in the table. */
static void first_words(void)
{
	struct str last = STR("");

	for (size_t i = 0; i < commands_count; i++) {
		struct str rest = str_c(commands[i].name), word = str_cut(&rest, ' ');

		if (!str_eq(word, last))
			printf("%s%.*s", i == 0 ? "" : " ", STR_ARG(word));
		last = word;
	}
}

/* After `depth` words: a case for each group, with the words that go on, each once. */
static void next_words(int depth, const char *before, const char *after)
{
	struct str last = STR(""), last_word = STR("");

	for (size_t i = 0; i < commands_count; i++) {
		struct str name = str_c(commands[i].name), rest = name, group, word;

		for (int k = 0; k < depth; k++)
			str_cut(&rest, ' ');
		if (rest.n == 0)
			continue;
		group = str_head(name, name.n - rest.n - 1);
		word = str_cut(&rest, ' ');
		if (!str_eq(group, last))
			printf("%s%s\t\"%.*s%s", last.n > 0 ? after : "", last.n > 0 ? "\n" : "",
				STR_ARG(group), before);
		else if (str_eq(word, last_word))
			continue;
		printf("%s%.*s", str_eq(group, last) ? " " : "", STR_ARG(word));
		last = group;
		last_word = word;
	}
	printf("%s\n", after);
}

/* The options whose value is a file, or with `directory` a directory: "--a|--b". */
static void path_options(bool directory)
{
	bool first = true;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		struct str value = str_c(options[i].value);
		bool dir = str_eq(value, STR("DIR"));

		if (directory ? !dir : !str_eq(value, STR("FILE")) && !str_eq(value, STR("RC")))
			continue;
		printf("%s--%s", first ? "" : "|", options[i].name);
		first = false;
	}
}

/* An element of a list for _describe, in single quotes. */
static void zsh_item(const char *dashes, const char *word, const char *help)
{
	printf(" '%s%s:", dashes, word);
	for (; *help != '\0'; help++)
		if (*help == '\'')
			printf("'\\''");
		else
			putchar(*help);
	putchar('\'');
}

static int zsh(const struct cmd *c)
{
	printf("#compdef restante\n_restante() {\n"
	       "\tlocal line=\"${(j: :)words[2,CURRENT-1]} \"\n\tlocal -a found\n"
	       "\tcase $words[CURRENT-1] in\n\t");
	path_options(true);
	printf(") _files -/; return ;;\n\t");
	path_options(false);
	printf(") _files; return ;;\n\tesac\n"
	       "\tif [[ $words[CURRENT] != -* ]]; then\n\t\tcase $line in\n\t\t' ') found=(");
	first_words();
	printf(") ;;\n\t\t'completion ') found=(bash zsh) ;;\n");
	next_words(1, " \") found=(", ") ;;");
	next_words(2, " \") found=(", ") ;;");
	printf("\t\tesac\n\t\tif (( $#found )); then\n"
	       "\t\t\t_describe -t commands command found\n\t\telse\n\t\t\t_files\n\t\tfi\n"
	       "\t\treturn\n\tfi\n\tcase $line in\n");
	for (size_t i = 0; i < commands_count; i++) {
		printf("\t'%s '*) found=(", commands[i].name);
		for (size_t k = 0; k < OPTION_COUNT; k++)
			if (command_takes(&commands[i], (enum option_id)k))
				zsh_item("--", options[k].name, options[k].help);
		printf(") ;;\n");
	}
	printf("\tesac\n\t_describe -o options found\n}\n"
	       "if [[ $funcstack[1] == _restante ]]; then\n\t_restante\n"
	       "else\n\tcompdef _restante restante\nfi\n");
	return output_end(c);
}

int cmd_completion(struct cmd *c)
{
	if (str_eq(str_c(c->args[0]), STR("zsh")))
		return zsh(c);
	if (!str_eq(str_c(c->args[0]), STR("bash")))
		return cmd_fail(c, EX_USAGE,
			"no completion for '%.40s': there is one for bash and one for zsh",
			c->args[0]);
	printf("# bash completion of restante: source <(restante completion bash)\n"
	       "_restante() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} words=\n"
	       "\tcase ${COMP_WORDS[COMP_CWORD-1]} in\n\t");
	path_options(true);
	printf(") COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n\t");
	path_options(false);
	printf(") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n\tesac\n"
	       "\tif [[ $cur != -* && $COMP_CWORD -eq 1 ]]; then\n\t\twords=\"");
	first_words();
	printf("\"\n\telif [[ $cur != -* && $COMP_CWORD -eq 2 ]]; then\n"
	       "\t\tcase \"${COMP_WORDS[1]}\" in\n");
	next_words(1, "\") words=\"", "\" ;;");
	printf("\tcompletion) words=\"bash zsh\" ;;\n\tesac\n"
	       "\telif [[ $cur != -* && $COMP_CWORD -eq 3 && \"${COMP_WORDS[*]:1:2}\" == "
	       "@(account\\ app-password|account\\ cert|lab\\ check) ]]; then\n\t\tcase "
	       "\"${COMP_WORDS[*]:1:2}\" in\n");
	next_words(2, "\") words=\"", "\" ;;");
	printf("\tesac\n"
	       "\telse\n\t\tcase \"${COMP_WORDS[*]:1} \" in\n");
	for (size_t i = 0; i < commands_count; i++) {
		printf("\t\"%s \"*) words=\"", commands[i].name);
		options_of(&commands[i]);
		printf("\" ;;\n");
	}
	printf("\tesac\n\tfi\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
	       "complete -F _restante restante\n");
	return output_end(c);
}
