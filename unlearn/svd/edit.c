/* unlearn/svd/edit.c - D = W (I - P_r) P_f in two halves, block by block, by the routes of unlearn/svd/route.h. */
#include "unlearn/svd/edit.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "math/linalg.h"
#include "unlearn/svd/patches.h"
#include "unlearn/svd/route.h"

/* The first half for one alpha_r. */
typedef struct {
    double alpha_r, response; /* response: tr(W G_r W^T) */
    uint8_t *z;               /* [rows] coordinates of W (I - P_r) in the forget space */
} Half;

enum { HALVES = 16 }; /* kept at most: what a grid of more values of alpha_r would keep is let go */
static const int64_t BLOCK_BYTES = (int64_t)16 << 20;

struct UnlearnEdit {
    const UnlearnSpace *retain, *forget;
    int64_t rows, block; /* of W; worked on at once */
    bool grid;
    Half *halves; /* [half_count] */
    int64_t half_count;
    UnlearnFactor of_forget;
};

int64_t unlearn_edit_work_bytes(int64_t rows, int64_t f)
{
    int64_t block = base_smaller(BLOCK_BYTES, rows * f * (int64_t)sizeof(float));
    return rows * f * (int64_t)sizeof(double) + 4 * block; /* a half, and what a block is made of */
}

int64_t unlearn_edit_kept_bytes(int64_t rows, int64_t f) { return HALVES * rows * f * (int64_t)sizeof(double); }

BaseStatus unlearn_edit_create(const UnlearnSpace *retain, const UnlearnSpace *forget, int64_t rows, int64_t block,
                               bool grid, UnlearnEdit **out)
{
    BaseStatus st = BASE_OK;
    UnlearnEdit *e = NULL;
    *out = NULL;
    BASE_CHECK(retain->finished && forget->finished, BASE_EARG, "the stream of inputs has not ended");
    BASE_CHECK(rows >= 1 && block >= 0, BASE_EARG, "rows = %lld, block = %lld", (long long)rows, (long long)block);
    BASE_CHECK(retain->f == forget->f, BASE_ESHAPE, "retained inputs have %lld features, forgotten ones %lld",
               (long long)retain->f, (long long)forget->f);
    if (block == 0) block = base_larger(1, BLOCK_BYTES / (retain->f * (int64_t)sizeof(float)));
    BASE_TRY(BASE_ALLOC(1, &e));
    *e = (UnlearnEdit){
        .retain = retain, .forget = forget, .rows = rows, .block = base_smaller(block, rows), .grid = grid};
    *out = e;
out:
    return st;
}

static void drop_halves(UnlearnEdit *e)
{
    for (int64_t i = 0; i < e->half_count; i++) base_free(e->halves[i].z);
    base_free(e->halves);
    e->halves = NULL;
    e->half_count = 0;
}

void unlearn_edit_free(UnlearnEdit *e)
{
    if (!e) return;
    drop_halves(e);
    unlearn_factor_drop(&e->of_forget);
    base_free(e);
}

/* Rows from W's order of columns to X's, or with @p back the other way. */
static void order(const UnlearnEdit *e, const NnLayer *layer, const float *from, int64_t rows, bool back, float *to)
{
    if (layer)
        unlearn_patches_order(layer, rows, from, back, to);
    else
        memcpy(to, from, (size_t)(rows * e->retain->f) * sizeof *to);
}

/* z = coordinates of W (I - P_r) in the forget space, and what W responds to retained inputs. */
static BaseStatus make_half(const UnlearnEdit *e, const NnLayer *layer, double alpha_r, const float *w, Half *out)
{
    BaseStatus st = BASE_OK;
    const int64_t f = e->retain->f;
    UnlearnFactor of_retain = {0};
    uint8_t *z_r = NULL;           /* coordinates in the retain space */
    float *rows = NULL, *y = NULL; /* of W, and of W (I - P_r) */
    *out = (Half){.alpha_r = alpha_r};
    BASE_TRY(BASE_ALLOC_RAW(unlearn_space_coordinate_bytes(e->forget, e->rows), &out->z));
    BASE_TRY(BASE_ALLOC_RAW(unlearn_space_coordinate_bytes(e->retain, e->block), &z_r));
    BASE_TRY(BASE_ALLOC_RAW(e->block * f, &rows));
    BASE_TRY(BASE_ALLOC_RAW(e->block * f, &y));
    BASE_TRY(unlearn_factor_make(e->retain, alpha_r, &of_retain));
    for (int64_t at = 0; at < e->rows; at += e->block) {
        int64_t n = base_smaller(e->block, e->rows - at);
        order(e, layer, w + at * f, n, false, rows);
        BASE_TRY(unlearn_space_coordinates(e->retain, rows, n, z_r));
        out->response += unlearn_space_response_of(e->retain, rows, z_r, n);
        BASE_TRY(unlearn_factor_remove(&of_retain, rows, z_r, n, y));
        BASE_TRY(unlearn_space_coordinates(e->forget, y, n, out->z + unlearn_space_coordinate_bytes(e->forget, at)));
    }
out:
    unlearn_factor_drop(&of_retain);
    base_free(z_r);
    base_free(rows);
    base_free(y);
    return st;
}

static BaseStatus find_half(UnlearnEdit *e, const NnLayer *layer, double alpha_r, const float *w, const Half **out)
{
    BaseStatus st = BASE_OK;
    Half half = {0};
    for (int64_t i = 0; i < e->half_count; i++) {
        *out = e->halves + i;
        if ((*out)->alpha_r == alpha_r) return BASE_OK;
    }
    if (!e->grid || e->half_count == HALVES) drop_halves(e);
    BASE_TRY(make_half(e, layer, alpha_r, w, &half));
    BASE_TRY(BASE_GROW(&e->halves, e->half_count, e->half_count + 1));
    *out = e->halves + e->half_count;
    e->halves[e->half_count++] = half;
    half.z = NULL;
out:
    base_free(half.z);
    return st;
}

/* Sums over rows: what W and D respond to forgotten inputs, and D to retained ones. */
typedef struct {
    double retain_after, forget_before, forget_after;
} Responses;

/* @p after: what D responds to forgotten inputs where it was had on the way, else NaN. */
static BaseStatus weigh(const UnlearnEdit *e, const float *w, const float *d, int64_t rows, double after,
                        Responses *sums)
{
    BaseStatus st = BASE_OK;
    double retain_after, forget_before;
    BASE_TRY(unlearn_space_response(e->retain, d, rows, &retain_after));
    BASE_TRY(unlearn_space_response(e->forget, w, rows, &forget_before));
    if (isnan(after)) BASE_TRY(unlearn_space_response(e->forget, d, rows, &after));
    sums->retain_after += retain_after;
    sums->forget_before += forget_before;
    sums->forget_after += after;
out:
    return st;
}

BaseStatus unlearn_edit_make(UnlearnEdit *e, const NnLayer *layer, double alpha_r, double alpha_f, const float *w,
                             bool subtract, float *out, UnlearnShares *shares, double *changed)
{
    BaseStatus st = BASE_OK;
    const int64_t f = e->retain->f;
    const Half *half = NULL;
    Responses sums = {0};
    float *rows = NULL, *d = NULL;
    double after;
    BASE_TRY(find_half(e, layer, alpha_r, w, &half));
    if (!e->of_forget.space || e->of_forget.alpha != alpha_f) {
        unlearn_factor_drop(&e->of_forget);
        BASE_TRY(unlearn_factor_make(e->forget, alpha_f, &e->of_forget));
    }
    BASE_TRY(BASE_ALLOC_RAW(e->block * f, &rows));
    BASE_TRY(BASE_ALLOC_RAW(e->block * f, &d));
    if (changed) *changed = 0;
    for (int64_t at = 0; at < e->rows; at += e->block) {
        int64_t n = base_smaller(e->block, e->rows - at);
        const uint8_t *z = half->z + unlearn_space_coordinate_bytes(e->forget, at);
        BASE_TRY(unlearn_factor_project(&e->of_forget, z, n, d, &after));
        BASE_CHECK(math_is_finite(d, n * f), BASE_ENUMERIC, "the edit of the weights is not finite");
        if (changed) *changed += math_dot(d, d, n * f);
        if (shares) {
            order(e, layer, w + at * f, n, false, rows);
            BASE_TRY(weigh(e, rows, d, n, after, &sums));
        }
        order(e, layer, d, n, true, rows);
        for (int64_t i = 0; i < n * f; i++) out[at * f + i] = subtract ? w[at * f + i] - rows[i] : rows[i];
    }
    if (shares)
        *shares = (UnlearnShares){.retain = half->response > 0 ? sums.retain_after / half->response : NAN,
                                  .forget = sums.forget_before > 0 ? sums.forget_after / sums.forget_before : NAN,
                                  .of_d = {sums.retain_after, sums.forget_after},
                                  .of_w = {half->response, sums.forget_before}};
out:
    base_free(rows);
    base_free(d);
    return st;
}
