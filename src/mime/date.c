#include "mime/date.h"

static const char day_names[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
	"Sep", "Oct", "Nov", "Dec" };

struct civil {
	int64_t year, month, day; /* month from 0, day from 1 */
};

/* Years begin in March here, so that the leap day is the last of its year and the months before it
 * follow one formula (153 days are five months from March or August). */
static struct civil civil_of_days(int64_t days)
{
	int64_t z = days + 719468; /* days since 1 March of year 0 */
	int64_t era = z / 146097, in_era = z % 146097;
#ifdef MUTANT_EVERY_FOURTH_YEAR
	int64_t year = (in_era - in_era / 1460 - in_era / 146096) / 365;
#else
	int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
#endif
	int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * in_year + 2) / 153;
	struct civil c = {
		.year = era * 400 + year,
		.month = month < 10 ? month + 2 : month - 10,
		.day = in_year - (153 * month + 2) / 5 + 1,
	};

	c.year += c.month < 2;
	return c;
}

static int64_t seconds(int64_t wall_ms)
{
	static const int64_t last = 253402300799; /* 31 Dec 9999 23:59:59 */

	return wall_ms < 0 ? 0 : wall_ms / 1000 > last ? last : wall_ms / 1000;
}

static void put_2(struct buf *out, int64_t n)
{
	char digits[] = { (char)('0' + n / 10), (char)('0' + n % 10) };

	buf_put(out, str_of(digits, sizeof digits));
}

static void put_time(struct buf *out, int64_t s)
{
	put_2(out, s / 3600);
	buf_putc(out, ':');
	put_2(out, s / 60 % 60);
	buf_putc(out, ':');
	put_2(out, s % 60);
}

void date_put_internet(struct buf *out, int64_t wall_ms)
{
	int64_t s = seconds(wall_ms), rest = s % 86400;
	struct civil c = civil_of_days(s / 86400);

	buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)c.year, (int)c.month + 1, (int)c.day,
		(int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
}

void date_put(struct buf *out, int64_t wall_ms)
{
	int64_t s = seconds(wall_ms);
	int64_t days = s / 86400, rest = s % 86400;
	struct civil c = civil_of_days(days);

	/* printf would be a twentieth of what the daemon does for a small message. */
	buf_put(out, str_c(day_names[(days + 4) % 7]));
	buf_put(out, STR(", "));
	buf_putu(out, (uint64_t)c.day);
	buf_putc(out, ' ');
	buf_put(out, str_c(month_names[c.month]));
	buf_putc(out, ' ');
	buf_putu(out, (uint64_t)c.year);
	buf_putc(out, ' ');
	put_time(out, rest);
	buf_put(out, STR(" +0000"));
}
