/* What the events of the httpd engine mean here: mail clients that ask how they are to be set up, and other servers
 * that want the MTA-STS policy.  Nothing of it is secret, and nobody logs in. */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/client_settings.h"
#include "daemon/session.h"
#include "proto/httpd.h"
#include "proto/path.h"
#include "trust/mtasts.h"

struct session_http {
	struct session s;
	struct httpd *engine;
	struct buf host, path; /* of the request, for the log */
};

static struct session_http *http_of(const struct session *s)
{
	return (struct session_http *)(uintptr_t)s;
}

static struct str domain_of(struct str address)
{
	return str_from(address, str_rfind(address, '@') + 1);
}

static bool is_address(struct str s)
{
	struct path path;

	return path_mailbox(s, &path) && path.domain.n > 0;
}

/* A page: false: there is nothing for this request. */
struct page {
	const char *path;
	bool posted; /* POST; else GET and HEAD */
	const char *type;
	bool (*make)(struct buf *out, struct session_http *p, const struct httpd_request *r);
};

/* The domain is that of the host's name; any that leads here is told what is here. */
static bool mozilla(struct buf *out, struct session_http *p, const struct httpd_request *r)
{
	struct str domain = r->host, prefix = STR("autoconfig.");
	struct buf address = { 0 };
	bool good;

	if (httpd_query(r->query, STR("emailaddress"), &address) && is_address(buf_str(&address)))
		domain = domain_of(buf_str(&address));
	else if (str_ieq(str_head(domain, prefix.n), prefix))
		domain = str_from(domain, prefix.n);
	good = path_domain(domain) && settings_mozilla(out, p->s.edge->config, domain);
	buf_deinit(&address);
	return good;
}

/* [MS-OXDSCLI]: <EMailAddress> of the request; what else is there says what Outlook knows anyhow. */
static bool outlook(struct buf *out, struct session_http *p, const struct httpd_request *r)
{
	const struct str begin = STR("<EMailAddress>");
	struct str body = r->body;

	while (body.n > 0 && !str_ieq(str_head(body, begin.n), begin))
		body = str_from(body, 1);
	body = str_from(body, begin.n);
	body = str_trim(str_head(body, str_find(body, '<')));
	return is_address(body) && settings_outlook(out, p->s.edge->config, body);
}

static bool apple(struct buf *out, struct session_http *p, const struct httpd_request *r)
{
	struct buf address = { 0 };
	bool good = httpd_query(r->query, STR("emailaddress"), &address) &&
		    is_address(buf_str(&address)) &&
		    settings_apple(out, p->s.edge->config, buf_str(&address));

	buf_deinit(&address);
	return good;
}

/* RFC 8461 3.2: at this name and by HTTPS only. */
static bool policy(struct buf *out, struct session_http *p, const struct httpd_request *r)
{
	struct str prefix = STR("mta-sts.");

	if (p->s.row->tls == LISTEN_TLS_NONE || !str_ieq(str_head(r->host, prefix.n), prefix))
		return false;
	mtasts_policy_put(out, str_c(p->s.edge->config->hostname));
	return true;
}

static const struct page pages[] = {
	{ "/mail/config-v1.1.xml", false, "text/xml", mozilla },
	{ "/.well-known/autoconfig/mail/config-v1.1.xml", false, "text/xml", mozilla },
	{ "/autodiscover/autodiscover.xml", true, "text/xml", outlook },
	{ "/profile.mobileconfig", false, "application/x-apple-aspen-config", apple },
	{ "/.well-known/mta-sts.txt", false, "text/plain", policy },
};

static void answer(struct session_http *p, const struct httpd_request *r)
{
	const struct page *page = NULL;
	struct buf body = { 0 };

	/* Outlook asks for /Autodiscover/Autodiscover.xml too. */
	for (size_t i = 0; i < sizeof pages / sizeof *pages && page == NULL; i++)
		if (str_ieq(r->path, str_c(pages[i].path)))
			page = &pages[i];
	if (page == NULL)
		httpd_answer(p->engine, 404, STR(""), STR(""), STR(""));
	else if (page->posted != (r->method == HTTPD_POST))
		httpd_answer(p->engine, 405, STR(""), page->posted ? STR("POST") : STR("GET, HEAD"),
			STR(""));
	else if (!page->make(&body, p, r))
		httpd_answer(p->engine, 404, STR(""), STR(""), STR(""));
	else
		httpd_answer(p->engine, 200, str_c(page->type), STR(""), buf_str(&body));
	buf_deinit(&body);
}

static void serve(struct session *s)
{
	struct session_http *p = http_of(s);
	enum httpd_event_type type;

	while (httpd_next(p->engine, &type)) {
		const struct httpd_request *r = httpd_request(p->engine);

		if (type == HTTPD_CLOSE) {
			s->closing = true;
			return;
		}
		buf_put(&p->host, r->host);
		buf_put(&p->path, r->path);
		answer(p, r);
	}
}

static void answered(struct session *s, struct ipc_packet *packet)
{
	(void)s, (void)packet; /* the store is asked nothing */
}

static void tls_up(struct session *s, bool channel_binding)
{
	(void)s, (void)channel_binding;
}

static void certificate_shown(struct session *s)
{
	(void)s;
}

SESSION_ENGINE(http_of, httpd)

static void timed_out(struct session *s)
{
	httpd_timeout(http_of(s)->engine);
	s->closing = true;
}

static void shut_down(struct session *s)
{
	s->closing = true;
}

static void last_word(struct session *s)
{
	const struct session_http *p = http_of(s);

	log_info("http.session", F_C("sid", s->sid), F_STR("ip", session_peer(s)),
		F_STR("host", buf_str(&p->host)), F_STR("path", buf_str(&p->path)),
		F_INT("code", httpd_code(p->engine)), F_C("tls", session_tls(s)));
}

static void release(struct session *s)
{
	struct session_http *p = http_of(s);

	httpd_free(p->engine);
	buf_deinit(&p->host);
	buf_deinit(&p->path);
	free(p);
}

static const struct session_protocol protocol = {
	.name = "http",
	.serve = serve,
	.answered = answered,
	.tls_up = tls_up,
	.certificate_shown = certificate_shown,
	.in = in,
	.out = out,
	.wants_input = wants_input,
	.deadline = deadline,
	.timeout = timed_out,
	.shutdown = shut_down,
	.last_word = last_word,
	.free = release,
};

struct session *session_http_new(struct edge *e)
{
	struct session_http *p = NEW(struct session_http);

	p->engine = httpd_new(loop_now_ms(e->loop));
	session_init(&p->s, &protocol);
	return &p->s;
}
