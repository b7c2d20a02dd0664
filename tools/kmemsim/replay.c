/* SPDX-License-Identifier: MIT */
/* kmemsim replay: a recorded trace performed on this program's backend. */
#include "replay.h"

#include <kmem/kmem.h>

#include <string.h>

enum option_key {
	KEY_FORMAT = 'f', KEY_CACHES = 256, KEY_OBJECTS_ONLY, KEY_ONE_CPU, KEY_SAMPLES, KEY_CSV,
	KEY_TRACE_OUT,
};

static const struct argp_option option_list[] = {
	{"format", KEY_FORMAT, "FORMAT", 0, "auto (default), ftrace, perf or csv", 0},
	{"caches", KEY_CACHES, "FILE", 0, "Object sizes, alignments and flags of the caches", 0},
	{"objects-only", KEY_OBJECTS_ONLY, NULL, 0,
	 "Leave page events out; the allocators' own objects take no simulated RAM", 0},
	{"one-cpu", KEY_ONE_CPU, NULL, 0, "One CPU, whatever the trace says", 0},
	{"samples", KEY_SAMPLES, "N", 0, "Also show pages held after every Nth part", 0},
	{"csv", KEY_CSV, NULL, 0, "Print the samples as csv and nothing else", 0},
	{"trace-out", KEY_TRACE_OUT, "FILE", 0, "Write what is performed as ftrace text", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct replay_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o->common;
		return 0;
	case KEY_FORMAT:
		o->format = arg;
		return 0;
	case KEY_CACHES:
		o->caches = arg;
		return 0;
	case KEY_OBJECTS_ONLY:
		o->objects_only = true;
		return 0;
	case KEY_ONE_CPU:
		o->one_cpu = true;
		return 0;
	case KEY_SAMPLES:
		o->samples = option_number("--samples", arg, 1, 1000000);
		return 0;
	case KEY_CSV:
		o->csv = true;
		return 0;
	case KEY_TRACE_OUT:
		o->trace_out = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (o->trace)
			die("replay: one trace at a time ('%s'); see compare", arg);
		o->trace = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		die("replay: no trace");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* A 32-bit process has little room for windows. */
#define DEFAULT_MACHINE                                                                            \
	(sizeof(void *) == 4 ? "preset=x86_64 mem=512M cpus=1" : "preset=x86_64 mem=2G cpus=1")

/* RAM that does not decide the result: a page may be half empty, and zones keep reserves. */
static void size_machine(struct machine_desc *desc, const struct resolved_trace *trace)
{
	while (desc->mem / 4 < trace->peak_need)
		desc->mem *= 2;
}

/* Return: whether the trace wants more CPUs than the machine had. */
static bool set_cpus(struct machine_desc *desc, const struct replay_options *o,
		     const struct resolved_trace *trace)
{
	bool more = !o->one_cpu && desc->cpus < trace->nr_cpus;

	if (o->one_cpu)
		desc->cpus = 1;
	else if (more)
		desc->cpus = trace->nr_cpus;
	return more;
}

static void report(const struct metrics *m, const struct replay_options *o,
		   const struct resolved_trace *trace, const struct sim *sim)
{
	const struct machine_desc *desc = machine_description(sim->machine);

	if (o->csv)
		report_samples_csv(m);
	else if (o->common->json)
		report_json(m, o, trace, desc);
	else
		report_text(m, o, trace, desc);
	if (trace->others.lost)
		note("%s: the recording lost %llu events, which the figures lack", o->trace,
		     (unsigned long long)trace->others.lost);
	if (m->failures || m->event_failures)
		note("%s: %llu allocations failed: the machine has too little RAM (--machine)",
		     o->trace, (unsigned long long)(m->failures + m->event_failures));
}

int cmd_replay(struct common_options *common, int argc, char **argv)
{
	static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		option_list,
		parse_option,
		"TRACE",
		"Replay a recorded kernel trace on this backend and print what it cost.",
		children,
		NULL,
		NULL,
	};
	struct replay_options o = {.common = common, .format = "auto"};
	struct caches_file caches = {0};
	struct resolved_trace trace;
	struct metrics m;
	struct sim sim;
	bool more_cpus;

	parse_arguments(&argp, argc, argv, 0, &o);
	if (o.csv && common->json)
		die("replay: --csv or --json, not both");
	sim_messages(REPLAY_LOG_LEVEL);
	sim_prepare(&sim, common, DEFAULT_MACHINE, "replay", "slab_nomerge");
	if (o.caches)
		caches_load(&caches, o.caches);
	trace_resolve(&trace, o.trace, o.format, o.objects_only);
	if (!common->machine)
		size_machine(&sim.desc, &trace);
	more_cpus = set_cpus(&sim.desc, &o, &trace);
	sim.desc.isolate_metadata |= o.objects_only;
	sim_boot(&sim, more_cpus ? o.trace : NULL);
	replay_execute(&m, &o, &trace, &caches);
	report(&m, &o, &trace, &sim);
	metrics_free(&m);
	if (sim_shutdown(&sim))
		note("%s: the library holds on to objects that were freed", o.trace);
	trace_resolved_free(&trace);
	caches_unload(&caches);
	return 0;
}
