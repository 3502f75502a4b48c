/* bench/rows/unlearn.c - our side of the rows unlearn_* and alpha_grid_*: Fashion-MNIST at 32x32, class 3 forgotten,
 * 900 + 900 images (ARCH:IMAGES: so many per side), paper patches, alphas (100, 3), weights in memory to weights out.
 *
 *   unlearn ARCH IMAGES train FILE    trains on IMAGES images of each class for one epoch (seeded), writes the weights
 *   unlearn ARCH FILE export FOLDER   what a peer needs for the same work: input.safetensors (images, each layer's
 *                                     window and the rows taken), and what we make of it in float32 and bf16
 *   unlearn ARCH FILE serve           reads lines "unlearn|compare f32|bf16 0" or "limit f32|bf16 SECONDS", answers
 *                                     one JSON line each
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/order.h"
#include "data/pipeline/loader.h"
#include "nn/arch/arch.h"
#include "nn/rate.h"
#include "nn/weights.h"
#include "unlearn/layers/sample.h"
#include "unlearn/svd/pairs.h"
#include "unlearn/svd/patches.h"

static const int64_t SLOW_FLOPS = 500000000; /* of one image */
enum { FEWER = 2000 };
enum { CLASSES = 10, SIDE = 32, CHANNELS = 3, FORGOTTEN = 3, GRID = 5 };
static const double ALPHA_R[GRID] = {10, 30, 100, 300, 1000}, ALPHA_F[GRID] = {1, 3, 10, 30, 100};

typedef struct {
    DataSet *train, *test;
    NnNet *net, *work;
    DataForget forget;
    const UnlearnMethod *svd;
    UnlearnSpaceParams params;
    UnlearnContext context;
} Bench;

/* @p what: ARCH or ARCH:IMAGES */
static BaseStatus open_bench(Bench *b, const char *what)
{
    BaseStatus st = BASE_OK;
    const NnArch *arch;
    char arch_name[64];
    const char *colon = strchr(what, ':');
    snprintf(arch_name, sizeof arch_name, "%.*s", colon ? (int)(colon - what) : (int)strlen(what), what);
    const int64_t shape[3] = {CHANNELS, SIDE, SIDE};
    BASE_TRY(nn_arch_find(arch_name, &arch));
    BASE_TRY(nn_arch_build(arch, shape, CLASSES, &b->net));
    BASE_TRY(data_open("fashion-mnist", NULL, &b->train, &b->test));
    char text[16];
    snprintf(text, sizeof text, "%d", FORGOTTEN);
    BASE_TRY(data_forget_classes(b->train, text, &b->forget));
    BASE_TRY(unlearn_find("svd", &b->svd));
    base_param_defaults(b->svd->entry.params, b->svd->entry.param_count, &b->params);
    b->params.route = UNLEARN_ROUTE_CLOSED;
    if (colon) {
        b->params.forget_samples = atoll(colon + 1);
        b->params.retain_per_class = b->params.forget_samples / (CLASSES - 1);
    }
    b->context = (UnlearnContext){.original = b->net, .train = data_view_all(b->train), .forget = &b->forget};
out:
    return st;
}

static void close_bench(Bench *b)
{
    data_set_free(b->train);
    data_set_free(b->test);
    nn_net_free(b->net);
    nn_net_free(b->work);
    data_forget_free(&b->forget);
}

static BaseStatus write_net(NnNet *net, const char *path)
{
    IoTensors *tensors = NULL;
    BaseStatus st = nn_weights_export(net, &tensors);
    if (st == BASE_OK) st = io_tensors_write(tensors, path);
    io_tensors_free(tensors);
    return st;
}

static BaseStatus train(Bench *b, int64_t per_class, const char *path)
{
    BaseStatus st = BASE_OK;
    DataIndex some = {0};
    NnTrainConfig config;
    DataView all = data_view_all(b->train);
    base_param_defaults(nn_train_params, nn_train_param_count, &config);
    config.epochs = 1;
    config.batch_size = 128;
    config.lr = 0.05;
    config.schedule = NN_SCHEDULE_ONE_CYCLE;
    config.augment = false;
    BASE_TRY(data_sample(&all, per_class, 0, "bench", &some));
    DataView view = data_view_of(b->train, &some);
    nn_net_init(b->net, 0);
    BASE_TRY(nn_train(b->net, &view, &config, NN_F32, 0, "training", NULL));
    BASE_TRY(write_net(b->net, path));
out:
    data_index_free(&some);
    return st;
}

static BaseStatus load(Bench *b, const char *path)
{
    BaseStatus st = nn_weights_read(b->net, path);
    return st == BASE_OK ? nn_net_clone(b->net, &b->work) : st;
}

static BaseStatus unlearn_once(Bench *b, NnPrecision precision, double *seconds)
{
    BaseStatus st = BASE_OK;
    UnlearnReport report = {0};
    b->context.precision = precision;
    double start = base_clock_wall();
    nn_net_copy(b->work, b->net);
    BASE_TRY(unlearn_run(b->svd, &b->context, &b->params, b->work, &report));
    *seconds = base_clock_wall() - start;
out:
    unlearn_report_free(&report);
    return st;
}

/* The 5 x 5 grid of the paper from one preparation, the pair of b->params last. */
static BaseStatus unlearn_grid(Bench *b, NnPrecision precision, double *seconds)
{
    BaseStatus st = BASE_OK;
    void *state = NULL;
    UnlearnReport report = {0};
    UnlearnSpaceParams params = b->params;
    UnlearnContext context = b->context;
    context.precision = precision;
    context.grid = true;
    double start = base_clock_wall();
    BASE_TRY(b->svd->prepare(&context, &params, &state));
    for (int f = 0; f < GRID; f++) {
        for (int r = 0; r < GRID; r++) {
            params.alpha_r = ALPHA_R[(r + 3) % GRID];
            params.alpha_f = ALPHA_F[(f + 2) % GRID];
            nn_net_copy(b->work, b->net);
            BASE_TRY(b->svd->apply(&context, state, &params, b->work, &report));
            unlearn_report_free(&report);
        }
    }
    *seconds = base_clock_wall() - start;
out:
    b->svd->release(state);
    unlearn_report_free(&report);
    return st;
}

/* Seconds of a single run and of a grid, and the largest difference between that run and the same pair of alphas out of
 * the grid, relative to the largest edit. */
static BaseStatus compare_grid(Bench *b, NnPrecision precision, double seconds[2], double *difference)
{
    BaseStatus st = BASE_OK;
    NnNet *single = NULL;
    double most = 0;
    int64_t count = nn_net_param_count(b->net);
    BASE_TRY(unlearn_once(b, precision, &seconds[0]));
    BASE_TRY(nn_net_clone(b->work, &single));
    BASE_TRY(unlearn_grid(b, precision, &seconds[1]));
    const float *one = nn_net_params(single), *other = nn_net_params(b->work), *original = nn_net_params(b->net);
    *difference = 0;
    for (int64_t i = 0; i < count; i++) {
        *difference = fmax(*difference, fabs((double)one[i] - (double)other[i]));
        most = fmax(most, fabs((double)one[i] - (double)original[i]));
    }
    *difference /= most;
out:
    nn_net_free(single);
    return st;
}

static BaseStatus add_images(IoTensors *tensors, const DataSet *set, const DataIndex *sample, const char *name)
{
    BaseStatus st = BASE_OK;
    enum { PIXELS = CHANNELS * SIDE * SIDE };
    float *images = NULL;
    const int64_t shape[4] = {sample->n, CHANNELS, SIDE, SIDE};
    BASE_TRY(BASE_ALLOC(sample->n * PIXELS, &images));
    for (int64_t i = 0; i < sample->n; i++)
        BASE_TRY(data_image(set, sample->at[i], CHANNELS, SIDE, SIDE, images + i * PIXELS));
    BASE_TRY(io_tensors_add(tensors, name, IO_F32, 4, shape, images));
out:
    base_free(images);
    return st;
}

/* "<side>/<layer>/window" y, x, h, w and "<side>/<layer>/rows": numbers of the patches taken. */
static BaseStatus add_plans(IoTensors *tensors, Bench *b, const char *side, int64_t images)
{
    BaseStatus st = BASE_OK;
    int count;
    const NnLayer *layers = nn_net_layers(b->net, &count);
    UnlearnPatches p = {0};
    char name[192];
    for (int i = 0; i < count; i++) {
        BASE_TRY(unlearn_patches_plan(layers + i, i, images, UNLEARN_PATCHES_PAPER, b->params.max_patches,
                                      b->context.seed, side, &p));
        const int64_t window[4] = {p.y, p.x, p.h, p.w}, four = 4;
        snprintf(name, sizeof name, "%s/%s/window", side, layers[i].name);
        BASE_TRY(io_tensors_add(tensors, name, IO_I64, 1, &four, window));
        snprintf(name, sizeof name, "%s/%s/rows", side, layers[i].name);
        if (p.chosen) BASE_TRY(io_tensors_add(tensors, name, IO_I64, 1, &p.rows, p.chosen));
        unlearn_patches_free(&p);
    }
out:
    unlearn_patches_free(&p);
    return st;
}

/* Percent of retained and of forgotten test images that @p net, run in float32, gets right. */
static BaseStatus accuracies(Bench *b, NnNet *net, double out[2])
{
    BaseStatus st = BASE_OK;
    DataView view = data_view_all(b->test);
    if (nn_net_flops(net) > SLOW_FLOPS) view.n = FEWER; /* judging should not take longer than the work */
    float *logits = NULL;
    int64_t right[2] = {0, 0}, all[2] = {0, 0};
    BASE_TRY(BASE_ALLOC(view.n * CLASSES, &logits));
    BASE_TRY(nn_predict(net, &view, NN_F32, "test images", logits));
    for (int64_t i = 0; i < view.n; i++) {
        int32_t label = data_view_label(&view, i);
        int forgotten = b->forget.classes.in[label] != 0;
        all[forgotten]++;
        right[forgotten] += base_largest_at(logits + i * CLASSES, CLASSES) == label;
    }
    for (int i = 0; i < 2; i++) out[i] = 100.0 * (double)right[i] / (double)all[i];
out:
    base_free(logits);
    return st;
}

/* Multiplications and additions of the published edit in its cheapest exact form, for the floor: Gram matrices over the
 * taps that are inside (a symmetric product counts half), Cholesky factorisations, and the products and solves with W.
 */
static BaseStatus count_flops(Bench *b, const int64_t images[2], double *gram, double *apply)
{
    BaseStatus st = BASE_OK;
    int count;
    const NnLayer *layers = nn_net_layers(b->net, &count);
    UnlearnPatches p = {0};
    UnlearnTapGroups groups = {0};
    *gram = *apply = 0;
    for (int i = 0; i < count; i++) {
        for (int side = 0; side < 2; side++) {
            BASE_TRY(unlearn_patches_plan(layers + i, i, images[side], UNLEARN_PATCHES_PAPER, b->params.max_patches,
                                          b->context.seed, side ? "forget" : "retain", &p));
            BASE_TRY(unlearn_patches_group(layers + i, &p, &groups));
            double K = (double)layers[i].K, f = (double)layers[i].features, n = (double)p.rows, left = 0;
            int64_t positions = p.out_h * p.out_w;
            for (int64_t at = 0; at < positions; at++) {
                const UnlearnTaps *t = groups.kinds + groups.kind[at];
                double wide = (double)((t->y1 - t->y0) * (t->x1 - t->x0) * layers[i].C / layers[i].groups) / f;
                left += wide * wide / (double)positions;
            }
            bool dual = n < f;
            double s = dual ? n : f;
            *gram += dual ? n * n * f * left : n * f * f * left;
            *apply += s * s * s / 3 + 2 * K * s * s + (dual ? 4 * K * n * f * sqrt(left) : 2 * K * f * f);
            unlearn_patches_groups_free(&groups);
            unlearn_patches_free(&p);
        }
    }
out:
    unlearn_patches_groups_free(&groups);
    unlearn_patches_free(&p);
    return st;
}

static BaseStatus export_work(Bench *b, const char *folder)
{
    BaseStatus st = BASE_OK;
    DataIndex retain = {0}, forget = {0};
    IoTensors *tensors = NULL;
    char path[1024];
    double seconds, found[2];
    BASE_TRY(unlearn_sample_retain(&b->context, b->params.retain_per_class, NULL, &retain));
    BASE_TRY(unlearn_sample_forget(&b->context, b->params.forget_samples, &forget));
    BASE_TRY(nn_weights_export(b->net, &tensors));
    BASE_TRY(add_images(tensors, b->train, &retain, "retain/images"));
    BASE_TRY(add_images(tensors, b->train, &forget, "forget/images"));
    BASE_TRY(add_plans(tensors, b, "retain", retain.n));
    BASE_TRY(add_plans(tensors, b, "forget", forget.n));
    snprintf(path, sizeof path, "%s/input.safetensors", folder);
    BASE_TRY(io_tensors_write(tensors, path));
    const int64_t images[2] = {retain.n, forget.n};
    double gram, apply;
    BASE_TRY(count_flops(b, images, &gram, &apply));
    printf("{\"forward\": %.6g, \"gram\": %.6g, \"apply\": %.6g",
           (double)(retain.n + forget.n) * (double)nn_net_flops(b->net), gram, apply);
    for (int i = 0; i < 2; i++) {
        NnPrecision precision = i ? NN_BF16 : NN_F32;
        if (i && nn_precision_available(NN_BF16) != NN_BF16) break;
        BASE_TRY(unlearn_once(b, precision, &seconds));
        snprintf(path, sizeof path, "%s/%s.safetensors", folder, nn_precision_name(precision));
        BASE_TRY(write_net(b->work, path));
        BASE_TRY(accuracies(b, b->work, found));
        printf(", \"%s\": [%.3f, %.3f]", nn_precision_name(precision), found[0], found[1]);
    }
    printf("}\n");
out:
    io_tensors_free(tensors);
    data_index_free(&retain);
    data_index_free(&forget);
    return st;
}

static BaseStatus serve(Bench *b)
{
    BaseStatus st = BASE_OK;
    char line[128], task[16], name[16];
    double seconds, rate, both[2];
    while (fgets(line, sizeof line, stdin)) {
        NnPrecision precision;
        int words = sscanf(line, "%15s %15s %lf", task, name, &seconds);
        BASE_CHECK(words >= 2, BASE_EUSAGE, "not a request: %s", line);
        BASE_TRY(nn_precision_parse(name, &precision));
        if (!strcmp(task, "limit")) {
            BASE_TRY(nn_rate_product(precision, seconds, &rate));
            printf("{\"flops_per_second\": %.6g}\n", rate);
        } else if (!strcmp(task, "compare")) {
            BASE_TRY(compare_grid(b, precision, both, &seconds));
            printf("{\"difference\": %.6g, \"single\": %.6g, \"grid\": %.6g}\n", seconds, both[0], both[1]);
        } else {
            BASE_TRY(unlearn_once(b, precision, &seconds));
            printf("{\"seconds\": %.6g}\n", seconds);
        }
        fflush(stdout);
    }
out:
    return st;
}

int main(int argc, char **argv)
{
    bool training = argc == 5 && !strcmp(argv[3], "train"), exporting = argc == 5 && !strcmp(argv[3], "export");
    if (!training && !exporting && !(argc == 4 && !strcmp(argv[3], "serve"))) {
        fprintf(stderr, "usage: unlearn ARCH IMAGES train FILE | ARCH FILE export FOLDER | ARCH FILE serve\n");
        return 2;
    }
    Bench b = {.net = NULL};
    BaseStatus st = open_bench(&b, argv[1]);
    if (st == BASE_OK && training) {
        st = train(&b, atoll(argv[2]), argv[4]);
    } else if (st == BASE_OK) {
        st = load(&b, argv[2]);
        if (st == BASE_OK) st = exporting ? export_work(&b, argv[4]) : serve(&b);
    }
    if (st != BASE_OK) fprintf(stderr, "unlearn: %s\n", base_error_text());
    close_bench(&b);
    return st == BASE_OK ? 0 : 1;
}
