/* Logs in by SASL, USER or APOP, on a wire of either protocol. */
#include <openssl/evp.h>

#include "account/sasl_client.h"
#include "base/codec.h"
#include "cmd/lab.h"

enum { STEPS_MAX = 20, INITIAL_MAX = 255 - 2 }; /* RFC 5034 4: of the whole line */

enum answer { ANSWER_DONE, ANSWER_MORE, ANSWER_NO, ANSWER_ODD, ANSWER_NONE };

/* The last line of the reply, what it means, and of a challenge its base64. */
static enum answer hear(struct wire *w, bool smtp, struct str *text)
{
	bool more = true;

	while (more) {
		if (!wire_line(w, text))
			return ANSWER_NONE;
		more = smtp && text->n > 3 && text->p[3] == '-';
	}
	if (str_starts(*text, smtp ? STR("334") : STR("+ ")) || str_eq(*text, STR("+"))) {
		*text = str_trim(str_from(*text, smtp ? 3 : 1));
		return ANSWER_MORE;
	}
	if (str_starts(*text, smtp ? STR("2") : STR("+OK")))
		return ANSWER_DONE;
	return str_starts(*text, STR("-ERR")) ||
			       (smtp && text->n > 0 && (text->p[0] == '4' || text->p[0] == '5'))
		       ? ANSWER_NO
		       : ANSWER_ODD;
}

static enum status verdict(struct wire *w, enum answer answer, struct str text, struct err *err)
{
	struct buf shown = { 0 };
	enum status status = ST_OK;

	wire_escape(&shown, str_head(text, 150));
	if (answer == ANSWER_NO)
		status = err_set(err, ST_PERM, "the server refuses the login: %.*s",
			STR_ARG(buf_str(&shown)));
	else if (answer == ANSWER_NONE)
		status = err_set(err, ST_TEMP, "%s during the login",
			w->end == WIRE_LATE ? "no answer in time"
					    : "the server closed the connection");
	else if (answer != ANSWER_DONE)
		status = err_set(err, ST_PROTO, "the answer to the login is none: %.*s",
			STR_ARG(buf_str(&shown)));
	buf_deinit(&shown);
	return status;
}

static void send_word(struct wire *w, struct str command, struct str secret)
{
	struct buf line = { .secret = true };

	buf_put(&line, command);
	buf_put(&line, secret);
	buf_put(&line, STR("\r\n"));
	wire_send(w, buf_str(&line), command.n);
	buf_wipe(&line);
}

static enum status user_and_password(struct wire *w, const struct lab_target *t, struct err *err)
{
	struct str text;
	enum answer answer;

	send_word(w, STR("USER "), t->user);
	answer = hear(w, false, &text);
	if (answer == ANSWER_DONE) {
		send_word(w, STR("PASS "), buf_str(&t->secret));
		answer = hear(w, false, &text);
	}
	return verdict(w, answer, text, err);
}

/* RFC 1939 7 */
static enum status apop(
	struct wire *w, const struct lab_target *t, struct str timestamp, struct err *err)
{
	struct buf text = { .secret = true }, digest = { 0 };
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct str said;
	enum answer answer;

	if (timestamp.n == 0)
		return err_set(err, ST_PERM, "the greeting has no timestamp for APOP");
	buf_put(&text, timestamp);
	buf_put(&text, buf_str(&t->secret));
	if (EVP_Digest(buf_str(&text).p, text.len, hash, NULL, EVP_md5(), NULL) != 1)
		memset(hash, 0, sizeof hash);
	buf_put(&digest, STR("APOP "));
	buf_put(&digest, t->user);
	buf_putc(&digest, ' ');
	buf_clear(&text);
	hex_put(&text, str_of(hash, 16));
	send_word(w, buf_str(&digest), buf_str(&text));
	buf_wipe(&text);
	buf_deinit(&digest);
	answer = hear(w, false, &said);
	return verdict(w, answer, said, err);
}

static void begin(struct wire *w, struct sasl_client *sasl)
{
	struct buf line = { 0 }, encoded = { .secret = true };
	struct str initial;

	buf_put(&line, STR("AUTH "));
	buf_put(&line, sasl_client_mechanism(sasl));
	if (sasl_client_initial(sasl, &initial)) {
		base64_put(&encoded, initial);
		if (initial.n == 0)
			buf_putc(&encoded, '=');
		if (line.len + 1 + encoded.len <= INITIAL_MAX)
			buf_putc(&line, ' ');
		else
			buf_wipe(&encoded);
	}
	send_word(w, buf_str(&line), buf_str(&encoded));
	buf_wipe(&encoded);
	buf_deinit(&line);
}

static bool respond(struct wire *w, struct sasl_client *sasl, struct str challenge, struct err *err)
{
	struct buf raw = { .secret = true }, encoded = { .secret = true };
	struct str response;
	bool good = base64_get(challenge, &raw);

	if (!good)
		err_set(err, ST_PROTO, "the challenge is not in base64");
	else
		good = sasl_client_step(sasl, buf_str(&raw), &response, err);
	if (good)
		base64_put(&encoded, response);
	send_word(w, good ? STR("") : STR("*"), buf_str(&encoded));
	buf_wipe(&raw);
	buf_wipe(&encoded);
	return good;
}

static enum status by_sasl(
	struct wire *w, const struct lab_target *t, struct str mechanisms, struct err *err)
{
	unsigned char exporter[32];
	bool tls = w->server.conn.ssl != NULL,
	     bound = tls && conn_channel_binding(&w->server.conn, exporter);
	struct sasl_client_facts facts = { .offered = mechanisms,
		.user = t->user,
		.password = buf_str(&t->secret),
		.host = t->want.host,
		.port = t->want.port,
		.exporter = bound ? str_of(exporter, sizeof exporter) : STR(""),
		.tls = tls,
		.cleartext = true,
		.cram_md5 = true };
	struct sasl_client *sasl = sasl_client_new(&facts, err);
	enum answer answer = ANSWER_MORE;
	enum status status;
	struct str text = STR("");

	if (sasl == NULL)
		return ST_PERM;
	begin(w, sasl);
	for (int i = 0; i < STEPS_MAX; i++) {
		answer = hear(w, t->smtp, &text);
		if (answer != ANSWER_MORE || !respond(w, sasl, text, err))
			break;
	}
	if (answer == ANSWER_MORE) /* ours was "*": the answer ends the exchange */
		answer = hear(w, t->smtp, &text);
	status = verdict(w, answer, text, err);
	if (status == ST_OK && !sasl_client_through(sasl))
		status = err_set(err, ST_PERM, "the server did not prove who it is");
	sasl_client_free(sasl);
	return err->code != ST_OK ? err->code : status;
}

enum status lab_login(struct wire *w, const struct lab_target *t, const struct lab_offers *offers,
	struct err *err)
{
	if (!t->smtp && str_ieq(t->mechanism, STR("APOP")))
		return apop(w, t, offers->timestamp, err);
	if (!t->smtp && (str_ieq(t->mechanism, STR("USER")) ||
				(t->mechanism.n == 0 && offers->mechanisms.n == 0)))
		return user_and_password(w, t, err);
	return by_sasl(w, t, t->mechanism.n > 0 ? t->mechanism : offers->mechanisms, err);
}
