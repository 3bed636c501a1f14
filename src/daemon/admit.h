/* admit.h -- may this mail come in?  The decisions at RCPT that follow from directory and configuration alone:
 * the same for a session and for restante explain. */
#ifndef RESTANTE_DAEMON_ADMIT_H
#define RESTANTE_DAEMON_ADMIT_H

#include "daemon/office.h"
#include "trust/srs.h"

struct admit {
	struct office *office;
	uint64_t account; /* who logged in; 0 nobody */
	bool local;       /* a user of this machine */
	bool notice;      /* the reverse-path is <> */
	bool relayed;     /* out: to another server because of who sends it; caps count those */
	const char *rule; /* out: what decided, for people */
};

/* Adds to *found when it is RESOLVED, only then. */
enum resolved admit_recipient(struct admit *a, struct str recipient, struct maildrops *found);
/* May who logged in send under this name? */
enum said admit_sender(struct admit *a, struct str sender);

struct admit_reply {
	unsigned code; /* 0: the engine's own */
	struct str text;
	const char *why; /* for the log */
};
struct admit_reply admit_reply(enum resolved resolved, const struct config *config);

/* For forwarding; false: the directory cannot be read. */
bool admit_srs(struct office *o, struct srs *srs, struct err *err);

#endif
