/* SPDX-License-Identifier: MIT */
/* A second thread in a machine, attached to a CPU and asleep: the first is not alone meanwhile. */
#ifndef TEST_COMPANY_H
#define TEST_COMPANY_H

#include "kmem_test.h"

#include "arch.h"

#include <pthread.h>
#include <semaphore.h>

struct company {
	struct machine *m;
	pthread_t thread;
	sem_t there, go;
};

static inline void *company_main(void *arg)
{
	struct company *c = arg;

	machine_enter(c->m);
	assert_non_null(arch_cpu_attach());
	sem_post(&c->there);
	sem_wait(&c->go);
	machine_leave();
	return NULL;
}

static inline void company_comes(struct company *c, struct machine *m)
{
	c->m = m;
	sem_init(&c->there, 0, 0);
	sem_init(&c->go, 0, 0);
	assert_int_equal(pthread_create(&c->thread, NULL, company_main, c), 0);
	sem_wait(&c->there);
}

static inline void company_goes(struct company *c)
{
	sem_post(&c->go);
	pthread_join(c->thread, NULL);
	sem_destroy(&c->there);
	sem_destroy(&c->go);
}

#endif
