/* mia/lira/lira.c - centres and spreads per point, with a spread shared by all points where models are few. */
#include "mia/lira/lira.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "mia/density/density.h"
#include "mia/models/models.h"

const char *const mia_lira_variances[] = {"per_example", "pooled_within", "published", "auto", NULL};
static const char *const RULES[] = {"online", "offline, one-sided", "offline, two-sided"};

enum { OUT, IN };
static const char *const SIDES[] = {"was not trained on it", "was trained on it"};

/* moments [2, N]: of every point's out- and in-models. @p phi [S, N]. */
static BaseStatus moments_fill(const MiaInput *in, const double *phi, MiaMoments *moments)
{
    BaseStatus st = BASE_OK;
    double *x = NULL;
    BASE_TRY(BASE_ALLOC_RAW(in->S, &x));
    for (int64_t i = 0; i < in->N; i++)
        for (int side = OUT; side <= IN; side++) {
            int64_t n = 0;
            for (int64_t s = 0; s < in->S; s++)
                if (in->shadow_keep[s * in->N + i] == side) x[n++] = phi[s * in->N + i];
            moments[side * in->N + i] = mia_models_moments(x, n);
        }
out:
    base_free(x);
    return st;
}

/* Standard deviation over the points of phi (@p centred: of phi - median), from each point's moments. */
static double pooled_sd(const MiaMoments *m, int64_t N, bool centred)
{
    double n = 0, sum = 0, squares = 0;
    for (int64_t i = 0; i < N; i++) {
        if (m[i].count == 0) continue;
        n += (double)m[i].count;
        sum += (double)m[i].count * (centred ? m[i].mean - m[i].median : m[i].mean);
    }
    for (int64_t i = 0; i < N; i++) {
        if (m[i].count == 0) continue;
        double off = (centred ? m[i].mean - m[i].median : m[i].mean) - sum / n;
        squares += (double)m[i].count * (m[i].sd * m[i].sd + off * off);
    }
    return n > 0 ? sqrt(squares / n) : NAN;
}

static int64_t fewest(const MiaMoments *m, int64_t N, int64_t *at)
{
    *at = 0;
    for (int64_t i = 1; i < N; i++)
        if (m[i].count < m[*at].count) *at = i;
    return m[*at].count;
}

/* Enough shadow models on each side that the rule looks at? */
static BaseStatus check_counts(const MiaInput *in, const MiaMoments *moments, MiaLiraRule rule,
                               MiaLiraVariance variance)
{
    BaseStatus st = BASE_OK;
    for (int side = OUT; side <= (rule == MIA_LIRA_ONLINE ? IN : OUT); side++) {
        const MiaMoments *m = moments + side * in->N;
        int64_t at, least = fewest(m, in->N, &at), most = 0, need = variance == MIA_LIRA_PER_EXAMPLE ? 2 : 1;
        for (int64_t i = 0; i < in->N; i++)
            if (m[i].count > most) most = m[i].count;
        BASE_CHECK(least >= need, BASE_EARG,
                   "%lld of %lld shadow models %s (point %lld); variance %s needs at least %lld for every point",
                   (long long)least, (long long)in->S, SIDES[side], (long long)at, mia_lira_variances[variance],
                   (long long)need);
        BASE_CHECK(most >= 2 || variance == MIA_LIRA_PUBLISHED, BASE_EARG,
                   "no point has 2 shadow models each of which %s: a spread within points needs more models than these "
                   "%lld",
                   SIDES[side], (long long)in->S);
    }
    for (int64_t i = 0; variance == MIA_LIRA_PUBLISHED; i++) {
        BASE_CHECK(i < in->N, BASE_EARG,
                   "the variance 'published' is that of models trained on a point, and no shadow model was trained on "
                   "any");
        if (moments[IN * in->N + i].count) break;
    }
out:
    return st;
}

BaseStatus mia_lira_score(const MiaInput *in, MiaLiraRule rule, MiaLiraVariance variance, MiaSignalMode mode,
                          MiaScores *out)
{
    BaseStatus st = BASE_OK;
    double *phi = NULL, *target = NULL, shared[2];
    MiaMoments *moments = NULL;
    int64_t N = in->N, at, flat = 0;
    BASE_TRY(mia_models_check_target(in, in->shadow_logits, in->S, "shadow"));
    BASE_TRY(mia_models_signal(in, in->shadow_logits, in->S, MIA_SIGNAL_PHI, mode, &phi));
    BASE_TRY(mia_models_signal(in, in->logits, 1, MIA_SIGNAL_PHI, mode, &target));
    BASE_TRY(BASE_ALLOC_RAW(2 * N, &moments));
    BASE_TRY(moments_fill(in, phi, moments));
    BASE_TRY(check_counts(in, moments, rule, variance));
    for (int side = OUT; side <= IN; side++)
        shared[side] = variance == MIA_LIRA_PUBLISHED ? pooled_sd(moments + IN * N, N, false)
                                                      : pooled_sd(moments + side * N, N, true);
    for (int64_t i = 0; i < N; i++) {
        double sd[2] = {shared[OUT], shared[IN]};
        for (int side = OUT; side <= IN; side++) {
            const MiaMoments *m = &moments[side * N + i];
            bool own = variance == MIA_LIRA_PER_EXAMPLE || (variance == MIA_LIRA_AUTO && m->count >= MIA_LIRA_ENOUGH);
            if (own) sd[side] = m->sd;
        }
        flat += sd[OUT] == 0 || (rule == MIA_LIRA_ONLINE && sd[IN] == 0);
        double never = moments[OUT * N + i].median, wide = sd[OUT] + MIA_DENSITY_TINY;
        if (rule == MIA_LIRA_ONE_SIDED)
            out->score[i] = mia_density_normal_cdf((target[i] - never) / wide);
        else
            out->score[i] = -mia_density_normal(target[i], never, wide);
        if (rule == MIA_LIRA_ONLINE)
            out->score[i] += mia_density_normal(target[i], moments[IN * N + i].median, sd[IN] + MIA_DENSITY_TINY);
    }
    int used = snprintf(out->notes, sizeof out->notes, "%s, variance %s, at least %lld out-models", RULES[rule],
                        mia_lira_variances[variance], (long long)fewest(moments, N, &at));
    if (rule == MIA_LIRA_ONLINE)
        used += snprintf(out->notes + used, sizeof out->notes - (size_t)used, " and %lld in-models",
                         (long long)fewest(moments + N, N, &at));
    used += snprintf(out->notes + used, sizeof out->notes - (size_t)used, " a point");
    if (flat)
        snprintf(out->notes + used, sizeof out->notes - (size_t)used,
                 "; for %lld points all models of a side agree, so their scores are as large as numbers can be",
                 (long long)flat);
out:
    base_free(phi);
    base_free(target);
    base_free(moments);
    return st;
}
