/* unlearn/svd/collect.c - one forward pass over a sample, whose layers' inputs are streamed into a space each. */
#include "unlearn/svd/collect.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "unlearn/svd/inputs.h"

static BaseStatus take_rows(void *user, int layer, const void *rows, int64_t count, const UnlearnColumns *columns)
{
    UnlearnSpace **side = user;
    return unlearn_space_add_columns(side[layer], rows, count, columns);
}

/* What the making of one side works with. */
typedef struct {
    const UnlearnContext *context;
    const uint8_t *selected;
    const NnLayer *layers;
    int count;
    UnlearnRouteChoice route;
    const DataIndex *sample;
    const UnlearnPatches *plans; /* [count] for the whole sample */
    NnGram *products;            /* bf16: until the last unlearn_space_finish. NULL: float32 */
    char label[64];
} Side;

/* The rows of all images of @p view, one forward pass. @p into [count] comes in NULL. */
static BaseStatus stream(const Side *side, const UnlearnPatches *plans, const DataView *view, UnlearnSpace **into)
{
    BaseStatus st = BASE_OK;
    const UnlearnContext *context = side->context;
    uint8_t *bf16 = NULL;
    BASE_TRY(BASE_ALLOC(side->count, &bf16));
    for (int i = 0; i < side->count; i++) {
        if (!side->selected[i]) continue;
        st = unlearn_space_create(plans[i].rows, side->layers[i].features, side->route, context->reduce != NULL,
                                  into + i);
        if (st != BASE_OK) {
            base_error_prefix(st, "layer %s", side->layers[i].name);
            goto out;
        }
        if (side->products) BASE_TRY(unlearn_space_use_bf16(into[i], side->products));
        bf16[i] = unlearn_space_takes_bf16(into[i]);
    }
    if (view->n > 0)
        BASE_TRY(unlearn_inputs_stream(context->original, view, side->selected, bf16, plans, context->precision, 0,
                                       side->label, take_rows, into));
out:
    base_free(bf16);
    return st;
}

static void drop(const Side *side, UnlearnSpace **parts)
{
    for (int i = 0; parts && i < side->count; i++) unlearn_space_free(parts[i]);
    base_free(parts);
}

/* Images from to end - 1 of the sample, as stream. */
static BaseStatus stream_block(const Side *side, int64_t from, int64_t end, UnlearnSpace **into)
{
    BaseStatus st = BASE_OK;
    UnlearnPatches *plans = NULL;
    DataIndex images = {.at = side->sample->at + from, .n = end - from}; /* borrowed */
    DataView view = data_view_of(side->context->train.set, &images);
    BASE_TRY(BASE_ALLOC(side->count, &plans));
    for (int i = 0; i < side->count; i++)
        if (side->selected[i]) BASE_TRY(unlearn_patches_slice(side->plans + i, from, images.n, plans + i));
    BASE_TRY(stream(side, plans, &view, into));
out:
    for (int i = 0; plans && i < side->count; i++) unlearn_patches_free(plans + i);
    base_free(plans);
    return st;
}

/* This process's blocks, each from zero, added up as a balanced binary tree: levels[l] holds the sum of 2^l blocks that
 * waits for its neighbour. The tree goes on through context->reduce. */
static BaseStatus stream_shared(const Side *side, UnlearnSpace **into)
{
    enum { LEVELS = 8 };
    BaseStatus st = BASE_OK;
    UnlearnSpace **levels[LEVELS] = {NULL}, **part = NULL;
    const UnlearnContext *c = side->context;
    int64_t n = side->sample->n;
    int top = 0;
    for (int b = c->first_block; b < c->first_block + c->block_count; b++) {
        BASE_TRY(BASE_ALLOC(side->count, &part));
        BASE_TRY(stream_block(side, n * b / UNLEARN_BLOCKS, n * (b + 1) / UNLEARN_BLOCKS, part));
        for (top = 0; levels[top]; top++) {
            for (int i = 0; i < side->count; i++)
                if (side->selected[i]) BASE_TRY(unlearn_space_absorb(levels[top][i], part[i]));
            drop(side, part);
            part = levels[top];
            levels[top] = NULL;
        }
        levels[top] = part;
        part = NULL;
    }
    if (c->block_count == 0)
        BASE_TRY(stream_block(side, 0, 0, into));
    else
        memcpy(into, levels[top], (size_t)side->count * sizeof *into);
    base_free(levels[top]);
    levels[top] = NULL;
out:
    for (int l = 0; l < LEVELS; l++) drop(side, levels[l]);
    drop(side, part);
    return st;
}

BaseStatus unlearn_collect(const UnlearnContext *context, const UnlearnSpaceParams *params, const uint8_t *selected,
                           const DataIndex *sample, const char *name, UnlearnSpace **out)
{
    BaseStatus st = BASE_OK;
    UnlearnPatches *plans = NULL;
    Side side = {
        .context = context, .selected = selected, .route = (UnlearnRouteChoice)params->route, .sample = sample};
    side.layers = nn_net_layers(context->original, &side.count);
    if (params->spectra && side.route != UNLEARN_ROUTE_SVD && side.route != UNLEARN_ROUTE_REFERENCE)
        side.route = UNLEARN_ROUTE_EIGEN;
    snprintf(side.label, sizeof side.label, "inputs to %s", name);
    BASE_TRY(BASE_ALLOC(side.count, &plans));
    if (context->precision == NN_BF16) BASE_TRY(nn_gram_create(&side.products));
    for (int i = 0; i < side.count; i++)
        if (selected[i])
            BASE_TRY(unlearn_patches_plan(side.layers + i, i, sample->n, (UnlearnPatchKind)params->patches,
                                          params->max_patches, context->seed, name, plans + i));
    side.plans = plans;
    DataView view = data_view_of(context->train.set, sample);
    BASE_TRY(context->reduce ? stream_shared(&side, out) : stream(&side, plans, &view, out));
    for (int i = 0; i < side.count; i++) {
        if (!selected[i]) continue;
        st = unlearn_space_finish(out[i], context->reduce, context->user);
        if (st != BASE_OK) {
            base_error_prefix(st, "layer %s", side.layers[i].name);
            goto out;
        }
    }
out:
    for (int i = 0; plans && i < side.count; i++) unlearn_patches_free(plans + i);
    base_free(plans);
    nn_gram_free(side.products);
    return st;
}
