/* unlearn/random_projection.c - control: every layer loses a random subspace, as much of it as svd would take with the
 * same parameters.
 *
 *     W <- W (I - Q^T Q)        Q [r, f]: Gaussian rows, orthonormalised        r = round(f ||dW_svd||_F^2 / ||W||_F^2)
 *
 * A random r-dimensional subspace holds r / f of ||W||_F^2 on average, so the edit is about as large as svd's (within the
 * rounding of r, which is at least 1 where svd changes anything) and knows nothing of classes. A metric that cannot tell
 * the two apart measures damage, not forgetting. Q comes from stream (seed, "random_projection", layer number).
 * Parameters as svd's.
 */
#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "math/linalg.h"
#include "unlearn/svd/measure.h"
#include "unlearn/svd/pairs.h"

static const BaseParam PARAMS[] = {UNLEARN_SPACE_ROWS};
static const char *const TUNABLE[] = {"alpha_r", "alpha_f", NULL};

static BaseStatus prepare(const UnlearnContext *context, const void *params, void **state)
{
    UnlearnSpaceParams own = *(const UnlearnSpaceParams *)params;
    own.spectra = false; /* no row of the table sets it here */
    return unlearn_pairs_prepare(context, &own, state);
}

/* delta = W Q^T Q for r random directions; delta [K, f] */
static BaseStatus project(const float *w, int64_t K, int64_t f, int64_t r, BaseRandom random, float *delta)
{
    BaseStatus st = BASE_OK;
    float *q = NULL, *c = NULL; /* [r, f], [K, r] */
    BASE_TRY(BASE_ALLOC_RAW(r * f, &q));
    BASE_TRY(BASE_ALLOC_RAW(K * r, &c));
    for (int64_t i = 0; i < r * f; i++) q[i] = (float)base_random_normal(&random);
    BASE_TRY(math_orthonormalise(r, f, q));
    BASE_TRY(math_gemm(false, true, K, r, f, 1, w, q, 0, c));
    BASE_TRY(math_gemm(false, false, K, f, r, 1, c, q, 0, delta));
out:
    base_free(q);
    base_free(c);
    return st;
}

static BaseStatus edit_layer(const UnlearnContext *context, UnlearnPairs *pairs, const UnlearnSpaceParams *params,
                             int number, const NnLayer *layer, float *w, UnlearnLayer *row)
{
    BaseStatus st = BASE_OK;
    float *delta = NULL;
    int64_t f = layer->features, size = layer->K * f;
    BASE_TRY(BASE_ALLOC_RAW(size, &delta));
    BASE_TRY(unlearn_pairs_edit(pairs, number, params->alpha_r, params->alpha_f, w, layer->K, delta));
    double taken = math_dot(delta, delta, size), whole = math_dot(w, w, size);
    if (!(taken > 0)) goto out;
    int64_t r = (int64_t)llround((double)f * taken / whole);
    r = r < 1 ? 1 : r > f ? f : r;
    BASE_TRY(project(w, layer->K, f, r, base_random_make(context->seed, "random_projection", (uint64_t)number), delta));
    BASE_TRY(unlearn_measure_edit(layer, unlearn_pairs_retain(pairs, number), unlearn_pairs_forget(pairs, number), w,
                                  delta, row));
    for (int64_t j = 0; j < size; j++) w[j] -= delta[j];
out:
    base_free(delta);
    return st;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    return unlearn_pairs_apply(context, state, values, edit_layer, net, report);
}

const UnlearnMethod unlearn_random_projection = {
    .entry = BASE_ENTRY("random_projection",
                        "control: removes as much as svd with the same parameters, but in random directions", "",
                        UnlearnSpaceParams, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_SHARES | UNLEARN_CONTROL,
    .tunable = TUNABLE,
    .prepare = prepare,
    .apply = apply,
    .release = unlearn_pairs_release,
    .check = unlearn_pairs_check,
};
