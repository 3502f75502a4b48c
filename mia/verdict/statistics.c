/* mia/verdict/statistics.c - AUC within classes and true-positive rates of every model of a game. */
#include "mia/verdict/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "math/clusters.h"
#include "math/special.h"
#include "mia/verdict/epsilon.h"

const char *mia_game_name(MiaGame game)
{
    static const char *const NAMES[] = {"forget", "models", "retain"};
    return NAMES[game];
}

const char *mia_game_question(MiaGame game)
{
    static const char *const QUESTIONS[] = {
        "can an attacker tell forgotten training points from held-out points of their class?",
        "can an attacker tell the unlearned model from a retrained one?",
        "are training points of the kept classes more exposed than after retraining?"};
    return QUESTIONS[game];
}

const char *mia_statistic_name(MiaStatistic statistic)
{
    static const char *const NAMES[] = {"AUC", "TPR at FPR 1%", "TPR at FPR 0.1%", "share below the lowest 1%",
                                        "z of epsilon > 0"};
    return NAMES[statistic];
}

double mia_statistic_fpr(MiaStatistic statistic)
{
    static const double FPRS[] = {NAN, 0.01, 0.001, 0.01, NAN};
    return FPRS[statistic];
}

/* How an x becomes a difference of values. SHARED: a share of every model's points, of which the AUC between two-valued
 * models is half the difference. AGAINST: an AUC against the others, 1/2 where alike. ITSELF: x is the value. */
enum { PLAIN, SHARED, AGAINST, ITSELF };

/* A score, its point, and which model's it is. */
typedef struct {
    double score;
    int32_t point, model;
} Place;

static int descending(const void *a, const void *b)
{
    const Place *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    if (x->model != y->model) return x->model < y->model ? -1 : 1;
    return (x->point > y->point) - (x->point < y->point);
}

static double probit(double value, double count) { return math_normal_quantile((value * count + 0.5) / (count + 1)); }

static double back(double x, double count)
{
    if (isnan(x)) return x;
    double value = ((1 - math_normal_upper(x)) * (count + 1) - 0.5) / count;
    return fmin(fmax(value, 0), 1);
}

/* dx / dvalue */
static double steepness(double value, double count)
{
    return count / (count + 1) / math_normal_density(probit(value, count));
}

/* The variance of an x of a share of count points, the mean over models. */
static double binomial_floor(const MiaRow *row, int64_t M)
{
    double sum = 0;
    for (int64_t m = 0; m < M; m++) {
        double q = (row->value[m] * row->count + 0.5) / (row->count + 1), slope = steepness(row->value[m], row->count);
        sum += q * (1 - q) / row->count * slope * slope / (double)M;
    }
    return sum;
}

static bool is_two_valued(const double *const *model, int64_t M, int64_t n)
{
    double first = model[0][0], second = NAN;
    for (int64_t m = 0; m < M; m++)
        for (int64_t i = 0; i < n; i++) {
            double s = model[m][i];
            if (s == first || s == second) continue;
            if (!isnan(second)) return false;
            second = s;
        }
    return true;
}

/* ------------------------------------------------------------ the work on one game */

typedef struct {
    const MiaGameScores *game;
    MiaGame which;
    const double *const *model;
    int64_t M, n;
    bool two_valued, apart;
    MathGroups clusters;
    double *influence; /* [M, n] what each point adds to a model's value, times the points */
    Place *place;      /* [M, n] in "models" */
    double *work;      /* [M + 1, n] standardised scores, and what passes */
    uint8_t *counts;   /* [n] the point is compared: its class (and fold) has members and non-members */
    uint8_t *kind;     /* [n] membership of some of the points, packed */
    MiaTable *out;
} Work;

enum { MEMBERS, EVERYBODY };
/* Compared points for each of their clusters, which stand and fall together: the least that a share varies by, in units of
 * what it would if they did not. */
static double per_cluster(const Work *w, int who)
{
    int64_t points = 0, clusters = 0;
    for (int64_t g = 0; g < w->clusters.count; g++) {
        int64_t own = 0;
        for (int64_t k = w->clusters.start[g]; k < w->clusters.start[g + 1]; k++) {
            int64_t i = w->clusters.point[k];
            own += w->counts[i] && (who == EVERYBODY || w->game->member[i]);
        }
        points += own;
        clusters += own > 0;
    }
    return clusters ? (double)points / (double)clusters : 1;
}

static double variance_of_auc(const Work *w, const double *v)
{
    MathClustersAuc part = math_clusters_auc_variance(v, w->game->member, w->counts, &w->clusters);
    double sum = part.of[0] + part.of[1] + part.both;
    return sum < 0 ? 0 : sum; /* by rounding alone; NaN: one cluster of a kind shows no spread */
}

/* Variance over points of (model m - mean of the others). */
static double paired_variance(const Work *w, int64_t m, const double *total, double *difference)
{
    for (int64_t i = 0; i < w->n; i++) {
        double own = w->influence[m * w->n + i];
        difference[i] = own - (total[i] - own) / (double)(w->M - 1);
    }
    if (w->which == MIA_GAME_MODELS) return math_clusters_variance(difference, w->counts, &w->clusters);
    return variance_of_auc(w, difference);
}

/* Of every model; and what row 0's points vary by beyond the others': a point's own noise under each model is in both. */
static void pair_up(const Work *w, MiaRow *row)
{
    double *total = w->work, *difference = w->work + w->n, others = 0;
    if (w->M < 2) return;
    for (int64_t i = 0; i < w->n; i++) {
        total[i] = 0;
        for (int64_t m = 0; m < w->M; m++) total[i] += w->influence[m * w->n + i];
    }
    for (int64_t m = 0; m < w->M; m++) {
        row->paired[m] = paired_variance(w, m, total, difference);
        others += m > 0 && w->M > 2 ? row->paired[m] / (double)(w->M - 1) : 0;
    }
    row->points = row->paired[0] < others ? 0 : row->paired[0] - others;
}

/* Placements of model m's points among those of the other kind in their class. The AUC is the mean over members, so that a
 * non-member's part is its placement by its class's share of the members over its share of the non-members. */
static BaseStatus placements(Work *w, int64_t m, const int32_t *point, int64_t n, int64_t members)
{
    BaseStatus st = BASE_OK;
    double *score = w->work, *placed = w->work + w->n;
    for (int64_t k = 0; k < n; k++) {
        score[k] = w->model[m][point[k]];
        w->kind[k] = w->game->member[point[k]];
    }
    BASE_TRY(math_auc_placements(score, w->kind, n, placed));
    for (int64_t k = 0; k < n; k++)
        w->influence[m * w->n + point[k]] = placed[k] * (w->kind[k] ? 1 : (double)members / (double)(n - members));
out:
    return st;
}

/* Marks the points of groups that have both kinds; false: none has. A group of a fold < 0 compares nothing. */
static bool mark_compared(Work *w, const MathGroups *groups, bool folds)
{
    bool any = false;
    for (int64_t g = 0; g < groups->count; g++) {
        int64_t n = groups->start[g + 1] - groups->start[g], P = 0;
        const int32_t *point = groups->point + groups->start[g];
        for (int64_t k = 0; k < n; k++) P += w->game->member[point[k]];
        bool compared = P > 0 && P < n && !(folds && w->game->fold[point[0]] < 0);
        for (int64_t k = 0; k < n; k++) w->counts[point[k]] = compared;
        any = any || compared;
    }
    return any;
}

/* The classes, cut into folds if there are any. Where no part has both kinds the classes stay whole: better than no AUC,
 * and what it is compared with is as biased. */
static BaseStatus strata_make(Work *w, const MathGroups *classes, MathGroups *out)
{
    BaseStatus st = BASE_OK;
    int32_t *key = NULL, folds = 0;
    const int32_t *fold = w->game->fold;
    BASE_TRY(BASE_ALLOC_RAW(w->n, &key));
    for (int64_t i = 0; fold && i < w->n; i++) folds = fold[i] >= folds ? fold[i] + 1 : folds;
    for (int64_t c = 0; c < classes->count; c++)
        for (int64_t k = classes->start[c]; k < classes->start[c + 1]; k++) {
            int64_t i = classes->point[k];
            key[i] = !fold ? (int32_t)c : fold[i] < 0 ? -1 : (int32_t)c * folds + fold[i];
        }
    BASE_TRY(math_groups_make(key, w->n, false, out));
    if (mark_compared(w, out, fold != NULL)) goto out;
    math_groups_free(out);
    BASE_TRY(math_groups_make(w->game->label, w->n, false, out));
    BASE_CHECK(mark_compared(w, out, false), BASE_EARG, "no class has both members and non-members");
out:
    base_free(key);
    return st;
}

static BaseStatus auc_within(Work *w, const MathGroups *strata)
{
    BaseStatus st = BASE_OK;
    MiaRow *row = &w->out->row[MIA_STATISTIC_AUC];
    int64_t members = 0, others = 0;
    bool coarse = w->two_valued;
    for (int64_t s = 0; s < strata->count; s++) {
        const int32_t *point = strata->point + strata->start[s];
        int64_t n = strata->start[s + 1] - strata->start[s], P = 0;
        if (!w->counts[point[0]]) continue;
        for (int64_t k = 0; k < n; k++) P += w->game->member[point[k]];
        members += P;
        others += n - P;
        for (int64_t m = 0; m < w->M; m++) BASE_TRY(placements(w, m, point, n, P));
    }
    row->count = (double)base_smaller(members, others);
    for (int64_t m = 0; m < w->M; m++) {
        double *influence = w->influence + m * w->n;
        for (int64_t i = 0; i < w->n; i++) {
            if (w->game->member[i])
                row->value[m] += influence[i];
            else
                influence[i] *= (double)others / (double)members;
        }
        row->value[m] /= (double)members; /* the sum first: halves are exact, so that all ties are exactly 1/2 */
        row->x[m] = probit(row->value[m], row->count);
        coarse = coarse || fmin(row->value[m], 1 - row->value[m]) * row->count < 2; /* a point or two decide */
    }
    for (int64_t m = 0; coarse && m < w->M; m++) {
        double slope = steepness(row->value[m], row->count);
        double over_points = variance_of_auc(w, w->influence + m * w->n);
        row->floor += isnan(over_points) ? 0 : over_points * slope * slope / (double)w->M;
    }
    MathClustersAuc own = math_clusters_auc_variance(w->influence, w->game->member, w->counts, &w->clusters);
    row->clusters = (double)own.fewest;
    row->own = own.of[0] + own.of[1] + own.both;
    pair_up(w, row);
    row->scale = PLAIN;
    row->defined = true;
out:
    return st;
}

/* Each score less the median of its class's non-members (@p all: of its class), over their interquartile range: shifts and
 * widths of a class, which members and non-members share, move no threshold. One class, or no spread: as they are. */
static void standardise(Work *w, const MathGroups *classes, bool all, double *held_out)
{
    for (int64_t m = 0; m < w->M; m++) {
        double *to = w->work + m * w->n;
        memcpy(to, w->model[m], (size_t)w->n * sizeof *to);
        for (int64_t c = 0; c < classes->count && classes->count > 1; c++) {
            const int32_t *point = classes->point + classes->start[c];
            int64_t N = 0, n = classes->start[c + 1] - classes->start[c];
            for (int64_t k = 0; k < n; k++)
                if (all || !w->game->member[point[k]]) held_out[N++] = to[point[k]];
            if (N == 0) continue;
            qsort(held_out, (size_t)N, sizeof *held_out, base_ascending_f64);
            double range = math_stats_quantile(held_out, N, 0.75) - math_stats_quantile(held_out, N, 0.25);
            double middle = math_stats_quantile(held_out, N, 0.5);
            for (int64_t k = 0; k < n; k++) to[point[k]] = (to[point[k]] - middle) / (range > 0 ? range : 1);
        }
    }
}

/* The rates of every model over the classes with both kinds; from below, those of the negated scores. Folds are not told
 * apart, which moves the rates of all models alike: few have the points for a rate of their own. */
static BaseStatus rates_within(Work *w, const MathGroups *classes)
{
    BaseStatus st = BASE_OK;
    double *score = NULL;
    MathRoc roc = {0};
    BASE_TRY(BASE_ALLOC(w->n, &score));
    standardise(w, classes, false, score);
    (void)mark_compared(w, classes, false);
    for (int64_t m = 0; m < w->M; m++)
        for (int low = 0; low < 2; low++) {
            int64_t n = 0;
            for (int64_t i = 0; i < w->n; i++) {
                if (!w->counts[i]) continue;
                score[n] = (low ? -1 : 1) * w->work[m * w->n + i];
                w->kind[n++] = w->game->member[i];
            }
            math_roc_free(&roc);
            BASE_TRY(math_roc(score, w->kind, n, &roc));
            for (int s = MIA_STATISTIC_TPR_1; s <= MIA_STATISTIC_LOW_1; s++) {
                MiaRow *row = &w->out->row[s];
                if ((s == MIA_STATISTIC_LOW_1) != low) continue;
                row->value[m] = math_roc_tpr(&roc, mia_statistic_fpr((MiaStatistic)s));
                row->defined = !isnan(row->value[m]);
                row->count = (double)roc.P;
                if (row->defined) row->x[m] = probit(row->value[m], row->count);
            }
        }
    for (int s = MIA_STATISTIC_TPR_1; s <= MIA_STATISTIC_LOW_1; s++)
        if (w->out->row[s].defined)
            w->out->row[s].floor = binomial_floor(&w->out->row[s], w->M) * per_cluster(w, MEMBERS);
out:
    math_roc_free(&roc);
    base_free(score);
    return st;
}

/* ------------------------------------------------------------ epsilon */

static BaseStatus epsilon_within(Work *w, const MathGroups *classes)
{
    BaseStatus st = BASE_OK;
    MiaRow *row = &w->out->row[MIA_STATISTIC_EPSILON];
    double *score = NULL;
    uint8_t *counts = NULL;
    BASE_TRY(BASE_ALLOC(w->n, &score));
    BASE_TRY(BASE_ALLOC_RAW(w->n, &counts));
    memset(counts, 1, (size_t)w->n);
    if (w->M <= 2 && w->game->cluster) /* then its p is all there is: of independent points */
        BASE_TRY(math_clusters_draw(w->game->cluster, w->n, w->game->seed, counts));
    row->count = 0;
    for (int64_t i = 0; i < w->n; i++) row->count += counts[i] = counts[i] && w->counts[i];
    standardise(w, classes, true, score);
    for (int64_t m = 0; m < w->M; m++) {
        /* against two or more models classes need not be apart, since all are compared by the same number */
        BASE_TRY(mia_epsilon_quantile(w->work + m * w->n, w->game->member, counts, w->M > 2 ? NULL : classes, w->n,
                                      &row->x[m], &row->looks));
        row->value[m] = row->x[m];
    }
    row->defined = row->looks > 0;
    row->scale = ITSELF;
    row->floor = per_cluster(w, EVERYBODY); /* 1 of one normal quantile; the largest of several varies less */
out:
    base_free(score);
    base_free(counts);
    return st;
}

/* ------------------------------------------------------------ the game "models" */

/* Every model's points among the others': influence is a point's placement, its mean the AUC. */
static void auc_against(Work *w)
{
    MiaRow *row = &w->out->row[MIA_STATISTIC_AUC];
    int64_t total = w->M * w->n;
    double others = (double)(total - w->n);
    double *over = row->x; /* how many of each model lie above, until x is filled */
    for (int64_t m = 0; m < w->M; m++) over[m] = 0;
    for (int64_t at = 0, all = 0; at < total;) {
        int64_t end = at;
        while (end < total && w->place[end].score == w->place[at].score) end++;
        /* tied ones of the same model are taken out of a point's ties below */
        for (int64_t start = at; start < end;) {
            int64_t stop = start, m = w->place[start].model;
            while (stop < end && w->place[stop].model == m) stop++;
            double higher = (double)all - over[m], tied = (double)(end - at) - (double)(stop - start);
            for (int64_t k = start; k < stop; k++)
                w->influence[m * w->n + w->place[k].point] = 1 - (higher + tied / 2) / others;
            start = stop;
        }
        for (; at < end; at++) {
            over[w->place[at].model]++;
            all++;
        }
    }
    row->count = (double)w->n;
    row->scale = AGAINST;
    for (int64_t m = 0; m < w->M; m++) {
        row->value[m] = 0;
        for (int64_t i = 0; i < w->n; i++) row->value[m] += w->influence[m * w->n + i] / (double)w->n;
    }
    for (int64_t m = 0; m < w->M; m++)
        row->x[m] = probit(row->value[m], row->count) * (double)(w->M - 1) / (double)w->M;
}

/* Two-valued: the share of the higher value; what shifts models moves its probit alike, not that of the AUC. */
static void share_of_higher(Work *w)
{
    MiaRow *row = &w->out->row[MIA_STATISTIC_AUC];
    double highest = w->place[0].score;
    MiaRow share = *row;
    share.value = w->work;
    for (int64_t m = 0; m < w->M; m++) {
        share.value[m] = 0;
        for (int64_t i = 0; i < w->n; i++) share.value[m] += (w->model[m][i] == highest) / (double)w->n;
        row->x[m] = probit(share.value[m], row->count);
    }
    row->floor = binomial_floor(&share, w->M) * per_cluster(w, EVERYBODY);
    row->scale = SHARED;
}

/* For a walk over the places from one end: how many of each model were passed, and how many there are at this score. */
typedef struct {
    int64_t *passed, *here; /* [M] */
} Walk;

/* Fills value with, for every model, the share of its points above the k-th largest of those it is compared with, k =
 * fpr (their number + 1), linear between whole k, ties half; from below where @p low. One walk for all models. */
static void walk(const Work *w, double fpr, bool low, Walk *walk, double *value)
{
    int64_t total = w->M * w->n, all = 0;
    memset(walk->passed, 0, (size_t)w->M * sizeof *walk->passed);
    for (int64_t m = 0; m < w->M; m++) value[m] = 0;
    for (int64_t start = 0; start < total;) {
        int64_t end = start, group = 0;
        bool open = false;
        memset(walk->here, 0, (size_t)w->M * sizeof *walk->here);
        for (; end < total; end++) {
            const Place *p = &w->place[low ? total - 1 - end : end];
            if (p->score != w->place[low ? total - 1 - start : start].score) break;
            walk->here[p->model]++;
            group++;
        }
        for (int64_t m = 0; m < w->M; m++) {
            int64_t left_out = w->apart && m > 0; /* the judged model's points do not count */
            double others = (double)((w->M - 1 - left_out) * w->n), k = fpr * (others + 1), part = k - floor(k);
            int64_t theirs = all - walk->passed[m] - (left_out ? walk->passed[0] : 0);
            int64_t theirs_here = group - walk->here[m] - (left_out ? walk->here[0] : 0);
            for (int end_of = 0; end_of < 2; end_of++) {
                int64_t at = (int64_t)k + end_of;
                double weight = end_of ? part : 1 - part;
                if (theirs < at && at <= theirs + theirs_here)
                    value[m] += weight * ((double)walk->passed[m] + (double)walk->here[m] / 2) / (double)w->n;
            }
            open = open || theirs + theirs_here < (int64_t)k + 1;
        }
        for (int64_t m = 0; m < w->M; m++) walk->passed[m] += walk->here[m];
        all += group;
        start = end;
        if (!open) break;
    }
}

static BaseStatus rates_against(Work *w)
{
    BaseStatus st = BASE_OK;
    Walk counts = {0};
    BASE_TRY(BASE_ALLOC(w->M, &counts.passed));
    BASE_TRY(BASE_ALLOC(w->M, &counts.here));
    for (int s = MIA_STATISTIC_TPR_1; s <= MIA_STATISTIC_LOW_1; s++) {
        MiaRow *row = &w->out->row[s];
        double fpr = mia_statistic_fpr((MiaStatistic)s);
        double fewest = (double)((w->M - 1 - (w->apart && w->M > 1)) * w->n);
        row->defined = fpr * (fewest + 1) >= 1;
        if (!row->defined) continue;
        row->count = (double)w->n;
        walk(w, fpr, s == MIA_STATISTIC_LOW_1, &counts, row->value);
        for (int64_t m = 0; m < w->M; m++) row->x[m] = probit(row->value[m], row->count);
        row->floor = binomial_floor(row, w->M) * per_cluster(w, EVERYBODY);
    }
out:
    base_free(counts.passed);
    base_free(counts.here);
    return st;
}

static BaseStatus against_models(Work *w)
{
    BaseStatus st = BASE_OK;
    MiaRow *row = &w->out->row[MIA_STATISTIC_AUC];
    BASE_CHECK(w->M >= 2, BASE_EARG, "one model: nothing to compare it with");
    for (int64_t m = 0; m < w->M; m++)
        for (int64_t i = 0; i < w->n; i++) w->place[m * w->n + i] = (Place){w->model[m][i], (int32_t)i, (int32_t)m};
    memset(w->counts, 1, (size_t)w->n);
    qsort(w->place, (size_t)(w->M * w->n), sizeof *w->place, descending);
    auc_against(w);
    pair_up(w, row);
    row->defined = true;
    if (w->two_valued)
        share_of_higher(w);
    else
        BASE_TRY(rates_against(w));
out:
    return st;
}

BaseStatus mia_statistics(const MiaGameScores *game, MiaGame which, const double *const *model, int64_t M, bool apart,
                          MiaTable *out)
{
    BaseStatus st = BASE_OK;
    MiaTable table = {.M = M};
    Work w = {.game = game, .which = which, .model = model, .M = M, .n = game->n, .apart = apart, .out = &table};
    MathGroups classes = {0}, strata = {0};
    *out = (MiaTable){0};
    BASE_TRY(BASE_ALLOC(3 * MIA_STATISTICS * M, &table.store));
    for (int s = 0; s < MIA_STATISTICS; s++) {
        table.row[s].value = table.store + 3 * s * M;
        table.row[s].x = table.row[s].value + M;
        table.row[s].paired = table.row[s].x + M;
    }
    w.two_valued = is_two_valued(model, M, game->n);
    BASE_TRY(math_groups_make(game->cluster, game->n, true, &w.clusters));
    BASE_TRY(BASE_ALLOC(M * game->n, &w.influence));
    BASE_TRY(BASE_ALLOC((M + 1) * game->n, &w.work));
    BASE_TRY(BASE_ALLOC(game->n, &w.counts));
    BASE_TRY(BASE_ALLOC(game->n, &w.kind));
    if (which == MIA_GAME_MODELS) {
        BASE_TRY(BASE_ALLOC(M * game->n, &w.place));
        BASE_TRY(against_models(&w));
    } else {
        BASE_TRY(math_groups_make(game->label, game->n, false, &classes));
        BASE_TRY(strata_make(&w, &classes, &strata));
        BASE_TRY(auc_within(&w, &strata));
        if (!w.two_valued) BASE_TRY(rates_within(&w, &classes));
        BASE_TRY(epsilon_within(&w, &classes));
    }
    *out = table;
    table.store = NULL;
out:
    math_groups_free(&classes);
    math_groups_free(&strata);
    math_groups_free(&w.clusters);
    base_free(w.influence);
    base_free(w.work);
    base_free(w.place);
    base_free(w.counts);
    base_free(w.kind);
    base_free(table.store);
    return st;
}

void mia_table_free(MiaTable *table)
{
    if (table) base_free(table->store);
}

MathExchange mia_row_exchange(const MiaRow *row, int64_t M)
{
    if (!row->defined) return (MathExchange){.p = NAN, .centre = NAN, .offset = NAN, .freedom = NAN};
    return math_exchange(row->x[0], row->x + 1, M - 1, row->floor);
}

double mia_row_at(const MiaRow *row, const MathExchange *x, double offset)
{
    if (row->scale == ITSELF) return offset;
    if (row->scale == SHARED) return (back(x->centre + offset, row->count) - back(x->centre, row->count)) / 2;
    if (row->scale == AGAINST) { /* so that x->offset gives value[0] itself */
        double own = probit(row->value[0], row->count), stretch = own / x->offset;
        if (!(stretch > 0.5 && stretch < 2)) stretch = 1; /* both about 0, or one odd model among the others */
        return back(offset * stretch, row->count) - 0.5;
    }
    return back(x->centre + offset, row->count) - back(x->centre, row->count);
}

double mia_row_offset(const MiaRow *row, const MathExchange *x, double value)
{
    if (row->scale == SHARED || row->scale == ITSELF) return NAN;
    return probit(value, row->count) - (row->scale == AGAINST ? 0 : x->centre);
}

double mia_row_reference(const MiaRow *row, const MathExchange *x)
{
    return row->scale == ITSELF ? x->centre : row->scale == PLAIN ? back(x->centre, row->count) : 0.5;
}

double mia_row_points(const MiaRow *row)
{
    if (row->scale == ITSELF) return 0;
    double slope = steepness(fmin(fmax(row->value[0], 0), 1), row->count);
    return row->points * slope * slope;
}

MathEstimate mia_row_difference(const MiaRow *row, const MathExchange *x, bool more, double level)
{
    MathEstimate out = {NAN, NAN, NAN, (int64_t)row->count};
    if (!row->defined || isnan(x->p)) return out;
    out.value = row->scale == AGAINST ? row->value[0] - 0.5 : mia_row_at(row, x, x->offset);
    if (x->ranked) return out;
    double half = math_exchange_half(x, more ? mia_row_points(row) : 0, level);
    if (isnan(half)) return out; /* one cluster of a kind shows nothing of other points */
    out.lo = fmin(out.value, mia_row_at(row, x, x->offset - half));
    out.hi = fmax(out.value, mia_row_at(row, x, x->offset + half));
    return out;
}
