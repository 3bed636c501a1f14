/* Help, from the table. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "cmd/cmd.h"

enum { LEFT = 30 };

/* By the first words of commands; what nobody names here comes last, so that nothing is hidden. */
static const struct section {
	const char *title, *words;
} sections[] = {
	{ "To begin", "init serve version help completion" },
	{ "Who gets mail", "account domain alias suppression" },
	{ "Their mail", "mailbox submit sendmail" },
	{ "Mail that leaves", "queue dkim dns" },
	{ "The store", "store backup restore fsck" },
	{ "The running office", "status who kick ban explain trace config" },
	{ "Mail of other providers", "fetch list search show save read send provider" },
};

/* What is long on the left has a line of its own. */
static void two_columns(FILE *to, const char *left, const char *right)
{
	if (str_c(left).n > LEFT)
		fprintf(to, "  %s\n  %*s %s\n", left, LEFT, "", right);
	else
		fprintf(to, "  %-*s %s\n", LEFT, left, right);
}

static void command_line(FILE *to, const struct command *row)
{
	char left[256];

	snprintf(left, sizeof left, "%s%s%s", row->name, row->usage[0] == '\0' ? "" : " ",
		row->usage);
	two_columns(to, left, row->help);
}

static bool in_group(const struct command *row, struct str group)
{
	struct str rest = str_c(row->name);

	return str_eq(str_cut(&rest, ' '), group);
}

void help_group(FILE *to, struct str group)
{
	fprintf(to, "usage: restante %.*s COMMAND [ARGUMENT...] [OPTION...]\n\n", STR_ARG(group));
	for (size_t i = 0; i < commands_count; i++)
		if (in_group(&commands[i], group))
			command_line(to, &commands[i]);
	fprintf(to, "\nrestante COMMAND --help tells the options of one.\n");
}

static bool has_word(struct str words, struct str word)
{
	while (words.n > 0)
		if (str_eq(str_cut(&words, ' '), word))
			return true;
	return false;
}

static bool is_listed(struct str word)
{
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
		if (has_word(str_c(sections[i].words), word))
			return true;
	return false;
}

/* A command by itself with its help, of a group only what it can do. */
static size_t print_word(FILE *to, size_t first)
{
	struct str rest = str_c(commands[first].name), group = str_cut(&rest, ' '), last = STR("");
	size_t end = first;

	while (end < commands_count && in_group(&commands[end], group))
		end++;
	if (end == first + 1) {
		command_line(to, &commands[first]);
		return end;
	}
	fprintf(to, "  %.*s", STR_ARG(group));
	/* What the group does by itself comes first: backup DEST|verify, not backup verify DEST. */
	for (size_t i = first; i < end; i++)
		if (str_eq(str_c(commands[i].name), group)) {
			fprintf(to, " %s", commands[i].usage);
			last = group;
		}
	for (size_t i = first; i < end; i++) {
		struct str name = str_c(commands[i].name), word;

		str_cut(&name, ' ');
		word = str_cut(&name, ' ');
		if (word.n == 0 || str_eq(word, last))
			continue;
		fprintf(to, "%s%.*s", last.n > 0 ? "|" : " ", STR_ARG(word));
		last = word;
	}
	fprintf(to, "\n");
	return end;
}

/* words empty: what no section has. */
static void print_section(FILE *to, const char *title, struct str words)
{
	bool begun = false;

	for (size_t i = 0; i < commands_count;) {
		struct str rest = str_c(commands[i].name), word = str_cut(&rest, ' ');

		if (words.n > 0 ? !has_word(words, word) : is_listed(word)) {
			i++;
			continue;
		}
		if (!begun)
			fprintf(to, "%s:\n", title);
		begun = true;
		i = print_word(to, i);
	}
	if (begun)
		fprintf(to, "\n");
}

void help_all(FILE *to)
{
	bool bold = output_colour(fileno(to));

	fprintf(to, "%srestante%s %s -- a whole post office: SMTP in, kept durably, POP3 out\n\n",
		bold ? "\033[1m" : "", bold ? "\033[0m" : "", RESTANTE_VERSION);
	fprintf(to, "usage: restante COMMAND [ARGUMENT...] [OPTION...]\n\n");
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
		print_section(to, sections[i].title, str_c(sections[i].words));
	print_section(to, "More", STR(""));
	fprintf(to, "restante help GROUP tells of a group's commands, COMMAND --help the options "
		    "of one.\n"
		    "Every command takes --state DIR "
		    "(else $RESTANTE_STATE, else "
		    "/var/lib/restante,\nor ~/.local/share/restante for who may not write there) "
		    "and works\n"
		    "beside a running server and without one.  See restante(1).\n");
}

void help_command(const struct command *row)
{
	printf("usage: restante %s%s%s [OPTION...]\n%s\n\n", row->name,
		row->usage[0] == '\0' ? "" : " ", row->usage, row->help);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *o = &options[i];
		char left[40];

		if (!command_takes(row, (enum option_id)i))
			continue;
		snprintf(left, sizeof left, "--%s%s%s", o->name, o->value == NULL ? "" : " ",
			o->value == NULL ? "" : o->value);
		printf("  %-22s %s\n", left, o->help);
	}
}

/* What the table names and nobody has described comes out too: the check of the manual finds it. */
static json_t *options_json(const struct command *row)
{
	json_t *names = json_array();
	struct str rest = str_c(row->options);

	while (rest.n > 0) {
		struct str name = str_cut(&rest, ' ');

		json_array_append_new(names, json_sprintf("--%.*s", STR_ARG(name)));
	}
	json_array_append_new(names, json_string("--help"));
	return names;
}

static void help_json(void)
{
	json_t *all = json_array();
	char *text;

	for (size_t i = 0; i < commands_count; i++)
		json_array_append_new(
			all, json_pack("{s:s, s:s, s:s, s:o}", "command", commands[i].name, "usage",
				     commands[i].usage, "help", commands[i].help, "options",
				     options_json(&commands[i])));
	text = json_dumps(all, JSON_INDENT(1));
	puts(text);
	free(text);
	json_decref(all);
}

int cmd_help(struct cmd *c)
{
	char name[64];
	int n = 0;

	if (cmd_has(c, OPTION_JSON)) {
		help_json();
		return output_end(c);
	}
	if (c->nargs == 0) {
		help_all(stdout);
		return output_end(c);
	}
	for (int i = 0; i < c->nargs && n < (int)sizeof name; i++)
		n += snprintf(
			name + n, sizeof name - (size_t)n, "%s%s", i > 0 ? " " : "", c->args[i]);
	for (size_t i = 0; i < commands_count; i++)
		if (str_eq(str_c(commands[i].name), str_c(name))) {
			help_command(&commands[i]);
			return output_end(c);
		}
	for (size_t i = 0; i < commands_count; i++)
		if (in_group(&commands[i], str_c(name))) {
			help_group(stdout, str_c(name));
			return output_end(c);
		}
	return cmd_fail(c, EX_USAGE, "no command %s: see restante help", name);
}

int cmd_version(struct cmd *c)
{
	if (cmd_has(c, OPTION_JSON))
		printf("{\"version\": \"%s\"}\n", RESTANTE_VERSION);
	else
		printf("restante %s\n", RESTANTE_VERSION);
	return output_end(c);
}
