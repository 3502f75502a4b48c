/* eval/probe/layers.c - features of a few layers at a time, of all networks, then each layer's three numbers. */
#include "eval/probe/layers.h"

#include <math.h>

#include "base/memory.h"
#include "eval/probe/cka.h"
#include "eval/probe/features.h"
#include "math/linalg.h"

enum { KNOWN, OWN, ORIGINAL, RETRAINED, SETS }; /* the network under test on both sets of images, the others on one */

typedef struct {
    const EvalSubject *subject;
    const NnNet *nets[SETS]; /* NULL: not at hand */
    EvalProbeSets images;
    const NnLayer *layers;
    float **rows[SETS]; /* [layers]; NULL outside of the pass */
} Work;

void eval_layers_free(EvalLayers *layers)
{
    base_free(layers->cka_retrained);
    base_free(layers->cka_original);
    base_free(layers->knn);
    *layers = (EvalLayers){0};
}

static const DataView *view_of(const Work *w, int set) { return set == KNOWN ? &w->images.known : &w->images.judged; }

static int64_t bytes_of(const Work *w, int layer)
{
    int64_t rows = 0;
    for (int k = 0; k < SETS; k++)
        if (w->nets[k]) rows += view_of(w, k)->n;
    return rows * w->layers[layer].C * (int64_t)sizeof(float);
}

static void drop(Work *w, int first, int end)
{
    for (int k = 0; k < SETS; k++)
        for (int l = first; w->rows[k] && l < end; l++) {
            base_free(w->rows[k][l]);
            w->rows[k][l] = NULL;
        }
}

static BaseStatus fill(Work *w, int first, int end)
{
    BaseStatus st = BASE_OK;
    for (int k = 0; k < SETS; k++) {
        const DataView *view = view_of(w, k);
        if (!w->nets[k]) continue;
        for (int l = first; l < end; l++) BASE_TRY(BASE_ALLOC_RAW(view->n * w->layers[l].C, &w->rows[k][l]));
        BASE_TRY(eval_probe_inputs(w->nets[k], first, end, view, w->subject->precision, w->rows[k] + first));
    }
out:
    return st;
}

/* All rows are multiples of the first: of grey images to the bit, so that 1e-9 leaves room for the cosine alone. */
static bool one_direction(const float *rows, int64_t n, int64_t width)
{
    double first = math_dot(rows, rows, width);
    for (int64_t i = 1; i < n; i++) {
        const float *row = rows + i * width;
        double across = math_dot(rows, row, width);
        if (across * across < (1 - 1e-9) * first * math_dot(row, row, width)) return false;
    }
    return true;
}

static BaseStatus measure(const Work *w, int l, EvalLayers *out)
{
    BaseStatus st = BASE_OK;
    const int64_t n = w->images.judged.n, width = w->layers[l].C;
    EvalFeatures features[SETS];
    int64_t near;
    for (int k = 0; k < SETS; k++)
        features[k] = (EvalFeatures){w->rows[k][l], w->rows[k][l] ? view_of(w, k)->n : 0, width};
    BASE_TRY(eval_probe_cka(&features[OWN], &features[RETRAINED], &out->cka_retrained[l]));
    BASE_TRY(eval_probe_cka(&features[OWN], &features[ORIGINAL], &out->cka_original[l]));
    out->knn[l] = math_estimate(NAN, 0);
    if (!w->nets[KNOWN] || one_direction(w->rows[KNOWN][l], w->images.known.n, width)) goto out;
    BASE_TRY(eval_probe_near(w->rows[KNOWN][l], &w->images.known, w->rows[OWN][l], &w->images.judged, width, &near));
    MathEstimate share = math_stats_share(near, n, 0.95);
    out->knn[l] = (MathEstimate){100 * share.value, 100 * share.lo, 100 * share.hi, n};
out:
    return st == BASE_OK ? st : base_error_prefix(st, "%s", w->layers[l].name);
}

BaseStatus eval_probe_layers(const EvalSubject *s, const EvalProbeConfig *config, const NnNet *retrained, int64_t held,
                             EvalLayers *out)
{
    BaseStatus st = BASE_OK;
    Work w = {.subject = s, .nets = {[OWN] = s->net, [ORIGINAL] = s->original, [RETRAINED] = retrained}};
    int count;
    *out = (EvalLayers){0};
    if (!config->enabled || !config->layers) return BASE_OK;
    w.layers = nn_net_layers(s->net, &count);
    BASE_TRY(eval_probe_sets(s, config, &w.images));
    if (w.images.judged.n == 0) goto out;
    if (w.images.taught) w.nets[KNOWN] = s->net;
    for (int k = 0; k < SETS; k++) BASE_TRY(BASE_ALLOC(count, &w.rows[k]));
    BASE_TRY(BASE_ALLOC(count, &out->cka_retrained));
    BASE_TRY(BASE_ALLOC(count, &out->cka_original));
    BASE_TRY(BASE_ALLOC(count, &out->knn));
    for (int first = 0, end; first < count; first = end) {
        int64_t bytes = bytes_of(&w, first);
        for (end = first + 1; end < count && bytes + bytes_of(&w, end) <= held; end++) bytes += bytes_of(&w, end);
        BASE_TRY(fill(&w, first, end));
        for (int l = first; l < end; l++) BASE_TRY(measure(&w, l, out));
        drop(&w, first, end);
    }
    out->count = count;
    out->n = w.images.judged.n;
out:
    drop(&w, 0, count);
    for (int k = 0; k < SETS; k++) base_free(w.rows[k]);
    eval_probe_sets_free(&w.images);
    if (st != BASE_OK) eval_layers_free(out);
    return st == BASE_OK ? st : base_error_prefix(st, "representations by layer");
}
