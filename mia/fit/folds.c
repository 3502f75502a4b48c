/* mia/fit/folds.c - shuffled within each class and role, then dealt out like cards, so that folds hold equal shares; clusters
 * stay together. */
#include "mia/fit/folds.h"

#include "base/memory.h"
#include "base/order.h"
#include "base/random.h"
#include "math/groups.h"
#include "mia/fit/classes.h"

/* Of each point the first member or non-member of its cluster; -1 of audited points. */
static BaseStatus find_leaders(const MiaInput *in, int64_t *leader)
{
    MathGroups clusters = {0};
    BaseStatus st = math_groups_make(in->cluster, in->N, true, &clusters);
    for (int64_t g = 0; st == BASE_OK && g < clusters.count; g++) {
        int64_t first = -1;
        for (int64_t k = clusters.start[g]; k < clusters.start[g + 1]; k++) {
            int64_t i = clusters.point[k];
            bool judged = in->role[i] != MIA_AUDITED;
            if (judged && first < 0) first = i;
            leader[i] = judged ? first : -1;
        }
    }
    math_groups_free(&clusters);
    return st;
}

BaseStatus mia_folds_units(const MiaInput *in, int64_t count[MIA_AUDITED])
{
    MathGroups clusters = {0};
    BaseStatus st = math_groups_make(in->cluster, in->N, true, &clusters);
    count[MIA_NONMEMBER] = count[MIA_MEMBER] = 0;
    for (int64_t g = 0; st == BASE_OK && g < clusters.count; g++) {
        bool any[3] = {false, false, false};
        for (int64_t k = clusters.start[g]; k < clusters.start[g + 1]; k++) any[in->role[clusters.point[k]]] = true;
        count[MIA_NONMEMBER] += any[MIA_NONMEMBER];
        count[MIA_MEMBER] += any[MIA_MEMBER];
    }
    math_groups_free(&clusters);
    return st;
}

BaseStatus mia_folds_make(const MiaInput *input, int64_t folds, int32_t *fold)
{
    BaseStatus st = BASE_OK;
    int64_t *start = NULL, *at = NULL, *order = NULL, *place = NULL, *leader = NULL, groups = 2 * input->K, dealt = 0;
    BASE_TRY(BASE_ALLOC(groups + 1, &start));
    BASE_TRY(BASE_ALLOC(groups, &at));
    BASE_TRY(BASE_ALLOC_RAW(base_larger(input->N, input->K), &order));
    BASE_TRY(BASE_ALLOC_RAW(input->K, &place));
    BASE_TRY(BASE_ALLOC_RAW(input->N, &leader));
    BASE_TRY(find_leaders(input, leader));
    BASE_TRY(mia_classes_order(input, order));
    for (int64_t k = 0; k < input->K; k++) place[order[k]] = k;
    for (int64_t i = 0; i < input->N; i++) {
        fold[i] = -1;
        if (leader[i] == i) start[input->role[i] * input->K + place[input->labels[i]] + 1]++;
    }
    for (int64_t g = 0; g < groups; g++) {
        start[g + 1] += start[g];
        at[g] = start[g];
    }
    for (int64_t i = 0; i < input->N; i++)
        if (leader[i] == i) order[at[input->role[i] * input->K + place[input->labels[i]]]++] = i;
    for (int64_t g = 0; g < groups; g++) {
        BaseRandom r = base_random_make(input->seed, "attack_folds", (uint64_t)g);
        base_random_shuffle(&r, order + start[g], start[g + 1] - start[g]);
        if (g == input->K) dealt = 0; /* members start at fold 0 as non-members do */
        for (int64_t k = start[g]; k < start[g + 1]; k++) fold[order[k]] = (int32_t)(dealt++ % folds);
    }
    for (int64_t i = 0; i < input->N; i++)
        if (leader[i] >= 0) fold[i] = fold[leader[i]];
out:
    base_free(start);
    base_free(at);
    base_free(order);
    base_free(place);
    base_free(leader);
    return st;
}
