/* SPDX-License-Identifier: MIT */
/* A piece of a test in a child process: for what ends the process, and for what it says then. */
#ifndef TEST_CHILD_H
#define TEST_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/wait.h>

struct child_end {
	int status;		/* waitpid()'s */
	char words[16384];	/* the beginning of its stderr; sanitizers have a lot to say */
};

/* Run @fn in a child, which exits with 0 behind it; SIGABRT ends it, and so does a minute. */
static inline struct child_end run_child(void (*fn)(void *arg), void *arg)
{
	struct child_end end = { 0 };
	char more[200], *to = end.words;
	size_t left = sizeof(end.words) - 1;
	int pipes[2];
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(pipes[0]);
		dup2(pipes[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		alarm(60);
		fn(arg);
		_exit(0);
	}
	close(pipes[1]);
	while ((n = read(pipes[0], left ? to : more, left ? left : sizeof(more))) > 0) {
		to += left ? n : 0;
		left -= left ? (size_t)n : 0;
	}
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &end.status, 0), pid);
	return end;
}

static inline bool child_aborted(struct child_end end)
{
	return WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGABRT;
}

#endif
