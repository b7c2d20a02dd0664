/* SPDX-License-Identifier: MIT */
/*
 * Kernel code, unchanged, in a process: hashtable.c on a machine of 8 MiB. It is driven to where
 * its allocations fail, one or the other of them, and must neither lose a name nor leak a byte.
 *
 *	cc hashtable_main.c hashtable.c -lkmem -o hashtable && ./hashtable
 */
#include "hashtable.h"

#include <kmem/kmem.h>

#include <errno.h>
#include <stdio.h>

/* Every fourth name is too long for its entry. */
static const char *text_of(unsigned long i)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s-%lu",
		 i % 4 ? "file" : "a file whose name needs a block of its own", i);
	return text;
}

/* How many of the first @nr are not as they should be: there with their value, or, from @gone on in
 * steps of two, not there. */
static unsigned long count_wrong(const struct names *t, unsigned long nr, unsigned long gone)
{
	unsigned long wrong = 0;

	for (unsigned long i = 0; i < nr; i++) {
		void *want = i >= gone && !((i - gone) % 2) ? NULL : (void *)(i + 1);

		wrong += name_find(t, text_of(i)) != want;
	}
	return wrong;
}

/* Add names to the first @nr until there is no memory for one more; how many there are then. */
static unsigned long fill(struct names *t, unsigned long nr, gfp_t gfp)
{
	while (!name_add(t, text_of(nr), (void *)(nr + 1), gfp | __GFP_NOWARN))
		nr++;
	return nr;
}

int main(void)
{
	unsigned long nr, more, wrong, leaks;
	struct machine_error err;
	struct machine *m;
	struct names t;

	if (machine_boot_text("preset=tiny-8M", &m, &err)) {
		fprintf(stderr, "hashtable: %s\n", err.reason);
		return 1;
	}
	if (names_start() || names_init(&t, GFP_KERNEL))
		return 1;

	nr = fill(&t, 0, GFP_KERNEL);
	printf("%lu names in %lu buckets, then -ENOMEM; %lu pages free\n", nr, 1ul << t.shift,
	       nr_free_pages());
	wrong = count_wrong(&t, nr, nr);
	printf("names that are not as they were: %lu\n", wrong);
	printf("a name that is there, once more: %s\n",
	       name_add(&t, text_of(1), NULL, GFP_KERNEL) == -EEXIST ? "-EEXIST" : "?");

	/* An interrupt handler may not sleep, and may dip into the reserve for that. */
	irq_enter();
	more = fill(&t, nr, GFP_ATOMIC);
	irq_exit();
	printf("with GFP_ATOMIC there is room for more: %s\n", more > nr ? "yes" : "no");
	nr = more;

	for (unsigned long i = 0; i < nr; i += 2)
		name_del(&t, text_of(i));
	wrong += count_wrong(&t, nr, 0);
	printf("every second removed; names that are not as they should be: %lu\n", wrong);

	names_exit(&t);
	names_stop();
	leaks = machine_shutdown(m);
	printf("leaked objects and pages: %lu\n", leaks);
	return wrong || leaks;
}
