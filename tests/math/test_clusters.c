#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "math/clusters.h"

/* Clusters of 1 to 4 points, every third with members and non-members. */
enum { N = 60, MOST = 5 * N };
typedef struct {
    double score[MOST];
    uint8_t member[MOST];
    int32_t cluster[MOST];
    int n;
} Points;

static void points_make(Points *p, uint64_t seed)
{
    BaseRandom r = base_random_make(seed, "clusters", 0);
    *p = (Points){.n = N};
    for (int i = 0, c = 0; i < N; c++) {
        double own = base_random_normal(&r);
        for (int size = 1 + c % 4; size > 0 && i < N; size--, i++) {
            p->member[i] = (uint8_t)(c % 3 == 2 ? size % 2 : c % 2);
            p->cluster[i] = 7 * ((c * 5) % 31) - 40;
            p->score[i] = floor(3 * (own + 0.5 * base_random_normal(&r) + 0.4 * p->member[i])) / 3;
        }
    }
}

/* Obuchowski's variance from the pairs themselves: for each cluster the sum over its members and over its non-members of what
 * they win, less the AUC. @p parts: non-members, members, both. */
static double naive_variance(const Points *p, double parts[3])
{
    double auc = 0, P = 0, square[2] = {0, 0}, cross = 0;
    int used[2] = {0, 0}, joint = 0;
    for (int i = 0; i < p->n; i++) P += p->member[i];
    double count[2] = {p->n - P, P};
    for (int i = 0; i < p->n; i++)
        for (int j = 0; j < p->n; j++)
            if (p->member[i] && !p->member[j])
                auc += ((p->score[i] > p->score[j]) + (p->score[i] >= p->score[j])) / 2.0 / (count[0] * count[1]);
    for (int first = 0; first < p->n; first++) {
        double own[2] = {0, 0};
        int any[2] = {0, 0}, seen = 0;
        for (int i = 0; i < first; i++) seen |= p->cluster[i] == p->cluster[first];
        if (seen) continue;
        for (int i = 0; i < p->n; i++) {
            if (p->cluster[i] != p->cluster[first]) continue;
            double won = 0;
            for (int j = 0; j < p->n; j++) {
                if (p->member[j] == p->member[i]) continue;
                double up = p->member[i] ? p->score[i] - p->score[j] : p->score[j] - p->score[i];
                won += ((up > 0) + (up >= 0)) / 2.0;
            }
            own[p->member[i]] += won / count[!p->member[i]] - auc;
            any[p->member[i]] = 1;
        }
        for (int k = 0; k < 2; k++) {
            square[k] += own[k] * own[k];
            used[k] += any[k];
        }
        cross += own[0] * own[1];
        joint += any[0] || any[1];
    }
    for (int k = 0; k < 2; k++) parts[k] = square[k] * used[k] / (used[k] - 1.0) / (count[k] * count[k]);
    parts[2] = 2 * cross * joint / (joint - 1.0) / (count[0] * count[1]);
    return parts[0] + parts[1] + parts[2];
}

/* The same sums in another order: some hundred additions of numbers up to 1 each, so 1e-13 of the whole. */
static void auc_over_clusters(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        Points p;
        MathAuc got, plain;
        MathGroups clusters;
        double parts[3], placed[N];
        points_make(&p, seed);
        double want = naive_variance(&p, parts);
        assert_ok(math_clusters_auc(p.score, p.member, p.cluster, N, 0.9, &got));
        assert_ok(math_auc_level(p.score, p.member, N, 0.9, &plain));
        assert_near(got.value, plain.value, 0, 0);
        assert_near(got.se, sqrt(want), 0, 1e-12);
        assert_int_equal(got.P, plain.P);
        assert_ok(math_groups_make(p.cluster, N, true, &clusters));
        assert_ok(math_auc_placements(p.score, p.member, N, placed));
        MathClustersAuc v = math_clusters_auc_variance(placed, p.member, NULL, &clusters);
        for (int k = 0; k < 2; k++) assert_near(v.of[k], parts[k], 0, 1e-12);
        assert_near(v.both, parts[2], 1e-14, 1e-12);
        assert_true(v.both < 0); /* who scores high raises its members' AUC and lowers its non-members' */
        double logit = log(got.value / (1 - got.value)),
               half = math_stats_t_quantile(0.95, (double)(v.fewest - 1)) * got.se / (got.value * (1 - got.value));
        assert_near(got.hi, 1 / (1 + exp(-half - logit)), 0, 1e-12);
        math_groups_free(&clusters);
    }
}

/* No clusters are no clusters, and five copies of a point are the point. */
static void copies_are_one(void **state)
{
    (void)state;
    Points p, five = {.n = MOST};
    MathAuc once, got;
    points_make(&p, 3);
    for (int i = 0; i < N; i++) p.cluster[i] = i;
    for (int i = 0; i < MOST; i++) {
        five.score[i] = p.score[i / 5];
        five.member[i] = p.member[i / 5];
        five.cluster[i] = 1000 - i / 5;
    }
    assert_ok(math_clusters_auc(p.score, p.member, NULL, N, 0.95, &got));
    assert_ok(math_auc(p.score, p.member, N, &once));
    assert_near(got.lo, once.lo, 0, 0);
    assert_ok(math_clusters_auc(p.score, p.member, p.cluster, N, 0.95, &got));
    assert_near(got.se, once.se, 0, 1e-12);
    assert_true(got.lo < once.lo && got.lo > once.lo - 0.01); /* Student's quantile, not the normal one */
    assert_ok(math_clusters_auc(five.score, five.member, five.cluster, MOST, 0.95, &got));
    assert_near(got.se, once.se, 0, 1e-12);
    for (int i = 0; i < MOST; i++) five.score[i] = five.member[i];
    assert_ok(math_clusters_auc(five.score, five.member, five.cluster, MOST, 0.95, &got)); /* AUC 1: of clusters */
    int64_t P = 0;
    for (int i = 0; i < N; i++) P += p.member[i];
    P = P < N - P ? P : N - P;
    assert_near(got.lo, math_stats_share(P, P, 0.95).lo, 0, 1e-12);
    for (int i = 0; i < MOST; i++) five.cluster[i] = five.member[i];
    assert_ok(math_clusters_auc(five.score, five.member, five.cluster, MOST, 0.95, &got)); /* one of each: unknown */
    assert_near(got.lo, NAN, 0, 0);
}

static void means_and_shares(void **state)
{
    (void)state;
    double x[MOST];
    uint8_t yes[MOST];
    int32_t cluster[MOST];
    MathEstimate got, once, single;
    BaseRandom r = base_random_make(4, "clusters", 1);
    for (int i = 0; i < N; i++) {
        x[i] = base_random_normal(&r);
        yes[i] = x[i] > 0.5;
        cluster[i] = i;
    }
    single = math_stats_mean_skewed(x, N, 0.95);
    assert_ok(math_clusters_mean(x, cluster, N, 0.95, &got));
    assert_near(got.lo, single.lo, 1e-13, 1e-12);
    assert_near(got.hi, single.hi, 1e-13, 1e-12);
    /* n p q / (n - 1) is the variance of the mean times n, so one trial less than points */
    assert_ok(math_clusters_share(yes, cluster, N, 0.95, &got));
    once = math_stats_share_effective(got.value, N - 1, 0.95);
    assert_near(got.lo, once.lo, 0, 1e-10);
    assert_ok(math_clusters_share(yes, NULL, N, 0.95, &once));
    assert_true(got.lo < once.lo && once.lo - got.lo < 0.005);
    for (int i = MOST - 1; i >= 0; i--) {
        x[i] = x[i / 5];
        yes[i] = yes[i / 5];
        cluster[i] = -(i / 5);
    }
    assert_ok(math_clusters_mean(x, cluster, MOST, 0.95, &got));
    assert_near(got.lo, single.lo, 1e-13, 1e-12); /* five copies are one */
    assert_near(got.hi, single.hi, 1e-13, 1e-12);
    assert_int_equal(got.n, MOST);
    assert_ok(math_clusters_share(yes, cluster, MOST, 0.95, &got));
    double wider = math_stats_t_quantile(0.975, MOST - 1) / math_stats_t_quantile(0.975, N - 1);
    once = math_stats_share_effective(got.value, (N - 1) * wider * wider, 0.95);
    assert_near(got.lo, once.lo, 0, 1e-10);
    assert_near(got.hi, once.hi, 0, 1e-10);
    memset(yes, 1, sizeof yes);
    assert_ok(math_clusters_share(yes, cluster, MOST, 0.95, &got));
    assert_near(got.lo, math_stats_share(N, N, 0.95).lo, 0, 1e-14);
    memset(cluster, 0, sizeof cluster);
    yes[3] = 0;
    assert_ok(math_clusters_share(yes, cluster, MOST, 0.95, &got));
    assert_near(got.lo, NAN, 0, 0);
    assert_ok(math_clusters_mean(x, cluster, MOST, 0.95, &got));
    assert_near(got.hi, NAN, 0, 0);
    assert_ok(math_clusters_share(yes, cluster, 0, 0.95, &got));
    assert_near(got.value, NAN, 0, 0);
}

/* One of each cluster, and any of its points as often: 2000 draws, four standard deviations of a binomial. */
static void one_of_each(void **state)
{
    (void)state;
    enum { DRAWS = 2000 };
    const int32_t cluster[] = {4, 4, 9, 4, -2, 9};
    int count[6] = {0};
    uint8_t drawn[6], again[6];
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        assert_ok(math_clusters_draw(cluster, 6, seed, drawn));
        assert_ok(math_clusters_draw(cluster, 6, seed, again));
        assert_memory_equal(drawn, again, sizeof drawn);
        assert_int_equal(drawn[0] + drawn[1] + drawn[3], 1);
        assert_int_equal(drawn[2] + drawn[5], 1);
        for (int i = 0; i < 6; i++) count[i] += drawn[i];
    }
    const double WANT[] = {1 / 3.0, 1 / 3.0, 0.5, 1 / 3.0, 1, 0.5};
    for (int i = 0; i < 6; i++)
        assert_near(count[i] / (double)DRAWS, WANT[i], 4 * sqrt(WANT[i] * (1 - WANT[i]) / DRAWS), 0);
    assert_ok(math_clusters_draw(NULL, 6, 1, drawn));
    for (int i = 0; i < 6; i++) assert_int_equal(drawn[i], 1);
}

static BaseStatus once(void *user)
{
    Points *p = user;
    MathAuc auc;
    MathEstimate e;
    uint8_t drawn[N];
    BaseStatus st = math_clusters_auc(p->score, p->member, p->cluster, N, 0.95, &auc);
    if (st == BASE_OK) st = math_clusters_share(p->member, p->cluster, N, 0.95, &e);
    if (st == BASE_OK) st = math_clusters_mean(p->score, p->cluster, N, 0.95, &e);
    if (st == BASE_OK) st = math_clusters_draw(p->cluster, N, 1, drawn);
    return st;
}

static void without_memory(void **state)
{
    (void)state;
    Points p;
    points_make(&p, 1);
    support_fail_allocations(once, &p, 40);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(auc_over_clusters), cmocka_unit_test(copies_are_one), cmocka_unit_test(means_and_shares),
    cmocka_unit_test(one_of_each),       cmocka_unit_test(without_memory),
};

SUPPORT_MAIN(tests)
