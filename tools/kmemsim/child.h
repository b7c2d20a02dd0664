/* SPDX-License-Identifier: MIT */
/* The other two kmemsims: where they are, and what they print. */
#ifndef KMEMSIM_CHILD_H
#define KMEMSIM_CHILD_H

#include "kmemsim.h"

/*
 * Path of the kmemsim of @backend: this program if it is that one; else kmemsim-BACKEND beside it,
 * else in the libexec folder. Dies if there is none. free() it.
 */
char *child_find(const char *backend);

/*
 * Runs @argv (NULL at the end) and waits. Return: its stdout; free() it. If it fails this program
 * ends with its exit status: the child has said why.
 */
char *child_output(char *const *argv);

#endif
