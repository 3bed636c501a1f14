#include "proto/socks.h"

#include "proto/path.h"

enum {
	VERSION = 5,
	AUTH_VERSION = 1,
	METHOD_NONE = 0,
	METHOD_PASSWORD = 2,
	CONNECT = 1,
	ADDRESS_V4 = 1,
	ADDRESS_NAME = 3,
	ADDRESS_V6 = 4,
	PORT_DEFAULT = 1080,
};

static void put_text(struct buf *out, struct str s)
{
	buf_putc(out, (char)s.n);
	buf_put(out, s);
}

static unsigned char octet(struct str in, size_t at)
{
	return (unsigned char)in.p[at];
}

enum status socks_begin(struct socks *s, struct buf *out, struct err *err)
{
	bool secret = s->user.n > 0;

	if (s->host.n == 0 || s->host.n > SOCKS_TEXT_MAX || s->user.n > SOCKS_TEXT_MAX ||
		s->password.n > SOCKS_TEXT_MAX)
		return err_set(err, ST_USAGE, "proxy: a name or password has more than 255 octets");
	if (secret != (s->password.n > 0))
		return err_set(err, ST_USAGE, "proxy: a user and a password go together");
	buf_putc(out, VERSION);
	buf_putc(out, secret ? 2 : 1);
	buf_putc(out, METHOD_NONE);
	if (secret)
		buf_putc(out, METHOD_PASSWORD);
	s->stage = SOCKS_METHOD;
	s->wants = 2;
	return ST_MORE;
}

/* RFC 1928 4.  An address goes as a name too: proxies parse it, and this knows of no families. */
static enum status ask(struct socks *s, struct buf *out)
{
	buf_putc(out, VERSION);
	buf_putc(out, CONNECT);
	buf_putc(out, 0);
	buf_putc(out, ADDRESS_NAME);
	put_text(out, s->host);
	buf_putc(out, (char)(s->port >> 8));
	buf_putc(out, (char)(s->port & 0xff));
	s->stage = SOCKS_REPLY;
	s->wants = 5; /* as far as a name's length */
	return ST_MORE;
}

static enum status method(struct socks *s, struct str in, struct buf *out, struct err *err)
{
	if (octet(in, 0) != VERSION)
		return err_set(err, ST_PROTO, "the proxy does not speak SOCKS 5");
	if (octet(in, 1) == METHOD_NONE)
		return ask(s, out);
	if (octet(in, 1) != METHOD_PASSWORD || s->user.n == 0)
		return err_set(err, ST_PERM, "the proxy wants %s",
			s->user.n == 0 ? "a user and a password" : "another way to log in");
	buf_putc(out, AUTH_VERSION); /* RFC 1929 2 */
	put_text(out, s->user);
	put_text(out, s->password);
	s->stage = SOCKS_PASSWORD;
	s->wants = 2;
	return ST_MORE;
}

static enum status reply(struct socks *s, struct str in, struct err *err)
{
	static const char *const texts[] = { "", "general failure", "its rules forbid it",
		"the network cannot be reached", "the host cannot be reached", "connection refused",
		"it took too long", "it has no CONNECT", "it has no addresses of that kind" };
	unsigned code = octet(in, 1);

	if (octet(in, 0) != VERSION)
		return err_set(err, ST_PROTO, "the proxy does not speak SOCKS 5");
	if (code != 0)
		return err_set(err, code == 2 ? ST_PERM : ST_TEMP, "the proxy: %s",
			code < sizeof texts / sizeof texts[0] ? texts[code] : "unknown failure");
	switch (octet(in, 3)) { /* BND.ADDR and BND.PORT, but for the octet that was read */
	case ADDRESS_V4: s->wants = 4 - 1 + 2; break;
	case ADDRESS_V6: s->wants = 16 - 1 + 2; break;
	case ADDRESS_NAME: s->wants = (size_t)octet(in, 4) + 2; break;
	default: return err_set(err, ST_PROTO, "the proxy does not speak SOCKS 5");
	}
	s->stage = SOCKS_BOUND;
	return ST_MORE;
}

enum status socks_take(struct socks *s, struct str in, struct buf *out, struct err *err)
{
	if (in.n != s->wants)
		return err_set(err, ST_PROTO, "the proxy closed the connection");
	switch (s->stage) {
	case SOCKS_METHOD: return method(s, in, out, err);
	case SOCKS_PASSWORD:
		return octet(in, 1) == 0 ? ask(s, out)
					 : err_set(err, ST_PERM, "the proxy refused the password");
	case SOCKS_REPLY: return reply(s, in, err);
	case SOCKS_BOUND: s->stage = SOCKS_THROUGH; return ST_OK;
	case SOCKS_THROUGH: break;
	}
	return ST_OK;
}

bool socks_parse(
	struct str text, struct str *host, uint16_t *port, struct str *user, struct str *password)
{
	const struct str scheme = STR("socks5://");
	size_t at;

	*user = *password = STR("");
	if (!str_starts(text, scheme))
		return false;
	text = str_from(text, scheme.n);
	at = str_rfind(text, '@');
	if (at < text.n) {
		*user = str_head(text, str_find(str_head(text, at), ':'));
		*password = str_head(str_from(text, user->n + 1), at - user->n - 1);
		if (user->n == 0 || user->n >= at || password->n == 0)
			return false;
		text = str_from(text, at + 1);
	}
	return path_host_port(text, PORT_DEFAULT, host, port) && host->n <= SOCKS_TEXT_MAX &&
	       user->n <= SOCKS_TEXT_MAX && password->n <= SOCKS_TEXT_MAX;
}
