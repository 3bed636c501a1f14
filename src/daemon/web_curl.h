/* web_curl.h -- libcurl, loaded when it is needed.
 *
 * With it come thirty libraries (LDAP, Kerberos, GnuTLS), 3 ms of CPU in each program that is linked with it; only the
 * web process and `setup` speak HTTPS.  Debian: the package depends on libcurl4 by name. */
#ifndef RESTANTE_DAEMON_WEB_CURL_H
#define RESTANTE_DAEMON_WEB_CURL_H

#include <curl/curl.h>

#include "base/err.h"

/* Each is what <curl/curl.h> declares as curl_NAME. */
#define CURL_CALLS(CALL)                                                                           \
	CALL(global_init)                                                                          \
	CALL(global_cleanup)                                                                       \
	CALL(easy_init)                                                                            \
	CALL(easy_setopt)                                                                          \
	CALL(easy_getinfo)                                                                         \
	CALL(easy_strerror)                                                                        \
	CALL(easy_cleanup)                                                                         \
	CALL(multi_init)                                                                           \
	CALL(multi_setopt)                                                                         \
	CALL(multi_add_handle)                                                                     \
	CALL(multi_assign)                                                                         \
	CALL(multi_info_read)                                                                      \
	CALL(multi_remove_handle)                                                                  \
	CALL(multi_socket_action)                                                                  \
	CALL(multi_cleanup)                                                                        \
	CALL(slist_append)                                                                         \
	CALL(slist_free_all)

#define CURL_POINTER(name) __typeof__(curl_##name) *name;
struct curl_calls {
	CURL_CALLS(CURL_POINTER)
};

/* The calls, loaded once; before any sandbox.  NULL: err tells. */
const struct curl_calls *curl_calls(struct err *err);

#endif
