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

enum { LOCK_WAIT_MS = 10000, RETRY_US = 50000, FRAME_MAX = 64 * 1024 * 1024 };

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

bool control_send_octets(int fd, struct str s)
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

bool control_send(int fd, uint8_t kind, struct str payload)
{
	struct buf head;
	bool sent;

	buf_init(&head, 0);
	put_u32(&head, (uint32_t)payload.n);
	put_u8(&head, kind);
	sent = control_send_octets(fd, buf_str(&head)) && control_send_octets(fd, payload);
	buf_deinit(&head);
	return sent;
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
	struct reader r = { .rest = { head, sizeof head } };
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

enum status control_receive(int fd, struct office_reply *reply, struct err *err)
{
	struct buf frame;
	enum status status;

	buf_init(&frame, FRAME_MAX);
	status = take_frame(fd, &frame, reply, err);
	buf_wipe(&frame);
	return status;
}

static enum status call_server(
	int fd, const json_t *request, struct office_reply *reply, struct err *err)
{
	char *text = json_dumps(request, JSON_COMPACT);
	struct str payload = str_c(text);
	struct buf frame;
	enum status status = ST_MORE;

	buf_init(&frame, FRAME_MAX);
	if (payload.n > CONTROL_FRAME_MAX)
		status = err_set(err, ST_LIMIT, "the request is larger than a mebibyte");
	else if (!control_send(fd, 'q', payload))
		status = err_set(err, ST_TEMP, "the server went away: look at its log, try again");
	mem_wipe(text, payload.n);
	free(text);
	while (status == ST_MORE)
		status = take_frame(fd, &frame, reply, err);
	buf_wipe(&frame);
	return status;
}

void session_enter(struct control_session *s)
{
	struct err err = { ST_OK, "" };

	/* It went well when the office was opened: nothing else may be done in the wrong name. */
	if (s->fd < 0 && !s->rights.borrowed && rights_borrow(&s->rights, s->dir, &err) != ST_OK)
		abort();
}

void session_leave(struct control_session *s)
{
	if (s->fd < 0 && s->between_calls)
		rights_return(&s->rights);
}

void control_between_calls(struct control_session *s)
{
	s->between_calls = true;
	session_leave(s);
}

static enum status open_office(struct control_session *s, const char *state, struct err *err)
{
	struct config *config = config_load(state, err);
	enum status status;

	if (config == NULL)
		return ST_USAGE;
	if (asprintf(&s->dir, "%s/store", state) < 0)
		abort();
	status = rights_borrow(&s->rights, s->dir, err);
	if (status != ST_OK)
		config_free(config);
	else
		status = office_open(&s->office, s->dir, config, err);
	if (status != ST_OK)
		rights_return(&s->rights);
	return status;
}

/* Between a server's lock and its socket, or beside another command, there is a moment in which
 * neither way is open. */
struct control_session *control_open(const char *state, struct err *err)
{
	int64_t until = clock_mono_ms() + LOCK_WAIT_MS;
	struct control_session *s = NEW(struct control_session);
	enum status status;

	for (;;) {
		struct err why = { ST_OK, "" };

		s->lock = -1;
		s->fd = dial(state, &status, err);
		if (s->fd >= 0)
			return s;
		if (status != ST_OK)
			break;
		s->lock = state_lock(state, &why);
		if (s->lock >= 0 && open_office(s, state, err) == ST_OK)
			return s;
		if (s->lock >= 0)
			break;
		if (why.code != ST_TEMP || clock_mono_ms() > until) {
			err_set(err, why.code, "%s", why.text);
			break;
		}
		usleep(RETRY_US);
	}
	if (s->lock >= 0)
		close(s->lock);
	free(s->dir);
	free(s);
	return NULL;
}

enum status control_ask(struct control_session *s, const json_t *request,
	struct office_reply *reply, struct err *err)
{
	enum status status;

	if (s->fd >= 0)
		return call_server(s->fd, request, reply, err);
	session_enter(s);
	status = office_execute(&s->office, request, reply, err);
	session_leave(s);
	return status;
}

void control_close(struct control_session *s)
{
	if (s == NULL)
		return;
	session_enter(s);
	import_close(s->import);
	if (s->fd < 0)
		office_close(&s->office);
	rights_return(&s->rights);
	close(s->fd >= 0 ? s->fd : s->lock);
	free(s->dir);
	free(s);
}

struct office *control_office(struct control_session *s)
{
	return s->fd < 0 ? &s->office : NULL;
}

enum status control_call(
	const char *state, const json_t *request, struct office_reply *reply, struct err *err)
{
	struct err why = { ST_OK, "" };
	struct control_session *s = control_open(state, &why);
	enum status status = why.code;

	if (s != NULL)
		status = control_ask(s, request, reply, &why);
	control_close(s);
	if (status != ST_OK)
		return err_set(err, status, "%s", why.text);
	return ST_OK;
}
