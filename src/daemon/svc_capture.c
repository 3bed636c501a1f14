/* What a captured session said, line by line: "C: " and "S: ".  It begins after the login, so neither password
 * nor SASL was ever sent here; a client that repeats its login is masked. */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/capture.h"
#include "daemon/svc.h"

struct svc_capture {
	int fd;
	uint64_t left;
	char last;       /* who spoke last: 'C', 'S', or '\0' between lines */
	char verb[4];    /* of the client's line */
	size_t verb_len; /* octets of that line so far, no more than 4 */
	bool masked;
};

static void put(struct svc_capture *c, struct str s)
{
	while (s.n > 0) {
		ssize_t n = write(c->fd, s.p, s.n);

		if (n <= 0)
			return; /* a full disk is no reason to disturb the session */
		s = str_from(s, (size_t)n);
	}
}

uint64_t svc_capture_begin(struct svc_session *x)
{
	int fd = capture_file(&x->edge->svc->office, x->account, str_c(x->sid));
	struct buf b = { 0 };

	if (fd < 0)
		return 0;
	svc_capture_end(x);
	x->capture = NEW(struct svc_capture);
	x->capture->fd = fd;
	x->capture->left = CAPTURE_OCTETS;
	buf_printf(&b, "session %s from %s, logged in (login not recorded)\n", x->sid, x->peer);
	put(x->capture, buf_str(&b));
	buf_deinit(&b);
	log_info("capture.begin", F_C("sid", x->sid));
	return CAPTURE_OCTETS;
}

void svc_capture_end(struct svc_session *x)
{
	if (x->capture == NULL)
		return;
	close(x->capture->fd);
	free(x->capture);
	x->capture = NULL;
}

static bool is_secret(const char verb[4])
{
	static const struct str verbs[] = { STR_INIT("PASS"), STR_INIT("AUTH"), STR_INIT("APOP") };

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (str_ieq(str_of(verb, 4), verbs[i]))
			return true;
	return false;
}

static void put_octet(struct svc_capture *c, struct buf *out, char who, char octet)
{
	if (c->last != who) {
		buf_put(out, c->last == '\0' ? STR("") : STR("\n"));
		buf_putc(out, who);
		buf_put(out, STR(": "));
		c->last = who;
	}
	if (octet == '\n') {
		c->last = '\0';
		if (who == 'C') {
			c->verb_len = 0;
			c->masked = false;
		}
	}
	if (who == 'C' && c->masked)
		return;
	buf_putc(out, octet);
	if (who == 'S' || octet == '\n' || c->verb_len == sizeof c->verb)
		return;
	c->verb[c->verb_len++] = octet;
	c->masked = c->verb_len == sizeof c->verb && is_secret(c->verb);
	if (c->masked)
		buf_put(out, STR(" ****"));
}

/* Octet 0 says who: 'C' or 'S'. */
bool svc_capture_put(struct svc_session *x, struct reader *r)
{
	char who = (char)get_u8(r);
	struct str octets = get_bytes(r, r->rest.n);
	struct svc_capture *c = x->capture;
	struct buf out = { 0 };

	if (r->bad || (who != 'C' && who != 'S'))
		return false;
	if (c == NULL)
		return true;
	octets = str_head(octets, c->left);
	c->left -= octets.n;
	for (size_t i = 0; i < octets.n; i++)
		put_octet(c, &out, who, octets.p[i]);
	if (c->left == 0 && octets.n > 0)
		buf_put(&out, STR("\n(the rest is not recorded)\n"));
	put(c, buf_str(&out));
	buf_deinit(&out);
	return true;
}
