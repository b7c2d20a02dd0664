/* SPDX-License-Identifier: MIT */
/* Numbers in descriptions and on the command line, as the machine reads them. */
#ifndef KMEM_SIM_NUMBER_H
#define KMEM_SIM_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Digits at *@at, hexadecimal ones behind 0x; *@at is moved behind them. False: none, or too large. */
bool sim_read_number(const char **at, uint64_t *out);

/* The same for a number of bytes, maybe with K, M, G or T. */
bool sim_read_size(const char **at, uint64_t *out);

#endif
