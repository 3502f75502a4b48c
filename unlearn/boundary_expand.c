/* unlearn/boundary_expand.c - the forgotten images are sent to a new, shadow class, which is then cut off (Boundary
 * unlearning): with the classifier widened to K + 1 outputs, the new row and its bias of
 * U(-1/sqrt(f), 1/sqrt(f)), or where row = xavier of N(0, 2 / (f + K + 1)) and 0,
 *   min over w   1/|D_f| sum over D_f of CE(f_w(x), K)        then output K is removed
 * Data: forgotten images; epochs passes with gradients. Defaults: 10 epochs, lr 1e-5 as in the authors' code for an
 * All-CNN; another network may need more.
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "unlearn/gradient/relabel.h"

typedef struct {
    UnlearnSteps steps;
    int64_t row;
} Params;
enum { UNIFORM, XAVIER };
static const char *const ROWS[] = {"uniform", "xavier", NULL};
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("row=xavier weight_decay=0"),
    BASE_PARAM_CHOICE(Params, row, UNIFORM, ROWS, "distribution of the new class's first weights"),
    UNLEARN_STEP_ROWS(10, 64, 1e-5, 0.9, 5e-4, NN_SGD),
    UNLEARN_FORGET_ROW,
    UNLEARN_LAYERS_ROW,
};

/* The network with one output more. */
static BaseStatus widen(const UnlearnContext *context, const NnNet *net, bool xavier, NnNet **out)
{
    BaseStatus st = BASE_OK;
    int count;
    int64_t K = nn_net_classes(net);
    BaseRandom random = base_random_make(context->seed, "shadow_class", 0);
    BASE_TRY(nn_net_widen(net, K + 1, out));
    const NnLayer *last = nn_net_layers(*out, &count) + count - 1;
    const NnSlice *slices = nn_net_param_slices(*out, &count);
    double bound = 1 / sqrt((double)last->features), sd = sqrt(2 / (double)(last->features + K + 1));
    float *w = nn_net_edit_params(*out) + slices[last->weight].offset + K * last->features;
    for (int64_t j = 0; j < last->features; j++)
        w[j] = (float)(xavier ? sd * base_random_normal(&random) : bound * (2 * base_random_uniform(&random) - 1));
    if (last->bias >= 0)
        nn_net_edit_params(*out)[slices[last->bias].offset + K] =
            xavier ? 0 : (float)(bound * (2 * base_random_uniform(&random) - 1));
out:
    return st;
}

/* All numbers of @p wide but those of its last outputs. */
static void narrow(const NnNet *wide, NnNet *net)
{
    int count;
    const NnSlice *from = nn_net_param_slices(wide, &count), *to = nn_net_param_slices(net, &count);
    float *w = nn_net_edit_params(net);
    for (int i = 0; i < count; i++)
        memcpy(w + to[i].offset, nn_net_params(wide) + from[i].offset, (size_t)to[i].count * sizeof *w);
    memcpy(nn_net_edit_buffers(net), nn_net_buffers(wide), (size_t)nn_net_buffer_count(net) * sizeof *w);
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    (void)state;
    BaseStatus st = BASE_OK;
    const Params *p = values;
    const UnlearnSteps *steps = &p->steps;
    UnlearnTraining t = {0};
    NnNet *wide = NULL;
    int32_t *labels = NULL;
    const DataSet *set = context->train.set;
    BASE_TRY(unlearn_sides_open(context, UNLEARN_NO_IMAGES, steps->forget_samples, &t.sides));
    BASE_TRY(BASE_ALLOC_RAW(set->N, &labels));
    for (int64_t i = 0; i < set->N; i++) labels[i] = (int32_t)nn_net_classes(net);
    BASE_TRY(widen(context, net, p->row == XAVIER, &wide));
    BASE_TRY(
        unlearn_relabel(context, steps, &(UnlearnRelabel){.labels = labels, .label = "boundary_expand"}, wide, &t));
    narrow(wide, net);
    unlearn_training_report(&t, report);
out:
    unlearn_training_close(&t);
    nn_net_free(wide);
    base_free(labels);
    return st;
}

const UnlearnMethod unlearn_boundary_expand = {
    .entry = BASE_ENTRY("boundary_expand", "trains the forgotten images towards a new class, then removes that class",
                        "Boundary Expand, code of its authors", Params, PARAMS),
    .needs = UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT | UNLEARN_ONLY_CLASSES,
    .apply = apply,
    .check = unlearn_steps_check,
};
