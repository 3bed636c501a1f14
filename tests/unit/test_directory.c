/* Domains with several names, catch-alls, quotas, application passwords, last logins, old files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "account/directory.h"
#include "account/suppression.h"
#include "base/clock.h"

#define LEN(a) (sizeof(a) / sizeof *(a))

static const struct credentials nothing = { .hash = "!" };
static char folder[64], path[96];
static struct directory *d;
static uint64_t ann, bob;

static int open_directory(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/restante-directory-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/d", folder);
	d = directory_open(path, NULL);
	assert_non_null(d);
	assert_int_equal(directory_domain_add(d, STR("example.org"), NULL), ST_OK);
	assert_int_equal(account_add(d, STR("ann@example.org"), &nothing, &ann, NULL), ST_OK);
	assert_int_equal(account_add(d, STR("bob@example.org"), &nothing, &bob, NULL), ST_OK);
	return 0;
}

static int close_directory(void **state)
{
	char command[96];

	(void)state;
	clock_replace(NULL);
	directory_close(d);
	snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command);
}

/* The one maildrop, or 0. */
static uint64_t to(const char *address, enum resolved want)
{
	struct maildrops m = { 0 };
	enum resolved r = directory_resolve(d, str_c(address), &m);
	uint64_t id = m.count == 1 ? m.ids[0] : 0;

	maildrops_free(&m);
	if (r != want)
		fail_msg("%s: %d", address, (int)r);
	return id;
}

static enum status alias(const char *name, const char *target)
{
	struct str t = str_c(target);

	return alias_add(d, str_c(name), &t, 1, NULL);
}

static void domain_aliases(void **state)
{
	struct login l;

	(void)state;
	to("ann@example.net", RESOLVED_FOREIGN);
	assert_int_equal(
		directory_domain_alias(d, STR("Example.NET."), STR("example.org"), NULL), ST_OK);
	assert_int_equal(to("ann@example.net", RESOLVED), ann);
	assert_int_equal(to("ann+tag@EXAMPLE.net", RESOLVED), ann);
	to("nobody@example.net", RESOLVED_NOWHERE);
	assert_int_equal(to("postmaster@example.net", RESOLVED), ann);
	assert_int_equal(alias("sales@example.org", "bob@example.org"), ST_OK);
	assert_int_equal(to("sales@example.net", RESOLVED), bob);
	assert_int_equal(directory_may_send_as(d, bob, STR("sales@example.net")), SAID_YES);
	assert_int_equal(directory_may_send_as(d, ann, STR("sales@example.net")), SAID_NO);
	/* It is a name for logging in, too, and does not make "ann" ambiguous. */
	assert_int_equal(directory_login(d, STR("ann@example.net"), &l, NULL), ST_OK);
	assert_int_equal(l.id, ann);
	assert_true(str_eq(l.name, STR("ann@example.org")));
	assert_int_equal(directory_login(d, STR("ann"), &l, NULL), ST_OK);
	assert_int_equal(l.id, ann);
	assert_int_equal(
		directory_same_user(d, STR("ann@example.net"), STR("ann@example.org")), SAID_YES);
}

static void domains_refused(void **state)
{
	static const struct {
		const char *name;
		struct str domain, of;
		enum status status;
	} rows[] = {
		{ "nothing there", STR_INIT("a.test"), STR_INIT("none.test"), ST_NOTFOUND },
		{ "itself", STR_INIT("a.test"), STR_INIT("a.test"), ST_NOTFOUND },
		{ "here already", STR_INIT("example.org"), STR_INIT("example.org"), ST_EXISTS },
		{ "of another name", STR_INIT("a.test"), STR_INIT("second.test"), ST_PERM },
		{ "not a domain", STR_INIT("a b"), STR_INIT("example.org"), ST_USAGE },
		{ "of no domain", STR_INIT("a.test"), STR_INIT("a b"), ST_USAGE },
		{ "of nothing", STR_INIT("a.test"), STR_INIT(""), ST_USAGE },
		{ "an address", STR_INIT("192.0.2.1"), STR_INIT("example.org"), ST_USAGE },
		{ "a number", STR_INIT("1234"), STR_INIT("example.org"), ST_USAGE },
	};

	(void)state;
	assert_int_equal(
		directory_domain_alias(d, STR("second.test"), STR("example.org"), NULL), ST_OK);
	for (size_t i = 0; i < LEN(rows); i++) {
		struct err err = { 0 };

		print_message("%s\n", rows[i].name);
		assert_int_equal(directory_domain_alias(d, rows[i].domain, rows[i].of, &err),
			rows[i].status);
		assert_true(err.text[0] != '\0');
	}
	/* Mailboxes live in the domain itself. */
	assert_int_equal(account_add(d, STR("x@second.test"), &nothing, NULL, NULL), ST_PERM);
	assert_int_equal(alias("x@second.test", "ann@example.org"), ST_PERM);
	assert_int_equal(alias("@second.test", "ann@example.org"), ST_PERM);
}

static void domains_deleted(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(directory_domain_add(d, STR("b.test"), NULL), ST_OK);
	assert_int_equal(directory_domain_alias(d, STR("c.test"), STR("b.test"), NULL), ST_OK);
	assert_int_equal(directory_domain_del(d, STR("b.test"), &err), ST_PERM);
	assert_non_null(strstr(err.text, "c.test"));
	assert_int_equal(directory_domain_del(d, STR("c.test"), NULL), ST_OK);
	assert_int_equal(alias("@b.test", "ann@example.org"), ST_OK);
	assert_int_equal(directory_domain_del(d, STR("b.test"), NULL), ST_PERM);
	assert_int_equal(alias_del(d, STR("@b.test"), NULL, 0, NULL), ST_OK);
	to("ann@b.test", RESOLVED_NOWHERE);
	assert_int_equal(directory_domain_del(d, STR("b.test"), NULL), ST_OK);
	to("ann@b.test", RESOLVED_FOREIGN);
	assert_int_equal(directory_domain_del(d, STR("b.test"), NULL), ST_NOTFOUND);
	assert_int_equal(directory_domain_del(d, STR("example.org"), NULL), ST_PERM);
	/* "xexample.org" is another domain. */
	assert_int_equal(directory_domain_add(d, STR("ample.org"), NULL), ST_OK);
	assert_int_equal(directory_domain_del(d, STR("ample.org"), NULL), ST_OK);
}

static void dropped_characters(void **state)
{
	struct buf name = { 0 };
	struct login l;

	(void)state;
	to("a.n_n@example.org", RESOLVED_NOWHERE);
	directory_drop_characters(d, STR("none . _"));
	assert_int_equal(to("a.n_n@example.org", RESOLVED), ann);
	assert_int_equal(to("A.nn+tag.x@example.org", RESOLVED), ann);
	assert_int_equal(to("\"..ann\"@example.org", RESOLVED), ann);
	to("an-n@example.org", RESOLVED_NOWHERE);
	to("\"._.\"@example.org", RESOLVED_NOWHERE);
	to("+ann@example.org", RESOLVED_NOWHERE);
	assert_int_equal(directory_may_send_as(d, ann, STR("a.nn@example.org")), SAID_YES);
	assert_int_equal(directory_may_send_as(d, bob, STR("a.nn@example.org")), SAID_NO);
	assert_int_equal(
		directory_stands(d, STR("a.nn+t@example.org"), &name), STANDS_WITHOUT_DROPPED);
	assert_true(str_eq(buf_str(&name), STR("ann@example.org")));
	assert_int_equal(directory_stands(d, STR("ann+t@example.org"), &name), STANDS_WITHOUT_TAG);
	assert_int_equal(directory_stands(d, STR("ann@example.org"), &name), STANDS_AS_WRITTEN);
	assert_int_equal(directory_stands(d, STR("who@example.org"), &name), STANDS_NOWHERE);
	buf_deinit(&name);
	/* who logs in says his name */
	assert_int_equal(directory_login(d, STR("a.nn@example.org"), &l, NULL), ST_OK);
	assert_false(l.found);
	/* one that is written so counts first */
	assert_int_equal(alias("a.nn@example.org", "bob@example.org"), ST_OK);
	assert_int_equal(to("a.nn@example.org", RESOLVED), bob);
	assert_int_equal(to("an.n@example.org", RESOLVED), ann);
	assert_int_equal(directory_may_send_as(d, ann, STR("a.nn@example.org")), SAID_NO);
	/* whose name has them is found only by them */
	assert_int_equal(account_add(d, STR("c.d@example.org"), &nothing, NULL, NULL), ST_OK);
	to("c.d@example.org", RESOLVED);
	to("c_.d@example.org", RESOLVED_NOWHERE);
	to("cd@example.org", RESOLVED_NOWHERE);
	directory_drop_characters(d, STR("none"));
	to("an.n@example.org", RESOLVED_NOWHERE);
}

static void catch_all(void **state)
{
	(void)state;
	to("who@example.org", RESOLVED_NOWHERE);
	assert_int_equal(alias("@example.org", "nobody@example.org"), ST_NOTFOUND);
	assert_int_equal(alias("@example.org", "@example.org"), ST_USAGE);
	assert_int_equal(alias("@elsewhere.test", "bob@example.org"), ST_NOTFOUND);
	assert_int_equal(alias("@example.org", "bob@example.org"), ST_OK);
	assert_int_equal(to("who@example.org", RESOLVED), bob);
	assert_int_equal(to("who+tag@example.org", RESOLVED), bob);
	assert_int_equal(to("postmaster@example.org", RESOLVED), bob);
	/* Names go first, and a disabled account is not caught. */
	assert_int_equal(to("ann@example.org", RESOLVED), ann);
	assert_int_equal(account_set_disabled(d, STR("ann@example.org"), true, NULL), ST_OK);
	to("ann@example.org", RESOLVED_DISABLED);
	assert_int_equal(directory_may_send_as(d, bob, STR("who@example.org")), SAID_NO);
	/* Its target cannot go away under it, nor can another alias lead to it. */
	assert_int_equal(account_del(d, STR("bob@example.org"), NULL, NULL), ST_PERM);
	assert_int_equal(alias("all@example.org", "@example.org"), ST_USAGE);
	assert_int_equal(
		directory_domain_alias(d, STR("example.net"), STR("example.org"), NULL), ST_OK);
	assert_int_equal(to("who@example.net", RESOLVED), bob);
	assert_int_equal(alias_del(d, STR("@EXAMPLE.org"), NULL, 0, NULL), ST_OK);
	to("who@example.org", RESOLVED_NOWHERE);
}

static void quotas(void **state)
{
	struct account a;
	int64_t bytes, messages;

	(void)state;
	account_quota(d, ann, &bytes, &messages);
	assert_true(bytes == QUOTA_DEFAULT && messages == QUOTA_DEFAULT);
	assert_int_equal(
		account_set_quota(d, STR("ann@example.org"), 1000, QUOTA_KEEP, NULL), ST_OK);
	account_quota(d, ann, &bytes, &messages);
	assert_true(bytes == 1000 && messages == QUOTA_DEFAULT);
	account_quota(d, bob, &bytes, &messages);
	assert_true(bytes == QUOTA_DEFAULT && messages == QUOTA_DEFAULT);
	assert_int_equal(
		account_set_quota(d, STR("ann@example.org"), QUOTA_KEEP, QUOTA_NONE, NULL), ST_OK);
	assert_int_equal(account_get(d, STR("ann@example.org"), &a, NULL), ST_OK);
	assert_true(a.quota_bytes == 1000 && a.quota_messages == QUOTA_NONE);
	assert_int_equal(
		account_set_quota(d, STR("ann@example.org"), QUOTA_DEFAULT, QUOTA_DEFAULT, NULL),
		ST_OK);
	account_quota(d, ann, &bytes, &messages);
	assert_true(bytes == QUOTA_DEFAULT && messages == QUOTA_DEFAULT);
	assert_int_equal(account_set_quota(d, STR("no@example.org"), 1, 1, NULL), ST_NOTFOUND);
}

static int64_t wall = 1000000;
static int64_t wall_ms(void)
{
	return wall;
}
static int64_t mono_ms(void)
{
	return wall;
}
/* It stays through a restart, and goes with the account. */
static void quota_told(void **state)
{
	(void)state;
	assert_int_equal(account_quota_told(d, ann), SAID_NO);
	for (int i = 0; i < 2; i++)
		assert_int_equal(account_set_quota_told(d, ann, true), ST_OK);
	directory_close(d);
	d = directory_open(path, NULL);
	assert_non_null(d);
	assert_int_equal(account_quota_told(d, ann), SAID_YES);
	assert_int_equal(account_quota_told(d, bob), SAID_NO);
	assert_int_equal(account_set_quota_told(d, bob, true), ST_OK);
	assert_int_equal(account_set_quota_told(d, bob, false), ST_OK);
	assert_int_equal(account_quota_told(d, bob), SAID_NO);
	assert_int_equal(account_del(d, STR("ann@example.org"), NULL, NULL), ST_OK);
	assert_int_equal(account_quota_told(d, ann), SAID_NO);
	assert_int_equal(
		account_set_quota_told(d, ann, true), ST_OK); /* who has gone is not told */
	assert_int_equal(account_quota_told(d, ann), SAID_NO);
}

static void no_random(void *p, size_t n)
{
	memset(p, 7, n);
}

static bool copy_app(void *arg, const struct app_password *p)
{
	*(struct app_password *)arg = *p;
	return true;
}

static void app_passwords(void **state)
{
	static const struct clock_source source = { wall_ms, mono_ms, no_random };
	struct str user = STR("ann@example.org");
	struct app_password p = { 0 }, found = { 0 };

	(void)state;
	clock_replace(&source);
	assert_int_equal(app_password_add(d, user, STR("phone"), STR("first"), LOGIN_POP3,
				 wall + 5000, NULL),
		ST_OK);
	assert_int_equal(app_password_add(d, user, STR("phone"), STR("other"), LOGIN_ALL, 0, NULL),
		ST_EXISTS);
	assert_int_equal(
		app_password_add(d, user, STR("printer"), STR("second"), LOGIN_SMTP, 0, NULL),
		ST_OK);
	assert_int_equal(app_password_find(d, ann, STR("first"), LOGIN_POP3, &found), SAID_YES);
	assert_int_not_equal(found.id, 0);
	assert_string_equal(found.name, "phone");
	/* scope, another's, wrong, expired */
	assert_int_equal(app_password_find(d, ann, STR("first"), LOGIN_SMTP, &found), SAID_NO);
	assert_int_equal(app_password_find(d, bob, STR("first"), LOGIN_POP3, &found), SAID_NO);
	assert_int_equal(app_password_find(d, ann, STR("firsT"), LOGIN_POP3, &found), SAID_NO);
	assert_int_equal(app_password_find(d, ann, STR("second"), LOGIN_SMTP, &found), SAID_YES);
	assert_int_equal(app_password_find(d, ann, STR("second"), LOGIN_POP3, &found), SAID_NO);
	wall += 4999;
	assert_int_equal(app_password_find(d, ann, STR("first"), LOGIN_POP3, &found), SAID_YES);
	wall += 1;
	assert_int_equal(app_password_find(d, ann, STR("first"), LOGIN_POP3, &found), SAID_NO);
	assert_int_equal(app_password_del(d, user, STR("phone"), NULL), ST_OK);
	assert_int_equal(app_password_del(d, user, STR("phone"), NULL), ST_NOTFOUND);
	assert_int_equal(app_password_each(d, user, copy_app, &p, NULL), ST_OK);
	assert_string_equal(p.name, "printer");
	assert_int_equal(p.scope, LOGIN_SMTP);
	assert_true(p.expires_ms == 0 && p.used_ms == 0);
	assert_int_equal(
		app_password_add(d, user, STR(""), STR("x"), LOGIN_ALL, 0, NULL), ST_USAGE);
	assert_int_equal(
		app_password_add(d, user, STR("a\nb"), STR("x"), LOGIN_ALL, 0, NULL), ST_USAGE);
	assert_int_equal(
		app_password_add(d, user, STR("old"), STR("x"), LOGIN_ALL, wall, NULL), ST_USAGE);
	assert_int_equal(account_del(d, user, NULL, NULL), ST_OK);
	assert_int_equal(app_password_find(d, ann, STR("second"), LOGIN_SMTP, &found), SAID_NO);
}

static void last_logins(void **state)
{
	struct last_login l = { .at_ms = 5,
		.ip = "192.0.2.1",
		.tls = "TLSv1.3",
		.mechanism = "PLAIN",
		.protocol = "pop3",
		.app = "phone" },
			  got;
	struct app_password p = { 0 };
	struct account a;
	bool found;

	(void)state;
	assert_int_equal(account_last_login(d, ann, &got, &found, NULL), ST_OK);
	assert_false(found);
	assert_int_equal(app_password_add(d, STR("ann@example.org"), STR("phone"), STR("x"),
				 LOGIN_ALL, 0, NULL),
		ST_OK);
	app_password_each(d, STR("ann@example.org"), copy_app, &p, NULL);
	directory_note_login(d, ann, p.id, &l);
	l.at_ms = 7;
	l.app[0] = '\0';
	directory_note_login(d, ann, 0, &l);
	assert_true(directory_logins_pending(d));
	assert_int_equal(account_last_login(d, ann, &got, &found, NULL), ST_OK);
	assert_false(directory_logins_pending(d));
	assert_true(found);
	assert_int_equal(got.at_ms, 7);
	assert_string_equal(got.ip, "192.0.2.1");
	assert_string_equal(got.app, "");
	app_password_each(d, STR("ann@example.org"), copy_app, &p, NULL);
	assert_int_equal(p.used_ms, 5);
	/* More than memory holds are written on the way; closing writes the rest. */
	for (uint64_t i = 0; i < 3000; i++)
		directory_note_login(d, i + 1000, 0, &l);
	l.at_ms = 9;
	directory_note_login(d, bob, 0, &l);
	directory_close(d);
	d = directory_open(path, NULL);
	assert_non_null(d);
	assert_int_equal(account_last_login(d, bob, &got, &found, NULL), ST_OK);
	assert_true(found && got.at_ms == 9);
	assert_int_equal(account_last_login(d, 1000, &got, &found, NULL), ST_OK);
	assert_false(found); /* no such account: no row is left behind */
	assert_int_equal(account_by_id(d, bob, &a, NULL), ST_OK);
}

/* What 0.1's first format wrote. */
static void old_file(void **state)
{
	static const char old[] =
		"CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
		"CREATE TABLE domain(number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL "
		"UNIQUE);"
		"CREATE TABLE account(id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL "
		"UNIQUE,"
		" disabled INTEGER NOT NULL DEFAULT 0, created_ms INTEGER NOT NULL,"
		" password_changed_ms INTEGER NOT NULL, version INTEGER NOT NULL DEFAULT 1,"
		" hash TEXT NOT NULL, scram_iterations INTEGER NOT NULL, scram_salt BLOB NOT NULL,"
		" scram_stored_key BLOB NOT NULL, scram_server_key BLOB NOT NULL);"
		"CREATE TABLE alias(address TEXT NOT NULL, target TEXT NOT NULL,"
		" PRIMARY KEY(address, target)) WITHOUT ROWID;"
		"CREATE INDEX alias_target ON alias(target);"
		"INSERT INTO meta VALUES('login-secret', randomblob(32));"
		"INSERT INTO domain(name) VALUES('old.test');"
		"INSERT INTO account VALUES(42, 'eve@old.test', 0, 1, 2, 3, '!', 0, x'', x'', x'');"
		"PRAGMA application_id = 0x52455354; PRAGMA user_version = 1;";
	struct account a;
	sqlite3 *db;

	(void)state;
	directory_close(d);
	d = NULL; /* should the test end here */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, old, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	for (int i = 0; i < 2; i++) {
		d = directory_open(path, NULL);
		assert_non_null(d);
		assert_int_equal(account_get(d, STR("eve@old.test"), &a, NULL), ST_OK);
		assert_int_equal(a.id, 42);
		assert_int_equal(a.quota_bytes, QUOTA_DEFAULT);
		assert_int_equal(to("eve@old.test", RESOLVED), 42);
		assert_int_equal(account_quota_told(d, 42), SAID_NO);
		if (i == 0)
			directory_close(d);
	}
}

/* More names than are remembered, each asked again while others push it out. */
static void many_names(void **state)
{
	enum { NAMES = 6000 };
	static uint64_t ids[NAMES];
	char address[64];

	(void)state;
	assert_int_equal(directory_batch_begin(d, NULL), ST_OK);
	for (int i = 0; i < NAMES; i++) {
		snprintf(address, sizeof address, "u%d@example.org", i);
		assert_int_equal(account_add(d, str_c(address), &nothing, &ids[i], NULL), ST_OK);
	}
	assert_int_equal(directory_batch_end(d, NULL), ST_OK);
	for (int i = 0; i < 3 * NAMES; i++) {
		int n = (int)((unsigned)i * 7919U % NAMES);

		snprintf(address, sizeof address, "u%d@example.org", n);
		assert_int_equal(to(address, RESOLVED), ids[n]);
		assert_int_equal(to(address, RESOLVED), ids[n]);
	}
	assert_int_equal(account_del(d, STR("u7@example.org"), NULL, NULL), ST_OK);
	to("u7@example.org", RESOLVED_NOWHERE);
}

/* A question leaves a transaction open: no change may be made in it, where nothing commits it. */
static void changes_after_questions(void **state)
{
	uint64_t id;

	(void)state;
	assert_int_equal(to("ann@example.org", RESOLVED), ann);
	assert_false(sqlite3_get_autocommit(d->db));
	assert_int_equal(account_add(d, STR("eve@example.org"), &nothing, &id, NULL), ST_OK);
	assert_true(sqlite3_get_autocommit(d->db));
	assert_int_equal(to("eve@example.org", RESOLVED), id);
	assert_int_equal(account_set_disabled(d, STR("eve@example.org"), true, NULL), ST_OK);
	to("eve@example.org", RESOLVED_DISABLED);
	directory_close(d);
	d = directory_open(path, NULL);
	assert_non_null(d);
	to("eve@example.org", RESOLVED_DISABLED);
}

static const unsigned char key[CERTIFICATE_KEY] = "k";

static enum said onward(void)
{
	struct maildrops m = { 0 };
	enum resolved r = directory_resolve(d, STR("all@example.org"), &m);
	size_t count = m.count + m.onward_count;

	maildrops_free(&m);
	return r == RESOLVED_TEMP ? SAID_NOTHING : r == RESOLVED && count == 3 ? SAID_YES : SAID_NO;
}

static enum said catch (void) {
	struct maildrops m = { 0 };
	enum resolved r = directory_resolve(d, STR("any@example.net"), &m);

	maildrops_free(&m);
	return r == RESOLVED_TEMP ? SAID_NOTHING
	       : r == RESOLVED    ? SAID_YES
				  : SAID_NO;
}

static enum said local(void)
{
	return directory_is_local_domain(d, STR("example.org"));
}

static enum said sender(void)
{
	return directory_may_send_as(d, bob, STR("bob@example.org"));
}

static enum said valid(void)
{
	return directory_login_valid(d, ann, 1);
}

static enum said same(void)
{
	return directory_same_user(d, STR("ann@example.net"), STR("ann@example.org"));
}

static enum said app(void)
{
	struct app_password found;

	return app_password_find(d, ann, STR("secret"), LOGIN_POP3, &found);
}

static enum said opens(void)
{
	return certificate_opens(d, ann, key);
}

static enum said whose(void)
{
	struct account a;

	return certificate_account(d, key, &a);
}

static enum said suppressed(void)
{
	return suppression_has(d, ann, STR("x@elsewhere.test"));
}

static int stop(void *arg)
{
	int *left = arg;

	return (*left)-- == 0;
}

/* Whatever step of it fails, and the next one works again: a question with the answer yes is answered yes or not now. */
static void unreadable(void **state)
{
	static enum said (*const questions[])(void) = { onward, catch, local, sender, valid, same,
		app, opens, whose, suppressed };
	const struct str targets[] = { STR("ann@example.org"), STR("x@far.test"),
		STR("y@far.test") };

	(void)state;
	assert_int_equal(
		directory_domain_alias(d, STR("example.net"), STR("example.org"), NULL), ST_OK);
	assert_int_equal(alias_add(d, STR("all@example.org"), targets, LEN(targets), NULL), ST_OK);
	assert_int_equal(alias("@example.org", "ann@example.org"), ST_OK);
	assert_int_equal(app_password_add(d, STR("ann@example.org"), STR("phone"), STR("secret"),
				 LOGIN_POP3, 0, NULL),
		ST_OK);
	assert_int_equal(certificate_add(d, STR("ann@example.org"), key, STR("ann"), NULL), ST_OK);
	assert_int_equal(suppression_add(d, ann, STR("x@elsewhere.test"), 1, NULL), ST_OK);
	for (size_t i = 0; i < LEN(questions); i++) {
		int failed = 0, left = -1;

		for (int step = 0; left < 0; step++) {
			enum said said;

			left = step;
			resolve_cache_flush(d->cache);
			sqlite3_progress_handler(d->db, 1, stop, &left);
			said = questions[i]();
			sqlite3_progress_handler(d->db, 0, NULL, NULL);
			failed += said == SAID_NOTHING;
			if (said == SAID_NO || (left >= 0 && said != SAID_YES) || step == 10000)
				fail_msg("question %zu, step %d: %d", i, step, (int)said);
		}
		if (failed == 0)
			fail_msg("question %zu never failed", i);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_directory, close_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(domain_aliases),
		TEST(domains_refused),
		TEST(domains_deleted),
		TEST(dropped_characters),
		TEST(catch_all),
		TEST(quotas),
		TEST(quota_told),
		TEST(app_passwords),
		TEST(last_logins),
		TEST(old_file),
		TEST(many_names),
		TEST(changes_after_questions),
		TEST(unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
