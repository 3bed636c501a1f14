#include "base/maildrop.h"

bool maildrop_uidl(
	const struct maildrop_view *v, size_t i, char text[MSGID_TEXT + 1], struct str *uidl)
{
	const struct maildrop_row *row = &v->rows[i];

	if (row->uidl_len == 0) {
		msgid_text(row->id, text);
		*uidl = str_of(text, MSGID_TEXT);
		return true;
	}
	if (row->uidl_at > v->uidls.n || row->uidl_len > v->uidls.n - row->uidl_at)
		return false;
	*uidl = str_of(v->uidls.p + row->uidl_at, row->uidl_len);
	return true;
}
