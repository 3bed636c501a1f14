/* restante account cert */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/codec.h"
#include "cmd/cmd.h"
#include "net/spki.h"

enum { FILE_MAX = 256 * 1024 };

static int read_certificate(
	struct cmd *c, const char *path, unsigned char key[SPKI_DIGEST], struct buf *subject)
{
	FILE *f = fopen(path, "re");
	struct buf pem;
	struct err err = { 0 };
	int code = EX_OK;

	if (f == NULL)
		return cmd_fail(c, EX_NOINPUT,
			"%s: %s: give a certificate, or 64 hexadecimal digits: the SHA-256 of its "
			"key",
			path, strerror(errno));
	buf_init(&pem, FILE_MAX);
	buf_grew(&pem, fread(buf_reserve(&pem, FILE_MAX), 1, FILE_MAX, f));
	if (ferror(f) != 0)
		code = cmd_fail(c, EX_NOINPUT, "%s: %s", path, strerror(errno));
	else if (spki_of_pem(buf_str(&pem), key, subject, &err) != ST_OK)
		code = cmd_fail(c, EX_DATAERR, "%s: %s", path, err.text);
	buf_deinit(&pem);
	fclose(f);
	return code;
}

/* ADDRESS FILE|FINGERPRINT */
static int request(struct cmd *c, const char *verb)
{
	unsigned char key[SPKI_DIGEST];
	struct buf subject = { 0 }, hex = { 0 };
	int code = EX_OK;

	if (!spki_of_text(str_c(c->args[1]), key))
		code = read_certificate(c, c->args[1], key, &subject);
	hex_put(&hex, str_of(key, sizeof key));
	if (code == EX_OK)
		code = cmd_do(
			c, json_pack("{s:s, s:s, s:s%, s:o}", "verb", verb, "address", c->args[0],
				   "key", hex.data, hex.len, "name",
				   json_stringn(subject.len > 0 ? subject.data : "", subject.len)));
	buf_deinit(&subject);
	buf_deinit(&hex);
	return code;
}

int cmd_cert_add(struct cmd *c)
{
	return request(c, "cert.add");
}

int cmd_cert_del(struct cmd *c)
{
	return request(c, "cert.del");
}

int cmd_cert_list(struct cmd *c)
{
	static const struct column columns[] = {
		{ "key", "KEY", false },
		{ "name", "NAME", false },
		{ "added", "ADDED", false },
	};
	return cmd_rows(c, json_pack("{s:s, s:s}", "verb", "cert.list", "address", c->args[0]),
		columns, sizeof columns / sizeof *columns);
}
