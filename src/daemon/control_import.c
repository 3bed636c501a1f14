/* A stream of messages to the office: frames to the server, or calls when it is opened here. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/codec.h"
#include "daemon/control.h"
#include "daemon/control_state.h"

enum { UNANSWERED_MAX = 256 };

static enum status gone(struct err *err)
{
	return err_set(err, ST_TEMP,
		"the server went away: look at its log; the same import again goes on from here");
}

static enum status take_row(struct control_session *s, struct err *err)
{
	enum status status = control_receive(s->fd, s->reply, err);

	if (status != ST_MORE)
		return status == ST_OK ? gone(err) : status;
	s->unanswered--;
	return ST_OK;
}

/* The server takes nothing while its rows cannot leave: when it does not take, take its rows. */
static enum status send_octets(struct control_session *s, struct str octets, struct err *err)
{
	while (octets.n > 0) {
		struct pollfd poll_fd = { .fd = s->fd, .events = POLLIN | POLLOUT };
		ssize_t n = send(s->fd, octets.p, octets.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			octets = str_from(octets, (size_t)n);
			continue;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return gone(err);
		if (poll(&poll_fd, 1, -1) > 0 && (poll_fd.revents & POLLIN) != 0 &&
			take_row(s, err) != ST_OK)
			return err->code;
	}
	return ST_OK;
}

static enum status send_frame(
	struct control_session *s, uint8_t kind, struct str payload, struct err *err)
{
	struct buf head;
	enum status status;

	buf_init(&head, 0);
	put_u32(&head, (uint32_t)payload.n);
	put_u8(&head, kind);
	status = send_octets(s, buf_str(&head), err);
	buf_deinit(&head);
	return status == ST_OK ? send_octets(s, payload, err) : status;
}

static void owner_row(struct import_owner *owner, json_t *row)
{
	struct control_session *s =
		(struct control_session *)(void *)((char *)owner -
						   offsetof(struct control_session, owner));

	s->reply->row(s->reply, row);
}

enum status control_import_begin(struct control_session *s, const json_t *request,
	struct office_reply *reply, struct err *err)
{
	enum status status;
	char *text;

	s->reply = reply;
	s->owner.row = owner_row;
	if (s->fd < 0) {
		struct err why = { ST_OK, "" };

		s->import = import_open(&s->office, request, &s->owner, &why);
		return s->import != NULL ? ST_OK : err_set(err, why.code, "%s", why.text);
	}
	text = json_dumps(request, JSON_COMPACT);
	status = control_send(s->fd, 'q', str_c(text)) ? control_receive(s->fd, reply, err)
						       : gone(err);
	free(text);
	return status == ST_MORE ? ST_OK : status;
}

enum status control_import_head(struct control_session *s, const json_t *head, struct err *err)
{
	enum status status;
	char *text;

	if (s->fd < 0)
		return import_head(s->import, head) ? ST_OK
						    : err_set(err, ST_PROTO, "a head out of order");
	s->unanswered++; /* what is present already is answered before its commit */
	text = json_dumps(head, JSON_COMPACT);
	status = send_frame(s, 'h', str_c(text), err);
	free(text);
	return status;
}

enum status control_import_octets(struct control_session *s, struct str octets, struct err *err)
{
	while (octets.n > 0) {
		struct str piece = str_head(octets, IMPORT_PIECE_MAX);

		if (s->fd < 0 ? !import_octets(s->import, piece)
			      : send_frame(s, 'm', piece, err) != ST_OK)
			return gone(err);
		octets = str_from(octets, piece.n);
	}
	return ST_OK;
}

static void settle_here(struct control_session *s, bool all)
{
	while (import_is_full(s->import) || (all && import_waiting(s->import) > 0)) {
		store_flush(s->office.store);
		if (import_waiting(s->import) > 0)
			store_wait(s->office.store);
	}
}

/* Until no more than `most` messages are without an answer. */
static enum status settle(struct control_session *s, size_t most, struct err *err)
{
	while (s->fd >= 0 && s->unanswered > most)
		if (take_row(s, err) != ST_OK)
			return err->code;
	return ST_OK;
}

enum status control_import_commit(struct control_session *s, struct err *err)
{
	bool good;

	if (s->fd >= 0) {
		if (send_frame(s, 'c', STR(""), err) != ST_OK)
			return err->code;
		return settle(s, UNANSWERED_MAX, err);
	}
	good = import_commit(s->import);
	settle_here(s, false);
	return good ? ST_OK : err_set(err, ST_PROTO, "a commit out of order");
}

enum status control_import_finish(struct control_session *s, struct err *err)
{
	enum status status;

	if (s->fd >= 0) {
		if (send_frame(s, 'f', STR(""), err) != ST_OK)
			return err->code;
		/* A message whose end never came has no row: the end of all is waited for, not a number. */
		do
			status = control_receive(s->fd, s->reply, err);
		while (status == ST_MORE);
		s->unanswered = 0;
		return status;
	}
	settle_here(s, true);
	import_close(s->import);
	s->import = NULL;
	return ST_OK;
}
