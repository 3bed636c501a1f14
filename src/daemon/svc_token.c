/* Bearer tokens are judged by somebody else, on a Unix socket (setting oauth_check): one connection a token, one
 * JSON line each way,
 *
 *   {"token": "...", "user": "ann@example.org"}       user: whom the client named, or ""
 *   {"active": true, "username": "ann@example.org"}   active as RFC 7662 2.2 means it
 *
 * The store may not connect, so the parent does and passes the socket by the leash.  Whoever listens there can
 * log in as anybody: that is what it is for. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/svc_token.h"

enum { ANSWER_MAX = 16 * 1024, PATIENCE_MS = 10 * 1000, QUESTIONS_MAX = 1000 };

struct question {
	struct link link; /* of those that wait for a socket */
	struct svc_tokens *tokens;
	struct token_check *check; /* NULL: abandoned */
	bool waits;
	int fd; /* -1 while it waits */
	struct loop_io io;
	struct loop_timer patience;
	struct buf out, in;
};

static struct svc_tokens *tokens_of(struct token_checker *t)
{
	return LIST_OF(t, struct svc_tokens, checker);
}

static void question_free(struct question *q)
{
	loop_timer_stop(&q->patience);
	if (q->fd >= 0) {
		loop_io_want(&q->io, 0);
		close(q->fd);
	}
	if (q->check != NULL)
		q->check->question = NULL;
	q->tokens->open--;
	buf_wipe(&q->out);
	buf_wipe(&q->in);
	free(q);
}

/* One that waits for its socket stays in the line, so that the sockets that come are the others'. */
static void finish(struct question *q, enum token_result result, struct str username)
{
	struct token_check *check = q->check;
	char *name = str_dup_c(username);

	q->check = NULL;
	loop_timer_stop(&q->patience);
	if (check != NULL)
		check->question = NULL;
	if (!q->waits)
		question_free(q);
	if (check != NULL)
		check->done(check, result, str_c(name));
	free(name);
}

static void unreachable(struct question *q, const char *why)
{
	if (q->check != NULL)
		log_warn("oauth.unreachable", F_C("why", why));
	finish(q, TOKEN_UNREACHABLE, STR(""));
}

static void take_answer(struct question *q, struct str line)
{
	json_t *o = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
	const json_t *active = json_object_get(o, "active");
	const char *name = json_string_value(json_object_get(o, "username"));

	if (json_is_false(active))
		finish(q, TOKEN_BAD, STR(""));
	else if (json_is_true(active) && name != NULL && name[0] != '\0')
		finish(q, TOKEN_GOOD, str_c(name));
	else
		unreachable(q, "malformed answer");
	json_decref(o);
}

static void hear(struct question *q)
{
	char *room = buf_reserve(&q->in, 4096);
	ssize_t n = room == NULL ? 0 : read(q->fd, room, 4096);
	size_t end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		unreachable(q, room == NULL ? "answer too long" : "no answer");
		return;
	}
	buf_grew(&q->in, (size_t)n);
	end = str_find(buf_str(&q->in), '\n');
	if (end < q->in.len)
		take_answer(q, str_head(buf_str(&q->in), end));
}

static void say(struct question *q)
{
	ssize_t n = write(q->fd, buf_str(&q->out).p, q->out.len);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		unreachable(q, "cannot write");
		return;
	}
	if (n > 0)
		buf_consume(&q->out, (size_t)n);
	if (q->out.len == 0)
		loop_io_want(&q->io, LOOP_READ);
}

static void ready(struct loop_io *io, int events)
{
	struct question *q = LIST_OF(io, struct question, io);

	if (events & LOOP_READ)
		hear(q);
	else
		say(q);
}

static void too_late(struct loop_timer *t)
{
	unreachable(LIST_OF(t, struct question, patience), "too late");
}

static void put_line(struct buf *out, struct str token, struct str user)
{
	json_t *o = json_pack("{s:s%, s:s%}", "token", token.p, token.n, "user", user.p, user.n);
	char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);

	buf_put(out, str_c(text));
	buf_putc(out, '\n');
	if (text != NULL)
		mem_wipe(text, str_c(text).n);
	free(text);
	json_decref(o);
}

static void start(
	struct token_checker *checker, struct token_check *check, struct str token, struct str user)
{
	struct svc_tokens *t = tokens_of(checker);
	struct ipc_head head = { .type = LEASH_TOKENS };
	struct question *q;

	if (t->open >= QUESTIONS_MAX) {
		check->done(check, TOKEN_UNREACHABLE, STR(""));
		return;
	}
	q = NEW(struct question);
	t->open++;
	q->tokens = t;
	q->check = check;
	q->waits = true;
	q->fd = -1;
	check->question = q;
	buf_init(&q->in, ANSWER_MAX);
	put_line(&q->out, token, user);
	loop_timer_init(&q->patience, t->loop, too_late);
	loop_timer_at(&q->patience, loop_now_ms(t->loop) + PATIENCE_MS);
	list_append(&t->waiting, &q->link);
	ipc_send(t->leash, &head, STR(""), STR(""), -1);
}

static void abandon(struct token_checker *checker, struct token_check *check)
{
	struct question *q = check->question;

	(void)checker;
	if (q == NULL)
		return;
	q->check = NULL;
	check->question = NULL;
	if (!q->waits)
		question_free(q);
}

void svc_tokens_socket(struct svc_tokens *t, int fd)
{
	struct question *q;

	if (list_empty(&t->waiting)) {
		if (fd >= 0)
			close(fd);
		return;
	}
	q = LIST_OF(list_take(&t->waiting), struct question, link);
	q->waits = false;
	q->fd = fd;
	if (fd < 0) {
		unreachable(q, "cannot connect");
		return;
	}
	loop_io_init(&q->io, t->loop, fd, ready);
	if (q->check == NULL)
		question_free(q);
	else
		loop_io_want(&q->io, LOOP_WRITE);
}

void svc_tokens_init(struct svc_tokens *t, struct loop *loop, struct ipc *leash)
{
	*t = (struct svc_tokens){
		.checker = { .start = start, .abandon = abandon }, .loop = loop, .leash = leash
	};
	list_init(&t->waiting);
}
