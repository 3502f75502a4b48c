/* unlearn/svd/inputs.c - inputs of layers, streamed from one forward pass; each is taken when the network comes to it. */
#include "unlearn/svd/inputs.h"

#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/order.h"
#include "data/pipeline/loader.h"
#include "nn/node.h"

enum { BATCH = 128, CHUNK_ROWS = 2048 };
static const int64_t MAP_BYTES = (int64_t)256 << 20; /* of one layer, one batch */
static const int64_t TAP_BYTES = (int64_t)1 << 30;   /* of all layers wanted, one batch */
static const int64_t HELD_BYTES = (int64_t)64 << 20; /* of one layer: many images make long products */
static const int64_t ALL_BYTES = (int64_t)2 << 30;   /* of all layers together, beyond one batch of each */

/* One wanted layer: the windows of the images that are held, or the rows taken from them. */
typedef struct {
    UnlearnTapGroups groups;
    bool rows;                                  /* one group of rows, which take less than their windows */
    uint8_t *held;                              /* [room, h, w, C] or [rows, features] */
    int64_t bytes, element, room, first, count; /* bytes: all, of a value; images: that fit, first, that are held */
} Held;

typedef struct {
    const UnlearnInputs *in;
    const NnLayer *layers;
    int layer_count;
    Held *held; /* [layer_count] */
    NnEngine *engine;
    void *map;      /* [batch, H, W, C] of the largest layer wanted */
    void *windows;  /* [batch, h, w, C] of the largest whose rows are held */
    void *rows;     /* [chunk, features] of the widest */
    int64_t *which; /* [rows of one layer and all held images] patch numbers, group by group */
    int64_t map_bytes, window_bytes, row_bytes, numbers; /* of these four */
    int64_t n;                                           /* images of the forward pass under way */
    UnlearnTakeRows take;
    void *user;
} Stream;

UnlearnHolding unlearn_inputs_holding(const NnNet *net, const uint8_t *wanted)
{
    int count;
    const NnLayer *layers = nn_net_layers(net, &count);
    int64_t largest = 1, taps = 0, all = 0; /* values of one image */
    for (int i = 0; i < count; i++) {
        int64_t size = layers[i].C * layers[i].H * layers[i].W;
        if (!wanted[i]) continue;
        largest = base_larger(largest, size);
        taps += size;
        all++;
    }
    int64_t batch = base_smaller(BATCH, base_larger(1, MAP_BYTES / (largest * (int64_t)sizeof(float))));
    batch = base_smaller(batch, base_larger(1, TAP_BYTES / (base_larger(1, taps) * (int64_t)sizeof(float))));
    return (UnlearnHolding){batch, base_smaller(HELD_BYTES, ALL_BYTES / base_larger(all, 1))};
}

static int64_t window_bytes(const NnLayer *layer, const UnlearnPatches *p, int64_t element)
{
    return p->h * p->w * layer->C * element;
}

/* Of a row that holds only @p taps. */
static int64_t row_bytes(const NnLayer *layer, const UnlearnTaps *taps, int64_t element)
{
    return (taps->y1 - taps->y0) * (taps->x1 - taps->x0) * layer->C * element;
}

static bool is_whole(const NnLayer *layer, const UnlearnPatches *p) { return p->h == layer->H && p->w == layer->W; }

/* The most rows that the images held at a time give: full batches are held together as far as there is room. */
static int64_t most_rows(const UnlearnPatches *p, int64_t images, int64_t batch, int64_t room)
{
    int64_t step = room / batch * batch, most = 0;
    for (int64_t first = 0; first < images; first += step) {
        int64_t end = base_smaller(images, first + room);
        most = base_larger(most, unlearn_patches_before(p, end) - unlearn_patches_before(p, first));
    }
    return most;
}

/* What is to be held, in bytes. */
static BaseStatus measure(Stream *s, int64_t images)
{
    BaseStatus st = BASE_OK;
    const UnlearnInputs *in = s->in;
    const int64_t batch = base_smaller(in->holding.batch, images);
    for (int i = 0; i < s->layer_count; i++) {
        const NnLayer *layer = s->layers + i;
        const UnlearnPatches *p = in->plans + i;
        Held *h = s->held + i;
        if (!in->selected[i]) continue;
        h->element = in->bf16 && in->bf16[i] ? sizeof(uint16_t) : sizeof(float);
        const int64_t window = window_bytes(layer, p, h->element), row = layer->groups * layer->features * h->element;
        h->room = base_smaller(images, base_larger(batch, in->holding.bytes / window));
        BASE_TRY(unlearn_patches_group(layer, p, &h->groups));
        h->bytes = h->room * window;
        int64_t rows = most_rows(p, images, batch, h->room) * row_bytes(layer, h->groups.kinds, h->element);
        h->rows = h->groups.count == 1 && rows < h->bytes;
        if (h->rows) h->bytes = rows;
        if (!is_whole(layer, p))
            s->map_bytes = base_larger(s->map_bytes, batch * layer->C * layer->H * layer->W * h->element);
        if (h->rows)
            s->window_bytes = base_larger(s->window_bytes, batch * window);
        else
            s->row_bytes = base_larger(s->row_bytes, row * base_smaller(p->rows, CHUNK_ROWS));
        s->numbers = base_larger(s->numbers, base_smaller(p->rows, h->room * p->out_h * p->out_w));
    }
out:
    return st;
}

static BaseStatus hold(Stream *s, int64_t images)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(measure(s, images));
    for (int i = 0; i < s->layer_count; i++)
        if (s->in->selected[i]) BASE_TRY(BASE_ALLOC_RAW(s->held[i].bytes, &s->held[i].held));
    BASE_TRY(BASE_ALLOC_RAW(s->map_bytes, (uint8_t **)&s->map));
    BASE_TRY(BASE_ALLOC_RAW(s->window_bytes, (uint8_t **)&s->windows));
    BASE_TRY(BASE_ALLOC_RAW(s->row_bytes, (uint8_t **)&s->rows));
    BASE_TRY(BASE_ALLOC_RAW(s->numbers, &s->which));
out:
    return st;
}

/* Numbers of the patches in rows from to end - 1 that are of group @p g. */
static int64_t patches_of(const UnlearnPatches *p, const Held *h, int g, int64_t from, int64_t end, int64_t *which)
{
    int64_t count = 0;
    for (int64_t row = from; row < end; row++) {
        int64_t patch = p->chosen ? p->chosen[row] : row;
        if (h->groups.kind[patch % (p->out_h * p->out_w)] == g) which[count++] = patch;
    }
    return count;
}

/* Hands on the rows of all images held, group by group. */
static BaseStatus flush(Stream *s, int number)
{
    BaseStatus st = BASE_OK;
    const NnLayer *layer = s->layers + number;
    const UnlearnPatches *p = s->in->plans + number;
    Held *h = s->held + number;
    int64_t from = unlearn_patches_before(p, h->first), end = unlearn_patches_before(p, h->first + h->count);
    for (int g = 0; g < h->groups.count; g++) {
        const UnlearnTaps *taps = h->groups.kinds + g;
        UnlearnColumns columns = unlearn_patches_columns(layer, taps);
        int64_t count = h->rows ? end - from : patches_of(p, h, g, from, end, s->which);
        for (int64_t at = 0; at < count; at += CHUNK_ROWS) {
            int64_t rows = base_smaller(count - at, CHUNK_ROWS);
            const void *chunk = h->held + at * row_bytes(layer, taps, h->element);
            if (!h->rows) {
                unlearn_patches_gather(layer, p, taps, h->held, h->first, s->which + at, rows, h->element, s->rows);
                chunk = s->rows;
            }
            st = s->take(s->user, number, chunk, rows, &columns);
            if (st != BASE_OK) return base_error_prefix(st, "layer %s", layer->name);
        }
    }
    h->first += h->count;
    h->count = 0;
    return st;
}

/* The window of a layer, or its rows, out of the forward pass under way: its input is complete. */
static BaseStatus take_layer(void *user, int i)
{
    BaseStatus st = BASE_OK;
    Stream *s = user;
    const NnLayer *layer = s->layers + i;
    const UnlearnPatches *p = s->in->plans + i;
    Held *h = s->held + i;
    if (h->count + s->n > h->room) BASE_TRY(flush(s, i));
    bool whole = is_whole(layer, p);
    void *windows = h->rows ? s->windows : h->held + h->count * window_bytes(layer, p, h->element);
    BASE_TRY(
        nn_engine_tap_pixels(s->engine, i, h->element == sizeof(float) ? NN_F32 : NN_BF16, whole ? windows : s->map));
    if (!whole) unlearn_patches_cut(layer, p, s->map, s->n, h->element, windows);
    if (h->rows) {
        int64_t first = h->first + h->count, start = unlearn_patches_before(p, h->first),
                from = unlearn_patches_before(p, first), end = unlearn_patches_before(p, first + s->n);
        int64_t count = patches_of(p, h, 0, from, end, s->which);
        unlearn_patches_gather(layer, p, h->groups.kinds, windows, first, s->which, count, h->element,
                               h->held + (from - start) * row_bytes(layer, h->groups.kinds, h->element));
    }
    h->count += s->n;
out:
    return st;
}

static void release(Stream *s)
{
    for (int i = 0; s->held && i < s->layer_count; i++) {
        unlearn_patches_groups_free(&s->held[i].groups);
        base_free(s->held[i].held);
    }
    base_free(s->held);
    nn_engine_free(s->engine);
    base_free(s->map);
    base_free(s->windows);
    base_free(s->rows);
    base_free(s->which);
}

/* Above what any network takes: its weights as Winograd's (36 / 9 of them) twice, and of each value its own storage, a
 * copy in another layout, and a share of patches. */
static int64_t rough_storage(const NnNet *net, int64_t batch)
{
    const NnGraph *graph = nn_net_graph(net);
    int64_t values = 0;
    for (int i = 0; i < nn_graph_size(graph); i++) {
        const NnNodeInfo *node = nn_graph_node(graph, i);
        values += node->C * node->H * node->W;
    }
    return (8 * nn_net_param_count(net) + 4 * batch * values) * (int64_t)sizeof(float);
}

BaseStatus unlearn_inputs_sizes(const UnlearnInputs *in, int64_t images, int64_t enough, int64_t *held, int64_t *fixed)
{
    BaseStatus st = BASE_OK;
    Stream s = {.in = in};
    int64_t shape[3], batch = base_smaller(in->holding.batch, images), storage;
    s.layers = nn_net_layers(in->net, &s.layer_count);
    memset(held, 0, (size_t)s.layer_count * sizeof *held);
    *fixed = 0;
    if (images == 0) goto out;
    nn_net_input_shape(in->net, shape);
    BASE_TRY(BASE_ALLOC(s.layer_count, &s.held));
    BASE_TRY(measure(&s, images));
    for (int i = 0; i < s.layer_count; i++) held[i] = s.held[i].bytes;
    *fixed = s.map_bytes + s.window_bytes + s.row_bytes + s.numbers * (int64_t)sizeof *s.which +
             2 * batch * shape[0] * shape[1] * shape[2] * (int64_t)sizeof(float); /* the loader's */
    storage = rough_storage(in->net, batch);
    if (*fixed + storage > enough) {
        BASE_TRY(nn_engine_create((NnNet *)in->net, NN_MODE_EVAL, in->precision, batch, &s.engine));
        BASE_TRY(nn_engine_keep(s.engine, NULL));
        BASE_TRY(nn_engine_bytes(s.engine, batch, &storage));
    }
    *fixed += storage;
out:
    release(&s);
    return st;
}

BaseStatus unlearn_inputs_stream(const UnlearnInputs *in, const DataView *view, UnlearnTakeRows take, void *user)
{
    BaseStatus st = BASE_OK;
    Stream s = {.in = in, .take = take, .user = user};
    DataLoader *loader = NULL;
    float *logits = NULL;
    int64_t shape[3], done = 0, batch = base_smaller(in->holding.batch, view->n);
    bool any = false;
    s.layers = nn_net_layers(in->net, &s.layer_count);
    for (int i = 0; i < s.layer_count; i++) any = any || in->selected[i];
    if (!any || view->n == 0) goto out;
    nn_net_input_shape(in->net, shape);
    BASE_TRY(BASE_ALLOC(s.layer_count, &s.held));
    BASE_TRY(hold(&s, view->n));
    BASE_TRY(nn_engine_create((NnNet *)in->net, NN_MODE_EVAL, in->precision, batch,
                              &s.engine)); /* plain eval only reads it */
    BASE_TRY(nn_engine_take(s.engine, in->selected, in->whole, take_layer, &s));
    BASE_TRY(BASE_ALLOC_RAW(batch * nn_net_classes(in->net), &logits));
    DataLoaderConfig config = {.batch = batch, .C = shape[0], .H = shape[1], .W = shape[2]};
    BASE_TRY(data_loader_create(view, &config, &loader));
    BASE_TRY(data_loader_start(loader, 0));
    double started = base_clock_wall();
    while (done < view->n) {
        DataBatch images;
        BASE_TRY(base_cancel_check());
        BASE_TRY(data_loader_next(loader, &images));
        BASE_CHECK(images.n > 0, BASE_EBACKEND, "%lld of %lld images came", (long long)done, (long long)view->n);
        s.n = images.n;
        BASE_TRY(nn_engine_forward(s.engine, images.x, images.n, 0, logits));
        done += images.n;
        char detail[64];
        snprintf(detail, sizeof detail, "%.0f%% of the time waiting for images",
                 100 * data_loader_waited(loader) / (base_clock_wall() - started + 1e-9));
        base_progress(in->label, done, view->n, detail);
    }
    for (int i = 0; i < s.layer_count; i++)
        if (in->selected[i]) BASE_TRY(flush(&s, i));
out:
    data_loader_free(loader);
    release(&s);
    base_free(logits);
    return st;
}
