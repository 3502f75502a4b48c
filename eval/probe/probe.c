/* eval/probe/probe.c - standardised features become images of one row, so that the usual training loop takes them. */
#include "eval/probe/probe.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "data/set/build.h"
#include "eval/probe/features.h"
#include "eval/probe/nearest.h"
#include "nn/train.h"

const BaseParam eval_probe_params[] = {
    BASE_PARAM_BOOL(EvalProbeConfig, enabled, true, "measure probe_forget, knn_forget, cka_retrained and cka_original"),
    BASE_PARAM_I64(EvalProbeConfig, per_class, 100, 1, 100000, "training images per class that the probe is fitted to"),
    BASE_PARAM_I64(EvalProbeConfig, epochs, 30, 1, 100000, "passes of the probe over the features of these images"),
    BASE_PARAM_F64(EvalProbeConfig, lr, 0.005, 1e-9, 10, "initial learning rate of Adam, which falls as a cosine"),
    BASE_PARAM_BOOL(EvalProbeConfig, layers, false, "nearest neighbours and CKA by the inputs of every layer, too"),
};
const size_t eval_probe_param_count = BASE_COUNT(eval_probe_params);

/* Numbers of one image: what comes into the classifier, or into one classifier and then into the other; of a convolution,
 * the means over its pixels. */
static int64_t width_of(const NnNet *net)
{
    int last[NN_CLASSIFIERS], heads = nn_net_classifiers(net, last);
    int64_t width = 0;
    for (int h = 0; h < heads; h++) width += nn_net_layers(net, &(int){0})[last[h]].C;
    return width;
}

BaseStatus eval_probe_features(const NnNet *net, const DataView *view, NnPrecision precision, float **out)
{
    int last[NN_CLASSIFIERS], heads = nn_net_classifiers(net, last);
    const NnLayer *layers = nn_net_layers(net, &(int){0});
    int64_t width = width_of(net);
    float *features = NULL, *rows = NULL;
    BaseStatus st = BASE_OK;
    *out = NULL;
    BASE_TRY(BASE_ALLOC_RAW(view->n * width, &features));
    BASE_TRY(BASE_ALLOC_RAW(view->n * width, &rows)); /* of one classifier: no wider */
    float *to = features;
    for (int h = 0; h < heads; to += layers[last[h++]].C) {
        int64_t C = layers[last[h]].C;
        BASE_TRY(eval_probe_inputs(net, last[h], last[h] + 1, view, precision, &rows));
        for (int64_t i = 0; i < view->n; i++) memcpy(to + i * width, rows + i * C, (size_t)C * sizeof *to);
    }
    *out = features;
    features = NULL;
out:
    base_free(features);
    base_free(rows);
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

BaseStatus eval_probe_near(const float *known, const DataView *train, const float *features, const DataView *judged,
                           int64_t width, int64_t *near)
{
    BaseStatus st = BASE_OK;
    int32_t *labels = NULL, *answers = NULL;
    BASE_TRY(BASE_ALLOC_RAW(train->n, &labels));
    BASE_TRY(BASE_ALLOC_RAW(judged->n, &answers));
    for (int64_t i = 0; i < train->n; i++) labels[i] = data_view_label(train, i);
    BASE_TRY(eval_probe_nearest(known, labels, train->n, features, judged->n, width, answers));
    *near = 0;
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
    int64_t width = width_of(s->net), K = nn_net_classes(s->net);
    BASE_TRY(eval_probe_features(s->net, train, s->precision, &features[0]));
    BASE_TRY(eval_probe_features(s->net, judged, s->precision, &features[1]));
    BASE_TRY(eval_probe_near(features[0], train, features[1], judged, width, &out->near));
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

void eval_probe_sets_free(EvalProbeSets *sets)
{
    data_index_free(&sets->sample);
    data_index_free(&sets->forgotten);
    *sets = (EvalProbeSets){0};
}

BaseStatus eval_probe_sets(const EvalSubject *s, const EvalProbeConfig *config, EvalProbeSets *out)
{
    BaseStatus st = BASE_OK;
    DataIndex outside = {0};
    *out = (EvalProbeSets){0};
    BASE_TRY(data_sample(&s->train, config->per_class, s->seed, "probe_train", &out->sample));
    BASE_TRY(data_forget_partition_unseen(&s->test, s->forget, &out->forgotten, &outside));
    for (int64_t i = 0; i < out->sample.n && !out->taught; i++)
        out->taught = data_forget_holds(s->forget, s->train.set->labels[out->sample.at[i]], out->sample.at[i]);
    out->known = data_view_of(s->train.set, &out->sample);
    out->judged = data_view_of(s->test.set, &out->forgotten);
out:
    data_index_free(&outside);
    if (st != BASE_OK) eval_probe_sets_free(out);
    return st;
}

BaseStatus eval_probe(const EvalSubject *s, const EvalProbeConfig *config, EvalProbed *out)
{
    BaseStatus st = BASE_OK;
    EvalProbeSets sets = {0};
    EvalProbed made = {0};
    *out = (EvalProbed){0};
    if (!config->enabled) return BASE_OK;
    BASE_TRY(eval_probe_sets(s, config, &sets));
    if (!sets.taught || sets.judged.n == 0) goto out;
    BASE_TRY(measure(s, config, &sets.known, &sets.judged, &made));
    *out = made;
out:
    eval_probe_sets_free(&sets);
    return st == BASE_OK ? st : base_error_prefix(st, "linear probe");
}

BaseStatus eval_probe_forgotten(const EvalSubject *s, const EvalProbeConfig *config, const NnNet *net,
                                EvalFeatures *out)
{
    BaseStatus st = BASE_OK;
    DataIndex inside = {0}, outside = {0};
    *out = (EvalFeatures){0};
    if (!config->enabled) return BASE_OK;
    BASE_TRY(data_forget_partition_unseen(&s->test, s->forget, &inside, &outside));
    if (inside.n == 0) goto out;
    DataView judged = data_view_of(s->test.set, &inside);
    BASE_TRY(eval_probe_features(net, &judged, s->precision, &out->x));
    out->n = inside.n;
    out->width = width_of(net);
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
