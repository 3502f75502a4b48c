/* docs/deviations.md names every key that a preset sets, with its value, and no key that does not exist. */
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "unlearn/unlearn.h"

enum { MOST = 4096 };

typedef struct {
    char *at[8];
} Line;

/* The columns of a table's row; false: no row. */
static bool split(char *line, Line *out)
{
    if (*line != '|') return false;
    for (int i = 0; i < 5; i++) {
        out->at[i] = line + 1;
        line = strchr(line + 1, '|');
        if (!line) return false;
        *line = '\0';
    }
    return true;
}

static const BaseEntry *entry_of(const char *name)
{
    for (size_t i = 0; i < base_registry_count(&unlearn_registry); i++) {
        const BaseEntry *e = base_registry_at(&unlearn_registry, i);
        if (strcmp(e->name, name) == 0) return e;
    }
    return NULL;
}

/* "`key=value`", or "none". */
static void check_row(Line *row, char *named, size_t size)
{
    char *end = NULL, *open = strchr(row->at[2], '`'), *close = open ? strchr(open + 1, '`') : NULL;
    if (!close) {
        assert_non_null(strstr(row->at[2], "none"));
        return;
    }
    *close = '\0';
    for (char *name = strtok_r(row->at[0], " ,", &end); name; name = strtok_r(NULL, " ,", &end)) {
        const BaseEntry *e = entry_of(name);
        char key[64];
        if (!e) fail_msg("docs/deviations.md: no method is named %s", name);
        snprintf(key, sizeof key, "%.*s", (int)strcspn(open + 1, "="), open + 1);
        if (!base_param_find(e->params, e->param_count, key))
            fail_msg("docs/deviations.md: %s has no key %s", name, key);
        size_t used = strlen(named);
        snprintf(named + used, size - used, "%s:%s\n", name, open + 1);
    }
}

static void test_table(void **state)
{
    (void)state;
    static char named[16 * MOST];
    char path[MOST], line[MOST];
    const char *tests = getenv("EXPUNGE_TESTS");
    int rows = 0;
    snprintf(path, sizeof path, "%s/../docs/deviations.md", tests ? tests : "tests");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        Line row;
        if (!split(line, &row) || strncmp(row.at[0], " method", 7) == 0 || row.at[0][0] == '-') continue;
        check_row(&row, named, sizeof named);
        rows++;
    }
    fclose(file);
    assert_true(rows >= 10);
    for (size_t i = 0; i < base_registry_count(&unlearn_registry); i++) {
        const BaseEntry *e = base_registry_at(&unlearn_registry, i);
        const BaseParam *preset = base_param_preset(e->params, e->param_count);
        char text[1024], wanted[256], *end = NULL;
        snprintf(text, sizeof text, "%s", preset ? preset->text : "");
        for (char *word = strtok_r(text, " ", &end); word; word = strtok_r(NULL, " ", &end)) {
            snprintf(wanted, sizeof wanted, "%s:%s\n", e->name, word);
            if (!strstr(named, wanted)) fail_msg("docs/deviations.md says nothing of %s", wanted);
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_table),
};
SUPPORT_MAIN(tests)
