#include "unlearn/layers/patches.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

BaseStatus unlearn_patches_plan(const NnLayer *layer, int number, int64_t images, UnlearnPatchKind kind, int64_t most,
                                uint64_t seed, const char *side, UnlearnPatches *out)
{
    BaseStatus st = BASE_OK;
    UnlearnPatches p = {.h = layer->H, .w = layer->W, .out_h = 1, .out_w = 1};
    bool conv = layer->kind == NN_LAYER_CONV, paper = conv && kind == UNLEARN_PATCHES_PAPER;
    char stream[64];
    *out = (UnlearnPatches){0};
    if (paper) {
        snprintf(stream, sizeof stream, "%s_window", side);
        BaseRandom random = base_random_make(seed, stream, (uint64_t)number);
        p.h = smaller(layer->H, 3 * layer->kernel);
        p.w = smaller(layer->W, 3 * layer->kernel);
        p.y = (int64_t)base_random_below(&random, (uint64_t)(layer->H - p.h + 1));
        p.x = (int64_t)base_random_below(&random, (uint64_t)(layer->W - p.w + 1));
    }
    if (conv) {
        p.out_h = (p.h + 2 * layer->pad - layer->kernel) / layer->stride + 1;
        p.out_w = (p.w + 2 * layer->pad - layer->kernel) / layer->stride + 1;
    }
    p.total = p.rows = images * p.out_h * p.out_w;
    if (paper && most > 0 && p.total > most) {
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

/* One patch: top, left are relative to the window and may lie in its padding. */
static void unfold(const NnLayer *layer, const UnlearnPatches *p, const float *map, int64_t top, int64_t left,
                   float *out)
{
    int64_t k = layer->kernel;
    int64_t first = left < 0 ? -left : 0, last = smaller(k, p->w - left); /* kernel columns inside the window */
    bool inside = top >= 0 && top + k <= p->h && first == 0 && last == k;
    if (!inside) memset(out, 0, (size_t)(layer->C * k * k) * sizeof *out);
    for (int64_t c = 0; c < layer->C; c++) {
        for (int64_t i = 0; i < k; i++) {
            int64_t y = top + i;
            if (y < 0 || y >= p->h) continue;
            const float *from = map + (c * layer->H + p->y + y) * layer->W + p->x + left;
            float *to = out + (c * k + i) * k;
            for (int64_t j = first; j < last; j++) to[j] = from[j];
        }
    }
}

void unlearn_patches_gather(const NnLayer *layer, const UnlearnPatches *p, const float *map, int64_t first_image,
                            int64_t from, int64_t to, float *out)
{
    int64_t image_size = layer->C * layer->H * layer->W;
    if (layer->kind == NN_LAYER_LINEAR) {
        memcpy(out, map + (from - first_image) * image_size, (size_t)((to - from) * image_size) * sizeof *out);
        return;
    }
#pragma omp parallel for schedule(static)
    for (int64_t row = from; row < to; row++) {
        int64_t patch = p->chosen ? p->chosen[row] : row;
        int64_t image = patch / (p->out_h * p->out_w), i = patch / p->out_w % p->out_h, j = patch % p->out_w;
        unfold(layer, p, map + (image - first_image) * image_size, i * layer->stride - layer->pad,
               j * layer->stride - layer->pad, out + (row - from) * layer->features);
    }
}
