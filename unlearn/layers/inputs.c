#include "unlearn/layers/inputs.h"

#include "base/log.h"
#include "base/memory.h"
#include "data/pipeline/loader.h"

enum { BATCH = 128, CHUNK_ROWS = 4096 };
static const int64_t MAP_BYTES = (int64_t)256 << 20; /* of one layer, one batch */

typedef struct {
    const NnLayer *layers;
    int layer_count;
    const uint8_t *selected;
    const UnlearnPatches *plans;
    NnEngine *engine;
    float *map;  /* [batch, C, H, W] of the largest layer wanted */
    float *rows; /* [chunk, features] of the widest */
    int64_t map_size, chunk_size;
    UnlearnTakeRows take;
    void *user;
} Stream;

/* Sizes over the wanted layers: one image's largest map, the largest chunk of rows. */
static void measure(Stream *s)
{
    for (int i = 0; i < s->layer_count; i++) {
        const NnLayer *layer = s->layers + i;
        if (!s->selected[i]) continue;
        int64_t map = layer->C * layer->H * layer->W;
        int64_t chunk = layer->features * (s->plans[i].rows < CHUNK_ROWS ? s->plans[i].rows : CHUNK_ROWS);
        if (map > s->map_size) s->map_size = map;
        if (chunk > s->chunk_size) s->chunk_size = chunk;
    }
}

/* Rows of every wanted layer out of the forward pass just made, of images first .. first + n - 1. */
static BaseStatus take_batch(Stream *s, int64_t first, int64_t n)
{
    BaseStatus st = BASE_OK;
    for (int i = 0; i < s->layer_count; i++) {
        const NnLayer *layer = s->layers + i;
        if (!s->selected[i]) continue;
        int64_t from = unlearn_patches_before(s->plans + i, first),
                end = unlearn_patches_before(s->plans + i, first + n);
        if (from == end) continue;
        BASE_TRY(nn_engine_tap(s->engine, i, s->map));
        for (int64_t at = from; at < end; at += CHUNK_ROWS) {
            int64_t to = end - at < CHUNK_ROWS ? end : at + CHUNK_ROWS;
            unlearn_patches_gather(layer, s->plans + i, s->map, first, at, to, s->rows);
            st = s->take(s->user, i, s->rows, to - at);
            if (st != BASE_OK) return base_error_prefix(st, "layer %s", layer->name);
        }
    }
out:
    return st;
}

BaseStatus unlearn_inputs_stream(const NnNet *net, const DataView *view, const uint8_t *selected,
                                 const UnlearnPatches *plans, NnPrecision precision, int64_t batch, const char *label,
                                 UnlearnTakeRows take, void *user)
{
    BaseStatus st = BASE_OK;
    Stream s = {.selected = selected, .plans = plans, .take = take, .user = user};
    NnNet *copy = NULL;
    DataLoader *loader = NULL;
    float *logits = NULL;
    int64_t shape[3], done = 0;
    s.layers = nn_net_layers(net, &s.layer_count);
    measure(&s);
    if (s.map_size == 0) goto out;
    if (batch <= 0) batch = BATCH;
    int64_t most = MAP_BYTES / (s.map_size * (int64_t)sizeof *s.map);
    if (batch > most) batch = most < 1 ? 1 : most;
    if (batch > view->n) batch = view->n;
    nn_net_input_shape(net, shape);
    BASE_TRY(nn_net_clone(net, &copy));
    BASE_TRY(nn_engine_create(copy, NN_MODE_EVAL, precision, batch, &s.engine));
    BASE_TRY(BASE_ALLOC_RAW(batch * s.map_size, &s.map));
    BASE_TRY(BASE_ALLOC_RAW(s.chunk_size, &s.rows));
    BASE_TRY(BASE_ALLOC_RAW(batch * nn_net_classes(net), &logits));
    DataLoaderConfig config = {.batch = batch, .C = shape[0], .H = shape[1], .W = shape[2]};
    BASE_TRY(data_loader_create(view, &config, &loader));
    BASE_TRY(data_loader_start(loader, 0));
    while (done < view->n) {
        DataBatch images;
        BASE_TRY(data_loader_next(loader, &images));
        BASE_CHECK(images.n > 0, BASE_EBACKEND, "%lld of %lld images came", (long long)done, (long long)view->n);
        BASE_TRY(nn_engine_forward(s.engine, images.x, images.n, 0, logits));
        BASE_TRY(take_batch(&s, done, images.n));
        done += images.n;
        base_progress(label, done, view->n, NULL);
    }
out:
    data_loader_free(loader);
    nn_engine_free(s.engine);
    nn_net_free(copy);
    base_free(s.map);
    base_free(s.rows);
    base_free(logits);
    return st;
}
