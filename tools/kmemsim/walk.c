/* SPDX-License-Identifier: MIT */
/* kmemsim walk: where addresses lead on a machine fresh from boot, entry by entry, and what the TLB
 * has of them after a read. */
#include "json.h"
#include "sim.h"
#include "table.h"

#include <kmem/kmem.h>

#include <stdlib.h>
#include <string.h>

struct walk_options {
	struct common_options *common;
	char **addresses;
	unsigned int nr;
};

struct bit_name {
	uint64_t mask;
	const char *name;
};

/* Bit 7 is PS or PAT, by the kind of entry. */
static const struct bit_name bit_names[] = {
	{X86_PTE_P, "P"},     {X86_PTE_RW, "RW"}, {X86_PTE_US, "US"}, {X86_PTE_PWT, "PWT"},
	{X86_PTE_PCD, "PCD"}, {X86_PTE_A, "A"},	  {X86_PTE_D, "D"},   {X86_PTE_PS, "PS"},
	{X86_PTE_G, "G"},     {X86_PTE_NX, "NX"},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct walk_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o->common;
		return 0;
	case ARGP_KEY_ARG:
		o->addresses = xrealloc(o->addresses, o->nr + 1, sizeof(*o->addresses));
		o->addresses[o->nr++] = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		die("walk: no address");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static kva_t parse_address(const char *text)
{
	uint64_t n;

	if (!read_number(text, 0, UINT64_MAX, &n))
		die("walk: '%s' is no address (0xffff888000000000 is one)", text);
	return n;
}

static const char *page_size_name(unsigned int shift)
{
	switch (shift) {
	case X86_PUD_SHIFT:
		return "1 GiB";
	case X86_PGD32_SHIFT:
		return "4 MiB";
	case X86_PMD_SHIFT:
		return "2 MiB";
	default:
		return "4 KiB";
	}
}

/* "table", "2 MiB page" or "not present". */
static const char *kind_of(const struct mmu_walk_entry *e, char buf[32])
{
	if (!(e->value & X86_PTE_P))
		return "not present";
	if (e->shift != X86_PTE_SHIFT && !(e->value & X86_PTE_PS))
		return "table";
	snprintf(buf, 32, "%s page", page_size_name(e->shift));
	return buf;
}

static const char *bits_of(const struct mmu_walk_entry *e, char buf[64])
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(bit_names); i++) {
		bool pat = bit_names[i].mask == X86_PTE_PAT && e->shift == X86_PTE_SHIFT;

		if (e->value & bit_names[i].mask)
			len += (size_t)snprintf(buf + len, 64 - len, "%s%s", len ? " " : "",
						pat ? "PAT" : bit_names[i].name);
	}
	return buf;
}

/* "page fault, error code 0x0, CR2 …" or where it leads. */
static void print_outcome(const struct mmu_walk_result *walk)
{
	if (walk->trap == X86_TRAP_GP)
		printf("general protection fault: the address is not canonical\n");
	else if (walk->trap)
		printf("page fault, error code 0x%x, CR2 0x%016llx\n", walk->error_code,
		       (unsigned long long)walk->cr2);
	else
		printf("physical 0x%llx in a %s page\n", (unsigned long long)walk->phys,
		       page_size_name(walk->page_shift));
}

static const char *mode_name(const struct mmu_regs *regs)
{
	if (!(regs->cr4 & X86_CR4_PAE))
		return "32-bit";
	if (!(regs->efer & X86_EFER_LMA))
		return "PAE";
	return regs->cr4 & X86_CR4_LA57 ? "5-level" : "4-level";
}

/* What a supervisor's read of @va left in the TLB. False: nothing, it faulted. */
static bool read_and_peek(kva_t va, struct mmu_tlb_translation *tlb)
{
	char byte;

	return !mmu_read(va, &byte, 1, 0, NULL) && mmu_tlb_peek(va, tlb) == 1;
}

static const char *rights_of(const struct mmu_tlb_translation *tlb, char buf[64])
{
	int len = snprintf(buf, 64, "%s%s%s%s", tlb->writable ? " W" : "", tlb->user ? " U" : "",
			   tlb->executable ? " X" : "", tlb->global ? " global" : "");

	if (tlb->key > 0)
		snprintf(buf + len, 64 - (size_t)len, " key %d", tlb->key);
	return buf;
}

static void print_tlb(kva_t va)
{
	struct mmu_tlb_translation tlb;
	char rights[64];

	if (read_and_peek(va, &tlb))
		printf("TLB      %s page 0x%016llx -> 0x%llx, readable%s\n",
		       page_size_name(tlb.page_shift), (unsigned long long)tlb.va,
		       (unsigned long long)tlb.phys, rights_of(&tlb, rights));
	else
		printf("TLB      nothing\n");
}

static void print_walk(const struct mmu_regs *regs, const struct mmu_walk_result *walk)
{
	static const char *const columns[] = {"<level", "entry at", "value", "<", "<bits", NULL};
	struct table *t = table_new(columns);

	printf("address  0x%016llx\n", (unsigned long long)walk->va);
	printf("cr3      0x%llx, %s paging\n", (unsigned long long)regs->cr3, mode_name(regs));
	for (unsigned int i = 0; i < walk->nr_entries; i++) {
		const struct mmu_walk_entry *e = &walk->entries[i];
		char kind[32], bits[64];

		table_cell(t, "%s", e->name);
		table_cell(t, "0x%llx", (unsigned long long)e->addr);
		table_cell(t, "0x%016llx", (unsigned long long)e->value);
		table_cell(t, "%s", kind_of(e, kind));
		table_cell(t, "%s", bits_of(e, bits));
	}
	if (walk->nr_entries)
		table_print(t, stdout);
	table_free(t);
	print_outcome(walk);
	print_tlb(walk->va);
}

static void json_hex(struct json_writer *w, const char *key, uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)n);
	json_string(w, key, text);
}

static void print_tlb_json(struct json_writer *w, kva_t va)
{
	struct mmu_tlb_translation tlb;
	char rights[64];

	if (!read_and_peek(va, &tlb))
		return;
	json_begin_flat(w, "tlb", '{');
	json_hex(w, "page", tlb.va);
	json_hex(w, "physical", tlb.phys);
	json_uint(w, "page_bytes", UINT64_C(1) << tlb.page_shift);
	json_string(w, "rights", rights_of(&tlb, rights)[0] ? rights + 1 : "");
	json_end(w, '}');
}

static void print_walk_json(struct json_writer *w, const struct mmu_regs *regs,
			    const struct mmu_walk_result *walk)
{
	json_begin(w, NULL, '{');
	json_hex(w, "address", walk->va);
	json_hex(w, "cr3", regs->cr3);
	json_string(w, "mode", mode_name(regs));
	json_begin(w, "entries", '[');
	for (unsigned int i = 0; i < walk->nr_entries; i++) {
		const struct mmu_walk_entry *e = &walk->entries[i];
		char text[64];

		json_begin_flat(w, NULL, '{');
		json_string(w, "level", e->name);
		json_hex(w, "at", e->addr);
		json_hex(w, "value", e->value);
		json_string(w, "kind", kind_of(e, text));
		json_string(w, "bits", bits_of(e, text));
		json_end(w, '}');
	}
	json_end(w, ']');
	if (walk->trap) {
		json_uint(w, "trap", (uint64_t)walk->trap);
		json_hex(w, "error_code", walk->error_code);
	} else {
		json_hex(w, "physical", walk->phys);
		json_uint(w, "page_bytes", UINT64_C(1) << walk->page_shift);
	}
	print_tlb_json(w, walk->va);
	json_end(w, '}');
}

static void walk_all(const struct walk_options *o)
{
	struct json_writer w = {.out = stdout};
	struct mmu_regs regs;

	if (mmu_get_regs(&regs))
		die("walk: the page tables of this paging mode are not in this version");
	for (unsigned int i = 0; i < o->nr; i++) {
		if (parse_address(o->addresses[i]) > UINT32_MAX && !(regs.efer & X86_EFER_LMA))
			die("walk: '%s': this machine's addresses have 32 bits", o->addresses[i]);
	}
	if (o->common->json)
		json_begin(&w, NULL, '[');
	for (unsigned int i = 0; i < o->nr; i++) {
		kva_t va = parse_address(o->addresses[i]);
		struct mmu_walk_result walk;

		mmu_walk(va, MMU_READ | MMU_PROBE, &walk);
		if (o->common->json) {
			print_walk_json(&w, &regs, &walk);
			continue;
		}
		if (i)
			putchar('\n');
		print_walk(&regs, &walk);
	}
	if (o->common->json)
		json_end(&w, ']');
}

int cmd_walk(struct common_options *common, int argc, char **argv)
{
	static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		NULL,
		parse_option,
		"ADDRESS...",
		"Walk the page tables of a machine fresh from boot: what the simulated x86 makes "
		"of a supervisor read at each address.",
		children,
		NULL,
		NULL,
	};
	struct walk_options o = {.common = common};
	struct sim sim;

	parse_arguments(&argp, argc, argv, 0, &o);
	for (unsigned int i = 0; i < o.nr; i++)
		parse_address(o.addresses[i]);
	sim_messages(4);
	sim_prepare(&sim, common, "preset=x86_64", "walk", NULL);
	sim_boot(&sim, NULL);
	walk_all(&o);
	sim_shutdown(&sim);
	free(o.addresses);
	return 0;
}
