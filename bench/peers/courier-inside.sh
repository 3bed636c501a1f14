#!/bin/bash
# courier-inside.sh DIR UNPACKED POP3 POP3S: what courier.sh runs in a mount namespace of its own.
DIR=$1 X=$2 POP3=$3 POP3S=$4
mount -t overlay overlay -o "lowerdir=$X/usr:/usr" /usr && mount --bind "$DIR/fs/etc" /etc &&
	mount --bind "$DIR/fs/run" /run && mount --bind "$DIR/fs/lib" /var/lib || exit 1
/usr/sbin/makeuserdb
ulimit -n 65536
/usr/sbin/courierlogger -pid=/run/courier/authdaemon/pid -start /usr/lib/courier/courier-authlib/authdaemond
set -a
prefix=/usr exec_prefix=/usr sbindir=/usr/sbin bindir=/usr/bin libexecdir=/usr/lib/courier
. /etc/courier/pop3d
. /etc/courier/pop3d-ssl
TLS_CERTFILE=/etc/courier/pop3d.pem TLS_DHPARAMS= TLS_TRUSTCERTS= TLS_PRIORITY=NORMAL TLS_CACHEFILE= TLS_PROTOCOL=TLS1
C=/usr/lib/courier/courier
POP3_TLS=1 couriertcpd -address=127.0.0.1 -maxprocs=12000 -maxperip=12000 -nodnslookup -noidentlookup "$POP3S" \
	/usr/bin/couriertls -server -tcpd $C/courierpop3login $C/courierpop3d . &
echo "$$ $!" >"$DIR/pid"
exec couriertcpd -address=127.0.0.1 -maxprocs=12000 -maxperip=12000 -nodnslookup -noidentlookup "$POP3" \
	$C/courierpop3login $C/courierpop3d .
