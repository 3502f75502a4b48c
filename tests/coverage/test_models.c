/* Intervals over models: what an audit says of one model beside retrained ones (mia_audit), and what attacks on groups of
 * models report beside their scores. */
#include "tests/coverage/coverage.h"

#include "math/clusters.h"
#include "math/special.h"
#include "mia/curve/curve.h"
#include "mia/mia.h"
#include "mia/verdict/verdict.h"

enum { MOST_POINTS = 1600, MOST_MODELS = 11 };

/* ------------------------------------------------------------ audits */

/* p: points of each kind, retrained models, sd of a model's level, the unlearned model's lift of members, sd of that lift over
 * models, sd of what the unlearned model changes point by point, classes, copies of each point. A score: the point's effect
 * (sd 0.8) + the model's own on it (0.6) + the model's level + of members the model's lift. */
enum { EACH, RETRAINED, LEVEL, LEAK, LIFTS, CHANGES, CLASSES, COPIES };

typedef struct {
    double score[MOST_MODELS][MOST_POINTS], point[MOST_POINTS], lift[MOST_MODELS], level[MOST_MODELS];
    uint8_t member[MOST_POINTS];
    int32_t label[MOST_POINTS], cluster[MOST_POINTS];
    int64_t n;
} Models;

/* One model on these points. */
static void make_model(const World *w, BaseRandom *r, const Models *m, double lift, double level, double changes,
                       double *score)
{
    int64_t copies = w->p[COPIES] > 0 ? (int64_t)w->p[COPIES] : 1;
    double own = 0;
    for (int64_t i = 0; i < m->n; i++) {
        if (i % copies == 0) own = hypot(0.6, changes) * base_random_normal(r);
        score[i] = m->point[i] + own + level + (m->member[i] ? lift : 0) + 3 * m->label[i];
    }
}

static void make_models(const World *w, BaseRandom *r, Models *m)
{
    int64_t each = (int64_t)w->p[EACH], copies = w->p[COPIES] > 0 ? (int64_t)w->p[COPIES] : 1;
    m->n = 2 * each;
    for (int64_t i = 0; i < m->n; i++) {
        m->point[i] = i % copies ? m->point[i - 1] : 0.8 * base_random_normal(r);
        m->member[i] = i < each;
        m->label[i] = w->p[CLASSES] > 1 ? (int32_t)(i / copies % (int64_t)w->p[CLASSES]) : 0;
        m->cluster[i] = (int32_t)(i / copies);
    }
    for (int64_t k = 0; k <= (int64_t)w->p[RETRAINED]; k++) {
        m->lift[k] = (k == 0 ? w->p[LEAK] : 0) + w->p[LIFTS] * base_random_normal(r);
        m->level[k] = w->p[LEVEL] * base_random_normal(r);
        make_model(w, r, m, m->lift[k], m->level[k], k == 0 ? w->p[CHANGES] : 0, m->score[k]);
    }
}

static BaseStatus judge(const World *w, const Models *m, MiaAudit *out)
{
    int64_t R = (int64_t)w->p[RETRAINED], each = (int64_t)w->p[EACH];
    double members[MOST_MODELS][MOST_POINTS], retrained[(MOST_MODELS - 1) * MOST_POINTS],
        retrained_members[(MOST_MODELS - 1) * MOST_POINTS];
    for (int64_t k = 0; k < R; k++) {
        memcpy(retrained + k * m->n, m->score[k + 1], (size_t)m->n * sizeof(double));
        memcpy(retrained_members + k * each, m->score[k + 1], (size_t)each * sizeof(double));
    }
    memcpy(members[0], m->score[0], (size_t)each * sizeof(double));
    const int32_t *cluster = w->p[COPIES] > 1 ? m->cluster : NULL;
    MiaAuditScores scores = {.attack = "phi", .panel = true};
    scores.game[MIA_GAME_FORGET] = (MiaGameScores){.n = m->n,
                                                   .member = m->member,
                                                   .label = w->p[CLASSES] > 1 ? m->label : NULL,
                                                   .cluster = cluster,
                                                   .unlearned = {m->score[0], 1},
                                                   .retrained = {retrained, R}};
    scores.game[MIA_GAME_MODELS] = (MiaGameScores){
        .n = each, .cluster = cluster, .unlearned = {members[0], 1}, .retrained = {retrained_members, R}};
    const MiaAuditOptions options = {.alpha = 0.05, .margin = 0.05, .margin_tpr = 0.02, .draws = 1};
    return mia_audit(&scores, 1, &options, out);
}

/* The mean x of models of either kind on these points, by models of which each pair shares its noise; no classes. */
static void expected_x(const World *w, BaseRandom *r, const Models *m, double x[2])
{
    enum { DRAWS = 200 };
    double score[MOST_POINTS], count = w->p[EACH];
    x[0] = x[1] = 0;
    for (int k = 0; k < DRAWS; k++) {
        double lift = w->p[LIFTS] * base_random_normal(r), value[2];
        make_model(w, r, m, 0, 0, 0, score);
        for (int kind = 0; kind < 2; kind++) {
            MathAuc auc;
            for (int64_t i = 0; i < m->n && m->member[i]; i++) score[i] += kind == 0 ? lift + w->p[LEAK] : -w->p[LEAK];
            assert_ok(math_auc(score, m->member, m->n, &auc));
            value[kind] = auc.value;
            x[kind] += math_normal_quantile((value[kind] * count + 0.5) / (count + 1)) / DRAWS;
        }
    }
}
static double value_of(double x, double count) { return ((1 - math_normal_upper(x)) * (count + 1) - 0.5) / count; }

enum { OWN, CENTRE, AUC, TPR_1, LOW_1, EQUAL_AUC, EQUAL_TPR, WORST, M_AUC, M_TPR, M_EQUAL, M_EQUAL_TPR };
static const Number AUDIT[] = {
    [OWN] = {"AUC of one model, within classes", "audit", "math_clusters_auc_bounds", CLOSE, 0.95},
    [CENTRE] = {"AUC of retrained models (mean)", "audit", "mia_audit", CLOSE, 0.95},
    [AUC] = {"difference of AUC, these points", "audit", "mia_row_difference", CLOSE, 0.95},
    [TPR_1] = {"difference of TPR at FPR 1%", "audit", "mia_row_difference", AT_LEAST, 0.95},
    [LOW_1] = {"difference of share below the lowest 1%", "audit", "mia_row_difference", AT_LEAST, 0.95},
    [EQUAL_AUC] = {"equality interval of AUC, other points", "audit", "mia_row_difference", AT_LEAST, 0.90},
    [EQUAL_TPR] = {"equality interval of TPR at FPR 1%", "audit", "mia_row_difference", AT_LEAST, 0.90},
    [WORST] = {"difference of AUC in the worst class", "audit", "mia_worst_class", AT_LEAST, 0.95},
    [M_AUC] = {"difference of AUC, models", "audit", "mia_row_difference", CLOSE, 0.95},
    [M_TPR] = {"difference of TPR at FPR 1%, models", "audit", "mia_row_difference", AT_LEAST, 0.95},
    [M_EQUAL] = {"equality interval of AUC, models", "audit", "mia_row_difference", AT_LEAST, 0.90},
    [M_EQUAL_TPR] = {"equality interval of TPR at FPR 1%, models", "audit", "mia_row_difference", AT_LEAST, 0.90},
};

static void audits(const World *w, BaseRandom *r, uint64_t trial, Shot *shot)
{
    Models m;
    MiaAudit audit;
    double x[2], count = w->p[EACH], change = 0;
    (void)trial;
    for (int k = 0; k < MOST_NUMBERS; k++) shot[k] = (Shot){NAN, NAN, NAN, 0};
    make_models(w, r, &m);
    assert_ok(judge(w, &m, &audit));
    const MiaFinding *f = &audit.finding[0];
    shot[OWN] = shot_of(f->at[0].unlearned, coverage_normal(m.lift[0] / sqrt(2 + pow(w->p[CHANGES], 2) * 2)));
    double other_points = coverage_normal(w->p[LEAK] / sqrt(2)) - 0.5;
    if (!(w->skip >> CENTRE & 1)) {
        expected_x(w, r, &m, x);
        shot[CENTRE] = shot_of(f->at[0].retrained, value_of(x[1], count));
        change = value_of(x[0], count) - value_of(x[1], count);
    }
    shot[AUC] = shot_of(f->at[0].difference, change);
    shot[TPR_1] = shot_of(f->at[MIA_STATISTIC_TPR_1].difference, 0);
    shot[LOW_1] = shot_of(f->at[MIA_STATISTIC_LOW_1].difference, 0);
    shot[EQUAL_AUC] = shot_of(f->at[0].equality, other_points);
    shot[EQUAL_TPR] = shot_of(f->at[MIA_STATISTIC_TPR_1].equality, 0);
    shot[WORST] = shot_of(f->worst, 0);
    for (int64_t i = 1; i < audit.count; i++) {
        f = &audit.finding[i];
        if (f->game != MIA_GAME_MODELS) continue;
        shot[M_AUC] = shot_of(f->at[0].difference, 0);
        shot[M_TPR] = shot_of(f->at[MIA_STATISTIC_TPR_1].difference, 0);
        shot[M_EQUAL] = shot_of(f->at[0].equality, 0);
        shot[M_EQUAL_TPR] = shot_of(f->at[MIA_STATISTIC_TPR_1].equality, 0);
    }
    mia_audit_free(&audit);
}

#define OF(numbers) numbers, (int)(sizeof(numbers) / sizeof *(numbers))
#define ALIKE(R, level)                                                                                                \
    {                                                                                                                  \
        "alike, levels vary by " #level, "120 + 120", "1 + " #R, "-", OF(AUDIT), audits,                               \
            .p = {120, R, level, 0, 0, 0, 4}, .quick = 30, .skip = 1 << CENTRE                                         \
    }
#define LEAKING(R)                                                                                                     \
    {                                                                                                                  \
        "leak of 0.5 sd, lifts vary by 0.1", "100 + 100", "1 + " #R, "-", OF(AUDIT), audits,                           \
            .p = {100, R, 0, 0.5, 0.1, 0, 1}, .quick = 10,                                                             \
            .skip = ~(1u << OWN | 1u << CENTRE | 1u << AUC | 1u << EQUAL_AUC)                                          \
    }
static const World AUDITS[] = {
    ALIKE(2, 0.2),
    ALIKE(3, 0.2),
    ALIKE(5, 0.2),
    ALIKE(10, 0.2),
    ALIKE(2, 1),
    ALIKE(3, 1),
    ALIKE(5, 1),
    ALIKE(10, 1),
    LEAKING(2),
    LEAKING(3),
    LEAKING(5),
    LEAKING(10),
    {"alike, the unlearned one changes points (0.5)", "200 + 200", "1 + 5", "-", OF(AUDIT), audits,
     .p = {200, 5, 0.2, 0, 0, 0.5, 1}, .quick = 16, .skip = ~(1u << OWN | 1u << EQUAL_AUC)},
    {"alike, each image five times", "500 + 500", "1 + 5", "100 + 100", OF(AUDIT), audits,
     .p = {500, 5, 0.2, 0, 0, 0, 1, 5}, .quick = 16, .skip = 1 << CENTRE | 1 << WORST},
};

static const Number ALONE[] = {
    {"difference of AUC to 1/2, or to the one retrained", "audit", "mia_audit", CLOSE, 0.95},
};
static void alone(const World *w, BaseRandom *r, uint64_t trial, Shot *shot)
{
    Models m;
    MiaAudit audit;
    (void)trial;
    make_models(w, r, &m);
    assert_ok(judge(w, &m, &audit));
    double other = w->p[RETRAINED] > 0 ? coverage_normal(m.lift[1] / sqrt(2)) : 0.5;
    shot[0] = shot_of(audit.finding[0].at[0].difference, coverage_normal(m.lift[0] / sqrt(2)) - other);
    mia_audit_free(&audit);
}
static const World FEW[] = {
    {"no leak", "50 + 50", "1", "-", OF(ALONE), alone, .p = {50, 0, 0, 0, 0, 0, 1}},
    {"no leak", "200 + 200", "1", "-", OF(ALONE), alone, .p = {200, 0, 0, 0, 0, 0, 1}},
    {"leak of 0.5 sd", "100 + 100", "1", "-", OF(ALONE), alone, .p = {100, 0, 0, 0.5, 0, 0, 1}},
    {"leak of 0.5 sd", "100 + 100", "1 + 1", "-", OF(ALONE), alone, .p = {100, 1, 0.2, 0.5, 0.1, 0, 1}},
    {"leak of 0.5 sd, each image five times", "500 + 500", "1 + 1", "100 + 100", OF(ALONE), alone,
     .p = {500, 1, 0.2, 0.5, 0.1, 0, 1, 5}},
};

/* ------------------------------------------------------------ attacks on groups of models */

/* p: points, models of each kind, sd of a model's level, shift of unlearned models, copies of each point. */
enum { POINTS, OF_EACH, OWN_LEVEL, SHIFT, COPIED };
enum { MOST_GROUP = 17, MOST_ASKED = 3000 };

/* phi of all models and a target; the last logit is 0, of K > 2 classes the others hold noise of the point and model. */
static MiaInput group_input(const World *w, BaseRandom *r, int64_t n, int64_t K, const double level[2 * MOST_GROUP],
                            double *logits, int32_t *labels, uint8_t *role, int32_t *cluster)
{
    int64_t M = (int64_t)w->p[OF_EACH], copies = w->p[COPIED] > 0 ? (int64_t)w->p[COPIED] : 1;
    for (int64_t i = 0; i < n; i++) {
        double point = base_random_normal(r);
        labels[i] = 0;
        role[i] = MIA_MEMBER;
        cluster[i] = (int32_t)(i / copies);
        for (int64_t m = 0; m <= 2 * M; m++) /* unlearned, retrained, the target */
            for (int64_t k = 0; k < K; k++) {
                double *z = logits + (m * n + i) * K + k;
                *z = k == K - 1 ? 0 : 0.5 * base_random_normal(r) + (k == 0 ? point + level[m] : 0);
                if (k == 0 && (m < M || m == 2 * M)) *z += w->p[SHIFT];
                if (i % copies) *z = z[-K];
            }
    }
    return (MiaInput){.N = n,
                      .K = K,
                      .logits = logits + 2 * M * n * K,
                      .labels = labels,
                      .role = role,
                      .cluster = copies > 1 ? cluster : NULL,
                      .U = M,
                      .R = M,
                      .unlearned_logits = logits,
                      .retrained_logits = logits + M * n * K,
                      .seed = 1};
}

static MathEstimate number_of(const char *attack, const MiaInput *in, const char *name)
{
    const MiaAttack *a;
    MiaResult result;
    MathEstimate got = {NAN, NAN, NAN, 0};
    assert_ok(mia_find(attack, &a));
    assert_ok(mia_attack(a, in, NULL, &result));
    for (int i = 0; i < result.number_count; i++)
        if (strcmp(result.numbers[i].name, name) == 0) got = result.numbers[i].value;
    mia_result_free(&result);
    return got;
}

/* Mean over points given these models: the truth is that of many more points. */
enum { KLOM, QUALITY };
static const Number PER_POINT[] = {
    {"klom_mean, given these models", "attack, audit", "math_clusters_mean", AT_LEAST, 0.95},
    {"forgetting_quality, given these models", "attack, audit", "math_clusters_mean", AT_LEAST, 0.95},
};
static void per_point(const World *w, BaseRandom *r, uint64_t trial, Shot *shot)
{
    static const char *const NAMES[][2] = {{"klom", "klom_mean"}, {"epsilon_score", "forgetting_quality"}};
    double level[2 * MOST_GROUP], *logits;
    int32_t labels[MOST_ASKED], cluster[MOST_ASKED];
    uint8_t role[MOST_ASKED];
    World apart = *w; /* the many points need no copies */
    apart.p[COPIED] = 0;
    (void)trial;
    assert_ok(BASE_ALLOC((2 * MOST_GROUP) * 2 * MOST_ASKED, &logits));
    for (int m = 0; m < 2 * MOST_GROUP; m++) level[m] = w->p[OWN_LEVEL] * base_random_normal(r);
    for (int many = 0; many < 2; many++) {
        MiaInput in = group_input(many ? &apart : w, r, many ? MOST_ASKED : (int64_t)w->p[POINTS], 2, level, logits,
                                  labels, role, cluster);
        for (int k = 0; k < 2; k++) {
            MathEstimate e = number_of(NAMES[k][0], &in, NAMES[k][1]);
            if (many)
                shot[k].truth = e.value;
            else
                shot[k] = shot_of(e, NAN);
        }
    }
    base_free(logits);
}
static const World MEANS[] = {
    {"models vary", "100", "8 + 8", "-", OF(PER_POINT), per_point, .p = {100, 8, 0.2, 0}, .quick = 10},
    {"models vary, shift 1", "100", "8 + 8", "-", OF(PER_POINT), per_point, .p = {100, 8, 0.2, 1}, .quick = 10},
    {"models vary, shift 0.3", "30", "16 + 16", "-", OF(PER_POINT), per_point, .p = {30, 16, 0.2, 0.3}, .quick = 10},
    {"models vary, each image five times", "250", "8 + 8", "50", OF(PER_POINT), per_point, .p = {250, 8, 0.2, 1, 5},
     .quick = 10},
};

/* Models left out in turn. The truth: the mean over trials. */
enum { ULIRA, UMIA, OTHERS };
static const Number LEFT_OUT[] = {
    {"loo_balanced_accuracy (ulira)", "attack, audit", "mia_ulira_balanced", AT_LEAST, 0.95},
    {"loo_balanced_accuracy (population_umia)", "attack, audit", "mia_ulira_balanced", AT_LEAST, 0.95},
    {"cv_balanced_accuracy (other_classes)", "attack, audit", "mia_ulira_balanced", AT_LEAST, 0.95},
};
static void left_out(const World *w, BaseRandom *r, uint64_t trial, Shot *shot)
{
    static const char *const NAMES[][2] = {{"ulira", "loo_balanced_accuracy"},
                                           {"population_umia", "loo_balanced_accuracy"},
                                           {"other_classes", "cv_balanced_accuracy"}};
    double level[2 * MOST_GROUP], *logits;
    int32_t labels[MOST_POINTS], cluster[MOST_POINTS];
    uint8_t role[MOST_POINTS];
    int64_t n = (int64_t)w->p[POINTS];
    (void)trial;
    assert_ok(BASE_ALLOC((2 * MOST_GROUP) * 4 * n, &logits));
    for (int m = 0; m < 2 * MOST_GROUP; m++) level[m] = w->p[OWN_LEVEL] * base_random_normal(r);
    MiaInput in = group_input(w, r, n, 4, level, logits, labels, role, cluster);
    for (int64_t i = 0; i < n / 2; i++) role[i] = MIA_NONMEMBER; /* asked are the members */
    for (int k = 0; k < 3; k++) shot[k] = shot_of(number_of(NAMES[k][0], &in, NAMES[k][1]), NAN);
    base_free(logits);
}
static const World GROUPS[] = {
    {"no difference, levels vary by 0.2", "60", "4 + 4", "-", OF(LEFT_OUT), left_out, .p = {60, 4, 0.2, 0},
     .quick = 10},
    {"no difference, levels vary by 0.2", "60", "8 + 8", "-", OF(LEFT_OUT), left_out, .p = {60, 8, 0.2, 0},
     .quick = 10},
    {"no difference, levels vary by 1", "60", "8 + 8", "-", OF(LEFT_OUT), left_out, .p = {60, 8, 1, 0}, .quick = 10},
    {"shift 0.5, levels vary by 0.2", "60", "8 + 8", "-", OF(LEFT_OUT), left_out, .p = {60, 8, 0.2, 0.5}, .quick = 10},
};

/* Learning curves over shadow models: of one target, over points and selections. */
static const Number CURVE[] = {
    {"learning curve, fewest models", "audit", "mia_curve", AT_LEAST, 0.95},
    {"learning curve, half of the models", "audit", "mia_curve", AT_LEAST, 0.95},
    {"learning curve, all models", "audit", "mia_curve", AT_LEAST, 0.95},
};
static void learning_curve(const World *w, BaseRandom *r, uint64_t trial, Shot *shot)
{
    enum { N = 120, S = 8 };
    double target[2 * N] = {0}, shadow[S * 2 * N] = {0};
    uint8_t keep[S * N], role[N];
    int32_t labels[N] = {0};
    MiaCurvePoint curve[MIA_CURVE_POINTS];
    const MiaAttack *attack;
    const char *what;
    int count;
    for (int i = 0; i < N; i++) {
        double point = base_random_normal(r);
        role[i] = i % 2 ? MIA_MEMBER : MIA_NONMEMBER;
        target[2 * i] = point + 0.6 * base_random_normal(r) + (role[i] == MIA_MEMBER ? w->p[0] : 0);
        for (int s = 0; s < S; s += 2) {
            keep[s * N + i] = (uint8_t)base_random_below(r, 2);
            keep[(s + 1) * N + i] = !keep[s * N + i];
        }
        for (int s = 0; s < S; s++)
            shadow[2 * (s * N + i)] = point + 0.6 * base_random_normal(r) + (keep[s * N + i] ? w->p[0] : 0);
    }
    const MiaInput in = {.N = N,
                         .K = 2,
                         .logits = target,
                         .labels = labels,
                         .role = role,
                         .S = S,
                         .shadow_logits = shadow,
                         .shadow_keep = keep,
                         .seed = trial};
    assert_ok(mia_find("attack_r", &attack));
    if (mia_curve(attack, &in, NULL, 4, &what, curve, &count) != BASE_OK) count = 0;
    for (int k = 0; k < 3; k++) shot[k] = k < count ? shot_of(curve[k].value, NAN) : (Shot){NAN, NAN, NAN, NAN};
}
static const World CURVES[] = {
    {"no leak", "60 + 60", "8 shadow", "-", OF(CURVE), learning_curve, .p = {0}, .quick = 30},
    {"leak of 1 sd", "60 + 60", "8 shadow", "-", OF(CURVE), learning_curve, .p = {1}, .quick = 30},
};

static void test_audits(void **state)
{
    (void)state;
    coverage_run("audits", AUDITS, BASE_COUNT(AUDITS));
}
static void test_few(void **state)
{
    (void)state;
    coverage_run("few", FEW, BASE_COUNT(FEW));
}
static void test_means(void **state)
{
    (void)state;
    coverage_run("means", MEANS, BASE_COUNT(MEANS));
}
static void test_groups(void **state)
{
    (void)state;
    coverage_run("groups", GROUPS, BASE_COUNT(GROUPS));
}
static void test_curves(void **state)
{
    (void)state;
    coverage_run("curves", CURVES, BASE_COUNT(CURVES));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_audits), cmocka_unit_test(test_few),    cmocka_unit_test(test_means),
    cmocka_unit_test(test_groups), cmocka_unit_test(test_curves),
};

SUPPORT_MAIN(tests)
