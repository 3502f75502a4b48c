/* unlearn/svd/patches.c - which patches are taken, and unfolding them. */
#include "unlearn/svd/patches.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "base/random.h"

/* Pixels from the first tap of a kernel to its last, both counted. */
static int64_t extent(const NnLayer *layer, int64_t kernel) { return (kernel - 1) * layer->dilation + 1; }

BaseStatus unlearn_patches_plan(const NnLayer *layer, int number, int64_t images, UnlearnPatchKind kind, int64_t most,
                                uint64_t seed, const char *side, UnlearnPatches *out)
{
    BaseStatus st = BASE_OK;
    UnlearnPatches p = {.h = layer->H, .w = layer->W, .out_h = layer->H, .out_w = layer->W};
    bool conv = layer->kind == NN_LAYER_CONV, paper = kind == UNLEARN_PATCHES_PAPER;
    bool many = conv || layer->H * layer->W > 1; /* patches or tokens; else one vector an image */
    char stream[64];
    *out = (UnlearnPatches){0};
    if (paper && conv) {
        snprintf(stream, sizeof stream, "%s_window", side);
        BaseRandom random = base_random_make(seed, stream, (uint64_t)number);
        p.h = base_smaller(layer->H, 3 * extent(layer, layer->kernel_h));
        p.w = base_smaller(layer->W, 3 * extent(layer, layer->kernel_w));
        p.y = (int64_t)base_random_below(&random, (uint64_t)(layer->H - p.h + 1));
        p.x = (int64_t)base_random_below(&random, (uint64_t)(layer->W - p.w + 1));
    }
    if (conv) {
        p.out_h = (p.h + 2 * layer->pad_h + layer->more_h - extent(layer, layer->kernel_h)) / layer->stride + 1;
        p.out_w = (p.w + 2 * layer->pad_w + layer->more_w - extent(layer, layer->kernel_w)) / layer->stride + 1;
    }
    p.total = p.rows = images * p.out_h * p.out_w;
    if (paper && many && most > 0 && p.total > most) {
        snprintf(stream, sizeof stream, "%s_patches", side);
        BaseRandom random = base_random_make(seed, stream, (uint64_t)number);
        p.rows = most;
        BASE_TRY(BASE_ALLOC(most, &p.chosen));
        base_random_choose(&random, p.total, most, p.chosen);
    }
    *out = p;
out:
    return st;
}

void unlearn_patches_free(UnlearnPatches *patches)
{
    base_free(patches->chosen);
    *patches = (UnlearnPatches){0};
}

BaseStatus unlearn_patches_slice(const UnlearnPatches *whole, int64_t first, int64_t images, UnlearnPatches *out)
{
    int64_t from = unlearn_patches_before(whole, first), each = whole->out_h * whole->out_w;
    *out = *whole;
    out->total = images * each;
    out->rows = unlearn_patches_before(whole, first + images) - from;
    out->chosen = NULL;
    if (!whole->chosen) return BASE_OK;
    BaseStatus st = BASE_ALLOC_RAW(out->rows, &out->chosen);
    for (int64_t i = 0; st == BASE_OK && i < out->rows; i++) out->chosen[i] = whole->chosen[from + i] - first * each;
    return st;
}

int64_t unlearn_patches_before(const UnlearnPatches *p, int64_t image)
{
    int64_t limit = image * p->out_h * p->out_w;
    if (!p->chosen) return limit;
    int64_t low = 0, high = p->rows;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (p->chosen[middle] < limit)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Of @p kernel taps those first..end - 1 are inside of a window of @p size, at its position @p at. */
static void inside(const NnLayer *layer, int64_t kernel, int64_t pad, int64_t at, int64_t size, int64_t *first,
                   int64_t *end)
{
    int64_t top = at * layer->stride - pad, d = layer->dilation;
    *first = top < 0 ? base_smaller((-top + d - 1) / d, kernel) : 0;
    *end = size > top ? base_smaller(kernel, (size - top + d - 1) / d) : 0;
    if (*end < *first) *end = *first;
}

/* Products left when every group keeps only its own taps, of all of them: above this one group of whole rows is as
 * fast, since several smaller products run slower. A 3 x 3 kernel leaves 0.20 on 2 x 2 maps, 0.52 on 4 x 4, 0.74 on 8 x
 * 8 and 0.87 on 16 x 16. */
static const double WORTH = 0.85;

BaseStatus unlearn_patches_group(const NnLayer *layer, const UnlearnPatches *p, UnlearnTapGroups *out)
{
    BaseStatus st = BASE_OK;
    UnlearnTapGroups g = {0};
    int64_t positions = p->out_h * p->out_w;
    double left = 0, all = (double)(layer->kernel_h * layer->kernel_w);
    *out = (UnlearnTapGroups){0};
    BASE_TRY(BASE_ALLOC(positions, &g.kind));
    BASE_TRY(BASE_ALLOC(positions, &g.kinds));
    for (int64_t i = 0; i < positions && layer->kind == NN_LAYER_CONV; i++) {
        UnlearnTaps t;
        inside(layer, layer->kernel_h, layer->pad_h, i / p->out_w, p->h, &t.y0, &t.y1);
        inside(layer, layer->kernel_w, layer->pad_w, i % p->out_w, p->w, &t.x0, &t.x1);
        double taps = (double)((t.y1 - t.y0) * (t.x1 - t.x0));
        left += taps * taps / (all * all) / (double)positions;
        int same = 0;
        while (same < g.count && memcmp(g.kinds + same, &t, sizeof t) != 0) same++;
        if (same == g.count) g.kinds[g.count++] = t;
        g.kind[i] = same;
    }
    if (layer->kind == NN_LAYER_LINEAR || left > WORTH || layer->kernel_h > UNLEARN_SPANS) {
        g.kinds[0] = (UnlearnTaps){0, layer->kernel_h, 0, layer->kernel_w};
        g.count = 1;
        memset(g.kind, 0, (size_t)positions * sizeof *g.kind);
    }
    *out = g;
    g = (UnlearnTapGroups){0};
out:
    unlearn_patches_groups_free(&g);
    return st;
}

void unlearn_patches_groups_free(UnlearnTapGroups *groups)
{
    base_free(groups->kinds);
    base_free(groups->kind);
    *groups = (UnlearnTapGroups){0};
}

UnlearnColumns unlearn_patches_columns(const NnLayer *layer, const UnlearnTaps *t)
{
    UnlearnColumns c = {0};
    int64_t k = layer->kernel_w, width = (t->x1 - t->x0) * layer->C;
    if (width == 0 || t->y0 == t->y1) return c;
    if (t->x1 - t->x0 == k) {
        c.at[c.count++] = (UnlearnSpan){t->y0 * k * layer->C, (t->y1 - t->y0) * width};
        return c;
    }
    for (int64_t y = t->y0; y < t->y1; y++) c.at[c.count++] = (UnlearnSpan){(y * k + t->x0) * layer->C, width};
    return c;
}

void unlearn_patches_cut(const NnLayer *layer, const UnlearnPatches *p, const void *maps, int64_t n, int64_t element,
                         void *out)
{
    int64_t pixel = layer->C * element, run = p->w * pixel;
    const uint8_t *from = maps;
    uint8_t *to = out;
    for (int64_t i = 0; i < n; i++)
        for (int64_t y = 0; y < p->h; y++)
            memcpy(to + (i * p->h + y) * run, from + ((i * layer->H + p->y + y) * layer->W + p->x) * pixel,
                   (size_t)run);
}

/* One patch: top, left are relative to the window and may lie in its padding; taps lie @p step pixels apart. */
static void unfold(const UnlearnPatches *p, const UnlearnTaps *t, const uint8_t *window, int64_t top, int64_t left,
                   int64_t step, int64_t pixel, uint8_t *out)
{
    for (int64_t i = t->y0; i < t->y1; i++)
        for (int64_t j = t->x0; j < t->x1; j++, out += pixel) {
            int64_t y = top + i * step, x = left + j * step;
            if (y < 0 || y >= p->h || x < 0 || x >= p->w)
                memset(out, 0, (size_t)pixel);
            else
                memcpy(out, window + (y * p->w + x) * pixel, (size_t)pixel);
        }
}

/* The same where taps lie side by side, which makes each row of them one run. */
static void unfold_runs(const UnlearnPatches *p, const UnlearnTaps *t, const uint8_t *window, int64_t top, int64_t left,
                        int64_t pixel, uint8_t *out)
{
    int64_t wide = t->x1 - t->x0, x = left + t->x0;
    int64_t skip = base_smaller(x < 0 ? -x : 0, wide),
            end = base_smaller(wide, p->w - x); /* columns inside the window */
    if (end < skip) end = skip;
    for (int64_t i = t->y0; i < t->y1; i++, out += wide * pixel) {
        int64_t y = top + i;
        if (y < 0 || y >= p->h) {
            memset(out, 0, (size_t)(wide * pixel));
            continue;
        }
        memset(out, 0, (size_t)(skip * pixel));
        memcpy(out + skip * pixel, window + (y * p->w + x + skip) * pixel, (size_t)((end - skip) * pixel));
        memset(out + end * pixel, 0, (size_t)((wide - end) * pixel));
    }
}

void unlearn_patches_gather(const NnLayer *layer, const UnlearnPatches *p, const UnlearnTaps *taps, const void *windows,
                            int64_t first_image, const int64_t *which, int64_t count, int64_t element, void *out)
{
    int64_t pixel = layer->C * element, size = p->h * p->w * pixel;
    int64_t width = (taps->y1 - taps->y0) * (taps->x1 - taps->x0) * pixel;
    const uint8_t *from = windows;
    uint8_t *to = out;
#pragma omp parallel for schedule(static)
    for (int64_t r = 0; r < count; r++) {
        int64_t image = which[r] / (p->out_h * p->out_w), i = which[r] / p->out_w % p->out_h, j = which[r] % p->out_w;
        const uint8_t *window = from + (image - first_image) * size;
        int64_t top = i * layer->stride - layer->pad_h, left = j * layer->stride - layer->pad_w;
        if (layer->dilation == 1)
            unfold_runs(p, taps, window, top, left, pixel, to + r * width);
        else
            unfold(p, taps, window, top, left, layer->dilation, pixel, to + r * width);
    }
}

void unlearn_patches_order(const NnLayer *layer, int64_t K, const float *from, bool back, float *to)
{
    int64_t taps = layer->kernel_h * layer->kernel_w, C = layer->features / taps;
    int64_t down = back ? taps : C, across = back ? C : taps; /* of what is read; written transposed */
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < K; k++) {
        const float *row = from + k * layer->features;
        float *out = to + k * layer->features;
        for (int64_t i = 0; i < down; i++)
            for (int64_t j = 0; j < across; j++) out[j * down + i] = row[i * across + j];
    }
}
