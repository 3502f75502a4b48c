/* unlearn/fisher.c - noise where the retained images do not mind it (Golatkar):
 *   F_i = E over D_r, y ~ softmax(f_w(x)) of (d/dw_i CE(f_w(x), y))^2           one image at a time, original, eval
 *   v_i = alpha min(1 / (F_i + 1e-8), cap)     cap 1e3, in the classifier 1e2; averaged over a weight's input
 *         channels; ten times that in the classifier and in every vector (biases, norms)
 *   w_i <- w_i + sqrt(v_i) n_i,  n ~ N(0, 1);  the row and bias of a class that is
 *         forgotten whole in the classifier: from 0, v = 1e-3
 * The noise's standard deviation is proportional to F^(-1/2). y is drawn once per image: the same expectation as the sum
 * over all K classes, at 1/K of its cost. Data: retained images, one at a time; one pass with gradients. The useful
 * alpha differs by orders of magnitude between networks (1e-6 in the code of SSD, 1e-9 advised by the authors of
 * Unlearn-Sparse), so search it.
 */
#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "unlearn/gradient/gradients.h"
#include "unlearn/gradient/steps.h"

typedef struct {
    UnlearnSteps steps;
    double alpha;
} Params;
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW(""),
    BASE_PARAM_F64(Params, alpha, 1e-7, 0, 1e6, "variance of the noise, in units of the inverse Fisher information"),
    UNLEARN_RETAIN_ROW(100),
};
static const char *const TUNABLE[] = {"alpha", NULL};
static const double CAP = 1e3, CAP_CLASSIFIER = 1e2, LOUDER = 10, FORGOTTEN = 1e-3;

static BaseStatus prepare(const UnlearnContext *context, const void *values, void **state)
{
    BaseStatus st = BASE_OK;
    const UnlearnSteps *steps = values;
    UnlearnSides sides = {0};
    float *fisher = NULL; /* [param_count] */
    *state = NULL;
    BASE_TRY(BASE_ALLOC(nn_net_param_count(context->original), &fisher));
    BASE_TRY(unlearn_sides_open(context, steps->retain_per_class, UNLEARN_NO_IMAGES, &sides));
    BASE_TRY(unlearn_importance(context, &sides.retain, 1, UNLEARN_LABELS_DRAWN, "Fisher information", fisher));
    *state = fisher;
    fisher = NULL;
out:
    base_free(fisher);
    unlearn_sides_free(&sides);
    return st;
}

/* v of one parameter: the mean over what shares its place but for the input channel. */
static double variance(const float *fisher, const NnSlice *slice, int64_t i, double alpha, bool classifier)
{
    int64_t inner = 1, C = slice->ndim > 1 ? slice->shape[1] : 1;
    for (int d = 2; d < slice->ndim; d++) inner *= slice->shape[d];
    int64_t row = i / (C * inner), at = i % inner;
    double sum = 0, cap = classifier ? CAP_CLASSIFIER : CAP;
    for (int64_t c = 0; c < C; c++) sum += fmin(1 / ((double)fisher[(row * C + c) * inner + at] + 1e-8), cap);
    return alpha * sum / (double)C * (classifier || slice->ndim == 1 ? LOUDER : 1);
}

static void disturb(const UnlearnContext *context, const float *fisher, const NnSlice *slice, int number, double alpha,
                    bool classifier, float *w)
{
    BaseRandom random = base_random_make(context->seed, "fisher_noise", (uint64_t)number);
    int64_t C = slice->ndim > 1 ? slice->shape[1] : 1, inner = 1;
    const bool whole = !data_forget_by_image(context->forget);
    for (int d = 2; d < slice->ndim; d++) inner *= slice->shape[d];
    for (int64_t row = 0; row < slice->shape[0]; row++) {
        bool forgotten = classifier && whole && row < context->forget->classes.K && context->forget->classes.in[row];
        for (int64_t at = 0; at < inner; at++) {
            double v = forgotten ? FORGOTTEN : variance(fisher, slice, row * C * inner + at, alpha, classifier);
            for (int64_t c = 0; c < C; c++) {
                float *x = w + (row * C + c) * inner + at;
                *x = (float)((forgotten ? 0 : (double)*x) + sqrt(v) * base_random_normal(&random));
            }
        }
    }
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    const float *fisher = state;
    UnlearnSides sides = {0};
    int count, last[NN_CLASSIFIERS], heads = nn_net_classifiers(net, last);
    const NnLayer *layers = nn_net_layers(net, &(int){0});
    const NnSlice *slices = nn_net_param_slices(net, &count);
    float *w = nn_net_edit_params(net);
    for (int i = 0; i < count; i++) {
        bool classifier = false;
        for (int h = 0; h < heads; h++)
            classifier = classifier || i == layers[last[h]].weight || i == layers[last[h]].bias;
        disturb(context, fisher + slices[i].offset, slices + i, i, p->alpha, classifier, w + slices[i].offset);
    }
    BASE_TRY(unlearn_sides_open(context, p->steps.retain_per_class, UNLEARN_NO_IMAGES, &sides));
    unlearn_sides_report(&sides, (double)sides.retain.n, report);
out:
    unlearn_sides_free(&sides);
    return st;
}

const UnlearnMethod unlearn_fisher = {
    .entry = BASE_ENTRY("fisher", "adds noise where the Fisher information of the retained classes is small",
                        "Golatkar et al., Fisher noise", Params, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_GRADIENT,
    .tunable = TUNABLE,
    .prepare = prepare,
    .apply = apply,
    .release = base_free,
};
