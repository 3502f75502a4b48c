/* bench/rows/growth.c - how the cost of an unlearning and of a training grows: one process per point, so that its peak
 * memory is its own. Random images of 3x16x16; a network of two 3x3 convolutions and a classifier.
 *
 *   growth unlearn IMAGES CHANNELS CLASSES PATCHES
 *       svd by the closed route, of the second convolution. IMAGES a side, or 0: 20 of each class; CHANNELS between the
 *       two convolutions, a ninth of the features; PATCHES rows, or 0: all
 *   growth train IMAGES CHANNELS CLASSES 0
 *       one epoch
 *
 * Prints {"seconds", "peak_kb"}; peak_kb is the process's, less what it held before the work.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "data/set/build.h"
#include "nn/train.h"
#include "unlearn/svd/pairs.h"
#include "unlearn/svd/patches.h"

enum { SIDE = 16, CHANNELS = 3, TOTAL = 32768, PER_CLASS = 20 };

static BaseStatus make_set(int64_t K, DataSet **out)
{
    BaseStatus st = BASE_OK;
    DataSet *set = NULL;
    BaseRandom r = base_random_make(1, "growth", 0);
    BASE_TRY(data_set_create("growth", DATA_U8, TOTAL, CHANNELS, SIDE, SIDE, K, &set));
    uint8_t *pixels = set->images;
    for (int64_t i = 0; i < TOTAL * CHANNELS * SIDE * SIDE; i++) pixels[i] = (uint8_t)base_random_below(&r, 256);
    for (int64_t i = 0; i < TOTAL; i++) set->labels[i] = (int32_t)(i % K);
    BASE_TRY(data_set_name_classes(set, NULL));
    BASE_TRY(data_set_finish(set, "images", "labels"));
    *out = set;
    set = NULL;
out:
    data_set_free(set);
    return st;
}

static BaseStatus make_net(int64_t channels, int64_t K, NnNet **out)
{
    BaseStatus st = BASE_OK;
    NnGraph *g = NULL;
    BASE_TRY(nn_graph_create(CHANNELS, SIDE, SIDE, &g));
    NnNode x = nn_relu(g, nn_batch_norm(g, nn_conv(g, nn_input(g), "a", (int)channels, 3, 1, 1, true), "an"));
    x = nn_relu(g, nn_batch_norm(g, nn_conv(g, nn_max_pool(g, x, 2, 2, 0), "b", 64, 3, 1, 1, true), "bn"));
    x = nn_linear(g, nn_flatten(g, nn_avg_pool(g, x, 0, 0)), "c", (int)K, true);
    BASE_TRY(nn_net_create_take(g, x, out));
    nn_net_init(*out, 1);
out:
    return st;
}

static BaseStatus unlearn(const DataSet *set, NnNet *net, int64_t images, int64_t patches)
{
    BaseStatus st = BASE_OK;
    DataForget forget = {0};
    UnlearnReport report = {0};
    UnlearnSpaceParams params;
    const UnlearnMethod *svd;
    NnNet *work = NULL;
    BASE_TRY(unlearn_find("svd", &svd));
    base_param_defaults(svd->entry.params, svd->entry.param_count, &params);
    params.route = UNLEARN_ROUTE_CLOSED;
    params.patches = patches ? UNLEARN_PATCHES_PAPER : UNLEARN_PATCHES_ALL;
    if (patches) params.max_patches = patches;
    params.retain_per_class = images ? (images + set->K - 2) / (set->K - 1) : PER_CLASS;
    params.forget_samples = images ? images : PER_CLASS;
    snprintf(params.layers.s, sizeof params.layers.s, "[b]");
    BASE_TRY(data_forget_classes(set, "0", &forget));
    UnlearnContext context = {.original = net, .train = data_view_all(set), .forget = &forget};
    BASE_TRY(nn_net_clone(net, &work));
    BASE_TRY(unlearn_run(svd, &context, &params, work, &report));
out:
    unlearn_report_free(&report);
    data_forget_free(&forget);
    nn_net_free(work);
    return st;
}

static BaseStatus train(const DataSet *set, NnNet *net, int64_t images)
{
    NnTrainConfig config;
    DataView view = data_view_all(set);
    base_param_defaults(nn_train_params, nn_train_param_count, &config);
    config.epochs = 1;
    config.batch_size = 128;
    config.lr = 1e-3;
    config.augment = false;
    if (images) view.n = images;
    return nn_train(net, &view, &config, NN_F32, 0, "training", NULL);
}

static BaseStatus measure(bool training, const int64_t values[4])
{
    BaseStatus st = BASE_OK;
    DataSet *set = NULL;
    NnNet *net = NULL;
    int64_t most = training ? TOTAL : TOTAL / values[2]; /* of the forgotten class, one in K */
    BASE_CHECK(values[0] <= most, BASE_EARG, "at most %lld images", (long long)most);
    BASE_TRY(make_set(values[2], &set));
    BASE_TRY(make_net(values[1], values[2], &net));
    BASE_TRY(training ? train(set, net, 256) : unlearn(set, net, 256, values[3])); /* warms up */
    base_clock_reset_peak();
    int64_t before = base_clock_resident_memory();
    double start = base_clock_wall();
    BASE_TRY(training ? train(set, net, values[0]) : unlearn(set, net, values[0], values[3]));
    printf("{\"seconds\": %.6g, \"peak_kb\": %lld}\n", base_clock_wall() - start,
           (long long)((base_clock_peak_memory() - before) / 1024));
out:
    data_set_free(set);
    nn_net_free(net);
    return st;
}

int main(int argc, char **argv)
{
    int64_t values[4];
    bool training = argc == 6 && strcmp(argv[1], "train") == 0, good = argc == 6;
    for (int i = 0; good && i < 4; i++) good = base_parse_i64(argv[2 + i], &values[i]) && values[i] >= 0;
    if (!good || values[1] < 1 || values[2] < 2 || (!training && strcmp(argv[1], "unlearn") != 0)) {
        fprintf(stderr, "usage: growth unlearn|train IMAGES CHANNELS CLASSES PATCHES\n");
        return 2;
    }
    BaseStatus st = measure(training, values);
    if (st != BASE_OK) fprintf(stderr, "growth: %s\n", base_error_text());
    return st == BASE_OK ? 0 : 1;
}
