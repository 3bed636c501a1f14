#!/bin/bash
# Postfix as Debian ships it, with a configuration, queue and ports of its own.  Mail goes to maildirs
# by virtual(8); names are not looked up, for there is no DNS here.
. "$(dirname "$0")/common.sh"

version() {
	need postconf postfix
	postconf -d -h mail_version
}

start() {
	need postconf postfix
	rm -rf "$DIR/etc" "$DIR/queue" "$DIR/data"
	mkdir -p "$DIR/etc" "$DIR/queue" "$DIR/data"
	chown postfix "$DIR/data"
	sed 's|.*|&@bench.test &/|' "$USERS" >"$DIR/etc/mailboxes"
	cp /usr/share/postfix/master.cf.dist "$DIR/etc/master.cf"
	cat >"$DIR/etc/main.cf" <<-CONF
		compatibility_level = 3.6
		queue_directory = $DIR/queue
		data_directory = $DIR/data
		maillog_file = $DIR/log
		maillog_file_prefixes = $DIR
		myhostname = mx.bench.test
		mydestination =
		local_recipient_maps =
		alias_maps =
		alias_database =
		inet_interfaces = 127.0.0.1
		inet_protocols = ipv4
		mynetworks = 127.0.0.0/8
		smtpd_peername_lookup = no
		smtputf8_enable = no
		virtual_mailbox_domains = bench.test
		virtual_mailbox_base = $MAIL
		virtual_mailbox_maps = texthash:$DIR/etc/mailboxes
		virtual_uid_maps = static:$MUID
		virtual_gid_maps = static:$MUID
		virtual_mailbox_limit = 0
		message_size_limit = 209715200
		relay_domains = relay.test
		relay_recipient_maps =
		transport_maps = inline:{ { relay.test = smtp:[127.0.0.1]:$SINK } }
		smtp_host_lookup = native
		in_flow_delay = 0s
		smtpd_tls_cert_file = $CERT
		smtpd_tls_key_file = $KEY
		smtpd_tls_security_level = may
	CONF
	postconf -c "$DIR/etc" -MX smtp/inet
	postconf -c "$DIR/etc" -M "$SMTP/inet=127.0.0.1:$SMTP inet n - n - - smtpd"
	postconf -c "$DIR/etc" -F '*/*/chroot = n'
	postconf -c "$DIR/etc" -M 'postlog/unix-dgram=postlog unix-dgram n - n - 1 postlogd'
	postfix -c "$DIR/etc" start
	wait_port "$SMTP"
}

stop() { postfix -c "$DIR/etc" stop; }

verb "$1"
