/* nn/rate.c - repeats a kernel or a training step until the given time is over, and divides work by time. */
#include "nn/rate.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "math/linalg.h"
#include "nn/train.h"

enum { WIDE = 2048, DEEP = 8 };

/* By oneDNN, as networks multiply; @p x holds WIDE * WIDE numbers, @p y room for as many. */
static BaseStatus product_by_layers(NnPrecision precision, double seconds, const float *x, float *y, double *rate)
{
    BaseStatus st = BASE_OK;
    NnGraph *graph = NULL;
    NnNet *net = NULL;
    NnEngine *engine = NULL;
    BASE_TRY(nn_graph_create(WIDE, 1, 1, &graph));
    NnNode node = nn_flatten(graph, nn_input(graph));
    for (int i = 0; i < DEEP; i++) node = nn_linear(graph, node, nn_name(graph, "product.%d", i), WIDE, false);
    BASE_TRY(nn_net_create_take(graph, node, &net));
    nn_net_init(net, 1);
    BASE_TRY(nn_engine_create(net, NN_MODE_EVAL, precision, WIDE, &engine));
    BASE_TRY(nn_engine_forward(engine, x, WIDE, 0, y));
    double start = base_clock_wall(), spent = 0;
    int64_t count = 0;
    for (; spent < seconds; count++) {
        BASE_TRY(nn_engine_forward(engine, x, WIDE, 0, y));
        spent = base_clock_wall() - start;
    }
    *rate = (double)(count * WIDE * nn_net_flops(net)) / spent;
out:
    nn_engine_free(engine);
    nn_net_free(net);
    return st;
}

/* By OpenBLAS, whose kernels are not always as new as oneDNN's, nor always slower. */
static BaseStatus product_by_blas(double seconds, const float *x, float *y, double *rate)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(math_gemm(false, false, WIDE, WIDE, WIDE, 1, x, x, 0, y));
    double start = base_clock_wall(), spent = 0;
    int64_t count = 0;
    for (; spent < seconds; count++) {
        BASE_TRY(math_gemm(false, false, WIDE, WIDE, WIDE, 1, x, x, 0, y));
        spent = base_clock_wall() - start;
    }
    *rate = 2.0 * (double)count * WIDE * WIDE * WIDE / spent;
out:
    return st;
}

BaseStatus nn_rate_product(NnPrecision precision, double seconds, double *rate)
{
    BaseStatus st = BASE_OK;
    float *x = NULL, *y = NULL;
    double other = 0;
    bool both = precision == NN_F32;
    BASE_TRY(BASE_ALLOC(WIDE * WIDE, &x));
    BASE_TRY(BASE_ALLOC(WIDE * WIDE, &y));
    for (int64_t i = 0; i < WIDE * WIDE; i++) x[i] = (float)(i % 7) - 3;
    BASE_TRY(product_by_layers(precision, both ? seconds / 2 : seconds, x, y, rate));
    if (both) BASE_TRY(product_by_blas(seconds / 2, x, y, &other));
    if (other > *rate) *rate = other;
out:
    base_free(x);
    base_free(y);
    return st;
}

BaseStatus nn_rate_copy(double seconds, double *rate)
{
    enum { PIECES = 256, PIECE = 1 << 20 };
    BaseStatus st = BASE_OK;
    uint8_t *from = NULL, *to = NULL;
    BASE_TRY(BASE_ALLOC(PIECES * (int64_t)PIECE, &from));
    BASE_TRY(BASE_ALLOC(PIECES * (int64_t)PIECE, &to));
    memset(from, 1, PIECES * (size_t)PIECE); /* zeroed pages may all be one */
    double start = base_clock_wall(), spent = 0;
    int64_t count = 0;
    for (; spent < seconds; count++) {
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < PIECES; i++) memcpy(to + i * PIECE, from + i * PIECE, PIECE);
        spent = base_clock_wall() - start;
    }
    *rate = 2.0 * (double)count * PIECES * PIECE / spent;
out:
    base_free(from);
    base_free(to);
    return st;
}

struct NnRate {
    NnNet *net;
    NnEngine *engine;
    NnOptimizer *optimizer; /* NULL: inference */
    int64_t batch;
    uint64_t steps;
    float *x, *logits, *dlogits, *grads;
    int32_t *y;
};

enum { WARM_UP = 2 };
static const double LR = 1e-4; /* small: the loss must stay finite for as long as we measure */

void nn_rate_free(NnRate *r)
{
    if (!r) return;
    nn_engine_free(r->engine);
    nn_optimizer_free(r->optimizer);
    base_free(r->x);
    base_free(r->logits);
    base_free(r->dlogits);
    base_free(r->grads);
    base_free(r->y);
    base_free(r);
}

BaseStatus nn_rate_create(NnNet *net, NnPrecision precision, bool train, int64_t batch, NnRate **out)
{
    BaseStatus st = BASE_OK;
    NnRate *r = NULL;
    int64_t shape[3], K = nn_net_classes(net);
    nn_net_input_shape(net, shape);
    int64_t pixels = batch * shape[0] * shape[1] * shape[2];
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &r));
    r->net = net;
    r->batch = batch;
    BASE_TRY(BASE_ALLOC(pixels, &r->x));
    BASE_TRY(BASE_ALLOC(batch * K, &r->logits));
    BASE_TRY(BASE_ALLOC(batch, &r->y));
    BaseRandom random = base_random_make(1, "rate", 0);
    for (int64_t i = 0; i < pixels; i++) r->x[i] = (float)base_random_normal(&random);
    for (int64_t i = 0; i < batch; i++) r->y[i] = (int32_t)base_random_below(&random, (uint64_t)K);
    BASE_TRY(nn_engine_create(net, train ? NN_MODE_TRAIN : NN_MODE_EVAL, precision, batch, &r->engine));
    if (train) {
        BASE_TRY(nn_optimizer_create(NN_SGD, nn_net_param_count(net), 0.9, 5e-4, true, &r->optimizer));
        BASE_TRY(BASE_ALLOC(batch * K, &r->dlogits));
        BASE_TRY(BASE_ALLOC(nn_net_param_count(net), &r->grads));
    } else {
        BASE_TRY(nn_engine_keep(r->engine, NULL));
    }
    *out = r;
    r = NULL;
out:
    nn_rate_free(r);
    return st;
}

static BaseStatus one_batch(NnRate *r)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(nn_engine_forward(r->engine, r->x, r->batch, r->steps++, r->logits));
    if (!r->optimizer) goto out;
    nn_loss_cross_entropy(r->logits, r->y, r->batch, nn_net_classes(r->net), 0, r->dlogits);
    BASE_TRY(nn_engine_backward(r->engine, r->dlogits, r->grads));
    nn_optimizer_step(r->optimizer, nn_net_edit_params(r->net), r->grads, NULL, LR);
out:
    return st;
}

BaseStatus nn_rate_run(NnRate *r, double seconds, double *images_per_second)
{
    BaseStatus st = BASE_OK;
    while (r->steps < WARM_UP) BASE_TRY(one_batch(r));
    double start = base_clock_wall(), spent = 0;
    int64_t count = 0;
    for (; spent < seconds; count++) {
        BASE_TRY(one_batch(r));
        spent = base_clock_wall() - start;
    }
    *images_per_second = (double)(count * r->batch) / spent;
out:
    return st;
}

BaseStatus nn_rate_measure(NnNet *net, NnPrecision precision, bool train, int64_t batch, double seconds,
                           double *images_per_second)
{
    NnRate *rate = NULL;
    BaseStatus st = nn_rate_create(net, precision, train, batch, &rate);
    if (st == BASE_OK) st = nn_rate_run(rate, seconds, images_per_second);
    nn_rate_free(rate);
    return st;
}
