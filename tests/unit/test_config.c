#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/config_out.h"
#include "daemon/config_remote.h"
#include "daemon/nearest.h"
#include "proto/smtpd.h"

static struct config *must_parse(struct str text)
{
	struct err err = { ST_OK, "" };
	struct config *c = config_parse(text, "restante.conf", &err);

	assert_string_equal(err.text, "");
	assert_non_null(c);
	return c;
}

static void errors_rows(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		struct str text;
		const char *said;
	} rows[] = {
		{ "misspelt", STR_INIT("\nhostnam = a.example\n"),
			"restante.conf:2: unknown setting 'hostnam', did you mean 'hostname'?" },
		{ "behind comments", STR_INIT("# a 'b\n// \"c\n/* d\n#*/ edges = 1 # e\n\nx = 1\n"),
			"restante.conf:6: unknown setting 'x'" },
		{ "behind quotes", STR_INIT("implementation = \"a # \\\" // b\"\nx = 1\n"),
			"restante.conf:2: unknown setting 'x'" },
		{ "after two slashes in a word", STR_INIT("implementation = a//b\nx = 1\n"),
			"restante.conf:2: unknown setting 'x'" },
		{ "swapped letters", STR_INIT("atuologout = 10m"),
			"restante.conf:1: unknown setting 'atuologout', did you mean "
			"'autologout'?" },
		{ "nothing is near", STR_INIT("zzz = 1"),
			"restante.conf:1: unknown setting 'zzz'" },
		{ "misspelt section", STR_INIT("listn smtp {\n}"),
			"restante.conf:1: unknown setting 'listn', did you mean 'listen'?" },
		{ "misspelt in a section", STR_INIT("listen smtp {\n\tprot = 25\n}"),
			"restante.conf:2: unknown setting 'prot', did you mean 'port'?" },
		{ "include is not there", STR_INIT("include(\"/etc/passwd\")"),
			"restante.conf:1: unknown setting 'include'" },
		{ "below the range", STR_INIT("\n\nautologout = 9m"),
			"restante.conf:3: autologout cannot be \"9m\": allowed is 10m to 1d" },
		{ "above the range", STR_INIT("recipients_max = 100001"),
			"restante.conf:1: recipients_max cannot be \"100001\": allowed is 100 to "
			"100000" },
		{ "unit of another kind", STR_INIT("message_size_limit = 5m5"),
			"restante.conf:1: message_size_limit cannot be \"5m5\": allowed is 64K to "
			"2G" },
		{ "overflow", STR_INIT("message_size_limit = 9223372036854775807G"),
			"restante.conf:1: message_size_limit cannot be \"9223372036854775807G\": "
			"allowed is 64K to 2G" },
		{ "negative", STR_INIT("edges = -1"),
			"restante.conf:1: edges cannot be \"-1\": allowed is 0 to 256" },
		{ "not a network", STR_INIT("lmtp_clients = \"::1 10.0.0.1/8\""),
			"restante.conf:1: lmtp_clients cannot be \"::1 10.0.0.1/8\": allowed is "
			"networks "
			"such as 10.0.0.0/8 and ::1, or nothing" },
		{ "LMTP on port 25", STR_INIT("listen lmtp {\nport = 25\n}"),
			"restante.conf: listen lmtp: RFC 2033 5 forbids LMTP on port 25" },
		{ "not a network in a section", STR_INIT("listen smtp {\nproxy_networks = a\n}"),
			"restante.conf:2: proxy_networks cannot be \"a\": allowed is networks such "
			"as "
			"10.0.0.0/8 and ::1, or nothing" },
		{ "not an extension", STR_INIT("listen smtp {\ndiscard_ehlo = \"DSN TLS\"\n}"),
			"restante.conf:2: discard_ehlo cannot be \"DSN TLS\": allowed is none, "
			"PIPELINING, "
			"SIZE, 8BITMIME, SMTPUTF8, CHUNKING, STARTTLS, AUTH, DSN, LIMITS, "
			"ENHANCEDSTATUSCODES, REQUIRETLS, FUTURERELEASE, XVERP and ETRN" },
		{ "not a bool", STR_INIT("cleartext_auth = maybe"),
			"restante.conf:1: cleartext_auth cannot be \"maybe\": allowed is yes or "
			"no" },
		{ "not a name", STR_INIT("hostname = \"a_b\""),
			"restante.conf:1: hostname cannot be \"a_b\": allowed is a host name" },
		{ "not a word", STR_INIT("tls_min_version = \"1.1\""),
			"restante.conf:1: tls_min_version cannot be \"1.1\": allowed is 1.2 or "
			"1.3" },
		{ "one bad word of several", STR_INIT("sasl_mechanisms = \"PLAIN CRAM-MD5\""),
			"restante.conf:1: sasl_mechanisms cannot be \"PLAIN CRAM-MD5\": allowed is "
			"PLAIN, LOGIN, SCRAM-SHA-256, SCRAM-SHA-256-PLUS, OAUTHBEARER, "
			"XOAUTH2 and EXTERNAL" },
		{ "control octet", STR_INIT("implementation = \"a\\nb\""),
			"restante.conf:1: implementation cannot be \"a\nb\": allowed is text or "
			"nothing of "
			"at most 100 octets" },
		{ "twice in a section", STR_INIT("listen smtp {\nport = 1\nport = 2\n}"),
			"restante.conf:3: port is set twice" },
		{ "twice", STR_INIT("edges = 1\nedges = 2"),
			"restante.conf:2: edges is set twice" },
		{ "NUL",			    STR_INIT("edges = 1\0"),                                        "restante.conf: there is a NUL octet in it"},
		{ "unknown listener", STR_INIT("listen imap {\n}"),
			"restante.conf:2: listen imap needs a protocol (only smtp, submission, "
			"submissions, "
			"pop3, pop3s, lmtp, https and http imply one)" },
		{ "unknown listener without port", STR_INIT("listen other {\nprotocol = smtp\n}"),
			"restante.conf:3: listen other needs a port (only smtp, submission, "
			"submissions, "
			"pop3, pop3s, lmtp, https and http imply one)" },
		{ "port 0", STR_INIT("listen smtp { port = 0 }"),
			"restante.conf:1: port cannot be \"0\": allowed is 1 to 65535" },
		{ "port 65536", STR_INIT("listen smtp { port = 65536 }"),
			"restante.conf:1: port cannot be \"65536\": allowed is 1 to 65535" },
		{ "name for address", STR_INIT("listen smtp { address = {\"localhost\"} }"),
			"restante.conf:1: address cannot be \"localhost\": allowed is an IPv4 or "
			"IPv6 address" },
		{ "tls mode", STR_INIT("listen smtp { tls = ssl }"),
			"restante.conf:1: tls cannot be \"ssl\": allowed is none, starttls or "
			"implicit" },
		{ "certificate without key", STR_INIT("certificate a {\n\tcertificate = c.pem\n}"),
			"restante.conf:3: certificate a needs a key" },
		{ "key without certificate", STR_INIT("certificate a { key = k.pem }"),
			"restante.conf:1: certificate a needs a certificate" },
		{ "key twice", STR_INIT("certificate a { key = k key = l }"),
			"restante.conf:1: key is set twice" },
		{ "certificate twice",
                 STR_INIT("certificate a { key = k certificate = c }\n"
				 "certificate a { key = k certificate = c }"),
			"restante.conf:2: found duplicate title 'a'" },
		{ "listener's name in certificate", STR_INIT("certificate a { keys = k }"),
			"restante.conf:1: unknown setting 'keys', did you mean 'key'?" },
		{ "misspelt certificate section", STR_INIT("certificat a { key = k }"),
			"restante.conf:1: unknown setting 'certificat', did you mean "
			"'certificate'?" },
		{ "tickets perhaps", STR_INIT("listen smtp { tls_tickets = perhaps }"),
			"restante.conf:1: tls_tickets cannot be \"perhaps\": allowed is yes or "
			"no" },
		{ "retries that are none", STR_INIT("queue_retry = \"1m, x\""),
			"restante.conf:1: queue_retry cannot be \"1m, x\": allowed is times from "
			"1s to 30d, separated by "
			"commas" },
		{ "neither off nor a time", STR_INIT("queue_delay_notice = of"),
			"restante.conf:1: queue_delay_notice cannot be \"of\": allowed is off, or "
			"1s to 365d" },
		{ "smarthost without host", STR_INIT("smarthost {\nport = 25\n}"),
			"restante.conf:3: smarthost needs a host" },
		{ "smarthost twice", STR_INIT("smarthost { host = a }\nsmarthost { host = b }"),
			"restante.conf:2: smarthost is there twice" },
		{ "a host that is none", STR_INIT("smarthost { host = \"a:25\" }"),
			"restante.conf:1: host cannot be \"a:25\": allowed is a host name or IP "
			"address" },
		{ "two ways", STR_INIT("route a.example { relay = b lmtp = c }"),
			"restante.conf:1: route: only one of relay, lmtp and null" },
		{ "user without password", STR_INIT("smarthost { host = a user = u }"),
			"restante.conf:1: smarthost: user and password or password_command go "
			"together" },
		{ "a password in the clear",
                 STR_INIT("smarthost { host = a user = u password = p tls = may }"),
			"restante.conf:1: smarthost: with tls = none or may the password could "
			"cross the network unencrypted" },
		{ "a name that looks like loopback",
                 STR_INIT("smarthost { host = 127.evil.example user = u password = p tls = may }"),
			"restante.conf:1: smarthost: with tls = none or may the password could "
			"cross the network unencrypted" },
		{ "a route for an address", STR_INIT("route ann@a.example { relay = b }"),
			"restante.conf:1: route ann@a.example: for whom it is, is a domain, "
			".DOMAIN or *" },
		{ "a route for no domain", STR_INIT("route x { for = \"a b\" relay = b }"),
			"restante.conf:1: route a b: for whom it is, is a domain, .DOMAIN or *" },
		{ "a sender that is none", STR_INIT("sender_route \"ann@\" { relay = b }"),
			"restante.conf:1: sender_route ann@: for whom it is, is an address, a "
			"domain, .DOMAIN or *" },
		{ "a route twice",
                 STR_INIT("route a.example { relay = b }\nroute A.Example { relay = c }"),
			"restante.conf:2: route A.Example is there twice" },
		{ "recipients of elsewhere",
                 STR_INIT("route a.example { backup_mx = yes recipients = \"u@a.example v@b.example\" }"),
			"restante.conf:1: route a.example: recipients: v@b.example is no address "
			"there" },
		{ "recipients without a domain",
                 STR_INIT("route a.example { backup_mx = yes recipients = \"ann bob\" }"),
			"restante.conf:1: route a.example: recipients: ann is no address there" },
		{ "a policy for nobody", STR_INIT("tls_policy \"a b\" { level = verify }"),
			"restante.conf:1: tls_policy a b: its name is a domain, .DOMAIN or *" },
		{ "a policy twice",
                 STR_INIT("tls_policy a.b { level = verify }\ntls_policy A.b { level = none }"),
			"restante.conf:2: tls_policy A.b is there twice" },
		{ "a limit for nobody", STR_INIT("limit \"x@a.b\" { rate = 1 }"),
			"restante.conf:1: limit x@a.b: its name is a domain, .DOMAIN or *" },
		{ "remote without a place", STR_INIT("remote home {\n}"),
			"restante.conf:2: remote home: give it an address, or a host" },
		{ "remote twice", STR_INIT("remote a { address = a@b.c }\nremote A { address = a@b.c }"),
			"restante.conf:2: remote A: it is there already" },
		{ "remote's name", STR_INIT("remote \"a/b\" { address = a@b.c }"),
			"restante.conf:1: remote a/b: a name has letters, digits and -_. only" },
		{ "two secrets",
                 STR_INIT(
				"remote a { address = a@b.c password_file = f token_command = t }"),
			"restante.conf:1: remote a: only one of password_file, password_command "
			"and token_command" },
		{ "no TLS", STR_INIT("remote a { address = a@b.c pop3_tls = none }"),
			"restante.conf:1: remote a: without TLS the password crosses the network "
			"unencrypted; allow_cleartext = yes permits it" },
		{ "a delivery that is none",
                 STR_INIT("remote a { address = a@b.c delivery = \"maildir:\" }"),
			"restante.conf:1: remote a: delivery is none of store, maildir:DIR, "
			"mboxrd:FILE, command:CMD, smtp://HOST:PORT, lmtp://HOST:PORT" },
		{ "half a fingerprint", STR_INIT("remote a { address = a@b.c fingerprint = ab }"),
			"restante.conf:1: remote a: fingerprint is not 64 hex digits" },
		{ "a size beyond the range",
                 STR_INIT("remote a { address = a@b.c skip_size = 2000G }"),
			"restante.conf:1: skip_size cannot be \"2000G\": allowed is 0 to 1024G" },
		{ "misspelt in a remote", STR_INIT("remote a { adress = a@b.c }"),
			"restante.conf:1: unknown setting 'adress', did you mean 'address'?" },
		{ "misspelt in a nameless section", STR_INIT("smarthost { hots = a }"),
			"restante.conf:1: unknown setting 'hots', did you mean 'host'?" },
		{ "a schedule for what goes nowhere",
			STR_INIT("route a.example { null = discard lifetime = 1d }"),
			"restante.conf:1: route: with null nothing is tried again" },
		{ "sizes that none has", STR_INIT("route a.example { min_size = 2K max_size = 1K }"),
			"restante.conf:1: route: max_size is below min_size" },
		{ "backup for some sizes", STR_INIT("route a.example { backup_mx = yes min_size = 2K }"),
			"restante.conf:1: route: backup_mx is for messages of any size and header" },
		{ "a header without a pattern", STR_INIT("route a.example { header = \"X-Kind: \" }"),
			"restante.conf:1: route: header is a field and a pattern, as in \"X-Kind: *bulk*\"" },
		{ "backup for some kinds",
			STR_INIT("route a.example { backup_mx = yes header = \"X-Kind: a\" }"),
			"restante.conf:1: route: backup_mx is for messages of any size and header" },
		{ "a header of the smarthost", STR_INIT("smarthost { host = b header = \"X-Kind: a\" }"),
			"restante.conf:1: unknown setting 'header'" },
		{ "a schedule of the smarthost", STR_INIT("smarthost { host = b retry = \"1m\" }"),
			"restante.conf:1: unknown setting 'retry'" },
		{ "a route's retries that are none", STR_INIT("route a.example { retry = \"0s\" }"),
			"restante.conf:1: retry cannot be \"0s\": allowed is times from 1s to 30d, "
			"separated by commas" },
		{ "backup for senders", STR_INIT("sender_route a.example { backup_mx = yes }"),
			"restante.conf:1: sender_route: backup_mx is for a recipient's domain" },
		{ "a level of relays only", STR_INIT("tls_policy a.example { level = implicit }"),
			"restante.conf:1: level cannot be \"implicit\": allowed is none, may, "
			"encrypt, verify or dane" },
		{ "no address of that kind", STR_INIT("source a.example { ipv4 = \"::1\" }"),
			"restante.conf:1: source a.example: ipv4 or ipv6 is no address of that kind" },
		{ "limit without sense", STR_INIT("limit a.example { rate = -1 }"),
			"restante.conf:1: rate cannot be \"-1\": allowed is 0 to 1000000" },
		{ "soft over hard", STR_INIT("errors_soft = 30"),
			"restante.conf: errors_hard is less than errors_soft" },
		{ "header over message", STR_INIT("message_size_limit = 64K"),
			"restante.conf: header_size_limit is more than message_size_limit" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { ST_OK, "" };

		if (config_parse(rows[i].text, "restante.conf", &err) != NULL)
			fail_msg("accepted: %s", rows[i].name);
		assert_string_equal(err.text, rows[i].said);
		assert_int_equal(err.code, ST_USAGE);
	}
}

static void syntax_errors_are_caught(void **state)
{
	static const struct str rows[] = {
		STR_INIT("hostname"),
		STR_INIT("hostname ="),
		STR_INIT("= 1"),
		STR_INIT("listen {\n}"),
		STR_INIT("listen smtp {"),
		STR_INIT("}"),
		STR_INIT("hostname = \"a"),
		STR_INIT("listen smtp {\n}\nlisten smtp {\n}"),
		STR_INIT("hostname = {\"a\"}"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { ST_OK, "" };

		assert_null(config_parse(rows[i], "restante.conf", &err));
		assert_int_equal(err.code, ST_USAGE);
		assert_true(str_starts(str_c(err.text), STR("restante.conf")));
	}
}

/* What discard_ehlo takes, the server knows. */
static void keywords_of_ehlo(void **state)
{
	struct str words = { NULL, 0 };

	(void)state;
	for (size_t i = 0; i < config_listen_settings_count; i++)
		if (str_eq(str_c(config_listen_settings[i].name), STR("discard_ehlo")))
			words = str_c(config_listen_settings[i].words);
	assert_true(str_eq(str_cut(&words, ' '), STR("none")));
	assert_true(words.n > 0);
	while (words.n > 0) {
		struct str word = str_cut(&words, ' ');

		if (smtpd_extension_named(word) == 0)
			fail_msg("%.*s", STR_ARG(word));
	}
	assert_int_equal(smtpd_extension_named(STR("none")), 0);
}

static void defaults(void **state)
{
	struct config *c = must_parse(STR(""));

	(void)state;
	assert_true(c->hostname[0] != '\0');
	assert_int_equal(c->message_size_limit, 50 * 1024 * 1024);
	assert_int_equal(c->autologout_ms, 600000);
	assert_int_equal(c->command_timeout_ms, 300000);
	assert_false(c->cleartext_auth);
	assert_true(c->sender_login_match);
	assert_int_equal(c->listen_count, 5);
	assert_string_equal(c->listen[2].name, "submissions");
	assert_int_equal(c->listen[2].protocol, LISTEN_SUBMISSION);
	assert_int_equal(c->listen[2].tls, LISTEN_TLS_IMPLICIT);
	assert_int_equal(c->listen[2].port, 465);
	assert_int_equal(c->listen[2].address_count, 2);
	assert_string_equal(c->listen[2].addresses[1], "::");
	config_free(c);
}

static void values(void **state)
{
	struct config *c = must_parse(
		STR("hostname = mx.example\nmessage_size_limit = 25M\n"
		    "autologout = 900 # a plain number is seconds\ncommand_timeout = 10s\n"
		    "cleartext_auth = on\nimplementation = \"\"\nsession_max = 3d\n"
		    "listen pop3s { port = 10995 address = \"127.0.0.1\" }\n"
		    "listen inside {\n\tprotocol = smtp\n\tport = 2525\n\ttls = none\n"
		    "\taddress = {\"::1\", \"127.0.0.1\"}\n}\n"));

	(void)state;
	assert_string_equal(c->hostname, "mx.example");
	assert_int_equal(c->message_size_limit, 25 * 1024 * 1024);
	assert_int_equal(c->autologout_ms, 900000);
	assert_int_equal(c->command_timeout_ms, 10000);
	assert_int_equal(c->session_max_ms, INT64_C(3) * 86400000);
	assert_true(c->cleartext_auth);
	assert_string_equal(c->implementation, "");
	assert_int_equal(c->listen_count, 2);
	assert_int_equal(c->listen[0].port, 10995);
	assert_int_equal(c->listen[0].tls, LISTEN_TLS_IMPLICIT);
	assert_int_equal(c->listen[0].protocol, LISTEN_POP3);
	assert_int_equal(c->listen[0].address_count, 1);
	assert_string_equal(c->listen[1].addresses[0], "::1");
	assert_int_equal(c->listen[1].address_count, 2);
	assert_int_equal(c->listen[1].tls, LISTEN_TLS_NONE);
	config_free(c);
}

static void certificates_and_tickets(void **state)
{
	struct config *c = must_parse(
		STR("tls_tickets = no\nlisten smtp { }\nlisten pop3s { tls_tickets = yes }\n"
		    "certificate a { certificate = \"a.pem\" key = \"a.key\" }\n"
		    "certificate b { key = \"b.key\" certificate = \"b.pem\" }\n"));

	(void)state;
	assert_int_equal(c->listen_count, 2);
	assert_false(c->listen[0].tls_tickets);
	assert_true(c->listen[1].tls_tickets);
	assert_int_equal(c->certificate_count, 2);
	assert_string_equal(c->certificates[0].certificate, "a.pem");
	assert_string_equal(c->certificates[1].key, "b.key");
	config_free(c);
	c = must_parse(STR("tls_tickets = no\n"));
	assert_int_equal(c->listen_count, 5);
	assert_false(c->listen[4].tls_tickets);
	config_free(c);
}

static const char routes_text[] =
	"queue_retry = \"10s, 1m\"\nqueue_delay_notice = off\n"
	"smarthost {\n\thost = smtp.example.net\n\tuser = u\n\tpassword = \"p w\"\n}\n"
	"fallback_relay {\n\thost = 192.0.2.1\n\ttls = implicit\n}\n"
	"route a.example {\n\trelay = 127.0.0.1\n\tport = 2525\n\tretry = \"1m, 90s\"\n"
	"\tlifetime = 2d\n\tdelay_notice = off\n}\n"
	"route \".b.example\" {\n\tlmtp = ::1\n}\n"
	"route c.example {\n\tbackup_mx = yes\n\trecipients = \"x@c.example\"\n}\n"
	"route d.example {\n\tnull = refuse\n\tmin_size = 2K\n\tmax_size = 5000\n}\n"
	"route e.example {\n\tnull = discard\n\theader = \"List-Id: *<a.*\"\n}\n"
	"route f.example {\n\tnull = discard\n\theader = \"X-Kind: a\"\n}\n"
	"route \"f large\" {\n\tlmtp = ::1\n\tmin_size = 5000\n\tfor = f.example\n}\n"
	"sender_route ours.example {\n\trelay = out.example\n\ttls = starttls\n}\n"
	"tls_policy \"*\" {\n\tlevel = encrypt\n}\ntls_policy bank.example {\n\tlevel = dane\n}\n"
	"source \"*\" {\n\tipv4 = 192.0.2.7\n}\n"
	"source a.example {\n\tipv6 = \"2001:db8::7\"\n\thelo = mx7.a.example\n}\n"
	"limit \".mail.example\" {\n\tconnections = 5\n\trate = 60\n}\n";

static struct route way(const struct route_rules *rules, struct str recipient)
{
	return route_of(rules, &(struct route_ask){ STR(""), recipient, 5000 });
}

static void routes(void **state)
{
	struct err err = { ST_OK, "" };
	struct config *c = config_parse(str_c(routes_text), "t", &err);
	int64_t times[CONFIG_RETRIES_MAX];
	struct route_rules rules;
	const struct route_rule *r;
	struct route to;
	size_t count;

	(void)state;
	if (c == NULL)
		fail_msg("%s", err.text);
	rules = config_routes(c);
	assert_int_equal(rules.count, 10);
	assert_true(config_retry_times(str_c(c->queue_retry), times, &count));
	assert_int_equal(count, 2);
	assert_true(times[0] == 10000 && times[1] == 60000);
	assert_true(c->queue_delay_notice_ms == -1);
	r = route_rule_find(&rules, RULE_SMARTHOST, STR(""));
	assert_string_equal(r->password, "p w");
	assert_int_equal(r->port, 587);
	assert_int_equal(r->tls, ROUTE_TLS_VERIFY);
	r = route_rule_find(&rules, RULE_FALLBACK, STR(""));
	assert_int_equal(r->port, 465);
	r = route_rule_find(&rules, RULE_SENDER, STR("ours.example"));
	assert_int_equal(r->tls, ROUTE_TLS_VERIFY);
	assert_int_equal(r->port, 25);
	to = way(&rules, STR("x@y.b.example"));
	assert_int_equal(to.kind, ROUTE_LMTP);
	assert_int_equal(to.port, 24);
	assert_int_equal(to.rule->tls, ROUTE_TLS_NONE);
	assert_int_equal(to.rule->schedule.waits, 0);
	r = route_rule_find(&rules, RULE_ROUTE, STR("a.example"));
	assert_int_equal(r->schedule.waits, 2);
	assert_true(r->schedule.wait_ms[1] == 90000);
	assert_true(r->schedule.lifetime_ms == 2 * 86400000);
	assert_true(r->schedule.delay_notice_ms == -1);
	assert_int_equal(way(&rules, STR("x@c.example")).kind, ROUTE_MX);
	to = way(&rules, STR("x@d.example"));
	assert_int_equal(to.kind, ROUTE_REFUSE);
	assert_true(to.rule->min_size == 2048 && to.rule->max_size == 5000);
	r = route_rule_find(&rules, RULE_ROUTE, STR("f.example"));
	assert_string_equal(r->header, "X-Kind: a");
	assert_true(r->mark == 2);
	to = way(&rules, STR("x@f.example"));
	assert_string_equal(to.rule->name, "f large");
	assert_ptr_equal(route_rule_find(&rules, RULE_ROUTE, STR("f large")), to.rule);
	assert_int_equal(config_tls_level(c, STR("Bank.example")), ROUTE_TLS_DANE);
	assert_int_equal(config_tls_level(c, STR("other.example")), ROUTE_TLS_ENCRYPT);
	assert_string_equal(config_source(c, STR("x@A.example"))->helo, "mx7.a.example");
	assert_string_equal(config_source(c, STR("x@A.example"))->ipv4, "");
	assert_string_equal(config_source(c, STR(""))->ipv4, "192.0.2.7");
	assert_int_equal(c->limits[0].rate, 60);
	config_free(c);
}

/* With passwords left out, and then it is the same again. */
static void printed_routes(void **state)
{
	struct config *c = must_parse(str_c(routes_text)), *again;
	struct buf one = { 0 }, two = { 0 };

	(void)state;
	config_print(&one, c, false);
	assert_null(memmem(one.data, one.len, "p w", 3));
	again = must_parse(buf_str(&one));
	config_print(&two, again, false);
	assert_true(str_eq(buf_str(&one), buf_str(&two)));
	assert_int_equal(again->route_count, c->route_count);
	assert_int_equal(again->tls_policy_count, 2);
	assert_int_equal(again->source_count, 2);
	assert_non_null(memmem(one.data, one.len, "retry = \"1m, 90s\"\n", 18));
	assert_int_equal(again->limits[0].connections, 5);
	config_free(c);
	config_free(again);
	buf_deinit(&one);
	buf_deinit(&two);
}

/* What is printed is a configuration file that means the same. */
static void printing_is_reading(void **state)
{
	struct config
		*c = must_parse(STR(
			"hostname = mx.example\nmessage_size_limit = 25000001\n"
			"implementation = \"a \\\"b\\\" \\\\ c\"\nautologout = 601s\nedges = 3\n"
			"listen smtp { port = 2525 tls_tickets = no discard_ehlo = \"DSN LIMITS\" "
			"}\n"
			"listen lmtp { proxy_networks = \"10.0.0.0/8 ::1\" }\n"
			"xclient_networks = 192.0.2.1\n"
			"certificate \"a b\" { certificate = c.pem key = k.pem }\n")),
		*again;
	struct buf one, two;

	(void)state;
	buf_init(&one, 0);
	buf_init(&two, 0);
	config_print(&one, c, false);
	again = must_parse(buf_str(&one));
	config_print(&two, again, false);
	assert_true(str_eq(buf_str(&one), buf_str(&two)));
	assert_string_equal(again->implementation, "a \"b\" \\ c");
	assert_int_equal(again->message_size_limit, 25000001);
	assert_int_equal(again->listen[0].port, 2525);
	assert_false(again->listen[0].tls_tickets);
	assert_string_equal(again->listen[0].discard_ehlo, "DSN LIMITS");
	assert_int_equal(again->listen[1].port, 24);
	assert_string_equal(again->listen[1].addresses[0], "127.0.0.1");
	assert_string_equal(again->listen[1].proxy_networks, "10.0.0.0/8 ::1");
	assert_string_equal(again->xclient_networks, "192.0.2.1");
	assert_string_equal(again->lmtp_clients, "127.0.0.0/8 ::1");
	assert_int_equal(again->certificate_count, 1);
	assert_string_equal(again->certificates[0].name, "a b");
	config_free(c);
	config_free(again);
	buf_deinit(&one);
	buf_deinit(&two);
}

/* A page for mail clients ends no port of mail; a port of mail ends those that are not written. */
static void listen_https_alone(void **state)
{
	struct config *c = must_parse(STR("listen https { }\n"));

	(void)state;
	assert_int_equal(c->listen_count, 6);
	assert_int_equal(c->listen[0].protocol, LISTEN_HTTP);
	assert_int_equal(c->listen[5].port, 995);
	config_free(c);
	c = must_parse(STR("listen https { }\nlisten smtp { }\n"));
	assert_int_equal(c->listen_count, 2);
	config_free(c);
}

/* The file of `init` is valid, also with every commented setting switched on. */
static void initial_file(void **state)
{
	struct buf text;
	struct config *c;

	(void)state;
	buf_init(&text, 0);
	config_write_initial(&text, STR("mail.example"), 10000);
	c = must_parse(buf_str(&text));
	assert_string_equal(c->hostname, "mail.example");
	assert_int_equal(c->listen_count, 8);
	assert_int_equal(c->listen[5].port, 10024);
	assert_int_equal(c->listen[6].port, 10443);
	assert_int_equal(c->listen[6].tls, LISTEN_TLS_IMPLICIT);
	assert_int_equal(c->listen[7].port, 10080);
	assert_int_equal(c->listen[0].port, 10025);
	assert_int_equal(c->listen[4].port, 10995);
	assert_string_equal(c->listen[4].addresses[0], "127.0.0.1");
	config_free(c);

	buf_clear(&text);
	config_write_initial(&text, STR("mail.example"), 0);
	c = must_parse(buf_str(&text));
	assert_int_equal(c->listen_count, 5);
	assert_string_equal(c->listen[0].addresses[0], "0.0.0.0");
	config_free(c);
	for (size_t i = 0; i + 1 < text.len; i++) /* "#name" is a setting, "# text" a comment */
		if (text.data[text.head + i] == '#' && text.data[text.head + i + 1] != ' ')
			text.data[text.head + i] = ' ';
	c = must_parse(buf_str(&text));
	assert_int_equal(c->listen_count, 1);
	config_free(c);
	buf_deinit(&text);
}

static void row_texts(void **state)
{
	struct config_row_text row;
	size_t n = 0;

	(void)state;
	for (; config_row(n, &row); n++) {
		assert_true(row.name[0] != '\0' && row.help[0] != '\0' && row.range[0] != '\0');
		if (str_eq(str_c(row.name), STR("autologout")))
			assert_string_equal(row.range, "10m to 1d");
	}
	assert_true(n > 30);
}

static void count_warning(void *arg, const char *text)
{
	assert_non_null(text);
	(*(int *)arg)++;
}

static void warnings(void **state)
{
	struct config *c = must_parse(STR("hostname = mx.example"));
	int n = 0;

	(void)state;
	config_warnings(c, count_warning, &n);
	assert_int_equal(n, 0);
	config_free(c);
	c = must_parse(STR("hostname = mx.example cleartext_auth = yes"));
	config_warnings(c, count_warning, &n);
	assert_int_equal(n, 1);
	config_free(c);
}

static void nearest_rows(void **state)
{
	static const struct {
		const char *typed, *nearest;
	} rows[] = {
		{ "lsit", "list" },
		{ "ad", "add" },
		{ "shwo", "show" },
		{ "x", NULL },
		{ "", NULL },
		{ "zebra", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct nearest n = nearest_to(str_c(rows[i].typed));

		nearest_try(&n, "list");
		nearest_try(&n, "add");
		nearest_try(&n, "show");
		if (rows[i].nearest == NULL)
			assert_null(n.name);
		else
			assert_string_equal(n.name, rows[i].nearest);
	}
}

static void remotes_print_as_they_are_read(void **state)
{
	struct config *c = must_parse(
		STR("remote home {\n\taddress = \"a@b.c\"\n\tkeep = days\n\tkeep_days = 7\n"
		    "\tskip_size = 5M\n\tdelivery = \"lmtp://127.0.0.1:24\"\n}\n"));
	struct config *again;
	struct buf first = { 0 }, second = { 0 };
	const struct config_remote *r = config_remote(c, STR("home"));
	enum remote_delivery kind;
	struct str rest;

	(void)state;
	assert_non_null(r);
	assert_null(config_remote(c, STR("hom")));
	assert_string_equal(r->address, "a@b.c");
	assert_string_equal(r->keep, "days");
	assert_int_equal(r->keep_days, 7);
	assert_int_equal(r->skip_size, 5 << 20);
	assert_int_equal(r->timeout_ms, 60000);
	assert_true(remote_delivery_parse(str_c(r->delivery), &kind, &rest));
	assert_int_equal(kind, REMOTE_LMTP);
	assert_true(str_eq(rest, STR("127.0.0.1:24")));
	config_print(&first, c, false);
	again = must_parse(buf_str(&first));
	config_print(&second, again, false);
	assert_true(str_eq(buf_str(&first), buf_str(&second)));
	buf_deinit(&first);
	buf_deinit(&second);
	config_free(c);
	config_free(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_rows),
		cmocka_unit_test(syntax_errors_are_caught),
		cmocka_unit_test(keywords_of_ehlo),
		cmocka_unit_test(defaults),
		cmocka_unit_test(values),
		cmocka_unit_test(certificates_and_tickets),
		cmocka_unit_test(routes),
		cmocka_unit_test(printed_routes),
		cmocka_unit_test(printing_is_reading),
		cmocka_unit_test(listen_https_alone),
		cmocka_unit_test(initial_file),
		cmocka_unit_test(row_texts),
		cmocka_unit_test(warnings),
		cmocka_unit_test(nearest_rows),
		cmocka_unit_test(remotes_print_as_they_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
