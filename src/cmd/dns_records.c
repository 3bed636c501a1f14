#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"
#include "cmd/dns_records.h"
#include "cmd/zone.h"
#include "daemon/config_out.h"
#include "net/cidr.h"
#include "trust/mtasts.h"
#include "net/spki.h"

/* RFC 6186 3.1, 3.3; RFC 8314 5.1 prefers TLS from the first octet. */
static const struct {
	const char *service;
	unsigned priority, port;
} services[] = {
	{ "_submissions", 0, 465 },
	{ "_submission", 10, 587 },
	{ "_pop3s", 0, 995 },
	{ "_pop3", 10, 110 },
};

/* "@" of the format is a, "#" is b. */
static char *text(const char *format, struct str a, struct str b)
{
	struct buf out = { 0 };

	for (; *format != '\0'; format++)
		if (*format == '@' || *format == '#')
			buf_put(&out, *format == '@' ? a : b);
		else
			buf_putc(&out, *format);
	return buf_steal_c(&out);
}

static void add(struct records *r, struct record row)
{
	r->rows = mem_array(r->rows, r->count + 1, sizeof *r->rows);
	r->rows[r->count++] = row;
}

static void add_services(struct records *r, struct str domain, struct str host)
{
	for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
		struct buf value = { 0 };

		buf_printf(&value, "%u 1 %u %.*s.", services[i].priority, services[i].port,
			STR_ARG(host));
		add(r, (struct record){ RECORD_SRV, DNS_SRV, false,
			       text("#._tcp.@", domain, str_c(services[i].service)),
			       buf_steal_c(&value), "clients find the servers by themselves" });
	}
}

static void add_keys(struct records *r, const json_t *keys)
{
	const json_t *row;
	size_t i;

	json_array_foreach(keys, i, row)
	{
		struct str state = str_c(json_string_value(json_object_get(row, "state")));
		struct buf name = { 0 };

		zone_dkim_name(row, &name);
		add(r, (struct record){ RECORD_DKIM, DNS_TXT, str_eq(state, STR("signing")),
			       buf_steal_c(&name),
			       text("@", str_c(json_string_value(json_object_get(row, "record"))),
				       STR("")),
			       str_eq(state, STR("retired"))  ? "key that signed until lately"
			       : str_eq(state, STR("broken")) ? "key that cannot be read"
							      : "key of signatures" });
	}
}

static enum status add_tlsa(
	struct records *r, struct str host, struct str certificate, struct err *err)
{
	unsigned char digest[SPKI_DIGEST];
	struct buf value = { 0 }, subject = { 0 };
	enum status status;

	if (certificate.n == 0)
		return ST_OK;
	status = spki_of_pem(certificate, digest, &subject, err);
	buf_deinit(&subject);
	if (status != ST_OK)
		return status;
	/* RFC 7672 3.1: the key itself, whoever signed the certificate. */
	buf_put(&value, STR("3 1 1 "));
	hex_put(&value, str_of(digest, sizeof digest));
	add(r, (struct record){ RECORD_TLSA, DNS_TLSA, false, text("_25._tcp.@", host, STR("")),
		       buf_steal_c(&value), "key of the server (DANE); in signed zones only" });
	return ST_OK;
}

/* RFC 8461 3.1: the id changes with the policy.  4.2: who goes by it sends nothing to a server for whose certificate no
 * authority vouches. */
static void add_sts(struct records *r, struct str domain, struct str host, struct str certificate)
{
	struct buf value = { 0 }, policy = { 0 };

	mtasts_policy_put(&policy, host);
	r->policy = buf_steal_c(&policy);
	buf_printf(&value, "v=STSv1; id=%08x", crc32c(0, r->policy, str_c(r->policy).n));
	add(r, (struct record){ RECORD_STS, DNS_TXT, false, text("_mta-sts.@", domain, STR("")),
		       buf_steal_c(&value), "mail comes over TLS only (MTA-STS)",
		       spki_self_signed(certificate)
			       ? "the certificate is self-signed: others would send nothing"
			       : NULL });
}

/* One address that mail of the domain leaves from: its name is what EHLO says, and leads back to it. */
static void add_source(struct records *r, struct str helo, const char *address)
{
	unsigned char octets[16];
	struct buf name = { 0 };
	bool v4;

	if (address[0] == '\0' || !cidr_address(str_c(address), octets))
		return;
	v4 = cidr_is_v4(octets);
	dns_reverse(&name, v4 ? str_of(octets + 12, 4) : str_of(octets, 16));
	add(r, (struct record){ RECORD_SOURCE, v4 ? DNS_A : DNS_AAAA, false,
		       text("@", helo, STR("")), text("@", str_c(address), STR("")),
		       "address that mail leaves from" });
	add(r, (struct record){ RECORD_PTR, DNS_PTR, false, buf_steal_c(&name),
		       text("@.", helo, STR("")), "name of the address that mail leaves from" });
}

static void add_sources(struct records *r, struct str domain, const struct config *config)
{
	char *sender = text("postmaster#@", domain, STR("@"));
	const struct config_source *s = config_source(config, str_c(sender));
	struct str host = str_c(config->hostname), helo = host;

	if (s != NULL && s->helo[0] != '\0')
		helo = str_c(s->helo);
	if (s != NULL) {
		add_source(r, helo, s->ipv4);
		add_source(r, helo, s->ipv6);
	}
	if (s == NULL || s->ipv4[0] == '\0')
		add(r, (struct record){ RECORD_PTR_V4, DNS_PTR, false, text("@", host, STR("")),
			       text("@.", helo, STR("")), "name of the server's address" });
	if (s == NULL || s->ipv6[0] == '\0')
		add(r, (struct record){ RECORD_PTR_V6, DNS_PTR, false, text("@", host, STR("")),
			       text("@.", helo, STR("")), "name of the server's address" });
	free(sender);
}

static void add_web(struct records *r, struct str domain, const struct config *config)
{
	static const struct {
		const char *name, *purpose;
	} rows[] = {
		{ "autoconfig.@", "Thunderbird and others set themselves up" },
		{ "autodiscover.@", "Outlook sets itself up" },
		{ "mta-sts.@", "where the policy of MTA-STS is" },
	};

	for (size_t i = 0; i < config->listen_count; i++)
		r->has_web = r->has_web || (config->listen[i].protocol == LISTEN_HTTP &&
						   config->listen[i].tls == LISTEN_TLS_IMPLICIT);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		add(r, (struct record){ RECORD_WEB, DNS_CNAME, false,
			       text(rows[i].name, domain, STR("")),
			       text("@.", str_c(config->hostname), STR("")), rows[i].purpose });
}

enum status records_make(struct records *r, struct str domain, const struct config *config,
	const json_t *keys, struct str certificate, struct err *err)
{
	struct str host = str_c(config->hostname), none = STR("");

	*r = (struct records){ 0 };
	if (host.n == 0)
		return err_set(err, ST_USAGE,
			"the server's name is not known: set hostname in restante.conf");
	add(r, (struct record){ RECORD_MX, DNS_MX, true, text("@", domain, none),
		       text("10 @.", host, none), "where mail for the domain goes" });
	add(r, (struct record){ RECORD_ADDRESS, DNS_A, true, text("@", host, none),
		       text("", none, none), "address of the server; AAAA too" });
	add(r, (struct record){ RECORD_SPF, DNS_TXT, true, text("@", domain, none),
		       text("v=spf1 mx -all", none, none), "who sends for the domain (SPF)" });
	if (!str_ieq(host, domain))
		add(r, (struct record){ RECORD_SPF_HOST, DNS_TXT, false, text("@", host, none),
			       text("v=spf1 a -all", none, none), "the server's own name (SPF)" });
	add_keys(r, keys);
	add(r, (struct record){ RECORD_DMARC, DNS_TXT, true, text("_dmarc.@", domain, none),
		       text("v=DMARC1; p=quarantine; rua=mailto:postmaster#@", domain, STR("@")),
		       "what to do with forged mail" });
	add_sts(r, domain, host, certificate);
	add(r, (struct record){ RECORD_TLSRPT, DNS_TXT, false, text("_smtp._tls.@", domain, none),
		       text("v=TLSRPTv1; rua=mailto:postmaster#@", domain, STR("@")),
		       "where others report failures of TLS" });
	if (add_tlsa(r, host, certificate, err) != ST_OK)
		return err->code;
	add_services(r, domain, host);
	add_sources(r, domain, config);
	add_web(r, domain, config);
	return ST_OK;
}

void records_free(struct records *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->rows[i].name);
		free(r->rows[i].value);
	}
	free(r->rows);
	free(r->policy);
}
