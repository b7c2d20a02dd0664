/* SPDX-License-Identifier: MIT */
/* What tests of vmalloc share: walks, and the host's word on what can be touched. */
#ifndef VMALLOC_TEST_H
#define VMALLOC_TEST_H

#include "../support/kmem_test.h"

#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#define P PAGE_SIZE
#define VMALLOC_KVA 0xffffc90000000000ull

/* Everything that was logged since test_hear(). */
static char test_heard[65536];

static inline void test_hear_line(struct machine *m, int level, const char *line, void *arg)
{
	size_t len = strlen(test_heard);

	(void)m;
	(void)level;
	(void)arg;
	snprintf(test_heard + len, sizeof(test_heard) - len, "%s\n", line);
}

static inline void test_hear(void)
{
	test_heard[0] = '\0';
	machine_set_log_sink(NULL, test_hear_line, NULL);
}

static inline void expect_heard(const char *words)
{
	if (!strstr(test_heard, words))
		fail_msg("\"%s\" is not in the log:\n%s", words, test_heard);
	test_heard[0] = '\0';
}

/* Whether the host lets the process read the byte at @p: write() says EFAULT, nothing crashes. */
static inline bool host_readable(const void *p)
{
	char byte;
	int fds[2];
	long n;

	assert_int_equal(pipe(fds), 0);
	n = syscall(SYS_write, fds[1], p, 1);
	if (n == 1)
		assert_int_equal(read(fds[0], &byte, 1), 1);
	else
		assert_int_equal(errno, EFAULT);
	close(fds[0]);
	close(fds[1]);
	return n == 1;
}

static inline bool host_writable(void *p)
{
	int fds[2];
	long n;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	n = syscall(SYS_read, fds[0], p, 1);
	if (n != 1)
		assert_int_equal(errno, EFAULT);
	close(fds[0]);
	close(fds[1]);
	return n == 1;
}

/* The physical address to which the simulated x86 comes by @kva; UINT64_MAX: a page fault. */
static inline phys_addr_t walk_to(kva_t kva, unsigned int access)
{
	struct mmu_walk_result res;
	int ret = mmu_walk(kva, access, &res);

	if (!ret)
		return res.phys;
	assert_int_equal(ret, -EFAULT);
	assert_int_equal(res.trap, X86_TRAP_PF);
	return UINT64_MAX;
}

/* The byte that the walk finds, through the direct map. */
static inline char *walk_ptr(const void *p)
{
	return __va(walk_to(ptr_to_kva(p), MMU_READ));
}

/* Every page of the @size bytes at @p: page, walk and pointer agree, in both directions. */
static inline void check_pages(char *p, size_t size, uint64_t seed)
{
	size_t pages = (size + P - 1) / P;

	for (size_t i = 0; i < pages; i++) {
		char *at = p + i * P + (seed + i * 7) % P;
		struct page *page = vmalloc_to_page(at);
		char *other = walk_ptr(at);

		assert_non_null(page);
		assert_int_equal(vmalloc_to_pfn(at), page_to_pfn(page));
		assert_ptr_equal(other, (char *)page_address(page) + (at - p) % P);
		*at = (char)(seed + i);
		assert_int_equal(*other, (char)(seed + i));
		*other = (char)(seed ^ i);
		assert_int_equal(*at, (char)(seed ^ i));
	}
}

/* The same of an area of @size bytes; the guard page behind it is not there. */
static inline void check_area(char *p, size_t size, uint64_t seed)
{
	kva_t guard = ptr_to_kva(p) + (size + P - 1) / P * P;

	check_pages(p, size, seed);
	assert_int_equal(walk_to(guard, MMU_READ), UINT64_MAX);
}

/* Tables under the one at @table, itself included, as a walk from CR3 finds them: those of @level and
 * below, of @levels. */
static inline unsigned long tables_below(phys_addr_t table, unsigned int level, unsigned int levels,
					 unsigned int entry_size)
{
	unsigned long nr = 1;

	for (unsigned int i = 0; level + 1 < levels && i < P / entry_size; i++) {
		uint64_t value = 0;

		assert_int_equal(mmu_phys_read(table + i * entry_size, &value, entry_size), 0);
		if (value & X86_PTE_P && !(value & X86_PTE_PS))
			nr += tables_below(value & X86_PTE_ADDR_MASK, level + 1, levels, entry_size);
	}
	return nr;
}

/* No table is lost, none counted twice: as many can be reached as vmalloc_nr_tables() says. */
static inline void check_tables(void)
{
	struct mmu_regs regs;
	bool pae, lma;

	assert_int_equal(mmu_get_regs(&regs), 0);
	pae = regs.cr4 & X86_CR4_PAE;
	lma = regs.efer & X86_EFER_LMA;
	assert_int_equal(vmalloc_nr_tables(NULL),
			 tables_below(regs.cr3 & PAGE_MASK, 0,
				      lma ? 4 + !!(regs.cr4 & X86_CR4_LA57) : pae ? 3 : 2,
				      pae ? 8 : 4));
}

#endif
