#include "tests/support/support.h"

#include <stdio.h>

#include "base/index.h"

enum { N = 100000 };
static char names[N][12];

static void test_finds(void **state)
{
    (void)state;
    BaseIndex index = {0};
    size_t old;
    assert_int_equal(base_index_find(&index, "none"), SIZE_MAX);
    assert_ok(base_index_add(&index, "a", 7, &old));
    assert_int_equal(old, SIZE_MAX);
    assert_ok(base_index_add(&index, "", 8, &old));
    assert_ok(base_index_add(&index, "a", 9, &old));
    assert_int_equal(old, 7);
    assert_int_equal(base_index_find(&index, "a"), 7);
    assert_int_equal(base_index_find(&index, ""), 8);
    assert_int_equal(base_index_find(&index, "b"), SIZE_MAX);
    base_index_free(&index);
    assert_int_equal(base_index_find(&index, "a"), SIZE_MAX);
}

/* Steps, not seconds: half full at most, a chain is 1.5 long on average (Knuth 6.4, linear probing), and growing looks at
 * each name once more for every doubling: below 8 a name. */
static void test_work(void **state)
{
    (void)state;
    BaseIndex index = {0};
    size_t old;
    for (size_t i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], i % 2 ? "k%zu" : "%zu.w", i);
        assert_ok(base_index_add(&index, names[i], i, &old));
        assert_int_equal(old, SIZE_MAX);
    }
    assert_true(index.steps < 8 * (uint64_t)N);
    for (size_t i = 0; i < N; i++) assert_int_equal(base_index_find(&index, names[i]), i);
    base_index_free(&index);
}

static BaseStatus add_many(void *user)
{
    (void)user;
    BaseStatus st = BASE_OK;
    BaseIndex index = {0};
    size_t old;
    for (size_t i = 0; i < 1000; i++) {
        snprintf(names[i], sizeof names[i], "%zu", i);
        BASE_TRY(base_index_add(&index, names[i], i, &old));
    }
out:
    base_index_free(&index);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    support_fail_allocations(add_many, NULL, 20);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_finds), cmocka_unit_test(test_work),
                                          cmocka_unit_test(test_no_memory)};
SUPPORT_MAIN(tests)
