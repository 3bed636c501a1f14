/* Values as text, both ways: numbers with units, words, names. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/dns.h"
#include "base/mem.h"
#include "base/uidl.h"
#include "daemon/config_table.h"
#include "net/cidr.h"

struct unit {
	const char *suffix;
	int64_t times;
};

/* Longest first: printing takes the first that divides the value. */
static const struct unit octet_units[] = {
	{ "G", INT64_C(1) << 30 },
	{ "M", INT64_C(1) << 20 },
	{ "K", INT64_C(1) << 10 },
	{ "", 1 },
};

static const struct unit duration_units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
	{ "", 1000 }, /* a plain number is seconds */
};

static const struct unit count_units[] = { { "", 1 } };

struct units {
	const struct unit *rows;
	size_t count;
};

#define UNITS(table) ((struct units){ table, sizeof table / sizeof *table })

static struct units units_of(enum config_type type)
{
	switch (type) {
	case CONFIG_OCTETS: return UNITS(octet_units);
	case CONFIG_DURATION: return UNITS(duration_units);
	case CONFIG_COUNT:
	case CONFIG_DAYS:
	case CONFIG_BOOL:
	case CONFIG_TEXT:
	case CONFIG_HOSTNAME:
	case CONFIG_UIDL:
	case CONFIG_WORD:
	case CONFIG_WORDS:
	case CONFIG_RETRIES:
	case CONFIG_HOST:
	case CONFIG_NETWORKS: break;
	}
	return UNITS(count_units);
}

static bool number_get(enum config_type type, struct str text, int64_t *out)
{
	struct units units = units_of(type);
	size_t digits = 0;
	uint64_t n;

	while (digits < text.n && ascii_digit(text.p[digits]))
		digits++;
	if (!str_u64(str_head(text, digits), &n) || n > INT64_MAX)
		return false;
	for (size_t i = 0; i < units.count; i++)
		if (str_ieq(str_from(text, digits), str_c(units.rows[i].suffix)))
			return !__builtin_mul_overflow((int64_t)n, units.rows[i].times, out);
	return false;
}

static void number_put(struct buf *out, enum config_type type, int64_t n)
{
	struct units units = units_of(type);

	for (size_t i = 0; i < units.count; i++) {
		if (units.rows[i].times > 1 && n % units.rows[i].times != 0)
			continue;
		buf_putu(out, (uint64_t)(n / units.rows[i].times));
		if (n > 0)
			buf_put(out, str_c(units.rows[i].suffix));
		return;
	}
}

static bool are_words(const char *words, struct str text)
{
	struct str rest = text;

	if (text.n == 0)
		return false;
	while (rest.n > 0)
		if (config_word(words, str_cut(&rest, ' ')) < 0)
			return false;
	return true;
}

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static bool are_networks(struct str text)
{
	struct cidr_set set;
	struct str bad;
	bool good = cidr_set_parse(&set, text, &bad);

	cidr_set_free(&set);
	return good;
}

bool config_retry_times(struct str text, int64_t times[CONFIG_RETRIES_MAX], size_t *count)
{
	size_t n = 0;
	int64_t ms;

	while (text.n > 0) {
		struct str one = str_trim(str_cut(&text, ','));

		if (n == CONFIG_RETRIES_MAX || !number_get(CONFIG_DURATION, one, &ms) ||
			ms < 1000 || ms > INT64_C(30) * 86400000)
			return false;
		if (times != NULL)
			times[n] = ms;
		n++;
	}
	if (count != NULL)
		*count = n;
	return n > 0;
}

static bool is_host(struct str s)
{
	unsigned char to[16];
	char *c = str_dup_c(s);
	bool yes = c != NULL && (inet_pton(AF_INET, c, to) == 1 ||
					inet_pton(AF_INET6, c, to) == 1 || dns_host_name(s));

	free(c);
	return yes;
}

bool config_text_allowed(const struct config_setting *s, struct str text)
{
	switch (s->type) {
	case CONFIG_TEXT:
		return (int64_t)text.n >= s->min && (int64_t)text.n <= s->max && is_printable(text);
	case CONFIG_HOSTNAME: return text.n == 0 || dns_host_name(text);
	case CONFIG_UIDL: return uidl_format_ok(text);
	case CONFIG_WORD: return config_word(s->words, text) >= 0;
	case CONFIG_WORDS: return are_words(s->words, text);
	case CONFIG_RETRIES: return config_retry_times(text, NULL, NULL);
	case CONFIG_HOST: return (text.n == 0 && s->min == 0) || is_host(text);
	case CONFIG_NETWORKS: return are_networks(text);
	case CONFIG_COUNT:
	case CONFIG_OCTETS:
	case CONFIG_DURATION:
	case CONFIG_DAYS:
	case CONFIG_BOOL: break;
	}
	return false;
}

bool config_bool(struct str text, bool *out)
{
	static const char yes[] = "yes true on", no[] = "no false off";

	*out = config_word(yes, text) >= 0;
	return *out || config_word(no, text) >= 0;
}

static bool days_get(struct str text, int64_t *out)
{
	*out = -1;
	return str_eq(text, STR("never")) || number_get(CONFIG_COUNT, text, out);
}

static bool set_value(void *of, const struct config_setting *s, struct str text)
{
	char *at = (char *)of + s->at;
	int64_t n;
	bool yes;

	switch (s->type) {
	case CONFIG_COUNT:
	case CONFIG_OCTETS:
	case CONFIG_DURATION:
		if (s->words != NULL && str_eq(text, str_c(s->words)))
			n = -1;
		else if (!number_get(s->type, text, &n) || n < s->min || n > s->max)
			return false;
		*(int64_t *)(void *)at = n;
		return true;
	case CONFIG_DAYS:
		if (!days_get(text, &n) || (n >= 0 && n < s->min) || n > s->max)
			return false;
		*(int64_t *)(void *)at = n;
		return true;
	case CONFIG_BOOL:
		if (!config_bool(text, &yes))
			return false;
		*(bool *)(void *)at = yes;
		return true;
	case CONFIG_TEXT:
	case CONFIG_HOSTNAME:
	case CONFIG_UIDL:
	case CONFIG_WORD:
	case CONFIG_WORDS:
	case CONFIG_RETRIES:
	case CONFIG_HOST:
	case CONFIG_NETWORKS:
		if (!config_text_allowed(s, text))
			return false;
		free(*(char **)(void *)at);
		*(char **)(void *)at = str_dup_c(text);
		return true;
	}
	return false;
}

bool config_value_allowed(const struct config_setting *s, struct str text)
{
	struct config_setting here = *s;
	int64_t number;

	here.at = 0;
	switch (s->type) {
	case CONFIG_COUNT:
	case CONFIG_OCTETS:
	case CONFIG_DURATION:
	case CONFIG_DAYS:
	case CONFIG_BOOL: return set_value(&number, &here, text);
	case CONFIG_TEXT:
	case CONFIG_HOSTNAME:
	case CONFIG_UIDL:
	case CONFIG_WORD:
	case CONFIG_WORDS:
	case CONFIG_RETRIES:
	case CONFIG_HOST:
	case CONFIG_NETWORKS: break;
	}
	return config_text_allowed(s, text);
}

enum status config_set(void *of, const struct config_setting *s, struct str text, struct err *err)
{
	struct buf range;

	if (set_value(of, s, text))
		return ST_OK;
	buf_init(&range, 0);
	config_range_put(&range, s);
	err_set(err, ST_USAGE, "%s cannot be \"%.*s\": allowed is %.*s", s->name,
		STR_ARG(str_head(text, 40)), STR_ARG(buf_str(&range)));
	buf_deinit(&range);
	return ST_USAGE;
}

void config_value_put(struct buf *out, const void *of, const struct config_setting *s)
{
	const char *at = (const char *)of + s->at;

	switch (s->type) {
	case CONFIG_COUNT:
	case CONFIG_OCTETS:
	case CONFIG_DURATION:
		if (*(const int64_t *)(const void *)at < 0)
			buf_put(out, str_c(s->words));
		else
			number_put(out, s->type, *(const int64_t *)(const void *)at);
		break;
	case CONFIG_DAYS:
		if (*(const int64_t *)(const void *)at < 0)
			buf_put(out, STR("never"));
		else
			number_put(out, s->type, *(const int64_t *)(const void *)at);
		break;
	case CONFIG_BOOL:
		buf_put(out, *(const bool *)(const void *)at ? STR("yes") : STR("no"));
		break;
	case CONFIG_TEXT:
	case CONFIG_HOSTNAME:
	case CONFIG_UIDL:
	case CONFIG_WORD:
	case CONFIG_WORDS:
	case CONFIG_RETRIES:
	case CONFIG_HOST:
	case CONFIG_NETWORKS: buf_put(out, str_c(*(char *const *)(const void *)at)); break;
	}
}

void config_duration_put(struct buf *out, int64_t ms)
{
	if (ms < 0)
		buf_put(out, STR("off"));
	else
		number_put(out, CONFIG_DURATION, ms);
}

void config_octets_put(struct buf *out, int64_t octets)
{
	number_put(out, CONFIG_OCTETS, octets);
}

void config_retries_put(struct buf *out, const struct schedule *s)
{
	for (size_t i = 0; i < s->waits; i++) {
		if (i > 0)
			buf_put(out, STR(", "));
		number_put(out, CONFIG_DURATION, s->wait_ms[i]);
	}
}

static void words_put(struct buf *out, const char *words, struct str last)
{
	struct str rest = str_c(words);

	while (rest.n > 0) {
		buf_put(out, str_cut(&rest, ' '));
		if (rest.n > 0)
			buf_put(out, str_find(rest, ' ') == rest.n ? last : STR(", "));
	}
}

void config_range_put(struct buf *out, const struct config_setting *s)
{
	switch (s->type) {
	case CONFIG_COUNT:
	case CONFIG_OCTETS:
	case CONFIG_DURATION:
		if (s->words != NULL)
			buf_printf(out, "%s, or ", s->words);
		number_put(out, s->type, s->min);
		buf_put(out, STR(" to "));
		number_put(out, s->type, s->max);
		break;
	case CONFIG_DAYS:
		buf_printf(out, "never, or days from %d to %d", (int)s->min, (int)s->max);
		break;
	case CONFIG_BOOL: buf_put(out, STR("yes or no")); break;
	case CONFIG_TEXT:
		buf_printf(out, "%s of at most %d octets", s->min > 0 ? "text" : "text or nothing",
			(int)s->max);
		break;
	case CONFIG_HOSTNAME: buf_put(out, STR("a host name")); break;
	case CONFIG_UIDL:
		buf_put(out, STR("text with at least one of %i, %u and %f; also %v and %08Xu"));
		break;
	case CONFIG_WORD: words_put(out, s->words, STR(" or ")); break;
	case CONFIG_WORDS: words_put(out, s->words, STR(" and ")); break;
	case CONFIG_RETRIES: buf_put(out, STR("times from 1s to 30d, separated by commas")); break;
	case CONFIG_HOST: buf_put(out, STR("a host name or IP address")); break;
	case CONFIG_NETWORKS:
		buf_put(out, STR("networks such as 10.0.0.0/8 and ::1, or nothing"));
		break;
	}
}
