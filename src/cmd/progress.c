#include "cmd/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { BAR = 30, EVERY_MS = 100 };

void progress_begin(struct progress *p, uint64_t total)
{
	*p = (struct progress){
		.shown = isatty(STDERR_FILENO), .total = total, .begun_ms = clock_mono_ms()
	};
}

static void put_rate(uint64_t done, int64_t gone_ms)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB" };
	double rate = (double)done * 1000 / (double)gone_ms;
	size_t unit = 0;

	for (; rate >= 1000 && unit < 3; unit++)
		rate /= 1024;
	fprintf(stderr, unit == 0 || rate >= 100 ? "  %.0f %s/s" : "  %.1f %s/s", rate,
		units[unit]);
}

static void put_left(int64_t s)
{
	if (s >= 3600)
		fprintf(stderr, "  %lldh%02lldm left", (long long)s / 3600, (long long)s / 60 % 60);
	else if (s >= 60)
		fprintf(stderr, "  %lldm%02llds left", (long long)s / 60, (long long)s % 60);
	else
		fprintf(stderr, "  %llds left", (long long)s);
}

void progress_at(struct progress *p, uint64_t done, uint64_t messages)
{
	int64_t now = p->shown ? clock_mono_ms() : 0, gone;
	char bar[BAR + 1];
	int full;

	if (!p->shown || now < p->next_ms)
		return;
	p->next_ms = now + EVERY_MS;
	if (p->total == 0)
		p->total = 1;
	if (done > p->total)
		done = p->total;
	full = (int)((double)done / (double)p->total * BAR);
	for (int i = 0; i < BAR; i++)
		bar[i] = i < full ? '#' : '.';
	bar[BAR] = '\0';
	gone = now - p->begun_ms;
	fprintf(stderr, "\r\033[K[%s] %3d%%", bar, (int)((double)done / (double)p->total * 100));
	if (messages > 0)
		fprintf(stderr, "  %llu messages", (unsigned long long)messages);
	if (done == 0 || gone <= 2000)
		return;
	if (p->octets)
		put_rate(done, gone);
	put_left((int64_t)((double)gone * (double)(p->total - done) / (double)done / 1000));
}

void progress_clear(struct progress *p)
{
	if (p->shown && p->next_ms > 0)
		fputs("\r\033[K", stderr);
	p->next_ms = 0;
}
