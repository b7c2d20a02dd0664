/* SPDX-License-Identifier: MIT */
/*
 * One workload, three allocators. This file is built once for each backend (compare_backends-slab,
 * -slub, -slob); each program measures itself. Run any of them:
 *
 *	compare_backends-slub		all three, as one table
 *	compare_backends-slub --row	its own row only
 *
 * The workload is a small server's: connections come and go, each with an object of its own cache
 * and buffers of many sizes, and those that stay longest are freed last.
 */
#include "rows.h"

#include <kmem/kmem.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECTIONS 2000
#define EVENTS 400000

struct connection {
	void *object;
	void *buffer;
	size_t buffer_size;
};

static uint64_t random_state = 1;

/* xorshift: the same sequence in every run, on every backend */
static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void connection_open(struct connection *c, struct kmem_cache *cache)
{
	c->buffer_size = 16 + next_random() % 1500;
	c->object = kmem_cache_alloc(cache, GFP_KERNEL);
	c->buffer = kmalloc(c->buffer_size, GFP_KERNEL);
	if (!c->object || !c->buffer) {
		fprintf(stderr, "out of simulated memory\n");
		exit(1);
	}
	memset(c->object, 1, kmem_cache_size(cache));
}

static void connection_close(struct connection *c, struct kmem_cache *cache)
{
	kfree(c->buffer);
	kmem_cache_free(cache, c->object);
	c->object = NULL;
}

/* Returns how many opens and closes there were. */
static unsigned long serve(struct connection *connections, struct kmem_cache *cache)
{
	unsigned long done = 0;

	for (; done < EVENTS; done++) {
		struct connection *c = &connections[next_random() % CONNECTIONS];

		if (c->object)
			connection_close(c, cache);
		else
			connection_open(c, cache);
	}
	return done;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int print_row(void)
{
	static struct connection connections[CONNECTIONS];
	unsigned long live = 0, events;
	struct kmem_cache *cache;
	struct machine_error err;
	struct kmem_stats st;
	struct machine *m;
	double start, end;

	if (machine_boot_text("preset=x86_64 mem=256M", &m, &err)) {
		fprintf(stderr, "%s\n", err.reason);
		return 1;
	}
	cache = kmem_cache_create("connection", 200, 0, SLAB_HWCACHE_ALIGN, NULL);
	if (!cache)
		return 1;
	start = seconds();
	events = serve(connections, cache);
	end = seconds();
	kmem_get_stats(&st);
	for (int i = 0; i < CONNECTIONS; i++)
		if (connections[i].object)
			live += connections[i].buffer_size + kmem_cache_size(cache);
	printf("%-8s %8lu %9.1f %10lu %10llu %9.3f\n", machine_backend(), events,
	       (end - start) * 1e9 / (double)events, live,
	       (unsigned long long)(st.slab_pages + st.large_pages),
	       (double)(st.slab_pages + st.large_pages) * (double)PAGE_SIZE / (double)live);
	for (int i = 0; i < CONNECTIONS; i++)
		if (connections[i].object)
			connection_close(&connections[i], cache);
	kmem_cache_destroy(cache);
	return machine_shutdown(m) != 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--row"))
		return print_row();
	printf("%-8s %8s %9s %10s %10s %9s\n", "backend", "events", "ns/event", "live-bytes",
	       "pages", "overhead");
	return run_rows();
}
