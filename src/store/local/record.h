/* record.h -- one record of the journal: typed, versioned, checksummed, self-describing.  Pure.
 *
 *   0 u32 crc        CRC-32C of salt, position, octets 4..31 and meta
 *   4 u8  type, u8 version, u16 zero
 *   8 u32 meta_len   what happened; see the types
 *  12 u32 body_len   octets of a message that is kept here; 0 when it is a file of its own
 *  16 u32 body_crc   CRC-32C of the message, wherever it is
 *  20 u32 durable    up to this offset the segment was synced when this record was written
 *  24 u64 time_ms    wall clock of the writing
 *  32 meta, zeros to a multiple of 8, body, zeros to a multiple of 8
 *
 * Salt (random for each segment) and position in the checksum: what a disk gives back from another
 * time or place never counts, nor does a message that contains the octets of a record. */
#ifndef RESTANTE_STORE_LOCAL_RECORD_H
#define RESTANTE_STORE_LOCAL_RECORD_H

#include "base/codec.h"
#include "base/msgid.h"
#include "store/store.h"

enum { RECORD_HEADER = 32, RECORD_ALIGN = 8 };

enum record_type {
	RECORD_MESSAGE = 1,    /* a message and everybody it was delivered to, all or none */
	RECORD_EXPUNGE = 2,    /* messages of one maildrop, all or none */
	RECORD_DROP = 3,       /* a whole maildrop */
	RECORD_SEAL = 4,       /* a clean end: all before it was synced */
	RECORD_RESTORE = 5,    /* expunged messages of one maildrop are back, all or none */
	RECORD_MOVED = 6,      /* a message as it is now, copied from an old segment */
	RECORD_FORGET = 7,     /* messages that nobody can have back */
	RECORD_RETIRE = 8,     /* nothing in this segment counts any more */
	RECORD_RESULT = 9,     /* what became of recipients that go on, all or none */
	RECORD_RETRIEVED = 10, /* messages that were handed out whole: history, no state */
};

struct record {
	enum record_type type;
	uint64_t pos;  /* segment number << 32 | offset */
	uint64_t size; /* with header and padding */
	int64_t time_ms;
	uint32_t durable, body_len, body_crc;
	struct str meta;
	struct str body; /* empty unless the whole record is at hand */
};

enum record_verdict {
	RECORD_GOOD,
	RECORD_BODY_BAD, /* the record holds, the message's octets do not */
	RECORD_BAD,
};

static inline uint64_t record_pad(uint64_t n)
{
	return (n + RECORD_ALIGN - 1) & ~(uint64_t)(RECORD_ALIGN - 1);
}

/* Where the body of a record with so much meta begins, counted from the record. */
static inline uint64_t record_body_at(size_t meta_len)
{
	return RECORD_HEADER + record_pad(meta_len);
}

/* Fills the RECORD_HEADER octets at `head`, which are followed by r->meta. */
void record_seal(char *head, uint64_t salt, const struct record *r);

/* Size that the header at `head` claims; 0 when it is no header. */
uint64_t record_claims(const char *head);

/* And of its meta. */
uint32_t record_meta_len(const char *head);

/* May the header at `head` be that of a record?  Without a look at its meta: before and behind are the checksums of one
 * stretch of octets up to where it begins, and up to where it ends. */
bool record_fits(const char *head, uint64_t salt, uint64_t pos, uint32_t before, uint32_t behind);

/* Judges what stands at p, of which n >= record_claims() octets are there. */
enum record_verdict record_open(const char *p, uint64_t salt, uint64_t pos, struct record *r);

/* ---- meta of RECORD_MESSAGE ---- */

enum {
	MESSAGE_DOTS = 1,
	MESSAGE_BLOB = 2,
	MESSAGE_DSN = 4,       /* ret and envid, and notify and orcpt of each target, are there */
	MESSAGE_FLAGS = 0x6f8, /* enum store_flags, shifted; MESSAGE_OUT stands where 32 would */
	MESSAGE_OUT = 256,     /* prefix, hold and account are there; and the senders of targets */
};
enum { MESSAGE_FLAGS_SHIFT = 3 };

struct message_meta {
	struct msgid id;
	uint64_t octets, header_octets;
	uint16_t flags; /* MESSAGE_* */
	int64_t received_ms;
	struct str sender, client, message_id;
	uint8_t ret;      /* RFC 3461: as the sender asked; 0 it did not */
	struct str envid; /* xtext */
	struct str prefix;
	int64_t hold_ms;
	uint64_t account;
	struct reader rest; /* for message_target() */
};

struct message_target {
	uint64_t maildrop;
	struct str recipient, uidl;
	uint8_t notify; /* RFC 3461, a set; 0 not asked */
	struct str orcpt;
	struct str sender; /* .p NULL: the message's */
	uint8_t settled;   /* TARGET_SETTLED, which are STORE_OUT_* */
};

/* In the octet of notify, of which RFC 3461 4.1 uses four bits. */
enum { TARGET_SETTLED = STORE_OUT_HERE | STORE_OUT_EXPANDED };

void message_put(struct buf *b, const struct message_meta *m); /* then the targets */
void message_put_target(
	struct buf *b, const struct message_meta *m, const struct message_target *t);
bool message_get(struct str meta, struct message_meta *m);
bool message_target(
	struct message_meta *m, struct message_target *t); /* the next; false at the end */

/* When what goes on of it goes first. */
static inline int64_t message_due(const struct message_meta *m)
{
	return m->hold_ms > m->received_ms ? m->hold_ms : m->received_ms;
}

/* The state of a recipient that goes on, before anything was tried. */
struct store_out_rcpt message_fresh(const struct message_meta *m, const struct message_target *t);

/* The state of a recipient that goes on: u8 state with the flags from 256 on above its four bits, u8 flags,
 * u64 due, u32 attempts, u64 last, and the texts reply, host, tls and via. */
void result_put(struct buf *b, const struct store_out_rcpt *o);
bool result_get(struct reader *r, struct store_out_rcpt *o); /* false: r->bad */
/* Something is still to be done for it. */
static inline bool result_open(const struct store_out_rcpt *o)
{
	return o->state == STORE_OUT_WAITING || (o->flags & STORE_OUT_OWED);
}

/* ---- meta of RECORD_MOVED: u64 place in its maildrops (the position of its first record), then as a
 * message, with u16 state and u64 expunged_ms behind each target, and behind those of a target that
 * goes on its result_put().  Of RECORD_FORGET: id, u16 count, u64 maildrops, again and again.  Of
 * RECORD_RETIRE: u64 segment.  Of RECORD_RESULT: id, then u32 number and result_put(), again and again ---- */

enum moved_state { MOVED_GONE, MOVED_LIVE, MOVED_EXPUNGED };

struct moved {
	enum moved_state state;
	int64_t expunged_ms;
	struct store_out_rcpt out; /* of a target that goes on */
};
void moved_put(struct buf *b, const struct message_target *t, const struct moved *v);
/* message_target() and what stands behind it; of a RECORD_MESSAGE too, where nothing does. */
bool moved_target(
	enum record_type type, struct message_meta *m, struct message_target *t, struct moved *v);

/* ---- meta of RECORD_EXPUNGE and RECORD_RESTORE: u64 maildrop, then ids; of RECORD_DROP: u64 maildrop;
 * of RECORD_RETRIEVED: u8 count of maildrops, u64 each, u64 time, client, then ids, each in one of these ---- */

struct msgid get_msgid(struct reader *r);
void put_msgid(struct buf *b, struct msgid id);

#endif
