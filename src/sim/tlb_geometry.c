/* SPDX-License-Identifier: MIT */
/*
 * The sizes of a CPU's translation caches: the machine description's `tlb=`.
 *
 *	tlb=off				no caches: every access walks
 *	tlb=4k:64/4,l2:1536/12,pde:0	NAME:ENTRIES/WAYS or NAME:0, for arrays that differ from
 *					the default
 *
 * The default are the sizes of an ordinary server core of about 2020: what CPUID leaf 18H (and
 * vendors' optimization manuals) say of its data TLBs and second level. Paging-structure caches are
 * described nowhere; the sizes are those that measurements in the literature found on such cores.
 */
#include "sim/number.h"
#include "sim/tlb.h"

#include <string.h>

#define TLB_MAX_ENTRIES 65536u

static const struct {
	const char *name;
	struct tlb_shape shape;
} arrays[TLB_NR_ARRAYS] = {
	[TLB_4K] = {"4k", {64, 4}},	 [TLB_LARGE] = {"large", {32, 4}},
	[TLB_1G] = {"1g", {4, 4}},	 [TLB_L2] = {"l2", {1536, 12}},
	[TLB_L2_1G] = {"l2-1g", {16, 4}}, [TLB_PDE] = {"pde", {32, 4}},
	[TLB_PDPTE] = {"pdpte", {4, 4}}, [TLB_PML4E] = {"pml4e", {4, 4}},
	[TLB_PML5E] = {"pml5e", {2, 2}},
};

static struct tlb_shape *shape_by_name(struct tlb_geometry *geometry, const char *name, size_t len)
{
	for (unsigned int i = 0; i < TLB_NR_ARRAYS; i++) {
		if (strlen(arrays[i].name) == len && !memcmp(arrays[i].name, name, len))
			return &geometry->shape[i];
	}
	return NULL;
}

static bool read_count(const char **at, unsigned int *n)
{
	uint64_t value;

	if (!sim_read_number(at, &value) || value > TLB_MAX_ENTRIES)
		return false;
	*n = (unsigned int)value;
	return true;
}

/* ENTRIES/WAYS, or 0. */
static const char *read_shape(const char **at, struct tlb_shape *shape)
{
	unsigned int sets;

	if (!read_count(at, &shape->entries))
		return "up to 65536 entries are needed, as in 4k:64/4";
	shape->ways = 0;
	if (!shape->entries)
		return NULL;
	if (*(*at)++ != '/' || !read_count(at, &shape->ways) || !shape->ways)
		return "ways are needed behind the entries, as in 4k:64/4";
	sets = shape->entries / shape->ways;
	if (shape->entries % shape->ways || !sets || sets & (sets - 1))
		return "entries / ways is no power of 2";
	return NULL;
}

const char *tlb_geometry_parse(struct tlb_geometry *geometry, const char *text)
{
	for (unsigned int i = 0; i < TLB_NR_ARRAYS; i++)
		geometry->shape[i] = arrays[i].shape;
	if (!text)
		return NULL;
	if (!strcmp(text, "off")) {
		memset(geometry, 0, sizeof(*geometry));
		return NULL;
	}
	for (;; text++) {
		size_t len = strcspn(text, ":,");
		struct tlb_shape *shape = shape_by_name(geometry, text, len);
		const char *why;

		if (!shape || text[len] != ':')
			return "off, or NAME:ENTRIES/WAYS,… is needed, NAME one of 4k, large, 1g, l2, "
			       "l2-1g, pde, pdpte, pml4e, pml5e";
		text += len + 1;
		why = read_shape(&text, shape);
		if (why)
			return why;
		if (!*text)
			return NULL;
		if (*text != ',')
			return "NAME:ENTRIES/WAYS parted by commas is needed";
	}
}
