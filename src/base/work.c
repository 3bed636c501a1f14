#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/work.h"

struct queue {
	struct work *head, **tail;
};

struct work_pool {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct queue waiting, finished; /* under lock */
	size_t nwaiting, max_waiting;   /* under lock */
	bool stopping;                  /* under lock */
	size_t under_way;               /* owner's thread only */
	int fd;
	unsigned threads;
	pthread_t *thread;
};

static void queue_init(struct queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
}

static void queue_put(struct queue *q, struct work *w)
{
	w->next = NULL;
	*q->tail = w;
	q->tail = &w->next;
}

static struct work *queue_take(struct queue *q)
{
	struct work *w = q->head;

	if (w != NULL && (q->head = w->next) == NULL)
		q->tail = &q->head;
	return w;
}

static void *worker(void *arg)
{
	struct work_pool *p = arg;
	uint64_t one = 1;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct work *w = queue_take(&p->waiting);
		bool first;

		if (w == NULL) {
			if (p->stopping)
				break;
			pthread_cond_wait(&p->more, &p->lock);
			continue;
		}
		p->nwaiting--;
		pthread_mutex_unlock(&p->lock);
		w->run(w);
		pthread_mutex_lock(&p->lock);
		first = p->finished.head == NULL;
		queue_put(&p->finished, w);
		if (first && write(p->fd, &one, sizeof one) != (ssize_t)sizeof one)
			abort(); /* an eventfd counter cannot be full with one token */
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct work_pool *work_pool_new(unsigned threads, size_t max_waiting)
{
	struct work_pool *p = NEW(struct work_pool);

	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->more, NULL);
	queue_init(&p->waiting);
	queue_init(&p->finished);
	p->max_waiting = max_waiting;
	p->threads = threads;
	p->thread = mem_array(NULL, threads, sizeof *p->thread);
	p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->fd < 0)
		abort();
	for (unsigned i = 0; i < threads; i++)
		if (pthread_create(&p->thread[i], NULL, worker, p) != 0)
			abort();
	return p;
}

void work_pool_free(struct work_pool *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->threads; i++)
		pthread_join(p->thread[i], NULL);
	work_poll(p);
	close(p->fd);
	pthread_cond_destroy(&p->more);
	pthread_mutex_destroy(&p->lock);
	free(p->thread);
	free(p);
}

bool work_submit(struct work_pool *p, struct work *w)
{
	bool room;

	pthread_mutex_lock(&p->lock);
	room = p->nwaiting < p->max_waiting;
	if (room) {
		p->nwaiting++;
		queue_put(&p->waiting, w);
	}
	pthread_mutex_unlock(&p->lock);
	if (!room)
		return false;
	/* Not under the lock, which whoever wakes up wants at once. */
	pthread_cond_signal(&p->more);
	p->under_way++;
	return true;
}

int work_fd(const struct work_pool *p)
{
	return p->fd;
}

void work_poll(struct work_pool *p)
{
	uint64_t count;
	struct work *w;

	pthread_mutex_lock(&p->lock);
	if (read(p->fd, &count, sizeof count) < 0)
		count = 0; /* nothing was signalled: EAGAIN */
	w = p->finished.head;
	queue_init(&p->finished);
	pthread_mutex_unlock(&p->lock);
	while (w != NULL) {
		struct work *next = w->next;

		p->under_way--;
		w->done(w); /* may free w, may submit again */
		w = next;
	}
}

void work_wait(struct work_pool *p)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };

	if (p->under_way == 0)
		return;
	while (poll(&pfd, 1, -1) < 0)
		continue;
	work_poll(p);
}
