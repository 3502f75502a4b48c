/* unlearn/gradient/steps.c - splits the training images by class; marks the slices of chosen layers and their norms. */
#include "unlearn/gradient/steps.h"

#include <string.h>

#include "base/memory.h"
#include "unlearn/layers/sample.h"
#include "unlearn/layers/select.h"

const char *const unlearn_optimizer_names[] = {"sgd", "adam", NULL};
const char *const unlearn_augment_names[] = {"none", "as_training", NULL};

BaseStatus unlearn_steps_check(const UnlearnContext *context, const void *values)
{
    const UnlearnSteps *steps = values;
    uint8_t *selected;
    BaseStatus st = unlearn_layers_select(context->original, steps->layers.s, &selected);
    base_free(selected);
    return st;
}

BaseStatus unlearn_sides_open(const UnlearnContext *context, int64_t retain_per_class, int64_t forget_samples,
                              UnlearnSides *out)
{
    BaseStatus st = BASE_OK;
    UnlearnSides s = {0};
    *out = s;
    if (retain_per_class != UNLEARN_NO_IMAGES)
        BASE_TRY(unlearn_sample_retain(context, retain_per_class, NULL, &s.retain_index));
    if (forget_samples != UNLEARN_NO_IMAGES) BASE_TRY(unlearn_sample_forget(context, forget_samples, &s.forget_index));
    s.retain = data_view_of(context->train.set, &s.retain_index);
    s.forget = data_view_of(context->train.set, &s.forget_index);
    *out = s;
    s = (UnlearnSides){0};
out:
    unlearn_sides_free(&s);
    return st;
}

BaseStatus unlearn_sides_open_share(const UnlearnContext *context, double retain_share, int64_t forget_samples,
                                    UnlearnSides *out)
{
    BaseStatus st = BASE_OK;
    DataIndex rest = {0}, part = {0};
    BASE_TRY(unlearn_sides_open(context, 0, forget_samples, out));
    if (retain_share >= 1) goto out;
    BASE_TRY(data_split(&out->retain, retain_share, context->seed, &rest, &part));
    BASE_CHECK(part.n > 0, BASE_EUSAGE, "retain_share = %g of %lld images leaves none", retain_share,
               (long long)out->retain.n);
    data_index_free(&out->retain_index);
    out->retain_index = part;
    part = (DataIndex){0};
    out->retain = data_view_of(context->train.set, &out->retain_index);
out:
    data_index_free(&rest);
    data_index_free(&part);
    if (st != BASE_OK) unlearn_sides_free(out);
    return st;
}

BaseStatus unlearn_sides_merge(const UnlearnSides *sides, DataIndex *index)
{
    BaseStatus st = BASE_OK;
    const DataIndex *a = &sides->retain_index, *b = &sides->forget_index;
    *index = (DataIndex){0};
    BASE_TRY(BASE_ALLOC(a->n + b->n, &index->at));
    index->n = a->n + b->n;
    for (int64_t i = 0, j = 0; i + j < index->n;) /* both ascend */
        if (j == b->n || (i < a->n && a->at[i] < b->at[j])) {
            index->at[i + j] = a->at[i];
            i++;
        } else {
            index->at[i + j] = b->at[j];
            j++;
        }
out:
    return st;
}

static void take_class(const DataView *view, int64_t c, DataIndex *index)
{
    for (int64_t i = 0; i < view->n; i++)
        if (data_view_label(view, i) == c) index->at[index->n++] = data_view_at(view, i);
}

BaseStatus unlearn_sides_by_class(const UnlearnContext *context, const UnlearnSides *sides, bool retain,
                                  DataIndex *index)
{
    BaseStatus st = BASE_OK;
    *index = (DataIndex){0};
    BASE_TRY(BASE_ALLOC(sides->forget.n + (retain ? sides->retain.n : 0), &index->at));
    for (int64_t c = 0; retain && c < context->forget->classes.K; c++) take_class(&sides->retain, c, index);
    for (int64_t c = 0; c < context->forget->classes.K; c++) take_class(&sides->forget, c, index);
out:
    return st;
}

void unlearn_sides_free(UnlearnSides *sides)
{
    data_index_free(&sides->retain_index);
    data_index_free(&sides->forget_index);
    *sides = (UnlearnSides){0};
}

void unlearn_sides_report(const UnlearnSides *sides, double passes, UnlearnReport *report)
{
    report->samples_retain = sides->retain.n;
    report->samples_forget = sides->forget.n;
    report->passes = passes;
}

/* The layer a parameter slice goes with. */
static int layer_of(const NnLayer *layers, int count, int slice)
{
    int layer = 0;
    while (layer + 1 < count && layers[layer + 1].weight <= slice) layer++;
    return layer;
}

/* Whether a running statistic's slice and a parameter's are of one norm: "bn1.running_mean", "bn1.weight". */
static bool same_norm(const NnSlice *buffer, const NnSlice *param)
{
    const char *a = strrchr(buffer->name, '.'), *b = strrchr(param->name, '.'); /* "class_token" has none */
    if (!a || !b || param->role != NN_NORM_WEIGHT) return false;
    const size_t length = (size_t)(a - buffer->name);
    return length == (size_t)(b - param->name) && memcmp(buffer->name, param->name, length) == 0;
}

void unlearn_steps_mask(const NnNet *net, const uint8_t *selected, uint8_t *params, uint8_t *buffers)
{
    int layer_count, count, buffer_count;
    const NnLayer *layers = nn_net_layers(net, &layer_count);
    const NnSlice *slices = nn_net_param_slices(net, &count), *stats = nn_net_buffer_slices(net, &buffer_count);
    for (int i = 0; i < count; i++) {
        uint8_t moves = selected[layer_of(layers, layer_count, i)];
        memset(params + slices[i].offset, moves, (size_t)slices[i].count);
        for (int j = 0; j < buffer_count; j++)
            if (same_norm(stats + j, slices + i)) memset(buffers + stats[j].offset, moves, (size_t)stats[j].count);
    }
}
