#include <stddef.h>

#include "daemon/overload.h"

enum { ENTER_PERCENT = 80, LEAVE_PERCENT = 70 };

static const struct {
	size_t at; /* int64_t, milliseconds */
	int64_t most;
} smtp_times[] = {
	{ offsetof(struct smtpd_config, greet_timeout_ms), 10000 },
	{ offsetof(struct smtpd_config, command_timeout_ms), 20000 },
	{ offsetof(struct smtpd_config, data_timeout_ms), 60000 },
	{ offsetof(struct smtpd_config, session_max_ms), 600000 },
};

static const struct {
	size_t at; /* size_t */
	size_t most;
} smtp_counts[] = {
	{ offsetof(struct smtpd_config, errors_soft), 1 },
	{ offsetof(struct smtpd_config, errors_hard), 3 },
};

bool overload_now(bool before, int64_t connections, int64_t connections_max)
{
	return connections * 100 >= connections_max * (before ? LEAVE_PERCENT : ENTER_PERCENT);
}

void overload_smtp(struct smtpd_config *c)
{
	for (size_t i = 0; i < sizeof smtp_times / sizeof *smtp_times; i++) {
		int64_t *to = (int64_t *)(void *)((char *)c + smtp_times[i].at);

		if (*to > smtp_times[i].most)
			*to = smtp_times[i].most;
	}
	for (size_t i = 0; i < sizeof smtp_counts / sizeof *smtp_counts; i++) {
		size_t *to = (size_t *)(void *)((char *)c + smtp_counts[i].at);

		if (*to > smtp_counts[i].most)
			*to = smtp_counts[i].most;
	}
}

void overload_pop3(struct pop3d_config *c)
{
	if (c->login_timeout_ms > 15000)
		c->login_timeout_ms = 15000;
	if (c->errors_before_login > 2)
		c->errors_before_login = 2;
}
