/* The other side: what GMime reads in the same messages, printed as differ_ours.c prints it. */
#include <gmime/gmime.h>
#include <stdbool.h>
#include <string.h>

#include "cases.h"

static GMimeParserOptions *options;

static void put_c(const char *key, const char *value)
{
	if (value != NULL)
		put_text(key, value, strlen(value));
}

static void put_stream(const char *key, GMimeStream *stream)
{
	GByteArray *octets = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));

	put_hash(key, (const char *)octets->data, octets->len);
	g_object_unref(stream);
}

static void put_content(GMimePart *part)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *raw = g_mime_stream_mem_new(), *body = g_mime_stream_mem_new();

	if (content != NULL) {
		GMimeStream *source = g_mime_data_wrapper_get_stream(content);

		g_mime_stream_reset(source);
		g_mime_stream_write_to_stream(source, raw);
		g_mime_stream_reset(source);
		g_mime_data_wrapper_write_to_stream(content, body);
	}
	put_stream("raw", raw);
	put_stream("body", body);
}

static const char *encoding_of(GMimeObject *o)
{
	const char *said = g_mime_object_get_header(o, "Content-Transfer-Encoding");

	switch (g_mime_content_encoding_from_string(said != NULL ? said : "")) {
	case GMIME_CONTENT_ENCODING_BASE64: return "base64";
	case GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE: return "quoted";
	default: return "plain"; /* GMime reads uuencode too */
	}
}

static void put_subject(GMimeObject *o)
{
	GMimeHeaderList *list = g_mime_object_get_header_list(o);
	GMimeHeader *subject = g_mime_header_list_get_header(list, "Subject");
	char *line = g_mime_utils_header_unfold(
		subject == NULL ? "" : g_mime_header_get_raw_value(subject));
	char *text = g_mime_utils_header_decode_text(options, line);

	g_strstrip(text);
	put_c("subject", text);
	g_free(text);
	g_free(line);
}

static bool has_fields(GMimeObject *o)
{
	return g_mime_header_list_get_count(g_mime_object_get_header_list(o)) > 0;
}

static void put_message(GMimeMessage *message, unsigned depth);

/* message: whose fields these are too; NULL for a part. */
static void put_object(GMimeObject *o, GMimeMessage *message, unsigned depth)
{
	GMimeContentType *type = g_mime_object_get_content_type(o);
	char *name = g_mime_content_type_get_mime_type(type), *lower = g_ascii_strdown(name, -1);

	printf("%u %s", depth, encoding_of(o));
	put_c("type", lower);
	put_c("charset", g_mime_content_type_get_parameter(type, "charset"));
	put_c("name", g_mime_content_type_get_parameter(type, "name"));
	put_c("filename", g_mime_object_get_content_disposition_parameter(o, "filename"));
	put_subject(message != NULL ? GMIME_OBJECT(message) : o);
	g_free(name);
	g_free(lower);
	if (GMIME_IS_PART(o))
		put_content(GMIME_PART(o));
	if (!has_fields(o) && (message == NULL || !has_fields(GMIME_OBJECT(message))))
		put_c("bare", "1");
	putchar('\n');
	if (GMIME_IS_MULTIPART(o)) {
		GMimeMultipart *m = GMIME_MULTIPART(o);

		for (int i = 0; i < g_mime_multipart_get_count(m); i++)
			put_object(g_mime_multipart_get_part(m, i), NULL, depth + 1);
	} else if (GMIME_IS_MESSAGE_PART(o)) {
		GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(o));

		if (inner != NULL)
			put_message(inner, depth + 1);
	}
}

static void put_message(GMimeMessage *message, unsigned depth)
{
	GMimeObject *o = g_mime_message_get_mime_part(message);

	if (o != NULL)
		put_object(o, message, depth);
}

int main(void)
{
	const char *charsets[] = { "utf-8", "windows-1252", NULL };
	char *data;
	size_t n;

	g_mime_init();
	options = g_mime_parser_options_new();
	g_mime_parser_options_set_fallback_charsets(options, charsets);
	while ((data = case_read(&n)) != NULL) {
		GMimeStream *stream = g_mime_stream_mem_new_with_buffer(data, n);
		GMimeParser *parser = g_mime_parser_new_with_stream(stream);
		GMimeMessage *message = g_mime_parser_construct_message(parser, options);

		if (message != NULL) {
			put_message(message, 0);
			g_object_unref(message);
		}
		puts(".");
		g_object_unref(parser);
		g_object_unref(stream);
		free(data);
	}
	g_mime_parser_options_free(options);
	g_mime_shutdown();
	return 0;
}
