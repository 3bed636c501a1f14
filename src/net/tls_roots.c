#include "net/tls_roots.h"

#include <openssl/err.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"

enum { BIT_STRING = 0x03, OID = 0x06, UNIVERSAL_STRING = 0x1c, BMP_STRING = 0x1e };
enum { INTEGER = 0x02, SEQUENCE = 0x30, SET = 0x31, VERSION = 0xa0 };

struct root {
	struct str body; /* base64, in the caller's text */
	uint32_t subject;
};

struct roots { /* owned by the X509_LOOKUP of a store */
	struct root *rows;
	size_t count;
};

/* Cuts one value of DER off; false: it is not whole, or its length not definite. */
static bool cut(struct str *rest, unsigned char *tag, struct str *content)
{
	const unsigned char *p = (const unsigned char *)rest->p;
	size_t head = 2, n;

	if (rest->n < 2)
		return false;
	n = p[1];
	if (n > 0x80 && n <= 0x83) {
		head += n - 0x80;
		if (rest->n < head)
			return false;
		n = 0;
		for (size_t i = 2; i < head; i++)
			n = n << 8 | p[i];
	} else if (n >= 0x80) {
		return false;
	}
	if (rest->n - head < n)
		return false;
	*tag = p[0];
	*content = str_of(rest->p + head, n);
	*rest = str_from(*rest, head + n);
	return true;
}

static bool cut_a(struct str *rest, unsigned char tag, struct str *content)
{
	unsigned char found;

	return cut(rest, &found, content) && found == tag;
}

static uint32_t value_hash(unsigned char tag, struct str value)
{
	size_t step = tag == BMP_STRING ? 2 : tag == UNIVERSAL_STRING ? 4 : 1;
	uint32_t h = 2166136261U; /* FNV-1a */

	for (size_t i = 0; i + step <= value.n; i += step) {
		char c = ascii_lower(value.p[i + step - 1]);
		bool ascii = true;

		for (size_t j = 0; j + 1 < step; j++)
			ascii &= value.p[i + j] == '\0';
		if (ascii && (ascii_digit(c) || (c >= 'a' && c <= 'z')))
			h = (h ^ (unsigned char)c) * 16777619U;
	}
	return h;
}

/* The same for all names that X509_NAME_cmp() finds equal, which are more than the equal octets (RFC 5280 7.1): case,
 * spaces, the type of a string and the order within a set do not count, so only letters and digits of
 * ASCII do here. */
static bool name_hash(struct str der, uint32_t *hash)
{
	struct str name, set, part, value;
	unsigned char tag;

	*hash = 0;
	if (!cut_a(&der, SEQUENCE, &name))
		return false;
	while (name.n > 0) {
		if (!cut_a(&name, SET, &set))
			return false;
		while (set.n > 0) {
			if (!cut_a(&set, SEQUENCE, &part) || !cut_a(&part, OID, &value) ||
				!cut(&part, &tag, &value))
				return false;
			*hash += value_hash(tag, value);
		}
	}
	return true;
}

/* RFC 5280 4.1. */
static bool subject_hash(struct str der, uint32_t *hash)
{
	struct str cert, tbs, value, subject;
	unsigned char tag;

	if (!cut_a(&der, SEQUENCE, &cert) || !cut_a(&cert, SEQUENCE, &tbs) ||
		!cut_a(&cert, SEQUENCE, &value) || !cut_a(&cert, BIT_STRING, &value))
		return false;
	if (!cut(&tbs, &tag, &value) || (tag == VERSION && !cut(&tbs, &tag, &value)) ||
		tag != INTEGER)
		return false;
	for (int i = 0; i < 3; i++) /* signature, issuer, validity */
		if (!cut_a(&tbs, SEQUENCE, &value))
			return false;
	subject = tbs;
	return cut_a(&tbs, SEQUENCE, &value) && cut_a(&tbs, SEQUENCE, &value) &&
	       name_hash(subject, hash);
}

enum { PAD = 64, SPACE = 65, NONE = 66 }; /* below: what a digit is worth */

static const unsigned char *digits(void)
{
	static unsigned char values[256];

	for (int c = 0; values[255] == 0 && c < 256; c++)
		values[c] = base64_value((char)c) >= 0 ? (unsigned char)base64_value((char)c)
			    : c == '='                 ? PAD
			    : c > 0 && c <= ' '        ? SPACE
						       : NONE;
	return values;
}

/* RFC 7468 3: white space anywhere.  EVP_DecodeUpdate() was nearly all of the walk over 144 certificates. */
static bool decode(struct str body, struct buf *der)
{
	const unsigned char *p = (const unsigned char *)body.p, *end = p + body.n,
			    *value = digits();
	char *to = buf_reserve(der, body.n / 4 * 3 + 3);
	size_t count = 0, pads = 0, n = 0;
	uint32_t bits = 0;

	while (p < end) {
		if (count % 4 == 0 && pads == 0 && end - p >= 4 &&
			(value[p[0]] | value[p[1]] | value[p[2]] | value[p[3]]) < PAD) {
			bits = (uint32_t)value[p[0]] << 18 | (uint32_t)value[p[1]] << 12 |
			       (uint32_t)value[p[2]] << 6 | value[p[3]];
			count += 4;
			p += 4;
		} else {
			unsigned v = value[*p++];

			if (v == NONE || (v < PAD && pads > 0))
				return false;
			pads += v == PAD;
			if (v >= PAD)
				continue;
			bits = bits << 6 | v;
			if (++count % 4 != 0)
				continue;
		}
		to[n++] = (char)(bits >> 16 & 0xff);
		to[n++] = (char)(bits >> 8 & 0xff);
		to[n++] = (char)(bits & 0xff);
	}
	if (count % 4 == 3)
		to[n++] = (char)(bits >> 10 & 0xff);
	if (count % 4 >= 2)
		to[n++] = (char)(bits >> (count % 4 == 3 ? 2 : 4) & 0xff);
	buf_grew(der, n);
	return pads == (4 - count % 4) % 4 && pads < 3;
}

static X509 *read_root(const struct root *r)
{
	struct buf der = { 0 };
	const unsigned char *p;
	X509 *cert = NULL;

	if (decode(r->body, &der)) {
		p = (const unsigned char *)der.data;
		cert = d2i_X509(NULL, &p, (long)der.len);
	}
	buf_deinit(&der);
	return cert;
}

/* All of that name go into the store, which chooses by key and date and asks no second time. */
static int by_subject(
	X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name, X509_OBJECT *found)
{
	const struct roots *r = X509_LOOKUP_get_method_data(lookup);
	const unsigned char *der;
	X509 *one = NULL;
	uint32_t hash;
	size_t n;

	if (type != X509_LU_X509 || X509_NAME_get0_der(name, &der, &n) != 1 ||
		!name_hash(str_of(der, n), &hash))
		return 0;
	ERR_set_mark();
	for (size_t i = 0; i < r->count; i++) {
		X509 *cert = r->rows[i].subject == hash ? read_root(&r->rows[i]) : NULL;

		if (cert != NULL && X509_NAME_cmp(X509_get_subject_name(cert), name) == 0) {
			if (X509_STORE_add_cert(X509_LOOKUP_get_store(lookup), cert) != 1)
				abort();
			if (one == NULL)
				one = cert;
		}
		X509_free(cert);
	}
	ERR_pop_to_mark();
	if (one == NULL)
		return 0;
	/* Who asked counts its own reference; that of the store keeps it alive until then. */
	if (X509_OBJECT_set1_X509(found, one) != 1)
		abort();
	X509_free(one);
	return 1;
}

static void free_lookup(X509_LOOKUP *lookup)
{
	struct roots *r = X509_LOOKUP_get_method_data(lookup);

	if (r != NULL)
		free(r->rows);
	free(r);
}

static X509_LOOKUP_METHOD *method(void)
{
	static X509_LOOKUP_METHOD *m;

	if (m == NULL && ((m = X509_LOOKUP_meth_new("PEM text")) == NULL ||
				 X509_LOOKUP_meth_set_free(m, free_lookup) != 1 ||
				 X509_LOOKUP_meth_set_get_by_subject(m, by_subject) != 1))
		abort();
	return m;
}

/* Cuts the next certificate off, what stands around and between them is skipped (RFC 7468 2).  false: no
 * more; what has begun but does not end has no body. */
static bool next_body(struct str *rest, struct str *body)
{
	const char *label = NULL;

	while (rest->n > 0) {
		const char *at = rest->p;
		struct str line = str_cut(rest, '\n');

		while (line.n > 0 && (unsigned char)line.p[line.n - 1] <= ' ')
			line.n--;
		if (label == NULL && (str_eq(line, STR("-----BEGIN CERTIFICATE-----")) ||
					     str_eq(line, STR("-----BEGIN X509 CERTIFICATE-----"))))
			label = rest->p;
		else if (label != NULL && str_starts(line, STR("-----END "))) {
			*body = str_of(label, (size_t)(at - label));
			return true;
		}
	}
	*body = STR("");
	return label != NULL;
}

enum status tls_roots_add(X509_STORE *store, struct str pem, size_t *count, struct err *err)
{
	struct roots *r = NEW(struct roots);
	X509_LOOKUP *lookup;
	struct buf der = { 0 };
	struct str rest = pem;
	struct root row;
	bool good = true;

	while (good && next_body(&rest, &row.body)) {
		buf_clear(&der);
		good = row.body.n <= INT32_MAX && decode(row.body, &der) &&
		       subject_hash(buf_str(&der), &row.subject);
		if ((r->count & (r->count + 1)) == 0) /* 0, 1, 3, 7 ... */
			r->rows = mem_array(r->rows, 2 * r->count + 1, sizeof *r->rows);
		r->rows[r->count++] = row;
	}
	buf_deinit(&der);
	lookup = X509_STORE_add_lookup(store, method());
	if (lookup == NULL || X509_LOOKUP_set_method_data(lookup, r) != 1)
		abort();
	*count = r->count;
	if (!good)
		return err_set(err, ST_USAGE, "trusted certificates: no. %zu is damaged", r->count);
	if (r->count == 0 && str_trim(pem).n > 0)
		return err_set(err, ST_USAGE, "trusted certificates: no certificate in PEM");
	return ST_OK;
}
