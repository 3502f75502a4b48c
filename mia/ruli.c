/* mia/ruli.c - RULI (USENIX Security 2025; its public code at 9541122): ulira's question with densities that take any
 * shape. With phi of x under U models that unlearned it, o1, and under models that never saw it, o0, kernel densities
 *     p(phi | o) = mean over m of N(phi; o_m, bandwidth),        score(x) = log p(phi | o1) - log p(phi | o0),
 * which is the logit of its ratio p1 / (p1 + p0); member iff score >= 0. Its two games are the two o0 (parameter `game`):
 *     efficacy   models retrained without x: was it forgotten as by retraining?
 *     privacy    unlearned models that never trained on x (their /unlearned/keep is 0): would it count as never seen?
 * As we read it: the bandwidth is the kernel's standard deviation in units of phi. Its clipped phi is `signal` ruli. Not
 * here: its choice of vulnerable and of protected points, and its TPR at the nearest rather than at the given FPR. As in
 * ulira, models of both groups are left out in turn, since one target has no spread. O((U + R)^2) kernels a point, and
 * with the leaving out 3 to 7 times the time of ulira. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "mia/density/density.h"
#include "mia/models/models.h"
#include "mia/ulira/point.h"

static const char *const GAMES[] = {"efficacy", "privacy", NULL}; /* as MiaUliraNull */

typedef struct {
    double bandwidth;
    int64_t game, signal;
} Params;

static const BaseParam PARAMS[] = {
    BASE_PARAM_F64(Params, bandwidth, 1, 1e-6, 1e6, "standard deviation of the kernels, in units of phi"),
    BASE_PARAM_CHOICE(Params, game, MIA_ULIRA_RETRAINED, GAMES,
                      "models that never saw a point: efficacy, retrained ones; privacy, unlearned ones with "
                      "/unlearned/keep 0"),
    BASE_PARAM_CHOICE(Params, signal, MIA_SIGNAL_EXACT, mia_signal_phi_modes, "exact phi, or phi as in the code named"),
};

/* The log density of every value of a point under every unit's kernels, so that leaving units out is a sum over the
 * others: kernels are made once per pair of values. */
typedef struct {
    const MiaUliraGroups *g;
    double bandwidth;
    double *kernel; /* [U + R] of one value and one unit */
    double *table; /* [2 sides of the value, U + R values, 2 sides of the unit, MIA_ULIRA_ALL_UNITS]: log of the mean */
    int64_t models;
    int out[3];
} Kernels;

static double *row_of(const Kernels *k, int side, int64_t value, int unit_side)
{
    return k->table + ((side * k->models + value) * 2 + unit_side) * MIA_ULIRA_ALL_UNITS;
}

/* log p(x | values from..to). */
static double density(const Kernels *k, int side, int64_t from, int64_t to, double x)
{
    for (int64_t m = from; m < to; m++) k->kernel[m - from] = mia_density_normal(x, k->g->x[side][m], k->bandwidth);
    return mia_density_mean(k->kernel, to - from);
}

static void table_fill(const Kernels *k)
{
    const MiaUliraGroups *g = k->g;
    for (int side = 0; side < 2; side++)
        for (int64_t v = 0; v < g->count[side]; v++)
            for (int other = 0; other < 2; other++)
                for (int unit = 0; unit < g->units; unit++) {
                    int64_t from = g->start[other][unit], to = g->start[other][unit + 1];
                    if (from < to) row_of(k, side, v, other)[unit] = density(k, other, from, to, g->x[side][v]);
                }
}

static int64_t kept(const Kernels *k, int side, int unit)
{
    bool out = unit == k->out[0] || unit == k->out[1] || unit == k->out[2];
    return out ? 0 : k->g->start[side][unit + 1] - k->g->start[side][unit];
}

static bool without(void *user, int a, int b, int c)
{
    Kernels *k = user;
    int64_t left[2] = {0, 0};
    k->out[0] = a, k->out[1] = b, k->out[2] = c;
    for (int side = 0; side < 2; side++)
        for (int unit = 0; unit < k->g->units; unit++) left[side] += kept(k, side, unit);
    return left[0] >= 2 && left[1] >= 2;
}

static double log_ratio(const void *user, int side, int64_t v)
{
    const Kernels *k = user;
    double log_p[2];
    for (int group = 0; group < 2; group++) {
        const double *row = row_of(k, side, v, group);
        double most = -INFINITY, sum = 0, n = 0;
        for (int unit = 0; unit < k->g->units; unit++)
            if (kept(k, group, unit)) most = fmax(most, row[unit]);
        for (int unit = 0; unit < k->g->units; unit++) {
            double size = (double)kept(k, group, unit);
            if (size == 0) continue;
            sum += size * exp(row[unit] - most);
            n += size;
        }
        log_p[group] = most + log(sum / n);
    }
    return log_p[1] - log_p[0];
}

static BaseStatus score(const MiaInput *in, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    int64_t asked, fewest[2] = {INT64_MAX, INT64_MAX};
    MiaRole role = mia_models_asked(in, &asked);
    MiaUliraPlan plan = {0};
    MiaUliraGroups g;
    MiaUliraLeftOut left = {0};
    Kernels k = {.g = &g, .bandwidth = p->bandwidth, .models = in->U + in->R};
    const MiaUliraRatio ratio = {&k, without, log_ratio};
    BASE_CHECK(p->game == MIA_ULIRA_RETRAINED || in->unlearned_keep, BASE_EARG,
               "game privacy needs /unlearned/keep [U, N]: which points trained each unlearned model");
    BASE_TRY(mia_ulira_plan(in, (MiaUliraNull)p->game, (MiaSignalMode)p->signal, &plan));
    BASE_TRY(BASE_ALLOC(k.models, &k.kernel));
    BASE_TRY(BASE_ALLOC(4 * k.models * MIA_ULIRA_ALL_UNITS, &k.table));
    for (int64_t i = 0; i < in->N; i++) {
        BASE_TRY(mia_ulira_groups(&plan, i, &g));
        out->score[i] = density(&k, 1, 0, g.count[1], plan.target[i]) - density(&k, 0, 0, g.count[0], plan.target[i]);
        for (int side = 0; side < 2; side++)
            if (g.count[side] < fewest[side]) fewest[side] = g.count[side];
        if (in->role[i] != role) continue;
        table_fill(&k);
        mia_ulira_leave_out(&g, &ratio, &left);
    }
    out->threshold = 0;
    out->fitted = MIA_FITTED; /* the unlearned models were trained on the members */
    mia_ulira_left_out_add(&plan, &left, out);
    snprintf(out->notes, sizeof out->notes,
             "game %s: kernels of width %g around at least %lld models that unlearned and %lld that never saw a point; "
             "loo: %lld points under models left out in turn, interval over models",
             GAMES[p->game], p->bandwidth, (long long)fewest[1], (long long)fewest[0], (long long)asked);
out:
    base_free(k.kernel);
    base_free(k.table);
    mia_ulira_plan_free(&plan);
    return st;
}

/* Not in_auto: it asks what ulira asks, and one more test costs all others power; it finds more only where models of a
 * kind fall into several groups. */
const MiaAttack mia_ruli = {
    .entry = BASE_ENTRY("ruli", "likelihood ratio of kernel densities between unlearned and retrained models",
                        "RULI, USENIX Security 2025, and its public code", Params, PARAMS),
    .needs = MIA_NEEDS_UNLEARNED | MIA_NEEDS_RETRAINED,
    .curve = "loo_balanced_accuracy",
    .sets = "member: trained on, then unlearned; non-member: never trained on; audited: the forgotten points; the "
            "target is one more unlearned model",
    .score = score,
};
