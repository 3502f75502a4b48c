/* mia/attack_p.c - Attack P of Privacy Meter 1: the threshold at level alpha is the alpha-quantile of
 * the losses of population points under the target model itself, of all or of the same class. The score is minus the
 * smallest alpha at which the point is called a member, the threshold minus the parameter fpr. */
#include "mia/mia.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/order.h"
#include "mia/null/null.h"
#include "mia/signal/signal.h"

typedef struct {
    double fpr;
    int64_t group;
} Params;

typedef enum { ALL, CLASS } Group;
static const char *const GROUPS[] = {"all", "class", NULL};

static const BaseParam PARAMS[] = {
    BASE_PARAM_F64(Params, fpr, 0.1, 0, 1, "false-positive rate on the population, at the threshold"),
    BASE_PARAM_CHOICE(Params, group, ALL, GROUPS, "population a point is compared with: all of it, or its own class"),
};

/* Population losses, sorted within each group: group g is [start[g], start[g + 1]). */
static BaseStatus sort_groups(const MiaInput *in, Group group, double *sorted, int64_t *start)
{
    BaseStatus st = BASE_OK;
    int64_t *at = NULL, groups = group == CLASS ? in->K : 1;
    double *loss = NULL;
    BASE_TRY(BASE_ALLOC_RAW(in->Z, &loss));
    BASE_TRY(BASE_ALLOC(groups, &at));
    mia_signal_fill(in->population_logits, 1, in->population_labels, in->Z, in->K, MIA_SIGNAL_LOSS, MIA_SIGNAL_EXACT,
                    loss);
    for (int64_t i = 0; i < in->Z; i++) start[(group == CLASS ? in->population_labels[i] : 0) + 1]++;
    for (int64_t g = 0; g < groups; g++) {
        start[g + 1] += start[g];
        at[g] = start[g];
    }
    for (int64_t i = 0; i < in->Z; i++) sorted[at[group == CLASS ? in->population_labels[i] : 0]++] = loss[i];
    for (int64_t g = 0; g < groups; g++)
        qsort(sorted + start[g], (size_t)(start[g + 1] - start[g]), sizeof *sorted, base_ascending_f64);
out:
    base_free(loss);
    base_free(at);
    return st;
}

static BaseStatus score(const MiaInput *in, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    double *sorted = NULL;
    int64_t *start = NULL;
    BASE_TRY(BASE_ALLOC_RAW(in->Z, &sorted));
    BASE_TRY(BASE_ALLOC(in->K + 1, &start));
    BASE_TRY(sort_groups(in, (Group)p->group, sorted, start));
    mia_signal_fill(in->logits, 1, in->labels, in->N, in->K, MIA_SIGNAL_LOSS, MIA_SIGNAL_EXACT, out->score);
    for (int64_t i = 0; i < in->N; i++) {
        int64_t g = p->group == CLASS ? in->labels[i] : 0, n = start[g + 1] - start[g];
        BASE_CHECK(n > 0, BASE_EARG, "point %lld has class %d, of which the population has no point: try group=all",
                   (long long)i, in->labels[i]);
        out->score[i] = -mia_null_level(sorted + start[g], n, out->score[i]);
    }
    out->threshold = -p->fpr;
    snprintf(out->notes, sizeof out->notes, "threshold at FPR %g of %lld population points%s", p->fpr, (long long)in->Z,
             p->group == CLASS ? ", class by class" : "");
out:
    base_free(sorted);
    base_free(start);
    return st;
}

const MiaAttack mia_attack_p = {
    .entry = BASE_ENTRY("attack_p", "compares a point's loss with the losses of a population under the same model",
                        "Privacy Meter 1, attack P", Params, PARAMS),
    .needs = MIA_NEEDS_POPULATION,
    .sets = "member and non-member: judged only, nothing is fitted to them; audited: the points whose membership is in "
            "question; the threshold comes from the population, which must be disjoint from all of these",
    .score = score,
};
