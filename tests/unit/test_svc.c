/* The wall: what a taken-over edge can send, and what it gets.  A real store and directory in a
 * temporary directory, the service of svc.c, and this test in place of the edge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account/directory.h"
#include "account/dkim_keys.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/ipc_lookup.h"
#include "daemon/svc_carrier.h"
#include "office_help.h"
#include "trust/dkim_verify.h"

static struct svc svc;
static struct loop_io store_io, auth_io, signer_io;
static char dir[] = "/tmp/restante-svc.XXXXXX";
static int edge; /* our end of the channel */

static void store_ready(struct loop_io *io, int events)
{
	(void)io;
	(void)events;
	store_poll(svc.office.store);
}

static void auth_ready(struct loop_io *io, int events)
{
	(void)io;
	(void)events;
	authenticator_poll(svc.authenticator);
}

static void signer_ready(struct loop_io *io, int events)
{
	(void)io;
	(void)events;
	signer_poll(svc.signer);
}

static void turn_end(void *arg)
{
	(void)arg;
	store_flush(svc.office.store);
	svc_reap(&svc);
}

static void connect_edge(void)
{
	int fds[2];

	assert_int_equal(ipc_pair(fds), 0);
	edge = fds[0];
	svc_add_edge(&svc, fds[1], 0);
}

static int connect_pid(uint32_t pid)
{
	int fds[2];

	assert_int_equal(ipc_pair(fds), 0);
	svc_add_edge(&svc, fds[1], pid);
	return fds[0];
}

static void add_account(const char *address)
{
	struct credentials c;
	uint64_t id;

	assert_int_equal(password_make(STR("secret"), &c, NULL), ST_OK);
	assert_int_equal(account_add(svc.office.directory, str_c(address), &c, &id, NULL), ST_OK);
}

static int open_office(void **state)
{
	struct err err = { 0 };

	(void)state;
	log_init(2, LOG_L_ERROR + 1, "test");
	if (mkdtemp(dir) == NULL || help_office(&svc.office, dir, "", &err) != ST_OK)
		return -1;
	list_init(&svc.edges);
	list_init(&svc.carriers);
	list_init(&svc.waits);
	svc.loop = loop_new();
	svc.authenticator = authenticator_new(svc.office.directory, 1, 16);
	loop_io_init(&store_io, svc.loop, store_fd(svc.office.store), store_ready);
	loop_io_want(&store_io, LOOP_READ);
	loop_io_init(&auth_io, svc.loop, authenticator_fd(svc.authenticator), auth_ready);
	loop_io_want(&auth_io, LOOP_READ);
	svc.signer = signer_new(svc.office.directory, 1);
	loop_io_init(&signer_io, svc.loop, signer_fd(svc.signer), signer_ready);
	loop_io_want(&signer_io, LOOP_READ);
	loop_at_turn_end(svc.loop, turn_end, NULL);
	directory_domain_add(svc.office.directory, STR("example.test"), NULL);
	add_account("ann@example.test");
	add_account("bob@example.test");
	return 0;
}

static int close_office(void **state)
{
	char command[64];

	(void)state;
	if (svc.loop == NULL) /* it did not open */
		return 0;
	signer_free(svc.signer);
	svc_close(&svc);
	authenticator_free(svc.authenticator);
	office_close(&svc.office);
	svc_reap(&svc);
	loop_free(svc.loop);
	svc.loop = NULL;
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

static int new_edge(void **state)
{
	(void)state;
	connect_edge();
	return 0;
}

static int drop_edge(void **state)
{
	int64_t until = clock_mono_ms() + 10000;

	(void)state;
	close(edge);
	/* Commits under way end first. */
	while (!(list_empty(&svc.edges) && list_empty(&svc.carriers)) && clock_mono_ms() < until)
		loop_turn(svc.loop, false);
	return list_empty(&svc.edges) && list_empty(&svc.carriers) ? 0 : -1;
}

static void send_answer(
	uint16_t type, uint32_t session, uint32_t seq, unsigned result, struct str body)
{
	struct ipc_head head = {
		.type = type, .session = session, .seq = seq, .result = (uint16_t)result
	};
	struct buf b = { 0 };

	buf_put(&b, str_of(&head, sizeof head));
	buf_put(&b, body);
	assert_int_equal(send(edge, buf_str(&b).p, b.len, MSG_NOSIGNAL), (int)b.len);
	buf_deinit(&b);
}

static void send_packet(uint16_t type, uint32_t session, uint32_t seq, struct str body)
{
	send_answer(type, session, seq, 0, body);
}

/* The answer's result, or -1 when the channel was closed instead. */
static int answer(struct buf *body)
{
	static char room[IPC_PACKET_MAX];
	int64_t until = clock_mono_ms() + 10000;
	struct ipc_head head;

	while (clock_mono_ms() < until) {
		ssize_t n = recv(edge, room, sizeof room, MSG_DONTWAIT);

		if (n == 0)
			return -1;
		if (n > 0) {
			assert_true((size_t)n >= sizeof head);
			memcpy(&head, room, sizeof head);
			if (body != NULL) {
				buf_clear(body);
				buf_put(body, str_of(room + sizeof head, (size_t)n - sizeof head));
			}
			return head.result;
		}
		loop_turn(svc.loop, false);
	}
	fail_msg("no answer");
	return -2;
}

static void put_auth(struct buf *b, const char *user, const char *password, const char *protocol)
{
	struct buf plain = { 0 };

	buf_printf(&plain, "%c%s%c%s", 0, user, 0, password);
	put_str(b, STR("PLAIN"));
	put_u8(b, 1);
	put_u8(b, 0);
	put_str(b, STR(""));
	put_u8(b, 1);
	put_str(b, buf_str(&plain));
	put_str(b, str_c(protocol));
	put_str(b, STR("192.0.2.1"));
	put_str(b, STR("TLSv1.3"));
	put_str(b, STR("")); /* no client certificate */
	buf_deinit(&plain);
}

static int ask_auth(uint32_t session, const char *user, const char *password)
{
	struct buf b = { 0 };

	put_auth(&b, user, password, "smtp");
	send_packet(IPC_AUTH, session, 1, buf_str(&b));
	buf_deinit(&b);
	return answer(NULL);
}

static void send_login(uint32_t session, const char *user)
{
	struct buf b = { 0 };

	put_auth(&b, user, "secret", "pop3");
	send_packet(IPC_AUTH, session, 1, buf_str(&b));
	buf_deinit(&b);
}

/* The result of opening the maildrop. */
static int login_answer(void)
{
	struct buf body = { 0 };
	struct reader r;
	int result;

	assert_int_equal(answer(&body), SASL_OK);
	r = (struct reader){ buf_str(&body), false };
	for (int i = 0; i < 3; i++)
		(void)get_str(&r);
	result = get_u16(&r);
	assert_int_equal(r.rest.n, 5 * sizeof(uint64_t));
	buf_deinit(&body);
	return result;
}

static int ask_login(uint32_t session, const char *user)
{
	send_login(session, user);
	return login_answer();
}

static void put_promised(struct buf *b, const char *to)
{
	put_str(b, str_c(to));
	put_u64(b, 0);
	put_u8(b, 0);
	put_str(b, STR(""));
}

static int ask_rcpt(uint32_t session, bool first, const char *to)
{
	struct buf b = { 0 };

	put_u8(&b, first);
	put_promised(&b, to);
	send_packet(IPC_RCPT, session, 1, buf_str(&b));
	buf_deinit(&b);
	return answer(NULL);
}

static int ask_commit_with(uint32_t session, struct str promised, struct msgid id, struct str top,
	uint64_t offset, struct str octets)
{
	struct buf b = { 0 };

	put_str(&b, promised);
	buf_put(&b, str_of(id.b, sizeof id.b));
	put_u16(&b, (uint16_t)top.n);
	put_u64(&b, offset);
	put_str(&b, top);
	put_u64(&b, 1000);
	put_u8(&b, false); /* one answer for all recipients */
	put_str(&b, STR("s@elsewhere.test"));
	put_str(&b, STR("192.0.2.1"));
	put_u8(&b, 0);
	put_str(&b, STR(""));
	put_u8(&b, 0);
	put_u64(&b, 0);
	put_str(&b, octets);
	send_packet(IPC_COMMIT, session, 1, buf_str(&b));
	buf_deinit(&b);
	return answer(NULL);
}

static int ask_commit_for(
	uint32_t session, struct str promised, struct msgid id, uint64_t offset, struct str octets)
{
	return ask_commit_with(session, promised, id, STR(""), offset, octets);
}

static int ask_commit(uint32_t session, struct msgid id, uint64_t offset, struct str octets)
{
	return ask_commit_for(session, STR(""), id, offset, octets);
}

static int ask_read_to(
	uint32_t session, uint8_t slot, const struct msgid *ids, size_t count, struct buf *body)
{
	struct buf b = { 0 };

	buf_put(&b, str_of(ids[0].b, sizeof ids[0].b));
	put_u64(&b, 0);
	put_u64(&b, UINT64_MAX);
	put_u8(&b, slot);
	for (size_t i = 1; i < count; i++)
		buf_put(&b, str_of(ids[i].b, sizeof ids[i].b));
	send_packet(IPC_READ, session, 1, buf_str(&b));
	buf_deinit(&b);
	return answer(body);
}

static int ask_read(uint32_t session, struct msgid id, struct buf *body)
{
	return ask_read_to(session, WINDOW_NONE, &id, 1, body);
}

static struct msgid deliver(const char *to, struct str octets)
{
	struct msgid id = msgid_new(1000);

	assert_int_equal(ask_rcpt(100, true, to), RESOLVED);
	assert_int_equal(ask_commit(100, id, 0, octets), STORE_OK);
	return id;
}

static void own_mail_and_no_other(void **state)
{
	struct msgid for_ann = deliver("ann@example.test", STR("Subject: a\r\n\r\nfor ann\r\n"));
	struct msgid for_bob = deliver("bob@example.test", STR("Subject: b\r\n\r\nfor bob\r\n"));
	struct buf body = { 0 };

	(void)state;
	assert_int_equal(ask_auth(1, "ann@example.test", "wrong"), SASL_FAILED);
	assert_int_equal(ask_login(1, "ann@example.test"), STORE_OK);
	assert_int_equal(ask_read(1, for_ann, &body), STORE_OK);
	assert_true(str_ends(buf_str(&body), STR("for ann\r\n")));
	assert_int_equal(ask_read(1, for_bob, &body), STORE_NOT_FOUND);
	assert_int_equal(body.len, 0);
	buf_deinit(&body);
}

/* The fd of the window. */
static int ask_window(void)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct ipc_head head;
	struct iovec iov = { &head, sizeof head };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof control.room };
	int fd = -1;

	send_packet(IPC_WINDOW, 0, 0, STR(""));
	for (int i = 0; i < 100 && recvmsg(edge, &msg, MSG_DONTWAIT) <= 0; i++)
		loop_turn(svc.loop, false);
	assert_int_equal(head.type, IPC_WINDOW);
	assert_non_null(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof fd);
	return fd;
}

static void open_maildrop(const char *user)
{
	assert_int_equal(ask_login(1, user), STORE_OK);
}

static void read_through_the_window(void **state)
{
	static const struct str first = STR_INIT("Subject: 1\r\n\r\none\r\n");
	static const struct str second = STR_INIT("Subject: 2\r\n\r\nthe second\r\n");
	struct msgid ids[] = { deliver("ann@example.test", first),
		deliver("ann@example.test", second),
		deliver("bob@example.test", STR("Subject: b\r\n\r\nfor bob\r\n")) };
	static const uint8_t slots[] = { 3, WINDOW_ALL - 1 };
	size_t octets = window_offset(WINDOW_ALL - 1) + window_room(WINDOW_ALL - 1);
	int fd = ask_window();
	struct buf body = { 0 };
	const char *window;

	(void)state;
	assert_ptr_equal(mmap(NULL, octets, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	window = mmap(NULL, octets, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(window, MAP_FAILED);
	assert_int_equal(mprotect((void *)(uintptr_t)window, octets, PROT_READ | PROT_WRITE), -1);
	open_maildrop("ann@example.test");
	for (size_t i = 0; i < sizeof slots; i++) {
		const char *at = window + window_offset(slots[i]);
		struct reader lengths;

		assert_int_equal(ask_read_to(1, slots[i], ids, 3, &body), STORE_OK);
		lengths = (struct reader){ buf_str(&body), false };
		assert_int_equal(get_u32(&lengths), first.n);
		assert_int_equal(get_u32(&lengths), second.n);
		assert_int_equal(lengths.rest.n, 0); /* and nothing of bob's */
		assert_memory_equal(at, first.p, first.n);
		assert_memory_equal(at + first.n, second.p, second.n);
		assert_int_equal(at[first.n + second.n], 0);
	}
	assert_int_equal(ask_read_to(1, 3, ids + 2, 1, &body), STORE_NOT_FOUND);
	munmap((void *)(uintptr_t)window, octets);
	close(fd);
	buf_deinit(&body);
}

static void send_draft_below(uint16_t top, struct msgid id, uint64_t offset, struct str octets)
{
	struct buf b = { 0 };

	buf_put(&b, str_of(id.b, sizeof id.b));
	put_u16(&b, top);
	put_u64(&b, offset);
	put_str(&b, octets);
	send_packet(IPC_DRAFT, 1, 0, buf_str(&b));
	loop_turn(svc.loop, false);
	buf_deinit(&b);
}

static void send_draft(struct msgid id, uint64_t offset, struct str octets)
{
	send_draft_below(0, id, offset, octets);
}

/* What comes first is known last. */
static void a_top_that_comes_last(void **state)
{
	struct msgid id = msgid_new(1000);
	struct buf body = { 0 };

	(void)state;
	assert_int_equal(ask_rcpt(1, true, "bob@example.test"), RESOLVED);
	send_draft_below(6, id, 6, STR("Subject: x\r\n\r\n"));
	assert_int_equal(
		ask_commit_with(1, STR(""), id, STR("A: b\r\n"), 20, STR("text\r\n")), STORE_OK);
	/* In one piece, and with another top than was said. */
	assert_int_equal(ask_rcpt(1, true, "bob@example.test"), RESOLVED);
	send_draft_below(6, id, 6, STR("Subject: x\r\n\r\n"));
	assert_int_equal(ask_commit_with(1, STR(""), id, STR("AB: b\r\n"), 20, STR("y\r\n")),
		STORE_UNAVAILABLE);
	open_maildrop("bob@example.test");
	assert_int_equal(ask_read(1, id, &body), STORE_OK);
	assert_true(str_eq(buf_str(&body), STR("A: b\r\nSubject: x\r\n\r\ntext\r\n")));
	buf_deinit(&body);
}

/* What one of them did wrong the commit tells; nobody is answered before. */
static void drafts_that_nobody_asked(void **state)
{
	static char piece[IPC_CHUNK];
	struct msgid good = msgid_new(1000), gap = msgid_new(1000);
	size_t whole = (size_t)6 * IPC_CHUNK + 2;
	int fd = ask_window();
	struct buf body = { 0 };
	const char *at;

	(void)state;
	assert_int_equal(ask_rcpt(1, true, "ann@example.test"), RESOLVED);
	for (size_t i = 0; i < 6; i++) { /* more than is kept in memory */
		memset(piece, 'a' + (int)i, sizeof piece);
		send_draft(good, i * IPC_CHUNK, str_of(piece, sizeof piece));
	}
	assert_int_equal(ask_commit(1, good, 6 * IPC_CHUNK, STR("\r\n")), STORE_OK);
	assert_int_equal(ask_rcpt(1, true, "ann@example.test"), RESOLVED);
	send_draft(gap, 0, STR("Subject: x\r\n\r\n"));
	send_draft(gap, 99, STR("is lost\r\n"));
	assert_int_equal(ask_commit(1, gap, 108, STR("end\r\n")), STORE_UNAVAILABLE);

	open_maildrop("ann@example.test");
	assert_int_equal(ask_read_to(1, WINDOW_SLOTS, &good, 1, &body), STORE_OK);
	assert_true(buf_str(&body).n == 4 && *(const uint32_t *)(const void *)body.data == whole);
	at = mmap(NULL, window_offset(WINDOW_ALL), PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	for (size_t i = 0; i < 6; i++) {
		memset(piece, 'a' + (int)i, sizeof piece);
		assert_memory_equal(
			at + window_offset(WINDOW_SLOTS) + i * IPC_CHUNK, piece, sizeof piece);
	}
	munmap((void *)(uintptr_t)at, window_offset(WINDOW_ALL));
	close(fd);
	buf_deinit(&body);
}

static void a_window_misused(void **state)
{
	struct msgid ids[WINDOW_AHEAD + 2] = { { { 0 } } };

	(void)state;
	open_maildrop("ann@example.test");
	assert_int_equal(ask_read_to(1, 0, ids, 1, NULL), -1); /* there is none */
	for (int i = 0; i < 4; i++) {
		close(edge);
		connect_edge();
		close(ask_window());
		open_maildrop("ann@example.test");
		if (i == 0)
			assert_int_equal(ask_read_to(1, WINDOW_ALL, ids, 1, NULL), -1);
		else if (i == 1)
			assert_int_equal(ask_read_to(1, 0, ids, WINDOW_AHEAD + 2, NULL), -1);
		else if (i == 2)
			assert_int_equal(ask_read_to(1, WINDOW_NONE, ids, 2, NULL), -1);
		else
			send_packet(IPC_WINDOW, 0, 0, STR(""));
		if (i == 3)
			assert_int_equal(answer(NULL), -1);
	}
}

static void put_packet(struct buf *b, uint16_t type, uint32_t session, struct str body)
{
	struct ipc_head head = { .type = type, .session = session, .seq = 1 };

	put_u32(b, (uint32_t)(sizeof head + body.n));
	buf_put(b, str_of((const char *)&head, sizeof head));
	buf_put(b, body);
}

static void many_in_one(void **state)
{
	static const struct str rcpt =
		STR_INIT("\001\020\0\0\0ann@example.test\0\0\0\0\0\0\0\0\0\0\0\0\0");
	struct buf b = { 0 }, body = { 0 };
	struct reader r;

	(void)state;
	put_packet(&b, IPC_RCPT, 7, rcpt);
	put_packet(&b, IPC_RCPT, 8, rcpt);
	send_packet(IPC_MANY, 0, 0, buf_str(&b));
	assert_int_equal(answer(&body), 0);
	r = (struct reader){ buf_str(&body), false };
	for (uint32_t session = 7; session <= 8; session++) {
		struct str one = get_str(&r);
		struct ipc_head head;

		assert_int_equal(one.n, sizeof head + sizeof(uint64_t));
		memcpy(&head, one.p, sizeof head);
		assert_int_equal(head.type, IPC_RCPT);
		assert_int_equal(head.session, session);
		assert_int_equal(head.result, RESOLVED);
	}
	assert_int_equal(r.rest.n, 0);
	buf_deinit(&body);
	buf_deinit(&b);
}

static void many_in_one_that_are_none(void **state)
{
	static const struct str rows[] = { STR_INIT("\001"), STR_INIT("\0\0\0\0"),
		STR_INIT("\013\0\0\0\014\0\0\0\0\0\0\0\0\0\0"),
		STR_INIT("\014\0\0\0\014\0\0\0\0\0\0\0\0\0\0"),
		STR_INIT("\377\377\377\377\014\0\0\0\0\0\0\0\0\0\0\0"),
		/* many in many */
		STR_INIT("\014\0\0\0\143\0\0\0\0\0\0\0\0\0\0\0") };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		send_packet(IPC_MANY, 0, 0, rows[i]);
		if (answer(NULL) != -1)
			fail_msg("row %zu was taken", i);
		close(edge);
		connect_edge();
	}
}

/* What IPC_RCPT says about the next message to the same. */
static uint64_t lasts_for(uint32_t session, uint8_t flags, const char *to)
{
	struct buf b = { 0 }, body = { 0 };
	struct reader r;
	uint64_t changes;

	put_u8(&b, flags);
	put_promised(&b, to);
	send_packet(IPC_RCPT, session, 1, buf_str(&b));
	(void)answer(&body);
	r = (struct reader){ buf_str(&body), false };
	changes = get_u64(&r);
	assert_false(r.bad);
	buf_deinit(&b);
	buf_deinit(&body);
	return changes;
}

static uint64_t lasts(uint32_t session, const char *to)
{
	return lasts_for(session, IPC_RCPT_FIRST, to);
}

/* A yes may be said again until an account changes, unless it was for one sender or one message. */
static void a_yes_that_lasts(void **state)
{
	static _Atomic uint64_t changes = 7;
	const struct str elsewhere = STR("ann@else.test");
	struct directory *d = svc.office.directory;
	uint64_t before;

	(void)state;
	assert_int_equal(lasts(1, "ann@example.test"), 0); /* nobody counts changes */
	svc.changes = &changes;
	directory_count_changes(d, &changes);
	assert_int_equal(changes, 8);
	assert_int_equal(lasts(1, "ann@example.test"), 8);
	assert_int_equal(lasts(1, "nobody@example.test"), 0);
	assert_int_equal(ask_auth(2, "ann@example.test", "secret"), SASL_OK);
	assert_int_equal(lasts(2, "ann@example.test"), 0);
	before = changes;
	assert_int_equal(
		account_set_quota(d, STR("ann@example.test"), 1 << 30, QUOTA_KEEP, NULL), ST_OK);
	assert_true(changes > before);
	assert_int_equal(lasts(1, "ann@example.test"), 0);
	assert_int_equal(lasts(1, "bob@example.test"), changes);
	assert_int_equal(alias_add(d, STR("gone@example.test"), &elsewhere, 1, NULL), ST_OK);
	assert_int_equal(lasts(1, "gone@example.test"), changes);
	/* what a notice may reach (SRS) other mail may not */
	assert_int_equal(lasts_for(1, IPC_RCPT_FIRST | IPC_RCPT_NOTICE, "gone@example.test"), 0);
	assert_int_equal(
		account_set_quota(d, STR("ann@example.test"), QUOTA_DEFAULT, QUOTA_KEEP, NULL),
		ST_OK);
	svc.changes = NULL;
}

/* The edge said yes by itself: the store decides with the message. */
static void promised_recipients(void **state)
{
	struct msgid id = msgid_new(5000), none = msgid_new(5001);
	struct buf good = { 0 }, bad = { 0 }, body = { 0 };

	(void)state;
	put_u8(&good, 1);
	put_promised(&good, "ann@example.test");
	put_promised(&good, "bob@example.test");
	assert_int_equal(ask_commit_for(1, buf_str(&good), id, 0, STR("for both\r\n")), STORE_OK);
	put_u8(&bad, 1);
	put_promised(&bad, "nobody@example.test");
	put_promised(&bad, "ann@example.test");
	assert_int_equal(
		ask_commit_for(1, buf_str(&bad), none, 0, STR("for nobody\r\n")), IPC_MISTAKEN);
	/* the same, found out at the next RCPT */
	put_promised(&bad, "bob@example.test");
	send_packet(IPC_RCPT, 1, 1, buf_str(&bad));
	assert_int_equal(answer(NULL), RESOLVED);
	assert_int_equal(ask_commit(1, none, 0, STR("for nobody\r\n")), IPC_MISTAKEN);
	assert_int_equal(ask_rcpt(1, true, "bob@example.test"), RESOLVED);
	buf_clear(&good);
	put_u8(&good, 0);
	put_promised(&good, "ann@example.test");
	assert_int_equal(ask_commit_for(1, buf_str(&good), msgid_new(5002), 0,
				 STR("asked and promised\r\n")),
		STORE_OK);
	for (uint32_t session = 2; session <= 3; session++) {
		const char *who = session == 2 ? "ann@example.test" : "bob@example.test";

		assert_int_equal(ask_login(session, who), STORE_OK);
		assert_int_equal(ask_read(session, id, &body), STORE_OK);
		assert_true(str_ends(buf_str(&body), STR("for both\r\n")));
		assert_int_equal(ask_read(session, none, &body), STORE_NOT_FOUND);
	}
	buf_deinit(&good);
	buf_deinit(&bad);
	buf_deinit(&body);
}

static void the_lock_ends_with_the_session(void **state)
{
	(void)state;
	assert_int_equal(ask_login(1, "ann@example.test"), STORE_OK);
	assert_int_equal(ask_login(2, "ann@example.test"), STORE_BUSY);
	send_packet(IPC_END, 1, 0, STR(""));
	assert_int_equal(ask_login(3, "ann@example.test"), STORE_OK);
}

static void turns_for(int64_t ms)
{
	int64_t until = clock_mono_ms() + ms;

	while (clock_mono_ms() < until)
		loop_turn(svc.loop, false);
}

static size_t waiting(void)
{
	size_t n = 0;

	for (struct link *l = svc.waits.next; l != &svc.waits; l = l->next)
		n++;
	return n;
}

static void wait_for(size_t count)
{
	int64_t until = clock_mono_ms() + 10000;

	while (waiting() != count && clock_mono_ms() < until)
		loop_turn(svc.loop, false);
	assert_int_equal(waiting(), count);
}

/* Who comes back before the edge has said that the connection before is gone. */
static void a_login_waits_for_the_session_before(void **state)
{
	int64_t before;

	(void)state;
	svc.office.config->pop3_lock_wait_ms = 10000;
	assert_int_equal(ask_login(1, "ann@example.test"), STORE_OK);
	send_login(2, "ann@example.test");
	wait_for(1);
	send_login(3, "ann@example.test");
	wait_for(2);
	/* another maildrop waits for nobody */
	assert_int_equal(ask_login(4, "bob@example.test"), STORE_OK);
	before = clock_mono_ms();
	send_packet(IPC_END, 1, 0, STR(""));
	assert_int_equal(login_answer(), STORE_OK);
	assert_true(clock_mono_ms() - before < 5000);
	wait_for(1);
	/* it was the first of them: when it goes the other is let in */
	send_packet(IPC_LIST, 2, 2, STR(""));
	assert_int_equal(answer(NULL), STORE_OK);
	send_packet(IPC_END, 2, 0, STR(""));
	assert_int_equal(login_answer(), STORE_OK);
	send_packet(IPC_LIST, 3, 2, STR(""));
	assert_int_equal(answer(NULL), STORE_OK);
	wait_for(0);
}

static void waiting_for_a_maildrop_is_bounded(void **state)
{
	int64_t before;

	(void)state;
	svc.office.config->pop3_lock_wait_ms = 300;
	assert_int_equal(ask_login(1, "ann@example.test"), STORE_OK);
	before = clock_mono_ms();
	assert_int_equal(ask_login(2, "ann@example.test"), STORE_BUSY);
	assert_true(clock_mono_ms() - before >= 300);
	send_packet(IPC_END, 2, 0, STR(""));
	/* four of one account at most, and one that hung up waits no more */
	svc.office.config->pop3_lock_wait_ms = 10000;
	for (uint32_t session = 2; session <= 5; session++)
		send_login(session, "ann@example.test");
	wait_for(4);
	before = clock_mono_ms();
	assert_int_equal(ask_login(6, "ann@example.test"), STORE_BUSY);
	assert_true(clock_mono_ms() - before < 5000);
	for (uint32_t session = 2; session <= 5; session++)
		send_packet(IPC_END, session, 0, STR(""));
	wait_for(0);
	/* 0: at once, as it would be without */
	svc.office.config->pop3_lock_wait_ms = 0;
	assert_int_equal(ask_login(7, "ann@example.test"), STORE_BUSY);
	svc.office.config->pop3_lock_wait_ms = 500;
}

static void ignore_done(struct store_op *op, enum store_result result)
{
	(void)op;
	(void)result;
}

/* A maildrop that is closed by other hands is found at the end of the wait. */
static void the_last_try_is_at_the_end(void **state)
{
	struct store_open held = { .op.done = ignore_done };
	struct account ann = { 0 };

	(void)state;
	assert_int_equal(ask_login(1, "ann@example.test"), STORE_OK);
	send_packet(IPC_END, 1, 0, STR(""));
	assert_int_equal(
		account_get(svc.office.directory, STR("ann@example.test"), &ann, NULL), ST_OK);
	held.maildrop = ann.id;
	turns_for(50);
	store_open(svc.office.store, &held);
	assert_true(held.token != 0);
	send_login(2, "ann@example.test");
	wait_for(1);
	store_close(svc.office.store, held.maildrop, held.token);
	assert_int_equal(login_answer(), STORE_OK);
}

static void send_fd(uint16_t type, uint32_t session, int fd)
{
	struct ipc_head head = { .type = type, .session = session, .seq = 1 };
	struct iovec iov = { &head, sizeof head };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof control.room };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	assert_true(sendmsg(edge, &msg, 0) > 0);
	close(fd);
}

/* A client of a socket of this name in the directory of the test: the accepted end. */
static int accepted(const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int listening = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	int fd;

	snprintf(sa.sun_path, sizeof sa.sun_path, "%s/%s", dir, name);
	unlink(sa.sun_path);
	assert_int_equal(bind(listening, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&sa, sizeof sa), 0);
	fd = accept(listening, NULL, NULL);
	assert_true(fd >= 0);
	close(listening);
	close(client);
	return fd;
}

/* Only the socket itself says that it is a user of this machine. */
static void local_users(void **state)
{
	int pair[2];
	struct buf to = { 0 };

	(void)state;
	put_u8(&to, 1);
	put_str(&to, STR("u@else.test"));
	put_u64(&to, 0);
	put_u8(&to, 0);
	put_str(&to, STR(""));
	send_packet(IPC_RCPT, 2, 1, buf_str(&to));
	assert_int_equal(answer(NULL), RESOLVED_FOREIGN);
	send_fd(IPC_LOCAL, 1, accepted("submit.sock"));
	assert_int_equal(answer(NULL), 1);
	send_packet(IPC_RCPT, 1, 2, buf_str(&to));
	assert_int_equal(answer(NULL), RESOLVED);
	send_packet(IPC_RCPT, 2, 3, buf_str(&to));
	assert_int_equal(answer(NULL), RESOLVED_FOREIGN);
	buf_deinit(&to);

	send_fd(IPC_LOCAL, 3, accepted("other.sock"));
	assert_int_equal(answer(NULL), -1);
	close(edge);
	connect_edge();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	close(pair[1]);
	send_fd(IPC_LOCAL, 3, pair[0]);
	assert_int_equal(answer(NULL), -1);
	close(edge);
	connect_edge();
	send_packet(IPC_LOCAL, 3, 1, STR(""));
	assert_int_equal(answer(NULL), -1);
}

static void send_retrieved(struct msgid id)
{
	struct buf b = { 0 };

	put_u64(&b, 1700000000000);
	put_str(&b, STR("ann@example.test via 192.0.2.1"));
	buf_put(&b, str_of(id.b, sizeof id.b));
	send_packet(IPC_RETRIEVED, 1, 0, buf_str(&b));
	buf_deinit(&b);
}

/* No more of them than there are messages, or an edge could fill the journal. */
static void retrieved_once_each(void **state)
{
	struct msgid id = deliver("ann@example.test", STR("Subject: r\r\n\r\nr\r\n"));
	struct buf body = { 0 };

	(void)state;
	assert_int_equal(ask_login(1, "ann@example.test"), STORE_OK);
	send_retrieved(id);
	assert_int_equal(ask_read(1, id, &body), STORE_OK);
	for (int i = 0; i < 100; i++)
		send_retrieved(id);
	assert_int_equal(ask_read(1, id, &body), -1);
	buf_deinit(&body);
}

/* What no honest edge sends costs it the channel. */
static void refused_packets(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		struct str body;
	} rows[] = {
		{ "LIST without a lease", IPC_LIST, STR_INIT("") },
		{ "READ without a lease", IPC_READ, STR_INIT("0123456789abcdef0123456701234567") },
		{ "EXPUNGE without a lease", IPC_EXPUNGE, STR_INIT("\001") },
		{ "SENDER without a login", IPC_SENDER, STR_INIT("\001\0\0\0a") },
		{ "AUTH_STEP without AUTH", IPC_AUTH_STEP, STR_INIT("\0\0\0\0") },
		{ "AUTH cut off", IPC_AUTH, STR_INIT("\005\0\0\0PLA") },
		{ "AUTH with a length beyond the packet", IPC_AUTH, STR_INIT("\377\377\377\377") },
		{ "RCPT with octets left over", IPC_RCPT, STR_INIT("\001\001\0\0\0ab") },
		{ "COMMIT empty", IPC_COMMIT, STR_INIT("") },
		{ "DRAFT empty", IPC_DRAFT, STR_INIT("") },
		{ "unknown type", 999, STR_INIT("") },
		{ "type 0", 0, STR_INIT("") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		send_packet(rows[i].type, 1, 1, rows[i].body);
		if (answer(NULL) != -1)
			fail_msg("%s was answered", rows[i].name);
		close(edge);
		connect_edge();
	}
}

static void a_second_question(void **state)
{
	struct buf b = { 0 };

	(void)state;
	put_auth(&b, "ann@example.test", "another secret", "smtp"); /* hashed: takes a while */
	send_packet(IPC_AUTH, 1, 1, buf_str(&b));
	send_packet(IPC_AUTH, 1, 2, buf_str(&b));
	assert_int_equal(answer(NULL), -1);
	buf_deinit(&b);
}

static void one_account_a_session(void **state)
{
	(void)state;
	assert_int_equal(ask_auth(1, "ann@example.test", "secret"), SASL_OK);
	assert_int_equal(ask_auth(1, "bob@example.test", "secret"), -1);
}

static void drafts(void **state)
{
	struct msgid id = msgid_new(2000);

	(void)state;
	assert_int_equal(ask_commit(1, id, 0, STR("x\r\n")), STORE_UNAVAILABLE); /* no recipient */
	assert_int_equal(ask_rcpt(1, true, "nobody@example.test"), RESOLVED_NOWHERE);
	assert_int_equal(ask_rcpt(1, false, "u@elsewhere.test"), RESOLVED_FOREIGN);
	assert_int_equal(ask_commit(1, id, 0, STR("x\r\n")), STORE_UNAVAILABLE);
	assert_int_equal(ask_rcpt(1, true, "ann@example.test"), RESOLVED);
	/* An offset into a draft that is not there: what came before it is lost, so is the message. */
	assert_int_equal(ask_commit(1, id, 4096, STR("x\r\n")), STORE_UNAVAILABLE);
	/* The transaction was over with that. */
	assert_int_equal(ask_commit(1, id, 0, STR("x\r\n")), STORE_UNAVAILABLE);
}

static void no_row(struct office_reply *r, json_t *row)
{
	(void)r;
	json_decref(row);
}

static void make_keys(void)
{
	struct office_reply reply = { .row = no_row };
	json_t *q = json_pack("{s:s, s:s}", "verb", "dkim.new", "domain", "example.test");

	assert_int_equal(office_execute(&svc.office, q, &reply, NULL), ST_OK);
	json_decref(q);
}

static bool give_key(void *arg, const struct dkim_row *row)
{
	struct dkim_verifier *v = arg;

	for (size_t i = 0; i < 2; i++)
		if (str_eq(dkim_verdict(v, i)->selector, row->selector))
			dkim_verifier_key(v, i, DKIM_KEY_FOUND, row->record);
	return true;
}

/* What a carrier gets: its prefix, and how many signatures on the whole pass. */
static size_t passing(struct msgid id, uint32_t *prefix)
{
	struct dkim_verifier *v = dkim_verifier_new(0);
	struct store_out out;
	char room[16384];
	uint64_t got = 0;
	size_t n, passed = 0;

	assert_int_equal(store_out_open(svc.office.store, id, &out), STORE_OK);
	assert_int_equal(
		store_out_read(svc.office.store, &out, 0, room, sizeof room, &got), STORE_OK);
	*prefix = out.prefix_octets;
	store_out_close(svc.office.store, &out);
	dkim_verifier_feed(v, str_of(room, got));
	n = dkim_verifier_end(v);
	if (n == 2)
		dkim_keys_each(svc.office.directory, STR("example.test"), give_key, v, NULL);
	for (size_t i = 0; i < n; i++)
		passed += dkim_verdict(v, i)->result == DKIM_PASS;
	dkim_verifier_free(v);
	return passed;
}

/* Signed is what an account sends elsewhere, over every octet of the draft, however it came. */
static void submitted_mail_is_signed(void **state)
{
	static const struct str text = STR_INIT("From: ann@example.test\r\n\r\nHello, bob.\r\n");
	struct msgid there = msgid_new(3001), before = msgid_new(3002);
	struct buf body = { 0 }, b = { 0 };
	uint32_t prefix;

	(void)state;
	assert_int_equal(ask_auth(1, "ann@example.test", "secret"), SASL_OK);
	assert_int_equal(ask_rcpt(1, true, "x@elsewhere.test"), RESOLVED);
	assert_int_equal(ask_commit(1, before, 0, text), STORE_OK);
	assert_int_equal(passing(before, &prefix), 0); /* there is no key */
	assert_int_equal(prefix, 0);

	make_keys();
	assert_int_equal(ask_rcpt(1, true, "x@elsewhere.test"), RESOLVED);
	assert_int_equal(ask_rcpt(1, false, "ann@example.test"), RESOLVED);
	buf_put(&b, str_of(there.b, sizeof there.b));
	put_u16(&b, 0);
	put_u64(&b, 0);
	put_str(&b, str_head(text, 27));
	send_packet(IPC_DRAFT, 1, 1, buf_str(&b));
	assert_int_equal(answer(NULL), STORE_OK);
	assert_int_equal(ask_commit(1, there, 27, str_from(text, 27)), STORE_OK);
	assert_int_equal(passing(there, &prefix), 2);
	assert_true(prefix > 300);
	/* In the maildrop here the message is as it was. */
	assert_int_equal(ask_login(2, "ann@example.test"), STORE_OK);
	assert_int_equal(ask_read(2, there, &body), STORE_OK);
	assert_true(str_ends(buf_str(&body), text));
	assert_true(str_find(buf_str(&body), 'D') == body.len);

	buf_deinit(&body);
	buf_deinit(&b);
}

static void sql(const char *text)
{
	struct sqlite3 *db = svc.office.directory->db;

	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
}

/* Neither unsigned nor under the wrong sender: it comes again when that can be read. */
static void what_cannot_be_read_waits(void **state)
{
	static const struct str text = STR_INIT("From: bob@example.test\r\n\r\nHello.\r\n");
	static const struct str target = STR_INIT("x@elsewhere.test");
	struct msgid unread = msgid_new(3101), signed_later = msgid_new(3102);
	struct msgid sent_on = msgid_new(3103);
	struct store_out out;
	uint32_t prefix;

	(void)state;
	assert_int_equal(
		alias_add(svc.office.directory, STR("far@example.test"), &target, 1, NULL), ST_OK);
	sql("ALTER TABLE dkim_key RENAME TO hidden");
	assert_int_equal(ask_auth(1, "ann@example.test", "secret"), SASL_OK);
	assert_int_equal(ask_rcpt(1, true, "x@elsewhere.test"), RESOLVED);
	assert_int_equal(ask_commit(1, unread, 0, text), STORE_UNAVAILABLE);
	sql("ALTER TABLE hidden RENAME TO dkim_key");
	assert_int_equal(ask_rcpt(1, true, "x@elsewhere.test"), RESOLVED);
	assert_int_equal(ask_commit(1, signed_later, 0, text), STORE_OK);
	assert_int_equal(passing(signed_later, &prefix), 2);

	sql("ALTER TABLE meta RENAME TO hidden");
	assert_int_equal(ask_rcpt(2, true, "far@example.test"), RESOLVED);
	assert_int_equal(ask_commit(2, sent_on, 0, text), STORE_UNAVAILABLE);
	sql("ALTER TABLE hidden RENAME TO meta");
	assert_int_equal(ask_rcpt(2, true, "far@example.test"), RESOLVED);
	assert_int_equal(ask_commit(2, sent_on, 0, text), STORE_OK);
	assert_int_equal(store_out_open(svc.office.store, sent_on, &out), STORE_OK);
	assert_true(str_starts(out.rcpts[0].sender, STR("SRS0=")));
	store_out_close(svc.office.store, &out);
	assert_int_equal(store_out_open(svc.office.store, unread, &out), STORE_NOT_FOUND);
}

/* An edge that dies with a commit under way takes nothing down with it, nor does a session that ends then,
 * with or without a login. */
static void end_in_the_middle(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		struct msgid id = msgid_new(3000 + i);
		struct buf b = { 0 };

		if (i % 4 < 2)
			assert_int_equal(ask_auth(1, "ann@example.test", "secret"), SASL_OK);
		assert_int_equal(ask_rcpt(1, true, "ann@example.test"), RESOLVED);
		put_str(&b, STR("")); /* nobody that the edge promised it to */
		buf_put(&b, str_of(id.b, sizeof id.b));
		put_u16(&b, 0);
		put_u64(&b, 0);
		put_str(&b, STR(""));
		put_u64(&b, 1000);
		put_u8(&b, false);
		put_str(&b, STR(""));
		put_str(&b, STR(""));
		put_u8(&b, 0);
		put_str(&b, STR(""));
		put_u8(&b, 0);
		put_u64(&b, 0);
		put_str(&b, STR("y\r\n"));
		send_packet(IPC_COMMIT, 1, 1, buf_str(&b));
		buf_deinit(&b);
		if (i % 2 == 0) {
			send_packet(IPC_END, 1, 0, STR(""));
			send_packet(IPC_RCPT, 1, 2,
				STR("\001\020\0\0\0ann@example.test\0\0\0\0\0\0\0\0\0\0\0\0\0"));
			assert_int_equal(
				answer(NULL), RESOLVED); /* the new session's, not the old one's */
		} else {
			loop_turn(svc.loop, false);
			close(edge);
			connect_edge();
		}
	}
}

/* Any octets at all.  Seeded: what fails fails again. */
static void random_packets(void **state)
{
	unsigned seed = 20261122;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char body[96];
		size_t n = (unsigned)rand_r(&seed) % sizeof body;
		struct ipc_head head = { .type = (uint16_t)(rand_r(&seed) % 14),
			.session = (unsigned)rand_r(&seed) % 4,
			.seq = (uint32_t)i + 1 };
		struct buf b = { 0 };

		for (size_t k = 0; k < n; k++)
			body[k] = (char)(rand_r(&seed) % 3 == 0 ? rand_r(&seed) : 0);
		buf_put(&b, str_of(&head, sizeof head));
		buf_put(&b, str_of(body, n));
		if (send(edge, buf_str(&b).p, b.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ||
			i % 50 == 0) {
			close(edge);
			connect_edge();
		}
		buf_deinit(&b);
		loop_turn(svc.loop, false);
	}
	/* It still works. */
	close(edge);
	connect_edge();
	assert_int_equal(ask_auth(1, "ann@example.test", "secret"), SASL_OK);
}

static int new_carrier(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(ipc_pair(fds), 0);
	edge = fds[0];
	svc_add_carrier(&svc, fds[1], 0);
	return 0;
}

/* Whoever parses what strange servers say gets at no account, no maildrop and no draft. */
static void a_carrier_is_no_edge(void **state)
{
	for (uint16_t type = 0; type <= 96; type++) {
		struct buf b = { 0 };

		if (type == IPC_AUTH)
			put_auth(&b, "ann@example.test", "secret", "smtp");
		send_packet(type, 1, 1, buf_str(&b));
		buf_deinit(&b);
		if (answer(NULL) != -1)
			fail_msg("a packet of type %u was taken from a carrier", type);
		assert_int_equal(drop_edge(state), 0);
		assert_int_equal(new_carrier(state), 0);
	}
}

/* What an edge may name is bounded by what is there, however much that is. */
static void as_many_deletions_as_messages(void **state)
{
	struct msgid ids[3] = { msgid_new(1000), msgid_new(1000), msgid_new(1000) };
	struct buf b = { 0 };
	size_t count = 0;

	(void)state;
	assert_int_equal(ask_login(1, "ann@example.test"), STORE_OK);
	send_packet(IPC_LIST, 1, 1, STR(""));
	assert_int_equal(answer(&b), STORE_OK);
	count = (size_t)get_u64(&(struct reader){ .rest = buf_str(&b) });
	assert_true(count > 0);
	buf_clear(&b);
	put_u8(&b, 0);
	buf_put(&b, str_of(ids, sizeof *ids));
	for (size_t i = 0; i < count; i++) {
		send_packet(IPC_EXPUNGE, 1, 1, buf_str(&b));
		assert_int_equal(answer(NULL), STORE_OK);
	}
	send_packet(IPC_EXPUNGE, 1, 1, buf_str(&b));
	assert_int_equal(answer(NULL), -1);
	buf_deinit(&b);
}

/* An edge that was taken over says again and again that its channel is over, and keeps them all. */
static void one_channel_an_edge(void **state)
{
	int others[2] = { connect_pid(7), connect_pid(8) }, again[5];
	char octet;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		again[i] = connect_pid(7);
		loop_turn(svc.loop, false);
	}
	assert_int_equal(recv(others[0], &octet, 1, MSG_DONTWAIT), 0);
	assert_int_equal(recv(others[1], &octet, 1, MSG_DONTWAIT), -1);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(recv(again[i], &octet, 1, MSG_DONTWAIT), i < 4 ? 0 : -1);
	assert_int_equal(ask_auth(1, "ann@example.test", "secret"), SASL_OK);
	for (size_t i = 0; i < 5; i++)
		close(again[i]);
	close(others[0]);
	close(others[1]);
}

/* ---- questions to DNS ---- */

static void put_lookup(struct buf *b, enum dns_type type, struct str name)
{
	buf_clear(b);
	lookup_question_put(b, name, type);
}

static void await_turns(void)
{
	for (int i = 0; i < 3; i++)
		loop_turn(svc.loop, false);
}

/* The next packet at a socket. */
static struct ipc_head receive(int from, struct buf *body)
{
	int keep = edge, result;
	struct ipc_head head = { 0 };

	edge = from;
	assert_true(recv(from, &head, sizeof head, MSG_PEEK | MSG_DONTWAIT) == sizeof head);
	result = answer(body);
	assert_int_equal(result, head.result);
	edge = keep;
	return head;
}

/* An edge's question goes to a carrier, and the answer to the edge that asked. */
static void a_question_to_dns(void **state)
{
	int asker = edge, carrier;
	struct buf b = { 0 }, got = { 0 };
	struct ipc_head head, first;

	/* Nobody there who could ask. */
	put_lookup(&b, DNS_TXT, STR("a.test"));
	send_packet(IPC_LOOKUP, 7, 1, buf_str(&b));
	assert_int_equal(answer(NULL), DNS_FAILED);

	assert_int_equal(new_carrier(state), 0);
	carrier = edge;
	edge = asker;
	send_packet(IPC_LOOKUP, 7, 2, buf_str(&b));
	await_turns();
	first = receive(carrier, &got);
	assert_int_equal(first.type, IPC_LOOKUP);
	assert_true(str_eq(buf_str(&got), buf_str(&b)));
	send_packet(IPC_LOOKUP, 8, 3, buf_str(&b));
	await_turns();
	head = receive(carrier, &got);
	assert_true(head.session != first.session);

	/* The second is answered first. */
	edge = carrier;
	send_answer(IPC_LOOKUP, head.session, head.seq, DNS_FOUND, STR("rows"));
	edge = asker;
	await_turns();
	head = receive(asker, &got);
	assert_true(head.session == 8 && head.seq == 3 && head.result == DNS_FOUND);
	assert_true(str_eq(buf_str(&got), STR("rows")));
	/* And the first is not, for the carrier goes. */
	close(carrier);
	await_turns();
	head = receive(asker, &got);
	assert_true(head.session == 7 && head.seq == 2 && head.result == DNS_FAILED);
	buf_deinit(&b);
	buf_deinit(&got);
}

/* The edge goes before its answer comes; its place is another's then. */
static void an_answer_for_nobody(void **state)
{
	struct buf b = { 0 }, got = { 0 };
	int carrier, asker = edge;
	struct ipc_head head;

	assert_int_equal(new_carrier(state), 0);
	carrier = edge;
	edge = asker;
	put_lookup(&b, DNS_A, STR("a.test"));
	send_packet(IPC_LOOKUP, 0, 1, buf_str(&b));
	await_turns();
	head = receive(carrier, &got);
	close(asker);
	await_turns();
	connect_edge();
	asker = edge;
	edge = carrier;
	send_answer(IPC_LOOKUP, head.session, head.seq, DNS_FOUND, STR("rows"));
	await_turns();
	/* Once more it is an answer to nothing. */
	send_answer(IPC_LOOKUP, head.session, head.seq, DNS_FOUND, STR("rows"));
	assert_int_equal(answer(NULL), -1);
	close(carrier);
	edge = asker;
	buf_deinit(&b);
	buf_deinit(&got);
}

/* No honest edge asks so. */
static void questions_that_are_none(void **state)
{
	struct buf b = { 0 };

	for (int i = 0; i < 4; i++) {
		put_lookup(&b, i == 0 ? DNS_SRV : DNS_TXT, i == 1 ? STR("") : STR("a.test"));
		if (i == 2)
			buf_fill(&b, 'a', DNS_NAME_MAX);
		send_packet(IPC_LOOKUP, 0, i == 3 ? 0 : 1, buf_str(&b));
		assert_int_equal(answer(NULL), -1);
		close(edge);
		connect_edge();
	}
	buf_deinit(&b);
	(void)state;
}

static void too_many_questions(void **state)
{
	struct buf b = { 0 };
	int asker = edge, carrier;
	uint32_t n = 0;

	assert_int_equal(new_carrier(state), 0);
	carrier = edge;
	edge = asker;
	put_lookup(&b, DNS_TXT, STR("a.test"));
	for (; n <= LOOKUPS_MAX; n++) {
		static char room[IPC_PACKET_MAX];

		send_packet(IPC_LOOKUP, n, n + 1, buf_str(&b));
		loop_turn(svc.loop, false);
		while (recv(carrier, room, sizeof room, MSG_DONTWAIT) > 0)
			continue;
	}
	assert_int_equal(answer(NULL), -1);
	assert_int_equal(n, LOOKUPS_MAX + 1);
	close(carrier);
	buf_deinit(&b);
}

#define EDGE_TEST(f) cmocka_unit_test_setup_teardown(f, new_edge, drop_edge)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EDGE_TEST(own_mail_and_no_other),
		EDGE_TEST(read_through_the_window),
		EDGE_TEST(a_window_misused),
		EDGE_TEST(drafts_that_nobody_asked),
		EDGE_TEST(a_top_that_comes_last),
		EDGE_TEST(a_question_to_dns),
		EDGE_TEST(an_answer_for_nobody),
		EDGE_TEST(questions_that_are_none),
		EDGE_TEST(too_many_questions),
		EDGE_TEST(many_in_one),
		EDGE_TEST(many_in_one_that_are_none),
		EDGE_TEST(a_yes_that_lasts),
		EDGE_TEST(promised_recipients),
		EDGE_TEST(the_lock_ends_with_the_session),
		EDGE_TEST(a_login_waits_for_the_session_before),
		EDGE_TEST(waiting_for_a_maildrop_is_bounded),
		EDGE_TEST(the_last_try_is_at_the_end),
		EDGE_TEST(refused_packets),
		EDGE_TEST(retrieved_once_each),
		EDGE_TEST(local_users),
		EDGE_TEST(a_second_question),
		EDGE_TEST(one_account_a_session),
		EDGE_TEST(drafts),
		EDGE_TEST(submitted_mail_is_signed),
		EDGE_TEST(what_cannot_be_read_waits),
		EDGE_TEST(end_in_the_middle),
		EDGE_TEST(random_packets),
		EDGE_TEST(one_channel_an_edge),
		EDGE_TEST(as_many_deletions_as_messages),
		cmocka_unit_test_setup_teardown(a_carrier_is_no_edge, new_carrier, drop_edge),
	};

	return cmocka_run_group_tests(tests, open_office, close_office);
}
