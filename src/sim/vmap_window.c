/* SPDX-License-Identifier: MIT */
/*
 * The vmalloc window: second addresses of RAM.
 *
 * The window is a reservation in which nothing may be touched. A run of frames appears in it as a
 * mapping of the same memfd that the RAM window maps, at the run's place in the file: both addresses
 * are the same memory. Taking it away puts the reservation back.
 *
 * The host limits how many mappings a process may have (vm.max_map_count, 65530 by default); each run
 * is one, and so is each gap between them. At the limit mmap() fails and so does the caller, cleanly.
 * Taking away must work even then, and mmap() of the reservation would need the mapping that there is
 * not: mprotect() of whole mappings needs none, and makes them as untouchable. What was mapped there
 * stays in the page tables of the host until something else is mapped over it; it is the machine's
 * RAM, which the machine has anyway.
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

int arch_map_ram(const struct arch_machine *am, uint64_t off, uint64_t pfn, uint64_t nr,
		 bool writable)
{
	int prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;
	void *p = mmap(am->vmalloc + off, nr << PAGE_SHIFT, prot,
		       MAP_SHARED | MAP_NORESERVE | MAP_FIXED, machine_of(am)->memfd,
		       (off_t)(pfn << PAGE_SHIFT));

	return p == MAP_FAILED ? host_refuses(am, "a second mapping", nr) : 0;
}

int arch_unmap_ram(const struct arch_machine *am, uint64_t off, uint64_t nr)
{
	char *at = am->vmalloc + off;
	size_t size = nr << PAGE_SHIFT;

	if (mmap(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		 0) != MAP_FAILED)
		return 0;
	return mprotect(at, size, PROT_NONE) ? host_refuses(am, "unmapping", nr) : 0;
}

void vmap_window_before_fork(struct machine *m)
{
	if (m->pub.vmalloc)
		madvise(m->pub.vmalloc, m->pub.vmalloc_size, MADV_DONTFORK);
}
