/* SASL exchanges with an invented client.
 *
 * Octet 0: mechanism and flags.  Then steps: octet of flags, octets of length (16 bits, big-endian), the
 * message.  The pool takes nothing, so a password check ends in SASL_TEMP at the hash; the nonce
 * is the one of RFC 7677 3, so the corpus reaches the end of SCRAM. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "account/password.h"
#include "account/sasl.h"
#include "base/clock.h"
#include "base/codec.h"

enum { HAS_INPUT = 1, FREE_IN_DONE = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/restante-fuzz-XXXXXX", path[64];
static struct directory *directory;
static struct authenticator *authenticator;

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void rfc_random(void *to, size_t n)
{
	static const char nonce[] = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

	for (size_t i = 0; i < n; i++) {
		char c = nonce[i % (sizeof nonce - 1)];

		((unsigned char *)to)[i] = (unsigned char)(c - 0x21 - (c > ','));
	}
}

static int64_t no_time(void)
{
	return 1;
}

static void tidy(void)
{
	static const char *const endings[] = { "", "-wal", "-shm" };
	char name[80];

	authenticator_free(authenticator);
	directory_close(directory);
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		snprintf(name, sizeof name, "%s%s", path, endings[i]);
		unlink(name);
	}
	rmdir(folder);
}

static void set_up(void)
{
	static const struct clock_source fixed = { no_time, no_time, rfc_random };
	struct credentials c = { .hash = "!", .scram_iterations = 4096 };
	struct buf salt;

	check(mkdtemp(folder) != NULL);
	snprintf(path, sizeof path, "%s/directory.db", folder);
	directory = directory_open(path, NULL);
	check(directory != NULL);
	buf_init(&salt, 0);
	check(base64_get(STR("W22ZaJ0SNY7soEsUEjb6gQ=="), &salt));
	memcpy(c.scram_salt, buf_str(&salt).p, sizeof c.scram_salt);
	buf_deinit(&salt);
	check(password_scram_keys(STR("pencil"), &c));
	check(directory_domain_add(directory, STR("example.org"), NULL) == ST_OK);
	check(account_add(directory, STR("user@example.org"), &c, NULL, NULL) == ST_OK);
	clock_replace(&fixed);
	authenticator = authenticator_new(directory, 1, 0);
	atexit(tidy);
}

struct client {
	struct sasl *x;
	int answers;
	bool free_now;
	enum sasl_result result;
};

static void answered(void *owner, const struct sasl_reply *r)
{
	struct client *c = owner;

	c->answers++;
	c->result = r->result;
	check((r->result == SASL_OK) == (r->account != 0));
	check(r->result != SASL_OK || str_eq(r->address, STR("user@example.org")));
	if (c->free_now) {
		sasl_free(c->x);
		c->x = NULL;
	}
}

static void one_step(struct client *c, struct reader *r)
{
	uint8_t flags = get_u8(r);
	size_t n = (size_t)get_u8(r) << 8;
	struct str input;
	int before = c->answers;

	n |= get_u8(r);
	input = get_bytes(r, n < r->rest.n ? n : r->rest.n);
	c->free_now = flags & FREE_IN_DONE;
	sasl_step(c->x, input, flags & HAS_INPUT);
	check(c->answers == before + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct str names[] = { STR_INIT("PLAIN"), STR_INIT("LOGIN"),
		STR_INIT("SCRAM-SHA-256"), STR_INIT("SCRAM-SHA-256-PLUS") };
	struct reader r = { .rest = str_of(data, size) };
	struct client c = { .x = NULL };
	uint8_t flags = get_u8(&r);

	if (directory == NULL)
		set_up();
	c.x = sasl_new(authenticator,
		&(struct sasl_start){ .mechanism = names[flags % 4],
			.tls = flags & 4,
			.exporter = flags & 8 ? STR("exporter") : STR(""),
			.plus_offered = flags & 16 },
		answered, &c);
	while (c.x != NULL && r.rest.n > 0 && !r.bad)
		one_step(&c, &r);
	sasl_free(c.x);
	return 0;
}
