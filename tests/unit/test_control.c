/* The control socket with a real office behind it, served by a child process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/list.h"
#include "base/mem.h"
#include "daemon/control.h"

enum { LARGE = 40 * 1024 * 1024 + 5 }; /* more than one answer holds */

struct fixture {
	char state[64];
	pid_t server;
	char uidl[MSGID_TEXT + 1];
};

static void write_text(const struct fixture *f, const char *name, const char *text)
{
	char path[128];
	FILE *to;

	snprintf(path, sizeof path, "%s/%s", f->state, name);
	to = fopen(path, "w");
	assert_non_null(to);
	fputs(text, to);
	fclose(to);
}

static struct office office_of(const struct fixture *f)
{
	struct err err = { ST_OK, "" };
	struct config *config = config_load(f->state, &err);
	struct office o;
	char dir[128];

	assert_non_null(config);
	snprintf(dir, sizeof dir, "%s/store", f->state);
	assert_int_equal(office_open(&o, dir, config, &err), ST_OK);
	return o;
}

struct delivery {
	struct store_deliver deliver;
	bool done;
	enum store_result result;
};

static void on_delivered(struct store_op *op, enum store_result result)
{
	struct delivery *d = LIST_OF(op, struct delivery, deliver.op);

	d->done = true;
	d->result = result;
}

static char octet_at(size_t i)
{
	return (char)('a' + (i * 7 + i / 4096) % 26);
}

static void deliver_large(struct office *o, uint64_t maildrop, struct fixture *f)
{
	struct msgid id = msgid_new(clock_wall_ms());
	struct store_target target = { .maildrop = maildrop, .recipient = STR("ann@example.test") };
	struct delivery d = { .deliver = { .op = { .done = on_delivered } } };
	struct store_draft *draft = store_draft_new(o->store, id);
	char *piece = mem_alloc(LARGE);

	for (size_t i = 0; i < LARGE; i++)
		piece[i] = octet_at(i);
	assert_int_equal(store_draft_append(draft, str_of(piece, LARGE)), STORE_OK);
	free(piece);
	d.deliver.draft = draft;
	d.deliver.sender = STR("x@example.test");
	d.deliver.client = STR("test");
	d.deliver.received_ms = clock_wall_ms();
	d.deliver.targets = &target;
	d.deliver.count = 1;
	store_deliver(o->store, &d.deliver);
	while (!d.done) {
		store_flush(o->store);
		if (!d.done)
			store_wait(o->store);
	}
	assert_int_equal(d.result, STORE_OK);
	msgid_text(id, f->uidl);
}

static void serve(const struct fixture *f, int fd)
{
	struct office o = office_of(f);
	struct loop *l = loop_new();
	struct control *c = control_serve(l, fd, getuid(), &o);

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* with the test */
	loop_run(l);
	control_stop(c);
	loop_free(l);
	office_close(&o);
	_exit(0);
}

static int listen_there(const struct fixture *f)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof a.sun_path, "%s/control.sock", f->state);
	unlink(a.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static int start(void **state)
{
	struct fixture *f = NEW(struct fixture);
	struct credentials c = { .hash = "x", .scram_iterations = 4096 };
	struct err err = { ST_OK, "" };
	struct office o;
	uint64_t id;
	int fd;

	snprintf(f->state, sizeof f->state, "/tmp/restante-control.XXXXXX");
	assert_non_null(mkdtemp(f->state));
	write_text(f, "version", "1\n");
	o = office_of(f);
	assert_int_equal(directory_domain_add(o.directory, STR("example.test"), &err), ST_OK);
	assert_int_equal(account_add(o.directory, STR("ann@example.test"), &c, &id, &err), ST_OK);
	deliver_large(&o, id, f);
	office_close(&o);
	fd = listen_there(f);
	f->server = fork();
	if (f->server == 0)
		serve(f, fd);
	close(fd);
	*state = f;
	return 0;
}

static int stop(void **state)
{
	struct fixture *f = *state;
	char *words[] = { "rm", "-rf", NULL, NULL };
	pid_t rm;

	if (f == NULL) /* it did not start */
		return 0;
	words[2] = f->state;
	kill(f->server, SIGKILL);
	waitpid(f->server, NULL, 0);
	rm = fork();
	if (rm == 0)
		execvp(words[0], words);
	waitpid(rm, NULL, 0);
	free(f);
	return 0;
}

static int dial(const struct fixture *f)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct timeval wait = { 20, 0 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof a.sun_path, "%s/control.sock", f->state);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	return fd;
}

static void put_frame(struct buf *out, char kind, uint32_t n, struct str payload)
{
	put_u32(out, n);
	buf_putc(out, kind);
	buf_put(out, payload);
}

/* The next frame's kind; its payload in `to`.  0: the server hung up. */
static char take_frame(int fd, struct buf *to)
{
	char head[CONTROL_HEADER];
	struct reader r = { .rest = { head, sizeof head } };
	uint32_t n;

	if (recv(fd, head, sizeof head, MSG_WAITALL) != sizeof head)
		return 0;
	n = get_u32(&r);
	buf_clear(to);
	if (n > 0) {
		assert_int_equal(recv(fd, buf_reserve(to, n), n, MSG_WAITALL), n);
		buf_grew(to, n);
	}
	return head[4];
}

static bool holds(struct str s, const char *part)
{
	return memmem(s.p, s.n, part, str_c(part).n) != NULL;
}

static void expect_status(int fd, struct buf *frame)
{
	assert_int_equal(take_frame(fd, frame), 'r');
	assert_true(holds(buf_str(frame), "\"served\":true"));
	assert_int_equal(take_frame(fd, frame), 'e');
	assert_true(holds(buf_str(frame), "\"status\":0"));
}

#define STATUS STR("{\"verb\":\"status\"}")

static void frames(void **state)
{
	static const struct {
		const char *name;
		char kind;
		uint32_t extra; /* what the length says too much */
		struct str payload;
		char answer; /* 0: hangs up */
		const char *said;
	} rows[] = {
		{ "another kind", 'r', 0, STR_INIT("{}"), 0, "" },
		{ "too long", 'q', CONTROL_FRAME_MAX, STR_INIT("{}"), 0, "" },
		{ "longest length", 'q', UINT32_MAX - 2, STR_INIT("{}"), 0, "" },
		{ "no JSON", 'q', 0, STR_INIT("{"), 'e', "is no JSON" },
		{ "empty", 'q', 0, STR_INIT(""), 'e', "is no JSON" },
		{ "an array", 'q', 0, STR_INIT("[1]"), 'e', "no \\\"verb\\\"" },
		{ "no verb", 'q', 0, STR_INIT("{}"), 'e', "no \\\"verb\\\"" },
		{ "verb is a number", 'q', 0, STR_INIT("{\"verb\":1}"), 'e', "no \\\"verb\\\"" },
		{ "unknown verb", 'q', 0, STR_INIT("{\"verb\":\"x\"}"), 'e', "does not know 'x'" },
		{ "names twice", 'q', 0, STR_INIT("{\"verb\":\"status\",\"verb\":\"status\"}"), 'e',
			"is no JSON" },
		{ "no credentials", 'q', 0,
			STR_INIT("{\"verb\":\"account.add\",\"address\":\"b@example.test\"}"), 'e',
			"no \\\"hash\\\"" },
		{ "bad key", 'q', 0,
			STR_INIT("{\"verb\":\"account.passwd\",\"address\":\"ann@example.test\","
				 "\"credentials\":{\"hash\":\"h\",\"iterations\":4096,\"salt\":\"="
				 "\"}}"),
			'e', "credentials are malformed" },
		{ "targets are numbers", 'q', 0,
			STR_INIT("{\"verb\":\"alias.add\",\"alias\":\"s@example.test\","
				 "\"targets\":[1]}"),
			'e', "targets are malformed" },
	};
	struct fixture *f = *state;
	struct buf frame;

	buf_init(&frame, 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf q;
		int fd = dial(f);

		buf_init(&q, 0);
		put_frame(&q, rows[i].kind, (uint32_t)rows[i].payload.n + rows[i].extra,
			rows[i].payload);
		assert_int_equal(send(fd, buf_str(&q).p, q.len, 0), q.len);
		if (take_frame(fd, &frame) != rows[i].answer ||
			(rows[i].answer != 0 && !holds(buf_str(&frame), rows[i].said)))
			fail_msg("%s: %.*s", rows[i].name, STR_ARG(buf_str(&frame)));
		buf_deinit(&q);
		close(fd);
	}
	buf_deinit(&frame);
}

static void octet_by_octet_and_pipelined(void **state)
{
	struct buf q, frame;
	int fd = dial(*state);

	buf_init(&q, 0);
	buf_init(&frame, 0);
	put_frame(&q, 'q', (uint32_t)STATUS.n, STATUS);
	for (size_t i = 0; i < q.len; i++)
		assert_int_equal(send(fd, buf_str(&q).p + i, 1, 0), 1);
	expect_status(fd, &frame);
	put_frame(&q, 'q', (uint32_t)STATUS.n, STATUS);
	put_frame(&q, 'q', (uint32_t)STATUS.n, STATUS);
	assert_int_equal(send(fd, buf_str(&q).p, q.len, 0), q.len);
	for (int i = 0; i < 3; i++)
		expect_status(fd, &frame);
	close(fd);
	buf_deinit(&q);
	buf_deinit(&frame);
}

struct shown {
	struct office_reply reply;
	size_t at;
	bool equal;
	json_int_t next, octets;
};

static void on_octets(struct office_reply *r, struct str octets)
{
	struct shown *s = LIST_OF(r, struct shown, reply);

	for (size_t i = 0; i < octets.n; i++)
		s->equal &= octets.p[i] == octet_at(s->at + i);
	s->at += octets.n;
}

static void on_row(struct office_reply *r, json_t *row)
{
	struct shown *s = LIST_OF(r, struct shown, reply);

	s->next = json_integer_value(json_object_get(row, "next"));
	s->octets = json_integer_value(json_object_get(row, "octets"));
	json_decref(row);
}

static json_t *show_request(const struct fixture *f, size_t offset)
{
	return json_pack("{s:s, s:s, s:s, s:I}", "verb", "mailbox.show", "address",
		"ann@example.test", "uidl", f->uidl, "offset", (json_int_t)offset);
}

/* Whoever asks and does not read holds up nobody. */
static void slow_reader(void **state)
{
	struct fixture *f = *state;
	json_t *request = show_request(f, 0);
	char *text = json_dumps(request, JSON_COMPACT);
	struct buf q, frame;
	int slow = dial(f), quick = dial(f);
	size_t got = 0;

	buf_init(&q, 0);
	buf_init(&frame, 0);
	put_frame(&q, 'q', (uint32_t)str_c(text).n, str_c(text));
	assert_int_equal(send(slow, buf_str(&q).p, q.len, 0), q.len);
	buf_clear(&q);
	put_frame(&q, 'q', (uint32_t)STATUS.n, STATUS);
	assert_int_equal(send(quick, buf_str(&q).p, q.len, 0), q.len);
	expect_status(quick, &frame);
	while (take_frame(slow, &frame) == 'o')
		got += frame.len;
	assert_int_equal(got, 32 * 1024 * 1024);
	close(slow);
	close(quick);
	buf_deinit(&q);
	buf_deinit(&frame);
	json_decref(request);
	free(text);
}

static void show_all(const struct fixture *f)
{
	struct shown s = { .reply = { .row = on_row, .octets = on_octets }, .equal = true };
	int answers = 0;

	do {
		json_t *request = show_request(f, s.at);
		struct err err = { ST_OK, "" };

		assert_int_equal(control_call(f->state, request, &s.reply, &err), ST_OK);
		assert_int_equal(s.next, s.at);
		json_decref(request);
		answers++;
	} while (s.next < s.octets);
	assert_int_equal(answers, 2);
	assert_int_equal(s.at, LARGE);
	assert_true(s.equal);
}

static void large_message(void **state)
{
	show_all(*state);
}

static void no_row(struct office_reply *r, json_t *row)
{
	(void)r;
	json_decref(row);
}

/* The server is asked to end for a rebuild; then the same call works without one. */
static void rebuild_then_without_server(void **state)
{
	struct fixture *f = *state;
	struct office_reply reply = { .row = no_row };
	json_t *request = json_pack("{s:s}", "verb", "fsck.rebuild");
	struct err err = { ST_OK, "" };
	char mark[128];
	int status;

	snprintf(mark, sizeof mark, "%s/store/rebuild", f->state);
	assert_int_equal(control_call(f->state, request, &reply, &err), ST_OK);
	assert_int_equal(waitpid(f->server, &status, 0), f->server);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(access(mark, F_OK), 0);
	show_all(f);
	assert_int_not_equal(access(mark, F_OK), 0);
	assert_int_equal(control_call(f->state, request, &reply, &err), ST_OK);
	assert_int_not_equal(access(mark, F_OK), 0);
	show_all(f);
	json_decref(request);
}

static void ask_for(int fd, const char *request)
{
	struct buf q = { 0 };

	put_frame(&q, 'q', (uint32_t)str_c(request).n, str_c(request));
	assert_int_equal(send(fd, buf_str(&q).p, q.len, 0), q.len);
	buf_deinit(&q);
}

static bool has_answer(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* Both are asked before the loop turns, so whatever blocks it answers in the same turn: the machine's speed
 * does not matter.  The last caller does not wait for his. */
static void keys_are_made_beside(void **state)
{
	static const char make[] = "{\"verb\":\"dkim.new\",\"domain\":\"example.test\"}",
			  again[] = "{\"verb\":\"dkim.rotate\",\"domain\":\"example.test\"}";
	struct fixture *f = *state;
	struct office o = office_of(f);
	struct loop *l = loop_new();
	struct control *c = control_serve(l, listen_there(f), getuid(), &o);
	int maker = dial(f), other = dial(f), gone = dial(f);
	struct buf frame;

	buf_init(&frame, 0);
	for (int i = 0; i < 8; i++) /* they are accepted one in a turn */
		loop_turn(l, false);
	ask_for(maker, make);
	ask_for(other, "{\"verb\":\"status\"}");
	loop_turn(l, false);
	assert_false(has_answer(maker));
	expect_status(other, &frame);
	while (!has_answer(maker))
		loop_turn(l, true);
	assert_int_equal(take_frame(maker, &frame), 'e');
	assert_true(holds(buf_str(&frame), "\"status\":0"));
	ask_for(maker, "{\"verb\":\"dkim.list\",\"domain\":\"example.test\"}");
	ask_for(gone, again);
	loop_turn(l, false);
	assert_int_equal(take_frame(maker, &frame), 'r');
	assert_true(holds(buf_str(&frame), "v=DKIM1"));
	shutdown(gone, SHUT_RDWR);
	close(gone);
	control_stop(c); /* with one under way: it is waited for and dropped */
	close(maker);
	close(other);
	buf_deinit(&frame);
	loop_free(l);
	office_close(&o);
}

/* Ticks of a processor that it has used. */
static long used_by(pid_t pid)
{
	char path[64], text[512], *at;
	unsigned long user = 0, system = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof text, f));
	fclose(f);
	at = strrchr(text, ')');
	assert_int_equal(
		sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system),
		2);
	return (long)(user + system);
}

/* A caller who cannot be taken waits, and the store serves everybody else meanwhile. */
static void no_descriptors(void **state)
{
	struct fixture *f = *state;
	struct rlimit none = { 0, 1024 }, some = { 1024, 1024 };
	struct buf out = { 0 }, frame = { 0 };
	long before, used;
	int fd;

	assert_int_equal(prlimit(f->server, RLIMIT_NOFILE, &none, NULL), 0);
	before = used_by(f->server);
	fd = dial(f);
	put_frame(&out, 'q', (uint32_t)STATUS.n, STATUS);
	assert_int_equal(send(fd, buf_str(&out).p, out.len, 0), (int)out.len);
	usleep(1000000);
	used = used_by(f->server) - before;
	assert_int_equal(prlimit(f->server, RLIMIT_NOFILE, &some, NULL), 0);
	expect_status(fd, &frame);
	assert_true(used < sysconf(_SC_CLK_TCK) / 2);
	close(fd);
	buf_deinit(&out);
	buf_deinit(&frame);
}

static void lock_is_exclusive(void **state)
{
	struct fixture *f = *state;
	struct err err = { ST_OK, "" };
	int fd = state_lock(f->state, &err);

	assert_true(fd >= 0);
	assert_int_equal(state_lock(f->state, &err), -1);
	assert_int_equal(err.code, ST_TEMP);
	close(fd);
	fd = state_lock(f->state, NULL);
	assert_true(fd >= 0);
	close(fd);
}

static void versions(void **state)
{
	static const struct {
		const char *text;
		enum status status;
	} rows[] = {
		{ "1\n", ST_OK },
		{ "1", ST_OK },
		{ "2\n", ST_VERSION },
		{ "0\n", ST_VERSION },
		{ "", ST_CORRUPT },
		{ "x\n", ST_CORRUPT },
		{ "-1\n", ST_CORRUPT },
		{ "99999999999999999999999999999999\n", ST_CORRUPT },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		write_text(f, "version", rows[i].text);
		if (state_check_version(f->state, NULL) != rows[i].status)
			fail_msg("version \"%s\"", rows[i].text);
	}
	assert_int_equal(state_check_version("/nonexistent", NULL), ST_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames),
		cmocka_unit_test(octet_by_octet_and_pipelined),
		cmocka_unit_test(slow_reader),
		cmocka_unit_test(no_descriptors),
		cmocka_unit_test(large_message),
		cmocka_unit_test(rebuild_then_without_server),
		cmocka_unit_test(keys_are_made_beside),
		cmocka_unit_test(lock_is_exclusive),
		cmocka_unit_test(versions),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
