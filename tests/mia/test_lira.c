#include "tests/mia/pair.h"

#include <stdio.h>

#include "base/random.h"
#include "mia/density/density.h"
#include "mia/models/models.h"

static void as_in_the_fixture(void **state)
{
    (void)state;
    static const char *const VARIANCES[] = {"per_example", "pooled_within", "published"};
    IoHdf5 *file = NULL;
    int64_t all = 0, N = 0;
    assert_ok(io_hdf5_open(support_fixture("attacks.h5"), &file));
    double *target = pair_read(file, "lira/target_phi", false, &N), *shadow = pair_read(file, "lira/phi", false, &all);
    int32_t *keep = support_read_i32(file, "lira/keep", NULL),
            *member = support_read_i32(file, "lira/target_member", NULL);
    int32_t labels[1024] = {0};
    uint8_t role[1024], in[1 << 14];
    assert_true(N <= 1024 && all <= 1 << 14);
    for (int64_t i = 0; i < N; i++) role[i] = (uint8_t)member[i];
    for (int64_t i = 0; i < all; i++) in[i] = (uint8_t)keep[i];
    const MiaInput input = {.N = N,
                            .K = 2,
                            .logits = target,
                            .labels = labels,
                            .role = role,
                            .S = all / N,
                            .shadow_logits = shadow,
                            .shadow_keep = in};
    for (size_t v = 0; v < BASE_COUNT(VARIANCES); v++) {
        static const char *const KINDS[] = {"online", "offline_one_sided", "offline_two_sided"};
        for (int kind = 0; kind < 3; kind++) {
            char path[96], variance[64];
            snprintf(path, sizeof path, "lira/%s_%s", KINDS[kind], VARIANCES[v]);
            snprintf(variance, sizeof variance, "variance=%s", VARIANCES[v]);
            double *want = support_read_f64(file, path, NULL);
            MiaResult r = kind == 0   ? pair_attack("lira_online", &input, SET(variance))
                          : kind == 1 ? pair_attack("lira_offline", &input, SET(variance))
                                      : pair_attack("lira_offline", &input, SET(variance, "sided=two"));
            /* a difference of two logarithms of order 100: 1e-12 of rounding is left where they cancel */
            for (int64_t i = 0; i < N; i++) assert_near(r.score[i], want[i], 1e-12, 1e-9);
            assert_non_null(strstr(r.notes, VARIANCES[v]));
            assert_non_null(strstr(r.notes, kind == 0 ? "online" : kind == 1 ? "one-sided" : "two-sided"));
            mia_result_free(&r);
            base_free(want);
        }
    }
    base_free(target);
    base_free(shadow);
    base_free(keep);
    base_free(member);
    io_hdf5_close(file);
}

enum { MOST = 4000 };
/* phi of point i is N(centre_i, 1) under models without it, N(centre_i + shift, 1) under models with it. */
typedef struct {
    double target[MOST], *shadow, *z[2];
    int32_t labels[MOST];
    uint8_t role[MOST], *keep;
    MiaInput input;
} World;
static World world;

static const MiaInput *world_make(int64_t N, int64_t S, double shift, uint64_t seed)
{
    BaseRandom r = base_random_make(seed, "lira_test", 0);
    assert_true(N <= MOST);
    assert_ok(BASE_ALLOC(S * N, &world.shadow));
    assert_ok(BASE_ALLOC(S * N, &world.keep));
    for (int64_t i = 0; i < N; i++) {
        double centre = 5 * base_random_normal(&r);
        world.role[i] = (uint8_t)(i % 2);
        world.target[i] = centre + (i % 2 ? shift : 0) + base_random_normal(&r);
        for (int64_t s = 0; s < S; s++) {
            bool in = (s + i / 2) % 2;
            world.keep[s * N + i] = in;
            world.shadow[s * N + i] = centre + (in ? shift : 0) + base_random_normal(&r);
        }
    }
    world.z[0] = pair_logits(world.target, N);
    world.z[1] = pair_logits(world.shadow, S * N);
    world.input = (MiaInput){.N = N,
                             .K = 2,
                             .logits = world.z[0],
                             .labels = world.labels,
                             .role = world.role,
                             .S = S,
                             .shadow_logits = world.z[1],
                             .shadow_keep = world.keep};
    return &world.input;
}

static void world_free(void)
{
    base_free(world.shadow);
    base_free(world.keep);
    base_free(world.z[0]);
    base_free(world.z[1]);
}

/* With the true parameters the log ratio is shift (t - centre - shift / 2), so AUC = Phi(shift / sqrt 2), online and
 * offline. 64 models per side and pooled spreads leave each median with variance pi / 2 / 64 = 0.025: the score's noise
 * grows from 1 to at most 1 + 0.025 (offline; online its half), and AUC falls by at most phi(1) 1.41 / sqrt 2 * 0.0125
 * = 0.0030 for shift 1.5; estimating the slope online costs as little again. 0.01 and 4 standard errors bound it. */
static void reaches_the_bayes_auc(void **state)
{
    (void)state;
    const double SHIFT = 1.5, bayes = 0.5 * erfc(-SHIFT / 2);
    const MiaInput *input = world_make(MOST, 128, SHIFT, 1);
    MiaResult r[] = {pair_attack("lira_online", input, SET("variance=pooled_within")),
                     pair_attack("lira_offline", input, SET("variance=pooled_within")),
                     pair_attack("lira_online", input, SET("variance=auto")), pair_attack("lira_online", input, NULL)};
    for (int k = 0; k < 4; k++) {
        print_message("AUC %.4f (Bayes %.4f, se %.4f)\n", r[k].auc.value, bayes, r[k].auc.se);
        assert_near(r[k].auc.value, bayes, 0.01 + 4 * r[k].auc.se, 0);
    }
    for (int i = 0; i < MOST; i++) assert_near(r[2].score[i], r[3].score[i], 0, 0); /* auto: 64 per side: per example */
    for (int k = 0; k < 4; k++) mia_result_free(&r[k]);
    MiaResult global = pair_attack("loss", input, NULL); /* knows nothing of the centres, which spread by 5 */
    assert_true(global.auc.value < bayes - 0.2);
    mia_result_free(&global);
    world_free();
}

/* Below 32 models per side, auto pools. */
static void auto_pools_few_models(void **state)
{
    (void)state;
    const MiaInput *input = world_make(60, 62, 1, 2);
    MiaResult few = pair_attack("lira_online", input, SET("variance=auto"));
    MiaResult pooled = pair_attack("lira_online", input, SET("variance=pooled_within"));
    assert_memory_equal(few.score, pooled.score, 60 * sizeof(double));
    mia_result_free(&few);
    mia_result_free(&pooled);
    world_free();
}

static void too_few_models(void **state)
{
    (void)state;
    MiaResult r;
    MiaInput in = *world_make(10, 2, 1, 3);
    assert_fails(pair_try("lira_online", &in, NULL, &r), BASE_EARG,
                 "1 of 2 shadow models was not trained on it (point 0); variance per_example needs at least 2");
    assert_fails(pair_try("lira_online", &in, SET("variance=pooled_within"), &r), BASE_EARG, "a spread within points");
    r = pair_attack("lira_online", &in, SET("variance=published"));
    mia_result_free(&r);
    in.S = 1;
    for (int i = 0; i < 10; i++) world.keep[i] = 0;
    assert_fails(pair_try("lira_online", &in, SET("variance=published"), &r), BASE_EARG,
                 "0 of 1 shadow models was trained on it (point 0)");
    assert_fails(pair_try("lira_offline", &in, SET("variance=published"), &r), BASE_EARG,
                 "no shadow model was trained on any");
    assert_fails(pair_try("lira_offline", &in, NULL, &r), BASE_EARG, "needs at least 2");
    for (int i = 0; i < 10; i++) world.keep[i] = 1;
    assert_fails(pair_try("lira_offline", &in, SET("variance=auto"), &r), BASE_EARG, "0 of 1 shadow models");
    in.logits = in.shadow_logits;
    assert_fails(pair_try("lira_online", &in, NULL, &r), BASE_EARG, "the target's logits are those of shadow model 0");
    world_free();
}

/* No spread at all: scores as large as numbers go, but numbers, and the right way round. */
static void no_spread(void **state)
{
    (void)state;
    enum { N = 8, S = 4 };
    double shadow[S * N], target[N];
    const double FAR[] = {1, 1e6, 1e150, 1e300};
    int32_t labels[N] = {0};
    uint8_t role[N], keep[S * N];
    for (int i = 0; i < N; i++) {
        role[i] = (uint8_t)(i % 2);
        for (int s = 0; s < S; s++) {
            keep[s * N + i] = (uint8_t)(s % 2);
            shadow[s * N + i] = s % 2 ? 2 : 0;
        }
    }
    for (size_t f = 0; f < BASE_COUNT(FAR); f++) {
        for (int i = 0; i < N; i++) target[i] = i % 2 ? 2 * FAR[f] : -FAR[f];
        double *z = pair_logits(target, N), *zs = pair_logits(shadow, S * N);
        const MiaInput in = {.N = N,
                             .K = 2,
                             .logits = z,
                             .labels = labels,
                             .role = role,
                             .S = S,
                             .shadow_logits = zs,
                             .shadow_keep = keep};
        MiaResult online = pair_attack("lira_online", &in, NULL), offline = pair_attack("lira_offline", &in, NULL);
        MiaResult two = pair_attack("lira_offline", &in, SET("sided=two"));
        assert_near(offline.auc.value, 1, 0, 0);
        if (f == 0) assert_near(online.auc.value, 1, 0, 0);
        assert_non_null(strstr(online.notes, "for 8 points all models of a side agree"));
        mia_result_free(&online);
        mia_result_free(&offline);
        mia_result_free(&two);
        base_free(z);
        base_free(zs);
    }
}

/* Medians and deviations by sorting. */
static void moments(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 300; round++) {
        BaseRandom r = base_random_make(round, "moments_test", 0);
        double x[40], sorted[40], sum = 0, squares = 0;
        int64_t n = 1 + (int64_t)base_random_below(&r, 40);
        for (int64_t i = 0; i < n; i++) x[i] = floor(8 * base_random_normal(&r)); /* with ties */
        for (int64_t i = 0; i < n; i++) {
            int64_t at = i;
            for (; at > 0 && sorted[at - 1] > x[i]; at--) sorted[at] = sorted[at - 1];
            sorted[at] = x[i];
            sum += x[i];
        }
        for (int64_t i = 0; i < n; i++) squares += pow(x[i] - sum / (double)n, 2);
        MiaMoments m = mia_models_moments(x, n);
        assert_int_equal(m.count, n);
        assert_near(m.median, (sorted[n / 2] + sorted[(n - 1) / 2]) / 2, 0, 0); /* whole numbers: exact */
        assert_near(m.mean, sum / (double)n, 1e-14, 1e-14);
        assert_near(m.sd, sqrt(squares / (double)n), 1e-14, 1e-13);
    }
    MiaMoments none = mia_models_moments(NULL, 0);
    assert_near(none.sd, NAN, 0, 0);
}

static double student(double x, double df)
{
    return mia_density_student(x, 0.5, 2, df, mia_density_student_peak(2, df));
}

/* log Phi by its definition where erfc holds, by long double beyond; log t against its known forms for df 1 and 2. */
static void densities(void **state)
{
    (void)state;
    for (double z = -37; z < 37; z += 0.37) {
        long double tail = erfcl(fabsl((long double)z) / sqrtl(2)) / 2;
        /* rounding z / sqrt 2 by 1e-16 moves the exponent z^2 / 2 by z^2 1e-16 */
        assert_near(mia_density_normal_cdf(z), (double)(z > 0 ? log1pl(-tail) : logl(tail)), 0, 1e-15 + 2e-16 * z * z);
    }
    assert_near(mia_density_normal_cdf(-100), (double)logl(erfcl(100 / sqrtl(2)) / 2), 0, 1e-14);
    assert_near(mia_density_normal_cdf(-1e200), MIA_DENSITY_LEAST, 0, 0);
    for (double x = -9; x < 9; x += 0.7) {
        double u = (x - 0.5) / 2;
        assert_near(student(x, 1), -log(M_PI * (1 + u * u)) - log(2), 0, 1e-13);
        assert_near(student(x, 2), -1.5 * log(2 + u * u) - log(2), 0, 1e-13);
        assert_near(student(x, 1e8), mia_density_normal(x, 0.5, 2), 0, 1e-6);
    }
    assert_true(isfinite(mia_density_student(1e300, 0, 1e-30, 3, mia_density_student_peak(1e-30, 3))));
    assert_near(mia_density_normal(1e300, 0, 1e-30), MIA_DENSITY_LEAST, 0, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(as_in_the_fixture),
    cmocka_unit_test(reaches_the_bayes_auc),
    cmocka_unit_test(auto_pools_few_models),
    cmocka_unit_test(too_few_models),
    cmocka_unit_test(no_spread),
    cmocka_unit_test(moments),
    cmocka_unit_test(densities),
};

SUPPORT_MAIN(tests)
