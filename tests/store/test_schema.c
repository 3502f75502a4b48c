/* The table of what a run file holds: docs/results.md says the same, and what weighs is told from what does not. */
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "io/file.h"
#include "store/schema.h"

/* The next line of the page's table, cut into its four cells; false behind the last. */
static bool next_row(char **at, char *cell[4])
{
    char *line = strstr(*at, "\n| `/");
    if (!line) return false;
    for (int c = 0; c < 4; c++) {
        char *begin = strchr(line, '|') + 2, *end = strstr(begin - 1, " |");
        assert_non_null(end);
        cell[c] = begin > end ? end : begin;
        *end = '\0';
        line = end + 1;
    }
    *at = line;
    return true;
}

/* Each name of @p list stands in @p content in backticks; of an x_ what begins so, and _ alone is any. */
static void assert_names(const char *list, const char *content)
{
    char quoted[80];
    for (const char *name = list; *name; name += strcspn(name, " "), name += strspn(name, " ")) {
        int length = (int)strcspn(name, " ");
        bool open = name[length - 1] == '_';
        snprintf(quoted, sizeof quoted, "`%.*s%s", length - open, name, open ? "" : "`");
        if (length > open && !strstr(content, quoted)) fail_msg("docs/results.md does not name %s", quoted);
    }
}

static void test_page(void **state)
{
    (void)state;
    char path[4200], want[200], *page, *at, *cell[4];
    size_t size;
    snprintf(path, sizeof path, "%s/../docs/results.md", getenv("EXPUNGE_TESTS") ? getenv("EXPUNGE_TESTS") : "tests");
    assert_ok(io_file_read(path, 0, &page, &size));
    at = page;
    for (const StoreRow *row = store_schema; row->path; row++) {
        if (!next_row(&at, cell)) fail_msg("docs/results.md has no row of %s", row->path);
        snprintf(want, sizeof want, "`%s`", row->path);
        assert_string_equal(cell[0], want);
        bool attributes = strcmp(row->type, "attributes") == 0;
        snprintf(want, sizeof want, attributes ? "%s" : "%s `%s`", row->type, row->shape);
        assert_string_equal(cell[1], want);
        assert_string_equal(cell[2], row->unit);
        if (attributes) assert_names(row->shape, cell[3]);
    }
    assert_false(next_row(&at, cell));
    base_free(page);
}

static void test_weight(void **state)
{
    (void)state;
    assert_int_equal(store_schema_weight("/"), STORE_LIGHT);
    assert_int_equal(store_schema_weight("/meta"), STORE_LIGHT);
    assert_int_equal(store_schema_weight("/metrics/value"), STORE_LIGHT);
    assert_int_equal(store_schema_weight("/unheard/of"), STORE_LIGHT);
    assert_int_equal(store_schema_weight("/confusion"), STORE_HEAVY);
    assert_int_equal(store_schema_weight("/confusion/test"), STORE_HEAVY);
    assert_int_equal(store_schema_weight("/spectra/conv1/retain"), STORE_HEAVY);
    assert_int_equal(store_schema_weight("/attacks"), STORE_LIGHT);
    assert_int_equal(store_schema_weight("/attacks/svc paper"), STORE_LIGHT);
    assert_int_equal(store_schema_weight("/attacks/svc paper/score"), STORE_HEAVY);
    assert_int_equal(store_schema_weight("/signals"), STORE_PRIVATE);
    assert_int_equal(store_schema_weight("/saliency/maps"), STORE_PRIVATE);
}

static const struct CMUnitTest TESTS[] = {cmocka_unit_test(test_page), cmocka_unit_test(test_weight)};
SUPPORT_MAIN(TESTS)
