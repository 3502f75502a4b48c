/* mia/threshold/threshold.c - signals sorted and swept once per class; without shadow models, halves judge halves. */
#include "mia/threshold/threshold.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "mia/fit/folds.h"

const char *const mia_threshold_kinds[] = {"global", "class", NULL};
const char *const mia_threshold_sources[] = {"points", "shadows", NULL};

/* Signals of points whose membership is known; owned. */
typedef struct {
    double *value;
    int32_t *label;
    uint8_t *member;
    int64_t n;
} Known;

static void known_free(Known *k)
{
    base_free(k->value);
    base_free(k->label);
    base_free(k->member);
}

static BaseStatus known_alloc(int64_t n, Known *k)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(n, &k->value));
    BASE_TRY(BASE_ALLOC_RAW(n, &k->label));
    BASE_TRY(BASE_ALLOC_RAW(n, &k->member));
out:
    return st;
}

/* The threshold of best balanced accuracy; NaN without members or without non-members. */
static BaseStatus choose(const double *value, const uint8_t *member, int64_t n, double *tau)
{
    int64_t members = 0;
    double highest = -INFINITY;
    MathRoc roc;
    *tau = NAN;
    for (int64_t i = 0; i < n; i++) {
        members += member[i];
        if (value[i] > highest) highest = value[i];
    }
    if (members == 0 || members == n) return BASE_OK;
    BaseStatus st = math_roc(value, member, n, &roc);
    if (st != BASE_OK) return st;
    math_roc_best_balanced(&roc, tau);
    if (isinf(*tau)) *tau = nextafter(highest, INFINITY); /* "nobody" */
    math_roc_free(&roc);
    return BASE_OK;
}

/* tau [K]: per class, or all the same. *lacking: classes with points here that took the global one for want of a kind.
 */
static BaseStatus choose_all(const Known *k, int64_t K, MiaThresholdKind kind, double *tau, int64_t *lacking)
{
    BaseStatus st = BASE_OK;
    Known sorted = {0};
    int64_t *start = NULL, *at = NULL;
    double global;
    *lacking = 0;
    BASE_TRY(choose(k->value, k->member, k->n, &global));
    BASE_CHECK(!isnan(global), BASE_EARG, "a threshold cannot be chosen: of %lld points, all are members, or none is",
               (long long)k->n);
    for (int64_t c = 0; c < K; c++) tau[c] = global;
    if (kind == MIA_THRESHOLD_GLOBAL) goto out;
    BASE_TRY(BASE_ALLOC(K + 1, &start));
    BASE_TRY(BASE_ALLOC(K, &at));
    BASE_TRY(known_alloc(k->n, &sorted));
    for (int64_t i = 0; i < k->n; i++) start[k->label[i] + 1]++;
    for (int64_t c = 0; c < K; c++) {
        start[c + 1] += start[c];
        at[c] = start[c];
    }
    for (int64_t i = 0; i < k->n; i++) {
        int64_t to = at[k->label[i]]++;
        sorted.value[to] = k->value[i];
        sorted.member[to] = k->member[i];
    }
    for (int64_t c = 0; c < K; c++) {
        double own;
        BASE_TRY(choose(sorted.value + start[c], sorted.member + start[c], start[c + 1] - start[c], &own));
        if (!isnan(own))
            tau[c] = own;
        else
            *lacking += start[c + 1] > start[c];
    }
out:
    known_free(&sorted);
    base_free(start);
    base_free(at);
    return st;
}

/* The members and non-members outside @p fold (-1: all of them). */
static void known_points(const MiaInput *in, const double *value, const int32_t *folds, int32_t fold, Known *k)
{
    k->n = 0;
    for (int64_t i = 0; i < in->N; i++) {
        if (in->role[i] == MIA_AUDITED || (fold >= 0 && folds[i] == fold)) continue;
        k->value[k->n] = value[i];
        k->label[k->n] = in->labels[i];
        k->member[k->n++] = in->role[i] == MIA_MEMBER;
    }
}

static BaseStatus known_shadows(const MiaInput *in, MiaSignalKind kind, MiaSignalMode mode, double sign, Known *k)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(in->S > 0 && in->shadow_logits && in->shadow_keep, BASE_EARG,
               "chosen_on=shadows needs shadow models: /shadow/logits [S, N, K] and /shadow/keep [S, N]");
    k->n = in->S * in->N;
    BASE_TRY(known_alloc(k->n, k));
    mia_signal_fill(in->shadow_logits, in->S, in->labels, in->N, in->K, kind, mode, k->value);
    for (int64_t i = 0; i < k->n; i++) {
        k->value[i] *= sign;
        k->label[i] = in->labels[i % in->N];
        k->member[i] = in->shadow_keep[i];
    }
out:
    return st;
}

static BaseStatus by_shadows(const MiaInput *in, const MiaThreshold *how, MiaSignalKind kind, MiaSignalMode mode,
                             double sign, double *tau, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    Known known = {0};
    int64_t lacking;
    BASE_TRY(known_shadows(in, kind, mode, sign, &known));
    BASE_TRY(choose_all(&known, in->K, (MiaThresholdKind)how->thresholds, tau, &lacking));
    for (int64_t i = 0; i < in->N; i++) out->score[i] -= tau[in->labels[i]];
    snprintf(out->notes, sizeof out->notes, "%s chosen on %lld shadow models",
             how->thresholds == MIA_THRESHOLD_CLASS ? "class thresholds" : "threshold", (long long)in->S);
out:
    known_free(&known);
    return st;
}

/* Two halves, each judged by the thresholds of the other; audited points by those of both. */
static BaseStatus by_halves(const MiaInput *in, double *tau, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    Known known = {0};
    int32_t *folds = NULL;
    double *score = NULL;
    int64_t lacking = 0;
    BASE_TRY(BASE_ALLOC_RAW(in->N, &folds));
    BASE_TRY(BASE_ALLOC_RAW(in->N, &score));
    BASE_TRY(known_alloc(in->N, &known));
    BASE_TRY(mia_folds_make(in, 2, folds));
    for (int32_t fold = -1; fold < 2; fold++) {
        known_points(in, out->score, folds, fold, &known);
        BASE_TRY(choose_all(&known, in->K, MIA_THRESHOLD_CLASS, tau, &lacking));
        for (int64_t i = 0; i < in->N; i++)
            if (folds[i] == fold) score[i] = out->score[i] - tau[in->labels[i]];
        if (fold == -1 && lacking > 0)
            snprintf(out->notes, sizeof out->notes,
                     "class thresholds chosen on the other half of the points; %lld classes lack members or "
                     "non-members and take the threshold of all classes",
                     (long long)lacking);
        else if (fold == -1)
            snprintf(out->notes, sizeof out->notes, "class thresholds chosen on the other half of the points");
    }
    memcpy(out->score, score, (size_t)in->N * sizeof *score);
    out->fitted = MIA_CROSS_FITTED;
out:
    known_free(&known);
    base_free(folds);
    base_free(score);
    return st;
}

BaseStatus mia_threshold_score(const MiaInput *in, const MiaThreshold *how, MiaSignalKind kind, MiaSignalMode mode,
                               double sign, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    double *tau = NULL;
    mia_signal_fill(in->logits, 1, in->labels, in->N, in->K, kind, mode, out->score);
    for (int64_t i = 0; i < in->N; i++) out->score[i] *= sign;
    if (how->chosen_on == MIA_THRESHOLD_POINTS && how->thresholds == MIA_THRESHOLD_GLOBAL) goto out;
    BASE_TRY(BASE_ALLOC_RAW(in->K, &tau));
    BASE_TRY(how->chosen_on == MIA_THRESHOLD_SHADOWS ? by_shadows(in, how, kind, mode, sign, tau, out)
                                                     : by_halves(in, tau, out));
    out->threshold = 0;
out:
    base_free(tau);
    return st;
}
