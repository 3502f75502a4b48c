/* How inputs enter the importance core: summed into the Gram matrix at once (primal), or stored (dual, svd).
 *
 * A row comes with the columns that it may be non-zero in, as a few runs, and holds only those. A patch that hangs over
 * the border of its map is zero in whole kernel taps: of all products of a 3 x 3 kernel, 52% remain on a 4 x 4 map and
 * 20% on a 2 x 2 one. */
#include <string.h>

#include "base/memory.h"
#include "math/importance_core.h"
#include "math/linalg.h"

enum {
    F64_BLOCK = 512,
    /* Width of the column blocks that a bf16 Gram matrix is made in, so that little above the diagonal is computed: at
     * f = 4608 and 10000 rows 58% of the square. oneDNN's product keeps its speed (1.1 TFLOP/s on two AMX cores) down
     * to 512 columns. */
    TRIANGLE_BLOCK = 768,
};

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

static BaseStatus widen(const float *x, int64_t n, double **out)
{
    BaseStatus st = BASE_ALLOC_RAW(n, out);
    if (st != BASE_OK) return st;
    for (int64_t i = 0; i < n; i++) (*out)[i] = (double)x[i];
    return BASE_OK;
}

/* bf16 is the upper half of a float32 */
static float float_of(uint16_t half)
{
    union {
        uint32_t bits;
        float value;
    } u = {.bits = (uint32_t)half << 16};
    return u.value;
}

static int64_t width_of(const MathColumns *c)
{
    int64_t width = 0;
    for (int i = 0; i < c->count; i++) width += c->at[i].width;
    return width;
}

static BaseStatus check_columns(const MathImportance *m, const MathColumns *c)
{
    BaseStatus st = BASE_OK;
    int64_t end = 0;
    BASE_CHECK(c->count >= 0 && c->count <= MATH_SPANS, BASE_EARG, "%d runs of columns: 0 to %d", c->count, MATH_SPANS);
    for (int i = 0; i < c->count; i++) {
        BASE_CHECK(c->at[i].from >= end && c->at[i].width > 0 && c->at[i].width <= m->f - c->at[i].from, BASE_EARG,
                   "columns %lld to %lld of %lld: runs must ascend, apart and within", (long long)c->at[i].from,
                   (long long)(c->at[i].from + c->at[i].width), (long long)m->f);
        end = c->at[i].from + c->at[i].width;
    }
out:
    return st;
}

/* G += X^T X, run by run, in the lower triangle. */
static BaseStatus gram_f32(MathImportance *m, const float *x, int64_t rows, const MathColumns *c, int64_t width)
{
    BaseStatus st = BASE_OK;
    const float *a = x;
    for (int i = 0; i < c->count; a += c->at[i++].width) {
        float *g = m->gram + c->at[i].from * m->f;
        const float *b = x;
        for (int j = 0; j < i; b += c->at[j++].width)
            BASE_TRY(math_gemm_block(true, false, c->at[i].width, c->at[j].width, rows, 1, a, width, b, width, 1,
                                     g + c->at[j].from, m->f));
        BASE_TRY(math_gram_block(false, rows, c->at[i].width, a, width, g + c->at[i].from, m->f));
    }
out:
    return st;
}

static BaseStatus gram_bf16(MathImportance *m, const uint16_t *x, int64_t rows, const MathColumns *c, int64_t width)
{
    BaseStatus st = BASE_OK;
    const uint16_t *a = x;
    for (int i = 0; i < c->count; a += c->at[i++].width) {
        int64_t from = c->at[i].from, wide = c->at[i].width;
        const uint16_t *b = x;
        for (int j = 0; j < i; b += c->at[j++].width)
            BASE_TRY(m->product(m->product_user, false, wide, c->at[j].width, rows, a, width, b, width,
                                m->gram + from * m->f + c->at[j].from, m->f));
        for (int64_t at = 0; at < wide; at += TRIANGLE_BLOCK)
            BASE_TRY(m->product(m->product_user, false, wide - at, smaller(wide - at, TRIANGLE_BLOCK), rows, a + at,
                                width, a + at, width, m->gram + (from + at) * (m->f + 1), m->f));
    }
out:
    return st;
}

static BaseStatus gram_f64(MathImportance *m, const float *x, int64_t rows, const MathColumns *c, int64_t width)
{
    BaseStatus st = BASE_OK;
    double *wide = NULL;
    for (int64_t at = 0; at < rows; at += F64_BLOCK) {
        int64_t count = smaller(rows - at, F64_BLOCK);
        BASE_TRY(widen(x + at * width, count * width, &wide));
        const double *a = wide;
        for (int i = 0; i < c->count; a += c->at[i++].width) {
            double *g = m->gram_f64 + c->at[i].from * m->f;
            const double *b = wide;
            for (int j = 0; j < i; b += c->at[j++].width)
                BASE_TRY(math_gemm_block_f64(true, false, c->at[i].width, c->at[j].width, count, 1, a, width, b, width,
                                             1, g + c->at[j].from, m->f));
            BASE_TRY(math_gram_block_f64(false, count, c->at[i].width, a, width, g + c->at[i].from, m->f));
        }
        base_free(wide);
        wide = NULL;
    }
out:
    base_free(wide);
    return st;
}

static void spread(const float *x, int64_t rows, int64_t f, const MathColumns *c, float *out)
{
    for (int64_t r = 0; r < rows; r++, out += f) {
        memset(out, 0, (size_t)f * sizeof *out);
        for (int i = 0; i < c->count; x += c->at[i++].width)
            memcpy(out + c->at[i].from, x, (size_t)c->at[i].width * sizeof *x);
    }
}

static BaseStatus store(MathImportance *m, const void *x, int64_t rows, const MathColumns *c, int64_t width)
{
    BaseStatus st = BASE_OK;
    const MathColumns all = {.at = {{0, m->f}}, .count = 1};
    MathGroup *last = m->group_count ? m->groups + m->group_count - 1 : NULL;
    if (m->product) {
        memcpy(m->x_bf16 + m->stored, x, (size_t)(rows * width) * sizeof *m->x_bf16);
    } else if (m->route == MATH_ROUTE_SVD || m->gram_f64) { /* whole rows: it reads them as one matrix */
        spread(x, rows, m->f, c, m->x + m->stored);
        width = m->f;
        c = &all;
    } else {
        memcpy(m->x + m->stored, x, (size_t)(rows * width) * sizeof *m->x);
    }
    if (last && last->columns.count == c->count &&
        memcmp(last->columns.at, c->at, (size_t)c->count * sizeof *c->at) == 0) {
        last->rows += rows;
    } else {
        BASE_TRY(BASE_GROW(&m->groups, m->group_count, m->group_count + 1));
        m->groups[m->group_count++] =
            (MathGroup){.first = m->seen, .rows = rows, .width = width, .offset = m->stored, .columns = *c};
    }
    m->stored += rows * width;
out:
    return st;
}

BaseStatus math_importance_add_columns(MathImportance *m, const void *x, int64_t rows, const MathColumns *columns)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(!m->finished && rows >= 0 && rows <= m->n - m->seen, BASE_EARG, "%lld rows more than the %lld announced",
               (long long)(m->seen + rows - m->n), (long long)m->n);
    BASE_TRY(check_columns(m, columns));
    int64_t width = width_of(columns);
    if (m->x || m->x_bf16)
        BASE_TRY(store(m, x, rows, columns, width));
    else if (m->product)
        BASE_TRY(gram_bf16(m, x, rows, columns, width));
    else if (m->gram)
        BASE_TRY(gram_f32(m, x, rows, columns, width));
    else
        BASE_TRY(gram_f64(m, x, rows, columns, width));
    m->seen += rows;
out:
    return st;
}

BaseStatus math_importance_add(MathImportance *m, const float *x, int64_t rows)
{
    const MathColumns all = {.at = {{0, m->f}}, .count = 1};
    if (m->product) return base_error_set(BASE_EARG, "rows were announced as bf16");
    return math_importance_add_columns(m, x, rows, &all);
}

BaseStatus math_importance_use_bf16(MathImportance *m, MathProduct product, void *user)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(m->seen == 0 && !m->product, BASE_EARG, "the type of the rows is chosen before the first one");
    if (!m->gram) goto out; /* svd, and what is small enough for float64 */
    if (m->x) {
        base_free(m->x);
        m->x = NULL;
        BASE_TRY(BASE_ALLOC_RAW(m->n * m->f, &m->x_bf16));
    }
    m->product = product;
    m->product_user = user;
out:
    return st;
}

bool math_importance_takes_bf16(const MathImportance *m) { return m->product != NULL; }

double math_rows_squares(const MathImportance *m)
{
    double sum = 0;
    for (int64_t g = 0; m->x && g < m->group_count; g++) {
        const MathGroup *group = m->groups + g;
        for (int64_t i = 0; i < group->rows; i++) {
            const float *row = m->x + group->offset + i * group->width;
            sum += math_dot(row, row, group->width);
        }
    }
    for (int64_t i = 0; m->x_bf16 && i < m->stored; i++) {
        double value = (double)float_of(m->x_bf16[i]);
        sum += value * value;
    }
    return sum;
}

/* K in double: X is widened a block of columns at a time. */
static BaseStatus dual_f64(MathImportance *m)
{
    BaseStatus st = BASE_OK;
    double *wide = NULL;
    BASE_TRY(BASE_ALLOC_RAW(m->n * F64_BLOCK, &wide));
    for (int64_t at = 0; at < m->f; at += F64_BLOCK) {
        int64_t count = smaller(m->f - at, F64_BLOCK);
        for (int64_t i = 0; i < m->n; i++)
            for (int64_t j = 0; j < count; j++) wide[i * count + j] = (double)m->x[i * m->f + at + j];
        BASE_TRY(math_gram_block_f64(true, m->n, count, wide, count, m->gram_f64, m->n));
    }
out:
    base_free(wide);
    return st;
}

/* K's block of rows a and columns b (an earlier group, or a itself): over the columns that both have. */
static BaseStatus dual_block(MathImportance *m, const MathGroup *a, const MathGroup *b)
{
    BaseStatus st = BASE_OK;
    float *k = m->gram + a->first * m->n + b->first;
    int64_t at_a = a->offset;
    for (int i = 0; i < a->columns.count; at_a += a->columns.at[i++].width) {
        MathSpan p = a->columns.at[i];
        int64_t at_b = b->offset;
        for (int j = 0; j < b->columns.count; at_b += b->columns.at[j++].width) {
            MathSpan q = b->columns.at[j];
            int64_t from = larger(p.from, q.from), width = smaller(p.from + p.width, q.from + q.width) - from;
            if (width <= 0) continue;
            int64_t in_a = at_a + from - p.from, in_b = at_b + from - q.from;
            if (m->product)
                BASE_TRY(m->product(m->product_user, true, a->rows, b->rows, width, m->x_bf16 + in_a, a->width,
                                    m->x_bf16 + in_b, b->width, k, m->n));
            else
                BASE_TRY(math_gemm_block(false, true, a->rows, b->rows, width, 1, m->x + in_a, a->width, m->x + in_b,
                                         b->width, 1, k, m->n));
        }
    }
out:
    return st;
}

/* K's block of a group with itself, lower triangle. */
static BaseStatus dual_own_block(MathImportance *m, const MathGroup *a)
{
    BaseStatus st = BASE_OK;
    float *k = m->gram + a->first * (m->n + 1);
    if (!m->product) return math_gram_block(true, a->rows, a->width, m->x + a->offset, a->width, k, m->n);
    for (int64_t at = 0; at < a->rows; at += TRIANGLE_BLOCK) {
        const uint16_t *x = m->x_bf16 + a->offset + at * a->width;
        BASE_TRY(m->product(m->product_user, true, a->rows - at, smaller(a->rows - at, TRIANGLE_BLOCK), a->width, x,
                            a->width, x, a->width, k + at * (m->n + 1), m->n));
    }
out:
    return st;
}

BaseStatus math_rows_dual(MathImportance *m)
{
    BaseStatus st = BASE_OK;
    if (m->gram_f64) return dual_f64(m);
    for (int64_t i = 0; i < m->group_count; i++) {
        for (int64_t j = 0; j < i; j++) BASE_TRY(dual_block(m, m->groups + i, m->groups + j));
        BASE_TRY(dual_own_block(m, m->groups + i));
    }
out:
    return st;
}

/* A group's rows in float32, [rows, width]: where they lie, or in @p room. */
static const float *rows_f32(const MathImportance *m, const MathGroup *group, float *room)
{
    if (m->x) return m->x + group->offset;
    const uint16_t *from = m->x_bf16 + group->offset;
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < group->rows * group->width; i++) room[i] = float_of(from[i]);
    return room;
}

static BaseStatus room_for_groups(const MathImportance *m, float **out)
{
    int64_t most = 0;
    *out = NULL;
    if (!m->x_bf16) return BASE_OK;
    for (int64_t g = 0; g < m->group_count; g++) most = larger(most, m->groups[g].rows * m->groups[g].width);
    return BASE_ALLOC_RAW(most, out);
}

BaseStatus math_rows_respond(const MathImportance *m, const float *w, int64_t rows, float *z)
{
    BaseStatus st = BASE_OK;
    float *room;
    BASE_TRY(room_for_groups(m, &room));
    for (int64_t g = 0; g < m->group_count; g++) {
        const MathGroup *group = m->groups + g;
        const float *x = rows_f32(m, group, room);
        for (int i = 0; i < group->columns.count; x += group->columns.at[i++].width)
            BASE_TRY(math_gemm_block(false, true, rows, group->rows, group->columns.at[i].width, (float)m->factor,
                                     w + group->columns.at[i].from, m->f, x, group->width, i ? 1 : 0, z + group->first,
                                     m->n));
        for (int64_t r = 0; group->columns.count == 0 && r < rows; r++)
            memset(z + r * m->n + group->first, 0, (size_t)group->rows * sizeof *z);
    }
out:
    base_free(room);
    return st;
}

BaseStatus math_rows_combine(const MathImportance *m, double alpha, const float *y, int64_t rows, float *out)
{
    BaseStatus st = BASE_OK;
    float *room;
    BASE_TRY(room_for_groups(m, &room));
    memset(out, 0, (size_t)(rows * m->f) * sizeof *out);
    for (int64_t g = 0; g < m->group_count; g++) {
        const MathGroup *group = m->groups + g;
        const float *x = rows_f32(m, group, room);
        for (int i = 0; i < group->columns.count; x += group->columns.at[i++].width)
            BASE_TRY(math_gemm_block(false, false, rows, group->columns.at[i].width, group->rows,
                                     (float)(alpha * m->factor), y + group->first, m->n, x, group->width, 1,
                                     out + group->columns.at[i].from, m->f));
    }
out:
    base_free(room);
    return st;
}
