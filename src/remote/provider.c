#include "remote/provider.h"

#include "remote/providers_text.h"

const char provider_tls_words[] = "implicit starttls none";
const char provider_status_words[] = "live unsure dead";

enum field {
	F_ID,
	F_DOMAINS,
	F_MX,
	F_POP3,
	F_SMTP,
	F_USER,
	F_LOGIN,
	F_STATUS,
	F_SINCE,
	F_NOTES,
	F_COUNT,
};

struct str provider_builtin(void)
{
	return str_of(providers_text, sizeof providers_text - 1);
}

static bool word_index(const char *words, struct str word, unsigned *index)
{
	struct str rest = str_c(words);

	for (*index = 0; rest.n > 0; ++*index)
		if (str_eq(str_cut(&rest, ' '), word))
			return true;
	return false;
}

/* "pop.example.org:995/implicit", or "-". */
static bool parse_service(struct str text, struct provider_service *s)
{
	struct str tls = text, port, place = str_cut(&tls, '/');
	uint64_t number;
	unsigned word;

	*s = (struct provider_service){ .host = STR("") };
	if (str_eq(text, STR("-")))
		return true;
	port = place;
	s->host = str_cut(&port, ':');
	if (s->host.n == 0 || !str_u64(port, &number) || number == 0 || number > 65535 ||
		!word_index(provider_tls_words, tls, &word))
		return false;
	s->port = (uint16_t)number;
	s->tls = (enum provider_tls)word;
	return true;
}

static const char *parse(struct str line, struct provider *p)
{
	struct str f[F_COUNT];
	unsigned word;

	for (int i = 0; i < F_COUNT; i++) {
		if (i > 0 && line.p == NULL)
			return "has too few fields";
		if (str_find(line, '\t') == line.n) {
			f[i] = line;
			line = (struct str){ NULL, 0 };
		} else {
			f[i] = str_cut(&line, '\t');
		}
	}
	if (line.p != NULL)
		return "has too many fields";
	*p = (struct provider){ .id = f[F_ID],
		.domains = f[F_DOMAINS],
		.mx = f[F_MX],
		.login = f[F_LOGIN],
		.since = f[F_SINCE],
		.notes = f[F_NOTES],
		.localpart = str_eq(f[F_USER], STR("localpart")) };
	if (p->id.n == 0)
		return "has no id";
	if (!parse_service(f[F_POP3], &p->pop3) || !parse_service(f[F_SMTP], &p->smtp))
		return "has a server that is not HOST:PORT/TLS or -";
	if (!p->localpart && !str_eq(f[F_USER], STR("address")))
		return "has a user name that is neither address nor localpart";
	if (!word_index(provider_status_words, f[F_STATUS], &word))
		return "has a status that is none of live, unsure, dead";
	p->status = (enum provider_status)word;
	return NULL;
}

enum status provider_cut(struct str *text, unsigned *line, struct provider *p, struct err *err)
{
	while (text->n > 0) {
		struct str row = str_cut(text, '\n');
		const char *wrong;

		++*line;
		if (row.n > 0 && row.p[row.n - 1] == '\r')
			row.n--;
		if (row.n == 0 || row.p[0] == '#')
			continue;
		wrong = parse(row, p);
		if (wrong == NULL)
			return ST_OK;
		return err_set(err, ST_USAGE, "providers.tsv:%u: the line %s", *line, wrong);
	}
	return ST_NOTFOUND;
}

/* A domain that is in the list; or the host's end at a dot is. */
static bool listed(struct str list, struct str name, bool suffix)
{
	while (list.n > 0) {
		struct str one = str_cut(&list, ',');

		if (one.n == 0 || one.n > name.n || (!suffix && one.n != name.n))
			continue;
		if (str_ieq(one, str_from(name, name.n - one.n)) &&
			(one.n == name.n || name.p[name.n - one.n - 1] == '.'))
			return true;
	}
	return false;
}

static bool find(struct str text, struct str name, bool mx, struct provider *p)
{
	unsigned line = 0;
	enum status status;

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	while ((status = provider_cut(&text, &line, p, NULL)) != ST_NOTFOUND)
		if (status == ST_OK &&
			(mx ? listed(p->mx, name, true)
			    : listed(p->domains, name, false) || str_ieq(p->id, name)))
			return true;
	return false;
}

bool provider_find(struct str text, struct str domain, struct provider *p)
{
	return find(text, domain, false, p);
}

bool provider_find_mx(struct str text, struct str host, struct provider *p)
{
	return find(text, host, true, p);
}

void provider_host(struct buf *out, const struct provider_service *s, struct str domain)
{
	const struct str mark = STR_INIT("%DOMAIN%");

	for (size_t i = 0; i < s->host.n;)
		if (str_starts(str_from(s->host, i), mark)) {
			buf_put(out, domain);
			i += mark.n;
		} else {
			buf_putc(out, s->host.p[i++]);
		}
}
