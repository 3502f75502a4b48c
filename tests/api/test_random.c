/* Random draws of the public interface: the very numbers of unlearn/svd/patches, and refusals. */
#include <string.h>

#include "base/memory.h"
#include "tests/api/api.h"
#include "unlearn/svd/patches.h"

enum { N = 900, MOST = 500, NUMBER = 7 };

/* What the method takes of a 3 x 3 convolution on maps of 32 x 20, drawn by hand. */
static void test_same_as_patches(void **state)
{
    (void)state;
    const NnLayer layer = {.kind = NN_LAYER_CONV,
                           .C = 4,
                           .H = 32,
                           .W = 20,
                           .kernel_h = 3,
                           .kernel_w = 3,
                           .stride = 1,
                           .pad_h = 1,
                           .pad_w = 1,
                           .dilation = 1,
                           .groups = 1,
                           .features = 36};
    static const char *const SIDES[][3] = {{"retain", "retain_window", "retain_patches"},
                                           {"forget", "forget_window", "forget_patches"}};
    for (size_t s = 0; s < BASE_COUNT(SIDES); s++) {
        UnlearnPatches plan;
        int64_t window[2], limits[] = {32 - 9 + 1, 20 - 9 + 1}, rows[MOST];
        assert_ok(unlearn_patches_plan(&layer, NUMBER, N, UNLEARN_PATCHES_PAPER, MOST, 11, SIDES[s][0], &plan));
        assert_done(expunge_random_below(11, SIDES[s][1], NUMBER, limits, 2, window));
        assert_int_equal(window[0], plan.y);
        assert_int_equal(window[1], plan.x);
        assert_done(expunge_random_choose(11, SIDES[s][2], NUMBER, plan.total, MOST, rows));
        assert_int_equal(plan.rows, MOST);
        assert_memory_equal(rows, plan.chosen, sizeof rows);
        assert_done(expunge_random_choose(12, SIDES[s][2], NUMBER, plan.total, MOST, rows));
        assert_int_not_equal(memcmp(rows, plan.chosen, sizeof rows), 0);
        unlearn_patches_free(&plan);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    int64_t limits[] = {3, 0}, numbers[2];
    assert_refused(expunge_random_below(0, NULL, 0, limits, 1, numbers), EARG, "purpose is NULL");
    assert_refused(expunge_random_below(0, "p", 0, limits, 2, numbers), EARG, "limits[1] = 0");
    assert_refused(expunge_random_below(0, "p", 0, NULL, 2, numbers), EARG, "limits is NULL");
    assert_refused(expunge_random_choose(0, "p", 0, 1, 2, numbers), EARG, "count = 2");
    assert_refused(expunge_random_choose(0, "p", 0, 1, -1, numbers), EARG, "count = -1");
    assert_refused(expunge_random_choose(0, "p", 0, 1, 1, NULL), EARG, "numbers is NULL");
    assert_done(expunge_random_choose(0, "p", 0, 0, 0, NULL));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_same_as_patches),
    cmocka_unit_test(test_refusals),
};
SUPPORT_MAIN(tests)
