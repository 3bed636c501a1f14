#!/bin/bash
# The least that a server can do (floor.c, floor_pop3.c): what no server passes here.
. "$(dirname "$0")/common.sh"

version() { echo "canned replies (floor.c, floor_pop3.c)"; }

start() {
	cc -O2 -D_GNU_SOURCE -o "$DIR/floor" "$(dirname "$0")/../floor.c"
	cc -O2 -D_GNU_SOURCE -o "$DIR/floor_pop3" "$(dirname "$0")/../floor_pop3.c" -lssl -lcrypto
	cd "$DIR"
	setsid ./floor "$SMTP" sync "$SINK" >"$DIR/log" 2>&1 </dev/null &
	echo $! >"$DIR/pid"
	setsid ./floor_pop3 "$POP3" "$POP3S" "$CERT" "$KEY" >>"$DIR/log" 2>&1 </dev/null &
	echo $! >>"$DIR/pid"
	wait_port "$SMTP"
	wait_port "$POP3S"
	# shellcheck disable=SC2046 # a pid a line
	kill -0 $(cat "$DIR/pid") # else somebody else has the port
}

# shellcheck disable=SC2046 # a pid a line
stop() { kill $(cat "$DIR/pid"); }

verb "$1"
