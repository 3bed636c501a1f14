#!/bin/bash
# Dovecot's POP3 server over maildirs, as Debian ships it: one login process and one pop3 process a
# connection.  TUNED=1 lets both serve many, which is what its manual says for speed.
. "$(dirname "$0")/common.sh"

version() {
	need dovecot dovecot-pop3d
	dovecot --version
}

start() {
	local login='service_count = 1' pop3='service_count = 1'

	need dovecot dovecot-pop3d
	if [ -n "${TUNED:-}" ]; then
		login='service_count = 0' pop3='service_count = 1000000'
	fi
	mkdir -p "$DIR/run" "$DIR/state"
	sed "s|.*|&:{PLAIN}secret:$MUID:$MUID::$MAIL/&|" "$USERS" >"$DIR/passwd"
	cat >"$DIR/dovecot.conf" <<-CONF
		protocols = pop3
		base_dir = $DIR/run
		state_dir = $DIR/state
		log_path = $DIR/log
		listen = 127.0.0.1
		ssl = yes
		ssl_cert = <$CERT
		ssl_key = <$KEY
		disable_plaintext_auth = no
		mail_location = maildir:~
		first_valid_uid = 1
		mail_max_userip_connections = 0
		default_client_limit = 30000
		default_process_limit = 12000
		auth_username_format = %n
		passdb {
		  driver = passwd-file
		  args = $DIR/passwd
		}
		userdb {
		  driver = passwd-file
		  args = $DIR/passwd
		}
		service pop3-login {
		  $login
		  inet_listener pop3 {
		    port = $POP3
		  }
		  inet_listener pop3s {
		    port = $POP3S
		    ssl = yes
		  }
		}
		service pop3 {
		  $pop3
		}
	CONF
	dovecot -c "$DIR/dovecot.conf"
	wait_port "$POP3"
}

stop() { doveadm -c "$DIR/dovecot.conf" stop; }

verb "$1"
