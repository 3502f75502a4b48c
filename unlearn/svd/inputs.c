/* unlearn/svd/inputs.c - inputs of layers, streamed from one forward pass. */
#include "unlearn/svd/inputs.h"

#include "base/cancel.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/order.h"
#include "data/pipeline/loader.h"

enum { BATCH = 128, CHUNK_ROWS = 2048 };
static const int64_t MAP_BYTES = (int64_t)256 << 20; /* of one layer, one batch */
static const int64_t TAP_BYTES = (int64_t)1 << 30;   /* of all layers wanted, one batch */
static const int64_t HELD_BYTES = (int64_t)64 << 20; /* of one layer: many images make long products */
static const int64_t ALL_BYTES = (int64_t)2 << 30;   /* of all layers together, beyond one batch of each */

/* One wanted layer: the windows of the images that are held. */
typedef struct {
    UnlearnTapGroups groups;
    uint8_t *windows;                   /* [room, h, w, C] */
    int64_t element, room, first, held; /* bytes of a value; images: that fit, number of the first, that are held */
} Held;

typedef struct {
    const NnLayer *layers;
    int layer_count;
    const uint8_t *selected, *bf16;
    const UnlearnPatches *plans;
    Held *held; /* [layer_count] */
    NnEngine *engine;
    void *map;      /* [batch, H, W, C] of the largest layer wanted */
    void *rows;     /* [chunk, features] of the widest */
    int64_t *which; /* [rows of one layer and all held images] patch numbers, group by group */
    int64_t map_size, chunk_size, which_size; /* values of one image, values, numbers */
    UnlearnTakeRows take;
    void *user;
} Stream;

static BaseStatus hold(Stream *s, int64_t images, int64_t batch)
{
    BaseStatus st = BASE_OK;
    int64_t wanted = 0;
    for (int i = 0; i < s->layer_count; i++) wanted += s->selected[i];
    int64_t bytes = base_smaller(HELD_BYTES, ALL_BYTES / base_larger(wanted, 1));
    for (int i = 0; i < s->layer_count; i++) {
        const NnLayer *layer = s->layers + i;
        const UnlearnPatches *p = s->plans + i;
        Held *h = s->held + i;
        if (!s->selected[i]) continue;
        h->element = s->bf16 && s->bf16[i] ? sizeof(uint16_t) : sizeof(float);
        int64_t size = p->h * p->w * layer->C * h->element;
        h->room = base_smaller(images, base_larger(batch, bytes / size));
        BASE_TRY(BASE_ALLOC_RAW(h->room * size, &h->windows));
        BASE_TRY(unlearn_patches_group(layer, p, &h->groups));
        s->chunk_size = base_larger(s->chunk_size, layer->groups * layer->features * base_smaller(p->rows, CHUNK_ROWS));
        s->which_size = base_larger(s->which_size, base_smaller(p->rows, h->room * p->out_h * p->out_w));
    }
    BASE_TRY(BASE_ALLOC_RAW(batch * s->map_size * (int64_t)sizeof(float), (uint8_t **)&s->map));
    BASE_TRY(BASE_ALLOC_RAW(s->chunk_size * (int64_t)sizeof(float), (uint8_t **)&s->rows));
    BASE_TRY(BASE_ALLOC_RAW(s->which_size, &s->which));
out:
    return st;
}

/* Hands on the rows of all images held, group by group. */
static BaseStatus flush(Stream *s, int number)
{
    BaseStatus st = BASE_OK;
    const NnLayer *layer = s->layers + number;
    const UnlearnPatches *p = s->plans + number;
    Held *h = s->held + number;
    int64_t from = unlearn_patches_before(p, h->first), end = unlearn_patches_before(p, h->first + h->held);
    for (int g = 0; g < h->groups.count; g++) {
        const UnlearnTaps *taps = h->groups.kinds + g;
        UnlearnColumns columns = unlearn_patches_columns(layer, taps);
        int64_t count = 0;
        for (int64_t row = from; row < end; row++) {
            int64_t patch = p->chosen ? p->chosen[row] : row;
            if (h->groups.kind[patch % (p->out_h * p->out_w)] == g) s->which[count++] = patch;
        }
        for (int64_t at = 0; at < count; at += CHUNK_ROWS) {
            int64_t rows = base_smaller(count - at, CHUNK_ROWS);
            unlearn_patches_gather(layer, p, taps, h->windows, h->first, s->which + at, rows, h->element, s->rows);
            st = s->take(s->user, number, s->rows, rows, &columns);
            if (st != BASE_OK) return base_error_prefix(st, "layer %s", layer->name);
        }
    }
    h->first += h->held;
    h->held = 0;
    return st;
}

/* Windows of every wanted layer out of the forward pass just made, of n images. */
static BaseStatus take_batch(Stream *s, int64_t n)
{
    BaseStatus st = BASE_OK;
    for (int i = 0; i < s->layer_count; i++) {
        const NnLayer *layer = s->layers + i;
        const UnlearnPatches *p = s->plans + i;
        Held *h = s->held + i;
        if (!s->selected[i]) continue;
        if (h->held + n > h->room) BASE_TRY(flush(s, i));
        bool whole = p->h == layer->H && p->w == layer->W;
        uint8_t *to = h->windows + h->held * p->h * p->w * layer->C * h->element;
        BASE_TRY(
            nn_engine_tap_pixels(s->engine, i, h->element == sizeof(float) ? NN_F32 : NN_BF16, whole ? to : s->map));
        if (!whole) unlearn_patches_cut(layer, p, s->map, n, h->element, to);
        h->held += n;
    }
out:
    return st;
}

static void release(Stream *s)
{
    for (int i = 0; s->held && i < s->layer_count; i++) {
        unlearn_patches_groups_free(&s->held[i].groups);
        base_free(s->held[i].windows);
    }
    base_free(s->held);
    nn_engine_free(s->engine);
    base_free(s->map);
    base_free(s->rows);
    base_free(s->which);
}

BaseStatus unlearn_inputs_stream(const NnNet *net, const DataView *view, const uint8_t *selected, const uint8_t *bf16,
                                 const UnlearnPatches *plans, NnPrecision precision, int64_t batch, const char *label,
                                 UnlearnTakeRows take, void *user)
{
    BaseStatus st = BASE_OK;
    Stream s = {.selected = selected, .bf16 = bf16, .plans = plans, .take = take, .user = user};
    NnNet *copy = NULL;
    DataLoader *loader = NULL;
    float *logits = NULL;
    int64_t shape[3], done = 0, taps = 0; /* taps: values of one image */
    s.layers = nn_net_layers(net, &s.layer_count);
    for (int i = 0; i < s.layer_count; i++) {
        int64_t size = s.layers[i].C * s.layers[i].H * s.layers[i].W;
        if (!selected[i]) continue;
        s.map_size = base_larger(s.map_size, size);
        taps += size;
    }
    if (s.map_size == 0) goto out;
    if (batch <= 0) batch = BATCH;
    batch = base_smaller(batch, base_larger(1, MAP_BYTES / (s.map_size * (int64_t)sizeof(float))));
    batch = base_smaller(batch, base_larger(1, TAP_BYTES / (taps * (int64_t)sizeof(float))));
    batch = base_smaller(batch, view->n);
    nn_net_input_shape(net, shape);
    BASE_TRY(BASE_ALLOC(s.layer_count, &s.held));
    BASE_TRY(hold(&s, view->n, batch));
    BASE_TRY(nn_net_clone(net, &copy));
    BASE_TRY(nn_engine_create(copy, NN_MODE_EVAL, precision, batch, &s.engine));
    BASE_TRY(nn_engine_keep(s.engine, selected));
    BASE_TRY(BASE_ALLOC_RAW(batch * nn_net_classes(net), &logits));
    DataLoaderConfig config = {.batch = batch, .C = shape[0], .H = shape[1], .W = shape[2]};
    BASE_TRY(data_loader_create(view, &config, &loader));
    BASE_TRY(data_loader_start(loader, 0));
    while (done < view->n) {
        DataBatch images;
        BASE_TRY(base_cancel_check());
        BASE_TRY(data_loader_next(loader, &images));
        BASE_CHECK(images.n > 0, BASE_EBACKEND, "%lld of %lld images came", (long long)done, (long long)view->n);
        BASE_TRY(nn_engine_forward(s.engine, images.x, images.n, 0, logits));
        BASE_TRY(take_batch(&s, images.n));
        done += images.n;
        base_progress(label, done, view->n, NULL);
    }
    for (int i = 0; i < s.layer_count; i++)
        if (selected[i]) BASE_TRY(flush(&s, i));
out:
    data_loader_free(loader);
    release(&s);
    nn_net_free(copy);
    base_free(logits);
    return st;
}
