/* Intervals over points: what an attack says of one model (mia_attack), and the bounds that only the library has. */
#include "tests/coverage/coverage.h"

#include "math/clusters.h"
#include "math/epsilon.h"
#include "mia/mia.h"

enum { MOST = 2400 };
/* clusters: none; every point five times; of 1 to 4 points of one kind; pairs of either kind by fair coins */
enum { NONE, COPIES, GROUPS, MIXED };

/* p: members, non-members, shift, sd of members, clusters, dependence within clusters. Scores N(shift, sd) and N(0, 1). */
enum { P, N, SHIFT, SD, CLUSTERS, RHO };

static int64_t make_points(const World *w, BaseRandom *r, double *phi, uint8_t *role, int32_t *cluster)
{
    int64_t n = 0, most = (int64_t)(w->p[P] + w->p[N]), clusters = 0;
    int kind = (int)w->p[CLUSTERS];
    double rho = w->p[RHO];
    for (int side = 1; side >= 0; side--) {
        int64_t end = side ? (int64_t)w->p[P] : most;
        while (n < end) {
            int64_t size = kind == COPIES ? 5 : kind == GROUPS ? 1 + clusters % 4 : kind == MIXED ? 2 : 1;
            double common = base_random_normal(r);
            for (int64_t k = 0; k < size && n < end; k++) {
                double own = sqrt(rho) * common + sqrt(1 - rho) * base_random_normal(r);
                role[n] = (uint8_t)(kind == MIXED ? base_random_below(r, 2) : (uint64_t)side);
                phi[n] = role[n] ? w->p[SHIFT] + w->p[SD] * own : own;
                cluster[n++] = (int32_t)clusters;
            }
            clusters++;
        }
    }
    return n;
}

/* Audited points after them, of the members' kind half the way: independent. */
static int64_t add_audited(const World *w, BaseRandom *r, int64_t n, double *phi, uint8_t *role, int32_t *cluster)
{
    int64_t copies = (int)w->p[CLUSTERS] == COPIES ? 5 : 1, most = (int64_t)w->p[P];
    for (int64_t i = 0; i < most; i++) {
        phi[n + i] = i % copies ? phi[n + i - 1] : w->p[SHIFT] / 2 + base_random_normal(r);
        role[n + i] = MIA_AUDITED;
        cluster[n + i] = (int32_t)(n + i / copies);
    }
    return n + most;
}

/* The AUC that pairs of a member and a non-member have in a world of mixed clusters too: they are drawn apart. */
static double true_auc(const World *w) { return coverage_normal(w->p[SHIFT] / sqrt(1 + w->p[SD] * w->p[SD])); }
static double above(const World *w, double phi) { return coverage_normal((w->p[SHIFT] - phi) / w->p[SD]); }

enum { ONE_AUC, TPR_01, TPR_1, TPR_10, HOLDOUT, EPSILON, GAUSSIAN, SHARE, EFFICACY };
#define ATTACK "attack, audit, runs"
static const Number NUMBERS[] = {
    [ONE_AUC] = {"AUC of one model", ATTACK, "math_clusters_auc", CLOSE, 0.95},
    [TPR_01] = {"TPR at FPR 0.1%", ATTACK, "math_roc_tpr_at_fpr", AT_LEAST, 0.95},
    [TPR_1] = {"TPR at FPR 1%", ATTACK, "math_roc_tpr_at_fpr", AT_LEAST, 0.95},
    [TPR_10] = {"TPR at FPR 10%", ATTACK, "math_roc_tpr_at_fpr", AT_LEAST, 0.95},
    [HOLDOUT] = {"balanced_accuracy_holdout", ATTACK, "math_holdout_best_balanced", AT_LEAST, 0.95},
    [EPSILON] = {"epsilon (simultaneous)", ATTACK, "math_epsilon_simultaneous", AT_LEAST, 0.95},
    [GAUSSIAN] = {"epsilon (gaussian)", ATTACK, "math_epsilon_gaussian", AT_LEAST, 0.95},
    [SHARE] = {"member_share", "attack, runs", "math_clusters_share", AT_LEAST, 0.95},
    [EFFICACY] = {"efficacy", "attack, runs", "math_clusters_share", AT_LEAST, 0.95},
};

static void one_model(const World *w, BaseRandom *r, uint64_t trial, Shot *shot)
{
    double phi[MOST + MOST], z[2 * (MOST + MOST)];
    uint8_t role[MOST + MOST];
    int32_t cluster[MOST + MOST], labels[MOST + MOST] = {0};
    const MiaAttack *attack;
    MiaResult result;
    int64_t n = add_audited(w, r, make_points(w, r, phi, role, cluster), phi, role, cluster);
    for (int64_t i = 0; i < n; i++) { /* of two classes the loss is log(1 + exp(-phi)) */
        z[2 * i] = phi[i];
        z[2 * i + 1] = 0;
    }
    const MiaInput in = {.N = n,
                         .K = 2,
                         .logits = z,
                         .labels = labels,
                         .role = role,
                         .cluster = (int)w->p[CLUSTERS] == NONE ? NULL : cluster,
                         .seed = trial};
    assert_ok(mia_find("loss", &attack));
    assert_ok(mia_attack(attack, &in, NULL, &result));
    shot[ONE_AUC] = (Shot){result.auc.value, result.auc.lo, result.auc.hi, true_auc(w)};
    for (int k = 0; k < MIA_FPRS; k++)
        shot[TPR_01 + k] = (Shot){result.tpr[k].value, result.tpr[k].lo, result.tpr[k].hi,
                                  above(w, -math_stats_normal_quantile(mia_fprs[k]))};
    double at = -log(expm1(-result.holdout.threshold)), judged = -log(expm1(-result.threshold));
    shot[HOLDOUT] = shot_of(result.holdout.balanced, (above(w, at) + coverage_normal(at)) / 2);
    double truth = w->p[SHIFT] > 0 ? math_epsilon_of_mu(w->p[SHIFT], MIA_EPSILON_DELTA) : 0;
    shot[EPSILON] = (Shot){result.epsilon.epsilon, result.epsilon.epsilon, INFINITY, truth};
    shot[GAUSSIAN] = (Shot){result.epsilon_gaussian.epsilon, result.epsilon_gaussian.epsilon, INFINITY, truth};
    shot[SHARE] = shot_of(result.member_share, coverage_normal(w->p[SHIFT] / 2 - judged));
    shot[EFFICACY] = shot_of(result.efficacy, coverage_normal(judged - w->p[SHIFT] / 2));
    mia_result_free(&result);
}

#define OF(numbers) numbers, (int)(sizeof(numbers) / sizeof *(numbers))
#define NO_EPSILON  (1u << EPSILON | 1u << GAUSSIAN) /* where members' spread differs there is no such epsilon */
static const World ONE_MODEL[] = {
    {"no leak", "50 + 50", "1", "-", OF(NUMBERS), one_model, .p = {50, 50, 0, 1}, .skip = 1 << TPR_01 | 1 << TPR_1},
    {"no leak", "100 + 300", "1", "-", OF(NUMBERS), one_model, .p = {100, 300, 0, 1}, .skip = 1 << TPR_01},
    {"no leak", "1000 + 1000", "1", "-", OF(NUMBERS), one_model, .p = {1000, 1000, 0, 1}, .quick = 40},
    {"AUC 0.6", "50 + 50", "1", "-", OF(NUMBERS), one_model, .p = {50, 50, 0.3583, 1},
     .skip = 1 << TPR_01 | 1 << TPR_1},
    {"AUC 0.6", "100 + 300", "1", "-", OF(NUMBERS), one_model, .p = {100, 300, 0.3583, 1}, .skip = 1 << TPR_01},
    {"AUC 0.8", "50 + 50", "1", "-", OF(NUMBERS), one_model, .p = {50, 50, 1.1902, 1},
     .skip = 1 << TPR_01 | 1 << TPR_1},
    {"AUC 0.8", "100 + 300", "1", "-", OF(NUMBERS), one_model, .p = {100, 300, 1.1902, 1}, .skip = 1 << TPR_01},
    {"AUC 0.8", "1000 + 1000", "1", "-", OF(NUMBERS), one_model, .p = {1000, 1000, 1.1902, 1}, .quick = 40},
    {"AUC 0.95", "50 + 50", "1", "-", OF(NUMBERS), one_model, .p = {50, 50, 2.3262, 1},
     .skip = 1 << TPR_01 | 1 << TPR_1},
    {"AUC 0.95", "100 + 300", "1", "-", OF(NUMBERS), one_model, .p = {100, 300, 2.3262, 1}, .skip = 1 << TPR_01},
    {"AUC 0.2 (members less familiar)", "100 + 300", "1", "-", OF(NUMBERS), one_model, .p = {100, 300, -1.1902, 1},
     .skip = 1 << TPR_01 | NO_EPSILON},
    {"AUC 0.8, members vary twice as much", "100 + 300", "1", "-", OF(NUMBERS), one_model, .p = {100, 300, 1.8819, 2},
     .skip = 1 << TPR_01 | NO_EPSILON},
    {"no leak, each image five times", "250 + 250", "1", "50 + 50", OF(NUMBERS), one_model,
     .p = {250, 250, 0, 1, COPIES, 1}, .skip = 1 << TPR_01 | 1 << TPR_1},
    {"no leak, each image five times", "500 + 1500", "1", "100 + 300", OF(NUMBERS), one_model,
     .p = {500, 1500, 0, 1, COPIES, 1}, .quick = 40, .skip = 1 << TPR_01},
    {"AUC 0.8, each image five times", "250 + 250", "1", "50 + 50", OF(NUMBERS), one_model,
     .p = {250, 250, 1.1902, 1, COPIES, 1}, .skip = 1 << TPR_01 | 1 << TPR_1},
    {"no leak, 1 to 4 images of a person", "250 + 250", "1", "100 + 100", OF(NUMBERS), one_model,
     .p = {250, 250, 0, 1, GROUPS, 0.7}, .skip = 1 << TPR_01},
    {"AUC 0.8, 1 to 4 images of a person", "250 + 750", "1", "100 + 300", OF(NUMBERS), one_model,
     .p = {250, 750, 1.1902, 1, GROUPS, 0.7}, .skip = 1 << TPR_01},
    {"no leak, copies on both sides", "100 + 100", "1", "100", OF(NUMBERS), one_model,
     .p = {100, 100, 0, 1, MIXED, 0.9}, .skip = 1 << TPR_01 | 1 << TPR_1},
    {"AUC 0.8, copies on both sides", "200 + 200", "1", "200", OF(NUMBERS), one_model,
     .p = {200, 200, 1.1902, 1, MIXED, 0.9}, .skip = 1 << TPR_01 | 1 << TPR_1},
};

/* Close to 1, and mirrored close to 0: DeLong's error rests on a few points. */
static const Number NEAR_ENDS[] = {
    {"AUC of one model, near 1", ATTACK, "math_auc", AT_LEAST, 0.95},
    {"AUC of one model, near 0", ATTACK, "math_auc", AT_LEAST, 0.95},
};
static void near_ends(const World *w, BaseRandom *r, uint64_t trial, Shot *shot)
{
    double score[MOST];
    uint8_t member[MOST];
    int32_t cluster[MOST];
    MathAuc auc;
    int64_t n = make_points(w, r, score, member, cluster);
    (void)trial;
    for (int mirrored = 0; mirrored < 2; mirrored++) {
        assert_ok(math_auc(score, member, n, &auc));
        shot[mirrored] = (Shot){auc.value, auc.lo, auc.hi, mirrored ? 1 - true_auc(w) : true_auc(w)};
        for (int64_t i = 0; i < n; i++) score[i] = -score[i];
    }
}
#define END(auc, sd, in, out, shift)                                                                                   \
    {                                                                                                                  \
        "AUC " auc ", members' sd " #sd, #in " + " #out, "1", "-", OF(NEAR_ENDS), near_ends, .p = {                    \
            in,                                                                                                        \
            out,                                                                                                       \
            shift,                                                                                                     \
            sd                                                                                                         \
        }                                                                                                              \
    }
#define ENDS(in, out)                                                                                                  \
    END("0.99", 1, in, out, 3.28995), END("0.99", 0.5, in, out, 2.60094), END("0.99", 2, in, out, 5.20187),            \
        END("0.995", 1, in, out, 3.64277), END("0.995", 0.5, in, out, 2.87987), END("0.995", 2, in, out, 5.75973),     \
        END("0.999", 1, in, out, 4.37025), END("0.999", 0.5, in, out, 3.45500), END("0.999", 2, in, out, 6.91000),     \
        END("0.99999", 1, in, out, 6.03145)
static const World AT_ENDS[] = {ENDS(50, 50), ENDS(100, 300), ENDS(1000, 1000)};

/* Bounds that nothing prints by itself: membership by fair coins, so that one-run auditing applies too. */
enum { SPLIT, ONE_RUN };
static const Number LIBRARY[] = {
    {"epsilon (split)", "library", "math_epsilon_split", AT_LEAST, 0.95},
    {"epsilon (one_run)", "library", "math_epsilon_one_run", AT_LEAST, 0.95},
};
static void library(const World *w, BaseRandom *r, uint64_t trial, Shot *shot)
{
    double score[MOST], size = w->p[SHIFT];
    uint8_t member[MOST];
    MathEpsilon got;
    int64_t n = (int64_t)w->p[P];
    bool answers = w->p[SD] > 1; /* randomised response: epsilon is the size */
    for (int64_t i = 0; i < n; i++) {
        member[i] = i < 4 ? i < 2 : (uint8_t)base_random_below(r, 2); /* the first: both kinds are there */
        bool truth = base_random_uniform(r) < 1 / (1 + exp(-size));
        score[i] = answers ? truth == (bool)member[i] : base_random_normal(r) + size * member[i];
    }
    double truth = size <= 0 ? 0 : answers ? size : math_epsilon_of_mu(size, MIA_EPSILON_DELTA);
    assert_ok(math_epsilon_split(score, member, n, MIA_EPSILON_DELTA, MIA_EPSILON_ALPHA, trial, &got));
    shot[SPLIT] = (Shot){got.epsilon, got.epsilon, INFINITY, truth};
    assert_ok(math_epsilon_one_run(score, member, n, n / 10, n / 10, true, MIA_EPSILON_DELTA, MIA_EPSILON_ALPHA, trial,
                                   &got));
    shot[ONE_RUN] = (Shot){got.epsilon, got.epsilon, INFINITY, truth};
}
static const World COINS[] = {
    {"no leak, fair coins", "60", "1", "-", OF(LIBRARY), library, .p = {60, 0, 0, 1}},
    {"no leak, fair coins", "400", "1", "-", OF(LIBRARY), library, .p = {400, 0, 0, 1}},
    {"shift 1, fair coins", "400", "1", "-", OF(LIBRARY), library, .p = {400, 0, 1, 1}},
    {"randomised response, epsilon 1", "400", "1", "-", OF(LIBRARY), library, .p = {400, 0, 1, 2}},
};

/* A share of images, as every accuracy. */
static const Number SHARES[] = {
    {"accuracy", "eval, run, audit, inspect", "math_stats_share", AT_LEAST, 0.95},
    {"accuracy", "audit", "math_clusters_share", AT_LEAST, 0.95},
};
static void shares(const World *w, BaseRandom *r, uint64_t trial, Shot *shot)
{
    uint8_t yes[MOST];
    int32_t cluster[MOST];
    int64_t n = (int64_t)w->p[0], copies = (int64_t)w->p[2];
    MathEstimate e;
    (void)trial;
    for (int64_t i = 0; i < n; i++) {
        cluster[i] = (int32_t)(i / copies);
        yes[i] = i % copies && base_random_uniform(r) < w->p[3] ? yes[i - 1] : base_random_uniform(r) < w->p[1];
    }
    assert_ok(math_clusters_share(yes, copies > 1 ? cluster : NULL, n, 0.95, &e));
    shot[copies > 1] = shot_of(e, w->p[1]);
}
#define SHARE_OF(what, share, n)                                                                                       \
    {                                                                                                                  \
        what, #n, "1", "-", OF(SHARES), shares, .p = {n, share, 1, 0}, .skip = 2                                       \
    }
static const World ACCURACIES[] = {
    SHARE_OF("50% right", 0.5, 100),
    SHARE_OF("93% right", 0.93, 100),
    SHARE_OF("93% right", 0.93, 1000),
    SHARE_OF("99.5% right", 0.995, 1000),
    SHARE_OF("0.1% right", 0.001, 1000),
    {"50% right, each image five times", "500", "1", "100", OF(SHARES), shares, .p = {500, 0.5, 5, 1}, .skip = 1},
    {"93% right, each image five times", "500", "1", "100", OF(SHARES), shares, .p = {500, 0.93, 5, 1}, .skip = 1},
    {"99% right, each image five times", "1000", "1", "200", OF(SHARES), shares, .p = {1000, 0.99, 5, 1}, .skip = 1},
    {"93% right, people of 4 images, half alike", "400", "1", "100", OF(SHARES), shares, .p = {400, 0.93, 4, 0.7},
     .skip = 1},
};

/* What the quantile attack says of its own rate; the truth is the mean over trials, since each is of its own fits. */
static const Number QUANTILE[] = {{"realised_fpr (quantile)", "attack, audit", "math_clusters_share", AT_LEAST, 0.95}};
static void quantile(const World *w, BaseRandom *r, uint64_t trial, Shot *shot)
{
    enum { CLASSES = 3 };
    double z[MOST * CLASSES];
    int32_t labels[MOST], cluster[MOST];
    uint8_t role[MOST];
    const MiaAttack *attack;
    MiaResult result;
    int64_t n = (int64_t)w->p[0], copies = (int64_t)w->p[1];
    for (int64_t i = 0; i < n; i++) {
        bool copy = i % copies != 0;
        role[i] = i >= n / 2 ? MIA_MEMBER : MIA_NONMEMBER;
        labels[i] = copy ? labels[i - 1] : (int32_t)base_random_below(r, CLASSES);
        cluster[i] = (int32_t)(i / copies);
        for (int k = 0; k < CLASSES; k++)
            z[i * CLASSES + k] = copy ? z[(i - 1) * CLASSES + k] : base_random_normal(r) + 2 * (k == labels[i]);
    }
    const MiaInput in = {.N = n,
                         .K = CLASSES,
                         .logits = z,
                         .labels = labels,
                         .role = role,
                         .cluster = copies > 1 ? cluster : NULL,
                         .seed = trial};
    assert_ok(mia_find("quantile", &attack));
    assert_ok(mia_attack(attack, &in, NULL, &result));
    shot[0] = (Shot){NAN, NAN, NAN, NAN};
    for (int i = 0; i < result.number_count; i++)
        if (strcmp(result.numbers[i].name, "realised_fpr") == 0) shot[0] = shot_of(result.numbers[i].value, NAN);
    mia_result_free(&result);
}
static const World RATES[] = {
    {"no leak", "100 + 100", "1", "-", OF(QUANTILE), quantile, .p = {200, 1}, .quick = 60},
    {"no leak, each image five times", "500 + 500", "1", "100 + 100", OF(QUANTILE), quantile, .p = {1000, 5},
     .quick = 25},
};

static void points(void **state)
{
    (void)state;
    coverage_run("points", ONE_MODEL, BASE_COUNT(ONE_MODEL));
}
static void ends(void **state)
{
    (void)state;
    coverage_run("ends", AT_ENDS, BASE_COUNT(AT_ENDS));
}
static void coins(void **state)
{
    (void)state;
    coverage_run("coins", COINS, BASE_COUNT(COINS));
}
static void accuracies(void **state)
{
    (void)state;
    coverage_run("accuracies", ACCURACIES, BASE_COUNT(ACCURACIES));
}

static void rates(void **state)
{
    (void)state;
    coverage_run("rates", RATES, BASE_COUNT(RATES));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(points),     cmocka_unit_test(ends),  cmocka_unit_test(coins),
    cmocka_unit_test(accuracies), cmocka_unit_test(rates),
};

SUPPORT_MAIN(tests)
