/* client_settings.h -- what mail clients are told that ask how they are to be set up.  Pure.
 *
 * Three forms of the same: Mozilla's (Thunderbird, K-9, Evolution, KMail), Microsoft's Autodiscover (Outlook) and
 * Apple's profile.  Servers and ports are those of the configuration; a listener without TLS is named to nobody. */
#ifndef RESTANTE_DAEMON_CLIENT_SETTINGS_H
#define RESTANTE_DAEMON_CLIENT_SETTINGS_H

#include "base/buf.h"
#include "daemon/config.h"

/* False: no listener that a client could use is there; nothing was put. */
bool settings_mozilla(struct buf *out, const struct config *c, struct str domain);
bool settings_outlook(struct buf *out, const struct config *c, struct str address);
bool settings_apple(struct buf *out, const struct config *c, struct str address);

#endif
