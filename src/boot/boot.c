/* SPDX-License-Identifier: MIT */
/*
 * The life of a machine: the only place that sees every layer.
 *
 * Boot, in Linux's order:
 *
 *	arch_machine_create	windows for RAM, memmap and per-CPU data; nothing is touched
 *	command line		over Linux's defaults, into kernel_params
 *	memblock		RAM that the kernel uses, and reserved ranges; the program's early callback
 *	percpu_init		offsets in the CPU windows
 *	buddy_init		nodes, zones, watermarks; memblock's free ranges become free lists
 *	backend_init		SLAB, SLUB or SLOB
 *	caches_init		the registry, kmalloc's classes
 *	boot_address_space	page tables, direct map, vmalloc (kva.c)
 *	reclaim_set_hook	what caches and vmalloc can give back under pressure
 *	command line again	sysctl.* words
 *	arch_machine_publish	other threads may enter
 *
 * The booting thread is attached to CPU 0 from the moment that memblock is filled. A failure
 * takes everything down again and leaves the thread in the machine it came from. Shutdown reports what
 * is still allocated and unmaps all of it at once: nothing is freed object by object.
 */
#include "boot/boot.h"

#include "buddy/buddy.h"
#include "common/backend.h"
#include "common/failslab.h"
#include "common/rcu.h"
#include "common/registry.h"
#include "lib/context.h"
#include "lib/errno.h"
#include "lib/kernel.h"
#include "lib/kfmt.h"
#include "lib/kva_layout.h"
#include "lib/lock_rank.h"
#include "lib/percpu.h"
#include "lib/report.h"
#include "memblock/memblock.h"
#include "vmalloc/vmalloc.h"

#include <kmem/machine.h>

static void default_params(struct kernel_params *params, const struct machine_desc *desc)
{
	params->seed = desc->seed;
	params->isolate_metadata = desc->isolate_metadata;
	params->thp = desc->thp;
	/* A large page: 4 MiB without PAE, else 2 MiB. */
	params->pageblock_order = desc->mode == MACHINE_MODE_32 ? 10 : 9;
	params->slub_max_order = 3;
}

/* Isolated metadata also means kmalloc and caches that start empty and stay apart: no merging. */
static void derive_params(struct kernel_params *params)
{
	if (params->isolate_metadata)
		params->slab_nomerge = true;
}

static int fill_memblock(struct kernel *k, struct machine_error *err)
{
	const struct arch_machine *am = k->arch;
	const struct machine_desc *desc = am->desc;
	int ret = memblock_init(k);

	for (unsigned int i = 0; !ret && i < am->nr_kernel_ram; i++) {
		const struct machine_range *r = &am->kernel_ram[i];

		ret = memblock_add_node(k, r->start, r->end - r->start, r->node);
	}
	for (unsigned int i = 0; !ret && i < desc->nr_reserved; i++) {
		const struct machine_range *r = &desc->reserved[i];

		ret = memblock_reserve_range(k, r->start, r->end - r->start);
	}
	if (ret)
		return error_set(err, ret, "memblock: the RAM map does not fit: error %d", ret);
	return 0;
}

/* No call of the program's finds a machine yet, but those of memblock do. */
static int run_early_callback(struct kernel *k, struct machine_error *err)
{
	const struct machine_desc *desc = k->arch->desc;
	struct kva_layout layout = kva_layout(desc->mode, desc->cpus, k->params.vmalloc_size);
	struct memblock *mb = k->memblock;
	struct arch_machine *before;
	int ret;

	if (kva_mode_is_32(desc->mode))
		mb->direct_end = layout.lowmem_end;
	mb->current_limit = mb->direct_end;
	if (!desc->early)
		return 0;
	if (desc->nr_zone_pages)
		return error_set(err, -EINVAL, "zonepages= says how much is reserved: no early callback");
	mb->early = true;
	before = arch_early_begin(k->arch);
	ret = desc->early(desc->early_arg);
	arch_early_end(before);
	mb->early = false;
	if (ret)
		return error_set(err, ret < 0 ? ret : -EINVAL, "the early callback failed: %d", ret);
	if (!mb->memory.total)
		return error_set(err, -EINVAL, "the early callback left no RAM");
	return 0;
}

static int boot_small_objects(struct kernel *k, struct machine_error *err)
{
	int ret;

	if (!k->params.slab_max_order_set)
		k->params.slab_max_order = totalram_pages() > (32ul << 20) / PAGE_SIZE;
	if (k->params.init_on_alloc || k->params.init_on_free)
		pr_info(k, "mem auto-init: stack:off, heap alloc:%s, heap free:%s",
			k->params.init_on_alloc ? "on" : "off",
			k->params.init_on_free ? "on" : "off");
	ret = rcu_init(k);
	if (!ret)
		ret = backend_init(k);
	if (!ret)
		ret = caches_init(k);
	if (ret)
		return error_set(err, ret, "%s: no memory for the first caches (%lu pages free)",
				  backend_traits.name, nr_free_pages());
	return 0;
}

static int boot_kernel(struct arch_machine *am, struct machine_error *err)
{
	struct kernel *k = arch_host_alloc(am, sizeof(*k));
	int ret;

	if (!k)
		return error_set(err, -ENOMEM, "no host memory for the kernel root");
	k->arch = am;
	am->kernel = k;
	arch_spin_init(&k->once_lock, LOCK_RANK_LEAF);
	list_init(&k->mempools);
	default_params(&k->params, am->desc);
	ret = cmdline_parse(am->desc->cmdline, &k->params, err);
	if (ret)
		return ret;
	derive_params(&k->params);
	ret = fill_memblock(k, err);
	if (!ret)
		ret = run_early_callback(k, err);
	if (ret)
		return ret;
	arch_machine_attach(am);
	ret = percpu_init(k);
	if (ret)
		return error_set(err, ret, "no host memory for per-CPU data");
	ret = buddy_init(k, err);
	if (!ret && reclaim_init(k))
		ret = error_set(err, -ENOMEM, "no host memory for reclaim");
	if (!ret)
		ret = boot_small_objects(k, err);
	if (!ret)
		ret = boot_address_space(k, err);
	if (ret)
		return ret;
	reclaim_set_hook(k, RECLAIM_PURGE, vmalloc_purge);
	reclaim_set_hook(k, RECLAIM_REAP, caches_reap);
	/* SLOB has no such hook, as in Linux. */
	if (backend_traits.create_flags & SLAB_FAILSLAB && failslab_init(k))
		return error_set(err, -ENOMEM, "no host memory for failslab");
	return cmdline_apply_sysctl(am->desc->cmdline, err);
}

int machine_boot(const struct machine_desc *desc, struct machine **out, struct machine_error *err)
{
	struct machine *previous = machine_current();
	struct arch_machine *am;
	int ret;

	*out = NULL;
	ret = arch_machine_create(desc, &am, err);
	if (ret)
		return ret;
	ret = boot_kernel(am, err);
	if (ret) {
		arch_machine_retire(am);
		arch_machine_destroy(am);
		if (previous)
			machine_enter(previous);
		return ret;
	}
	arch_machine_publish(am, kernel_fork);
	*out = arch_machine_handle(am);
	return 0;
}

int machine_boot_text(const char *text, struct machine **out, struct machine_error *err)
{
	struct machine_desc desc;
	int ret;

	*out = NULL;
	ret = machine_desc_parse(&desc, text, NULL, err);
	if (!ret)
		ret = machine_boot(&desc, out, err);
	machine_desc_free(&desc);
	return ret;
}

unsigned long machine_shutdown(struct machine *m)
{
	struct arch_machine *am = arch_machine_from_handle(m);
	struct machine *previous = machine_current();
	unsigned long leaks;

	if (!am) {
		report_bug(NULL, "machine_shutdown: %p is no live machine", (void *)m);
		return 0;
	}
	machine_enter(m);
	arch_machine_no_fork(am);
	context_begin_call("machine_shutdown");
	rcu_shutdown(am->kernel);
	leaks = vmalloc_exit(am->kernel);
	leaks += caches_report_leaks(am->kernel);
	leaks += shrinkers_report_leaks(am->kernel);
	leaks += buddy_report_leaks(am->kernel);
	context_end_call();
	arch_machine_retire(am);
	arch_machine_destroy(am);
	if (previous && previous != m)
		machine_enter(previous);
	return leaks;
}

long machine_advance(unsigned int ms)
{
	struct kernel *k = arch_kernel();

	return k ? (long)caches_advance(k, ms) : -ENODEV;
}

const char *machine_backend(void)
{
	return backend_traits.name;
}
