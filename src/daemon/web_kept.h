/* web_kept.h -- fetched policies, in a file that was open before the sandbox closed.
 *
 * Records are appended, each with its length and checksum; a torn one at the end is cut off.  What has
 * been replaced is dropped when the file is read, and when it has grown to its limit.  A policy that is
 * lost is fetched again: the file guards against who blocks that (RFC 8461 10.2). */
#ifndef RESTANTE_DAEMON_WEB_KEPT_H
#define RESTANTE_DAEMON_WEB_KEPT_H

#include "base/buf.h"
#include "base/list.h"

enum { KEPT_DOMAINS = 5000, KEPT_OCTETS = 16 << 20 };

struct kept {
	int fd;           /* -1: nothing survives the process */
	struct link rows; /* the oldest fetch first */
	size_t count, octets;
	uint64_t file_octets;
};

struct kept_row {
	struct link link;
	char *domain;
	struct buf id, body;
	int64_t fetched_ms;
};

void kept_open(struct kept *k, int fd);
void kept_close(struct kept *k); /* not fd */
/* NULL: none. */
const struct kept_row *kept_find(const struct kept *k, struct str domain);
void kept_put(
	struct kept *k, struct str domain, struct str id, int64_t fetched_ms, struct str body);

#endif
