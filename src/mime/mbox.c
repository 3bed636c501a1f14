#include "mime/mbox.h"

#include "mime/date.h"

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char days[] = "SunMonTueWedThuFriSat";

/* 0 for the first name of the table; -1: none of them. */
static int name_index(const char *table, size_t names, struct str word)
{
	for (size_t i = 0; i < names; i++)
		if (word.n >= 3 && str_ieq(str_head(word, 3), str_of(table + 3 * i, 3)))
			return (int)i;
	return -1;
}

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str next_word(struct str *rest)
{
	struct str word;

	while (rest->n > 0 && is_space(rest->p[0]))
		*rest = str_from(*rest, 1);
	for (word = str_of(rest->p, 0); word.n < rest->n && !is_space(rest->p[word.n]);)
		word.n++;
	*rest = str_from(*rest, word.n);
	return word;
}

static bool number(struct str s, uint64_t least, uint64_t most, int64_t *out)
{
	uint64_t v;

	if (s.n > 4 || !str_u64(s, &v) || v < least || v > most)
		return false;
	*out = (int64_t)v;
	return true;
}

/* "01:05" or "01:05:34"; a leap second counts as the one before it. */
static bool clock_get(struct str s, int64_t *seconds)
{
	struct str rest = s, h = str_cut(&rest, ':'), m = str_cut(&rest, ':');
	int64_t hour, minute, second = 0;

	if (!number(h, 0, 23, &hour) || !number(m, 0, 59, &minute))
		return false;
	if (rest.n > 0 && !number(rest, 0, 60, &second))
		return false;
	*seconds = hour * 3600 + minute * 60 + (second > 59 ? 59 : second);
	return true;
}

/* Seconds east of Greenwich.  Letters are of no use but for GMT and the zones of RFC 5322 4.3. */
static bool zone_get(struct str s, int64_t *seconds)
{
	static const struct {
		struct str name;
		int hours;
	} zones[] = {
		{ STR_INIT("GMT"), 0 },
		{ STR_INIT("UT"), 0 },
		{ STR_INIT("UTC"), 0 },
		{ STR_INIT("Z"), 0 },
		{ STR_INIT("EST"), -5 },
		{ STR_INIT("EDT"), -4 },
		{ STR_INIT("CST"), -6 },
		{ STR_INIT("CDT"), -5 },
		{ STR_INIT("MST"), -7 },
		{ STR_INIT("MDT"), -6 },
		{ STR_INIT("PST"), -8 },
		{ STR_INIT("PDT"), -7 },
		{ STR_INIT("MET"), 1 },
		{ STR_INIT("CET"), 1 },
	};
	int64_t v;

	if (s.n == 5 && (s.p[0] == '+' || s.p[0] == '-') && number(str_from(s, 1), 0, 9959, &v)) {
		*seconds = (v / 100 * 3600 + v % 100 * 60) * (s.p[0] == '-' ? -1 : 1);
		return true;
	}
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
		if (str_ieq(zones[i].name, s)) {
			*seconds = zones[i].hours * 3600;
			return true;
		}
	return false;
}

/* RFC 5322 4.3: two digits are 19xx from 50 on, else 20xx; three count from 1900. */
static bool year_get(struct str s, int64_t *year)
{
	if (s.n < 2 || !number(s, 0, 9999, year))
		return false;
	if (s.n == 2)
		*year += *year < 50 ? 2000 : 1900;
	else if (s.n == 3)
		*year += 1900;
	return *year >= 1970;
}

static int64_t wall_of(int64_t year, int64_t month, int64_t day, int64_t seconds)
{
	return (days_of(year, month, day) * 86400 + seconds) * 1000;
}

/* 31 February is none, and not 3 March. */
static bool day_exists(int64_t year, int64_t month, int64_t day)
{
	int64_t next = month == 12 ? days_of(year + 1, 1, 1) : days_of(year, month + 1, 1);

	return day <= next - days_of(year, month, 1);
}

bool date_day(struct str s, int64_t *wall_ms)
{
	struct str rest = s, y = str_cut(&rest, '-'), m = str_cut(&rest, '-');
	int64_t year, month, day;

	if (y.n != 4 || m.n != 2 || rest.n != 2 || !number(y, 1970, 9999, &year) ||
		!number(m, 1, 12, &month) || !number(rest, 1, 31, &day) ||
		!day_exists(year, month, day))
		return false;
	*wall_ms = wall_of(year, month, day, 0);
	return true;
}

bool date_get(struct str s, int64_t *wall_ms)
{
	struct str comma = s, first = str_cut(&comma, ','), rest = s, zone;
	int64_t day, year, clock, offset = 0;
	int month;

	if (first.n < s.n && name_index(days, 7, str_trim(first)) >= 0)
		rest = comma;
	if (!number(next_word(&rest), 1, 31, &day))
		return false;
	month = name_index(months, 12, next_word(&rest));
	if (month < 0 || !year_get(next_word(&rest), &year) || !day_exists(year, month + 1, day) ||
		!clock_get(next_word(&rest), &clock))
		return false;
	zone = next_word(&rest);
	if (!zone_get(zone, &offset))
		offset = 0; /* RFC 5322 4.3: an unknown zone is "-0000" */
	*wall_ms = wall_of(year, month + 1, day, clock - offset);
	return *wall_ms >= 0;
}

/* What follows the sender: "Sat Jan  3 01:05:34 1996", a zone before or after the year. */
static bool separator_date(struct str rest, int64_t *wall_ms)
{
	int64_t day, year, clock, offset = 0;
	struct str word;
	int month;

	if (name_index(days, 7, next_word(&rest)) < 0)
		return false;
	month = name_index(months, 12, next_word(&rest));
	if (month < 0 || !number(next_word(&rest), 1, 31, &day) ||
		!clock_get(next_word(&rest), &clock))
		return false;
	word = next_word(&rest);
	if (zone_get(word, &offset))
		word = next_word(&rest);
	else if (word.n > 0 && !ascii_digit(word.p[0])) /* a zone that nobody knows */
		word = next_word(&rest);
	if (word.n != 4 || !year_get(word, &year))
		return false;
	(void)zone_get(next_word(&rest), &offset);
	*wall_ms = wall_of(year, month + 1, day, clock - offset);
	return *wall_ms >= 0;
}

bool mbox_separator(struct str line, struct str *sender, int64_t *wall_ms)
{
	struct str rest = line;

	if (line.n > MBOX_LINE_MAX || !str_starts(line, STR("From ")))
		return false;
	rest = str_from(line, 5);
	*sender = str_of(rest.p, 0);
	if (separator_date(rest, wall_ms))
		return true;
	*sender = next_word(&rest);
	if (separator_date(rest, wall_ms))
		return true;
	/* Quoted local parts hold spaces: the date is what its last words are. */
	while (rest.n > 0) {
		struct str word = next_word(&rest);

		if (separator_date(rest, wall_ms)) {
			*sender = str_of(sender->p, (size_t)(word.p + word.n - sender->p));
			return true;
		}
	}
	return false;
}

/* date_put() knows the calendar: "Sun, 22 Nov 2026 03:27:11 +0000". */
void mbox_separator_put(struct buf *out, struct str sender, int64_t wall_ms)
{
	struct buf date;
	struct str rest, week, day, month, year, clock;

	buf_init(&date, 0);
	date_put(&date, wall_ms);
	rest = buf_str(&date);
	week = str_cut(&rest, ',');
	day = next_word(&rest);
	month = next_word(&rest);
	year = next_word(&rest);
	clock = next_word(&rest);
	buf_put(out, STR("From "));
	buf_put(out, sender.n > 0 ? sender : STR("MAILER-DAEMON"));
	buf_printf(out, " %.*s %.*s %2.*s %.*s %.*s", STR_ARG(week), STR_ARG(month), STR_ARG(day),
		STR_ARG(clock), STR_ARG(year));
	buf_deinit(&date);
}

int mbox_quotes(struct str line)
{
	size_t n = 0;

	while (n < line.n && line.p[n] == '>')
		n++;
	return str_starts(str_from(line, n), STR("From ")) ? (int)n : -1;
}
