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

/* 128 bits are 26 digits of 5 bits with two zero bits in front. */
void msgid_text(struct msgid id, char text[MSGID_TEXT + 1])
{
	unsigned __int128 v = 0;

	for (size_t i = 0; i < sizeof id.b; i++)
		v = v << 8 | id.b[i];
	for (int i = MSGID_TEXT - 1; i >= 0; i--, v >>= 5)
		text[i] = digits[(unsigned)v & 31];
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
