/* The configuration and state of other programs: the first octet says whose, NUL parts the two. */
#include <stdlib.h>

#include "remote/rc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rc rc = { .file = "rc", .home = "/home/ann", .login = "ann" };
	struct str state = str_of(data, size), program = str_head(state, 1), text;

	state = str_from(state, 1);
	text = str_cut(&state, '\0');
	if (str_eq(program, STR("f"))) {
		rc_fetchmail(&rc, text);
		rc_fetchmail_ids(&rc, state);
	} else if (str_eq(program, STR("g"))) {
		rc_getmail(&rc, text);
	} else {
		rc_mpop(&rc, text, false);
		rc_mpop(&rc, text, true);
	}
	if (rc.count > RC_ACCOUNTS_MAX)
		abort();
	for (size_t i = 0; i < rc.count; i++) {
		rc_mpop_uidls(&rc.accounts[i], state);
		rc_getmail_oldmail(&rc.accounts[i], state);
		for (size_t k = 0; k < rc.accounts[i].count; k++)
			if (rc.accounts[i].settings[k].value == NULL)
				abort();
	}
	rc_free(&rc);
	return 0;
}
