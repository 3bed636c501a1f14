#!/bin/bash
# OpenSMTPD, unpacked.  Its paths are compiled in: /var/spool/smtpd, /run and its own /usr/libexec.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/unpack.sh"
X=$DEBS/opensmtpd

version() {
	unpacked opensmtpd opensmtpd
	cat "$X/version"
}

start() {
	rm -rf "$DIR/fs"
	mkdir -p "$DIR/fs/spool/smtpd" "$DIR/fs/run" "$DIR/fs/lib/opensmtpd/empty"
	chmod 711 "$DIR/fs/spool/smtpd"
	add_user opensmtpd 62211 /var/lib/opensmtpd/empty
	add_user opensmtpq 62212 /var/lib/opensmtpd/empty
	add_user benchmail "$MUID" "$MAIL"
	# No DNS here: lookups end at the hosts file.
	printf 'lookup file\nnameserver 127.0.0.1\n' >"$DIR/fs/etc/resolv.conf"
	printf '127.0.0.1 localhost mx.bench.test\n' >"$DIR/fs/etc/hosts"
	sed "s|.*|& $MUID:$MUID:$MAIL/&|" "$USERS" >"$DIR/userbase"
	cat >"$DIR/smtpd.conf" <<-CONF
		pki bench cert "$CERT"
		pki bench key "$KEY"
		table users file:$DIR/userbase
		smtp max-message-size 200M
		listen on 127.0.0.1 port $SMTP hostname mx.bench.test tls pki bench
		action "dlv" maildir "%{user.directory}" userbase <users>
		action "out" relay host "smtp://127.0.0.1:$SINK"
		match from any for domain "bench.test" action "dlv"
		match from any for domain "relay.test" action "out"
	CONF
	chmod 644 "$DIR/smtpd.conf" "$DIR/userbase"
	setsid unshare -m --propagation private bash -c '
		for x in passwd group resolv.conf hosts; do mount --bind "$1/fs/etc/$x" "/etc/$x" || exit 1; done
		mount --bind "$1/fs/spool" /var/spool && mount --bind "$1/fs/run" /run &&
			mount --bind "$1/fs/lib" /var/lib && mount --bind "$2/usr/libexec" /usr/libexec || exit 1
		echo $$ >"$1/pid"
		exec "$2/usr/sbin/smtpd" -d -f "$1/smtpd.conf"' _ "$DIR" "$X" </dev/null >"$DIR/log" 2>&1 &
	wait_port "$SMTP"
}

stop() { stop_pid; }

verb "$1"
