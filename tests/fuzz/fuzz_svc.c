/* What a taken-over edge or carrier says to the store: a script of packets, whole ones of an honest peer with
 * octets changed, and any octets at all.  A real office on a memory file system.
 *
 * ann's password is known, bob's is not: whatever is said, nothing that comes back holds bob's letter, and
 * at the end he has it still. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/ipc_job.h"
#include "daemon/svc_queue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
bool __wrap_password_verify(const char *hash, struct str prepared);

enum {
	FRESH_AFTER = 500, /* inputs, then a new office */
	OPS_MAX = 64,
	EDGE = 0,
	CARRIER = 1,
};

static struct svc svc;
static struct loop_io store_io, auth_io;
static char dir[64];
static char letter[33]; /* bob's, and his password: no input knows it */
static int channel[2];
static uint32_t seq;

static void check(bool truth)
{
	if (!truth)
		abort();
}

/* Argon2 would be all that is measured: a hash is the password itself here. */
bool __wrap_password_verify(const char *hash, struct str prepared)
{
	return str_eq(str_c(hash), prepared);
}

/* ---- the office ---- */

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

static void turn_end(void *arg)
{
	(void)arg;
	svc_queue_turn(&svc);
	store_flush(svc.office.store);
	svc_reap(&svc);
}

static void add_account(const char *address, const char *password)
{
	struct credentials c = { .scram_iterations = 0 };
	uint64_t id;

	snprintf(c.hash, sizeof c.hash, "%s", password);
	check(account_add(svc.office.directory, str_c(address), &c, &id, NULL) == ST_OK);
}

static void open_office(void)
{
	static const struct str text =
		STR_INIT("hostname = mx.example.test\npassword_upgrade = no\n"
			 "account_recipients_per_hour = 0\naccount_recipients_per_day = 0\n");
	struct err err = { ST_OK, "" };

	snprintf(dir, sizeof dir, "%s/restante-fuzz.XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	check(mkdtemp(dir) != NULL);
	check(office_open(&svc.office, dir, config_parse(text, "fuzz", &err), &err) == ST_OK);
	list_init(&svc.edges);
	list_init(&svc.carriers);
	list_init(&svc.waits);
	svc.loop = loop_new();
	svc.authenticator = authenticator_new(svc.office.directory, 1, 16);
	loop_io_init(&store_io, svc.loop, store_fd(svc.office.store), store_ready);
	loop_io_want(&store_io, LOOP_READ);
	loop_io_init(&auth_io, svc.loop, authenticator_fd(svc.authenticator), auth_ready);
	loop_io_want(&auth_io, LOOP_READ);
	loop_at_turn_end(svc.loop, turn_end, NULL);
	check(directory_domain_add(svc.office.directory, STR("example.test"), NULL) == ST_OK);
	add_account("ann@example.test", "secret");
	add_account("bob@example.test", letter);
	svc_queue_start(&svc);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void bob_has_his_letter(void);

static void close_office(void)
{
	bob_has_his_letter();
	svc_close(&svc);
	svc_queue_stop(&svc);
	authenticator_free(svc.authenticator);
	office_close(&svc.office);
	loop_free(svc.loop);
	check(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
	svc = (struct svc){ .loop = NULL };
}

/* ---- the channels ---- */

static bool holds(struct str s, struct str what)
{
	return memmem(s.p, s.n, what.p, what.n) != NULL;
}

static void connect_peer(int which)
{
	int fds[2];

	check(ipc_pair(fds) == 0);
	channel[which] = fds[0];
	if (which == EDGE)
		svc_add_edge(&svc, fds[1], 0);
	else
		svc_add_carrier(&svc, fds[1], 0);
}

/* Everything that came; the last answer's result, -1: none, -2: the channel was closed. */
static int take_answers(int which, bool honest, struct buf *body)
{
	static char room[IPC_PACKET_MAX];
	int result = -1;
	ssize_t n;

	while ((n = recv(channel[which], room, sizeof room, MSG_DONTWAIT)) > 0) {
		struct ipc_head head;

		check((size_t)n >= sizeof head);
		memcpy(&head, room, sizeof head);
		check(honest || !holds(str_of(room, (size_t)n), str_c(letter)));
		result = head.result;
		if (body != NULL) {
			buf_clear(body);
			buf_put(body, str_of(room + sizeof head, (size_t)n - sizeof head));
		}
	}
	return n == 0 ? -2 : result;
}

static void send_packet(int which, uint16_t type, uint32_t session, struct str body)
{
	struct ipc_head head = { .type = type, .session = session, .seq = ++seq };
	struct buf b = { 0 };

	buf_put(&b, str_of(&head, sizeof head));
	buf_put(&b, body);
	(void)send(channel[which], buf_str(&b).p, b.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	buf_deinit(&b);
}

/* ---- packets as an honest peer sends them ---- */

static struct msgid an_id(uint8_t n)
{
	struct msgid id;

	memset(id.b, 'A' + n % 8, sizeof id.b);
	return id;
}

enum { BOBS = 1 }; /* the id of bob's letter */

static void put_id(struct buf *b, uint8_t n)
{
	struct msgid id = an_id(n);

	buf_put(b, str_of(id.b, sizeof id.b));
}

static void put_auth(struct buf *b, const char *user, const char *password, struct str protocol)
{
	struct buf plain = { 0 };

	buf_printf(&plain, "%c%s%c%s", 0, user, 0, password);
	put_str(b, STR("PLAIN"));
	put_u8(b, 1);
	put_u8(b, 0);
	put_str(b, STR(""));
	put_u8(b, 1);
	put_str(b, buf_str(&plain));
	put_str(b, protocol);
	put_str(b, STR("192.0.2.1"));
	put_str(b, STR("TLSv1.3"));
	put_str(b, STR(""));
	buf_deinit(&plain);
}

static void put_rcpt(struct buf *b, bool first, struct str to)
{
	put_u8(b, first);
	put_str(b, to);
	put_u64(b, 0);
	put_u8(b, 0);
	put_str(b, STR(""));
}

static void put_commit(struct buf *b, struct str promised, uint8_t id, struct str octets)
{
	put_str(b, promised);
	put_id(b, id);
	put_u16(b, 0);
	put_u64(b, 0);
	put_str(b, STR(""));
	put_u64(b, 1000);
	put_u8(b, false);
	put_str(b, STR("ann@example.test"));
	put_str(b, STR("192.0.2.1"));
	put_u8(b, 0);
	put_str(b, STR(""));
	put_u8(b, 0);
	put_u64(b, 0);
	put_str(b, octets);
}

static void put_read(struct buf *b, uint8_t id, uint8_t slot)
{
	put_id(b, id);
	put_u64(b, 0);
	put_u64(b, UINT64_MAX);
	put_u8(b, slot);
	if (slot != WINDOW_NONE)
		put_id(b, BOBS);
}

/* ---- what must hold ---- */

static int ask(uint16_t type, struct buf *b, struct buf *body)
{
	int64_t until = clock_mono_ms() + 20000;
	int result;

	send_packet(EDGE, type, 9, buf_str(b));
	buf_clear(b);
	while ((result = take_answers(EDGE, true, body)) == -1) {
		check(clock_mono_ms() < until);
		loop_turn(svc.loop, false);
	}
	return result;
}

static void bob_gets_his_letter(void)
{
	struct buf b = { 0 }, text = { 0 };

	connect_peer(EDGE);
	put_rcpt(&b, true, STR("bob@example.test"));
	check(ask(IPC_RCPT, &b, NULL) == RESOLVED);
	buf_printf(&text, "Subject: %s\r\n\r\n%s\r\n", letter, letter);
	put_commit(&b, STR(""), BOBS, buf_str(&text));
	check(ask(IPC_COMMIT, &b, NULL) == STORE_OK);
	close(channel[EDGE]);
	buf_deinit(&text);
	buf_deinit(&b);
}

static void bob_has_his_letter(void)
{
	struct buf b = { 0 }, text = { 0 };

	connect_peer(EDGE);
	put_auth(&b, "bob@example.test", letter, STR("pop3"));
	check(ask(IPC_AUTH, &b, NULL) == SASL_OK);
	put_read(&b, BOBS, WINDOW_NONE);
	check(ask(IPC_READ, &b, &text) == STORE_OK);
	check(holds(buf_str(&text), str_c(letter)));
	close(channel[EDGE]);
	buf_deinit(&text);
	buf_deinit(&b);
}

/* Both channels are gone, and all that was under way ended. */
static void peers_are_gone(void)
{
	int64_t until = clock_mono_ms() + 20000;

	close(channel[EDGE]);
	close(channel[CARRIER]);
	while (!list_empty(&svc.edges) || !list_empty(&svc.carriers)) {
		check(clock_mono_ms() < until);
		loop_turn(svc.loop, false);
	}
}

/* ---- the script ---- */

struct script {
	struct reader in;
	struct buf body;
};

/* n: which of the rows below; what follows in the script is their arguments. */
static uint16_t edge_packet(struct script *s, uint8_t n)
{
	static const struct str to[] = { STR_INIT("ann@example.test"), STR_INIT("bob@example.test"),
		STR_INIT("x@elsewhere.test"), STR_INIT("ann+tag@EXAMPLE.test") };
	uint8_t a = get_u8(&s->in);
	struct buf promised = { 0 };

	switch (n % 13) {
	case 0:
		put_auth(&s->body, "ann@example.test", "secret", a & 1 ? STR("smtp") : STR("pop3"));
		return IPC_AUTH;
	case 1:
		put_rcpt(&promised, a >> 7, to[a % 4]);
		put_commit(&s->body, buf_str(&promised), a, get_bytes(&s->in, a));
		buf_deinit(&promised);
		return IPC_COMMIT;
	case 2: return IPC_LIST;
	case 3: put_read(&s->body, a, a & 8 ? a >> 3 : WINDOW_NONE); return IPC_READ;
	case 4:
		put_u8(&s->body, a >> 7);
		put_id(&s->body, a);
		return IPC_EXPUNGE;
	case 5: put_rcpt(&s->body, a >> 7, to[a % 4]); return IPC_RCPT;
	case 6: put_commit(&s->body, STR(""), a, get_bytes(&s->in, a)); return IPC_COMMIT;
	case 7:
		put_id(&s->body, a);
		put_u16(&s->body, a & 2 ? a >> 4 : 0);
		put_u64(&s->body, a >> 4);
		put_str(&s->body, get_bytes(&s->in, a));
		return IPC_DRAFT;
	case 8: return IPC_WINDOW;
	case 9: return a & 1 ? IPC_RESET : IPC_END;
	case 10:
		put_str(&s->body, STR("pop3"));
		put_str(&s->body, STR("sid"));
		put_str(&s->body, STR("192.0.2.1"));
		put_u64(&s->body, a);
		return IPC_HELLO;
	case 11:
		put_u64(&s->body, a);
		put_str(&s->body, STR("ann@example.test via 192.0.2.1"));
		put_id(&s->body, a);
		return IPC_RETRIEVED;
	default: put_str(&s->body, to[a % 4]); return IPC_SENDER;
	}
}

static uint16_t carrier_packet(struct script *s, uint8_t n)
{
	uint8_t a = get_u8(&s->in);
	struct job_outcome o = { .number = a >> 6,
		.outcome = (enum outcome)(a & 3),
		.site_failed = a & 4,
		.relayed = a & 8,
		.unknown = a & 16,
		.status = STR("5.1.1"),
		.reply = STR("550 no"),
		.host = STR("mx") };

	switch (n % 3) {
	case 0: put_u32(&s->body, a); return IPC_CREDIT;
	case 1:
		put_u64(&s->body, a >> 4);
		put_u32(&s->body, a & 8 ? UINT32_MAX : 100);
		return IPC_QREAD;
	default: outcome_put(&s->body, &o); return IPC_RESULT;
	}
}

static void change(struct script *s)
{
	for (uint8_t n = get_u8(&s->in) % 4; n > 0 && s->body.len > 0; n--) {
		size_t at = get_u16(&s->in) % s->body.len;

		s->body.data[at] = (char)get_u8(&s->in);
	}
}

static void step(struct script *s)
{
	uint8_t what = get_u8(&s->in), session = get_u8(&s->in) % 4;
	int which = what >> 7;
	uint16_t type;

	buf_clear(&s->body);
	switch (what >> 4 & 7) {
	case 7: /* any octets */
		type = get_u8(&s->in);
		buf_put(&s->body, get_bytes(&s->in, get_u16(&s->in) % 2048));
		break;
	case 6: /* turns: commits end */
		for (int i = 0; i < (what & 15); i++)
			loop_turn(svc.loop, false);
		return;
	case 5: /* an honest packet with octets changed */
		type = which == EDGE ? edge_packet(s, what) : carrier_packet(s, what);
		change(s);
		break;
	default: type = which == EDGE ? edge_packet(s, what) : carrier_packet(s, what);
	}
	send_packet(which, type, session, buf_str(&s->body));
	/* A question is answered before the next, as far as it goes without the disk. */
	for (int i = 0; i < 2; i++)
		loop_turn(svc.loop, false);
	if (take_answers(which, false, NULL) == -2) {
		close(channel[which]);
		connect_peer(which);
	}
}

static void begin(void)
{
	unsigned char octets[16];

	log_init(2, LOG_L_ERROR + 1, "fuzz");
	random_bytes(octets, sizeof octets);
	for (size_t i = 0; i < sizeof octets; i++)
		snprintf(letter + 2 * i, 3, "%02x", octets[i]);
	open_office();
	bob_gets_his_letter();
	atexit(close_office);
}

/* libFuzzer puts into its inputs what it saw compared; here that is the secret. */
static bool knows_the_letter(struct str input)
{
	for (size_t at = 0; at < sizeof letter - 1; at += 8)
		if (holds(input, str_of(letter + at, 8)))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned inputs;
	struct script s = { .in = { str_of(data, size), false } };

	if (inputs++ == 0)
		begin();
	if (knows_the_letter(str_of(data, size)))
		return 0;
	if (inputs % FRESH_AFTER == 0) {
		close_office();
		open_office();
		bob_gets_his_letter();
	}
	connect_peer(EDGE);
	connect_peer(CARRIER);
	for (int i = 0; i < OPS_MAX && s.in.rest.n > 0; i++)
		step(&s);
	take_answers(EDGE, false, NULL);
	take_answers(CARRIER, false, NULL);
	peers_are_gone();
	buf_deinit(&s.body);
	return 0;
}
