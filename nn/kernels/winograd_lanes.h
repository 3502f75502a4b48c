/* nn/kernels/winograd_lanes.h - the transforms of Winograd's convolution, and the work of one tile or one row of
 * weights with them, for blocks of NN_LANES channels; winograd8.c and winograd16.c are this file with 8 and 16. */
#include <string.h>

#include "nn/kernels/lanes.h"
#include "nn/kernels/winograd_rows.h"

enum { TAPS = 9, SIDE = 6 };

/* clang makes what chooses between the versions of a function a global symbol, static or not. */
#define NAMED_WITH(name, lanes) name##lanes
#define NAMED_BY(name, lanes)   NAMED_WITH(name, lanes)
#define NAMED(name)             NAMED_BY(name, NN_LANES)

/* The loops are unrolled for one tile size at a time. */
#define BY_TILE(function, ...)                                                                                         \
    do {                                                                                                               \
        if (g->tile == 4)                                                                                              \
            function(4, __VA_ARGS__);                                                                                  \
        else                                                                                                           \
            function(2, __VA_ARGS__);                                                                                  \
    } while (0)

/* ---- the one-dimensional transforms, of elements s apart ----
 *
 * For m = 4 polynomials are evaluated at 0, p, -p, q, -q and infinity: what stands beside x[i] in B' are the
 * coefficients of M(t) / (t - point), M = t (t^2 - p^2) (t^2 - q^2), in A' powers of the points, in G those over
 * M'(point). 1 and 2 need the fewest operations. Of the points from 3/8 to 2 in steps of 1/8, 5/8 and 3/2 lose the
 * fewest digits: 256 channels of uniform numbers, 2.5e-6 of the largest output against 1.0e-5, 1.2e-6 of the largest
 * weight gradient against 4.1e-6. */
#if NN_LANES == 16
#define P 0.625
#define Q 1.5
#else
#define P 1.0
#define Q 2.0
#endif
static const float P1 = (float)P, P2 = (float)(P * P), P3 = (float)(P * P * P);
static const float Q1 = (float)Q, Q2 = (float)(Q * Q), Q3 = (float)(Q * Q * Q);
static const float BOTH = (float)(P * P * Q * Q), SUM = (float)(P * P + Q * Q);
/* 1 / M'(0); -1 / M'(p), 1 / M'(q), the same times the point, and times its square, where both are one */
static const float OVER_0 = (float)(1 / (P * P * Q * Q));
static const float OVER_P = (float)(1 / (2 * P * P * (Q * Q - P * P))),
                   OVER_Q = (float)(1 / (2 * Q * Q * (Q * Q - P * P)));
static const float P_OVER = (float)(P / (2 * P * P * (Q * Q - P * P))),
                   Q_OVER = (float)(Q / (2 * Q * Q * (Q * Q - P * P)));
static const float SQUARE_OVER = (float)(1 / (2 * (Q * Q - P * P)));

/* B': m + 2 -> m + 2 */
INLINE void inputs(int m, const Lanes *x, int64_t s, Lanes *y, int64_t r)
{
    if (m == 4) {
        Lanes a = x[4 * s] - Q2 * x[2 * s], b = P1 * (x[3 * s] - Q2 * x[s]);
        Lanes c = x[4 * s] - P2 * x[2 * s], d = Q1 * (x[3 * s] - P2 * x[s]);
        y[0] = BOTH * x[0] - SUM * x[2 * s] + x[4 * s];
        y[5 * r] = BOTH * x[s] - SUM * x[3 * s] + x[5 * s];
        y[r] = a + b;
        y[2 * r] = a - b;
        y[3 * r] = c + d;
        y[4 * r] = c - d;
    } else {
        y[0] = x[0] - x[2 * s];
        y[r] = x[s] + x[2 * s];
        y[2 * r] = x[2 * s] - x[s];
        y[3 * r] = x[s] - x[3 * s];
    }
}

/* A': m + 2 -> m */
INLINE void outputs(int m, const Lanes *x, int64_t s, Lanes *y, int64_t r)
{
    Lanes sum = x[s] + x[2 * s], difference = x[s] - x[2 * s];
    if (m == 4) {
        Lanes sum2 = x[3 * s] + x[4 * s], difference2 = x[3 * s] - x[4 * s];
        y[0] = x[0] + sum + sum2;
        y[r] = P1 * difference + Q1 * difference2;
        y[2 * r] = P2 * sum + Q2 * sum2;
        y[3 * r] = P3 * difference + Q3 * difference2 + x[5 * s];
    } else {
        y[0] = x[0] + sum;
        y[r] = difference - x[3 * s];
    }
}

/* A: m -> m + 2 */
INLINE void gradients(int m, const Lanes *x, int64_t s, Lanes *y, int64_t r)
{
    y[0] = x[0];
    if (m == 4) {
        Lanes a = x[0] + P2 * x[2 * s], b = P1 * x[s] + P3 * x[3 * s];
        Lanes c = x[0] + Q2 * x[2 * s], d = Q1 * x[s] + Q3 * x[3 * s];
        y[r] = a + b;
        y[2 * r] = a - b;
        y[3 * r] = c + d;
        y[4 * r] = c - d;
        y[5 * r] = x[3 * s];
    } else {
        y[r] = x[0] + x[s];
        y[2 * r] = x[0] - x[s];
        y[3 * r] = -x[s];
    }
}

/* G: 3 -> m + 2 */
INLINE void weights(int m, const Lanes *x, int64_t s, Lanes *y, int64_t r)
{
    if (m == 4) {
        Lanes a = x[0] + P2 * x[2 * s], b = P1 * x[s];
        Lanes c = x[0] * OVER_Q + x[2 * s] * SQUARE_OVER, d = x[s] * Q_OVER;
        y[0] = x[0] * OVER_0;
        y[r] = (a + b) * -OVER_P;
        y[2 * r] = (b - a) * OVER_P;
        y[3 * r] = c + d;
        y[4 * r] = c - d;
        y[5 * r] = x[2 * s];
    } else {
        Lanes a = x[0] + x[2 * s], b = x[s];
        y[0] = x[0];
        y[r] = (a + b) * 0.5f;
        y[2 * r] = (a - b) * 0.5f;
        y[3 * r] = x[2 * s];
    }
}

/* G': m + 2 -> 3 */
INLINE void weight_gradients(int m, const Lanes *x, int64_t s, Lanes *y, int64_t r)
{
    Lanes sum = x[s] + x[2 * s], difference = x[s] - x[2 * s];
    if (m == 4) {
        Lanes sum2 = x[3 * s] + x[4 * s], difference2 = x[3 * s] - x[4 * s];
        y[0] = x[0] * OVER_0 - sum * OVER_P + sum2 * OVER_Q;
        y[r] = difference2 * Q_OVER - difference * P_OVER;
        y[2 * r] = (sum2 - sum) * SQUARE_OVER + x[5 * s];
    } else {
        y[0] = x[0] + sum * 0.5f;
        y[r] = difference * 0.5f;
        y[2 * r] = sum * 0.5f + x[3 * s];
    }
}

typedef enum { INPUTS, OUTPUTS, GRADIENTS, WEIGHTS, WEIGHT_GRADIENTS } Transform;

INLINE void one_way(Transform t, int m, const Lanes *x, int64_t s, Lanes *y, int64_t r)
{
    if (t == INPUTS) inputs(m, x, s, y, r);
    if (t == OUTPUTS) outputs(m, x, s, y, r);
    if (t == GRADIENTS) gradients(m, x, s, y, r);
    if (t == WEIGHTS) weights(m, x, s, y, r);
    if (t == WEIGHT_GRADIENTS) weight_gradients(m, x, s, y, r);
}

/* The transform of every column, then of every row: from x, whose pixels are right apart in a row and down in a column,
 * to y, whose elements are step apart. */
INLINE void both_ways(Transform t, int m, int from, int to, const Lanes *x, int64_t right, int64_t down, Lanes *y,
                      int64_t step)
{
    Lanes half[SIDE * SIDE];
    for (int j = 0; j < from; j++) one_way(t, m, x + j * right, down, half + j, from);
    for (int i = 0; i < to; i++) one_way(t, m, half + i * from, 1, y + i * to * step, step);
}

/* ---- weights ---- */

#if NN_LANES == 16
/* Swaps blocks of d x d elements between rows i and i + d of x. */
#define PICK(l, d) ((l) & (d) ? 16 + (l) - (d) : (l))
#define PICKS(d, up)                                                                                                   \
    PICK(0, d) + (up), PICK(1, d) + (up), PICK(2, d) + (up), PICK(3, d) + (up), PICK(4, d) + (up), PICK(5, d) + (up),  \
        PICK(6, d) + (up), PICK(7, d) + (up), PICK(8, d) + (up), PICK(9, d) + (up), PICK(10, d) + (up),                \
        PICK(11, d) + (up), PICK(12, d) + (up), PICK(13, d) + (up), PICK(14, d) + (up), PICK(15, d) + (up)
#define SWAP(x, y, d)                                                                                                  \
    for (int i = 0; i < LANES; i++)                                                                                    \
        if (!(i & (d))) {                                                                                              \
            y[i] = __builtin_shufflevector(x[i], x[i + (d)], PICKS(d, 0));                                             \
            y[i + (d)] = __builtin_shufflevector(x[i], x[i + (d)], PICKS(d, d));                                       \
        }

/* Row i of x becomes element i of each of its rows. */
INLINE void transpose(Lanes *x)
{
    Lanes y[LANES];
    SWAP(x, y, 8)
    SWAP(y, x, 4)
    SWAP(x, y, 2)
    SWAP(y, x, 1)
}

/* w[tap] = element tap of each of 16 kernels that follow one another */
INLINE void read_kernels(const float *from, Lanes *w)
{
    Lanes x[LANES];
    for (int i = 0; i + 1 < LANES; i++) x[i] = *(const Lanes *)(from + i * TAPS); /* and some of the next */
    x[LANES - 1] = (Lanes){0};
    memcpy(&x[LANES - 1], from + (LANES - 1) * TAPS, TAPS * sizeof(float));
    transpose(x);
    for (int tap = 0; tap < TAPS; tap++) w[tap] = x[tap];
}

INLINE void write_kernels(const Lanes *w, float *to)
{
    Lanes x[LANES];
    for (int tap = 0; tap < LANES; tap++) x[tap] = tap < TAPS ? w[tap] : (Lanes){0};
    transpose(x);
    for (int i = 0; i + 1 < LANES; i++) *(Lanes *)(to + i * TAPS) = x[i]; /* what is too much the next mends */
    memcpy(to + (LANES - 1) * TAPS, &x[LANES - 1], TAPS * sizeof(float));
}
#else
INLINE void read_kernels(const float *from, Lanes *w)
{
    for (int tap = 0; tap < TAPS; tap++)
        for (int i = 0; i < LANES; i++) w[tap][i] = from[i * TAPS + tap];
}

INLINE void write_kernels(const Lanes *w, float *to)
{
    for (int tap = 0; tap < TAPS; tap++)
        for (int i = 0; i < LANES; i++) to[i * TAPS + tap] = w[tap][i];
}
#endif

INLINE void weights_of(int m, const NnWinograd *g, const Lanes *w, bool turned, float *to)
{
    Lanes x[TAPS];
    for (int tap = 0; tap < TAPS; tap++) x[tap] = w[turned ? TAPS - 1 - tap : tap];
    both_ways(WEIGHTS, m, 3, m + 2, x, 1, 3, (Lanes *)to, nn_winograd_plane(g, g->K, g->C) / LANES);
}

#if NN_LANES == 16
/* A row is a block of 16 output channels of g. */
KERNEL static void NAMED(weights_row)(const NnWinograd *g, const float *w, bool turned, int64_t row, float *u)
{
    Lanes x[TAPS * LANES];
    u += row * g->C * LANES;
    if (turned) { /* the weight is [g->C][g->K][9] */
        for (int64_t c = 0; c < g->C; c++) {
            read_kernels(w + (c * g->K + row * LANES) * TAPS, x);
            BY_TILE(weights_of, g, x, true, u + c * LANES);
        }
        return;
    }
    for (int64_t c = 0; c < g->C; c += LANES) {
        const float *from = w + (row * LANES * g->C + c) * TAPS;
        for (int k = 0; k < TAPS; k++) {
            for (int i = 0; i < LANES; i++) x[k * LANES + i] = *(const Lanes *)(from + i * g->C * TAPS + k * LANES);
            transpose(x + k * LANES);
        }
        for (int i = 0; i < LANES; i++) BY_TILE(weights_of, g, x + i * TAPS, false, u + (c + i) * LANES);
    }
}
#else
/* A row is a filter of the layer, with 8 of its channels at once. */
KERNEL static void NAMED(weights_row)(const NnWinograd *g, const float *w, bool turned, int64_t row, float *u)
{
    int64_t C = turned ? g->K : g->C;
    Lanes x[TAPS];
    for (int64_t c = 0; c < C; c += LANES) {
        read_kernels(w + (row * C + c) * TAPS, x);
        BY_TILE(weights_of, g, x, turned, u + row * C + c);
    }
}
#endif

INLINE void weight_gradients_of(int m, const NnWinograd *g, const float *from, float *to)
{
    const int64_t plane = nn_winograd_plane(g, g->K, g->C) / LANES;
    Lanes w[TAPS];
    both_ways(WEIGHT_GRADIENTS, m, m + 2, 3, (const Lanes *)from, plane, (m + 2) * plane, w, 1);
    write_kernels(w, to);
}

KERNEL static void NAMED(weight_gradients_row)(const NnWinograd *g, const float *du, int64_t k, float *dw)
{
    for (int64_t c = 0; c < g->C; c += LANES)
        BY_TILE(weight_gradients_of, g, du + k * nn_winograd_row(g, g->C) + c, dw + (k * g->C + c) * TAPS);
}

/* ---- maps to tiles and back ---- */

/* Tile number @p tile of the output, m pixels apart: its image and upper left pixel. */
typedef struct {
    int64_t image, y, x;
} Place;

static Place place_of(const NnWinograd *g, int64_t m, int64_t tile)
{
    int64_t wide = (nn_winograd_wide(g) + m - 1) / m, high = (nn_winograd_high(g) + m - 1) / m;
    return (Place){tile / (wide * high), tile / wide % high * m, tile % wide * m};
}

static void next_place(const NnWinograd *g, int64_t m, Place *at)
{
    at->x += m;
    if (at->x < nn_winograd_wide(g)) return;
    at->x = 0;
    at->y += m;
    if (at->y < nn_winograd_high(g)) return;
    at->y = 0;
    at->image++;
}

/* Where a tile of side x side pixels lies in a map [H][W] of one block of channels: what of it is inside. */
typedef struct {
    int64_t offset; /* of its first pixel, in pixels */
    int top, bottom, left, right;
    bool whole;
} Window;

static Window window_of(int64_t H, int64_t W, int64_t y, int64_t x, int side)
{
    Window w = {.offset = y * W + x,
                .top = y < 0 ? (int)-y : 0,
                .bottom = y + side > H ? (int)(H - y) : side,
                .left = x < 0 ? (int)-x : 0,
                .right = x + side > W ? (int)(W - x) : side};
    w.whole = w.bottom - w.top == side && w.right - w.left == side;
    return w;
}

/* One transformed tile: its pixels as they lie where all are inside, else by way of @p copy, which is 0 outside. */
INLINE void transform_tile(Transform t, int m, int side, const Window *w, const float *map, int64_t W, Lanes *copy,
                           float *to, int64_t plane)
{
    const Lanes *from = (const Lanes *)map + w->offset;
    if (w->whole) {
        both_ways(t, m, side, m + 2, from, 1, W, (Lanes *)to, plane / LANES);
        return;
    }
    for (int i = w->top; i < w->bottom; i++)
        for (int j = w->left; j < w->right; j++) copy[i * side + j] = from[i * W + j];
    both_ways(t, m, side, m + 2, copy, 1, side, (Lanes *)to, plane / LANES);
}

/* What the next tile reads is prefetched. */
INLINE void fetch(int m, const float *map, int64_t W, int64_t offset)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++) __builtin_prefetch(map + (offset + i * W + j) * LANES);
}

INLINE void inputs_of(int m, const NnWinograd *g, const NnWinogradTiles *t, const float *x, float *v)
{
    const int64_t row = nn_winograd_row(g, g->C), pixels = g->H * g->W;
    Place at = place_of(g, m, t->first);
    for (int64_t r = t->row; r < t->row + t->count; r++) {
        Lanes copy[SIDE * SIDE] = {{0}};
        Window w = window_of(g->H, g->W, at.y - g->pad, at.x - g->pad, m + 2);
        const float *image = x + at.image * g->C * pixels;
        next_place(g, m, &at);
        int64_t ahead = (x + at.image * g->C * pixels - image) / LANES + at.y * g->W + at.x;
        for (int64_t c = 0; c < g->C; c += LANES) {
            const float *map = image + c * pixels;
            if (r + 1 < t->row + t->count) fetch(m, map, g->W, ahead);
            transform_tile(INPUTS, m, m + 2, &w, map, g->W, copy, v + r * row + c, t->plane_in);
        }
    }
}

INLINE void gradients_of(int m, const NnWinograd *g, const NnWinogradTiles *t, const float *dy, float *d)
{
    const int64_t high = nn_winograd_high(g), wide = nn_winograd_wide(g), row = nn_winograd_row(g, g->K);
    Place at = place_of(g, m, t->first);
    for (int64_t r = t->row; r < t->row + t->count; r++) {
        Lanes copy[SIDE * SIDE] = {{0}};
        Window w = window_of(high, wide, at.y, at.x, m);
        const float *image = dy + at.image * g->K * high * wide;
        next_place(g, m, &at);
        int64_t ahead = (dy + at.image * g->K * high * wide - image) / LANES + at.y * wide + at.x;
        for (int64_t k = 0; k < g->K; k += LANES) {
            const float *map = image + k * high * wide;
            if (r + 1 < t->row + t->count) fetch(m, map, wide, ahead);
            transform_tile(GRADIENTS, m, m, &w, map, wide, copy, d + r * row + k, t->plane_out);
        }
    }
}

INLINE void write_pixel(const Lanes *value, int64_t k, int64_t at, const NnWinogradEnd *end)
{
    Lanes y = *value;
    if (end->bias) y += *(const Lanes *)(end->bias + k);
    if (end->other) y += *(const Lanes *)(end->other + at);
    if (end->relu) y = (Lanes)(~(y <= 0) & (LaneBits)y); /* a NaN stays one */
    *(Lanes *)(end->y + at) = y;
}

INLINE void outputs_of(int m, const NnWinograd *g, const NnWinogradTiles *t, const float *sums,
                       const NnWinogradEnd *end)
{
    const int64_t high = nn_winograd_high(g), wide = nn_winograd_wide(g), row = nn_winograd_row(g, g->K);
    const int64_t plane = t->plane_out / LANES;
    Place at = place_of(g, m, t->first);
    for (int64_t r = t->row; r < t->row + t->count; r++) {
        Window w = window_of(high, wide, at.y, at.x, m);
        for (int64_t k = 0; k < g->K; k += LANES) {
            Lanes y[SIDE * SIDE];
            int64_t first = (at.image * g->K + k) * high * wide + w.offset * LANES;
            both_ways(OUTPUTS, m, m + 2, m, (const Lanes *)(sums + r * row + k), plane, (m + 2) * plane, y, 1);
            if (w.whole)
                for (int i = 0; i < m; i++)
                    for (int j = 0; j < m; j++) write_pixel(y + i * m + j, k, first + (i * wide + j) * LANES, end);
            else
                for (int i = 0; i < w.bottom; i++)
                    for (int j = 0; j < w.right; j++)
                        write_pixel(y + i * m + j, k, first + (i * wide + j) * LANES, end);
        }
        next_place(g, m, &at);
    }
}

KERNEL static void NAMED(inputs_rows)(const NnWinograd *g, const NnWinogradTiles *t, const float *x, float *v)
{
    BY_TILE(inputs_of, g, t, x, v);
}

KERNEL static void NAMED(gradients_rows)(const NnWinograd *g, const NnWinogradTiles *t, const float *dy, float *d)
{
    BY_TILE(gradients_of, g, t, dy, d);
}

KERNEL static void NAMED(outputs_rows)(const NnWinograd *g, const NnWinogradTiles *t, const float *sums,
                                       const NnWinogradEnd *end)
{
    BY_TILE(outputs_of, g, t, sums, end);
}

const NnWinogradRows ROWS = {NAMED(weights_row), NAMED(inputs_rows), NAMED(gradients_rows), NAMED(outputs_rows),
                             NAMED(weight_gradients_row)};
