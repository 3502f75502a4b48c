/* unlearn/svd/svd.c - Deep Unlearning: class forgetting without gradients (Kodge, Saha and Roy, TMLR 2024).
 *
 *   for each layer, X_r [n_r, f] and X_f [n_f, f]: inputs of a retained and a forgotten sample       inputs.c, patches.c
 *     X^T = U S V^T        s_i = S_i^2 / sum_j S_j^2                                                   reference.c
 *     lambda_i = alpha s_i / ((alpha - 1) s_i + 1)        P = U diag(lambda) U^T                       reference.c
 *     P_dis = P_f - P_f P_r = P_f (I - P_r)                                                            edit.c
 *     W <- W (I - P_dis)^T = W - D, D = W (I - P_r) P_f                                                edit.c
 *
 * P_r is that of X_r with alpha_r, P_f that of X_f with alpha_f. docs/method.md walks through it; route.h has the
 * faster ways to the same P.
 *
 * As the authors' code and not as an obvious reading: the classifier is edited too, inputs are those of the original
 * network for every layer, and P_dis is not symmetric, so the transpose matters. Biases, batch norm and running
 * statistics stay. Different from that code, on purpose: no augmentation of the sampled images; the retain sample is
 * drawn at random (not the first images) and excludes every forgotten class, not only the first; every draw follows the
 * seed.
 */
#include "unlearn/svd/measure.h"
#include "unlearn/svd/pairs.h"

static const BaseParam PARAMS[] = {
    UNLEARN_SPACE_ROWS,
    BASE_PARAM_BOOL(
        UnlearnSpaceParams, spectra, false,
        "keep every layer's spectrum, and what both spaces share, for the report; uses eigen instead of closed"),
};
static const char *const TUNABLE[] = {"alpha_r", "alpha_f", NULL};

static BaseStatus edit_layer(const UnlearnContext *context, UnlearnPairs *pairs, const UnlearnSpaceParams *params,
                             int number, const NnLayer *layer, float *w, UnlearnLayer *row)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(unlearn_pairs_subtract(pairs, number, params->alpha_r, params->alpha_f, w, layer->K, row));
    if (params->spectra && !context->grid)
        BASE_TRY(unlearn_measure_shared(unlearn_pairs_retain(pairs, number), unlearn_pairs_forget(pairs, number),
                                        layer->features, params->alpha_r, params->alpha_f, &row->shared));
out:
    return st;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    const UnlearnSpaceParams *params = values;
    report->alpha_retain = params->alpha_r;
    report->alpha_forget = params->alpha_f;
    return unlearn_pairs_apply(context, state, params, edit_layer, net, report);
}

const UnlearnMethod unlearn_svd = {
    .entry = BASE_ENTRY("svd", "removes the forgotten classes' directions from every layer, without gradients",
                        "Kodge, Saha, Roy 2024, arXiv 2312.00761", UnlearnSpaceParams, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_SHARES | UNLEARN_FEATURED,
    .tunable = TUNABLE,
    .prepare = unlearn_pairs_prepare,
    .apply = apply,
    .release = unlearn_pairs_release,
    .check = unlearn_pairs_check,
};
