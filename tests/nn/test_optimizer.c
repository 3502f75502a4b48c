#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "nn/train.h"

enum { COUNT = 1000, STEPS = 7 };

/* A step in double, straight from the header's formulas. */
typedef struct {
    double w[COUNT], m[COUNT], v[COUNT];
} Twin;

static void twin_sgd(Twin *t, const float *g, const uint8_t *mask, double momentum, double decay, bool nesterov,
                     double lr)
{
    for (int i = 0; i < COUNT; i++) {
        if (mask && !mask[i]) continue;
        double d = g[i] + decay * t->w[i];
        t->m[i] = momentum * t->m[i] + d;
        t->w[i] -= lr * (nesterov ? d + momentum * t->m[i] : t->m[i]);
    }
}

static void twin_adam(Twin *t, const float *g, const uint8_t *mask, double decay, double lr, int step)
{
    for (int i = 0; i < COUNT; i++) {
        if (mask && !mask[i]) continue;
        double d = g[i] + decay * t->w[i];
        t->m[i] = 0.9 * t->m[i] + 0.1 * d;
        t->v[i] = 0.999 * t->v[i] + 0.001 * d * d;
        double mean = t->m[i] / (1 - pow(0.9, step)), square = t->v[i] / (1 - pow(0.999, step));
        t->w[i] -= lr * mean / (sqrt(square) + 1e-8);
    }
}

typedef struct {
    NnOptimizerKind kind;
    double momentum, decay;
    bool nesterov, masked;
} Case;

/* Each of the 7 steps rounds w, v and the product a few times at 6e-8 of values below 4: 1e-6 of the largest weight. */
static void steps_match_the_twin(void **state)
{
    (void)state;
    static const Case CASES[] = {{NN_SGD, 0, 0, false, false},      {NN_SGD, 0, 0.01, false, true},
                                 {NN_SGD, 0.9, 5e-4, false, false}, {NN_SGD, 0.9, 0.01, true, false},
                                 {NN_SGD, 0.9, 0.01, true, true},   {NN_ADAM, 0, 0, false, false},
                                 {NN_ADAM, 0, 0.01, false, true}};
    for (size_t c = 0; c < BASE_COUNT(CASES); c++) {
        static Twin twin;
        static float w[COUNT], start[COUNT], g[COUNT];
        static uint8_t mask[COUNT];
        BaseRandom r = base_random_make(1, "test", c);
        NnOptimizer *optimizer = NULL;
        memset(&twin, 0, sizeof twin);
        for (int i = 0; i < COUNT; i++) {
            twin.w[i] = start[i] = w[i] = (float)base_random_normal(&r);
            mask[i] = base_random_below(&r, 3) > 0;
        }
        assert_ok(nn_optimizer_create(CASES[c].kind, COUNT, CASES[c].momentum, CASES[c].decay, CASES[c].nesterov,
                                      &optimizer));
        for (int s = 1; s <= STEPS; s++) {
            for (int i = 0; i < COUNT; i++) g[i] = (float)base_random_normal(&r);
            const uint8_t *m = CASES[c].masked ? mask : NULL;
            nn_optimizer_step(optimizer, w, g, m, 0.05);
            if (CASES[c].kind == NN_ADAM)
                twin_adam(&twin, g, m, CASES[c].decay, 0.05, s);
            else
                twin_sgd(&twin, g, m, CASES[c].momentum, CASES[c].decay, CASES[c].nesterov, 0.05);
        }
        assert_close_f32(w, twin.w, COUNT, 1e-6);
        for (int i = 0; CASES[c].masked && i < COUNT; i++)
            if (!mask[i]) assert_memory_equal(&w[i], &start[i], sizeof *w);
        nn_optimizer_free(optimizer);
    }
}

/* A parameter that was masked for a while starts again without momentum from that time. */
static void mask_stops_momentum(void **state)
{
    (void)state;
    float w = 1, g = 1;
    const uint8_t off = 0, on = 1;
    NnOptimizer *optimizer = NULL;
    assert_ok(nn_optimizer_create(NN_SGD, 1, 0.5, 0, false, &optimizer));
    nn_optimizer_step(optimizer, &w, &g, &off, 0.25);
    assert_true(w == 1);
    nn_optimizer_step(optimizer, &w, &g, &on, 0.25); /* v = 1 */
    assert_true(w == 0.75f);
    nn_optimizer_step(optimizer, &w, &g, &off, 0.25);
    nn_optimizer_step(optimizer, &w, &g, &on, 0.25); /* v = 1.5 */
    assert_true(w == 0.375f);
    nn_optimizer_free(optimizer);
}

static BaseStatus create_once(void *user)
{
    (void)user;
    NnOptimizer *optimizer = NULL;
    BaseStatus st = nn_optimizer_create(NN_ADAM, 10, 0, 0, false, &optimizer);
    nn_optimizer_free(optimizer);
    return st;
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    NnOptimizer *optimizer = NULL;
    assert_fails(nn_optimizer_create(NN_SGD, 1, 1, 0, false, &optimizer), BASE_EARG, "momentum 1");
    assert_null(optimizer);
    assert_fails(nn_optimizer_create((NnOptimizerKind)7, 1, 0, 0, false, &optimizer), BASE_EARG, "sgd or adam");
    support_fail_allocations(create_once, NULL, 8);
    nn_optimizer_free(NULL);
}

/* Loss by its definition in long double, gradient by central differences of that. */
static long double naive_loss(const float *logits, const int32_t *y, int n, int K, double smoothing, int at,
                              long double by)
{
    long double total = 0;
    for (int i = 0; i < n; i++) {
        long double mass = 0, z[8];
        for (int k = 0; k < K; k++) {
            z[k] = logits[i * K + k] + (i * K + k == at ? by : 0);
            mass += expl(z[k]);
        }
        for (int k = 0; k < K; k++) total -= (smoothing / K + (k == y[i] ? 1 - smoothing : 0)) * (z[k] - logl(mass));
    }
    return total / n;
}

static void loss_matches_its_definition(void **state)
{
    (void)state;
    enum { N = 6, K = 5 };
    const int32_t y[N] = {0, 4, 2, 2, 1, 3};
    const double smoothing[] = {0, 0.1};
    BaseRandom r = base_random_make(2, "test", 0);
    float logits[N * K], gradient[N * K];
    double want[N * K];
    for (int i = 0; i < N * K; i++) logits[i] = (float)(3 * base_random_normal(&r));
    for (int s = 0; s < 2; s++) {
        double loss = nn_loss_cross_entropy(logits, y, N, K, smoothing[s], gradient);
        assert_near(loss, (double)naive_loss(logits, y, N, K, smoothing[s], -1, 0), 0, 1e-13);
        for (int i = 0; i < N * K; i++)
            want[i] = (double)((naive_loss(logits, y, N, K, smoothing[s], i, 1e-5L) -
                                naive_loss(logits, y, N, K, smoothing[s], i, -1e-5L)) /
                               2e-5L);
        assert_close_f32(gradient, want, N * K, 1e-6); /* float32 storage 6e-8, differences 1e-10 */
        assert_true(nn_loss_cross_entropy(logits, y, N, K, smoothing[s], NULL) == loss);
    }
}

static void loss_survives_large_logits(void **state)
{
    (void)state;
    const float logits[] = {1e30f, 0, -1e30f, 500, -500, 0};
    const int32_t y[] = {0, 1};
    float gradient[6];
    assert_near(nn_loss_cross_entropy(logits, y, 2, 3, 0, gradient), 500, 0, 1e-12);
    assert_near(gradient[0], 0, 0, 0);
    assert_near(gradient[3], 0.5, 0, 1e-6);
    assert_near(gradient[4], -0.5, 0, 1e-6);
}

static double lr_at(NnTrainConfig config, int64_t steps, int64_t epoch, int64_t step)
{
    NnSchedule schedule = nn_schedule_make(&config, steps);
    return nn_schedule_lr(&schedule, epoch, step);
}

static void schedules_by_hand(void **state)
{
    (void)state;
    NnTrainConfig c = {.epochs = 4, .lr = 0.8, .gamma = 0.5, .step_epochs = 2, .warmup = 0.25, .patience = 2};
    c.schedule = NN_SCHEDULE_CONSTANT;
    assert_near(lr_at(c, 10, 3, 9), 0.8, 0, 0);
    c.schedule = NN_SCHEDULE_STEP;
    assert_near(lr_at(c, 10, 1, 9), 0.8, 0, 1e-15);
    assert_near(lr_at(c, 10, 2, 0), 0.4, 0, 1e-15);
    c.schedule = NN_SCHEDULE_COSINE; /* 40 steps: a quarter at 10, half at 20 */
    assert_near(lr_at(c, 10, 0, 0), 0.8, 0, 1e-15);
    assert_near(lr_at(c, 10, 1, 0), 0.4 * (1 + sqrt(0.5)), 0, 1e-14);
    assert_near(lr_at(c, 10, 2, 0), 0.4, 0, 1e-14);
    c.schedule = NN_SCHEDULE_ONE_CYCLE; /* rises over 10 steps */
    assert_near(lr_at(c, 10, 0, 0), 0.032, 0, 1e-14);
    assert_near(lr_at(c, 10, 0, 5), (0.032 + 0.8) / 2, 0, 1e-14);
    assert_near(lr_at(c, 10, 1, 0), 0.8, 0, 1e-14);
    assert_near(lr_at(c, 10, 3, 9), 0.8e-4, 0, 1e-12);
    assert_near(lr_at(c, 1, 0, 0), 0.032, 0, 1e-14);
    c.epochs = 1; /* one step in all */
    assert_near(lr_at(c, 1, 0, 0), 0.8, 0, 1e-14);
    c.warmup = 1;
    assert_true(isfinite(lr_at(c, 1, 0, 0)) && isfinite(lr_at(c, 5, 0, 4)));
}

static void plateau_by_hand(void **state)
{
    (void)state;
    const NnTrainConfig c = {.epochs = 9, .lr = 1, .gamma = 0.5, .patience = 2, .schedule = NN_SCHEDULE_PLATEAU};
    static const double LOSS[] = {3, 2, 2, 2.5, 1, 1, 0.5, 0.6, 0.7};
    static const double WANT[] = {1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25}; /* after that epoch */
    NnSchedule schedule = nn_schedule_make(&c, 1);
    for (int e = 0; e < 9; e++) {
        nn_schedule_epoch_end(&schedule, LOSS[e]);
        assert_near(nn_schedule_lr(&schedule, e + 1, 0), WANT[e], 0, 0);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(steps_match_the_twin),
    cmocka_unit_test(mask_stops_momentum),
    cmocka_unit_test(bad_input_is_refused),
    cmocka_unit_test(loss_matches_its_definition),
    cmocka_unit_test(loss_survives_large_logits),
    cmocka_unit_test(schedules_by_hand),
    cmocka_unit_test(plateau_by_hand),
};

SUPPORT_MAIN(tests)
