#include "net/nexthop.h"

#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

enum { HOSTS_DEFAULT = 5, TARGETS_DEFAULT = 10 };
enum { ADDRESS = 16, PER_FAMILY = 16, PER_HOST = 3 };

/* Question 0 is for MX; each host has three, the last only when its addresses came by a CNAME that
 * is not secure all the way (RFC 7672 2.2.2). */
enum host_question { ASK_AAAA, ASK_A, ASK_CNAME };
_Static_assert(1 + PER_HOST * NEXTHOP_HOSTS_MAX <= NEXTHOP_ANSWERS_MAX, "questions have a place");

struct family {
	unsigned char rows[PER_FAMILY][ADDRESS];
	size_t count;
};

struct host {
	struct nexthop_host public;
	struct family families[2]; /* of ASK_AAAA, ASK_A */
	bool insecure, alias;      /* of one of its address answers */
	bool is_us, forbidden, failed, bogus;
};

enum question_state { NOT_NEEDED, OPEN, ASKED, KNOWN };

struct nexthop {
	struct nexthop_config config;
	enum nexthop_kind kind;
	uint16_t port;
	uint64_t seed;
	struct nexthop_facts facts;
	char *domain, *expanded;
	enum question_state questions[NEXTHOP_ANSWERS_MAX];
	struct host hosts[NEXTHOP_HOSTS_MAX];
	size_t host_count;
	struct nexthop_target targets[NEXTHOP_TARGETS_MAX];
	size_t target_count;
	bool is_us; /* hosts were left out because they are ourselves */
	bool more;  /* or because there are more than are looked up */
	enum status status;
	struct nexthop_failure failure;
};

/* splitmix64: one call, one number. */
static uint64_t next_random(struct nexthop *n)
{
	uint64_t z = n->seed += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

static void fail(struct nexthop *n, int code, const char *status, const char *text)
{
	n->status = code < 500 ? ST_TEMP : ST_PERM;
	n->failure.code = code;
	n->failure.status = status;
	snprintf(n->failure.text, sizeof n->failure.text, "%.*s: %s", 80,
		n->domain != NULL ? n->domain : "next hop", text);
}

/* ASCII, lower case, without the last dot; NULL when it is no domain. */
static char *to_ascii(struct str name)
{
	char *text, *ascii = NULL;

	if (str_ends(name, STR(".")))
		name.n--;
	if (name.n > 4 * DNS_HOST_MAX || (text = str_dup_c(name)) == NULL)
		return NULL;
	if (!str_ascii(name)) {
		/* RFC 5891 4; the flags are those of UTS 46 without its transition. */
		if (idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
			IDN2_OK)
			ascii = NULL;
		free(text);
		text = ascii != NULL ? str_dup_c(str_c(ascii)) : NULL;
		idn2_free(ascii);
	}
	for (char *c = text; c != NULL && *c != '\0'; c++)
		*c = ascii_lower(*c);
	if (text != NULL && dns_host_name_of_others(str_c(text)))
		return text;
	free(text);
	return NULL;
}

static bool set_has(const struct cidr_set *set, const unsigned char address[ADDRESS])
{
	for (size_t i = 0; set != NULL && i < set->count; i++)
		if (cidr_has(&set->rows[i], address))
			return true;
	return false;
}

static void add_target(struct nexthop *n, struct host *h, const unsigned char address[ADDRESS])
{
	struct nexthop_target *t = &n->targets[n->target_count++];

	t->host = &h->public;
	t->port = n->port;
	memcpy(t->address, address, ADDRESS);
}

static struct host *add_host(struct nexthop *n, struct str name, uint16_t preference)
{
	struct host *h = &n->hosts[n->host_count++];

	h->public.name = str_dup_c(name);
	h->public.preference = preference;
	return h;
}

static void ask_for_addresses(struct nexthop *n)
{
	for (size_t i = 0; i < n->host_count; i++) {
		n->questions[1 + PER_HOST * i + ASK_AAAA] = OPEN;
		n->questions[1 + PER_HOST * i + ASK_A] = OPEN;
	}
}

/* Names before addresses: what is us by its name is never looked up. */
static bool is_own_name(const struct nexthop *n, struct str name)
{
	for (size_t i = 0; i < n->config.own_name_count; i++)
		if (str_ieq(name, n->config.own_names[i]))
			return true;
	return false;
}

struct mx {
	const struct dns_row *row;
	uint64_t mixed;
};

static int by_preference(const void *a, const void *b)
{
	const struct mx *x = a, *y = b;

	if (x->row->preference != y->row->preference)
		return x->row->preference < y->row->preference ? -1 : 1;
	return x->mixed < y->mixed ? -1 : x->mixed > y->mixed;
}

static bool have_host(const struct nexthop *n, struct str name)
{
	for (size_t i = 0; i < n->host_count; i++)
		if (str_eq(str_c(n->hosts[i].public.name), name))
			return true;
	return false;
}

static void take_mx(struct nexthop *n, const struct dns_answer *a)
{
	struct mx sorted[DNS_ROWS_MAX];
	uint32_t own = UINT32_MAX; /* the preference from which on it is us, or worse */
	size_t count = 0;

	/* RFC 7505 3: one row, the root.  Beside others the root is just no host. */
	if (a->count == 1 && a->rows[0].data.n == 0) {
		fail(n, 556, "5.1.10", "the domain takes no mail (null MX)");
		return;
	}
	for (size_t i = 0; i < a->count && count < DNS_ROWS_MAX; i++) {
		const struct dns_row *row = &a->rows[i];

		if (is_own_name(n, row->data) && row->preference < own)
			own = row->preference;
		if (dns_host_name_of_others(row->data))
			sorted[count++] = (struct mx){ row, next_random(n) };
	}
	qsort(sorted, count, sizeof *sorted, by_preference);
	for (size_t i = 0; i < count; i++) {
		if (sorted[i].row->preference >= own || have_host(n, sorted[i].row->data))
			continue;
		n->more = n->host_count == n->config.hosts_max;
		if (n->more)
			break;
		add_host(n, sorted[i].row->data, sorted[i].row->preference);
	}
	n->is_us = own != UINT32_MAX;
	if (n->host_count > 0)
		ask_for_addresses(n);
	else if (n->is_us)
		fail(n, 550, "5.4.6", "mail for it comes back to this server (loop)");
	else
		fail(n, 550, "5.4.4", "no MX record has a host name");
}

static void answer_mx(struct nexthop *n, const struct dns_answer *a)
{
	n->facts.mx_secure = a->secure;
	if (a->secure && a->aliases > 0) {
		n->expanded = str_dup_c(a->name);
		n->facts.expanded = n->expanded;
	}
	switch (a->outcome) {
	case DNS_FOUND:
		n->facts.has_mx = true;
		take_mx(n, a);
		break;
	case DNS_NODATA:
		/* RFC 5321 5.1: the domain is its own host, with preference 0. */
		if (is_own_name(n, str_c(n->domain))) {
			fail(n, 550, "5.4.6", "mail for it comes back to this server (loop)");
			break;
		}
		add_host(n, str_c(n->domain), 0);
		ask_for_addresses(n);
		break;
	case DNS_NXDOMAIN: fail(n, 550, "5.1.2", "no such domain"); break;
	case DNS_FAILED: fail(n, 451, "4.4.3", "its MX records cannot be had now"); break;
	case DNS_BOGUS: fail(n, 451, "4.7.5", "DNSSEC refuses its MX records"); break;
	}
}

static void take_addresses(
	struct nexthop *n, struct host *h, struct family *f, const struct dns_answer *a)
{
	for (size_t i = 0; i < a->count && f->count < PER_FAMILY; i++) {
		unsigned char *to = f->rows[f->count], swap[ADDRESS];
		size_t other;

		memset(to, 0, ADDRESS);
		if (a->rows[i].data.n == 4)
			memset(to + 10, 0xff, 2);
		memcpy(to + ADDRESS - a->rows[i].data.n, a->rows[i].data.p, a->rows[i].data.n);
		if (n->kind == NEXTHOP_MX && set_has(n->config.own_addresses, to))
			h->is_us = true;
		if (n->kind == NEXTHOP_MX && set_has(n->config.never, to)) {
			h->forbidden = true;
			continue;
		}
		/* Mixed as they come (Fisher and Yates, inside out). */
		other = (size_t)(next_random(n) % (f->count + 1));
		memcpy(swap, to, ADDRESS);
		memcpy(to, f->rows[other], ADDRESS);
		memcpy(f->rows[other], swap, ADDRESS);
		f->count++;
	}
}

static void answer_host(
	struct nexthop *n, size_t at, enum host_question what, const struct dns_answer *a)
{
	struct host *h = &n->hosts[at];

	if (what == ASK_CNAME) {
		h->public.is_signed = a->outcome == DNS_FOUND && a->secure;
		h->failed |= a->outcome == DNS_FAILED;
		h->bogus |= a->outcome == DNS_BOGUS;
		return;
	}
	h->failed |= a->outcome == DNS_FAILED;
	h->bogus |= a->outcome == DNS_BOGUS;
	if (a->outcome == DNS_FOUND) {
		take_addresses(n, h, &h->families[what], a);
		h->alias |= a->aliases > 0;
		h->insecure |= !a->secure;
		if (a->aliases > 0 && h->public.base == NULL)
			h->public.base = str_dup_c(a->name);
	}
	if (n->questions[1 + PER_HOST * at + ASK_A] != KNOWN ||
		n->questions[1 + PER_HOST * at + ASK_AAAA] != KNOWN)
		return;
	h->public.is_signed = !h->insecure && h->families[0].count + h->families[1].count > 0;
	if (h->insecure) {
		free(h->public.base);
		h->public.base = NULL;
		if (h->alias)
			n->questions[1 + PER_HOST * at + ASK_CNAME] = OPEN;
	}
}

/* IPv6 and IPv4 take turns, so that neither keeps the other out under the limits, and one host leaves
 * half of the places to those behind it. */
static void add_targets(struct nexthop *n, struct host *h, bool is_last)
{
	size_t end = is_last ? n->config.targets_max : (n->config.targets_max + 1) / 2;

	end += is_last ? 0 : n->target_count;
	if (end > n->config.targets_max)
		end = n->config.targets_max;
	for (size_t i = 0; i < PER_FAMILY; i++)
		for (int f = 0; f < 2; f++)
			if (i < h->families[f].count && n->target_count < end)
				add_target(n, h, h->families[f].rows[i]);
}

static void fail_without_target(struct nexthop *n, bool failed, bool bogus, bool forbidden)
{
	if (bogus)
		fail(n, 451, "4.7.5", "DNSSEC refuses the addresses of its mail hosts");
	else if (failed)
		fail(n, 451, "4.4.3", "the addresses of its mail hosts cannot be had now");
	else if (n->is_us)
		fail(n, 550, "5.4.6", "mail for it comes back to this server (loop)");
	else if (
		n->more) /* one of the others may take it: no end, but hosts of equal preference change places */
		fail(n, 451, "4.4.4", "the first of its mail hosts have no address");
	else if (n->kind == NEXTHOP_HOST) /* a mistake of ours, not of the sender */
		fail(n, 451, "4.4.4", "the host of this route has no address");
	else if (forbidden)
		fail(n, 550, "5.4.4", "its mail hosts have addresses that no mail is sent to");
	else
		fail(n, 550, "5.4.4", "its mail hosts have no address");
}

static void finish(struct nexthop *n)
{
	uint32_t own = UINT32_MAX;
	bool failed = false, bogus = false, forbidden = false;
	size_t usable = 0;

	for (size_t i = 0; i < n->host_count; i++)
		if (n->hosts[i].is_us && n->hosts[i].public.preference < own)
			own = n->hosts[i].public.preference;
	n->is_us |= own != UINT32_MAX;
	while (usable < n->host_count && n->hosts[usable].public.preference < own)
		usable++;
	for (size_t i = 0; i < usable; i++) {
		struct host *h = &n->hosts[i];

		add_targets(n, h, i + 1 == usable);
		failed |= h->failed;
		bogus |= h->bogus;
		forbidden |= h->forbidden;
	}
	if (n->target_count > 0)
		n->status = ST_OK;
	else
		fail_without_target(n, failed, bogus, forbidden);
}

bool nexthop_ask(struct nexthop *n, struct nexthop_question *q)
{
	static const enum dns_type types[PER_HOST] = { DNS_AAAA, DNS_A, DNS_CNAME };

	for (size_t i = 0; n->status == ST_MORE && i < NEXTHOP_ANSWERS_MAX; i++) {
		if (n->questions[i] != OPEN)
			continue;
		n->questions[i] = ASKED;
		q->number = i;
		q->type = i == 0 ? DNS_MX : types[(i - 1) % PER_HOST];
		q->name = i == 0 ? n->domain : n->hosts[(i - 1) / PER_HOST].public.name;
		return true;
	}
	return false;
}

void nexthop_answer(struct nexthop *n, size_t number, const struct dns_answer *a)
{
	if (number >= NEXTHOP_ANSWERS_MAX || n->questions[number] != ASKED || n->status != ST_MORE)
		return;
	n->questions[number] = KNOWN;
	if (number == 0)
		answer_mx(n, a);
	else
		answer_host(n, (number - 1) / PER_HOST, (number - 1) % PER_HOST, a);
	for (size_t i = 0; i < NEXTHOP_ANSWERS_MAX; i++)
		if (n->questions[i] == OPEN || n->questions[i] == ASKED)
			return;
	if (n->status == ST_MORE)
		finish(n);
}

/* "192.0.2.1", "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 4.1.3). */
static bool take_literal(struct nexthop *n, struct str name, unsigned char address[ADDRESS])
{
	bool bracket = str_starts(name, STR("[")) && str_ends(name, STR("]"));

	if (!bracket && n->kind == NEXTHOP_MX)
		return false;
	if (bracket)
		name = str_of(name.p + 1, name.n - 2);
	if (bracket && str_istarts(name, STR("IPv6:")))
		name = str_from(name, 5);
	return cidr_address(name, address);
}

static void start(struct nexthop *n, struct str name)
{
	unsigned char address[ADDRESS];
	char text[CIDR_TEXT];

	if (take_literal(n, name, address)) {
		struct cidr one = cidr_of(address, 128);

		cidr_text(&one, text);
		n->domain = str_dup_c(str_c(text));
		if (n->kind == NEXTHOP_MX && set_has(n->config.own_addresses, address)) {
			fail(n, 550, "5.4.6", "mail for it comes back to this server (loop)");
		} else if (n->kind == NEXTHOP_MX && set_has(n->config.never, address)) {
			fail(n, 550, "5.4.4", "no mail is sent to this address");
		} else {
			add_host(n, str_c(text), 0)->public.literal = true;
			add_target(n, &n->hosts[0], address);
			n->status = ST_OK;
		}
		return;
	}
	n->domain = to_ascii(name);
	if (n->domain == NULL && n->kind == NEXTHOP_HOST) {
		fail(n, 451, "4.4.4", "the host of this route is no name of a host");
	} else if (n->domain == NULL) {
		fail(n, 550, "5.1.2", "its name is no domain");
	} else if (n->kind == NEXTHOP_MX) {
		n->questions[0] = OPEN;
	} else {
		add_host(n, str_c(n->domain), 0);
		ask_for_addresses(n);
	}
}

struct nexthop *nexthop_new(const struct nexthop_config *config, enum nexthop_kind kind,
	struct str name, uint16_t port, uint64_t seed)
{
	struct nexthop *n = NEW(struct nexthop);

	n->config = *config;
	n->kind = kind;
	n->port = port;
	n->seed = seed;
	n->status = ST_MORE;
	if (n->config.hosts_max == 0)
		n->config.hosts_max = HOSTS_DEFAULT;
	if (n->config.hosts_max > NEXTHOP_HOSTS_MAX)
		n->config.hosts_max = NEXTHOP_HOSTS_MAX;
	if (n->config.targets_max == 0)
		n->config.targets_max = TARGETS_DEFAULT;
	if (n->config.targets_max > NEXTHOP_TARGETS_MAX)
		n->config.targets_max = NEXTHOP_TARGETS_MAX;
	start(n, name);
	n->facts.domain = n->domain != NULL ? n->domain : "";
	n->facts.expanded = n->facts.domain;
	return n;
}

void nexthop_free(struct nexthop *n)
{
	if (n == NULL)
		return;
	for (size_t i = 0; i < n->host_count; i++) {
		free(n->hosts[i].public.name);
		free(n->hosts[i].public.base);
	}
	free(n->domain);
	free(n->expanded);
	free(n);
}

enum status nexthop_result(const struct nexthop *n)
{
	return n->status;
}

const struct nexthop_failure *nexthop_failure(const struct nexthop *n)
{
	return &n->failure;
}

const struct nexthop_target *nexthop_targets(const struct nexthop *n, size_t *count)
{
	*count = n->target_count;
	return n->targets;
}

const struct nexthop_facts *nexthop_facts(const struct nexthop *n)
{
	return &n->facts;
}
