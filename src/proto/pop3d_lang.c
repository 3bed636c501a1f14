/* What the server says to people, in their language (RFC 6856 3).  Keys are the English texts, which the
 * rest of the engine uses; a text that has no row stays English.  '#' is a number, '@' our name. */
#include "proto/pop3d_impl.h"

enum { EN, DE, FR, ZH, LANGUAGES };

/* clang-format off */
static const struct language {
	struct str tag, name;
	unsigned char column;
} languages[] = {
	{ STR_INIT("i-default"), STR_INIT("Default"), EN }, /* RFC 2277 4.5; before any LANG */
	{ STR_INIT("en"),        STR_INIT("English"), EN },
	{ STR_INIT("de"),        STR_INIT("Deutsch"), DE },
	{ STR_INIT("fr"),        STR_INIT("français"), FR },
	{ STR_INIT("zh"),        STR_INIT("中文"), ZH },
};

static const struct str texts[][LANGUAGES] = {
	{ STR_INIT("language changed"), STR_INIT("Sprache gewechselt"),
		STR_INIT("langue changée"), STR_INIT("语言已切换") },
	{ STR_INIT("language is not available"), STR_INIT("diese Sprache gibt es hier nicht"),
		STR_INIT("cette langue n'est pas disponible"), STR_INIT("不支持该语言") },
	{ STR_INIT("languages follow"), STR_INIT("es folgen die Sprachen"),
		STR_INIT("liste des langues"), STR_INIT("语言列表如下") },
	{ STR_INIT("UTF-8 mode"), STR_INIT("UTF-8-Modus"), STR_INIT("mode UTF-8"), STR_INIT("UTF-8 模式") },
	{ STR_INIT("send PASS"), STR_INIT("weiter mit PASS"),
		STR_INIT("envoyez PASS"), STR_INIT("请发送 PASS") },
	{ STR_INIT("send USER first"), STR_INIT("zuerst USER"),
		STR_INIT("envoyez d'abord USER"), STR_INIT("请先发送 USER") },
	{ STR_INIT("TLS is needed to log in, use STLS"), STR_INIT("Anmelden nur mit TLS: STLS"),
		STR_INIT("TLS est requis pour se connecter : STLS"), STR_INIT("登录需要 TLS，请使用 STLS") },
	{ STR_INIT("TLS is needed to log in"), STR_INIT("Anmelden nur mit TLS"),
		STR_INIT("TLS est requis pour se connecter"), STR_INIT("登录需要 TLS") },
	{ STR_INIT("authentication failed"), STR_INIT("Anmeldung fehlgeschlagen"),
		STR_INIT("échec de l'authentification"), STR_INIT("认证失败") },
	{ STR_INIT("authentication cancelled"), STR_INIT("Anmeldung abgebrochen"),
		STR_INIT("authentification annulée"), STR_INIT("认证已取消") },
	{ STR_INIT("cannot authenticate now, try again"), STR_INIT("Anmelden ist jetzt nicht möglich, bitte später"),
		STR_INIT("authentification impossible pour l'instant, réessayez"), STR_INIT("暂时无法认证，请稍后再试") },
	{ STR_INIT("another session has this maildrop open"), STR_INIT("das Postfach ist in einer anderen Sitzung geöffnet"),
		STR_INIT("une autre session utilise cette boîte"), STR_INIT("另一个会话正在使用该邮箱") },
	{ STR_INIT("wait before the next login"), STR_INIT("bitte bis zur nächsten Anmeldung warten"),
		STR_INIT("attendez avant de vous reconnecter"), STR_INIT("请稍后再登录") },
	{ STR_INIT("the maildrop cannot be opened now"), STR_INIT("das Postfach lässt sich jetzt nicht öffnen"),
		STR_INIT("la boîte ne peut être ouverte pour l'instant"), STR_INIT("暂时无法打开邮箱") },
	{ STR_INIT("the listing cannot be read now"), STR_INIT("die Liste ist jetzt nicht lesbar"),
		STR_INIT("la liste ne peut être lue pour l'instant"), STR_INIT("暂时无法读取列表") },
	{ STR_INIT("the message cannot be read now"), STR_INIT("die Nachricht ist jetzt nicht lesbar"),
		STR_INIT("le message ne peut être lu pour l'instant"), STR_INIT("暂时无法读取邮件") },
	{ STR_INIT("the message is damaged"), STR_INIT("die Nachricht ist beschädigt"),
		STR_INIT("le message est endommagé"), STR_INIT("邮件已损坏") },
	{ STR_INIT("the message has a UTF-8 header, use UTF8"), STR_INIT("die Nachricht braucht UTF8"),
		STR_INIT("ce message demande UTF8"), STR_INIT("该邮件需要 UTF8 模式") },
	{ STR_INIT("maildrop has # message (# octets)"), STR_INIT("# Nachricht im Postfach (# Oktette)"),
		STR_INIT("# message dans la boîte (# octets)"), STR_INIT("邮箱中有 # 封邮件（# 字节）") },
	{ STR_INIT("maildrop has # messages (# octets)"), STR_INIT("# Nachrichten im Postfach (# Oktette)"),
		STR_INIT("# messages dans la boîte (# octets)"), STR_INIT("邮箱中有 # 封邮件（# 字节）") },
	{ STR_INIT("# message (# octets)"), STR_INIT("# Nachricht (# Oktette)"),
		STR_INIT("# message (# octets)"), STR_INIT("# 封邮件（# 字节）") },
	{ STR_INIT("# messages (# octets)"), STR_INIT("# Nachrichten (# Oktette)"),
		STR_INIT("# messages (# octets)"), STR_INIT("# 封邮件（# 字节）") },
	{ STR_INIT("# octets"), STR_INIT("# Oktette"), STR_INIT("# octets"), STR_INIT("# 字节") },
	{ STR_INIT("message follows"), STR_INIT("die Nachricht folgt"),
		STR_INIT("voici le message"), STR_INIT("邮件如下") },
	{ STR_INIT("top of message follows"), STR_INIT("der Anfang der Nachricht folgt"),
		STR_INIT("début du message"), STR_INIT("邮件开头如下") },
	{ STR_INIT("capability list follows"), STR_INIT("es folgen die Fähigkeiten"),
		STR_INIT("liste des capacités"), STR_INIT("功能列表如下") },
	{ STR_INIT("mechanisms follow"), STR_INIT("es folgen die Verfahren"),
		STR_INIT("liste des mécanismes"), STR_INIT("机制列表如下") },
	{ STR_INIT("no such message, only # in maildrop"), STR_INIT("keine solche Nachricht, nur # im Postfach"),
		STR_INIT("message inexistant, # dans la boîte"), STR_INIT("没有该邮件，邮箱中共 # 封") },
	{ STR_INIT("message # deleted"), STR_INIT("Nachricht # gelöscht"),
		STR_INIT("message # supprimé"), STR_INIT("邮件 # 已删除") },
	{ STR_INIT("message # already deleted"), STR_INIT("Nachricht # ist schon gelöscht"),
		STR_INIT("message # déjà supprimé"), STR_INIT("邮件 # 早已删除") },
	{ STR_INIT("deleted messages not removed"), STR_INIT("gelöschte Nachrichten wurden nicht entfernt"),
		STR_INIT("messages supprimés non retirés"), STR_INIT("已删除的邮件未能移除") },
	{ STR_INIT("@ POP3 server signing off"), STR_INIT("@ verabschiedet sich"),
		STR_INIT("@ : au revoir"), STR_INIT("@ 再见") },
	{ STR_INIT("@ POP3 server signing off (maildrop empty)"), STR_INIT("@ verabschiedet sich (Postfach leer)"),
		STR_INIT("@ : au revoir (boîte vide)"), STR_INIT("@ 再见（邮箱为空）") },
	{ STR_INIT("@ POP3 server signing off (# message left)"), STR_INIT("@ verabschiedet sich (noch # Nachricht)"),
		STR_INIT("@ : au revoir (reste # message)"), STR_INIT("@ 再见（剩余 # 封邮件）") },
	{ STR_INIT("@ POP3 server signing off (# messages left)"), STR_INIT("@ verabschiedet sich (noch # Nachrichten)"),
		STR_INIT("@ : au revoir (reste # messages)"), STR_INIT("@ 再见（剩余 # 封邮件）") },
	{ STR_INIT("server is shutting down"), STR_INIT("der Server wird beendet"),
		STR_INIT("le serveur s'arrête"), STR_INIT("服务器正在关闭") },
	{ STR_INIT("the administrator ended this session"), STR_INIT("der Verwalter hat die Sitzung beendet"),
		STR_INIT("l'administrateur a terminé la session"), STR_INIT("管理员已结束此会话") },
	{ STR_INIT("unknown command"), STR_INIT("unbekannter Befehl"),
		STR_INIT("commande inconnue"), STR_INIT("未知命令") },
	{ STR_INIT("not after login"), STR_INIT("nicht nach dem Anmelden"),
		STR_INIT("pas après la connexion"), STR_INIT("登录后不可用") },
	{ STR_INIT("log in first"), STR_INIT("zuerst anmelden"),
		STR_INIT("connectez-vous d'abord"), STR_INIT("请先登录") },
	{ STR_INIT("wrong number of arguments"), STR_INIT("falsche Zahl von Argumenten"),
		STR_INIT("nombre d'arguments incorrect"), STR_INIT("参数数量错误") },
};
/* clang-format on */

struct str pop3d_text(const struct pop3d *p, struct str english)
{
	unsigned char column = languages[p->language].column;

	if (column == EN)
		return english;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (str_eq(texts[i][EN], english))
			return texts[i][column];
	return english;
}

void pop3d_say(struct pop3d *p, struct str prefix, struct str english, uint64_t a, uint64_t b)
{
	struct str text = pop3d_text(p, english);

	buf_put(&p->out, prefix);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '#') {
			buf_putu(&p->out, a);
			a = b;
		} else if (text.p[i] == '@') {
			buf_put(&p->out, p->config->hostname);
		} else {
			buf_putc(&p->out, text.p[i]);
		}
	}
	buf_put(&p->out, STR("\r\n"));
}

/* RFC 4647 3.4, lookup: "de-CH" finds "de". */
static size_t find_language(struct str range)
{
	const size_t count = sizeof languages / sizeof *languages;

	while (range.n > 0) {
		size_t cut;

		for (size_t i = 0; i < count; i++)
			if (str_ieq(languages[i].tag, range))
				return i;
		cut = str_rfind(range, '-');
		range = str_head(range, cut < range.n ? cut : 0);
	}
	return count;
}

static enum pop3d_verdict list_languages(struct pop3d *p)
{
	pop3d_ok(p, STR("languages follow"));
	for (size_t i = 0; i < sizeof languages / sizeof *languages; i++) {
		buf_put(&p->out, languages[i].tag);
		buf_putc(&p->out, ' ');
		buf_put(&p->out, languages[i].name);
		buf_put(&p->out, STR("\r\n"));
	}
	buf_put(&p->out, STR(".\r\n"));
	return V_DONE;
}

/* RFC 6856 3.2.  "*" is the administrator's choice, the same for everybody: it tells nothing about who
 * exists (RFC 6856 7). */
enum pop3d_verdict pop3d_do_lang(struct pop3d *p, const struct str *arg, struct pop3d_event *ev)
{
	size_t found;

	(void)ev;
	if (arg == NULL)
		return list_languages(p);
	found = find_language(str_eq(arg[0], STR("*")) ? p->config->language : arg[0]);
	if (found == sizeof languages / sizeof *languages) {
		pop3d_err(p, POP3D_NO_CODE, STR("language is not available"));
		return V_DONE;
	}
	p->language = (unsigned char)found;
	buf_put(&p->out, STR("+OK "));
	buf_put(&p->out, languages[found].tag);
	pop3d_say(p, STR(" "), STR("language changed"), 0, 0);
	return V_DONE;
}
