/* remote_block.h -- remote sections that a command writes: their text, restante.conf with them, their secrets. */
#ifndef RESTANTE_CMD_REMOTE_BLOCK_H
#define RESTANTE_CMD_REMOTE_BLOCK_H

#include "base/buf.h"
#include "base/err.h"
#include "daemon/config.h"

/* remote "NAME" {, a setting, } */
void block_begin(struct buf *out, struct str name);
void block_set(struct buf *out, const char *setting, struct str value);
void block_end(struct buf *out);

/* A name of letters, digits and -_. made of `wish`, which `config` (may be NULL) and `taken` (names, a line each) do
 * not have: to[65]. */
void block_name(const struct config *config, struct str taken, struct str wish, char to[65]);

/* restante.conf of the office with these sections at its end; NULL: err says what is wrong with them. */
struct config *block_try(const char *state, struct str sections, struct err *err);
/* And writes it: the old file or the new one, whatever happens. */
enum status block_append(const char *state, struct str sections, struct err *err);

/* STATE/secrets/NAME, for nobody else to read; its name in restante.conf is put into `name`. */
enum status block_secret(const char *state, struct str name, struct str secret, struct buf *setting,
	struct err *err);

#endif
