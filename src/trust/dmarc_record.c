/* What a DMARC record says (RFC 9989 4.7). */
#include "trust/dmarc.h"

/* Names of tags count in any case (RFC 5234 2.3), the first of a name. */
static bool take_tag(struct str text, struct str tag, struct str *value)
{
	while (text.n > 0) {
		*value = str_cut(&text, ';');
		if (str_ieq(str_trim(str_cut(value, '=')), tag)) {
			*value = str_trim(*value);
			return true;
		}
	}
	return false;
}

static bool take_policy(struct str text, struct str tag, enum dmarc_policy *to, bool *wrong)
{
	static const struct str names[] = {
		[DMARC_ACCEPT] = STR_INIT("none"),
		[DMARC_QUARANTINE] = STR_INIT("quarantine"),
		[DMARC_REJECT] = STR_INIT("reject"),
	};
	struct str value;

	if (!take_tag(text, tag, &value))
		return false;
	for (enum dmarc_policy p = DMARC_ACCEPT; p <= DMARC_REJECT; p++)
		if (str_ieq(value, names[p])) {
			*to = p;
			return true;
		}
	*wrong = true;
	return false;
}

static bool tag_is(struct str text, struct str tag, struct str wanted)
{
	struct str value;

	return take_tag(text, tag, &value) && str_ieq(value, wanted);
}

/* A URI at least in form: a scheme, a colon, something. */
static bool has_report_address(struct str text)
{
	struct str value, uri;

	if (!take_tag(text, STR("rua"), &value))
		return false;
	while (value.n > 0) {
		uri = str_trim(str_cut(&value, ','));
		if (str_istarts(uri, STR("mailto:")) && str_find(uri, '@') < uri.n - 1)
			return true;
	}
	return false;
}

/* "v=DMARC1" comes first, and counts in this case only. */
static bool is_record(struct str text)
{
	struct str version = str_cut(&text, ';'), name = str_cut(&version, '=');

	return str_ieq(str_trim(name), STR("v")) && str_eq(str_trim(version), STR("DMARC1"));
}

/* Tags that are unknown, or whose value is, do not count; pct, rf and ri are not known any more. */
bool dmarc_record_parse(struct str text, struct dmarc_record *r)
{
	bool wrong = false;

	*r = (struct dmarc_record){ .p = DMARC_ACCEPT };
	if (text.n > DMARC_RECORD_MAX || !is_record(text))
		return false;
	(void)take_policy(text, STR("p"), &r->p, &wrong);
	if (!take_policy(text, STR("sp"), &r->sp, &wrong))
		r->sp = r->p;
	if (!take_policy(text, STR("np"), &r->np, &wrong))
		r->np = r->sp;
	if (wrong) {
		/* 4.7: monitored, when somebody wants to hear of it. */
		r->bad = !has_report_address(text);
		r->p = r->sp = r->np = DMARC_ACCEPT;
	}
	r->strict_dkim = tag_is(text, STR("adkim"), STR("s"));
	r->strict_spf = tag_is(text, STR("aspf"), STR("s"));
	r->testing = tag_is(text, STR("t"), STR("y"));
	r->psd = tag_is(text, STR("psd"), STR("y"))   ? DMARC_PSD_YES
		 : tag_is(text, STR("psd"), STR("n")) ? DMARC_PSD_NO
						      : DMARC_PSD_UNKNOWN;
	return true;
}
