/* SPDX-License-Identifier: MIT */
/*
 * Descriptions: from text (desc.c) or a preset (preset.c), through resolving (resolve.c), to the
 * constant copy that a machine keeps.
 */
#ifndef KMEM_SIM_DESC_H
#define KMEM_SIM_DESC_H

#include "arch.h"

#define DESC_MAX_CPUS 1024
#define DESC_MAX_NODES 1024
#define DESC_MIN_PHYADDR 32	/* bits */
#define DESC_MAX_PHYADDR 52

/* What hangs off machine_desc.owned: memory of the parser or of a resolved copy. */
struct desc_owned {
	struct machine_range *ram;
	struct machine_range *kernel_ram;	/* of a resolved copy: what of `ram` the kernel uses */
	unsigned int nr_kernel_ram;
	int *real_node;				/* by node; NULL: none is fake */
	struct machine_range *reserved;
	struct machine_zone_pages *zone_pages;
	uint8_t *distance;
	char *cmdline;
	char *tlb;
};

/* A growing array of ranges; `failed` says that memory ran out on the way. */
struct range_vec {
	struct machine_range *v;
	unsigned int n, max;
	bool failed;
};

void range_vec_push(struct range_vec *vec, uint64_t start, uint64_t end, int node);
void range_vec_free(struct range_vec *vec);
/* Take [@start, @end) out of every range of @vec. */
void range_vec_cut(struct range_vec *vec, uint64_t start, uint64_t end);
void range_vec_sort(struct range_vec *vec);

/*
 * A complete copy of @desc: RAM as ascending ranges of whole pages, each with its node; what the
 * command line makes of it; what a real boot reserves, if the description asks for it; every default
 * with its value; `owned` holds it all.
 * 0; -EINVAL or -EOPNOTSUPP with the reason (@out is empty then); -ENOMEM.
 */
int desc_resolve(const struct arch_machine *am, const struct machine_desc *desc,
		 struct machine_desc *out, struct machine_error *err);

/* -EOPNOTSUPP with a reason for a mode that this version lacks, else 0. */
int desc_check_mode(enum machine_mode mode, struct machine_error *err);

/* preset.c: RAM of a PC with @mem bytes, once as the address ranges of its memory modules (@banks)
 * and once as the firmware leaves it to a kernel (@usable). */
void pc_ram(uint64_t mem, struct range_vec *banks, struct range_vec *usable);

/* preset.c: what a real boot reserves on a machine with RAM @ram, appended to @reserved. */
void pc_reserve(const struct machine_desc *desc, const struct range_vec *ram,
		struct range_vec *reserved);

/* preset.c: what `vmalloc=` of the kernel command line asks for, in bytes; 0: nothing. */
uint64_t desc_vmalloc_size(const struct machine_desc *desc);

/* preset.c: 0; -ENOENT: no such preset; -EOPNOTSUPP: one that this version lacks. */
int preset_apply(struct machine_desc *desc, const char *name);

#endif
