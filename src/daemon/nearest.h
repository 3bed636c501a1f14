/* nearest.h -- "did you mean": the known name that is closest to what somebody typed.  Pure. */
#ifndef RESTANTE_DAEMON_NEAREST_H
#define RESTANTE_DAEMON_NEAREST_H

#include "base/str.h"

struct nearest {
	struct str typed;
	const char *name; /* the best so far; NULL when nothing is near enough to be meant */
	size_t distance;
};

static inline struct nearest nearest_to(struct str typed)
{
	return (struct nearest){ .typed = typed, .name = NULL, .distance = SIZE_MAX };
}

void nearest_try(struct nearest *n, const char *name);

#endif
