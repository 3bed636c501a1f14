/* message_reader.h -- one message out of a file, in pieces, in the form the store keeps: CRLF line ends.
 *
 * Line ends become CRLF: LF, CRLF, also with several CR before the LF; a last line without end gets
 * one.  A CR elsewhere becomes a space, because alone it is forbidden (RFC 5322 2.3) and a line end for
 * some readers only.  NUL stays: it may be all that a message is about.
 * In an mbox, one ">" is taken off lines that begin with ">From " (mboxrd: with any number of ">"), and
 * the message ends before the next separator; the empty line before that is not part of it.
 * Memory: one window of 64 KiB, however long lines and messages are. */
#ifndef RESTANTE_MAILDIR_MESSAGE_READER_H
#define RESTANTE_MAILDIR_MESSAGE_READER_H

#include "base/buf.h"
#include "base/err.h"

enum reader_form { READER_PLAIN, READER_MBOXRD, READER_MBOXO };

struct message_reader {
	int fd; /* not owned */
	enum reader_form form;
	struct buf window; /* read, not yet given out */
	uint64_t next;     /* offset in the file behind the window */
	bool eof, begun, inside_line;
	bool blank_held;   /* an empty line that may be the separator's */
	uint64_t crs;      /* CRs that may belong to a line end */
	struct buf sender; /* mbox: of the separator */
	int64_t mbox_ms;   /* mbox: its date; -1: none */
};

/* offset: of the message; in an mbox, of its separator. */
void message_reader_begin(struct message_reader *r, int fd, enum reader_form form, uint64_t offset);
void message_reader_end(struct message_reader *r);
/* Puts the next piece, at most 64 KiB and a few octets.  ST_MORE: another follows; ST_OK: the message is whole; ST_IO. */
enum status message_reader_next(struct message_reader *r, struct buf *out, struct err *err);
/* After ST_OK: where the next message begins; false at the end of the file. */
bool message_reader_next_offset(const struct message_reader *r, uint64_t *offset);

#endif
