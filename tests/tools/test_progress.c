/* SPDX-License-Identifier: MIT */
/*
 * test_progress KMEMSIM FILE...: replays each file with stderr on a terminal and looks for the bar,
 * and for what is left of it: nothing. Then the same without a terminal: not a byte.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char shown[1 << 16];

static void run(const char *kmemsim, const char *file, int err)
{
	int null = open("/dev/null", O_WRONLY);

	if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		_exit(99);
	execl(kmemsim, kmemsim, "replay", file, (char *)NULL);
	_exit(99);
}

/* What comes out of @from until its other end is closed; a terminal says that with an error. */
static size_t drain(int from)
{
	size_t len = 0;
	ssize_t got;

	while ((got = read(from, shown + len, sizeof(shown) - 1 - len)) > 0)
		len += (size_t)got;
	shown[len] = '\0';
	return len;
}

/* Return: bytes written to stderr, now in `shown`. */
static size_t replay(const char *kmemsim, const char *file, int from, int err)
{
	pid_t child = fork();
	size_t len;
	int status;

	if (!child)
		run(kmemsim, file, err);
	close(err);
	len = drain(from);
	close(from);
	if (child < 0 || waitpid(child, &status, 0) != child || status) {
		printf("FAIL: %s: replay failed: %s\n", file, shown);
		exit(1);
	}
	return len;
}

/* A new terminal's master, or -1: a container without /dev/pts gives none. */
static int new_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);

	return master < 0 || grantpt(master) || unlockpt(master) ? -1 : master;
}

static int check_terminal(const char *kmemsim, const char *file)
{
	int master = new_terminal();
	const char *end;
	int slave;

	if (master < 0)
		return 0;
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (slave < 0 || !replay(kmemsim, file, master, slave)) {
		printf("FAIL: %s: nothing on the terminal\n", file);
		return 1;
	}
	if (!strstr(shown, "\rreading    [") || !strstr(shown, "%") ||
	    !strstr(shown, "\rreplaying  [")) {
		printf("FAIL: %s: no bar: %s\n", file, shown);
		return 1;
	}
	end = strrchr(shown, '\r');
	if (end[1] || strspn(end - 60, " ") < 60) {
		printf("FAIL: %s: the bar is still there: %s\n", file, shown);
		return 1;
	}
	return 0;
}

static int check_pipe(const char *kmemsim, const char *file)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) || !replay(kmemsim, file, ends[0], ends[1]))
		return 0;
	printf("FAIL: %s: without a terminal: %s\n", file, shown);
	return 1;
}

int main(int argc, char **argv)
{
	int failures = argc < 3;

	for (int i = 2; i < argc; i++) {
		failures += check_terminal(argv[1], argv[i]);
		failures += check_pipe(argv[1], argv[i]);
	}
	if (!failures && new_terminal() < 0) {
		printf("no terminal to be had on this host: only pipes were tried\n");
		return 77;
	}
	return failures != 0;
}
