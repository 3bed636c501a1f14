#include <stdlib.h>

#include "base/mem.h"
#include "trust/dkim_internal.h"

/* What is signed, and once more than it is there, so that nobody adds another (RFC 6376 8.15).  The List
 * fields may be added by a list that leaves the rest as it is: only those that are there are
 * protected. */
const struct dkim_covered dkim_covered[DKIM_COVERED] = {
	{ STR_INIT("From"), true },
	{ STR_INIT("Subject"), true },
	{ STR_INIT("Date"), true },
	{ STR_INIT("To"), true },
	{ STR_INIT("Cc"), true },
	{ STR_INIT("Reply-To"), true },
	{ STR_INIT("Message-ID"), true },
	{ STR_INIT("MIME-Version"), true },
	{ STR_INIT("Content-Type"), true },
	{ STR_INIT("In-Reply-To"), true },
	{ STR_INIT("References"), true },
	{ STR_INIT("Content-Transfer-Encoding"), false },
	{ STR_INIT("Sender"), false },
	{ STR_INIT("List-Id"), false },
	{ STR_INIT("List-Help"), false },
	{ STR_INIT("List-Unsubscribe"), false },
	{ STR_INIT("List-Unsubscribe-Post"), false },
	{ STR_INIT("List-Subscribe"), false },
	{ STR_INIT("List-Post"), false },
	{ STR_INIT("List-Owner"), false },
	{ STR_INIT("List-Archive"), false },
};

struct dkim_hash {
	struct dkim_message message;
	struct dkim_body body;
	bool ended;
	unsigned char digest[DKIM_DIGEST];
};

struct dkim_hash *dkim_hash_new(void)
{
	struct dkim_hash *h = NEW(struct dkim_hash);

	dkim_body_init(&h->body, true);
	return h;
}

void dkim_hash_free(struct dkim_hash *h)
{
	if (h == NULL)
		return;
	dkim_body_deinit(&h->body);
	dkim_message_deinit(&h->message);
	free(h);
}

void dkim_hash_feed(struct dkim_hash *h, struct str octets)
{
	dkim_body_feed(&h->body, dkim_message_feed(&h->message, octets));
}

static void end(struct dkim_hash *h)
{
	if (h->ended)
		return;
	h->ended = true;
	dkim_message_end(&h->message);
	dkim_body_end(&h->body, h->digest);
}

struct str dkim_hash_from(struct dkim_hash *h)
{
	end(h);
	for (size_t i = 0; i < h->message.count; i++)
		if (str_ieq(h->message.fields[i].name, STR("From")))
			return h->message.fields[i].body;
	return STR("");
}

/* h=, and what each of its names chooses goes to signed_octets. */
static bool put_names(
	struct dkim_message *m, struct buf *out, size_t *column, struct buf *signed_octets)
{
	const struct field *field;
	size_t named = 0;

	dkim_message_choose_anew(m);
	for (size_t i = 0; i < DKIM_COVERED; i++) {
		bool there = false;

		while ((field = dkim_message_choose(m, dkim_covered[i].name)) != NULL &&
			named < DKIM_NAMED_MAX) {
			dkim_put_name(out, column, named++ == 0, dkim_covered[i].name);
			dkim_canon_field(signed_octets, field->whole, true);
			there = true;
		}
		if (i == 0 && !there)
			return false; /* RFC 6376 5.4: From MUST be signed */
		if (there || dkim_covered[i].always)
			dkim_put_name(out, column, named++ == 0, dkim_covered[i].name);
	}
	return named < DKIM_NAMED_MAX;
}

/* All up to and with "b=". */
static bool put_unsigned(struct dkim_hash *h, const struct dkim_signer *s, struct buf *out,
	size_t *column, struct buf *signed_octets)
{
	buf_put(out, STR("DKIM-Signature: v=1;"));
	*column = out->len;
	dkim_put_tag(out, column, STR(" a="), dkim_algorithm_name(s->key->algorithm));
	dkim_put_tag(out, column, STR(" c="), STR("relaxed/relaxed"));
	dkim_put_tag(out, column, STR(" d="), s->domain);
	dkim_put_tag(out, column, STR(" s="), s->selector);
	dkim_put_time(out, column, STR(" t="), s->wall_ms);
	if (s->valid_ms > 0)
		dkim_put_time(out, column, STR(" x="), s->wall_ms + s->valid_ms);
	if (!put_names(&h->message, out, column, signed_octets))
		return false;
	buf_putc(out, ';');
	++*column;
	dkim_put_hash(out, column, h->digest);
	buf_put(out, STR(" b="));
	*column += 3;
	return true;
}

enum status dkim_sign(
	struct dkim_hash *h, const struct dkim_signer *s, struct buf *out, struct err *err)
{
	struct buf field = { 0 }, octets = { 0 };
	size_t column = 0;
	enum status status = ST_OK;

	end(h);
	if (h->message.too_long || !put_unsigned(h, s, &field, &column, &octets)) {
		status = err_set(
			err, ST_PERM, "dkim: the message has no From, or too much of a header");
		goto out;
	}
	if (!dkim_put_signature(s->key, &octets, &field, column)) {
		status = err_set(err, ST_IO, "dkim: libcrypto does not sign");
		goto out;
	}
	buf_put(out, buf_str(&field));
out:
	buf_deinit(&field);
	buf_deinit(&octets);
	return status;
}
