/* Passwords from files, commands and netrc. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "remote/command.h"
#include "remote/secret.h"

static char dir[] = "/tmp/restante-secret-XXXXXX";

static void put_file(const char *name, const char *text, mode_t mode)
{
	char path[100];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static void sources(void **state)
{
	static const struct {
		const char *file, *command, *token, *want;
		enum status status;
		const char *told;
	} rows[] = {
		{ "good", "", "", "secret one", ST_OK, "" },
		{ "crlf", "", "", "two", ST_OK, "" },
		{ "bare", "", "", "three", ST_OK, "" },
		{ "empty", "", "", "", ST_USAGE, "empty" },
		{ "open", "", "", "", ST_USAGE, "chmod 600" },
		{ "missing", "", "", "", ST_USAGE, "No such file" },
		{ ".", "", "", "", ST_USAGE, "is no file" },
		{ "", "printf 'four\\nfive'", "", "four", ST_OK, "" },
		{ "", "head -c 60000 /dev/zero | tr '\\0' x | wc -c", "", "60000", ST_OK, "" },
		{ "", "exit 3", "", "", ST_TEMP, "status 3" },
		{ "", "kill -9 $$", "", "", ST_TEMP, "status 137" },
		{ "", "yes | head -c 70000", "", "", ST_LIMIT, "more than" },
		{ "", "", "echo tok", "tok", ST_OK, "" },
		{ "", "", "", "", ST_NOTFOUND, "password_file" },
	};

	(void)state;
	put_file("good", "secret one\nmore\n", 0600);
	put_file("crlf", "two\r\n", 0400);
	put_file("bare", "three", 0600);
	put_file("empty", "\nx\n", 0600);
	put_file("open", "x\n", 0640);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct secret_source s = { .base = dir,
			.password_file = rows[i].file,
			.password_command = rows[i].command,
			.token_command = rows[i].token };
		struct err err = { 0 };
		struct buf out;
		bool token;

		assert_int_equal(secret_get(&s, &out, &token, &err), rows[i].status);
		assert_int_equal(token, rows[i].token[0] != '\0');
		if (rows[i].status == ST_OK)
			assert_true(str_eq(buf_str(&out), str_c(rows[i].want)));
		assert_non_null(strstr(err.text, rows[i].told));
		buf_wipe(&out);
	}
}

static void netrc_rows(void **state)
{
	static const char text[] = "machine other.test login me password wrong\n"
				   "macdef init\n\tmachine pop.test login me password wrong\n\n"
				   "machine pop.test login you password \"quo\\\"ted pass\"\n"
				   "machine pop.test\n\tpassword mine\n\tlogin me\n"
				   "machine all.test password everyone\n"
				   "default login guest password g\n";
	static const struct {
		const char *host, *user, *want;
	} rows[] = {
		{ "pop.test", "you", "quo\"ted pass" },
		{ "POP.test", "me", "mine" },
		{ "pop.test", "he", NULL },
		{ "all.test", "he", "everyone" },
		{ "else.test", "guest", "g" },
		{ "else.test", "me", NULL },
		{ "", "", NULL },
	};
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_clear(&out);
		assert_int_equal(
			netrc_find(str_c(text), str_c(rows[i].host), str_c(rows[i].user), &out),
			rows[i].want != NULL);
		if (rows[i].want != NULL)
			assert_true(str_eq(buf_str(&out), str_c(rows[i].want)));
	}
	buf_deinit(&out);
}

static void a_netrc_others_can_read_is_refused(void **state)
{
	char path[100];
	struct secret_source s = { .netrc = path, .host = STR("h"), .user = STR("u") };
	struct err err = { 0 };
	struct buf out;
	bool token;

	(void)state;
	snprintf(path, sizeof path, "%s/netrc", dir);
	put_file("netrc", "machine h login u password p\n", 0644);
	assert_int_equal(secret_get(&s, &out, &token, &err), ST_USAGE);
	buf_wipe(&out);
	put_file("netrc", "machine h login u password p\n", 0600);
	err = (struct err){ 0 };
	assert_int_equal(secret_get(&s, &out, &token, &err), ST_OK);
	assert_true(str_eq(buf_str(&out), STR("p")));
	buf_wipe(&out);
}

static void commands(void **state)
{
	struct user_command c;
	struct err err = { 0 };
	struct buf out = { 0 }, big = { 0 };
	int64_t began = clock_mono_ms();
	int code;

	(void)state;
	assert_int_equal(
		command_start(&c, "wc -c", COMMAND_INPUT | COMMAND_OUTPUT, 20000, &err), ST_OK);
	buf_fill(&big, 'x', 1000000);
	assert_int_equal(command_write(&c, buf_str(&big), &err), ST_OK);
	close(c.input);
	c.input = -1;
	assert_int_equal(command_read(&c, &out, &err), ST_OK);
	assert_int_equal(command_end(&c, &code, &err), ST_OK);
	assert_int_equal(code, 0);
	assert_true(str_eq(buf_str(&out), STR("1000000\n")));
	/* one that does not read what it is given */
	assert_int_equal(command_start(&c, "exit 1", COMMAND_INPUT, 20000, &err), ST_OK);
	assert_int_equal(command_write(&c, buf_str(&big), &err), ST_OK);
	assert_int_equal(command_end(&c, &code, &err), ST_OK);
	assert_int_equal(code, 1);
	/* one that does not end, and its children */
	assert_int_equal(
		command_start(&c, "sleep 60 & sleep 60; echo x", COMMAND_OUTPUT, 100, &err), ST_OK);
	assert_int_equal(command_read(&c, &out, &err), ST_TEMP);
	assert_int_equal(command_end(&c, &code, &err), ST_TEMP);
	assert_true(clock_mono_ms() - began < 30000);
	buf_deinit(&out);
	buf_deinit(&big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources),
		cmocka_unit_test(netrc_rows),
		cmocka_unit_test(a_netrc_others_can_read_is_refused),
		cmocka_unit_test(commands),
	};
	char command[100];
	int failed;

	signal(SIGPIPE, SIG_IGN);
	if (mkdtemp(dir) == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof command, "rm -r %s", dir);
	return system(command) == 0 ? failed : 1;
}
