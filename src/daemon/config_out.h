/* config_out.h -- the sections source and limit: from where mail leaves, and how fast it may go there. */
#ifndef RESTANTE_DAEMON_CONFIG_OUT_H
#define RESTANTE_DAEMON_CONFIG_OUT_H

#include <confuse.h>
#include <jansson.h>

#include "daemon/config_table.h"

/* Members are in the order of their rows. */
struct config_source {
	char *name;               /* the sender's domain, as route_name_weight() compares it */
	char *ipv4, *ipv6, *helo; /* "": the system's choice, hostname */
};
extern const struct config_setting config_source_settings[], config_limit_settings[];
extern const size_t config_source_settings_count, config_limit_settings_count;

/* False: err says what is wrong, *where is the section. */
bool config_take_out(struct config *c, cfg_t *cfg, cfg_t **where, struct err *err);
void config_free_out(struct config *c);
void config_out_put(struct buf *out, const struct config *c);
void config_out_json(json_t *root, const struct config *c);

/* Of the section that names the sender's domain most exactly; NULL: none does. */
const struct config_source *config_source(const struct config *c, struct str sender);

#endif
