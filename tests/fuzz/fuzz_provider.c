/* A list of providers of somebody's own, a netrc file, and the lists of UIDLs in a Maildir of another server. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "maildir/uidlist.h"
#include "remote/provider.h"
#include "remote/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[40];
static const char *const names[] = { "dovecot-uidlist", "courierpop3dsizelist" };

static void check(bool truth)
{
	if (!truth)
		abort();
}

static bool inside(struct str part, struct str whole)
{
	return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void check_providers(struct str in)
{
	struct buf host = { 0 };
	struct str rest = in;
	struct provider p;
	unsigned line = 0;
	enum status s;

	for (;;) {
		struct err err = { ST_OK, "" };
		size_t left = rest.n;

		s = provider_cut(&rest, &line, &p, &err);
		if (s == ST_NOTFOUND)
			break;
		check(rest.n < left && (s == ST_OK || err.text[0] != '\0'));
		if (s != ST_OK)
			continue;
		check(inside(p.id, in) && inside(p.domains, in) && inside(p.notes, in));
		provider_host(&host, &p.smtp, STR("example.test"));
		check((size_t)p.status <= PROVIDER_DEAD && (size_t)p.pop3.tls <= PROVIDER_NONE);
	}
	(void)provider_find(in, str_head(in, 8), &p);
	(void)provider_find_mx(in, STR("mx.example.test"), &p);
	buf_deinit(&host);
}

static void check_netrc(struct str in)
{
	struct buf out = { 0 };

	if (!netrc_find(in, STR("m"), STR("u"), &out))
		check(out.len == 0);
	check(out.len <= in.n);
	buf_deinit(&out);
}

static void leave(void)
{
	char path[100];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

static void check_uidlist(struct str in, enum uidlist_kind kind)
{
	struct uidlist l = { .count = 0 };
	struct buf out = { 0 };
	char path[100];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, names[kind == UIDLIST_COURIER]);
	f = fopen(path, "wb");
	check(f != NULL && fwrite(in.p, 1, in.n, f) == in.n);
	fclose(f);
	if (uidlist_load(&l, dir, kind, NULL) != ST_OK)
		return;
	for (size_t i = 0; i < l.count; i++) {
		check(uidlist_find(&l, l.rows[i].name) != NULL);
		uidlist_uidl_put(&l, &l.rows[i], &out);
	}
	uidlist_free(&l);
	buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size);

	if (dir[0] == '\0') {
		snprintf(dir, sizeof dir, "%s/restante-fuzz.XXXXXX",
			access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
		check(mkdtemp(dir) != NULL);
		atexit(leave);
	}
	check_providers(in);
	check_netrc(in);
	check_uidlist(in, UIDLIST_DOVECOT);
	check_uidlist(in, UIDLIST_COURIER);
	return 0;
}
