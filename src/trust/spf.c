#include <stdlib.h>

#include "base/mem.h"
#include "trust/spf_internal.h"

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

/* What the question is for. */
enum want {
	WANT_RECORD,
	WANT_ADDRESS,
	WANT_ANY, /* of exists: whichever address */
	WANT_MX,
	WANT_MX_ADDRESS,
	WANT_CLIENT,         /* the names that the client's address has */
	WANT_CLIENT_ADDRESS, /* whether one of them is its own */
};

/* One check_host() (RFC 7208 4): the sender's, or what an include asks for. */
struct frame {
	char domain[SPF_NAME_MAX];
	size_t domain_n;
	struct buf record;
	struct str rest; /* of it: terms not yet looked at */
	struct str redirect;
	bool has_redirect;
	bool needed;             /* no record is an error: include and redirect name it */
	enum spf_result on_pass; /* of an include: what it means for the frame below */
};

enum { FRAMES_MAX = 1 + SPF_TERMS_MAX }; /* each include is a term */

struct spf {
	unsigned char ip[16];
	bool ipv6;
	struct buf sender, helo;
	struct str local, sender_domain; /* parts of sender */

	enum spf_result result;
	const char *why;
	struct frame frames[FRAMES_MAX];
	size_t depth;
	struct spf_term term; /* that is looked at now */
	unsigned terms, voids;
	bool term_is_void;

	bool asking;
	enum want want;
	struct buf name; /* of the question */
	enum dns_type type;

	struct buf hosts;   /* still to be asked for addresses, one a line */
	bool client_known;  /* `clients` is complete */
	struct buf clients; /* names of the client that are its own, one a line */
};

static struct frame *top(struct spf *s)
{
	return &s->frames[s->depth - 1];
}

static void end(struct spf *s, enum spf_result result, const char *why)
{
	s->result = result;
	s->why = why;
}

/* The frame ends.  To the one below it is a match or nothing (5.2), errors never come here. */
static void leave(struct spf *s, enum spf_result result)
{
	while (s->depth > 1) {
		enum spf_result on_pass = top(s)->on_pass;

		s->depth--;
		if (result != SPF_PASS)
			return;
		result = on_pass;
	}
	end(s, result, NULL);
}

/* For s->name. */
static void ask(struct spf *s, enum want want, enum dns_type type)
{
	s->asking = true;
	s->want = want;
	s->type = type;
}

static enum dns_type address_type(const struct spf *s)
{
	return s->ipv6 ? DNS_AAAA : DNS_A;
}

static bool name_is_within(struct str name, struct str domain)
{
	return name.n > domain.n ? str_ends(name, domain) && name.p[name.n - domain.n - 1] == '.'
				 : str_eq(name, domain);
}

/* A name of the client that is `domain` or, unless exact, within it; empty: none is. */
static struct str find_client(const struct spf *s, struct str domain, bool exact)
{
	struct str rest = buf_str(&s->clients);

	while (rest.n > 0) {
		struct str name = str_cut(&rest, '\n');

		if (exact ? str_eq(name, domain) : name_is_within(name, domain))
			return name;
	}
	return STR("");
}

/* %{p}: rather <domain> than a name within it, rather that than another (7.3). */
static struct str client_name(const struct spf *s, struct str domain)
{
	struct str all = buf_str(&s->clients), found;
	struct buf name = { 0 };

	if (all.n == 0)
		return STR("unknown");
	spf_name(&domain, &name);
	found = find_client(s, buf_str(&name), true);
	if (found.n == 0)
		found = find_client(s, buf_str(&name), false);
	buf_deinit(&name);
	return found.n > 0 ? found : str_cut(&all, '\n');
}

/* The name the term speaks of: *text as written, s->name as it is asked for.  False: it is no name
 * (4.8 leaves open what that means: nothing is there). */
static bool aim(struct spf *s, struct buf *text)
{
	struct str domain = str_of(top(s)->domain, top(s)->domain_n), target;
	struct spf_macros m = { .sender = buf_str(&s->sender),
		.local = s->local,
		.sender_domain = s->sender_domain,
		.helo = buf_str(&s->helo),
		.domain = domain,
		.client = client_name(s, domain),
		.ip = s->ip,
		.ipv6 = s->ipv6 };
	bool is_name;

	if (s->term.domain.n == 0)
		buf_put(text, domain);
	else
		spf_macro_expand(s->term.domain, &m, text);
	target = buf_str(text);
	buf_clear(&s->name);
	is_name = spf_name(&target, &s->name);
	buf_consume(text, (size_t)(target.p - buf_str(text).p));
	buf_truncate(text, target.n);
	return is_name;
}

/* check_host() of another domain, in the top frame, whose name as it is asked for is s->name.  One
 * label is no domain (4.3). */
static void open_frame(struct spf *s, struct str domain)
{
	struct frame *f = top(s);

	if (str_find(domain, '.') == domain.n) {
		end(s, SPF_PERMERROR, "include or redirect to what is no domain");
		return;
	}
	memcpy(f->domain, domain.p, domain.n);
	f->domain_n = domain.n;
	f->needed = true;
	f->has_redirect = false;
	ask(s, WANT_RECORD, DNS_TXT);
}

static void look_up_name(struct spf *s, struct str text)
{
	switch (s->term.kind) {
	case SPF_INCLUDE:
		s->depth++;
		top(s)->on_pass = s->term.match;
		open_frame(s, text);
		break;
	case SPF_REDIRECT: open_frame(s, text); break;
	case SPF_A: ask(s, WANT_ADDRESS, address_type(s)); break;
	case SPF_EXISTS: ask(s, WANT_ANY, DNS_A); break; /* also of an IPv6 client (5.7) */
	case SPF_MX: ask(s, WANT_MX, DNS_MX); break;
	case SPF_PTR:
		if (find_client(s, buf_str(&s->name), false).n > 0)
			leave(s, s->term.match);
		break;
	case SPF_ALL:
	case SPF_IP4:
	case SPF_IP6:
	case SPF_EXP:
	case SPF_UNKNOWN_MODIFIER: break;
	}
}

/* The term asks DNS, perhaps for the client's names first, and comes here again. */
static void look_up(struct spf *s)
{
	struct buf text = { 0 };

	if (!s->client_known &&
		(s->term.kind == SPF_PTR || spf_macro_uses(s->term.domain, STR("p")))) {
		buf_clear(&s->name);
		dns_reverse(&s->name, str_of(s->ip, s->ipv6 ? 16 : 4));
		ask(s, WANT_CLIENT, DNS_PTR);
		return;
	}
	/* RFC 8616 4: of such a local part no name can be made. */
	if (!str_ascii(s->local) && s->term.kind != SPF_REDIRECT &&
		spf_macro_uses(s->term.domain, STR("sl")))
		return;
	if (aim(s, &text))
		look_up_name(s, buf_str(&text));
	else if (s->term.kind == SPF_INCLUDE || s->term.kind == SPF_REDIRECT)
		end(s, SPF_PERMERROR, "include or redirect to what is no domain");
	buf_deinit(&text);
}

static void count_and_look_up(struct spf *s)
{
	s->term_is_void = false;
	if (++s->terms > SPF_TERMS_MAX)
		end(s, SPF_PERMERROR, "more than 10 terms that ask DNS");
	else
		look_up(s);
}

static void start_term(struct spf *s)
{
	const struct spf_term *t = &s->term;

	switch (t->kind) {
	case SPF_ALL: leave(s, t->match); break;
	case SPF_IP4:
		if (!s->ipv6 && spf_same_network(s->ip, t->network, t->bits4))
			leave(s, t->match);
		break;
	case SPF_IP6:
		if (s->ipv6 && spf_same_network(s->ip, t->network, t->bits6))
			leave(s, t->match);
		break;
	case SPF_INCLUDE:
	case SPF_A:
	case SPF_MX:
	case SPF_PTR:
	case SPF_EXISTS: count_and_look_up(s); break;
	case SPF_REDIRECT:
	case SPF_EXP:
	case SPF_UNKNOWN_MODIFIER: break;
	}
}

/* 6.1, 4.7; no record with "all" gets here. */
static void end_of_record(struct spf *s)
{
	struct frame *f = top(s);

	if (!f->has_redirect) {
		leave(s, SPF_NEUTRAL);
		return;
	}
	s->term = (struct spf_term){ .kind = SPF_REDIRECT, .domain = f->redirect };
	count_and_look_up(s);
}

static void run(struct spf *s)
{
	while (s->result == SPF_PENDING && !s->asking)
		if (spf_term_cut(&top(s)->rest, &s->term))
			start_term(s);
		else
			end_of_record(s);
}

/* The whole of it, before any of it counts (4.6). */
static bool check_record(struct frame *f)
{
	struct str rest = f->rest;
	struct spf_term t;
	bool has_exp = false;

	while (spf_term_cut(&rest, &t)) {
		if ((t.kind == SPF_REDIRECT && f->has_redirect) || (t.kind == SPF_EXP && has_exp))
			return false;
		has_exp |= t.kind == SPF_EXP;
		if (t.kind == SPF_REDIRECT) {
			f->has_redirect = true;
			f->redirect = t.domain;
		}
	}
	return rest.n == 0;
}

static bool is_record(struct str text)
{
	struct str version = str_cut(&text, ' ');

	return str_ieq(version, STR("v=spf1"));
}

/* 4.5 */
static void answer_record(struct spf *s, const struct dns_answer *a)
{
	struct frame *f = top(s);
	size_t count = 0;

	buf_clear(&f->record);
	for (size_t i = 0; a->outcome == DNS_FOUND && i < a->count; i++)
		if (is_record(a->rows[i].data) && count++ == 0)
			buf_put(&f->record, a->rows[i].data);
	f->rest = str_from(buf_str(&f->record), STR("v=spf1").n);
	if (count == 0 && f->needed)
		end(s, SPF_PERMERROR, "include or redirect to a domain without a record");
	else if (count == 0)
		end(s, SPF_NONE, NULL);
	else if (count > 1)
		end(s, SPF_PERMERROR, "two records at one domain");
	else if (f->record.len > SPF_RECORD_MAX)
		end(s, SPF_PERMERROR, "a record that is too long");
	else if (!check_record(f))
		end(s, SPF_PERMERROR, "a record with a term that is none");
}

/* "Void lookups" are counted by term, as 4.6.4 has it: a mail host without an IPv6 address is no reason to
 * refuse its neighbour. */
static void count_void(struct spf *s, const struct dns_answer *a)
{
	if (a->outcome == DNS_FOUND || s->term_is_void)
		return;
	s->term_is_void = true;
	if (++s->voids > SPF_VOIDS_MAX)
		end(s, SPF_PERMERROR, "more than 2 terms whose names have nothing");
}

static bool has_client(const struct spf *s, const struct dns_answer *a, unsigned bits)
{
	for (size_t i = 0; a->outcome == DNS_FOUND && i < a->count; i++)
		if (a->rows[i].data.n == (s->ipv6 ? 16 : 4) &&
			spf_same_network((const unsigned char *)a->rows[i].data.p, s->ip, bits))
			return true;
	return false;
}

/* Of a null MX (RFC 7505) there is nothing to ask. */
static void take_hosts(struct spf *s, const struct dns_answer *a)
{
	buf_clear(&s->hosts);
	for (size_t i = 0; a->outcome == DNS_FOUND && i < a->count && i < SPF_HOSTS_MAX; i++) {
		if (a->rows[i].data.n == 0)
			continue;
		buf_put(&s->hosts, a->rows[i].data);
		buf_putc(&s->hosts, '\n');
	}
}

static bool ask_next_host(struct spf *s, enum want want)
{
	struct str hosts = buf_str(&s->hosts), rest = hosts, host = str_cut(&rest, '\n');

	if (hosts.n == 0)
		return false;
	buf_clear(&s->name);
	buf_put(&s->name, host);
	buf_consume(&s->hosts, hosts.n - rest.n);
	ask(s, want, address_type(s));
	return true;
}

static void answer_mx(struct spf *s, const struct dns_answer *a)
{
	/* All of them or none: their order is chance. */
	if (a->outcome == DNS_FOUND && a->count > SPF_HOSTS_MAX) {
		end(s, SPF_PERMERROR, "more than 10 mail hosts");
		return;
	}
	count_void(s, a);
	take_hosts(s, a);
	if (s->result == SPF_PENDING)
		ask_next_host(s, WANT_MX_ADDRESS);
}

/* 5.5: what cannot be had is not there; here no error ends the evaluation. */
static void answer_client(struct spf *s, const struct dns_answer *a)
{
	if (s->want == WANT_CLIENT) {
		if (a->outcome == DNS_NODATA || a->outcome == DNS_NXDOMAIN)
			count_void(s, a);
		take_hosts(s, a);
	} else if (has_client(s, a, s->ipv6 ? 128 : 32)) {
		buf_put(&s->clients, buf_str(&s->name));
		buf_putc(&s->clients, '\n');
	}
	if (s->result != SPF_PENDING || ask_next_host(s, WANT_CLIENT_ADDRESS))
		return;
	s->client_known = true;
	look_up(s);
}

static void answer_addresses(struct spf *s, const struct dns_answer *a)
{
	bool match = s->want == WANT_ANY
			     ? a->outcome == DNS_FOUND && a->count > 0
			     : has_client(s, a, s->ipv6 ? s->term.bits6 : s->term.bits4);

	if (match) {
		leave(s, s->term.match);
		return;
	}
	count_void(s, a);
	if (s->result == SPF_PENDING && s->want == WANT_MX_ADDRESS)
		ask_next_host(s, WANT_MX_ADDRESS);
}

void spf_answer(struct spf *s, const struct dns_answer *a)
{
	bool failed = a->outcome == DNS_FAILED || a->outcome == DNS_BOGUS;

	if (s->result != SPF_PENDING)
		return;
	s->asking = false;
	if (failed && s->want != WANT_CLIENT && s->want != WANT_CLIENT_ADDRESS) {
		end(s, SPF_TEMPERROR, "DNS gives no answer");
		return;
	}
	switch (s->want) {
	case WANT_RECORD: answer_record(s, a); break;
	case WANT_MX: answer_mx(s, a); break;
	case WANT_CLIENT:
	case WANT_CLIENT_ADDRESS: answer_client(s, a); break;
	case WANT_ADDRESS:
	case WANT_ANY:
	case WANT_MX_ADDRESS: answer_addresses(s, a); break;
	}
	run(s);
}

/* 2.4, 4.3 */
static void take_identity(struct spf *s, const struct spf_client *client)
{
	struct str sender = client->sender.n > 0 ? client->sender : client->helo;
	size_t at = client->sender.n > 0 ? str_rfind(sender, '@') : sender.n;

	if (at == 0 || at == sender.n)
		buf_put(&s->sender, at == 0 ? STR("postmaster") : STR("postmaster@"));
	buf_put(&s->sender, sender);
	at = at == sender.n ? STR("postmaster").n : str_rfind(buf_str(&s->sender), '@');
	s->local = str_head(buf_str(&s->sender), at);
	s->sender_domain = str_from(buf_str(&s->sender), at + 1);
	buf_put(&s->helo, client->helo);
}

/* 4.3: host names only, of two labels or more. */
static bool is_domain(struct str *domain, struct buf *name)
{
	return domain->n <= SPF_NAME_MAX && spf_name(domain, name) &&
	       str_find(buf_str(name), '\\') == name->len &&
	       str_find(buf_str(name), '.') < name->len;
}

struct spf *spf_new(const struct spf_client *client)
{
	struct spf *s = NEW(struct spf);
	struct frame *f = &s->frames[0];

	s->ipv6 = client->ipv6 && memcmp(client->ip, mapped, sizeof mapped) != 0;
	if (client->ipv6 && !s->ipv6)
		memcpy(s->ip, client->ip + sizeof mapped, 4);
	else
		memcpy(s->ip, client->ip, s->ipv6 ? 16 : 4);
	take_identity(s, client);
	s->depth = 1;
	if (s->sender.len > SPF_IDENTITY_MAX || s->helo.len > SPF_IDENTITY_MAX ||
		!is_domain(&s->sender_domain, &s->name)) {
		end(s, SPF_NONE, NULL);
		return s;
	}
	f->domain_n = s->sender_domain.n;
	memcpy(f->domain, s->sender_domain.p, f->domain_n);
	ask(s, WANT_RECORD, DNS_TXT);
	return s;
}

void spf_free(struct spf *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < FRAMES_MAX; i++)
		buf_deinit(&s->frames[i].record);
	buf_deinit(&s->sender);
	buf_deinit(&s->helo);
	buf_deinit(&s->name);
	buf_deinit(&s->hosts);
	buf_deinit(&s->clients);
	free(s);
}

bool spf_asks(const struct spf *s, struct spf_question *q)
{
	if (s->result != SPF_PENDING)
		return false;
	*q = (struct spf_question){ buf_str(&s->name), s->type };
	return true;
}

enum spf_result spf_result(const struct spf *s)
{
	return s->result;
}

const char *spf_why(const struct spf *s)
{
	return s->why;
}

struct str spf_domain(const struct spf *s)
{
	return s->sender_domain;
}

struct str spf_result_name(enum spf_result r)
{
	switch (r) {
	case SPF_PENDING: break;
	case SPF_NONE: return STR("none");
	case SPF_NEUTRAL: return STR("neutral");
	case SPF_PASS: return STR("pass");
	case SPF_FAIL: return STR("fail");
	case SPF_SOFTFAIL: return STR("softfail");
	case SPF_TEMPERROR: return STR("temperror");
	case SPF_PERMERROR: return STR("permerror");
	}
	return STR("pending");
}
