/* nn/kernels/winograd_chunks.c - Winograd's convolution, a chunk of tiles at a time, so that the working storage does
 * not grow with the batch. */
#include "base/order.h"
#include "nn/kernels/winograd.h"

#include <omp.h>

#include "nn/kernels/winograd_rows.h"

/* Tiles of a chunk, of which all threads transform tiles, then share out the t^2 products, then (forward) write pixels.
 * Or, forward, a thread takes a chunk of its own, and none ever waits for another: where the transformed weights are
 * few enough (up to some 128 x 256 channels) that each may read them for each small chunk, whose tiles then stay in its
 * cache: 10% faster than the other way with AVX-512. Above that the larger chunk is 10 to 30% faster. */
enum { CHUNK = 256, CHUNK_FEW = 112, CHUNK_ALONE = 56, FEW = 128 * 256 };
/* What a thread takes at once: tiles to transform, rows of a product of 8 lanes, panels of one of 16. */
enum { STRIP = 8, ROWS = 128, PANELS = 4 };

static int64_t blocks(int64_t size, int64_t tile) { return (size + tile - 1) / tile; }

static const NnWinogradRows *rows_of(const NnWinograd *g)
{
    return g->lanes == 16 ? &nn_winograd_rows16 : &nn_winograd_rows8;
}

int64_t nn_winograd_area(int64_t tile) { return (tile + 2) * (tile + 2); }

int64_t nn_winograd_tile(int64_t high, int64_t wide)
{
    int64_t large = nn_winograd_area(4) * blocks(high, 4) * blocks(wide, 4);
    return large < nn_winograd_area(2) * blocks(high, 2) * blocks(wide, 2) ? 4 : 2;
}

int64_t nn_winograd_tiles(const NnWinograd *g)
{
    return g->n * blocks(nn_winograd_high(g), g->tile) * blocks(nn_winograd_wide(g), g->tile);
}

NnWinograd nn_winograd_turned(const NnWinograd *g)
{
    return (NnWinograd){.n = g->n,
                        .C = g->K,
                        .H = nn_winograd_high(g),
                        .W = nn_winograd_wide(g),
                        .K = g->C,
                        .pad = 2 - g->pad,
                        .tile = nn_winograd_tile(g->H, g->W),
                        .lanes = g->lanes,
                        .threads = g->threads,
                        .product = g->product};
}

static bool few(const NnWinograd *g) { return g->lanes == 16 && g->C * g->K <= FEW; }

static int64_t chunk_of(const NnWinograd *g)
{
    int64_t tiles = nn_winograd_tiles(g);
    if (g->lanes == 8) return base_smaller(CHUNK, tiles);
    return blocks(tiles, blocks(tiles, few(g) ? CHUNK_FEW : CHUNK)); /* nearly of one size */
}

/* Whether each thread has enough chunks of its own. */
static bool alone(const NnWinograd *g) { return few(g) && nn_winograd_tiles(g) >= 2 * g->threads * CHUNK_ALONE; }

static int64_t chunk_size(const NnWinograd *g, int64_t chunk)
{
    return nn_winograd_area(g->tile) * (nn_winograd_plane(g, chunk, g->C) + nn_winograd_plane(g, chunk, g->K));
}

int64_t nn_winograd_weight_size(const NnWinograd *g)
{
    return nn_winograd_area(g->tile) * nn_winograd_plane(g, g->K, g->C);
}

int64_t nn_winograd_work_size(const NnWinograd *g)
{
    int64_t shared = chunk_size(g, chunk_of(g)), own = alone(g) ? g->threads * chunk_size(g, CHUNK_ALONE) : 0;
    return shared > own ? shared : own;
}

void nn_winograd_transform(const NnWinograd *g, const float *weight, bool turned, float *u)
{
    int64_t rows = g->lanes == 16 ? g->K / 16 : turned ? g->C : g->K;
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < rows; row++) rows_of(g)->weights(g, weight, turned, row, u);
}

/* One chunk of a pass. */
typedef struct {
    int64_t first, rows; /* its tiles */
    int64_t plane_in, plane_out;
    float *in, *out; /* its tiles [t^2][rows][C], [t^2][rows][K] */
} Chunk;

static Chunk chunk_at(const NnWinograd *g, int64_t size, int64_t first, float *work)
{
    Chunk c = {.first = first,
               .rows = base_smaller(size, nn_winograd_tiles(g) - first),
               .plane_in = nn_winograd_plane(g, size, g->C),
               .plane_out = nn_winograd_plane(g, size, g->K),
               .in = work};
    c.out = work + nn_winograd_area(g->tile) * c.plane_in;
    return c;
}

static NnWinogradTiles strip_of(const Chunk *c, int64_t number)
{
    int64_t row = number * STRIP;
    return (NnWinogradTiles){c->first + row, row, base_smaller(STRIP, c->rows - row), c->plane_in, c->plane_out};
}

/* Part @p part of out = in U' for matrix @p at. */
static int forward_product(const NnWinograd *g, const Chunk *c, int64_t at, int64_t part, const float *u, bool turned)
{
    const float *in = c->in + at * c->plane_in, *weight = u + at * nn_winograd_plane(g, g->K, g->C);
    float *out = c->out + at * c->plane_out;
    if (g->lanes == 8) {
        int64_t from = part * ROWS;
        return g->product(false, !turned, base_smaller(ROWS, c->rows - from), g->K, g->C, in + from * g->C, g->C,
                          weight, turned ? g->K : g->C, false, out + from * g->K);
    }
    int64_t panel = part * PANELS;
    nn_winograd_product16(&(NnWinogradProduct16){.rows = c->rows,
                                                 .panels = base_smaller(PANELS, g->K / 16 - panel),
                                                 .inner = g->C,
                                                 .a = in,
                                                 .a_row = nn_winograd_row(g, g->C),
                                                 .a_step = 1,
                                                 .b = weight + panel * g->C * 16,
                                                 .b_panel = g->C * 16,
                                                 .b_step = 16,
                                                 .c = out + panel * 16,
                                                 .c_row = nn_winograd_row(g, g->K)});
    return 0;
}

static void convolve_chunk(const NnWinograd *g, const Chunk *c, const float *x, const float *u,
                           const NnWinogradEnd *end)
{
    const NnWinogradTiles all = {c->first, 0, c->rows, c->plane_in, c->plane_out};
    const int64_t area = nn_winograd_area(g->tile), parts = blocks(g->K / 16, PANELS);
    rows_of(g)->inputs(g, &all, x, c->in);
    for (int64_t i = 0; i < area * parts; i++) forward_product(g, c, i / parts, i % parts, u, false);
    rows_of(g)->outputs(g, &all, c->out, end);
}

/* The next chunk goes to whoever is free: what a pixel gets does not depend on it. */
static void convolve_alone(const NnWinograd *g, const float *x, const float *u, const NnWinogradEnd *end, float *work)
{
    int64_t tiles = nn_winograd_tiles(g), size = chunk_size(g, CHUNK_ALONE), next = 0;
#pragma omp parallel
    for (int64_t thread = omp_get_thread_num(), first = 0; thread < g->threads && first < tiles;) {
#pragma omp atomic capture
        {
            first = next;
            next += CHUNK_ALONE;
        }
        if (first >= tiles) break;
        Chunk c = chunk_at(g, CHUNK_ALONE, first, work + thread * size);
        convolve_chunk(g, &c, x, u, end);
    }
}

int nn_winograd_convolve(const NnWinograd *g, const float *x, const float *u, bool turned, const float *bias,
                         const float *other, bool relu, float *work, float *y)
{
    const NnWinogradRows *by = rows_of(g);
    const NnWinogradEnd end = {bias, other, relu, y};
    int64_t tiles = nn_winograd_tiles(g), chunk = chunk_of(g), area = nn_winograd_area(g->tile);
    int worst = 0;
    if (alone(g)) {
        convolve_alone(g, x, u, &end, work);
        return 0;
    }
#pragma omp parallel
    for (int64_t first = 0; first < tiles; first += chunk) {
        Chunk c = chunk_at(g, chunk, first, work);
        int64_t strips = blocks(c.rows, STRIP),
                parts = g->lanes == 16 ? blocks(g->K / 16, PANELS) : blocks(c.rows, ROWS);
#pragma omp for schedule(static)
        for (int64_t i = 0; i < strips; i++) {
            NnWinogradTiles t = strip_of(&c, i);
            by->inputs(g, &t, x, c.in);
        }
#pragma omp for schedule(static)
        for (int64_t i = 0; i < area * parts; i++) {
            int status = forward_product(g, &c, i / parts, i % parts, u, turned);
            if (status != 0) {
#pragma omp atomic write
                worst = status;
            }
        }
#pragma omp for schedule(static)
        for (int64_t i = 0; i < strips; i++) {
            NnWinogradTiles t = strip_of(&c, i);
            by->outputs(g, &t, c.out, &end);
        }
    }
    return worst;
}

/* Part @p part of dU = (or +=) out' in for matrix @p at. */
static int gradient_product(const NnWinograd *g, const Chunk *c, int64_t at, int64_t part, float *du)
{
    const float *in = c->in + at * c->plane_in, *out = c->out + at * c->plane_out;
    float *sum = du + at * nn_winograd_plane(g, g->K, g->C);
    bool add = c->first > 0;
    if (g->lanes == 8) {
        int64_t from = part * ROWS;
        return g->product(true, false, base_smaller(ROWS, g->K - from), g->C, c->rows, out + from, g->K, in, g->C, add,
                          sum + from * g->C);
    }
    int64_t panel = part * PANELS, row = nn_winograd_row(g, g->C);
    nn_winograd_product16(&(NnWinogradProduct16){.rows = g->K,
                                                 .panels = base_smaller(PANELS, g->C / 16 - panel),
                                                 .inner = c->rows,
                                                 .a = out,
                                                 .a_row = 1,
                                                 .a_step = nn_winograd_row(g, g->K),
                                                 .b = in + panel * 16,
                                                 .b_panel = 16,
                                                 .b_step = row,
                                                 .c = sum + panel * 16,
                                                 .c_row = row,
                                                 .add = add});
    return 0;
}

int nn_winograd_correlate(const NnWinograd *g, const float *x, const float *dy, float *work, float *du)
{
    const NnWinogradRows *by = rows_of(g);
    int64_t tiles = nn_winograd_tiles(g), chunk = chunk_of(g), area = nn_winograd_area(g->tile);
    int64_t parts = g->lanes == 16 ? blocks(g->C / 16, PANELS) : blocks(g->K, ROWS);
    int worst = 0;
#pragma omp parallel
    for (int64_t first = 0; first < tiles; first += chunk) {
        Chunk c = chunk_at(g, chunk, first, work);
#pragma omp for schedule(static)
        for (int64_t i = 0; i < blocks(c.rows, STRIP); i++) {
            NnWinogradTiles t = strip_of(&c, i);
            by->inputs(g, &t, x, c.in);
            by->gradients(g, &t, dy, c.out);
        }
#pragma omp for schedule(static)
        for (int64_t i = 0; i < area * parts; i++) {
            int status = gradient_product(g, &c, i / parts, i % parts, du);
            if (status != 0) {
#pragma omp atomic write
                worst = status;
            }
        }
    }
    return worst;
}

void nn_winograd_weight_gradient(const NnWinograd *g, const float *du, float *dw)
{
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < g->K; k++) rows_of(g)->weight_gradients(g, du, k, dw);
}

void nn_winograd_bias_gradient(const NnWinograd *g, const float *dy, float *db)
{
    int64_t pixels = nn_winograd_high(g) * nn_winograd_wide(g), lanes = g->lanes;
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < g->K; k += lanes) {
        double sum[16] = {0};
        for (int64_t image = 0; image < g->n; image++) {
            const float *map = dy + (image * g->K + k) * pixels;
            for (int64_t i = 0; i < pixels; i++)
                for (int64_t lane = 0; lane < lanes; lane++) sum[lane] += (double)map[i * lanes + lane];
        }
        for (int64_t lane = 0; lane < lanes; lane++) db[k + lane] = (float)sum[lane];
    }
}
