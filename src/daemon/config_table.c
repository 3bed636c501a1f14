#include <stddef.h>

#include "daemon/config_table.h"

#define AT(member) offsetof(struct config, member)
#define KIB        (INT64_C(1024))
#define MIB        (1024 * KIB)
#define GIB        (1024 * MIB)
#define SECOND     (INT64_C(1000))
#define MINUTE     (60 * SECOND)
#define HOUR       (60 * MINUTE)
#define DAY        (24 * HOUR)

const char config_protocols[] = "smtp submission pop3 lmtp http";
const char config_tls_modes[] = "none starttls implicit";

#define KEYWORDS                                                                                   \
	"PIPELINING SIZE 8BITMIME SMTPUTF8 CHUNKING STARTTLS AUTH DSN LIMITS ENHANCEDSTATUSCODES " \
	"REQUIRETLS FUTURERELEASE XVERP ETRN"
#define MECHANISMS "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS OAUTHBEARER XOAUTH2 EXTERNAL"

/* clang-format off */
const struct config_setting config_settings[] = {
	{ "hostname", CONFIG_HOSTNAME, AT(hostname), "", 0, 253, NULL,
		"Name in greetings and Received lines; empty: the system's own name." },

	{ "tls_certificate", CONFIG_TEXT, AT(tls_certificate), "tls/cert.pem", 0, 4096, NULL,
		"Certificate chain in PEM, the server's own first; relative to the state directory." },
	{ "tls_key", CONFIG_TEXT, AT(tls_key), "tls/key.pem", 0, 4096, NULL,
		"Private key in PEM; relative to the state directory." },
	{ "tls_min_version", CONFIG_WORD, AT(tls_min_version), "1.2", 0, 0, "1.2 1.3",
		"Oldest TLS version that is spoken (RFC 8996 ends 1.0 and 1.1)." },
	{ "client_ca_file", CONFIG_TEXT, AT(client_ca_file), "", 0, 4096, NULL,
		"Authorities in PEM, relative to the state directory: client certificates of others open "
		"nothing; empty: any certificate of a key that an account has." },
	{ "tls_tickets", CONFIG_BOOL, AT(tls_tickets), "yes", 0, 0, NULL,
		"Gives clients tickets to resume TLS sessions by (RFC 8446 2.2)." },
	{ "tls_ticket_rotation", CONFIG_DURATION, AT(tls_ticket_rotation_ms), "12h", 1 * SECOND,
		7 * DAY, NULL,
		"How long one key seals tickets; it opens them for as long again." },

	{ "message_size_limit", CONFIG_OCTETS, AT(message_size_limit), "50M", 64 * KIB, 2 * GIB, NULL,
		"Largest message taken in; announced with SIZE (RFC 1870)." },
	{ "recipients_max", CONFIG_COUNT, AT(recipients_max), "1000", 100, 100000, NULL,
		"Recipients of one message; RFC 5321 4.5.3.1.8 asks for at least 100." },
	{ "transactions_max", CONFIG_COUNT, AT(transactions_max), "0", 0, 1000000, NULL,
		"Messages of one SMTP session, announced as MAILMAX (RFC 9422); 0: no limit." },
	{ "command_line_max", CONFIG_OCTETS, AT(command_line_max), "2K", 1 * KIB, 64 * KIB, NULL,
		"Longest SMTP command line; RFC 5321 4.5.3.1.4 asks for at least 512 octets plus "
		"what extensions add." },
	{ "header_size_limit", CONFIG_OCTETS, AT(header_size_limit), "1M", 16 * KIB, 64 * MIB, NULL,
		"Largest message header taken in." },
	{ "received_max", CONFIG_COUNT, AT(received_max), "50", 20, 1000, NULL,
		"Received lines that mean a mail loop; RFC 5321 6.3 asks for a large threshold." },
	{ "errors_soft", CONFIG_COUNT, AT(errors_soft), "10", 1, 1000, NULL,
		"Errors of an SMTP client after which its replies are delayed." },
	{ "errors_hard", CONFIG_COUNT, AT(errors_hard), "20", 1, 10000, NULL,
		"Errors of an SMTP client after which the session is closed with 421." },

	{ "connections_max", CONFIG_COUNT, AT(connections_max), "20000", 10, 1000000, NULL,
		"Connections at one time, all protocols and processes together." },
	{ "connections_per_address", CONFIG_COUNT, AT(connections_per_address), "50", 1, 1000000, NULL,
		"Connections at one time from one address (IPv6: one /64)." },
	{ "connections_per_network", CONFIG_COUNT, AT(connections_per_network), "1000", 1, 1000000, NULL,
		"Connections at one time from one network, an IPv4 /24 or an IPv6 /48; never fewer than one address may have." },
	{ "auth_failures", CONFIG_COUNT, AT(auth_failures), "3", 1, 100, NULL,
		"Failed logins after which a session is closed." },
	{ "cleartext_auth", CONFIG_BOOL, AT(cleartext_auth), "no", 0, 0, NULL,
		"Lets passwords through without TLS (against RFC 8314 3.3; for tests on loopback)." },

	{ "greet_timeout", CONFIG_DURATION, AT(greet_timeout_ms), "60s", 1 * SECOND, 10 * MINUTE, NULL,
		"Time a client has to send its first command." },
	{ "command_timeout", CONFIG_DURATION, AT(command_timeout_ms), "5m", 1 * SECOND, 1 * HOUR, NULL,
		"Time between SMTP commands (RFC 5321 4.5.3.2.7: at least 5 minutes)." },
	{ "data_timeout", CONFIG_DURATION, AT(data_timeout_ms), "10m", 1 * SECOND, 1 * HOUR, NULL,
		"Time between pieces of a message." },
	{ "session_max", CONFIG_DURATION, AT(session_max_ms), "4h", 1 * MINUTE, 7 * DAY, NULL,
		"Longest SMTP session, busy or not." },
	{ "login_timeout", CONFIG_DURATION, AT(login_timeout_ms), "3m", 5 * SECOND, 1 * HOUR, NULL,
		"Time a POP3 client has to log in." },
	{ "autologout", CONFIG_DURATION, AT(autologout_ms), "10m", 10 * MINUTE, 1 * DAY, NULL,
		"POP3 inactivity timer; RFC 1939 3 forbids less than 10 minutes." },
	{ "pop3_errors_before_login", CONFIG_COUNT, AT(pop3_errors_before_login), "5", 1, 1000, NULL,
		"Bad commands before login after which a POP3 session is closed." },
	{ "pop3_errors_after_login", CONFIG_COUNT, AT(pop3_errors_after_login), "50", 1, 10000, NULL,
		"Bad commands after login after which a POP3 session is closed." },
	{ "implementation", CONFIG_TEXT, AT(implementation), "Restante", 0, 100, NULL,
		"What POP3's CAPA says after IMPLEMENTATION (RFC 2449 6.9), %v being the version; "
		"empty: nothing." },
	{ "retention_days", CONFIG_DAYS, AT(retention_days), "never", 1, 36500, NULL,
		"Mail older than that is deleted; POP3's CAPA announces it with EXPIRE (RFC 2449 6.7)." },
	{ "pop3_login_delay", CONFIG_DURATION, AT(pop3_login_delay_ms), "0s", 0, 1 * DAY, NULL,
		"Time between POP3 logins of one account, announced with LOGIN-DELAY (RFC 2449 6.5); a "
		"session that deleted nothing does not count." },
	{ "pop3_lock_wait", CONFIG_DURATION, AT(pop3_lock_wait_ms), "500ms", 0, 10 * SECOND, NULL,
		"How long a POP3 login waits for a maildrop that another session has open, before it is "
		"refused with [IN-USE]." },
	{ "pop3_folders", CONFIG_WORD, AT(pop3_folders), "inbox", 0, 0, "inbox inbox+junk all",
		"Which folders POP3 hands out, of accounts that say nothing else: the inbox, and after it junk; "
		"all is both." },
	{ "pop3_utf8_headers", CONFIG_WORD, AT(pop3_utf8_headers), "downgrade", 0, 0,
		"downgrade refuse asis",
		"What POP3 clients without UTF8 get of mail that came with SMTPUTF8 and has a header that is not "
		"ASCII: a surrogate header (RFC 6858), -ERR [UTF8], or the message as it is." },
	{ "pop3_language", CONFIG_WORD, AT(pop3_language), "en", 0, 0, "en de fr zh",
		"Language that POP3's LANG * chooses (RFC 6856 3.2)." },
	{ "pop3_workarounds", CONFIG_WORDS, AT(pop3_workarounds), "none", 0, 0, "none nul separator",
		"For broken POP3 clients: nul sends octet 0x80 for each NUL, separator ends every header "
		"with an empty line." },
	{ "pop3_uidl_format", CONFIG_UIDL, AT(pop3_uidl_format), "%i", 0, 0, NULL,
		"How UIDLs of new and imported messages are made; %i where a variable is not known." },

	{ "sasl_mechanisms", CONFIG_WORDS, AT(sasl_mechanisms), MECHANISMS, 0, 0, MECHANISMS,
		"Login mechanisms offered, separated by spaces." },
	{ "quota_bytes", CONFIG_OCTETS, AT(quota_bytes), "0", 0, 1024 * 1024 * GIB, NULL,
		"Room of an account that has no quota of its own; 0: no limit; mail over it gets what quota_reply says." },
	{ "quota_messages", CONFIG_COUNT, AT(quota_messages), "0", 0, 1000000000, NULL,
		"Messages of an account that has no quota of its own; 0: no limit." },
	{ "quota_warning", CONFIG_COUNT, AT(quota_warning), "90", 1, 99, "off",
		"Percent of a quota, of octets or messages; who has a mailbox that mail fills over it gets one message in it, "
		"if there is room, and the next one after it held less again." },
	{ "quota_reply", CONFIG_WORD, AT(quota_reply), "defer", 0, 0, "defer refuse",
		"What mail over a quota gets: defer, 452 4.2.2, so that its sender tries again, or refuse, 552 5.2.2, so that the author is told at once." },
	{ "password_upgrade", CONFIG_BOOL, AT(password_upgrade), "yes", 0, 0, NULL,
		"Keeps a password that was taken over with --hash as argon2id and SCRAM keys from its next "
		"login on." },
	{ "password_length_min", CONFIG_COUNT, AT(password_length_min), "8", 1, 1000, NULL,
		"Octets that a password has at least when somebody types it; --password-stdin takes any." },
	{ "oauth_check", CONFIG_TEXT, AT(oauth_check), "", 0, 100, NULL,
		"Unix socket, relative to the state directory, that says whose a bearer token is; empty: "
		"OAUTHBEARER and XOAUTH2 are not offered." },
	{ "drop_characters", CONFIG_WORDS, AT(drop_characters), "none", 0, 0, "none . - _ '",
		"Characters that are left out of a recipient's name when it is not here as written, separated by "
		"spaces: with . mail for a.nn is ann's; one that has them in its name is found only as written, and "
		"logins stay as they are." },
	{ "sender_login_match", CONFIG_BOOL, AT(sender_login_match), "yes", 0, 0, NULL,
		"Submission: the sender must be an address of the account that logged in." },
	{ "from_login_match", CONFIG_BOOL, AT(from_login_match), "yes", 0, 0, NULL,
		"Submission: with sender_login_match, every address in From and Sender must be the account's "
		"too." },
	{ "ban_after_failures", CONFIG_COUNT, AT(ban_after_failures), "20", 0, 1000000, NULL,
		"Failed logins after which an address (IPv6: a /64) is banned, and five times as many for a "
		"/24 or /48; 0: never." },
	{ "ban_time", CONFIG_DURATION, AT(ban_time_ms), "10m", 1 * SECOND, 365 * DAY, NULL,
		"How long such a ban lasts." },
	{ "ban_exempt", CONFIG_NETWORKS, AT(ban_exempt), "127.0.0.0/8 ::1", 0, 0, NULL,
		"Networks that failed logins never ban." },
	{ "lmtp_clients", CONFIG_NETWORKS, AT(lmtp_clients), "127.0.0.0/8 ::1", 0, 0, NULL,
		"Who may hand in mail by LMTP (RFC 2033), which asks for no password." },
	{ "xclient_networks", CONFIG_NETWORKS, AT(xclient_networks), "", 0, 0, NULL,
		"Proxies whose word is taken, by XCLIENT, for who the client is." },
	{ "etrn_networks", CONFIG_NETWORKS, AT(etrn_networks), "", 0, 0, NULL,
		"Who may start the queue for a domain on port 25, by ETRN (RFC 1985)." },
	{ "hide_client_address", CONFIG_BOOL, AT(hide_client_address), "no", 0, 0, NULL,
		"Submission: leaves the client's address out of the Received line." },

	{ "queue_retry", CONFIG_RETRIES, AT(queue_retry), "1m, 5m, 15m, 30m, 1h, 2h, 4h", 0, 0, NULL,
		"Waiting times between attempts to deliver; the last one is repeated (RFC 5321 4.5.4.1)." },
	{ "queue_lifetime", CONFIG_DURATION, AT(queue_lifetime_ms), "5d", 1 * SECOND, 365 * DAY, NULL,
		"Time after which mail that cannot be delivered goes back to its sender." },
	{ "queue_delay_notice", CONFIG_DURATION, AT(queue_delay_notice_ms), "4h", 1 * SECOND, 365 * DAY,
		"off",
		"Time after which a sender is told that a message is late." },
	{ "queue_site_connections", CONFIG_COUNT, AT(queue_site_connections), "20", 1, 1000, NULL,
		"Deliveries to one destination at one time, at most; it begins with few." },
	{ "queue_site_rate", CONFIG_COUNT, AT(queue_site_rate), "0", 0, 1000000, NULL,
		"Messages to one destination in a minute; 0: no limit." },
	{ "disk_free_min", CONFIG_OCTETS, AT(disk_free_min), "32M", 0, 1024 * GIB, NULL,
		"With less room on the disk no mail is taken in (452 4.3.1), so that what waits can go out." },
	{ "smtp_client_connect_timeout", CONFIG_DURATION, AT(smtp_client_connect_timeout_ms), "30s",
		100, 10 * MINUTE, NULL,
		"Time to connect to one address of another server." },
	{ "smtp_client_greeting_timeout", CONFIG_DURATION, AT(smtp_client_greeting_timeout_ms), "5m",
		100, 1 * HOUR, NULL,
		"Time another server has to greet (RFC 5321 4.5.3.2.1)." },
	{ "smtp_client_command_timeout", CONFIG_DURATION, AT(smtp_client_command_timeout_ms), "5m",
		100, 1 * HOUR, NULL,
		"Time it has to answer a command (RFC 5321 4.5.3.2.2), and for a handshake of TLS." },
	{ "smtp_client_data_timeout", CONFIG_DURATION, AT(smtp_client_data_timeout_ms), "2m",
		100, 1 * HOUR, NULL,
		"Time it has to answer DATA (RFC 5321 4.5.3.2.4)." },
	{ "smtp_client_block_timeout", CONFIG_DURATION, AT(smtp_client_block_timeout_ms), "3m",
		100, 1 * HOUR, NULL,
		"Time it has to take in more of what is sent (RFC 5321 4.5.3.2.5)." },
	{ "smtp_client_dot_timeout", CONFIG_DURATION, AT(smtp_client_dot_timeout_ms), "10m",
		100, 2 * HOUR, NULL,
		"Time it has to answer to the end of a message (RFC 5321 4.5.3.2.6)." },
	{ "account_recipients_per_hour", CONFIG_COUNT, AT(account_recipients_per_hour), "500", 0,
		100000000, NULL,
		"Recipients elsewhere that one account may send to in an hour; 0: no limit." },
	{ "account_recipients_per_day", CONFIG_COUNT, AT(account_recipients_per_day), "2000", 0,
		1000000000, NULL,
		"The same for a day." },
	{ "account_new_recipients_per_day", CONFIG_COUNT, AT(account_new_recipients_per_day), "0", 0,
		1000000, NULL,
		"Recipients elsewhere that one account may write to for the first time in a day: who has its password "
		"writes to strangers; whom it wrote to is remembered only while this is set; 0: no limit." },
	{ "sender_checks", CONFIG_BOOL, AT(sender_checks), "yes", 0, 0, NULL,
		"Mail of strangers is checked by SPF, DKIM and DMARC (RFC 7208, 6376, 9989), and what was found is "
		"written on top of it, as Authentication-Results (RFC 8601)." },
	{ "dmarc_policy", CONFIG_WORD, AT(dmarc_policy), "enforce", 0, 0, "mark enforce",
		"Mail that fails DMARC, and whose domain asks for p=reject: mark takes it in with what was found, "
		"enforce refuses it (550 5.7.26); p=quarantine is only marked." },
	{ "check_timeout", CONFIG_DURATION, AT(check_timeout_ms), "5s", 100, 1 * MINUTE, NULL,
		"Time that all questions to DNS about one message may take after its end; what is not known then is "
		"temperror, and no policy applies." },
	{ "check_exempt", CONFIG_NETWORKS, AT(check_exempt), "127.0.0.0/8 ::1", 0, 0, NULL,
		"Clients whose mail is not checked, such as a relay in front of this server that has done so; their "
		"Authentication-Results stay." },
	{ "arc_trusted", CONFIG_TEXT, AT(arc_trusted), "", 0, 4096, NULL,
		"Domains, separated by spaces, whose ARC seal (RFC 8617) saves mail from dmarc_policy when it says that "
		"the mail passed DMARC there: those of mailing lists and forwarders." },
	{ "arc_seal", CONFIG_BOOL, AT(arc_seal), "yes", 0, 0, NULL,
		"Mail of others that is passed on gets an ARC seal (RFC 8617), when there is a DKIM key for it." },
	{ "suppression", CONFIG_BOOL, AT(suppression), "no", 0, 0, NULL,
		"Remembers for each account who was reported not to exist (5.1.1), and refuses mail to them." },
	{ "submit_socket", CONFIG_BOOL, AT(submit_socket), "yes", 0, 0, NULL,
		"Listens on submit.sock in the state directory, by which local users hand in mail: restante sendmail." },
	{ "future_release_max", CONFIG_DURATION, AT(future_release_max_ms), "30d", 0, 365 * DAY, NULL,
		"How long a user may have mail to other servers held back by FUTURERELEASE (RFC 4865); mailboxes here refuse it; 0s: not offered." },
	{ "dns_resolver", CONFIG_TEXT, AT(dns_resolver), "", 0, 100, NULL,
		"Address of the DNS server to ask, with @port when it is not 53; empty: the system's.  It should "
		"hand on the signatures of DNSSEC: restante status tells whether it does." },
	{ "dnssec_required", CONFIG_BOOL, AT(dnssec_required), "no", 0, 0, NULL,
		"Mail that needs DNS waits while the DNS server strips those signatures; no: until then it goes "
		"out, and DANE protects nothing." },
	{ "dnssec_trust_anchor", CONFIG_TEXT, AT(dnssec_trust_anchor), "", 0, 4096, NULL,
		"File with the keys that DNSSEC begins with, relative to the state directory; empty: the "
		"root's.  With a file that is empty nothing is validated, and DANE protects nothing." },
	{ "tls_ca_file", CONFIG_TEXT, AT(tls_ca_file), "", 0, 4096, NULL,
		"File with the authorities that certificates of other servers are checked by, relative to the "
		"state directory; empty: the system's." },

	{ "edges", CONFIG_COUNT, AT(edges), "0", 0, 256, NULL,
		"Processes that take connections; 0: one for each core." },
	{ "carriers", CONFIG_COUNT, AT(carriers), "1", 0, 16, NULL,
		"Processes that deliver to other servers; 0: outgoing mail waits." },
	{ "hash_threads", CONFIG_COUNT, AT(hash_threads), "2", 1, 64, NULL,
		"Threads that check passwords." },
	{ "hash_queue", CONFIG_COUNT, AT(hash_queue), "256", 1, 100000, NULL,
		"Logins that may wait for such a thread; more get a temporary failure, first those from "
		"the networks (IPv4 /16, IPv6 /32) that have most of them there." },
	{ "segment_size", CONFIG_OCTETS, AT(segment_size), "64M", 1 * MIB, 1 * GIB, NULL,
		"Size at which a journal segment is closed and the next begins." },
	{ "expunged_keep", CONFIG_DURATION, AT(expunged_keep_ms), "14d", 0, 3650 * DAY, NULL,
		"Time in which deleted mail can be restored; then its room is given back." },
	{ "scrub_interval", CONFIG_DURATION, AT(scrub_interval_ms), "30d", 0, 3650 * DAY, NULL,
		"Time after which the whole store is read again to find damage; 0: never." },
	{ "scrub_rate", CONFIG_OCTETS, AT(scrub_rate), "4M", 64 * KIB, 1 * GIB, NULL,
		"Octets a second that this reads." },
	{ "inline_max", CONFIG_OCTETS, AT(inline_max), "256K", 4 * KIB, 16 * MIB, NULL,
		"Messages up to this size are kept in the journal, larger ones in files of their own." },

	{ "log", CONFIG_TEXT, AT(log), "stderr", 1, 4096, NULL,
		"Where log lines go: stderr, or a file relative to the state directory." },
	{ "log_level", CONFIG_WORD, AT(log_level), "info", 0, 0, "debug info warn error",
		"The least important lines that are written." },
	{ "edge_user", CONFIG_TEXT, AT(edge_user), "restante-edge", 1, 32, NULL,
		"User of the processes that speak with the network, when started as root." },
	{ "store_user", CONFIG_TEXT, AT(store_user), "restante-store", 1, 32, NULL,
		"User of the process that keeps mail and accounts, when started as root." },
};
const size_t config_settings_count = sizeof config_settings / sizeof *config_settings;

const struct config_setting config_listen_settings[] = {
	{ "protocol", CONFIG_WORD, 0, "by name", 0, 0, config_protocols,
		"What is spoken; needed only when NAME is none of the known names." },
	{ "address", CONFIG_TEXT, 0, "{\"0.0.0.0\", \"::\"}", 1, 45, NULL,
		"One IPv4 or IPv6 address or a list of them." },
	{ "port", CONFIG_COUNT, 0, "by name", 1, 65535, NULL,
		"TCP port." },
	{ "tls", CONFIG_WORD, 0, "by name", 0, 0, config_tls_modes,
		"implicit: TLS from the first octet; starttls: STARTTLS or STLS is offered." },
	{ "tls_tickets", CONFIG_BOOL, 0, "the setting above", 0, 0, NULL,
		"As the setting of that name, for this listener." },
	{ "client_certificates", CONFIG_WORD, 0, "none", 0, 0, "none request",
		"request: asks for a certificate, by which a client may log in with EXTERNAL (RFC 4422 A); "
		"no tickets are given then." },
	{ "discard_ehlo", CONFIG_WORDS, 0, "none", 0, 0, "none " KEYWORDS,
		"SMTP and LMTP extensions that are not offered here." },
	{ "proxy_networks", CONFIG_NETWORKS, 0, "", 0, 0, NULL,
		"Proxies that tell the client's address by the PROXY protocol, and must." },
};
const size_t config_listen_settings_count =
	sizeof config_listen_settings / sizeof *config_listen_settings;

const struct config_setting config_certificate_settings[] = {
	{ "certificate", CONFIG_TEXT, 0, "none", 1, 4096, NULL,
		"Certificate chain in PEM, as tls_certificate; the names in it choose when it is used." },
	{ "key", CONFIG_TEXT, 0, "none", 1, 4096, NULL,
		"Its private key in PEM." },
};
const size_t config_certificate_settings_count =
	sizeof config_certificate_settings / sizeof *config_certificate_settings;

const char config_route_tls[] = "none may encrypt verify dane implicit starttls";
const char config_null_routes[] = "discard refuse";
#define LEVELS "none may encrypt verify dane"
#define RELAY_SETTINGS                                                                             \
	{ "port", CONFIG_COUNT, 0, "25, 587 with a user, 465 with tls = implicit, 24 for lmtp", 1, 65535, NULL,             \
		"Its TCP port." },                                                                 \
	{ "tls", CONFIG_WORD, 0, "may, verify with a user, none for lmtp", 0, 0, config_route_tls, \
		"What TLS must reach before mail is handed over; implicit: TLS from the first octet, "      \
		"verified; starttls: the same as verify." },                                                                     \
	{ "user", CONFIG_TEXT, 0, "none", 1, 320, NULL,                                             \
		"Name to log in with." },                                                          \
	{ "password", CONFIG_TEXT, 0, "none", 1, 1000, NULL,                                        \
		"Its password." },                                                                 \
	{ "password_command", CONFIG_TEXT, 0, "none", 1, 1000, NULL,                                \
		"A command whose first line of output is the password, or Bearer and an OAuth token; "      \
		"it is run as who started the server, but set-user-id programs such as sudo give it "        \
		"no rights; in at most 10 seconds, and kept for 5 minutes." }

const struct config_setting config_route_settings[] = {
	{ "relay", CONFIG_HOST, 0, "none", 1, 0, NULL,
		"Host that takes this mail by SMTP." },
	{ "lmtp", CONFIG_HOST, 0, "none", 1, 0, NULL,
		"Host that takes this mail by LMTP (RFC 2033)." },
	{ "null", CONFIG_WORD, 0, "none", 0, 0, config_null_routes,
		"Mail there is dropped, or refused." },
	{ "backup_mx", CONFIG_BOOL, 0, "no", 0, 0, NULL,
		"Strangers may send there through this server." },
	{ "recipients", CONFIG_TEXT, 0, "all", 0, 65535, NULL,
		"Addresses, separated by spaces, that strangers may send to." },
	{ "for", CONFIG_TEXT, 0, "the section's name", 0, 255, NULL,
		"Whom the section is for, so that there can be several, each under a name of its own." },
	{ "min_size", CONFIG_OCTETS, offsetof(struct route_rule, min_size), "none", 1, 1024 * GIB, NULL,
		"The section is only for messages of at least that size." },
	{ "max_size", CONFIG_OCTETS, offsetof(struct route_rule, max_size), "none", 1, 1024 * GIB, NULL,
		"The section is only for messages of at most that size." },
	{ "header", CONFIG_TEXT, 0, "none", 1, 1000, NULL,
		"The section is only for messages with such a field: its name, a colon, and what it says, in which "
		"each * stands for anything." },
	{ "retry", CONFIG_RETRIES, 0, "the setting queue_retry", 0, 0, NULL,
		"As queue_retry, for this mail." },
	{ "lifetime", CONFIG_DURATION, offsetof(struct route_rule, schedule.lifetime_ms),
		"the setting queue_lifetime", 1 * SECOND, 365 * DAY, NULL,
		"As queue_lifetime, for this mail." },
	{ "delay_notice", CONFIG_DURATION, offsetof(struct route_rule, schedule.delay_notice_ms),
		"the setting queue_delay_notice", 1 * SECOND, 365 * DAY, "off",
		"As queue_delay_notice, for this mail." },
	RELAY_SETTINGS,
};
const size_t config_route_settings_count =
	sizeof config_route_settings / sizeof *config_route_settings;

const struct config_setting config_relay_settings[] = {
	{ "host", CONFIG_HOST, 0, "none", 1, 0, NULL,
		"Host that takes the mail by SMTP." },
	RELAY_SETTINGS,
};
const size_t config_relay_settings_count =
	sizeof config_relay_settings / sizeof *config_relay_settings;

const struct config_setting config_policy_settings[] = {
	{ "level", CONFIG_WORD, 0, "may", 0, 0, LEVELS,
		"What TLS to that domain's servers must reach." },
};
const size_t config_policy_settings_count =
	sizeof config_policy_settings / sizeof *config_policy_settings;

/* Ports: RFC 5321 4.5.4.2, RFC 6409 3.1, RFC 8314 7.3, RFC 1939 3, RFC 8314 7.2; 24 is for any
 * private mail system, and RFC 2033 5 forbids 25. */
const struct config_listen_kind config_listen_kinds[] = {
	{ "smtp",        LISTEN_SMTP,       LISTEN_TLS_STARTTLS, 25, CONFIG_LISTEN_ALWAYS },
	{ "submission",  LISTEN_SUBMISSION, LISTEN_TLS_STARTTLS, 587, CONFIG_LISTEN_ALWAYS },
	{ "submissions", LISTEN_SUBMISSION, LISTEN_TLS_IMPLICIT, 465, CONFIG_LISTEN_ALWAYS },
	{ "pop3",        LISTEN_POP3,       LISTEN_TLS_STARTTLS, 110, CONFIG_LISTEN_ALWAYS },
	{ "pop3s",       LISTEN_POP3,       LISTEN_TLS_IMPLICIT, 995, CONFIG_LISTEN_ALWAYS },
	{ "lmtp",        LISTEN_LMTP,       LISTEN_TLS_NONE,     24, CONFIG_LISTEN_LOCAL },
	{ "https",       LISTEN_HTTP,       LISTEN_TLS_IMPLICIT, 443, CONFIG_LISTEN_WHEN_WRITTEN },
	{ "http",        LISTEN_HTTP,       LISTEN_TLS_NONE,     80, CONFIG_LISTEN_WHEN_WRITTEN },
};
const size_t config_listen_kinds_count = sizeof config_listen_kinds / sizeof *config_listen_kinds;
/* clang-format on */

const struct config_setting *config_setting_find(struct str name)
{
	for (size_t i = 0; i < config_settings_count; i++)
		if (str_eq(str_c(config_settings[i].name), name))
			return &config_settings[i];
	return NULL;
}

const struct config_listen_kind *config_listen_kind(struct str name)
{
	for (size_t i = 0; i < config_listen_kinds_count; i++)
		if (str_eq(str_c(config_listen_kinds[i].name), name))
			return &config_listen_kinds[i];
	return NULL;
}

int config_word(const char *words, struct str word)
{
	struct str rest = str_c(words);

	for (int i = 0; rest.n > 0; i++)
		if (str_eq(str_cut(&rest, ' '), word))
			return i;
	return -1;
}

struct str config_word_at(const char *words, size_t n)
{
	struct str rest = str_c(words), word = str_cut(&rest, ' ');

	while (n-- > 0)
		word = str_cut(&rest, ' ');
	return word;
}
