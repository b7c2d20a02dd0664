/* SPDX-License-Identifier: MIT */
/*
 * What watchers are told. In builds without one raw accesses are plain ones and nothing else is to
 * be seen; tests/sanitize has programs with mistakes.
 */
#include "../support/sim_test.h"

#include <kmem/kmem.h>

#ifdef ARCH_ASAN
#include <sanitizer/asan_interface.h>
#define poisoned(p) (__asan_address_is_poisoned(p) != 0)
#define WATCHED true
#else
#define poisoned(p) ((void)(p), false)
#define WATCHED false
#endif

static void raw_access_of_every_width(void **state)
{
	struct {
		void *pointer;
		uint32_t word;
		int16_t half;
		uint8_t byte;
	} *p = aligned_alloc(64, 64);

	arch_poison(p, 64);
	assert_int_equal(poisoned(p), WATCHED);
	arch_raw_write(&p->pointer, (void *)p);
	arch_raw_write(&p->word, 0x12345678u);
	arch_raw_write(&p->half, (int16_t)-5);
	arch_raw_write(&p->byte, 200);
	assert_ptr_equal(arch_raw_read(&p->pointer), p);
	assert_int_equal(arch_raw_read(&p->word), 0x12345678);
	assert_int_equal(arch_raw_read(&p->half), -5);
	assert_int_equal(arch_raw_read(&p->byte), 200);
	assert_int_equal(poisoned(&p->word), WATCHED);
	arch_unpoison(p, 64);
	assert_false(poisoned(p));
	assert_int_equal(p->byte, 200);
	free(p);
}

/* Pages, an object of each kind, an area: free ones are poisoned, live ones are not. */
static void free_memory_is_poisoned(void **state)
{
	struct machine_error err;
	struct machine *m;
	struct page *page;
	char *p;

	assert_int_equal(machine_boot_text("preset=x86_64 mem=64M", &m, &err), 0);
	page = alloc_pages(GFP_KERNEL, 3);
	p = page_address(page);
	assert_false(poisoned(p + 20000));
	__free_pages(page, 3);
	assert_int_equal(poisoned(p), WATCHED);
	assert_int_equal(poisoned(p + 32767), WATCHED);

	for (size_t size = 8; size < 100000; size *= 3) {
		p = kmalloc(size, GFP_KERNEL);
		assert_false(poisoned(p));
		assert_false(poisoned(p + ksize(p) - 1));
		kfree(p);
		assert_int_equal(poisoned(p), WATCHED);
		assert_int_equal(poisoned(p + size - 1), WATCHED);
	}
	p = vmalloc(10000);
	assert_false(poisoned(p));
	assert_false(poisoned(p + 9999));
	vfree(p);
	assert_int_equal(poisoned(p), WATCHED);
	machine_shutdown(m);
}

/* What the host puts at a machine's addresses next is nobody's free memory. */
static void a_machine_takes_its_poison_along(void **state)
{
	struct machine_error err;
	struct machine *m;
	char *p, *q;

	assert_int_equal(machine_boot_text("preset=x86_64 mem=64M", &m, &err), 0);
	p = kmalloc(100, GFP_KERNEL);
	kfree(p);
	q = vmalloc(10000);
	vfree(q);
	assert_int_equal(poisoned(p), WATCHED);
	machine_shutdown(m);
	assert_false(poisoned(p));
	assert_false(poisoned(q));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_access_of_every_width),
		cmocka_unit_test(free_memory_is_poisoned),
		cmocka_unit_test(a_machine_takes_its_poison_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
