/* config_route.h -- the sections that say which way mail goes; inside of config.c and config_print.c. */
#ifndef RESTANTE_DAEMON_CONFIG_ROUTE_H
#define RESTANTE_DAEMON_CONFIG_ROUTE_H

#include <confuse.h>
#include <jansson.h>

#include "daemon/config.h"

/* False: err says what is wrong, *where is the section. */
bool config_take_routes(struct config *c, cfg_t *cfg, cfg_t **where, struct err *err);
/* "*", "example.org", or ".example.org", as route_name_weight() has it; also an address or literal. */
bool config_names_domains(struct str s);
void config_free_routes(struct config *c);
/* Passwords are not shown. */
void config_routes_put(struct buf *out, const struct config *c);
void config_routes_json(json_t *root, const struct config *c);

/* config_print.c: text as the file wants it. */
void config_quoted_put(struct buf *out, struct str s);

#endif
