#include <stdio.h>
#include <stdlib.h>

#include "cmd/store_files.h"

enum status store_files_open(struct store_files *f, const char *state, struct err *err)
{
	enum status status;

	*f = (struct store_files){ .dir = NULL };
	if (asprintf(&f->dir, "%s/store", state) < 0)
		abort();
	status = rights_borrow(&f->rights, f->dir, err);
	if (status == ST_OK)
		f->disk = disk_real();
	return status;
}

void store_files_close(struct store_files *f)
{
	if (f->disk != NULL)
		f->disk->ops->free(f->disk);
	rights_return(&f->rights);
	free(f->dir);
}
