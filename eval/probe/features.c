/* eval/probe/features.c - each layer's input is averaged when the network comes to it, so that one map is held at a time. */
#include "eval/probe/features.h"

#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "data/pipeline/loader.h"

enum { BATCH = 128 };
static const int64_t MAP_BYTES = (int64_t)256 << 20; /* of one layer, one batch; at least one image's */

typedef struct {
    NnEngine *engine;
    const NnLayer *layers;
    int first;
    int64_t done, n; /* images before this batch, in it */
    float *maps;     /* [batch, C, H, W] of the largest layer */
    float *const *rows;
} Taking;

static BaseStatus take(void *user, int number)
{
    const Taking *t = user;
    const NnLayer *layer = &t->layers[number];
    int64_t pixels = layer->H * layer->W;
    float *rows = t->rows[number - t->first] + t->done * layer->C;
    BaseStatus st = nn_engine_tap(t->engine, number, t->maps);
    for (int64_t i = 0; st == BASE_OK && i < t->n * layer->C; i++) {
        double sum = 0;
        for (int64_t j = 0; j < pixels; j++) sum += (double)t->maps[i * pixels + j];
        rows[i] = (float)(sum / (double)pixels);
    }
    return st;
}

BaseStatus eval_probe_inputs(const NnNet *net, int first, int end, const DataView *view, NnPrecision precision,
                             float *const *rows)
{
    BaseStatus st = BASE_OK;
    Taking t = {.first = first, .rows = rows};
    NnNet *copy = NULL;
    DataLoader *loader = NULL;
    uint8_t *wanted = NULL;
    float *logits = NULL;
    int count;
    int64_t shape[3], largest = 1;
    t.layers = nn_net_layers(net, &count);
    BASE_TRY(BASE_ALLOC(count, &wanted));
    for (int l = first; l < end; l++) {
        wanted[l] = 1;
        largest = base_larger(largest, t.layers[l].C * t.layers[l].H * t.layers[l].W);
    }
    int64_t batch = base_smaller(BATCH, base_larger(1, MAP_BYTES / (largest * (int64_t)sizeof(float))));
    batch = base_smaller(batch, view->n);
    nn_net_input_shape(net, shape);
    const DataLoaderConfig config = {.batch = batch, .C = shape[0], .H = shape[1], .W = shape[2]};
    BASE_TRY(BASE_ALLOC_RAW(batch * largest, &t.maps));
    BASE_TRY(BASE_ALLOC_RAW(batch * nn_net_classes(net), &logits));
    BASE_TRY(nn_net_clone(net, &copy));
    BASE_TRY(nn_engine_create(copy, NN_MODE_EVAL, precision, batch, &t.engine));
    BASE_TRY(nn_engine_take(t.engine, wanted, true, take, &t));
    BASE_TRY(data_loader_create(view, &config, &loader));
    BASE_TRY(data_loader_start(loader, 0));
    while (t.done < view->n) {
        DataBatch part;
        BASE_TRY(data_loader_next(loader, &part));
        t.n = part.n;
        BASE_TRY(nn_engine_forward(t.engine, part.x, part.n, 0, logits));
        t.done += part.n;
    }
out:
    data_loader_free(loader);
    nn_engine_free(t.engine);
    nn_net_free(copy);
    base_free(wanted);
    base_free(logits);
    base_free(t.maps);
    return st;
}
