/* eval/probe/probe.c - standardised features become images of one row, so that the usual training loop takes them. */
#include "eval/probe/probe.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "data/pipeline/loader.h"
#include "data/set/build.h"
#include "eval/probe/nearest.h"
#include "nn/train.h"

enum { BATCH = 128 };

const BaseParam eval_probe_params[] = {
    BASE_PARAM_BOOL(EvalProbeConfig, enabled, true, "measure probe_forget, knn_forget, cka_retrained and cka_original"),
    BASE_PARAM_I64(EvalProbeConfig, per_class, 100, 1, 100000, "training images per class that the probe is fitted to"),
    BASE_PARAM_I64(EvalProbeConfig, epochs, 30, 1, 100000, "passes of the probe over the features of these images"),
    BASE_PARAM_F64(EvalProbeConfig, lr, 0.005, 1e-9, 10, "initial learning rate of Adam, which falls as a cosine"),
};
const size_t eval_probe_param_count = BASE_COUNT(eval_probe_params);

/* What comes into the classifier; of a convolution, the mean over its pixels. *index: the layer's number. */
static int64_t width_of(const NnNet *net, int *index, int64_t *pixels)
{
    int count;
    const NnLayer *layers = nn_net_layers(net, &count), *last = &layers[count - 1];
    *index = count - 1;
    *pixels = last->H * last->W;
    return last->C;
}

/* means [n] of @p pixels each. */
static void average(const float *maps, int64_t n, int64_t pixels, float *means)
{
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t j = 0; j < pixels; j++) sum += (double)maps[i * pixels + j];
        means[i] = (float)(sum / (double)pixels);
    }
}

BaseStatus eval_probe_features(const NnNet *net, const DataView *view, NnPrecision precision, float **out)
{
    BaseStatus st = BASE_OK;
    NnNet *copy = NULL;
    NnEngine *engine = NULL;
    DataLoader *loader = NULL;
    float *features = NULL, *logits = NULL, *maps = NULL;
    int64_t shape[3], batch = base_smaller(view->n, BATCH), pixels;
    int last;
    int64_t width = width_of(net, &last, &pixels);
    *out = NULL;
    nn_net_input_shape(net, shape);
    const DataLoaderConfig config = {.batch = batch, .C = shape[0], .H = shape[1], .W = shape[2]};
    BASE_TRY(BASE_ALLOC_RAW(view->n * width, &features));
    BASE_TRY(BASE_ALLOC_RAW(batch * width * pixels, &maps));
    BASE_TRY(BASE_ALLOC_RAW(batch * nn_net_classes(net), &logits));
    BASE_TRY(nn_net_clone(net, &copy));
    BASE_TRY(nn_engine_create(copy, NN_MODE_EVAL, precision, batch, &engine));
    BASE_TRY(data_loader_create(view, &config, &loader));
    BASE_TRY(data_loader_start(loader, 0));
    for (int64_t done = 0; done < view->n;) {
        DataBatch part;
        BASE_TRY(data_loader_next(loader, &part));
        BASE_TRY(nn_engine_forward(engine, part.x, part.n, 0, logits));
        BASE_TRY(nn_engine_tap(engine, last, maps));
        average(maps, part.n * width, pixels, features + done * width);
        done += part.n;
    }
    *out = features;
    features = NULL;
out:
    data_loader_free(loader);
    nn_engine_free(engine);
    nn_net_free(copy);
    base_free(logits);
    base_free(maps);
    base_free(features);
    return st;
}

/* In place over both sets: (x - mean) / sd of the first. A feature that never moves becomes 0. */
static void standardise(float *fit, int64_t n, float *judged, int64_t judged_n, int64_t width)
{
    for (int64_t j = 0; j < width; j++) {
        double mean = 0, square = 0;
        for (int64_t i = 0; i < n; i++) mean += fit[i * width + j];
        mean /= (double)n;
        for (int64_t i = 0; i < n; i++) square += pow(fit[i * width + j] - mean, 2);
        double sd = sqrt(square / (double)n), scale = sd > 1e-12 * (1 + fabs(mean)) ? 1 / sd : 0;
        for (int64_t i = 0; i < n; i++) fit[i * width + j] = (float)((fit[i * width + j] - mean) * scale);
        for (int64_t i = 0; i < judged_n; i++) judged[i * width + j] = (float)((judged[i * width + j] - mean) * scale);
    }
}

/* Features as images of one row, so that the training loop of nn/ takes them. */
static BaseStatus as_set(const char *name, const float *features, const DataView *view, int64_t width, int64_t K,
                         DataSet **out)
{
    BaseStatus st = BASE_OK;
    DataSet *set = NULL;
    *out = NULL;
    BASE_TRY(data_set_create(name, DATA_F32, view->n, 1, 1, width, K, &set));
    memcpy(set->images, features, sizeof *features * (size_t)(view->n * width));
    for (int64_t i = 0; i < view->n; i++) set->labels[i] = data_view_label(view, i);
    BASE_TRY(data_set_name_classes(set, NULL));
    BASE_TRY(data_set_finish(set, "features", "labels"));
    *out = set;
    set = NULL;
out:
    data_set_free(set);
    return st;
}

static BaseStatus fit(const DataSet *set, const EvalProbeConfig *config, uint64_t seed, NnNet **out)
{
    BaseStatus st = BASE_OK;
    NnGraph *g = NULL;
    NnNet *probe = NULL;
    NnTrainConfig training;
    *out = NULL;
    BASE_TRY(nn_graph_create(1, 1, set->W, &g));
    NnNode logits = nn_linear(g, nn_flatten(g, nn_input(g)), "probe", set->K, true);
    BASE_TRY(nn_net_create_take(g, logits, &probe));
    base_param_defaults(nn_train_params, nn_train_param_count, &training);
    training.epochs = config->epochs;
    training.lr = config->lr;
    training.optimizer = NN_ADAM;
    training.schedule = NN_SCHEDULE_COSINE;
    training.augment = false;
    DataView all = data_view_all(set);
    nn_net_init(probe, seed);
    BASE_TRY(nn_train(probe, &all, &training, NN_F32, seed, "probe", NULL));
    *out = probe;
    probe = NULL;
out:
    nn_net_free(probe);
    return st;
}

/* Of the judged images those whose neighbours in the sample tell their class. */
static BaseStatus count_near(const float *known, const DataView *train, const float *features, const DataView *judged,
                             int64_t width, int64_t *near)
{
    BaseStatus st = BASE_OK;
    int32_t *labels = NULL, *answers = NULL;
    BASE_TRY(BASE_ALLOC_RAW(train->n, &labels));
    BASE_TRY(BASE_ALLOC_RAW(judged->n, &answers));
    for (int64_t i = 0; i < train->n; i++) labels[i] = data_view_label(train, i);
    BASE_TRY(eval_probe_nearest(known, labels, train->n, features, judged->n, width, answers));
    for (int64_t i = 0; i < judged->n; i++) *near += answers[i] == data_view_label(judged, i);
out:
    base_free(labels);
    base_free(answers);
    return st;
}

static BaseStatus measure(const EvalSubject *s, const EvalProbeConfig *config, const DataView *train,
                          const DataView *judged, EvalProbed *out)
{
    BaseStatus st = BASE_OK;
    float *features[2] = {NULL, NULL}, *logits = NULL;
    DataSet *sets[2] = {NULL, NULL};
    NnNet *probe = NULL;
    int32_t *predicted = NULL;
    int last;
    int64_t pixels, width = width_of(s->net, &last, &pixels), K = nn_net_classes(s->net);
    BASE_TRY(eval_probe_features(s->net, train, s->precision, &features[0]));
    BASE_TRY(eval_probe_features(s->net, judged, s->precision, &features[1]));
    BASE_TRY(count_near(features[0], train, features[1], judged, width, &out->near));
    standardise(features[0], train->n, features[1], judged->n, width);
    BASE_TRY(as_set("probe train", features[0], train, width, K, &sets[0]));
    BASE_TRY(as_set("probe test", features[1], judged, width, K, &sets[1]));
    BASE_TRY(fit(sets[0], config, s->seed, &probe));
    DataView all = data_view_all(sets[1]);
    BASE_TRY(BASE_ALLOC_RAW(all.n * K, &logits));
    BASE_TRY(BASE_ALLOC_RAW(all.n, &predicted));
    BASE_TRY(nn_predict(probe, &all, NN_F32, NULL, logits));
    const EvalPredictions p = {.logits = logits, .labels = sets[1]->labels, .n = all.n, .K = K};
    eval_predicted(&p, predicted);
    for (int64_t i = 0; i < all.n; i++) out->right += predicted[i] == p.labels[i];
    out->n = all.n;
out:
    for (int i = 0; i < 2; i++) {
        base_free(features[i]);
        data_set_free(sets[i]);
    }
    nn_net_free(probe);
    base_free(logits);
    base_free(predicted);
    return st;
}

BaseStatus eval_probe(const EvalSubject *s, const EvalProbeConfig *config, EvalProbed *out)
{
    BaseStatus st = BASE_OK;
    DataIndex sample = {0}, inside = {0}, outside = {0};
    EvalProbed made = {0};
    bool taught = false;
    *out = (EvalProbed){0};
    if (!config->enabled) return BASE_OK;
    BASE_TRY(data_sample(&s->train, config->per_class, s->seed, "probe_train", &sample));
    BASE_TRY(data_forget_partition_unseen(&s->test, s->forget, &inside, &outside));
    for (int64_t i = 0; i < sample.n && !taught; i++)
        taught = data_forget_holds(s->forget, s->train.set->labels[sample.at[i]], sample.at[i]);
    if (!taught || inside.n == 0) goto out;
    DataView train = data_view_of(s->train.set, &sample), judged = data_view_of(s->test.set, &inside);
    BASE_TRY(measure(s, config, &train, &judged, &made));
    *out = made;
out:
    data_index_free(&sample);
    data_index_free(&inside);
    data_index_free(&outside);
    return st == BASE_OK ? st : base_error_prefix(st, "linear probe");
}

BaseStatus eval_probe_forgotten(const EvalSubject *s, const EvalProbeConfig *config, const NnNet *net,
                                EvalFeatures *out)
{
    BaseStatus st = BASE_OK;
    DataIndex inside = {0}, outside = {0};
    int last;
    int64_t pixels;
    *out = (EvalFeatures){0};
    if (!config->enabled) return BASE_OK;
    BASE_TRY(data_forget_partition_unseen(&s->test, s->forget, &inside, &outside));
    if (inside.n == 0) goto out;
    DataView judged = data_view_of(s->test.set, &inside);
    BASE_TRY(eval_probe_features(net, &judged, s->precision, &out->x));
    out->n = inside.n;
    out->width = width_of(net, &last, &pixels);
out:
    data_index_free(&inside);
    data_index_free(&outside);
    return st == BASE_OK ? st : base_error_prefix(st, "features of the forgotten classes");
}

void eval_features_free(EvalFeatures *features)
{
    base_free(features->x);
    *features = (EvalFeatures){0};
}
