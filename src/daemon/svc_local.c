/* Users of this machine, who hand in mail by submit.sock (sendmail).
 *
 * The edge passes on the socket, and the kernel says here who is at its other end: an edge cannot make a socket
 * that is bound to that name, so what it claims does not matter.  A local user sends to anybody, under
 * any name, as the log and Received tell; the bounds of an account hold for each uid. */
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/svc.h"

static bool came_by_submit_socket(int fd, struct ucred *user)
{
	struct sockaddr_un sa = { .sun_family = AF_UNSPEC };
	socklen_t n = sizeof sa, m = sizeof *user;

	if (getsockname(fd, (struct sockaddr *)&sa, &n) != 0 || sa.sun_family != AF_UNIX ||
		n <= offsetof(struct sockaddr_un, sun_path) ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, user, &m) != 0)
		return false;
	return sa.sun_path[0] == '/' &&
	       str_ends(str_of(sa.sun_path, strnlen(sa.sun_path, sizeof sa.sun_path)),
		       STR("/submit.sock"));
}

static bool first_domain(void *arg, const struct domain *domain)
{
	buf_put(arg, domain->name);
	return false;
}

bool svc_local(struct svc_edge *e, struct svc_session *x, struct ipc_packet *p)
{
	struct buf name = { 0 }, body = { 0 };
	struct ucred user;
	bool good = p->fd >= 0 && p->body.rest.n == 0 && !x->open && x->account == 0 && !x->local &&
		    came_by_submit_socket(p->fd, &user);

	if (!good)
		return false;
	close(p->fd);
	x->open = true;
	x->asked = p->head;
	x->local = true;
	x->uid = user.uid;
	(void)directory_domain_each(e->svc->office.directory, first_domain, &name, NULL);
	put_str(&body, buf_str(&name));
	svc_answer(x, 1, buf_str(&body), STR(""), -1);
	buf_deinit(&name);
	buf_deinit(&body);
	return true;
}
