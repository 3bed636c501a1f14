/* Requests and rows as JSON. */
#include <stdio.h>
#include <time.h>

#include "daemon/office_verbs.h"

enum status request_str(const json_t *q, const char *name, struct str *out, struct err *err)
{
	const json_t *v = json_object_get(q, name);

	if (!json_is_string(v))
		return err_set(err, ST_USAGE, "the request has no \"%s\"", name);
	*out = str_of(json_string_value(v), json_string_length(v));
	return ST_OK;
}

/* The length of the valid UTF-8 sequence at the start of s; 0: none. */
static size_t sequence(struct str s)
{
	for (size_t n = 1; n <= 4 && n <= s.n; n++)
		if (str_utf8(str_head(s, n)))
			return n;
	return 0;
}

json_t *json_text(struct str s)
{
	struct buf clean;
	json_t *v;

	buf_init(&clean, 0);
	while (s.n > 0) {
		size_t n = sequence(s);

		buf_put(&clean, n > 0 ? str_head(s, n) : STR("\xef\xbf\xbd"));
		s = str_from(s, n > 0 ? n : 1);
	}
	v = json_stringn(buf_str(&clean).p, buf_str(&clean).n);
	buf_deinit(&clean);
	return v;
}

json_t *json_time(int64_t wall_ms)
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;
	char text[40] = "";

	if (gmtime_r(&t, &tm) != NULL)
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}
