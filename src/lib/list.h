/* SPDX-License-Identifier: MIT */
/*
 * Circular doubly linked lists, embedded in what they link. An empty list points at itself.
 */
#ifndef KMEM_LIB_LIST_H
#define KMEM_LIB_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_head {
	struct list_head *next, *prev;
};

#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))
#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member) list_entry((head)->prev, type, member)

#define list_for_each_entry(pos, head, member)                                     \
	for (pos = list_entry((head)->next, __typeof__(*pos), member);              \
	     &pos->member != (head);                                                \
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))

#define list_for_each_entry_reverse(pos, head, member)                             \
	for (pos = list_entry((head)->prev, __typeof__(*pos), member);              \
	     &pos->member != (head);                                               \
	     pos = list_entry(pos->member.prev, __typeof__(*pos), member))

/* @pos may be taken off the list in the body. */
#define list_for_each_entry_safe(pos, n, head, member)                             \
	for (pos = list_entry((head)->next, __typeof__(*pos), member),              \
	    n = list_entry(pos->member.next, __typeof__(*pos), member);             \
	     &pos->member != (head);                                                \
	     pos = n, n = list_entry(n->member.next, __typeof__(*n), member))

static inline void list_init(struct list_head *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline void list_insert(struct list_head *entry, struct list_head *prev,
			       struct list_head *next)
{
	entry->prev = prev;
	entry->next = next;
	prev->next = entry;
	next->prev = entry;
}

static inline void list_add(struct list_head *entry, struct list_head *head)
{
	list_insert(entry, head, head->next);
}

static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
	list_insert(entry, head->prev, head);
}

static inline void list_del(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	entry->prev->next = entry->next;
}

static inline void list_del_init(struct list_head *entry)
{
	list_del(entry);
	list_init(entry);
}

static inline void list_move(struct list_head *entry, struct list_head *head)
{
	list_del(entry);
	list_add(entry, head);
}

static inline void list_move_tail(struct list_head *entry, struct list_head *head)
{
	list_del(entry);
	list_add_tail(entry, head);
}

/* @entry takes the place of @old, which is on no list afterwards. */
static inline void list_replace(struct list_head *old, struct list_head *entry)
{
	list_insert(entry, old->prev, old->next);
}

/* Make @entry the first element: the head moves, the elements keep their order around the circle. */
static inline void list_rotate_to_front(struct list_head *entry, struct list_head *head)
{
	list_del(head);
	list_insert(head, entry->prev, entry);
}

/* All of @list to the front of @head; @list is empty afterwards. */
static inline void list_splice_init(struct list_head *list, struct list_head *head)
{
	if (list_empty(list))
		return;
	list->next->prev = head;
	list->prev->next = head->next;
	head->next->prev = list->prev;
	head->next = list->next;
	list_init(list);
}

#endif
