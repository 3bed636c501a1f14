/* web_get.h -- HTTPS transfers by libcurl in our loop.  No names are resolved and no files read after
 * web_new(): the caller has the addresses. */
#ifndef RESTANTE_DAEMON_WEB_GET_H
#define RESTANTE_DAEMON_WEB_GET_H

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "daemon/web_curl.h"
#include "net/loop.h"

struct web {
	struct loop *loop;
	const struct curl_calls *curl;
	CURLM *multi;
	struct loop_timer timer;
	struct str roots; /* PEM, the owner's */
	size_t running;
	struct link sockets;
};

struct web_get {
	struct link link; /* the owner's */
	struct web *web;
	CURL *curl;
	struct curl_slist *resolve;
	struct buf body;
	char error[CURL_ERROR_SIZE];
	const char *type; /* the owner's: Content-Type that it has to be; NULL: any */
	bool is_type;
	size_t head; /* octets of its fields so far */
	/* error "": body is what a 200 brought. */
	void (*done)(struct web_get *g);
};

/* Fails when libcurl cannot be loaded; then curl is NULL and nothing is to be undone. */
enum status web_init(struct web *w, struct loop *l, struct str roots, struct err *err);
void web_deinit(struct web *w); /* when nothing is running */

/* https://HOST[:PORT]PATH at one of the addresses ("192.0.2.1,[2001:db8::1]"), at most `most` octets.
 * done() comes later, once. */
void web_get_start(struct web *w, struct web_get *g, const char *url, const char *resolve,
	size_t most, void (*done)(struct web_get *g));
void web_get_deinit(struct web_get *g); /* also ends one under way */

#endif
