/* SPDX-License-Identifier: MIT */
/*
 * kmemsim run: an op script on a machine that starts as the golden kernels did: the allocators' own
 * objects out of the way, no merging. stdout holds results only; reports and the log go to stderr,
 * from the script's `say` on if it has one.
 */
#include "script.h"
#include "sim.h"

#include <kmem/machine.h>

#include <stdlib.h>
#include <string.h>

struct run_options {
	struct common_options *common;
	const char *script;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct run_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o->common;
		return 0;
	case ARGP_KEY_ARG:
		if (o->script)
			die("run: one script at a time ('%s')", arg);
		o->script = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		die("run: no script");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The golden SLOB kernel had one CPU whatever the script says. */
static unsigned int script_cpus(const struct script *s)
{
	return strcmp(machine_backend(), "slob") ? s->cpus : 1;
}

static void prepare_machine(struct sim *sim, const struct common_options *common,
			    const struct script *s)
{
	char *text = xasprintf("preset=%s mem=%s nodes=%u cpus=%u", s->x86_32 ? "x86_32" : "x86_64",
			       s->mem ? s->mem : "256M", s->nodes, script_cpus(s));

	sim_prepare(sim, common, text, s->path, "slab_nomerge");
	sim->desc.isolate_metadata = true;
	free(text);
}

int cmd_run(struct common_options *common, int argc, char **argv)
{
	static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		NULL,
		parse_option,
		"SCRIPT",
		"Perform an op script and print what a real kernel prints."
		"\v"
		"--machine takes the place of the script's #SMP, #NUMA, #MEM and #ONLY.",
		children,
		NULL,
		NULL,
	};
	struct run_options o = {.common = common};
	struct script script;
	struct sim sim;

	parse_arguments(&argp, argc, argv, 0, &o);
	if (common->json)
		die("run: results have no JSON form");
	script_parse(&script, o.script);
	if (script.x86_32 && strcmp(machine_backend(), "slub"))
		die_at(o.script, 0, "#ONLY slub32: this is kmemsim-%s", machine_backend());
	sim_messages(script.says ? -1 : 7);
	prepare_machine(&sim, common, &script);
	sim_boot(&sim, common->machine ? NULL : o.script);
	script_execute(&script);
	/* What the script left is not a leak of anybody's. */
	sim_messages(-1);
	sim_shutdown(&sim);
	script_free(&script);
	return 0;
}
