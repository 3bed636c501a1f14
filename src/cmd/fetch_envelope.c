/* To whom the messages of a mailbox go that has the mail of a whole domain: those whom the provider wrote into the field
 * that `envelope_field` names, the first of that name, since each server puts its own above what was there.
 *
 * To and Cc are never asked: who is in Bcc would lose the mail, and who is on a list would get that of others. */
#include "cmd/fetch.h"
#include "mime/address.h"
#include "mime/field.h"
#include "proto/path.h"

static bool is_domain_of(const struct config_remote *r, struct str domain)
{
	struct str all = str_c(r->envelope_domains);

	while (all.n > 0)
		if (str_ieq(str_cut(&all, ' '), domain))
			return domain.n > 0;
	return false;
}

static void take(const struct config_remote *r, struct str body, struct envelope *to)
{
	struct address_list list = { .rest = body };
	struct buf address = { 0 };
	struct path path;

	while (to->count < ENVELOPE_MAX && address_cut(&list, &address) == ADDRESS_CUT) {
		struct buf *at = &to->addresses[to->count];

		if (!path_mailbox(buf_str(&address), &path) || !is_domain_of(r, path.domain))
			continue;
		buf_put(at, buf_str(&address));
		to->rcpts[to->count++].address = buf_str(at);
	}
	buf_deinit(&address);
}

void envelope_read(const struct config_remote *r, struct str header, struct envelope *to)
{
	struct field field;

	*to = (struct envelope){ .count = 0 };
	while (r->envelope_field[0] != '\0' && field_cut(&header, &field))
		if (str_ieq(field.name, str_c(r->envelope_field))) {
			take(r, field.body, to);
			return;
		}
}

void envelope_free(struct envelope *to)
{
	for (size_t i = 0; i < to->count; i++)
		buf_deinit(&to->addresses[i]);
}
