/* SPDX-License-Identifier: MIT */
/*
 * kmemsim compare: traces replayed on the three backends, each in a process of its own, in turns
 * (SLAB SLUB SLOB, SLAB SLUB SLOB, …) so that what else the host does hits all alike. Times are
 * medians over the rounds; everything else must come out the same in every round.
 */
#include "child.h"
#include "json.h"
#include "table.h"

#include <kmem/types.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_ROUNDS 3
#define KIB 1024.0

static const char *const backends[] = {"slab", "slub", "slob"};
#define NR_BACKENDS ARRAY_SIZE(backends)

struct compare_options {
	struct common_options *common;
	char **traces;
	unsigned int nr_traces;
	unsigned long rounds;
	char *replay_args[16];	/* options handed on to replay */
	unsigned int nr_replay_args;
	char *paths[NR_BACKENDS];
};

/* One row of the table. */
struct result {
	const char *trace;
	const char *backend;
	struct json *replay;	/* of the first round */
	double *ns_per_event;	/* by round */
	double *read_ns;
};

enum option_key { KEY_FORMAT = 'f', KEY_CACHES = 256, KEY_OBJECTS_ONLY, KEY_ONE_CPU, KEY_ROUNDS };

static const struct argp_option option_list[] = {
	{"rounds", KEY_ROUNDS, "N", 0, "Replays of each trace on each backend (3)", 0},
	{"format", KEY_FORMAT, "FORMAT", 0, "As for replay, like the following", 0},
	{"caches", KEY_CACHES, "FILE", 0, "", 0},
	{"objects-only", KEY_OBJECTS_ONLY, NULL, 0, "", 0},
	{"one-cpu", KEY_ONE_CPU, NULL, 0, "", 0},
	{0},
};

static void hand_on(struct compare_options *o, const char *option, const char *value)
{
	if (o->nr_replay_args + 2 > ARRAY_SIZE(o->replay_args))
		die("compare: too many options");
	o->replay_args[o->nr_replay_args++] =
		value ? xasprintf("%s=%s", option, value) : xstrdup(option);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct compare_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o->common;
		return 0;
	case KEY_ROUNDS:
		o->rounds = option_number("--rounds", arg, 1, 1000);
		return 0;
	case KEY_FORMAT:
		hand_on(o, "--format", arg);
		return 0;
	case KEY_CACHES:
		hand_on(o, "--caches", arg);
		return 0;
	case KEY_OBJECTS_ONLY:
		hand_on(o, "--objects-only", NULL);
		return 0;
	case KEY_ONE_CPU:
		hand_on(o, "--one-cpu", NULL);
		return 0;
	case ARGP_KEY_ARG:
		o->traces = xrealloc(o->traces, o->nr_traces + 1, sizeof(*o->traces));
		o->traces[o->nr_traces++] = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		die("compare: no trace");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- running --------------------------------------------------------------------------------- */

static struct json *replay(const struct compare_options *o, unsigned int backend, char *trace)
{
	char *argv[ARRAY_SIZE(o->replay_args) + 6] = {o->paths[backend], "replay", "--json"};
	unsigned int argc = 3;
	struct json *result;
	char *text;

	for (unsigned int i = 0; i < o->nr_replay_args; i++)
		argv[argc++] = o->replay_args[i];
	argv[argc++] = "--";
	argv[argc] = trace;
	text = child_output(argv);
	result = json_parse(text);
	if (!result || result->type != JSON_OBJECT)
		die("%s printed something else than a JSON object", o->paths[backend]);
	free(text);
	return result;
}

static double number(const struct json *j, const char *key)
{
	const struct json *n = json_get(j, key);

	if (!n || (n->type != JSON_NUMBER && n->type != JSON_NULL))
		die("a replay's result lacks '%s'", key);
	return n->type == JSON_NUMBER ? n->number : NAN;
}

static void check_same(const struct result *r, const struct json *again)
{
	static const char *const keys[] = {
		"events", "peak_req_bytes", "pages", "peak_pages", "slabs", "management_bytes",
		"failures",
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (number(r->replay, keys[i]) != number(again, keys[i]))
			die("%s on %s: two rounds differ in %s", r->trace, r->backend, keys[i]);
}

static void run_round(const struct compare_options *o, char *trace, struct result *rows,
		      unsigned long round)
{
	for (unsigned int b = 0; b < NR_BACKENDS; b++) {
		struct json *j = replay(o, b, trace);

		rows[b].ns_per_event[round] = number(j, "ns_per_event");
		rows[b].read_ns[round] = number(j, "read_ns_per_row");
		if (!round) {
			rows[b].replay = j;
			continue;
		}
		check_same(&rows[b], j);
		json_free(j);
	}
}

static void run_trace(const struct compare_options *o, char *trace, struct result *rows)
{
	for (unsigned int b = 0; b < NR_BACKENDS; b++)
		rows[b] = (struct result){
			.trace = trace,
			.backend = backends[b],
			.ns_per_event = xcalloc(o->rounds, sizeof(double)),
			.read_ns = xcalloc(o->rounds, sizeof(double)),
		};
	for (unsigned long i = 0; i < o->rounds; i++)
		run_round(o, trace, rows, i);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, unsigned long n)
{
	qsort(values, n, sizeof(*values), by_value);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* --- printing -------------------------------------------------------------------------------- */

/* "find-stat" of "examples/traces/find-stat.csv.zst". */
static void trace_name(const char *path, char *buf, size_t size)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	snprintf(buf, size, "%.*s", (int)strcspn(name, "."), name);
}

/* "0:10444 2:17", for an array of counts by order. */
static void orders_text(const struct json *by_order, char *buf, size_t size)
{
	unsigned int order = 0;
	size_t len = 0;

	snprintf(buf, size, "-");
	for (const struct json *n = by_order ? by_order->child : NULL; n; n = n->next, order++) {
		if (n->number == 0 || len >= size)
			continue;
		len += (size_t)snprintf(buf + len, size - len, "%s%u:%.0f", len ? " " : "", order,
					n->number);
	}
}

/* Worst index of all zones by order, those orders that cannot be served; "-1" if all can. */
static void extfrag_text(const struct json *zones, char *buf, size_t size)
{
	double worst[MAX_ORDER];
	size_t len = 0;

	for (unsigned int o = 0; o < MAX_ORDER; o++)
		worst[o] = -1;
	for (const struct json *z = zones ? zones->child : NULL; z; z = z->next) {
		const struct json *by_order = json_get(z, "by_order");
		unsigned int o = 0;

		for (const struct json *n = by_order ? by_order->child : NULL; n && o < MAX_ORDER;
		     n = n->next, o++)
			if (n->number > worst[o])
				worst[o] = n->number;
	}
	snprintf(buf, size, "-1");
	for (unsigned int o = 0; o < MAX_ORDER && len < size; o++)
		if (worst[o] > -1)
			len += (size_t)snprintf(buf + len, size - len, "%s%u:%.3f", len ? " " : "",
						o, worst[o]);
}

static double sum(const struct json *numbers)
{
	double total = 0;

	for (const struct json *n = numbers ? numbers->child : NULL; n; n = n->next)
		total += n->number;
	return total;
}

static void add_row(struct table *t, const struct compare_options *o, const struct result *r)
{
	const struct json *j = r->replay;
	const struct json *pages = json_get(j, "page_events");
	char text[128];

	trace_name(r->trace, text, sizeof(text));
	table_cell(t, "%s", text);
	table_cell(t, "%s", r->backend);
	table_cell(t, "%.0f", number(j, "events"));
	table_cell(t, "%.1f", median(r->ns_per_event, o->rounds));
	table_cell(t, "%.1f", median(r->read_ns, o->rounds));
	table_cell(t, "%.0f", number(j, "peak_req_bytes") / KIB);
	table_cell(t, "%.0f", number(j, "peak_live_bytes") / KIB);
	table_cell(t, "%.1f", 100 * number(j, "internal_fragmentation"));
	table_cell(t, "%.0f", number(j, "peak_pages"));
	table_cell(t, "%.0f", number(j, "pages"));
	table_cell(t, "%.3f", number(j, "overhead"));
	table_cell(t, "%.0f", number(j, "slabs"));
	table_cell(t, "%.0f", number(j, "management_bytes") / KIB);
	table_cell(t, "%.0f", number(j, "failures"));
	table_cell(t, "%.0f", sum(json_get(pages, "allocations")));
	table_cell(t, "%.0f", number(pages, "peak_pages"));
	extfrag_text(json_get(j, "extfrag_index"), text, sizeof(text));
	table_cell(t, "%s", text);
	orders_text(json_get(j, "page_allocs_by_order"), text, sizeof(text));
	table_cell(t, "%s", text);
}

static void print_table(const struct compare_options *o, const struct result *rows, size_t n)
{
	static const char *const columns[] = {
		"<trace", "<backend", "events", "ns/event", "read-ns", "req-KiB", "live-KiB",
		"frag-%", "peak-pages", "end-pages", "overhead", "slabs", "mgmt-KiB", "failed",
		"page-events", "their-pages", "extfrag", "<page-calls-by-order", NULL,
	};
	struct table *t = table_new(columns);

	for (size_t i = 0; i < n; i++)
		add_row(t, o, &rows[i]);
	table_print(t, stdout);
	table_free(t);
}

static void write_value(struct json_writer *w, const struct json *j)
{
	switch (j->type) {
	case JSON_NULL:
		json_number(w, j->key, NAN, 0);
		return;
	case JSON_BOOL:
		json_bool(w, j->key, j->number != 0);
		return;
	case JSON_NUMBER:
		if (j->number == floor(j->number) && fabs(j->number) < 1e15)
			json_number(w, j->key, j->number, 0);
		else
			json_number(w, j->key, j->number, 6);
		return;
	case JSON_STRING:
		json_string(w, j->key, j->string);
		return;
	case JSON_ARRAY:
	case JSON_OBJECT:
		json_begin_flat(w, j->key, j->type == JSON_ARRAY ? '[' : '{');
		for (const struct json *c = j->child; c; c = c->next)
			write_value(w, c);
		json_end(w, j->type == JSON_ARRAY ? ']' : '}');
		return;
	}
}

/* The replays' own objects, with medians in place of one round's times. */
static void print_json(const struct compare_options *o, const struct result *rows, size_t n)
{
	struct json_writer w = {.out = stdout};

	json_begin(&w, NULL, '{');
	json_uint(&w, "rounds", o->rounds);
	json_begin(&w, "rows", '[');
	for (size_t i = 0; i < n; i++) {
		json_begin(&w, NULL, '{');
		for (const struct json *c = rows[i].replay->child; c; c = c->next) {
			if (!strcmp(c->key, "ns_per_event"))
				json_number(&w, c->key, median(rows[i].ns_per_event, o->rounds), 2);
			else if (!strcmp(c->key, "read_ns_per_row"))
				json_number(&w, c->key, median(rows[i].read_ns, o->rounds), 2);
			else if (strcmp(c->key, "read_seconds"))
				write_value(&w, c);
		}
		json_end(&w, '}');
	}
	json_end(&w, ']');
	json_end(&w, '}');
}

static void free_all(struct compare_options *o, struct result *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_free(rows[i].replay);
		free(rows[i].ns_per_event);
		free(rows[i].read_ns);
	}
	free(rows);
	for (unsigned int i = 0; i < o->nr_replay_args; i++)
		free(o->replay_args[i]);
	for (unsigned int b = 0; b < NR_BACKENDS; b++)
		free(o->paths[b]);
	free(o->traces);
}

static void check_rereadable(const char *trace)
{
	struct stat st;

	if (!stat(trace, &st) && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		die("%s: compare reads a trace many times, and a pipe can be read once", trace);
}

int cmd_compare(struct common_options *common, int argc, char **argv)
{
	static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		option_list,
		parse_option,
		"TRACE...",
		"Replay traces on SLAB, SLUB and SLOB and print one table."
		"\v"
		"Columns: docs/kmemsim.md.",
		children,
		NULL,
		NULL,
	};
	struct compare_options o = {.common = common, .rounds = DEFAULT_ROUNDS};
	struct result *rows;
	size_t n;

	parse_arguments(&argp, argc, argv, 0, &o);
	if (common->machine)
		hand_on(&o, "--machine", common->machine);
	if (common->cmdline)
		hand_on(&o, "--cmdline", common->cmdline);
	for (unsigned int b = 0; b < NR_BACKENDS; b++)
		o.paths[b] = child_find(backends[b]);
	for (unsigned int i = 0; i < o.nr_traces; i++)
		check_rereadable(o.traces[i]);
	n = (size_t)o.nr_traces * NR_BACKENDS;
	rows = xcalloc(n, sizeof(*rows));
	for (unsigned int i = 0; i < o.nr_traces; i++)
		run_trace(&o, o.traces[i], rows + (size_t)i * NR_BACKENDS);
	if (common->json)
		print_json(&o, rows, n);
	else
		print_table(&o, rows, n);
	free_all(&o, rows, n);
	return 0;
}
