/* unlearn/svd/edit.c - D = W (I - P_r) P_f, by the routes of unlearn/svd/route.h. */
#include "unlearn/svd/edit.h"

#include <math.h>

#include "base/memory.h"
#include "math/linalg.h"
#include "unlearn/svd/route.h"

/* The first half for one alpha_r. */
typedef struct {
    double alpha_r, response; /* response: tr(W G_r W^T) */
    uint8_t *z;               /* [rows] coordinates of W (I - P_r) in the forget space */
    int64_t fed;
} Half;

enum { HALVES = 16 }; /* kept at most: what a grid of more values of alpha_r would keep is let go */

struct UnlearnEdit {
    const UnlearnSpace *retain, *forget;
    int64_t rows;
    bool grid;
    Half *halves;
    int64_t half_count, half; /* half: the one in use; -1 before the first */
    UnlearnFactor of_retain, of_forget;
    double retain_after, forget_before, forget_after; /* sums over rows; forget_after NaN: not had on the way ... */
    double forget_weighed;                            /* ... so that this one is taken */
};

BaseStatus unlearn_edit_create(const UnlearnSpace *retain, const UnlearnSpace *forget, int64_t rows, bool grid,
                               UnlearnEdit **out)
{
    BaseStatus st = BASE_OK;
    UnlearnEdit *e = NULL;
    *out = NULL;
    BASE_CHECK(retain->finished && forget->finished, BASE_EARG, "the stream of inputs has not ended");
    BASE_CHECK(rows >= 1, BASE_EARG, "rows = %lld", (long long)rows);
    BASE_CHECK(retain->f == forget->f, BASE_ESHAPE, "retained inputs have %lld features, forgotten ones %lld",
               (long long)retain->f, (long long)forget->f);
    BASE_TRY(BASE_ALLOC(1, &e));
    *e = (UnlearnEdit){.retain = retain, .forget = forget, .rows = rows, .grid = grid, .half = -1};
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
    e->half = -1;
}

void unlearn_edit_free(UnlearnEdit *e)
{
    if (!e) return;
    drop_halves(e);
    unlearn_factor_drop(&e->of_retain);
    unlearn_factor_drop(&e->of_forget);
    base_free(e);
}

static BaseStatus check_alpha(double alpha)
{
    if (alpha > 0 && alpha <= 1e30) return BASE_OK;
    return base_error_set(BASE_EARG, "alpha = %g: must be above 0", alpha);
}

BaseStatus unlearn_edit_retain(UnlearnEdit *e, double alpha_r, bool *wanted)
{
    BaseStatus st = BASE_OK;
    *wanted = false;
    BASE_TRY(check_alpha(alpha_r));
    for (int64_t i = 0; i < e->half_count; i++) {
        if (e->halves[i].alpha_r != alpha_r || e->halves[i].fed != e->rows) continue;
        e->half = i;
        return BASE_OK;
    }
    if (!e->grid || e->half_count == HALVES) drop_halves(e);
    BASE_TRY(BASE_GROW(&e->halves, e->half_count, e->half_count + 1));
    Half *h = e->halves + e->half_count++;
    e->half = e->half_count - 1;
    h->alpha_r = alpha_r;
    BASE_TRY(BASE_ALLOC_RAW(unlearn_space_coordinate_bytes(e->forget, e->rows), &h->z));
    unlearn_factor_drop(&e->of_retain);
    BASE_TRY(unlearn_factor_make(e->retain, alpha_r, &e->of_retain));
    *wanted = true;
out:
    return st;
}

BaseStatus unlearn_edit_feed(UnlearnEdit *e, const float *w, int64_t first, int64_t rows)
{
    BaseStatus st = BASE_OK;
    uint8_t *z = NULL;
    float *y = NULL; /* W (I - P_r) */
    Half *h = e->halves + e->half;
    BASE_TRY(BASE_ALLOC_RAW(unlearn_space_coordinate_bytes(e->retain, rows), &z));
    BASE_TRY(BASE_ALLOC_RAW(rows * e->retain->f, &y));
    BASE_TRY(unlearn_space_coordinates(e->retain, w, rows, z));
    h->response += unlearn_space_response_of(e->retain, w, z, rows);
    BASE_TRY(unlearn_factor_remove(&e->of_retain, w, z, rows, y));
    BASE_TRY(unlearn_space_coordinates(e->forget, y, rows, h->z + unlearn_space_coordinate_bytes(e->forget, first)));
    h->fed += rows;
    if (h->fed == e->rows) unlearn_factor_drop(&e->of_retain); /* another alpha_r would need another one */
out:
    base_free(z);
    base_free(y);
    return st;
}

BaseStatus unlearn_edit_forget(UnlearnEdit *e, double alpha_f)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(check_alpha(alpha_f));
    BASE_CHECK(e->half >= 0 && e->halves[e->half].fed == e->rows, BASE_EARG, "the weights have not all come");
    e->retain_after = e->forget_before = e->forget_after = e->forget_weighed = 0;
    if (e->of_forget.space && e->of_forget.alpha == alpha_f) goto out;
    unlearn_factor_drop(&e->of_forget);
    BASE_TRY(unlearn_factor_make(e->forget, alpha_f, &e->of_forget));
out:
    return st;
}

BaseStatus unlearn_edit_take(UnlearnEdit *e, int64_t first, int64_t rows, float *out)
{
    BaseStatus st = BASE_OK;
    double response;
    const uint8_t *z = e->halves[e->half].z + unlearn_space_coordinate_bytes(e->forget, first);
    BASE_TRY(unlearn_factor_project(&e->of_forget, z, rows, out, &response));
    BASE_CHECK(math_is_finite(out, rows * e->retain->f), BASE_ENUMERIC, "the edit of the weights is not finite");
    e->forget_after += response;
out:
    return st;
}

BaseStatus unlearn_edit_weigh(UnlearnEdit *e, const float *w, const float *d, int64_t rows)
{
    BaseStatus st = BASE_OK;
    double retain_after, forget_before, forget_after = 0;
    BASE_TRY(unlearn_space_response(e->retain, d, rows, &retain_after));
    BASE_TRY(unlearn_space_response(e->forget, w, rows, &forget_before));
    if (isnan(e->forget_after)) BASE_TRY(unlearn_space_response(e->forget, d, rows, &forget_after));
    e->retain_after += retain_after;
    e->forget_before += forget_before;
    e->forget_weighed += forget_after;
out:
    return st;
}

UnlearnShares unlearn_edit_shares(const UnlearnEdit *e)
{
    double retain_before = e->halves[e->half].response;
    double forget_after = isnan(e->forget_after) ? e->forget_weighed : e->forget_after;
    return (UnlearnShares){.retain = retain_before > 0 ? e->retain_after / retain_before : NAN,
                           .forget = e->forget_before > 0 ? forget_after / e->forget_before : NAN};
}

BaseStatus unlearn_edit_once(const UnlearnSpace *retain, const UnlearnSpace *forget, double alpha_r, double alpha_f,
                             const float *w, int64_t rows, float *out, UnlearnShares *shares)
{
    BaseStatus st = BASE_OK;
    UnlearnEdit *e = NULL;
    bool wanted;
    BASE_TRY(unlearn_edit_create(retain, forget, rows, false, &e));
    BASE_TRY(unlearn_edit_retain(e, alpha_r, &wanted));
    BASE_TRY(unlearn_edit_feed(e, w, 0, rows));
    BASE_TRY(unlearn_edit_forget(e, alpha_f));
    BASE_TRY(unlearn_edit_take(e, 0, rows, out));
    if (!shares) goto out;
    BASE_TRY(unlearn_edit_weigh(e, w, out, rows));
    *shares = unlearn_edit_shares(e);
out:
    unlearn_edit_free(e);
    return st;
}
