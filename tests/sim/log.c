/* base/log.h: rows are part of the trace, and are shown when asked for. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "sim.h"

void log_init(int fd, enum log_level level, const char *process)
{
	(void)fd;
	(void)level;
	(void)process;
}

/* But for the name of the directory, which is another each time. */
static void trace_text(struct str s)
{
	struct str dir = str_c(sim_directory());
	const char *at = s.n == 0 ? NULL : memmem(s.p, s.n, dir.p, dir.n);

	sim_trace_octets(at == NULL ? s : str_head(s, (size_t)(at - s.p)));
	if (at != NULL)
		sim_trace_octets(str_from(s, (size_t)(at - s.p) + dir.n));
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	bool show = sim_verbose > 0 && (sim_verbose > 1 || level > LOG_L_DEBUG);

	sim_trace_octets(str_c(event));
	if (show)
		printf("%10.6f %-9s %-10s %s", (double)sim_now_us / 1e6,
			sim_self == NULL ? "-" : sim_self->host->name,
			sim_self == NULL ? "-" : sim_self->name, event);
	for (; fields->name != NULL; fields++) {
		if (fields->type == LOG_F_INT)
			sim_trace_octets(str_of((const char *)&fields->i, sizeof fields->i));
		else
			trace_text(fields->s);
		if (show && fields->type == LOG_F_INT)
			printf(" %s=%lld", fields->name, (long long)fields->i);
		else if (show)
			printf(" %s=%.*s", fields->name, STR_ARG(fields->s));
	}
	if (show)
		printf("\n");
}

void log_flush(void)
{
}
