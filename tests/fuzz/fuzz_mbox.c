/* An mbox or a message of somebody else's, read as an import reads it: every message comes out with CRLF and nothing
 * else as its line ends, the next one begins behind it, and the file comes to its end. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "maildir/message_reader.h"
#include "maildir/uidlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LARGE = 70 * 1024 };

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void check_stored(struct str s)
{
	check(s.n == 0 || str_ends(s, STR("\r\n")));
	for (size_t i = 0; i < s.n; i++)
		check((s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n') ||
			(s.p[i] == '\n' && i > 0 && s.p[i - 1] == '\r') ||
			(s.p[i] != '\r' && s.p[i] != '\n'));
}

/* Returns the octets of all messages. */
static size_t read_all(int fd, enum reader_form form, size_t size)
{
	struct message_reader r;
	struct buf out = { 0 };
	uint64_t from = 0, next = 0;
	size_t octets = 0;
	bool more = true;

	while (more) {
		enum status status;

		message_reader_begin(&r, fd, form, from);
		buf_clear(&out);
		while ((status = message_reader_next(&r, &out, NULL)) == ST_MORE)
			check(out.len <= 2 * size + 2);
		check(status == ST_OK);
		check_stored(buf_str(&out));
		octets += out.len;
		more = message_reader_next_offset(&r, &next);
		check(!more || (form != READER_PLAIN && next > from && next < size));
		from = next;
		message_reader_end(&r);
	}
	buf_deinit(&out);
	return octets;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char filler[LARGE]; /* so that lines and windows end anywhere */
	struct str in = str_of(data, size), name = maildir_base_name(str_head(in, 100));
	size_t large = size > 0 && data[0] & 1 ? LARGE - (size_t)data[size - 1] : 0;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	check(name.p >= in.p && name.p + name.n <= in.p + in.n);
	for (size_t i = 0; i < sizeof filler; i++)
		filler[i] = 'x';
	check(write(fd, in.p, in.n) == (ssize_t)in.n &&
		write(fd, filler, large) == (ssize_t)large &&
		write(fd, in.p, in.n) == (ssize_t)in.n);
	for (int form = READER_PLAIN; form <= READER_MBOXO; form++)
		check(read_all(fd, (enum reader_form)form, 2 * size + large) <=
			2 * (2 * size + large) + 2);
	close(fd);
	return 0;
}
