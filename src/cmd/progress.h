/* progress.h -- one line on a terminal that says how far a long command is; nothing elsewhere. */
#ifndef RESTANTE_CMD_PROGRESS_H
#define RESTANTE_CMD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool shown;     /* standard error is a terminal */
	bool octets;    /* they are what is counted: their rate is told */
	uint64_t total; /* octets or messages; 0: not known */
	int64_t begun_ms, next_ms;
};

void progress_begin(struct progress *p, uint64_t total);
/* Draws at most ten times a second. */
void progress_at(struct progress *p, uint64_t done, uint64_t messages);
/* Clears the line, so that other text can follow; the next progress_at() draws it again. */
void progress_clear(struct progress *p);

#endif
