/* mia/verdict/classes.c - the AUC class by class. */
#include <math.h>

#include "base/memory.h"
#include "math/groups.h"
#include "mia/verdict/parts.h"

typedef struct {
    double *score; /* [1 + R, n] of the class's points */
    uint8_t *member;
    int32_t *cluster, *fold;
    int64_t n, P;
} Part;

static void take(const MiaGameScores *g, const int32_t *point, int64_t n, Part *p)
{
    p->n = n;
    p->P = 0;
    for (int64_t k = 0; k < n; k++) {
        int64_t i = point[k];
        p->member[k] = g->member[i];
        p->P += g->member[i];
        if (g->cluster) p->cluster[k] = g->cluster[i];
        if (g->fold) p->fold[k] = g->fold[i];
        p->score[k] = g->unlearned.score[i];
        for (int64_t r = 0; r < g->retrained.M; r++) p->score[(r + 1) * n + k] = g->retrained.score[r * g->n + i];
    }
}

BaseStatus mia_worst_class(const MiaGameScores *g, MiaGame game, MiaFinding *finding)
{
    BaseStatus st = BASE_OK;
    Part part = {0};
    MathGroups classes = {0};
    double least = INFINITY, furthest = -INFINITY;
    finding->worst = finding->odd = (MathEstimate){NAN, NAN, NAN, 0};
    finding->worst_class = finding->odd_class = -1;
    if (!g->label) return BASE_OK;
    BASE_TRY(math_groups_make(g->label, g->n, false, &classes));
    BASE_TRY(BASE_ALLOC((g->retrained.M + 1) * g->n, &part.score));
    BASE_TRY(BASE_ALLOC(g->n, &part.member));
    BASE_TRY(BASE_ALLOC(g->n, &part.cluster));
    BASE_TRY(BASE_ALLOC(g->n, &part.fold));
    for (int64_t c = 0; c < classes.count && classes.count > 1; c++) {
        MiaTable table;
        const int32_t *point = classes.point + classes.start[c];
        take(g, point, classes.start[c + 1] - classes.start[c], &part);
        if (part.P == 0 || part.P == part.n) continue;
        const MiaGameScores sub = {.n = part.n,
                                   .member = part.member,
                                   .fold = g->fold ? part.fold : NULL,
                                   .cluster = g->cluster ? part.cluster : NULL,
                                   .unlearned = {part.score, 1},
                                   .retrained = {part.score + part.n, g->retrained.M}};
        BASE_TRY(mia_table_against(&sub, game, part.score, &table));
        MathExchange x = mia_row_exchange(&table.row[MIA_STATISTIC_AUC], table.M);
        MathEstimate off =
            mia_row_difference(&table.row[MIA_STATISTIC_AUC], &x, false, 1 - 0.05 / (double)classes.count);
        if (x.p < least) {
            least = x.p;
            finding->worst_class = g->label[point[0]];
            finding->worst = off;
        }
        if (fmax(off.lo, -off.hi) > furthest) {
            furthest = fmax(off.lo, -off.hi);
            finding->odd_class = g->label[point[0]];
            finding->odd = off;
        }
        mia_table_free(&table);
    }
out:
    math_groups_free(&classes);
    base_free(part.score);
    base_free(part.member);
    base_free(part.cluster);
    base_free(part.fold);
    return st;
}
