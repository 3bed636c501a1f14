#!/bin/bash
# Restante as a target of the mail server bench: its driver sources common.sh through $MB_BENCH and
# calls start, stop, fill, count, clear.  Settings that differ from the defaults are those that
# every peer of the bench gets too: cleartext login for the plain suites, no limit by address.
. "${MB_BENCH:?set by the bench driver}/targets/common.sh"
T_SMTP_PORT=21025 T_SMTPS_PORT=21465 T_POP3_PORT=21110 T_POP3S_PORT=21995 T_STORE=own
: "${RESTANTE:=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/build/restante}"
S=$D/state
export RESTANTE_STATE=$S

do_version() { "$RESTANTE" version | head -1; }

do_start() {
	if [ ! -f "$S/version" ]; then
		rm -rf "$S"
		"$RESTANTE" init --state "$S" --domain bench.test --hostname localhost --port-offset 21000 >/dev/null
		cat >>"$S/restante.conf" <<-CONF
			cleartext_auth = yes
			connections_per_address = 60000
			connections_max = 60000
			log_level = "warn"
			password_upgrade = no
			route "relay.test" {
				relay = "127.0.0.1"
				port = $MB_SINK
				backup_mx = yes
			}
		CONF
		while read -r user; do
			echo secret | "$RESTANTE" account add "$user@bench.test" --password-stdin ${RESTANTE_HASH:+--hash "$RESTANTE_HASH"}
		done <"$MB_STATE/users"
	fi
	cp "$MB_CERT" "$S/tls/cert.pem"
	cp "$MB_KEY" "$S/tls/key.pem"
	( mb_enter; exec "$RESTANTE" serve ) >"$D/out" 2>"$D/log" &
	for _ in $(seq 100); do grep -q ready "$D/out" 2>/dev/null && return 0; sleep 0.1; done
	echo "restante did not get ready: see $D/log" >&2
	return 1
}

do_count() {
	"$RESTANTE" account list --json |
		python3 -c 'import json, sys
names = set(sys.argv[1:])
print(sum(a["messages"] for a in json.load(sys.stdin) if a["address"].split("@")[0] in names))' "$@"
}

# USER N SIZE: a maildrop of N messages of SIZE octets, handed in by SMTP like any other mail.
do_fill() {
	do_clear "$1"
	python3 - "$1@bench.test" "$2" "$3" "$T_SMTP_PORT" <<-'PY'
		import socket, sys
		to, n, size, port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
		s = socket.create_connection(('127.0.0.1', port)); f = s.makefile('rb')
		def reply():
		    line = f.readline()
		    while line[3:4] == b'-': line = f.readline()
		    assert line[:1] in b'23', line
		reply(); s.sendall(b'EHLO fill\r\n'); reply()
		head = b'From: <fill@bench.test>\r\nSubject: fill\r\n\r\n'
		line = b'x' * 70 + b'\r\n'
		body = (head + line * (size // len(line) + 1))[:size - 2] + b'\r\n'
		ask = b'MAIL FROM:<fill@bench.test>\r\nRCPT TO:<%s>\r\nDATA\r\n' % to.encode()
		for i in range(n):
		    s.sendall(ask); reply(); reply(); reply(); s.sendall(body + b'.\r\n'); reply()
		s.sendall(b'QUIT\r\n'); reply()
	PY
}

do_clear() {
	for user in "$@"; do
		"$RESTANTE" account show "$user@bench.test" --json | grep -q '"messages": 0[,}]' && continue
		python3 - "$user@bench.test" "$T_POP3_PORT" <<-'PY'
			import poplib, sys
			p = poplib.POP3('127.0.0.1', int(sys.argv[2])); p.user(sys.argv[1]); p.pass_('secret')
			for i in range(p.stat()[0]): p.dele(i + 1)
			p.quit()
		PY
	done
}

mb_main "$@"
