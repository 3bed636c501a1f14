/* restante completion bash: from the table. */
#include <stdio.h>
#include <sysexits.h>

#include "cmd/cmd.h"

static void options_of(const struct command *row)
{
	for (size_t i = 0; i < options_count; i++)
		if ((row->options & (unsigned)options[i].bit) != 0 || options[i].bit == OPTION_HELP)
			printf(" %s", options[i].name);
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

static void second_words(void)
{
	struct str last = STR("");

	for (size_t i = 0; i < commands_count; i++) {
		struct str rest = str_c(commands[i].name), word = str_cut(&rest, ' ');

		if (rest.n == 0)
			continue;
		if (!str_eq(word, last))
			printf("%s\t%.*s) words=\"", last.n > 0 ? "\" ;;\n" : "", STR_ARG(word));
		printf("%s%.*s", str_eq(word, last) ? " " : "", STR_ARG(rest));
		last = word;
	}
	printf("\" ;;\n");
}

int cmd_completion(struct cmd *c)
{
	if (!str_eq(str_c(c->args[0]), STR("bash")))
		return cmd_fail(c, EX_USAGE, "no completion for '%.40s': there is one for bash",
			c->args[0]);
	printf("# bash completion of restante: source <(restante completion bash)\n"
	       "_restante() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} words=\n"
	       "\tif [[ $cur != -* && $COMP_CWORD -eq 1 ]]; then\n\t\twords=\"");
	first_words();
	printf("\"\n\telif [[ $cur != -* && $COMP_CWORD -eq 2 ]]; then\n"
	       "\t\tcase ${COMP_WORDS[1]} in\n");
	second_words();
	printf("\tcompletion) words=bash ;;\n\tesac\n"
	       "\telif [[ ${COMP_WORDS[COMP_CWORD-1]} == --state ]]; then\n"
	       "\t\tCOMPREPLY=($(compgen -d -- \"$cur\")); return\n"
	       "\telse\n\t\tcase \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n");
	for (size_t i = 0; i < commands_count; i++) {
		printf("\t\"%s\"%s) words=\"", commands[i].name,
			str_find(str_c(commands[i].name), ' ') < str_c(commands[i].name).n ? ""
											   : "*");
		options_of(&commands[i]);
		printf("\" ;;\n");
	}
	printf("\tesac\n\tfi\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
	       "complete -F _restante restante\n");
	return output_end(c);
}
