/* SPDX-License-Identifier: MIT */
/*
 * The kernel command line: words separated by blanks, `name` or `name=value`, in Linux's own spelling.
 *
 * Words that begin with `sysctl.` are written when everything runs, as if by sysctl_write(). Each other
 * word stands in one table. A word that Linux has and this version has not is there too, without
 * a parser, so that it fails by its name instead of being taken for a typing error or, worse, ignored.
 */
#include "boot/boot.h"

#include "common/backend.h"
#include "common/debug_words.h"
#include "lib/number.h"
#include "lib/report.h"
#include "lib/string.h"

#include <limits.h>

#include <kmem/sysctl.h>
#include <kmem/types.h>

struct word {
	const char *text;
	size_t len;
};

struct option {
	const char *name;
	bool has_value;
	/* true if @value (a NUL-terminated copy; "" without one) was good; NULL: not in this version */
	bool (*set)(struct kernel_params *params, const char *value);
};

static bool parse_number(const char **at, uint64_t *out)
{
	unsigned int base = number_base(at);

	return !number_read(at, NULL, base, UINT64_MAX, out);
}

static bool parse_size(const char *value, uint64_t *out)
{
	unsigned int shift = 0;

	if (!parse_number(&value, out))
		return false;
	switch (*value) {
	case 'E':
	case 'e':
		shift += 10;
		/* fall through */
	case 'P':
	case 'p':
		shift += 10;
		/* fall through */
	case 'T':
	case 't':
		shift += 10;
		/* fall through */
	case 'G':
	case 'g':
		shift += 10;
		/* fall through */
	case 'M':
	case 'm':
		shift += 10;
		/* fall through */
	case 'K':
	case 'k':
		shift += 10;
		value++;
	}
	if (*value || (*out << shift) >> shift != *out)
		return false;
	*out <<= shift;
	return true;
}

static bool parse_uint(const char *value, unsigned int max, unsigned int *out)
{
	uint64_t n;

	if (!parse_number(&value, &n) || *value || n > max)
		return false;
	*out = (unsigned int)n;
	return true;
}

/* As the kernel's kstrtobool(), but for its taste for longer words. */
static bool parse_bool(const char *value, bool *out)
{
	static const char *const words[2][4] = {{"0", "n", "N", "off"}, {"1", "y", "Y", "on"}};

	for (unsigned int i = 0; i < 2 * 4; i++) {
		if (strcmp(value, words[i / 4][i % 4]))
			continue;
		*out = i / 4;
		return true;
	}
	return false;
}

/* Words about the RAM map are the machine's (sim/ram_words.c), which has looked at them before. */
static bool set_by_machine(struct kernel_params *params, const char *value)
{
	return true;
}

/* A size, or a part of all RAM with '%'. The later word counts, in either form. */
static bool parse_core(const char *value, uint64_t *size, unsigned int *percent)
{
	const char *at = value;
	uint64_t n;

	*size = 0;
	*percent = 0;
	if (!parse_number(&at, &n) || *at != '%')
		return parse_size(value, size);
	*percent = (unsigned int)n;
	return !at[1] && n <= 100;
}

static bool set_kernelcore(struct kernel_params *params, const char *value)
{
	params->kernelcore_mirror = !strcmp(value, "mirror");
	return params->kernelcore_mirror ||
	       parse_core(value, &params->kernelcore, &params->kernelcore_percent);
}

static bool set_movablecore(struct kernel_params *params, const char *value)
{
	return parse_core(value, &params->movablecore, &params->movablecore_percent);
}

static bool set_vmalloc(struct kernel_params *params, const char *value)
{
	return parse_size(value, &params->vmalloc_size) && params->vmalloc_size >= PAGE_SIZE;
}

static bool set_nomerge(struct kernel_params *params, const char *value)
{
	params->slab_nomerge = true;
	return true;
}

static bool set_merge(struct kernel_params *params, const char *value)
{
	params->slab_nomerge = false;
	return true;
}

static bool set_init_on_alloc(struct kernel_params *params, const char *value)
{
	return parse_bool(value, &params->init_on_alloc);
}

static bool set_init_on_free(struct kernel_params *params, const char *value)
{
	return parse_bool(value, &params->init_on_free);
}

static bool set_page_owner(struct kernel_params *params, const char *value)
{
	return parse_bool(value, &params->page_owner);
}

/* CONFIG_SLAB_FREELIST_RANDOM as a word. */
static bool set_freelist_random(struct kernel_params *params, const char *value)
{
	params->slab_freelist_random = true;
	return true;
}

/* CONFIG_SLAB_FREELIST_HARDENED, likewise. */
static bool set_freelist_hardened(struct kernel_params *params, const char *value)
{
	params->slab_freelist_hardened = true;
	return true;
}

/* A word of ours. */
static bool set_sheaves(struct kernel_params *params, const char *value)
{
	params->sheaves_always = !strcmp(value, "always");
	params->sheaves_never = !strcmp(value, "never");
	return params->sheaves_always || params->sheaves_never || !strcmp(value, "auto");
}

/* Linux's list of options; there are no sockets whose accounting nosocket could end. */
static bool set_cgroup_memory(struct kernel_params *params, const char *value)
{
	params->cgroup_nokmem = !strcmp(value, "nokmem");
	return params->cgroup_nokmem;
}

/* All four numbers; only the last may be -1. */
static bool set_failslab(struct kernel_params *params, const char *value)
{
	struct failslab_params *f = &params->failslab;
	int *const out[] = {&f->interval, &f->probability, &f->space, &f->times};

	for (unsigned int i = 0; i < 4; i++) {
		bool minus = i == 3 && *value == '-';
		uint64_t n;

		value += minus;
		if (!parse_number(&value, &n) || n > INT_MAX || (minus && n != 1) ||
		    *value != (i < 3 ? ',' : '\0'))
			return false;
		*out[i] = minus ? -1 : (int)n;
		value += i < 3;
	}
	f->given = true;
	return f->probability <= 100;
}

static bool set_slub_min_order(struct kernel_params *params, const char *value)
{
	return parse_uint(value, MAX_ORDER - 1, &params->slub_min_order);
}

static bool set_slub_max_order(struct kernel_params *params, const char *value)
{
	return parse_uint(value, MAX_ORDER - 1, &params->slub_max_order);
}

static bool set_slub_min_objects(struct kernel_params *params, const char *value)
{
	return parse_uint(value, 32767, &params->slub_min_objects);
}

static bool set_slab_max_order(struct kernel_params *params, const char *value)
{
	if (!parse_uint(value, MAX_ORDER - 1, &params->slab_max_order))
		return false;
	params->slab_max_order_set = true;
	return true;
}

static bool set_noaliencache(struct kernel_params *params, const char *value)
{
	params->noaliencache = true;
	return true;
}

static const struct option options[] = {
	{"mem", true, set_by_machine},
	{"memmap", true, set_by_machine},
	{"numa", true, set_by_machine},
	{"kernelcore", true, set_kernelcore},
	{"movablecore", true, set_movablecore},
	{"vmalloc", true, set_vmalloc},
	{"slab_nomerge", false, set_nomerge},
	{"slub_nomerge", false, set_nomerge},
	{"slub_min_order", true, set_slub_min_order},
	{"slub_max_order", true, set_slub_max_order},
	{"slub_min_objects", true, set_slub_min_objects},
	{"slab_max_order", true, set_slab_max_order},
	{"slab_merge", false, set_merge},
	{"slub_merge", false, set_merge},
	{"slab_freelist_random", false, set_freelist_random},
	{"slab_freelist_hardened", false, set_freelist_hardened},
	{"slub_sheaves", true, set_sheaves},
	{"failslab", true, set_failslab},
	{"cgroup.memory", true, set_cgroup_memory},
	{"init_on_alloc", true, set_init_on_alloc},
	{"init_on_free", true, set_init_on_free},
	{"page_owner", true, set_page_owner},
	{"noaliencache", false, set_noaliencache},
	{"movable_node", false, NULL},
	{"page_poison", true, NULL},
	{"debug_pagealloc", true, NULL},
	{"cma", true, NULL},
	{"hugepages", true, NULL},
	{"transparent_hugepage", true, NULL},
	{"percpu_pagelist_high_fraction", true, NULL},
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool next_word(const char **at, struct word *w)
{
	const char *p = *at;

	while (is_blank(*p))
		p++;
	w->text = p;
	while (*p && !is_blank(*p))
		p++;
	w->len = (size_t)(p - w->text);
	*at = p;
	return w->len != 0;
}

static size_t name_length(const struct word *w)
{
	for (size_t i = 0; i < w->len; i++)
		if (w->text[i] == '=')
			return i;
	return w->len;
}

static const struct option *find_option(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strlen(options[i].name) == len && !memcmp(options[i].name, name, len))
			return &options[i];
	return NULL;
}

static bool is_sysctl(const struct word *w)
{
	return w->len > 7 && !memcmp(w->text, "sysctl.", 7);
}

static int apply_sysctl(const struct word *w, struct machine_error *err)
{
	size_t name_len = name_length(w), value_len = w->len - name_len;
	int ret, len = w->len < 100 ? (int)w->len : 100;
	char name[64], value[64];

	if (name_len - 7 >= sizeof(name) || value_len < 2 || value_len > sizeof(value))
		return error_set(err, -EINVAL, "kernel command line: bad value in '%.*s'", len,
				  w->text);
	memcpy(name, w->text + 7, name_len - 7);
	name[name_len - 7] = '\0';
	memcpy(value, w->text + name_len + 1, value_len - 1);
	value[value_len - 1] = '\0';
	/* As in Linux vm/min_free_kbytes is the same. */
	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '.';
	ret = sysctl_write(name, value);
	if (ret == -ENOENT)
		return error_set(err, -EINVAL, "kernel command line: unknown word '%.*s'", len,
				  w->text);
	if (ret)
		return error_set(err, -EINVAL, "kernel command line: bad value in '%.*s'", len,
				  w->text);
	return 0;
}

int cmdline_apply_sysctl(const char *cmdline, struct machine_error *err)
{
	struct word w;
	int ret = 0;

	if (!cmdline)
		return 0;
	while (!ret && next_word(&cmdline, &w))
		if (is_sysctl(&w))
			ret = apply_sysctl(&w, err);
	return ret;
}

/* slub_debug, slab_debug, slob_debug, with or without a value. */
static bool is_debug_word(const struct word *w, size_t name)
{
	return name == 10 && !memcmp(w->text, "sl", 2) && !memcmp(w->text + 4, "_debug", 6) &&
	       (!memcmp(w->text + 2, "ub", 2) || !memcmp(w->text + 2, "ab", 2) ||
		!memcmp(w->text + 2, "ob", 2));
}

/* Kernels with another allocator do not listen to the word, but a wrong one is wrong everywhere. */
static int apply_debug_word(const struct word *w, struct kernel_params *params,
			    struct machine_error *err)
{
	size_t value = w->len > 10 ? 11 : 10;
	struct param_text text = {.text = w->text + value, .len = w->len - value};
	bool own = !memcmp(w->text, backend_traits.name, 4);
	char bad = debug_words_bad_letter(&text, own ? backend_traits.debug_flags : ~(slab_flags_t)0);

	if (own && !backend_traits.debug_flags)
		return error_set(err, -EOPNOTSUPP,
				  "kernel command line: '%.10s' is not in this version", w->text);
	if (bad)
		return error_set(err, -EINVAL, "kernel command line: no option '%c' of %.10s in '%.*s'",
				  bad, w->text, w->len < 100 ? (int)w->len : 100, w->text);
	if (own)
		params->slab_debug = text;
	return 0;
}

/* NULL, or which backends have the word, this one not being among them. */
static const char *missing_here(const struct option *opt)
{
	const char *name = backend_traits.name;

	if (opt->set == set_freelist_random || opt->set == set_freelist_hardened ||
	    opt->set == set_sheaves)
		return strcmp(name, "slub") ? "SLUB alone has" : NULL;
	if (opt->set == set_failslab)
		return strcmp(name, "slob") ? NULL : "SLAB and SLUB have";
	return NULL;
}

static int apply_word(const struct word *w, struct kernel_params *params, struct machine_error *err)
{
	size_t name = name_length(w);
	const struct option *opt = find_option(w->text, name);
	bool has_value = name < w->len;
	int len = w->len < 100 ? (int)w->len : 100;
	char value[64] = "";

	if (is_debug_word(w, name))
		return apply_debug_word(w, params, err);
	if (!opt)
		return error_set(err, -EINVAL, "kernel command line: unknown word '%.*s'", len,
				  w->text);
	if (!opt->set)
		return error_set(err, -EOPNOTSUPP,
				  "kernel command line: '%.*s' is not in this version", len, w->text);
	if (missing_here(opt))
		return error_set(err, -EOPNOTSUPP,
				  "kernel command line: %s does not know '%.*s', which %s",
				  backend_traits.title, len, w->text, missing_here(opt));
	if (has_value && opt->set == set_by_machine)
		return 0;
	if (has_value) {
		size_t n = w->len - name - 1;

		if (n >= sizeof(value))
			return error_set(err, -EINVAL, "kernel command line: bad value in '%.*s'",
					  len, w->text);
		memcpy(value, w->text + name + 1, n);
		value[n] = '\0';
	}
	if (has_value != opt->has_value || !opt->set(params, value))
		return error_set(err, -EINVAL, "kernel command line: bad value in '%.*s'", len,
				  w->text);
	return 0;
}

int cmdline_parse(const char *cmdline, struct kernel_params *params, struct machine_error *err)
{
	struct word w;

	if (!cmdline)
		return 0;
	while (next_word(&cmdline, &w)) {
		int ret = is_sysctl(&w) ? 0 : apply_word(&w, params, err);

		if (ret)
			return ret;
	}
	if (params->kernelcore_mirror)
		return error_set(err, -EOPNOTSUPP, "kernel command line: 'kernelcore=mirror': "
				  "no RAM here is mirrored");
	if (params->slub_min_order > params->slub_max_order)
		return error_set(err, -EINVAL,
				  "kernel command line: slub_min_order=%u is above slub_max_order=%u",
				  params->slub_min_order, params->slub_max_order);
	return 0;
}
