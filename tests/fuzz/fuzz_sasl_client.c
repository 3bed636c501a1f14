/* The SASL client against challenges that the input invents.
 *
 * Octet 0: the mechanism, and whether the client begins.  The rest is challenges, one a line.  Checked: no
 * mechanism is through by SCRAM without the server's signature, which no input can know, and after a
 * refusal none is. */
#include <stdlib.h>

#include "account/sasl_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct str mechanisms[] = { STR_INIT("PLAIN"), STR_INIT("LOGIN"), STR_INIT("CRAM-MD5"),
	STR_INIT("OAUTHBEARER"), STR_INIT("XOAUTH2"), STR_INIT("EXTERNAL"), STR_INIT("SCRAM-SHA-1"),
	STR_INIT("SCRAM-SHA-256"), STR_INIT("SCRAM-SHA-256-PLUS") };

enum { INITIAL = 16 };

static void check(bool truth)
{
	if (!truth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size), out;
	struct sasl_client_facts f = {
		.only = STR(""),
		.tried = STR(""),
		.user = STR("user"),
		.authzid = STR(""),
		.password = STR("pencil"),
		.token = STR("token"),
		.host = STR("h"),
		.exporter = STR("binding"),
		.nonce = STR("abc"),
		.tls = true,
		.external = true,
		.cram_md5 = true,
	};
	struct sasl_client *c;
	bool ok = true;

	if (size == 0 || size > 10000)
		return 0;
	f.offered = mechanisms[data[0] % INITIAL % (sizeof mechanisms / sizeof *mechanisms)];
	c = sasl_client_new(&f, NULL);
	check(c != NULL && str_eq(sasl_client_mechanism(c), f.offered));
	if ((data[0] & INITIAL) != 0)
		sasl_client_initial(c, &out);
	in = str_from(in, 1);
	while (in.n > 0 && ok) {
		struct err err = { 0 };

		ok = sasl_client_step(c, str_cut(&in, '\n'), &out, &err);
		check(ok || (err.code != ST_OK && !sasl_client_through(c)));
	}
	check(!str_starts(f.offered, STR("SCRAM")) || !sasl_client_through(c));
	sasl_client_free(c);
	return 0;
}
