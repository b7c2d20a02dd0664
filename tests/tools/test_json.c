/* SPDX-License-Identifier: MIT */
/* What the writer writes, the reader reads; text that is no JSON is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "kmemsim/json.h"

#include <stdlib.h>
#include <string.h>

static void test_round_trip(void **state)
{
	char *text = NULL;
	size_t len = 0;
	struct json_writer w = {.out = open_memstream(&text, &len)};
	struct json *j;
	const struct json *list;

	json_begin(&w, NULL, '{');
	json_string(&w, "name", "a \"quoted\"\\ line\nand\ttab \x01 end");
	json_uint(&w, "big", UINT64_MAX >> 12);
	json_number(&w, "half", 0.5, 3);
	json_number(&w, "nan", 0.0 / 0.0, 3);
	json_bool(&w, "yes", true);
	json_begin(&w, "empty", '[');
	json_end(&w, ']');
	json_begin_flat(&w, "list", '[');
	json_uint(&w, NULL, 1);
	json_begin(&w, NULL, '{');
	json_uint(&w, "x", 2);
	json_end(&w, '}');
	json_end(&w, ']');
	json_end(&w, '}');
	fclose(w.out);

	assert_non_null(strstr(text, "\"list\": [1, {\"x\": 2}]"));
	j = json_parse(text);
	assert_non_null(j);
	assert_string_equal(json_get(j, "name")->string, "a \"quoted\"\\ line\nand\ttab \x01 end");
	assert_true(json_get(j, "big")->number == (double)(UINT64_MAX >> 12));
	assert_true(json_get(j, "half")->number == 0.5);
	assert_int_equal(json_get(j, "nan")->type, JSON_NULL);
	assert_int_equal(json_get(j, "yes")->type, JSON_BOOL);
	assert_null(json_get(j, "empty")->child);
	list = json_get(j, "list");
	assert_true(list->child->number == 1);
	assert_true(json_get(list->child->next, "x")->number == 2);
	assert_null(json_get(j, "other"));
	json_free(j);
	free(text);
}

static void test_refused(void **state)
{
	static const char *const wrong[] = {
		"", "{", "[1,", "[1 2]", "{\"a\"}", "{\"a\":}", "{a:1}", "\"open", "\"bad \\q\"",
		"\"\\u12\"", "nul", "1 2", "[1]]", "{\"a\":1,}",
		"[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (json_parse(wrong[i]))
			fail_msg("accepted: %s", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
