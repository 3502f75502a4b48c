/* Intervals of runs and of tables over runs: every metric that has one (eval/), means over seeds and gaps to retraining
 * (report/summary.c). */
#include "tests/coverage/coverage.h"

#include "eval/eval.h"
#include "report/compare.h"

/* ------------------------------------------------------------ metrics of one run */

/* p: forgotten and retained images of either split; mean margins of the forgotten and retained ones, under the network under
 * test and under the retrained one, whose images' difficulty is shared; a margin's sd is 1, and an image is right where it is
 * above 0. */
enum { FORGOTTEN, RETAINED, FORGET_U, RETAIN_U, FORGET_R, RETAIN_R };
enum { K = 4, MOST_IMAGES = 1200 };

typedef struct {
    float u[MOST_IMAGES * K], r[MOST_IMAGES * K];
    int32_t labels[MOST_IMAGES];
    EvalPredictions of_u, of_r;
} Images;

static void answer(BaseRandom *r, int32_t label, double margin, float *z)
{
    for (int k = 0; k < K; k++) z[k] = (float)(-6 + base_random_normal(r));
    z[label] = (float)margin;
    z[(label + 1) % K] = 0;
}

static void make_images(const World *w, BaseRandom *r, Images *m)
{
    int64_t f = (int64_t)w->p[FORGOTTEN], n = f + (int64_t)w->p[RETAINED];
    for (int64_t i = 0; i < n; i++) {
        int kept = i >= f;
        double image = sqrt(0.5) * base_random_normal(r), half = sqrt(0.5);
        m->labels[i] = kept ? (int32_t)(1 + i % (K - 1)) : 0;
        answer(r, m->labels[i], w->p[FORGET_U + kept] + image + half * base_random_normal(r), m->u + i * K);
        answer(r, m->labels[i], w->p[FORGET_R + kept] + image + half * base_random_normal(r), m->r + i * K);
    }
    m->of_u = (EvalPredictions){m->u, m->labels, n, K, NULL};
    m->of_r = (EvalPredictions){m->r, m->labels, n, K, NULL};
}

enum { ACC_R, ACC_F, LOSS_R, LOSS_F, COMPOSITE, TOW, AUS, DISTANCE, JS, ZRF, ZRF_REPOSITORY, PROBE };
#define RUN "run (tables of one run)"
static const Number METRICS[] = {
    [ACC_R] = {"acc_retain", RUN, "eval_part_accuracy", AT_LEAST, 0.95},
    [ACC_F] = {"acc_forget", RUN, "eval_part_accuracy", AT_LEAST, 0.95},
    [LOSS_R] = {"loss_retain", RUN, "math_stats_mean_skewed", AT_LEAST, 0.95},
    [LOSS_F] = {"loss_forget", RUN, "math_stats_mean_skewed", AT_LEAST, 0.95},
    [COMPOSITE] = {"composite", RUN, "eval_composite", AT_LEAST, 0.95},
    [TOW] = {"tow", RUN, "eval_tow", AT_LEAST, 0.95},
    [AUS] = {"aus", RUN, "eval_aus", AT_LEAST, 0.95},
    [DISTANCE] = {"activation_distance", RUN, "math_stats_mean_skewed", AT_LEAST, 0.95},
    [JS] = {"js_retrained", RUN, "math_stats_mean_skewed", AT_LEAST, 0.95},
    [ZRF] = {"zrf", RUN, "math_stats_mean_skewed", AT_LEAST, 0.95},
    [ZRF_REPOSITORY] = {"zrf_repository", RUN, "math_stats_mean_skewed", AT_LEAST, 0.95},
    [PROBE] = {"probe_forget", RUN, "math_stats_share", AT_LEAST, 0.95},
};
static const char *const METRIC_NAMES[] = {
    "acc_retain", "acc_forget",          "loss_retain",  "loss_forget", "composite",      "tow",
    "aus",        "activation_distance", "js_retrained", "zrf",         "zrf_repository", "probe_forget"};

static MathEstimate measure(const char *name, const EvalContext *context)
{
    const BaseEntry *entry;
    MathEstimate out;
    assert_ok(base_registry_find(&eval_registry, name, &entry));
    assert_ok(((const EvalMetric *)entry)->compute(context, EVAL_TEST, &out));
    return out;
}

static void metrics(const World *w, BaseRandom *r, uint64_t trial, Shot *shot)
{
    static const uint8_t IN[K] = {1, 0, 0, 0};
    const DataForget forget = {.classes = {.K = K, .count = 1, .in = (uint8_t *)(uintptr_t)IN}};
    Images test, train;
    EvalProbed probed = {.n = (int64_t)w->p[FORGOTTEN]};
    (void)trial;
    make_images(w, r, &test);
    make_images(w, r, &train);
    double f = coverage_normal(w->p[FORGET_U]), a = coverage_normal(w->p[RETAIN_U]),
           f_r = coverage_normal(w->p[FORGET_R]), a_r = coverage_normal(w->p[RETAIN_R]);
    for (int64_t i = 0; i < probed.n; i++) probed.right += base_random_uniform(r) < f;
    const EvalContext context = {.split = {[EVAL_TRAIN] = &train.of_u, [EVAL_TEST] = &test.of_u},
                                 .retrained_split = {[EVAL_TRAIN] = &train.of_r, [EVAL_TEST] = &test.of_r},
                                 .original_split = {[EVAL_TRAIN] = &train.of_r, [EVAL_TEST] = &test.of_r},
                                 .untrained_split = {[EVAL_TRAIN] = &train.of_r, [EVAL_TEST] = &test.of_r},
                                 .probed = &probed,
                                 .forget = &forget};
    for (int k = 0; k < w->count; k++) shot[k] = shot_of(measure(METRIC_NAMES[k], &context), NAN);
    double share = w->p[FORGOTTEN] / (w->p[FORGOTTEN] + w->p[RETAINED]);
    shot[ACC_R].truth = 100 * a;
    shot[ACC_F].truth = shot[PROBE].truth = 100 * f;
    shot[COMPOSITE].truth = a * (1 - f);
    shot[TOW].truth =
        (1 - fabs(f - f_r)) * (1 - fabs(a - a_r)) * (1 - fabs(share * (f - f_r) + (1 - share) * (a - a_r)));
    shot[AUS].truth = (1 - (a_r - a)) / (1 + f);
}

#define OF(numbers) numbers, (int)(sizeof(numbers) / sizeof *(numbers))
static const World RUNS[] = {
    {"forgotten 2%, kept 93%; retrained 2%, 95%", "100 + 900", "2", "-", OF(METRICS), metrics,
     .p = {100, 900, -2.05, 1.48, -2.05, 1.64}, .quick = 60},
    {"forgotten 0.1%, kept 90%; retrained alike", "100 + 900", "2", "-", OF(METRICS), metrics,
     .p = {100, 900, -3.09, 1.28, -3.09, 1.28}, .quick = 60},
    {"forgotten 30%, kept 80%; retrained 5%, 95%", "100 + 300", "2", "-", OF(METRICS), metrics,
     .p = {100, 300, -0.52, 0.84, -1.64, 1.64}, .quick = 60},
    {"forgotten 50%, kept 98%; retrained 50%, 98%", "30 + 270", "2", "-", OF(METRICS), metrics,
     .p = {30, 270, 0, 2.05, 0, 2.05}, .quick = 60},
};

/* Relearning: the steps of a repeat are 1 + a Poisson number; p: repeats, mean of the network, of the retrained one. */
static const Number RELEARNING[] = {
    {"relearn_steps", RUN, "math_stats_mean_skewed", AT_LEAST, 0.95},
    {"anamnesis", RUN, "math_stats_mean_skewed", AT_LEAST, 0.95},
};
static int64_t poisson(BaseRandom *r, double mean)
{
    double product = base_random_uniform(r);
    int64_t k = 0;
    for (; product > exp(-mean); k++) product *= base_random_uniform(r);
    return k;
}
static void relearning(const World *w, BaseRandom *r, uint64_t trial, Shot *shot)
{
    EvalRelearned u = {.repeats = (int64_t)w->p[0], .limit = 1000}, retrained = u;
    (void)trial;
    for (int64_t i = 0; i < u.repeats; i++) {
        u.steps[i] = 1 + poisson(r, w->p[1]);
        retrained.steps[i] = 1 + poisson(r, w->p[2]);
        u.reached[i] = retrained.reached[i] = true;
    }
    const EvalContext context = {.relearned = &u, .relearned_retrained = &retrained};
    shot[0] = shot_of(measure("relearn_steps", &context), 1 + w->p[1]);
    shot[1] = shot_of(measure("anamnesis", &context), NAN);
}
static const World STEPS[] = {
    {"about 3 steps, retrained about 5", "3 repeats", "2", "-", OF(RELEARNING), relearning, .p = {3, 2, 4}},
    {"about 20 steps, retrained about 40", "3 repeats", "2", "-", OF(RELEARNING), relearning, .p = {3, 19, 39}},
    {"about 20 steps, retrained about 40", "10 repeats", "2", "-", OF(RELEARNING), relearning, .p = {10, 19, 39}},
};

/* Answers beside the retrained network's, and features: x_j = z_j / sqrt(j), and rho x + sqrt(1 - rho^2) x' with x' drawn
 * likewise, so that their CKA is rho^2. p: images, features, rho^2, and the share of equal answers. */
enum { MOST_FEATURES = 60, MOST_ROWS = 200 };
static const Number BESIDE[] = {
    {"agreement_forget", RUN, "math_stats_share", AT_LEAST, 0.95},
    {"tv_retrained", RUN, "math_stats_mean_skewed", AT_LEAST, 0.95},
    {"cka_retrained", RUN, "eval_representation", AT_LEAST, 0.95},
};
static void beside(const World *w, BaseRandom *r, uint64_t trial, Shot *shot)
{
    static const uint8_t IN[K] = {1, 0, 0, 0};
    const DataForget forget = {.classes = {.K = K, .count = 1, .in = (uint8_t *)(uintptr_t)IN}};
    float x[MOST_ROWS * MOST_FEATURES], y[MOST_ROWS * MOST_FEATURES];
    Images m;
    int64_t n = (int64_t)w->p[0], width = (int64_t)w->p[1];
    double rho = sqrt(w->p[2]);
    (void)trial;
    for (int64_t i = 0; i < n * width; i++) {
        double scale = 1 / sqrt((double)(1 + i % width)), own = scale * base_random_normal(r);
        x[i] = (float)own;
        y[i] = (float)(rho * own + sqrt(1 - rho * rho) * scale * base_random_normal(r));
    }
    for (int64_t i = 0; i < n; i++) {
        int32_t other = base_random_uniform(r) < w->p[3] ? 1 : 2;
        m.labels[i] = 0;
        answer(r, 1, 1 + fabs(base_random_normal(r)), m.u + i * K);
        answer(r, other, 1 + fabs(base_random_normal(r)), m.r + i * K);
    }
    m.of_u = (EvalPredictions){m.u, m.labels, n, K, NULL};
    m.of_r = (EvalPredictions){m.r, m.labels, n, K, NULL};
    const EvalFeatures features[2] = {{x, n, width}, {y, n, width}};
    const EvalContext context = {.split = {[EVAL_TEST] = &m.of_u},
                                 .retrained_split = {[EVAL_TEST] = &m.of_r},
                                 .features = &features[0],
                                 .retrained_features = &features[1],
                                 .forget = &forget};
    shot[0] = shot_of(measure("agreement_forget", &context), 100 * w->p[3]);
    shot[1] = shot_of(measure("tv_retrained", &context), NAN);
    shot[2] = shot_of(measure("cka_retrained", &context), w->p[2]);
}
/* With 50 images the delta method is too short by a few percent, and so are means of distances that are nearly always 0. */
static const World FEATURES[] = {
    {"CKA 0.3, 70% alike, 60 features", "50", "2", "-", OF(BESIDE), beside, .p = {50, 60, 0.3, 0.7}, .quick = 60,
     .promised = 0.91, .labelled = 1 << 2},
    {"CKA 0.9, 95% alike, 60 features", "50", "2", "-", OF(BESIDE), beside, .p = {50, 60, 0.9, 0.95}, .quick = 60,
     .promised = 0.91, .labelled = 1 << 1},
    {"CKA 0.3, 70% alike, 10 features", "200", "2", "-", OF(BESIDE), beside, .p = {200, 10, 0.3, 0.7}, .quick = 60},
    {"CKA 0.9, 95% alike, 60 features", "200", "2", "-", OF(BESIDE), beside, .p = {200, 60, 0.9, 0.95}, .quick = 60},
};

/* ------------------------------------------------------------ tables over runs */

/* p: seeds, kind of distribution, bias to the retrained run in sd of their difference. */
enum { NORMAL, UNIFORM, SKEWED, NEAR_100 };
enum { MEAN, GAP, MEAN_GAP, BOLD };
static const Number TABLES[] = {
    [MEAN] = {"mean over runs", "tables of several runs", "report_summary", CLOSE, 0.95},
    [GAP] = {"gap to retraining", "gaps", "report_gap", AT_LEAST, 0.95},
    [MEAN_GAP] = {"average gap", "results, gaps", "report_mean_gap", AT_LEAST, 0.95},
    [BOLD] = {"best method in bold (never of two alike)", "tables of several runs", "report_best", AT_LEAST, 0.95},
};

static double value_like(const World *w, BaseRandom *r)
{
    double z = base_random_normal(r);
    switch ((int)w->p[1]) {
    case UNIFORM: return 80 + 10 * base_random_uniform(r);
    case SKEWED: return exp(0.7 * z);
    case NEAR_100: return 100 - 0.1 * z * z;
    default: return 80 + z;
    }
}

static void over_runs(const World *w, BaseRandom *r, uint64_t trial, Shot *shot)
{
    enum { MOST_RUNS = 12, QUANTITIES = 2 };
    static const char *const NAMES[QUANTITIES] = {"acc_retain", "acc_forget"};
    ReportRun run[3][MOST_RUNS] = {{{0}}};
    const ReportRun *runs[3][MOST_RUNS];
    double scratch[3][2 * MOST_RUNS], p[6], sd;
    ReportQuantity q[QUANTITIES];
    const ReportQuantity *both[QUANTITIES];
    int count = (int)w->p[0];
    MathEstimate mean;
    (void)trial;
    for (int k = 0; k < QUANTITIES; k++) {
        q[k] = (ReportQuantity){.name = NAMES[k],
                                .split = "test",
                                .scale = 1,
                                .ideal = "retrained",
                                .arrow = "",
                                .least = -INFINITY,
                                .most = INFINITY};
        if ((int)w->p[1] == NEAR_100) q[k].most = 100;
        both[k] = &q[k];
    }
    for (int side = 0; side < 3; side++) /* retrained, two methods */
        for (int i = 0; i < count; i++) {
            ReportRun *one = &run[side][i];
            *one = (ReportRun){.forget = "3", .seed = i};
            assert_ok(store_run_create(&one->store));
            for (int k = 0; k < QUANTITIES; k++) {
                const StoreMetric metric = {.name = NAMES[k],
                                            .split = "test",
                                            .title = "",
                                            .unit = "",
                                            .ideal = "",
                                            .direction = "",
                                            .role = ""};
                assert_ok(store_run_add_metric(one->store, &metric,
                                               math_estimate(value_like(w, r) + (side ? w->p[2] * sqrt(2) : 0), 1000)));
            }
            runs[side][i] = one;
        }
    ReportLabel labels[3];
    for (int side = 0; side < 3; side++)
        labels[side] = (ReportLabel){.label = side == 0   ? "retrain"
                                              : side == 1 ? "svd"
                                                          : "ssd",
                                     .rank = side == 0 ? REPORT_RANK_RETRAINED : REPORT_RANK_METHOD,
                                     .runs = runs[side],
                                     .count = (size_t)count,
                                     .scratch = scratch[side]};
    const ReportExperiment e = {.labels = labels, .label_count = 3, .scratch = p};
    assert_true(report_summary(&labels[0], &q[0], &mean, &sd));
    shot[MEAN] = shot_of(mean, NAN);
    shot[GAP] = shot_of(report_gap(&e, &labels[1], &q[0], &sd), NAN);
    shot[MEAN_GAP] = shot_of(report_mean_gap(&e, &labels[1], both, QUANTITIES, &sd), NAN);
    shot[BOLD] = (Shot){0, report_best(&e, &q[0]) ? 1 : -1, 1, 0};
    for (int side = 0; side < 3; side++)
        for (int i = 0; i < count; i++) store_run_free(run[side][i].store);
}

/* Where runs do not vary normally t is too short for few of them: what docs/results/coverage says of that. */
#define OVER(what, seeds, kind, bias, covered, of)                                                                     \
    {                                                                                                                  \
        what, "-", #seeds, "-", OF(TABLES), over_runs, .p = {seeds, kind, bias}, .promised = covered, .labelled = of   \
    }
static const World SEEDS[] = {
    OVER("normal", 3, NORMAL, 0, 0, 0),
    OVER("normal", 10, NORMAL, 0, 0, 0),
    OVER("normal, far from retraining", 3, NORMAL, 3, 0, 0),
    OVER("normal, far from retraining", 10, NORMAL, 3, 0, 0),
    OVER("uniform", 3, UNIFORM, 0, 0.91, 1 << MEAN),
    OVER("uniform", 10, UNIFORM, 0, 0, 0),
    OVER("skewed (lognormal, sigma 0.7)", 3, SKEWED, 0, 0.87, 1 << MEAN | 1 << GAP | 1 << MEAN_GAP),
    OVER("skewed (lognormal, sigma 0.7)", 10, SKEWED, 0, 0.88, 1 << MEAN | 1 << GAP | 1 << MEAN_GAP),
    OVER("close to 100% (100 - chi square)", 3, NEAR_100, 0, 0.79, 1 << MEAN | 1 << GAP | 1 << MEAN_GAP),
    OVER("close to 100% (100 - chi square)", 10, NEAR_100, 0, 0.84, 1 << MEAN | 1 << GAP | 1 << MEAN_GAP),
};

static void test_metrics(void **state)
{
    (void)state;
    coverage_run("metrics", RUNS, BASE_COUNT(RUNS));
}
static void test_steps(void **state)
{
    (void)state;
    coverage_run("steps", STEPS, BASE_COUNT(STEPS));
}
static void test_features(void **state)
{
    (void)state;
    coverage_run("features", FEATURES, BASE_COUNT(FEATURES));
}
static void test_seeds(void **state)
{
    (void)state;
    coverage_run("seeds", SEEDS, BASE_COUNT(SEEDS));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_metrics),
    cmocka_unit_test(test_steps),
    cmocka_unit_test(test_features),
    cmocka_unit_test(test_seeds),
};

SUPPORT_MAIN(tests)
