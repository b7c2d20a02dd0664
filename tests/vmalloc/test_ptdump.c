/* SPDX-License-Identifier: MIT */
/* page_tables: the lines of /sys/kernel/debug/page_tables/kernel. */
#include "vmalloc_test.h"

static void expect_lines(const char *machine, const char *const *lines)
{
	struct machine *m = test_boot(machine);
	char *p = vmalloc(2 * P);
	char *text = test_proc("page_tables");
	const char *at = text;

	assert_non_null(p);
	for (; *lines; lines++) {
		const char *found = strstr(at, *lines);

		if (!found)
			fail_msg("%s: no \"%s\" in the rest of\n%s", machine, *lines, text);
		at = found + strlen(*lines);
	}
	free(text);
	vfree(p);
	test_shutdown(m, 0);
}

static void test_x86_64(void **state)
{
	static const char *const lines[] = {
		"---[ User Space ]---\n"
		"0x0000000000000000-0xffff800000000000    16777088T                               pgd\n"
		"---[ Kernel Space ]---\n"
		"0xffff800000000000-0xffff888000000000        8704G                               pgd\n"
		"---[ Low Kernel Mapping ]---\n",
		"0xffff888000001000-0xffff88800009f000         632K     RW                 GLB NX pte\n",
		"0xffff888000200000-0xffff888040000000        1022M     RW         PSE     GLB NX pmd\n"
		"0xffff888040000000-0xffff888080000000           1G     RW         PSE     GLB NX pud\n",
		"---[ vmalloc() Area ]---\n"
		"0xffffc90000000000-0xffffc90000002000           8K     RW                 GLB NX pte\n"
		"0xffffc90000002000-0xffffc90000200000        2040K                               pte\n"
		"0xffffc90000200000-0xffffc90040000000        1022M                               pmd\n",
		"---[ Vmemmap ]---\n",
		NULL,
	};

	expect_lines("x86_64 mem=3G", lines);
}

static void test_x86_64_la57(void **state)
{
	static const char *const lines[] = {
		"---[ User Space ]---\n"
		"0x0000000000000000-0xff00000000000000       16320P                               pgd\n",
		"---[ Low Kernel Mapping ]---\n"
		"0xff11000000000000-0xff11000000001000           4K                               pte\n",
		"0xff11000040000000-0xff11000080000000           1G     RW         PSE     GLB NX pud\n",
		"---[ vmalloc() Area ]---\n"
		"0xffa0000000000000-0xffa0000000002000           8K     RW                 GLB NX pte\n",
		NULL,
	};

	expect_lines("x86_64_la57 mem=3G", lines);
}

/* No NX without PAE; a large page of the folded levels is a pmd. */
static void test_x86_32(void **state)
{
	static const char *const lines[] = {
		"---[ User Space ]---\n"
		"0x00000000-0xc0000000           3G                               pgd\n"
		"---[ Kernel Mapping ]---\n"
		"0xc0000000-0xc0001000           4K                               pte\n"
		"0xc0001000-0xc009f000         632K     RW                 GLB x  pte\n",
		"0xc0400000-0xdfc00000         504M     RW         PSE     GLB x  pmd\n",
		"---[ vmalloc() Area ]---\n"
		"0xe07e0000-0xe07e2000           8K     RW                 GLB x  pte\n",
		"---[ vmalloc() End ]---\n",
		"---[ Persistent kmap() Area ]---\n",
		"---[ Fixmap area ]---\n",
		NULL,
	};

	expect_lines("x86_32 mem=512M", lines);
}

static void test_x86_32_pae(void **state)
{
	static const char *const lines[] = {
		"---[ Kernel Mapping ]---\n",
		"0xc0200000-0xdfe00000         508M     RW         PSE     GLB NX pmd\n",
		"---[ vmalloc() Area ]---\n"
		"0xe07e0000-0xe07e2000           8K     RW                 GLB NX pte\n",
		NULL,
	};

	expect_lines("x86_32_pae mem=512M", lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		wide_unit_test(test_x86_64),
		wide_unit_test(test_x86_64_la57),
		cmocka_unit_test(test_x86_32),
		cmocka_unit_test(test_x86_32_pae),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
