/* SPDX-License-Identifier: MIT */
/*
 * The vmalloc window: second addresses of RAM.
 *
 * The window is a reservation in which nothing may be touched. A run of frames appears in it as a
 * mapping of the same memfd that the RAM window maps, at the run's place in the file: both
 * addresses are the same memory. Taking it away puts the reservation back.
 *
 * The host limits how many mappings a process may have (vm.max_map_count, 65530 by default); each
 * run is one, and so is each gap between them. At the limit mmap() fails and so does the caller,
 * cleanly. Taking away must work even then, but putting the reservation back is an mmap() too, and
 * munmap() would leave a hole that somebody else's mapping could fall into. So each machine keeps
 * a spare mapping of one page. It is given up to make that one mmap() possible, which frees
 * mappings, since the reservation becomes one with its neighbours; then the spare is taken again.
 * If others have used up even that, mprotect() of the old mappings makes them as untouchable: what
 * they show is the machine's RAM, which the machine has anyway.
 *
 * fork(): RAM's mappings are made not to be inherited once, at creation; those here come and go, so
 * the fork handler does it for all that exist at that moment.
 */
#include "sim/machine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static int host_refuses(const struct arch_machine *am, const char *what, uint64_t nr)
{
	int error = errno;
	char line[160];

	snprintf(line, sizeof(line), "the host refuses %s of %llu pages: %s%s", what,
		 (unsigned long long)nr, strerror(error),
		 error == ENOMEM ? " (vm.max_map_count mappings in this process?)" : "");
	arch_log(am, 3, line);
	return -ENOMEM;
}

bool arch_is_memory(const struct arch_machine *am, phys_addr_t phys, uint64_t size)
{
	const struct machine_desc *desc = am->desc;

	for (unsigned int i = 0; i < desc->nr_ram && size; i++) {
		const struct machine_range *r = &desc->ram[i];
		uint64_t piece;

		if (phys < r->start || phys >= r->end)
			continue;
		piece = r->end - phys < size ? r->end - phys : size;
		phys += piece;
		size -= piece;
	}
	return !size;
}

/* Runs up to this many pages are made present with the mapping: they are about to be used, and a
 * fault for each page costs three times as much (64 KiB: 19 µs against 11, with touching and
 * unmapping). A longer run may be a reservation; its pages come when they are touched. */
#define POPULATE_MAX 64

int arch_map_ram(const struct arch_machine *am, uint64_t off, uint64_t pfn, uint64_t nr,
		 bool writable)
{
	int prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;
	int flags = MAP_SHARED | MAP_NORESERVE | MAP_FIXED;
	void *p;

	if (nr <= POPULATE_MAX)
		flags |= MAP_POPULATE;
	p = mmap(am->vmalloc + off, nr << PAGE_SHIFT, prot, flags, machine_of(am)->memfd,
		 (off_t)(pfn << PAGE_SHIFT));

	return p == MAP_FAILED ? host_refuses(am, "a second mapping", nr) : 0;
}

void vmap_window_take_spare(struct machine *m)
{
	void *expected = NULL;
	void *p = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, m->memfd, 0);

	if (p == MAP_FAILED)
		return;
	madvise(p, PAGE_SIZE, MADV_DONTFORK);
	if (!__atomic_compare_exchange_n(&m->spare_mapping, &expected, p, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		munmap(p, PAGE_SIZE);
}

void vmap_window_drop_spare(struct machine *m)
{
	void *p = __atomic_exchange_n(&m->spare_mapping, NULL, __ATOMIC_ACQ_REL);

	if (p)
		munmap(p, PAGE_SIZE);
}

static bool reserve_again(void *at, size_t size)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;

	return mmap(at, size, PROT_NONE, flags, -1, 0) != MAP_FAILED;
}

static bool reserve_with_spare(struct machine *m, void *at, size_t size)
{
	bool done;

	vmap_window_drop_spare(m);
	done = reserve_again(at, size);
	vmap_window_take_spare(m);
	return done;
}

int arch_unmap_ram(const struct arch_machine *am, uint64_t off, uint64_t nr)
{
	char *at = am->vmalloc + off;
	size_t size = nr << PAGE_SHIFT;

	if (reserve_again(at, size) || reserve_with_spare(machine_of(am), at, size))
		return 0;
	return mprotect(at, size, PROT_NONE) ? host_refuses(am, "unmapping", nr) : 0;
}

void vmap_window_before_fork(struct machine *m)
{
	if (m->vmap_window)
		madvise(m->vmap_window, m->vmap_window_size, MADV_DONTFORK);
}
