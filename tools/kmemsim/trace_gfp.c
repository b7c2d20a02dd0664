/* SPDX-License-Identifier: MIT */
#include "trace_form.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

struct gfp_texts {
	struct names *texts;
	gfp_t *values;		/* by number of the text */
	bool *good;
};

struct gfp_texts *gfp_texts_new(void)
{
	struct gfp_texts *g = xcalloc(1, sizeof(*g));

	g->texts = names_new();
	return g;
}

void gfp_texts_free(struct gfp_texts *g)
{
	names_free(g->texts);
	free(g->values);
	free(g->good);
	free(g);
}

static bool is_of_a_gfp(const char *word)
{
	return !strncmp(word, "GFP_", 4) || !strncmp(word, "__GFP_", 6) ||
	       (*word >= '0' && *word <= '9');
}

static void learn(struct gfp_texts *g, const struct lines *l, unsigned int i, size_t len)
{
	const char *text = names_text(g->texts, i);
	char bad[32];

	g->values = xrealloc(g->values, i + 1, sizeof(*g->values));
	g->good = xrealloc(g->good, i + 1, sizeof(*g->good));
	g->good[i] = len && !memchr(text, '\0', len);
	if (!g->good[i] || !gfp_from_trace(text, &g->values[i], bad))
		return;
	g->good[i] = is_of_a_gfp(bad);
	if (g->good[i])
		note("%s:%lu: GFP word '%s' is not Linux 6.1's and is left out", lines_path(l),
		     lines_number(l), bad);
}

bool gfp_texts_get(struct gfp_texts *g, const struct lines *l, const char *text, size_t len,
		   gfp_t *out)
{
	unsigned int known = names_count(g->texts);
	unsigned int i = names_intern(g->texts, text, len);

	if (i == known)
		learn(g, l, i, len);
	*out = g->values[i];
	return g->good[i];
}
