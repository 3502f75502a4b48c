/* mia/verdict/classes.c - the AUC class by class. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "mia/verdict/parts.h"

typedef struct {
    double *score; /* [1 + R, n] of the class's points */
    uint8_t *member;
    int32_t *cluster;
    int64_t n, P;
} Part;

static void take(const MiaGameScores *g, int32_t label, Part *p)
{
    p->n = p->P = 0;
    for (int64_t i = 0; i < g->n; i++) p->n += g->label[i] == label;
    for (int64_t i = 0, at = 0; i < g->n; i++) {
        if (g->label[i] != label) continue;
        p->member[at] = g->member[i];
        p->P += g->member[i];
        if (g->cluster) p->cluster[at] = g->cluster[i];
        p->score[at] = g->unlearned.score[i];
        for (int64_t r = 0; r < g->retrained.M; r++) p->score[(r + 1) * p->n + at] = g->retrained.score[r * g->n + i];
        at++;
    }
}

static int ascending(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* The distinct labels, ascending. */
static int64_t list_classes(const MiaGameScores *g, int32_t *out)
{
    int64_t count = 0;
    memcpy(out, g->label, (size_t)g->n * sizeof *out);
    qsort(out, (size_t)g->n, sizeof *out, ascending);
    for (int64_t i = 0; i < g->n; i++)
        if (count == 0 || out[count - 1] != out[i]) out[count++] = out[i];
    return count;
}

BaseStatus mia_worst_class(const MiaGameScores *g, MiaGame game, MathEstimate *out, int32_t *label)
{
    BaseStatus st = BASE_OK;
    Part part = {0};
    int32_t *classes = NULL;
    double least = INFINITY;
    *out = (MathEstimate){NAN, NAN, NAN, 0};
    *label = -1;
    if (!g->label) return BASE_OK;
    BASE_TRY(BASE_ALLOC(g->n, &classes));
    BASE_TRY(BASE_ALLOC((g->retrained.M + 1) * g->n, &part.score));
    BASE_TRY(BASE_ALLOC(g->n, &part.member));
    BASE_TRY(BASE_ALLOC(g->n, &part.cluster));
    int64_t count = list_classes(g, classes);
    for (int64_t c = 0; c < count && count > 1; c++) {
        MiaTable table;
        take(g, classes[c], &part);
        if (part.P == 0 || part.P == part.n) continue;
        const MiaGameScores sub = {.n = part.n,
                                   .member = part.member,
                                   .cluster = g->cluster ? part.cluster : NULL,
                                   .unlearned = {part.score, 1},
                                   .retrained = {part.score + part.n, g->retrained.M}};
        BASE_TRY(mia_table_against(&sub, game, part.score, &table));
        MathExchange x = mia_row_exchange(&table.row[MIA_STATISTIC_AUC], table.M);
        if (x.p < least) {
            least = x.p;
            *label = classes[c];
            *out = mia_row_difference(&table.row[MIA_STATISTIC_AUC], &x, false, 1 - 0.05 / (double)count);
        }
        mia_table_free(&table);
    }
out:
    base_free(classes);
    base_free(part.score);
    base_free(part.member);
    base_free(part.cluster);
    return st;
}
