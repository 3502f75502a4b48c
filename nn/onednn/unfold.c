/* A convolution as one matrix product over unfolded patches, for small maps in bf16: oneDNN's AMX convolutions fill their
 * tiles along the output width, so that maps of 4 and 2 pixels leave most of a tile empty, while the product's rows run
 * over images and positions together. A patch is [kh, kw, C] with C fastest: seen by oneDNN as an image [C, kh, kw] of
 * layout nhwc, so that the inner product takes the convolution's own weight [K, C, kh, kw]. */
#include <string.h>

#include "nn/onednn/program.h"

/* Measured on AMX with 128 images and 512 channels, ratio to the direct form: forward and data gradient 3 to 6 at 2x2 and
 * 4x4 maps, below 1 at 8x8; weight gradient still 1.5 at 8x8. Fixed, so that the choice never varies between runs. */
enum { WIDTH_FORWARD = 4, WIDTH_WEIGHTS = 8, CHANNELS = 16 };

static bool has_amx(void)
{
    return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_amx) == dnnl_cpu_isa_avx512_core_amx;
}

static bool pays(const NnProgram *p, NnNode x, int64_t width)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    return p->type == dnnl_bf16 && node->W <= width && node->C >= CHANNELS && nn_prog_node(p, node->in[0])->C >= CHANNELS &&
           has_amx();
}

bool nn_unfold_forward(const NnProgram *p, NnNode x) { return pays(p, x, WIDTH_FORWARD); }
bool nn_unfold_weights(const NnProgram *p, NnNode x) { return pays(p, x, WIDTH_WEIGHTS); }

static NnJob geometry(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x), *in = nn_prog_node(p, node->in[0]);
    return (NnJob){.n = p->n,
                   .C = in->C,
                   .H = in->H,
                   .W = in->W,
                   .kernel = node->kernel_h,
                   .stride = node->stride,
                   .pad = node->pad,
                   .out_h = node->H,
                   .out_w = node->W,
                   .rows = p->n * node->H * node->W};
}

/* in [n, H, W, C] -> out [rows, kh, kw, C] */
static BaseStatus unfold_run(NnProgram *p, const NnJob *job)
{
    const uint16_t *in = job->in;
    uint16_t *out = job->out;
    int64_t C = job->C, taps = job->kernel * job->kernel;
    (void)p;
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < job->rows; row++) {
        int64_t ox = row % job->out_w, oy = row / job->out_w % job->out_h, image = row / (job->out_w * job->out_h);
        for (int64_t tap = 0; tap < taps; tap++) {
            int64_t y = oy * job->stride + tap / job->kernel - job->pad;
            int64_t x = ox * job->stride + tap % job->kernel - job->pad;
            uint16_t *to = out + (row * taps + tap) * C;
            if (y < 0 || y >= job->H || x < 0 || x >= job->W)
                memset(to, 0, (size_t)C * sizeof *to);
            else
                memcpy(to, in + ((image * job->H + y) * job->W + x) * C, (size_t)C * sizeof *to);
        }
    }
    return BASE_OK;
}

enum { LANES = 64 };
/* sum[i] += row[i]. One version for each instruction set that matters. */
__attribute__((target_clones("avx512f", "avx2", "default"))) static void add_lanes(float *restrict sum,
                                                                                   const uint16_t *restrict row)
{
    for (int i = 0; i < LANES; i++) sum[i] += nn_bf16_to_f32(row[i]);
}

__attribute__((target_clones("avx512f", "avx2", "default"))) static void round_lanes(uint16_t *restrict out,
                                                                                     const float *restrict sum)
{
    for (int i = 0; i < LANES; i++) out[i] = nn_bf16_from_f32(sum[i]);
}

/* The sum, in float32, over the patches that hold pixel (y, x) of an image, for lanes c to c + width. */
static void fold_pixel(const NnJob *job, int64_t image, int64_t y, int64_t x, int64_t c, int64_t width, uint16_t *out)
{
    const uint16_t *in = job->in;
    float sum[LANES] = {0};
    for (int64_t tap = 0; tap < job->kernel * job->kernel; tap++) {
        int64_t top = y + job->pad - tap / job->kernel, left = x + job->pad - tap % job->kernel;
        if (top < 0 || left < 0 || top % job->stride || left % job->stride) continue;
        int64_t oy = top / job->stride, ox = left / job->stride;
        if (oy >= job->out_h || ox >= job->out_w) continue;
        int64_t row = (image * job->out_h + oy) * job->out_w + ox;
        const uint16_t *from = in + (row * job->kernel * job->kernel + tap) * job->C + c;
        if (width == LANES)
            add_lanes(sum, from);
        else
            for (int64_t i = 0; i < width; i++) sum[i] += nn_bf16_to_f32(from[i]);
    }
    if (width == LANES)
        round_lanes(out, sum);
    else
        for (int64_t i = 0; i < width; i++) out[i] = nn_bf16_from_f32(sum[i]);
}

/* in [rows, kh, kw, C] -> out [n, H, W, C], the transpose of unfold_run */
static BaseStatus fold_run(NnProgram *p, const NnJob *job)
{
    uint16_t *out = job->out;
    (void)p;
#pragma omp parallel for schedule(static)
    for (int64_t pixel = 0; pixel < job->n * job->H * job->W; pixel++) {
        int64_t x = pixel % job->W, y = pixel / job->W % job->H, image = pixel / (job->W * job->H);
        for (int64_t c = 0; c < job->C; c += LANES)
            fold_pixel(job, image, y, x, c, job->C - c < LANES ? job->C - c : LANES, out + pixel * job->C + c);
    }
    return BASE_OK;
}

static bool is_pixelwise(const NnNodeInfo *node) { return node->kernel_h == 1 && node->stride == 1 && node->pad == 0; }

static dnnl_memory_desc_t patches_md(const NnProgram *p, NnNode x)
{
    const NnJob job = geometry(p, x);
    const int64_t dims[4] = {job.rows, job.C, job.kernel, job.kernel};
    return nn_md(p->type, dnnl_nhwc, 4, dims);
}

BaseStatus nn_unfold_source(NnProgram *p, NnSteps *steps, NnNode x, bool pooled, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTensor map = {0};
    NnJob job = geometry(p, x);
    dnnl_memory_desc_t plain = nn_md_map(p, node->in[0], p->type, dnnl_nhwc), patches = patches_md(p, x);
    BASE_TRY(nn_prog_convert(p, steps, node->name, &p->state[node->in[0]].value, &plain, pooled, &map));
    if (is_pixelwise(node)) {
        BASE_TRY(nn_prog_view(p, &map, &patches, out));
        goto out;
    }
    BASE_TRY(nn_prog_tensor(p, &patches, pooled, out));
    job.in = map.buf->data;
    job.out = out->buf->data;
    BASE_TRY(nn_prog_own_step(steps, node->name, unfold_run, job));
out:
    nn_prog_release(&map);
    return st;
}

BaseStatus nn_unfold_rows(NnProgram *p, NnSteps *steps, NnNode x, const NnTensor *map, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTensor typed = {0};
    const int64_t dims[2] = {p->n * node->H * node->W, node->C};
    dnnl_memory_desc_t plain = nn_md_map(p, x, p->type, dnnl_nhwc), rows = nn_md(p->type, dnnl_nc, 2, dims);
    BASE_TRY(nn_prog_convert(p, steps, node->name, map, &plain, true, &typed));
    BASE_TRY(nn_prog_view(p, &typed, &rows, out));
out:
    nn_prog_release(&typed);
    return st;
}

BaseStatus nn_unfold_fold(NnProgram *p, NnNode x, const NnTensor *patches, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnJob job = geometry(p, x);
    dnnl_memory_desc_t plain = nn_md_map(p, node->in[0], p->type, dnnl_nhwc);
    if (is_pixelwise(node)) return nn_prog_view(p, patches, &plain, out);
    BASE_TRY(nn_prog_tensor(p, &plain, true, out));
    job.in = patches->buf->data;
    job.out = out->buf->data;
    BASE_TRY(nn_prog_own_step(&p->backward, node->name, fold_run, job));
out:
    return st;
}
