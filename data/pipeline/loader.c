/* data/pipeline/loader.c - two slots that are filled by turns, by one thread where images are in memory and by as many as
 * compute where they have to be read; a table takes each pixel from byte to float. */
#include "data/pipeline/loader.h"

#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/order.h"
#include "base/random.h"

/* One batch being filled or read. */
typedef struct {
    float *x;       /* [batch, C, H, W] */
    int32_t *y;     /* [batch] */
    int64_t *index; /* [batch] */
    int64_t n, done;
    int64_t failed; /* the first image that could not be read; n: none */
    BaseStatus st;  /* what it failed with, and its text */
    char why[2048];
} Slot;

enum { WORKERS_MAX = 64 };
typedef struct {
    struct DataLoader *loader;
    pthread_t thread;
    void *room; /* one image, where it has to be read */
} Worker;

struct DataLoader {
    DataView view;
    DataLoaderConfig config;
    int64_t batches;
    float (*table)[256]; /* [C of the data]: a raw uint8 pixel as the network sees it; NULL for float32 data */
    int64_t *order;      /* [n] places in the view, as this epoch visits them */
    uint64_t augment;    /* this epoch's key */
    Slot slot[2];        /* batch b is in slot b % 2 */

    Worker worker[WORKERS_MAX];
    int workers;          /* how many there are to be */
    int running;          /* so many are to be joined */
    BaseLogRelay relay;   /* what workers have to say */
    int64_t grain;        /* images that a worker takes at once */
    bool started;         /* an epoch is under way or over */
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    int64_t batch, from; /* the first image that no worker has taken: its batch, and its place in it */
    int64_t ready;       /* batches filled in this epoch */
    int64_t taken;       /* batches handed out; the last of them is still being read */
    int64_t released;    /* batches that are read no more */
    bool stop;
    double waited; /* seconds; of the caller's thread alone */
};

static float normalised(const DataSet *set, int64_t channel, int raw)
{
    float x = (float)raw / 255.0f; /* float32 in this order: the bits of PyTorch's ToTensor and Normalize */
    return set->normalise ? (x - set->mean[channel]) / set->std[channel] : x;
}

static BaseStatus check_shape(const DataSet *set, int64_t C, int64_t H, int64_t W)
{
    if ((set->C == C || set->C == 1) && C > 0 && C <= DATA_CHANNELS_MAX && set->H <= H && set->W <= W && H <= 1 << 16 &&
        W <= 1 << 16)
        return BASE_OK;
    return base_error_set(
        BASE_ESHAPE,
        "%s: images are %lld x %lld x %lld (channels, height, width) and the network takes %lld x %lld x %lld; one "
        "channel can be repeated and a smaller image padded, nothing else; resize and crop set the size of the images",
        set->name, (long long)set->C, (long long)set->H, (long long)set->W, (long long)C, (long long)H, (long long)W);
}

BaseStatus data_image(const DataSet *set, int64_t i, int64_t C, int64_t H, int64_t W, float *out)
{
    BaseStatus st = check_shape(set, C, H, W);
    if (st != BASE_OK) return st;
    void *room = NULL;
    const void *pixels;
    BASE_TRY(base_alloc_raw(1, data_image_bytes(set), &room));
    BASE_TRY(data_look(set, i, room, &pixels));
    int64_t top = (H - set->H) / 2, left = (W - set->W) / 2;
    for (int64_t c = 0; c < C; c++)
        for (int64_t y = 0; y < H; y++)
            for (int64_t x = 0; x < W; x++) {
                int64_t from = set->C == 1 ? 0 : c, v = y - top, u = x - left;
                bool inside = v >= 0 && v < set->H && u >= 0 && u < set->W;
                int64_t at = (from * set->H + v) * set->W + u;
                float value;
                if (set->type == DATA_U8)
                    value = normalised(set, from, inside ? ((const uint8_t *)pixels)[at] : 0);
                else
                    value = inside ? ((const float *)pixels)[at] : 0;
                out[(c * H + y) * W + x] = value;
            }
out:
    base_free(room);
    return st;
}

/* Where the image stands in the network's canvas, and whether the canvas is mirrored afterwards. */
typedef struct {
    int64_t top, left;
    bool flip;
} Place;

static Place place_image(const DataLoader *l, int64_t image)
{
    const DataLoaderConfig *config = &l->config;
    const DataSet *set = l->view.set;
    Place p = {(config->H - set->H) / 2, (config->W - set->W) / 2, false};
    if (!config->flip && config->crop == 0) return p;
    uint64_t a = base_random_mix(l->augment + (uint64_t)image * 0x9e3779b97f4a7c15u),
             b = base_random_mix(a ^ l->augment);
    uint64_t places = 2 * (uint64_t)config->crop + 1; /* 0..2 crop by multiply and shift, equal to within 2^-32 */
    p.top += config->crop - (int64_t)(((b >> 32) * places) >> 32);
    p.left += config->crop - (int64_t)(((b & 0xffffffffu) * places) >> 32);
    p.flip = config->flip && a >> 63;
    return p;
}

static void fill(float *out, int64_t n, float value)
{
    for (int64_t i = 0; i < n; i++) out[i] = value;
}

/* One row of the image onto out [from, to), mirrored or not; table NULL: float32 pixels as they are. */
static void write_row(float *out, const void *row, int64_t skip, int64_t n, bool flip, const float *table)
{
    if (table) {
        const uint8_t *in = (const uint8_t *)row + skip;
        if (flip)
            for (int64_t i = 0; i < n; i++) out[n - 1 - i] = table[in[i]];
        else
            for (int64_t i = 0; i < n; i++) out[i] = table[in[i]];
    } else {
        const float *in = (const float *)row + skip;
        if (flip)
            for (int64_t i = 0; i < n; i++) out[n - 1 - i] = in[i];
        else
            memcpy(out, in, (size_t)n * sizeof *out);
    }
}

static void write_plane(const DataLoader *l, const uint8_t *plane, const float *table, Place p, float *out)
{
    const DataSet *set = l->view.set;
    int64_t H = l->config.H, W = l->config.W;
    size_t stride = (size_t)set->W * (table ? 1 : sizeof(float));
    float pad = table ? table[0] : 0;
    int64_t begin = p.left > 0 ? p.left : 0, end = p.left + set->W < W ? p.left + set->W : W;
    int64_t n = end > begin ? end - begin : 0, skip = begin - p.left;
    int64_t before = n == 0 ? W : p.flip ? W - end : begin; /* zeros left of the pixels, after mirroring */
    for (int64_t y = 0; y < H; y++) {
        float *row = out + y * W;
        int64_t v = y - p.top;
        if (v < 0 || v >= set->H) {
            fill(row, W, pad);
            continue;
        }
        fill(row, before, pad);
        write_row(row + before, plane + (size_t)v * stride, skip, n, p.flip, table);
        fill(row + before + n, W - before - n, pad);
    }
}

/* @p room: of the worker, for an image that has to be read. */
static BaseStatus write_image(const DataLoader *l, int64_t image, void *room, float *out)
{
    const DataSet *set = l->view.set;
    int64_t plane = l->config.H * l->config.W;
    size_t source = (size_t)(set->H * set->W) * (set->type == DATA_U8 ? 1 : sizeof(float));
    const void *from;
    BaseStatus st = data_look(set, image, room, &from);
    if (st != BASE_OK) return st;
    Place p = place_image(l, image);
    for (int64_t c = 0; c < l->config.C; c++) {
        if (set->C == 1 && c > 0)
            memcpy(out + c * plane, out, (size_t)plane * sizeof *out);
        else
            write_plane(l, (const uint8_t *)from + (size_t)c * source, l->table ? l->table[c] : NULL, p,
                        out + c * plane);
    }
    return BASE_OK;
}

static int64_t batch_size(const DataLoader *l, int64_t batch)
{
    int64_t left = l->view.n - batch * l->config.batch;
    return base_smaller(left, l->config.batch);
}

/* Takes the next images that nobody has: @p n of @p batch from @p from on. false: the epoch is over, or stopped. */
static bool claim(DataLoader *l, int64_t *batch, int64_t *from, int64_t *n)
{
    pthread_mutex_lock(&l->lock);
    while (!l->stop && l->batch < l->batches && l->batch - l->released >= 2) pthread_cond_wait(&l->changed, &l->lock);
    bool more = !l->stop && l->batch < l->batches;
    if (more) {
        Slot *slot = &l->slot[l->batch % 2];
        if (l->from == 0) {
            slot->n = batch_size(l, l->batch);
            slot->done = 0;
            slot->failed = slot->n;
        }
        *batch = l->batch;
        *from = l->from;
        *n = base_smaller(slot->n - l->from, l->grain);
        l->from += *n;
        if (l->from == slot->n) l->batch++, l->from = 0;
    }
    pthread_mutex_unlock(&l->lock);
    return more;
}

/* Of several images that could not be read the first in the batch is told, whichever worker comes first. */
static void fail_slot(Slot *slot, int64_t i, BaseStatus st)
{
    if (i >= slot->failed) return;
    slot->failed = i;
    slot->st = st;
    snprintf(slot->why, sizeof slot->why, "%s", base_error_text());
}

static void complete(DataLoader *l, Slot *slot, int64_t n)
{
    slot->done += n;
    while (l->ready < l->batches) { /* a later batch may be complete first */
        const Slot *next = &l->slot[l->ready % 2];
        bool begun = l->ready < l->batch || (l->ready == l->batch && l->from > 0);
        if (!begun || next->done < next->n) break;
        l->ready++;
    }
    pthread_cond_broadcast(&l->changed);
}

static void *work(void *argument)
{
    Worker *w = argument;
    DataLoader *l = w->loader;
    int64_t batch, from, n, size = l->config.C * l->config.H * l->config.W;
    base_log_thread_sink(&l->relay.sink);
    while (claim(l, &batch, &from, &n)) {
        Slot *slot = &l->slot[batch % 2];
        for (int64_t i = from; i < from + n; i++) {
            int64_t image = data_view_at(&l->view, l->order[batch * l->config.batch + i]);
            slot->index[i] = image;
            slot->y[i] = l->view.set->labels[image];
            BaseStatus st = write_image(l, image, w->room, slot->x + i * size);
            if (st == BASE_OK) continue;
            pthread_mutex_lock(&l->lock);
            fail_slot(slot, i, st);
            pthread_mutex_unlock(&l->lock);
        }
        pthread_mutex_lock(&l->lock);
        complete(l, slot, n);
        pthread_mutex_unlock(&l->lock);
    }
    return NULL;
}

static void stop_threads(DataLoader *l)
{
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    while (l->running > 0) pthread_join(l->worker[--l->running].thread, NULL);
    base_log_relay_say(&l->relay);
}

static BaseStatus check_config(const DataView *view, const DataLoaderConfig *config)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(config->batch > 0 && config->batch <= 1 << 24, BASE_EARG, "batches of %lld images: must be 1 to %d",
               (long long)config->batch, 1 << 24);
    BASE_TRY(check_shape(view->set, config->C, config->H, config->W));
    BASE_CHECK(config->crop >= 0 && config->crop <= 1 << 15, BASE_EARG, "crop padding of %lld pixels: must be 0 to %d",
               (long long)config->crop, 1 << 15);
    for (int64_t i = 0; i < view->n; i++) {
        int64_t at = data_view_at(view, i);
        BASE_CHECK(at >= 0 && at < view->set->N, BASE_EARG, "%s: image %lld; there are images 0 to %lld",
                   view->set->name, (long long)at, (long long)view->set->N - 1);
    }
out:
    return st;
}

BaseStatus data_loader_create(const DataView *view, const DataLoaderConfig *config, DataLoader **out)
{
    BaseStatus st = BASE_OK;
    DataLoader *l = NULL;
    *out = NULL;
    BASE_TRY(check_config(view, config));
    BASE_TRY(BASE_ALLOC(1, &l));
    pthread_mutex_init(&l->lock, NULL); /* neither can fail with default attributes on Linux */
    pthread_cond_init(&l->changed, NULL);
    base_log_relay_begin(&l->relay);
    l->view = *view;
    l->config = *config;
    l->batches = config->drop_last ? view->n / config->batch : (view->n + config->batch - 1) / config->batch;
    int64_t most = base_smaller(view->n, config->batch);
    BASE_TRY(BASE_ALLOC_RAW(view->n, &l->order));
    for (int s = 0; s < 2; s++) {
        BASE_TRY(base_alloc_raw((size_t)most, (size_t)(config->C * config->H * config->W) * sizeof(float),
                                (void **)&l->slot[s].x));
        BASE_TRY(BASE_ALLOC_RAW(most, &l->slot[s].y));
        BASE_TRY(BASE_ALLOC_RAW(most, &l->slot[s].index));
    }
    bool read = view->set->reader != NULL;
    int64_t threads = omp_get_max_threads();
    l->workers = read ? (int)base_smaller(base_smaller(threads, most), WORKERS_MAX) : 1;
    l->grain = read ? 1 : config->batch;
    for (int w = 0; w < l->workers; w++) {
        l->worker[w].loader = l;
        if (read) BASE_TRY(base_alloc_raw(1, data_image_bytes(view->set), &l->worker[w].room));
    }
    if (view->set->type == DATA_U8) {
        BASE_TRY(BASE_ALLOC_RAW(view->set->C, &l->table));
        for (int64_t c = 0; c < view->set->C; c++)
            for (int v = 0; v < 256; v++) l->table[c][v] = normalised(view->set, c, v);
    }
    *out = l;
    l = NULL;
out:
    data_loader_free(l);
    return st;
}

void data_loader_free(DataLoader *l)
{
    if (!l) return;
    stop_threads(l);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    base_log_relay_end(&l->relay);
    for (int s = 0; s < 2; s++) {
        base_free(l->slot[s].x);
        base_free(l->slot[s].y);
        base_free(l->slot[s].index);
    }
    for (int w = 0; w < l->workers; w++) base_free(l->worker[w].room);
    base_free(l->order);
    base_free(l->table);
    base_free(l);
}

int64_t data_loader_batches(const DataLoader *l) { return l->batches; }
double data_loader_waited(const DataLoader *l) { return l->waited; }

BaseStatus data_loader_start(DataLoader *l, int64_t epoch) { return data_loader_start_at(l, epoch, 0); }

BaseStatus data_loader_start_at(DataLoader *l, int64_t epoch, int64_t batch)
{
    stop_threads(l);
    l->started = false;
    if (batch < 0 || batch > l->batches)
        return base_error_set(BASE_EARG, "an epoch of %lld batches cannot begin at batch %lld", (long long)l->batches,
                              (long long)batch);
    for (int64_t i = 0; i < l->view.n; i++) l->order[i] = i;
    if (l->config.shuffle) {
        BaseRandom r = base_random_make(l->config.seed, "order", (uint64_t)epoch);
        base_random_shuffle(&r, l->order, l->view.n);
    }
    BaseRandom r = base_random_make(l->config.seed, "augment", (uint64_t)epoch);
    l->augment = base_random_u64(&r);
    l->batch = l->ready = l->taken = l->released = batch;
    l->from = 0;
    l->stop = false;
    sigset_t all, before; /* signals belong to the caller's threads */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = 0;
    while (!code && l->running < l->workers) {
        code = pthread_create(&l->worker[l->running].thread, NULL, work, &l->worker[l->running]);
        if (!code) l->running++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (l->running == 0 && l->workers > 0) /* fewer than asked for do */
        return base_error_set(BASE_EBACKEND,
                              "the thread that prepares batches could not start: %s (pthread_create: %d)",
                              strerror(code), code);
    l->started = true;
    return BASE_OK;
}

BaseStatus data_loader_next(DataLoader *l, DataBatch *out)
{
    BaseStatus st = BASE_OK;
    *out = (DataBatch){0};
    if (!l->started) return base_error_set(BASE_EARG, "a batch was asked for before data_loader_start");
    pthread_mutex_lock(&l->lock);
    l->released = l->taken;
    pthread_cond_broadcast(&l->changed);
    bool more = l->taken < l->batches;
    double start = base_clock_wall();
    while (more && l->ready <= l->taken) pthread_cond_wait(&l->changed, &l->lock);
    l->waited += base_clock_wall() - start;
    if (more) {
        const Slot *slot = &l->slot[l->taken++ % 2];
        if (slot->failed < slot->n)
            st = base_error_set(slot->st, "%s", slot->why);
        else
            *out = (DataBatch){slot->x, slot->y, slot->index, slot->n};
    }
    pthread_mutex_unlock(&l->lock);
    base_log_relay_say(&l->relay);
    return st;
}
