/* uidl.h -- UIDLs made by a template (setting pop3_uidl_format).  Pure.
 *
 *   %i         the id of the message         %u  its UID            %f  the name of its Maildir file
 *   %08Xu      hexadecimal, eight digits     %v  its UIDVALIDITY    %%  a percent sign
 *
 * X is lower-case, as Dovecot has it: its default %08Xu%08Xv and Courier's %v-%u give octet for octet
 * what those servers gave.  A UIDL is made once, when the message is taken in, and stored:
 * another template changes no message that is there (RFC 1939 7). */
#ifndef RESTANTE_BASE_UIDL_H
#define RESTANTE_BASE_UIDL_H

#include "base/buf.h"
#include "base/maildrop.h"

struct uidl_facts {
	struct msgid id;
	uint32_t uid, uidvalidity; /* 0: not known */
	struct str file;           /* without directory and flags; "": not known */
};

/* Variables that exist, and at least one that differs from message to message. */
bool uidl_format_ok(struct str format);
/* 1 to 70 octets of 0x21 to 0x7E (RFC 1939 7).  False, and nothing put: a fact is missing or the
 * text would be something else; the id serves then. */
bool uidl_make(struct str format, const struct uidl_facts *facts, struct buf *out);
bool uidl_valid(struct str uidl);

/* Two messages with one UIDL would be downloaded again and again: of those in `rows` only the first keeps
 * it, the others go by their ids. */
void uidl_unique(struct maildrop_row *rows, size_t count, struct str uidls);

#endif
