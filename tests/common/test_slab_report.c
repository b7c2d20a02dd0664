/* SPDX-License-Identifier: MIT */
/* The words of reports. */
#include "../support/kmem_test.h"

#include "common/registry.h"

static void addresses_are_what_the_machine_sees(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	void *p = kmalloc(100, GFP_KERNEL);
	int local;

	assert_int_equal(slab_addr(p), ptr_to_kva(p));
	assert_int_equal(slab_addr(&local), (uintptr_t)&local);
	kfree(p);
	test_shutdown(m, 0);
}

static void misuse_of_a_pointer(void **state)
{
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct kmem_cache *s = kmem_cache_create("named", 64, 0, 0, NULL);
	void *p = kmem_cache_alloc(s, GFP_KERNEL);
	char want[160];

	slab_bug(arch_kernel(), "kmem_cache_free", s, p, SLAB_BUG_INNER);
	snprintf(want, sizeof(want), "kmem_cache_free: pointer is inside an object, ptr 0x%llx cache named\n",
		 (unsigned long long)ptr_to_kva(p));
	expect_report(MACHINE_BUG, want);
	slab_bug(arch_kernel(), "kfree", NULL, p, SLAB_BUG_NO_SLAB);
	snprintf(want, sizeof(want), "kfree: pointer is in no slab, ptr 0x%llx\n",
		 (unsigned long long)ptr_to_kva(p));
	expect_report(MACHINE_BUG, want);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

static void a_leak_reads_as_the_kernels(void **state)
{
	static const char head[] =
		"=============================================================================\n"
		"BUG leaky (Not tainted): Objects remaining in leaky on __kmem_cache_shutdown()\n"
		"-----------------------------------------------------------------------------\n\n"
		"Slab 0x";
	struct machine *m = test_boot("preset=x86_64 mem=64M");
	struct kmem_cache *s = kmem_cache_create("leaky", 64, 0, 0, NULL);
	const char *text = test_state.reports[0].text, *cpu, *trace, *object;
	void *p = kmem_cache_alloc(s, GFP_KERNEL);
	char want[80];

	cache_report_leak(s, 1);
	assert_memory_equal(text, head, strlen(head));
	assert_string_equal(test_state.reports[0].title, "BUG leaky (Not tainted): "
			    "Objects remaining in leaky on __kmem_cache_shutdown()");
	cpu = strstr(text, "\nCPU: 0 PID: ");
	trace = strstr(text, "\nCall Trace:\n");
	snprintf(want, sizeof(want), "\nObject 0x%llx @offset=0\n", (unsigned long long)ptr_to_kva(p));
	object = strstr(text, want);
	assert_true(cpu && trace && object && cpu < trace && trace < object);
	expect_report(MACHINE_WARN, NULL);
	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	test_shutdown(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_what_the_machine_sees),
		cmocka_unit_test(misuse_of_a_pointer),
		cmocka_unit_test(a_leak_reads_as_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
