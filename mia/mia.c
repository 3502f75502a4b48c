/* mia/mia.c - checks every array before an attack sees it, then turns its scores into ROC, AUC and a threshold. */
#include "mia/mia.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "math/clusters.h"
#include "math/groups.h"

#define X(name) extern const MiaAttack mia_##name;
#define F(name) extern const BaseRows mia_##name;
#include "mia/list.h"
static const BaseRows *const FILES[] = {
#define X(name) BASE_ROW(mia_##name),
#define F(name) &mia_##name,
#include "mia/list.h"
};
const BaseRegistry mia_registry = {"attack", FILES, BASE_COUNT(FILES), sizeof(MiaAttack)};

const double mia_fprs[MIA_FPRS] = {0.001, 0.01, 0.1};

const MiaWiring mia_wirings[] = {
    {"paper",
     "do unseen images of the forgotten class look like kept training images or like forgotten ones? (Kodge et al. "
     "2024)",
     MIA_SET_RETAIN_TRAIN, MIA_SET_FORGET_TRAIN, MIA_SET_FORGET_TEST, false, true},
    {"salun", "do forgotten training images look like kept training images or like unseen ones? (SalUn)",
     MIA_SET_RETAIN_TRAIN, MIA_SET_RETAIN_TEST, MIA_SET_FORGET_TRAIN, true, false},
    {"forget", "were these very images of the forgotten class trained on?", MIA_SET_FORGET_TRAIN, MIA_SET_FORGET_TEST,
     MIA_SET_NONE, false, false},
    {"retain", "are the kept training images exposed?", MIA_SET_RETAIN_TRAIN, MIA_SET_RETAIN_TEST, MIA_SET_NONE, false,
     false},
};
const size_t mia_wiring_count = BASE_COUNT(mia_wirings);

BaseStatus mia_wiring_find(const char *name, const MiaWiring **out)
{
    const char *names[BASE_COUNT(mia_wirings)];
    char list[128] = "";
    *out = NULL;
    for (size_t i = 0; i < mia_wiring_count; i++) {
        names[i] = mia_wirings[i].name;
        if (strcmp(names[i], name) == 0) *out = &mia_wirings[i];
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    if (*out) return BASE_OK;
    const char *near = base_text_nearest(name, names, mia_wiring_count);
    return base_error_set(BASE_ENOTFOUND, "no wiring of an attack named '%.100s'%s%s%s; there are: %s", name,
                          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "", list);
}

BaseStatus mia_find(const char *name, const MiaAttack **out)
{
    return base_registry_find(&mia_registry, name, (const BaseEntry **)out); /* the entry is its first member */
}

void mia_result_free(MiaResult *result)
{
    if (!result) return;
    base_free(result->score);
    base_free(result->fold);
    math_roc_free(&result->roc);
    *result = (MiaResult){0};
}

void mia_scores_add(MiaScores *scores, const char *name, MathEstimate value)
{
    int at = 0;
    while (at < scores->number_count && strcmp(scores->numbers[at].name, name) != 0) at++;
    if (at == MIA_NUMBERS) return;
    snprintf(scores->numbers[at].name, sizeof scores->numbers[at].name, "%s", name);
    scores->numbers[at].value = value;
    if (at == scores->number_count) scores->number_count++;
}

static BaseStatus check_logits(const double *logits, int64_t rows, int64_t K, const char *what)
{
    for (int64_t i = 0; i < rows * K; i++)
        if (!isfinite(logits[i]))
            return base_error_set(BASE_EARG, "%s: row %lld, class %lld is %g; logits must be finite", what,
                                  (long long)(i / K), (long long)(i % K), logits[i]);
    return BASE_OK;
}

static BaseStatus check_labels(const int32_t *labels, int64_t n, int64_t K, const char *what)
{
    for (int64_t i = 0; i < n; i++)
        if (labels[i] < 0 || labels[i] >= K)
            return base_error_set(BASE_ESHAPE, "%s: the label of point %lld is %d; the logits have classes 0..%lld",
                                  what, (long long)i, (int)labels[i], (long long)K - 1);
    return BASE_OK;
}

static BaseStatus check_needs(const MiaInput *in, unsigned needs)
{
    const struct {
        unsigned need;
        bool have;
        const char *what;
    } parts[] = {
        {MIA_NEEDS_SHADOW, in->S > 0 && in->shadow_logits && in->shadow_keep,
         "shadow models: /shadow/logits [S, N, K] and /shadow/keep [S, N]"},
        {MIA_NEEDS_POPULATION, in->Z > 0 && in->population_logits && in->population_labels,
         "a population: /population/logits [Z, K] and /population/labels [Z]"},
        {MIA_NEEDS_UNLEARNED, in->U > 0 && in->unlearned_logits, "unlearned models: /unlearned/logits [U, N, K]"},
        {MIA_NEEDS_RETRAINED, in->R > 0 && in->retrained_logits, "retrained models: /retrained/logits [R, N, K]"},
        {MIA_NEEDS_SHADOW_POPULATION, in->S > 0 && in->Z > 0 && in->shadow_population_logits,
         "the shadow models' logits of the population: /shadow/population_logits [S, Z, K]"},
        {MIA_NEEDS_ORIGINAL, in->original_logits, "the original's logits: /original/logits [N, K]"},
    };
    for (size_t i = 0; i < BASE_COUNT(parts); i++)
        if ((needs & parts[i].need) && !parts[i].have)
            return base_error_set(BASE_EARG, "this attack needs %s, and the input has none", parts[i].what);
    return BASE_OK;
}

static BaseStatus check_keep(const uint8_t *keep, int64_t models, int64_t N, const char *what)
{
    for (int64_t i = 0; i < models * N; i++)
        if (keep[i] > 1)
            return base_error_set(BASE_EARG, "keep of %s model %lld, point %lld is %d; it must be 0 or 1", what,
                                  (long long)(i / N), (long long)(i % N), keep[i]);
    return BASE_OK;
}

/* What is there is checked whether this attack needs it or not: a broken file is found on the first attack. */
static BaseStatus check_optional(const MiaInput *in)
{
    BaseStatus st = BASE_OK;
    if (in->shadow_logits) BASE_TRY(check_logits(in->shadow_logits, in->S * in->N, in->K, "shadow logits"));
    if (in->shadow_keep) BASE_TRY(check_keep(in->shadow_keep, in->S, in->N, "shadow"));
    if (in->unlearned_keep) BASE_TRY(check_keep(in->unlearned_keep, in->U, in->N, "unlearned"));
    if (in->population_logits) BASE_TRY(check_logits(in->population_logits, in->Z, in->K, "population logits"));
    if (in->population_labels) BASE_TRY(check_labels(in->population_labels, in->Z, in->K, "population"));
    if (in->shadow_population_logits)
        BASE_TRY(check_logits(in->shadow_population_logits, in->S * in->Z, in->K, "shadow population logits"));
    if (in->unlearned_logits) BASE_TRY(check_logits(in->unlearned_logits, in->U * in->N, in->K, "unlearned logits"));
    if (in->retrained_logits) BASE_TRY(check_logits(in->retrained_logits, in->R * in->N, in->K, "retrained logits"));
    if (in->original_logits) BASE_TRY(check_logits(in->original_logits, in->N, in->K, "original logits"));
out:
    return st;
}

BaseStatus mia_input_check(const MiaInput *in, unsigned needs)
{
    BaseStatus st = BASE_OK;
    int64_t count[3] = {0, 0, 0};
    BASE_CHECK(in->N >= 2 && in->logits && in->labels && in->role, BASE_ESHAPE,
               "an attack needs logits, labels and roles of at least 2 points, not %lld", (long long)in->N);
    BASE_CHECK(in->K >= 2, BASE_ESHAPE, "an attack needs logits of at least 2 classes, not %lld", (long long)in->K);
    for (int64_t i = 0; i < in->N; i++) {
        BASE_CHECK(in->role[i] <= MIA_AUDITED, BASE_EARG,
                   "the role of point %lld is %d; roles are 0 (non-member), 1 (member), 2 (audited)", (long long)i,
                   in->role[i]);
        count[in->role[i]]++;
    }
    BASE_CHECK(count[MIA_NONMEMBER] > 0 || (needs & MIA_WITHOUT_ROLES), BASE_EARG,
               "none of the %lld points is a non-member (role 0); an attack needs both kinds", (long long)in->N);
    BASE_CHECK(count[MIA_MEMBER] > 0 || (needs & MIA_WITHOUT_ROLES), BASE_EARG,
               "none of the %lld points is a member (role 1); an attack needs both kinds", (long long)in->N);
    BASE_TRY(check_labels(in->labels, in->N, in->K, "target"));
    BASE_TRY(check_logits(in->logits, in->N, in->K, "target logits"));
    BASE_TRY(check_needs(in, needs));
    BASE_TRY(check_optional(in));
out:
    return st;
}

/* Folds that lack members or non-members compare nothing. */
static BaseStatus check_folds(const MiaInput *in, int32_t *fold)
{
    BaseStatus st = BASE_OK;
    MathGroups folds = {0};
    BASE_TRY(math_groups_make(fold, in->N, false, &folds));
    for (int64_t f = 0; f < folds.count; f++) {
        int64_t count[3] = {0, 0, 0};
        for (int64_t k = folds.start[f]; k < folds.start[f + 1]; k++) count[in->role[folds.point[k]]]++;
        bool compares = count[MIA_MEMBER] > 0 && count[MIA_NONMEMBER] > 0;
        for (int64_t k = folds.start[f]; k < folds.start[f + 1]; k++)
            if (!compares || in->role[folds.point[k]] == MIA_AUDITED) fold[folds.point[k]] = -1;
    }
out:
    math_groups_free(&folds);
    return st;
}

BaseStatus mia_input_clusters(const MiaInput *in, MiaRole role, int32_t **out)
{
    int64_t n = 0;
    *out = NULL;
    if (!in->cluster) return BASE_OK;
    BaseStatus st = BASE_ALLOC_RAW(in->N, out);
    for (int64_t i = 0; st == BASE_OK && i < in->N; i++)
        if (in->role[i] == role) (*out)[n++] = in->cluster[i];
    return st;
}

/* Members and non-members that are compared, packed. */
typedef struct {
    double *score, *placed; /* placed: on one scale for all folds; NULL: score is */
    uint8_t *member;
    int32_t *cluster, *fold; /* NULL: none */
    int64_t n, members;
} Points;

static void points_free(Points *p)
{
    base_free(p->score);
    base_free(p->placed);
    base_free(p->member);
    base_free(p->cluster);
    base_free(p->fold);
}

static BaseStatus points_make(const MiaInput *in, const MiaResult *result, Points *p)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(in->N, &p->score));
    BASE_TRY(BASE_ALLOC_RAW(in->N, &p->member));
    if (in->cluster) BASE_TRY(BASE_ALLOC_RAW(in->N, &p->cluster));
    if (result->fold) BASE_TRY(BASE_ALLOC_RAW(in->N, &p->fold));
    for (int64_t i = 0; i < in->N; i++) {
        if (in->role[i] == MIA_AUDITED || (result->fold && result->fold[i] < 0)) continue;
        if (result->fold) p->fold[p->n] = result->fold[i];
        p->score[p->n] = result->score[i];
        p->member[p->n] = in->role[i] == MIA_MEMBER;
        if (in->cluster) p->cluster[p->n] = in->cluster[i];
        p->members += p->member[p->n++];
    }
    if (!result->fold || p->members == 0 || p->members == p->n) goto out;
    BASE_TRY(BASE_ALLOC_RAW(p->n, &p->placed));
    BASE_TRY(math_roc_within(p->score, p->member, p->fold, p->n, p->placed));
out:
    return st;
}

/* Keeps one point of each cluster. */
static BaseStatus points_thin(Points *p, uint64_t seed)
{
    BaseStatus st = BASE_OK;
    uint8_t *drawn = NULL;
    int64_t n = p->n;
    if (!p->cluster) return BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(n, &drawn));
    BASE_TRY(math_clusters_draw(p->cluster, n, seed, drawn));
    p->n = p->members = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!drawn[i]) continue;
        p->score[p->n] = p->score[i];
        if (p->placed) p->placed[p->n] = p->placed[i];
        p->member[p->n] = p->member[i];
        p->members += p->member[p->n++];
    }
out:
    base_free(drawn);
    return st;
}

/* What takes points as independent draws; and what holds at its level only where the scores are not fitted to them. */
static BaseStatus judge_independent(const MiaInput *in, const Points *p, MiaResult *result)
{
    BaseStatus st = BASE_OK;
    MathRoc roc = {0};
    bool enough = p->members > 1 && p->n - p->members > 1;
    for (int i = 0; i < MIA_FPRS; i++) result->tpr[i].n = p->n - p->members;
    if (p->members == 0 || p->members == p->n) goto out;
    BASE_TRY(math_roc(p->placed ? p->placed : p->score, p->member, p->n, &roc));
    for (int i = 0; i < MIA_FPRS; i++) result->tpr[i] = math_roc_tpr_at_fpr(&roc, mia_fprs[i]);
    if (result->own_threshold && result->fitted != MIA_FITTED)
        BASE_TRY(math_holdout_balanced(p->score, p->member, p->n, result->threshold, 0.95, &result->holdout));
    if (!result->own_threshold && enough && result->fitted != MIA_FITTED)
        BASE_TRY(math_holdout_best_balanced(p->score, p->member, p->n, in->seed, 0.95, &result->holdout));
    if (result->fitted != MIA_UNFITTED) goto out;
    BASE_TRY(
        math_epsilon_simultaneous(p->score, p->member, p->n, MIA_EPSILON_DELTA, MIA_EPSILON_ALPHA, &result->epsilon));
    BASE_TRY(math_epsilon_gaussian(p->score, p->member, p->n, MIA_EPSILON_DELTA, MIA_EPSILON_ALPHA,
                                   &result->epsilon_gaussian));
out:
    math_roc_free(&roc);
    return st;
}

static void no_bounds(MiaResult *result)
{
    const MathEstimate none = {NAN, NAN, NAN, 0};
    result->holdout = (MathBalanced){none, none, none, NAN};
    result->epsilon = (MathEpsilon){MATH_EPSILON_SIMULTANEOUS, NAN, NAN, NAN, NAN, MIA_EPSILON_DELTA,
                                    MIA_EPSILON_ALPHA,         NAN, 0,   0,   0};
    result->epsilon_gaussian = result->epsilon;
    result->epsilon_gaussian.method = MATH_EPSILON_GAUSSIAN;
}

static void no_intervals(MiaResult *result)
{
    result->auc.lo = result->auc.hi = NAN;
    for (int i = 0; i < MIA_FPRS; i++) result->tpr[i].lo = result->tpr[i].hi = NAN;
}

/* ROC, AUC and the threshold from the scores of roles 0 and 1. */
static BaseStatus judge_roles(const MiaInput *in, MiaResult *result)
{
    BaseStatus st = BASE_OK;
    Points p = {0};
    double highest = -INFINITY;
    BASE_TRY(points_make(in, result, &p));
    for (int64_t i = 0; i < in->N; i++) highest = fmax(highest, result->score[i]);
    no_bounds(result);
    result->auc = (MathAuc){NAN, NAN, NAN, NAN, p.members, p.n - p.members};
    for (int i = 0; i < MIA_FPRS; i++) result->tpr[i] = (MathTprAtFpr){NAN, NAN, NAN, NAN, NAN, p.n - p.members};
    if (p.members == 0 || p.members == p.n) goto out; /* mia_input_check has let it through: MIA_WITHOUT_ROLES */
    if (result->unranked) goto out;
    const double *ranked = p.placed ? p.placed : p.score;
    BASE_TRY(math_roc(ranked, p.member, p.n, &result->roc));
    BASE_TRY(math_clusters_auc(ranked, p.member, p.cluster, p.n, 0.95, &result->auc));
    if (!result->own_threshold) {
        math_roc_best_balanced(&result->roc, &result->threshold);
        if (isinf(result->threshold)) result->threshold = nextafter(highest, INFINITY); /* "nobody", as a number */
    }
    BASE_TRY(points_thin(&p, in->seed));
    BASE_TRY(judge_independent(in, &p, result));
    if (result->fitted == MIA_FITTED) no_intervals(result);
out:
    points_free(&p);
    return st;
}

/* The share of role 2 that is called member, and of those that are not. */
static BaseStatus judge_audited(const MiaInput *in, MiaResult *result)
{
    BaseStatus st = BASE_OK;
    uint8_t *yes = NULL;
    int32_t *cluster = NULL;
    int64_t n = 0;
    BASE_TRY(BASE_ALLOC_RAW(in->N, &yes));
    BASE_TRY(mia_input_clusters(in, MIA_AUDITED, &cluster));
    for (int64_t i = 0; i < in->N && !isnan(result->threshold); i++)
        if (in->role[i] == MIA_AUDITED) yes[n++] = result->score[i] >= result->threshold;
    BASE_TRY(math_clusters_share(yes, cluster, n, 0.95, &result->member_share));
    for (int64_t i = 0; i < n; i++) yes[i] = !yes[i];
    BASE_TRY(math_clusters_share(yes, cluster, n, 0.95, &result->efficacy));
out:
    base_free(yes);
    base_free(cluster);
    return st;
}

/* What the threshold says of roles 0 and 1; NaN where there is none. */
static void judge_threshold(const MiaInput *in, MiaResult *result)
{
    int64_t tp = 0, tn = 0, count[3] = {0, 0, 0};
    bool none = isnan(result->threshold);
    for (int64_t i = 0; i < in->N; i++) {
        if (in->role[i] != MIA_AUDITED && result->fold && result->fold[i] < 0) continue;
        bool yes = result->score[i] >= result->threshold;
        tp += in->role[i] == MIA_MEMBER && yes;
        tn += in->role[i] == MIA_NONMEMBER && !yes;
        count[in->role[i]]++;
    }
    result->balanced_accuracy =
        none || !count[MIA_MEMBER] || !count[MIA_NONMEMBER]
            ? NAN
            : ((double)tp / (double)count[MIA_MEMBER] + (double)tn / (double)count[MIA_NONMEMBER]) / 2;
}

BaseStatus mia_attack(const MiaAttack *attack, const MiaInput *input, const void *params, MiaResult *out)
{
    BaseStatus st = BASE_OK;
    MiaResult result = {0};
    MiaScores scores = {.threshold = NAN};
    void *defaults = NULL;
    double start = base_clock_wall();
    *out = (MiaResult){0};
    BASE_TRY(mia_input_check(input, attack->needs));
    if (!params && attack->entry.params_size) {
        BASE_TRY(base_alloc_bytes(1, attack->entry.params_size, &defaults));
        base_param_defaults(attack->entry.params, attack->entry.param_count, defaults);
        params = defaults;
    }
    BASE_TRY(BASE_ALLOC(input->N, &scores.score));
    result.score = scores.score;
    st = attack->score(input, params, &scores);
    result.fold = scores.fold;
    if (st != BASE_OK) goto out;
    if (result.fold) BASE_TRY(check_folds(input, result.fold));
    for (int64_t i = 0; i < input->N; i++)
        BASE_CHECK(isfinite(scores.score[i]), BASE_ENUMERIC, "the score of point %lld is %g; scores must be finite",
                   (long long)i, scores.score[i]);
    result.own_threshold = !isnan(scores.threshold);
    result.threshold = scores.threshold;
    result.fitted = scores.fitted;
    result.unranked = scores.unranked;
    BASE_TRY(judge_roles(input, &result));
    judge_threshold(input, &result);
    BASE_TRY(judge_audited(input, &result));
    bool chosen = !result.own_threshold && !isnan(result.threshold);
    snprintf(result.notes, sizeof result.notes, "%.400s%s%s", scores.notes, *scores.notes && chosen ? "; " : "",
             chosen ? "threshold chosen on the judged points: balanced_accuracy is optimistic, "
                      "balanced_accuracy_holdout is not"
                    : "");
    memcpy(result.numbers, scores.numbers, sizeof result.numbers);
    result.number_count = scores.number_count;
    result.seconds = base_clock_wall() - start;
    *out = result;
    result = (MiaResult){0};
out:
    if (st != BASE_OK) base_error_prefix(st, "attack %s", attack->entry.name);
    base_free(defaults);
    mia_result_free(&result);
    return st;
}
