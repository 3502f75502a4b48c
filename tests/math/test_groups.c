#include "tests/support/support.h"

#include "math/groups.h"

static void by_key_then_by_point(void **state)
{
    (void)state;
    const int32_t key[] = {7, -1, 7, 3, -1}, point[] = {1, 4, 3, 0, 2};
    const int64_t start[] = {0, 2, 3, 5};
    MathGroups g;
    assert_ok(math_groups_make(key, 5, false, &g));
    assert_int_equal(g.count, 3);
    assert_memory_equal(g.point, point, sizeof point);
    assert_memory_equal(g.start, start, sizeof start);
    math_groups_free(&g);
    assert_ok(math_groups_make(NULL, 4, false, &g)); /* all of them together */
    assert_int_equal(g.count, 1);
    assert_int_equal(g.start[1], 4);
    math_groups_free(&g);
    assert_ok(math_groups_make(NULL, 4, true, &g)); /* each by itself */
    assert_int_equal(g.count, 4);
    for (int i = 0; i < 4; i++) assert_int_equal(g.point[g.start[i]], i);
    math_groups_free(&g);
    assert_ok(math_groups_make(key, 0, true, &g));
    assert_int_equal(g.count, 0);
    math_groups_free(&g);
}

static BaseStatus once(void *user)
{
    MathGroups g;
    BaseStatus st = math_groups_make(user, 3, false, &g);
    math_groups_free(&g);
    return st;
}

static void without_memory(void **state)
{
    (void)state;
    int32_t key[] = {2, 1, 2};
    support_fail_allocations(once, key, 10);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(by_key_then_by_point),
    cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
