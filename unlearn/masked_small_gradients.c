/* unlearn/masked_small_gradients.c - draws anew the weights that matter for neither side, then trains on (MSG, "masked
 * small gradients": second in the NeurIPS 2023 unlearning challenge, named so in Cadet et al., "Deep Unlearn",
 * arXiv 2410.01276):
 *   g = sum over D_r' of dCE/dw  -  sum over D_f' of dCE/dw     eval mode; of batches' mean gradients; |D_r'| = |D_f'|
 *   of the weights of every convolution, the `share` with the smallest |g|: w ~ N(0, 2 / (K h w)), Kaiming
 *   with the fan-out of K kernels of h x w pixels
 *   then E epochs on D_r of CE(f_w(x), y), with `factor` times the gradient of the convolutions' other weights
 *   lr min((e + 1) / A, (E - e) / (E + 1 - A))   in epoch e = 0 .. E - 1, A = floor((E + 1) / 2)
 * D_r' is drawn of the retained images, as many as are forgotten; where fewer are retained D_r' is all of them, and
 * D_f' as many, drawn of the forgotten ones, or these would outweigh them. Weight decay is not reduced. Biases of convolutions stay; the public code's new
 * layers have new ones too, by PyTorch's default.
 * Data: both; one pass over D_r' and D_f', then epochs passes over D_r, all with gradients. After the public code of Deep
 * Unlearn, and its defaults.
 */
#include <math.h>

#include "base/memory.h"
#include "base/order.h"
#include "base/random.h"
#include "unlearn/gradient/gradients.h"
#include "unlearn/gradient/refine.h"

typedef struct {
    UnlearnSteps steps;
    double share, factor;
    int64_t biases;
} Params;
enum { KEPT, RENEWED };
static const char *const BIASES[] = {"kept", "renewed", NULL};
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("biases=renewed"),
    BASE_PARAM_F64(Params, share, 0.3, 0, 1,
                   "share of the weights of each convolution that are drawn anew: those with the smallest gradients"),
    BASE_PARAM_F64(Params, factor, 0.1, 0, 1, "multiple of the gradient of the convolutions' other weights"),
    BASE_PARAM_CHOICE(Params, biases, KEPT, BIASES, "what becomes of the biases of convolutions"),
    UNLEARN_STEP_ROWS(5, 64, 1e-3, 0.9, 5e-4, NN_SGD),
    UNLEARN_RETAIN_ROW(0),
    UNLEARN_FORGET_ROW,
};

static BaseStatus check(const UnlearnContext *context, const void *values)
{
    (void)values;
    BaseStatus st = BASE_OK;
    int count, found = 0;
    const NnLayer *layers = nn_net_layers(context->original, &count);
    for (int l = 0; l < count; l++) found += layers[l].kind == NN_LAYER_CONV;
    BASE_CHECK(found > 0, BASE_EUSAGE, "the network has no convolution: there are no kernels to draw anew");
out:
    return st;
}

typedef struct {
    float *sum;
    int64_t count;
    float sign;
} Sum;

static BaseStatus take(void *user, const float *grad, int64_t n)
{
    const Sum *s = user;
    (void)n;
    for (int64_t i = 0; i < s->count; i++) s->sum[i] += s->sign * grad[i];
    return BASE_OK;
}

/* *drawn by data_index_free: @p n of the images of @p side; stream (seed, "small_gradients", @p number). */
static BaseStatus draw(const UnlearnContext *context, const DataIndex *side, int64_t n, uint64_t number,
                       DataIndex *drawn)
{
    BaseStatus st = BASE_OK;
    BaseRandom random = base_random_make(context->seed, "small_gradients", number);
    BASE_TRY(BASE_ALLOC(n, &drawn->at));
    drawn->n = n;
    base_random_choose(&random, side->n, n, drawn->at);
    for (int64_t i = 0; i < n; i++) drawn->at[i] = side->at[drawn->at[i]];
out:
    return st;
}

/* @p out [param_count] = |g|, of *images of either side. */
static BaseStatus difference(const UnlearnContext *context, const UnlearnSteps *s, float *out, int64_t *images)
{
    BaseStatus st = BASE_OK;
    UnlearnSides sides = {0};
    DataIndex drawn[2] = {{0}}; /* retained, forgotten */
    Sum sum = {.sum = out, .count = nn_net_param_count(context->original), .sign = 1};
    BASE_TRY(unlearn_sides_open(context, s->retain_per_class, s->forget_samples, &sides));
    const int64_t n = base_smaller(sides.retain.n, sides.forget.n);
    BASE_TRY(draw(context, &sides.retain_index, n, 0, &drawn[0]));
    if (n < sides.forget.n) BASE_TRY(draw(context, &sides.forget_index, n, 1, &drawn[1]));
    const DataView retain = data_view_of(context->train.set, &drawn[0]),
                   forget = n < sides.forget.n ? data_view_of(context->train.set, &drawn[1]) : sides.forget;
    BASE_TRY(
        unlearn_gradients(context, &retain, s->batch_size, UNLEARN_LABELS_TRUE, "gradients on retained", take, &sum));
    sum.sign = -1;
    BASE_TRY(
        unlearn_gradients(context, &forget, s->batch_size, UNLEARN_LABELS_TRUE, "gradients on forgotten", take, &sum));
    for (int64_t i = 0; i < sum.count; i++) out[i] = fabsf(out[i]);
    *images = n;
out:
    unlearn_sides_free(&sides);
    data_index_free(&drawn[0]);
    data_index_free(&drawn[1]);
    return st;
}

/* The weights [count] of one convolution; @p mask [count] is room for it. */
static BaseStatus renew(const UnlearnContext *context, const Params *p, const NnLayer *layer, const NnSlice *slice,
                        const float *gradient, uint8_t *mask, float *w, float *scale)
{
    BaseStatus st = BASE_OK;
    int64_t n = slice->count, kept = n - (int64_t)nearbyint(p->share * (double)n);
    double deviation = sqrt(2 / (double)(layer->K * layer->kernel_h * layer->kernel_w));
    BaseRandom random = base_random_make(context->seed, "kaiming", (uint64_t)slice->offset);
    BASE_TRY(unlearn_top_share(gradient, n, ((double)kept + 0.5) / (double)n, mask)); /* floor gives `kept` */
    for (int64_t i = 0; i < n; i++) {
        double drawn = deviation * base_random_normal(&random);
        if (mask[i])
            scale[i] = (float)p->factor;
        else
            w[i] = (float)drawn;
    }
out:
    return st;
}

static BaseStatus renew_all(const UnlearnContext *context, const Params *p, const float *gradient, NnNet *net,
                            float *scale)
{
    BaseStatus st = BASE_OK;
    uint8_t *mask = NULL;
    NnNet *fresh = NULL;
    int layer_count;
    const NnLayer *layers = nn_net_layers(net, &layer_count);
    const NnSlice *slices = nn_net_param_slices(net, &(int){0});
    float *w = nn_net_edit_params(net);
    BASE_TRY(BASE_ALLOC(nn_net_param_count(net), &mask));
    BASE_TRY(nn_net_clone(net, &fresh));
    nn_net_init(fresh, context->seed);
    for (int l = 0; l < layer_count; l++) {
        if (layers[l].kind != NN_LAYER_CONV) continue;
        const NnSlice *slice = slices + layers[l].weight, *bias = layers[l].bias < 0 ? NULL : slices + layers[l].bias;
        BASE_TRY(renew(context, p, &layers[l], slice, gradient + slice->offset, mask, w + slice->offset,
                       scale + slice->offset));
        for (int64_t i = 0; bias && p->biases == RENEWED && i < bias->count; i++)
            w[bias->offset + i] = nn_net_params(fresh)[bias->offset + i];
    }
out:
    nn_net_free(fresh);
    base_free(mask);
    return st;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    (void)state;
    BaseStatus st = BASE_OK;
    const Params *p = values;
    float *gradient = NULL, *scale = NULL;
    int layers;
    int64_t images, count = nn_net_param_count(net);
    BASE_TRY(BASE_ALLOC(count, &gradient));
    BASE_TRY(BASE_ALLOC(count, &scale));
    for (int64_t i = 0; i < count; i++) scale[i] = 1;
    BASE_TRY(difference(context, &p->steps, gradient, &images));
    BASE_TRY(renew_all(context, p, gradient, net, scale));
    nn_net_layers(net, &layers);
    const UnlearnRefine refine = {.steps = &p->steps,
                                  .last = layers,
                                  .rate = UNLEARN_RATE_TENT,
                                  .scale = scale,
                                  .label = "masked_small_gradients"};
    BASE_TRY(unlearn_refine(context, &refine, net, report));
    report->samples_forget = images;
    report->passes += (double)(2 * images);
out:
    base_free(gradient);
    base_free(scale);
    return st;
}

const UnlearnMethod unlearn_masked_small_gradients = {
    .entry = BASE_ENTRY("masked_small_gradients",
                        "draws anew the kernel weights that matter little to either side, then trains on the retained "
                        "classes",
                        "MSG in Cadet et al. 2024, code of Deep Unlearn", Params, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT,
    .apply = apply,
    .check = check,
};
