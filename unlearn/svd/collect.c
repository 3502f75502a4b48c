/* unlearn/svd/collect.c - one forward pass over a sample, whose layers' inputs are streamed into a space each, or one for each
 * group of channels. */
#include "unlearn/svd/collect.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "unlearn/svd/agree.h"

/* What the making of one side works with. */
typedef struct {
    const UnlearnContext *context;
    const UnlearnPass *pass;
    const uint8_t *selected; /* the pass's */
    const NnLayer *layers;
    int count;
    UnlearnRouteChoice route;
    const DataIndex *sample;
    const UnlearnPatches *plans; /* [count] for the whole sample */
    NnGram *products;            /* bf16: until the last unlearn_space_finish. NULL: float32 */
    char label[64];
} Side;

/* Rows [count, taps C] as one matrix [count, taps C / groups] for each group, one after the other; @p each: bytes of a
 * tap's channels of one group. */
static void part_rows(const uint8_t *rows, int64_t count, int64_t taps, int64_t groups, int64_t each, uint8_t *out)
{
#pragma omp parallel for schedule(static)
    for (int64_t r = 0; r < count; r++)
        for (int64_t tap = 0; tap < taps; tap++)
            for (int64_t g = 0; g < groups; g++)
                memcpy(out + ((g * count + r) * taps + tap) * each, rows + ((r * taps + tap) * groups + g) * each,
                       (size_t)each);
}

typedef struct {
    const Side *side;
    UnlearnSpaces *into;
} Taker;

static BaseStatus take_rows(void *user, int number, const void *rows, int64_t count, const UnlearnColumns *columns)
{
    BaseStatus st = BASE_OK;
    const Taker *t = user;
    const NnLayer *layer = t->side->layers + number;
    const UnlearnSpaces *into = &t->into[number];
    uint8_t *parts = NULL;
    if (into->count == 1) return unlearn_space_add_columns(into->of[0], rows, count, columns);
    UnlearnColumns own = {.count = columns->count};
    int64_t width = 0; /* of one group */
    for (int i = 0; i < columns->count; i++) {
        own.at[i] = (UnlearnSpan){columns->at[i].from / into->count, columns->at[i].width / into->count};
        width += own.at[i].width;
    }
    int64_t element = unlearn_space_takes_bf16(into->of[0]) ? sizeof(uint16_t) : sizeof(float);
    int64_t channels = layer->C / into->count, size = count * width * element;
    BASE_TRY(BASE_ALLOC_RAW(base_larger(1, into->count * size), &parts));
    part_rows(rows, count, width / channels, into->count, channels * element, parts);
    for (int64_t g = 0; g < into->count; g++)
        BASE_TRY(unlearn_space_add_columns(into->of[g], parts + g * size, count, &own));
out:
    base_free(parts);
    return st;
}

/* One empty space for each group of layer @p number, for @p rows rows. */
static BaseStatus begin(const Side *side, int number, int64_t rows, UnlearnSpaces *out)
{
    BaseStatus st = BASE_OK;
    const NnLayer *layer = side->layers + number;
    BASE_TRY(BASE_ALLOC(layer->groups, &out->of));
    out->count = layer->groups;
    for (int64_t g = 0; g < out->count; g++) {
        BASE_TRY(unlearn_space_create(rows, layer->features, side->route, side->context->reduce != NULL, &out->of[g]));
        if (side->products) BASE_TRY(unlearn_space_use_bf16(out->of[g], side->products));
    }
out:
    return st == BASE_OK ? st : base_error_prefix(st, "layer %s", layer->name);
}

/* The rows of all images of @p view, one forward pass. @p into [count] comes in empty. */
static BaseStatus stream(const Side *side, const UnlearnPatches *plans, const DataView *view, UnlearnSpaces *into)
{
    BaseStatus st = BASE_OK;
    const UnlearnContext *context = side->context;
    uint8_t *bf16 = NULL;
    BASE_TRY(BASE_ALLOC(side->count, &bf16));
    for (int i = 0; i < side->count; i++) {
        if (!side->selected[i]) continue;
        BASE_TRY(begin(side, i, plans[i].rows, &into[i]));
        bf16[i] = unlearn_space_takes_bf16(into[i].of[0]);
    }
    Taker taker = {side, into};
    const UnlearnInputs inputs = {.net = context->original,
                                  .selected = side->selected,
                                  .bf16 = bf16,
                                  .plans = plans,
                                  .precision = context->precision,
                                  .holding = side->pass->holding,
                                  .whole = side->pass->number == side->pass->count - 1,
                                  .label = side->label};
    BASE_TRY(unlearn_inputs_stream(&inputs, view, take_rows, &taker));
out:
    base_free(bf16);
    return st;
}

void unlearn_collect_free(UnlearnSpaces *spaces, int count)
{
    for (int i = 0; spaces && i < count; i++) {
        for (int64_t g = 0; spaces[i].of && g < spaces[i].count; g++) unlearn_space_free(spaces[i].of[g]);
        base_free(spaces[i].of);
    }
    base_free(spaces);
}

/* Images from to end - 1 of the sample, as stream. */
static BaseStatus stream_block(const Side *side, int64_t from, int64_t end, UnlearnSpaces *into)
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
    unlearn_collect_plans_free(plans, side->count);
    return st;
}

/* This process's blocks, each from zero, added up as a balanced binary tree: levels[l] holds the sum of 2^l blocks that
 * waits for its neighbour. The tree goes on through context->reduce. */
static BaseStatus stream_shared(const Side *side, UnlearnSpaces *into)
{
    enum { LEVELS = 8 };
    BaseStatus st = BASE_OK;
    UnlearnSpaces *levels[LEVELS] = {NULL}, *part = NULL;
    const UnlearnContext *c = side->context;
    int64_t n = side->sample->n;
    int top = 0;
    for (int b = c->first_block; b < c->first_block + c->block_count; b++) {
        BASE_TRY(BASE_ALLOC(side->count, &part));
        BASE_TRY(stream_block(side, n * b / UNLEARN_BLOCKS, n * (b + 1) / UNLEARN_BLOCKS, part));
        for (top = 0; levels[top]; top++) {
            for (int i = 0; i < side->count; i++)
                for (int64_t g = 0; g < part[i].count; g++)
                    BASE_TRY(unlearn_space_absorb(levels[top][i].of[g], part[i].of[g]));
            unlearn_collect_free(part, side->count);
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
    for (int l = 0; l < LEVELS; l++) unlearn_collect_free(levels[l], side->count);
    unlearn_collect_free(part, side->count);
    return st;
}

UnlearnRouteChoice unlearn_collect_route(const UnlearnSpaceParams *params)
{
    UnlearnRouteChoice route = (UnlearnRouteChoice)params->route;
    bool has_spectra = route == UNLEARN_ROUTE_SVD || route == UNLEARN_ROUTE_REFERENCE;
    return params->spectra && !has_spectra ? UNLEARN_ROUTE_EIGEN : route;
}

BaseStatus unlearn_collect_plans(const UnlearnContext *context, const UnlearnSpaceParams *params,
                                 const uint8_t *selected, int64_t images, const char *name, UnlearnPatches *plans)
{
    BaseStatus st = BASE_OK;
    int count;
    const NnLayer *layers = nn_net_layers(context->original, &count);
    for (int i = 0; i < count; i++)
        if (selected[i])
            BASE_TRY(unlearn_patches_plan(layers + i, i, images, (UnlearnPatchKind)params->patches, params->max_patches,
                                          context->seed, name, plans + i));
out:
    return st;
}

void unlearn_collect_plans_free(UnlearnPatches *plans, int count)
{
    for (int i = 0; plans && i < count; i++) unlearn_patches_free(plans + i);
    base_free(plans);
}

/* Ends every stream. Where processes share the work, each sums every layer with the others, whatever became of one before. */
static BaseStatus finish(const Side *side, UnlearnSpaces *into)
{
    BaseStatus st = BASE_OK;
    const UnlearnContext *c = side->context;
    char said[1024] = "";
    for (int i = 0; i < side->count && (st == BASE_OK || c->reduce); i++)
        for (int64_t g = 0; g < into[i].count && (st == BASE_OK || c->reduce); g++) {
            const BaseStatus one = unlearn_space_finish(into[i].of[g], c->reduce, c->user);
            if (one == BASE_OK || st != BASE_OK) continue;
            st = one;
            snprintf(said, sizeof said, "layer %s: %.900s", side->layers[i].name, base_error_text());
        }
    return st == BASE_OK ? st : base_error_set(st, "%s", said);
}

BaseStatus unlearn_collect(const UnlearnContext *context, const UnlearnSpaceParams *params, const UnlearnPass *pass,
                           const DataIndex *sample, const char *name, UnlearnSpaces *out)
{
    BaseStatus st = BASE_OK;
    UnlearnPatches *plans = NULL;
    Side side = {.context = context,
                 .pass = pass,
                 .selected = pass->selected,
                 .route = unlearn_collect_route(params),
                 .sample = sample};
    side.layers = nn_net_layers(context->original, &side.count);
    if (pass->count > 1)
        snprintf(side.label, sizeof side.label, "inputs to %s, pass %d of %d", name, pass->number + 1, pass->count);
    else
        snprintf(side.label, sizeof side.label, "inputs to %s", name);
    st = BASE_ALLOC(side.count, &plans);
    if (st == BASE_OK && context->precision == NN_BF16) st = nn_gram_create(&side.products);
    if (st == BASE_OK) st = unlearn_collect_plans(context, params, pass->selected, sample->n, name, plans);
    side.plans = plans;
    DataView view = data_view_of(context->train.set, sample);
    if (st == BASE_OK) st = context->reduce ? stream_shared(&side, out) : stream(&side, plans, &view, out);
    BASE_TRY(unlearn_agree(context, st));
    BASE_TRY(unlearn_agree(context, finish(&side, out)));
out:
    unlearn_collect_plans_free(plans, side.count);
    nn_gram_free(side.products);
    return st;
}
