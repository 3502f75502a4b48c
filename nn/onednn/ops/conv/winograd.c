/* Winograd's convolution for CPUs where oneDNN has none (all without AVX-512): 3x3 kernels of stride 1 in float32. An
 * output tile of m x m pixels needs t^2 = (m + 2)^2 products a pair of channels where the direct form needs 9 m^2:
 *
 *   Y = A' (sum over C of U * V) A,      U = G W G',      V = B' X B      (Lavin & Gray, CVPR 2016, section 4.1, eq. 8)
 *   dW = G' (sum over tiles of V * (A dY A')) G                            (the transpose of the same)
 *   dX = the convolution of dY with W turned by 180 degrees, padding 2 - pad
 *
 * with the sums as t^2 matrix products [tiles, C] [C, K] each. m is 4, or 2 where a tile of 4 would be mostly empty.
 * Maps stay in oneDNN's blocks of 8 channels. Tiles are taken a chunk at a time, so that the working storage does not
 * grow with the batch. Accuracy: what convolution.c says of oneDNN's own holds. */
#include "nn/onednn/ops/conv/winograd.h"

#include "nn/kernels/lanes.h"
#include "nn/onednn/ops/conv/shape.h"
#include "nn/onednn/reload.h"

enum { TAPS = 9, SIDE = 6, CHUNK = 256, ROWS = 128, SKEW = 16 };
/* where it pays; the transformed weights are made again in each pass and want some tiles to serve */
enum { TILES = 32, CHANNELS = 32, WIDEST = 4096 };

/* The loops are unrolled for one tile size at a time. */
#define BY_TILE(function, ...)                                                                                         \
    do {                                                                                                               \
        if (job->tile == 4)                                                                                            \
            function(4, __VA_ARGS__);                                                                                  \
        else                                                                                                           \
            function(2, __VA_ARGS__);                                                                                  \
    } while (0)

static int64_t area(int64_t tile) { return (tile + 2) * (tile + 2); }
static int64_t blocks(int64_t size, int64_t tile) { return (size + tile - 1) / tile; }
static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* From one of the t^2 matrices to the next: a power of two would have them share their cache sets. */
static int64_t plane(int64_t rows, int64_t columns) { return rows * columns + SKEW; }

/* ---- the one-dimensional transforms, of elements s apart ---- */

/* B': m + 2 -> m + 2 */
INLINE void inputs(int m, const Lanes *x, int s, Lanes *y, int r)
{
    if (m == 4) {
        Lanes a = x[4 * s] - 4 * x[2 * s], b = x[3 * s] - 4 * x[s];
        Lanes c = x[4 * s] - x[2 * s], d = 2 * (x[3 * s] - x[s]);
        y[0] = 4 * x[0] - 5 * x[2 * s] + x[4 * s];
        y[5 * r] = 4 * x[s] - 5 * x[3 * s] + x[5 * s];
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
INLINE void outputs(int m, const Lanes *x, int s, Lanes *y, int r)
{
    Lanes sum = x[s] + x[2 * s], difference = x[s] - x[2 * s];
    if (m == 4) {
        Lanes sum2 = x[3 * s] + x[4 * s], difference2 = x[3 * s] - x[4 * s];
        y[0] = x[0] + sum + sum2;
        y[r] = difference + 2 * difference2;
        y[2 * r] = sum + 4 * sum2;
        y[3 * r] = difference + 8 * difference2 + x[5 * s];
    } else {
        y[0] = x[0] + sum;
        y[r] = difference - x[3 * s];
    }
}

/* A: m -> m + 2 */
INLINE void gradients(int m, const Lanes *x, int s, Lanes *y, int r)
{
    y[0] = x[0];
    if (m == 4) {
        Lanes a = x[0] + x[2 * s], b = x[s] + x[3 * s];
        Lanes c = x[0] + 4 * x[2 * s], d = 2 * x[s] + 8 * x[3 * s];
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
INLINE void weights(int m, const Lanes *x, int s, Lanes *y, int r)
{
    Lanes a = x[0] + x[2 * s], b = x[s];
    if (m == 4) {
        Lanes c = x[0] * (1.0f / 24) + x[2 * s] * (1.0f / 6), d = b * (1.0f / 12);
        y[0] = x[0] * 0.25f;
        y[r] = (a + b) * (-1.0f / 6);
        y[2 * r] = (b - a) * (1.0f / 6);
        y[3 * r] = c + d;
        y[4 * r] = c - d;
        y[5 * r] = x[2 * s];
    } else {
        y[0] = x[0];
        y[r] = (a + b) * 0.5f;
        y[2 * r] = (a - b) * 0.5f;
        y[3 * r] = x[2 * s];
    }
}

/* G': m + 2 -> 3 */
INLINE void weight_gradients(int m, const Lanes *x, int s, Lanes *y, int r)
{
    Lanes sum = x[s] + x[2 * s], difference = x[s] - x[2 * s];
    if (m == 4) {
        Lanes sum2 = x[3 * s] + x[4 * s], difference2 = x[3 * s] - x[4 * s];
        y[0] = x[0] * 0.25f - sum * (1.0f / 6) + sum2 * (1.0f / 24);
        y[r] = difference2 * (1.0f / 12) - difference * (1.0f / 6);
        y[2 * r] = (sum2 - sum) * (1.0f / 6) + x[5 * s];
    } else {
        y[0] = x[0] + sum * 0.5f;
        y[r] = difference * 0.5f;
        y[2 * r] = sum * 0.5f + x[3 * s];
    }
}

typedef enum { INPUTS, OUTPUTS, GRADIENTS, WEIGHTS, WEIGHT_GRADIENTS } Transform;

INLINE void one_way(Transform t, int m, const Lanes *x, int s, Lanes *y, int r)
{
    if (t == INPUTS) inputs(m, x, s, y, r);
    if (t == OUTPUTS) outputs(m, x, s, y, r);
    if (t == GRADIENTS) gradients(m, x, s, y, r);
    if (t == WEIGHTS) weights(m, x, s, y, r);
    if (t == WEIGHT_GRADIENTS) weight_gradients(m, x, s, y, r);
}

/* x [from][from] -> y [to][to]: the transform of every column, then of every row */
INLINE void both_ways(Transform t, int m, int from, int to, const Lanes *x, Lanes *y)
{
    Lanes half[SIDE * SIDE];
    for (int j = 0; j < from; j++) one_way(t, m, x + j, from, half + j, from);
    for (int i = 0; i < to; i++) one_way(t, m, half + i * from, 1, y + i * to, 1);
}

/* ---- weights: job in [K, C, 3, 3], out [t^2][K][C]; count: turned by 180 degrees ---- */

INLINE void weights_of(int m, const NnJob *job, int64_t k, int64_t c)
{
    const float *from = (const float *)job->in + (k * job->C + c) * TAPS;
    float *to = (float *)job->out + k * job->C + c;
    Lanes w[TAPS], u[SIDE * SIDE];
    for (int tap = 0; tap < TAPS; tap++)
        for (int i = 0; i < LANES; i++) w[tap][i] = from[i * TAPS + (job->count ? TAPS - 1 - tap : tap)];
    both_ways(WEIGHTS, m, 3, m + 2, w, u);
    for (int i = 0; i < (m + 2) * (m + 2); i++) *(Lanes *)(to + i * plane(job->K, job->C)) = u[i];
}

KERNEL static void weights_row(const NnJob *job, int64_t k)
{
    for (int64_t c = 0; c < job->C; c += LANES) BY_TILE(weights_of, job, k, c);
}

static BaseStatus weights_run(NnProgram *p, const NnJob *job)
{
    (void)p;
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < job->K; k++) weights_row(job, k);
    return BASE_OK;
}

/* ---- maps to tiles and back ---- */

/* Tile number @p tile of a map [n, C, H, W] in blocks of 8 channels, m pixels apart: its image and upper left pixel. */
typedef struct {
    int64_t image, y, x;
} Place;

static Place place_of(const NnJob *job, int m, int64_t tile)
{
    int64_t wide = blocks(job->out_w, m), high = blocks(job->out_h, m);
    return (Place){tile / (wide * high), tile / wide % high * m, tile % wide * m};
}

/* The side x side pixels from (y, x) on of one block of channels; what lies outside is 0. */
INLINE void read_pixels(const float *map, int64_t H, int64_t W, int64_t y, int64_t x, int side, Lanes *out)
{
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++) {
            bool inside = y + i >= 0 && y + i < H && x + j >= 0 && x + j < W;
            out[i * side + j] = inside ? *(const Lanes *)(map + ((y + i) * W + x + j) * LANES) : (Lanes){0};
        }
}

static const float *block_of(const float *map, int64_t channels, int64_t H, int64_t W, int64_t image, int64_t c)
{
    return map + (image * channels + c) * H * W; /* c a multiple of 8: whole blocks before it */
}

/* V of row r of a chunk: out [t^2][rows][C] */
INLINE void inputs_of(int m, const NnJob *job, int64_t tile, int64_t r, float *out)
{
    Place at = place_of(job, m, tile);
    Lanes x[SIDE * SIDE], v[SIDE * SIDE];
    for (int64_t c = 0; c < job->C; c += LANES) {
        const float *map = block_of(job->in, job->C, job->H, job->W, at.image, c);
        read_pixels(map, job->H, job->W, at.y - job->pad, at.x - job->pad, m + 2, x);
        both_ways(INPUTS, m, m + 2, m + 2, x, v);
        for (int i = 0; i < (m + 2) * (m + 2); i++)
            *(Lanes *)(out + i * plane(job->rows, job->C) + r * job->C + c) = v[i];
    }
}

/* A dY A' of row r: out [t^2][rows][K] */
INLINE void gradients_of(int m, const NnJob *job, int64_t tile, int64_t r, float *out)
{
    Place at = place_of(job, m, tile);
    Lanes y[SIDE * SIDE], d[SIDE * SIDE];
    for (int64_t k = 0; k < job->K; k += LANES) {
        const float *map = block_of(job->in2, job->K, job->out_h, job->out_w, at.image, k);
        read_pixels(map, job->out_h, job->out_w, at.y, at.x, m, y);
        both_ways(GRADIENTS, m, m, m + 2, y, d);
        for (int i = 0; i < (m + 2) * (m + 2); i++)
            *(Lanes *)(out + i * plane(job->rows, job->K) + r * job->K + k) = d[i];
    }
}

/* Row r of the products, [t^2][rows][K], to its pixels, with bias, what is added, and ReLU. */
INLINE void outputs_of(int m, const NnJob *job, int64_t tile, int64_t r, const float *from)
{
    Place at = place_of(job, m, tile);
    Lanes x[SIDE * SIDE], y[SIDE * SIDE];
    for (int64_t k = 0; k < job->K; k += LANES) {
        int64_t block = (at.image * job->K + k) * job->out_h * job->out_w;
        Lanes bias = job->bias ? *(const Lanes *)(job->bias + k) : (Lanes){0};
        for (int i = 0; i < (m + 2) * (m + 2); i++)
            x[i] = *(const Lanes *)(from + i * plane(job->rows, job->K) + r * job->K + k);
        both_ways(OUTPUTS, m, m + 2, m, x, y);
        for (int i = 0; i < m && at.y + i < job->out_h; i++)
            for (int j = 0; j < m && at.x + j < job->out_w; j++) {
                int64_t pixel = block + ((at.y + i) * job->out_w + at.x + j) * LANES;
                Lanes value = y[i * m + j] + bias;
                if (job->in2) value += *(const Lanes *)((const float *)job->in2 + pixel);
                if (job->relu) value = (Lanes)(~(value <= 0) & (LaneBits)value); /* a NaN stays one */
                *(Lanes *)((float *)job->out + pixel) = value;
            }
    }
}

KERNEL static void inputs_row(const NnJob *job, int64_t tile, int64_t r, float *out)
{
    BY_TILE(inputs_of, job, tile, r, out);
}

KERNEL static void gradients_row(const NnJob *job, int64_t tile, int64_t r, float *out)
{
    BY_TILE(gradients_of, job, tile, r, out);
}

KERNEL static void outputs_row(const NnJob *job, int64_t tile, int64_t r, const float *from)
{
    BY_TILE(outputs_of, job, tile, r, from);
}

/* ---- the passes ---- */

static int64_t tiles_of(const NnJob *job)
{
    return job->n * blocks(job->out_h, job->tile) * blocks(job->out_w, job->tile);
}

/* c [rows, columns] = op(a) op(b) + beta c; run by one of the threads. */
static void product(char ta, char tb, int64_t rows, int64_t columns, int64_t inner, const float *a, int64_t lda,
                    const float *b, float beta, float *c, dnnl_status_t *worst)
{
    dnnl_status_t status =
        dnnl_sgemm(ta, tb, rows, columns, inner, 1, a, lda, b, tb == 'T' ? inner : columns, beta, c, columns);
    if (status == dnnl_success) return;
#pragma omp atomic write
    *worst = status;
}

/* job: in [n, C, H, W]; weight [t^2][K][C], or with count (turned) [t^2][C][K]; bias and in2 (what is added) or NULL;
 * relu; out [n, K, out_h, out_w]; aux: working storage for a chunk of rows */
static BaseStatus forward_run(NnProgram *p, const NnJob *job)
{
    int64_t tiles = tiles_of(job), parts = (job->rows + ROWS - 1) / ROWS, C = job->C, K = job->K;
    float *v = job->aux, *sums = v + area(job->tile) * plane(job->rows, C);
    dnnl_status_t worst = dnnl_success;
    (void)p;
#pragma omp parallel
    for (int64_t first = 0; first < tiles; first += job->rows) {
        int64_t rows = least(job->rows, tiles - first);
#pragma omp for schedule(static)
        for (int64_t r = 0; r < rows; r++) inputs_row(job, first + r, r, v);
#pragma omp for schedule(static)
        for (int64_t i = 0; i < area(job->tile) * parts; i++) {
            int64_t from = i % parts * ROWS, count = least(ROWS, rows - from), at = i / parts;
            if (count > 0)
                product('N', job->count ? 'N' : 'T', count, K, C, v + at * plane(job->rows, C) + from * C, C,
                        job->weight + at * plane(K, C), 0, sums + at * plane(job->rows, K) + from * K, &worst);
        }
#pragma omp for schedule(static)
        for (int64_t r = 0; r < rows; r++) outputs_row(job, first + r, r, sums);
    }
    return nn_dnnl_status(worst, "the products", "a convolution");
}

/* job: in [n, C, H, W], in2 = dY [n, K, out_h, out_w]; out: dU [t^2][K][C]; aux: as above */
static BaseStatus weights_sum_run(NnProgram *p, const NnJob *job)
{
    int64_t tiles = tiles_of(job), C = job->C, K = job->K, parts = (K + ROWS - 1) / ROWS;
    float *v = job->aux, *d = v + area(job->tile) * plane(job->rows, C);
    dnnl_status_t worst = dnnl_success;
    (void)p;
#pragma omp parallel
    for (int64_t first = 0; first < tiles; first += job->rows) {
        int64_t rows = least(job->rows, tiles - first);
#pragma omp for schedule(static)
        for (int64_t r = 0; r < rows; r++) {
            inputs_row(job, first + r, r, v);
            gradients_row(job, first + r, r, d);
        }
#pragma omp for schedule(static)
        for (int64_t i = 0; i < area(job->tile) * parts; i++) {
            int64_t from = i % parts * ROWS, at = i / parts;
            product('T', 'N', least(ROWS, K - from), C, rows, d + at * plane(job->rows, K) + from, K,
                    v + at * plane(job->rows, C), first > 0, (float *)job->out + at * plane(K, C) + from * C, &worst);
        }
    }
    return nn_dnnl_status(worst, "the products", "a convolution");
}

/* job: in = dU, count: where the gradient [K, C, 3, 3] lies in the gradient block */
INLINE void weight_gradients_of(int m, const NnJob *job, int64_t k, int64_t c, float *grads)
{
    const float *from = (const float *)job->in + k * job->C + c;
    float *to = grads + (k * job->C + c) * TAPS;
    Lanes u[SIDE * SIDE], w[TAPS];
    for (int i = 0; i < (m + 2) * (m + 2); i++) u[i] = *(const Lanes *)(from + i * plane(job->K, job->C));
    both_ways(WEIGHT_GRADIENTS, m, m + 2, 3, u, w);
    for (int tap = 0; tap < TAPS; tap++)
        for (int i = 0; i < LANES; i++) to[i * TAPS + tap] = w[tap][i];
}

KERNEL static void weight_gradients_row(const NnJob *job, int64_t k, float *grads)
{
    for (int64_t c = 0; c < job->C; c += LANES) BY_TILE(weight_gradients_of, job, k, c, grads);
}

static BaseStatus weight_gradients_run(NnProgram *p, const NnJob *job)
{
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < job->K; k++) weight_gradients_row(job, k, p->grads + job->count);
    return BASE_OK;
}

/* in [n, K, out_h, out_w] -> the gradient block at count, [K] */
static BaseStatus bias_run(NnProgram *p, const NnJob *job)
{
    int64_t pixels = job->out_h * job->out_w;
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < job->K; k += LANES) {
        double sum[LANES] = {0};
        for (int64_t image = 0; image < job->n; image++) {
            const float *map = block_of(job->in, job->K, job->out_h, job->out_w, image, k);
            for (int64_t i = 0; i < pixels; i++)
                for (int lane = 0; lane < LANES; lane++) sum[lane] += (double)map[i * LANES + lane];
        }
        for (int lane = 0; lane < LANES; lane++) p->grads[job->count + k + lane] = (float)sum[lane];
    }
    return BASE_OK;
}

/* ---- where it runs, and its steps ---- */

/* The tile with fewer products; the smaller one, whose transforms are kinder to digits, where there is no difference.
 */
static int64_t tile_of(int64_t high, int64_t wide)
{
    return area(4) * blocks(high, 4) * blocks(wide, 4) < area(2) * blocks(high, 2) * blocks(wide, 2) ? 4 : 2;
}

bool nn_winograd_pays(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTuningRow row = nn_conv_row(p, x, NN_PASS_FORWARD);
    int64_t tile = tile_of(node->H, node->W), tiles = blocks(node->H, tile) * blocks(node->W, tile);
    return p->type == dnnl_f32 && nn_winograd_possible(&row) && row.C >= CHANNELS && row.K >= CHANNELS &&
           p->n * tiles >= TILES && 2 * area(tile) * tiles <= TAPS * node->H * node->W;
}

bool nn_winograd_possible(const NnTuningRow *row)
{
    return row->precision == NN_F32 && row->kernel == 3 && row->stride == 1 && row->pad <= 1 && row->C % LANES == 0 &&
           row->K % LANES == 0 && row->C <= WIDEST && row->K <= WIDEST;
}

static NnJob geometry(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x), *in = nn_prog_node(p, node->in[0]);
    NnJob job = {.n = p->n,
                 .C = in->C,
                 .H = in->H,
                 .W = in->W,
                 .K = node->C,
                 .pad = node->pad,
                 .out_h = node->H,
                 .out_w = node->W,
                 .tile = tile_of(node->H, node->W)};
    job.rows = least(CHUNK, tiles_of(&job));
    return job;
}

static BaseStatus floats(NnProgram *p, int64_t count, bool pooled, NnTensor *out)
{
    NnMd md = nn_md_vector(p, count);
    return nn_prog_tensor(p, &md, pooled, out);
}

static BaseStatus working_storage(NnProgram *p, const NnJob *job, NnTensor *out)
{
    return floats(p, area(job->tile) * (plane(job->rows, job->C) + plane(job->rows, job->K)), true, out);
}

static NnMd map_md(NnProgram *p, NnNode x) { return nn_md_map(p, x, dnnl_f32, dnnl_nChw8c); }

/* U of the layer's weight, renewed whenever it is loaded. */
static BaseStatus transformed_weight(NnProgram *p, NnNode x, NnNode norm, int64_t tile, bool turned, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    NnMd plain = nn_md_weight(p, x, dnnl_f32, false);
    NnTensor weight = {0};
    float *from;
    NnJob job = geometry(p, x);
    job.tile = tile;
    job.count = turned;
    BASE_TRY(nn_reload_weight(p, x, norm, &plain, &weight));
    BASE_TRY(nn_prog_data(&weight, &from));
    BASE_TRY(floats(p, area(tile) * plane(job.K, job.C), false, out));
    job.in = from;
    job.out = out->buf->data;
    BASE_TRY(nn_prog_own_step(&p->load, nn_prog_name(p, x), weights_run, job));
out:
    return st;
}

static BaseStatus forward_step(NnProgram *p, NnNode x, NnNode norm, const NnTensor *src, const NnTensor *other,
                               bool relu, const NnTensor *dst)
{
    BaseStatus st = BASE_OK;
    NnTensor weight, bias, storage = {0};
    NnJob job = geometry(p, x);
    float *bias_data, *other_data, *from;
    BASE_TRY(transformed_weight(p, x, norm, job.tile, false, &weight));
    BASE_TRY(nn_reload_bias(p, x, norm, &bias));
    BASE_TRY(working_storage(p, &job, &storage));
    BASE_TRY(nn_prog_data(src, &from));
    BASE_TRY(nn_prog_data(&bias, &bias_data));
    BASE_TRY(nn_prog_data(other, &other_data));
    job.in = from;
    job.weight = weight.buf->data;
    job.bias = bias_data;
    job.in2 = other_data;
    job.relu = relu;
    job.out = dst->buf->data;
    job.aux = storage.buf->data;
    BASE_TRY(nn_prog_own_step(&p->forward, nn_prog_name(p, x), forward_run, job));
out:
    nn_prog_release(&storage);
    return st;
}

BaseStatus nn_winograd_forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNode from = nn_prog_node(p, x)->in[0];
    NnTensor *src = &p->state[x].src, other = {0};
    NnMd in = map_md(p, from), out = map_md(p, x);
    NnChain c = nn_chain_find(p, x, true);
    BASE_TRY(nn_prog_convert(p, &p->forward, nn_prog_name(p, x), &p->state[from].value, &in, false, src));
    if (c.add >= 0)
        BASE_TRY(nn_prog_convert(p, &p->forward, nn_prog_name(p, x), &p->state[c.other].value, &out, true, &other));
    NnTensor *dst = &p->state[c.last].value;
    BASE_TRY(nn_prog_tensor(p, &out, p->reuse, dst));
    BASE_TRY(forward_step(p, x, c.norm, src, &other, c.relu >= 0, dst));
    nn_chain_finish(p, &c);
out:
    nn_prog_release(&other);
    return st;
}

BaseStatus nn_winograd_data(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    const NnJob layer = geometry(p, x);
    NnMd in = map_md(p, x), out = map_md(p, nn_prog_node(p, x)->in[0]);
    NnTensor weight, map = {0}, storage = {0};
    NnJob job = {.n = layer.n,
                 .C = layer.K,
                 .H = layer.out_h,
                 .W = layer.out_w,
                 .K = layer.C,
                 .pad = 2 - layer.pad,
                 .out_h = layer.H,
                 .out_w = layer.W,
                 .tile = tile_of(layer.H, layer.W),
                 .count = true};
    job.rows = least(CHUNK, tiles_of(&job));
    BASE_TRY(nn_prog_convert(p, &p->backward, nn_prog_name(p, x), g, &in, true, &map));
    BASE_TRY(transformed_weight(p, x, -1, job.tile, true, &weight));
    BASE_TRY(nn_prog_tensor(p, &out, true, diff));
    BASE_TRY(working_storage(p, &job, &storage));
    job.in = map.buf->data;
    job.weight = weight.buf->data;
    job.out = diff->buf->data;
    job.aux = storage.buf->data;
    BASE_TRY(nn_prog_own_step(&p->backward, nn_prog_name(p, x), forward_run, job));
out:
    nn_prog_release(&map);
    nn_prog_release(&storage);
    return st;
}

BaseStatus nn_winograd_weights(NnProgram *p, NnNode x, const NnTensor *src, const NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnMd in = map_md(p, node->in[0]), out = map_md(p, x);
    NnTensor map = {0}, diff = {0}, sums = {0}, storage = {0};
    NnJob job = geometry(p, x);
    float *from;
    BASE_TRY(nn_prog_convert(p, &p->backward, node->name, src, &in, true, &map));
    BASE_TRY(nn_prog_convert(p, &p->backward, node->name, g, &out, true, &diff));
    BASE_TRY(floats(p, area(job.tile) * plane(job.K, job.C), true, &sums));
    BASE_TRY(working_storage(p, &job, &storage));
    BASE_TRY(nn_prog_data(&map, &from));
    job.in = from;
    job.in2 = diff.buf->data;
    job.out = sums.buf->data;
    job.aux = storage.buf->data;
    BASE_TRY(nn_prog_own_step(&p->backward, node->name, weights_sum_run, job));
    NnJob end = {.in = sums.buf->data,
                 .C = job.C,
                 .K = job.K,
                 .tile = job.tile,
                 .count = nn_prog_param_slice(p, node->weight)->offset};
    BASE_TRY(nn_prog_own_step(&p->backward, node->name, weight_gradients_run, end));
    if (node->bias) {
        job.in = diff.buf->data;
        job.count = nn_prog_param_slice(p, node->bias_slice)->offset;
        BASE_TRY(nn_prog_own_step(&p->backward, node->name, bias_run, job));
    }
out:
    nn_prog_release(&map);
    nn_prog_release(&diff);
    nn_prog_release(&sums);
    nn_prog_release(&storage);
    return st;
}
