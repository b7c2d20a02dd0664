/* SPDX-License-Identifier: MIT */
/*
 * kmemsim mmu: performs the accesses of a file of page-walk cases (tests/golden/mmu/README.md) and
 * prints its C and A lines with what the simulated MMU made of each access, as R lines.
 *
 * The machine has memory wherever a case may put something, and a kernel that uses none of it. The
 * accesses go through the TLB, which each case finds empty; with --walk each page is walked instead.
 * What a case wrote is cleared away after it.
 */
#include "sim.h"
#include "trace.h"

#include <kmem/mmu.h>

#include <stdlib.h>
#include <string.h>

#define MAX_ENTRIES 64
#define MAX_ACCESS MMU_ACCESS_MAX
#define GIB ((uint64_t)1 << 30)

struct entry {
	phys_addr_t at;
	uint64_t value;
};

struct access {
	char kind;		/* r, w, x */
	unsigned int size, cpl, ac;
	kva_t va;
};

struct golden {
	struct lines *lines;
	FILE *out;		/* all of it is printed at the end, or nothing */
	bool walk;
	const char *mode;
	unsigned int entry_size;
	unsigned int maxphyaddr;
	struct sim sim;

	/* the case under way */
	bool in_case, has_entries;
	struct mmu_regs regs;
	bool cr3_fault;
	struct entry entries[MAX_ENTRIES];
	unsigned int nr_entries;
	phys_addr_t *pages;	/* written to */
	unsigned int nr_pages, max_pages;
};

static void __attribute__((noreturn)) bad(const struct golden *g, const char *why)
{
	die_at(lines_path(g->lines), lines_number(g->lines), "%s", why);
}

/* --- words of a line -------------------------------------------------------------------------- */

static char *next_word(char **at)
{
	char *word = *at;

	if (!*word)
		return NULL;
	*at = strchrnul(word, ' ');
	if (**at)
		*(*at)++ = '\0';
	return word;
}

static uint64_t number(const struct golden *g, const char *word, int base, uint64_t max)
{
	uint64_t n;

	if (!word)
		bad(g, "a number is missing");
	if (!read_number(word, base, max, &n))
		bad(g, "a number cannot be read or is too large");
	return n;
}

static uint64_t hex(const struct golden *g, char **at)
{
	return number(g, next_word(at), 16, UINT64_MAX);
}

static unsigned int decimal(const struct golden *g, char **at, unsigned int max)
{
	return (unsigned int)number(g, next_word(at), 10, max);
}

static void end_of_line(const struct golden *g, const char *at)
{
	if (*at)
		bad(g, "there is more on the line than belongs there");
}

/* --- the machine ------------------------------------------------------------------------------ */

/* 64 MiB for the kernel; what is above it does not know. */
static void boot(struct golden *g, struct common_options *common)
{
	uint64_t top = ((uint64_t)1 << (g->maxphyaddr - 30)) * 15 / 16;
	char *text = xasprintf("preset=x86_64 cpus=1 ram=0-64M,1G-3G,4G-%lluG reserved=0-1M "
			       "maxphyaddr=%u cmdline=mem=64M isolate_metadata=1",
			       (unsigned long long)top + 1, g->maxphyaddr);

	if (common->machine)
		die("mmu: the file says what machine it needs, --machine cannot");
	sim_prepare(&g->sim, common, text, "mmu", NULL);
	sim_boot(&g->sim, lines_path(g->lines));
	free(text);
}

static void note_page(struct golden *g, phys_addr_t phys)
{
	if (g->nr_pages == g->max_pages) {
		g->max_pages = 2 * g->max_pages + 64;
		g->pages = xrealloc(g->pages, g->max_pages, sizeof(*g->pages));
	}
	g->pages[g->nr_pages++] = phys - phys % PAGE_SIZE;
}

static uint64_t read_entry(const struct golden *g, const struct entry *e)
{
	uint64_t value = 0;

	mmu_phys_read(e->at, &value, g->entry_size);
	return value;
}

static void clear_away(struct golden *g)
{
	for (unsigned int i = 0; i < g->nr_pages; i++)
		mmu_phys_clear(g->pages[i], PAGE_SIZE);
	g->nr_pages = 0;
	g->nr_entries = 0;
}

/* --- what the lines do ------------------------------------------------------------------------ */

static void print_result(const struct golden *g, const char *text)
{
	fprintf(g->out, "R %s", text);
	for (unsigned int i = 0; i < g->nr_entries; i++) {
		uint64_t value = read_entry(g, &g->entries[i]);

		if (value != g->entries[i].value)
			fprintf(g->out, " %u=%llx", i, (unsigned long long)value);
	}
	fputc('\n', g->out);
}

static void print_trap(const struct golden *g, int trap, uint32_t error_code, kva_t cr2)
{
	char text[64];

	if (trap == X86_TRAP_PF)
		snprintf(text, sizeof(text), "pf %x %llx", error_code, (unsigned long long)cr2);
	else
		snprintf(text, sizeof(text), "gp %x", error_code);
	print_result(g, text);
}

static void print_ok(const struct golden *g, const phys_addr_t phys[2], bool two)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "ok %llx", (unsigned long long)phys[0]);

	if (two)
		snprintf(text + len, sizeof(text) - (size_t)len, " %llx",
			 (unsigned long long)phys[1]);
	print_result(g, text);
}

static unsigned int how_of(const struct access *a)
{
	return (a->cpl ? MMU_USER : 0) | (a->ac ? MMU_AC : 0);
}

static bool crosses(const struct access *a)
{
	return (a->va & ~PAGE_MASK) + a->size > PAGE_SIZE;
}

static void do_access(struct golden *g, const struct access *a)
{
	struct mmu_outcome out;
	char buf[MAX_ACCESS] = {0};
	int ret;

	if (a->kind == 'w')
		ret = mmu_write(a->va, buf, a->size, how_of(a), &out);
	else if (a->kind == 'r')
		ret = mmu_read(a->va, buf, a->size, how_of(a), &out);
	else
		ret = mmu_fetch(a->va, buf, a->size, how_of(a), &out);
	if (ret && ret != -EFAULT)
		die("mmu: %s", strerror(-ret));
	if (ret) {
		print_trap(g, out.trap, out.error_code, out.cr2);
		return;
	}
	if (a->kind == 'w')
		note_page(g, out.phys[0]);
	if (a->kind == 'w' && crosses(a))
		note_page(g, out.phys[1]);
	print_ok(g, out.phys, crosses(a));
}

/* The same by walks alone. */
static void do_walks(struct golden *g, const struct access *a)
{
	unsigned int access = how_of(a);
	bool narrow = !(g->regs.efer & X86_EFER_LMA);
	kva_t second = (a->va | ~PAGE_MASK) + 1;
	struct mmu_walk_result res[2];
	phys_addr_t phys[2] = {0};
	bool two = crosses(a);

	access |= a->kind == 'w' ? MMU_WRITE : a->kind == 'x' ? MMU_FETCH : 0;
	if (narrow)
		second &= UINT32_MAX;
	/* An operand that is not canonical as a whole is refused before any walk. */
	if (two && a->kind != 'x' &&
	    mmu_walk_regs(&g->regs, second, access | MMU_PROBE, &res[1]) &&
	    res[1].trap == X86_TRAP_GP) {
		print_trap(g, X86_TRAP_GP, 0, 0);
		return;
	}
	for (unsigned int i = 0; i < 1u + two; i++) {
		if (mmu_walk_regs(&g->regs, i ? second : a->va, access, &res[i])) {
			print_trap(g, res[i].trap, res[i].error_code, res[i].cr2);
			return;
		}
		phys[i] = res[i].phys;
	}
	print_ok(g, phys, two);
}

/* The registers, with an empty TLB; entries are there. */
static void load_registers(struct golden *g)
{
	struct mmu_walk_result res;
	int ret;

	if (g->walk) {
		ret = mmu_walk_regs(&g->regs, 0, MMU_PROBE, &res);
		g->cr3_fault = ret == -EFAULT && res.at_cr3;
		return;
	}
	ret = mmu_set_regs(&g->regs);
	if (!ret)
		ret = mmu_load_cr3(g->regs.cr3);
	g->cr3_fault = ret == -EFAULT;
	if (ret && ret != -EFAULT)
		bad(g, "the registers select no paging mode");
	mmu_invpcid(X86_INVPCID_ALL_GLOBAL, 0, 0);
}

static void do_case(struct golden *g, char *at)
{
	clear_away(g);
	g->in_case = true;
	g->has_entries = false;
	decimal(g, &at, UINT32_MAX);
	if (!next_word(&at))
		bad(g, "the case's group is missing");
	memset(&g->regs, 0, sizeof(g->regs));
	g->regs.cr0 = hex(g, &at);
	g->regs.cr3 = hex(g, &at);
	g->regs.cr4 = hex(g, &at);
	g->regs.efer = hex(g, &at);
	g->regs.pkru = (uint32_t)number(g, next_word(&at), 16, UINT32_MAX);
	end_of_line(g, at);
}

static void do_entries(struct golden *g, char *at)
{
	char *word;

	if (!g->in_case || g->has_entries)
		bad(g, "an E line belongs behind a C line");
	while ((word = next_word(&at))) {
		struct entry *e = &g->entries[g->nr_entries];
		char *value = strchr(word, '=');

		if (g->nr_entries == MAX_ENTRIES || !value)
			bad(g, "entries are physical=value, 64 at most");
		*value++ = '\0';
		e->at = number(g, word, 16, UINT64_MAX);
		e->value = number(g, value, 16, g->entry_size == 4 ? UINT32_MAX : UINT64_MAX);
		if (e->at % g->entry_size)
			bad(g, "an entry is not aligned");
		if (mmu_phys_write(e->at, &e->value, g->entry_size))
			bad(g, "an entry lies where these cases have no memory");
		note_page(g, e->at);
		g->nr_entries++;
	}
	g->has_entries = true;
	load_registers(g);
}

static void do_access_line(struct golden *g, char *at)
{
	const char *kind = next_word(&at);
	struct access a = {0};

	if (!g->has_entries)
		bad(g, "an A line belongs behind an E line");
	if (!kind || strlen(kind) != 1 || !strchr("rwx", *kind))
		bad(g, "an access is r, w or x");
	a.kind = *kind;
	a.size = decimal(g, &at, MAX_ACCESS);
	a.cpl = decimal(g, &at, 3);
	a.ac = decimal(g, &at, 1);
	a.va = hex(g, &at);
	end_of_line(g, at);
	if (!a.size)
		bad(g, "an access has at least one byte");
	if (g->cr3_fault)
		print_result(g, "crgp");
	else if (g->walk)
		do_walks(g, &a);
	else
		do_access(g, &a);
}

/* --- the file --------------------------------------------------------------------------------- */

static bool is_mode(const char *word)
{
	static const char *const modes[] = {"legacy32", "pae32", "long4", "long5"};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (!strcmp(word, modes[i]))
			return true;
	}
	return false;
}

static void expect_word(const struct golden *g, char **at, const char *expected)
{
	const char *word = next_word(at);

	if (!word || strcmp(word, expected))
		bad(g, "'# mode NAME maxphyaddr BITS cases N' is needed");
}

static char *first_lines(struct golden *g)
{
	size_t len;
	char *at = lines_next(g->lines, &len);

	if (!at || strcmp(at, "# libkmem mmu golden 1"))
		die_at(lines_path(g->lines), 1, "no file of page-walk cases ('# libkmem mmu golden 1')");
	at = lines_next(g->lines, &len);
	if (!at)
		bad(g, "'# mode NAME maxphyaddr BITS cases N' is needed");
	return at;
}

static void read_head(struct golden *g)
{
	char *at = first_lines(g);
	char *mode;

	expect_word(g, &at, "#");
	expect_word(g, &at, "mode");
	mode = next_word(&at);
	if (!mode || !is_mode(mode))
		bad(g, "the mode is legacy32, pae32, long4 or long5");
	g->mode = xstrdup(mode);
	g->entry_size = *mode == 'l' && mode[1] == 'e' ? 4 : 8;
	expect_word(g, &at, "maxphyaddr");
	g->maxphyaddr = decimal(g, &at, 52);
	if (g->maxphyaddr < 34)
		bad(g, "maxphyaddr is 34 to 52");
	expect_word(g, &at, "cases");
	decimal(g, &at, UINT32_MAX);
	end_of_line(g, at);
}

static void do_line(struct golden *g, char *line)
{
	char kind = *line;

	if (kind == '#' || kind == 'R' || kind == 'Q')
		return;
	/* A case without entries has an E line all the same. */
	if (!kind || (line[1] != ' ' && (kind != 'E' || line[1])))
		bad(g, "a line begins with C, E, A, R, Q or #");
	if (kind != 'E')
		fprintf(g->out, "%s\n", line);
	if (kind == 'C')
		do_case(g, line + 2);
	else if (kind == 'E')
		do_entries(g, line + 1 + (line[1] == ' '));
	else if (kind == 'A')
		do_access_line(g, line + 2);
	else
		bad(g, "a line begins with C, E, A, R, Q or #");
}

struct mmu_options {
	struct common_options *common;
	const char *file;
	bool walk;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct mmu_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o->common;
		return 0;
	case 'w':
		o->walk = true;
		return 0;
	case ARGP_KEY_ARG:
		if (o->file)
			die("mmu: one file at a time ('%s')", arg);
		o->file = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		die("mmu: no file");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_mmu(struct common_options *common, int argc, char **argv)
{
	static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	static const struct argp_option options[] = {
		{"walk", 'w', NULL, 0, "Walk the tables at each access, without a TLB", 0},
		{0},
	};
	static const struct argp argp = {
		options,
		parse_option,
		"FILE",
		"Perform the accesses of a file of page-walk cases and print its C, A and R lines.",
		children,
		NULL,
		NULL,
	};
	struct mmu_options o = {.common = common};
	struct golden g = {0};
	size_t len, size;
	char *line, *text;

	parse_arguments(&argp, argc, argv, 0, &o);
	if (common->json)
		die("mmu: results have no JSON form");
	g.walk = o.walk;
	g.lines = lines_open(o.file);
	read_head(&g);
	sim_messages(4);
	boot(&g, common);
	g.out = open_memstream(&text, &size);
	if (!g.out)
		die("out of memory");
	while ((line = lines_next(g.lines, &len)))
		do_line(&g, line);
	lines_close(g.lines);
	clear_away(&g);
	sim_shutdown(&g.sim);
	if (fclose(g.out))
		die("out of memory");
	fwrite(text, 1, size, stdout);
	free(text);
	free(g.pages);
	free((char *)(uintptr_t)g.mode);
	return 0;
}
