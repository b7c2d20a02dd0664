/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <kmem/machine.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char *own_path(void)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (len < 0)
		die("cannot find this program's own path: %s", strerror(errno));
	path[len] = '\0';
	return xstrdup(path);
}

char *child_find(const char *backend)
{
	char *own = own_path();
	char *beside, *libexec;
	int dir;

	if (!strcmp(backend, machine_backend()))
		return own;
	dir = (int)(strrchr(own, '/') - own);
	beside = xasprintf("%.*s/kmemsim-%s", dir, own, backend);
	libexec = xasprintf("%s/kmemsim-%s", KMEMSIM_LIBEXECDIR, backend);
	if (!access(beside, X_OK)) {
		free(libexec);
		free(own);
		return beside;
	}
	if (access(libexec, X_OK))
		die("cannot find kmemsim-%s, neither in %.*s nor in %s", backend, dir, own,
		    KMEMSIM_LIBEXECDIR);
	free(beside);
	free(own);
	return libexec;
}

static char *read_all(int fd)
{
	size_t capacity = 1 << 16;
	char *text = xcalloc(capacity, 1);
	size_t len = 0;

	for (;;) {
		ssize_t got = read(fd, text + len, capacity - len - 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			die("cannot read from a child process: %s", strerror(errno));
		if (!got)
			break;
		len += (size_t)got;
		if (len + 1 < capacity)
			continue;
		capacity *= 2;
		text = xrealloc(text, capacity, 1);
	}
	text[len] = '\0';
	return text;
}

static pid_t spawn(char *const *argv, int out)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int err;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	err = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (err)
		die("%s: %s", argv[0], strerror(err));
	return pid;
}

char *child_output(char *const *argv)
{
	int status, pipe_ends[2];
	char *text;
	pid_t pid;

	if (pipe2(pipe_ends, O_CLOEXEC))
		die("no pipe for a child process: %s", strerror(errno));
	pid = spawn(argv, pipe_ends[1]);
	close(pipe_ends[1]);
	text = read_all(pipe_ends[0]);
	close(pipe_ends[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("cannot wait for %s: %s", argv[0], strerror(errno));
	if (WIFSIGNALED(status))
		die("%s was ended by signal %d", argv[0], WTERMSIG(status));
	if (WEXITSTATUS(status))
		exit(WEXITSTATUS(status));
	return text;
}
