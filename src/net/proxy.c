#include <arpa/inet.h>
#include <netinet/in.h>

#include "net/proxy.h"

enum { V2_FIXED = 16, V2_INET = 12, V2_INET6 = 36 };

static const struct str signature = STR_INIT("\r\n\r\n\0\r\nQUIT\n");
static const struct str v1 = STR_INIT("PROXY ");

static void set_client(struct proxy *p, int family, const void *ip, unsigned port)
{
	p->told = true;
	if (family == AF_INET) {
		struct sockaddr_in *sa = (struct sockaddr_in *)&p->client;

		sa->sin_family = AF_INET;
		sa->sin_port = htons((uint16_t)port);
		memcpy(&sa->sin_addr, ip, sizeof sa->sin_addr);
	} else {
		struct sockaddr_in6 *sa = (struct sockaddr_in6 *)&p->client;

		sa->sin6_family = AF_INET6;
		sa->sin6_port = htons((uint16_t)port);
		memcpy(&sa->sin6_addr, ip, sizeof sa->sin6_addr);
	}
}

static bool get_address(struct str text, int family, unsigned char to[16])
{
	char c[INET6_ADDRSTRLEN] = { 0 };

	if (text.n == 0 || text.n >= sizeof c || str_find(text, '\0') != text.n)
		return false;
	memcpy(c, text.p, text.n);
	return inet_pton(family, c, to) == 1;
}

static bool get_port(struct str text, uint64_t *port)
{
	return text.n <= 5 && str_u64(text, port) && *port <= UINT16_MAX &&
	       (text.n == 1 || text.p[0] != '0');
}

/* 2.1: "PROXY" SP family SP source SP destination SP port SP port CRLF, one space each. */
static enum proxy_result parse_v1(struct proxy *p)
{
	struct str rest = str_of(p->head + v1.n, p->n - v1.n - 2), family = str_cut(&rest, ' ');
	struct str source = str_cut(&rest, ' '), target = str_cut(&rest, ' ');
	struct str source_port = str_cut(&rest, ' ');
	unsigned char from[16], to[16];
	uint64_t port, unused;
	int af = str_eq(family, STR("TCP4")) ? AF_INET : AF_INET6;

	if (str_eq(family, STR("UNKNOWN")))
		return PROXY_DONE; /* what follows is to be ignored */
	if ((af == AF_INET6 && !str_eq(family, STR("TCP6"))) || !get_address(source, af, from) ||
		!get_address(target, af, to) || !get_port(source_port, &port) ||
		!get_port(rest, &unused))
		return PROXY_BAD;
	set_client(p, af, from, (unsigned)port);
	return PROXY_DONE;
}

static unsigned be16(const char *at)
{
	return (unsigned)(unsigned char)at[0] << 8 | (unsigned char)at[1];
}

/* 2.2: the fixed part says how long it is and what stands in it. */
static bool v2_begins_well(struct proxy *p)
{
	unsigned char command = (unsigned char)p->head[12], family = (unsigned char)p->head[13];
	size_t length = be16(p->head + 14);

	p->want = V2_FIXED + length;
	if (length > PROXY_V2_MAX || (command != 0x20 && command != 0x21))
		return false;
	if (command == 0x20 || family == 0x00)
		return true; /* LOCAL, UNSPEC: the addresses do not count */
	return (family == 0x11 && length >= V2_INET) || (family == 0x21 && length >= V2_INET6);
}

static void finish_v2(struct proxy *p)
{
	const char *at = p->head + V2_FIXED;

	if (p->head[12] == 0x20 || p->head[13] == 0x00)
		return;
	if (p->head[13] == 0x11)
		set_client(p, AF_INET, at, be16(at + 8));
	else
		set_client(p, AF_INET6, at, be16(at + 32));
}

/* One octet more. */
static enum proxy_result feed(struct proxy *p, char c)
{
	if (p->n < sizeof p->head)
		p->head[p->n] = c;
	p->n++;
	if (p->head[0] == 'P') {
		if (p->n <= v1.n && c != v1.p[p->n - 1])
			return PROXY_BAD;
		if (c == '\n')
			return p->n > v1.n + 2 && p->head[p->n - 2] == '\r' ? parse_v1(p)
									    : PROXY_BAD;
		return p->n == PROXY_V1_MAX ? PROXY_BAD : PROXY_MORE;
	}
	if (p->n <= signature.n)
		return c == signature.p[p->n - 1] ? PROXY_MORE : PROXY_BAD;
	if (p->n == V2_FIXED && !v2_begins_well(p))
		return PROXY_BAD;
	if (p->n < V2_FIXED || p->n < p->want)
		return PROXY_MORE;
	finish_v2(p);
	return PROXY_DONE;
}

enum proxy_result proxy_feed(struct proxy *p, struct str s, size_t *used)
{
	enum proxy_result result = PROXY_MORE;

	for (*used = 0; *used < s.n && result == PROXY_MORE; ++*used)
		result = feed(p, s.p[*used]);
	return result;
}
