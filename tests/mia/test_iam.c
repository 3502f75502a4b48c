/* Interpolation towards the original against plain loops, and worlds of which it is known what can be found. */
#include "tests/mia/pair.h"

#include "base/random.h"

enum { MOST_N = 300, MOST_S = 40 };
/* phi of point i: N(c_i, 1) under models that never saw it, c_i of spread 3; c_i + gap_i + N(0, 1) under those that were
 * trained on it, the original among them. Members: role 1, of which the share `left` of the gap is left. */
static struct {
    double shadow[MOST_S * MOST_N], original[MOST_N], target[MOST_N];
    double *z[3];
    int32_t labels[MOST_N];
    uint8_t role[MOST_N], keep[MOST_S * MOST_N];
    MiaInput input;
} w;

static void world_arrays(int64_t N, int64_t S)
{
    w.z[0] = pair_logits(w.shadow, S * N);
    w.z[1] = pair_logits(w.original, N);
    w.z[2] = pair_logits(w.target, N);
    w.input = (MiaInput){.N = N, .K = 2, .logits = w.z[2], .labels = w.labels, .role = w.role, .S = S};
    w.input.shadow_logits = w.z[0];
    w.input.original_logits = w.z[1];
    w.input.shadow_keep = w.keep;
}

static void world_free(void)
{
    for (int k = 0; k < 3; k++) base_free(w.z[k]);
}

static const MiaInput *world_make(int64_t N, int64_t S, double left, uint64_t seed)
{
    BaseRandom r = base_random_make(seed, "iam_test", 0);
    for (int64_t i = 0; i < N; i++) {
        double centre = 3 * base_random_normal(&r), gap = 3 + base_random_normal(&r);
        w.role[i] = (uint8_t)(i % 2);
        w.original[i] = centre + gap + base_random_normal(&r);
        w.target[i] = centre + (i % 2 ? left * gap : 0) + base_random_normal(&r);
        for (int64_t s = 0; s < S; s++) {
            w.keep[s * N + i] = (s + i / 2) % 2 != 0;
            w.shadow[s * N + i] = centre + (w.keep[s * N + i] ? gap : 0) + base_random_normal(&r);
        }
    }
    world_arrays(N, S);
    return &w.input;
}

enum { GUMBEL, NORMAL, EMPIRICAL };
static const char *const SETS[] = {"distribution=gumbel", "distribution=normal", "distribution=empirical"};

static double naive_cdf(int kind, const double *x, int n, double sd, double u)
{
    double mean = 0, below = 0;
    for (int k = 0; k < n; k++) mean += x[k] / n;
    for (int k = 0; k < n; k++) below += x[k] <= u;
    if (kind == EMPIRICAL) return below / n;
    if (kind == NORMAL) return 0.5 + 0.5 * erf((u - mean) / (sd * M_SQRT2));
    double beta = sd * sqrt(6) / M_PI, mode = mean - 0.5772156649015329 * beta;
    return exp(-exp(-(u - mode) / beta));
}

/* All interpolated values of each step, and their own mean; @p sd of the signals, scaled as the values are. */
static double naive_score(int kind, int64_t i, double sd, int steps)
{
    double sum = 0, all = 0, x[MOST_S];
    for (int k = 1; k <= steps; k++) {
        double a = (2 * k - 1) / (2.0 * steps);
        int n = 0;
        for (int64_t s = 0; s < w.input.S; s++)
            if (!w.keep[s * w.input.N + i]) x[n++] = (1 - a) * w.shadow[s * w.input.N + i] + a * w.original[i];
        sum += a * naive_cdf(kind, x, n, (1 - a) * sd, w.target[i]);
        all += a;
    }
    return sum / all;
}

/* Standard deviation of the signals of models that never saw a point: of point @p i alone; i < 0: about each point's
 * mean (@p within) or about the mean of all. */
static double naive_sd(int64_t i, bool within)
{
    double n = 0, means = 0, mean = 0, squares = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t p = i < 0 ? 0 : i; p < (i < 0 ? w.input.N : i + 1); p++) {
            double own = 0, count = 0;
            for (int64_t s = 0; s < w.input.S; s++)
                if (!w.keep[s * w.input.N + p]) own += w.shadow[s * w.input.N + p], count++;
            if (pass == 0) n += count, mean += own, means++;
            for (int64_t s = 0; pass == 1 && s < w.input.S; s++)
                if (!w.keep[s * w.input.N + p])
                    squares += pow(w.shadow[s * w.input.N + p] - (within ? own / count : mean / n), 2);
        }
    return sqrt(squares / (n - (within ? means : 1)));
}

/* The numerator's phi are below 20, each off by 2^-53 of itself after three operations: 1e-14, divided by (1 - a) sd. Its
 * mean over the grid with weights a is below 2 ln(2 steps) = 11 times that, and no F is steeper than 0.5: 1e-13. */
static void as_naive(void **state)
{
    (void)state;
    static const char *const SPREADS[] = {"spread=per_example", "spread=pooled_within", "spread=over_points"};
    const MiaInput *in = world_make(60, 9, 0.5, 1);
    for (int kind = GUMBEL; kind <= EMPIRICAL; kind++)
        for (int spread = 0; spread < 3; spread++) {
            MiaResult r =
                pair_attack("iam", in, SET(SETS[kind], SPREADS[spread], spread == 1 ? "steps=7" : "steps=100"));
            double mean = 0;
            for (int64_t i = 0; i < in->N; i++) {
                double sd = naive_sd(spread == 0 ? i : -1, spread != 2);
                double want = naive_score(kind, i, sd, spread == 1 ? 7 : 100);
                assert_near(r.score[i], want, 1e-12, 0);
                mean += in->role[i] ? (1 - want) / 30 : 0;
            }
            assert_near(pair_number(&r, "completeness_mean").value, mean, 1e-12, 0);
            mia_result_free(&r);
        }
    world_free();
}

/* The choice of auto: 32 models that never saw a point have a spread of their own; two share one. */
static void automatic_spread(void **state)
{
    (void)state;
    const MiaInput *in = world_make(20, 4, 0, 2);
    MiaResult few = pair_attack("iam", in, NULL);
    for (int64_t i = 0; i < 20; i++)
        assert_near(few.score[i], naive_score(GUMBEL, i, naive_sd(-1, true), 100), 1e-12, 0);
    mia_result_free(&few);
    world_free();
    in = world_make(20, 33, 0, 2);
    memset(w.keep, 0, 33 * 20);
    MiaResult many = pair_attack("iam", in, NULL);
    for (int64_t i = 0; i < 20; i++)
        assert_near(many.score[i], naive_score(GUMBEL, i, naive_sd(i, true), 100), 1e-12, 0);
    mia_result_free(&many);
    world_free();
}

/* One shadow model that never saw a point: with its position t between that model and the original the empirical score
 * is the sum of the a up to t over that of all: t^2, to one step's weight, 2 / steps. The others share a spread. */
static void one_shadow_is_enough(void **state)
{
    (void)state;
    const MiaInput *in = world_make(100, 2, 0, 3);
    for (int64_t i = 0; i < 100; i++) {
        double s = w.shadow[(w.keep[i] ? 1 : 0) * 100 + i];
        w.original[i] = s + 4;
        w.target[i] = s + 4 * ((double)i / 99);
    }
    world_free();
    world_arrays(100, 2);
    MiaResult r = pair_attack("iam", in, SET(SETS[EMPIRICAL]));
    for (int64_t i = 0; i < 100; i++) assert_near(r.score[i], pow((double)i / 99, 2), 0.02, 0);
    mia_result_free(&r);
    r = pair_attack("iam", in, NULL);
    for (int64_t i = 0; i < 100; i++)
        assert_near(r.score[i], naive_score(GUMBEL, i, naive_sd(-1, false), 100), 1e-12, 0);
    mia_result_free(&r);
    world_free();
}

/* Truly forgotten members are as non-members in law, though the original knew both: Wilcoxon's standard error, 2.58 of
 * it over all worlds. */
static void nothing_to_find(void **state)
{
    (void)state;
    enum { WORLDS = 40 };
    for (int kind = GUMBEL; kind <= EMPIRICAL; kind++) {
        double mean = 0, P = 100, N = 100, error = sqrt((P + N + 1) / (12 * P * N) / WORLDS);
        for (uint64_t seed = 0; seed < WORLDS; seed++) {
            MiaResult r = pair_attack("iam", world_make(200, 8, 0, 500 + seed), SET(SETS[kind]));
            mean += r.auc.value / WORLDS;
            mia_result_free(&r);
            world_free();
        }
        print_message("%s: AUC %.4f, standard error %.4f\n", SETS[kind], mean, error);
        assert_near(mean, 0.5, 2.58 * error, 0);
    }
}

/* Half of the gap left: hidden from the loss by the spread between points. What an audit makes unasked finds as much, which
 * is why iam is not among it. */
static void more_than_the_loss(void **state)
{
    (void)state;
    const double LEFT[] = {0.2, 0.5};
    for (int k = 0; k < 2; k++) {
        const MiaInput *in = world_make(300, 16, LEFT[k], 7);
        MiaResult loss = pair_attack("loss", in, NULL), lira = pair_attack("lira_offline", in, NULL);
        for (int kind = GUMBEL; kind <= EMPIRICAL; kind++) {
            MiaResult r = pair_attack("iam", in, SET(SETS[kind]));
            MathAuc auc = pair_auc(in, &r);
            print_message("left %g, %s: AUC %.3f [%.3f, %.3f]; loss %.3f [%.3f, %.3f], lira_offline %.3f\n", LEFT[k],
                          SETS[kind], auc.value, auc.lo, auc.hi, loss.auc.value, loss.auc.lo, loss.auc.hi,
                          lira.auc.value);
            if (k == 1) assert_true(auc.lo > loss.auc.hi);
            assert_true(r.auc.value < lira.auc.value + 0.01);
            mia_result_free(&r);
        }
        mia_result_free(&loss);
        mia_result_free(&lira);
        world_free();
    }
}

/* The original itself is as far from the others as it is; points in another order get the same scores but for the order of the sums that the
 * shared spread is made of: N 2^-53 of it. */
static void ends_and_order(void **state)
{
    (void)state;
    enum { N = 80, S = 6 };
    const MiaInput *in = world_make(N, S, 0.5, 8);
    MiaInput turned = *in;
    MiaResult a = pair_attack("iam", in, NULL), b;
    turned.logits = in->original_logits;
    b = pair_attack("iam", &turned, NULL);
    for (int64_t i = 0; i < N; i++) { /* the same number of standard deviations from the mean at every step */
        double x[S], sd = naive_sd(-1, true);
        int n = 0;
        for (int64_t s = 0; s < S; s++)
            if (!w.keep[s * N + i]) x[n++] = w.shadow[s * N + i];
        assert_near(b.score[i], naive_cdf(GUMBEL, x, n, sd, w.original[i]), 1e-12, 0);
    }
    assert_true(pair_number(&b, "completeness_mean").value < 0.1);
    assert_true(pair_number(&a, "completeness_mean").value > 0.2);
    mia_result_free(&b);
    world_free();
    static double shadow[S * N], original[N], target[N];
    static uint8_t role[N], keep[S * N];
    for (int i = 0; i < N; i++) {
        int to = N - 1 - i;
        original[to] = w.original[i], target[to] = w.target[i], role[to] = w.role[i];
        for (int s = 0; s < S; s++) shadow[s * N + to] = w.shadow[s * N + i], keep[s * N + to] = w.keep[s * N + i];
    }
    memcpy(w.shadow, shadow, sizeof shadow);
    memcpy(w.original, original, sizeof original);
    memcpy(w.target, target, sizeof target);
    memcpy(w.role, role, sizeof role);
    memcpy(w.keep, keep, sizeof keep);
    world_arrays(N, S);
    b = pair_attack("iam", &w.input, NULL);
    for (int i = 0; i < N; i++) assert_near(b.score[i], a.score[N - 1 - i], 1e-12, 0);
    mia_result_free(&a);
    mia_result_free(&b);
    world_free();
}

static void what_is_refused(void **state)
{
    (void)state;
    MiaResult r;
    MiaInput in = *world_make(30, 2, 0, 9), bad = in;
    bad.original_logits = NULL;
    assert_fails(pair_try("iam", &bad, NULL, &r), BASE_EARG, "needs the original's logits: /original/logits [N, K]");
    assert_fails(pair_try("iam", &in, SET("spread=per_example"), &r), BASE_EARG, "and some point has 1");
    assert_fails(pair_try("iam", &in, SET("spread=pooled_within"), &r), BASE_EARG, "and there is none");
    w.z[1][5] = NAN;
    assert_fails(pair_try("loss", &in, NULL, &r), BASE_EARG, "original logits: row 2, class 1 is nan");
    w.z[1][5] = 0;
    bad = in;
    bad.logits = in.shadow_logits + 2 * 30;
    assert_fails(pair_try("iam", &bad, NULL, &r), BASE_EARG, "those of shadow model 1");
    w.keep[4] = w.keep[30 + 4] = 1;
    assert_fails(pair_try("iam", &in, NULL, &r), BASE_EARG, "point 4 was trained on by all 2 shadow models");
    world_free();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(as_naive),        cmocka_unit_test(automatic_spread),   cmocka_unit_test(one_shadow_is_enough),
    cmocka_unit_test(nothing_to_find), cmocka_unit_test(more_than_the_loss), cmocka_unit_test(ends_and_order),
    cmocka_unit_test(what_is_refused),
};

SUPPORT_MAIN(tests)
