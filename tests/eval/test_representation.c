/* Linear CKA and nearest neighbours, each against its definition in plain loops, and what they are blind to. */
#include "tests/support/support.h"

#include <math.h>

#include "base/order.h"
#include "base/random.h"
#include "eval/eval.h"
#include "eval/probe/nearest.h"
#include "tests/eval/hsic.h"

enum { WIDE = 60 };

static float *draw(BaseRandom *r, int64_t count)
{
    float *x = NULL;
    assert_ok(BASE_ALLOC(count, &x));
    for (int64_t i = 0; i < count; i++) x[i] = (float)base_random_normal(r);
    return x;
}

static BaseStatus ask(const char *name, const EvalContext *context, MathEstimate *out)
{
    const BaseEntry *entry;
    assert_ok(base_registry_find(&eval_registry, name, &entry));
    return ((const EvalMetric *)entry)->compute(context, EVAL_TEST, out);
}

static MathEstimate cka(const EvalFeatures *u, const EvalFeatures *other)
{
    MathEstimate a, b;
    const EvalContext context = {.features = u, .original_features = other, .retrained_features = other};
    assert_ok(ask("cka_retrained", &context, &a));
    assert_ok(ask("cka_original", &context, &b));
    assert_memory_equal(&a, &b, sizeof a);
    return a;
}

static long double hsic_of(const EvalFeatures *x, const EvalFeatures *y)
{
    double *wide[2];
    const EvalFeatures *const from[2] = {x, y};
    for (int k = 0; k < 2; k++) {
        assert_ok(BASE_ALLOC(x->n * from[k]->width, &wide[k]));
        for (int64_t i = 0; i < x->n * from[k]->width; i++) wide[k][i] = (double)from[k]->x[i];
    }
    long double out = naive_hsic(wide[0], x->width, wide[1], y->width, x->n);
    for (int k = 0; k < 2; k++) base_free(wide[k]);
    return out;
}

static void the_definition(void **state)
{
    (void)state;
    BaseRandom r = base_random_make(3, "representation_test", 0);
    const int64_t SHAPES[][3] = {{4, 3, 5}, {30, 8, 8}, {70, 60, 7}, {129, 5, 60}}; /* fewer and more than a block */
    for (size_t s = 0; s < sizeof SHAPES / sizeof *SHAPES; s++) {
        int64_t n = SHAPES[s][0];
        EvalFeatures x = {draw(&r, n * SHAPES[s][1]), n, SHAPES[s][1]},
                     y = {draw(&r, n * SHAPES[s][2]), n, SHAPES[s][2]};
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < base_smaller(x.width, y.width); j++)
                y.x[i * y.width + j] += 2 * x.x[i * x.width + j] + 3; /* in common; away from the origin */
        MathEstimate got = cka(&x, &y);
        double want = (double)(hsic_of(&x, &y) / sqrtl(hsic_of(&x, &x) * hsic_of(&y, &y)));
        /* sums of n^2 products of sums of width products in double, whose parts are up to 100 times what they leave */
        assert_near(got.value, want, 1e-10, 0);
        assert_int_equal(got.n, n);
        assert_true(-1 <= got.lo && got.lo <= got.value && got.value <= got.hi && got.hi <= 1);
        base_free(x.x);
        base_free(y.x);
    }
}

/* A rotation, a scale and a shift change nothing; features of their own are at 1, whoever has them. */
static void what_it_is_blind_to(void **state)
{
    (void)state;
    BaseRandom r = base_random_make(4, "representation_test", 0);
    enum { N = 90, D = 6 };
    EvalFeatures x = {draw(&r, N * D), N, D}, y = {draw(&r, N * D), N, D}, turned = {draw(&r, N * D), N, D};
    for (int64_t i = 0; i < N * D; i++) y.x[i] += x.x[i];
    for (int64_t i = 0; i < N; i++)
        for (int64_t j = 0; j < D; j += 2) { /* 0.6 and 0.8: a rotation of each pair */
            float a = y.x[i * D + j], b = y.x[i * D + j + 1];
            turned.x[i * D + j] = 7 * (0.6F * a - 0.8F * b) + 1;
            turned.x[i * D + j + 1] = 7 * (0.8F * a + 0.6F * b) - 2;
        }
    MathEstimate plain = cka(&x, &y), moved = cka(&x, &turned), same = cka(&y, &turned), self = cka(&y, &y);
    assert_in_range((int64_t)(1000 * plain.value), 300, 900);
    assert_near(moved.value, plain.value, 1e-5, 0); /* the rotated features are rounded to float32 */
    assert_near(moved.lo, plain.lo, 1e-5, 0);
    assert_near(same.value, 1, 1e-6, 0);
    assert_near(self.value, 1, 1e-14, 0);
    assert_true(self.lo > 1 - 1e-6);
    base_free(x.x);
    base_free(y.x);
    base_free(turned.x);
}

/* Fewer images than features that have nothing in common: the biased estimator says 0.7 and more, this one 0. */
static void unrelated_features(void **state)
{
    (void)state;
    BaseRandom r = base_random_make(5, "representation_test", 0);
    enum { N = 20, D = WIDE, ROUNDS = 200 };
    double sum = 0;
    int covered = 0;
    for (int i = 0; i < ROUNDS; i++) {
        EvalFeatures x = {draw(&r, N * D), N, D}, y = {draw(&r, N * D), N, D};
        MathEstimate got = cka(&x, &y);
        sum += got.value / ROUNDS;
        covered += got.lo <= 0 && 0 <= got.hi;
        base_free(x.x);
        base_free(y.x);
    }
    print_message("mean %.4f, %d of %d\n", sum, covered, ROUNDS);
    assert_near(sum, 0, 0.05, 0); /* the mean of 200 values of sd below 0.2 */
    assert_true(covered > 0);
}

static void what_is_not_measurable(void **state)
{
    (void)state;
    BaseRandom r = base_random_make(6, "representation_test", 0);
    enum { N = 10, D = 3 };
    MathEstimate got;
    EvalFeatures x = {draw(&r, N * D), N, D}, y = {draw(&r, N * D), N, D}, none = {0};
    assert_near(cka(&x, NULL).value, NAN, 0, 0);
    assert_near(cka(NULL, &x).value, NAN, 0, 0);
    assert_near(cka(&x, &none).value, NAN, 0, 0);
    assert_near(cka(&none, &x).value, NAN, 0, 0);
    x.n = y.n = 3;
    assert_near(cka(&x, &y).value, NAN, 0, 0);
    x.n = 9, y.n = N;
    const EvalContext context = {.features = &x, .retrained_features = &y};
    assert_fails(ask("cka_retrained", &context, &got), BASE_ESHAPE, "features of 9 images, and of 10 to compare with");
    x.n = N;
    for (int i = 0; i < N * D; i++) y.x[i] = 0.1F * (float)(i % D); /* the same for every image, up to rounding */
    assert_near(cka(&x, &y).value, NAN, 0, 0);
    y.x[4] = NAN;
    assert_fails(ask("cka_retrained", &context, &got), BASE_ENUMERIC, "not all finite");
    base_free(x.x);
    base_free(y.x);
}

/* In double, and the whole order. */
static void neighbours_by_the_definition(void **state)
{
    (void)state;
    enum { N = 150, M = 100, D = 12, CLASSES = 4 };
    BaseRandom r = base_random_make(7, "representation_test", 0);
    int32_t labels[N], got[M];
    float *known = draw(&r, N * D), *judged = draw(&r, M * D);
    int told[2] = {0};
    for (int i = 0; i < N; i++) {
        labels[i] = i % CLASSES;
        known[i * D + labels[i]] += 1;
    }
    memset(known + 5 * D, 0, D * sizeof *known); /* no direction: as near to all */
    assert_ok(eval_probe_nearest(known, labels, N, judged, M, D, got));
    for (int i = 0; i < M; i++) {
        double cosine[N];
        int at[EVAL_NEIGHBOURS], votes[CLASSES] = {0}, most = 0;
        for (int j = 0; j < N; j++) {
            double dot = 0, a = 0, b = 0;
            for (int d = 0; d < D; d++) {
                dot += (double)known[j * D + d] * judged[i * D + d];
                a += (double)known[j * D + d] * known[j * D + d];
                b += (double)judged[i * D + d] * judged[i * D + d];
            }
            cosine[j] = a > 0 ? dot / sqrt(a * b) : 0;
        }
        for (int k = 0; k < EVAL_NEIGHBOURS; k++) {
            at[k] = 0;
            for (int j = 0; j < N; j++)
                if (cosine[j] > cosine[at[k]]) at[k] = j;
            cosine[at[k]] = -2;
            if (++votes[labels[at[k]]] > most) most = votes[labels[at[k]]];
        }
        int want = 0;
        while (votes[labels[at[want]]] < most) want++;
        assert_int_equal(got[i], labels[at[want]]);
        told[want > 0]++;
    }
    assert_true(told[0] > 0 && told[1] > 0); /* the nearest alone, and not the nearest */
    base_free(known);
    base_free(judged);
}

/* Two and two and one: the class of the nearest, whatever its number; fewer known rows than neighbours. */
static void ties_of_votes(void **state)
{
    (void)state;
    const float known[] = {1, 0, 1, 0.1F, 1, 0.2F, 1, 0.3F, 1, 0.4F}, judged[] = {2, 0};
    int32_t answer;
    for (int32_t turn = 0; turn < 3; turn++) {
        const int32_t labels[] = {turn, (turn + 1) % 3, (turn + 1) % 3, turn, (turn + 2) % 3};
        assert_ok(eval_probe_nearest(known, labels, 5, judged, 1, 2, &answer));
        assert_int_equal(answer, turn);
        assert_ok(eval_probe_nearest(known, labels, 3, judged, 1, 2, &answer));
        assert_int_equal(answer, (turn + 1) % 3);
    }
}

static BaseStatus everything(void *user)
{
    const EvalContext *context = user;
    MathEstimate out;
    int32_t labels[4] = {0}, answers[4];
    BaseStatus st = ask("cka_retrained", context, &out);
    return st == BASE_OK ? eval_probe_nearest(context->features->x, labels, 4, context->features->x, 4,
                                              context->features->width, answers)
                         : st;
}

static void without_memory(void **state)
{
    (void)state;
    BaseRandom r = base_random_make(8, "representation_test", 0);
    EvalFeatures x = {draw(&r, 30), 10, 3}, y = {draw(&r, 30), 10, 3};
    EvalContext context = {.features = &x, .retrained_features = &y};
    support_fail_allocations(everything, &context, 100);
    base_free(x.x);
    base_free(y.x);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_definition),
    cmocka_unit_test(what_it_is_blind_to),
    cmocka_unit_test(unrelated_features),
    cmocka_unit_test(what_is_not_measurable),
    cmocka_unit_test(neighbours_by_the_definition),
    cmocka_unit_test(ties_of_votes),
    cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
