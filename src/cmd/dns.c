/* restante dns */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "account/canonical.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/dns_check.h"
#include "cmd/zone.h"
#include "net/resolve.h"

enum { FILE_MAX = 256 * 1024 };

/* A file of the state directory; "" when it cannot be read. */
static char *read_text(const struct cmd *c, const char *name)
{
	struct buf text;
	char *path = NULL, *room;
	FILE *f = NULL;

	buf_init(&text, FILE_MAX + 1);
	if (asprintf(&path, "%s%s%s", name[0] == '/' ? "" : c->state, name[0] == '/' ? "" : "/",
		    name) >= 0)
		f = fopen(path, "re");
	room = buf_reserve(&text, FILE_MAX);
	if (f != NULL)
		buf_grew(&text, fread(room, 1, FILE_MAX, f));
	if (f != NULL)
		fclose(f);
	free(path);
	return buf_steal_c(&text);
}

/* A line of a zone, and the same as a comment in the words of a provider's form. */
static void print_record(const struct record *r, bool has_web)
{
	const char *type = dns_type_name(r->type);

	if (r->kind == RECORD_PTR_V4)
		printf("; The address of this server is called %s (PTR): who gave it to you sets "
		       "that\n",
			r->value);
	else if (r->kind == RECORD_PTR)
		printf("; %s. IN PTR %s ; who gave you the address sets that\n", r->name, r->value);
	else if (r->kind == RECORD_PTR_V6)
		return; /* has been said */
	else if (r->kind == RECORD_ADDRESS)
		printf("; %s. IN A and AAAA: the address of this server\n", r->name);
	else if (r->kind == RECORD_WEB && !has_web)
		printf("; %s. IN %s %s ; with listen https: %s\n", r->name, type, r->value,
			r->purpose);
	else if (r->not_yet != NULL)
		printf("; not yet, as %s: %s. IN %s \"%s\"\n", r->not_yet, r->name, type, r->value);
	else if (r->type == DNS_TXT)
		zone_txt(stdout, str_c(r->name), str_c(r->value));
	else
		printf("%s. IN %s %s\n", r->name, type, r->value);
}

static void print_zone(const struct records *r)
{
	for (size_t i = 0; i < r->count; i++)
		print_record(&r->rows[i], r->has_web);
	fputs("\n; The same for the forms of DNS providers: type, name, value\n", stdout);
	for (size_t i = 0; i < r->count; i++)
		if (r->rows[i].value[0] != '\0' && r->rows[i].not_yet == NULL &&
			!record_is_checked_only(&r->rows[i]))
			printf("; %-5s  %s  %s\n", dns_type_name(r->rows[i].type), r->rows[i].name,
				r->rows[i].value);
	printf("\n; The policy of MTA-STS, which _mta-sts announces: %s under\n"
	       "; https://mta-sts.DOMAIN/.well-known/mta-sts.txt\n",
		r->has_web ? "this server has it" : "a web server has to have it, or listen https");
	for (struct str rest = str_c(r->policy); rest.n > 0;) {
		struct str line = str_cut(&rest, '\n');

		printf(";   %.*s\n", STR_ARG(str_head(line, line.n - 1)));
	}
}

static json_t *rows_of(const struct records *r, const struct finding *findings)
{
	static const char *const words[] = { "OK", "WARN", "FAIL", "UNKNOWN" };
	json_t *rows = json_array();

	for (size_t i = 0; i < r->count; i++) {
		const struct record *k = &r->rows[i];
		json_t *row;

		if (findings == NULL ? record_is_checked_only(k) : findings[i].what == NULL)
			continue;
		row = json_pack("{s:s, s:s, s:s, s:s, s:b}", "type", dns_type_name(k->type), "name",
			k->name, "value", k->value, "purpose", k->purpose, "needed",
			(int)k->needed);
		if (findings != NULL) {
			json_object_set_new(row, "result", json_string(words[findings[i].found]));
			json_object_set_new(row, "found", json_string(findings[i].what));
		}
		if (k->not_yet != NULL)
			json_object_set_new(row, "not_yet", json_string(k->not_yet));
		if (k->kind == RECORD_STS)
			json_object_set_new(row, "policy", json_string(r->policy));
		json_array_append_new(rows, row);
	}
	return rows;
}

static int print_findings(struct cmd *c, const struct records *r, const struct finding *findings)
{
	static const struct column columns[] = {
		{ "result", "RESULT", false },
		{ "type", "TYPE", false },
		{ "name", "NAME", false },
		{ "found", "FOUND", false },
	};
	json_t *rows = rows_of(r, findings);
	int code = EX_OK;

	output_rows(c, rows, columns, sizeof columns / sizeof *columns);
	json_decref(rows);
	for (size_t i = 0; i < r->count; i++)
		if (findings[i].found == FOUND_FAIL)
			code = EXIT_FAILURE;
		else if (findings[i].found == FOUND_UNKNOWN && code == EX_OK)
			code = EX_TEMPFAIL;
	return code == EX_OK ? output_end(c) : code;
}

static int check(struct cmd *c, const struct records *r, const struct config *config)
{
	struct finding *findings = mem_zalloc(r->count * sizeof *findings);
	char *anchors = config->dnssec_trust_anchor[0] == '\0'
				? NULL
				: read_text(c, config->dnssec_trust_anchor);
	struct str resolver = str_c(config->dns_resolver);
	struct err err = { 0 };
	int code;

	if (cmd_has(c, OPTION_RESOLVER))
		resolver = str_c(c->value[OPTION_RESOLVER]);
	if (anchors != NULL && anchors[0] == '\0')
		code = cmd_fail(c, EX_CONFIG, "dnssec_trust_anchor: %s cannot be read",
			config->dnssec_trust_anchor);
	else if (records_check(r, resolver,
			 str_c(anchors != NULL ? anchors : resolver_root_anchors), findings,
			 &err) != ST_OK)
		code = cmd_fail_err(c, &err);
	else
		code = print_findings(c, r, findings);
	for (size_t i = 0; i < r->count; i++)
		free(findings[i].what);
	free(findings);
	free(anchors);
	return code;
}

static int print_all(struct cmd *c, const struct records *r)
{
	if (cmd_has(c, OPTION_JSON)) {
		json_t *rows = rows_of(r, NULL);

		output_rows(c, rows, NULL, 0);
		json_decref(rows);
	} else {
		print_zone(r);
	}
	return output_end(c);
}

int cmd_dns(struct cmd *c)
{
	struct cmd_result keys = { .octets = NULL };
	struct records r = { 0 };
	struct err err = { 0 };
	struct config *config = NULL;
	char *certificate = NULL, domain[ADDRESS_MAX + 1];
	size_t n = 0;
	int code = cmd_call(
		c, json_pack("{s:s, s:s}", "verb", "dkim.list", "domain", c->args[0]), &keys);

	if (code != EX_OK)
		goto out;
	config = config_load(c->state, &err);
	if (config == NULL) {
		code = cmd_fail_err(c, &err);
		goto out;
	}
	certificate = read_text(c, config->tls_certificate);
	canonical_domain_name(str_c(c->args[0]), domain, &n); /* it was one for dkim.list */
	if (records_make(&r, str_of(domain, n), config, keys.rows, str_c(certificate), &err) !=
		ST_OK)
		code = cmd_fail_err(c, &err);
	else if (json_array_size(keys.rows) == 0)
		fprintf(stderr,
			"restante: dns: %s signs nothing yet: `restante dkim new` makes keys\n",
			c->args[0]);
	if (code == EX_OK && cmd_has(c, OPTION_CHECK))
		code = check(c, &r, config);
	else if (code == EX_OK)
		code = print_all(c, &r);
out:
	records_free(&r);
	config_free(config);
	free(certificate);
	json_decref(keys.rows);
	return code;
}
