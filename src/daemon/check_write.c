/* What a check found: in the header, in the log, and what follows from it. */
#include "daemon/check_internal.h"
#include "trust/authres.h"

enum { SIGNATURES_MAX = 8, WHY_MAX = 40, SIGNATURES_ROOM = 1500 };

static const struct str longest_result = STR_INIT("temperror");

const struct dmarc *check_strictest(const struct check *c)
{
	/* Beside a policy: what is to be told before what. */
	static const int weight[] = {
		[DMARC_PENDING] = 3,
		[DMARC_NONE] = 1,
		[DMARC_PASS] = 0,
		[DMARC_FAIL] = 4,
		[DMARC_TEMPERROR] = 3,
		[DMARC_PERMERROR] = 2,
	};
	const struct dmarc *most = NULL;

	for (size_t i = 0; i < c->authors; i++) {
		const struct dmarc *d = c->dmarc[i];
		int by =
			most == NULL ? 1 : (int)dmarc_disposition(d) - (int)dmarc_disposition(most);

		if (by > 0 || (by == 0 && weight[dmarc_result(d)] > weight[dmarc_result(most)]))
			most = d;
	}
	return most;
}

static bool has_word(const char *words, struct str word)
{
	struct str rest = str_c(words);

	while (rest.n > 0)
		if (str_ieq(str_cut(&rest, ' '), word))
			return true;
	return false;
}

bool check_is_vouched_for(const struct check *c)
{
	struct str sealer = c->arc == NULL ? STR("") : arc_sealer(c->arc);

	return sealer.n > 0 && has_word(c->edge->config->arc_trusted, sealer) &&
	       authres_says(arc_sealed_results(c->arc), STR("dmarc"), STR("pass"));
}

enum check_verdict check_verdict(const struct check *c)
{
	const struct dmarc *d = check_strictest(c);

	if (!str_eq(str_c(c->edge->config->dmarc_policy), STR("enforce")) ||
		check_is_vouched_for(c))
		return CHECK_TAKE;
	if (c->too_many_authors)
		return CHECK_AUTHORS;
	return d != NULL && dmarc_disposition(d) == DMARC_REJECT ? CHECK_REFUSE : CHECK_TAKE;
}

/* ---- RFC 8601 2.7 ---- */

/* A word on it, of what no peer chose. */
static void put_why(struct authres *a, const char *why, bool longest)
{
	static const struct str dashes = STR_INIT("----------------------------------------");

	if (longest)
		authres_comment(a, dashes);
	else if (why != NULL)
		authres_comment(a, str_head(str_c(why), WHY_MAX));
}

static void put_spf(const struct check *c, struct authres *a, bool longest)
{
	authres_result(
		a, STR("spf"), longest ? longest_result : spf_result_name(spf_result(c->spf)));
	put_why(a, spf_why(c->spf), longest);
	authres_property(
		a, c->null_path ? STR("smtp.helo") : STR("smtp.mailfrom"), spf_domain(c->spf));
}

/* At most, whatever becomes of it and with all of its properties quoted. */
static size_t signature_octets(const struct dkim_verdict *v)
{
	return 80 + WHY_MAX +
	       2 * (str_head(v->domain, AUTHRES_VALUE_MAX).n +
			   str_head(v->selector, AUTHRES_VALUE_MAX).n);
}

/* The same ones are told of whatever is found: the room for them was left before that. */
static void put_dkim(const struct check *c, struct authres *a, bool longest)
{
	size_t count = dkim_verifier_count(c->dkim), octets = 0;

	for (size_t i = 0; i < count && i < SIGNATURES_MAX; i++) {
		const struct dkim_verdict *v = dkim_verdict(c->dkim, i);

		if ((octets += signature_octets(v)) > SIGNATURES_ROOM)
			break;
		authres_result(
			a, STR("dkim"), longest ? longest_result : dkim_result_name(v->result));
		put_why(a, v->why, longest);
		authres_property(a, STR("header.d"), v->domain);
		authres_property(a, STR("header.s"), v->selector);
	}
	if (count == 0)
		authres_result(a, STR("dkim"), STR("none"));
}

static void put_dmarc(const struct check *c, struct authres *a)
{
	const struct dmarc *d = check_strictest(c);
	struct buf policy = { 0 };

	if (d == NULL || c->too_many_authors) {
		authres_result(a, STR("dmarc"), STR("permerror"));
		authres_comment(a, d == NULL ? STR("no author") : STR("too many authors"));
		return;
	}
	authres_result(a, STR("dmarc"), dmarc_result_name(dmarc_result(d)));
	if (dmarc_result(d) == DMARC_PASS || dmarc_result(d) == DMARC_FAIL) {
		buf_put(&policy, STR("p="));
		buf_put(&policy, dmarc_policy_name(dmarc_policy(d)));
		if (dmarc_result(d) == DMARC_FAIL && dmarc_disposition(d) != dmarc_policy(d))
			buf_put(&policy, STR(" t=y"));
		authres_comment(a, buf_str(&policy));
		buf_deinit(&policy);
	}
	authres_property(a, STR("header.from"), dmarc_author(d));
}

/* Whichever author is told of in the end. */
static void put_longest_dmarc(const struct check *c, struct authres *a)
{
	struct buf most = { 0 };

	for (size_t i = 0; i < c->authors; i++) {
		struct buf written = { 0 };
		struct authres one = { .out = &written };

		authres_property(&one, STR("header.from"), dmarc_author(c->dmarc[i]));
		if (written.len > most.len) {
			struct buf less = most;

			most = written;
			written = less;
		}
		buf_deinit(&written);
	}
	authres_result(a, STR("dmarc"), longest_result);
	authres_comment(a, STR("p=quarantine t=y"));
	buf_put(a->out, buf_str(&most));
	buf_deinit(&most);
}

/* RFC 8617 10.2 */
static void put_arc(const struct check *c, struct authres *a)
{
	authres_result(a, STR("arc"), arc_cv_name(arc_result(c->arc)));
	authres_property(a, STR("smtp.remote-ip"), str_c(c->address));
}

void check_put(const struct check *c, struct buf *out, bool longest)
{
	struct authres a;
	struct buf one = { 0 };

	authres_begin(&a, &one, str_c(c->edge->config->hostname));
	put_spf(c, &a, longest);
	put_dkim(c, &a, longest);
	if (c->arc != NULL)
		put_arc(c, &a);
	if (longest)
		put_longest_dmarc(c, &a);
	else
		put_dmarc(c, &a);
	authres_end(&a);
	buf_put(out, buf_str(&one));
	buf_deinit(&one);
}

/* ---- for the log ---- */

void check_results(const struct check *c, struct buf *out)
{
	struct buf field = { 0 };
	struct str rest;

	check_put(c, &field, false);
	rest = buf_str(&field);
	(void)str_cut(&rest, '\t');
	while (rest.n > 0) {
		struct str line = str_trim(str_cut(&rest, '\n'));

		buf_put(out, str_head(line, line.n - str_ends(line, STR("\r"))));
		if (rest.n > 0)
			buf_putc(out, ' ');
	}
	buf_deinit(&field);
}

struct str check_policy(const struct check *c)
{
	const struct dmarc *d = check_strictest(c);

	if (check_is_vouched_for(c))
		return STR("vouched-for");
	return d == NULL ? STR("none") : dmarc_policy_name(dmarc_disposition(d));
}

const char *check_spf_why(const struct check *c)
{
	const char *why = spf_why(c->spf);

	return why == NULL ? "" : why;
}

int64_t check_waited_ms(const struct check *c)
{
	return c->waited_ms;
}
