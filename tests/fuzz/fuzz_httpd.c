/* HTTP: however the octets are cut into packets, the same request is seen and the same is answered. */
#include <stdlib.h>

#include "proto/httpd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give(struct str in, size_t piece, struct buf *seen)
{
	struct httpd *h = httpd_new(0);
	enum httpd_event_type type;

	while (in.n > 0 && httpd_wants_input(h)) {
		buf_put(httpd_in(h), str_head(in, piece));
		in = str_from(in, piece);
		while (httpd_next(h, &type)) {
			const struct httpd_request *r = httpd_request(h);
			struct buf value = { 0 };

			if (type == HTTPD_CLOSE)
				break;
			buf_put(seen, r->host);
			buf_put(seen, r->path);
			buf_put(seen, r->query);
			buf_put(seen, r->body);
			if (httpd_query(r->query, STR("a"), &value))
				buf_put(seen, buf_str(&value));
			buf_deinit(&value);
			httpd_answer(h, 200, STR("text/plain"), STR(""), STR("page"));
		}
	}
	httpd_timeout(h);
	buf_putu(seen, httpd_code(h)); /* the octets may have a 100 more, or less */
	httpd_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size > 40000 ? 40000 : size);
	struct buf whole = { 0 }, pieces = { 0 };

	/* The buffer has its limit: as much at a time as the owner would read. */
	give(in, 1000, &whole);
	give(in, in.n > 100 ? 777 : 1, &pieces);
	if (in.n < 8000 && !str_eq(buf_str(&whole), buf_str(&pieces)))
		abort();
	buf_deinit(&whole);
	buf_deinit(&pieces);
	return 0;
}
