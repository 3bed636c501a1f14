/* setup.h -- inside of restante setup: from an address to servers, to a login, to a remote in restante.conf. */
#ifndef RESTANTE_CMD_SETUP_H
#define RESTANTE_CMD_SETUP_H

#include "account/canonical.h"
#include "cmd/cmd.h"
#include "daemon/config_remote.h"
#include "remote/lookup.h"
#include "remote/provider.h"
#include "remote/service.h"

enum setup_source {
	SETUP_NONE,
	SETUP_DIRECTORY,
	SETUP_AUTOCONFIG,
	SETUP_SRV,
	SETUP_MX,
	SETUP_PROBE,
};
extern const char *const setup_source_names[]; /* in that order */

struct setup_server {
	struct service at;
	enum setup_source source;
	bool refused; /* the domain says that it has none: it is not looked for any more */
};

struct setup {
	struct cmd *cmd;
	struct canonical address;
	struct config *config; /* of the office that is there; NULL: none yet */
	struct buf roots, resolvers, directory;
	size_t local_directory; /* octets of `directory` that are the local file */
	struct lookup lookup;
	struct setup_server pop3, smtp;
	struct provider provider; /* its id "": none is known */
	struct buf user;          /* "": the address */
	bool token;               /* only an OAuth token logs in */
	bool silent;              /* something did not answer: another time more may be found */
	char *ca_file;            /* absolute; NULL: the system's */
	json_t *tried;            /* [{"source", "result"}] */
};

/* setup_find.c: fills pop3, smtp, provider and user.  A sysexits code, already told, for what cannot be. */
int setup_find(struct setup *s);
/* Tells what was looked at and what came of it, also to `tried`. */
void setup_tried(struct setup *s, enum setup_source source, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Takes a service unless there is one already, or the domain has none; true: it was taken. */
bool setup_take(struct setup *s, bool sends, const struct service *at, enum setup_source source);
bool setup_complete(const struct setup *s);

/* setup_web.c: what the domain's web server says. */
void setup_autoconfig(struct setup *s);

/* setup_login.c: where the secret comes from, and whether it opens both servers. */
struct setup_secret {
	char *password_file, *password_command, *token_command; /* heap; one of them, or none */
	char *made;                                             /* a file that was made for it */
};
int setup_secret(struct setup *s, struct str name, struct setup_secret *secret);
void setup_secret_free(struct setup_secret *secret, bool forget); /* forget: also what was made */
int setup_login(struct setup *s, const struct config *config, const struct config_remote *remote);

#endif
