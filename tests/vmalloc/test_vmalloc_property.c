/* SPDX-License-Identifier: MIT */
/*
 * A property test on several threads, more than there are CPUs: 10^4 random steps of vmalloc(),
 * vmalloc_huge(), vmap(), vm_map_ram(), ioremap() and their opposites, touches and purges (with
 * KMEM_LONG_TEST set 10^6). One table says which address page belongs to whom, and so finds any overlap;
 * an address that was given up belongs to nobody until a purge, so it may come back at any time, but
 * never while it is in use; and what its new owner reads through a TLB is his. Meanwhile another
 * thread purges, walks, reads and shows vmallocinfo. At the end no page and no table is missing.
 */
#include "vmalloc_test.h"

#include "lib/kernel.h"
#include "vmalloc/vmalloc.h"

#include <kmem/io.h>

#include <pthread.h>
#include <stdlib.h>

#define THREADS 4
#define SLOTS 10
#define MAX_PAGES 90
#define REGION_PAGES (1u << 18)
#define DEVICES 0xe0000000ull

enum kind { VMALLOC, ATOMIC, HUGE, VMAP, RAM, IO, KINDS };

struct area {
	char *p;
	enum kind kind;
	unsigned int nr;		/* pages that are mapped */
	struct page *pages[MAX_PAGES];	/* of VMAP and RAM: the thread's own */
};

static struct machine *m;
static bool stop;
static unsigned char owner[REGION_PAGES];	/* by page of the region: thread + 1; 0: nobody */

/* assert_…() is cmocka's and not for other threads. */
#define CHECK(condition)                                                                   \
	do {                                                                               \
		if (!(condition)) {                                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);     \
			abort();                                                           \
		}                                                                          \
	} while (0)

static unsigned long steps(void)
{
	return getenv("KMEM_LONG_TEST") ? 1000000 : 10000;
}

/* The pages of @a were @from's and become @to's. */
static void pass_on(const struct area *a, unsigned char from, unsigned char to)
{
	unsigned long first = (unsigned long)((ptr_to_kva(a->p) - VMALLOC_KVA) / P);

	for (unsigned long i = first; i < first + a->nr; i++) {
		unsigned char seen = from;

		CHECK(i < REGION_PAGES);
		CHECK(__atomic_compare_exchange_n(&owner[i], &seen, to, false, __ATOMIC_ACQ_REL,
						  __ATOMIC_RELAXED));
	}
}

static void touch(const struct area *a, unsigned long mark)
{
	if (a->kind == IO)
		return;
	for (unsigned int i = 0; i < a->nr; i += 1 + a->nr / 32)
		*(unsigned long *)(void *)(a->p + i * P) = mark + i;
}

/* What was written is there, by the pointer, the tables, the direct map, and this CPU's TLB, which had
 * the page of another area there before the last purge. */
static void check(const struct area *a, unsigned long mark)
{
	for (unsigned int i = 0; a->kind != IO && i < a->nr; i += 1 + a->nr / 32) {
		struct page *page = vmalloc_to_page(a->p + i * P);
		struct mmu_walk_result res;
		unsigned long seen;

		CHECK(!mmu_read(ptr_to_kva(a->p) + i * P, &seen, sizeof(seen), 0, NULL));
		CHECK(seen == mark + i);
		CHECK(*(unsigned long *)(void *)(a->p + i * P) == mark + i);
		CHECK(page && *(unsigned long *)page_address(page) == mark + i);
		CHECK(!mmu_walk(ptr_to_kva(a->p) + i * P, MMU_WRITE, &res));
		CHECK(res.phys == page_to_phys(page));
	}
	if (a->kind == IO) {
		uint32_t seen;

		CHECK(readl(a->p) == UINT32_MAX);
		CHECK(!mmu_read(ptr_to_kva(a->p), &seen, sizeof(seen), 0, NULL));
		CHECK(seen == UINT32_MAX);
	}
}

static void take_pages(struct area *a)
{
	memset(a->pages, 0, sizeof(a->pages));
	CHECK(alloc_pages_bulk_array(GFP_KERNEL, a->nr, a->pages) == a->nr);
}

static void give_pages(struct area *a)
{
	for (unsigned int i = 0; i < a->nr; i++)
		__free_page(a->pages[i]);
}

static void make(struct area *a, unsigned char self, uint64_t *seed)
{
	a->kind = (enum kind)(test_rand(seed) % KINDS);
	if (a->kind == HUGE && test_rand(seed) % 8)
		a->kind = VMALLOC;
	a->nr = 1 + (unsigned int)(test_rand(seed) % (test_rand(seed) % 4 ? 16 : MAX_PAGES));
	switch (a->kind) {
	case HUGE:
		a->nr = 512;
		a->p = vmalloc_huge(512 * P, GFP_KERNEL);
		break;
	case VMAP:
		take_pages(a);
		a->p = vmap(a->pages, a->nr, VM_MAP, PAGE_KERNEL);
		break;
	case RAM:
		take_pages(a);
		a->p = vm_map_ram(a->pages, a->nr, NUMA_NO_NODE);
		break;
	case IO:
		a->p = ioremap(DEVICES + test_rand(seed) % 1000 * P, a->nr * P);
		break;
	default:
		a->p = vmalloc(a->nr * P);
	}
	CHECK(a->p);
	pass_on(a, 0, self);
}

static void drop(struct area *a, unsigned char self)
{
	kva_t kva = ptr_to_kva(a->p);
	unsigned int shift;

	/* The tables are cleared before anybody else can get the addresses, which we still own. */
	if (a->kind == VMAP || a->kind == RAM)
		CHECK(pgtable_lookup(&arch_kernel()->vmalloc->pgtable, kva, &shift));
	pass_on(a, self, 0);
	switch (a->kind) {
	case VMAP:
		vunmap(a->p);
		give_pages(a);
		break;
	case RAM:
		vm_unmap_ram(a->p, a->nr);
		give_pages(a);
		break;
	case IO:
		iounmap(a->p);
		break;
	case ATOMIC:
		vfree_atomic(a->p);
		break;
	default:
		vfree(a->p);
	}
	a->p = NULL;
}

static void *worker(void *arg)
{
	unsigned char self = (unsigned char)(uintptr_t)arg;
	struct area *areas = calloc(SLOTS, sizeof(*areas));
	uint64_t seed = self;

	machine_enter(m);
	for (unsigned long step = 0; step < steps() / THREADS; step++) {
		unsigned int i = (unsigned int)(test_rand(&seed) % SLOTS);
		unsigned long mark = (unsigned long)self << 28 | i << 16;
		struct area *a = &areas[i];

		if (!a->p) {
			make(a, self, &seed);
			touch(a, mark);
		} else {
			check(a, mark);
			if (test_rand(&seed) % 3)
				drop(a, self);
		}
		if (test_rand(&seed) % 200 == 0)
			vm_unmap_aliases();
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		if (areas[i].p)
			drop(&areas[i], self);
	free(areas);
	return NULL;
}

static void *watcher(void *arg)
{
	char *text = malloc(65536);
	uint64_t seed = 5;

	(void)arg;
	machine_enter(m);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct mmu_walk_result res;
		kva_t kva = VMALLOC_KVA + test_rand(&seed) % (8000 * P);
		unsigned long seen;

		vm_unmap_aliases();
		CHECK(proc_read("vmallocinfo", text, 65536) >= 0);
		if (mmu_walk(kva, MMU_READ, &res))
			CHECK(res.trap == X86_TRAP_PF && res.error_code == 0);
		/* Leaves something in this CPU's TLB, too. */
		mmu_read(kva & ~(kva_t)7, &seen, sizeof(seen), 0, NULL);
	}
	free(text);
	return NULL;
}

static void test_property(void **state)
{
	pthread_t threads[THREADS], watch;
	unsigned long before;
	unsigned int shift;
	char *text;

	m = test_boot("mem=192M cpus=3 isolate_metadata=1");
	before = test_free_pages();
	stop = false;
	assert_int_equal(pthread_create(&watch, NULL, watcher, NULL), 0);
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, worker,
						(void *)(uintptr_t)(i + 1)), 0);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(watch, NULL);
	vm_unmap_aliases();
	/* Nothing is mapped, neither for the simulated x86 nor in the host; nothing is missing. */
	for (unsigned int i = 0; i < REGION_PAGES; i++) {
		assert_int_equal(owner[i], 0);
		assert_int_equal(pgtable_lookup(&arch_kernel()->vmalloc->pgtable,
						VMALLOC_KVA + i * P, &shift), 0);
	}
	for (unsigned int i = 0; i < 4000; i++)
		assert_false(host_readable(arch_kernel()->arch->vmalloc + i * P));
	text = test_proc("vmallocinfo");
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(vmalloc_nr_pages(), 0);
	check_tables();
	assert_int_equal(test_free_pages(), before);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_property),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
