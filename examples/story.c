/* SPDX-License-Identifier: MIT */
/*
 * A story told by the machine itself. After each step every text that the library has (files of
 * /proc as Linux writes them, and some of its own) is read again, and what changed in it is
 * printed: lines that went with "-", lines that came with "+". The first step prints them all.
 *
 *	cc story.c -lkmem -o story && ./story
 */
#include <kmem/kmem.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXTS 64
#define OBJECTS 100

/* A text, cut into lines. */
struct text {
	char *bytes;
	char **line;
	size_t nr;
};

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "story: out of memory\n");
		exit(1);
	}
	return p;
}

static struct text text_read(const char *name)
{
	long len = proc_read(name, NULL, 0);
	size_t size = len < 0 ? 1 : (size_t)len + 1;
	struct text t = {.bytes = must(calloc(size, 1))};

	proc_read(name, t.bytes, size);
	t.line = must(calloc(size, sizeof(*t.line)));
	for (char *at = strtok(t.bytes, "\n"); at; at = strtok(NULL, "\n"))
		t.line[t.nr++] = at;
	return t;
}

static void text_free(struct text *t)
{
	free(t->bytes);
	free(t->line);
}

static bool same_line(const struct text *a, size_t i, const struct text *b, size_t j)
{
	return i < a->nr && j < b->nr && !strcmp(a->line[i], b->line[j]);
}

/* How many lines the texts have in common in the same order: common[i * (b->nr + 1) + j] for what
 * follows line i of @a and line j of @b. */
static size_t *count_common(const struct text *a, const struct text *b)
{
	size_t width = b->nr + 1;
	size_t *common = must(calloc((a->nr + 1) * width, sizeof(*common)));

	for (size_t i = a->nr; i-- > 0;)
		for (size_t j = b->nr; j-- > 0;) {
			size_t skip_a = common[(i + 1) * width + j];
			size_t skip_b = common[i * width + j + 1];

			common[i * width + j] = skip_a > skip_b ? skip_a : skip_b;
			if (same_line(a, i, b, j))
				common[i * width + j] = common[(i + 1) * width + j + 1] + 1;
		}
	return common;
}

static void print_changes(const char *name, const struct text *a, const struct text *b)
{
	size_t *common = count_common(a, b), width = b->nr + 1;
	size_t i = 0, j = 0;

	if (common[0] < a->nr || common[0] < b->nr)
		printf("  %s\n", name);
	while (i < a->nr || j < b->nr) {
		if (same_line(a, i, b, j)) {
			i++;
			j++;
		} else if (j == b->nr || (i < a->nr && common[(i + 1) * width + j] >=
							       common[i * width + j + 1])) {
			printf("    -%s\n", a->line[i++]);
		} else {
			printf("    +%s\n", b->line[j++]);
		}
	}
	free(common);
}

/* What the texts say now, against what they said at the last call. */
static void tell(const char *step)
{
	static struct text last[MAX_TEXTS];
	const char *name;

	printf("\n%s\n", step);
	for (unsigned int i = 0; i < MAX_TEXTS && (name = proc_name(i)); i++) {
		struct text now = text_read(name);

		print_changes(name, &last[i], &now);
		text_free(&last[i]);
		last[i] = now;
	}
}

int main(void)
{
	static void *object[OBJECTS];
	struct machine_error err;
	struct kmem_cache *cache;
	struct machine *m;
	struct page *pages;
	void *buffer;

	if (machine_boot_text("preset=tiny-8M", &m, &err)) {
		fprintf(stderr, "story: %s\n", err.reason);
		return 1;
	}
	tell("A machine of 8 MiB boots.");

	pages = must(alloc_pages(GFP_KERNEL, 4));
	tell("16 pages are taken in one piece: a larger block is split, the rest stays free.");

	__free_pages(pages, 4);
	tell("They are given back and the halves merge; their pageblock stays what it has become.");

	cache = must(kmem_cache_create("story", 200, 0, SLAB_HWCACHE_ALIGN, NULL));
	tell("A cache of objects of 200 bytes is made. It has no slab, but takes memory itself.");

	for (int i = 0; i < OBJECTS; i++)
		object[i] = must(kmem_cache_alloc(cache, GFP_KERNEL));
	tell("100 objects are allocated.");

	for (int i = 0; i < OBJECTS; i++)
		kmem_cache_free(cache, object[i]);
	tell("All are freed. How many slabs are kept for the next ones is up to the backend.");

	kmem_cache_shrink(cache);
	tell("The cache is shrunk. Single pages wait on this CPU's list for whoever needs one.");

	buffer = must(vmalloc(3 * PAGE_SIZE + 1));
	tell("12 KiB and a byte are taken that look contiguous: four pages and a guard.");

	vfree(buffer);
	kmem_cache_destroy(cache);
	drain_all_pages();
	tell("Everything is given back, and the lists of all CPUs are drained.");
	return machine_shutdown(m) != 0;
}
