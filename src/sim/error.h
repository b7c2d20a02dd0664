/* SPDX-License-Identifier: MIT */
#ifndef KMEM_SIM_ERROR_H
#define KMEM_SIM_ERROR_H

#include <kmem/machine.h>

/* Fill @err, which may be NULL; returns @code. */
int sim_error(struct machine_error *err, int code, const char *fmt, ...) KMEM_PRINTF(3, 4);

#endif
