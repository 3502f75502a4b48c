/* unlearn/esc.c - the leading directions of what comes into the classifier on the forgotten images are taken away
 * (ESC; Lee et al., CVPR 2025, arXiv 2504.02199; read in their public code, the forward pass in a copy of it). X [n,
 * d]: the classifier's inputs on the forgotten images, eval mode, not centred; u_1, u_2, ...: eigenvectors of X^T X,
 * the largest eigenvalues first, which are the left singular vectors of X^T; k = floor(d percent / 100), at least 1:
 *   W <- W (I - sum over i <= k of u_i u_i^T)        W [K, d] the classifier; its bias stays
 * The authors put the projection x <- U_p U_p^T x in front of the classifier, which gives the same answers: U_p holds
 * the other singular vectors. Where n < d theirs drops whatever no forgotten image shows, too; here that stays.
 * WHAT IS JUDGED: nothing before the classifier changes, so by the features that this network computes, on which
 * probe_forget is, it is an edit of the last layer and its probe is the original's. The authors train a new classifier
 * behind the projection ("knowledge retention"), that is on projected features; a probe must be given x (I - sum u_i
 * u_i^T) to be compared with theirs. No projection can be folded into the layer before, since a ReLU stands between
 * the two.
 * In their code features are made in train mode, of augmented images.
 * Data: forgotten images; one forward pass. Default: their newest percent, 1.5 (3 before).
 */
#include <math.h>

#include "base/memory.h"
#include "data/pipeline/loader.h"
#include "math/linalg.h"
#include "unlearn/gradient/learner.h"

typedef struct {
    UnlearnSteps steps;
    double percent;
} Params;
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW(""),
    BASE_PARAM_F64(Params, percent, 1.5, 0, 100,
                   "leading directions taken away, in percent of the features' number, but at least one"),
    UNLEARN_FORGET_ROW,
};
static const char *const TUNABLE[] = {"percent", NULL};
enum { BATCH = 128 };

static const NnLayer *classifier(const NnNet *net, int *number)
{
    int count;
    const NnLayer *layers = nn_net_layers(net, &count);
    *number = count - 1;
    return layers + count - 1;
}

static BaseStatus check(const UnlearnContext *context, const void *params)
{
    (void)params;
    int number;
    const NnLayer *last = classifier(context->original, &number);
    if (nn_net_ends_linear(context->original)) return BASE_OK;
    return base_error_set(BASE_EUSAGE,
                          "the logits are not outputs of the classifier %s but made of them: no projection of its "
                          "inputs can be put into it",
                          last->name);
}

/* gram [d, d] += X^T X of the classifier's inputs. */
static BaseStatus gather(const UnlearnContext *context, const DataView *view, int64_t d, int number, double *gram)
{
    BaseStatus st = BASE_OK;
    UnlearnTeacher net = {0};
    DataLoader *loader = NULL;
    float *logits = NULL, *features = NULL;
    double *rows = NULL;
    int64_t shape[3], batch = view->n < BATCH ? view->n : BATCH;
    nn_net_input_shape(context->original, shape);
    const DataLoaderConfig config = {.batch = batch, .C = shape[0], .H = shape[1], .W = shape[2]};
    BASE_TRY(BASE_ALLOC_RAW(batch * nn_net_classes(context->original), &logits));
    BASE_TRY(BASE_ALLOC_RAW(batch * d, &features));
    BASE_TRY(BASE_ALLOC_RAW(batch * d, &rows));
    BASE_TRY(unlearn_teacher_create(context, context->original, batch, &net));
    BASE_TRY(data_loader_create(view, &config, &loader));
    BASE_TRY(data_loader_start(loader, 0));
    for (int64_t done = 0; done < view->n;) {
        DataBatch images;
        BASE_TRY(data_loader_next(loader, &images));
        BASE_TRY(nn_engine_forward(net.engine, images.x, images.n, 0, logits));
        BASE_TRY(nn_engine_tap(net.engine, number, features));
        for (int64_t i = 0; i < images.n * d; i++) rows[i] = (double)features[i];
        BASE_TRY(math_gram_block_f64(false, images.n, d, rows, d, gram, d));
        done += images.n;
    }
out:
    data_loader_free(loader);
    unlearn_teacher_free(&net);
    base_free(logits);
    base_free(features);
    base_free(rows);
    return st;
}

/* *state: [d, d] eigenvectors in rows, ascending. */
static BaseStatus prepare(const UnlearnContext *context, const void *values, void **state)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    UnlearnSides sides = {0};
    double *gram = NULL, *s = NULL;
    int number;
    int64_t d = classifier(context->original, &number)->features;
    *state = NULL;
    BASE_TRY(BASE_ALLOC(d * d, &gram));
    BASE_TRY(BASE_ALLOC(d, &s));
    BASE_TRY(unlearn_sides_open(context, UNLEARN_NO_IMAGES, p->steps.forget_samples, &sides));
    BASE_TRY(gather(context, &sides.forget, d, number, gram));
    BASE_TRY(math_eigen_f64(d, gram, s));
    *state = gram;
    gram = NULL;
out:
    unlearn_sides_free(&sides);
    base_free(gram);
    base_free(s);
    return st;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    const double *vectors = state;
    UnlearnSides sides = {0};
    int number;
    const NnLayer *last = classifier(net, &number);
    int64_t d = last->features, k = (int64_t)floor((double)d * p->percent / 100);
    float *w = nn_net_edit_params(net) + nn_net_param_slices(net, &(int){0})[last->weight].offset;
    if (k < 1) k = 1;
    for (int64_t row = 0; row < last->K; row++, w += d)
        for (int64_t j = d - k; j < d; j++) { /* they are orthogonal: one after the other is all at once */
            const double *u = vectors + j * d;
            double along = 0;
            for (int64_t i = 0; i < d; i++) along += (double)w[i] * u[i];
            for (int64_t i = 0; i < d; i++) w[i] = (float)((double)w[i] - along * u[i]);
        }
    BASE_TRY(unlearn_sides_open(context, UNLEARN_NO_IMAGES, p->steps.forget_samples, &sides));
    unlearn_sides_report(&sides, (double)sides.forget.n, report);
out:
    unlearn_sides_free(&sides);
    return st;
}

const UnlearnMethod unlearn_esc = {
    .entry = BASE_ENTRY("esc", "takes the leading directions of the forgotten classes out of the classifier",
                        "Lee et al. 2025, ESC", Params, PARAMS),
    .needs = UNLEARN_NEEDS_FORGET,
    .tunable = TUNABLE,
    .prepare = prepare,
    .apply = apply,
    .release = base_free,
    .check = check,
};
