/* restante serve */
#include <sysexits.h>

#include "cmd/cmd.h"
#include "daemon/control.h"
#include "daemon/serve.h"

int cmd_serve(struct cmd *c)
{
	struct err err = { ST_OK, "" };

	if (state_check_version(c->state, &err) != ST_OK)
		return cmd_fail(c, err.code == ST_USAGE ? EX_CONFIG : err_exit_code(err.code), "%s",
			err.text);
	return serve_main(c->state);
}
