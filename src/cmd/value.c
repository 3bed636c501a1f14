/* Sizes, times and moments as people write them. */
#include <time.h>

#include "account/account.h"
#include "base/clock.h"
#include "cmd/cmd.h"

struct unit {
	char letter;
	int64_t times;
};

/* Digits, then at most one letter of the table. */
static bool with_unit(struct str text, const struct unit *units, size_t n, int64_t *out)
{
	size_t digits = 0;
	uint64_t v;

	while (digits < text.n && ascii_digit(text.p[digits]))
		digits++;
	if (!str_u64(str_head(text, digits), &v) || v > INT64_MAX || text.n > digits + 1)
		return false;
	*out = (int64_t)v;
	if (digits == text.n)
		return true;
	for (size_t i = 0; i < n; i++)
		if (units[i].letter == ascii_lower(text.p[digits]))
			return !__builtin_mul_overflow(*out, units[i].times, out);
	return false;
}

static const struct unit octet_units[] = {
	{ 'k', INT64_C(1) << 10 },
	{ 'm', INT64_C(1) << 20 },
	{ 'g', INT64_C(1) << 30 },
	{ 't', INT64_C(1) << 40 },
};

bool value_octets(struct str text, int64_t *out)
{
	return with_unit(text, octet_units, 4, out) && *out > 0;
}

bool value_quota(struct str text, bool octets, int64_t *out)
{
	if (str_eq(text, STR("default")))
		*out = QUOTA_DEFAULT;
	else if (str_eq(text, STR("none")))
		*out = QUOTA_NONE;
	else
		return octets ? value_octets(text, out) : with_unit(text, NULL, 0, out) && *out > 0;
	return true;
}

bool value_duration(struct str text, int64_t *ms)
{
	static const struct unit units[] = {
		{ 's', 1000 },
		{ 'm', 60 * 1000 },
		{ 'h', 60 * 60 * 1000 },
		{ 'd', INT64_C(24) * 3600 * 1000 },
		{ 'w', INT64_C(7) * 24 * 3600 * 1000 },
	};

	return text.n > 0 && !ascii_digit(text.p[text.n - 1]) &&
	       with_unit(text, units, sizeof units / sizeof *units, ms);
}

bool value_moment(struct str text, int64_t *wall_ms)
{
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ" };
	char moment[32];
	int64_t ms;

	if (value_duration(text, &ms))
		return !__builtin_add_overflow(clock_wall_ms(), ms, wall_ms);
	if (text.n >= sizeof moment)
		return false;
	*(char *)mempcpy(moment, text.p, text.n) = '\0';
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct tm tm = { 0 };
		const char *end = strptime(moment, forms[i], &tm);

		if (end == moment + text.n) {
			*wall_ms = (int64_t)timegm(&tm) * 1000;
			return true;
		}
	}
	return false;
}
