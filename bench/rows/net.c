/* bench/rows/net.c - our side of the speed comparison: a network on random data at the size that it is made for. At 32x32
 * it trains with 128 images at once and infers with 500; larger ones infer with 32.
 *
 *   net ARCH export FILE   writes seeded weights, a batch and what we compute from it, so that a peer can check
 *                                itself
 *   net ARCH serve         reads lines "train|infer|limit|available|machine f32|bf16 SECONDS", answers one JSON
 *                                line each: images per second; for limit the FLOP/s of one large matrix product; for
 *                                available whether this CPU runs that precision; for machine what it runs on
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "math/blas.h"
#include "math/threads.h"
#include "nn/arch/arch.h"
#include "nn/rate.h"
#include "nn/train.h"
#include "nn/tuning.h"
#include "nn/weights.h"

enum { SMALL = 32, BATCH = 128, INFER_BATCH = 500, LARGE_BATCH = 32, CHECKED = 32, LARGE_CHECKED = 4, CLASSES = 10 };

typedef struct {
    NnNet *net;
    int64_t shape[3];
    bool large;
    int64_t checked;     /* images */
    NnRate *rates[2][2]; /* [train][precision] */
    float *x, *logits, *dlogits, *grads;
    int32_t y[CHECKED];
} Bench;

/* Some start at 0 (classifiers of transformers) or near it (layer scales), and would hide what comes before them. */
static void shake(NnNet *net)
{
    BaseRandom r = base_random_make(1, "shake", 0);
    int count;
    const NnSlice *slices = nn_net_param_slices(net, &count);
    float *params = nn_net_edit_params(net);
    for (int i = 0; i < count; i++)
        for (int64_t j = 0; j < slices[i].count; j++)
            params[slices[i].offset + j] += (float)((slices[i].role == NN_SCALE ? 0.2 : 0.02) * base_random_normal(&r));
}

static BaseStatus bench_make(Bench *b, const char *name)
{
    BaseStatus st = BASE_OK;
    const NnArch *arch = NULL;
    BASE_TRY(nn_arch_find(name, &arch));
    b->large = arch->H > SMALL;
    b->checked = b->large ? LARGE_CHECKED : CHECKED;
    b->shape[0] = 3;
    b->shape[1] = b->shape[2] = b->large ? arch->H : SMALL;
    BASE_TRY(nn_arch_build(arch, b->shape, CLASSES, &b->net));
    nn_net_init(b->net, 1);
    if (b->large) shake(b->net);
    const int64_t pixels = b->shape[0] * b->shape[1] * b->shape[2];
    BASE_TRY(BASE_ALLOC(b->checked * pixels, &b->x));
    BASE_TRY(BASE_ALLOC(b->checked * CLASSES, &b->logits));
    BASE_TRY(BASE_ALLOC(b->checked * CLASSES, &b->dlogits));
    BASE_TRY(BASE_ALLOC(nn_net_param_count(b->net), &b->grads));
    BaseRandom r = base_random_make(1, "bench", 0);
    for (int64_t i = 0; i < b->checked * pixels; i++) b->x[i] = (float)base_random_normal(&r);
    for (int64_t i = 0; i < b->checked; i++) b->y[i] = (int32_t)base_random_below(&r, CLASSES);
out:
    return st;
}

static void bench_free(Bench *b)
{
    for (int i = 0; i < 4; i++) nn_rate_free(b->rates[i / 2][i % 2]);
    nn_net_free(b->net);
    base_free(b->x);
    base_free(b->logits);
    base_free(b->dlogits);
    base_free(b->grads);
}

/* Logits of the deployed network (no dropout), and at 32x32 its parameters' gradients, in one precision. */
static BaseStatus add_expected(Bench *b, IoTensors *tensors, NnPrecision precision)
{
    BaseStatus st = BASE_OK;
    NnEngine *eval = NULL, *grad = NULL;
    const int64_t shape[2] = {b->checked, CLASSES}, count = nn_net_param_count(b->net);
    char name[64];
    BASE_TRY(nn_engine_create(b->net, NN_MODE_EVAL, precision, b->checked, &eval));
    BASE_TRY(nn_engine_forward(eval, b->x, b->checked, 0, b->logits));
    snprintf(name, sizeof name, "bench.%s.logits", nn_precision_name(precision));
    BASE_TRY(io_tensors_add(tensors, name, IO_F32, 2, shape, b->logits));
    if (b->large) goto out;
    BASE_TRY(nn_engine_create(b->net, NN_MODE_EVAL_GRAD, precision, b->checked, &grad));
    BASE_TRY(nn_engine_forward(grad, b->x, b->checked, 0, b->logits));
    nn_loss_cross_entropy(b->logits, b->y, b->checked, CLASSES, 0, b->dlogits);
    BASE_TRY(nn_engine_backward(grad, b->dlogits, b->grads));
    snprintf(name, sizeof name, "bench.%s.gradients", nn_precision_name(precision));
    BASE_TRY(io_tensors_add(tensors, name, IO_F32, 1, &count, b->grads));
out:
    nn_engine_free(eval);
    nn_engine_free(grad);
    return st;
}

static BaseStatus export_check(Bench *b, const char *path)
{
    BaseStatus st = BASE_OK;
    IoTensors *tensors = NULL;
    const int64_t shape[4] = {b->checked, 3, b->shape[1], b->shape[2]}, count = b->checked;
    BASE_TRY(nn_weights_export(b->net, &tensors));
    BASE_TRY(io_tensors_add(tensors, "bench.x", IO_F32, 4, shape, b->x));
    BASE_TRY(io_tensors_add(tensors, "bench.y", IO_I32, 1, &count, b->y));
    BASE_TRY(add_expected(b, tensors, NN_F32));
    if (nn_precision_available(NN_BF16) == NN_BF16) BASE_TRY(add_expected(b, tensors, NN_BF16));
    BASE_TRY(io_tensors_write(tensors, path));
out:
    io_tensors_free(tensors);
    return st;
}

static BaseStatus serve(Bench *b)
{
    BaseStatus st = BASE_OK;
    char line[128], task[16], name[16];
    double seconds;
    while (fgets(line, sizeof line, stdin)) {
        double rate = 0;
        NnPrecision precision = NN_F32;
        BASE_CHECK(sscanf(line, "%15s %15s %lf", task, name, &seconds) == 3, BASE_EUSAGE, "not a request: %s", line);
        BASE_TRY(nn_precision_parse(name, &precision));
        if (!strcmp(task, "limit")) {
            BASE_TRY(nn_rate_product(precision, seconds, &rate));
            printf("{\"flops_per_second\": %.6g, \"flops_per_image\": %lld}\n", rate, (long long)nn_net_flops(b->net));
        } else if (!strcmp(task, "available")) {
            printf("{\"available\": %s}\n", nn_precision_available(precision) == precision ? "true" : "false");
        } else if (!strcmp(task, "machine")) {
            char cpu[256];
            base_clock_cpu_name(cpu, sizeof cpu);
            printf("{\"cpu\": \"%s\", \"isa\": \"%s\", \"blas\": \"%s\"}\n", cpu, nn_backend_isa(),
                   math_blas_version());
        } else {
            bool train = !strcmp(task, "train");
            NnRate **work = &b->rates[train][precision == NN_BF16];
            if (!*work)
                BASE_TRY(nn_rate_create(b->net, precision, train,
                                        train      ? BATCH
                                        : b->large ? LARGE_BATCH
                                                   : INFER_BATCH,
                                        work));
            BASE_TRY(nn_rate_run(*work, seconds, &rate));
            printf("{\"images_per_second\": %.6g}\n", rate);
        }
        fflush(stdout);
    }
out:
    return st;
}

int main(int argc, char **argv)
{
    bool exporting = argc == 4 && !strcmp(argv[2], "export"), serving = argc == 3 && !strcmp(argv[2], "serve");
    if (!exporting && !serving) {
        fprintf(stderr, "usage: net ARCH export FILE.safetensors | net ARCH serve\n");
        return 2;
    }
    Bench b = {.net = NULL};
    BaseStatus st = bench_make(&b, argv[1]);
    if (st == BASE_OK) st = exporting ? export_check(&b, argv[3]) : serve(&b);
    if (st != BASE_OK) fprintf(stderr, "net: %s\n", base_error_text());
    bench_free(&b);
    return st == BASE_OK ? 0 : 1;
}
