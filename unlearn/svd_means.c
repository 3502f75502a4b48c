/* unlearn/svd_means.c - svd with class means, on features: ours, after Deep Unlearning (Kodge, Saha and Roy, TMLR 2024).
 * Every layer that sees one row x for an image (linear layers behind the last map) is to answer forgotten inputs as if
 * they were y, and retained ones as before: the weights W lose the D that minimises the ridge regression
 *
 *     a_r / t_r sum_retained |D x|^2 + a_f / t_f sum_forgotten |D x - W (x - y)|^2 + |D|^2
 *     y = (1 - s) P_r x + s (x - m_f + m)        P_r = M^T (M M^T)^-1 M
 *
 * with t the sum of a side's |x|^2, a_r, a_f and s the parameters alpha_r, alpha_f and nearest, M [classes, f] the mean
 * inputs of the retained classes, m the nearest of them to x and m_f the mean of the forgotten x whose nearest that is.
 * s = 0 gives D = W (I - P_r) P_f, P_f = a_f G_f (a_f G_f + a_r G_r + I)^-1, with svd's G = X^T X / t. Two things differ
 * from svd. Its P_r keeps every direction in which retained inputs have energy, and the forgotten class's own lies among
 * them; here only means are kept. And its P_f takes from retained inputs what they have in common with forgotten ones;
 * this one is oblique. s > 0 also takes the differences between the classes that a forgotten input looks like. In
 * float64, by a Cholesky factor of side n or f, whichever is smaller. The inputs of all images are held; a budget of memory
 * that was set (--memory) and that they do not fit is refused. Where the classifier is the only such layer (ResNet),
 * the features stay as they are. docs/results/analyses says what it does to features.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/order.h"
#include "data/pipeline/loader.h"
#include "math/linalg.h"
#include "nn/backend.h"
#include "unlearn/layers/sample.h"
#include "unlearn/layers/select.h"
#include "unlearn/svd/passes.h"

typedef struct {
    double alpha_r, alpha_f, nearest;
    int64_t retain_per_class, forget_samples;
    BaseParamText layers;
} Params;
static const BaseParam PARAMS[] = {
    BASE_PARAM_F64(Params, alpha_r, 10000, 0, 1e9, "weight of retained inputs: larger protects more"),
    BASE_PARAM_F64(Params, alpha_f, 10000, 1e-6, 1e9, "weight of forgotten inputs: larger removes more"),
    BASE_PARAM_F64(Params, nearest, 0.25, 0, 1,
                   "where forgotten inputs go: 0, to mixtures of the retained classes' means; 1, to the nearest mean"),
    BASE_PARAM_I64(Params, retain_per_class, 100, 1, 1e12, "number of images of each retained class"),
    BASE_PARAM_I64(Params, forget_samples, 900, 1, 1e12, "number of images of the forgotten classes in total"),
    BASE_PARAM_TEXT(
        Params, layers, "all",
        "layers that are edited where they see one row for an image: all, last, first K, last K, only K (the "
        "Kth), or a list of names"),
};
static const char *const TUNABLE[] = {"alpha_r", "alpha_f", "nearest", NULL};
enum { BATCH = 128 };

typedef struct {
    int count; /* layers */
    uint8_t *selected;
    DataIndex retain, forget;
    int32_t *labels; /* [retain.n] */
    float **rows;    /* [count] each [retain.n + forget.n, features]; NULL: not edited */
} State;

static void release(void *state)
{
    State *s = state;
    if (!s) return;
    for (int i = 0; s->rows && i < s->count; i++) base_free(s->rows[i]);
    base_free(s->rows);
    base_free(s->labels);
    base_free(s->selected);
    data_index_free(&s->retain);
    data_index_free(&s->forget);
    base_free(s);
}

/* Of the layers named those that are linear, see one row for an image, and stand behind the last map: not those of
 * squeeze-and-excitation, whose one row scales a map. */
static BaseStatus select_layers(const NnNet *net, const Params *params, uint8_t **selected)
{
    BaseStatus st = BASE_OK;
    int count, any = 0, behind = 0;
    const NnLayer *layers = nn_net_layers(net, &count);
    BASE_TRY(unlearn_layers_select(net, params->layers.s, selected));
    for (int i = 0; i < count; i++)
        if (layers[i].kind == NN_LAYER_CONV || layers[i].H * layers[i].W > 1) behind = i + 1;
    for (int i = 0; i < count; i++) any += (*selected)[i] = (*selected)[i] && i >= behind;
    BASE_CHECK(any > 0, BASE_EUSAGE,
               "layers = %s: none of these sees one row for an image, as a linear layer behind the "
               "last map does",
               params->layers.s);
out:
    return st; /* the caller frees */
}

static BaseStatus check(const UnlearnContext *context, const void *values)
{
    uint8_t *selected = NULL;
    BaseStatus st = select_layers(context->original, values, &selected);
    base_free(selected);
    return st;
}

/* The inputs of the selected layers for every image of @p sample, from row @p at on. */
static BaseStatus gather(const UnlearnContext *context, State *s, const DataIndex *sample, int64_t at)
{
    BaseStatus st = BASE_OK;
    NnEngine *engine = NULL;
    DataLoader *loader = NULL;
    float *logits = NULL;
    int64_t shape[3], batch = base_smaller(BATCH, sample->n);
    const NnLayer *layers = nn_net_layers(context->original, &s->count);
    DataView view = data_view_of(context->train.set, sample);
    nn_net_input_shape(context->original, shape);
    const DataLoaderConfig config = {.batch = batch, .C = shape[0], .H = shape[1], .W = shape[2]};
    BASE_TRY(BASE_ALLOC_RAW(batch * nn_net_classes(context->original), &logits));
    BASE_TRY(nn_engine_create((NnNet *)context->original, NN_MODE_EVAL, context->precision, batch,
                              &engine)); /* plain eval only reads it */
    BASE_TRY(nn_engine_keep(engine, s->selected));
    BASE_TRY(data_loader_create(&view, &config, &loader));
    BASE_TRY(data_loader_start(loader, 0));
    for (int64_t done = 0; done < sample->n;) {
        DataBatch part;
        BASE_TRY(base_cancel_check());
        BASE_TRY(data_loader_next(loader, &part));
        BASE_TRY(nn_engine_forward(engine, part.x, part.n, 0, logits));
        for (int i = 0; i < s->count; i++)
            if (s->rows[i]) BASE_TRY(nn_engine_tap(engine, i, s->rows[i] + (at + done) * layers[i].features));
        done += part.n;
        base_progress("layer inputs", at + done, s->retain.n + s->forget.n, NULL);
    }
out:
    data_loader_free(loader);
    nn_engine_free(engine);
    base_free(logits);
    return st;
}

/* Bytes that edit() works on, for n rows of which n_f are forgotten. */
static int64_t work_of(const NnLayer *l, int64_t n, int64_t n_f)
{
    const int64_t f = l->features, side = base_smaller(n, f),
                  numbers = (n + n_f + 2 * l->K) * f + side * side + l->K * n;
    return numbers * (int64_t)sizeof(double);
}

static BaseStatus check_memory(const State *s, const NnLayer *layers)
{
    const int64_t n = s->retain.n + s->forget.n, budget = base_memory_budget();
    int64_t inputs = 0, most = 0;
    int largest = 0, others = -1;
    char what[200], more[48] = "";
    if (!base_memory_budget_is_set()) return BASE_OK;
    for (int i = 0; i < s->count; i++) {
        if (!s->selected[i]) continue;
        int64_t work = work_of(&layers[i], n, s->forget.n);
        inputs += n * layers[i].features * (int64_t)sizeof(float);
        if (work > most) largest = i;
        most = base_larger(most, work);
        others++;
    }
    const int64_t left = base_memory_make_room(inputs + most);
    if (inputs + most <= left) return BASE_OK;
    if (others > 0) snprintf(more, sizeof more, ", with the inputs of %d more,", others);
    snprintf(what, sizeof what, "layer %s%s", layers[largest].name, more);
    return unlearn_passes_refuse(what, inputs + most, budget - left);
}

static BaseStatus prepare(const UnlearnContext *context, const void *values, void **out)
{
    BaseStatus st = BASE_OK;
    const Params *params = values;
    State *s = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &s));
    const NnLayer *layers = nn_net_layers(context->original, &s->count);
    BASE_TRY(select_layers(context->original, params, &s->selected));
    BASE_TRY(unlearn_sample_retain(context, params->retain_per_class, NULL, &s->retain));
    BASE_TRY(unlearn_sample_forget(context, params->forget_samples, &s->forget));
    BASE_TRY(check_memory(s, layers));
    BASE_TRY(BASE_ALLOC(s->count, &s->rows));
    for (int i = 0; i < s->count; i++)
        if (s->selected[i]) BASE_TRY(BASE_ALLOC_RAW((s->retain.n + s->forget.n) * layers[i].features, &s->rows[i]));
    BASE_TRY(BASE_ALLOC_RAW(s->retain.n, &s->labels));
    for (int64_t i = 0; i < s->retain.n; i++) s->labels[i] = context->train.set->labels[s->retain.at[i]];
    BASE_TRY(gather(context, s, &s->retain, 0));
    BASE_TRY(gather(context, s, &s->forget, s->retain.n));
    *out = s;
    s = NULL;
out:
    release(s);
    return st;
}

/* Z = sqrt(alpha / t) X, so that Z^T Z = alpha G; the factor, 0 where there is no input. */
static double scale(const float *x, int64_t numbers, double alpha, double *z)
{
    double squares = 0;
    for (int64_t i = 0; i < numbers; i++) squares += (double)x[i] * (double)x[i];
    double by = squares > 0 ? sqrt(alpha / squares) : 0;
    for (int64_t i = 0; i < numbers; i++) z[i] = by * (double)x[i];
    return by;
}

/* Means of the rows of each of K classes, [K, f]; images [K]. */
static void class_means(const float *x, const int32_t *labels, int64_t n, int64_t f, int64_t K, double *means,
                        int64_t *images)
{
    for (int64_t i = 0; i < n; i++) {
        images[labels[i]]++;
        for (int64_t j = 0; j < f; j++) means[labels[i] * f + j] += (double)x[i * f + j];
    }
    for (int64_t c = 0; c < K; c++)
        for (int64_t j = 0; j < f && images[c]; j++) means[c * f + j] /= (double)images[c];
}

/* e [n, f] <- e (I - P_r) */
static BaseStatus remove_means(const double *means, int64_t K, int64_t n, int64_t f, double *e)
{
    BaseStatus st = BASE_OK;
    double *gram = NULL, *along = NULL, trace = 0;
    BASE_TRY(BASE_ALLOC(K * K, &gram));
    BASE_TRY(BASE_ALLOC_RAW(n * K, &along));
    BASE_TRY(math_gram_block_f64(true, K, f, means, f, gram, K));
    for (int64_t c = 0; c < K; c++) trace += gram[c * K + c];
    if (!(trace > 0)) goto out;
    /* a class without images, or means that depend on each other: the shift keeps the factor; it is 1e-9 of a mean */
    for (int64_t c = 0; c < K; c++) gram[c * K + c] += 1e-9 * trace;
    BASE_TRY(math_cholesky_f64(K, gram));
    BASE_TRY(math_gemm_f64(false, true, n, K, f, 1, e, means, 0, along));
    BASE_TRY(math_cholesky_solve_f64(K, gram, n, along));
    BASE_TRY(math_gemm_f64(false, false, n, f, K, -1, along, means, 1, e));
out:
    base_free(gram);
    base_free(along);
    return st;
}

static int32_t nearest_mean(const double *means, const int64_t *images, int64_t K, int64_t f, const float *x)
{
    int32_t best = 0;
    double least = INFINITY;
    for (int64_t c = 0; c < K; c++) {
        double sum = 0;
        for (int64_t j = 0; j < f && images[c]; j++) {
            double off = (double)x[j] - means[c * f + j];
            sum += off * off;
        }
        if (images[c] && sum < least) best = (int32_t)c;
        if (images[c] && sum < least) least = sum;
    }
    return best;
}

/* e [n_f, f] <- (1 - s) e + s by (m_f - m) */
static BaseStatus add_nearest(const double *means, const int64_t *images, int64_t K, const float *x, int64_t n_f,
                              int64_t f, double s, double by, double *e)
{
    BaseStatus st = BASE_OK;
    int32_t *looks = NULL;
    double *own = NULL;
    int64_t *count = NULL;
    BASE_TRY(BASE_ALLOC(n_f, &looks));
    BASE_TRY(BASE_ALLOC(K * f, &own));
    BASE_TRY(BASE_ALLOC(K, &count));
    for (int64_t i = 0; i < n_f; i++) looks[i] = nearest_mean(means, images, K, f, x + i * f);
    class_means(x, looks, n_f, f, K, own, count);
    for (int64_t i = 0; i < n_f; i++)
        for (int64_t j = 0, at = looks[i] * f; j < f; j++)
            e[i * f + j] = (1 - s) * e[i * f + j] + s * by * (own[at + j] - means[at + j]);
out:
    base_free(looks);
    base_free(own);
    base_free(count);
    return st;
}

/* d [rows, f] = D from w [rows, f], z [n, f], of which the last n_f rows are forgotten, and e [n_f, f] = x - y, scaled
 * as these. With B = w e^T it is [0 B] Z (Z^T Z + I)^-1 = [0 B] (Z Z^T + I)^-1 Z. */
static BaseStatus project(const double *z, int64_t n, int64_t n_f, int64_t f, int64_t rows, const double *w,
                          const double *e, double *d)
{
    BaseStatus st = BASE_OK;
    bool dual = n < f;
    int64_t side = dual ? n : f;
    double *factor = NULL, *b = NULL;
    BASE_TRY(BASE_ALLOC(side * side, &factor));
    BASE_TRY(BASE_ALLOC(rows * n, &b));
    BASE_TRY(math_gram_block_f64(dual, n, f, z, f, factor, side));
    BASE_TRY(math_cholesky_shifted_f64(side, 1, factor, factor));
    BASE_TRY(math_gemm_block_f64(false, true, rows, n_f, f, 1, w, f, e, f, 0, b + (n - n_f), n));
    if (dual) BASE_TRY(math_cholesky_solve_f64(n, factor, rows, b));
    BASE_TRY(math_gemm_f64(false, false, rows, f, n, 1, b, z, 0, d));
    if (!dual) BASE_TRY(math_cholesky_solve_f64(f, factor, rows, d));
out:
    base_free(factor);
    base_free(b);
    return st;
}

/* w [rows, f] <- w - D */
static BaseStatus edit(const State *s, const Params *params, const float *x, int64_t f, int64_t K, int64_t rows,
                       float *w)
{
    BaseStatus st = BASE_OK;
    int64_t n_r = s->retain.n, n_f = s->forget.n, n = n_r + n_f, *images = NULL;
    const float *x_f = x + n_r * f;
    double *z = NULL, *e = NULL, *means = NULL, *wide = NULL, *d = NULL;
    BASE_TRY(BASE_ALLOC_RAW(n * f, &z));
    BASE_TRY(BASE_ALLOC_RAW(n_f * f, &e));
    BASE_TRY(BASE_ALLOC(K * f, &means));
    BASE_TRY(BASE_ALLOC(K, &images));
    BASE_TRY(BASE_ALLOC_RAW(rows * f, &wide));
    BASE_TRY(BASE_ALLOC_RAW(rows * f, &d));
    scale(x, n_r * f, params->alpha_r, z);
    double by = scale(x_f, n_f * f, params->alpha_f, z + n_r * f);
    if (!(by > 0)) goto out;
    memcpy(e, z + n_r * f, (size_t)(n_f * f) * sizeof *e);
    class_means(x, s->labels, n_r, f, K, means, images);
    BASE_TRY(remove_means(means, K, n_f, f, e));
    if (params->nearest > 0) BASE_TRY(add_nearest(means, images, K, x_f, n_f, f, params->nearest, by, e));
    for (int64_t i = 0; i < rows * f; i++) wide[i] = (double)w[i];
    BASE_TRY(project(z, n, n_f, f, rows, wide, e, d));
    for (int64_t i = 0; i < rows * f; i++) w[i] = (float)((double)w[i] - d[i]);
out:
    base_free(z);
    base_free(e);
    base_free(means);
    base_free(images);
    base_free(wide);
    base_free(d);
    return st;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    State *s = state;
    const NnLayer *layers = nn_net_layers(net, &s->count);
    const NnSlice *slices = nn_net_param_slices(net, &(int){0});
    for (int i = 0; i < s->count; i++) {
        const NnLayer *l = layers + i;
        if (!s->rows[i]) continue;
        BASE_TRY(base_cancel_check());
        st = edit(s, values, s->rows[i], l->features, context->train.set->K, l->K,
                  nn_net_edit_params(net) + slices[l->weight].offset);
        if (st != BASE_OK) return base_error_prefix(st, "layer %s", l->name);
    }
    report->samples_retain = s->retain.n;
    report->samples_forget = s->forget.n;
    report->passes = (double)(s->retain.n + s->forget.n);
out:
    return st;
}

const UnlearnMethod unlearn_svd_means = {
    .entry = BASE_ENTRY("svd_means", "moves forgotten features to the retained classes' means, without gradients",
                        "ours, after Kodge, Saha, Roy 2024, arXiv 2312.00761", Params, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET,
    .tunable = TUNABLE,
    .prepare = prepare,
    .apply = apply,
    .release = release,
    .check = check,
};
