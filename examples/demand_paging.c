/* SPDX-License-Identifier: MIT */
/*
 * Demand paging: a file appears in memory, but a page of it is read when it is first touched. The
 * program is a tiny kernel: it has page tables of its own, in pages it allocated, and a page-fault
 * handler.
 *
 *	not present, in the file	read the page, map it read-only
 *	write to a read-only page	map a copy of it: the file stays as it is
 *	anything else			not ours: the access fails
 *
 * A fault that comes because a page is not there needs no INVLPG: what is absent is never cached. One
 * that changes an entry needs it.
 */
#include <kmem/kmem.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_PAGES 64
#define WINDOW ((kva_t)0x10000000)	/* where the file appears */
#define USER (X86_PTE_P | X86_PTE_US)

struct process {
	FILE *file;
	struct page *tables[4];		/* pgd, pud, pmd, pte: the window needs one of each */
	struct page *pages[FILE_PAGES];	/* what is mapped; NULL: not read yet */
	unsigned int reads, copies;
};

static void die(const char *what)
{
	fprintf(stderr, "demand_paging: %s\n", what);
	exit(1);
}

static struct page *new_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (!page)
		die("out of simulated memory");
	return page;
}

static void set_entry(struct page *table, unsigned int shift, kva_t va, uint64_t value)
{
	uint64_t index = va >> shift & ((1u << X86_LEVEL_BITS) - 1);

	mmu_phys_write(page_to_phys(table) + index * sizeof(value), &value, sizeof(value));
}

static void map(struct process *p, kva_t va, struct page *page, uint64_t rights)
{
	set_entry(p->tables[3], X86_PTE_SHIFT, va, page_to_phys(page) | USER | rights);
}

static void read_page(struct process *p, unsigned int n)
{
	p->pages[n] = new_page();
	if (fseek(p->file, (long)(n * PAGE_SIZE), SEEK_SET) ||
	    fread(page_address(p->pages[n]), 1, PAGE_SIZE, p->file) != PAGE_SIZE)
		die("the file cannot be read");
	map(p, WINDOW + n * PAGE_SIZE, p->pages[n], 0);
	p->reads++;
}

static void copy_page(struct process *p, unsigned int n)
{
	struct page *copy = new_page();

	memcpy(page_address(copy), page_address(p->pages[n]), PAGE_SIZE);
	map(p, WINDOW + n * PAGE_SIZE, copy, X86_PTE_RW);
	mmu_invlpg(WINDOW + n * PAGE_SIZE);
	__free_page(p->pages[n]);
	p->pages[n] = copy;
	p->copies++;
}

/* True: mended, try again. */
static bool page_fault(const struct mmu_page_fault *fault, void *arg)
{
	struct process *p = arg;
	unsigned int n;

	if (fault->address < WINDOW || fault->address >= WINDOW + FILE_PAGES * PAGE_SIZE)
		return false;
	n = (unsigned int)((fault->address - WINDOW) / PAGE_SIZE);
	if (!(fault->error_code & X86_PF_PROT)) {
		read_page(p, n);
		return true;
	}
	if (!(fault->error_code & X86_PF_WRITE))
		return false;
	copy_page(p, n);
	return true;
}

/* A file of which each page says its number. */
static FILE *make_file(void)
{
	static char text[PAGE_SIZE];
	FILE *file = tmpfile();

	for (int i = 0; file && i < FILE_PAGES; i++) {
		snprintf(text, sizeof(text), "this is page %d", i);
		fwrite(text, 1, sizeof(text), file);
	}
	if (!file || fflush(file))
		die("no temporary file");
	return file;
}

static void start(struct process *p)
{
	struct mmu_regs regs;

	p->file = make_file();
	for (int i = 0; i < 4; i++)
		p->tables[i] = new_page();
	set_entry(p->tables[0], X86_PGD_SHIFT, WINDOW, page_to_phys(p->tables[1]) | USER | X86_PTE_RW);
	set_entry(p->tables[1], X86_PUD_SHIFT, WINDOW, page_to_phys(p->tables[2]) | USER | X86_PTE_RW);
	set_entry(p->tables[2], X86_PMD_SHIFT, WINDOW, page_to_phys(p->tables[3]) | USER | X86_PTE_RW);
	mmu_get_regs(&regs);
	regs.cr3 = page_to_phys(p->tables[0]);
	mmu_set_regs(&regs);
	mmu_set_fault_handler(page_fault, p);
}

static void finish(struct process *p, const struct mmu_regs *kernel)
{
	mmu_set_fault_handler(NULL, NULL);
	mmu_set_regs(kernel);
	for (int i = 0; i < FILE_PAGES; i++) {
		if (p->pages[i])
			__free_page(p->pages[i]);
	}
	for (int i = 0; i < 4; i++)
		__free_page(p->tables[i]);
	fclose(p->file);
}

static void show(const struct process *p, const char *what)
{
	printf("%-28s %2u pages read, %u copied\n", what, p->reads, p->copies);
}

static void use(struct process *p)
{
	static char whole[FILE_PAGES * PAGE_SIZE];
	struct mmu_outcome out;
	char text[32];

	show(p, "mapped");
	mmu_read(WINDOW + 7 * PAGE_SIZE, text, sizeof(text), MMU_USER, NULL);
	printf("read: '%s'\n", text);
	show(p, "page 7 read");
	mmu_read(WINDOW + 9 * PAGE_SIZE - 8, text, 16, MMU_USER, NULL);
	show(p, "across the border of 8 and 9");
	mmu_write(WINDOW + 7 * PAGE_SIZE + 8, "mine now", 9, MMU_USER, NULL);
	mmu_read(WINDOW + 7 * PAGE_SIZE, text, sizeof(text), MMU_USER, NULL);
	printf("written: '%s'\n", text);
	show(p, "page 7 written");
	mmu_read(WINDOW, whole, sizeof(whole), MMU_USER, &out);
	printf("the whole file: %zu bytes, page 63 is '%s'\n", out.done,
	       whole + (FILE_PAGES - 1) * PAGE_SIZE);
	show(p, "everything read");
	if (mmu_read(WINDOW + sizeof(whole) - 4, text, 8, MMU_USER, &out))
		printf("beyond its end: page fault at 0x%llx, error code 0x%x\n",
		       (unsigned long long)out.cr2, out.error_code);
}

int main(void)
{
	struct process p = {0};
	struct machine_error err;
	struct mmu_counters c;
	struct mmu_regs kernel;
	struct machine *m;

	if (machine_boot_text("preset=x86_64 mem=64M cpus=1", &m, &err))
		die(err.reason);
	mmu_get_regs(&kernel);
	start(&p);
	use(&p);
	mmu_get_counters(0, &c);
	printf("%llu page faults, %llu walks of %llu entries, %llu TLB hits\n",
	       (unsigned long long)c.page_faults, (unsigned long long)c.walks,
	       (unsigned long long)c.walk_refs, (unsigned long long)(c.hits_4k + c.hits_l2));
	finish(&p, &kernel);
	return machine_shutdown(m) ? 1 : 0;
}
