/* SPDX-License-Identifier: MIT */
/*
 * SLOB as text: a cache's geometry, and the three lists with every free block on them:
 *
 *	small=[ s0:1792{512:3584} ] medium=[ ] large=[ s2:1024{0:1024,2048:1024} ]
 *
 * that is, for each page its label, its free units, and offset:length of each free block in bytes.
 */
#include "slob/slob_page.h"

#include "common/backend.h"

static const char *const slob_list_names[NR_SLOB_LISTS] = { "small", "medium", "large" };

void backend_show_geometry(struct kmem_cache *s, bool counts, struct seq_file *m)
{
	seq_printf(m, "objsize=%u size=%u align=%u flags=%x", s->object_size, s->size, s->align,
		   s->flags);
}

static void slob_show_page_locked(struct kernel *k, struct slob_page *sp, kmem_label_fn *label,
				  void *arg, struct seq_file *m)
{
	const void *base = slob_page_base(k, sp);
	const char *comma = "";
	struct slob_block b;
	unsigned int at;
	char name[64];

	label(arg, NULL, base, name, sizeof(name));
	seq_printf(m, "%s:%u{", name, sp->units);
	for (at = sp->first; at != SLOB_END; at = b.next) {
		if (!slob_block_read(base, at, &b)) {
			seq_printf(m, "%s%u:overwritten", comma, at * SLOB_UNIT);
			break;
		}
		seq_printf(m, "%s%u:%u", comma, at * SLOB_UNIT, b.units * SLOB_UNIT);
		comma = ",";
	}
	seq_puts(m, "} ");
}

/* Under the lock: labels and sinks may not call the library. */
void backend_show_state(struct kmem_cache *s, struct kernel *k, kmem_label_fn *label, void *arg,
			struct seq_file *m)
{
	struct backend_state *st = k->backend;
	struct slob_page *sp;
	unsigned int i;

	arch_spin_lock(&st->lock);
	for (i = 0; i < NR_SLOB_LISTS; i++) {
		seq_printf(m, "%s%s=[ ", i ? " " : "", slob_list_names[i]);
		list_for_each_entry(sp, &st->lists[i], list)
			slob_show_page_locked(k, sp, label, arg, m);
		seq_putc(m, ']');
	}
	arch_spin_unlock(&st->lock);
}

void backend_obj_info(const struct kmem_cache *s, const void *object, struct slab_obj_info *info)
{
	__builtin_memset(info, 0, sizeof(*info));
}
