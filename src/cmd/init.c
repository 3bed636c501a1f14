/* restante init: a state directory from nothing.  Its version file comes last: a directory without
 * it is one that was not finished, and no command works on it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "account/canonical.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "daemon/control.h"
#include "net/tls.h"

enum { OFFSET_MAX = 65535 - 995 };

struct plan {
	char domain[DOMAIN_MAX + 1];
	char hostname[DOMAIN_MAX + 1];
	uint64_t port_offset;
	bool keep_config; /* its owner wrote one by hand */
};

static bool is_empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	bool empty = dir != NULL;

	while (empty && (e = readdir(dir)) != NULL)
		empty = str_eq(str_c(e->d_name), STR(".")) || str_eq(str_c(e->d_name), STR(".."));
	if (dir != NULL)
		closedir(dir);
	return empty;
}

static int plan_hostname(struct cmd *c, struct plan *p)
{
	struct buf text;
	struct err err = { ST_OK, "" };
	struct config *config;
	char name[256] = "";

	if (c->value[OPTION_HOSTNAME] != NULL)
		snprintf(name, sizeof name, "%s", c->value[OPTION_HOSTNAME]);
	else if (gethostname(name, sizeof name - 1) != 0 ||
		 str_find(str_c(name), '.') == str_c(name).n)
		snprintf(name, sizeof name, "mail.%.248s", p->domain);
	buf_init(&text, 0);
	buf_printf(&text, "hostname = \"%s\"", name);
	config = config_parse(buf_str(&text), "--hostname", &err);
	buf_deinit(&text);
	if (config == NULL)
		return cmd_fail(
			c, EX_USAGE, "'%.200s' is no host name: give --hostname NAME", name);
	snprintf(p->hostname, sizeof p->hostname, "%s", config->hostname);
	config_free(config);
	return EX_OK;
}

static int make_plan(struct cmd *c, const char *domain, struct plan *p)
{
	size_t n = 0;

	if (domain == NULL)
		return cmd_fail(c, EX_USAGE, "needs --domain DOMAIN, what stands behind the @");
	if (str_c(domain).n > DOMAIN_MAX || !canonical_domain_name(str_c(domain), p->domain, &n))
		return cmd_fail(c, EX_USAGE, "'%.200s' is no domain name", domain);
	p->domain[n] = '\0';
	if (c->value[OPTION_PORT_OFFSET] != NULL &&
		(!str_u64(str_c(c->value[OPTION_PORT_OFFSET]), &p->port_offset) ||
			p->port_offset == 0 || p->port_offset > OFFSET_MAX))
		return cmd_fail(c, EX_USAGE, "--port-offset is a number from 1 to %d", OFFSET_MAX);
	return plan_hostname(c, p);
}

static enum status write_file(
	int dir, const char *name, struct str text, mode_t mode, struct err *err)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	bool ok = fd >= 0;

	while (ok && text.n > 0) {
		ssize_t n = write(fd, text.p, text.n);

		ok = n > 0;
		text = str_from(text, ok ? (size_t)n : 0);
	}
	ok = ok && fsync(fd) == 0;
	if (!ok)
		err_set(err, ST_IO, "write %s: %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok ? ST_OK : ST_IO;
}

enum status cmd_make_keys(int dir, const char *hostname, const char *domain, struct err *err)
{
	char *cert = NULL, *key = NULL;
	struct buf names;
	enum status status;

	if (mkdirat(dir, "tls", 0700) != 0 && errno != EEXIST)
		return err_set(err, ST_IO, "make tls: %s", strerror(errno));
	buf_init(&names, 0);
	buf_printf(&names, "%s,%s,localhost,127.0.0.1,::1", hostname, domain);
	status = tls_self_signed(buf_str(&names), &cert, &key, err);
	buf_deinit(&names);
	if (status == ST_OK)
		status = write_file(dir, "tls/key.pem", str_c(key), 0600, err);
	if (status == ST_OK)
		status = write_file(dir, "tls/cert.pem", str_c(cert), 0644, err);
	if (key != NULL)
		mem_wipe(key, str_c(key).n);
	free(key);
	free(cert);
	return status;
}

static enum status write_config(int dir, const struct plan *p, struct err *err)
{
	struct buf text;
	enum status status;

	if (p->keep_config)
		return ST_OK;
	buf_init(&text, 0);
	config_write_initial(&text, str_c(p->hostname), (unsigned)p->port_offset);
	status = write_file(dir, "restante.conf", buf_str(&text), 0600, err);
	buf_deinit(&text);
	return status;
}

static enum status make_store(const char *state, const struct plan *p, struct err *err)
{
	struct config *config = config_load(state, err);
	struct office office;
	enum status status;
	char *path;

	if (config == NULL)
		return ST_USAGE;
	if (asprintf(&path, "%s/store", state) < 0)
		abort();
	status = office_open(&office, path, config, err);
	if (status == ST_OK) {
		status = directory_domain_add(office.directory, str_c(p->domain), err);
		office_close(&office);
	}
	free(path);
	return status;
}

static enum status make_all(const char *state, int dir, const struct plan *p, struct err *err)
{
	char version[16];
	enum status status = write_config(dir, p, err);

	if (status == ST_OK)
		status = cmd_make_keys(dir, p->hostname, p->domain, err);
	if (status == ST_OK && mkdirat(dir, "empty", 0755) != 0)
		status = err_set(err, ST_IO, "make empty: %s", strerror(errno));
	if (status == ST_OK)
		status = make_store(state, p, err);
	snprintf(version, sizeof version, "%d\n", (int)STORE_LOCAL_FORMAT);
	if (status == ST_OK)
		status = write_file(dir, "version", str_c(version), 0644, err);
	if (status == ST_OK && fsync(dir) != 0)
		status = err_set(err, ST_IO, "sync %s: %s", state, strerror(errno));
	return status;
}

int cmd_make_state(struct cmd *c)
{
	if (mkdir(c->state, 0700) == 0)
		return EX_OK;
	if (errno != EEXIST)
		return cmd_fail(c, EX_CANTCREAT, "make %s: %s", c->state, strerror(errno));
	if (!is_empty(c->state))
		return cmd_fail(c, EX_CANTCREAT,
			"%s is not an empty directory: name another with --state DIR", c->state);
	if (chmod(c->state, 0700) != 0)
		return cmd_fail(c, EX_CANTCREAT, "chmod %s: %s", c->state, strerror(errno));
	return EX_OK;
}

static void tell_next(const struct cmd *c, const struct plan *p)
{
	bool here = !cmd_has(c, OPTION_STATE);
	const char *option = here ? "" : " --state ", *state = here ? "" : c->state;

	printf("next: restante account add NAME@%s%s%s\n", p->domain, option, state);
	printf("      restante serve%s%s\n", option, state);
	printf("      and a real certificate into %s/tls/cert.pem and key.pem\n", c->state);
}

static int make_office(struct cmd *c, const struct plan *p)
{
	struct err err = { ST_OK, "" };
	int code = p->keep_config ? EX_OK : cmd_make_state(c), dir;

	if (code != EX_OK)
		return code;
	umask(0077);
	dir = open(c->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return cmd_fail(c, EX_CANTCREAT, "open %s: %s", c->state, strerror(errno));
	if (make_all(c->state, dir, p, &err) != ST_OK)
		code = cmd_fail(
			c, EX_CANTCREAT, "%s (%s is unfinished: remove it)", err.text, c->state);
	close(dir);
	return code;
}

static bool is_there(const struct cmd *c, const char *name)
{
	char *path;
	bool there;

	if (asprintf(&path, "%s/%s", c->state, name) < 0)
		abort();
	there = access(path, F_OK) == 0 || errno != ENOENT;
	free(path);
	return there;
}

bool cmd_has_office(const struct cmd *c)
{
	return is_there(c, "version");
}

static int make_parents(const struct cmd *c)
{
	char *path = str_dup_c(str_c(c->state));
	int code = EX_OK;

	for (size_t i = 1; path[i] != '\0' && code == EX_OK; i++) {
		if (path[i] != '/')
			continue;
		path[i] = '\0';
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			code = cmd_fail(c, EX_CANTCREAT, "make %s: %s", path, strerror(errno));
		path[i] = '/';
	}
	free(path);
	return code;
}

/* home.arpa (RFC 8375): nobody outside has it, and nothing is sent in its name. */
int cmd_make_home(struct cmd *c)
{
	struct plan p = { .port_offset = 0 };
	int code = make_plan(c, "home.arpa", &p);

	if (code == EX_OK)
		code = make_parents(c);
	p.keep_config = is_there(c, "restante.conf") && !is_there(c, "store");
	return code == EX_OK ? make_office(c, &p) : code;
}

int cmd_need_home(struct cmd *c)
{
	struct err err = { ST_OK, "" };
	struct config *config;
	bool remotes;

	if (cmd_has_office(c))
		return EX_OK;
	if (!is_there(c, "restante.conf"))
		return cmd_fail(c, EX_CONFIG,
			"there is no mail in %s yet: begin with restante setup ADDRESS%s%s",
			c->state, cmd_has(c, OPTION_STATE) ? " --state " : "",
			cmd_has(c, OPTION_STATE) ? c->state : "");
	config = config_load(c->state, &err);
	if (config == NULL)
		return cmd_fail(c, EX_CONFIG, "%s", err.text);
	remotes = config->remote_count > 0;
	config_free(config);
	return remotes ? cmd_make_home(c)
		       : cmd_fail(c, EX_CONFIG,
				 "no remote is in %s/restante.conf: restante setup ADDRESS makes "
				 "one",
				 c->state);
}

int cmd_init(struct cmd *c)
{
	struct plan p = { .port_offset = 0 };
	int code = make_plan(c, c->value[OPTION_DOMAIN], &p);

	if (code == EX_OK)
		code = make_office(c, &p);
	if (code != EX_OK)
		return code;
	tell_next(c, &p);
	return output_end(c);
}
