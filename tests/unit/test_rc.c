#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "remote/rc.h"

static void fetchmail(struct rc *rc, struct str text)
{
	rc_fetchmail(rc, text);
}

static void mpop(struct rc *rc, struct str text)
{
	rc_mpop(rc, text, false);
}

static void msmtp(struct rc *rc, struct str text)
{
	rc_mpop(rc, text, true);
}

/* Accounts, a line each: NAME SETTING=VALUE ... secret=..., then the notes. */
static void dump(const struct rc *rc, struct buf *out)
{
	for (size_t i = 0; i < rc->count; i++) {
		const struct rc_account *a = &rc->accounts[i];

		buf_printf(out, "%s", a->name);
		for (size_t k = 0; k < a->count; k++)
			buf_printf(out, " %s=%s", a->settings[k].name, a->settings[k].value);
		if (a->secret.len > 0)
			buf_printf(out, " secret=%.*s", STR_ARG(buf_str(&a->secret)));
		buf_putc(out, '\n');
	}
	buf_put(out, buf_str(&rc->notes));
}

/* clang-format off */
static const struct {
	const char *name;
	void (*read)(struct rc *rc, struct str text);
	const char *text, *want;
} rows[] = {
	{ "the usual one", fetchmail,
		"poll pop.a.test proto pop3 user \"ann@a.test\" pass \"x\\\"y\" keep ssl mda procmail",
		"pop.a.test address=ann@a.test user=ann@a.test keep=keep pop3_host=pop.a.test pop3_tls=implicit "
		"delivery=command:procmail secret=x\"y\n" },
	{ "defaults, noise and two users", fetchmail,
		"defaults proto pop3, ssl, mda m\npoll p.test with\n user 'a' there has password 'b' is c d here and wants keep\n"
		" user e pass f nokeep",
		"p.test user=a keep=keep pop3_host=p.test pop3_tls=implicit delivery=command:m secret=b\n"
		"p.test user=e keep=delete pop3_host=p.test pop3_tls=implicit delivery=command:m secret=f\n" },
	{ "via, service, limit, timeout", fetchmail,
		"poll label via p.test service 1995 timeout 30 user u pass w limit 1000 mda m",
		"label user=u keep=delete skip_size=1000 timeout=30s pop3_host=p.test pop3_tls=starttls pop3_port=1995 "
		"delivery=command:m secret=w\n" },
	{ "skipped unless named", fetchmail, "skip p.test user u pass w mda m\npoll q.test user u pass w mda m",
		"p.test only_named=yes user=u keep=delete pop3_host=p.test pop3_tls=starttls delivery=command:m secret=w\n"
		"q.test user=u keep=delete pop3_host=q.test pop3_tls=starttls delivery=command:m secret=w\n" },
	{ "IMAP is none", fetchmail, "poll p.test proto imap user u pass w", "F:1: p.test is not taken over: imap is not POP3\n" },
	{ "nothing is dropped in silence", fetchmail,
		"set daemon 60\npoll p.test user u pass w mda m\n fetchlimit 3 frob no rewrite dropstatus\n no sslcertck",
		"p.test user=u keep=delete pop3_host=p.test pop3_tls=starttls delivery=command:m secret=w\n"
		"F:1: set daemon is not taken over: restante fetch --daemon --interval does that\n"
		"F:3: fetchlimit is not taken over: there is no such setting here\n"
		"F:3: frob is not known: not taken over\n"
		"F:3: dropstatus is not taken over: there is no such setting here\n"
		"F:4: no sslcertck is not taken over: set fingerprint or ca_file\n" },
	{ "a comment and a string over lines", fetchmail, "# poll x\npoll p.test user 'u' pass 'a\nb' mda m # end\n nonsense",
		"p.test user=u keep=delete pop3_host=p.test pop3_tls=starttls delivery=command:m secret=a\nb\n"
		"F:4: nonsense is not known: not taken over\n" },
	{ "cut in the middle", fetchmail, "poll", "" },
	{ "nobody's user", fetchmail, "poll p.test pass w mda m",
		"p.test user=joe keep=delete pop3_host=p.test pop3_tls=starttls delivery=command:m secret=w\n" },

	{ "accounts inherit", mpop,
		"defaults\ntls on\ntls_starttls off\naccount one\nhost p.test\nuser u\npassword \"a b\"\n"
		"account two : one\nuser v\nkeep on\ndelivery maildir ~/M\naccount default : two\n",
		"one pop3_host=p.test pop3_tls=implicit user=u keep=delete secret=a b\n"
		"two pop3_host=p.test pop3_tls=implicit user=v keep=keep delivery=maildir:/home/joe/M secret=a b\n" },
	{ "sizes, filter, token", mpop,
		"account a\nhost p.test\nport 1995\ntls\nuser u@a.test\nauth xoauth2\npasswordeval get it\nskipsize 10k\n"
		"killsize 0\nfilter f -x\npipelining off\ntimeout 20",
		"a address=u@a.test pop3_host=p.test pop3_tls=starttls pop3_port=1995 auth=XOAUTH2 user=u@a.test "
		"token_command=get it keep=delete skip_size=10K filter=f -x pipelining=off timeout=20s\n"
		"F:9: kill_size: 0 is not taken over\n" },
	{ "what mpop has and we have not", mpop,
		"account a\nhost p.test\ntls on\nuser u\ntls_certcheck off\nsocket x\ntls_fingerprint 01:02\neval echo\n"
		"delivery exchange /x\nfilter f %F\nsource_ip\n",
		"a pop3_host=p.test pop3_tls=starttls user=u keep=delete\n"
		"F:6: socket is not taken over: there is no such setting here\n"
		"F:8: eval is not known: not taken over\n"
		"F:5: tls_certcheck off is not taken over: set fingerprint or ca_file\n"
		"F:7: tls_fingerprint is not SHA-256: not taken over\n"
		"F:9: delivery exchange /x is not taken over: mail goes into the store\n"
		"F:10: filter is not taken over: %F and %S have no meaning here\n" },
	{ "ways of mpop", mpop,
		"account a\nhost p.test\ntls on\nuser u\nsource_ip 192.0.2.1\nproxy_host ::1\nproxy_port 9050\n"
		"tls_cert_file ~/c.pem\ntls_key_file /k.pem\nauth external\naccount b\nhost p.test\ntls on\nuser v\nproxy_host x\n",
		"a pop3_host=p.test pop3_tls=starttls client_certificate=/home/joe/c.pem client_key=/k.pem source=192.0.2.1 "
		"proxy=socks5://[::1]:9050 auth=EXTERNAL user=u keep=delete\n"
		"b pop3_host=p.test pop3_tls=starttls proxy=socks5://x user=v keep=delete\n" },
	{ "what mpop keeps is not deleted", mpop,
		"defaults\ntls on\nkeep 2w\nkillsize 9\naccount a\nhost a.test\nuser u\naccount b\nhost b.test\nuser u\n"
		"keep 36h\nkillsize off\naccount c\nhost c.test\nuser u\nkeep off\n",
		"a pop3_host=a.test pop3_tls=starttls user=u keep=days keep_days=14\n"
		"b pop3_host=b.test pop3_tls=starttls user=u keep=keep\n"
		"c pop3_host=c.test pop3_tls=starttls user=u keep=delete kill_size=9\n"
		"F:4: killsize is not taken over: with keep nothing is to be deleted\n"
		"F:11: keep 36h is not taken over: all of it stays there, see keep_days\n" },
	{ "the password that was said last", mpop,
		"account a\nhost a.test\ntls on\nuser u\npasswordeval get it\nkeep\naccount b : a\nhost b.test\npassword x\n"
		"account c : b\nhost c.test\npasswordeval get more\n",
		"a pop3_host=a.test pop3_tls=starttls user=u password_command=get it keep=keep\n"
		"b pop3_host=b.test pop3_tls=starttls user=u keep=keep secret=x\n"
		"c pop3_host=c.test pop3_tls=starttls user=u password_command=get more keep=keep\n" },
	{ "a pattern is no address", msmtp, "account a\nhost s.test\ntls on\nfrom *@a.test\nuser u\npassword x\n",
		"a smtp_host=s.test smtp_tls=starttls user=u secret=x\n"
		"F:4: from *@a.test is not taken over: one address is needed\n" },
	{ "no host", mpop, "account a\nuser u\n", "F:1: account a has no host: not taken over\n" },
	{ "msmtp alone", msmtp, "account a\nhost s.test\nport 465\ntls on\ntls_starttls off\nfrom u@a.test\nuser u\nlogfile ~/l",
		"a address=u@a.test smtp_host=s.test smtp_tls=implicit smtp_port=465 user=u\n"
		"F:8: logfile is not taken over: there is no such setting here\n" },

	{ "the usual one of getmail", rc_getmail,
		"[retriever]\ntype = SimplePOP3SSLRetriever\nserver = p.test\nusername = u@a.test\npassword: w\n"
		"[destination]\ntype = Maildir\npath = ~/M/\n[options]\ndelete_after = 7\nread_all = false\n",
		"p.test address=u@a.test pop3_host=p.test pop3_tls=implicit user=u@a.test delivery=maildir:/home/joe/M/ keep=days "
		"keep_days=7 secret=w\n" },
	{ "commands of getmail", rc_getmail,
		"[retriever]\ntype = SimplePOP3SSLRetriever\nserver = p.test\nusername = u\npassword_command = (\"pass\",\n  'it''s')\n"
		"[destination]\ntype = MDA_external\npath = /usr/bin/mda\narguments = (\"-d\", \"it's\")\n"
		"[options]\ndelete = true\nmax_message_size = 5000\n",
		"p.test pop3_host=p.test pop3_tls=implicit user=u password_command='pass' 'it' 's' "
		"delivery=command:/usr/bin/mda '-d' 'it'\\''s' keep=delete skip_size=5000\n" },
	{ "what getmail has and we have not", rc_getmail,
		"[retriever]\ntype = SimplePOP3Retriever\nserver = p.test\nusername = u\n[destination]\ntype = Mboxrd\npath = /m\n"
		"[filter-1]\ntype = Filter_external\n[options]\nmessage_log = ~/l\nwhat\n",
		"p.test pop3_host=p.test pop3_tls=starttls user=u delivery=mboxrd:/m keep=keep\n"
		"F:12: what is not taken over\n"
		"F:2: SimplePOP3Retriever: STLS is demanded here\n"
		"F:9: [filter-1] type is not taken over\n"
		"F:11: [options] message_log is not taken over\n" },
	{ "IMAP of getmail", rc_getmail, "[retriever]\ntype = SimpleIMAPSSLRetriever\nserver = p.test\n",
		"F:2: the type SimpleIMAPSSLRetriever is not taken over: only POP3 of one mailbox\n" },
};
/* clang-format on */

static void configurations(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rc rc = { .file = "F", .home = "/home/joe", .login = "joe" };
		struct buf got = { 0 };

		rows[i].read(&rc, str_c(rows[i].text));
		dump(&rc, &got);
		if (!str_eq(buf_str(&got), str_c(rows[i].want)))
			fail_msg("%s:\n%.*s-- wanted:\n%s", rows[i].name, STR_ARG(buf_str(&got)),
				rows[i].want);
		buf_deinit(&got);
		rc_free(&rc);
	}
}

/* Cut anywhere it says something else, but reads nothing that is not there. */
static void cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct str text = str_c(rows[i].text);

		for (size_t n = 0; n <= text.n; n++) {
			struct rc rc = { .file = "F", .home = "", .login = "" };
			char *copy = str_dup_c(str_head(text, n));

			rows[i].read(&rc, str_of(copy, n));
			assert_true(rc.count <= 3);
			rc_free(&rc);
			free(copy);
		}
	}
}

static void sending_joins_fetching(void **state)
{
	struct rc rc = { .file = "F", .home = "", .login = "" };
	struct buf got = { 0 };

	(void)state;
	rc_mpop(&rc, STR("account a\nhost p.test\ntls on\nuser u@a.test\npassword x\n"), false);
	rc_mpop(&rc,
		STR("account b\nhost s.test\ntls on\nfrom u@a.test\nuser u@a.test\npassword x\n"),
		true);
	dump(&rc, &got);
	assert_true(str_eq(buf_str(&got), STR("a address=u@a.test pop3_host=p.test "
					      "pop3_tls=starttls user=u@a.test keep=delete "
					      "smtp_host=s.test smtp_tls=starttls secret=x\n")));
	buf_deinit(&got);
	rc_free(&rc);
}

static void what_was_fetched(void **state)
{
	struct rc rc = { .file = "F", .home = "", .login = "" };
	struct rc_account *a;

	(void)state;
	rc_fetchmail(&rc,
		STR("poll p.test user \"u@x y\" pass w mda m poll q.test user v pass w mda m"));
	rc_fetchmail_ids(
		&rc, STR("u@x y@p.test one\nv@Q.test two 2\nv@r.test three\nv@q.test\nx\n"));
	assert_true(str_eq(buf_str(&rc.accounts[0].seen), STR("0 one\n")));
	assert_true(str_eq(buf_str(&rc.accounts[1].seen), STR("0 two 2\n")));
	assert_true(str_eq(
		buf_str(&rc.notes), STR("F: 3 lines are of accounts that are not taken over\n")));
	a = &rc.accounts[1];
	buf_clear(&a->seen);
	rc_mpop_uidls(a, STR("# x\n 1 q.test w\nno\n 2 q.test v\nyes\nalso\n 1 p.test v\nno\n"));
	assert_true(str_eq(buf_str(&a->seen), STR("0 yes\n0 also\n")));
	buf_clear(&a->seen);
	rc_getmail_oldmail(a, STR("a\0"
				  "12\nb\nc\0x\n\0"
				  "5\nd e\0"
				  "7\n"));
	assert_true(str_eq(buf_str(&a->seen), STR("12000 a\n7000 d e\n")));
	rc_free(&rc);
}

static void name_of_getmails_state(void **state)
{
	struct rc rc = { .file = "F", .home = "", .login = "" };

	(void)state;
	rc_getmail(&rc,
		STR("[retriever]\ntype=SimplePOP3SSLRetriever\nserver=p.test\nusername=a/:b@x\n"
		    "[destination]\ntype=Maildir\npath=/m\n"));
	assert_string_equal(rc.accounts[0].state_file, "oldmail-p.test-995-a-b@x");
	rc_free(&rc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configurations),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(sending_joins_fetching),
		cmocka_unit_test(what_was_fetched),
		cmocka_unit_test(name_of_getmails_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
