/* office_help.h -- an office in a directory of its own, with a configuration from a text. */
#ifndef RESTANTE_TESTS_OFFICE_HELP_H
#define RESTANTE_TESTS_OFFICE_HELP_H

#include "daemon/config.h"
#include "daemon/office.h"

static inline enum status help_office(
	struct office *o, const char *dir, const char *text, struct err *err)
{
	struct config *config = config_parse(str_c(text), "test", err);

	return config == NULL ? err->code : office_open(o, dir, config, err);
}

#endif
