# Sourced by quickstart and check: Debian 12 packages, and how they get here.

build_packages=(gcc libc6-dev meson ninja-build pkg-config ca-certificates
	libssl-dev libev-dev libunbound-dev libcurl4-openssl-dev libgsasl-dev libsodium-dev libcrypt-dev libidn2-dev libunistring-dev
	libsqlite3-dev libconfuse-dev libexpat1-dev libjansson-dev libseccomp-dev libncurses-dev)
test_packages=(git clang clang-format libclang-rt-14-dev libcmocka-dev python3 curl swaks fetchmail mpop microsocks
	mandoc strace xfsprogs e2fsprogs openssl dovecot-core dovecot-pop3d dovecot-lmtpd fail2ban
	debhelper dpkg-dev fakeroot lintian msmtp zsh getmail6 s-nail mutt perl libio-socket-ssl-perl
	libauthen-sasl-perl libgmime-3.0-dev python3-dkim python3-authres python3-spf python3-yaml opendkim python3-nacl tmux nsd ldnsutils iproute2
	libgnutls-dane0 libnsl2 libidn12 libdb5.3 libevent-2.1-7) # of Exim and OpenSMTPD, unpacked by tests

# Another mail system is not pushed aside for the one test that wants Postfix.
[[ -x /usr/sbin/sendmail && ! -x /usr/sbin/postfix ]] || test_packages+=(postfix)

is_installed() {
	[[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Asks for nothing when nothing is missing.
install_missing() {
	local package missing=() root=()

	for package in "$@"; do
		is_installed "$package" || missing+=("$package")
	done
	((${#missing[@]} == 0)) && return 0
	if ((EUID != 0)); then
		if ! command -v sudo >/dev/null; then
			echo "missing: ${missing[*]}; run this as root, or install sudo" >&2
			return 77
		fi
		root=(sudo)
	fi
	echo "Installing: ${missing[*]}"
	"${root[@]}" apt-get update -q
	# Without a configuration of its own Postfix is never started by the system.
	if [[ " ${missing[*]} " == *' postfix '* ]]; then
		"${root[@]}" debconf-set-selections <<<'postfix postfix/main_mailer_type select No configuration'
	fi
	install_quietly "${missing[@]}"
}

# The tests start what they need on ports of their own: no daemon of the system starts, now or at the next boot
# (nsd would take port 53).
install_quietly() {
	local policy=/usr/sbin/policy-rc.d made= status=0

	if [[ ! -e $policy ]]; then
		printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
		"${root[@]}" chmod 755 "$policy"
		made=1
	fi
	"${root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -q -y --no-install-recommends "$@" || status=$?
	[[ -z $made ]] || "${root[@]}" rm -f "$policy"
	if [[ " $* " == *' nsd '* && $status == 0 ]]; then
		"${root[@]}" update-rc.d nsd disable
	fi
	return "$status"
}

# meson_setup DIR OPTION...: also when DIR is there already, whole or half made.
meson_setup() {
	local dir=$1
	shift
	if [[ -f $dir/meson-private/coredata.dat ]]; then
		meson setup --reconfigure "$dir" "$@" >"$dir/setup.log" 2>&1 && return 0
	fi
	rm -rf "$dir"
	meson setup "$dir" "$@"
}
