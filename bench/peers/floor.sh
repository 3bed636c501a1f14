#!/bin/bash
# The least that a server can do (floor.c): what no server passes here.
. "$(dirname "$0")/common.sh"

version() { echo "canned replies (floor.c)"; }

start() {
	cc -O2 -D_GNU_SOURCE -o "$DIR/floor" "$(dirname "$0")/../floor.c"
	cd "$DIR"
	setsid ./floor "$SMTP" sync "$SINK" >"$DIR/log" 2>&1 </dev/null &
	echo $! >"$DIR/pid"
	wait_port "$SMTP"
}

stop() { kill "$(cat "$DIR/pid")"; }

verb "$1"
