/* unlearn/svd/pairs.c - samples, the spaces of both sides pass by pass, and one edit per layer. */
#include "unlearn/svd/pairs.h"

#include <math.h>

#include "base/cancel.h"
#include "base/memory.h"
#include "math/linalg.h"
#include "unlearn/layers/sample.h"
#include "unlearn/layers/select.h"
#include "unlearn/svd/agree.h"
#include "unlearn/svd/collect.h"
#include "unlearn/svd/edit.h"
#include "unlearn/svd/measure.h"
#include "unlearn/svd/passes.h"
#include "unlearn/svd/patches.h"

const char *const unlearn_patch_names[] = {"paper", "all", NULL};

struct UnlearnPairs {
    int layer_count;
    const NnLayer *layers; /* the original's, borrowed */
    uint8_t *selected;     /* [layer_count] */
    UnlearnSpaceParams params;
    DataIndex sample_retain, sample_forget;
    UnlearnPasses passes;
    int made;                       /* the pass whose spaces there are; -1: none */
    UnlearnSpaces *retain, *forget; /* [layer_count]; empty where another pass makes them, or none */
    bool grid;
    UnlearnEdit ***edits; /* [layer_count][groups] kept for a grid; NULL: not begun */
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

BaseStatus unlearn_pairs_check(const UnlearnContext *context, const void *values)
{
    BaseStatus st = BASE_OK;
    const UnlearnSpaceParams *params = values;
    uint8_t *selected = NULL;
    DataClasses without = {0};
    BASE_TRY(unlearn_layers_select(context->original, params->layers.s, &selected));
    BASE_TRY(left_out(context, params, &without));
    BASE_CHECK(params->forget_samples == 0 || params->forget_samples >= context->forget->classes.count, BASE_EUSAGE,
               "forget_samples = %lld is less than one image for each of the %lld forgotten classes",
               (long long)params->forget_samples, (long long)context->forget->classes.count);
out:
    base_free(selected);
    data_classes_free(&without);
    return st;
}

static void drop_spaces(UnlearnPairs *s)
{
    unlearn_collect_free(s->retain, s->layer_count);
    unlearn_collect_free(s->forget, s->layer_count);
    s->retain = s->forget = NULL;
    s->made = -1;
}

void unlearn_pairs_release(void *pairs)
{
    UnlearnPairs *s = pairs;
    if (!s) return;
    for (int i = 0; s->edits && i < s->layer_count; i++) {
        for (int64_t g = 0; s->edits[i] && g < s->layers[i].groups; g++) unlearn_edit_free(s->edits[i][g]);
        base_free(s->edits[i]);
    }
    drop_spaces(s);
    unlearn_passes_free(&s->passes);
    data_index_free(&s->sample_retain);
    data_index_free(&s->sample_forget);
    base_free(s->selected);
    base_free(s->edits);
    base_free(s);
}

/* The spaces of pass @p number, in place of those of another. */
static BaseStatus make_spaces(UnlearnPairs *s, const UnlearnContext *context, int number)
{
    BaseStatus st = BASE_OK;
    uint8_t *selected = NULL;
    drop_spaces(s);
    st = BASE_ALLOC(s->layer_count, &selected);
    if (st == BASE_OK) st = BASE_ALLOC(s->layer_count, &s->retain);
    if (st == BASE_OK) st = BASE_ALLOC(s->layer_count, &s->forget);
    BASE_TRY(unlearn_agree(context, st));
    for (int i = 0; i < s->layer_count; i++) selected[i] = s->passes.of[i] == number;
    const UnlearnPass pass = {
        .selected = selected, .holding = s->passes.holding, .number = number, .count = s->passes.count};
    BASE_TRY(unlearn_collect(context, &s->params, &pass, &s->sample_retain, "retain", s->retain));
    BASE_TRY(unlearn_collect(context, &s->params, &pass, &s->sample_forget, "forget", s->forget));
    s->made = number;
out:
    base_free(selected);
    return st;
}

/* All but passes and spaces; *out is the caller's, on failure too. */
static BaseStatus begin(const UnlearnContext *context, const UnlearnSpaceParams *params, UnlearnPairs **out)
{
    BaseStatus st = BASE_OK;
    UnlearnPairs *s = NULL;
    DataClasses without = {0};
    BASE_TRY(BASE_ALLOC(1, out));
    s = *out;
    s->params = *params;
    s->made = -1;
    s->layers = nn_net_layers(context->original, &s->layer_count);
    BASE_TRY(BASE_ALLOC(s->layer_count, &s->edits));
    s->grid = context->grid;
    BASE_TRY(unlearn_layers_select(context->original, params->layers.s, &s->selected));
    BASE_TRY(left_out(context, params, &without));
    BASE_TRY(unlearn_sample_retain(context, params->retain_per_class, without.K ? &without : NULL, &s->sample_retain));
    BASE_TRY(unlearn_sample_forget(context, params->forget_samples, &s->sample_forget));
out:
    data_classes_free(&without);
    return st;
}

BaseStatus unlearn_pairs_prepare(const UnlearnContext *context, const void *values, void **out)
{
    BaseStatus st = BASE_OK;
    const UnlearnSpaceParams *params = values;
    UnlearnPairs *s = NULL;
    *out = NULL;
    BASE_TRY(unlearn_agree(context, begin(context, params, &s)));
    BASE_TRY(unlearn_passes_plan(context, params, s->selected, s->sample_retain.n, s->sample_forget.n, &s->passes));
    BASE_TRY(make_spaces(s, context, 0));
    *out = s;
    s = NULL;
out:
    unlearn_pairs_release(s);
    return st;
}

const UnlearnSpaces *unlearn_pairs_retain(const UnlearnPairs *s, int layer) { return &s->retain[layer]; }
const UnlearnSpaces *unlearn_pairs_forget(const UnlearnPairs *s, int layer) { return &s->forget[layer]; }

/* Of all groups so far. */
typedef struct {
    double of_d[2], of_w[2], changed;
} Taken;

/* Rows w, out [K / groups, features] of group @p g. */
static BaseStatus edit_group(UnlearnPairs *s, int layer, int64_t g, double alpha_r, double alpha_f, const float *w,
                             bool subtract, float *out, Taken *taken)
{
    BaseStatus st = BASE_OK;
    const NnLayer *l = s->layers + layer;
    const UnlearnSpaces *retain = &s->retain[layer], *forget = &s->forget[layer];
    UnlearnEdit *fresh = NULL, *edit = s->edits[layer] ? s->edits[layer][g] : NULL;
    UnlearnShares shares = {0};
    double changed;
    if (!edit) {
        BASE_TRY(
            unlearn_edit_create(retain->of[g], forget->of[g], l->K / l->groups, 0, s->edits[layer] != NULL, &edit));
        *(s->edits[layer] ? &s->edits[layer][g] : &fresh) = edit;
    }
    /* the points of a grid are judged by their networks; the shares would double the cost of each */
    BASE_TRY(unlearn_edit_make(edit, l, alpha_r, alpha_f, w, subtract, out, taken && !s->grid ? &shares : NULL,
                               taken ? &changed : NULL));
    if (!taken) goto out;
    for (int side = 0; side < 2; side++) {
        double weight = unlearn_measure_weight(side ? forget : retain, g);
        taken->of_d[side] += weight * shares.of_d[side];
        taken->of_w[side] += weight * shares.of_w[side];
    }
    taken->changed += changed;
out:
    unlearn_edit_free(fresh);
    return st;
}

static BaseStatus edit_layer(UnlearnPairs *s, int layer, double alpha_r, double alpha_f, const float *w, int64_t K,
                             bool subtract, float *out, UnlearnLayer *row)
{
    BaseStatus st = BASE_OK;
    const NnLayer *l = s->layers + layer;
    int64_t size = K / l->groups * l->features;
    Taken taken = {0};
    double whole = row ? math_dot(w, w, K * l->features) : 0;
    if (s->grid && s->passes.keeps && !s->edits[layer]) BASE_TRY(BASE_ALLOC(l->groups, &s->edits[layer]));
    for (int64_t g = 0; g < l->groups; g++)
        BASE_TRY(
            edit_group(s, layer, g, alpha_r, alpha_f, w + g * size, subtract, out + g * size, row ? &taken : NULL));
    if (!row) goto out;
    row->weight_change = sqrt(taken.changed / whole);
    row->retain_removed = taken.of_w[0] > 0 ? taken.of_d[0] / taken.of_w[0] : NAN;
    row->forget_removed = taken.of_w[1] > 0 ? taken.of_d[1] / taken.of_w[1] : NAN;
out:
    return st;
}

BaseStatus unlearn_pairs_edit(UnlearnPairs *s, int layer, double alpha_r, double alpha_f, const float *w, int64_t K,
                              float *out)
{
    return edit_layer(s, layer, alpha_r, alpha_f, w, K, false, out, NULL);
}

BaseStatus unlearn_pairs_subtract(UnlearnPairs *s, int layer, double alpha_r, double alpha_f, float *w, int64_t K,
                                  UnlearnLayer *row)
{
    return edit_layer(s, layer, alpha_r, alpha_f, w, K, true, w, row);
}

/* The layers of the spaces that are there. */
static BaseStatus edit_pass(const UnlearnContext *context, UnlearnPairs *s, const UnlearnSpaceParams *params,
                            UnlearnEditLayer edit, NnNet *net, UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    const NnSlice *slices = nn_net_param_slices(net, &(int){0});
    float *weights = nn_net_edit_params(net);
    for (int i = 0; i < s->layer_count; i++) {
        const NnLayer *layer = s->layers + i;
        if (!s->selected[i] || s->passes.of[i] != s->made) continue;
        BASE_TRY(base_cancel_check());
        UnlearnLayer *row = report->layers + report->layer_count++;
        BASE_TRY(unlearn_measure_spaces(layer, &s->retain[i], &s->forget[i], row));
        st = edit(context, s, params, i, layer, weights + slices[layer->weight].offset, row);
        if (st != BASE_OK) return base_error_prefix(st, "layer %s", layer->name);
    }
out:
    return st;
}

BaseStatus unlearn_pairs_apply(const UnlearnContext *context, UnlearnPairs *s, const UnlearnSpaceParams *params,
                               UnlearnEditLayer edit, NnNet *net, UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    report->samples_retain = s->sample_retain.n;
    report->samples_forget = s->sample_forget.n;
    report->passes = (double)(s->passes.count * (s->sample_retain.n + s->sample_forget.n));
    st = BASE_ALLOC(s->layer_count, &report->layers);
    for (int pass = 0; pass < s->passes.count; pass++) {
        if (pass != s->made) {
            BASE_TRY(unlearn_agree(context, st)); /* on the edits of the pass before */
            BASE_TRY(make_spaces(s, context, pass));
        }
        if (st == BASE_OK) st = edit_pass(context, s, params, edit, net, report);
    }
out:
    return st;
}
