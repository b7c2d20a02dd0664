/* SPDX-License-Identifier: MIT */
/* A progress bar on stderr. Nothing is written when stderr is no terminal. */
#include "kmemsim.h"

#include <time.h>
#include <unistd.h>

#define BAR_WIDTH 40
#define REDRAW_NS 100000000ULL	/* ten times a second: more only costs time */

static struct {
	const char *what;	/* NULL: no bar now */
	uint64_t drawn_at;	/* ns */
} bar;

uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void progress_begin(const char *what)
{
	if (!isatty(STDERR_FILENO))
		return;
	bar.what = what;
	bar.drawn_at = 0;
}

void progress_update(uint64_t done, uint64_t total)
{
	uint64_t now;
	unsigned int cells;

	if (!bar.what || !total)
		return;
	now = clock_ns();
	if (now - bar.drawn_at < REDRAW_NS)
		return;
	bar.drawn_at = now;
	if (done > total)
		done = total;
	cells = (unsigned int)(BAR_WIDTH * ((double)done / (double)total));
	fprintf(stderr, "\r%-10s [", bar.what);
	for (unsigned int i = 0; i < BAR_WIDTH; i++)
		fputc(i < cells ? '#' : ' ', stderr);
	fprintf(stderr, "] %3.0f%%", 100 * ((double)done / (double)total));
	fflush(stderr);
}

void progress_end(void)
{
	if (!bar.what)
		return;
	bar.what = NULL;
	fprintf(stderr, "\r%*s\r", BAR_WIDTH + 20, "");
	fflush(stderr);
}
