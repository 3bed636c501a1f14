/* The choice of a mechanism, and those that are one or two lines. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "account/sasl_client_int.h"
#include "base/codec.h"
#include "base/mem.h"

/* Strongest first. */
static const struct sasl_client_row rows[] = {
	{ STR_INIT("EXTERNAL"), BY_EXTERNAL, NULL, false },
	{ STR_INIT("OAUTHBEARER"), BY_OAUTH, NULL, false },
	{ STR_INIT("XOAUTH2"), BY_XOAUTH, NULL, false },
	{ STR_INIT("SCRAM-SHA-256-PLUS"), BY_SCRAM, "SHA256", true },
	{ STR_INIT("SCRAM-SHA-1-PLUS"), BY_SCRAM, "SHA1", true },
	{ STR_INIT("SCRAM-SHA-256"), BY_SCRAM, "SHA256", false },
	{ STR_INIT("SCRAM-SHA-1"), BY_SCRAM, "SHA1", false },
	{ STR_INIT("PLAIN"), BY_PLAIN, NULL, false },
	{ STR_INIT("LOGIN"), BY_LOGIN, NULL, false },
	{ STR_INIT("CRAM-MD5"), BY_CRAM, NULL, false },
};

static bool in_list(struct str list, struct str word)
{
	while (list.n > 0)
		if (str_ieq(str_cut(&list, ' '), word))
			return true;
	return false;
}

static bool have_secret(const struct sasl_client_facts *f, const struct sasl_client_row *row)
{
	switch (row->kind) {
	case BY_EXTERNAL: return f->external;
	case BY_OAUTH:
	case BY_XOAUTH: return f->token.n > 0;
	case BY_CRAM: return f->password.n > 0 && f->cram_md5;
	case BY_SCRAM: return f->password.n > 0 && (!row->plus || f->exporter.n > 0);
	case BY_PLAIN:
	case BY_LOGIN: return f->password.n > 0;
	}
	return false;
}

static const struct sasl_client_row *choose(const struct sasl_client_facts *f)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (in_list(f->offered, rows[i].name) && !in_list(f->tried, rows[i].name) &&
			(f->only.n == 0 || str_ieq(f->only, rows[i].name)) &&
			have_secret(f, &rows[i]))
			return &rows[i];
	return NULL;
}

/* NUL and ^A separate the parts of PLAIN and of the OAuth mechanisms. */
static bool clean(struct str s)
{
	return str_find(s, '\0') == s.n && str_find(s, '\1') == s.n;
}

static bool usable(const struct sasl_client_facts *f, struct err *err)
{
	if (!f->tls && !f->cleartext)
		err_set(err, ST_PERM, "no login without TLS");
	else if (f->offered.n == 0)
		err_set(err, ST_PERM, "the server offers no login");
	else if (!clean(f->user) || !clean(f->authzid) || !clean(f->password) || !clean(f->token))
		err_set(err, ST_USAGE,
			"user name, password or token holds a NUL or a control octet");
	else
		return true;
	return false;
}

static void keep(struct buf *to, struct str s)
{
	to->secret = true;
	buf_put(to, s);
}

struct sasl_client *sasl_client_new(const struct sasl_client_facts *f, struct err *err)
{
	const struct sasl_client_row *row = choose(f);
	struct sasl_client *c;

	if (!usable(f, err))
		return NULL;
	if (row == NULL) {
		err_set(err, ST_PERM, "none of the server's mechanisms fits: %.*s",
			STR_ARG(str_head(f->offered, 150)));
		return NULL;
	}
	c = NEW(struct sasl_client);
	c->row = row;
	c->port = f->port;
	c->plus_offered = in_list(f->offered, STR("SCRAM-SHA-256-PLUS")) ||
			  in_list(f->offered, STR("SCRAM-SHA-1-PLUS"));
	keep(&c->user, f->user);
	keep(&c->authzid, f->authzid);
	keep(&c->password, f->password);
	keep(&c->token, f->token);
	keep(&c->host, f->host);
	keep(&c->exporter, f->exporter);
	keep(&c->nonce, f->nonce);
	c->out.secret = c->gs2.secret = c->first_bare.secret = true;
	c->auth_message.secret = c->verifier.secret = true;
	if (row->kind == BY_SCRAM && !sasl_client_scram_prepare(c, err)) {
		sasl_client_free(c);
		return NULL;
	}
	return c;
}

void sasl_client_free(struct sasl_client *c)
{
	if (c == NULL)
		return;
	buf_deinit(&c->user);
	buf_deinit(&c->authzid);
	buf_deinit(&c->password);
	buf_deinit(&c->token);
	buf_deinit(&c->host);
	buf_deinit(&c->exporter);
	buf_deinit(&c->nonce);
	buf_deinit(&c->out);
	buf_deinit(&c->gs2);
	buf_deinit(&c->first_bare);
	buf_deinit(&c->auth_message);
	buf_deinit(&c->verifier);
	free(c);
}

struct str sasl_client_mechanism(const struct sasl_client *c)
{
	return c->row->name;
}

bool sasl_client_through(const struct sasl_client *c)
{
	return c->through;
}

void sasl_client_saslname(struct buf *out, struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == ',')
			buf_put(out, STR("=2C"));
		else if (name.p[i] == '=')
			buf_put(out, STR("=3D"));
		else
			buf_putc(out, name.p[i]);
}

/* RFC 4616 2 */
static void plain(struct sasl_client *c)
{
	buf_put(&c->out, buf_str(&c->authzid));
	buf_putc(&c->out, '\0');
	buf_put(&c->out, buf_str(&c->user));
	buf_putc(&c->out, '\0');
	buf_put(&c->out, buf_str(&c->password));
}

/* RFC 7628 3.1 */
static void oauthbearer(struct sasl_client *c)
{
	buf_put(&c->out, STR("n,a="));
	sasl_client_saslname(&c->out, buf_str(&c->user));
	buf_put(&c->out, STR(",\1host="));
	buf_put(&c->out, buf_str(&c->host));
	buf_put(&c->out, STR("\1port="));
	buf_putu(&c->out, c->port);
	buf_put(&c->out, STR("\1auth=Bearer "));
	buf_put(&c->out, buf_str(&c->token));
	buf_put(&c->out, STR("\1\1"));
}

static void xoauth2(struct sasl_client *c)
{
	buf_put(&c->out, STR("user="));
	buf_put(&c->out, buf_str(&c->user));
	buf_put(&c->out, STR("\1auth=Bearer "));
	buf_put(&c->out, buf_str(&c->token));
	buf_put(&c->out, STR("\1\1"));
}

/* RFC 2195 2 */
static bool cram_md5(struct sasl_client *c, struct str challenge, struct err *err)
{
	struct str key = buf_str(&c->password);
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (HMAC(EVP_md5(), key.p, (int)key.n, (const unsigned char *)challenge.p, challenge.n, mac,
		    &n) == NULL) {
		err_set(err, ST_PERM, "this machine's OpenSSL has no MD5");
		return false;
	}
	buf_put(&c->out, buf_str(&c->user));
	buf_putc(&c->out, ' ');
	hex_put(&c->out, str_of(mac, n));
	return true;
}

/* The first message of a mechanism where the client begins; false: the server begins. */
static bool first(struct sasl_client *c)
{
	switch (c->row->kind) {
	case BY_EXTERNAL: buf_put(&c->out, buf_str(&c->authzid)); break;
	case BY_PLAIN: plain(c); break;
	case BY_OAUTH: oauthbearer(c); break;
	case BY_XOAUTH: xoauth2(c); break;
	case BY_SCRAM: return sasl_client_scram(c, STR(""), NULL);
	case BY_LOGIN:
	case BY_CRAM: return false;
	}
	c->through = true;
	return true;
}

bool sasl_client_initial(struct sasl_client *c, struct str *initial)
{
	if (c->step > 0 || !first(c))
		return false;
	c->step = 1;
	*initial = buf_str(&c->out);
	return true;
}

/* A challenge after our token is the error in JSON; the answer ends the exchange (RFC 7628 3.2.3). */
static bool token_refused(struct sasl_client *c)
{
	c->through = false;
	if (c->row->kind == BY_OAUTH)
		buf_putc(&c->out, '\1');
	return c->step == 1;
}

static bool answer(struct sasl_client *c, struct str challenge, struct err *err)
{
	switch (c->row->kind) {
	case BY_SCRAM: return sasl_client_scram(c, challenge, err);
	case BY_OAUTH:
	case BY_XOAUTH: return token_refused(c);
	case BY_LOGIN:
		buf_put(&c->out, buf_str(c->step == 0 ? &c->user : &c->password));
		c->through = c->step == 1;
		return c->step < 2;
	case BY_CRAM: c->through = true; return c->step == 0 && cram_md5(c, challenge, err);
	case BY_EXTERNAL:
	case BY_PLAIN: return false;
	}
	return false;
}

bool sasl_client_step(
	struct sasl_client *c, struct str challenge, struct str *response, struct err *err)
{
	bool begins = c->row->kind != BY_LOGIN && c->row->kind != BY_CRAM, ok;

	buf_clear(&c->out);
	ok = challenge.n <= SASL_CLIENT_MESSAGE_MAX &&
	     (c->step == 0 && begins ? first(c) : answer(c, challenge, err));
	c->step++;
	*response = buf_str(&c->out);
	if (!ok) {
		c->through = false;
		err_set(err, ST_PROTO, "%.*s: the server asks for what the mechanism does not have",
			STR_ARG(c->row->name));
	}
	return ok;
}
