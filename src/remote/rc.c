#include "remote/rc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"

void rc_free(struct rc *rc)
{
	for (size_t i = 0; i < rc->count; i++) {
		struct rc_account *a = &rc->accounts[i];

		for (size_t k = 0; k < a->count; k++)
			free(a->settings[k].value);
		free(a->name);
		free(a->pop3_host);
		free(a->user);
		free(a->address);
		free(a->state_file);
		buf_wipe(&a->secret);
		buf_deinit(&a->seen);
	}
	free(rc->accounts);
	buf_deinit(&rc->notes);
}

void rc_note(struct rc *rc, unsigned line, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	buf_put(&rc->notes, str_c(rc->file));
	if (line > 0)
		buf_printf(&rc->notes, ":%u", line);
	buf_printf(&rc->notes, ": %s\n", text);
}

struct rc_account *rc_add(struct rc *rc, struct str name)
{
	struct rc_account *a;

	if (rc->count == RC_ACCOUNTS_MAX) {
		rc_note(rc, 0, "more than %d accounts: %.*s is not taken over",
			(int)RC_ACCOUNTS_MAX, STR_ARG(str_head(name, 60)));
		return NULL;
	}
	rc->accounts = mem_array(rc->accounts, rc->count + 1, sizeof *rc->accounts);
	a = &rc->accounts[rc->count++];
	*a = (struct rc_account){ .name = str_dup_c(name),
		.pop3_host = str_dup_c(STR("")),
		.user = str_dup_c(STR("")),
		.address = str_dup_c(STR("")),
		.state_file = str_dup_c(STR("")) };
	a->secret.secret = true;
	return a;
}

void rc_set(struct rc_account *a, const char *setting, struct str value)
{
	size_t i = 0;

	while (i < a->count && !str_eq(str_c(a->settings[i].name), str_c(setting)))
		i++;
	if (i == RC_SETTINGS_MAX)
		return;
	if (i == a->count)
		a->settings[a->count++] = (struct rc_setting){ .name = setting };
	free(a->settings[i].value);
	a->settings[i].value = str_dup_c(value);
}

void rc_server(struct rc_account *a, bool sends, struct str host, uint64_t port, const char *tls)
{
	char number[24];

	rc_set(a, sends ? "smtp_host" : "pop3_host", host);
	rc_set(a, sends ? "smtp_tls" : "pop3_tls", str_c(tls));
	if (port > 0) {
		snprintf(number, sizeof number, "%llu", (unsigned long long)port);
		rc_set(a, sends ? "smtp_port" : "pop3_port", str_c(number));
	}
	if (sends)
		return;
	free(a->pop3_host);
	a->pop3_host = str_dup_c(host);
	a->port = port;
}

void rc_seen(struct rc_account *a, struct str uidl, uint64_t ms)
{
	if (uidl.n == 0)
		return;
	buf_printf(&a->seen, "%llu ", (unsigned long long)ms);
	buf_put(&a->seen, uidl);
	buf_putc(&a->seen, '\n');
	a->seen_count++;
}

char *rc_path(const struct rc *rc, struct str path)
{
	struct buf out = { 0 };

	if (str_starts(path, STR("~/"))) {
		buf_put(&out, str_c(rc->home));
		path = str_from(path, 1);
	}
	buf_put(&out, path);
	return buf_steal_c(&out);
}

void rc_set_file(struct rc *rc, struct rc_account *a, const char *setting, struct str theirs)
{
	char *path;

	if (theirs.n == 0)
		return;
	path = rc_path(rc, theirs);
	rc_set(a, setting, str_c(path));
	free(path);
}

bool rc_fingerprint(struct str s)
{
	size_t digits = 0;

	for (size_t i = 0; i < s.n; i++)
		if (hex_value(s.p[i]) >= 0)
			digits++;
		else if (s.p[i] != ':')
			return false;
	return digits == 64;
}
