/* eval/probe/nearest.c - cosines of a block of rows by one matrix product, then the best few of each. */
#include "eval/probe/nearest.h"

#include <math.h>

#include "base/memory.h"
#include "base/order.h"
#include "math/linalg.h"

enum { BLOCK = 64 };

static void normalise(const float *from, int64_t rows, int64_t width, float *to)
{
    for (int64_t i = 0; i < rows; i++) {
        double norm = sqrt(math_dot(from + i * width, from + i * width, width));
        for (int64_t j = 0; j < width; j++)
            to[i * width + j] = norm > 0 ? (float)((double)from[i * width + j] / norm) : 0;
    }
}

/* The @p count largest of @p cosine [n], the largest first, of equals the first. */
static void nearest(const float *cosine, int64_t n, int count, int64_t *at)
{
    int have = 0;
    for (int64_t i = 0; i < n; i++) {
        if (have == count && !(cosine[i] > cosine[at[have - 1]])) continue;
        int place = have < count ? have++ : count - 1;
        for (; place > 0 && cosine[i] > cosine[at[place - 1]]; place--) at[place] = at[place - 1];
        at[place] = i;
    }
}

static int32_t vote(const int32_t *labels, const int64_t *at, int count)
{
    int32_t best = labels[at[0]];
    int most = 0;
    for (int i = 0; i < count; i++) {
        int votes = 0;
        for (int j = 0; j < count; j++) votes += labels[at[j]] == labels[at[i]];
        if (votes > most) best = labels[at[i]];
        if (votes > most) most = votes;
    }
    return best;
}

BaseStatus eval_probe_nearest(const float *known, const int32_t *labels, int64_t n, const float *judged, int64_t m,
                              int64_t width, int32_t *out)
{
    BaseStatus st = BASE_OK;
    float *unit = NULL, *block = NULL, *cosine = NULL;
    int64_t at[EVAL_NEIGHBOURS];
    int count = (int)base_smaller(EVAL_NEIGHBOURS, n);
    BASE_TRY(BASE_ALLOC_RAW(n * width, &unit));
    BASE_TRY(BASE_ALLOC_RAW(BLOCK * width, &block));
    BASE_TRY(BASE_ALLOC_RAW(BLOCK * n, &cosine));
    normalise(known, n, width, unit);
    for (int64_t done = 0; done < m; done += BLOCK) {
        int64_t rows = base_smaller(BLOCK, m - done);
        normalise(judged + done * width, rows, width, block);
        BASE_TRY(math_gemm(false, true, rows, n, width, 1, block, unit, 0, cosine));
        for (int64_t i = 0; i < rows; i++) {
            nearest(cosine + i * n, n, count, at);
            out[done + i] = vote(labels, at, count);
        }
    }
out:
    base_free(unit);
    base_free(block);
    base_free(cosine);
    return st;
}
