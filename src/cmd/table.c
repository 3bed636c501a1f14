/* Every command and every option, once. */
#include "cmd/cmd.h"

#define LIST   "state json"
#define QUOTAS " quota-bytes quota-messages"

/* clang-format off */
const struct option options[OPTION_COUNT] = {
	[OPTION_STATE] = { "state", "DIR",
		"the state directory; else $RESTANTE_STATE, else /var/lib/restante, or ~/.local/share/restante" },
	[OPTION_JSON] = { "json", NULL, "print JSON" },
	[OPTION_HELP] = { "help", NULL, "tell how the command is used" },
	[OPTION_DOMAIN] = { "domain", "DOMAIN", "the first domain of the office" },
	[OPTION_HOSTNAME] = { "hostname", "NAME",
		"the server's name; else the system's, if it has a dot, else mail.DOMAIN" },
	[OPTION_PORT_OFFSET] = { "port-offset", "N",
		"listen on loopback only, at the standard ports plus N" },
	[OPTION_PASSWORD_STDIN] = { "password-stdin", NULL,
		"read the password from the first line of standard input" },
	[OPTION_HASH] = { "hash", "SCHEME",
		"keep the password under this scheme, or '{SCHEME}...': take over this hash" },
	[OPTION_QUOTA_BYTES] = { "quota-bytes", "N",
		"room for mail: octets, also with K, M, G or T; none; or default" },
	[OPTION_QUOTA_MESSAGES] = { "quota-messages", "N", "how many messages: a number, none or default" },
	[OPTION_NAME] = { "name", "NAME", "what the application password is for" },
	[OPTION_SCOPE] = { "scope", "SCOPE", "what it opens: pop3, smtp or all (the default)" },
	[OPTION_EXPIRES] = { "expires", "WHEN", "until then: 2027-01-31, or a time from now on such as 90d" },
	[OPTION_ALIAS_OF] = { "alias-of", "DOMAIN", "make it another name of this domain" },
	[OPTION_EXPUNGED] = { "expunged", NULL, "what was deleted and can still be restored" },
	[OPTION_UIDL] = { "uidl", "UIDL", "the message with this UIDL" },
	[OPTION_SINCE] = { "since", "DURATION", "what was deleted within this time, such as 12h or 7d" },
	[OPTION_NOW] = { "now", NULL, "copy all that still counts, also when it is most of it" },
	[OPTION_ALL] = { "all", NULL, "everything that can be restored" },
	[OPTION_REBUILD] = { "rebuild", NULL, "make the index anew from the journal" },
	[OPTION_FORMAT] = { "format", "FORMAT",
		"import: mboxrd (default) or mboxo; export: maildir or mboxrd" },
	[OPTION_UIDL_FORMAT] = { "uidl-format", "FORMAT",
		"where UIDLs come from: dovecot, courier, x-uidl, none, or a template with %u or %f" },
	[OPTION_RETENTION_DAYS] = { "retention-days", "N",
		"delete mail that is older: a number of days, never or default" },
	[OPTION_OVER_QUOTA] = { "over-quota", NULL, "also what the account's quota has no room for" },
	[OPTION_FOLDERS] = { "folders", NULL, "a Maildir's folders too, not only its inbox" },
};

const struct command commands[] = {
	{ "init", "--domain DOMAIN", "state domain hostname port-offset",
		0, 0, cmd_init, "make a state directory: configuration, keys, certificate, empty store" },
	{ "serve", "", "state", 0, 0, cmd_serve, "run the office in the foreground" },

	{ "account add", "ADDRESS", LIST " password-stdin hash retention-days" QUOTAS, 1, 1,
		cmd_account_add,
		"add an account; the password is asked for, or generated and printed" },
	{ "account set", "ADDRESS", "state retention-days" QUOTAS, 1, 1, cmd_account_set,
		"change an account's quotas, or how long it keeps mail" },
	{ "account del", "ADDRESS", "state", 1, 1, cmd_account_del, "delete an account and its mail" },
	{ "account passwd", "ADDRESS", LIST " password-stdin hash", 1, 1, cmd_account_passwd,
		"change a password" },
	{ "account list", "", LIST, 0, 0, cmd_account_list, "list the accounts" },
	{ "account show", "ADDRESS", LIST, 1, 1, cmd_account_show, "show one account" },
	{ "account disable", "ADDRESS", "state", 1, 1, cmd_account_disable,
		"let an account neither log in nor get mail" },
	{ "account enable", "ADDRESS", "state", 1, 1, cmd_account_enable, "undo disable" },
	{ "account capture", "ADDRESS on|off", LIST, 2, 2, cmd_account_capture,
		"record the POP3 sessions of an account, for a day" },

	{ "account app-password add", "ADDRESS --name NAME",
		LIST " name scope expires", 1, 1, cmd_app_password_add,
		"make a password for one program and print it, this once" },
	{ "account app-password del", "ADDRESS NAME", "state", 2, 2, cmd_app_password_del,
		"delete an application password" },
	{ "account app-password list", "ADDRESS", LIST, 1, 1, cmd_app_password_list,
		"list the application passwords of an account" },

	{ "account cert add", "ADDRESS FILE|FINGERPRINT", "state", 2, 2, cmd_cert_add,
		"let who holds the key of this certificate log in with EXTERNAL" },
	{ "account cert del", "ADDRESS FILE|FINGERPRINT", "state", 2, 2, cmd_cert_del,
		"take that away" },
	{ "account cert list", "ADDRESS", LIST, 1, 1, cmd_cert_list,
		"list the certificates of an account" },

	{ "alias add", "ALIAS TARGET...", "state", 2, -1, cmd_alias_add,
		"lead an address to others; @DOMAIN: what nobody else there gets" },
	{ "alias del", "ALIAS [TARGET...]", "state", 1, -1, cmd_alias_del,
		"delete an alias, or only these targets of it" },
	{ "alias list", "", LIST, 0, 0, cmd_alias_list, "list the aliases" },

	{ "domain add", "DOMAIN", "state alias-of", 1, 1, cmd_domain_add,
		"take in mail for another domain" },
	{ "domain set", "DOMAIN --retention-days N", "state retention-days", 1, 1, cmd_domain_set,
		"change how long the accounts of a domain keep mail" },
	{ "domain del", "DOMAIN", "state", 1, 1, cmd_domain_del, "delete a domain that nothing uses" },
	{ "domain list", "", LIST, 0, 0, cmd_domain_list, "list the domains" },

	{ "mailbox list", "ADDRESS", LIST " expunged", 1, 1, cmd_mailbox_list, "list the messages of an account" },
	{ "mailbox show", "ADDRESS UIDL", "state", 2, 2, cmd_mailbox_show,
		"write a message to standard output" },
	{ "mailbox envelope", "ADDRESS UIDL", LIST, 2, 2, cmd_mailbox_envelope,
		"tell who sent a message to whom, from where, and which notices were asked for" },
	{ "mailbox import", "ADDRESS PATH", LIST " format uidl-format folders over-quota",
		2, 2, cmd_mailbox_import, "take in an mbox, a Maildir, .eml files; again as often as one likes" },
	{ "mailbox export", "ADDRESS PATH", LIST " format", 2, 2, cmd_mailbox_export,
		"write a maildrop to a new Maildir or mbox" },
	{ "mailbox undelete", "ADDRESS --uidl UIDL|--since DURATION|--all",
		LIST " uidl since all", 1, 1, cmd_mailbox_undelete,
		"bring deleted messages back" },

	{ "ban add", "NETWORK", "state expires", 1, 1, cmd_ban_add,
		"refuse connections from an address or a network" },
	{ "ban del", "NETWORK", "state", 1, 1, cmd_ban_del, "let a banned network in again" },
	{ "ban list", "", LIST, 0, 0, cmd_ban_list, "list who is banned now, why and until when" },

	{ "store status", "", LIST, 0, 0, cmd_store_status, "tell how much room the mail takes" },
	{ "store compact", "", LIST " now", 0, 0, cmd_store_compact,
		"give the room of deleted mail back" },

	{ "who", "", LIST, 0, 0, cmd_who, "list the sessions that have logged in or send mail" },
	{ "kick", "SESSION|ADDRESS", LIST, 1, 1, cmd_kick, "end a session, or all of an account" },

	{ "provider list", "", LIST, 0, 0, cmd_provider_list, "list the mail providers that are known" },
	{ "provider show", "DOMAIN|ADDRESS", LIST, 1, 1, cmd_provider_show,
		"tell where the customers of a provider fetch and send" },

	{ "config check", "", "state", 0, 0, cmd_config_check, "read restante.conf and tell what is wrong" },
	{ "config show", "", LIST, 0, 0, cmd_config_show, "print the settings in effect" },
	{ "config defaults", "", LIST, 0, 0, cmd_config_defaults,
		"print every setting with its default, range and meaning" },

	{ "fsck", "", LIST " rebuild", 0, 0, cmd_fsck, "check the store; changes nothing" },
	{ "completion", "SHELL", "state", 1, 1, cmd_completion, "print completion code for SHELL: bash" },
	{ "version", "", LIST, 0, 0, cmd_version, "print the version" },
	{ "help", "[COMMAND...]", LIST, 0, -1, cmd_help, "tell how commands are used" },
};
/* clang-format on */
const size_t commands_count = sizeof commands / sizeof *commands;
