/* SPDX-License-Identifier: MIT */
/*
 * For examples that are built once for each backend and print one table of all three: each program
 * prints its own row ("--row"), and whichever is started runs the three.
 */
#ifndef EXAMPLE_ROWS_H
#define EXAMPLE_ROWS_H

#include <kmem/machine.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs the program whose name differs from ours in the backend only. Not 0: it failed. */
static inline int run_row(const char *backend)
{
	char path[4096] = "";
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 8);
	int status;
	pid_t pid;

	if (len < 0)
		return 1;
	strcpy(path + len - strlen(machine_backend()), backend);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		execl(path, path, "--row", NULL);
		perror(path);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 1;
	return status != 0;
}

static inline int run_rows(void)
{
	static const char *const backends[] = {"slab", "slub", "slob"};
	int failed = 0;

	for (int i = 0; i < 3; i++)
		failed |= run_row(backends[i]);
	return failed;
}

#endif
