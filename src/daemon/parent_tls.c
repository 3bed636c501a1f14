/* The parent's part in TLS: it reads certificates and keys, and makes the ticket keys that all edges
 * share. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "daemon/parent.h"
#include "net/cert_validity.h"

enum { DAY_MS = 24 * 3600 * 1000, LOOK_MS = 3600 * 1000 };

static const char *pair_name(const struct parent_files *f, size_t i)
{
	return i == 0 ? f->config->tls_certificate : f->config->certificates[i - 1].certificate;
}

static enum status read_pair(const struct parent *p, struct parent_files *f, const char *cert,
	const char *key, struct err *err)
{
	struct parent_pair *pair;
	enum status st;

	f->pairs = mem_array(f->pairs, f->pair_count + 1, sizeof *f->pairs);
	pair = &f->pairs[f->pair_count++];
	*pair = (struct parent_pair){ 0 };
	st = parent_read_setting(p, "certificate", cert, &pair->cert, err);
	return st == ST_OK ? parent_read_setting(p, "key", key, &pair->key, err) : st;
}

/* Each by itself first, so that the message says which one is wrong; then all, as an edge will. */
static enum status try_pairs(const struct parent *p, const struct parent_files *f, struct err *err)
{
	struct tls_pair pairs[TLS_PAIRS_MAX];
	struct str min = str_c(f->config->tls_min_version), keys = parent_ticket_keys(p);
	struct tls_server *probe;
	struct err why = { 0 };

	for (size_t i = 0; i < f->pair_count; i++) {
		pairs[i].cert = buf_str(&f->pairs[i].cert);
		pairs[i].key = buf_str(&f->pairs[i].key);
		probe = tls_server_new(&pairs[i], 1, min, keys, &why);
		tls_server_unref(probe);
		if (probe == NULL)
			return err_set(err, ST_USAGE, "%s: %s", pair_name(f, i), why.text);
	}
	probe = tls_server_new(pairs, f->pair_count, min, keys, err);
	if (probe != NULL && f->client_ca.len > 0 &&
		tls_server_authorities(probe, buf_str(&f->client_ca), &why) != ST_OK)
		err_set(err, ST_USAGE, "client_ca_file %s: %s", f->config->client_ca_file,
			why.text);
	tls_server_unref(probe);
	return probe != NULL && why.code == ST_OK ? ST_OK : ST_USAGE;
}

enum status parent_read_tls(const struct parent *p, struct parent_files *f, struct err *err)
{
	const struct config *c = f->config;
	enum status st = read_pair(p, f, c->tls_certificate, c->tls_key, err);

	for (size_t i = 0; i < c->certificate_count && st == ST_OK; i++)
		st = read_pair(p, f, c->certificates[i].certificate, c->certificates[i].key, err);
	if (st == ST_OK && c->client_ca_file[0] != '\0')
		st = parent_read_setting(
			p, "client_ca_file", c->client_ca_file, &f->client_ca, err);
	return st == ST_OK ? try_pairs(p, f, err) : st;
}

void parent_wipe_tls(struct parent_files *f)
{
	for (size_t i = 0; i < f->pair_count; i++) {
		buf_deinit(&f->pairs[i].cert);
		buf_wipe(&f->pairs[i].key);
	}
	free(f->pairs);
	f->pairs = NULL;
	f->pair_count = 0;
}

void parent_start_tickets(struct parent *p)
{
	random_bytes(p->ticket_keys, sizeof p->ticket_keys);
	p->new_ticket_key_ms = clock_mono_ms();
}

struct str parent_ticket_keys(const struct parent *p)
{
	return str_of(p->ticket_keys, sizeof p->ticket_keys);
}

int64_t parent_rotate_tickets(struct parent *p)
{
	int64_t now = clock_mono_ms();
	int64_t left = p->new_ticket_key_ms + p->files.config->tls_ticket_rotation_ms - now;

	if (left > 0)
		return left;
	memcpy(p->ticket_keys + TLS_TICKET_KEY, p->ticket_keys, TLS_TICKET_KEY);
	random_bytes(p->ticket_keys, TLS_TICKET_KEY);
	p->new_ticket_key_ms = now;
	for (size_t i = 0; i < PARENT_CHILDREN_MAX; i++)
		if (p->children[i].pid != 0 && p->children[i].kind == CHILD_EDGE)
			parent_tell(&p->children[i], LEASH_TICKETS, parent_ticket_keys(p), -1);
	log_info("serve.ticket-key", F_INT("next_ms", p->files.config->tls_ticket_rotation_ms));
	return p->files.config->tls_ticket_rotation_ms;
}

void parent_certificate_warnings(const struct parent_files *f, bool at_start,
	void (*each)(void *arg, const char *text), void *arg)
{
	struct cert_file files[TLS_PAIRS_MAX];

	for (size_t i = 0; i < f->pair_count; i++)
		files[i] = (struct cert_file){ pair_name(f, i), buf_str(&f->pairs[i].cert) };
	cert_validity(files, f->pair_count, at_start ? f->config->hostname : NULL, clock_wall_ms(),
		each, arg);
}

static void log_warning(void *arg, const char *text)
{
	(void)arg;
	log_warn("config.warning", F_C("text", text));
}

int64_t parent_watch_certificates(struct parent *p)
{
	int64_t day = clock_wall_ms() / DAY_MS;

	if (p->certificates_day != 0 && p->certificates_day != day)
		parent_certificate_warnings(&p->files, false, log_warning, NULL);
	p->certificates_day = day;
	return LOOK_MS;
}
