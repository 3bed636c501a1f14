/* codec.h -- fixed-width integers, strings, base64, hex and checksums.  Pure.
 *
 * Writers put into a struct buf (sticky `full`); readers cut from a struct reader (sticky `bad`):
 * after the first short read everything reads as zero or empty, and the caller checks once. */
#ifndef RESTANTE_BASE_CODEC_H
#define RESTANTE_BASE_CODEC_H

#include "base/buf.h"

struct reader {
	struct str rest;
	bool bad;
};

/* Little-endian.  put_str writes a u32 length and the octets. */
void put_u8(struct buf *b, uint8_t v);
void put_u16(struct buf *b, uint16_t v);
void put_u32(struct buf *b, uint32_t v);
void put_u64(struct buf *b, uint64_t v);
void put_str(struct buf *b, struct str s);

uint8_t get_u8(struct reader *r);
uint16_t get_u16(struct reader *r);
uint32_t get_u32(struct reader *r);
uint64_t get_u64(struct reader *r);
struct str get_bytes(struct reader *r, size_t n); /* a view into the input */
struct str get_str(struct reader *r);

/* RFC 4648 4 with padding and no line breaks.  Decoding is strict: the length is a multiple of
 * four, no octet outside the alphabet, padding only at the end, unused bits zero. */
void base64_put(struct buf *b, struct str s);
bool base64_get(struct str s, struct buf *out);

void hex_put(struct buf *b, struct str s);

/* What a digit is worth; -1: it is none.  Hex in either case. */
int base64_value(char c);
int hex_value(char c);

/* Bits packed eight an octet, the lowest first; what is not there reads as 0. */
static inline bool bit_get(struct str bits, size_t i)
{
	return i / 8 < bits.n && ((unsigned char)bits.p[i / 8] >> i % 8 & 1) != 0;
}
void bit_set(struct buf *bits, size_t i);

/* CRC-32C (RFC 3720 B.4); start with 0, feed on. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
/* Of a and then b, from those of each: crc32c_zeros(of a, octets of b) ^ of b.  n below 2^40. */
uint32_t crc32c_zeros(uint32_t crc, uint64_t n);

#endif
