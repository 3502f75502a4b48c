/* unlearn/svd/gram.c - G = X^T X of rows as they come, and its dual K = X X^T of rows that were kept, lower triangles.
 *
 * A row comes with the columns that it may be non-zero in, as a few runs, and holds only those. A patch that hangs over
 * the border of its map is zero in whole kernel taps: of all products of a 3 x 3 kernel, 52% remain on a 4 x 4 map and
 * 20% on a 2 x 2 one. */
#include "base/memory.h"
#include "base/order.h"
#include "math/linalg.h"
#include "unlearn/svd/route.h"

enum {
    F64_BLOCK = 512,
    /* Width of the column blocks that a bf16 Gram matrix is made in, so that little above the diagonal is computed: at
     * f = 4608 and 10000 rows 58% of the square. oneDNN's product keeps its speed (1.1 TFLOP/s on two AMX cores) down
     * to 512 columns. */
    TRIANGLE_BLOCK = 768,
};

static BaseStatus widen(const float *x, int64_t n, double **out)
{
    BaseStatus st = BASE_ALLOC_RAW(n, out);
    if (st != BASE_OK) return st;
    for (int64_t i = 0; i < n; i++) (*out)[i] = (double)x[i];
    return BASE_OK;
}

/* G += X^T X, run by run, in the lower triangle. */
static BaseStatus gram_f32(UnlearnSpace *space, const float *x, int64_t rows, const UnlearnColumns *c)
{
    BaseStatus st = BASE_OK;
    int64_t width = unlearn_columns_width(c);
    const float *a = x;
    for (int i = 0; i < c->count; a += c->at[i++].width) {
        float *g = space->matrix + c->at[i].from * space->f;
        const float *b = x;
        for (int j = 0; j < i; b += c->at[j++].width)
            BASE_TRY(math_gemm_block(true, false, c->at[i].width, c->at[j].width, rows, 1, a, width, b, width, 1,
                                     g + c->at[j].from, space->f));
        BASE_TRY(math_gram_block(false, rows, c->at[i].width, a, width, g + c->at[i].from, space->f));
    }
out:
    return st;
}

static BaseStatus gram_bf16(UnlearnSpace *space, const uint16_t *x, int64_t rows, const UnlearnColumns *c)
{
    BaseStatus st = BASE_OK;
    int64_t width = unlearn_columns_width(c);
    const uint16_t *a = x;
    for (int i = 0; i < c->count; a += c->at[i++].width) {
        int64_t from = c->at[i].from, wide = c->at[i].width;
        const uint16_t *b = x;
        for (int j = 0; j < i; b += c->at[j++].width)
            BASE_TRY(nn_gram_product(space->products, false, wide, c->at[j].width, rows, a, width, b, width,
                                     space->matrix + from * space->f + c->at[j].from, space->f));
        for (int64_t at = 0; at < wide; at += TRIANGLE_BLOCK)
            BASE_TRY(nn_gram_product(space->products, false, wide - at, base_smaller(wide - at, TRIANGLE_BLOCK), rows,
                                     a + at, width, a + at, width, space->matrix + (from + at) * (space->f + 1),
                                     space->f));
    }
out:
    return st;
}

static BaseStatus gram_f64(UnlearnSpace *space, const float *x, int64_t rows, const UnlearnColumns *c)
{
    BaseStatus st = BASE_OK;
    int64_t width = unlearn_columns_width(c);
    double *wide = NULL;
    for (int64_t at = 0; at < rows; at += F64_BLOCK) {
        int64_t count = base_smaller(rows - at, F64_BLOCK);
        BASE_TRY(widen(x + at * width, count * width, &wide));
        const double *a = wide;
        for (int i = 0; i < c->count; a += c->at[i++].width) {
            double *g = space->matrix_f64 + c->at[i].from * space->f;
            const double *b = wide;
            for (int j = 0; j < i; b += c->at[j++].width)
                BASE_TRY(math_gemm_block_f64(true, false, c->at[i].width, c->at[j].width, count, 1, a, width, b, width,
                                             1, g + c->at[j].from, space->f));
            BASE_TRY(math_gram_block_f64(false, count, c->at[i].width, a, width, g + c->at[i].from, space->f));
        }
        base_free(wide);
        wide = NULL;
    }
out:
    base_free(wide);
    return st;
}

BaseStatus unlearn_gram_add(UnlearnSpace *space, const void *x, int64_t rows, const UnlearnColumns *columns)
{
    if (space->products) return gram_bf16(space, x, rows, columns);
    return space->matrix ? gram_f32(space, x, rows, columns) : gram_f64(space, x, rows, columns);
}

/* K in double: X is widened a block of columns at a time. */
static BaseStatus dual_f64(UnlearnSpace *space)
{
    BaseStatus st = BASE_OK;
    double *wide = NULL;
    BASE_TRY(BASE_ALLOC_RAW(space->n * F64_BLOCK, &wide));
    for (int64_t at = 0; at < space->f; at += F64_BLOCK) {
        int64_t count = base_smaller(space->f - at, F64_BLOCK);
        for (int64_t i = 0; i < space->n; i++)
            for (int64_t j = 0; j < count; j++) wide[i * count + j] = (double)space->x[i * space->f + at + j];
        BASE_TRY(math_gram_block_f64(true, space->n, count, wide, count, space->matrix_f64, space->n));
    }
out:
    base_free(wide);
    return st;
}

/* K's block of rows a and columns b (an earlier group, or a itself): over the columns that both have. */
static BaseStatus dual_block(UnlearnSpace *space, const UnlearnGroup *a, const UnlearnGroup *b)
{
    BaseStatus st = BASE_OK;
    float *k = space->matrix + a->first * space->n + b->first;
    int64_t at_a = a->offset;
    for (int i = 0; i < a->columns.count; at_a += a->columns.at[i++].width) {
        UnlearnSpan p = a->columns.at[i];
        int64_t at_b = b->offset;
        for (int j = 0; j < b->columns.count; at_b += b->columns.at[j++].width) {
            UnlearnSpan q = b->columns.at[j];
            int64_t from = base_larger(p.from, q.from), width = base_smaller(p.from + p.width, q.from + q.width) - from;
            if (width <= 0) continue;
            int64_t in_a = at_a + from - p.from, in_b = at_b + from - q.from;
            if (space->products)
                BASE_TRY(nn_gram_product(space->products, true, a->rows, b->rows, width, space->x_bf16 + in_a, a->width,
                                         space->x_bf16 + in_b, b->width, k, space->n));
            else
                BASE_TRY(math_gemm_block(false, true, a->rows, b->rows, width, 1, space->x + in_a, a->width,
                                         space->x + in_b, b->width, 1, k, space->n));
        }
    }
out:
    return st;
}

/* K's block of a group with itself, lower triangle. */
static BaseStatus dual_own_block(UnlearnSpace *space, const UnlearnGroup *a)
{
    BaseStatus st = BASE_OK;
    float *k = space->matrix + a->first * (space->n + 1);
    if (!space->products) return math_gram_block(true, a->rows, a->width, space->x + a->offset, a->width, k, space->n);
    for (int64_t at = 0; at < a->rows; at += TRIANGLE_BLOCK) {
        const uint16_t *x = space->x_bf16 + a->offset + at * a->width;
        BASE_TRY(nn_gram_product(space->products, true, a->rows - at, base_smaller(a->rows - at, TRIANGLE_BLOCK),
                                 a->width, x, a->width, x, a->width, k + at * (space->n + 1), space->n));
    }
out:
    return st;
}

BaseStatus unlearn_gram_dual(UnlearnSpace *space)
{
    BaseStatus st = BASE_OK;
    if (space->matrix_f64) return dual_f64(space);
    for (int64_t i = 0; i < space->group_count; i++) {
        for (int64_t j = 0; j < i; j++) BASE_TRY(dual_block(space, space->groups + i, space->groups + j));
        BASE_TRY(dual_own_block(space, space->groups + i));
    }
out:
    return st;
}

BaseStatus unlearn_gram_divide(UnlearnSpace *space, double by)
{
    BaseStatus st = BASE_OK;
    double squares;
    if (space->matrix_f64)
        BASE_TRY(math_divide_f64(space->side, space->matrix_f64, by, &squares));
    else
        BASE_TRY(math_divide(space->side, space->matrix, (float)by, &squares));
    space->rank = 1 / squares;
out:
    return st;
}
