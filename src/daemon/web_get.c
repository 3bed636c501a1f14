#include "daemon/web_get.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "daemon/web.h"

enum { HEAD_MAX = 64 * 1024 };

struct watched {
	struct link link;
	struct web *web;
	struct loop_io io;
	curl_socket_t fd;
};

/* Ends those that have ended. */
static void collect(struct web *w)
{
	CURLMsg *m;
	int left;

	while ((m = w->curl->multi_info_read(w->multi, &left)) != NULL) {
		struct web_get *g = NULL;
		long code = 0;

		if (m->msg != CURLMSG_DONE)
			continue;
		w->curl->easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &g);
		w->curl->easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &code);
		if (g->head > HEAD_MAX)
			snprintf(g->error, sizeof g->error, "header over %d octets", (int)HEAD_MAX);
		else if (g->body.full)
			snprintf(g->error, sizeof g->error, "over %zu octets", g->body.max);
		else if (m->data.result != CURLE_OK && g->error[0] == '\0')
			snprintf(g->error, sizeof g->error, "%s",
				w->curl->easy_strerror(m->data.result));
		else if (m->data.result == CURLE_OK && code != 200)
			snprintf(g->error, sizeof g->error, "HTTP status %ld", code);
		else if (m->data.result == CURLE_OK && !g->is_type)
			snprintf(g->error, sizeof g->error, "not %s", g->type);
		w->curl->multi_remove_handle(w->multi, g->curl);
		w->running--;
		g->done(g);
	}
}

static void act(struct web *w, curl_socket_t fd, int events)
{
	int running;

	w->curl->multi_socket_action(w->multi, fd, events, &running);
	collect(w);
}

static void on_ready(struct loop_io *io, int events)
{
	struct watched *s = LIST_OF(io, struct watched, io);

	act(s->web, s->fd,
		((events & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) |
			((events & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void on_timer(struct loop_timer *t)
{
	act(LIST_OF(t, struct web, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
	struct web *w = arg;

	(void)multi;
	if (ms < 0)
		loop_timer_stop(&w->timer);
	else
		loop_timer_at(&w->timer, loop_now_ms(w->loop) + ms);
	return 0;
}

static void forget(struct watched *s)
{
	loop_io_want(&s->io, 0);
	list_del(&s->link);
	free(s);
}

static int watch(CURL *curl, curl_socket_t fd, int what, void *arg, void *socket)
{
	struct web *w = arg;
	struct watched *s = socket;

	(void)curl;
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL)
			forget(s);
		return 0;
	}
	if (s == NULL) {
		s = NEW(struct watched);
		s->web = w;
		s->fd = fd;
		loop_io_init(&s->io, w->loop, fd, on_ready);
		list_append(&w->sockets, &s->link);
		w->curl->multi_assign(w->multi, fd, s);
	}
	loop_io_want(&s->io, ((what & CURL_POLL_IN) != 0 ? LOOP_READ : 0) |
				     ((what & CURL_POLL_OUT) != 0 ? LOOP_WRITE : 0));
	return 0;
}

enum status web_init(struct web *w, struct loop *l, struct str roots, struct err *err)
{
	const struct curl_calls *curl = curl_calls(err);

	*w = (struct web){ .loop = l, .curl = curl, .roots = roots };
	if (curl == NULL)
		return ST_IO;
	list_init(&w->sockets);
	loop_timer_init(&w->timer, l, on_timer);
	if (curl->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
		(w->multi = curl->multi_init()) == NULL)
		abort();
	curl->multi_setopt(w->multi, CURLMOPT_SOCKETFUNCTION, watch);
	curl->multi_setopt(w->multi, CURLMOPT_SOCKETDATA, w);
	curl->multi_setopt(w->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl->multi_setopt(w->multi, CURLMOPT_TIMERDATA, w);
	curl->multi_setopt(w->multi, CURLMOPT_MAXCONNECTS, 1L);
	return ST_OK;
}

void web_deinit(struct web *w)
{
	w->curl->multi_cleanup(w->multi);
	while (!list_empty(&w->sockets))
		forget(LIST_OF(w->sockets.next, struct watched, link));
	loop_timer_stop(&w->timer);
	w->curl->global_cleanup();
}

static size_t on_body(char *octets, size_t size, size_t n, void *arg)
{
	struct web_get *g = arg;

	buf_put(&g->body, str_of(octets, size * n));
	return g->body.full ? 0 : size * n;
}

/* Whatever parameters the type has (RFC 8461 3.2). */
static size_t on_header(char *octets, size_t size, size_t n, void *arg)
{
	struct web_get *g = arg;
	struct str value = str_of(octets, size * n), name;

	/* A server can send fields as long as the time allows, and libcurl keeps them (CVE-2023-38039). */
	g->head += value.n;
	if (g->head > HEAD_MAX)
		return 0;
	if (str_istarts(value, STR("HTTP/")))
		g->is_type = g->type == NULL; /* the head of another response */
	name = str_cut(&value, ':');
	if (g->type != NULL && str_ieq(name, STR("Content-Type"))) {
		struct str type = str_head(value, str_find(value, ';'));

		type = str_head(type, str_find(type, '\r'));
		g->is_type = str_ieq(str_trim(type), str_c(g->type));
	}
	return size * n;
}

/* RFC 8461 3.3: https and nothing else, no redirection, no cache.  What the environment and files of
 * the user say of proxies and passwords does not count. */
static void set_options(struct web_get *g, const char *url)
{
	__typeof__(g->web->curl->easy_setopt) setopt = g->web->curl->easy_setopt;
	struct curl_blob roots = { .data = (void *)(uintptr_t)g->web->roots.p,
		.len = g->web->roots.n,
		.flags = CURL_BLOB_NOCOPY };

	setopt(g->curl, CURLOPT_URL, url);
	setopt(g->curl, CURLOPT_PROTOCOLS_STR, "https");
	setopt(g->curl, CURLOPT_FOLLOWLOCATION, 0L);
	setopt(g->curl, CURLOPT_SSL_VERIFYPEER, 1L);
	setopt(g->curl, CURLOPT_SSL_VERIFYHOST, 2L);
	setopt(g->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	setopt(g->curl, CURLOPT_CAINFO, NULL);
	setopt(g->curl, CURLOPT_CAPATH, NULL);
	setopt(g->curl, CURLOPT_CAINFO_BLOB, &roots);
	setopt(g->curl, CURLOPT_RESOLVE, g->resolve);
	setopt(g->curl, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	setopt(g->curl, CURLOPT_PROXY, "");
	setopt(g->curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	setopt(g->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	setopt(g->curl, CURLOPT_FORBID_REUSE, 1L);
	setopt(g->curl, CURLOPT_NOSIGNAL, 1L);
	setopt(g->curl, CURLOPT_USERAGENT, "restante");
	setopt(g->curl, CURLOPT_TIMEOUT_MS, (long)WEB_TIMEOUT_MS);
	setopt(g->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)WEB_CONNECT_MS);
	setopt(g->curl, CURLOPT_ERRORBUFFER, g->error);
	setopt(g->curl, CURLOPT_PRIVATE, g);
	setopt(g->curl, CURLOPT_WRITEFUNCTION, on_body);
	setopt(g->curl, CURLOPT_WRITEDATA, g);
	setopt(g->curl, CURLOPT_HEADERFUNCTION, on_header);
	setopt(g->curl, CURLOPT_HEADERDATA, g);
}

void web_get_start(struct web *w, struct web_get *g, const char *url, const char *resolve,
	size_t most, void (*done)(struct web_get *g))
{
	g->web = w;
	g->done = done;
	g->curl = w->curl->easy_init();
	g->resolve = w->curl->slist_append(NULL, resolve);
	buf_init(&g->body, most);
	if (g->curl == NULL || g->resolve == NULL)
		abort();
	set_options(g, url);
	if (w->curl->multi_add_handle(w->multi, g->curl) != CURLM_OK)
		abort();
	w->running++;
}

void web_get_deinit(struct web_get *g)
{
	if (g->curl != NULL) {
		g->web->curl->multi_remove_handle(g->web->multi, g->curl);
		g->web->curl->easy_cleanup(g->curl);
		g->web->curl->slist_free_all(g->resolve);
	}
	buf_deinit(&g->body);
	g->curl = NULL;
	g->resolve = NULL;
}
