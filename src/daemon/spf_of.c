#include "daemon/spf_of.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "account/canonical.h"

/* With its domain in A-labels (RFC 8616 4). */
static void put_sender(struct buf *out, struct str sender)
{
	char domain[ADDRESS_MAX + 1];
	size_t at = str_rfind(sender, '@') + 1, n;

	if (!str_ascii(sender) && canonical_domain_name(str_from(sender, at), domain, &n)) {
		buf_put(out, str_head(sender, at));
		buf_put(out, str_of(domain, n));
	} else {
		buf_put(out, sender);
	}
}

struct spf *spf_of(struct str address, struct str helo, struct str reverse_path)
{
	struct spf_client client = { .helo = helo };
	struct buf sender = { 0 };
	char text[INET6_ADDRSTRLEN];
	struct spf *spf;

	snprintf(text, sizeof text, "%.*s", STR_ARG(address));
	if (inet_pton(AF_INET, text, client.ip) != 1) {
		client.ipv6 = true;
		(void)inet_pton(AF_INET6, text, client.ip);
	}
	put_sender(&sender, reverse_path);
	client.sender = buf_str(&sender);
	spf = spf_new(&client);
	buf_deinit(&sender);
	return spf;
}
