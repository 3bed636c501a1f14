/* LD_PRELOAD: the wall clock of all processes of an office, as CLOCK_STEP's file of three numbers says: seconds
 * to add, and, when the second is not 0, the second at which it stands still.  The third counts readings.
 * Monotonic clocks are left alone: the kernel's never step. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *step;

__attribute__((constructor)) static void begin(void)
{
	const char *name = getenv("CLOCK_STEP");
	int fd = name == NULL ? -1 : open(name, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		abort();
	step = mmap(NULL, 3 * sizeof *step, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (step == MAP_FAILED)
		abort();
	close(fd);
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = ((__typeof__(&clock_gettime))dlsym(RTLD_NEXT, "clock_gettime"))(id, ts);

	if (rc != 0 || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE))
		return rc;
	step[2]++;
	if (step[1] != 0)
		*ts = (struct timespec){ .tv_sec = step[1] };
	ts->tv_sec += step[0];
	return 0;
}

time_t time(time_t *to)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (to != NULL)
		*to = ts.tv_sec;
	return ts.tv_sec;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	*tv = (struct timeval){ ts.tv_sec, ts.tv_nsec / 1000 };
	return 0;
}
