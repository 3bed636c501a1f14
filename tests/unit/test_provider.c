#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "remote/provider.h"

#define LINE                                                                                       \
	"own\town.test,two.test\tmx.own.test\tpop.own.test:995/"                                   \
	"implicit\t-\taddress\tpassword\tlive\t\t"

static bool builtin(const char *domain, struct provider *p)
{
	return provider_find(provider_builtin(), str_c(domain), p);
}

static void every_builtin_line_is_in_the_form(void **state)
{
	struct str text = provider_builtin();
	struct provider p;
	struct err err = { 0 };
	enum status status;
	unsigned line = 0, count = 0;

	(void)state;
	while ((status = provider_cut(&text, &line, &p, &err)) == ST_OK) {
		count++;
		assert_true(p.status != PROVIDER_DEAD || p.since.n > 0);
		assert_true(p.status == PROVIDER_DEAD || p.pop3.host.n + p.smtp.host.n > 0 ||
			    str_eq(p.login, STR("none")));
	}
	assert_string_equal(err.text, "");
	assert_int_equal(status, ST_NOTFOUND);
	assert_true(count > 100);
}

static void the_named_ones_are_known(void **state)
{
	static const struct {
		const char *domain, *pop3;
		enum provider_status status;
	} rows[] = {
		{ "gmail.com", "pop.gmail.com", PROVIDER_LIVE },
		{ "21cn.com", "pop.21cn.com", PROVIDER_UNSURE },
		{ "sina.com", "pop.sina.com", PROVIDER_LIVE },
		{ "vip.sina.com", "pop3.vip.sina.com", PROVIDER_UNSURE },
		{ "tom.com", "pop.tom.com", PROVIDER_UNSURE },
		{ "163.com", "pop.163.com", PROVIDER_LIVE },
		{ "263.net", "pop3.263.net", PROVIDER_UNSURE },
		{ "x263.net", "pop.x263.net", PROVIDER_DEAD },
		{ "yahoo.com", "pop.mail.yahoo.com", PROVIDER_LIVE },
		{ "yahoo.com.cn", "", PROVIDER_DEAD },
		{ "foxmail.com", "pop.qq.com", PROVIDER_LIVE },
		{ "sohu.com", "pop3.sohu.com", PROVIDER_LIVE },
		{ "etang.com", "", PROVIDER_DEAD },
		{ "QQ.com", "pop.qq.com", PROVIDER_LIVE },
		{ "exmail.qq.com", "pop.exmail.qq.com", PROVIDER_LIVE },
		{ "126.com", "pop.126.com", PROVIDER_LIVE },
		{ "hotmail.com", "outlook.office365.com", PROVIDER_LIVE },
		{ "live.com.", "outlook.office365.com", PROVIDER_LIVE },
		{ "china.com", "pop.china.com", PROVIDER_UNSURE },
		{ "139.com", "pop.139.com", PROVIDER_LIVE },
	};
	struct provider p;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_true(builtin(rows[i].domain, &p));
		assert_true(str_eq(p.pop3.host, str_c(rows[i].pop3)));
		assert_int_equal(p.status, rows[i].status);
	}
	assert_false(builtin("com", &p));
	assert_false(builtin("notgmail.com", &p));
	assert_false(builtin("", &p));
}

static void a_customers_own_domain_is_found_by_its_mx(void **state)
{
	struct provider p;

	(void)state;
	assert_true(provider_find_mx(provider_builtin(), STR("aspmx.l.google.com."), &p));
	assert_true(str_eq(p.id, STR("gmail")));
	assert_true(provider_find_mx(provider_builtin(), STR("mxbiz1.qq.com"), &p) == false);
	assert_true(provider_find_mx(provider_builtin(), STR("a.mxbiz.qq.com"), &p));
	assert_true(str_eq(p.id, STR("exmail")));
	assert_false(provider_find_mx(provider_builtin(), STR("evilgoogle.com"), &p));
}

static void the_first_of_a_domain_wins(void **state)
{
	struct provider p;
	struct buf host = { 0 };

	(void)state;
	assert_true(provider_find(STR("# mine\r\n\r\n"
				      "g\tgmail.com\t\t%DOMAIN%.a:110/"
				      "starttls\t-\tlocalpart\tpassword\tlive\t\tmine\r\n"
				      "h\tgmail.com\t\t-\t-\taddress\tnone\tlive\t\t\n"),
		STR("gmail.com"), &p));
	assert_true(str_eq(p.notes, STR("mine")));
	assert_true(p.localpart);
	assert_int_equal(p.pop3.tls, PROVIDER_STARTTLS);
	provider_host(&host, &p.pop3, STR("x.y"));
	assert_true(str_eq(buf_str(&host), STR("x.y.a")));
	buf_deinit(&host);
}

static void a_wrong_line_is_told_and_passed_over(void **state)
{
	static const struct {
		const char *line, *told;
	} rows[] = {
		{ "a\tb", "too few fields" },
		{ LINE "\tmore", "too many fields" },
		{ "\town.test\t\t-\t-\taddress\tpassword\tlive\t\t", "no id" },
		{ "a\tb\t\tpop.test\t-\taddress\tpassword\tlive\t\t", "HOST:PORT/TLS" },
		{ "a\tb\t\tpop.test:0/none\t-\taddress\tpassword\tlive\t\t", "HOST:PORT/TLS" },
		{ "a\tb\t\tpop.test:65536/none\t-\taddress\tpassword\tlive\t\t", "HOST:PORT/TLS" },
		{ "a\tb\t\tpop.test:110/tls\t-\taddress\tpassword\tlive\t\t", "HOST:PORT/TLS" },
		{ "a\tb\t\t:110/none\t-\taddress\tpassword\tlive\t\t", "HOST:PORT/TLS" },
		{ "a\tb\t\t-\t-\tname\tpassword\tlive\t\t", "neither address nor localpart" },
		{ "a\tb\t\t-\t-\taddress\tpassword\talive\t\t", "live, unsure, dead" },
	};
	struct provider p;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		struct buf text = { 0 };
		struct str rest;
		unsigned line = 0;

		buf_printf(&text, "%s\n" LINE "\n", rows[i].line);
		rest = buf_str(&text);
		assert_int_equal(provider_cut(&rest, &line, &p, &err), ST_USAGE);
		assert_non_null(strstr(err.text, rows[i].told));
		assert_non_null(strstr(err.text, "providers.tsv:1:"));
		assert_true(provider_find(buf_str(&text), STR("two.test"), &p));
		assert_true(str_eq(p.id, STR("own")));
		buf_deinit(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_builtin_line_is_in_the_form),
		cmocka_unit_test(the_named_ones_are_known),
		cmocka_unit_test(a_customers_own_domain_is_found_by_its_mx),
		cmocka_unit_test(the_first_of_a_domain_wins),
		cmocka_unit_test(a_wrong_line_is_told_and_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
