#include "unlearn/layers/spaces.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "math/linalg.h"
#include "nn/gram.h"
#include "unlearn/layers/inputs.h"
#include "unlearn/layers/sample.h"
#include "unlearn/layers/select.h"

const char *const unlearn_patch_names[] = {"paper", "all", NULL};

struct UnlearnSpaces {
    int layer_count;
    const NnLayer *layers;             /* the original's, borrowed */
    uint8_t *selected;                 /* [layer_count] */
    MathImportance **retain, **forget; /* [layer_count]; NULL where not selected */
    int64_t samples_retain, samples_forget;
};

BaseStatus unlearn_spaces_check(const UnlearnContext *context, const UnlearnSpaceParams *params)
{
    BaseStatus st = BASE_OK;
    uint8_t *selected = NULL;
    int count;
    nn_net_layers(context->original, &count);
    BASE_TRY(BASE_ALLOC(count, &selected));
    BASE_TRY(unlearn_layers_select(context->original, params->layers.s, selected));
    BASE_CHECK(params->forget_samples == 0 || params->forget_samples >= context->forget->count, BASE_EUSAGE,
               "forget_samples = %lld is less than one for each of the %lld forgotten classes",
               (long long)params->forget_samples, (long long)context->forget->count);
out:
    base_free(selected);
    return st;
}

void unlearn_spaces_free(UnlearnSpaces *s)
{
    if (!s) return;
    for (int i = 0; i < s->layer_count; i++) {
        if (s->retain) math_importance_free(s->retain[i]);
        if (s->forget) math_importance_free(s->forget[i]);
    }
    base_free(s->selected);
    base_free(s->retain);
    base_free(s->forget);
    base_free(s);
}

static BaseStatus take_rows(void *user, int layer, const void *rows, int64_t count, const MathColumns *columns)
{
    MathImportance **side = user;
    return math_importance_add_columns(side[layer], rows, count, columns);
}

/* One side: the plan of every layer, one forward pass, the factorisations. @p side [layer_count] comes in NULL. */
static BaseStatus fill_side(const UnlearnContext *context, const UnlearnSpaceParams *params, const uint8_t *selected,
                            const DataIndex *sample, const char *name, MathImportance **side)
{
    BaseStatus st = BASE_OK;
    UnlearnPatches *plans = NULL;
    NnGram *gram = NULL;
    uint8_t *bf16 = NULL;
    char label[64];
    int count;
    const NnLayer *layers = nn_net_layers(context->original, &count);
    MathRoute route = (MathRoute)params->route;
    if (params->spectra && route != MATH_ROUTE_SVD) route = MATH_ROUTE_EIGEN;
    BASE_TRY(BASE_ALLOC(count, &plans));
    BASE_TRY(BASE_ALLOC(count, &bf16));
    if (context->precision == NN_BF16) BASE_TRY(nn_gram_create(&gram));
    for (int i = 0; i < count; i++) {
        if (!selected[i]) continue;
        BASE_TRY(unlearn_patches_plan(layers + i, i, sample->n, (UnlearnPatchKind)params->patches, params->max_patches,
                                      context->seed, name, plans + i));
        st = math_importance_create(plans[i].rows, layers[i].features, route, context->reduce != NULL, side + i);
        if (st != BASE_OK) {
            base_error_prefix(st, "layer %s", layers[i].name);
            goto out;
        }
        if (gram) BASE_TRY(math_importance_use_bf16(side[i], nn_gram_product, gram));
        bf16[i] = math_importance_takes_bf16(side[i]);
    }
    DataView view = data_view_of(context->train.set, sample);
    snprintf(label, sizeof label, "inputs to %s", name);
    BASE_TRY(unlearn_inputs_stream(context->original, &view, selected, bf16, plans, context->precision, 0, label,
                                   take_rows, side));
    for (int i = 0; i < count; i++) {
        if (!selected[i]) continue;
        st = math_importance_finish(side[i], context->reduce, context->user);
        if (st != BASE_OK) {
            base_error_prefix(st, "layer %s", layers[i].name);
            goto out;
        }
    }
out:
    for (int i = 0; plans && i < count; i++) unlearn_patches_free(plans + i);
    base_free(plans);
    base_free(bf16);
    nn_gram_free(gram);
    return st;
}

BaseStatus unlearn_spaces_create(const UnlearnContext *context, const UnlearnSpaceParams *params, UnlearnSpaces **out)
{
    BaseStatus st = BASE_OK;
    UnlearnSpaces *s = NULL;
    DataIndex retain = {0}, forget = {0};
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &s));
    s->layers = nn_net_layers(context->original, &s->layer_count);
    BASE_TRY(BASE_ALLOC(s->layer_count, &s->selected));
    BASE_TRY(BASE_ALLOC(s->layer_count, &s->retain));
    BASE_TRY(BASE_ALLOC(s->layer_count, &s->forget));
    BASE_TRY(unlearn_layers_select(context->original, params->layers.s, s->selected));
    BASE_TRY(unlearn_sample_retain(context, params->retain_per_class, &retain));
    BASE_TRY(unlearn_sample_forget(context, params->forget_samples, &forget));
    s->samples_retain = retain.n;
    s->samples_forget = forget.n;
    BASE_TRY(fill_side(context, params, s->selected, &retain, "retain", s->retain));
    BASE_TRY(fill_side(context, params, s->selected, &forget, "forget", s->forget));
    *out = s;
    s = NULL;
out:
    unlearn_spaces_free(s);
    data_index_free(&retain);
    data_index_free(&forget);
    return st;
}

const uint8_t *unlearn_spaces_selected(const UnlearnSpaces *s) { return s->selected; }

BaseStatus unlearn_spaces_edit(const UnlearnSpaces *s, int layer, double alpha_r, double alpha_f, const float *w,
                               int64_t K, float *out, UnlearnLayer *row)
{
    BaseStatus st = BASE_OK;
    MathShares shares;
    const NnLayer *l = s->layers + layer;
    float *ordered = NULL, *edit = NULL; /* W and out with X's order of columns */
    BASE_TRY(BASE_ALLOC_RAW(K * l->features, &ordered));
    BASE_TRY(BASE_ALLOC_RAW(K * l->features, &edit));
    unlearn_patches_order(l, K, w, false, ordered);
    BASE_TRY(math_importance_edit(s->retain[layer], s->forget[layer], alpha_r, alpha_f, ordered, K, edit,
                                  row ? &shares : NULL));
    unlearn_patches_order(l, K, edit, true, out);
    if (!row) goto out;
    row->retain_removed = shares.retain;
    row->forget_removed = shares.forget;
    row->weight_change = sqrt(math_dot(out, out, K * row->features) / math_dot(w, w, K * row->features));
out:
    base_free(ordered);
    base_free(edit);
    return st;
}

static BaseStatus copy_spectrum(const MathImportance *m, int64_t room, double **out)
{
    BaseStatus st = BASE_OK;
    int64_t count;
    const double *s = math_importance_spectrum(m, &count);
    if (!s) return BASE_OK;
    BASE_TRY(BASE_ALLOC(room, out)); /* beyond min(n, f) s is 0 */
    memcpy(*out, s, (size_t)(count < room ? count : room) * sizeof *s);
out:
    return st;
}

static BaseStatus fill_row(const NnLayer *layer, const MathImportance *r, const MathImportance *f, UnlearnLayer *row)
{
    BaseStatus st = BASE_OK;
    int64_t count_r, count_f;
    snprintf(row->name, sizeof row->name, "%s", layer->name);
    row->features = layer->features;
    row->n_retain = math_importance_rows(r);
    row->n_forget = math_importance_rows(f);
    row->trace_retain = math_importance_trace(r) / (double)row->n_retain;
    row->trace_forget = math_importance_trace(f) / (double)row->n_forget;
    row->rank_retain = math_importance_rank(r);
    row->rank_forget = math_importance_rank(f);
    row->forget_removed = row->retain_removed = row->weight_change = NAN;
    const double *has = math_importance_spectrum(r, &count_r);
    math_importance_spectrum(f, &count_f);
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

/* ||delta X^T||^2 / ||W X^T||^2; NaN where the layer does not respond at all */
static BaseStatus share(const MathImportance *m, const float *w, const float *delta, int64_t K, double *out)
{
    BaseStatus st = BASE_OK;
    double whole, part;
    BASE_TRY(math_importance_response(m, w, K, &whole));
    BASE_TRY(math_importance_response(m, delta, K, &part));
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
