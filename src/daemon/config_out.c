#include "daemon/config_out.h"

#include <stdlib.h>

#include "base/mem.h"
#include "daemon/config_route.h"
#include "net/cidr.h"

enum { SECTIONS_MAX = 10000 };

/* clang-format off */
const struct config_setting config_source_settings[] = {
	{ "ipv4", CONFIG_TEXT, offsetof(struct config_source, ipv4), "", 0, 15, NULL,
		"Address that mail of this domain leaves from; empty: the system's choice." },
	{ "ipv6", CONFIG_TEXT, offsetof(struct config_source, ipv6), "", 0, 45, NULL,
		"The same for servers that are reached by IPv6." },
	{ "helo", CONFIG_HOST, offsetof(struct config_source, helo), "", 0, 0, NULL,
		"Name that EHLO says then; empty: hostname." },
};
const size_t config_source_settings_count =
	sizeof config_source_settings / sizeof *config_source_settings;

const struct config_setting config_limit_settings[] = {
	{ "connections", CONFIG_COUNT, offsetof(struct site_limit, connections), "0", 0, 1000, NULL,
		"Deliveries there at one time; 0: as for all." },
	{ "rate", CONFIG_COUNT, offsetof(struct site_limit, rate), "0", 0, 1000000, NULL,
		"Messages there in a minute; 0: as for all." },
};
const size_t config_limit_settings_count =
	sizeof config_limit_settings / sizeof *config_limit_settings;
/* clang-format on */

/* Both begin with their name. */
static const struct kind {
	const char *name;
	const struct config_setting *rows;
	const size_t *rows_count;
	size_t size, list, count; /* of one; where they are in struct config */
} kinds[] = {
	{ "source", config_source_settings, &config_source_settings_count,
		sizeof(struct config_source), offsetof(struct config, sources),
		offsetof(struct config, source_count) },
	{ "limit", config_limit_settings, &config_limit_settings_count, sizeof(struct site_limit),
		offsetof(struct config, limits), offsetof(struct config, limit_count) },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void **list_of(struct config *c, const struct kind *k)
{
	return (void **)(void *)((char *)c + k->list);
}

static size_t *count_of(struct config *c, const struct kind *k)
{
	return (size_t *)(void *)((char *)c + k->count);
}

static void *section(const struct config *c, const struct kind *k, size_t i)
{
	return (char *)*list_of((struct config *)(uintptr_t)c, k) + i * k->size;
}

static size_t sections(const struct config *c, const struct kind *k)
{
	return *count_of((struct config *)(uintptr_t)c, k);
}

static bool source_holds(const struct config_source *s, struct err *err)
{
	unsigned char ip[16];

	if ((s->ipv4[0] == '\0' || (cidr_address(str_c(s->ipv4), ip) && cidr_is_v4(ip))) &&
		(s->ipv6[0] == '\0' || (cidr_address(str_c(s->ipv6), ip) && !cidr_is_v4(ip))))
		return true;
	err_set(err, ST_USAGE, "source %.60s: ipv4 or ipv6 is no address of that kind", s->name);
	return false;
}

static bool take(struct config *c, const struct kind *k, cfg_t *cfg, cfg_t **where, struct err *err)
{
	unsigned count = cfg_size(cfg, k->name);

	if (count > SECTIONS_MAX) {
		err_set(err, ST_USAGE, "more than %d sections %s", (int)SECTIONS_MAX, k->name);
		return false;
	}
	*list_of(c, k) = mem_zalloc((count + 1) * k->size);
	for (unsigned i = 0; i < count; i++) {
		void *to = section(c, k, i);

		*where = cfg_getnsec(cfg, k->name, i);
		++*count_of(c, k);
		*(char **)to = str_dup_c(str_c(cfg_title(*where)));
		for (size_t n = 0; n < *k->rows_count; n++) {
			const char *value = cfg_getstr(*where, k->rows[n].name);

			config_set(to, &k->rows[n],
				str_c(value == NULL ? k->rows[n].fallback : value), err);
		}
		if (!config_names_domains(str_c(cfg_title(*where)))) {
			err_set(err, ST_USAGE, "%s %.60s: its name is a domain, .DOMAIN or *",
				k->name, cfg_title(*where));
			return false;
		}
		if (k->rows == config_source_settings && !source_holds(to, err))
			return false;
	}
	return true;
}

bool config_take_out(struct config *c, cfg_t *cfg, cfg_t **where, struct err *err)
{
	for (size_t i = 0; i < KINDS; i++)
		if (!take(c, &kinds[i], cfg, where, err))
			return false;
	return true;
}

void config_free_out(struct config *c)
{
	for (size_t i = 0; i < c->source_count; i++) {
		free(c->sources[i].name);
		free(c->sources[i].ipv4);
		free(c->sources[i].ipv6);
		free(c->sources[i].helo);
	}
	free(c->sources);
	for (size_t i = 0; i < c->limit_count; i++)
		free(c->limits[i].name);
	free(c->limits);
}

const struct config_source *config_source(const struct config *c, struct str sender)
{
	const struct config_source *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < c->source_count; i++) {
		size_t weight = route_name_weight(str_c(c->sources[i].name), route_domain(sender));

		if (weight > most) {
			best = &c->sources[i];
			most = weight;
		}
	}
	return best;
}

void config_out_put(struct buf *out, const struct config *c)
{
	struct buf value = { 0 };

	for (size_t i = 0; i < KINDS; i++)
		for (size_t n = 0; n < sections(c, &kinds[i]); n++) {
			const void *of = section(c, &kinds[i], n);

			buf_printf(out, "%s ", kinds[i].name);
			config_quoted_put(out, str_c(*(char *const *)of));
			buf_put(out, STR(" {\n"));
			for (size_t k = 0; k < *kinds[i].rows_count; k++) {
				buf_clear(&value);
				config_value_put(&value, of, &kinds[i].rows[k]);
				buf_printf(out, "\t%s = ", kinds[i].rows[k].name);
				config_quoted_put(out, buf_str(&value));
				buf_putc(out, '\n');
			}
			buf_put(out, STR("}\n"));
		}
	buf_deinit(&value);
}

void config_out_json(json_t *root, const struct config *c)
{
	struct buf value = { 0 };

	for (size_t i = 0; i < KINDS; i++) {
		json_t *all = json_array();

		for (size_t n = 0; n < sections(c, &kinds[i]); n++) {
			const void *of = section(c, &kinds[i], n);
			json_t *row = json_pack("{s:s}", "name", *(char *const *)of);

			for (size_t k = 0; k < *kinds[i].rows_count; k++) {
				buf_clear(&value);
				config_value_put(&value, of, &kinds[i].rows[k]);
				json_object_set_new(row, kinds[i].rows[k].name,
					json_stringn(buf_str(&value).p, value.len));
			}
			json_array_append_new(all, row);
		}
		json_object_set_new(root, kinds[i].name, all);
	}
	buf_deinit(&value);
}
