/* mia/attack_r.c - Attack R of Privacy Meter 1: every point has a threshold of its own, the alpha-quantile of its
 * losses under reference models that were not trained on it (keep = 0). With l the target's loss, fit is
 *   - linear: the quantile by linear interpolation between the reference losses, 0 and 1000;
 *   - gaussian: a normal with their mean and standard deviation (ddof 0);
 *   - logit_rescale: a normal of phi = logit(exp(-loss)), exactly, not through exp(-loss - 1e-6) as there;
 *   - min: the smaller threshold of linear and logit_rescale.
 *
 * The score is minus the smallest alpha at which the point is called member (linear, min), or minus the normal quantile
 * of that alpha (gaussian, logit_rescale), which does not round to 0; the threshold is that of the parameter fpr. */
#include "mia/mia.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/order.h"
#include "mia/null/null.h"
#include "mia/signal/signal.h"

typedef enum { LINEAR, GAUSSIAN, LOGIT_RESCALE, SMALLER } Fit;
static const char *const FITS[] = {"linear", "gaussian", "logit_rescale", "min", NULL};

typedef struct {
    double fpr;
    int64_t fit;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_F64(Params, fpr, 0.1, 0, 1, "false-positive rate over reference models, at the threshold"),
    BASE_PARAM_CHOICE(Params, fit, LINEAR, FITS, "how a point's quantiles follow from its reference losses"),
};

/* (x - mean) / sd of the n reference values; a spread of 0 counts as 1e-30, so what lies off a point is far away. */
static double standardised(const double *value, int64_t n, double x)
{
    double mean = 0, squares = 0;
    for (int64_t k = 0; k < n; k++) mean += value[k] / (double)n;
    for (int64_t k = 0; k < n; k++) squares += (value[k] - mean) * (value[k] - mean);
    return (x - mean) / (sqrt(squares / (double)n) + 1e-30);
}

/* Upper tail of the standard normal. */
static double tail(double z) { return erfc(z / sqrt(2)) / 2; }

/* Score of one point from its reference models' signals; @p loss and @p phi [n] are worked in. */
static double judge(Fit fit, double *loss, const double *phi, int64_t n, const MiaSignals *target)
{
    if (fit == GAUSSIAN) return -standardised(loss, n, target->loss);
    if (fit == LOGIT_RESCALE) return standardised(phi, n, target->phi);
    qsort(loss, (size_t)n, sizeof *loss, base_ascending_f64);
    double level = mia_null_level(loss, n, target->loss);
    if (fit == SMALLER) level = fmax(level, tail(standardised(phi, n, target->phi)));
    return -level;
}

static BaseStatus score(const MiaInput *in, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    double *loss = NULL, *phi = NULL;
    int64_t least = in->S, needed = p->fit == LINEAR ? 1 : 2, K = in->K;
    BASE_TRY(BASE_ALLOC_RAW(in->S, &loss));
    BASE_TRY(BASE_ALLOC_RAW(in->S, &phi));
    for (int64_t i = 0; i < in->N; i++) {
        int64_t n = 0;
        for (int64_t s = 0; s < in->S; s++) {
            if (in->shadow_keep[s * in->N + i]) continue;
            MiaSignals seen = mia_signal_row(in->shadow_logits + (s * in->N + i) * K, K, in->labels[i]);
            loss[n] = seen.loss;
            phi[n++] = seen.phi;
        }
        BASE_CHECK(n >= needed, BASE_EARG,
                   "point %lld was left out of %lld of the %lld shadow models (keep = 0); fit=%s needs %lld",
                   (long long)i, (long long)n, (long long)in->S, FITS[p->fit], (long long)needed);
        if (n < least) least = n;
        MiaSignals target = mia_signal_row(in->logits + i * K, K, in->labels[i]);
        out->score[i] = judge((Fit)p->fit, loss, phi, n, &target);
    }
    bool normal = p->fit == GAUSSIAN || p->fit == LOGIT_RESCALE;
    double at = fmin(fmax(p->fpr, 1e-300), 1 - 1e-16); /* its normal quantile must be a number */
    out->threshold = normal ? -math_stats_normal_quantile(at) : -p->fpr;
    snprintf(out->notes, sizeof out->notes, "fit %s, threshold at FPR %g, at least %lld reference models per point",
             FITS[p->fit], p->fpr, (long long)least);
out:
    base_free(loss);
    base_free(phi);
    return st;
}

const MiaAttack mia_attack_r = {
    .entry = BASE_ENTRY("attack_r", "compares a point's loss with its losses under reference models",
                        "Privacy Meter 1, attack R", Params, PARAMS),
    .needs = MIA_NEEDS_SHADOW,
    .in_auto = true,
    .sets = "member and non-member: judged only, nothing is fitted to them; audited: the points whose membership is in "
            "question; each point is compared with the shadow models that were not trained on it",
    .score = score,
};
