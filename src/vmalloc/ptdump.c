/* SPDX-License-Identifier: MIT */
/*
 * page_tables: the kernel's tables in the layout of /sys/kernel/debug/page_tables/kernel. Regions
 * have a title; a line is a run of neighbours with the same rights on the same level, present or
 * not:
 *
 *	---[ vmalloc() Area ]---
 *	0xffffc90000000000-0xffffc90000001000           4K     RW                     GLB NX pte
 *	0xffffc90000001000-0xffffc90000200000        2044K                               pte
 *
 * Levels that a mode folds are called what Linux calls them: a large page of 32-bit paging is a
 * "pmd", a hole of the same size a "pgd".
 */
#include "vmalloc/vmalloc.h"

#include "lib/kva_layout.h"

struct marker {
	kva_t start;
	const char *title;
};

#define NR_MARKERS 8

struct dump {
	struct seq_file *m;
	const struct pgtable *pt;
	struct marker markers[NR_MARKERS];	/* ascending; NULL title: the end */
	unsigned int marker;			/* index of the next one */
	int width;				/* digits of an address */
	kva_t start;				/* of the run */
	uint64_t flags;				/* of the run; 0: nothing is mapped */
	const char *level;
};

#define FLAGS_SHOWN                                                                       \
	(X86_PTE_P | X86_PTE_RW | X86_PTE_US | X86_PTE_PWT | X86_PTE_PCD | X86_PTE_PS |     \
	 X86_PTE_G | X86_PTE_PAT_LARGE | X86_PTE_NX)

/* The bits a line shows, the same for both sizes of leaves: PS is "large", PAT_LARGE is PAT. */
static uint64_t shown_flags(uint64_t value, bool large)
{
	uint64_t flags = value & FLAGS_SHOWN;

	if (large || !value)
		return flags;
	flags &= ~(X86_PTE_PS | X86_PTE_PAT_LARGE);
	return value & X86_PTE_PAT ? flags | X86_PTE_PAT_LARGE : flags;
}

static void put_size(struct seq_file *m, uint64_t bytes)
{
	const char *unit = "KMGTPE";
	uint64_t n = bytes >> 10;

	while (!(n & 1023) && unit[1]) {
		n >>= 10;
		unit++;
	}
	seq_printf(m, "%9llu%c ", (unsigned long long)n, *unit);
}

static void put_flags(struct seq_file *m, uint64_t flags)
{
	if (!flags) {
		seq_puts(m, "                              ");
		return;
	}
	seq_puts(m, flags & X86_PTE_US ? "USR " : "    ");
	seq_puts(m, flags & X86_PTE_RW ? "RW " : "ro ");
	seq_puts(m, flags & X86_PTE_PWT ? "PWT " : "    ");
	seq_puts(m, flags & X86_PTE_PCD ? "PCD " : "    ");
	seq_puts(m, flags & X86_PTE_PS ? "PSE " : "    ");
	seq_puts(m, flags & X86_PTE_PAT_LARGE ? "PAT " : "    ");
	seq_puts(m, flags & X86_PTE_G ? "GLB " : "    ");
	seq_puts(m, flags & X86_PTE_NX ? "NX " : "x  ");
}

/* @end: 0 is the end of the address space. */
static void put_run(struct dump *d, kva_t end)
{
	if (!d->level)
		return;
	if (d->width == 8)
		seq_printf(d->m, "0x%08x-0x%08x   ", (uint32_t)d->start, (uint32_t)end);
	else
		seq_printf(d->m, "0x%016llx-0x%016llx   ", (unsigned long long)d->start,
			   (unsigned long long)end);
	put_size(d->m, end - d->start);
	put_flags(d->m, d->flags);
	seq_printf(d->m, "%s\n", d->level);
}

/* From @kva on there is this. */
static void note(struct dump *d, kva_t kva, uint64_t flags, const char *level)
{
	const struct marker *next = &d->markers[d->marker];
	bool titled = next->title && kva >= next->start;

	if (!titled && flags == d->flags && level == d->level)
		return;
	put_run(d, kva);
	d->start = kva;
	d->flags = flags;
	d->level = level;
	for (; titled; titled = next->title && kva >= next->start) {
		seq_printf(d->m, "---[ %s ]---\n", next->title);
		next = &d->markers[++d->marker];
	}
}

/* The next address that may differ from @kva, whose leaf or hole has @size bytes. */
static kva_t step_from(const struct dump *d, kva_t kva, uint64_t size)
{
	kva_t next = (kva & ~(size - 1)) + size;

	for (unsigned int i = d->marker; d->markers[i].title; i++) {
		if (d->markers[i].start > kva && d->markers[i].start < next)
			return d->markers[i].start;
	}
	return next;
}

static void dump_range(struct dump *d, kva_t kva, kva_t last)
{
	for (;;) {
		unsigned int level;
		uint64_t size, value = pgtable_peek(d->pt, kva, &level, &size);
		bool large = size > PAGE_SIZE;

		note(d, kva, shown_flags(value, large), pgtable_level_name(d->pt, level, value));
		kva = step_from(d, kva, size);
		if (!kva || kva > last)
			return;
	}
}

static void set_markers(struct dump *d, const struct arch_machine *am)
{
	struct marker *m = d->markers;
	enum machine_mode mode = am->desc->mode;
	struct kva_layout l = kva_layout(mode, am->nr_cpus, am->kernel->params.vmalloc_size);

	*m++ = (struct marker){0, "User Space"};
	if (kva_mode_is_32(mode)) {
		*m++ = (struct marker){am->direct_base, "Kernel Mapping"};
		*m++ = (struct marker){am->vmalloc_base, "vmalloc() Area"};
		*m++ = (struct marker){l.vmalloc_end, "vmalloc() End"};
		*m++ = (struct marker){l.pkmap_base, "Persistent kmap() Area"};
		*m = (struct marker){l.kmap_local_base, "Fixmap area"};
		return;
	}
	*m++ = (struct marker){(kva_t)1 << 63, "Kernel Space"};
	*m++ = (struct marker){am->direct_base, "Low Kernel Mapping"};
	*m++ = (struct marker){am->vmalloc_base, "vmalloc() Area"};
	*m = (struct marker){mode == MACHINE_MODE_5LEVEL ? 0xffd4000000000000 : 0xffffea0000000000,
			     "Vmemmap"};
}

void vmalloc_show_page_tables(struct kernel *k, struct seq_file *m)
{
	enum machine_mode mode = k->arch->desc->mode;
	bool x86_32 = kva_mode_is_32(mode);
	unsigned int bits = mode == MACHINE_MODE_5LEVEL ? 56 : 47;
	struct dump d = {.m = m, .pt = &k->vmalloc->pgtable, .width = x86_32 ? 8 : 16};

	set_markers(&d, k->arch);
	if (x86_32) {
		dump_range(&d, 0, UINT32_MAX);
		put_run(&d, (kva_t)1 << 32);
		return;
	}
	/* What lies between the halves is no address. */
	dump_range(&d, 0, ((kva_t)1 << bits) - 1);
	dump_range(&d, ~(kva_t)0 << bits, ~(kva_t)0);
	put_run(&d, 0);
}
