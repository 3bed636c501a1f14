/* Options, wherever they stand on the line. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "daemon/nearest.h"

static const struct option *option_find(struct str name)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (str_eq(str_c(options[i].name), name))
			return &options[i];
	return NULL;
}

bool command_takes(const struct command *row, enum option_id id)
{
	struct str rest = str_c(row->options), name = str_c(options[id].name);

	while (rest.n > 0)
		if (str_eq(str_cut(&rest, ' '), name))
			return true;
	return id == OPTION_HELP;
}

static int unknown_option(const struct cmd *c, struct str name)
{
	struct nearest n = nearest_to(name);

	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (command_takes(c->row, (enum option_id)i))
			nearest_try(&n, options[i].name);
	if (n.name != NULL)
		return cmd_fail(c, EX_USAGE, "no option --%.*s: did you mean --%s?",
			STR_ARG(str_head(name, 60)), n.name);
	return cmd_fail(c, EX_USAGE, "no option --%.*s: see restante %s --help",
		STR_ARG(str_head(name, 60)), c->row->name);
}

/* What other programs that send have and what is always so here, or nobody needs: -i, -oi, -oem, -v, -bm ... */
static bool is_idle(struct str word)
{
	static const struct str idle[] = { STR_INIT("-i"), STR_INIT("-v"), STR_INIT("-m"),
		STR_INIT("-n"), STR_INIT("-U"), STR_INIT("-d"), STR_INIT("-bm"),
		STR_INIT("-B8BITMIME"), STR_INIT("-B7BIT") };

	for (size_t i = 0; i < sizeof idle / sizeof *idle; i++)
		if (str_eq(word, idle[i]))
			return true;
	return word.n > 2 && (str_starts(word, STR("-o")) || str_starts(word, STR("-e")));
}

/* As other programs that send are called: -t, -a NAME, -fADDRESS.  *value: what follows the letter. */
static bool is_short(
	const struct cmd *c, const char *word, const struct option **o, const char **value)
{
	static const struct {
		char letter;
		enum option_id id;
	} letters[] = {
		{ 'a', OPTION_ACCOUNT },
		{ 'f', OPTION_FROM },
		{ 'r', OPTION_FROM },
		{ 't', OPTION_READ_RECIPIENTS },
		{ 'F', OPTION_NAME },
		{ 'N', OPTION_DSN_NOTIFY },
		{ 'R', OPTION_DSN_RETURN },
		{ 'P', OPTION_DRY_RUN },
		{ 'S', OPTION_SERVERINFO },
	};

	*o = NULL;
	if (!command_takes(c->row, OPTION_READ_RECIPIENTS))
		return false;
	if (is_idle(str_c(word)))
		return true;
	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
		if (word[1] == letters[i].letter) {
			*o = &options[letters[i].id];
			*value = word + 2;
			return (*o)->value != NULL || word[2] == '\0';
		}
	return false;
}

static int take_short(struct cmd *c, const struct option *o, const char *value, char *next)
{
	if (o == NULL)
		return 0;
	if (o->value != NULL && value[0] == '\0' && next == NULL)
		return -1;
	c->value[o - options] = o->value != NULL && value[0] == '\0' ? next : value;
	return o->value != NULL && value[0] == '\0';
}

/* "--name=value" or "--name value"; *i moves on when the next word was taken. */
static int take_option(struct cmd *c, int argc, char **argv, int *i)
{
	struct str value = str_from(str_c(argv[*i]), 2), all = value, name = str_cut(&value, '=');
	const struct option *o = option_find(name);
	bool has_value = name.n < all.n;
	const char *short_value;
	enum option_id id;
	int taken;

	if (!str_starts(str_c(argv[*i]), STR("--")) && is_short(c, argv[*i], &o, &short_value)) {
		taken = take_short(c, o, short_value, *i + 1 < argc ? argv[*i + 1] : NULL);
		*i += taken;
		return taken >= 0
			       ? EX_OK
			       : cmd_fail(c, EX_USAGE, "--%s needs a value: %s", o->name, o->value);
	}
	if (!str_starts(str_c(argv[*i]), STR("--")))
		return cmd_fail(c, EX_USAGE, "no option %.60s: see restante %s --help", argv[*i],
			c->row->name);
	id = o == NULL ? OPTION_COUNT : (enum option_id)(o - options);
	if (o == NULL || !command_takes(c->row, id))
		return unknown_option(c, name);
	if (o->value == NULL && has_value)
		return cmd_fail(c, EX_USAGE, "--%s takes no value", o->name);
	if (o->value == NULL)
		c->value[id] = "";
	else if (has_value)
		c->value[id] = value.p;
	else if (*i + 1 < argc)
		c->value[id] = argv[++*i];
	else
		return cmd_fail(c, EX_USAGE, "--%s needs a value: %s", o->name, o->value);
	return EX_OK;
}

/* The machine's office for who may write there; everybody else has one of their own (XDG Base Directory). */
static const char *default_state(void)
{
	static const char office[] = "/var/lib/restante";
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	static char path[4096];
	int n = -1;

	if (geteuid() == 0 || access(office, W_OK) == 0)
		return office;
	if (data != NULL && data[0] == '/')
		n = snprintf(path, sizeof path, "%s/restante", data);
	else if (home != NULL && home[0] == '/')
		n = snprintf(path, sizeof path, "%s/.local/share/restante", home);
	return n > 0 && n < (int)sizeof path ? path : office;
}

void cmd_find_state(struct cmd *c)
{
	const char *from_environment = getenv("RESTANTE_STATE");

	c->state = default_state();
	if (from_environment != NULL && from_environment[0] != '\0')
		c->state = from_environment;
}

int cmd_options(struct cmd *c, int argc, char **argv)
{
	bool ended = false;

	c->args = argv;
	for (int i = 0; i < argc; i++) {
		struct str word = str_c(argv[i]);
		int code;

		if (ended || !str_starts(word, STR("-")) || word.n == 1) {
			c->args[c->nargs++] = argv[i];
			continue;
		}
		if (str_eq(word, STR("--"))) {
			ended = true;
			continue;
		}
		code = take_option(c, argc, argv, &i);
		if (code != EX_OK)
			return code;
	}
	cmd_find_state(c);
	if (cmd_has(c, OPTION_STATE))
		c->state = c->value[OPTION_STATE];
	return EX_OK;
}

int cmd_fail(const struct cmd *c, int code, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	fflush(stdout);
	if (c != NULL && c->row != NULL)
		fprintf(stderr, "restante: %s: %s\n", c->row->name, text);
	else
		fprintf(stderr, "restante: %s\n", text);
	return code;
}

int cmd_fail_err(const struct cmd *c, const struct err *err)
{
	return cmd_fail(c, err_exit_code(err->code), "%s", err->text);
}
