#include "trust/mtasts.h"

static bool is_alnum(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || ascii_digit(c);
}

static bool is_word(struct str s, struct str more, size_t most)
{
	if (s.n == 0 || s.n > most || !is_alnum(s.p[0]))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && str_find(more, s.p[i]) == more.n)
			return false;
	return true;
}

/* sts-ext-value of 3.1: printable, neither '=' nor ';'. */
static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '=')
			return false;
	return s.n > 0;
}

/* One record after its "v=STSv1": fields with ';' before each (3.1). */
static bool parse_record(struct str rest, struct str *id)
{
	*id = STR("");
	rest = str_trim(rest);
	if (rest.n == 0 || rest.p[0] != ';')
		return false;
	rest = str_from(rest, 1);
	while (rest.n > 0) {
		struct str value = str_trim(str_cut(&rest, ';')), key;

		if (value.n == 0 && str_trim(rest).n == 0)
			break; /* the last delimiter */
		key = str_cut(&value, '=');
		if (!is_word(key, STR("_-."), 32) || !is_value(value))
			return false;
		if (!str_eq(key, STR("id")) || id->n > 0)
			continue;
		if (!is_word(value, STR(""), MTASTS_ID_MAX))
			return false;
		*id = value;
	}
	return id->n > 0;
}

bool mtasts_record(const struct dns_answer *txt, struct str *id)
{
	static const struct str version = STR_INIT("v=STSv1");
	size_t found = 0;
	struct str fields = { 0 };

	if (txt->outcome != DNS_FOUND)
		return false;
	for (size_t i = 0; i < txt->count; i++) {
		struct str rest = str_from(txt->rows[i].data, version.n);

		/* The version ends at the ';', with perhaps spaces before it. */
		if (!str_starts(txt->rows[i].data, version) || str_trim(rest).n == 0 ||
			str_trim(rest).p[0] != ';')
			continue;
		fields = rest;
		found++;
	}
	return found == 1 && parse_record(fields, id);
}

static bool is_domain(struct str name)
{
	if (name.n == 0 || name.n > 253)
		return false;
	while (name.n > 0) {
		struct str label = str_cut(&name, '.');

		if (!is_word(label, STR("-_"), 63))
			return false;
	}
	return true;
}

struct fields {
	bool version, mode, max_age;
	size_t mx;
};

static enum status take_mode(struct mtasts_policy *p, struct str value, struct err *err)
{
	if (str_eq(value, STR("enforce")))
		p->mode = MTASTS_ENFORCE;
	else if (str_eq(value, STR("testing")))
		p->mode = MTASTS_TESTING;
	else if (str_eq(value, STR("none")))
		p->mode = MTASTS_OFF;
	else
		return err_set(err, ST_PROTO, "unknown mode");
	return ST_OK;
}

static enum status take_mx(
	struct mtasts_policy *p, struct fields *seen, struct str value, struct err *err)
{
	struct str domain = str_from(value, str_starts(value, STR("*.")) ? 2 : 0);

	if (!is_domain(domain))
		return err_set(err, ST_PROTO, "an mx is no host name");
	if (seen->mx++ == MTASTS_MX_MAX)
		return err_set(err, ST_PROTO, "more than %d mx", MTASTS_MX_MAX);
	for (size_t i = 0; i < value.n; i++)
		buf_putc(&p->mx, ascii_lower(value.p[i]));
	buf_putc(&p->mx, '\n');
	return ST_OK;
}

/* Of what stands twice the first counts, of mx all (3.2). */
static enum status take_field(
	struct mtasts_policy *p, struct fields *seen, struct str line, struct err *err)
{
	struct str value = line, key = str_cut(&value, ':');
	uint64_t age;

	value = str_trim(value);
	if (key.n == line.n || !is_word(key, STR("_-."), 32))
		return err_set(err, ST_PROTO, "a line is no \"key: value\"");
	if (str_eq(key, STR("version")) && !seen->version) {
		seen->version = true;
		if (!str_eq(value, STR("STSv1")))
			return err_set(err, ST_PROTO, "another version");
	} else if (str_eq(key, STR("mode")) && !seen->mode) {
		seen->mode = true;
		return take_mode(p, value, err);
	} else if (str_eq(key, STR("max_age")) && !seen->max_age) {
		seen->max_age = true;
		if (value.n > 10 || !str_u64(value, &age))
			return err_set(err, ST_PROTO, "max_age is no number");
		p->max_age = age < MTASTS_AGE_MAX ? (uint32_t)age : MTASTS_AGE_MAX;
	} else if (str_eq(key, STR("mx"))) {
		return take_mx(p, seen, value, err);
	}
	return ST_OK;
}

static enum status parse(struct mtasts_policy *p, struct str body, struct err *err)
{
	struct fields seen = { 0 };

	if (body.n > MTASTS_POLICY_MAX)
		return err_set(err, ST_PROTO, "over %d octets", MTASTS_POLICY_MAX);
	if (!str_utf8(body))
		return err_set(err, ST_PROTO, "not UTF-8");
	while (body.n > 0) {
		struct str line = str_cut(&body, '\n');
		enum status st;

		if (str_ends(line, STR("\r")))
			line.n--;
		line = str_trim(line);
		if (line.n == 0) /* found behind the last field of many */
			continue;
		st = take_field(p, &seen, line, err);
		if (st != ST_OK)
			return st;
	}
	if (!seen.version || !seen.mode || !seen.max_age)
		return err_set(err, ST_PROTO, "version, mode or max_age is missing");
	if (seen.mx == 0 && p->mode != MTASTS_OFF)
		return err_set(err, ST_PROTO, "no mx");
	return ST_OK;
}

enum status mtasts_parse(struct mtasts_policy *p, struct str body, struct err *err)
{
	enum status st;

	*p = (struct mtasts_policy){ 0 };
	st = parse(p, body, err);
	if (st != ST_OK)
		mtasts_policy_deinit(p);
	return st;
}

void mtasts_policy_put(struct buf *out, struct str host)
{
	buf_printf(out, "version: STSv1\r\nmode: enforce\r\nmx: %.*s\r\nmax_age: 604800\r\n",
		STR_ARG(host));
}

void mtasts_policy_deinit(struct mtasts_policy *p)
{
	buf_deinit(&p->mx);
}

bool mtasts_mx_allowed(const struct mtasts_policy *p, struct str host)
{
	struct str rest = buf_str(&p->mx);
	size_t dot = str_find(host, '.');

	while (rest.n > 0) {
		struct str pattern = str_cut(&rest, '\n');

		if (str_ieq(pattern, host))
			return true;
		/* One whole label, the first (4.1, RFC 6125 6.4.3). */
		if (str_starts(pattern, STR("*.")) && dot > 0 &&
			str_ieq(str_from(pattern, 1), str_from(host, dot)))
			return true;
	}
	return false;
}

const struct mtasts_policy *mtasts_active(const struct mtasts_entry *e, int64_t now_ms)
{
	/* A clock that was set back must not keep a policy for ever. */
	if (!e->has_policy || now_ms - e->fetched_ms >= (int64_t)e->policy.max_age * 1000 ||
		e->fetched_ms - now_ms > MTASTS_REFRESH_MS || e->policy.mode == MTASTS_OFF)
		return NULL;
	return &e->policy;
}

/* Not again for the same id so soon (3.3); another id is another policy. */
static bool may_fetch(const struct mtasts_entry *e, struct str id, int64_t now_ms)
{
	return e->tried_ms == 0 || !str_eq(id, str_c(e->failed_id)) ||
	       now_ms - e->tried_ms >= MTASTS_RETRY_MS || now_ms < e->tried_ms;
}

enum mtasts_step mtasts_next(const struct mtasts_entry *e, struct str id, int64_t now_ms)
{
	bool valid = e->has_policy && now_ms - e->fetched_ms < (int64_t)e->policy.max_age * 1000;
	bool same = str_eq(id, str_c(e->id));

	if (id.n == 0 || !may_fetch(e, id, now_ms))
		return MTASTS_USE;
	if (!valid)
		return MTASTS_FETCH;
	if (!same)
		return MTASTS_FETCH; /* the domain has changed its mind: ask before failing mail */
	return now_ms - e->fetched_ms >= MTASTS_REFRESH_MS ? MTASTS_FETCH_ALSO : MTASTS_USE;
}

static void copy_id(char to[MTASTS_ID_MAX + 1], struct str id)
{
	id = str_head(id, MTASTS_ID_MAX);
	if (id.n > 0)
		memcpy(to, id.p, id.n);
	to[id.n] = '\0';
}

void mtasts_fetched(
	struct mtasts_entry *e, struct str id, struct mtasts_policy *policy, int64_t now_ms)
{
	if (policy == NULL) {
		copy_id(e->failed_id, id);
		e->tried_ms = now_ms;
		return;
	}
	mtasts_entry_deinit(e);
	*e = (struct mtasts_entry){ .policy = *policy, .has_policy = true, .fetched_ms = now_ms };
	copy_id(e->id, id);
	*policy = (struct mtasts_policy){ 0 };
}

void mtasts_entry_deinit(struct mtasts_entry *e)
{
	mtasts_policy_deinit(&e->policy);
}
