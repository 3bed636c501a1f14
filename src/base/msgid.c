#include "base/clock.h"
#include "base/msgid.h"

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

struct msgid msgid_new(int64_t wall_ms)
{
	struct msgid id;

	random_bytes(id.b, sizeof id.b);
	for (int i = 0; i < 6; i++)
		id.b[i] = (unsigned char)((uint64_t)wall_ms >> (40 - 8 * i));
	return id;
}

int64_t msgid_time_ms(struct msgid id)
{
	int64_t ms = 0;

	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id.b[i];
	return ms;
}

static void put_digits(char *to, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = digits[v >> 5 * (n - 1 - i) & 31];
}

/* 128 bits are 26 digits of 5 bits with two zero bits in front: 8 of them, and twice 60. */
void msgid_text(struct msgid id, char text[MSGID_TEXT + 1])
{
	uint64_t high = 0, low = 0;

	for (size_t i = 0; i < 8; i++) {
		high = high << 8 | id.b[i];
		low = low << 8 | id.b[8 + i];
	}
	put_digits(text, high >> 56, 2);
	put_digits(text + 2, high << 4 | low >> 60, 12);
	put_digits(text + 14, low, 12);
	text[MSGID_TEXT] = '\0';
}

bool msgid_parse(struct str s, struct msgid *id)
{
	unsigned __int128 v = 0;

	if (s.n != MSGID_TEXT || s.p[0] > '7')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		const char *at = s.p[i] == '\0' ? NULL : memchr(digits, s.p[i], sizeof digits - 1);

		if (at == NULL)
			return false;
		v = v << 5 | (unsigned)(at - digits);
	}
	for (size_t i = sizeof id->b; i > 0; i--, v >>= 8)
		id->b[i - 1] = (unsigned char)v;
	return true;
}
