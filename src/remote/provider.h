/* provider.h -- mail providers by the domain of an address: where their customers fetch and send.  Pure.
 *
 * The directory is text, one provider a line (data/providers.tsv tells the form): the built-in one is in
 * the program, a local one of the same form goes before it.  Views live as long as the text. */
#ifndef RESTANTE_REMOTE_PROVIDER_H
#define RESTANTE_REMOTE_PROVIDER_H

#include "base/buf.h"
#include "base/err.h"

enum provider_tls { PROVIDER_IMPLICIT, PROVIDER_STARTTLS, PROVIDER_NONE };
enum provider_status { PROVIDER_LIVE, PROVIDER_UNSURE, PROVIDER_DEAD };

struct provider_service {
	struct str host; /* "": there is none; may hold %DOMAIN% */
	uint16_t port;
	enum provider_tls tls;
};

struct provider {
	struct str id;
	struct str domains; /* separated by commas, like mx and login's "|" */
	struct str mx;      /* suffixes that the MX of customers' own domains have */
	struct provider_service pop3, smtp;
	bool localpart; /* the user name is what stands before the @ */
	struct str login;
	enum provider_status status;
	struct str since; /* dead: a date or a year */
	struct str notes;
};

struct str provider_builtin(void);

/* Cuts the next provider from *text.  ST_NOTFOUND at the end, ST_USAGE with err for a line that is not in the
 * form (the next call goes on behind it).  *line counts from 0 at the beginning of the text. */
enum status provider_cut(struct str *text, unsigned *line, struct provider *p, struct err *err);

/* The one with this domain (any case, no trailing dot), or of this id.  Lines that cannot be read are passed
 * over. */
bool provider_find(struct str text, struct str domain, struct provider *p);
/* The one whose MX suffix ends this host name at a dot. */
bool provider_find_mx(struct str text, struct str host, struct provider *p);

/* The host for a customer of this domain. */
void provider_host(struct buf *out, const struct provider_service *s, struct str domain);

extern const char provider_tls_words[], provider_status_words[]; /* in the order of the enums */

#endif
