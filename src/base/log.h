/* log.h -- log lines are rows: an event name "module.verb" and typed fields.
 *
 *   time=2026-11-22T03:00:00.123Z level=info event=smtp.rcpt sid=e0-1f to=<a@b> code=250
 *
 * Values from a peer are escaped here, in one place: a value with SP, '"', '\', '=' or anything
 * outside printable ASCII is quoted and its odd octets become \xNN (UTF-8 included), so that one
 * event is always one line and a terminal is never driven by a stranger.  Values are cut at 512
 * octets.  Secrets have no field type.  Lines are buffered: call log_flush() once a loop turn. */
#ifndef RESTANTE_BASE_LOG_H
#define RESTANTE_BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_L_DEBUG, LOG_L_INFO, LOG_L_WARN, LOG_L_ERROR };

struct log_field {
	const char *name; /* NULL ends the row */
	enum { LOG_F_STR, LOG_F_INT } type;
	struct str s;
	int64_t i;
};

#define F_STR(field, value) ((struct log_field){ .name = (field), .type = LOG_F_STR, .s = (value) })
#define F_C(field, value)   F_STR(field, str_c(value))
#define F_INT(field, value)                                                                        \
	((struct log_field){ .name = (field), .type = LOG_F_INT, .i = (int64_t)(value) })

#define log_debug(event, ...) LOG_ROW(LOG_L_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...)  LOG_ROW(LOG_L_INFO, event, __VA_ARGS__)
#define log_warn(event, ...)  LOG_ROW(LOG_L_WARN, event, __VA_ARGS__)
#define log_error(event, ...) LOG_ROW(LOG_L_ERROR, event, __VA_ARGS__)
#define LOG_ROW(level, event, ...)                                                                 \
	log_write(level, event, (const struct log_field[]){ __VA_ARGS__, { .name = NULL } })

/* fd: where lines go (not owned); level: the least that is written; process: "parent", "edge0"... */
void log_init(int fd, enum log_level level, const char *process);
void log_write(enum log_level level, const char *event, const struct log_field *fields);
void log_flush(void);

#endif
