/* What a store that is broken or was taken over says to an edge: a script of clients' lines, of answers as an honest
 * store gives them, of such answers with octets changed, and of any octets, with and without a mapping.
 *
 * The edge may refuse its clients whatever it likes; it stays in its memory, and every session ends. */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "account/sasl.h"
#include "base/maildrop.h"
#include "daemon/edge.c" /* its parts without its process */
#include "fuzz_packets.h"
#include "store/local.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENTS = 2, OPS_MAX = 80, END_TURNS = 200 };

struct question {
	uint16_t type;
	uint32_t session, seq;
};

static struct edge edge;
static struct child_start start;
static struct config_listen rows[] = {
	{ .name = "smtp", .protocol = LISTEN_SMTP },
	{ .name = "submission", .protocol = LISTEN_SUBMISSION },
	{ .name = "pop3", .protocol = LISTEN_POP3 },
	{ .name = "lmtp", .protocol = LISTEN_LMTP },
};
static struct edge_listener listeners[sizeof rows / sizeof *rows];
static int channel, leash;    /* the other ends; channel -1: closed */
static int clients[CLIENTS];  /* -1: none */
static struct question asked; /* the last one */

static void turn(void)
{
	loop_turn(edge.loop, false);
}

/* ---- the store's end ---- */

static void take_packet(const struct ipc_head *head, struct reader body)
{
	(void)body;
	if (head->seq != 0)
		asked = (struct question){ head->type, head->session, head->seq };
}

static void take_questions(void)
{
	take_packets(channel, take_packet);
}

static void hang_up_store(void)
{
	if (channel >= 0)
		close(channel);
	channel = -1;
}

static void connect_store(void)
{
	struct ipc_packet p = { .head = { .type = LEASH_CHANNEL } };
	int fds[2];

	hang_up_store();
	check(ipc_pair(fds) == 0);
	channel = fds[0];
	p.fd = fds[1];
	asked = (struct question){ 0 };
	from_parent(&edge, &p);
}

/* ---- what an honest store answers ---- */

static void put_row(struct buf *b, uint8_t n, uint64_t octets)
{
	struct maildrop_row row = { .octets = octets, .uidl_len = n & 3, .uidl_at = n >> 6 };

	memset(row.id.b, 'A' + n % 8, sizeof row.id.b);
	buf_put(b, str_of(&row, sizeof row));
}

static void put_listing(struct buf *b, uint8_t count, bool large)
{
	put_u64(b, count);
	put_u64(b, 4);
	for (uint8_t i = 0; i < count; i++)
		put_row(b, i, large ? 2 * WINDOW_SLOT : 40);
	buf_put(b, STR("uidl"));
}

static void honest(struct reader *in, struct buf *b, uint16_t *result)
{
	uint8_t a = get_u8(in);

	*result = 0;
	switch (asked.type) {
	case IPC_AUTH:
	case IPC_AUTH_STEP:
		*result = a & 128 ? SASL_CHALLENGE : SASL_OK;
		put_str(b, a & 128 ? STR("challenge") : STR(""));
		put_str(b, STR("ann@example.test"));
		put_str(b, STR("ann@example.test"));
		put_u16(b, STORE_OK);
		put_u64(b, a & 7);
		put_u64(b, 40ULL * (a & 7));
		put_u64(b, 0);
		put_u64(b, a & 64 ? 100 : 0);
		put_u64(b, 0);
		return;
	case IPC_LIST: put_listing(b, a & 7, a & 8); return;
	case IPC_READ:
		if (a & 128)
			put_u32(b, 40), put_u32(b, 40), put_u32(b, a);
		else
			buf_put(b, STR("Subject: x\r\n\r\n12345678901234567890123456\r\n"));
		return;
	case IPC_SENDER: put_u8(b, a); return;
	case IPC_RCPT:
		*result = a & 7;
		put_u64(b, a >> 7);
		return;
	default: put_str(b, STR("example.test")); put_u32(b, a);
	}
}

/* Of any length, sealed or not, shorter than what is said of it. */
static int a_mapping(struct reader *in)
{
	uint8_t how = get_u8(in);
	off_t length = how & 1 ? 64 * (off_t)WINDOW_SLOT : how & 2 ? 4096 : how;
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	check(fd >= 0 && ftruncate(fd, length) == 0);
	if (how & 4)
		check(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) == 0);
	return fd;
}

static void answer(struct reader *in, uint8_t how)
{
	struct ipc_head head = { .type = asked.type, .session = asked.session, .seq = asked.seq };
	struct buf b = { 0 };

	if (how & 1)
		honest(in, &b, &head.result);
	if (how & 2)
		change_octets(in, &b);
	if (how & 4) {
		head.result = get_u8(in);
		buf_put(&b, get_bytes(in, get_u8(in)));
	}
	say_packet(channel, &head, buf_str(&b), how & 8 ? a_mapping(in) : -1);
	buf_deinit(&b);
}

/* What nobody asked for. */
static void note(struct reader *in)
{
	static const uint16_t types[] = { IPC_KICK, IPC_WINDOW, IPC_READ, IPC_MANY, IPC_AUTH,
		IPC_HELLO };
	uint8_t how = get_u8(in);
	struct ipc_head head = { .type = types[how % 6], .session = how >> 6, .seq = how >> 5 };
	struct buf b = { 0 };
	struct session *s = head.session < edge.slot_count ? edge.slots[head.session] : NULL;

	if (head.type == IPC_KICK && s != NULL)
		put_str(&b, str_c(s->sid));
	else
		buf_put(&b, get_bytes(in, get_u8(in)));
	say_packet(channel, &head, buf_str(&b), how & 16 ? a_mapping(in) : -1);
	buf_deinit(&b);
}

/* ---- the clients ---- */

/* The session takes the connection before anything happens to it. */
static void no_event(struct conn *c, enum conn_event e)
{
	(void)c;
	(void)e;
}

static void connect_client(size_t i, uint8_t row)
{
	struct sockaddr_in peer = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201) };
	struct conn conn;
	int fds[2];

	if (clients[i] >= 0)
		close(clients[i]);
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	clients[i] = fds[0];
	conn_init(&conn, edge.loop, fds[1], (struct sockaddr *)&peer, no_event);
	session_start(&listeners[row % 4], &conn);
}

static void type(size_t i, struct str octets)
{
	static char room[65536];

	if (clients[i] >= 0)
		(void)send(clients[i], octets.p, octets.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	turn();
	while (clients[i] >= 0 && recv(clients[i], room, sizeof room, MSG_DONTWAIT) > 0)
		turn();
}

static struct str line(uint8_t n)
{
	static const struct str lines[] = { STR_INIT("EHLO a.test\r\n"),
		STR_INIT("LHLO a.test\r\n"), STR_INIT("AUTH PLAIN AGFubgBzZWNyZXQ=\r\n"),
		STR_INIT("MAIL FROM:<ann@example.test>\r\n"),
		STR_INIT("RCPT TO:<ann@example.test>\r\n"),
		STR_INIT("RCPT TO:<bob@example.test>\r\n"), STR_INIT("DATA\r\n"),
		STR_INIT("Subject: x\r\n\r\nx\r\n.\r\n"), STR_INIT("BDAT 4 LAST\r\nabc\n"),
		STR_INIT("RSET\r\n"), STR_INIT("QUIT\r\n"), STR_INIT("USER ann\r\n"),
		STR_INIT("PASS secret\r\n"), STR_INIT("CAPA\r\n"), STR_INIT("STAT\r\n"),
		STR_INIT("LIST\r\n"), STR_INIT("UIDL\r\n"), STR_INIT("RETR 1\r\n"),
		STR_INIT("RETR 1\r\nRETR 2\r\nRETR 3\r\n"), STR_INIT("TOP 2 1\r\n"),
		STR_INIT("DELE 1\r\n"), STR_INIT("AUTH PLAIN\r\n"), STR_INIT("UTF8\r\n"),
		STR_INIT("ETRN example.test\r\n") };

	return lines[n % (sizeof lines / sizeof *lines)];
}

/* Who waits because of a failed login waits no more. */
static void time_passes(void)
{
	for (uint32_t i = 0; i < edge.slot_count; i++)
		if (edge.slots[i] != NULL && edge.slots[i]->paused_until_ms != 0) {
			edge.slots[i]->paused_until_ms = 0;
			session_drive(edge.slots[i]);
		}
}

static void step(struct reader *in)
{
	uint8_t what = get_u8(in);
	size_t i = what >> 7;

	switch (what >> 4 & 7) {
	case 0:
	case 1: type(i, line(what & 31)); break;
	case 2: type(i, get_bytes(in, get_u8(in))); break;
	case 3:
	case 4: answer(in, what & 15 ? what & 15 : 1); break;
	case 5: note(in); break;
	case 6:
		if (what & 1)
			time_passes();
		else
			connect_client(i, what >> 1 & 3);
		break;
	case 7:
		if (what & 1)
			connect_store();
		else
			type(i, line(get_u8(in)));
		break;
	}
	for (int n = 0; n < 2; n++)
		turn();
	take_questions();
}

static void begin(void)
{
	struct err err = { ST_OK, "" };
	int fds[2];

	log_init(2, LOG_L_ERROR + 1, "fuzz");
	signal(SIGPIPE, SIG_IGN);
	edge.config = start.config = config_parse(
		STR("hostname = mx.example.test\ncleartext_auth = yes\n"), "fuzz", &err);
	check(edge.config != NULL);
	start.shared = shared_new();
	edge.start = &start;
	edge.loop = loop_new();
	fill_engines(&edge);
	split_mechanisms(&edge);
	edge.submission.cleartext_auth = edge.pop3.cleartext_auth = true;
	edge.usual.mx = edge.mx;
	edge.usual.submission = edge.submission;
	edge.usual.pop3 = edge.pop3;
	loop_timer_init(&edge.orphaned, edge.loop, orphaned);
	loop_timer_init(&edge.later, edge.loop, send_later);
	loop_at_turn_end(edge.loop, turn_end, &edge);
	check(ipc_pair(fds) == 0);
	edge.leash = ipc_new(edge.loop, fds[0], from_parent, parent_lost, &edge);
	leash = fds[1];
	edge.store_lost = true;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		listeners[i] = (struct edge_listener){ .edge = &edge, .row = &rows[i] };
}

/* All clients hang up and the store is gone: nothing may be left. */
static void end(void)
{
	static char room[IPC_PACKET_MAX];

	hang_up_store();
	for (size_t i = 0; i < CLIENTS; i++)
		if (clients[i] >= 0) {
			close(clients[i]);
			clients[i] = -1;
		}
	for (int n = 0; n < END_TURNS && edge.live > 0; n++) {
		turn();
		time_passes();
	}
	check(edge.live == 0);
	while (recv(leash, room, sizeof room, MSG_DONTWAIT) > 0)
		continue;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool begun;
	struct reader in = { str_of(data, size), false };
	uint8_t first;

	if (!begun)
		begin();
	begun = true;
	clients[0] = clients[1] = channel = -1;
	connect_store();
	first = get_u8(&in);
	connect_client(0, first & 3);
	connect_client(1, first >> 2 & 3);
	for (int i = 0; i < OPS_MAX && in.rest.n > 0; i++)
		step(&in);
	end();
	return 0;
}
