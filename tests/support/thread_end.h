/* SPDX-License-Identifier: MIT */
/*
 * cmocka knows the main thread only. An assertion that fails in another, or a signal there, makes it call
 * exit(): the program would end with neither a verdict nor a word of why. Here such an end says what
 * cmocka has noted, and aborts.
 */
#ifndef THREAD_END_H
#define THREAD_END_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/syscall.h>

static void test_thread_end(void)
{
	if (syscall(SYS_gettid) == getpid())
		return;
	fflush(stdout);
	/* What cmocka has noted comes out with the next failure; then it aborts, being told to. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	fail_msg("%s", "a thread other than the main one ends the program");
}

__attribute__((constructor)) static void test_watch_threads(void)
{
	atexit(test_thread_end);
}

#endif
