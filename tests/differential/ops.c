/* SPDX-License-Identifier: MIT */
/* Drawing operations. */
#include "diff.h"

static const struct {
	const char *name;
	unsigned int weight;	/* of 1000 */
} kinds[NR_OP_KINDS] = {
	[OP_ALLOC] = { "alloc", 300 },
	[OP_KMALLOC] = { "kmalloc", 170 },
	[OP_FREE] = { "free", 240 },
	[OP_KREALLOC] = { "krealloc", 40 },
	[OP_LOOK] = { "look", 57 },
	[OP_ALLOC_BULK] = { "alloc_bulk", 18 },
	[OP_FREE_BULK] = { "free_bulk", 30 },
	[OP_MIGRATE] = { "migrate", 30 },
	[OP_SHRINK] = { "shrink", 5 },
	[OP_CREATE] = { "create", 6 },
	[OP_DESTROY] = { "destroy", 2 },
	[OP_DESTROY_BUSY] = { "destroy_busy", 1 },
	[OP_KFREE_RCU] = { "kfree_rcu", 25 },
	[OP_RCU_ADVANCE] = { "rcu_advance", 10 },
	[OP_RCU_READER] = { "rcu_reader", 5 },
	[OP_USERCOPY] = { "usercopy", 10 },
	[OP_POOL_ALLOC] = { "pool_alloc", 22 },
	[OP_POOL_FREE] = { "pool_free", 22 },
	[OP_POOL_RESIZE] = { "pool_resize", 3 },
	[OP_POOL_DRY] = { "pool_dry", 4 },
	[OP_SABOTAGE] = { "sabotage", 0 },
};

const char *op_name(unsigned int kind)
{
	return kind < NR_OP_KINDS ? kinds[kind].name : "?";
}

uint64_t diff_rand(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Mostly small, every power of two and its neighbours often, now and then whole pages. */
static uint32_t draw_size(uint64_t *rand)
{
	uint64_t r = diff_rand(rand);

	switch (r % 32) {
	case 0:
		return (uint32_t)(8000 + (r >> 8) % 30000);
	case 1:
	case 2:
	case 3:
		return (uint32_t)(1000 + (r >> 8) % 8000);
	case 4:
	case 5:
	case 6:
	case 7:
		return (uint32_t)((1u << (r >> 8) % 14) + (r >> 16) % 3);
	default:
		return (uint32_t)(1 + (r >> 8) % 700);
	}
}

static uint8_t draw_kind(uint64_t *rand)
{
	uint64_t r = diff_rand(rand) % 1000;
	uint8_t kind;

	for (kind = 0; r >= kinds[kind].weight; kind++)
		r -= kinds[kind].weight;
	return kind;
}

void ops_draw(struct op *ops, uint32_t nr, uint64_t seed)
{
	uint64_t rand = seed;
	uint32_t i;

	for (i = 0; i < nr; i++) {
		struct op *op = &ops[i];

		/* Caches first: most operations want some. */
		op->kind = i < NR_CACHES ? OP_CREATE : draw_kind(&rand);
		op->cache = (uint8_t)(i < NR_CACHES ? i : diff_rand(&rand) % NR_CACHES);
		op->slot = (uint16_t)(diff_rand(&rand) % NR_SLOTS);
		op->size = draw_size(&rand);
		op->arg = (uint32_t)diff_rand(&rand);
		if (op->kind == OP_ALLOC_BULK || op->kind == OP_FREE_BULK)
			op->size = 1 + op->size % 48;
	}
}
