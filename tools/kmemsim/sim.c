/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	int log_level;
	unsigned long reports;
} messages = {.log_level = 4};

static enum machine_verdict on_report(struct machine *m, const struct machine_report *r, void *arg)
{
	messages.reports++;
	if (messages.log_level >= 0)
		fputs(r->text, stderr);
	return MACHINE_CONTINUE;
}

static void on_log(struct machine *m, int level, const char *line, void *arg)
{
	if (level <= messages.log_level)
		fprintf(stderr, "%s\n", line);
}

void sim_messages(int log_level)
{
	messages.log_level = log_level;
	machine_set_report_handler(NULL, on_report, NULL);
	machine_set_log_sink(NULL, on_log, NULL);
}

unsigned long sim_reports(void)
{
	return messages.reports;
}

/* A word without '=' that is no preset but names a file is that file. */
static bool is_file(const char *text)
{
	struct machine_desc desc;

	if (strchr(text, '=') || access(text, F_OK))
		return false;
	if (!machine_desc_init(&desc, text, NULL)) {
		machine_desc_free(&desc);
		return false;
	}
	return true;
}

static char *join_words(const char *a, const char *b, const char *c)
{
	return xasprintf("%s%s%s%s%s", a ? a : "", a && b ? " " : "", b ? b : "",
			 (a || b) && c ? " " : "", c ? c : "");
}

void sim_prepare(struct sim *sim, const struct common_options *common, const char *default_text,
		 const char *name, const char *words)
{
	const char *text = common->machine ? common->machine : default_text;
	struct machine_error err = {0};
	int ret;

	memset(sim, 0, sizeof(*sim));
	if (common->machine && is_file(text))
		ret = machine_desc_load(&sim->desc, text, &err);
	else
		ret = machine_desc_parse(&sim->desc, text, common->machine ? "--machine" : name,
					 &err);
	if (ret)
		die("%s", err.reason);
	sim->cmdline = join_words(words, sim->desc.cmdline, common->cmdline);
	sim->desc.cmdline = sim->cmdline;
}

void sim_boot(struct sim *sim, const char *file)
{
	struct machine_error err = {0};

	if (!machine_boot(&sim->desc, &sim->machine, &err))
		return;
	/* those words never come from a file but --machine's, and name themselves */
	if (file && strncmp(err.reason, "kernel command line", 19))
		die_at(file, 0, "%s", err.reason);
	die("%s", err.reason);
}

unsigned long sim_shutdown(struct sim *sim)
{
	unsigned long leaked = sim->machine ? machine_shutdown(sim->machine) : 0;

	machine_desc_free(&sim->desc);
	free(sim->cmdline);
	memset(sim, 0, sizeof(*sim));
	return leaked;
}
