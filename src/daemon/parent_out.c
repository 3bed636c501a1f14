/* What outgoing mail needs of the file system: a carrier sees none of it. */
#include "base/log.h"
#include "daemon/parent.h"
#include "net/resolve.h"

/* Where distributions keep it: Debian, Fedora, Alpine and OpenBSD. */
static const char *const root_files[] = { "/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem" };

static enum status read_roots(const struct parent *p, struct parent_files *f, struct err *err)
{
	const char *name = f->config->tls_ca_file;

	if (name[0] != '\0')
		return parent_read_setting(p, "tls_ca_file", name, &f->roots, err);
	for (size_t i = 0; i < sizeof root_files / sizeof *root_files; i++) {
		buf_deinit(&f->roots);
		if (parent_read_file(p->state, root_files[i], &f->roots, NULL) == ST_OK)
			return ST_OK;
	}
	buf_clear(&f->roots);
	log_warn("parent.no-roots", F_C("do", "install ca-certificates, or set tls_ca_file"));
	return ST_OK;
}

static enum status read_anchors(const struct parent *p, struct parent_files *f, struct err *err)
{
	const char *name = f->config->dnssec_trust_anchor;

	if (name[0] != '\0')
		return parent_read_setting(p, "dnssec_trust_anchor", name, &f->dns_anchors, err);
	buf_put(&f->dns_anchors, str_c(resolver_root_anchors));
	return ST_OK;
}

static void read_servers(const struct parent *p, struct parent_files *f)
{
	struct buf text = { 0 };

	if (f->config->dns_resolver[0] != '\0')
		buf_put(&f->dns_servers, str_c(f->config->dns_resolver));
	else if (parent_read_file(p->state, "/etc/resolv.conf", &text, NULL) == ST_OK)
		resolver_from_resolv_conf(buf_str(&text), &f->dns_servers);
	buf_deinit(&text);
}

enum status parent_read_out(const struct parent *p, struct parent_files *f, struct err *err)
{
	enum status st = read_anchors(p, f, err);

	if (st == ST_OK)
		st = read_roots(p, f, err);
	read_servers(p, f);
	return st;
}
