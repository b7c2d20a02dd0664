/* SPDX-License-Identifier: MIT */
/* The machine of a command: description from the command line, boot, and where its messages go. */
#ifndef KMEMSIM_SIM_H
#define KMEMSIM_SIM_H

#include "kmemsim.h"

#include <kmem/machine.h>

struct sim {
	struct machine_desc desc;	/* the command may change it between prepare and boot */
	char *cmdline;			/* of desc; owned */
	struct machine *machine;	/* NULL before boot */
};

/*
 * Description from --machine, or from @default_text without it (@name is what errors call that);
 * kernel command line = @words, the description's own, --cmdline, in this order. Dies on a bad one.
 */
void sim_prepare(struct sim *sim, const struct common_options *common, const char *default_text,
		 const char *name, const char *words);

/* Boots it and enters it, or dies. @file: what asked for a machine that cannot be; NULL: nothing
 * but the command line did. */
void sim_boot(struct sim *sim, const char *file);

/* Leaks are reported like everything else. Return: number of leaked objects and blocks. */
unsigned long sim_shutdown(struct sim *sim);

/*
 * Where reports and log go from now on, for all machines of the process: reports and log lines up
 * to @log_level (-1: none at all) to stderr; every report is answered with "go on".
 */
void sim_messages(int log_level);

/* Reports since the program began. */
unsigned long sim_reports(void);

#endif
