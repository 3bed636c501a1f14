#include <stdarg.h>
#include <stdio.h>
#include <stddef.h>
#include <sysexits.h>

#include "base/err.h"

enum status err_set(struct err *err, enum status code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL || err->code != ST_OK)
		return code;
	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	return code;
}

int err_exit_code(enum status code)
{
	switch (code) {
	case ST_OK: return EX_OK;
	case ST_MORE: return EX_SOFTWARE;
	case ST_TEMP: return EX_TEMPFAIL;
	case ST_PERM: return EX_NOPERM;
	case ST_PROTO: return EX_PROTOCOL;
	case ST_LIMIT: return EX_DATAERR;
	case ST_IO: return EX_IOERR;
	case ST_CORRUPT: return EX_DATAERR;
	case ST_USAGE: return EX_USAGE;
	case ST_EXISTS: return EX_CANTCREAT;
	case ST_NOTFOUND: return EX_NOUSER;
	case ST_VERSION: return EX_CONFIG;
	}
	return EX_SOFTWARE;
}
