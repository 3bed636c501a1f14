/* transcript.h -- replays a session file against an engine without I/O.
 *
 * A file is the RFC's own notation, one statement a line; "#" at the start is a comment:
 *   C: text             sent with CRLF
 *   hex: 2e 0a  # note  these octets are sent
 *   repeat: 100 NOOP    the line is sent so often
 *   fill: 5000 x        the text is sent so often, without CRLF
 *   S: text             the next line that comes out is exactly this
 *   S*: 100 250 2.0.0   the next 100 lines are this
 *   time: +301s         the clock moves (s or ms); a deadline that has passed is raised
 *   tls: started        the handshake that the engine asked for is done
 *   body: text          the next line of what the owner received
 *   end-of-body:        the owner received nothing more
 *   closed:             the engine has closed the session
 *   config ...          before everything else: for the engine under test
 *   mode: whole         what comes out depends on what arrives together: no other cuts are tried
 * Any other line goes to the engine under test ("policy rcpt <x> 550 ...").
 *
 * For a client engine the sides are changed: "S:" is what the server sends, "C:" and "C*:" what must come
 * out.
 *
 * What one side sends up to the next statement of the other is put in at once; then the whole file is
 * replayed octet by octet and at random cuts: the same lines must come out. */
#ifndef RESTANTE_TESTS_TRANSCRIPT_H
#define RESTANTE_TESTS_TRANSCRIPT_H

#include "base/buf.h"

enum transcript_turn { TURN_GO, TURN_TLS, TURN_CLOSED };

struct transcript_engine {
	const char *directory; /* under tests/transcripts */
	bool client;
	void *(*create)(void); /* nothing said yet: config lines come first */
	void (*destroy)(void *e);
	bool (*config)(void *e, struct str rest);
	void (*start)(void *e, int64_t now_ms);
	struct buf *(*in)(void *e);
	struct buf *(*out)(void *e);
	/* Serves events until the engine wants input, a handshake or the end. */
	enum transcript_turn (*turn)(void *e, int64_t now_ms);
	void (*tls_started)(void *e, int64_t now_ms);
	int64_t (*deadline)(void *e);
	void (*timeout)(void *e);
	struct buf *(*received)(void *e); /* what body: lines are taken from */
	bool (*directive)(
		void *e, struct str line); /* false: unknown, or what it expects is not so */
};

/* Replays every *.t file of engine->directory below dir (tests/transcripts).  Prints what went
 * wrong; returns the number of files that failed, or -1 when there are none. */
int transcript_run_all(const char *dir, const struct transcript_engine *engine);

extern const struct transcript_engine transcript_smtpd;
extern const struct transcript_engine transcript_smtpc;
extern const struct transcript_engine transcript_pop3c;
extern const struct transcript_engine transcript_pop3d;

#endif
