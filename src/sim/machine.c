/* SPDX-License-Identifier: MIT */
/*
 * A machine's life on this side of the door.
 *
 *	created     windows and CPUs exist; only its creator knows it
 *	published   in the process's list: machine_enter() finds it, threads may attach by themselves
 *	retired     off the list, every thread detached; only its destroyer knows it
 *	destroyed   gone, with all memory the kernel part took
 */
#include "sim/device.h"
#include "sim/desc.h"
#include "sim/error.h"
#include "sim/process.h"
#include "sim/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sim_error(struct machine_error *err, int code, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	va_start(args, fmt);
	vsnprintf(err->reason, sizeof(err->reason), fmt, args);
	va_end(args);
	return code;
}

static struct machine *new_machine(void)
{
	struct machine *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->memfd = -1;
	m->pub.desc = &m->desc;
	list_init(&m->list);
	list_init(&m->threads);
	host_pool_init(&m->pool);
	devices_init(m);
	watch_machine(&m->pub);
	return m;
}

static int make_cpus(struct machine *m, struct machine_error *err)
{
	struct arch_machine *am = &m->pub;

	m->cpu_threads = calloc(am->nr_cpus, sizeof(*m->cpu_threads));
	m->cpu_used = calloc(am->nr_cpus / 64 + 1, sizeof(*m->cpu_used));
	if (!m->cpu_threads || !m->cpu_used)
		return sim_error(err, -ENOMEM, "no host memory for %u CPUs", am->nr_cpus);
	for (unsigned int i = 0; i < am->nr_cpus; i++)
		cpu_init(m, arch_cpu_by_id(am, i), i);
	return 0;
}

static int build(struct machine *m, const struct machine_desc *desc, struct machine_error *err)
{
	struct arch_machine *am = &m->pub;
	const struct desc_owned *owned;
	int ret = process_init();

	if (ret)
		return sim_error(err, ret, "no thread-specific key left in this process");
	epochs_init(&m->epochs);
	ret = desc_resolve(am, desc, &m->desc, err);
	if (ret)
		return ret;
	am->ram_size = m->desc.ram[m->desc.nr_ram - 1].end;
	am->nr_frames = am->ram_size >> PAGE_SHIFT;
	am->nr_cpus = m->desc.cpus;
	am->nr_nodes = m->desc.nodes;
	owned = m->desc.owned;
	am->kernel_ram = owned->kernel_ram;
	am->nr_kernel_ram = owned->nr_kernel_ram;
	am->real_node = owned->real_node;
	ret = machine_map(m, err);
	if (!ret)
		ret = mmu_create(m, err);
	if (!ret)
		ret = make_cpus(m, err);
	return ret;
}

int arch_machine_create(const struct machine_desc *desc, struct arch_machine **out,
			struct machine_error *err)
{
	struct machine *m = new_machine();
	int ret;

	*out = NULL;
	if (!m)
		return sim_error(err, -ENOMEM, "no host memory for a machine");
	ret = build(m, desc, err);
	if (ret) {
		arch_machine_destroy(&m->pub);
		return ret;
	}
	*out = &m->pub;
	return 0;
}

struct arch_machine *arch_early_begin(struct arch_machine *am)
{
	struct sim_thread *t = process_thread();
	struct arch_machine *before = t ? t->booting : NULL;

	if (!t)
		return NULL;
	process_lock();
	thread_detach_locked(t);
	process_unlock();
	t->booting = am;
	return before;
}

void arch_early_end(struct arch_machine *before)
{
	struct sim_thread *t = process_thread();

	if (t)
		t->booting = before;
}

struct arch_machine *arch_booting(void)
{
	const struct sim_thread *t = sim_local.thread;

	return t ? t->booting : NULL;
}

void arch_machine_attach(struct arch_machine *am)
{
	struct sim_thread *t = process_thread();

	if (!t) {
		arch_log(am, 0, "libkmem: a machine was booted by a thread that cannot attach any more");
		arch_trap();
	}
	for (unsigned int i = 0; i < am->nr_cpus; i++)
		arch_cpu_by_id(am, i)->kernel = am->kernel;
	process_lock();
	thread_detach_locked(t);
	thread_attach_locked(t, machine_of(am), arch_cpu_by_id(am, 0));
	process_unlock();
}

void arch_machine_publish(struct arch_machine *am, arch_fork_fn *fork)
{
	fork_lock();
	machine_of(am)->fork = fork;
	process_lock();
	process_add_locked(machine_of(am));
	process_unlock();
	fork_unlock();
}

void arch_machine_no_fork(struct arch_machine *am)
{
	fork_lock();
	machine_of(am)->ending = true;
	fork_unlock();
}

void arch_machine_retire(struct arch_machine *am)
{
	fork_lock();
	process_lock();
	process_remove_locked(machine_of(am));
	machine_detach_all_locked(machine_of(am));
	epoch_retire_locked(machine_of(am));
	process_unlock();
	fork_unlock();
}

void arch_machine_destroy(struct arch_machine *am)
{
	struct machine *m = machine_of(am);

	devices_release(m);
	host_pool_release(&m->pool);
	watch_forget_machine(&m->pub);
	machine_unmap(m);
	mmu_destroy(m);
	free(m->cpu_threads);
	free(m->cpu_used);
	machine_desc_free(&m->desc);
	free(m);
}

struct machine *arch_machine_handle(struct arch_machine *am)
{
	return machine_of(am);
}

struct arch_machine *arch_machine_from_handle(struct machine *m)
{
	bool live;

	process_lock();
	live = process_has_machine_locked(m) && !m->lost;
	process_unlock();
	return live ? &m->pub : NULL;
}

int machine_enter(struct machine *m)
{
	struct sim_thread *t = process_thread();
	bool lost = false;
	bool live;

	if (!t)
		return -ENODEV;
	process_lock();
	live = process_has_machine_locked(m);
	lost = live && m->lost;
	if (live && !lost && (!t->cpu || machine_of(t->cpu->machine) != m)) {
		thread_detach_locked(t);
		thread_attach_locked(t, m, NULL);
	}
	process_unlock();
	if (lost)
		arch_report(NULL, MACHINE_WARN, "machine_enter: machine lost in fork\n");
	return live && !lost ? 0 : -ENODEV;
}

void machine_leave(void)
{
	struct sim_thread *t;

	if (arch_cpu_ptr == &arch_cpu_none)
		return;
	t = process_thread();
	process_lock();
	thread_detach_locked(t);
	process_unlock();
}

struct machine *machine_current(void)
{
	struct machine *m;
	const char *why;

	if (arch_cpu_ptr != &arch_cpu_none)
		return machine_of(arch_cpu_ptr->machine);
	process_lock();
	m = process_only_machine_locked(&why);
	process_unlock();
	return m;
}

const struct machine_desc *machine_description(const struct machine *m)
{
	return &m->desc;
}
