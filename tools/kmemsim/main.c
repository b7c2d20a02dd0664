/* SPDX-License-Identifier: MIT */
/*
 * kmemsim COMMAND …: the top of the command line. Words before the command are options that all
 * commands share (they may stand behind it too); what follows belongs to the command.
 */
#include "kmemsim.h"

#include <kmem/machine.h>

#include <stdlib.h>
#include <string.h>

struct command {
	const char *name;
	int (*run)(struct common_options *common, int argc, char **argv);
};

static const struct command commands[] = {
	{"boot", cmd_boot},
	{"run", cmd_run},
	{"replay", cmd_replay},
	{"compare", cmd_compare},
	{"walk", cmd_walk},
	{"mmu", cmd_mmu},
};

struct top {
	struct common_options *common;
	const struct command *command;
	int argc;
	char **argv;
};

static const struct argp_option common_option_list[] = {
	{"machine", 'm', "PRESET|TEXT|FILE", 0, "The simulated machine (docs/machine.md)", 0},
	{"cmdline", 'c', "WORDS", 0, "Its kernel command line, in Linux's words", 0},
	{"json", 'j', NULL, 0, "Print JSON", 0},
	{0},
};

/* argp's own words on an option it cannot use take two lines. */
static void __attribute__((noreturn)) die_of_option(const struct argp_state *state)
{
	const char *word = state->argv[state->next - 1];

	/* in a word of several short options argp has not moved on yet */
	if (*word != '-' && state->next < state->argc)
		word = state->argv[state->next];
	die("option '%s': unknown, or its argument is missing or too much (see --help)", word);
}

void parse_arguments(const struct argp *argp, int argc, char **argv, unsigned int flags,
		     void *input)
{
	static const char *const help[] = {"--help", "-?", "--usage", "--version", "-V"};
	bool asks = false;

	for (int i = 1; i < argc; i++)
		for (size_t k = 0; k < ARRAY_SIZE(help); k++)
			asks |= !strcmp(argv[i], help[k]);
	/* without errors of its own argp has no help either */
	argp_parse(argp, argc, argv, flags | (asks ? 0 : ARGP_NO_ERRS), NULL, input);
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct common_options *common = state->input;

	switch (key) {
	case 'm':
		common->machine = arg;
		return 0;
	case 'c':
		common->cmdline = arg;
		return 0;
	case 'j':
		common->json = true;
		return 0;
	case ARGP_KEY_ERROR:
		die_of_option(state);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp common_argp = {common_option_list, parse_common, NULL, NULL, NULL, NULL, NULL};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	die("no command '%s': boot, run, replay, compare, walk or mmu", name);
}

static error_t parse_top(int key, char *arg, struct argp_state *state)
{
	struct top *top = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = top->common;
		return 0;
	case ARGP_KEY_ARG:
		top->command = find_command(arg);
		top->argc = state->argc - state->next + 1;
		top->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		die("no command: boot, run, replay, compare, walk or mmu (kmemsim --help)");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const char top_doc[] =
	"Linux's memory allocators on a simulated machine."
	"\v"
	"Commands (each has --help):\n"
	"  boot [--show NAME]     boot a machine, print a summary or one of its texts\n"
	"  run SCRIPT             perform an op script as a real kernel would\n"
	"  replay TRACE           perform a recorded trace, print what it cost\n"
	"  compare TRACE...       replay on SLAB, SLUB and SLOB, print one table\n"
	"  walk ADDRESS...        walk a machine's page tables, print every entry\n"
	"  mmu FILE               perform the accesses of a file of page-walk cases\n";

static void print_version(FILE *stream, struct argp_state *state)
{
	fprintf(stream, "kmemsim %s (%s)\n", KMEMSIM_VERSION, machine_backend());
}

static void close_stdout(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		fputs("kmemsim: cannot write the output\n", stderr);
		_Exit(2);
	}
}

int main(int argc, char **argv)
{
	static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		NULL, parse_top, "COMMAND ...", top_doc, children, NULL, NULL,
	};
	static char own_name[] = "kmemsim";
	struct common_options common = {0};
	struct top top = {.common = &common};
	char *name;
	int status;

	argp_err_exit_status = 2;
	argp_program_version_hook = print_version;
	argv[0] = own_name;
	parse_arguments(&argp, argc, argv, ARGP_IN_ORDER, &top);
	name = xasprintf("kmemsim %s", top.command->name);
	top.argv[0] = name;
	status = top.command->run(&common, top.argc, top.argv);
	close_stdout();
	free(name);
	return status;
}
