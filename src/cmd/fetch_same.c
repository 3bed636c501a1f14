/* A listing that was settled: each message in it is known, and none is to be deleted.  The same one again, with mail that
 * is kept there, asks for nothing, so of ten thousand messages none is looked up. */
#include <openssl/evp.h>

#include "base/codec.h"
#include "cmd/fetch.h"

/* Another size is another message, though the UIDL is the same. */
static void digest(struct fetch *f)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct buf all = { 0 };

	buf_clear(&f->now);
	for (size_t i = 0; i < f->count; i++)
		if (f->messages[i].uidl_at == SIZE_MAX)
			return;
	buf_put(&all, buf_str(&f->uidls));
	for (size_t i = 0; i < f->count; i++)
		put_u64(&all, f->messages[i].octets);
	EVP_Digest(all.data, all.len, hash, NULL, EVP_sha256(), NULL);
	buf_deinit(&all);
	hex_put(&f->now, str_of(hash, 32));
}

static bool keeps(const struct fetch *f)
{
	return f->full.n == 0 && str_eq(str_c(f->remote->keep), STR("keep"));
}

bool fetch_same(struct fetch *f)
{
	digest(f);
	return keeps(f) && f->now.len > 0 && str_eq(buf_str(&f->now), buf_str(&f->last));
}

enum status fetch_settled(struct fetch *f, struct err *err)
{
	if (!keeps(f) || f->now.len == 0 || str_eq(buf_str(&f->now), buf_str(&f->last)))
		return ST_OK;
	for (size_t i = 0; i < f->count; i++)
		if (!f->messages[i].stored &&
			(!f->messages[i].known || f->messages[i].action != FETCH_KEEP))
			return ST_OK;
	return fetch_ask(f,
		json_pack("{s:s, s:s, s:[], s:[], s:s%}", "verb", "remote.note", "remote",
			f->remote->name, "rows", "gone", "listing", f->now.data, f->now.len),
		err);
}
