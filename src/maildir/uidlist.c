#include "maildir/uidlist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

enum { PIECE = 256 * 1024, FILE_MAX = 1024 * 1024 * 1024 };

static enum status read_whole(const char *path, struct buf *to, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (fd < 0)
		return err_set(err, errno == ENOENT ? ST_NOTFOUND : ST_IO, "open %s: %s", path,
			strerror(errno));
	while (n > 0) {
		char *room = buf_reserve(to, PIECE);

		if (room == NULL)
			break;
		n = read(fd, room, PIECE);
		if (n > 0)
			buf_grew(to, (size_t)n);
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	if (n < 0)
		err_set(err, ST_IO, "read %s: %s", path, strerror(errno));
	close(fd);
	if (to->full)
		return err_set(err, ST_LIMIT, "%s is larger than a gibibyte", path);
	return n < 0 ? ST_IO : ST_OK;
}

static bool number32(struct str s, uint32_t *out)
{
	uint64_t v;

	if (!str_u64(s, &v) || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

/* "3 V1700000000 N6 G..." */
static bool dovecot_head(struct str line, uint32_t *uidvalidity)
{
	struct str rest = line;

	if (!str_eq(str_cut(&rest, ' '), STR("3")))
		return false;
	while (rest.n > 0) {
		struct str word = str_cut(&rest, ' ');

		if (word.n > 0 && word.p[0] == 'V')
			return number32(str_from(word, 1), uidvalidity);
	}
	return false;
}

/* "4 P0000000465654c8b W1234 :1700000000.M1P2.host,S=1200": fields with a letter, then the name. */
static bool dovecot_row(struct str line, uint32_t uidvalidity, struct uidlist_row *row)
{
	struct str rest = line;

	*row = (struct uidlist_row){ .uidvalidity = uidvalidity };
	if (!number32(str_cut(&rest, ' '), &row->uid))
		return false;
	while (rest.n > 0 && rest.p[0] != ':') {
		struct str word = str_cut(&rest, ' ');

		if (word.n > 1 && word.p[0] == 'P')
			row->uidl = str_from(word, 1);
	}
	row->name = maildir_base_name(str_from(rest, 1));
	return row->name.n > 0;
}

/* "/3 NEXTUID UIDVALIDITY": each row has a UIDVALIDITY of its own. */
static bool courier_head(struct str line)
{
	return str_starts(line, STR("/2 ")) || str_starts(line, STR("/3 "));
}

/* "NAME SIZE UID:UIDVALIDITY[:UTF8]" */
static bool courier_row(struct str line, struct uidlist_row *row)
{
	size_t at = str_rfind(line, ' ');
	struct str numbers = str_from(line, at + 1), rest = str_head(line, at);
	size_t size_at = str_rfind(rest, ' ');

	*row = (struct uidlist_row){ .name = maildir_base_name(str_head(rest, size_at)) };
	return size_at < rest.n && row->name.n > 0 && number32(str_cut(&numbers, ':'), &row->uid) &&
	       number32(str_cut(&numbers, ':'), &row->uidvalidity);
}

static int by_name(const void *a, const void *b)
{
	const struct uidlist_row *x = a, *y = b;

	return str_cmp(x->name, y->name);
}

static void take_rows(struct uidlist *l, struct str rest, uint32_t uidvalidity)
{
	size_t room = 0;

	while (rest.n > 0) {
		struct str line = str_cut(&rest, '\n');
		struct uidlist_row row;

		if (l->kind == UIDLIST_DOVECOT ? !dovecot_row(line, uidvalidity, &row)
					       : !courier_row(line, &row))
			continue;
		if (l->count == room) {
			room = room == 0 ? 256 : room * 2;
			l->rows = mem_array(l->rows, room, sizeof *l->rows);
		}
		l->rows[l->count++] = row;
	}
	if (l->count > 0)
		qsort(l->rows, l->count, sizeof *l->rows, by_name);
}

enum status uidlist_load(
	struct uidlist *l, const char *dir, enum uidlist_kind kind, struct err *err)
{
	uint32_t uidvalidity = 0;
	struct str rest, head;
	enum status status;
	char *path;

	*l = (struct uidlist){ .kind = kind };
	buf_init(&l->text, FILE_MAX);
	if (asprintf(&path, "%s/%s", dir,
		    kind == UIDLIST_DOVECOT ? "dovecot-uidlist" : "courierpop3dsizelist") < 0)
		abort();
	status = read_whole(path, &l->text, err);
	rest = buf_str(&l->text);
	head = str_cut(&rest, '\n');
	if (status == ST_OK &&
		!(kind == UIDLIST_DOVECOT ? dovecot_head(head, &uidvalidity) : courier_head(head)))
		status = err_set(err, ST_CORRUPT, "%s has a form that is not known", path);
	if (status == ST_OK)
		take_rows(l, rest, uidvalidity);
	else
		uidlist_free(l);
	free(path);
	return status;
}

void uidlist_free(struct uidlist *l)
{
	free(l->rows);
	buf_deinit(&l->text);
	l->rows = NULL;
	l->count = 0;
}

struct str maildir_base_name(struct str name)
{
	return str_head(name, str_find(name, ':'));
}

const struct uidlist_row *uidlist_find(const struct uidlist *l, struct str base_name)
{
	struct uidlist_row key = { .name = base_name };

	if (l->count == 0)
		return NULL;
	return bsearch(&key, l->rows, l->count, sizeof *l->rows, by_name);
}

/* Courier before UIDs: the file's name, with odd octets as "+XX". */
static void courier_name_put(struct str name, struct buf *out)
{
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c < 0x21 || c > 0x7e || c == '\'' || c == '"' || c == '+')
			buf_printf(out, "+%02X", c);
		else
			buf_putc(out, name.p[i]);
	}
}

void uidlist_uidl_put(const struct uidlist *l, const struct uidlist_row *row, struct buf *out)
{
	switch (l->kind) {
	case UIDLIST_DOVECOT:
		if (row->uidl.n > 0)
			buf_put(out, row->uidl);
		else
			buf_printf(out, "%08x%08x", row->uid, row->uidvalidity);
		return;
	case UIDLIST_COURIER:
		if (row->uid == 0)
			courier_name_put(row->name, out);
		else if (row->uidvalidity == 0)
			buf_printf(out, "UID%u", row->uid);
		else
			buf_printf(out, "UID%u-%u", row->uid, row->uidvalidity);
		return;
	}
}
