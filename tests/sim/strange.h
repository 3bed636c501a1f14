/* strange.h -- who keeps to no rule: a mail host that does what it likes, and clients that say anything. */
#ifndef RESTANTE_SIM_STRANGE_H
#define RESTANTE_SIM_STRANGE_H

#include "office.h"

/* Takes mail for strange.test, or not. */
struct strange_host {
	struct sim_host *host;
	int listener;
	struct sim_proc *proc;
	bool ending;
};
void strange_host_begin(struct strange_host *s);

/* Calls the offices and says anything. */
struct strange_client {
	struct sim_host *host;
	struct sim_proc *proc;
	struct office_sim *offices;
	bool ending;
};
void strange_client_begin(struct strange_client *s);

#endif
