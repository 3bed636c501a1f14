#include "maildir/message_reader.h"

#include <errno.h>
#include <unistd.h>

#include "mime/mbox.h"

enum { WINDOW = 64 * 1024, LOOK = MBOX_LINE_MAX + 2, CRS_MAX = 256 };

void message_reader_begin(struct message_reader *r, int fd, enum reader_form form, uint64_t offset)
{
	*r = (struct message_reader){ .fd = fd, .form = form, .next = offset, .mbox_ms = -1 };
	buf_init(&r->window, 0);
	buf_init(&r->sender, 0);
}

void message_reader_end(struct message_reader *r)
{
	buf_deinit(&r->window);
	buf_deinit(&r->sender);
}

static enum status fill(struct message_reader *r, size_t least, struct err *err)
{
	while (!r->eof && r->window.len < least) {
		char *room = buf_reserve(&r->window, WINDOW);
		ssize_t n = pread(r->fd, room, WINDOW, (off_t)r->next);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, ST_IO, "read: %s", strerror(errno));
		buf_grew(&r->window, (size_t)n);
		r->next += (uint64_t)n;
		r->eof = n == 0;
	}
	return ST_OK;
}

/* What is there of the line at the front, without LF and the CRs before it. */
static struct str front_line(const struct message_reader *r)
{
	struct str s = str_head(buf_str(&r->window), LOOK), line = str_head(s, str_find(s, '\n'));

	while (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* The separator that this message begins with.  Only at the start of a file may it have no date. */
static enum status take_separator(struct message_reader *r, struct err *err)
{
	struct str line, sender;

	if (fill(r, LOOK, err) != ST_OK)
		return ST_IO;
	line = front_line(r);
	if (mbox_separator(line, &sender, &r->mbox_ms))
		buf_put(&r->sender, sender);
	else
		r->mbox_ms = -1;
	if (str_starts(line, STR("From ")))
		buf_consume(&r->window, line.n);
	while (fill(r, 1, err) == ST_OK && r->window.len > 0) {
		struct str s = buf_str(&r->window);
		size_t end = str_find(s, '\n');

		buf_consume(&r->window, end < s.n ? end + 1 : s.n);
		if (end < s.n)
			break;
	}
	return ST_OK;
}

/* At the start of a line: true when it begins the next message, which ends this one. */
static bool at_separator(const struct message_reader *r)
{
	struct str sender;
	int64_t ms;

	return r->form != READER_PLAIN && mbox_separator(front_line(r), &sender, &ms);
}

static void start_line(struct message_reader *r, struct buf *out)
{
	struct str line = front_line(r);
	size_t end = str_find(str_head(buf_str(&r->window), LOOK), '\n');
	int quotes;

	if (r->blank_held)
		buf_put(out, STR("\r\n"));
	r->blank_held = false;
	if (r->form == READER_PLAIN)
		return;
	quotes = mbox_quotes(line);
	if (r->form == READER_MBOXRD ? quotes >= 1 : quotes == 1)
		buf_consume(&r->window, 1);
	else if (line.n == 0 && end < LOOK && end < r->window.len) {
		buf_consume(&r->window, end + 1);
		r->blank_held = true;
	}
}

static void put_crs(struct message_reader *r, struct buf *out)
{
	if (r->crs > 0)
		buf_fill(out, ' ', r->crs);
	r->crs = 0;
}

/* The rest of a line, or what the window has of it. */
static void take_line(struct message_reader *r, struct buf *out)
{
	while (r->window.len > 0) {
		struct str s = buf_str(&r->window);
		struct str plain = str_head(s, str_find(s, '\n'));

		plain = str_head(plain, str_find(plain, '\r'));
		if (plain.n > 0) {
			put_crs(r, out);
			buf_put(out, plain);
			r->inside_line = true;
			buf_consume(&r->window, plain.n);
			continue;
		}
		buf_consume(&r->window, 1);
		r->inside_line = true;
		if (s.p[0] == '\r') {
			if (++r->crs > CRS_MAX)
				put_crs(r, out);
			continue;
		}
		r->crs = 0;
		r->inside_line = false;
		buf_put(out, STR("\r\n"));
		return;
	}
}

/* An empty line that is still held was the separator's. */
static enum status finish(struct message_reader *r, struct buf *out)
{
	r->crs = 0;
	if (r->inside_line)
		buf_put(out, STR("\r\n"));
	return ST_OK;
}

enum status message_reader_next(struct message_reader *r, struct buf *out, struct err *err)
{
	size_t before = out->len;

	if (r->form != READER_PLAIN && !r->begun && take_separator(r, err) != ST_OK)
		return ST_IO;
	r->begun = true;
	while (out->len - before < WINDOW) {
		if (fill(r, r->inside_line ? 1 : LOOK, err) != ST_OK)
			return ST_IO;
		if (r->window.len == 0)
			return finish(r, out);
		if (!r->inside_line) {
			if (at_separator(r))
				return finish(r, out);
			start_line(r, out);
			if (r->blank_held)
				continue;
		}
		take_line(r, out);
	}
	return ST_MORE;
}

bool message_reader_next_offset(const struct message_reader *r, uint64_t *offset)
{
	*offset = r->next - r->window.len;
	return r->window.len > 0;
}
