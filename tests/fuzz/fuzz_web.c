/* What a carrier that was taken over says to the web process: questions as honest ones ask them, such with octets changed, and
 * any octets; with policies of any kind at the hosts, transfers that fail, and a damaged file of kept policies.
 *
 * Every question of a carrier that is still there is answered once, and nothing is left of one that has gone.  The
 * transfers themselves, libcurl's, are played here. */
#include <fcntl.h>
#include <sys/mman.h>

#include "daemon/web.c" /* its parts without its process */
#include "fuzz_packets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CARRIERS = 2, OPS_MAX = 80, FILE_MOST = 4096 };

static struct office office;
static struct carrier_end {
	int channel;              /* -1: closed */
	bool strange;             /* has said what no carrier says */
	unsigned asked, answered; /* as long as it had not */
} carriers[CARRIERS], *taking;

/* ---- transfers ---- */

enum status web_init(struct web *w, struct loop *l, struct str roots, struct err *err)
{
	(void)err;
	*w = (struct web){ .loop = l, .roots = roots };
	return ST_OK;
}

void web_deinit(struct web *w)
{
	(void)w;
}

/* What becomes part of a URL was looked at before. */
void web_get_start(struct web *w, struct web_get *g, const char *url, const char *resolve,
	size_t most, void (*done)(struct web_get *g))
{
	struct str rest = str_from(str_c(url), STR("https://mta-sts.").n);
	struct str host = str_cut(&rest, '/');

	check(str_starts(str_c(url), STR("https://mta-sts.")) &&
		str_starts(str_c(resolve), STR("mta-sts.")));
	for (size_t i = 0; i < host.n; i++)
		check(ascii_digit(host.p[i]) || str_find(STR(".-:"), host.p[i]) < 3 ||
			(host.p[i] >= 'a' && host.p[i] <= 'z'));
	g->web = w;
	g->done = done;
	buf_init(&g->body, most);
	w->running++;
}

void web_get_deinit(struct web_get *g)
{
	buf_deinit(&g->body);
}

static void end_transfer(const char *error, struct str body)
{
	struct fetch *f;

	if (list_empty(&office.running))
		return;
	f = LIST_OF(office.running.next, struct fetch, link);
	snprintf(f->get.error, sizeof f->get.error, "%s", error);
	buf_put(&f->get.body, body);
	office.web.running--;
	f->get.done(&f->get);
}

static const struct str policies[] = {
	STR_INIT("version: STSv1\nmode: enforce\nmx: mx1.test\nmax_age: 86400\n"),
	STR_INIT("version: STSv1\r\nmode: none\r\nmax_age: 1\r\n"),
	STR_INIT("version: STSv2\n"),
	STR_INIT(""),
};

/* ---- the carriers' ends ---- */

static void take_answer(const struct ipc_head *head, struct reader body)
{
	if (head->type == WEB_RECALL) {
		check(get_str(&body).n <= MTASTS_ID_MAX || office.kept.count > 0);
		get_u64(&body);
		get_str(&body);
	} else {
		struct str error = get_str(&body), policy = get_str(&body);

		check(head->type == WEB_FETCH && (error.n == 0) != (policy.n == 0));
	}
	check(!body.bad && body.rest.n == 0);
	taking->answered++;
}

static void turn(void)
{
	loop_turn(office.loop, false);
	for (taking = carriers; taking < carriers + CARRIERS; taking++)
		take_packets(taking->channel, take_answer);
}

static void hang_up(struct carrier_end *c)
{
	if (c->channel >= 0)
		close(c->channel);
	c->channel = -1;
}

static void come(struct carrier_end *c)
{
	struct ipc_packet p = { .head = { .type = LEASH_CARRIER } };
	int fds[2];

	hang_up(c);
	check(ipc_pair(fds) == 0);
	*c = (struct carrier_end){ .channel = fds[0] };
	p.fd = fds[1];
	from_parent(&office, &p);
}

static void put_question(struct reader *in, uint8_t how, struct buf *b)
{
	static const struct str domains[] = { STR_INIT("a.test"), STR_INIT("B.TEST"),
		STR_INIT("c.test"), STR_INIT("a.test@evil.test/") };
	static const char addresses[] = "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1\x20\1\xd\xb8\0\0\0"
					"\0\0\0\0\0\0\0\0\1";

	put_str(b, domains[how & 3]);
	if (how & 8)
		return;
	put_str(b, how & 4 ? get_bytes(in, get_u8(in)) : STR("id1"));
	put_u16(b, how & 16 ? get_u16(in) : 443);
	put_u8(b, how & 32 ? 2 : 1);
	buf_put(b, str_of(addresses, how & 32 ? 32 : 16));
}

static void ask(struct reader *in, struct carrier_end *c)
{
	uint8_t how = get_u8(in);
	struct ipc_head head = {
		.type = how & 8 ? WEB_RECALL : WEB_FETCH, .session = how, .seq = 1
	};
	struct buf b = { 0 };

	put_question(in, how, &b);
	if (how & 64)
		change_octets(in, &b);
	if (how & 128)
		buf_put(&b, get_bytes(in, get_u8(in)));
	c->strange |= (how & (4 | 16 | 64 | 128)) != 0 || (how & (3 | 8)) == 3;
	c->asked++;
	say_packet(c->channel, &head, buf_str(&b), -1);
	buf_deinit(&b);
}

static void say_anything(struct reader *in, struct carrier_end *c)
{
	uint8_t how = get_u8(in);
	struct ipc_head head = { .type = how & 7, .session = how, .seq = how >> 5 };
	struct str octets = get_bytes(in, get_u8(in));

	c->strange = true;
	say_packet(c->channel, &head, octets, how & 16 ? dup(office.kept.fd) : -1);
}

static void step(struct reader *in)
{
	uint8_t what = get_u8(in);
	struct carrier_end *c = &carriers[what >> 7];

	switch (what & 7) {
	case 0:
	case 1: ask(in, c); break;
	case 2:
		for (int n = what >> 3 & 15; n >= 0; n--)
			ask(in, c);
		break;
	case 3: end_transfer("", policies[what >> 3 & 3]); break;
	case 4: end_transfer(what & 8 ? "it failed" : "", get_bytes(in, get_u8(in))); break;
	case 5: say_anything(in, c); break;
	case 6: come(c); break;
	case 7:
		if (what & 8)
			hang_up(c);
		break;
	}
	turn();
}

/* ---- beginning and end ---- */

static void open_kept(struct str octets)
{
	int fd = memfd_create("kept", MFD_CLOEXEC);

	check(fd >= 0 && write(fd, octets.p, octets.n) == (ssize_t)octets.n);
	kept_open(&office.kept, fd);
}

/* What was written is what is known. */
static void check_kept(void)
{
	struct kept again;

	kept_open(&again, office.kept.fd);
	check(again.count == office.kept.count);
	for (struct link *l = again.rows.next; l != &again.rows; l = l->next) {
		const struct kept_row *row = LIST_OF(l, struct kept_row, link);
		const struct kept_row *was = kept_find(&office.kept, str_c(row->domain));

		check(was != NULL && str_eq(buf_str(&was->body), buf_str(&row->body)) &&
			str_eq(buf_str(&was->id), buf_str(&row->id)));
	}
	kept_close(&again);
	close(office.kept.fd);
	kept_close(&office.kept);
}

static void end(void)
{
	while (!list_empty(&office.running))
		end_transfer("", policies[0]);
	for (int i = 0; i < 3; i++)
		turn();
	check(list_empty(&office.waiting) && office.waiting_count == 0 && office.web.running == 0);
	for (size_t i = 0; i < CARRIERS; i++) {
		const struct carrier_end *c = &carriers[i];

		check(c->channel < 0 || c->strange || c->answered == c->asked);
		hang_up(&carriers[i]);
	}
	for (int i = 0; i < 3; i++)
		turn();
	check(list_empty(&office.askers));
	check_kept();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader in = { str_of(data, size), false };
	int next;

	if (office.loop == NULL) {
		log_init(2, LOG_L_ERROR + 1, "fuzz");
		office.loop = loop_new();
		list_init(&office.askers);
		list_init(&office.waiting);
		list_init(&office.running);
		(void)web_init(&office.web, office.loop, STR(""), NULL);
		loop_at_turn_end(office.loop, turn_end, &office);
	}
	next = next_descriptor();
	open_kept(get_bytes(&in, get_u16(&in) % FILE_MOST));
	for (size_t i = 0; i < CARRIERS; i++) {
		carriers[i].channel = -1;
		come(&carriers[i]);
	}
	for (int i = 0; i < OPS_MAX && in.rest.n > 0; i++)
		step(&in);
	end();
	check(next == next_descriptor());
	return 0;
}
