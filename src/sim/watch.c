/* SPDX-License-Identifier: MIT */
/*
 * What AddressSanitizer and Valgrind are told (arch.h says when).
 *
 *                  AddressSanitizer        Valgrind (memcheck)
 *   free           poisoned by the user    no access
 *   object         addressable             block of the machine's pool: a report names where it was
 *                                          allocated and freed
 *   page           addressable             addressable and defined: a page may be written by its
 *                                          second address, which Valgrind takes for another one
 *   raw access     code without checks     allowed for the moment of the access
 *   raw copy, fill code without checks     not looked at
 *
 * The poison of a machine lies in shadow memory that knows nothing of windows: it goes with the
 * windows (watch_forget), or it would hit whatever the host puts there next.
 */
#include "sim/watch.h"

#ifdef ARCH_ASAN
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>
#endif

#ifdef KMEM_VALGRIND
#include <valgrind/memcheck.h>

bool arch_on_valgrind;
#endif

void watch_init(void)
{
#ifdef KMEM_VALGRIND
	arch_on_valgrind = RUNNING_ON_VALGRIND != 0;
#endif
}

void watch_machine(const struct arch_machine *am)
{
#ifdef KMEM_VALGRIND
	VALGRIND_CREATE_MEMPOOL(am, 0, 0);
#endif
}

void watch_forget_machine(const struct arch_machine *am)
{
#ifdef KMEM_VALGRIND
	VALGRIND_DESTROY_MEMPOOL(am);
#endif
}

/* Shadow bytes that were never written are zero, "addressable", and so are those that the host takes
 * back: that costs what was used and not what the range spans, unlike unpoisoning it. */
void watch_forget(const void *p, size_t size)
{
#ifdef ARCH_ASAN
	size_t scale, offset;

	__asan_get_shadow_mapping(&scale, &offset);
	madvise((void *)(((uintptr_t)p >> scale) + offset), size >> scale, MADV_DONTNEED);
#endif
}

void arch_watch_poison(const void *p, size_t size)
{
#ifdef ARCH_ASAN
	__asan_poison_memory_region(p, size);
#endif
#ifdef KMEM_VALGRIND
	VALGRIND_MAKE_MEM_NOACCESS(p, size);
#endif
}

void arch_watch_unpoison(const void *p, size_t size)
{
#ifdef ARCH_ASAN
	__asan_unpoison_memory_region(p, size);
#endif
#ifdef KMEM_VALGRIND
	VALGRIND_MAKE_MEM_DEFINED(p, size);
#endif
}

void arch_watch_object_alloc(const struct arch_machine *am, const void *p, size_t size, bool kept)
{
#ifdef ARCH_ASAN
	__asan_unpoison_memory_region(p, size);
#endif
#ifdef KMEM_VALGRIND
	VALGRIND_MEMPOOL_ALLOC(am, p, size);
	if (kept)
		VALGRIND_MAKE_MEM_DEFINED(p, size);
#endif
}

void arch_watch_object_free(const struct arch_machine *am, const void *p, size_t size)
{
#ifdef ARCH_ASAN
	__asan_poison_memory_region(p, size);
#endif
#ifdef KMEM_VALGRIND
	VALGRIND_MEMPOOL_FREE(am, p);
#endif
}

/* Byte by byte, and no call to memcpy(), which AddressSanitizer would look into. */
__attribute__((no_sanitize_address)) static void copy_unchecked(volatile char *to,
								const volatile char *from,
								size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = from[i];
}

void arch_watch_read(void *to, const void *from, size_t size)
{
#ifdef KMEM_VALGRIND
	VALGRIND_MAKE_MEM_DEFINED(from, size);
#endif
	copy_unchecked(to, from, size);
#ifdef KMEM_VALGRIND
	VALGRIND_MAKE_MEM_NOACCESS(from, size);
#endif
}

void arch_watch_write(void *to, const void *from, size_t size)
{
#ifdef KMEM_VALGRIND
	VALGRIND_MAKE_MEM_UNDEFINED(to, size);
#endif
	copy_unchecked(to, from, size);
#ifdef KMEM_VALGRIND
	VALGRIND_MAKE_MEM_NOACCESS(to, size);
#endif
}

void arch_watch_copy(void *to, const void *from, size_t size)
{
#ifdef KMEM_VALGRIND
	VALGRIND_DISABLE_ERROR_REPORTING;
#endif
	copy_unchecked(to, from, size);
#ifdef KMEM_VALGRIND
	VALGRIND_ENABLE_ERROR_REPORTING;
	VALGRIND_MAKE_MEM_DEFINED(to, size);
#endif
}

__attribute__((no_sanitize_address)) void arch_watch_fill(void *p, int byte, size_t size)
{
	volatile char *to = p;

#ifdef KMEM_VALGRIND
	VALGRIND_DISABLE_ERROR_REPORTING;
#endif
	for (size_t i = 0; i < size; i++)
		to[i] = (char)byte;
#ifdef KMEM_VALGRIND
	VALGRIND_ENABLE_ERROR_REPORTING;
#endif
}
