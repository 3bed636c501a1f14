/* Old mail is deleted, younger mail and open maildrops are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../unit/office_help.h"
#include "../unit/store_help.h"
#include "base/log.h"
#include "daemon/retention.h"

static const int64_t day = INT64_C(24) * 3600 * 1000, now = INT64_C(1800000000000);

struct world {
	struct office office;
	struct retention retention;
	char *dir;
	uint64_t maildrops[3];
};

static void world_init(struct world *w, const char *setting)
{
	struct err err = { ST_OK, "" };
	struct credentials c = { .hash = "*" };

	*w = (struct world){ .dir = help_dir("/tmp") };
	assert_int_equal(help_office(&w->office, w->dir, setting, &err), ST_OK);
	assert_int_equal(
		directory_domain_add(w->office.directory, STR("example.test"), &err), ST_OK);
	for (size_t i = 0; i < 3; i++) {
		static const struct str names[] = { STR_INIT("a@example.test"),
			STR_INIT("b@example.test"), STR_INIT("c@example.test") };

		assert_int_equal(
			account_add(w->office.directory, names[i], &c, &w->maildrops[i], &err),
			ST_OK);
	}
	retention_init(&w->retention, &w->office);
}

static void world_deinit(struct world *w)
{
	retention_deinit(&w->retention);
	office_close(&w->office);
	help_remove_tree(w->dir);
	free(w->dir);
}

static void deliver(struct world *w, uint32_t id, uint64_t maildrop, int64_t age_days)
{
	struct store_draft *draft = store_draft_new(w->office.store, help_id(id));
	struct store_target target = { .maildrop = maildrop, .recipient = STR("r") };
	struct store_deliver d = { .op.done = help_note,
		.draft = draft,
		.received_ms = now - age_days * day,
		.targets = &target,
		.count = 1 };

	(void)store_draft_append(draft, STR("A: b\r\n\r\n"));
	help_done = false;
	store_deliver(w->office.store, &d);
	assert_int_equal(help_wait(w->office.store), STORE_OK);
}

static void sweep(struct world *w)
{
	retention_begin(&w->retention);
	for (int i = 0; retention_slice(&w->retention, now); i++) {
		assert_true(i < 1000);
		store_flush(w->office.store);
		if (w->retention.busy)
			store_wait(w->office.store);
	}
}

static uint64_t count_of(struct world *w, size_t i)
{
	uint64_t count, octets;

	assert_int_equal(store_usage(w->office.store, w->maildrops[i], &count, &octets), STORE_OK);
	return count;
}

static void old_mail_goes(void **state)
{
	struct world w;
	uint32_t id = 0;

	(void)state;
	world_init(&w, "retention_days = 30\n");
	for (int i = 0; i < 1300; i++) /* more than one slice, more than one deletion */
		deliver(&w, ++id, w.maildrops[0], i % 2 == 0 ? 31 : 29);
	deliver(&w, ++id, w.maildrops[1], 29);
	deliver(&w, ++id, w.maildrops[2], 29);
	deliver(&w, ++id, w.maildrops[2], 400);
	sweep(&w);
	assert_int_equal(count_of(&w, 0), 650);
	assert_int_equal(count_of(&w, 1), 1);
	assert_int_equal(count_of(&w, 2), 1);
	sweep(&w);
	assert_int_equal(count_of(&w, 0), 650);
	world_deinit(&w);
}

static void a_session_keeps_its_mail(void **state)
{
	struct store_open o;
	struct world w;

	(void)state;
	world_init(&w, "retention_days = 30\n");
	deliver(&w, 1, w.maildrops[0], 31);
	assert_int_equal(help_open(w.office.store, &o, w.maildrops[0]), STORE_OK);
	sweep(&w);
	assert_int_equal(count_of(&w, 0), 1);
	store_close(w.office.store, o.maildrop, o.token);
	sweep(&w);
	assert_int_equal(count_of(&w, 0), 0);
	assert_int_equal(help_open(w.office.store, &o, w.maildrops[0]), STORE_OK);
	world_deinit(&w);
}

/* In the middle of a sweep: EXPIRE says what is set now (RFC 2449 6.7). */
static void a_new_setting_counts_at_once(void **state)
{
	struct world w;
	uint32_t id = 0;

	(void)state;
	world_init(&w, "retention_days = 30\n");
	for (size_t i = 0; i < 3; i++)
		for (int n = 0; n < 300; n++)
			deliver(&w, ++id, w.maildrops[i], 31);
	retention_begin(&w.retention);
	assert_true(retention_slice(&w.retention, now));
	store_flush(w.office.store);
	while (w.retention.busy)
		store_wait(w.office.store);
	assert_int_equal(count_of(&w, 0), 50);
	assert_int_equal(account_set_retention(
				 w.office.directory, STR("b@example.test"), RETENTION_NEVER, NULL),
		ST_OK);
	w.office.config->retention_days = 32;
	sweep(&w);
	assert_int_equal(count_of(&w, 0), 50);
	assert_int_equal(count_of(&w, 1), 300);
	assert_int_equal(count_of(&w, 2), 300);
	world_deinit(&w);
}

/* An account's own days, else its domain's, else the setting. */
static void each_has_its_own(void **state)
{
	static const struct {
		const char *setting;
		int64_t domain, account, days, least;
		bool differs;
	} rows[] = {
		{ "retention_days = 30\n", RETENTION_DEFAULT, RETENTION_DEFAULT, 30, 30, false },
		{ "retention_days = 30\n", 10, RETENTION_DEFAULT, 10, 10, true },
		{ "retention_days = 30\n", 10, 20, 20, 10, true },
		{ "retention_days = 30\n", 10, RETENTION_NEVER, 0, 10, true },
		{ "retention_days = 30\n", RETENTION_NEVER, RETENTION_DEFAULT, 0, 30, true },
		{ "", RETENTION_DEFAULT, 7, 7, 7, true },
		{ "", RETENTION_NEVER, RETENTION_DEFAULT, 0, 0, true },
	};
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct directory *d;
		struct world w;
		bool differs;

		world_init(&w, rows[i].setting);
		d = w.office.directory;
		assert_int_equal(directory_domain_set_retention(
					 d, STR("example.test"), rows[i].domain, &err),
			ST_OK);
		assert_int_equal(
			account_set_retention(d, STR("a@example.test"), rows[i].account, &err),
			ST_OK);
		assert_int_equal(retention_days(&w.office, w.maildrops[0]), rows[i].days);
		assert_int_equal(retention_least(&w.office, &differs), rows[i].least);
		assert_int_equal(differs, rows[i].differs);
		deliver(&w, 1, w.maildrops[0], rows[i].days + 1);
		if (rows[i].days > 0)
			deliver(&w, 2, w.maildrops[0], rows[i].days - 1);
		sweep(&w);
		assert_int_equal(count_of(&w, 0), 1);
		world_deinit(&w);
	}
}

static void never_is_never(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "");
	deliver(&w, 1, w.maildrops[0], 10000);
	sweep(&w);
	assert_int_equal(count_of(&w, 0), 1);
	world_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_mail_goes),
		cmocka_unit_test(a_session_keeps_its_mail),
		cmocka_unit_test(a_new_setting_counts_at_once),
		cmocka_unit_test(each_has_its_own),
		cmocka_unit_test(never_is_never),
	};

	log_init(2, LOG_L_ERROR + 1, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
