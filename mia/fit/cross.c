/* mia/fit/cross.c - both kinds weigh the same, columns are scaled by what is fitted to alone, then one fit per fold. */
#include "mia/fit/cross.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "mia/fit/folds.h"

/* Storage of one fit after another. */
typedef struct {
    const MiaInput *in;
    int64_t d;
    bool standardise;
    double *x;                     /* [N, d] */
    int32_t *fold;                 /* [N] */
    double *rows, *weight, *model; /* [N, d], [N], [size] */
    double *mean, *scale, *point;  /* [d] */
    uint8_t *member;
} Work;

static void work_free(Work *w)
{
    base_free(w->x);
    base_free(w->fold);
    base_free(w->rows);
    base_free(w->weight);
    base_free(w->model);
    base_free(w->mean);
    base_free(w->scale);
    base_free(w->point);
    base_free(w->member);
}

static BaseStatus work_alloc(Work *w, int64_t size)
{
    BaseStatus st = BASE_OK;
    int64_t N = w->in->N, d = w->d;
    BASE_TRY(BASE_ALLOC_RAW(N * d, &w->x));
    BASE_TRY(BASE_ALLOC(N, &w->fold));
    BASE_TRY(BASE_ALLOC_RAW(N * d, &w->rows));
    BASE_TRY(BASE_ALLOC_RAW(N, &w->weight));
    BASE_TRY(BASE_ALLOC_RAW(N, &w->member));
    BASE_TRY(BASE_ALLOC_RAW(size, &w->model));
    BASE_TRY(BASE_ALLOC_RAW(d, &w->mean));
    BASE_TRY(BASE_ALLOC_RAW(d, &w->scale));
    BASE_TRY(BASE_ALLOC_RAW(d, &w->point));
out:
    return st;
}

/* Two passes, so that a constant column has a spread of rounding at most: it becomes 0. */
static void learn_scale(Work *w, int64_t n)
{
    for (int64_t j = 0; j < w->d; j++) {
        double sum = 0, squares = 0, most = 0;
        for (int64_t i = 0; i < n; i++) sum += w->rows[i * w->d + j];
        double mean = sum / (double)n;
        for (int64_t i = 0; i < n; i++) {
            double off = w->rows[i * w->d + j] - mean;
            squares += off * off;
            most = fmax(most, fabs(w->rows[i * w->d + j]));
        }
        double sd = sqrt(squares / (double)n);
        w->mean[j] = w->standardise ? mean : 0;
        w->scale[j] = !w->standardise ? 1 : sd > 1e-12 * most ? 1 / sd : 0;
    }
}

static void scaled(const Work *w, const double *x, double *out)
{
    for (int64_t j = 0; j < w->d; j++) out[j] = (x[j] - w->mean[j]) * w->scale[j];
}

/* Every member and non-member before @p fold; for -1 all of them, for 0 those of the other folds. */
static int64_t gather(Work *w, int32_t fold)
{
    int64_t n = 0, members = 0;
    for (int64_t i = 0; i < w->in->N; i++) {
        bool fits = fold < 0 || (fold == 0 ? w->fold[i] > 0 : w->fold[i] < fold);
        if (w->in->role[i] == MIA_AUDITED || !fits) continue;
        memcpy(w->rows + n * w->d, w->x + i * w->d, (size_t)w->d * sizeof *w->rows);
        w->member[n] = w->in->role[i] == MIA_MEMBER;
        members += w->member[n++];
    }
    for (int64_t i = 0; i < n; i++) w->weight[i] = (double)n / (2 * (double)(w->member[i] ? members : n - members));
    learn_scale(w, n);
    for (int64_t i = 0; i < n; i++) scaled(w, w->rows + i * w->d, w->rows + i * w->d);
    return n;
}

BaseStatus mia_fit_cross(const MiaInput *in, MiaFeatures features, int64_t folds, bool standardise,
                         const MiaFitKind *kind, const void *how, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    int64_t d = mia_features_width(features, in->K);
    Work w = {.in = in, .d = d, .standardise = standardise};
    int64_t count[MIA_AUDITED], least, used = folds;
    BASE_TRY(mia_folds_units(in, count));
    least = base_smaller(count[MIA_MEMBER], count[MIA_NONMEMBER]);
    if (used > least) used = least; /* a fold without members, or without non-members, judges nothing */
    if (folds > 0)
        BASE_CHECK(
            used >= 2, BASE_EARG,
            "cross-validation needs at least 2 members and 2 non-members%s; the smaller kind has %lld: folds=0 fits to "
            "the points that it judges",
            in->cluster ? ", of different clusters" : "", (long long)least);
    BASE_TRY(work_alloc(&w, kind->size(d, how)));
    BASE_TRY(mia_features_fill(in, features, w.x));
    if (used > 0) BASE_TRY(mia_folds_make(in, used, w.fold));
    for (int32_t fold = -1; fold < used; fold++) {
        int64_t n = gather(&w, fold);
        int64_t members = 0;
        for (int64_t i = 0; i < n; i++) members += w.member[i];
        BASE_CHECK(members > 0 && members < n, BASE_EARG,
                   "all members, or all non-members, lie in one fold with their clusters: there are too few clusters");
        MiaFitRows rows = {n, d, w.rows, w.member, w.weight};
        BASE_TRY(kind->fit(&rows, how, in->seed + (uint64_t)(fold + 1), w.model));
        for (int64_t i = 0; i < in->N; i++) {
            if (used > 0 && w.fold[i] != fold) continue;
            scaled(&w, w.x + i * d, w.point);
            out->score[i] = kind->decide(w.point, d, how, w.model);
        }
    }
    out->threshold = 0;
    out->fitted = used > 0 ? MIA_CROSS_FITTED : MIA_FITTED;
    if (used > 0) {
        for (int64_t i = 0; i < in->N; i++) w.fold[i] = w.fold[i] > 0 ? w.fold[i] : -1;
        out->fold = w.fold;
        w.fold = NULL;
        snprintf(
            out->notes, sizeof out->notes,
            "%lld folds, each judged by a fit on the folds before it, so that the first is not judged; members are "
            "compared with non-members of their fold; audited points judged by a fit on all",
            (long long)used);
    } else {
        snprintf(out->notes, sizeof out->notes, "fitted to the members and non-members that it judges");
    }
out:
    work_free(&w);
    return st;
}
