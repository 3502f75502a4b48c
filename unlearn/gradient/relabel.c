/* unlearn/gradient/relabel.c - random labels from a stream per image, or the class that one step of FGSM leads to. */
#include "unlearn/gradient/relabel.h"

#include <math.h>
#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "unlearn/gradient/gradients.h"

static BaseStatus own_labels(const DataSet *set, int32_t **out)
{
    BaseStatus st = BASE_ALLOC_RAW(set->N, out);
    if (st == BASE_OK) memcpy(*out, set->labels, (size_t)set->N * sizeof **out);
    return st;
}

BaseStatus unlearn_random_labels(const UnlearnContext *context, const DataView *view, int32_t **out)
{
    BaseStatus st = BASE_OK;
    const DataClasses *forget = &context->forget->classes;
    int32_t *labels = NULL;
    bool images = data_forget_by_image(context->forget);
    *out = NULL;
    BASE_TRY(own_labels(view->set, &labels));
    for (int64_t i = 0; i < view->n; i++) {
        int64_t at = data_view_at(view, i);
        BaseRandom random = base_random_make(context->seed, "random_label", (uint64_t)at);
        int64_t rank = (int64_t)base_random_below(&random, (uint64_t)(forget->K - (images ? 1 : forget->count)));
        const int32_t own = view->set->labels[at];
        for (int64_t k = 0; k < forget->K; k++)
            if (!(images ? k == own : forget->in[k]) && rank-- == 0) labels[at] = (int32_t)k;
    }
    *out = labels;
out:
    return st;
}

void unlearn_random_labels_again(const UnlearnContext *context, const DataView *view, int64_t epoch, int32_t *labels)
{
    for (int64_t i = 0; i < view->n; i++) {
        int64_t at = data_view_at(view, i);
        BaseRandom random =
            base_random_make(context->seed, "random_label_again", (uint64_t)(epoch * view->set->N + at));
        labels[at] = (int32_t)base_random_below(&random, (uint64_t)context->forget->classes.K);
    }
}

const char *const unlearn_random_names[] = {"once", "again", NULL};
const char *const unlearn_batches_names[] = {"apart", "mixed", NULL};

BaseStatus unlearn_random_first(const UnlearnContext *context, const UnlearnRandom *random, const DataView *view,
                                int32_t **out)
{
    *out = NULL;
    return random->labels == UNLEARN_RANDOM_ONCE ? unlearn_random_labels(context, view, out) : BASE_OK;
}

/* @p out: the images @p x moved by bound along the sign of their gradient @p dx, within the range of pixels. */
static void move(const DataSet *set, const int64_t shape[3], const UnlearnNearest *nearest, int64_t n, const float *x,
                 const float *dx, float *out)
{
    int64_t C = shape[0], area = shape[1] * shape[2];
    for (int64_t j = 0; j < n * C * area; j++) {
        int64_t c = j / area % C, raw = c < set->C ? c : 0;
        double sign = (double)((dx[j] > 0) - (dx[j] < 0)), moved = (double)x[j];
        if (set->normalise) {
            double mean = (double)set->mean[raw], sd = (double)set->std[raw];
            moved = fmin(1, fmax(0, moved * sd + mean + nearest->bound * sign));
            moved = ((nearest->round ? nearbyint(moved * 255) / 255 : moved) - mean) / sd;
        } else {
            moved += nearest->bound * sign;
        }
        out[j] = (float)moved;
    }
}

static int32_t best_of(const float *z, const DataClasses *forget, bool all)
{
    int64_t best = -1;
    for (int64_t k = 0; k < forget->K; k++)
        if ((all || !forget->in[k]) && (best < 0 || z[k] > z[best])) best = k;
    return (int32_t)best;
}

BaseStatus unlearn_nearest_labels(const UnlearnContext *context, const DataView *view, const UnlearnNearest *nearest,
                                  int32_t **out)
{
    enum { BATCH = 128 };
    BaseStatus st = BASE_OK;
    UnlearnProber p = {0};
    int32_t *labels = NULL;
    float *x = NULL, *dx = NULL;
    int64_t shape[3], batch = view->n < BATCH ? view->n : BATCH;
    nn_net_input_shape(context->original, shape);
    *out = NULL;
    BASE_TRY(own_labels(view->set, &labels));
    BASE_TRY(BASE_ALLOC(batch * shape[0] * shape[1] * shape[2], &x));
    BASE_TRY(BASE_ALLOC(batch * shape[0] * shape[1] * shape[2], &dx));
    BASE_TRY(unlearn_prober_open(context, NN_MODE_EVAL_INPUT, view, batch, &p));
    for (int64_t done = 0; done < view->n;) {
        DataBatch images;
        BASE_TRY(base_cancel_check());
        BASE_TRY(data_loader_next(p.loader, &images));
        BASE_TRY(nn_engine_forward(p.engine, images.x, images.n, 0, p.logits));
        BASE_TRY(unlearn_prober_gradient(&p, images.y, images.n));
        BASE_TRY(nn_engine_input_gradient(p.engine, dx));
        move(view->set, shape, nearest, images.n, images.x, dx, x);
        BASE_TRY(nn_engine_forward(p.engine, x, images.n, 0, p.logits));
        for (int64_t i = 0; i < images.n; i++)
            labels[images.index[i]] = best_of(p.logits + i * p.K, &context->forget->classes, nearest->all);
        done += images.n;
        base_progress("nearest classes", done, view->n, NULL);
    }
    *out = labels;
    labels = NULL;
out:
    unlearn_prober_close(&p);
    base_free(labels);
    base_free(x);
    base_free(dx);
    return st;
}

BaseStatus unlearn_relabel(const UnlearnContext *context, const UnlearnSteps *steps, const UnlearnRelabel *relabel,
                           NnNet *net, UnlearnTraining *t)
{
    BaseStatus st = BASE_OK;
    int32_t *again = NULL;
    const UnlearnLearnerConfig config = {.mask = relabel->mask, .label = relabel->label};
    if (!relabel->labels) BASE_TRY(own_labels(t->sides.forget.set, &again));
    const UnlearnLoss wrong = {.ce = 1, .labels = again ? again : relabel->labels}, right = {.ce = 1};
    const UnlearnUpdate update = {.lr = steps->lr};
    if (relabel->mixed)
        BASE_TRY(unlearn_training_open_mixed(context, net, steps, &config, t));
    else
        BASE_TRY(unlearn_training_open(context, net, steps, &config, t));
    for (int64_t e = 0; e < steps->epochs; e++) {
        if (again) unlearn_random_labels_again(context, &t->sides.forget, e, again);
        BASE_TRY(unlearn_learner_epoch(t->learner, t->forget, e, &wrong, &update)); /* retained images keep theirs */
        if (t->retain) BASE_TRY(unlearn_learner_epoch(t->learner, t->retain, e, &right, &update));
    }
out:
    base_free(again);
    return st;
}
