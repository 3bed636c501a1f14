# Sourced by the scripts of the peers that Debian does not let be installed beside Postfix: their packages are only
# unpacked, into a directory beside the servers' own, and run in a mount namespace where their paths lead there.
DEBS=$(dirname "$DIR")/debs

# DIRECTORY PACKAGE...: unpacked once.  The first package names the version.
unpacked() {
	local to=$DEBS/$1 package

	shift
	[ -f "$to/version" ] && return 0
	rm -rf "$to"
	mkdir -p "$to/get"
	for package; do
		(cd "$to/get" && apt-get download -q "$package" >/dev/null) || return 3
		dpkg -x "$to/get/$package"_*.deb "$to" || return 3
	done
	dpkg-deb -f "$to/get/$1"_*.deb Version >"$to/version"
	rm -rf "$to/get"
}

# A private /etc/passwd and /etc/group, with a system user added.
add_user() { # NAME UID HOME
	mkdir -p "$DIR/fs/etc"
	[ -f "$DIR/fs/etc/passwd" ] || cp /etc/passwd /etc/group "$DIR/fs/etc/"
	echo "$1:x:$2:$2::$3:/bin/false" >>"$DIR/fs/etc/passwd"
	echo "$1:x:$2:" >>"$DIR/fs/etc/group"
}

stop_pid() { kill "$(cat "$DIR/pid")"; }
