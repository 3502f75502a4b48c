/* The metrics that set a network beside another one, each against a closed form or a plain loop in long double. */
#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "eval/eval.h"

enum { N = 90, K = 4 };

/* Class 2 forgotten; `test` and `train` are the same images. */
typedef struct {
    float u[N * K], r[N * K], o[N * K];
    int32_t labels[N];
    uint8_t in[K];
    DataForget forget;
    EvalPredictions of_u, of_r, of_o;
    EvalContext context;
} Case;

static void case_make(Case *c)
{
    BaseRandom random = base_random_make(5, "compare_test", 0);
    memset(c, 0, sizeof *c);
    for (int i = 0; i < N; i++) c->labels[i] = i % K;
    for (int i = 0; i < N * K; i++) {
        c->u[i] = (float)(2 * base_random_normal(&random));
        c->r[i] = (float)(2 * base_random_normal(&random));
        c->o[i] = (float)(2 * base_random_normal(&random));
    }
    c->in[2] = 1;
    c->forget = (DataForget){.classes = {.K = K, .count = 1, .in = c->in}};
    c->of_u = (EvalPredictions){c->u, c->labels, N, K, NULL};
    c->of_r = (EvalPredictions){c->r, c->labels, N, K, NULL};
    c->of_o = (EvalPredictions){c->o, c->labels, N, K, NULL};
    c->context = (EvalContext){.forget = &c->forget};
    for (int s = 0; s < EVAL_SPLITS; s++) {
        c->context.split[s] = &c->of_u;
        c->context.retrained_split[s] = &c->of_r;
        c->context.original_split[s] = c->context.untrained_split[s] = &c->of_o;
    }
}

static MathEstimate measure(const char *name, const EvalContext *context)
{
    const BaseEntry *entry;
    MathEstimate out;
    assert_ok(base_registry_find(&eval_registry, name, &entry));
    assert_ok(((const EvalMetric *)entry)->compute(context, EVAL_TEST, &out));
    return out;
}

static void probabilities(const float *z, long double p[K])
{
    long double sum = 0;
    for (int k = 0; k < K; k++) sum += expl(z[k]);
    for (int k = 0; k < K; k++) p[k] = expl(z[k]) / sum;
}

typedef long double (*Figure)(const long double p[K], const long double q[K]);
static long double naive_distance(const long double p[K], const long double q[K])
{
    long double sum = 0;
    for (int k = 0; k < K; k++) sum += (p[k] - q[k]) * (p[k] - q[k]);
    return sqrtl(sum);
}
static long double naive_js(const long double p[K], const long double q[K])
{
    long double sum = 0;
    for (int k = 0; k < K; k++) {
        long double m = (p[k] + q[k]) / 2;
        sum += p[k] * logl(p[k] / m) / 2 + q[k] * logl(q[k] / m) / 2;
    }
    return sum;
}
static long double naive_tv(const long double p[K], const long double q[K])
{
    long double sum = 0;
    for (int k = 0; k < K; k++) sum += fabsl(p[k] - q[k]);
    return sum / 2;
}
static long double naive_zrf(const long double p[K], const long double q[K]) { return 1 - naive_js(p, q); }
static long double naive_repository(const long double p[K], const long double q[K])
{
    long double sum = 0; /* F.kl_div(log p, m) = mean of m (log m - log p) over images and classes */
    for (int k = 0; k < K; k++) {
        long double m = (p[k] + q[k]) / 2;
        sum += m * (logl(m) - logl(p[k])) / 2 + m * (logl(m) - logl(q[k])) / 2;
    }
    return 1 - sum / K;
}

/* Both sides are sums of some K terms of size 1 in double or better: 1e-13 is far above their rounding. */
static void means_over_forgotten_images(void **state)
{
    (void)state;
    static Case c;
    case_make(&c);
    const struct {
        const char *name;
        const float *other;
        Figure figure;
    } ROWS[] = {{"activation_distance", c.r, naive_distance},
                {"js_retrained", c.r, naive_js},
                {"tv_retrained", c.r, naive_tv},
                {"zrf", c.o, naive_zrf},
                {"zrf_repository", c.o, naive_repository}};
    for (size_t m = 0; m < sizeof ROWS / sizeof *ROWS; m++) {
        double x[N];
        int n = 0;
        for (int i = 2; i < N; i += K) {
            long double p[K], q[K];
            probabilities(c.u + i * K, p);
            probabilities(ROWS[m].other + i * K, q);
            x[n++] = (double)ROWS[m].figure(p, q);
        }
        MathEstimate want = math_stats_mean_skewed(x, n, 0.95), got = measure(ROWS[m].name, &c.context);
        assert_near(got.value, want.value, 1e-13, 1e-13);
        assert_near(got.lo, want.lo, 1e-12, 1e-12);
        assert_near(got.hi, want.hi, 1e-12, 1e-12);
        assert_int_equal(got.n, n);
    }
}

static void ends_of_the_scales(void **state)
{
    (void)state;
    static Case c;
    case_make(&c);
    memcpy(c.r, c.u, sizeof c.r); /* the same network: no distance at all */
    memcpy(c.o, c.u, sizeof c.o);
    assert_near(measure("activation_distance", &c.context).value, 0, 0, 0);
    assert_near(measure("js_retrained", &c.context).value, 0, 0, 0);
    assert_near(measure("tv_retrained", &c.context).value, 0, 0, 0);
    assert_near(measure("zrf", &c.context).value, 1, 0, 0);
    assert_near(measure("zrf_repository", &c.context).value, 1, 0, 0);
    assert_near(measure("tow", &c.context).value, 1, 0, 0);
    for (int i = 0; i < N; i++) /* sure of different classes, far beyond what exp holds */
        for (int k = 0; k < K; k++) {
            c.u[i * K + k] = k == 0 ? 2000.0f : 0.0f;
            c.r[i * K + k] = c.o[i * K + k] = k == 1 ? 2000.0f : 0.0f;
        }
    assert_near(measure("activation_distance", &c.context).value, sqrt(2), 0, 1e-14);
    assert_near(measure("js_retrained", &c.context).value, log(2), 0, 1e-14);
    assert_near(measure("tv_retrained", &c.context).value, 1, 0, 0);
    assert_near(measure("zrf", &c.context).value, 1 - log(2), 0, 1e-14);
    /* each of two classes gives m = 1/2: (log 1/2 - (0 - 2000) / 2) / 2; the other two m = 0 */
    assert_near(measure("zrf_repository", &c.context).value, 1 - (1000 - log(2)) / K, 0, 1e-12);
}

/* Sets image i's answer: right or not. */
static void answer(float *z, int i, int32_t label, bool right)
{
    for (int k = 0; k < K; k++) z[i * K + k] = k == (label + !right) % K ? 1.0f : 0.0f;
}

/* The same answers count, right or wrong; 22 images are of class 2. */
static void agreement(void **state)
{
    (void)state;
    static Case c;
    case_make(&c);
    for (int i = 0; i < N; i++) {
        answer(c.u, i, i % K, i % 3 == 0);
        answer(c.r, i, i % K, i % 3 == 0);
        if (i % 5 == 0) answer(c.r, i, (i + 2) % K, true); /* neither of u's answers */
    }
    int same = 0, forgotten = 0, n = 0;
    for (int i = 0; i < N; i++) {
        same += i % 5 != 0;
        forgotten += i % K == 2 && i % 5 != 0;
        n += i % K == 2;
    }
    MathEstimate all = measure("agreement", &c.context), f = measure("agreement_forget", &c.context),
                 kept = measure("agreement_retain", &c.context), want = math_stats_share(forgotten, n, 0.95);
    assert_near(all.value, 100.0 * same / N, 0, 1e-14);
    assert_near(kept.value, 100.0 * (same - forgotten) / (N - n), 0, 1e-14);
    assert_near(f.value, 100 * want.value, 0, 1e-14);
    assert_near(f.lo, 100 * want.lo, 0, 1e-14);
    assert_near(f.hi, 100 * want.hi, 0, 1e-14);
    assert_int_equal(f.n, n);
    c.context.retrained_split[EVAL_TEST] = NULL; /* no retrained network: not measurable */
    assert_near(measure("agreement_forget", &c.context).value, NAN, 0, 0);
    assert_near(measure("tv_retrained", &c.context).value, NAN, 0, 0);
}

/* Image j of each class: u right for j < a, r right for j < b. */
static void tug_of_war(void **state)
{
    (void)state;
    static Case c;
    case_make(&c);
    EvalPredictions forty[2] = {{c.u, c.labels, 80, K, NULL}, {c.r, c.labels, 80, K, NULL}}; /* 20 per class */
    for (int i = 0; i < 80; i++) {
        bool forgotten = i % K == 2;
        answer(c.u, i, i % K, i / K < (forgotten ? 3 : 17));
        answer(c.r, i, i % K, i / K < (forgotten ? 0 : 19));
    }
    for (int s = 0; s < EVAL_SPLITS; s++) c.context.split[s] = &forty[0], c.context.retrained_split[s] = &forty[1];
    double f = 1 - 3.0 / 20, r = 1 - 2.0 / 20, t = 1 - fabs((3 * 17 + 3 - 3 * 19) / 80.0);
    MathEstimate got = measure("tow", &c.context);
    assert_near(got.value, f * r * t, 0, 1e-14);
    assert_int_equal(got.n, 20 + 60 + 80);
    /* the discordant images: 3 gained of 20; 6 lost of 60; 3 gained and 6 lost of 80, each cell with its half image */
    const double b[] = {3.5, 0.5, 3.5}, lost[] = {0.5, 6.5, 6.5}, n[] = {22, 62, 82}, factor[] = {f, r, t};
    double relative = 0, folded = 0; /* all three differences are within 3 errors of 0 */
    for (int i = 0; i < 3; i++) {
        double d = (b[i] - lost[i]) / n[i], variance = ((b[i] + lost[i]) / n[i] - d * d) / n[i];
        relative += variance / (factor[i] * factor[i]);
        folded += sqrt(variance) / factor[i];
        assert_true(1 - factor[i] < 3 * sqrt(variance));
    }
    assert_near(got.lo, f * r * t * (1 - 1.959963984540054 * sqrt(relative)), 1e-10, 0);
    double above = 0.7978845608028654 * folded + (1.959963984540054 - 0.7978845608028654) * sqrt(relative);
    assert_near(got.hi, fmin(1, f * r * t * exp(above)), 1e-10, 0);
    for (int i = 2; i < 80; i += K) answer(c.u, i, 2, true); /* everything kept that had to go */
    got = measure("tow", &c.context);
    assert_near(got.value, 0, 0, 0);
    assert_near(got.hi, 1 - pow(0.025, 1 / 20.0), 1e-12, 0); /* what 20 of 20 do not exclude */
    c.context.split[EVAL_TRAIN] = NULL;
    assert_near(measure("tow", &c.context).value, NAN, 0, 0);
}

static void adaptive_unlearning_score(void **state)
{
    (void)state;
    static Case c;
    case_make(&c);
    EvalPredictions eighty[2] = {{c.u, c.labels, 80, K, NULL}, {c.o, c.labels, 80, K, NULL}};
    for (int i = 0; i < 80; i++) {
        answer(c.u, i, i % K, i / K < (i % K == 2 ? 5 : 16));
        answer(c.o, i, i % K, i / K < 19);
    }
    c.context.split[EVAL_TEST] = &eighty[0];
    c.context.original_split[EVAL_TEST] = &eighty[1];
    MathEstimate got = measure("aus", &c.context);
    assert_near(got.value, (1 - (19.0 / 20 - 16.0 / 20)) / (1 + 5.0 / 20), 0, 1e-14);
    assert_int_equal(got.n, 80);
    assert_true(got.lo < got.value && got.value < got.hi);
    for (int i = 0; i < 80; i++) { /* nothing forgotten, nothing lost: one half */
        answer(c.u, i, i % K, true);
        answer(c.o, i, i % K, true);
    }
    assert_near(measure("aus", &c.context).value, 0.5, 0, 1e-15);
    for (int i = 2; i < 80; i += K) answer(c.u, i, 2, false); /* the ideal; above 1 where the rest got better */
    assert_near(measure("aus", &c.context).value, 1, 0, 1e-15);
    for (int i = 0; i < 40; i += K) answer(c.o, i, 0, false);
    assert_near(measure("aus", &c.context).value, 1 + 10.0 / 60, 0, 1e-14);
}

/* 95% intervals of a paired difference in ToW's middle factor hold the truth about that often. The draws are fixed. */
static void intervals_cover(void **state)
{
    (void)state;
    enum { ROUNDS = 300 };
    static Case c;
    int inside = 0;
    case_make(&c);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        BaseRandom random = base_random_make(6, "compare_cover", round);
        for (int i = 0; i < N; i++) {
            double x = base_random_uniform(&random); /* both right 0.7, u alone 0.05, o alone 0.15, neither 0.1 */
            bool forgotten = i % K == 2;
            answer(c.u, i, i % K, forgotten ? base_random_uniform(&random) < 0.1 : x < 0.75);
            answer(c.o, i, i % K, x < 0.7 || x >= 0.85);
        }
        MathEstimate got = measure("aus", &c.context);
        double truth = (1 - 0.10) / 1.1;
        inside += got.lo <= truth && truth <= got.hi;
    }
    assert_in_range(inside, 279, ROUNDS); /* at least 93% */
}

static void relearning_and_cost(void **state)
{
    (void)state;
    EvalRelearned u = {.repeats = 3, .limit = 50, .steps = {4, 6, 5}, .reached = {true, true, true}}, r = u;
    r.steps[0] = 8, r.steps[1] = 12, r.steps[2] = 20;
    EvalProbed probed = {30, 40, 10};
    EvalContext context = {.relearned = &u, .relearned_retrained = &r, .probed = &probed};
    assert_near(measure("relearn_steps", &context).value, 5, 0, 0);
    assert_int_equal(measure("relearn_steps", &context).n, 3);
    assert_near(measure("anamnesis", &context).value, (0.5 + 0.5 + 0.25) / 3, 0, 1e-15);
    assert_near(measure("probe_forget", &context).value, 75, 0, 1e-14);
    assert_near(measure("probe_forget", &context).lo, 100 * math_stats_share(30, 40, 0.95).lo, 0, 1e-14);
    assert_near(measure("knn_forget", &context).value, 25, 0, 1e-14);
    assert_near(measure("knn_forget", &context).hi, 100 * math_stats_share(10, 40, 0.95).hi, 0, 1e-14);
    assert_near(measure("recovered_forget", &context).value, NAN, 0, 0);
    u.retain_repeats = 3, u.judged = 40; /* 10, 14 and 12 of 40: standard error 2 / sqrt(3) images, t with 2 df */
    u.recovered[0] = 10, u.recovered[1] = 14, u.recovered[2] = 12;
    MathEstimate back = measure("recovered_forget", &context), images = math_stats_share(12, 40, 0.95);
    double orders = math_stats_t_quantile(0.975, 2) * 2 / sqrt(3) / 40;
    assert_near(back.value, 30, 1e-12, 0);
    assert_near(back.hi, 30 + 100 * hypot(images.hi - 0.3, orders), 1e-10, 0);
    assert_near(back.lo, 30 - 100 * hypot(0.3 - images.lo, orders), 1e-10, 0);
    u.retain_repeats = 1;
    assert_near(measure("recovered_forget", &context).lo, 100 * math_stats_share(10, 40, 0.95).lo, 1e-10, 0);
    u.recovered[0] = 0;
    assert_near(measure("recovered_forget", &context).lo, 0, 0, 0);
    u.recovered[0] = 40;
    assert_near(measure("recovered_forget", &context).hi, 100, 0, 0);
    r.reached[1] = false; /* only a bound: no ratio */
    assert_near(measure("anamnesis", &context).value, NAN, 0, 0);
    r.reached[1] = true;
    u.steps[0] = u.steps[1] = u.steps[2] = 0; /* nothing was gone */
    assert_near(measure("anamnesis", &context).value, 0, 0, 0);
    r.steps[2] = 0;
    assert_near(measure("anamnesis", &context).value, NAN, 0, 0);
    NnGraph *g;
    NnNet *net;
    assert_ok(nn_graph_create(6, 1, 1, &g));
    NnNode logits = nn_linear(g, nn_input(g), "fc", K, true);
    assert_ok(nn_net_create_take(g, logits, &net));
    context = (EvalContext){.net = net, .wall_seconds = 1, .passes = 3e9, .train_images = 1000000000};
    assert_near(measure("flops", &context).value, 3.0 * (double)nn_net_flops(net), 0, 1e-14);
    assert_near(measure("epochs", &context).value, 1, 0, 1e-15); /* three forward passes: one with a backward one */
    context.gradients = true;
    assert_near(measure("flops", &context).value, 9.0 * (double)nn_net_flops(net), 0, 1e-14);
    assert_near(measure("epochs", &context).value, 3, 0, 1e-15);
    nn_net_free(net);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(means_over_forgotten_images),
    cmocka_unit_test(ends_of_the_scales),
    cmocka_unit_test(agreement),
    cmocka_unit_test(tug_of_war),
    cmocka_unit_test(adaptive_unlearning_score),
    cmocka_unit_test(intervals_cover),
    cmocka_unit_test(relearning_and_cost),
};

SUPPORT_MAIN(tests)
