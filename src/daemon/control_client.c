/* The client's side: the server's socket, or the office itself when no server runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "daemon/control.h"
#include "daemon/control_state.h"

enum { LOCK_WAIT_MS = 10000, RETRY_US = 50000 };

/* A connection, -1 and ST_OK when nobody listens, -1 and another status. */
static int dial(const char *state, enum status *status, struct err *err)
{
	struct sockaddr_un address;
	int dir = control_address(state, &address, err), fd;

	*status = ST_OK;
	if (dir < 0) {
		*status = err == NULL ? ST_IO : err->code;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		if (errno == EACCES || errno == EPERM)
			*status = err_set(err, ST_PERM,
				"the server of %s may not be called: run this as root or as its "
				"owner",
				state);
		else if (errno != ENOENT && errno != ECONNREFUSED)
			*status = err_set(
				err, ST_TEMP, "call the server of %s: %s", state, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	close(dir);
	return fd;
}

static bool send_all(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s = str_from(s, (size_t)n);
	}
	return true;
}

static bool receive_all(int fd, char *to, size_t n)
{
	while (n > 0) {
		ssize_t got = recv(fd, to, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		to += got;
		n -= (size_t)got;
	}
	return true;
}

static enum status take_end(const json_t *end, struct err *err)
{
	json_int_t status = json_integer_value(json_object_get(end, "status"));
	const char *text = json_string_value(json_object_get(end, "error"));

	if (!json_is_object(end) || status < ST_OK || status > ST_NOTFOUND)
		return err_set(err, ST_PROTO, "the server's answer makes no sense");
	if (status == ST_OK)
		return ST_OK;
	return err_set(err, (enum status)status, "%s", text == NULL ? "" : text);
}

/* ST_MORE: there is another frame. */
static enum status take_frame(
	int fd, struct buf *frame, struct office_reply *reply, struct err *err)
{
	char head[CONTROL_HEADER], *to;
	struct reader r = {
		.rest = {head, sizeof head}
	};
	enum status status = ST_MORE;
	json_t *v = NULL;
	uint32_t n;
	uint8_t kind;

	if (!receive_all(fd, head, sizeof head))
		return err_set(err, ST_TEMP, "the server went away: look at its log, try again");
	n = get_u32(&r);
	kind = get_u8(&r);
	buf_clear(frame);
	to = buf_reserve(frame, n);
	if (to == NULL || !receive_all(fd, to, n))
		return err_set(err, ST_TEMP, "the server's answer was cut off: try again");
	buf_grew(frame, n);
	if (kind == 'o') {
		reply->octets(reply, buf_str(frame));
		return ST_MORE;
	}
	v = json_loadb(buf_str(frame).p, n, 0, NULL);
	if (kind == 'r' && v != NULL) {
		reply->row(reply, v);
		return ST_MORE;
	}
	status = kind == 'e' ? take_end(v, err)
			     : err_set(err, ST_PROTO, "the server's answer makes no sense");
	json_decref(v);
	return status;
}

static enum status call_server(
	int fd, const json_t *request, struct office_reply *reply, struct err *err)
{
	char *text = json_dumps(request, JSON_COMPACT);
	struct str payload = str_c(text);
	struct buf frame;
	enum status status = ST_MORE;

	buf_init(&frame, 64 * 1024 * 1024);
	put_u32(&frame, (uint32_t)payload.n);
	buf_putc(&frame, 'q');
	buf_put(&frame, payload);
	if (payload.n > CONTROL_FRAME_MAX)
		status = err_set(err, ST_LIMIT, "the request is larger than a mebibyte");
	else if (!send_all(fd, buf_str(&frame)))
		status = err_set(err, ST_TEMP, "the server went away: look at its log, try again");
	mem_wipe(text, payload.n);
	free(text);
	while (status == ST_MORE)
		status = take_frame(fd, &frame, reply, err);
	buf_wipe(&frame);
	return status;
}

static enum status call_office(
	const char *state, const json_t *request, struct office_reply *reply, struct err *err)
{
	struct borrowed_rights rights = { false };
	struct config *config = config_load(state, err);
	struct office office;
	enum status status = ST_USAGE;
	char *dir;

	if (config == NULL)
		return ST_USAGE;
	if (asprintf(&dir, "%s/store", state) < 0)
		abort();
	status = rights_borrow(&rights, dir, err);
	if (status != ST_OK)
		config_free(config);
	else
		status = office_open(&office, dir, config, err);
	if (status == ST_OK) {
		status = office_execute(&office, request, reply, err);
		office_close(&office);
	}
	rights_return(&rights);
	free(dir);
	return status;
}

/* Between a server's lock and its socket, or beside another command, there is a moment in which
 * neither way is open. */
enum status control_call(
	const char *state, const json_t *request, struct office_reply *reply, struct err *err)
{
	int64_t until = clock_mono_ms() + LOCK_WAIT_MS;
	enum status status;

	for (;;) {
		struct err why = { ST_OK, "" };
		int fd = dial(state, &status, err);

		if (status != ST_OK)
			return status;
		if (fd >= 0) {
			status = call_server(fd, request, reply, err);
			close(fd);
			return status;
		}
		fd = state_lock(state, &why);
		if (fd >= 0) {
			status = call_office(state, request, reply, err);
			close(fd);
			return status;
		}
		if (why.code != ST_TEMP || clock_mono_ms() > until)
			return err_set(err, why.code, "%s", why.text);
		usleep(RETRY_US);
	}
}
