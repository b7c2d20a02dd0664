/* SPDX-License-Identifier: MIT */
/*
 * The way from a path to a cache's file. Merged caches are reached by each of their names, as by
 * Linux's links. Which files there are is the backend's business.
 */
#include "common/sysfs.h"

#include "common/backend.h"
#include "common/registry.h"
#include "lib/errno.h"
#include "lib/string.h"

#define PREFIX "slab"
#define PREFIX_LEN 4
#define NAME_LEN 128

bool sysfs_is_slab(const char *name)
{
	return !strncmp(name, PREFIX, PREFIX_LEN) &&
	       (!name[PREFIX_LEN] || name[PREFIX_LEN] == '/');
}

/* The parts of "slab/NAME/FILE"; *@file is NULL if there is none. False: no name, or too long. */
static bool split(const char *path, char *cache, const char **file)
{
	const char *name = path + PREFIX_LEN + 1;
	size_t len = 0;

	while (name[len] && name[len] != '/')
		len++;
	if (!len || len >= NAME_LEN)
		return false;
	memcpy(cache, name, len);
	cache[len] = '\0';
	*file = name[len] ? name + len + 1 : NULL;
	return true;
}

static void list_caches_locked(struct kernel *k, struct seq_file *m)
{
	struct kmem_cache *s;

	list_for_each_entry_reverse(s, &k->caches->list, list) {
		seq_printf(m, "%s\n", s->name);
		cache_put_aliases(s, m);
	}
}

static void list_files(struct seq_file *m)
{
	const char *name;

	for (unsigned int i = 0; (name = backend_traits.files->name(i)); i++)
		seq_printf(m, "%s\n", name);
}

static long show_locked(struct kernel *k, const char *path, struct seq_file *m)
{
	struct kmem_cache *s;
	char cache[NAME_LEN];
	const char *file;

	if (!backend_traits.files)
		return -ENOENT;
	if (!path[PREFIX_LEN]) {
		list_caches_locked(k, m);
		return 0;
	}
	if (!split(path, cache, &file))
		return -ENOENT;
	s = cache_find_locked(k, cache);
	if (!s)
		return -ENOENT;
	if (file)
		return backend_traits.files->show(s, file, m);
	list_files(m);
	return 0;
}

long sysfs_slab_show(struct kernel *k, const char *name, struct seq_file *m)
{
	long ret;

	caches_lock_to_look(k);
	ret = show_locked(k, name, m);
	caches_unlock_to_look(k);
	return ret;
}

/* A line as text that ends: a newline at its end is no part of it. */
static bool copy_line(char *line, size_t size, const char *text, size_t len)
{
	if (len && text[len - 1] == '\n')
		len--;
	if (len >= size)
		return false;
	memcpy(line, text, len);
	line[len] = '\0';
	return strlen(line) == len;
}

long sysfs_slab_store(struct kernel *k, const char *name, const char *text, size_t len)
{
	char cache[NAME_LEN], line[32];
	struct kmem_cache *s;
	const char *file;
	long ret;

	if (!backend_traits.files || !name[PREFIX_LEN] || !split(name, cache, &file) || !file)
		return -ENOENT;
	if (!copy_line(line, sizeof(line), text, len))
		return -EINVAL;
	caches_lock(k);
	s = cache_find_locked(k, cache);
	ret = s ? backend_traits.files->store(s, file, line) : -ENOENT;
	caches_unlock(k);
	return ret ? ret : (long)len;
}
