/* eval/saliency/saliency.c - one forward and backward pass with the map watched; only its weighting is done here. */
#include "eval/saliency/saliency.h"

#include <math.h>

#include "base/memory.h"
#include "base/order.h"
#include "base/random.h"
#include "data/pipeline/loader.h"

const BaseParam eval_saliency_params[] = {
    BASE_PARAM_BOOL(EvalSaliencyConfig, enabled, false, "keep Grad-CAM maps of some test images"),
    BASE_PARAM_I64(EvalSaliencyConfig, images, 4, 1, 100, "number of forgotten images, and of retained ones"),
    BASE_PARAM_I64(EvalSaliencyConfig, side, 7, 2, 1000, "smallest height and width of the map"),
};
const size_t eval_saliency_param_count = BASE_COUNT(eval_saliency_params);

void eval_saliency_free(EvalSaliency *s)
{
    base_free(s->pictures);
    base_free(s->maps);
    base_free(s->labels);
    base_free(s->predicted);
    base_free(s->forgotten);
    base_free(s->confidence);
    *s = (EvalSaliency){0};
}

BaseStatus eval_saliency_check(NnNet *net, const EvalSaliencyConfig *config)
{
    NnEngine *engine = NULL;
    int64_t shape[3];
    if (!config->enabled) return BASE_OK;
    BaseStatus st = nn_engine_create(net, NN_MODE_EVAL_GRAD, NN_F32, 1, &engine);
    if (st == BASE_OK) st = nn_engine_watch(engine, config->side, shape);
    nn_engine_free(engine);
    return st == BASE_OK ? st : base_error_prefix(st, "saliency");
}

/* At most @p most of @p from, as positions in the set. */
static BaseStatus draw(const DataView *from, int64_t most, uint64_t seed, const char *stream, int64_t *at, int64_t *n)
{
    BaseStatus st = BASE_OK;
    int64_t *chosen = NULL;
    BaseRandom random = base_random_make(seed, stream, 0);
    *n = base_smaller(from->n, most);
    BASE_TRY(BASE_ALLOC(*n, &chosen));
    base_random_choose(&random, from->n, *n, chosen);
    for (int64_t i = 0; i < *n; i++) at[i] = data_view_at(from, chosen[i]);
out:
    base_free(chosen);
    return st;
}

/* Positions of the forgotten images, then of the retained ones. */
static BaseStatus choose(const EvalSubject *subject, int64_t most, int64_t *at, EvalSaliency *s)
{
    BaseStatus st = BASE_OK;
    DataIndex inside = {0}, outside = {0};
    int64_t forgotten, retained;
    BASE_TRY(data_forget_partition_unseen(&subject->test, subject->forget, &inside, &outside));
    DataView gone = data_view_of(subject->test.set, &inside), kept = data_view_of(subject->test.set, &outside);
    BASE_TRY(draw(&gone, most, subject->seed, "saliency_forget", at, &forgotten));
    BASE_TRY(draw(&kept, most, subject->seed, "saliency_retain", at + forgotten, &retained));
    s->n = forgotten + retained;
    for (int64_t i = 0; i < s->n; i++) s->forgotten[i] = i < forgotten;
out:
    data_index_free(&inside);
    data_index_free(&outside);
    return st;
}

/* One map from A and dz_y / dA, [k, places]. */
static void cam(const float *a, const float *da, int64_t k, int64_t places, double *sum, float *map)
{
    for (int64_t p = 0; p < places; p++) sum[p] = 0;
    for (int64_t c = 0; c < k; c++) {
        double weight = 0;
        for (int64_t p = 0; p < places; p++) weight += (double)da[c * places + p];
        weight /= (double)places;
        for (int64_t p = 0; p < places; p++) sum[p] += weight * (double)a[c * places + p];
    }
    for (int64_t p = 0; p < places; p++) map[p] = (float)fmax(0, sum[p]);
}

static void judge(const float *z, int64_t K, int32_t y, int32_t *predicted, double *confidence)
{
    double sum = 0;
    *predicted = 0;
    for (int64_t k = 1; k < K; k++)
        if (z[k] > z[*predicted]) *predicted = (int32_t)k;
    for (int64_t k = 0; k < K; k++) sum += exp((double)z[k] - (double)z[*predicted]);
    *confidence = exp((double)z[y] - (double)z[*predicted]) / sum;
}

static float shown(const DataSet *set, int64_t channel, float x)
{
    int64_t c = channel < set->C ? channel : 0;
    float raw = set->normalise ? x * set->std[c] + set->mean[c] : x;
    return raw < 0 ? 0 : raw > 1 ? 1 : raw;
}

static BaseStatus look(const DataSet *set, const int64_t *at, NnEngine *engine, int64_t K, int64_t params, int64_t k,
                       EvalSaliency *s)
{
    BaseStatus st = BASE_OK;
    int64_t size = s->C * s->H * s->W, places = s->h * s->w;
    float *z = NULL, *dz = NULL, *grads = NULL, *a = NULL, *da = NULL;
    double *sum = NULL;
    BASE_TRY(BASE_ALLOC_RAW(s->n * K, &z));
    BASE_TRY(BASE_ALLOC(s->n * K, &dz));
    BASE_TRY(BASE_ALLOC_RAW(params, &grads));
    BASE_TRY(BASE_ALLOC_RAW(s->n * k * places, &a));
    BASE_TRY(BASE_ALLOC_RAW(s->n * k * places, &da));
    BASE_TRY(BASE_ALLOC_RAW(places, &sum));
    for (int64_t i = 0; i < s->n; i++) {
        BASE_TRY(data_image(set, at[i], s->C, s->H, s->W, s->pictures + i * size));
        s->labels[i] = set->labels[at[i]];
        dz[i * K + s->labels[i]] = 1; /* images do not meet: row i's gradient is image i's own */
    }
    BASE_TRY(nn_engine_forward(engine, s->pictures, s->n, 0, z));
    BASE_TRY(nn_engine_backward(engine, dz, grads));
    BASE_TRY(nn_engine_watched(engine, a, da));
    for (int64_t i = 0; i < s->n; i++) {
        cam(a + i * k * places, da + i * k * places, k, places, sum, s->maps + i * places);
        judge(z + i * K, K, s->labels[i], &s->predicted[i], &s->confidence[i]);
    }
    for (int64_t i = 0; i < s->n * size; i++) s->pictures[i] = shown(set, i / (s->H * s->W) % s->C, s->pictures[i]);
out:
    base_free(z);
    base_free(dz);
    base_free(grads);
    base_free(a);
    base_free(da);
    base_free(sum);
    return st;
}

BaseStatus eval_saliency(const EvalSubject *subject, const NnNet *net, const EvalSaliencyConfig *config,
                         EvalSaliency *out)
{
    BaseStatus st = BASE_OK;
    EvalSaliency s = {0};
    NnNet *copy = NULL;
    NnEngine *engine = NULL;
    int64_t *at = NULL, most = 2 * config->images, shape[3], map[3];
    *out = (EvalSaliency){0};
    if (!config->enabled) return BASE_OK;
    BASE_TRY(BASE_ALLOC(most, &at));
    BASE_TRY(BASE_ALLOC(most, &s.forgotten));
    BASE_TRY(choose(subject, config->images, at, &s));
    if (s.n == 0) goto out;
    nn_net_input_shape(net, shape);
    BASE_TRY(nn_net_clone(net, &copy));
    BASE_TRY(nn_engine_create(copy, NN_MODE_EVAL_GRAD, NN_F32, s.n, &engine));
    BASE_TRY(nn_engine_watch(engine, config->side, map));
    s.C = shape[0], s.H = shape[1], s.W = shape[2], s.h = map[1], s.w = map[2];
    BASE_TRY(BASE_ALLOC_RAW(s.n * s.C * s.H * s.W, &s.pictures));
    BASE_TRY(BASE_ALLOC_RAW(s.n * s.h * s.w, &s.maps));
    BASE_TRY(BASE_ALLOC(s.n, &s.labels));
    BASE_TRY(BASE_ALLOC(s.n, &s.predicted));
    BASE_TRY(BASE_ALLOC(s.n, &s.confidence));
    BASE_TRY(look(subject->test.set, at, engine, nn_net_classes(net), nn_net_param_count(net), map[0], &s));
    *out = s;
    s = (EvalSaliency){0};
out:
    eval_saliency_free(&s);
    nn_engine_free(engine);
    nn_net_free(copy);
    base_free(at);
    return st;
}
