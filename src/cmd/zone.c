#include "cmd/zone.h"

enum { STRING_MAX = 255 };

void zone_txt(FILE *to, struct str name, struct str text)
{
	fprintf(to, "%.*s. IN TXT", STR_ARG(name));
	do {
		struct str piece = str_head(text, STRING_MAX);

		fputs(" \"", to);
		for (size_t i = 0; i < piece.n; i++) {
			if (piece.p[i] == '"' || piece.p[i] == '\\')
				fputc('\\', to);
			fputc(piece.p[i], to);
		}
		fputc('"', to);
		text = str_from(text, piece.n);
	} while (text.n > 0);
	fputc('\n', to);
}

void zone_dkim_name(const json_t *row, struct buf *out)
{
	buf_put(out, str_c(json_string_value(json_object_get(row, "selector"))));
	buf_put(out, STR("._domainkey."));
	buf_put(out, str_c(json_string_value(json_object_get(row, "domain"))));
}
