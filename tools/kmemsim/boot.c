/* SPDX-License-Identifier: MIT */
/* kmemsim boot: a machine's first minute, as a summary or as one of the kernel's texts. */
#include "json.h"
#include "sim.h"
#include "table.h"

#include <kmem/kmem.h>

#include <stdlib.h>
#include <string.h>

#define MIB (1024.0 * 1024.0)


/* What the summary says of a zone; from the text "zones-csv". */
struct zone_row {
	unsigned int node;
	char zone[16];
	unsigned long present, managed, min, low, high;
};

struct boot_options {
	struct common_options *common;
	const char *show;
};

static const struct argp_option option_list[] = {
	{"show", 's', "NAME", 0, "Print this text (buddyinfo, zoneinfo, …), no summary", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct boot_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o->common;
		return 0;
	case 's':
		o->show = arg;
		return 0;
	case ARGP_KEY_ARG:
		die("boot: unexpected word '%s'", arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void check_text_name(const char *name)
{
	char names[256] = "";
	const char *known;

	/* Which caches there are is known when the machine has booted. */
	if (!strcmp(name, "slab") || !strncmp(name, "slab/", 5))
		return;
	for (unsigned int i = 0; (known = proc_name(i)); i++) {
		if (!strcmp(known, name))
			return;
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			 i ? ", " : "", known);
	}
	die("--show %s: no such text (there is %s)", name, names);
}

/* The whole text; free() it. */
static char *read_text(const char *name)
{
	long len = proc_read(name, NULL, 0);
	char *text;

	if (len < 0)
		die("cannot read the text '%s' (%s)", name, strerror((int)-len));
	text = xcalloc((size_t)len + 1, 1);
	proc_read(name, text, (size_t)len + 1);
	return text;
}

/* Columns: run, kernel, mem_mb, nodes, cpus, node, zone, start_pfn, spanned, present, managed, min,
 * low, high, and more. */
static size_t read_zones(struct zone_row **out)
{
	char *text = read_text("zones-csv");
	struct zone_row *rows = NULL;
	size_t nr = 0;
	char *rest;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct zone_row row;

		if (sscanf(line,
			   "%*[^,],%*[^,],%*[^,],%*[^,],%*[^,],%u,%15[^,],%*[^,],%*[^,],"
			   "%lu,%lu,%lu,%lu,%lu",
			   &row.node, row.zone, &row.present, &row.managed, &row.min, &row.low,
			   &row.high) != 7)
			continue;	/* the header */
		rows = xrealloc(rows, nr + 1, sizeof(*rows));
		rows[nr++] = row;
	}
	free(text);
	*out = rows;
	return nr;
}

static void print_summary(const struct machine_desc *desc)
{
	static const char *const columns[] = {
		"node", "<zone", "present", "managed", "min", "low", "high", NULL,
	};
	struct table *t = table_new(columns);
	struct zone_row *zones;
	size_t nr = read_zones(&zones);

	for (size_t i = 0; i < nr; i++) {
		table_cell(t, "%u", zones[i].node);
		table_cell(t, "%s", zones[i].zone);
		table_cell(t, "%lu", zones[i].present);
		table_cell(t, "%lu", zones[i].managed);
		table_cell(t, "%lu", zones[i].min);
		table_cell(t, "%lu", zones[i].low);
		table_cell(t, "%lu", zones[i].high);
	}
	printf("backend  %s\n", machine_backend());
	printf("nodes    %u\n", desc->nodes);
	printf("cpus     %u\n", desc->cpus);
	printf("managed  %lu pages (%.1f MiB)\n", totalram_pages(),
	       (double)totalram_pages() * (double)PAGE_SIZE / MIB);
	printf("free     %lu pages\n", nr_free_pages());
	printf("cmdline  %s\n\nzones, in pages:\n", desc->cmdline ? desc->cmdline : "");
	table_print(t, stdout);
	table_free(t);
	free(zones);
}

static void print_summary_json(const struct machine_desc *desc)
{
	struct json_writer w = {.out = stdout};
	struct zone_row *zones;
	size_t nr = read_zones(&zones);

	json_begin(&w, NULL, '{');
	json_string(&w, "backend", machine_backend());
	json_uint(&w, "nodes", desc->nodes);
	json_uint(&w, "cpus", desc->cpus);
	json_uint(&w, "managed_pages", totalram_pages());
	json_uint(&w, "free_pages", nr_free_pages());
	json_string(&w, "cmdline", desc->cmdline ? desc->cmdline : "");
	json_begin(&w, "zones", '[');
	for (size_t i = 0; i < nr; i++) {
		json_begin_flat(&w, NULL, '{');
		json_uint(&w, "node", zones[i].node);
		json_string(&w, "zone", zones[i].zone);
		json_uint(&w, "present", zones[i].present);
		json_uint(&w, "managed", zones[i].managed);
		json_uint(&w, "min", zones[i].min);
		json_uint(&w, "low", zones[i].low);
		json_uint(&w, "high", zones[i].high);
		json_end(&w, '}');
	}
	json_end(&w, ']');
	json_end(&w, '}');
	free(zones);
}

static void show_text(const char *name, bool json)
{
	struct json_writer w = {.out = stdout};
	char *text = read_text(name);

	if (!json) {
		fputs(text, stdout);
		free(text);
		return;
	}
	json_begin(&w, NULL, '{');
	json_string(&w, "name", name);
	json_string(&w, "text", text);
	json_end(&w, '}');
	free(text);
}

int cmd_boot(struct common_options *common, int argc, char **argv)
{
	static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		option_list, parse_option, NULL, "Boot a machine and show it.",
		children, NULL, NULL,
	};
	struct boot_options o = {.common = common};
	struct sim sim;

	parse_arguments(&argp, argc, argv, 0, &o);
	if (o.show)
		check_text_name(o.show);
	sim_messages(4);
	sim_prepare(&sim, common, "preset=x86_64", "boot", NULL);
	sim_boot(&sim, NULL);
	if (o.show)
		show_text(o.show, common->json);
	else if (common->json)
		print_summary_json(machine_description(sim.machine));
	else
		print_summary(machine_description(sim.machine));
	sim_shutdown(&sim);
	return 0;
}
