/* nn/onednn/ops/conv/winograd.c - Winograd's convolution (nn/kernels/winograd.h) as steps: 3x3 kernels of stride 1 in
 * float32, on maps in oneDNN's blocks of 16 channels with AVX-512, of 8 without. oneDNN's own, for AVX-512 only, was
 * slower in every shape and pass but one, where it was as fast: 128 images, 64 to 512 channels, maps of 32 to 4 pixels,
 * one Zen 5 core: 1.0 to 1.4 times its speed forward, 1.0 to 1.7 in data gradients, 1.1 to 1.8 in weight gradients. */
#include "nn/onednn/ops/conv/conv.h"

#include <string.h>

#include "math/threads.h"
#include "nn/onednn/reload.h"

/* where it pays; the transformed weights are made again in each pass and want some tiles to serve */
enum { TILES = 32, CHANNELS = 32, WIDEST = 4096, TAPS = 9 };

static int sgemm(bool transpose_a, bool transpose_b, int64_t rows, int64_t columns, int64_t inner, const float *a,
                 int64_t lda, const float *b, int64_t ldb, bool add, float *c)
{
    return (int)dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', rows, columns, inner, 1, a, lda, b, ldb,
                           add ? 1 : 0, c, columns);
}

static int64_t lanes(void) { return nn_isa_has(dnnl_cpu_isa_avx512_core) ? 16 : 8; }

/* ---- what the steps run; all of them read winograd ---- */

/* job: in [K, C, 3, 3] of the layer; out: U; count: turned by 180 degrees */
static BaseStatus weights_run(NnProgram *p, const NnJob *job)
{
    (void)p;
    nn_winograd_transform(&job->winograd, job->in, job->count, job->out);
    return BASE_OK;
}

/* job: in: x; weight: U, with count turned; bias and in2 (what is added) or NULL; relu; out: y; aux: working storage */
static BaseStatus forward_run(NnProgram *p, const NnJob *job)
{
    (void)p;
    int worst = nn_winograd_convolve(&job->winograd, job->in, job->weight, job->count, job->bias, job->in2, job->relu,
                                     job->aux, job->out);
    return nn_dnnl_status((dnnl_status_t)worst, "the products", "a convolution");
}

/* job: in: x; in2: dY; out: dU; aux: as above */
static BaseStatus weights_sum_run(NnProgram *p, const NnJob *job)
{
    (void)p;
    int worst = nn_winograd_correlate(&job->winograd, job->in, job->in2, job->aux, job->out);
    return nn_dnnl_status((dnnl_status_t)worst, "the products", "a convolution");
}

/* job: in: dU; count: where dW lies in the gradient block */
static BaseStatus weight_gradients_run(NnProgram *p, const NnJob *job)
{
    nn_winograd_weight_gradient(&job->winograd, job->in, p->grads + job->count);
    return BASE_OK;
}

/* job: in: dY; count: where db lies in the gradient block */
static BaseStatus bias_run(NnProgram *p, const NnJob *job)
{
    nn_winograd_bias_gradient(&job->winograd, job->in, p->grads + job->count);
    return BASE_OK;
}

/* ---- where it runs, and its steps ---- */

static NnWinograd geometry(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x), *in = nn_prog_node(p, node->in[0]);
    return (NnWinograd){.n = p->n,
                        .C = in->C,
                        .H = in->H,
                        .W = in->W,
                        .K = node->C,
                        .pad = node->pad_h,
                        .tile = nn_winograd_tile(node->H, node->W),
                        .lanes = lanes(),
                        .threads = math_threads_get(),
                        .product = sgemm};
}

bool nn_winograd_pays(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTuningRow row = nn_conv_row(p, x, NN_PASS_FORWARD);
    /* measured on x86-64 alone */
    if (p->type != dnnl_f32 || !nn_isa_has(dnnl_cpu_isa_sse41) || !nn_winograd_possible(&row)) return false;
    NnWinograd g = geometry(p, x);
    int64_t tiles = nn_winograd_tiles(&g);
    return g.C >= CHANNELS && g.K >= CHANNELS && tiles >= TILES &&
           2 * nn_winograd_area(g.tile) * tiles <= TAPS * g.n * node->H * node->W;
}

bool nn_winograd_possible(const NnTuningRow *row)
{
    int64_t block = strncmp(row->isa, "avx512_core", strlen("avx512_core")) == 0 ? 16 : 8;
    return row->precision == NN_F32 && row->kernel == 3 && row->stride == 1 && row->pad <= 1 && row->C % block == 0 &&
           row->K % block == 0 && row->C <= WIDEST && row->K <= WIDEST;
}

static BaseStatus floats(NnProgram *p, int64_t count, bool pooled, NnTensor *out)
{
    NnMd md = nn_md_vector(p, count);
    return nn_prog_tensor(p, &md, pooled, out);
}

static NnMd map_md(NnProgram *p, NnNode x)
{
    return nn_md_map(p, x, dnnl_f32, lanes() == 16 ? dnnl_nChw16c : dnnl_nChw8c);
}

/* U of the layer's weight for @p g, renewed whenever it is loaded. */
static BaseStatus transformed_weight(NnProgram *p, NnNode x, NnNode norm, const NnWinograd *g, bool turned,
                                     NnTensor *out)
{
    BaseStatus st = BASE_OK;
    NnMd plain = nn_md_weight(p, x, dnnl_f32, false);
    NnTensor weight = {0};
    float *from;
    NnJob job = {.winograd = *g};
    BASE_TRY(nn_reload_weight(p, x, norm, &plain, &weight));
    BASE_TRY(nn_prog_data(&weight, &from));
    BASE_TRY(floats(p, nn_winograd_weight_size(g), false, out));
    job.count = turned;
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
    NnWinograd g = geometry(p, x);
    NnJob job = {.winograd = g};
    float *bias_data, *other_data, *from;
    BASE_TRY(transformed_weight(p, x, norm, &g, false, &weight));
    BASE_TRY(nn_reload_bias(p, x, norm, &bias));
    BASE_TRY(floats(p, nn_winograd_work_size(&g), true, &storage));
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
    NnChain c = nn_chain_find(p, x, NN_CHAIN_ADD);
    BASE_TRY(nn_prog_convert(p, &p->forward, nn_prog_name(p, x), &p->state[from].value, &in, false, src));
    if (c.add >= 0)
        BASE_TRY(nn_prog_convert(p, &p->forward, nn_prog_name(p, x), &p->state[c.other].value, &out, true, &other));
    NnTensor *dst = &p->state[c.last].value;
    BASE_TRY(nn_prog_tensor(p, &out, p->reuse, dst));
    BASE_TRY(forward_step(p, x, c.norm, src, &other, c.function >= 0, dst));
    nn_chain_finish(p, x, &c);
out:
    nn_prog_release(&other);
    return st;
}

BaseStatus nn_winograd_data(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    NnWinograd layer = geometry(p, x), turned = nn_winograd_turned(&layer);
    NnMd in = map_md(p, x), out = map_md(p, nn_prog_node(p, x)->in[0]);
    NnTensor weight, map = {0}, storage = {0};
    NnJob job = {.winograd = turned};
    BASE_TRY(nn_prog_convert(p, &p->backward, nn_prog_name(p, x), g, &in, true, &map));
    BASE_TRY(transformed_weight(p, x, -1, &turned, true, &weight));
    BASE_TRY(nn_prog_tensor(p, &out, true, diff));
    BASE_TRY(floats(p, nn_winograd_work_size(&turned), true, &storage));
    job.count = true;
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
    NnWinograd shape = geometry(p, x);
    NnJob job = {.winograd = shape}, end = job;
    float *from;
    BASE_TRY(nn_prog_convert(p, &p->backward, node->name, src, &in, true, &map));
    BASE_TRY(nn_prog_convert(p, &p->backward, node->name, g, &out, true, &diff));
    BASE_TRY(floats(p, nn_winograd_weight_size(&shape), true, &sums));
    BASE_TRY(floats(p, nn_winograd_work_size(&shape), true, &storage));
    BASE_TRY(nn_prog_data(&map, &from));
    job.in = from;
    job.in2 = diff.buf->data;
    job.out = sums.buf->data;
    job.aux = storage.buf->data;
    BASE_TRY(nn_prog_own_step(&p->backward, node->name, weights_sum_run, job));
    end.in = sums.buf->data;
    end.count = nn_prog_param_slice(p, node->weight)->offset;
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
