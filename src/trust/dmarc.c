#include "trust/dmarc.h"

#include <stdlib.h>

#include "base/mem.h"

/* A name that was asked for.  Names are suffixes of the domain whose walk asked first. */
struct known {
	char *name; /* owned */
	size_t n;
	bool has, failed;
	struct dmarc_record record;
};

enum { KNOWN_MAX = (1 + DMARC_IDENTITIES_MAX) * DMARC_WALK_MAX };

struct identity {
	char *domain; /* owned */
	size_t n;
	enum dmarc_method method;
	bool unsure;
};

struct dmarc {
	char *author;
	size_t author_n;
	struct known known[KNOWN_MAX];
	size_t known_count;
	struct identity identities[DMARC_IDENTITIES_MAX];
	size_t identity_count;
	bool judging;
	bool existence_known, exists; /* of the author domain, for np= */

	struct buf question;
	struct str asked; /* the domain that it is about, a view of the author or an identity */
	enum { ASK_NOTHING, ASK_RECORD, ASK_EXISTENCE } ask;

	enum dmarc_result result;
	enum dmarc_policy policy;
	const struct known *source; /* whose record applies */
};

static struct str author(const struct dmarc *d)
{
	return str_of(d->author, d->author_n);
}

static struct str copy_lower(struct str s, char **to)
{
	char *p = mem_alloc(s.n + 1);

	for (size_t i = 0; i < s.n; i++)
		p[i] = ascii_lower(s.p[i]);
	p[s.n] = '\0';
	*to = p;
	return str_of(p, s.n);
}

/* ---- names ---- */

static size_t labels(struct str name)
{
	size_t n = name.n > 0;

	for (size_t i = 0; i < name.n; i++)
		n += name.p[i] == '.';
	return n;
}

/* The name above; "" above the last. */
static struct str parent(struct str name)
{
	return str_from(name, str_find(name, '.') + 1);
}

/* RFC 9989 4.10: the name that a walk asks after this one, which is not its first unless it says so. */
static struct str next_up(struct str name, bool first)
{
	name = parent(name);
	while (first && labels(name) > DMARC_LABELS_KEPT)
		name = parent(name);
	return name;
}

static bool is_within(struct str name, struct str domain)
{
	return str_eq(name, domain) || (name.n > domain.n && str_ends(name, domain) &&
					       name.p[name.n - domain.n - 1] == '.');
}

/* ---- what is known ---- */

static const struct known *find(const struct dmarc *d, struct str name)
{
	for (size_t i = 0; i < d->known_count; i++)
		if (str_eq(str_of(d->known[i].name, d->known[i].n), name))
			return &d->known[i];
	return NULL;
}

/* False: its name is to be asked for, and *missing is it. */
static bool look(
	const struct dmarc *d, struct str name, const struct known **k, struct str *missing)
{
	*k = find(d, name);
	if (*k == NULL)
		*missing = name;
	return *k != NULL;
}

struct walk {
	struct str organizational;  /* the domain */
	const struct known *policy; /* the record there; NULL: there is none */
	const struct known *psd;    /* that of the public suffix above it; NULL: none was found */
	bool failed;                /* DNS gave no answer on the way */
};

/* RFC 9989 4.10, 4.10.2: up the tree from a name.  False: a name is missing. */
static bool walk(const struct dmarc *d, struct str from, struct walk *w, struct str *missing)
{
	struct str name = from, below = from;
	const struct known *k;

	*w = (struct walk){ .organizational = from };
	for (unsigned n = 0; n < DMARC_WALK_MAX && name.n > 0; n++) {
		if (!look(d, name, &k, missing))
			return false;
		w->failed |= k->failed;
		if (k->has && k->record.psd == DMARC_PSD_YES && n > 0) {
			w->organizational = below;
			w->psd = k;
			w->policy = find(d, below);
			break;
		}
		if (k->has) {
			w->organizational = name;
			w->policy = k;
		}
		if (k->has && k->record.psd == DMARC_PSD_NO)
			break;
		/* One label longer than what comes next, though the walk may not have stood there. */
		name = next_up(name, n == 0);
		for (below = from; parent(below).n > name.n;)
			below = parent(below);
	}
	if (w->policy != NULL && !w->policy->has)
		w->policy = NULL;
	return true;
}

/* ---- the verdict ---- */

static void end(struct dmarc *d, enum dmarc_result result)
{
	d->result = result;
	d->ask = ASK_NOTHING;
}

static void ask_record(struct dmarc *d, struct str name)
{
	buf_clear(&d->question);
	buf_put(&d->question, STR("_dmarc."));
	buf_put(&d->question, name);
	d->asked = name;
	d->ask = ASK_RECORD;
}

/* Policy discovery: the author domain's own record, that of its organization, that of the public suffix above (4.10.1).
 * False: there is a question. */
static bool find_policy(struct dmarc *d)
{
	struct str missing;
	const struct known *own;
	struct walk w;

	if (!look(d, author(d), &own, &missing)) {
		ask_record(d, missing);
		return false;
	}
	d->source = own->has ? own : NULL;
	if (own->has || own->failed)
		return true;
	if (!walk(d, author(d), &w, &missing)) {
		ask_record(d, missing);
		return false;
	}
	d->source = w.policy != NULL ? w.policy : w.psd;
	return true;
}

/* DNS gave no answer where a record could have been that applies instead of the one that was found, or of none. */
static bool policy_is_unsure(const struct dmarc *d)
{
	const struct known *own = find(d, author(d));
	struct str missing;
	struct walk w;

	if (own->has || own->failed)
		return own->failed;
	return walk(d, author(d), &w, &missing) && w.failed;
}

enum alignment { APART, PERHAPS, ALIGNED };

static struct str last_label(struct str name)
{
	return str_from(name, str_rfind(name, '.') == name.n ? 0 : str_rfind(name, '.') + 1);
}

/* RFC 9989 4.4, 4.10.2.  False: there is a question. */
static bool align(struct dmarc *d, const struct identity *i, enum alignment *is)
{
	const struct dmarc_record *r = &d->source->record;
	struct str domain = str_of(i->domain, i->n), missing;
	bool same = str_eq(domain, author(d));
	struct walk ours, its = { .failed = false };

	*is = same ? ALIGNED : APART;
	if (same || (i->method == DMARC_SPF ? r->strict_spf : r->strict_dkim) ||
		!str_eq(last_label(domain), last_label(author(d))))
		return true;
	/* Only names below the author's organization can have the same one. */
	if (!walk(d, author(d), &ours, &missing) ||
		(is_within(domain, ours.organizational) && !walk(d, domain, &its, &missing))) {
		ask_record(d, missing);
		return false;
	}
	if (ours.failed || its.failed)
		*is = PERHAPS;
	else if (is_within(domain, ours.organizational) &&
		 str_eq(ours.organizational, its.organizational))
		*is = ALIGNED;
	return true;
}

/* 4.7: which of the record's policies is meant for the author domain.  False: there is a question. */
static bool choose_policy(struct dmarc *d, bool failed)
{
	const struct dmarc_record *r = &d->source->record;

	if (str_eq(str_of(d->source->name, d->source->n), author(d))) {
		d->policy = r->p;
		return true;
	}
	if (failed && r->np != r->sp && !d->existence_known) {
		buf_clear(&d->question);
		buf_put(&d->question, author(d));
		d->ask = ASK_EXISTENCE;
		return false;
	}
	d->policy = failed && r->np != r->sp && !d->exists ? r->np : r->sp;
	return true;
}

static void judge(struct dmarc *d)
{
	bool perhaps = false;

	if (policy_is_unsure(d) || d->source == NULL || d->source->record.bad) {
		end(d, policy_is_unsure(d)  ? DMARC_TEMPERROR
			: d->source == NULL ? DMARC_NONE
					    : DMARC_PERMERROR);
		return;
	}
	for (size_t i = 0; i < d->identity_count; i++) {
		enum alignment is;

		if (!align(d, &d->identities[i], &is))
			return;
		if (is == ALIGNED && !d->identities[i].unsure) {
			(void)choose_policy(d, false);
			end(d, DMARC_PASS);
			return;
		}
		perhaps |= is != APART;
	}
	if (choose_policy(d, true))
		end(d, perhaps ? DMARC_TEMPERROR : DMARC_FAIL);
}

static void go_on(struct dmarc *d)
{
	d->ask = ASK_NOTHING;
	if (find_policy(d) && d->judging)
		judge(d);
}

/* ---- the owner's side ---- */

struct dmarc *dmarc_new(struct str author)
{
	struct dmarc *d = NEW(struct dmarc);

	if (str_ends(author, STR(".")))
		author.n--;
	d->author_n = copy_lower(author, &d->author).n;
	if (!dns_host_name_of_others(str_of(d->author, d->author_n)))
		end(d, DMARC_PERMERROR);
	else
		go_on(d);
	return d;
}

void dmarc_free(struct dmarc *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->known_count; i++)
		free(d->known[i].name);
	for (size_t i = 0; i < d->identity_count; i++)
		free(d->identities[i].domain);
	buf_deinit(&d->question);
	free(d->author);
	free(d);
}

bool dmarc_asks(const struct dmarc *d, struct dmarc_question *q)
{
	if (d->ask == ASK_NOTHING)
		return false;
	*q = (struct dmarc_question){ buf_str(&d->question),
		d->ask == ASK_RECORD ? DNS_TXT : DNS_A };
	return true;
}

/* RFC 9989 4.10: several records at one name are none. */
static void take_record(struct known *k, const struct dns_answer *a)
{
	struct dmarc_record one;
	size_t count = 0;

	k->failed = a->outcome == DNS_FAILED || a->outcome == DNS_BOGUS;
	for (size_t i = 0; a->outcome == DNS_FOUND && i < a->count; i++)
		if (dmarc_record_parse(a->rows[i].data, &one) && count++ == 0)
			k->record = one;
	k->has = count == 1;
}

void dmarc_answer(struct dmarc *d, const struct dns_answer *a)
{
	if (d->ask == ASK_RECORD && d->known_count < KNOWN_MAX) {
		struct known *k = &d->known[d->known_count++];

		*k = (struct known){ .n = d->asked.n };
		(void)copy_lower(d->asked, &k->name);
		take_record(k, a);
	} else if (d->ask == ASK_EXISTENCE) {
		d->existence_known = true;
		d->exists = a->outcome != DNS_NXDOMAIN;
	}
	if (d->ask != ASK_NOTHING)
		go_on(d);
}

void dmarc_identity(struct dmarc *d, enum dmarc_method method, struct str domain, bool unsure)
{
	struct identity *i = &d->identities[d->identity_count];

	if (str_ends(domain, STR(".")))
		domain.n--;
	if (d->judging || d->identity_count == DMARC_IDENTITIES_MAX ||
		!dns_host_name_of_others(domain))
		return;
	d->identity_count++;
	i->n = copy_lower(domain, &i->domain).n;
	i->method = method;
	i->unsure = unsure;
}

void dmarc_judge(struct dmarc *d)
{
	d->judging = true;
	if (d->result == DMARC_PENDING && d->ask == ASK_NOTHING)
		go_on(d);
}

enum dmarc_result dmarc_result(const struct dmarc *d)
{
	return d->result;
}

enum dmarc_policy dmarc_policy(const struct dmarc *d)
{
	return d->policy;
}

enum dmarc_policy dmarc_disposition(const struct dmarc *d)
{
	if (d->result != DMARC_FAIL || d->policy == DMARC_ACCEPT)
		return DMARC_ACCEPT;
	return d->source->record.testing ? (enum dmarc_policy)(d->policy - 1) : d->policy;
}

struct str dmarc_author(const struct dmarc *d)
{
	return author(d);
}

struct str dmarc_policy_domain(const struct dmarc *d)
{
	return d->source == NULL ? STR("") : str_of(d->source->name, d->source->n);
}

struct str dmarc_result_name(enum dmarc_result r)
{
	static const struct str names[] = {
		[DMARC_PENDING] = STR_INIT("temperror"),
		[DMARC_NONE] = STR_INIT("none"),
		[DMARC_PASS] = STR_INIT("pass"),
		[DMARC_FAIL] = STR_INIT("fail"),
		[DMARC_TEMPERROR] = STR_INIT("temperror"),
		[DMARC_PERMERROR] = STR_INIT("permerror"),
	};

	return names[r];
}

struct str dmarc_policy_name(enum dmarc_policy p)
{
	static const struct str names[] = {
		[DMARC_ACCEPT] = STR_INIT("none"),
		[DMARC_QUARANTINE] = STR_INIT("quarantine"),
		[DMARC_REJECT] = STR_INIT("reject"),
	};

	return names[p];
}
