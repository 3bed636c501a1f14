/* A disk that fails a read in the middle of a batch of accounts: what the end of the batch says of them is so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "account/directory.h"
#include "reads_fail.h"
#include "store_help.h"

enum { ACCOUNTS = 500, READS = 200 };

static const struct credentials nothing = { .hash = "!" };

static enum status add(struct directory *d, const char *name)
{
	uint64_t id;

	return account_add(d, str_c(name), &nothing, &id, NULL);
}

static struct directory *open_at(const char *path)
{
	struct directory *d = directory_open(path, NULL);

	assert_non_null(d);
	return d;
}

static void fill(const char *path)
{
	struct directory *d = open_at(path);
	char address[64];

	assert_int_equal(directory_domain_add(d, STR("example.org"), NULL), ST_OK);
	assert_int_equal(directory_batch_begin(d, NULL), ST_OK);
	for (int i = 0; i < ACCOUNTS; i++) {
		snprintf(address, sizeof address, "u%d@example.org", i);
		assert_int_equal(add(d, address), ST_OK);
	}
	assert_int_equal(directory_batch_end(d, NULL), ST_OK);
	directory_close(d);
}

/* True when nothing of it failed. */
static bool try_batch(const char *path, int read)
{
	static const char *const names[] = { "ann@example.org", "bob@example.org",
		"cy@example.org" };
	struct directory *d = open_at(path);
	enum status added[3], end;
	struct account a;

	assert_int_equal(directory_batch_begin(d, NULL), ST_OK);
	added[0] = add(d, names[0]);
	assert_int_equal(added[0], ST_OK);
	sqlite3_db_release_memory(d->db);
	reads_left = read;
	added[1] = add(d, names[1]);
	reads_left = -1;
	added[2] = add(d, names[2]);
	end = directory_batch_end(d, NULL);
	directory_close(d);
	d = open_at(path);
	for (size_t i = 0; i < 3; i++)
		if ((account_get(d, str_c(names[i]), &a, NULL) == ST_OK) !=
			(end == ST_OK && added[i] == ST_OK))
			fail_msg("read %d: %s was answered with %d, the batch with %d, and it is "
				 "not so",
				read, names[i], (int)added[i], (int)end);
	directory_close(d);
	return added[1] == ST_OK;
}

static void a_batch_is_what_it_says(void **state)
{
	char *dir = help_dir("/tmp"), full[256], path[256];
	int read = 0;

	(void)state;
	snprintf(full, sizeof full, "%s/full", dir);
	snprintf(path, sizeof path, "%s/accounts", dir);
	fill(full);
	do {
		reads_fail_copy(full, path);
	} while (!try_batch(path, read++) && read < READS);
	assert_in_range(read, 3, READS - 1);
	help_remove_tree(dir);
	free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_batch_is_what_it_says, reads_fail_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
