/* SPDX-License-Identifier: MIT */
/*
 * From text to struct op. Each op is one row of a table: its words and its arguments (one letter
 * each).
 */
#include "script.h"
#include "words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CACHES (1u << 16)
#define MAX_OBJECTS (1u << 24)
#define MAX_CPUS 4096
#define MAX_NODES 1024
#define MAX_ARENA_BLOCKS (1u << 20)

struct op_syntax {
	const char *name;
	/*
	 * C cache that exists, c new cache, p cache that need not exist
	 * O object used or freed, o object made; Q block of pages used or freed, q block made
	 * A either, used
	 * U number >= 0, I number, G gfp, F cache flags, W word, Z zone, M migratetype
	 * [ what follows may be missing
	 */
	const char *args;
	enum op_code code;
};

static const struct op_syntax syntaxes[] = {
	{"cache", "cWUUF", OP_CACHE},
	{"alloc", "Co", OP_ALLOC},
	{"allocn", "CoU", OP_ALLOCN},
	{"free", "CO", OP_FREE},
	{"balloc", "CoU", OP_BALLOC},
	{"bfree", "COU", OP_BFREE},
	{"kmalloc", "oUG", OP_KMALLOC},
	{"kfree", "O", OP_KFREE},
	{"ksize", "O", OP_KSIZE},
	{"pages", "qUG[U", OP_PAGES},
	{"fpages", "Q", OP_FPAGES},
	{"shrink", "C", OP_SHRINK},
	{"destroy", "C", OP_DESTROY},
	{"drain", "", OP_DRAIN},
	{"print cache", "p", OP_PRINT_CACHE},
	{"print state", "p", OP_PRINT_STATE},
	{"print kmcache", "W", OP_PRINT_KMCACHE},
	{"geom", "UUF", OP_GEOM},
	{"ksweep", "UU", OP_KSWEEP},
	{"refree", "CO[I", OP_REFREE},
	{"rekfree", "O[I", OP_REKFREE},
	{"refpages", "QU", OP_REFPAGES},
	{"say", "W", OP_SAY},
	{"vmalloc", "oU", OP_VMALLOC},
	{"vfree", "O", OP_VFREE},
	{"vpurge", "", OP_VPURGE},
	{"walk", "AU", OP_WALK},
	{"rcu", "", OP_RCU},
	{"arena", "UZM", OP_ARENA},
	{"pcp", "UU", OP_PCP},
	{"wmark", "UUUU", OP_WMARK},
	{"exhaust", "UG", OP_EXHAUST},
	{"print buddy", "", OP_PRINT_BUDDY},
	{"poke", "OIU", OP_POKE},
	{"validate", "C", OP_VALIDATE},
};

enum holding { HOLDS_NOTHING, HOLDS_OBJECT, HOLDS_PAGES };

struct parser {
	struct script *script;
	unsigned int line;
	char *rest;		/* of the line */
	size_t capacity;	/* of script->ops */
	/* Before any op has run, only this much is known of an id: */
	bool cache_made[MAX_CACHES];
	uint8_t holds[MAX_OBJECTS];
	bool arena_made;
};

#define fail(p, ...) die_at((p)->script->path, (p)->line, __VA_ARGS__)

static char *next_word(struct parser *p)
{
	char *word = p->rest + strspn(p->rest, " \t\r");
	size_t len = strcspn(word, " \t\r");

	if (!len)
		return NULL;
	p->rest = word + len;
	if (*p->rest)
		*p->rest++ = '\0';
	return word;
}

static int64_t parse_number(struct parser *p, const char *what, const char *word, int64_t min,
			    int64_t max)
{
	bool negative = *word == '-';
	const char *digits = word + negative;
	int base = digits[0] == '0' && (digits[1] | 32) == 'x' ? 16 : 10;
	uint64_t size;
	int64_t n;

	if (!read_number(digits, base, INT64_MAX, &size))
		fail(p, "%s: '%s' is no number", what, word);
	n = negative ? -(int64_t)size : (int64_t)size;
	if (n < min || n > max)
		fail(p, "%s: %s is out of range", what, word);
	return n;
}

static unsigned int parse_id(struct parser *p, const char *op, char letter, const char *word,
			     unsigned int limit)
{
	if (*word != letter || word[1] < '0' || word[1] > '9')
		fail(p, "%s: '%s' where %cN should stand", op, word, letter);
	return (unsigned int)parse_number(p, op, word + 1, 0, limit - 1);
}

static void parse_cache(struct parser *p, const char *name, char kind, const char *word,
			struct op *op)
{
	struct script *s = p->script;

	op->cache = parse_id(p, name, 'c', word, MAX_CACHES);
	if (op->cache >= s->nr_caches)
		s->nr_caches = op->cache + 1;
	if (kind == 'c' && p->cache_made[op->cache])
		fail(p, "%s: c%u exists already", name, op->cache);
	if (kind == 'C' && !p->cache_made[op->cache])
		fail(p, "%s: there is no cache c%u", name, op->cache);
}

static void parse_object(struct parser *p, const char *name, char kind, const char *word,
			 struct op *op)
{
	uint8_t other = kind == 'O' ? HOLDS_PAGES : HOLDS_OBJECT;
	struct script *s = p->script;

	op->object = parse_id(p, name, 'o', word, MAX_OBJECTS);
	if (op->object >= s->nr_objects)
		s->nr_objects = op->object + 1;
	if ((kind == 'O' || kind == 'Q') && p->holds[op->object] == other)
		fail(p, "%s: o%u is %s", name, op->object,
		     kind == 'O' ? "a block of pages" : "an object, no block of pages");
}

static void parse_flags(struct parser *p, const char *name, char *word, struct op *op)
{
	char bad[32];

	if (!slab_flags_from_script(word, &op->flags, &op->ctor, bad))
		fail(p, "%s: unknown cache flag '%s'", name, bad);
	if (!op->word)
		op->word = xstrdup(word);
}

static void parse_gfp(struct parser *p, const char *name, const char *word, struct op *op)
{
	char bad[32];

	if (!gfp_from_script(word, &op->gfp, bad))
		fail(p, "%s: unknown GFP word '%s'", name, bad);
	op->word = xstrdup(word);
}

/* A word's place among the choices. */
static int64_t parse_choice(struct parser *p, const char *name, const char *what, const char *word,
			    const char *const *choices)
{
	for (int64_t i = 0; choices[i]; i++)
		if (!strcmp(choices[i], word))
			return i;
	fail(p, "%s: unknown %s '%s'", name, what, word);
}

static void parse_argument(struct parser *p, const struct op_syntax *x, char kind, char *word,
			   struct op *op)
{
	/* in the order of enum kmem_zone_type and of the library's migratetypes */
	static const char *const zones[] = {"DMA", "DMA32", "Normal", "HighMem", "Movable", NULL};
	static const char *const types[] = {"U", "M", "R", "H", NULL};

	switch (kind) {
	case 'c':
	case 'C':
	case 'p':
		parse_cache(p, x->name, kind, word, op);
		return;
	case 'o':
	case 'O':
	case 'q':
	case 'Q':
	case 'A':
		parse_object(p, x->name, kind, word, op);
		return;
	case 'U':
	case 'I':
		op->numbers[op->nr_numbers++] =
			parse_number(p, x->name, word, kind == 'U' ? 0 : INT64_MIN, INT64_MAX);
		return;
	case 'G':
		parse_gfp(p, x->name, word, op);
		return;
	case 'F':
		parse_flags(p, x->name, word, op);
		return;
	case 'W':
		op->word = xstrdup(word);
		return;
	case 'Z':
		op->numbers[op->nr_numbers++] = parse_choice(p, x->name, "zone", word, zones);
		return;
	case 'M':
		op->numbers[op->nr_numbers++] =
			parse_choice(p, x->name, "migratetype", word, types);
		return;
	}
}

static void parse_op_arguments(struct parser *p, const struct op_syntax *x, struct op *op)
{
	bool optional = false;
	char *word;

	for (const char *a = x->args; *a; a++) {
		if (*a == '[') {
			optional = true;
			continue;
		}
		word = next_word(p);
		if (!word && optional)
			break;
		if (!word)
			fail(p, "%s: too few arguments", x->name);
		parse_argument(p, x, *a, word, op);
	}
	word = next_word(p);
	if (word)
		fail(p, "%s: unexpected '%s'", x->name, word);
}

/* Limits that depend on the op. */
static void check_numbers(struct parser *p, const struct op_syntax *x, const struct op *op)
{
	const int64_t *n = op->numbers;

	switch (op->code) {
	case OP_CACHE:
	case OP_GEOM:
		if (n[0] > UINT32_MAX || n[1] > UINT32_MAX)
			fail(p, "%s: size or alignment is out of range", x->name);
		return;
	case OP_BALLOC:
	case OP_BFREE:
		if (n[0] < 1 || n[0] > MAX_OBJECTS - op->object)
			fail(p, "%s: %lld objects are out of range", x->name, (long long)n[0]);
		return;
	case OP_PAGES:
		if (n[0] > INT32_MAX || (op->nr_numbers > 1 && n[1] >= MAX_NODES))
			fail(p, "%s: order or node is out of range", x->name);
		return;
	case OP_REFPAGES:
	case OP_ALLOCN:
		if (n[0] > INT32_MAX)
			fail(p, "%s: %lld is out of range", x->name, (long long)n[0]);
		return;
	case OP_POKE:
		if (n[1] > UINT8_MAX)
			fail(p, "%s: %lld is no byte", x->name, (long long)n[1]);
		return;
	case OP_ARENA:
		if (n[0] < 1 || n[0] > MAX_ARENA_BLOCKS)
			fail(p, "%s: %lld blocks are out of range", x->name, (long long)n[0]);
		return;
	case OP_PCP:
		if (n[0] < 1 || n[0] > INT32_MAX || n[1] < 1 || n[1] > INT32_MAX)
			fail(p, "%s: high or batch is out of range", x->name);
		return;
	case OP_WMARK:
		for (unsigned int i = 0; i < op->nr_numbers; i++)
			if (n[i] > INT32_MAX)
				fail(p, "%s: %lld is out of range", x->name, (long long)n[i]);
		return;
	case OP_EXHAUST:
		if (n[0] > INT32_MAX)
			fail(p, "%s: order is out of range", x->name);
		return;
	case OP_KSWEEP:
		if (n[0] < 1 || n[1] < n[0])
			fail(p, "%s: no range", x->name);
		return;
	default:
		return;
	}
}

static bool needs_arena(enum op_code code)
{
	return code == OP_PCP || code == OP_WMARK || code == OP_EXHAUST || code == OP_PRINT_BUDDY;
}

/* What the op does to what is known of ids. */
static void follow_op(struct parser *p, const struct op_syntax *x, const struct op *op)
{
	unsigned int nr = op->code == OP_BALLOC ? (unsigned int)op->numbers[0] : 1;

	if (needs_arena(op->code) && !p->arena_made)
		fail(p, "%s: there is no arena", x->name);
	if (op->code == OP_ARENA)
		p->arena_made = true;
	if (op->code == OP_CACHE)
		p->cache_made[op->cache] = true;
	if (op->code == OP_DESTROY)
		p->cache_made[op->cache] = false;
	if (strchr(x->args, 'o'))
		memset(p->holds + op->object, HOLDS_OBJECT, nr);
	if (strchr(x->args, 'q'))
		p->holds[op->object] = HOLDS_PAGES;
	if (op->object + nr > p->script->nr_objects && nr > 1)
		p->script->nr_objects = op->object + nr;
	if (op->code == OP_BFREE && op->object + op->numbers[0] > p->script->nr_objects)
		p->script->nr_objects = op->object + (unsigned int)op->numbers[0];
	if (op->code == OP_SAY)
		p->script->says = true;
}

static const struct op_syntax *find_syntax(struct parser *p)
{
	char *word = next_word(p);
	char name[32];

	snprintf(name, sizeof(name), "%s", word);
	if (!strcmp(word, "print")) {
		word = next_word(p);
		if (!word)
			fail(p, "print: what? cache, state, kmcache or buddy");
		snprintf(name, sizeof(name), "print %s", word);
	}
	for (size_t i = 0; i < ARRAY_SIZE(syntaxes); i++)
		if (!strcmp(syntaxes[i].name, name))
			return &syntaxes[i];
	fail(p, "unknown op '%s'", name);
}

static struct op *new_op(struct parser *p)
{
	struct script *s = p->script;

	if (s->nr_ops == p->capacity) {
		p->capacity = p->capacity ? 2 * p->capacity : 256;
		s->ops = xrealloc(s->ops, p->capacity, sizeof(*s->ops));
	}
	memset(&s->ops[s->nr_ops], 0, sizeof(*s->ops));
	return &s->ops[s->nr_ops++];
}

static void parse_op(struct parser *p)
{
	const struct op_syntax *x = find_syntax(p);
	struct op *op = new_op(p);

	op->code = x->code;
	op->line = p->line;
	parse_op_arguments(p, x, op);
	check_numbers(p, x, op);
	follow_op(p, x, op);
}

/* A line that begins with '#'. Directives count only before the first line of another kind. */
static bool parse_directive(struct parser *p, const char *line)
{
	struct script *s = p->script;
	char value[64];

	if (sscanf(line, "#SMP %63s", value) == 1) {
		s->cpus = (unsigned int)parse_number(p, "#SMP", value, 1, MAX_CPUS);
		return true;
	}
	if (sscanf(line, "#NUMA %63s", value) == 1) {
		s->nodes = (unsigned int)parse_number(p, "#NUMA", value, 1, MAX_NODES);
		return true;
	}
	if (sscanf(line, "#MEM %63s", value) == 1) {
		size_t digits = strspn(value, "0123456789");

		if (!digits || strlen(value + digits) > 1 || !strchr("KMGT", value[digits]))
			fail(p, "#MEM: '%s' is no size", value);
		free(s->mem);
		s->mem = xstrdup(value);
		return true;
	}
	if (sscanf(line, "#ONLY %63s", value) == 1) {
		if (strcmp(value, "slub32"))
			fail(p, "#ONLY: unknown kernel '%s'", value);
		s->x86_32 = true;
		return true;
	}
	return false;
}

static char *read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "r");
	size_t capacity = 1 << 16;
	char *text;

	if (!file)
		die_at(path, 0, "%s", strerror(errno));
	text = xcalloc(capacity + 1, 1);
	*len = 0;
	for (;;) {
		size_t got = fread(text + *len, 1, capacity - *len, file);

		*len += got;
		if (ferror(file))
			die_at(path, 0, "%s", strerror(errno));
		if (!got)
			break;
		if (*len == capacity) {
			capacity *= 2;
			text = xrealloc(text, capacity + 1, 1);
		}
	}
	fclose(file);
	text[*len] = '\0';
	return text;
}

static void parse_line(struct parser *p, char *line, bool *directives)
{
	char *comment;

	if (*directives && *line == '#' && parse_directive(p, line))
		return;
	*directives = false;
	comment = strchr(line, '#');
	if (comment)
		*comment = '\0';
	p->rest = line;
	if (line[strspn(line, " \t\r")])
		parse_op(p);
}

void script_parse(struct script *s, const char *path)
{
	struct parser *p = xcalloc(1, sizeof(*p));
	bool directives = true;
	size_t len;
	char *text = read_file(path, &len);
	char *end = text + len;

	memset(s, 0, sizeof(*s));
	s->path = path;
	s->cpus = 1;
	s->nodes = 1;
	p->script = s;
	for (char *line = text, *next; line < end; line = next) {
		p->line++;
		next = memchr(line, '\n', (size_t)(end - line));
		next = next ? next + 1 : end + 1;
		next[-1] = '\0';
		if (strlen(line) != (size_t)(next - 1 - line))
			fail(p, "a NUL byte: this is no text");
		parse_line(p, line, &directives);
	}
	free(text);
	free(p);
}

void script_free(struct script *s)
{
	for (size_t i = 0; i < s->nr_ops; i++)
		free(s->ops[i].word);
	free(s->ops);
	free(s->mem);
	memset(s, 0, sizeof(*s));
}
