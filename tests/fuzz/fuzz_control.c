/* What comes to the control socket: frames of our own client with any JSON in them, imports, and any octets.  A real
 * office on a memory file system.  Whoever may call is trusted, so only this must hold: the process stays in its
 * memory, answers or hangs up, and opens its office again. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "daemon/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRESH_AFTER = 300, FRAMES_MAX = 32, TURNS = 3 };

static struct office office;
static struct loop *loop;
static struct loop_io store_io;
static struct control *control;
static char dir[64];

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void store_ready(struct loop_io *io, int events)
{
	(void)io;
	(void)events;
	store_poll(office.store);
}

static void turn_end(void *arg)
{
	(void)arg;
	store_flush(office.store);
}

static void add_account(const char *address)
{
	struct credentials c = { .scram_iterations = 0 };
	uint64_t id;

	snprintf(c.hash, sizeof c.hash, "x");
	check(account_add(office.directory, str_c(address), &c, &id, NULL) == ST_OK);
}

static void open_office(void)
{
	struct err err = { ST_OK, "" };

	snprintf(dir, sizeof dir, "%s/restante-fuzz.XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	check(mkdtemp(dir) != NULL);
	check(office_open(&office, dir,
		      config_parse(STR("hostname = mx.example.test\n"), "fuzz", &err),
		      &err) == ST_OK);
	loop = loop_new();
	loop_io_init(&store_io, loop, store_fd(office.store), store_ready);
	loop_io_want(&store_io, LOOP_READ);
	loop_at_turn_end(loop, turn_end, NULL);
	check(directory_domain_add(office.directory, STR("example.test"), NULL) == ST_OK);
	add_account("ann@example.test");
	add_account("bob@example.test");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void close_office(void)
{
	loop_io_want(&store_io, 0);
	office_close(&office);
	loop_free(loop);
	check(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
	office = (struct office){ .dir = NULL };
}

/* A client of a server of its own: when that stops, nothing of this input is left. */
static int connect_client(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(at.sun_path, sizeof at.sun_path, "%s/c", dir);
	unlink(at.sun_path);
	check(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 4) == 0);
	control = control_serve(loop, listener, getuid(), &office);
	check(connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
	return fd;
}

static void take_answers(int fd)
{
	static char room[65536];

	for (int i = 0; i < TURNS; i++) {
		loop_turn(loop, false);
		while (recv(fd, room, sizeof room, MSG_DONTWAIT) > 0)
			loop_turn(loop, false);
	}
}

static void send_frame(int fd, struct reader *in)
{
	static const char kinds[] = "qhmcf";
	uint8_t kind = get_u8(in);
	struct str payload = get_bytes(in, get_u16(in));
	struct buf b = { 0 };

	if (in->bad) /* the last one takes what is left */
		payload = in->rest, in->rest = STR("");
	if (kind < sizeof kinds - 1) {
		put_u32(&b, (uint32_t)payload.n);
		buf_putc(&b, kinds[kind]);
	}
	buf_put(&b, payload);
	(void)send(fd, buf_str(&b).p, b.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	buf_deinit(&b);
	take_answers(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned inputs;
	struct reader in = { str_of(data, size), false };
	bool fresh = ++inputs % FRESH_AFTER == 0;
	int fd;

	if (inputs == 1) {
		log_init(2, LOG_L_ERROR + 1, "fuzz");
		open_office();
		atexit(close_office);
	}
	fd = connect_client();
	for (int i = 0; i < FRAMES_MAX && in.rest.n > 0 && !office.restart; i++)
		send_frame(fd, &in);
	close(fd);
	control_stop(control);
	if (office.restart || fresh) {
		close_office();
		open_office();
	}
	return 0;
}
