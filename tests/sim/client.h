/* client.h -- who sends and who fetches, with the program's own clients. */
#ifndef RESTANTE_SIM_CLIENT_H
#define RESTANTE_SIM_CLIENT_H

#include "model.h"

struct sender {
	struct sim_host *host;
	struct sim_proc *proc;
	unsigned first, step; /* letters first, first + step ... are this one's */
	struct letter *open;  /* being handed in */
	bool finished;
};

struct fetcher {
	struct sim_host *host;
	struct sim_proc *proc;
	struct mailbox *mailbox;
	bool hurry; /* all of it, and soon: the world is about to end */
	bool ending;
};

void sender_start(struct sender *s);
void fetcher_start(struct fetcher *f);
/* What a sender that was killed had begun may have happened. */
void sender_died(struct sender *s);

#endif
