/* Options, wherever they stand on the line. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "daemon/nearest.h"

static const char **value_of(struct cmd *c, enum option_bit bit)
{
	static const char *unused;

	switch (bit) {
	case OPTION_STATE: return &c->state;
	case OPTION_DOMAIN: return &c->domain;
	case OPTION_HOSTNAME: return &c->hostname;
	case OPTION_PORT_OFFSET: return &c->port_offset;
	case OPTION_HASH: return &c->hash;
	case OPTION_QUOTA_BYTES: return &c->quota_bytes;
	case OPTION_QUOTA_MESSAGES: return &c->quota_messages;
	case OPTION_NAME: return &c->name;
	case OPTION_SCOPE: return &c->scope;
	case OPTION_EXPIRES: return &c->expires;
	case OPTION_ALIAS_OF: return &c->alias_of;
	case OPTION_FORMAT: return &c->format;
	case OPTION_UIDL_FORMAT: return &c->uidl_format;
	case OPTION_FOLDERS:
	case OPTION_UIDL: return &c->uidl;
	case OPTION_SINCE: return &c->since;
	case OPTION_ALL:
	case OPTION_NOW:
	case OPTION_EXPUNGED:
	case OPTION_JSON:
	case OPTION_HELP:
	case OPTION_PASSWORD_STDIN:
	case OPTION_REBUILD: break;
	}
	return &unused;
}

static const struct option *find_option(struct str name)
{
	for (size_t i = 0; i < options_count; i++)
		if (str_eq(str_c(options[i].name), name))
			return &options[i];
	return NULL;
}

static bool allowed(const struct cmd *c, const struct option *o)
{
	return o->bit == OPTION_HELP || (c->row->options & (unsigned)o->bit) != 0;
}

static int unknown_option(const struct cmd *c, struct str name)
{
	struct nearest n = nearest_to(name);

	for (size_t i = 0; i < options_count; i++)
		if (allowed(c, &options[i]))
			nearest_try(&n, options[i].name);
	if (n.name != NULL)
		return cmd_fail(c, EX_USAGE, "no option %.*s: did you mean %s?",
			STR_ARG(str_head(name, 60)), n.name);
	return cmd_fail(c, EX_USAGE, "no option %.*s: see restante %s --help",
		STR_ARG(str_head(name, 60)), c->row->name);
}

/* "--name=value" or "--name value"; *i moves on when the next word was taken. */
static int take_option(struct cmd *c, int argc, char **argv, int *i)
{
	struct str value = str_c(argv[*i]), name = str_cut(&value, '=');
	const struct option *o = find_option(name);
	bool has_value = name.n < str_c(argv[*i]).n;

	if (o == NULL || !allowed(c, o))
		return unknown_option(c, name);
	c->given |= (unsigned)o->bit;
	if (o->value == NULL && has_value)
		return cmd_fail(c, EX_USAGE, "%s takes no value", o->name);
	if (o->value == NULL)
		return EX_OK;
	if (has_value)
		*value_of(c, o->bit) = value.p;
	else if (*i + 1 < argc)
		*value_of(c, o->bit) = argv[++*i];
	else
		return cmd_fail(c, EX_USAGE, "%s needs a value: %s", o->name, o->value);
	return EX_OK;
}

int cmd_options(struct cmd *c, int argc, char **argv)
{
	const char *from_environment = getenv("RESTANTE_STATE");
	bool ended = false;

	c->state = from_environment != NULL && from_environment[0] != '\0' ? from_environment
									   : "/var/lib/restante";
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
