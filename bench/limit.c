#include "bench/limit.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

BaseStatus bench_limit_product(NnPrecision precision, double seconds, double *rate)
{
    enum { WIDE = 2048, DEEP = 8 };
    BaseStatus st = BASE_OK;
    NnGraph *graph = NULL;
    NnNet *net = NULL;
    NnEngine *engine = NULL;
    float *x = NULL, *y = NULL;
    BASE_TRY(nn_graph_create(WIDE, 1, 1, &graph));
    NnNode node = nn_flatten(graph, nn_input(graph));
    for (int i = 0; i < DEEP; i++) node = nn_linear(graph, node, nn_name(graph, "product.%d", i), WIDE, false);
    BASE_TRY(nn_net_create_take(graph, node, &net));
    nn_net_init(net, 1);
    BASE_TRY(nn_engine_create(net, NN_MODE_EVAL, precision, WIDE, &engine));
    BASE_TRY(BASE_ALLOC(WIDE * WIDE, &x));
    BASE_TRY(BASE_ALLOC(WIDE * WIDE, &y));
    for (int64_t i = 0; i < WIDE * WIDE; i++) x[i] = (float)(i % 7) - 3;
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
    base_free(x);
    base_free(y);
    return st;
}

BaseStatus bench_limit_copy(double seconds, double *rate)
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
