/* err.h -- a status for code, a text for people.
 *
 * The text goes to the log or to an administrator's terminal, never to a network peer.  The first
 * cause wins: err_set() on an err that is already set changes nothing. */
#ifndef RESTANTE_BASE_ERR_H
#define RESTANTE_BASE_ERR_H

enum status {
	ST_OK,
	ST_MORE,
	ST_TEMP,
	ST_PERM,
	ST_PROTO,
	ST_LIMIT,
	ST_IO,
	ST_CORRUPT,
	ST_USAGE,
	ST_EXISTS,
	ST_NOTFOUND,
	ST_VERSION /* made by another version of this program */
};

struct err {
	enum status code;
	char text[256];
};

/* Returns code, so that a function can end with `return err_set(err, ...)`.  err may be NULL. */
enum status err_set(struct err *err, enum status code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The sysexits code an administrator's command ends with (sysexits.h). */
int err_exit_code(enum status code);

#endif
