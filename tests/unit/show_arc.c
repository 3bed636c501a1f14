/* Seals and judges chains as example.org for check_arc.py: a command a line, an answer a line, messages in
 * base64.  At the start it puts the name, the record and the private key of each of its keys. */
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "trust/arc.h"

enum { KEYS = 3 }; /* the last is not ours to use */

static const int64_t now = 1700000000000;

static struct named_key {
	enum dkim_algorithm algorithm;
	struct str selector, name;
	struct dkim_key *key;
	struct buf record;
} keys[KEYS] = {
	{ DKIM_RSA_SHA256, STR_INIT("r"), STR_INIT("r._domainkey.example.org") },
	{ DKIM_ED25519_SHA256, STR_INIT("e"), STR_INIT("e._domainkey.example.org") },
	{ DKIM_RSA_SHA256, STR_INIT("t"), STR_INIT("t._domainkey.example.org") },
};

static void say(struct str s)
{
	fwrite(s.p, 1, s.n, stdout);
	fputc('\n', stdout);
	fflush(stdout);
}

static void say_packed(struct str s)
{
	struct buf text = { 0 };

	base64_put(&text, s);
	say(buf_str(&text));
	buf_deinit(&text);
}

static void make_keys(void)
{
	for (size_t i = 0; i < KEYS; i++) {
		struct buf der = { 0 };

		if (dkim_key_make(keys[i].algorithm, &der, NULL) != ST_OK)
			abort();
		keys[i].key = dkim_key_new(keys[i].algorithm, buf_str(&der));
		dkim_key_record(keys[i].key, &keys[i].record);
		say(keys[i].name);
		say(buf_str(&keys[i].record));
		say_packed(buf_str(&der));
		buf_deinit(&der);
	}
}

static struct arc *judge(struct str message)
{
	struct arc *a = arc_new(now);
	struct buf name = { 0 };

	arc_feed(a, message);
	arc_end(a);
	for (; arc_wants(a, &name); buf_clear(&name)) {
		size_t i = 0;

		while (i < KEYS && !str_eq(keys[i].name, buf_str(&name)))
			i++;
		arc_key(a, i < KEYS ? DKIM_KEY_FOUND : DKIM_KEY_NONE,
			i < KEYS ? buf_str(&keys[i].record) : STR(""));
	}
	buf_deinit(&name);
	return a;
}

static void say_verdict(struct str message)
{
	struct arc *a = judge(message);
	struct buf text = { 0 };

	buf_put(&text, arc_cv_name(arc_result(a)));
	buf_putc(&text, ' ');
	buf_put(&text, str_c(arc_why(a)));
	say(buf_str(&text));
	buf_deinit(&text);
	arc_free(a);
}

static void say_sealed(const struct named_key *k, struct str message)
{
	struct arc *a = judge(message);
	struct dkim_signer s = {
		.key = k->key, .domain = STR("example.org"), .selector = k->selector, .wall_ms = now
	};
	struct buf results = { 0 }, space = { 0 }, out = { 0 };
	struct arc_request r;
	struct err err = { 0 };

	buf_put(&results, STR("ours.example.org; spf=pass smtp.mailfrom=a@x.test; arc="));
	buf_put(&results, arc_cv_name(arc_result(a)));
	if (arc_request_of(a, buf_str(&results), &r, &space, &err) == ST_OK &&
		arc_sign(&r, &s, &out, &err) == ST_OK) {
		buf_put(&out, message);
		say_packed(buf_str(&out));
	} else {
		say(str_c(err.text));
	}
	buf_deinit(&results);
	buf_deinit(&space);
	buf_deinit(&out);
	arc_free(a);
}

int main(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	make_keys();
	while ((n = getline(&line, &room, stdin)) > 0) {
		struct str rest = str_of(line, (size_t)n - 1), verb = str_cut(&rest, ' ');
		struct buf message = { 0 };

		if (!base64_get(rest, &message))
			abort();
		if (str_eq(verb, STR("judge")))
			say_verdict(buf_str(&message));
		else
			say_sealed(&keys[str_eq(verb, STR("ed25519"))], buf_str(&message));
		buf_deinit(&message);
	}
	free(line);
	for (size_t i = 0; i < KEYS; i++) {
		dkim_key_free(keys[i].key);
		buf_deinit(&keys[i].record);
	}
	return 0;
}
