/* SPDX-License-Identifier: MIT */
/* Words of the kernel's command line about RAM and nodes; theory in ram_words.c. */
#ifndef KMEM_SIM_RAM_WORDS_H
#define KMEM_SIM_RAM_WORDS_H

#include "sim/desc.h"

enum fake_nodes { FAKE_NONE, FAKE_COUNT, FAKE_SIZE, FAKE_EACH };

/* `usable` is free'd with range_vec_free(). */
struct ram_words {
	const struct range_vec *banks;		/* the memory modules' ranges */
	const struct range_vec *firmware;	/* what the firmware leaves of them */
	struct range_vec usable;		/* what of that the kernel uses; ascending */
	bool one_node;				/* numa=off */
	enum fake_nodes fake;
	uint64_t fake_n;			/* how many, or bytes of each */
};

/* 0; -EINVAL, -EOPNOTSUPP, -ENOMEM with the reason: the word by its name. */
int ram_words_parse(struct ram_words *rw, const char *cmdline, const struct range_vec *banks,
		    const struct range_vec *firmware, struct machine_error *err);

/* Replace @banks, which @rw was parsed with and all of which have nodes, by the fake nodes; *@nodes
 * becomes their number (maybe fewer than asked for), *@real an array to be freed: the real node of each. Errors as above. */
int ram_words_fake(const struct ram_words *rw, struct range_vec *banks, unsigned int *nodes,
		   int **real, struct machine_error *err);

#endif
