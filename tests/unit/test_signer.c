/* Who signs for whom, with which keys, and that it verifies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../unit/office_help.h"
#include "../unit/store_help.h"
#include "account/directory.h"
#include "account/dkim_keys.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/office.h"
#include "daemon/signer.h"
#include "mime/field.h"
#include "trust/dkim_verify.h"

struct world {
	struct office office;
	struct signer *signer;
	char *dir;
	uint64_t account;
};

struct message {
	struct signing signing;
	bool done;
};

static void no_row(struct office_reply *r, json_t *row)
{
	(void)r;
	json_decref(row);
}

static void verb(struct world *w, const char *name, const char *domain, const char *selector)
{
	struct office_reply reply = { .row = no_row };
	struct err err = { 0 };
	json_t *q =
		json_pack("{s:s, s:s, s:s}", "verb", name, "domain", domain, "selector", selector);

	assert_int_equal(office_execute(&w->office, q, &reply, &err), ST_OK);
	json_decref(q);
}

static int setup(void **state)
{
	struct world *w = mem_zalloc(sizeof *w);
	struct credentials c = { .hash = "*" };
	struct err err = { 0 };

	*state = w;
	log_init(2, LOG_L_ERROR + 1, "test");
	w->dir = help_dir("/tmp");
	if (help_office(&w->office, w->dir, "", &err) != ST_OK ||
		directory_domain_add(w->office.directory, STR("ours.test"), &err) != ST_OK ||
		directory_domain_add(w->office.directory, STR("other.test"), &err) != ST_OK ||
		account_add(w->office.directory, STR("a@ours.test"), &c, &w->account, &err) !=
			ST_OK)
		return -1;
	w->signer = signer_new(w->office.directory, 2);
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	signer_free(w->signer);
	office_close(&w->office);
	help_remove_tree(w->dir);
	free(w->dir);
	free(w);
	return 0;
}

static void done(struct signing *s)
{
	LIST_OF(s, struct message, signing)->done = true;
}

static enum said begin(struct world *w, struct message *m, const char *from)
{
	struct dkim_hash *hash = dkim_hash_new();

	*m = (struct message){ .signing.done = done };
	dkim_hash_feed(hash, STR("From: "));
	dkim_hash_feed(hash, str_c(from));
	dkim_hash_feed(hash, STR("\r\n\r\nHello.\r\n"));
	return signer_sign(w->signer, &m->signing, hash, w->account);
}

struct wanted {
	struct str domain, selector;
	char record[1024];
};

static bool find(void *arg, const struct dkim_row *row)
{
	struct wanted *k = arg;

	if (str_eq(row->domain, k->domain) && str_eq(row->selector, k->selector))
		memcpy(k->record, row->record.p, row->record.n);
	return true;
}

/* Each signature passes; their domains and selectors, one after the other. */
static void check(struct world *w, const char *from, const char *want)
{
	struct dkim_verifier *v = dkim_verifier_new(0);
	struct buf got = { 0 };
	struct message m;

	if (begin(w, &m, from) == SAID_YES) {
		while (!m.done)
			signer_poll(w->signer);
		dkim_verifier_feed(v, buf_str(&m.signing.fields));
		buf_deinit(&m.signing.fields);
	}
	dkim_verifier_feed(v, STR("From: "));
	dkim_verifier_feed(v, str_c(from));
	dkim_verifier_feed(v, STR("\r\n\r\nHello.\r\n"));
	for (size_t i = dkim_verifier_end(v); i-- > 0;) {
		const struct dkim_verdict *verdict = dkim_verdict(v, i);
		struct wanted k = { .domain = verdict->domain, .selector = verdict->selector };

		dkim_keys_each(w->office.directory, verdict->domain, find, &k, NULL);
		dkim_verifier_key(v, i, DKIM_KEY_FOUND, str_c(k.record));
		assert_int_equal(verdict->result, DKIM_PASS);
		buf_put(&got, verdict->selector);
		buf_putc(&got, '@');
		buf_put(&got, verdict->domain);
		buf_putc(&got, ' ');
	}
	buf_putc(&got, '\0');
	assert_string_equal(got.data, want);
	dkim_verifier_free(v);
	buf_deinit(&got);
}

static void whose_key(void **state)
{
	struct world *w = *state;

	check(w, "a@ours.test", "");
	verb(w, "dkim.new", "ours.test", "x");
	check(w, "a@ours.test", "x-rsa@ours.test x-ed25519@ours.test ");
	check(w, "\"A (x)\" <A@OURS.test>", "x-rsa@ours.test x-ed25519@ours.test ");
	/* Without keys of its own, and what is no address: the account's. */
	check(w, "b@other.test", "x-rsa@ours.test x-ed25519@ours.test ");
	check(w, "b@foreign.test", "x-rsa@ours.test x-ed25519@ours.test ");
	check(w, "<<>", "x-rsa@ours.test x-ed25519@ours.test ");
	verb(w, "dkim.new", "other.test", "y");
	check(w, "b@other.test", "y-rsa@other.test y-ed25519@other.test ");
	verb(w, "dkim.del", "other.test", "y-rsa");
	check(w, "b@other.test", "y-ed25519@other.test ");
	verb(w, "dkim.del", "other.test", "y-ed25519");
	check(w, "b@other.test", "x-rsa@ours.test x-ed25519@ours.test ");
}

static void which_keys(void **state)
{
	struct world *w = *state;
	struct office_reply reply = { .row = no_row };
	json_t *q = json_pack("{s:s, s:s, s:s, s:i}", "verb", "dkim.rotate", "domain", "ours.test",
		"selector", "new", "after_ms", 100000);

	verb(w, "dkim.new", "ours.test", "old");
	assert_int_equal(office_execute(&w->office, q, &reply, NULL), ST_OK);
	json_decref(q);
	check(w, "a@ours.test", "old-rsa@ours.test old-ed25519@ours.test ");
	verb(w, "dkim.activate", "ours.test", "");
	check(w, "a@ours.test", "new-rsa@ours.test new-ed25519@ours.test ");
}

static void many_at_once(void **state)
{
	enum { MANY = 1100 }; /* more than may wait */
	struct world *w = *state;
	struct message *m = mem_zalloc(MANY * sizeof *m);

	verb(w, "dkim.new", "ours.test", "x");
	verb(w, "dkim.del", "ours.test", "x-rsa"); /* the slow one */
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(begin(w, &m[i], "a@ours.test"), SAID_YES);
	/* Keys in use stay whole when they are deleted. */
	verb(w, "dkim.del", "ours.test", "");
	check(w, "a@ours.test", "");
	for (size_t i = 0; i < MANY; i++) {
		while (!m[i].done)
			signer_poll(w->signer);
		assert_true(m[i].signing.fields.len > 0);
		buf_deinit(&m[i].signing.fields);
	}
	free(m);
}

/* No From: nobody could verify it; it goes out as it is. */
static void unsigned_rather_than_not(void **state)
{
	struct world *w = *state;
	struct dkim_hash *hash = dkim_hash_new();
	struct message m = { .signing.done = done };

	verb(w, "dkim.new", "ours.test", "x");
	dkim_hash_feed(hash, STR("Subject: x\r\n\r\n"));
	assert_int_equal(signer_sign(w->signer, &m.signing, hash, w->account), SAID_YES);
	while (!m.done)
		signer_poll(w->signer);
	assert_int_equal(m.signing.fields.len, 0);
	buf_deinit(&m.signing.fields);
}

struct seal {
	struct sealing sealing;
	bool done;
};

static void seal_done(struct sealing *s)
{
	LIST_OF(s, struct seal, sealing)->done = true;
}

/* The domain of a first seal of a message with this reverse-path, or "". */
static void check_seal(struct world *w, struct str sender, const char *want)
{
	static const struct str hostname = STR_INIT("mail.ours.test");
	struct seal seal = { .sealing = { .done = seal_done,
				     .request = { .instance = 1,
					     .results = STR("mail.ours.test; spf=pass"),
					     .names = STR("From:From"),
					     .fields = STR("from:a@far.test\r\n") } } };
	struct buf text = { 0 };
	struct field field;
	struct str rest;

	assert_int_equal(signer_can_seal(w->signer, sender, hostname), want[0] != '\0');
	signer_seal(w->signer, &seal.sealing, sender, hostname);
	while (!seal.done)
		signer_poll(w->signer);
	rest = buf_str(&seal.sealing.fields);
	while (field_cut(&rest, &field))
		if (str_ieq(field.name, STR("ARC-Message-Signature"))) {
			struct str tag;

			while ((tag = str_trim(str_cut(&field.body, ';'))).n > 0) {
				tag = str_starts(tag, STR("\r\n")) ? str_trim(str_from(tag, 2))
								   : tag;
				if (str_starts(tag, STR("d=")))
					buf_put(&text, str_from(tag, 2));
			}
		}
	buf_putc(&text, '\0');
	assert_string_equal(text.data, want);
	buf_deinit(&text);
	buf_deinit(&seal.sealing.fields);
}

static void whose_seal(void **state)
{
	struct world *w = *state;
	struct seal refused = { .sealing = { .done = seal_done } };

	check_seal(w, STR("SRS0=a=b=far.test=x@other.test"), "");
	verb(w, "dkim.new", "ours.test", "x"); /* above the host's name */
	check_seal(w, STR(""), "ours.test");
	check_seal(w, STR("SRS0=a=b=far.test=x@other.test"), "ours.test");
	verb(w, "dkim.new", "other.test", "y");
	check_seal(w, STR("SRS0=a=b=far.test=x@other.test"), "other.test");
	verb(w, "dkim.del", "other.test", "y-rsa");
	check_seal(w, STR("SRS0=a=b=far.test=x@other.test"), "other.test");
	/* what is no request is signed by nobody */
	signer_seal(w->signer, &refused.sealing, STR("a@ours.test"), STR("mail.ours.test"));
	while (!refused.done)
		signer_poll(w->signer);
	assert_int_equal(refused.sealing.fields.len, 0);
}

static int stop(void *left)
{
	return (*(int *)left)-- <= 0;
}

/* Whoever wonders why there is no seal finds it in the log. */
static void unreadable_keys_are_told(void **state)
{
	struct world *w = *state;
	int left = 0, log = memfd_create("log", MFD_CLOEXEC);
	char text[1000] = "";

	verb(w, "dkim.new", "ours.test", "x");
	log_init(log, LOG_L_INFO, "test");
	sqlite3_progress_handler(w->office.directory->db, 1, stop, &left);
	assert_false(signer_can_seal(w->signer, STR(""), STR("mail.ours.test")));
	sqlite3_progress_handler(w->office.directory->db, 0, NULL, NULL);
	assert_true(signer_can_seal(w->signer, STR(""), STR("mail.ours.test")));
	log_flush();
	assert_true(pread(log, text, sizeof text - 1, 0) > 0);
	assert_non_null(strstr(text, "event=arc.not-read err="));
	log_init(2, LOG_L_ERROR + 1, "test");
	close(log);
}

/* Wherever a reading fails: signed by the right one, or not now. */
static void never_unsigned_by_mistake(void **state)
{
	struct world *w = *state;
	unsigned failed = 0;
	int left = -1;

	verb(w, "dkim.new", "ours.test", "x");
	for (int step = 0; left < 0; step++) {
		struct message m;
		enum said said;

		signer_free(w->signer); /* with what it kept */
		w->signer = signer_new(w->office.directory, 1);
		left = step;
		sqlite3_progress_handler(w->office.directory->db, 1, stop, &left);
		said = begin(w, &m, "b@other.test");
		sqlite3_progress_handler(w->office.directory->db, 0, NULL, NULL);
		failed += said == SAID_NOTHING;
		if (said == SAID_NO || (left >= 0 && said != SAID_YES) || step == 10000)
			fail_msg("step %d: %d", step, (int)said);
		while (said == SAID_YES && !m.done)
			signer_poll(w->signer);
		buf_deinit(&m.signing.fields);
	}
	assert_true(failed > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whose_key, setup, teardown),
		cmocka_unit_test_setup_teardown(which_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(many_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(unsigned_rather_than_not, setup, teardown),
		cmocka_unit_test_setup_teardown(whose_seal, setup, teardown),
		cmocka_unit_test_setup_teardown(never_unsigned_by_mistake, setup, teardown),
		cmocka_unit_test_setup_teardown(unreadable_keys_are_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
