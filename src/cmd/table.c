/* Every command and every option, once. */
#include "cmd/cmd.h"

#define STATE  OPTION_STATE
#define LIST   (OPTION_STATE | OPTION_JSON)
#define QUOTAS (OPTION_QUOTA_BYTES | OPTION_QUOTA_MESSAGES)

/* clang-format off */
const struct option options[] = {
	{ "--state", "DIR", OPTION_STATE,
		"the state directory; else $RESTANTE_STATE, else /var/lib/restante" },
	{ "--json", NULL, OPTION_JSON, "print JSON" },
	{ "--help", NULL, OPTION_HELP, "tell how the command is used" },
	{ "--domain", "DOMAIN", OPTION_DOMAIN, "the first domain of the office" },
	{ "--hostname", "NAME", OPTION_HOSTNAME,
		"the server's name; else the system's, if it has a dot, else mail.DOMAIN" },
	{ "--port-offset", "N", OPTION_PORT_OFFSET,
		"listen on loopback only, at the standard ports plus N" },
	{ "--password-stdin", NULL, OPTION_PASSWORD_STDIN,
		"read the password from the first line of standard input" },
	{ "--hash", "SCHEME", OPTION_HASH,
		"keep the password under this scheme, or '{SCHEME}...': take over this hash" },
	{ "--quota-bytes", "N", OPTION_QUOTA_BYTES,
		"room for mail: octets, also with K, M, G or T; none; or default" },
	{ "--quota-messages", "N", OPTION_QUOTA_MESSAGES, "how many messages: a number, none or default" },
	{ "--name", "NAME", OPTION_NAME, "what the application password is for" },
	{ "--scope", "SCOPE", OPTION_SCOPE, "what it opens: pop3, smtp or all (the default)" },
	{ "--expires", "WHEN", OPTION_EXPIRES, "until then: 2027-01-31, or a time from now on such as 90d" },
	{ "--alias-of", "DOMAIN", OPTION_ALIAS_OF, "make it another name of this domain" },
	{ "--expunged", NULL, OPTION_EXPUNGED, "what was deleted and can still be restored" },
	{ "--uidl", "UIDL", OPTION_UIDL, "the message with this UIDL" },
	{ "--since", "DURATION", OPTION_SINCE, "what was deleted within this time, such as 12h or 7d" },
	{ "--now", NULL, OPTION_NOW, "copy all that still counts, also when it is most of it" },
	{ "--all", NULL, OPTION_ALL, "everything that can be restored" },
	{ "--rebuild", NULL, OPTION_REBUILD, "make the index anew from the journal" },
	{ "--format", "FORMAT", OPTION_FORMAT,
		"import: mboxrd (default) or mboxo; export: maildir or mboxrd" },
	{ "--uidl-format", "FORMAT", OPTION_UIDL_FORMAT,
		"where UIDLs come from: dovecot, courier, x-uidl, none, or a template with %u or %f" },
	{ "--folders", NULL, OPTION_FOLDERS, "a Maildir's folders too, not only its inbox" },
};
const size_t options_count = sizeof options / sizeof *options;

const struct command commands[] = {
	{ "init", "--domain DOMAIN", STATE | OPTION_DOMAIN | OPTION_HOSTNAME | OPTION_PORT_OFFSET,
		0, 0, cmd_init, "make a state directory: configuration, keys, certificate, empty store" },
	{ "serve", "", STATE, 0, 0, cmd_serve, "run the office in the foreground" },

	{ "account add", "ADDRESS", LIST | OPTION_PASSWORD_STDIN | OPTION_HASH | QUOTAS, 1, 1,
		cmd_account_add,
		"add an account; the password is asked for, or generated and printed" },
	{ "account set", "ADDRESS", STATE | QUOTAS, 1, 1, cmd_account_set, "change an account's quotas" },
	{ "account del", "ADDRESS", STATE, 1, 1, cmd_account_del, "delete an account and its mail" },
	{ "account passwd", "ADDRESS", LIST | OPTION_PASSWORD_STDIN | OPTION_HASH, 1, 1, cmd_account_passwd,
		"change a password" },
	{ "account list", "", LIST, 0, 0, cmd_account_list, "list the accounts" },
	{ "account show", "ADDRESS", LIST, 1, 1, cmd_account_show, "show one account" },
	{ "account disable", "ADDRESS", STATE, 1, 1, cmd_account_disable,
		"let an account neither log in nor get mail" },
	{ "account enable", "ADDRESS", STATE, 1, 1, cmd_account_enable, "undo disable" },
	{ "account capture", "ADDRESS on|off", LIST, 2, 2, cmd_account_capture,
		"record the POP3 sessions of an account, for a day" },

	{ "account app-password add", "ADDRESS --name NAME",
		LIST | OPTION_NAME | OPTION_SCOPE | OPTION_EXPIRES, 1, 1, cmd_app_password_add,
		"make a password for one program and print it, this once" },
	{ "account app-password del", "ADDRESS NAME", STATE, 2, 2, cmd_app_password_del,
		"delete an application password" },
	{ "account app-password list", "ADDRESS", LIST, 1, 1, cmd_app_password_list,
		"list the application passwords of an account" },

	{ "alias add", "ALIAS TARGET...", STATE, 2, -1, cmd_alias_add,
		"lead an address to others; @DOMAIN: what nobody else there gets" },
	{ "alias del", "ALIAS [TARGET...]", STATE, 1, -1, cmd_alias_del,
		"delete an alias, or only these targets of it" },
	{ "alias list", "", LIST, 0, 0, cmd_alias_list, "list the aliases" },

	{ "domain add", "DOMAIN", STATE | OPTION_ALIAS_OF, 1, 1, cmd_domain_add,
		"take in mail for another domain" },
	{ "domain del", "DOMAIN", STATE, 1, 1, cmd_domain_del, "delete a domain that nothing uses" },
	{ "domain list", "", LIST, 0, 0, cmd_domain_list, "list the domains" },

	{ "mailbox list", "ADDRESS", LIST | OPTION_EXPUNGED, 1, 1, cmd_mailbox_list, "list the messages of an account" },
	{ "mailbox show", "ADDRESS UIDL", STATE, 2, 2, cmd_mailbox_show,
		"write a message to standard output" },
	{ "mailbox envelope", "ADDRESS UIDL", LIST, 2, 2, cmd_mailbox_envelope,
		"tell who sent a message to whom, from where, and which notices were asked for" },
	{ "mailbox import", "ADDRESS PATH", LIST | OPTION_FORMAT | OPTION_UIDL_FORMAT | OPTION_FOLDERS,
		2, 2, cmd_mailbox_import, "take in an mbox, a Maildir, .eml files; again as often as one likes" },
	{ "mailbox export", "ADDRESS PATH", LIST | OPTION_FORMAT, 2, 2, cmd_mailbox_export,
		"write a maildrop to a new Maildir or mbox" },
	{ "mailbox undelete", "ADDRESS --uidl UIDL|--since DURATION|--all",
		LIST | OPTION_UIDL | OPTION_SINCE | OPTION_ALL, 1, 1, cmd_mailbox_undelete,
		"bring deleted messages back" },

	{ "ban add", "NETWORK", STATE | OPTION_EXPIRES, 1, 1, cmd_ban_add,
		"refuse connections from an address or a network" },
	{ "ban del", "NETWORK", STATE, 1, 1, cmd_ban_del, "let a banned network in again" },
	{ "ban list", "", LIST, 0, 0, cmd_ban_list, "list who is banned now, why and until when" },

	{ "store status", "", LIST, 0, 0, cmd_store_status, "tell how much room the mail takes" },
	{ "store compact", "", LIST | OPTION_NOW, 0, 0, cmd_store_compact,
		"give the room of deleted mail back" },

	{ "who", "", LIST, 0, 0, cmd_who, "list the sessions that have logged in or send mail" },
	{ "kick", "SESSION|ADDRESS", LIST, 1, 1, cmd_kick, "end a session, or all of an account" },

	{ "config check", "", STATE, 0, 0, cmd_config_check, "read restante.conf and tell what is wrong" },
	{ "config show", "", LIST, 0, 0, cmd_config_show, "print the settings in effect" },
	{ "config defaults", "", LIST, 0, 0, cmd_config_defaults,
		"print every setting with its default, range and meaning" },

	{ "fsck", "", LIST | OPTION_REBUILD, 0, 0, cmd_fsck, "check the store; changes nothing" },
	{ "completion", "SHELL", STATE, 1, 1, cmd_completion, "print completion code for SHELL: bash" },
	{ "version", "", LIST, 0, 0, cmd_version, "print the version" },
	{ "help", "[COMMAND...]", LIST, 0, -1, cmd_help, "tell how commands are used" },
};
/* clang-format on */
const size_t commands_count = sizeof commands / sizeof *commands;
