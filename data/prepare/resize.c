/* data/prepare/resize.c - resampling as Pillow does it for 8-bit images (its Resize.c): separable, rows first, each
 * pass rounded to 8 bits. A target pixel i of n is centred on c = (i + 1/2) s in the source, s = in / n; source pixel j
 * counts w((j + 1/2 - c) / max(s, 1)), scaled to a sum of 1 and rounded to 22 bits after the point. Stretching the
 * filter by s where s > 1 is the antialiasing. w: bilinear 1 - |x| on [-1, 1]; bicubic with a = -1/2 on [-2, 2]. Sizes
 * are torchvision's: Resize gives the longer side (int)(size * long / short), CenterCrop starts at
 * round((side - crop) / 2), halves to even; or (crop_below) transformers', whose center_crop starts at floor((side -
 * crop) / 2) and puts ceil((crop - side) / 2) zeros in front of an image that is smaller. */
#include "data/prepare/resize.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

enum { FRACTION = 22, SIDE_MAX = 1 << 16 };

/* Which source pixels make a target pixel, and with what weights. */
typedef struct {
    int64_t n, taps; /* target pixels; weights kept for each */
    int64_t *from;   /* [n] first source pixel */
    int64_t *count;  /* [n] how many */
    int32_t *weight; /* [n, taps] in 2^-22 */
} Kernel;

static void kernel_free(Kernel *k)
{
    base_free(k->from);
    base_free(k->count);
    base_free(k->weight);
    *k = (Kernel){0};
}

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/* Targets first .. first + n - 1 of a line of @p in pixels that becomes one of @p out. */
static BaseStatus kernel_make(DataFilter filter, int64_t in, int64_t out, int64_t first, int64_t n, Kernel *k)
{
    BaseStatus st = BASE_OK;
    double *w = NULL, scale = (double)in / (double)out, stretch = scale > 1 ? scale : 1;
    double reach = (filter == DATA_BICUBIC ? 2 : 1) * stretch;
    *k = (Kernel){.n = n, .taps = 2 * (int64_t)ceil(reach) + 1};
    BASE_TRY(BASE_ALLOC_RAW(n, &k->from));
    BASE_TRY(BASE_ALLOC_RAW(n, &k->count));
    BASE_TRY(base_alloc_bytes((size_t)n, (size_t)k->taps * sizeof *k->weight, (void **)&k->weight));
    BASE_TRY(BASE_ALLOC_RAW(k->taps, &w));
    for (int64_t i = 0; i < n; i++) {
        double centre = ((double)(first + i) + 0.5) * scale, sum = 0;
        int64_t from = (int64_t)(centre - reach + 0.5), to = (int64_t)(centre + reach + 0.5);
        if (centre - reach + 0.5 < 0) from = 0;
        if (to > in) to = in;
        k->from[i] = from;
        k->count[i] = to - from;
        for (int64_t j = 0; j < to - from; j++) {
            double x = ((double)(from + j) - centre + 0.5) * (1 / stretch);
            w[j] = filter == DATA_BICUBIC ? bicubic(x) : bilinear(x);
            sum += w[j];
        }
        for (int64_t j = 0; j < to - from; j++)
            k->weight[i * k->taps + j] = (int32_t)lround((sum != 0 ? w[j] / sum : w[j]) * (1 << FRACTION));
    }
out:
    base_free(w);
    if (st != BASE_OK) kernel_free(k);
    return st;
}

static uint8_t rounded(int32_t sum)
{
    sum >>= FRACTION;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

/* A sum of weights is 1 and of their sizes below 1.5, so that 255 of 2^22 each stay inside 32 bits. */
static void across_line(const Kernel *k, const uint8_t *in, size_t step, uint8_t *out)
{
    for (int64_t i = 0; i < k->n; i++) {
        const int32_t *w = k->weight + i * k->taps;
        const uint8_t *at = in + (size_t)k->from[i] * step;
        int32_t sum = 1 << (FRACTION - 1);
        for (int64_t j = 0; j < k->count[i]; j++) sum += w[j] * at[(size_t)j * step];
        out[i] = rounded(sum);
    }
}

/* Target line i of n pixels out of lines, the first of which is source line @p first; sum [n] is scratch. */
static void down_line(const Kernel *k, int64_t i, const uint8_t *lines, int64_t first, int64_t n, int32_t *sum,
                      uint8_t *out)
{
    const int32_t *w = k->weight + i * k->taps;
    for (int64_t x = 0; x < n; x++) sum[x] = 1 << (FRACTION - 1);
    for (int64_t j = 0; j < k->count[i]; j++) {
        const uint8_t *line = lines + (k->from[i] - first + j) * n;
        for (int64_t x = 0; x < n; x++) sum[x] += w[j] * line[x];
    }
    for (int64_t x = 0; x < n; x++) out[x] = rounded(sum[x]);
}

/* The part of the resized image that the crop shows, and where it goes. */
typedef struct {
    int64_t h, w;         /* resized */
    int64_t out_h, out_w; /* result */
    int64_t top, left;    /* of the part in the resized image */
    int64_t to_y, to_x;   /* of the part in the result */
    int64_t part_h, part_w;
} Place;

static int64_t half_to_even(int64_t n) { return n / 2 + (n % 2 != 0 && n / 2 % 2 != 0); }

static void place_side(int64_t side, int64_t crop, bool below, int64_t *out, int64_t *from, int64_t *to, int64_t *part)
{
    bool larger = crop > side;
    *out = crop ? crop : side;
    *from = !crop || larger ? 0 : below ? (side - crop) / 2 : half_to_even(side - crop);
    *to = larger ? (crop - side + below) / 2 : 0;
    *part = crop && !larger ? crop : side;
}

static Place place(const DataPrep *prep, int64_t H, int64_t W)
{
    Place p = {.h = H, .w = W};
    if (prep->resize_w) {
        p.h = prep->resize_h, p.w = prep->resize_w;
    } else if (prep->resize_h) {
        int64_t shorter = H < W ? H : W, longer = H < W ? W : H;
        int64_t grown = (int64_t)((double)(prep->resize_h * longer) / (double)shorter);
        p.h = H < W ? prep->resize_h : grown, p.w = H < W ? grown : prep->resize_h;
        if (H == W) p.w = p.h;
    }
    place_side(p.h, prep->crop_h, prep->crop_below, &p.out_h, &p.top, &p.to_y, &p.part_h);
    place_side(p.w, prep->crop_w, prep->crop_below, &p.out_w, &p.left, &p.to_x, &p.part_w);
    return p;
}

BaseStatus data_resize_shape(const DataPrep *prep, int64_t H, int64_t W, const char *where, int64_t *out_h,
                             int64_t *out_w)
{
    Place p = place(prep, H, W);
    *out_h = p.out_h, *out_w = p.out_w;
    if (p.h <= SIDE_MAX && p.w <= SIDE_MAX) return BASE_OK;
    return base_error_set(BASE_ELIMIT, "%s: %lld x %lld pixels would be resized to %lld x %lld; at most %d per side",
                          where, (long long)W, (long long)H, (long long)p.w, (long long)p.h, SIDE_MAX);
}

/* Where neither pass is needed the pixels are copied. */
static void copy_part(const DataPixels *in, const Place *p, uint8_t *out)
{
    for (int64_t c = 0; c < in->C; c++)
        for (int64_t y = 0; y < p->part_h; y++) {
            const uint8_t *row = in->at + (size_t)c * in->plane + (size_t)(p->top + y) * in->row;
            uint8_t *to = out + (c * p->out_h + p->to_y + y) * p->out_w + p->to_x;
            for (int64_t x = 0; x < p->part_w; x++) to[x] = row[(size_t)(p->left + x) * in->pixel];
        }
}

BaseStatus data_resize(const DataPixels *in, const DataPrep *prep, uint8_t *out)
{
    BaseStatus st = BASE_OK;
    Place p = place(prep, in->H, in->W);
    Kernel across = {0}, down = {0};
    uint8_t *lines = NULL; /* [source lines that count, part_w] */
    int32_t *sum = NULL;
    memset(out, 0, (size_t)(in->C * p.out_h * p.out_w));
    if (p.h == in->H && p.w == in->W) {
        copy_part(in, &p, out);
        return BASE_OK;
    }
    BASE_TRY(kernel_make(prep->filter, in->W, p.w, p.left, p.part_w, &across));
    BASE_TRY(kernel_make(prep->filter, in->H, p.h, p.top, p.part_h, &down));
    int64_t first = down.from[0], last = p.part_h - 1, count = down.from[last] + down.count[last] - first;
    BASE_TRY(BASE_ALLOC_RAW(count * p.part_w, &lines));
    BASE_TRY(BASE_ALLOC_RAW(p.part_w, &sum));
    for (int64_t c = 0; c < in->C; c++) {
        const uint8_t *from = in->at + (size_t)c * in->plane + (size_t)first * in->row;
        uint8_t *to = out + (c * p.out_h + p.to_y) * p.out_w + p.to_x;
        for (int64_t y = 0; y < count; y++)
            across_line(&across, from + (size_t)y * in->row, in->pixel, lines + y * p.part_w);
        for (int64_t y = 0; y < p.part_h; y++) down_line(&down, y, lines, first, p.part_w, sum, to + y * p.out_w);
    }
out:
    base_free(lines);
    base_free(sum);
    kernel_free(&across);
    kernel_free(&down);
    return st;
}
