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

static BaseStatus check(const UnlearnContext *context, const void *params)
{
    return unlearn_pairs_check(context, params);
}

static BaseStatus prepare(const UnlearnContext *context, const void *params, void **state)
{
    UnlearnPairs *pairs;
    BaseStatus st = unlearn_pairs_create(context, params, &pairs);
    *state = pairs;
    return st;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    UnlearnPairs *pairs = state;
    const UnlearnSpaceParams *params = values;
    int count, row = 0;
    const NnLayer *layers = nn_net_layers(net, &count);
    const NnSlice *slices = nn_net_param_slices(net, &(int){0});
    float *weights = nn_net_edit_params(net);
    BASE_TRY(unlearn_pairs_report(pairs, net, report));
    report->alpha_retain = params->alpha_r;
    report->alpha_forget = params->alpha_f;
    for (int i = 0; i < count; i++) {
        if (!unlearn_pairs_selected(pairs)[i]) continue;
        const NnLayer *layer = layers + i;
        st = unlearn_pairs_subtract(pairs, i, params->alpha_r, params->alpha_f, weights + slices[layer->weight].offset,
                                    layer->K, report->layers + row);
        if (st == BASE_OK && params->spectra && !context->grid)
            st = unlearn_measure_shared(unlearn_pairs_retain(pairs, i), unlearn_pairs_forget(pairs, i), layer->features,
                                        params->alpha_r, params->alpha_f, &report->layers[row].shared);
        row++;
        if (st != BASE_OK) {
            base_error_prefix(st, "layer %s", layer->name);
            goto out;
        }
    }
out:
    return st;
}

static void release(void *state) { unlearn_pairs_free(state); }

const UnlearnMethod unlearn_svd = {
    .entry = BASE_ENTRY("svd", "removes the forgotten classes' directions from every layer, without gradients",
                        "Kodge, Saha, Roy 2024, arXiv 2312.00761", UnlearnSpaceParams, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_SHARES | UNLEARN_FEATURED,
    .tunable = TUNABLE,
    .prepare = prepare,
    .apply = apply,
    .release = release,
    .check = check,
};
