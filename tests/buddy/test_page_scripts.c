/* SPDX-License-Identifier: MIT */
/*
 * Page scripts: what a real Linux 6.1 kernel's page allocator answered on a fully known piece of memory,
 * byte for byte. Each file of scripts/ with an output is performed here by the allocator's own
 * functions: free-list order, splits, merges, per-CPU lists, stealing, stop points.
 */
#include "../support/kmem_test.h"

#include <dirent.h>
#include <limits.h>

#include "buddy/buddy.h"
#include "buddy/inspect.h"
#include "buddy/pcp.h"
#include "lib/kernel.h"

#define MAX_IDS 4096

static const char *script_folder;

struct script {
	struct machine *machine;
	struct buddy_arena arena;	/* zone NULL: none */
	struct page *pages[MAX_IDS];
	unsigned int orders[MAX_IDS];
	char *out;
	size_t len, size;
};

struct gfp_word {
	const char *word;
	gfp_t gfp;
};

static const struct gfp_word gfp_words[] = {
	{"KERNEL", GFP_KERNEL},
	{"ATOMIC", GFP_ATOMIC},
	{"NOWAIT", GFP_NOWAIT},
	{"USER", GFP_USER},
	{"NOFS", GFP_NOFS},
	{"NOIO", GFP_NOIO},
	{"HIGHUSER", GFP_HIGHUSER},
	{"HIGHUSER_MOVABLE", GFP_HIGHUSER_MOVABLE},
	{"DMA", __GFP_DMA},
	{"DMA32", __GFP_DMA32},
	{"HIGHMEM", __GFP_HIGHMEM},
	{"MOVABLE", __GFP_MOVABLE},
	{"RECLAIMABLE", __GFP_RECLAIMABLE},
	{"HIGH", __GFP_HIGH},
	{"NOWARN", __GFP_NOWARN},
	{"MEMALLOC", __GFP_MEMALLOC},
	{"NOMEMALLOC", __GFP_NOMEMALLOC},
	{"THISNODE", __GFP_THISNODE},
};

static gfp_t parse_gfp(const char *text)
{
	gfp_t gfp = 0;

	while (*text) {
		size_t len = strcspn(text, "|"), i;

		for (i = 0; i < sizeof(gfp_words) / sizeof(gfp_words[0]); i++)
			if (strlen(gfp_words[i].word) == len && !strncmp(gfp_words[i].word, text, len))
				break;
		if (i == sizeof(gfp_words) / sizeof(gfp_words[0]))
			fail_msg("unknown GFP word in %s", text);
		gfp |= gfp_words[i].gfp;
		text += len + (text[len] == '|');
	}
	return gfp;
}

static enum kmem_zone_type parse_zone(const char *name)
{
	unsigned int z;

	for (z = 0; z < KMEM_MAX_NR_ZONES; z++)
		if (!strcmp(zone_type_name((enum kmem_zone_type)z), name))
			return (enum kmem_zone_type)z;
	fail_msg("unknown zone %s", name);
	return KMEM_ZONE_DMA;
}

static void put(struct script *s, const char *fmt, ...)
{
	va_list args;

	if (s->size - s->len < 1024) {
		s->size = s->size * 2 + 65536;
		s->out = realloc(s->out, s->size);
		assert_non_null(s->out);
	}
	va_start(args, fmt);
	s->len += (size_t)vsnprintf(s->out + s->len, s->size - s->len, fmt, args);
	va_end(args);
	assert_true(s->len < s->size);
}

static void put_sink(void *arg, const char *text, size_t len)
{
	put(arg, "%.*s", (int)len, text);
}

static void print_buddy(struct script *s)
{
	struct seq_file m;

	seq_init_sink(&m, put_sink, s);
	buddy_show_lists(arch_kernel(), s->arena.zone, s->arena.base_pfn, &m);
}

static void op_arena(struct script *s, unsigned int blocks, const char *zone, char type)
{
	unsigned int migratetype = (unsigned int)(strchr("UMRH", type) - "UMRH");
	struct kernel *k = arch_kernel();

	assert_int_equal(buddy_make_arena(k, blocks, parse_zone(zone), migratetype, &s->arena), 0);
	put(s, "arena zone=%s blocks=%u order=%d pageblock_order=%u pages=%llu\n", zone, blocks,
	    MAX_ORDER - 1, k->params.pageblock_order, (unsigned long long)s->arena.pages);
}

static void op_pages(struct script *s, unsigned int id, unsigned int order, const char *gfp, int nid)
{
	struct page *page = alloc_pages_node(nid, parse_gfp(gfp), order);
	unsigned long pfn;

	s->pages[id] = page;
	s->orders[id] = order;
	put(s, "pages o%u %u = ", id, order);
	if (!page) {
		put(s, "NULL\n");
		return;
	}
	pfn = page_to_pfn(page);
	put(s, "zone=%s nid=%d aligned=%d block=%c", zone_type_name(page_zonenum(page)),
	    page_to_nid(page), !(pfn & ((1ul << order) - 1)),
	    "UMRHCI"[get_pageblock_migratetype(page)]);
	if (s->arena.zone)
		put(s, " pfn=%llu", (unsigned long long)(pfn - s->arena.base_pfn));
	put(s, "\n");
}

static void op_fpages(struct script *s, unsigned int id)
{
	if (!s->pages[id]) {
		put(s, "free-none o%u\n", id);
		return;
	}
	__free_pages(s->pages[id], s->orders[id]);
	s->pages[id] = NULL;
}

static void op_exhaust(struct script *s, unsigned int order, const char *words)
{
	struct zone *zone = s->arena.zone;
	struct page **got = malloc((s->arena.pages + 1) * sizeof(*got));
	gfp_t gfp = parse_gfp(words);
	struct pcp_sum sum;
	unsigned long n = 0;

	assert_non_null(got);
	while ((got[n] = alloc_pages(gfp, order)))
		n++;
	zone_pcp_sum(zone, &sum);
	put(s, "exhaust order=%u gfp=%s n=%lu | %d:%s got=%lu free=%ld pcp=%ld min=%lu boost=%lu "
	    "highatomic=%lu\n", order, words, n, zone->pgdat->nid, zone->name, n, zone->nr_free,
	    sum.count, zone->watermark[WMARK_MIN], zone->watermark_boost,
	    zone->nr_reserved_highatomic);
	while (n)
		__free_pages(got[--n], order);
	drain_local_pages();
	free(got);
}

static void perform(struct script *s, const char *line)
{
	char word[64], zone[32], type;
	unsigned int a, b, c;
	long d, e;
	int nid = NUMA_NO_NODE, n;

	if (sscanf(line, "arena %u %31s %c", &a, zone, &type) == 3) {
		op_arena(s, a, zone, type);
	} else if (sscanf(line, "pcp %u %u", &a, &b) == 2) {
		zone_set_pcp_limits(s->arena.zone, (int)a, (int)b);
		print_buddy(s);
	} else if (sscanf(line, "wmark %u %u %ld %ld", &a, &b, &d, &e) == 4) {
		zone_set_limits(s->arena.zone, a, b, (unsigned long)d, e);
		put(s, "wmark\n");
	} else if (!strcmp(line, "drain")) {
		drain_local_pages();
		put(s, "drain\n");
	} else if (!strcmp(line, "print buddy")) {
		print_buddy(s);
	} else if ((n = sscanf(line, "pages o%u %u %63s %d", &a, &b, word, &nid)) >= 3) {
		assert_true(a < MAX_IDS);
		op_pages(s, a, b, word, nid);
	} else if (sscanf(line, "fpages o%u", &a) == 1) {
		assert_true(a < MAX_IDS);
		op_fpages(s, a);
	} else if (sscanf(line, "exhaust %u %63s", &c, word) == 2) {
		op_exhaust(s, c, word);
	} else {
		fail_msg("unknown op: %s", line);
	}
}

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t len = 0, got;

	assert_non_null(f);
	do {
		text = realloc(text, len + 65537);
		assert_non_null(text);
		got = fread(text + len, 1, 65536, f);
		len += got;
	} while (got);
	text[len] = '\0';
	fclose(f);
	return text;
}

/* Directives at the top of the script. */
static struct machine *boot_for(const char *text)
{
	unsigned int cpus = 1, nodes = 1;
	char desc[128], mem[16] = "256M";

	for (const char *line = text; *line == '#'; line = strchr(line, '\n') + 1) {
		sscanf(line, "#SMP %u", &cpus);
		sscanf(line, "#NUMA %u", &nodes);
		sscanf(line, "#MEM %15s", mem);
	}
	snprintf(desc, sizeof(desc), "preset=x86_64 mem=%s cpus=%u nodes=%u isolate_metadata=1", mem,
		 cpus, nodes);
	return test_boot(desc);
}

/* First line where the two differ, into @num; both pointers then stand at its start. */
static bool find_difference(const char **want, const char **got, unsigned int *num)
{
	for (*num = 1; **want || **got; (*num)++) {
		size_t w = strcspn(*want, "\n"), g = strcspn(*got, "\n");

		if (w != g || strncmp(*want, *got, w))
			return true;
		*want += w + ((*want)[w] == '\n');
		*got += g + ((*got)[g] == '\n');
	}
	return false;
}

static void run_script(const char *ops_path, const char *out_path)
{
	struct script *s = calloc(1, sizeof(*s));
	char *ops = read_file(ops_path), *want = read_file(out_path), *save = NULL;
	const char *w = want, *g;
	unsigned int line_nr;

	assert_non_null(s);
	s->machine = boot_for(ops);
	put(s, "%s", "");
	for (char *line = strtok_r(ops, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (*line != '#')
			perform(s, line);
	g = s->out;
	if (find_difference(&w, &g, &line_nr))
		fail_msg("%s: line %u\n  kernel: %.*s\n  ours:   %.*s", ops_path, line_nr,
			 (int)strcspn(w, "\n"), w, (int)strcspn(g, "\n"), g);
	expect_no_reports();
	for (unsigned int i = 0; i < MAX_IDS; i++)
		if (s->pages[i])
			__free_pages(s->pages[i], s->orders[i]);
	test_shutdown(s->machine, 0);
	free(s->out);
	free(ops);
	free(want);
	free(s);
}

static void test_page_scripts(void **state)
{
	const char *folder = script_folder;
	struct dirent **names;
	int n = scandir(folder, &names, NULL, alphasort), run = 0;

	(void)state;
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		char *dot = strstr(names[i]->d_name, ".ops");

		if (dot) {
			char ops[PATH_MAX], out[PATH_MAX];

			snprintf(ops, sizeof(ops), "%s/%s", folder, names[i]->d_name);
			*dot = '\0';
			snprintf(out, sizeof(out), "%s/%s.all.out", folder, names[i]->d_name);
			run_script(ops, out);
			run++;
		}
		free(names[i]);
	}
	free(names);
	assert_int_equal(run, 10);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_scripts),
	};

	if (argc != 2)
		return 2;
	script_folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
