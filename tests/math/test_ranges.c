/* Every number of a caller that must lie between two others: both ends, just outside, far outside and NaN are refused in
 * one line that names it, just inside is taken. */
#include "tests/support/support.h"

#include <float.h>
#include <math.h>

#include "base/param.h"
#include "math/epsilon.h"
#include "math/holdout.h"

enum { N = 12 };
static const double SCORE[N] = {0.1, 0.9, 0.3, 0.7, 0.2, 0.8, 0.5, 0.6, 0.45, 0.55, 0.15, 0.95};
static const uint8_t MEMBER[N] = {0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1};

static BaseStatus auc_level(double x)
{
    MathAuc out;
    return math_auc_level(SCORE, MEMBER, N, x, &out);
}

static BaseStatus holdout_share(double x)
{
    uint8_t choosing[N];
    return math_holdout_split(MEMBER, N, x, 0, choosing);
}

static MathEpsilon epsilon;
static BaseStatus split_alpha(double x) { return math_epsilon_split(SCORE, MEMBER, N, 0.1, x, 0, &epsilon); }
static BaseStatus split_delta(double x) { return math_epsilon_split(SCORE, MEMBER, N, x, 0.1, 0, &epsilon); }
static BaseStatus all_alpha(double x) { return math_epsilon_simultaneous(SCORE, MEMBER, N, 0.1, x, &epsilon); }
static BaseStatus all_delta(double x) { return math_epsilon_simultaneous(SCORE, MEMBER, N, x, 0.1, &epsilon); }
static BaseStatus gauss_alpha(double x) { return math_epsilon_gaussian(SCORE, MEMBER, N, 0.1, x, &epsilon); }
static BaseStatus gauss_delta(double x) { return math_epsilon_gaussian(SCORE, MEMBER, N, x, 0.1, &epsilon); }
static BaseStatus run_alpha(double x)
{
    return math_epsilon_one_run(SCORE, MEMBER, N, 3, 3, true, 0.1, x, 0, &epsilon);
}
static BaseStatus run_delta(double x)
{
    return math_epsilon_one_run(SCORE, MEMBER, N, 3, 3, true, x, 0.1, 0, &epsilon);
}

static void every_range(void **state)
{
    (void)state;
    static const struct {
        BaseStatus (*call)(double x);
        const char *text;
        bool zero; /* 0 is inside */
    } CASES[] = {
        {auc_level, "the level of an interval is ", false},
        {holdout_share, "the share of points to choose on is ", false},
        {split_alpha, "alpha is ", false},
        {split_delta, "delta is ", true},
        {all_alpha, "alpha is ", false},
        {all_delta, "delta is ", true},
        {gauss_alpha, "alpha is ", false},
        {gauss_delta, "delta is ", false},
        {run_alpha, "alpha is ", false},
        {run_delta, "delta is ", true},
    };
    static const double OUTSIDE[] = {1, 1 + DBL_EPSILON, 1.5, 1e300, INFINITY, -DBL_TRUE_MIN, -0.5, -INFINITY, NAN};
    static const double INSIDE[] = {1e-6, 0.5, 1 - 1e-6};
    for (size_t c = 0; c < BASE_COUNT(CASES); c++) {
        for (size_t i = 0; i < BASE_COUNT(OUTSIDE); i++)
            assert_fails(CASES[c].call(OUTSIDE[i]), BASE_EARG, CASES[c].text);
        if (CASES[c].zero)
            assert_ok(CASES[c].call(0));
        else
            assert_fails(CASES[c].call(0), BASE_EARG, CASES[c].text);
        for (size_t i = 0; i < BASE_COUNT(INSIDE); i++) assert_ok(CASES[c].call(INSIDE[i]));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_range),
};

SUPPORT_MAIN(tests)
