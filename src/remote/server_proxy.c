/* The way through a SOCKS proxy: the name is looked up behind it, so nobody here sees where the mail lies. */
#include "remote/server.h"

enum status server_pass_proxy(struct server *s, const struct socks *to, struct err *err)
{
	int64_t deadline = loop_now_ms(s->loop) + s->want.timeout_ms;
	struct socks through = *to;
	struct buf in, out = { .secret = true };
	enum status status = socks_begin(&through, &out, err);

	while (status == ST_MORE) {
		enum server_turn turn = SERVER_MOVED;

		buf_init(&in, through.wants); /* what follows is the server's */
		while (in.len < through.wants && turn == SERVER_MOVED && !server_interrupted(s))
			turn = server_turn(s, &in, &out, true, deadline);
		status = turn == SERVER_LATE
				 ? err_set(err, ST_TEMP, "the proxy does not answer in time")
				 : socks_take(&through, buf_str(&in), &out, err);
		buf_deinit(&in);
	}
	buf_deinit(&out);
	return status;
}
