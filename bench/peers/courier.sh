#!/bin/bash
# Courier's POP3 server, unpacked: over an overlay of /usr, with users in authuserdb (MD5-crypt).
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/unpack.sh"
X=$DEBS/courier

version() {
	unpacked courier courier-pop courier-base courier-authlib courier-authlib-userdb courier-authdaemon \
		libcourier-unicode4 libgamin0 libltdl7
	cat "$X/version"
}

users() {
	local password

	password=$(openssl passwd -1 -salt benchbch secret)
	while read -r user; do
		printf '%s\tuid=%s|gid=%s|home=%s|mail=%s|systempw=%s\n' "$user" "$MUID" "$MUID" "$MAIL/$user" \
			"$MAIL/$user" "$password"
	done <"$USERS"
}

start() {
	while read -r user; do
		[ -d "$MAIL/$user/cur" ] && continue
		mkdir -p "$MAIL/$user"/{cur,new,tmp}
		chown "$MUID:$MUID" "$MAIL/$user"/{cur,new,tmp}
	done <"$USERS"
	rm -rf "$DIR/fs"
	mkdir -p "$DIR/fs/run/courier/authdaemon" "$DIR/fs/lib/courier" "$DIR/fs/etc"
	cp -a /etc/. "$DIR/fs/etc/"
	mkdir -p "$DIR/fs/etc/courier"
	cp -a "$X/etc/courier/." "$DIR/fs/etc/courier/"
	add_user courier 62231 /var/lib/courier
	sed -i 's/^authmodulelist=.*/authmodulelist="authuserdb"/' "$DIR/fs/etc/courier/authdaemonrc"
	cat "$KEY" "$CERT" >"$DIR/fs/etc/courier/pop3d.pem"
	users >"$DIR/fs/etc/courier/userdb"
	chmod 700 "$DIR/fs/etc/courier/userdb"
	chmod 600 "$DIR/fs/etc/courier/pop3d.pem"
	chown -R 62231:62231 "$DIR/fs/run/courier" "$DIR/fs/lib/courier" "$DIR/fs/etc/courier/pop3d.pem"
	setsid unshare -m --propagation private bash "$(dirname "$0")/courier-inside.sh" "$DIR" "$X" "$POP3" "$POP3S" \
		</dev/null >"$DIR/log" 2>&1 &
	wait_port "$POP3"
}

stop() { kill $(cat "$DIR/pid" "$DIR/fs/run/courier/authdaemon/pid"); }

verb "$1"
