/* A large listing, read ahead: the rows of one maildrop lie scattered over SQLite's file, and each page that is not in
 * memory would be a read of its own.  Which pages they are stands in the inner pages of the table's tree
 * (fileformat2.html 1.6), one for a hundred of them.  Only advice comes of it: where a page is damaged, or a newer one
 * is in the WAL, some are asked for in vain. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/local/index_impl.h"

enum {
	AHEAD_LEAST = 4096, /* messages */
	PAGE = 4096,        /* octets: what SQLite makes unless asked for another */
	SLACK = 256,        /* more than what is looked at of a cell */
	INNER = 2,          /* the type of an inner page of a tree without row numbers */
	INNER_HEADER = 12,
	DEPTH_MAX = 5,
	AHEAD_MOST = 1 << 20, /* a count of a damaged index is a number like any other */
	ROWS_A_PAGE = 16,     /* with the longest UIDLs twice that */
	GAP = 8,              /* pages between two of ours that cost less than a read more */
};

static uint32_t be(const unsigned char *p, size_t n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* The maildrop, first column of the row in the cell at `at`: 0 when it is no such cell. */
static int64_t maildrop_at(const unsigned char *page, size_t at)
{
	static const unsigned char lengths[] = { 0, 1, 2, 3, 4, 6, 8 };
	uint64_t maildrop;
	size_t value, length;

	at += 4; /* the page below */
	while (at < PAGE && page[at] > 127)
		at++;
	at++; /* octets of the row */
	if (at >= PAGE || page[at] > 127 || page[at + 1] >= sizeof lengths)
		return page[at + 1] == 9; /* the number 1 has a type of its own */
	value = at + page[at];
	length = lengths[page[at + 1]];
	maildrop = length > 0 && page[value] > 127 ? UINT64_MAX : 0;
	while (length-- > 0)
		maildrop = maildrop << 8 | page[value++];
	return (int64_t)maildrop;
}

/* Adds the pages below this one that may have rows of the maildrop; false when it is no inner page. */
static bool add_below(const unsigned char *page, int64_t maildrop, struct index_pages *p)
{
	size_t cells = be(page + 3, 2);
	int64_t before = INT64_MIN;

	if (page[0] != INNER || INNER_HEADER + 2 * cells > PAGE)
		return false;
	for (size_t i = 0; i <= cells && before <= maildrop; i++) {
		size_t at = i < cells ? be(page + INNER_HEADER + 2 * i, 2)
				      : 8; /* the last: in the header */
		int64_t here = i < cells ? maildrop_at(page, at < PAGE ? at : 0) : INT64_MAX;

		if (here >= maildrop && at < PAGE && p->count < p->room)
			p->numbers[p->count++] = be(page + at, 4);
		before = here;
	}
	return true;
}

void index_pages(int file, uint32_t root, uint64_t maildrop, struct index_pages *p)
{
	unsigned char page[PAGE + SLACK] = { 0 };
	uint32_t *level = mem_array(NULL, p->room, sizeof *level);

	p->count = 0;
	p->numbers[p->count++] = root;
	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		size_t count = p->count;

		memcpy(level, p->numbers, count * sizeof *level);
		p->count = 0;
		for (size_t i = 0; i < count; i++) {
			bool inner =
				level[i] > 0 &&
				pread(file, page, PAGE, (off_t)(level[i] - 1) * PAGE) == PAGE &&
				add_below(page, (int64_t)maildrop, p);

			if (!inner && i == 0) { /* all are of one depth */
				memcpy(p->numbers, level, count * sizeof *level);
				p->count = count;
				free(level);
				return;
			}
		}
	}
	p->count = 0;
	free(level);
}

static void advise(int file, const struct index_pages *p)
{
	uint32_t first, end;

	for (size_t i = 0; i < p->count;) {
		first = p->numbers[i];
		for (end = first + 1;
			++i < p->count && p->numbers[i] >= end && p->numbers[i] - end <= GAP;)
			end = p->numbers[i] + 1;
		if (first > 0)
			(void)posix_fadvise(file, (off_t)(first - 1) * PAGE,
				(off_t)(end - first) * PAGE, POSIX_FADV_WILLNEED);
	}
}

void index_read_ahead(struct index *x, uint64_t maildrop, uint64_t expect)
{
	struct index_pages p = { .room = (expect < AHEAD_MOST ? expect : AHEAD_MOST) /
					 ROWS_A_PAGE };
	sqlite3_stmt *st;
	uint32_t root = 0;

	if (expect < AHEAD_LEAST || x->file < 0)
		return;
	st = index_ask(x, Q_ROOT);
	if (index_step(x, st) == STORE_OK)
		root = (uint32_t)column_u64(st, 0);
	sqlite3_reset(st);
	p.numbers = mem_array(NULL, p.room, sizeof *p.numbers);
	index_pages(x->file, root, maildrop, &p);
	advise(x->file, &p);
	free(p.numbers);
}
