/* httpd.h -- server side of HTTP/1.1, one request a connection (RFC 9112).  Pure.
 *
 * Just what clients need that ask how they are to be set up: GET, HEAD, and POST of a few octets.  Strict where
 * programs differ in what they read (RFC 9112 11.2): only CRLF ends a line, no folding, no blank before a colon, one
 * Host, one Content-Length, no Transfer-Encoding.  Each response closes the connection, so nothing can hide behind it.
 *
 *   while (httpd_next(h, &ev)): HTTPD_REQUEST: httpd_answer() before the next call; HTTPD_CLOSE: send out, then close. */
#ifndef RESTANTE_PROTO_HTTPD_H
#define RESTANTE_PROTO_HTTPD_H

#include "base/buf.h"

enum { HTTPD_HEAD_MAX = 8 * 1024, HTTPD_BODY_MAX = 16 * 1024, HTTPD_TIMEOUT_MS = 15 * 1000 };

enum httpd_method { HTTPD_GET, HTTPD_HEAD, HTTPD_POST };

struct httpd_request { /* views until httpd_answer() */
	enum httpd_method method;
	struct str host;        /* as it was said, without a port; "" for none */
	struct str path, query; /* as they were sent, "%" and all; what stands behind "?" */
	struct str body;
};

enum httpd_event_type { HTTPD_REQUEST, HTTPD_CLOSE };

struct httpd;

struct httpd *httpd_new(int64_t now_ms);
void httpd_free(struct httpd *h);
struct buf *httpd_in(struct httpd *h);
struct buf *httpd_out(struct httpd *h);
bool httpd_wants_input(const struct httpd *h);
bool httpd_next(struct httpd *h, enum httpd_event_type *type);
const struct httpd_request *httpd_request(const struct httpd *h);
/* type: of the body, "text/xml"; "": without one.  allow: the methods, for 405, else "". */
void httpd_answer(
	struct httpd *h, unsigned code, struct str type, struct str allow, struct str body);
int64_t httpd_deadline(const struct httpd *h);
void httpd_timeout(struct httpd *h);        /* 408 when a request has begun */
unsigned httpd_code(const struct httpd *h); /* that was answered; 0: none */

/* The value of a name in a query, "%" and "+" decoded, into `to`; false: it is not there or not decodable. */
bool httpd_query(struct str query, struct str name, struct buf *to);

#endif
