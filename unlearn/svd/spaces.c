/* unlearn/svd/spaces.c - the two spaces of every edited layer: samples, forward passes, edits and their report. */
#include "unlearn/svd/spaces.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "math/linalg.h"
#include "nn/backend.h"
#include "unlearn/layers/sample.h"
#include "unlearn/layers/select.h"
#include "unlearn/svd/edit.h"
#include "unlearn/svd/inputs.h"

const char *const unlearn_patch_names[] = {"paper", "all", NULL};

struct UnlearnSpaces {
    int layer_count;
    const NnLayer *layers;           /* the original's, borrowed */
    uint8_t *selected;               /* [layer_count] */
    UnlearnSpace **retain, **forget; /* [layer_count]; NULL where not selected */
    bool grid;
    UnlearnEdit **edits; /* [layer_count] kept for a grid; NULL: not begun */
    int64_t samples_retain, samples_forget;
};

/* The classes of retain_without; none: K = 0. */
static BaseStatus left_out(const UnlearnContext *context, const UnlearnSpaceParams *params, DataClasses *out)
{
    BaseStatus st = BASE_OK;
    *out = (DataClasses){0};
    if (!*params->retain_without.s) return BASE_OK;
    st = data_classes_parse(context->train.set, params->retain_without.s, out);
    return st == BASE_OK ? st : base_error_prefix(st, "retain_without");
}

BaseStatus unlearn_spaces_check(const UnlearnContext *context, const UnlearnSpaceParams *params)
{
    BaseStatus st = BASE_OK;
    uint8_t *selected = NULL;
    DataClasses without = {0};
    int count;
    nn_net_layers(context->original, &count);
    BASE_TRY(BASE_ALLOC(count, &selected));
    BASE_TRY(unlearn_layers_select(context->original, params->layers.s, selected));
    BASE_TRY(left_out(context, params, &without));
    BASE_CHECK(params->forget_samples == 0 || params->forget_samples >= context->forget->count, BASE_EUSAGE,
               "forget_samples = %lld is less than one for each of the %lld forgotten classes",
               (long long)params->forget_samples, (long long)context->forget->count);
out:
    base_free(selected);
    data_classes_free(&without);
    return st;
}

void unlearn_spaces_free(UnlearnSpaces *s)
{
    if (!s) return;
    for (int i = 0; i < s->layer_count; i++) {
        if (s->retain) unlearn_space_free(s->retain[i]);
        if (s->forget) unlearn_space_free(s->forget[i]);
        if (s->edits) unlearn_edit_free(s->edits[i]);
    }
    base_free(s->selected);
    base_free(s->retain);
    base_free(s->forget);
    base_free(s->edits);
    base_free(s);
}

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

/* One side: the plan of every layer, one forward pass, the factorisations. @p out [layer_count] comes in NULL. */
static BaseStatus fill_side(const UnlearnContext *context, const UnlearnSpaceParams *params, const uint8_t *selected,
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

BaseStatus unlearn_spaces_create(const UnlearnContext *context, const UnlearnSpaceParams *params, UnlearnSpaces **out)
{
    BaseStatus st = BASE_OK;
    UnlearnSpaces *s = NULL;
    DataIndex retain = {0}, forget = {0};
    DataClasses without = {0};
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &s));
    s->layers = nn_net_layers(context->original, &s->layer_count);
    BASE_TRY(BASE_ALLOC(s->layer_count, &s->selected));
    BASE_TRY(BASE_ALLOC(s->layer_count, &s->retain));
    BASE_TRY(BASE_ALLOC(s->layer_count, &s->forget));
    BASE_TRY(BASE_ALLOC(s->layer_count, &s->edits));
    s->grid = context->grid;
    BASE_TRY(unlearn_layers_select(context->original, params->layers.s, s->selected));
    BASE_TRY(left_out(context, params, &without));
    BASE_TRY(unlearn_sample_retain(context, params->retain_per_class, without.K ? &without : NULL, &retain));
    BASE_TRY(unlearn_sample_forget(context, params->forget_samples, &forget));
    s->samples_retain = retain.n;
    s->samples_forget = forget.n;
    BASE_TRY(fill_side(context, params, s->selected, &retain, "retain", s->retain));
    BASE_TRY(fill_side(context, params, s->selected, &forget, "forget", s->forget));
    *out = s;
    s = NULL;
out:
    unlearn_spaces_free(s);
    data_classes_free(&without);
    data_index_free(&retain);
    data_index_free(&forget);
    return st;
}

const uint8_t *unlearn_spaces_selected(const UnlearnSpaces *s) { return s->selected; }

/* W and D go through in blocks of rows of about this size, so that a wide layer is edited in place. */
static const int64_t BLOCK_BYTES = (int64_t)16 << 20;

typedef struct {
    int64_t rows; /* of a block */
    float *w, *d; /* with X's order of columns */
} Blocks;

static BaseStatus blocks_make(const NnLayer *layer, int64_t K, Blocks *out)
{
    BaseStatus st = BASE_OK;
    int64_t rows = BLOCK_BYTES / (layer->features * (int64_t)sizeof(float));
    *out = (Blocks){.rows = rows < 1 ? 1 : rows > K ? K : rows};
    BASE_TRY(BASE_ALLOC_RAW(out->rows * layer->features, &out->w));
    BASE_TRY(BASE_ALLOC_RAW(out->rows * layer->features, &out->d));
out:
    return st;
}

static int64_t block_rows(const Blocks *b, int64_t K, int64_t at) { return K - at < b->rows ? K - at : b->rows; }

static BaseStatus feed(UnlearnEdit *edit, const NnLayer *layer, Blocks *b, const float *w, int64_t K)
{
    BaseStatus st = BASE_OK;
    for (int64_t at = 0; at < K; at += b->rows) {
        int64_t rows = block_rows(b, K, at);
        unlearn_patches_order(layer, rows, w + at * layer->features, false, b->w);
        BASE_TRY(unlearn_edit_feed(edit, b->w, at, rows));
    }
out:
    return st;
}

/* D into @p out, or with @p subtract w - D into out, which may then be w. @p changed: ||D||^2. */
static BaseStatus take(UnlearnEdit *edit, const NnLayer *layer, Blocks *b, const float *w, int64_t K, bool subtract,
                       bool weigh, float *out, double *changed)
{
    BaseStatus st = BASE_OK;
    int64_t f = layer->features;
    *changed = 0;
    for (int64_t at = 0; at < K; at += b->rows) {
        int64_t rows = block_rows(b, K, at);
        BASE_TRY(unlearn_edit_take(edit, at, rows, b->d));
        if (weigh) {
            unlearn_patches_order(layer, rows, w + at * f, false, b->w);
            BASE_TRY(unlearn_edit_weigh(edit, b->w, b->d, rows));
        }
        *changed += math_dot(b->d, b->d, rows * f);
        unlearn_patches_order(layer, rows, b->d, true, b->w);
        for (int64_t i = 0; i < rows * f; i++) out[at * f + i] = subtract ? w[at * f + i] - b->w[i] : b->w[i];
    }
out:
    return st;
}

static BaseStatus edit_layer(UnlearnSpaces *s, int layer, double alpha_r, double alpha_f, const float *w, int64_t K,
                             bool subtract, float *out, UnlearnLayer *row)
{
    BaseStatus st = BASE_OK;
    const NnLayer *l = s->layers + layer;
    Blocks blocks = {0};
    UnlearnEdit *fresh = NULL;
    bool wanted;
    double changed, whole = row ? math_dot(w, w, K * l->features) : 0;
    if (!s->edits[layer]) {
        BASE_TRY(unlearn_edit_create(s->retain[layer], s->forget[layer], K, s->grid, &fresh));
        if (s->grid) s->edits[layer] = fresh;
    }
    UnlearnEdit *edit = s->grid ? s->edits[layer] : fresh;
    BASE_TRY(blocks_make(l, K, &blocks));
    BASE_TRY(unlearn_edit_retain(edit, alpha_r, &wanted));
    if (wanted) BASE_TRY(feed(edit, l, &blocks, w, K));
    BASE_TRY(unlearn_edit_forget(edit, alpha_f));
    BASE_TRY(take(edit, l, &blocks, w, K, subtract, row && !s->grid, out, &changed));
    if (!row) goto out;
    row->weight_change = sqrt(changed / whole);
    if (s->grid) goto out; /* its points are judged by their networks; the shares would double the cost of each */
    UnlearnShares shares = unlearn_edit_shares(edit);
    row->retain_removed = shares.retain;
    row->forget_removed = shares.forget;
out:
    if (!s->grid) unlearn_edit_free(fresh);
    base_free(blocks.w);
    base_free(blocks.d);
    return st;
}

BaseStatus unlearn_spaces_edit(UnlearnSpaces *s, int layer, double alpha_r, double alpha_f, const float *w, int64_t K,
                               float *out)
{
    return edit_layer(s, layer, alpha_r, alpha_f, w, K, false, out, NULL);
}

BaseStatus unlearn_spaces_subtract(UnlearnSpaces *s, int layer, double alpha_r, double alpha_f, float *w, int64_t K,
                                   UnlearnLayer *row)
{
    return edit_layer(s, layer, alpha_r, alpha_f, w, K, true, w, row);
}

static BaseStatus copy_spectrum(const UnlearnSpace *m, int64_t room, double **out)
{
    BaseStatus st = BASE_OK;
    int64_t count;
    const double *s = unlearn_space_spectrum(m, &count);
    if (!s) return BASE_OK;
    BASE_TRY(BASE_ALLOC(room, out)); /* beyond min(n, f) s is 0 */
    memcpy(*out, s, (size_t)(count < room ? count : room) * sizeof *s);
out:
    return st;
}

static BaseStatus fill_row(const NnLayer *layer, const UnlearnSpace *r, const UnlearnSpace *f, UnlearnLayer *row)
{
    BaseStatus st = BASE_OK;
    int64_t count_r, count_f;
    snprintf(row->name, sizeof row->name, "%s", layer->name);
    row->features = layer->features;
    row->n_retain = unlearn_space_rows(r);
    row->n_forget = unlearn_space_rows(f);
    row->trace_retain = unlearn_space_trace(r) / (double)row->n_retain;
    row->trace_forget = unlearn_space_trace(f) / (double)row->n_forget;
    row->rank_retain = unlearn_space_rank(r);
    row->rank_forget = unlearn_space_rank(f);
    row->forget_removed = row->retain_removed = row->weight_change = row->shared = NAN;
    const double *has = unlearn_space_spectrum(r, &count_r);
    unlearn_space_spectrum(f, &count_f);
    if (!has) goto out;
    row->spectrum_count = count_r > count_f ? count_r : count_f;
    BASE_TRY(copy_spectrum(r, row->spectrum_count, &row->spectrum_retain));
    BASE_TRY(copy_spectrum(f, row->spectrum_count, &row->spectrum_forget));
out:
    return st;
}

BaseStatus unlearn_spaces_report(const UnlearnSpaces *s, const NnNet *net, UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    int count;
    const NnLayer *layers = nn_net_layers(net, &count);
    report->samples_retain = s->samples_retain;
    report->samples_forget = s->samples_forget;
    report->passes = (double)(s->samples_retain + s->samples_forget);
    BASE_TRY(BASE_ALLOC(count, &report->layers));
    for (int i = 0; i < count; i++)
        if (s->selected[i])
            BASE_TRY(fill_row(layers + i, s->retain[i], s->forget[i], report->layers + report->layer_count++));
out:
    return st;
}

/* Rows of the unit matrix, some at a time: e P_f gives rows of P_f, those times P_r the rows of P_f P_r, whose trace is
 * that of P_r P_f. */
BaseStatus unlearn_spaces_shared(const UnlearnSpaces *s, int layer, double alpha_r, double alpha_f, double *out)
{
    BaseStatus st = BASE_OK;
    int64_t f = s->layers[layer].features, most = BLOCK_BYTES / (f * (int64_t)sizeof(float));
    float *unit = NULL, *forget = NULL, *both = NULL;
    double part = 0, whole = 0;
    most = most < 1 ? 1 : most > f ? f : most;
    BASE_TRY(BASE_ALLOC_RAW(most * f, &unit));
    BASE_TRY(BASE_ALLOC_RAW(most * f, &forget));
    BASE_TRY(BASE_ALLOC_RAW(most * f, &both));
    for (int64_t at = 0; at < f; at += most) {
        int64_t rows = f - at < most ? f - at : most;
        memset(unit, 0, (size_t)(rows * f) * sizeof *unit);
        for (int64_t i = 0; i < rows; i++) unit[i * f + at + i] = 1;
        BASE_TRY(unlearn_space_project(s->forget[layer], alpha_f, unit, rows, forget));
        BASE_TRY(unlearn_space_project(s->retain[layer], alpha_r, forget, rows, both));
        for (int64_t i = 0; i < rows; i++) {
            whole += (double)forget[i * f + at + i];
            part += (double)both[i * f + at + i];
        }
    }
    *out = whole > 0 ? part / whole : NAN;
out:
    base_free(unit);
    base_free(forget);
    base_free(both);
    return st;
}

/* ||delta X^T||^2 / ||W X^T||^2; NaN where the layer does not respond at all */
static BaseStatus share(const UnlearnSpace *m, const float *w, const float *delta, int64_t K, double *out)
{
    BaseStatus st = BASE_OK;
    double whole, part;
    BASE_TRY(unlearn_space_response(m, w, K, &whole));
    BASE_TRY(unlearn_space_response(m, delta, K, &part));
    *out = whole > 0 ? part / whole : NAN;
out:
    return st;
}

BaseStatus unlearn_spaces_measure(const UnlearnSpaces *s, int layer, const float *w, const float *delta, int64_t K,
                                  UnlearnLayer *row)
{
    BaseStatus st = BASE_OK;
    const NnLayer *l = s->layers + layer;
    int64_t size = K * l->features;
    float *whole = NULL, *part = NULL;
    BASE_TRY(BASE_ALLOC_RAW(size, &whole));
    BASE_TRY(BASE_ALLOC_RAW(size, &part));
    unlearn_patches_order(l, K, w, false, whole);
    unlearn_patches_order(l, K, delta, false, part);
    BASE_TRY(share(s->forget[layer], whole, part, K, &row->forget_removed));
    BASE_TRY(share(s->retain[layer], whole, part, K, &row->retain_removed));
    row->weight_change = sqrt(math_dot(delta, delta, size) / math_dot(w, w, size));
out:
    base_free(whole);
    base_free(part);
    return st;
}
