/* SPDX-License-Identifier: MIT */
/*
 * How the kernel's epoll keeps what it watches: one object of 128 bytes for each watched file, from
 * a cache of their own, freed only when no reader can see it any more.
 *
 *	eventpoll_epi	SLAB_HWCACHE_ALIGN	an item shares no cache line with another
 *			SLAB_PANIC		nobody could go on without this cache: no error path
 *			SLAB_ACCOUNT		Linux charges an item to whoever makes it
 *
 * Readers walk the list under rcu_read_lock() and take no lock. Who removes an item unlinks it and
 * leaves it to call_rcu(), whose callback frees it after a grace period. Here a second thread is in
 * the middle of its walk while the first removes everything.
 */
#include <kmem/kmem.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define ITEMS 1000

/* Laid out to be two cache lines long. */
struct epitem {
	struct epitem *next;		/* read under RCU */
	struct rcu_head rcu;
	int fd;
	uint32_t events;
	uint64_t data;
	void *wait_queue[10];
};
_Static_assert(sizeof(struct epitem) <= 128, "two cache lines");

static struct kmem_cache *epi_cache;
static struct epitem *items;
static pthread_barrier_t meeting;

static void ep_insert(int fd)
{
	struct epitem *epi = kmem_cache_zalloc(epi_cache, GFP_KERNEL);

	if (!epi) {
		fprintf(stderr, "epoll_items: out of simulated memory\n");
		exit(1);
	}
	epi->fd = fd;
	epi->events = 1;
	epi->next = items;
	rcu_assign_pointer(items, epi);		/* readers see it complete or not at all */
}

static void epi_free(struct rcu_head *head)
{
	kmem_cache_free(epi_cache, (char *)head - offsetof(struct epitem, rcu));
}

/* Unlinked at once, freed later: readers that stand on it still find its way on. */
static void ep_remove_first(void)
{
	struct epitem *epi = items;

	rcu_assign_pointer(items, epi->next);
	call_rcu(&epi->rcu, epi_free);
}

static void *reader(void *arg)
{
	const struct epitem *epi;
	unsigned long *seen = arg;

	rcu_read_lock();
	epi = rcu_dereference(items);
	pthread_barrier_wait(&meeting);		/* it stands on the first item … */
	pthread_barrier_wait(&meeting);		/* … all are removed … */
	for (; epi; epi = rcu_dereference(epi->next))
		*seen += epi->events;		/* … and none is gone */
	rcu_read_unlock();
	return NULL;
}

static void print_use(const char *when)
{
	struct kmem_stats st;

	if (!kmem_get_stats(&st))
		printf("%-34s %4llu pages in slabs\n", when, (unsigned long long)st.slab_pages);
}

/* The cache's line of /proc/slabinfo; SLOB's slabinfo has none. */
static void print_slabinfo(void)
{
	static char text[32768];

	if (proc_read("slabinfo", text, sizeof(text)) < 0)
		return;
	for (char *line = text, *end; *line; line = end + 1) {
		unsigned long active, all;

		end = line;
		while (*end && *end != '\n')
			end++;
		if (sscanf(line, "eventpoll_epi %lu %lu", &active, &all) == 2)
			printf("%.*s\n", (int)(end - line), line);
	}
}

int main(void)
{
	struct machine_error err;
	unsigned long seen = 0;
	struct machine *m;
	pthread_t thread;

	if (machine_boot_text("preset=x86_64 mem=256M cpus=2", &m, &err)) {
		fprintf(stderr, "epoll_items: %s\n", err.reason);
		return 1;
	}
	epi_cache = kmem_cache_create("eventpoll_epi", sizeof(struct epitem), 0,
				      SLAB_HWCACHE_ALIGN | SLAB_PANIC | SLAB_ACCOUNT, NULL);
	print_use("before");
	for (int fd = 0; fd < ITEMS; fd++)
		ep_insert(fd);
	print_use("1000 items");
	print_slabinfo();

	pthread_barrier_init(&meeting, NULL, 2);
	if (pthread_create(&thread, NULL, reader, &seen))
		return 1;
	pthread_barrier_wait(&meeting);
	while (items)
		ep_remove_first();
	printf("all removed; callbacks that may run while the reader is inside: %lu\n",
	       rcu_advance());
	print_use("all removed, none freed");
	pthread_barrier_wait(&meeting);
	pthread_join(thread, NULL);
	printf("the reader saw all %lu items\n", seen);

	printf("after it has left, callbacks run: %lu\n", rcu_advance());
	kmem_cache_shrink(epi_cache);
	print_use("freed, and the cache shrunk");
	kmem_cache_destroy(epi_cache);
	return machine_shutdown(m) != 0;
}
