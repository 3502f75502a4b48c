#include "tests/mia/pair.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/order.h"
#include "base/random.h"
#include "mia/rmia/rmia.h"

static uint8_t *filled(int64_t n, uint8_t value)
{
    uint8_t *x;
    assert_ok(BASE_ALLOC(n, &x));
    memset(x, value, (size_t)n);
    return x;
}

/* a then b, n numbers each. */
static double *both(const double *a, const double *b, int64_t n)
{
    double *x;
    assert_ok(BASE_ALLOC(2 * n, &x));
    memcpy(x, a, (size_t)n * sizeof *x);
    memcpy(x + n, b, (size_t)n * sizeof *x);
    return x;
}

static void expect(IoHdf5 *file, const char *path, const char *name, const MiaInput *in, const char *const *set)
{
    int64_t N;
    double *want = support_read_f64(file, path, &N);
    MiaResult r = pair_attack(name, in, set);
    for (int64_t i = 0; i < N; i++) assert_near(r.score[i], want[i], 0, 1e-12); /* the same count over Z */
    mia_result_free(&r);
    base_free(want);
}

static void as_in_the_fixture(void **state)
{
    (void)state;
    IoHdf5 *file = NULL;
    int64_t N, Z, xs, zs;
    assert_ok(io_hdf5_open(support_fixture("attacks.h5"), &file));
    double *x = pair_read(file, "rmia/target_x", true, &N), *z = pair_read(file, "rmia/target_z", true, &Z);
    double *out_x = pair_read(file, "rmia/out_x", true, &xs), *in_x = pair_read(file, "rmia/in_x", true, &xs);
    double *ref_z = pair_read(file, "rmia/ref_z", true, &zs);
    double *shadow_x = both(out_x, in_x, 2 * xs), *shadow_z = both(ref_z, ref_z, 2 * zs);
    int32_t *labels;
    assert_ok(BASE_ALLOC(N + Z, &labels));
    uint8_t *keep = filled(2 * xs, 0), *role = filled(N, MIA_MEMBER);
    memset(keep + xs, 1, (size_t)xs);
    role[0] = MIA_NONMEMBER;
    MiaInput in = {.N = N,
                   .K = 2,
                   .logits = x,
                   .labels = labels,
                   .role = role,
                   .S = xs / N,
                   .shadow_logits = out_x,
                   .shadow_keep = keep,
                   .Z = Z,
                   .population_logits = z,
                   .population_labels = labels,
                   .shadow_population_logits = ref_z};
    for (int a = 0; a < 2; a++)
        for (int gamma = 1; gamma <= 2; gamma++) {
            char path[96], set_a[32], set_gamma[32];
            snprintf(set_a, sizeof set_a, "offline_a=%s", a ? "1" : "0.3");
            snprintf(set_gamma, sizeof set_gamma, "gamma=%d", gamma);
            snprintf(path, sizeof path, "rmia/offline_a_%s_gamma_%d", a ? "1" : "0.3", gamma);
            expect(file, path, "rmia_offline", &in, SET(set_a, set_gamma));
            strcat(path, "_z_uncorrected");
            expect(file, path, "rmia_offline", &in, SET(set_a, set_gamma, "correct_population=false"));
        }
    in.S *= 2;
    in.shadow_logits = shadow_x;
    in.shadow_population_logits = shadow_z;
    expect(file, "rmia/online_gamma_2", "rmia_online", &in, SET("gamma=2"));
    void *all[] = {x, z, out_x, in_x, ref_z, shadow_x, shadow_z, labels, keep, role};
    for (size_t i = 0; i < BASE_COUNT(all); i++) base_free(all[i]);
    io_hdf5_close(file);
}

enum { N = 60, Z = 90, S = 10, K = 5 };
typedef struct {
    double x[N * K], z[Z * K], shadow_x[S * N * K], shadow_z[S * Z * K];
    int32_t labels[N], z_labels[Z];
    uint8_t role[N], keep[S * N];
    MiaInput input;
} World;
static World w;

static void logits(double *z, const int32_t *labels, int64_t n, const uint8_t *keep, BaseRandom *r)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < K; j++)
            z[i * K + j] = base_random_normal(r) + (j == labels[i] ? 1 + (keep && keep[i] ? 2 : 0) : 0);
}

static void world_make(uint64_t seed)
{
    BaseRandom r = base_random_make(seed, "rmia_test", 0);
    for (int i = 0; i < N; i++) {
        w.labels[i] = (int32_t)base_random_below(&r, K);
        w.role[i] = (uint8_t)(i % 2);
    }
    for (int i = 0; i < Z; i++) w.z_labels[i] = (int32_t)base_random_below(&r, K);
    for (int i = 0; i < S * N; i++) w.keep[i] = base_random_below(&r, 2) || i / N == i % N % S ? 1 : 0;
    for (int i = 0; i < N; i++) w.keep[(i + 1) % S * N + i] = 0;
    logits(w.x, w.labels, N, w.role, &r);
    logits(w.z, w.z_labels, Z, NULL, &r);
    for (int s = 0; s < S; s++) {
        logits(w.shadow_x + s * N * K, w.labels, N, w.keep + s * N, &r);
        logits(w.shadow_z + s * Z * K, w.z_labels, Z, NULL, &r);
    }
    w.input = (MiaInput){.N = N,
                         .K = K,
                         .logits = w.x,
                         .labels = w.labels,
                         .role = w.role,
                         .S = S,
                         .shadow_logits = w.shadow_x,
                         .shadow_keep = w.keep,
                         .Z = Z,
                         .population_logits = w.z,
                         .population_labels = w.z_labels,
                         .shadow_population_logits = w.shadow_z};
}

typedef struct {
    double gamma, a, T, trim;
    bool online, strict, correct_z, taylor, largest;
} How;

static double series(double x) { return 1 + x + x * x / 2 + pow(x, 3) / 6 + pow(x, 4) / 24; }

static double probability(const double *z, int32_t y, const How *h)
{
    double own = h->taylor ? series(z[y] / h->T - 0.6) : exp(z[y] / h->T), sum = own;
    for (int j = 0; j < K; j++)
        if (j != y) sum += h->taylor ? series(z[j] / h->T) : exp(z[j] / h->T);
    return own / sum;
}

static double trimmed_mean(double *x, int n, double trim)
{
    int cut = (int)(trim * n);
    double sum = 0;
    qsort(x, (size_t)n, sizeof *x, base_ascending_f64);
    for (int i = cut; i < n - cut; i++) sum += x[i];
    return sum / (n - 2 * cut);
}

/* p(x | target) / p(x); @p keep NULL: every model is out. */
static double naive_ratio(const double *z, const double *shadow, int64_t stride, int32_t y, const uint8_t *keep,
                          const How *h, bool correct)
{
    double row[2][S], joined[S];
    int n[2] = {0, 0};
    for (int s = 0; s < S; s++) {
        int in = keep ? keep[s * N] : 0;
        row[in][n[in]++] = probability(shadow + s * stride, y, h);
    }
    memcpy(joined, row[0], sizeof(double) * (size_t)n[0]);
    memcpy(joined + n[0], row[1], sizeof(double) * (size_t)n[1]);
    double mean;
    if (h->largest) { /* of p, 0 where trained on, the first half of a descending sort */
        memset(row[1], 0, sizeof row[1]);
        memcpy(row[1], row[0], sizeof(double) * (size_t)n[0]);
        qsort(row[1], S, sizeof *row[1], base_ascending_f64);
        mean = 0;
        for (int s = S / 2; s < S; s++) mean += row[1][s] / (S / 2);
    } else if (h->online && keep && h->trim == 0)
        mean = (trimmed_mean(row[0], n[0], 0) + trimmed_mean(row[1], n[1], 0)) / 2;
    else if (h->online)
        mean = trimmed_mean(joined, n[0] + n[1], h->trim);
    else
        mean = trimmed_mean(row[0], n[0], h->trim);
    if (!h->online && correct) mean = ((1 + h->a) * mean + 1 - h->a) / 2;
    return probability(z, y, h) / mean;
}

/* The n x Z comparisons themselves, in probabilities. */
static void naive(const How *h, double *score, double *ratio)
{
    for (int i = 0; i < N; i++) {
        int above = 0;
        ratio[i] = naive_ratio(w.x + i * K, w.shadow_x + i * K, N * K, w.labels[i], w.keep + i, h, true);
        for (int k = 0; k < Z; k++) {
            double rz = naive_ratio(w.z + k * K, w.shadow_z + k * K, Z * K, w.z_labels[k], NULL, h, h->correct_z);
            above += h->strict ? ratio[i] / rz > h->gamma : ratio[i] / rz >= h->gamma;
        }
        score[i] = (double)above / Z;
    }
}

static void as_the_naive_matrix(void **state)
{
    (void)state;
    static const struct {
        const char *name, *set[8];
        How how;
    } CASES[] = {
        {"rmia_online", {0}, {2, 0, 1, 0, true, false, true, false, false}},
        {"rmia_online", {"gamma=1", "strict=true", "temperature=3"}, {1, 0, 3, 0, true, true, true, false, false}},
        {"rmia_online",
         {"trim=0.2", "signal=sm_taylor", "temperature=2"},
         {2, 0, 2, 0.2, true, false, true, true, false}},
        {"rmia_online", {"compat=research_2024"}, {2, 0, 2, 0.2, true, true, true, true, false}},
        {"rmia_offline", {0}, {2, 0.3, 1, 0, false, false, true, false, false}},
        {"rmia_offline", {"offline_a=0.7", "gamma=1.3"}, {1.3, 0.7, 1, 0, false, false, true, false, false}},
        {"rmia_offline",
         {"correct_population=false", "trim=0.25"},
         {2, 0.3, 1, 0.25, false, false, false, false, false}},
        {"rmia_offline",
         {"compat=privacy_meter", "gamma=7", "offline_a=0.6"},
         {1, 0.6, 1, 0, false, true, true, false, true}},
        {"rmia_online", {"compat=privacy_meter"}, {1, 0, 1, 0, true, true, true, false, false}},
        {"rmia_offline", {"compat=research_2024", "offline_a=1"}, {2, 0.3, 2, 0.2, false, true, true, true, false}},
        {"rmia_offline", {"compat=leakpro"}, {2, 0.33, 2, 0, false, true, true, false, false}},
    };
    for (size_t c = 0; c < BASE_COUNT(CASES); c++)
        for (uint64_t seed = 0; seed < 3; seed++) {
            double want[N], ratio[N];
            world_make(seed);
            naive(&CASES[c].how, want, ratio);
            MiaResult r = pair_attack(CASES[c].name, &w.input, CASES[c].set);
            for (int i = 0; i < N; i++) assert_near(r.score[i], want[i], 1e-14, 0); /* counts */
            mia_result_free(&r);
        }
}

/* Two classes where the first has these probabilities. */
static double *logits_of(const double *p, int64_t n)
{
    double *z;
    assert_ok(BASE_ALLOC(2 * n, &z));
    for (int64_t i = 0; i < n; i++) z[2 * i] = log(p[i]) - log1p(-p[i]);
    return z;
}

/* By hand, offline_a = 1. z: 0.5 of the target, 0.2, 0.4, 0.6, 0.8 of four models, of which ml_privacy_meter takes 0.6 and
 * 0.8: ratio 0.5 / 0.7 = 0.714 (1 by all of them). x: */
static void privacy_meter_by_hand(void **state)
{
    (void)state;
    enum { POINTS = 4, MODELS = 4 };
    static const double TARGET[POINTS] = {0.45, 0.4, 0.31, 0.5}, Z_TARGET[] = {0.5}, REFERENCE[] = {0.2, 0.4, 0.6, 0.8};
    static const double MODEL[MODELS][POINTS] = {
        {0.6, 0.9, 0.2, 0.1}, {0.5, 0.99, 0.3, 0.8}, {0.99, 0.99, 0.4, 0.9}, {0.99, 0.99, 0.5, 0.9}};
    const uint8_t keep[MODELS * POINTS] = {0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 1, 0, 1};
    /* 0: out of models 0, 1: 0.45 / 0.55 = 0.82, above; 1: out of model 0 alone: 0.4 / ((0.9 + 0) / 2) = 0.89, above;
     * 2: out of all four, 0.4 and 0.5 count: 0.31 / 0.45 = 0.69, below (0.89 by all); 3: 0.5 / 0.45 = 1.11, above */
    static const double WANT[POINTS] = {1, 1, 0, 1}, PLAIN[POINTS] = {0, 0, 0, 1};
    double *x = logits_of(TARGET, POINTS), *population = logits_of(Z_TARGET, 1);
    double *shadow = logits_of(MODEL[0], MODELS * POINTS), *references = logits_of(REFERENCE, MODELS);
    int32_t labels[POINTS] = {0};
    uint8_t role[POINTS] = {1, 0, 1, 0};
    MiaInput in = {.N = POINTS, .K = 2, .logits = x, .labels = labels, .role = role, .S = MODELS, .Z = 1};
    in.shadow_logits = shadow;
    in.shadow_keep = keep;
    in.population_logits = population;
    in.population_labels = labels;
    in.shadow_population_logits = references;
    MiaResult r = pair_attack("rmia_offline", &in, SET("compat=privacy_meter", "offline_a=1"));
    for (int i = 0; i < POINTS; i++) assert_near(r.score[i], WANT[i], 0, 0);
    mia_result_free(&r);
    r = pair_attack("rmia_offline", &in, SET("gamma=1", "strict=true", "offline_a=1"));
    for (int i = 0; i < POINTS; i++) assert_near(r.score[i], PLAIN[i], 0, 0);
    mia_result_free(&r);
    base_free(x);
    base_free(population);
    base_free(shadow);
    base_free(references);
}

/* For one target the score rises with ratio(x) and the AUCs agree up to ties, whatever gamma is. */
static void ranks_as_the_ratio(void **state)
{
    (void)state;
    double want[N], ratio[N];
    world_make(9);
    naive(&(How){1, 0, 1, 0, true, false, true, false, false}, want, ratio);
    MiaResult r = pair_attack("rmia_online", &w.input, SET("gamma=1"));
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            if (ratio[i] > ratio[k]) assert_true(r.score[i] >= r.score[k]);
    MathAuc auc;
    assert_ok(math_auc(ratio, w.role, N, &auc));
    assert_near(r.auc.value, auc.value, 0.02, 0);
    mia_result_free(&r);
}

static void ties(void **state)
{
    (void)state;
    const double z[] = {-1, 0, 0, 0, 2};
    assert_near(mia_rmia_share(z, 5, 0, 0, false), 0.8, 0, 0);
    assert_near(mia_rmia_share(z, 5, 0, 0, true), 0.2, 0, 0);
    assert_near(mia_rmia_share(z, 5, 9, 0, true), 1, 0, 0);
    assert_near(mia_rmia_share(z, 5, -9, 0, false), 0, 0, 0);
    assert_near(mia_rmia_share(z, 5, 3, 1, false), 1, 0, 0);
    assert_near(mia_rmia_share(z, 5, 3, 1, true), 0.8, 0, 0);
}

/* Probabilities that are 0 and 1 as doubles, and logits that say nothing. */
static void extremes(void **state)
{
    (void)state;
    world_make(4);
    for (int i = 0; i < N * K; i++) w.x[i] *= 1e5;
    for (int i = 0; i < S * N * K; i++) w.shadow_x[i] *= 1e5;
    MiaResult r = pair_attack("rmia_online", &w.input, NULL);
    assert_true(r.auc.value > 0.5);
    mia_result_free(&r);
    r = pair_attack("rmia_offline", &w.input, SET("offline_a=1"));
    mia_result_free(&r);
    memset(w.x, 0, sizeof w.x);
    memset(w.z, 0, sizeof w.z);
    memset(w.shadow_x, 0, sizeof w.shadow_x);
    memset(w.shadow_z, 0, sizeof w.shadow_z);
    for (int strict = 0; strict < 2; strict++) {
        r = pair_attack("rmia_online", &w.input, SET("gamma=1", strict ? "strict=true" : "strict=false"));
        for (int i = 0; i < N; i++) assert_near(r.score[i], strict ? 0 : 1, 0, 0);
        assert_near(r.auc.value, 0.5, 0, 0);
        mia_result_free(&r);
    }
}

static void wrong_models(void **state)
{
    (void)state;
    MiaResult r;
    world_make(5);
    for (int s = 0; s < S; s++) w.keep[s * N + 7] = 1;
    assert_fails(pair_try("rmia_offline", &w.input, NULL, &r), BASE_EARG, "were trained on point 7");
    for (int s = 0; s < S; s++) w.keep[s * N + 7] = 0;
    assert_fails(pair_try("rmia_online", &w.input, NULL, &r), BASE_EARG, "was trained on point 7");
    r = pair_attack("rmia_offline", &w.input, NULL);
    mia_result_free(&r);
    MiaInput one = w.input;
    one.S = 1;
    memset(w.keep, 0, sizeof w.keep);
    r = pair_attack("rmia_offline", &one, NULL); /* one model that saw none of the points will do */
    mia_result_free(&r);
    assert_fails(pair_try("rmia_online", &one, NULL, &r), BASE_EARG, "none of the 1 shadow models");
    w.input.shadow_population_logits = NULL;
    assert_fails(pair_try("rmia_offline", &w.input, NULL, &r), BASE_EARG, "/shadow/population_logits [S, Z, K]");
    world_make(5);
    memcpy(w.shadow_x + 3 * N * K, w.x, sizeof w.x);
    assert_fails(pair_try("rmia_offline", &w.input, NULL, &r), BASE_EARG, "those of shadow model 3");
}

/* 200000 points against as many: an n x Z matrix would be 40 GB even of bytes. */
static void large_and_linear(void **state)
{
    (void)state;
    enum { MANY = 200000 };
    double *z[4];
    int32_t *labels;
    uint8_t *role = filled(MANY, 0), *keep = filled(2 * MANY, 0);
    BaseRandom r = base_random_make(8, "rmia_large", 0);
    assert_ok(BASE_ALLOC(MANY, &labels));
    for (int k = 0; k < 4; k++) {
        assert_ok(BASE_ALLOC(4 * MANY, &z[k]));
        for (int i = 0; i < 4 * MANY; i++) z[k][i] = base_random_normal(&r);
    }
    for (int i = 0; i < MANY; i++) {
        role[i] = (uint8_t)(i % 2);
        keep[MANY + i] = 1;
        if (i % 2) z[0][2 * i] += 1;
    }
    const MiaInput in = {.N = MANY,
                         .K = 2,
                         .logits = z[0],
                         .labels = labels,
                         .role = role,
                         .S = 2,
                         .shadow_logits = z[1],
                         .shadow_keep = keep,
                         .Z = MANY,
                         .population_logits = z[2],
                         .population_labels = labels,
                         .shadow_population_logits = z[3]};
    MiaResult a = pair_attack("rmia_offline", &in, NULL);
    assert_true(a.auc.value > 0.6);
    mia_result_free(&a);
    for (int k = 0; k < 4; k++) base_free(z[k]);
    base_free(labels);
    base_free(role);
    base_free(keep);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(as_in_the_fixture),
    cmocka_unit_test(as_the_naive_matrix),
    cmocka_unit_test(privacy_meter_by_hand),
    cmocka_unit_test(ranks_as_the_ratio),
    cmocka_unit_test(ties),
    cmocka_unit_test(extremes),
    cmocka_unit_test(wrong_models),
    cmocka_unit_test(large_and_linear),
};

SUPPORT_MAIN(tests)
