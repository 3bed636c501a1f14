#!/bin/bash
# Restante from RESTANTE (bench/run's build, or another).  Settings that are not the defaults: those that the
# peers get too: cleartext login for the plain rows, no limit by address, passwords that cost nothing.
. "$(dirname "$0")/common.sh"
export RESTANTE_STATE=$DIR/state

version() { "$RESTANTE" version | head -1; }

start() {
	local hash

	if [ ! -f "$RESTANTE_STATE/version" ]; then
		rm -rf "$RESTANTE_STATE"
		"$RESTANTE" init --state "$RESTANTE_STATE" --domain bench.test --hostname localhost \
			--port-offset "$BASE" >/dev/null
		cat >>"$RESTANTE_STATE/restante.conf" <<-CONF
			cleartext_auth = yes
			connections_per_address = 60000
			connections_max = 60000
			log_level = "warn"
			password_upgrade = no
			message_size_limit = "200M"
			route "relay.test" {
				relay = "127.0.0.1"
				port = $SINK
				backup_mx = yes
			}
			route "queue.test" {
				relay = "127.0.0.1"
				port = 1
				backup_mx = yes
			}
		CONF
		# Of {PLAIN} each account would get keys for SCRAM, 14 ms of it.
		hash=$(printf secret | openssl dgst -sha256 -binary | base64)
		sed "s|.*|&@bench.test\t{SHA256}$hash|" "$USERS" >"$DIR/accounts"
		"$RESTANTE" account add --from "$DIR/accounts" >/dev/null
	fi
	cp "$CERT" "$RESTANTE_STATE/tls/cert.pem"
	cp "$KEY" "$RESTANTE_STATE/tls/key.pem"
	: >"$DIR/out"
	setsid "$RESTANTE" serve >"$DIR/out" 2>"$DIR/log" </dev/null &
	echo $! >"$DIR/pid"
	for _ in $(seq 600); do
		grep -q ready "$DIR/out" && return 0
		kill -0 "$(cat "$DIR/pid")" || break
		sleep 0.1
	done
	tail -n 3 "$DIR/log" >&2
	return 1
}

drop_queue() { # what is just being tried stays
	for _ in $(seq 40); do
		"$RESTANTE" queue drop --all >/dev/null && return 0
		sleep 0.5
	done
	return 1
}

stop() { kill "$(cat "$DIR/pid")"; }

verb "$1"
