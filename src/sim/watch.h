/* SPDX-License-Identifier: MIT */
/* A machine's life as AddressSanitizer and Valgrind see it; nothing in other builds. */
#ifndef KMEM_SIM_WATCH_H
#define KMEM_SIM_WATCH_H

#include "arch.h"

/* Once a process, before its first machine. */
void watch_init(void);

/* A machine begins and ends. */
void watch_machine(const struct arch_machine *am);
void watch_forget_machine(const struct arch_machine *am);

/* A range of host addresses, whole windows of 4 MiB, is no longer the machine's. */
void watch_forget(const void *p, size_t size);

#endif
