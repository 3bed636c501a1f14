/* Help, from the table. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "cmd/cmd.h"

static void command_line(FILE *to, const struct command *row)
{
	char left[64];

	snprintf(left, sizeof left, "%s%s%s", row->name, row->usage[0] == '\0' ? "" : " ",
		row->usage);
	fprintf(to, "  %-30s %s\n", left, row->help);
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

void help_all(FILE *to)
{
	bool bold = output_colour(fileno(to));

	fprintf(to, "%srestante%s %s -- a whole post office: SMTP in, kept durably, POP3 out\n\n",
		bold ? "\033[1m" : "", bold ? "\033[0m" : "", RESTANTE_VERSION);
	fprintf(to, "usage: restante COMMAND [ARGUMENT...] [OPTION...]\n\n");
	for (size_t i = 0; i < commands_count; i++)
		command_line(to, &commands[i]);
	fprintf(to, "\nEvery command takes --state DIR (else $RESTANTE_STATE, else "
		    "/var/lib/restante,\nor ~/.local/share/restante for who may not write there) "
		    "and works\n"
		    "beside a running server and without one.  restante COMMAND --help tells the "
		    "options;\n"
		    "see restante(1).\n");
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
