/* SPDX-License-Identifier: MIT */
/* Workloads of a size: bench/charts.py asks for NAME@SIZE, with one size after the other. */
#ifndef BENCH_SCALE_H
#define BENCH_SCALE_H

#include <stdint.h>

/* One measurement, as bench_fn; what @size counts stands with each. */
struct bench_scale {
	const char *name;
	double (*run)(uint64_t size);
};

/* An empty name ends each table. */
extern const struct bench_scale live_scales[], thread_scales[], machine_scales[];

#endif
