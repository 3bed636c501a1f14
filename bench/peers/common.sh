# Sourced by the scripts of the servers.  bench/run says by the environment where everything is:
#   DIR    of this server: configuration, queue, log      MAIL  maildirs: $MAIL/<user>
#   USERS  a file of user names, one a line               CERT, KEY
#   BASE   SMTP is at BASE+25, POP3 at BASE+110, POP3 with TLS at BASE+995, on 127.0.0.1
#   MUID   owner of the maildirs                       SINK  port of the server that takes mail for relay.test
# Each user's address is <user>@bench.test and its password "secret".
set -eu
SMTP=$((BASE + 25)) POP3=$((BASE + 110)) POP3S=$((BASE + 995))

wait_port() { # PORT
	for _ in $(seq 100); do
		(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
		sleep 0.1
	done
	echo "port $1 did not open" >&2
	return 1
}

need() { # COMMAND PACKAGE...
	command -v "$1" >/dev/null && return 0
	shift
	echo "not installed: apt-get install --no-install-recommends $*" >&2
	return 3
}

verb() { "$1"; }
