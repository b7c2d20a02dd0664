/* SPDX-License-Identifier: MIT */
/*
 * Reports about pages that were handed in wrongly, in the shape of the kernel's bad_page() and
 * dump_page():
 *
 *	BUG: Bad page state in process replay  pfn:00123
 *	page:ffffea00000048c0 refcount:0 mapcount:0 mapping:0000000000000000 index:0x0 pfn:0x123
 *	flags: 0x0(node=0|zone=1)
 *	raw: 0000000000000901 …
 *	page dumped because: page freed twice
 *
 * "page:" is the entry's address in the simulated kernel's vmemmap, so that it does not change from
 * run to run. Nothing is locked: what the page looks like may change while it is printed.
 */
#include "buddy/bad_page.h"

#include "buddy/page_owner.h"
#include "lib/kfmt.h"

#define REPORT_SIZE 6144

struct flag_name {
	uint32_t bit;
	const char *name;
};

static const struct flag_name flag_names[] = {
	{PG_HEAD, "head"},
	{PG_PRIVATE, "private"},
	{PG_SLOB_FREE, "slob_free"},
	{PG_LARGE, "large"},
	{PG_PFMEMALLOC, "pfmemalloc"},
};

void page_put_flags(struct seq_file *m, const struct page *page)
{
	uint32_t flags = page->flags;

	seq_printf(m, "0x%x(", flags & PG_STATE_MASK & ~PG_INIT);
	if (page_type(page) == PAGE_TYPE_SLAB)
		seq_puts(m, "slab|");
	if (PageReserved(page))
		seq_puts(m, "reserved|");
	for (unsigned int i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
		if (flags & flag_names[i].bit)
			seq_printf(m, "%s|", flag_names[i].name);
	seq_printf(m, "node=%u|zone=%u)\n", page_flags_node(flags), page_flags_zone(flags));
}

static void put_raw(struct seq_file *m, const struct page *page)
{
	unsigned long words[sizeof(*page) / sizeof(long)];
	const unsigned int last = 32 / sizeof(long) - 1; /* of a line of 32 bytes */

	__builtin_memcpy(words, page, sizeof(words));
	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		seq_printf(m, "%s%0*lx%s", i & last ? " " : "raw: ", (int)(2 * sizeof(long)), words[i],
			   (i & last) == last ? "\n" : "");
}

static void put_page_state(struct seq_file *m, struct kernel *k, const struct page *page)
{
	uint64_t pfn = page_pfn(k->buddy, page);
	enum page_type type = page_type(page);
	int refs = type == PAGE_TYPE_USED ? page->refcount : type == PAGE_TYPE_SLAB;

	seq_printf(m, "page:%016llx refcount:%d mapcount:0 mapping:%016x index:0x0 pfn:0x%llx\n",
		   vmemmap_address(pfn), refs, 0,
		   (unsigned long long)pfn);
	if (page->head && page->head != page)
		seq_printf(m, "head:%016llx order:%u compound_mapcount:0 compound_pincount:0\n",
			   vmemmap_address(page_pfn(k->buddy, page->head)), page->head->order);
	seq_puts(m, "flags: ");
	page_put_flags(m, page);
	put_raw(m, page);
}

static void put_page_and_reason(struct seq_file *m, struct kernel *k, const struct page *page,
				const char *why)
{
	bool known = memmap_contains(k->arch, page);

	if (known)
		put_page_state(m, k, page);
	else
		seq_printf(m, "page:%p\n", (const void *)page);
	seq_printf(m, "page dumped because: %s\n", why);
	if (known && k->buddy->page_owner)
		page_owner_dump(k->buddy, page, m);
}

noinline void bad_page(struct kernel *k, const struct page *page, const char *why)
{
	char text[REPORT_SIZE], comm[32];
	struct seq_file m;
	int tid;

	arch_thread_name(comm, sizeof(comm), &tid);
	seq_init_buf(&m, text, sizeof(text));
	seq_printf(&m, "BUG: Bad page state in process %s  pfn:", comm);
	if (memmap_contains(k->arch, page))
		seq_printf(&m, "%05llx\n", (unsigned long long)page_pfn(k->buddy, page));
	else
		seq_puts(&m, "?\n");
	put_page_and_reason(&m, k, page, why);
	report_put_caller(&m, 1);
	report_taint(k, TAINT_BAD_PAGE);
	report_text(k, MACHINE_BUG, text);
}

void dump_page(const struct page *page, const char *reason)
{
	struct kernel *k = arch_kernel();
	char text[REPORT_SIZE];
	struct seq_file m;

	if (!k)
		return;
	seq_init_buf(&m, text, sizeof(text));
	put_page_and_reason(&m, k, page, reason ? reason : "dump_page");
	pr_lines(k, 4, text);
}

/* Order of the block of @type that begins below @pfn and reaches over it; -1: there is none. */
static int covering_block(const struct buddy *b, uint64_t pfn, enum page_type type)
{
	for (unsigned int order = 1; order < MAX_ORDER; order++) {
		uint64_t start = pfn & ~((1ull << order) - 1);
		const struct page *page = pfn_page(b, start);

		if (start != pfn && page_type(page) == type && page->order >= order)
			return page->order;
	}
	return -1;
}

static void why_inner(char *why, size_t size, const struct buddy *b, const struct page *page)
{
	uint64_t pfn = page_pfn(b, page);
	int order = covering_block(b, pfn, PAGE_TYPE_USED);

	if (covering_block(b, pfn, PAGE_TYPE_BUDDY) >= 0 || covering_block(b, pfn, PAGE_TYPE_PCP) >= 0)
		ksnprintf(why, size, "page freed twice");
	else if (order >= 0)
		ksnprintf(why, size, "page inside a block of order %d", order);
	else
		ksnprintf(why, size, "page was never handed out");
}

static void why_not_in_use(char *why, size_t size, struct kernel *k, const struct page *page,
			   unsigned int order, enum page_type wanted)
{
	enum page_type type = page_type(page);

	switch (type) {
	case PAGE_TYPE_NONE:
		why_inner(why, size, k->buddy, page);
		break;
	case PAGE_TYPE_BUDDY:
	case PAGE_TYPE_PCP:
		ksnprintf(why, size, "page freed twice");
		break;
	case PAGE_TYPE_TAIL:
		ksnprintf(why, size, "tail page of a compound page");
		break;
	case PAGE_TYPE_RANGE:
		ksnprintf(why, size, "page was never handed out");
		break;
	case PAGE_TYPE_USED:
	case PAGE_TYPE_SLAB:
		if (type != wanted)
			ksnprintf(why, size, wanted == PAGE_TYPE_SLAB ? "not a slab's page" :
									"page of a slab");
		else if (page->order != order)
			ksnprintf(why, size, "called with order %u, allocated with order %u", order,
				  page->order);
		else
			ksnprintf(why, size, "no references left");
		break;
	}
}

noinline void bad_block(struct kernel *k, const struct page *page, unsigned int order,
			enum page_type wanted)
{
	char why[96];

	if (!page)
		ksnprintf(why, sizeof(why), "page is NULL");
	else if (!memmap_contains(k->arch, page))
		ksnprintf(why, sizeof(why), "not a page of this machine");
	else
		why_not_in_use(why, sizeof(why), k, page, order, wanted);
	bad_page(k, page, why);
}
