/* mia/fit/folds.c - shuffled within each class and role, then dealt out like cards, so that folds hold equal shares. */
#include "mia/fit/folds.h"

#include "base/memory.h"
#include "base/order.h"
#include "base/random.h"
#include "mia/fit/classes.h"

BaseStatus mia_folds_make(const MiaInput *input, int64_t folds, int32_t *fold)
{
    BaseStatus st = BASE_OK;
    int64_t *start = NULL, *at = NULL, *order = NULL, *place = NULL, groups = 2 * input->K, dealt = 0;
    BASE_TRY(BASE_ALLOC(groups + 1, &start));
    BASE_TRY(BASE_ALLOC(groups, &at));
    BASE_TRY(BASE_ALLOC_RAW(base_larger(input->N, input->K), &order));
    BASE_TRY(BASE_ALLOC_RAW(input->K, &place));
    BASE_TRY(mia_classes_order(input, order));
    for (int64_t k = 0; k < input->K; k++) place[order[k]] = k;
    for (int64_t i = 0; i < input->N; i++) {
        fold[i] = -1;
        if (input->role[i] != MIA_AUDITED) start[input->role[i] * input->K + place[input->labels[i]] + 1]++;
    }
    for (int64_t g = 0; g < groups; g++) {
        start[g + 1] += start[g];
        at[g] = start[g];
    }
    for (int64_t i = 0; i < input->N; i++)
        if (input->role[i] != MIA_AUDITED) order[at[input->role[i] * input->K + place[input->labels[i]]]++] = i;
    for (int64_t g = 0; g < groups; g++) {
        BaseRandom r = base_random_make(input->seed, "attack_folds", (uint64_t)g);
        base_random_shuffle(&r, order + start[g], start[g + 1] - start[g]);
        if (g == input->K) dealt = 0; /* members start at fold 0 as non-members do */
        for (int64_t k = start[g]; k < start[g + 1]; k++) fold[order[k]] = (int32_t)(dealt++ % folds);
    }
out:
    base_free(start);
    base_free(at);
    base_free(order);
    base_free(place);
    return st;
}
