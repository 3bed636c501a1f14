/* A message as the reader takes it apart: tree, names, text; whatever comes out may be shown. */
#include <stdlib.h>

#include "mime/charset.h"
#include "mime/text.h"
#include "mime/word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str message = str_of(data, size);
	struct mime_tree t;
	struct buf out = { 0 }, again = { 0 };

	mime_tree_parse(&t, message);
	for (size_t i = 0; i < t.count; i++) {
		struct mime_part *p = &t.parts[i];

		if (p->parent >= (int)i || p->body.p < message.p ||
			p->body.p + p->body.n > message.p + message.n)
			abort();
		mime_file_name(&t, i, &out);
		if (str_find(buf_str(&out), '/') < out.len)
			abort();
		buf_clear(&out);
		mime_decode(p, &out);
		buf_clear(&out);
	}
	mime_text(&t, &out);
	charset_put_safe(&again, buf_str(&out));
	if (!str_eq(buf_str(&out), buf_str(&again)))
		abort();
	buf_clear(&out);
	word_decode(message, &out);
	buf_deinit(&out);
	buf_deinit(&again);
	mime_tree_free(&t);
	return 0;
}
