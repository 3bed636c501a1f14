/* Whose domains a message has in From. */
#include "mime/address.h"
#include "mime/field.h"
#include "trust/dmarc.h"

static void put_domain(struct buf *domains, struct str domain)
{
	buf_put(domains, domain);
	buf_putc(domains, '\n');
}

static bool may_be_domain(char c)
{
	return (unsigned char)c >= 0x80 || ascii_digit(c) || c == '.' || c == '-' || c == '_' ||
	       (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

/* A mail client shows something of it all the same: whatever stands behind an "@". */
static void put_all_domains(struct buf *domains, struct str body)
{
	while (body.n > 0) {
		size_t n = 0;

		(void)str_cut(&body, '@');
		while (n < body.n && may_be_domain(body.p[n]))
			n++;
		if (n > 0)
			put_domain(domains, str_head(body, n));
	}
}

static void put_field(struct buf *domains, struct str body)
{
	struct address_list list = { .rest = body };
	enum address_result result;
	struct buf one = { 0 };

	while ((result = address_cut(&list, &one)) == ADDRESS_CUT) {
		struct str address = buf_str(&one);

		put_domain(domains, str_from(address, str_rfind(address, '@') + 1));
	}
	if (result == ADDRESS_BAD)
		put_all_domains(domains, body);
	buf_deinit(&one);
}

bool dmarc_from(struct str header, struct buf *domains)
{
	struct field field;

	domains->max = DMARC_FROM_MAX;
	while (header.n > 0)
		if (!field_cut(&header, &field))
			(void)str_cut(&header, '\n');
		else if (str_ieq(field.name, STR("From")))
			put_field(domains, field.body);
	return !domains->full;
}
