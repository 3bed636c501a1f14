/* What a carrier reads of the store, and the store of a carrier: read, written and read again it is the same. */
#include <stdlib.h>

#include "daemon/ipc_job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void check_job(struct str in)
{
	struct reader r = { in, false };
	struct buf once = { 0 }, twice = { 0 };
	struct job j, again;

	if (!job_get(&r, &j)) {
		check(j.recipients == NULL);
		return;
	}
	check(j.count > 0 && j.count <= JOB_RECIPIENTS_MAX);
	job_put(&once, &j);
	job_free(&j);
	r = (struct reader){ buf_str(&once), false };
	check(job_get(&r, &again));
	job_put(&twice, &again);
	check(str_eq(buf_str(&once), buf_str(&twice)));
	job_free(&again);
	buf_deinit(&once);
	buf_deinit(&twice);
}

static void check_outcomes(struct str in)
{
	struct reader r = { in, false };
	struct job_outcome o;
	size_t left = in.n + 1;

	while (outcome_get(&r, &o)) {
		struct buf b = { 0 };

		check(r.rest.n < left && o.reply.n <= JOB_REPLY_MAX);
		left = r.rest.n;
		outcome_put(&b, &o);
		buf_deinit(&b);
	}
}

static void check_seal(struct str in)
{
	struct reader r = { in, false };
	struct arc_request request;
	struct buf b = { 0 };

	if (!seal_get(&r, &request))
		return;
	seal_put(&b, &request);
	check(str_eq(buf_str(&b), in));
	buf_deinit(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_seal(str_of(data, size));
	check_job(str_of(data, size));
	check_outcomes(str_of(data, size));
	return 0;
}
