#include "daemon/client_settings.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { UUID = 16 };

/* The best listener of a kind: TLS from the first octet before STARTTLS (RFC 8314 3). */
static const struct config_listen *best(const struct config *c, enum listen_protocol protocol)
{
	const struct config_listen *found = NULL;

	for (size_t i = 0; i < c->listen_count; i++) {
		const struct config_listen *l = &c->listen[i];

		if (l->protocol == protocol && !l->local && l->tls != LISTEN_TLS_NONE &&
			(found == NULL || (found->tls != LISTEN_TLS_IMPLICIT &&
						  l->tls == LISTEN_TLS_IMPLICIT)))
			found = l;
	}
	return found;
}

struct both {
	const struct config_listen *pop3, *smtp;
};

static bool find(const struct config *c, struct both *b)
{
	*b = (struct both){ best(c, LISTEN_POP3), best(c, LISTEN_SUBMISSION) };
	return b->pop3 != NULL && b->smtp != NULL;
}

static void put_text(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		switch (s.p[i]) {
		case '&': buf_put(out, STR("&amp;")); break;
		case '<': buf_put(out, STR("&lt;")); break;
		case '>': buf_put(out, STR("&gt;")); break;
		case '"': buf_put(out, STR("&quot;")); break;
		default: buf_putc(out, s.p[i]);
		}
}

static void put_element(struct buf *out, const char *name, struct str text)
{
	buf_printf(out, "<%s>", name);
	put_text(out, text);
	buf_printf(out, "</%s>\n", name);
}

static void put_number(struct buf *out, const char *name, uint64_t n)
{
	buf_printf(out, "<%s>%llu</%s>\n", name, (unsigned long long)n, name);
}

static void put_mozilla(struct buf *out, const char *way, const char *type, struct str host,
	const struct config_listen *l)
{
	buf_printf(out, "<%sServer type=\"%s\">\n", way, type);
	put_element(out, "hostname", host);
	put_number(out, "port", l->port);
	put_element(
		out, "socketType", l->tls == LISTEN_TLS_IMPLICIT ? STR("SSL") : STR("STARTTLS"));
	put_element(out, "username", STR("%EMAILADDRESS%"));
	put_element(out, "authentication", STR("password-cleartext"));
	buf_printf(out, "</%sServer>\n", way);
}

bool settings_mozilla(struct buf *out, const struct config *c, struct str domain)
{
	struct both b;

	if (!find(c, &b))
		return false;
	buf_put(out, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			 "<clientConfig version=\"1.1\">\n<emailProvider id=\""));
	put_text(out, domain);
	buf_put(out, STR("\">\n"));
	put_element(out, "domain", domain);
	put_element(out, "displayName", domain);
	put_element(out, "displayShortName", domain);
	put_mozilla(out, "incoming", "pop3", str_c(c->hostname), b.pop3);
	put_mozilla(out, "outgoing", "smtp", str_c(c->hostname), b.smtp);
	buf_put(out, STR("</emailProvider>\n</clientConfig>\n"));
	return true;
}

static void put_outlook(struct buf *out, const char *type, struct str host, struct str address,
	const struct config_listen *l)
{
	bool implicit = l->tls == LISTEN_TLS_IMPLICIT;

	buf_put(out, STR("<Protocol>\n"));
	put_element(out, "Type", str_c(type));
	put_element(out, "Server", host);
	put_number(out, "Port", l->port);
	put_element(out, "LoginName", address);
	put_element(out, "DomainRequired", STR("off"));
	put_element(out, "SPA", STR("off"));
	put_element(out, "SSL", implicit ? STR("on") : STR("off"));
	put_element(out, "Encryption", implicit ? STR("SSL") : STR("TLS"));
	put_element(out, "AuthRequired", STR("on"));
	buf_put(out, STR("</Protocol>\n"));
}

bool settings_outlook(struct buf *out, const struct config *c, struct str address)
{
	struct both b;

	if (!find(c, &b))
		return false;
	buf_put(out,
		STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Autodiscover xmlns=\""
		    "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
		    "\">\n<Response xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/"
		    "outlook/responseschema/2006a\">\n<Account>\n"));
	put_element(out, "AccountType", STR("email"));
	put_element(out, "Action", STR("settings"));
	put_outlook(out, "POP3", str_c(c->hostname), address, b.pop3);
	put_outlook(out, "SMTP", str_c(c->hostname), address, b.smtp);
	buf_put(out, STR("</Account>\n</Response>\n</Autodiscover>\n"));
	return true;
}

/* A UUID of version 8 (RFC 9562 5.8), the same for the same address: a second profile takes the place of the first. */
static void put_uuid(struct buf *out, const char *what, struct str address)
{
	unsigned char d[EVP_MAX_MD_SIZE];
	struct buf name = { 0 };

	buf_printf(&name, "restante %s ", what);
	buf_put(&name, address);
	if (EVP_Digest(buf_str(&name).p, name.len, d, NULL, EVP_sha256(), NULL) != 1)
		abort();
	buf_deinit(&name);
	d[6] = (unsigned char)(0x80 | (d[6] & 0x0f));
	d[8] = (unsigned char)(0x80 | (d[8] & 0x3f));
	buf_put(out, STR("<key>PayloadUUID</key><string>"));
	for (size_t i = 0; i < UUID; i++)
		buf_printf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02X" : "%02X", d[i]);
	buf_put(out, STR("</string>\n"));
}

static void put_key(struct buf *out, const char *key, struct str value)
{
	buf_printf(out, "<key>%s</key>", key);
	put_element(out, "string", value);
}

static void put_apple(struct buf *out, const char *way, struct str host, struct str address,
	const struct config_listen *l)
{
	buf_printf(out, "<key>%sMailServerHostName</key>", way);
	put_element(out, "string", host);
	buf_printf(out, "<key>%sMailServerPortNumber</key>", way);
	put_number(out, "integer", l->port);
	/* Apple's clients find out by themselves that it is STARTTLS where the port is not one of implicit TLS. */
	buf_printf(out, "<key>%sMailServerUseSSL</key><true/>\n", way);
	buf_printf(out, "<key>%sMailServerUsername</key>", way);
	put_element(out, "string", address);
	buf_printf(out, "<key>%sMailServerAuthentication</key><string>EmailAuthPassword</string>\n",
		way);
}

bool settings_apple(struct buf *out, const struct config *c, struct str address)
{
	struct both b;

	if (!find(c, &b))
		return false;
	buf_put(out, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			 "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
			 "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
			 "<plist version=\"1.0\">\n<dict>\n<key>PayloadContent</key>\n<array>\n"
			 "<dict>\n"));
	put_key(out, "EmailAccountType", STR("EmailTypePOP"));
	put_key(out, "EmailAccountDescription", address);
	put_key(out, "EmailAddress", address);
	put_apple(out, "Incoming", str_c(c->hostname), address, b.pop3);
	put_apple(out, "Outgoing", str_c(c->hostname), address, b.smtp);
	buf_put(out, STR("<key>OutgoingPasswordSameAsIncomingPassword</key><true/>\n"));
	put_key(out, "PayloadType", STR("com.apple.mail.managed"));
	put_key(out, "PayloadIdentifier", STR("restante.account"));
	put_key(out, "PayloadDisplayName", address);
	put_uuid(out, "account", address);
	buf_put(out, STR("<key>PayloadVersion</key><integer>1</integer>\n</dict>\n</array>\n"));
	put_key(out, "PayloadType", STR("Configuration"));
	put_key(out, "PayloadIdentifier", STR("restante"));
	put_key(out, "PayloadDisplayName", address);
	put_uuid(out, "profile", address);
	buf_put(out, STR("<key>PayloadVersion</key><integer>1</integer>\n</dict>\n</plist>\n"));
	return true;
}
