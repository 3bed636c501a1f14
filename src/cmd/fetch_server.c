/* Where a remote's mail lies and how one logs in there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/fetch.h"
#include "cmd/provider.h"
#include "remote/provider.h"
#include "remote/secret.h"
#include "remote/service.h"

enum { ROOTS_MAX = 4 * 1024 * 1024 };

static const char system_roots[] = "/etc/ssl/certs/ca-certificates.crt";

static enum status read_whole(struct buf *to, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	buf_init(to, ROOTS_MAX);

	if (fd < 0)
		return err_set(err, ST_USAGE, "open %s: %s", path, strerror(errno));
	while (n > 0 && !to->full) {
		char *room = buf_reserve(to, 65536);

		n = room == NULL ? 0 : read(fd, room, 65536);
		if (n > 0)
			buf_grew(to, (size_t)n);
	}
	close(fd);
	return n < 0 || to->full ? err_set(err, ST_USAGE, "read %s: %s", path,
					   to->full ? "it is too long" : strerror(errno))
				 : ST_OK;
}

enum status fetch_roots(struct buf *to, const char *ca_file, struct err *err)
{
	return read_whole(to, ca_file[0] == '\0' ? system_roots : ca_file, err);
}

static enum status own_certificate(
	struct fetch_server *s, const struct config_remote *r, struct err *err)
{
	const char *key = r->client_key[0] == '\0' ? r->client_certificate : r->client_key;
	enum status status;

	if (r->client_certificate[0] == '\0')
		return ST_OK;
	status = read_whole(&s->certificate, r->client_certificate, err);
	if (status == ST_OK)
		status = secret_file(key, &s->key, err);
	s->want.server.own =
		(struct tls_pair){ .cert = buf_str(&s->certificate), .key = buf_str(&s->key) };
	return status;
}

static enum server_tls tls_of(const char *said, enum provider_tls provider)
{
	if (str_eq(str_c(said), STR("implicit")))
		return SERVER_TLS_IMPLICIT;
	if (str_eq(str_c(said), STR("starttls")))
		return SERVER_TLS_STARTTLS;
	if (str_eq(str_c(said), STR("none")))
		return SERVER_TLS_NONE;
	return provider == PROVIDER_IMPLICIT   ? SERVER_TLS_IMPLICIT
	       : provider == PROVIDER_STARTTLS ? SERVER_TLS_STARTTLS
					       : SERVER_TLS_NONE;
}

/* What the section does not say the provider of the address does. */
static enum status choose(
	struct fetch_server *s, struct cmd *c, const struct config_remote *r, struct err *err)
{
	struct str address = str_c(r->address),
		   domain = str_from(address, str_rfind(address, '@') + 1);
	struct provider p = { .pop3 = { .tls = PROVIDER_IMPLICIT } };
	const struct provider_service *service = s->sends ? &p.smtp : &p.pop3;
	const char *host = s->sends ? r->smtp_host : r->pop3_host;
	const char *tls = s->sends ? r->smtp_tls : r->pop3_tls;
	int64_t port = s->sends ? r->smtp_port : r->pop3_port;
	struct pop_want *want = &s->want;
	struct buf providers;
	bool known = false;

	if (cmd_providers(c, &providers) == 0)
		known = str_rfind(address, '@') < address.n &&
			provider_find(buf_str(&providers), domain, &p);
	if (host[0] != '\0')
		buf_put(&s->host, str_c(host));
	else if (known)
		provider_host(&s->host, service, domain);
	want->server.tls = tls_of(tls, known && host[0] == '\0' ? service->tls : PROVIDER_IMPLICIT);
	want->server.port = port != 0                  ? (uint16_t)port
			    : known && host[0] == '\0' ? service->port
						       : service_port(s->sends, want->server.tls);
	if (r->user[0] != '\0')
		buf_put(&s->user, str_c(r->user));
	else
		buf_put(&s->user, known && p.localpart ? str_head(address, str_rfind(address, '@'))
						       : address);
	if (s->host.len == 0 && known && p.status == PROVIDER_DEAD)
		err_set(err, ST_PROTO, "%.*s has ended its service (%.*s)", STR_ARG(p.id),
			STR_ARG(p.since));
	else if (s->host.len == 0 && known)
		err_set(err, ST_PROTO, "%.*s has no %s: %.*s", STR_ARG(p.id),
			s->sends ? "SMTP" : "POP3", STR_ARG(str_head(p.notes, 120)));
	buf_deinit(&providers);
	if (s->host.len == 0)
		return err_set(err, ST_USAGE, "the server of %.*s is not known: set %s",
			STR_ARG(str_head(address, 100)), s->sends ? "smtp_host" : "pop3_host");
	return ST_OK;
}

enum status fetch_server(struct fetch_server *s, struct cmd *c, const struct config *config,
	const struct config_remote *r, struct err *err)
{
	const char *home = getenv("HOME");
	char netrc[4096] = "";
	struct secret_source source = { .base = c->state,
		.password_file = r->password_file,
		.password_command = r->password_command,
		.token_command = r->token_command,
		.netrc = netrc };
	struct pop_want *want = &s->want;
	struct err why = { ST_OK, "" };
	enum status status;

	*s = (struct fetch_server){ .sends = s->sends,
		.want = { .allow_cleartext = r->allow_cleartext } };
	if (home != NULL)
		snprintf(netrc, sizeof netrc, "%s/.netrc", home);
	status = choose(s, c, r, err);
	if (status == ST_OK && want->server.tls == SERVER_TLS_NONE && !r->allow_cleartext)
		status = err_set(err, ST_PROTO,
			"%.*s offers no TLS: the password would cross the network unencrypted; "
			"allow_cleartext = yes permits it",
			STR_ARG(buf_str(&s->host)));
	if (status == ST_OK && want->server.tls != SERVER_TLS_NONE && r->fingerprint[0] == '\0')
		status = fetch_roots(&s->roots, r->ca_file, err);
	source.host = buf_str(&s->host);
	source.user = buf_str(&s->user);
	if (status == ST_OK)
		status = own_certificate(s, r, err);
	if (status == ST_OK)
		status = secret_get(&source, &s->secret, &want->token, &why);
	if (status == ST_NOTFOUND && want->server.own.cert.n > 0)
		status = ST_OK; /* the certificate is enough */
	else if (why.code != ST_OK)
		err_set(err, why.code == ST_NOTFOUND ? ST_USAGE : why.code, "%s", why.text);
	want->server.host = buf_str(&s->host);
	want->server.roots = buf_str(&s->roots);
	want->server.fingerprint = str_c(r->fingerprint);
	want->server.resolvers = str_c(config->dns_resolver);
	want->server.alpn = s->sends ? NULL : "pop3";
	want->server.timeout_ms = r->timeout_ms;
	want->server.source = str_c(r->source);
	want->server.proxy = str_c(r->proxy);
	want->user = buf_str(&s->user);
	want->secret = buf_str(&s->secret);
	want->mechanisms = str_c(r->auth);
	want->pipelining = !str_eq(str_c(r->pipelining), STR("off"));
	return status;
}

void fetch_server_free(struct fetch_server *s)
{
	buf_deinit(&s->host);
	buf_deinit(&s->user);
	buf_wipe(&s->secret);
	buf_deinit(&s->roots);
	buf_deinit(&s->certificate);
	buf_wipe(&s->key);
}

/* 69: no service, or none with TLS; 75: again later; 77: refused. */
int fetch_exit_code(const struct err *err)
{
	switch (err->code) {
	case ST_PROTO: return EX_UNAVAILABLE;
	case ST_USAGE: return EX_CONFIG;
	case ST_OK:
	case ST_MORE:
	case ST_TEMP:
	case ST_PERM:
	case ST_LIMIT:
	case ST_IO:
	case ST_CORRUPT:
	case ST_EXISTS:
	case ST_NOTFOUND:
	case ST_VERSION: break;
	}
	return err_exit_code(err->code);
}
