/* list.h -- intrusive doubly linked list.  The head is a link of its own; an initialised link that
 * is in no list points at itself, so list_del() is always safe. */
#ifndef RESTANTE_BASE_LIST_H
#define RESTANTE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
	struct link *next, *prev;
};

#define LIST_OF(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void list_init(struct link *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct link *head)
{
	return head->next == head;
}

static inline void list_del(struct link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

static inline void list_append(struct link *head, struct link *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

/* The first link, taken out; NULL when the list is empty. */
static inline struct link *list_take(struct link *head)
{
	struct link *l = head->next;

	if (l == head)
		return NULL;
	list_del(l);
	return l;
}

#endif
