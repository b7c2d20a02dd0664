/* SPDX-License-Identifier: MIT */
/*
 * Reports about debug caches, in the kernel's shape (docs/debugging.md decodes them):
 *
 *	title            between two rules
 *	what is wrong    first and last bad byte, if it is bytes
 *	tracks           who allocated and freed the object, if the cache remembers
 *	slab, object     where they are; the object's bytes with what surrounds them
 *	caller           who noticed
 *
 * and behind the report, as a line of the log, what was repaired ("FIX"). All is written into the
 * caller's queue, under the lock that keeps it true.
 */
#include "slub/slub_debug.h"

/* What one report consists of. */
struct finding {
	struct slub_look *l;
	const char *title;
	void *object;		/* NULL: the slab alone */
	const char *from, *to;	/* the bad bytes; NULL: none */
	uint8_t value;		/* what they should be */
	const char *pad;	/* a slab's own padding, shown instead of an object */
};

static void put_rule(struct seq_file *m, char c)
{
	for (unsigned int i = 0; i < 77; i++)
		seq_putc(m, c);
	seq_putc(m, '\n');
}

static void put_title(const struct finding *f, struct seq_file *m)
{
	const struct slub_cache *s = f->l->s;

	put_rule(m, '=');
	seq_printf(m, "BUG %s (", s->common.name);
	report_put_taint(m, s->common.kernel);
	seq_printf(m, "): %s\n", f->title);
	put_rule(m, '-');
	seq_putc(m, '\n');
}

/* As Linux prints page flags: PG_slab is bit 9, PG_head bit 16, the zone begins at bit 59. */
void slub_put_slab_line(struct slub_cache *s, const struct slub_slab *slab, struct seq_file *m)
{
	const struct page *page = slub_page(slab);
	union slub_state state = slub_load(slab);
	unsigned int zone = page_flags_zone(page->flags);
	unsigned long long flags = (unsigned long long)zone << 59 | 0x200;

	if (page->order)
		flags |= 0x10000;
	seq_printf(m, "Slab 0x%llx objects=%u used=%u fp=0x%016llx", slab_addr(page), state.objects,
		   state.inuse, slab_addr(slub_head(slub_address(s, slab), state)));
	seq_printf(m, " flags=0x%llx(slab%s|node=%u|zone=%u)\n", flags, page->order ? "|head" : "",
		   page_flags_node(page->flags), zone);
}

/* The object's bytes, with what stands before and behind them. */
static void put_object(const struct finding *f, struct seq_file *m)
{
	const struct slub_cache *s = f->l->s;
	const char *p = f->object;
	unsigned int size = s->common.object_size, end = slub_meta_end(s);

	seq_printf(m, "Object 0x%llx @offset=%ld fp=0x%016llx\n\n", slab_addr(p), (long)(p - f->l->base),
		   slab_addr(slub_peek_freepointer(s, p)));
	if (s->common.flags & SLAB_RED_ZONE)
		slab_put_section(m, "Redzone  ", p - s->red_left_pad, s->red_left_pad);
	else if (p > f->l->base + 16)
		slab_put_section(m, "Bytes b4 ", p - 16, 16);
	slab_put_section(m, "Object   ", p, size < PAGE_SIZE ? size : PAGE_SIZE);
	if (s->common.flags & SLAB_RED_ZONE)
		slab_put_section(m, "Redzone  ", p + size, s->inuse - size);
	if (end != slub_stride_end(s))
		slab_put_section(m, "Padding  ", p + end, slub_stride_end(s) - end);
}

static void put_finding(void *arg, struct seq_file *m)
{
	const struct finding *f = arg;
	uint8_t first;

	put_title(f, m);
	if (f->from && f->object) {
		arch_raw_copy(&first, f->from, 1);
		seq_printf(m, "0x%llx-0x%llx @offset=%ld. First byte 0x%x instead of 0x%x\n",
			   slab_addr(f->from), slab_addr(f->to - 1), (long)(f->from - f->l->base), first,
			   f->value);
	}
	if (f->object)
		slub_put_tracking(f->l->s, f->object, m);
	slub_put_slab_line(f->l->s, f->l->slab, m);
	if (f->object)
		put_object(f, m);
	report_put_caller(m, 3);
	if (f->pad)
		slab_put_section(m, "Padding ", f->pad,
				 (size_t)(f->l->base + (PAGE_SIZE << slub_page(f->l->slab)->order) -
					  f->pad));
}

static void report(struct finding *f)
{
	report_queue_text(f->l->q, MACHINE_BUG, put_finding, f);
	report_taint(f->l->s->common.kernel, TAINT_BAD_PAGE);
}

void slub_slab_err(struct slub_look *l, const char *fmt, ...)
{
	struct finding f = {.l = l};
	char title[128];
	va_list args;

	va_start(args, fmt);
	kvsnprintf(title, sizeof(title), fmt, args);
	va_end(args);
	f.title = title;
	report(&f);
}

void slub_object_err(struct slub_look *l, void *object, const char *reason)
{
	struct finding f = {.l = l, .title = reason, .object = object};

	report(&f);
}

void slub_bytes_err(struct slub_look *l, void *object, const char *what, const char *from,
		    const char *to, uint8_t value, const char *pad)
{
	struct finding f = {.l = l, .object = object, .from = from, .to = to, .value = value,
			    .pad = pad};
	char title[160];

	if (object)
		ksnprintf(title, sizeof(title), "%s overwritten", what);
	else
		ksnprintf(title, sizeof(title), "%s overwritten. 0x%llx-0x%llx @offset=%ld", what,
			  slab_addr(from), slab_addr(to - 1), (long)(from - l->base));
	f.title = title;
	report(&f);
}

void slub_fix(struct slub_look *l, const char *fmt, ...)
{
	char what[160];
	va_list args;

	va_start(args, fmt);
	kvsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	report_queue_line(l->q, 3, "FIX %s: %s", l->s->common.name, what);
}

/* --- SLAB_TRACE -------------------------------------------------------------------------------- */

struct traced {
	struct slub_look *l;
	const void *object;
	bool alloc;
};

static void put_trace(void *arg, struct seq_file *m)
{
	const struct traced *t = arg;
	struct slub_cache *s = t->l->s;
	union slub_state state = slub_load(t->l->slab);

	seq_printf(m, "TRACE %s %s 0x%llx inuse=%u fp=0x%016llx\n", s->common.name,
		   t->alloc ? "alloc" : "free", slab_addr(t->object), state.inuse,
		   slab_addr(slub_head(t->l->base, state)));
	if (!t->alloc)
		slab_put_section(m, "Object   ", t->object, s->common.object_size);
	report_put_caller(m, 3);
}

void slub_trace(struct slub_look *l, const void *object, bool alloc)
{
	struct traced t = {l, object, alloc};

	if (l->s->common.flags & SLAB_TRACE)
		report_queue_lines(l->q, 6, put_trace, &t);
}
