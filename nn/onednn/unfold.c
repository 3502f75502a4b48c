/* A convolution as one matrix product over unfolded patches, for small maps: oneDNN's AMX convolutions fill their tiles
 * along the output width, so that maps of 4 and 2 pixels leave most of a tile empty (in float32 only the weight
 * gradient at 2x2 suffers), while the product's rows run over images and positions together: Y [M, K] = X [M, F] W [F,
 * K]      dX = dY W^T      dW^T [K, F] = dY^T X M = n oh ow,  F = kh kw C, C fastest */
#include <string.h>

#include "nn/onednn/program.h"

/* Measured on one AMX core with 128 images, time of the direct form over that of the product with its patches: forward
 * 3 to 9 and gradients 4 to 12 at 4x4 and 2x2 maps; at 8x8 1 for the former and 2 for the weight gradient; below 1 at
 * 16x16. In float32 (AVX-512, two cores) the direct weight gradient reaches 107 GFLOP/s at 2x2 maps, 250 at 4x4 and 320
 * above, a product 310. A fixed rule, so that the choice never varies between runs. */
enum { WIDTH_FORWARD = 4, WIDTH_WEIGHTS = 8, WIDTH_WEIGHTS_F32 = 2, CHANNELS = 16 };
static const double PATCH_BYTES = 1 << 30; /* of one layer */

static bool has_amx(void)
{
    return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_amx) == dnnl_cpu_isa_avx512_core_amx;
}

static bool pays(const NnProgram *p, NnNode x, int64_t width)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    return node->W <= width && node->C >= CHANNELS && nn_prog_node(p, node->in[0])->C >= CHANNELS;
}

bool nn_unfold_pays(const NnProgram *p, NnNode x, NnPass pass)
{
    if (p->type == dnnl_f32) return pass == NN_PASS_WEIGHTS && pays(p, x, WIDTH_WEIGHTS_F32);
    return has_amx() && pays(p, x, pass == NN_PASS_WEIGHTS ? WIDTH_WEIGHTS : WIDTH_FORWARD);
}

bool nn_unfold_possible(const NnTuningRow *row)
{
    int64_t high = (row->H + 2 * row->pad - row->kernel) / row->stride + 1;
    int64_t wide = (row->W + 2 * row->pad - row->kernel) / row->stride + 1;
    double size = row->precision == NN_BF16 ? 2 : 4;
    return size * (double)row->n * (double)high * (double)wide * (double)(row->kernel * row->kernel) * (double)row->C <=
           PATCH_BYTES;
}

static NnJob geometry(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x), *in = nn_prog_node(p, node->in[0]);
    return (NnJob){.n = p->n,
                   .element = (int64_t)dnnl_data_type_size(p->type),
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
    const uint8_t *in = job->in;
    uint8_t *out = job->out;
    int64_t run = job->C * job->element, taps = job->kernel * job->kernel; /* run: bytes of a pixel */
    (void)p;
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < job->rows; row++) {
        int64_t ox = row % job->out_w, oy = row / job->out_w % job->out_h, image = row / (job->out_w * job->out_h);
        for (int64_t tap = 0; tap < taps; tap++) {
            int64_t y = oy * job->stride + tap / job->kernel - job->pad;
            int64_t x = ox * job->stride + tap % job->kernel - job->pad;
            uint8_t *to = out + (row * taps + tap) * run;
            if (y < 0 || y >= job->H || x < 0 || x >= job->W)
                memset(to, 0, (size_t)run);
            else
                memcpy(to, in + ((image * job->H + y) * job->W + x) * run, (size_t)run);
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
static void fold_pixel(const NnJob *job, int64_t image, int64_t y, int64_t x, int64_t c, int64_t width, void *out)
{
    float sum[LANES] = {0};
    for (int64_t tap = 0; tap < job->kernel * job->kernel; tap++) {
        int64_t top = y + job->pad - tap / job->kernel, left = x + job->pad - tap % job->kernel;
        if (top < 0 || left < 0 || top % job->stride || left % job->stride) continue;
        int64_t oy = top / job->stride, ox = left / job->stride;
        if (oy >= job->out_h || ox >= job->out_w) continue;
        int64_t row = (image * job->out_h + oy) * job->out_w + ox;
        const uint8_t *from =
            (const uint8_t *)job->in + ((row * job->kernel * job->kernel + tap) * job->C + c) * job->element;
        if (job->element == sizeof *sum)
            for (int64_t i = 0; i < width; i++) sum[i] += ((const float *)(const void *)from)[i];
        else if (width == LANES)
            add_lanes(sum, (const uint16_t *)(const void *)from);
        else
            for (int64_t i = 0; i < width; i++) sum[i] += nn_bf16_to_f32(((const uint16_t *)(const void *)from)[i]);
    }
    if (job->element == sizeof *sum)
        memcpy(out, sum, (size_t)width * sizeof *sum);
    else if (width == LANES)
        round_lanes(out, sum);
    else
        for (int64_t i = 0; i < width; i++) ((uint16_t *)out)[i] = nn_bf16_from_f32(sum[i]);
}

/* in [rows, kh, kw, C] -> out [n, H, W, C], the transpose of unfold_run */
static BaseStatus fold_run(NnProgram *p, const NnJob *job)
{
    uint8_t *out = job->out;
    (void)p;
#pragma omp parallel for schedule(static)
    for (int64_t pixel = 0; pixel < job->n * job->H * job->W; pixel++) {
        int64_t x = pixel % job->W, y = pixel / job->W % job->H, image = pixel / (job->W * job->H);
        for (int64_t c = 0; c < job->C; c += LANES)
            fold_pixel(job, image, y, x, c, job->C - c < LANES ? job->C - c : LANES,
                       out + (pixel * job->C + c) * job->element);
    }
    return BASE_OK;
}

static bool is_pixelwise(const NnNodeInfo *node) { return node->kernel_h == 1 && node->stride == 1 && node->pad == 0; }

dnnl_memory_desc_t nn_unfold_md(const NnProgram *p, NnNode x)
{
    const NnJob job = geometry(p, x);
    const int64_t dims[2] = {job.rows, job.C * job.kernel * job.kernel};
    return nn_md(p->type, dnnl_ab, 2, dims);
}

BaseStatus nn_unfold_source(NnProgram *p, NnSteps *steps, NnNode x, bool pooled, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTensor map = {0};
    NnJob job = geometry(p, x);
    dnnl_memory_desc_t plain = nn_md_map(p, node->in[0], p->type, dnnl_nhwc), patches = nn_unfold_md(p, x);
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

BaseStatus nn_unfold_transposed(NnProgram *p, const NnTensor *from, NnTensor *out)
{
    const int64_t dims[2] = {from->md.dims[1], from->md.dims[0]};
    bool plain = from->md.format_desc.blocking.strides[1] == 1;
    dnnl_memory_desc_t md = nn_md(from->md.data_type, plain ? dnnl_ba : dnnl_ab, 2, dims);
    return nn_prog_view(p, from, &md, out);
}

BaseStatus nn_unfold_weight(NnProgram *p, NnNode x, NnNode norm, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    dnnl_memory_desc_t shape = nn_md_weight(p, x, p->type, false), stored = nn_md(p->type, dnnl_acdb, 4, shape.dims);
    const int64_t dims[2] = {nn_unfold_md(p, x).dims[1], node->C};
    dnnl_memory_desc_t matrix = nn_md(p->type, dnnl_ba, 2, dims);
    NnTensor weight = {0};
    BASE_TRY(nn_reload_weight(p, x, norm, &stored, &weight));
    BASE_TRY(nn_prog_view(p, &weight, &matrix, out));
out:
    nn_prog_release(&weight);
    return st;
}

BaseStatus nn_unfold_product(NnProgram *p, NnSteps *steps, NnNode x, const NnMatmul *m, NnSteps *pack)
{
    BaseStatus st = BASE_OK;
    const char *name = nn_prog_name(p, x);
    const int64_t bias_dims[2] = {1, m->c.md.dims[1]};
    dnnl_memory_desc_t bias_md = nn_md(dnnl_f32, dnnl_ab, 2, bias_dims), b_md = m->b.md;
    NnTensor bias = {0}, b = {0};
    dnnl_matmul_desc_t desc;
    const_dnnl_primitive_desc_t pd;
    if (pack) b_md = nn_md(m->b.md.data_type, dnnl_format_tag_any, 2, m->b.md.dims);
    NN_DNNL(dnnl_matmul_desc_init(&desc, &m->a.md, &b_md, m->bias.mem ? &bias_md : NULL, &m->c.md), "the product",
            name);
    BASE_TRY(nn_prog_pd(p, &desc, m->attr, NULL, name, &pd));
    BASE_TRY(nn_prog_convert(p, pack, name, &m->b, nn_pd_md(pd, dnnl_query_weights_md), false, &b));
    if (m->bias.mem) BASE_TRY(nn_prog_view(p, &m->bias, &bias_md, &bias));
    NnStep *step;
    BASE_TRY(nn_prog_step(p, steps, name, pd, &step));
    nn_step_arg(step, DNNL_ARG_SRC, &m->a);
    nn_step_arg(step, DNNL_ARG_WEIGHTS, &b);
    nn_step_arg(step, DNNL_ARG_BIAS, &bias);
    nn_step_arg(step, DNNL_ARG_DST, &m->c);
    nn_step_arg(step, DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, &m->other);
out:
    nn_prog_release(&b);
    nn_prog_release(&bias);
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

enum { CHUNK = 256 };
/* in [rows, C] float32 -> the gradient block at count, [C] */
static BaseStatus bias_run_f32(NnProgram *p, const NnJob *job)
{
    const float *in = job->in;
    float *out = p->grads + job->count;
#pragma omp parallel for schedule(static)
    for (int64_t c = 0; c < job->C; c++) {
        double sum = 0;
        for (int64_t row = 0; row < job->rows; row++) sum += (double)in[row * job->C + c];
        out[c] = (float)sum;
    }
    return BASE_OK;
}

/* The same from bf16: float32 within a chunk of rows, double over chunks */
static BaseStatus bias_run(NnProgram *p, const NnJob *job)
{
    const uint16_t *in = job->in;
    float *out = p->grads + job->count;
#pragma omp parallel for schedule(static)
    for (int64_t c = 0; c < job->C; c += LANES) {
        double total[LANES] = {0};
        int64_t width = job->C - c < LANES ? job->C - c : LANES;
        for (int64_t first = 0; first < job->rows; first += CHUNK) {
            float sum[LANES] = {0};
            int64_t end = first + CHUNK < job->rows ? first + CHUNK : job->rows;
            for (int64_t row = first; row < end; row++) {
                const uint16_t *from = in + row * job->C + c;
                if (width == LANES)
                    add_lanes(sum, from);
                else
                    for (int64_t i = 0; i < width; i++) sum[i] += nn_bf16_to_f32(from[i]);
            }
            for (int64_t i = 0; i < width; i++) total[i] += sum[i];
        }
        for (int64_t i = 0; i < width; i++) out[c + i] = (float)total[i];
    }
    return BASE_OK;
}

BaseStatus nn_unfold_bias(NnProgram *p, NnNode x, const NnTensor *rows)
{
    int count;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnJob job = {.in = rows->buf->data,
                 .rows = rows->md.dims[0],
                 .C = node->C,
                 .count = nn_net_param_slices(p->net, &count)[node->bias_slice].offset};
    return nn_prog_own_step(&p->backward, node->name, p->type == dnnl_f32 ? bias_run_f32 : bias_run, job);
}
