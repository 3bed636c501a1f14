#include "remote/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "remote/command.h"

static bool given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static void first_line(struct buf *b)
{
	size_t n = str_find(buf_str(b), '\n');

	if (n > 0 && n <= b->len && buf_str(b).p[n - 1] == '\r')
		n--;
	buf_truncate(b, n);
}

/* What anybody else may read is no secret: refused, as ssh does. */
static enum status check_mode(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set(err, ST_IO, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, ST_USAGE, "%s is no file", path);
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return err_set(err, ST_USAGE, "%s can be read by others: chmod 600 it", path);
	return ST_OK;
}

enum status secret_file(const char *path, struct buf *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum status status;
	ssize_t n = 1;

	if (fd < 0)
		return err_set(err, errno == ENOENT ? ST_NOTFOUND : ST_IO, "open %s: %s", path,
			strerror(errno));
	status = check_mode(fd, path, err);
	while (status == ST_OK && n > 0 && !out->full) {
		char *room = buf_reserve(out, 1024);

		n = room == NULL ? 0 : read(fd, room, 1024);
		if (n > 0)
			buf_grew(out, (size_t)n);
		else if (n < 0)
			status = err_set(err, ST_IO, "read %s: %s", path, strerror(errno));
	}
	close(fd);
	if (out->full)
		status = err_set(err, ST_LIMIT, "%s is longer than %d octets", path, SECRET_MAX);
	return status;
}

static enum status from_file(const struct secret_source *s, struct buf *out, struct err *err)
{
	bool absolute = s->password_file[0] == '/' || !given(s->base);
	struct err why = { ST_OK, "" };
	struct buf path = { 0 };
	enum status status;
	char *name;

	buf_put(&path, str_c(absolute ? "" : s->base));
	buf_put(&path, str_c(absolute ? "" : "/"));
	buf_put(&path, str_c(s->password_file));
	name = buf_steal_c(&path);
	status = secret_file(name, out, &why);
	free(name);
	return status == ST_OK ? ST_OK
			       : err_set(err, status == ST_NOTFOUND ? ST_USAGE : status,
					 "password_file: %s", why.text);
}

static enum status from_command(const char *line, struct buf *out, struct err *err)
{
	struct user_command c;
	int code;
	enum status status = command_start(&c, line, COMMAND_OUTPUT, SECRET_TIMEOUT_MS, err);

	if (status == ST_OK)
		status = command_read(&c, out, err);
	if (command_end(&c, &code, err) != ST_OK && status == ST_OK)
		status = ST_TEMP;
	if (status != ST_OK)
		return status;
	if (code != 0)
		return err_set(
			err, ST_TEMP, "the command for the password ended with status %d", code);
	return out->full ? err_set(err, ST_LIMIT, "the command printed more than %d octets",
				   SECRET_MAX)
			 : ST_OK;
}

/* A word, or a quoted one with "\" before any character; a macro definition runs to an empty line. */
static struct str netrc_word(struct str *rest, struct buf *word)
{
	struct str s = *rest;
	bool quoted;

	buf_clear(word);
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\n' || s.p[0] == '\r'))
		s = str_from(s, 1);
	quoted = s.n > 0 && s.p[0] == '"';
	s = str_from(s, quoted ? 1 : 0);
	while (s.n > 0 && !(quoted ? s.p[0] == '"' : str_find(STR(" \t\r\n"), s.p[0]) < 4)) {
		if (s.p[0] == '\\' && s.n > 1)
			s = str_from(s, 1);
		buf_putc(word, s.p[0]);
		s = str_from(s, 1);
	}
	*rest = str_from(s, quoted ? 1 : 0);
	return buf_str(word);
}

struct netrc_entry {
	bool machine, login_said, login, password_said;
	struct buf password;
};

bool netrc_find(struct str text, struct str host, struct str user, struct buf *out)
{
	struct netrc_entry e = { .machine = false };
	struct buf word = { .secret = true };
	bool found = false;

	e.password.secret = true;
	while (!found && text.n > 0) {
		struct str key = netrc_word(&text, &word);

		if (str_eq(key, STR("machine")) || str_eq(key, STR("default"))) {
			bool any = str_eq(key, STR("default"));

			e.login_said = e.login = e.password_said = false;
			e.machine = any || str_ieq(netrc_word(&text, &word), host);
		} else if (str_eq(key, STR("login")) || str_eq(key, STR("user"))) {
			e.login_said = true;
			e.login = str_eq(netrc_word(&text, &word), user);
		} else if (str_eq(key, STR("password"))) {
			e.password_said = true;
			buf_clear(&e.password);
			buf_put(&e.password, netrc_word(&text, &word));
		} else if (str_eq(key, STR("macdef"))) {
			while (text.n > 0 && !str_starts(text, STR("\n\n")))
				text = str_from(text, 1);
		} else if (str_eq(key, STR("account"))) {
			netrc_word(&text, &word);
		}
		/* The login may stand before or after the password; an entry without one is for all. */
		found = e.machine && e.password_said && (e.login || !e.login_said);
		if (found && !e.login_said) {
			struct str ahead = text, next = netrc_word(&ahead, &word);

			found = !str_eq(next, STR("login")) && !str_eq(next, STR("user"));
		}
	}
	if (found)
		buf_put(out, buf_str(&e.password));
	buf_wipe(&e.password);
	buf_wipe(&word);
	return found;
}

static enum status from_netrc(const struct secret_source *s, struct buf *out, struct err *err)
{
	struct buf text;
	enum status status;
	struct err why = { 0 };

	buf_init(&text, SECRET_MAX);
	text.secret = true;
	status = given(s->netrc) ? secret_file(s->netrc, &text, &why) : ST_NOTFOUND;
	if (status == ST_OK && !netrc_find(buf_str(&text), s->host, s->user, out))
		status = ST_NOTFOUND;
	buf_wipe(&text);
	if (status == ST_NOTFOUND)
		return err_set(err, ST_NOTFOUND,
			"no password is known: set password_file, password_command or "
			"token_command");
	return status == ST_OK ? ST_OK : err_set(err, status, "%s", why.text);
}

enum status secret_get(const struct secret_source *s, struct buf *out, bool *token, struct err *err)
{
	enum status status;

	buf_init(out, SECRET_MAX);
	out->secret = true;
	*token = given(s->token_command);
	if (given(s->password_file))
		status = from_file(s, out, err);
	else if (given(s->password_command))
		status = from_command(s->password_command, out, err);
	else if (*token)
		status = from_command(s->token_command, out, err);
	else
		return from_netrc(s, out, err);
	first_line(out);
	if (status == ST_OK && out->len == 0)
		status = err_set(err, ST_USAGE, "the password is empty");
	return status;
}
