/* nn/onednn/ops/conv/unfold.c - a convolution as one matrix product over unfolded patches, for small maps: oneDNN's AMX
 * convolutions fill their tiles along the output width, so that maps of 4 and 2 pixels leave most of a tile empty (in
 * float32 only the weight gradient at 2x2 suffers), while the product's rows run over images and positions together:
 *
 *   Y [M, K] = X [M, F] W [F, K]      dX = dY W^T      dW^T [K, F] = dY^T X
 *   M = n oh ow,  F = kh kw C, C fastest
 */
#include "nn/onednn/ops/conv/conv.h"

#include "nn/kernels/unfold.h"
#include "nn/onednn/ops/gradient.h"
#include "nn/onednn/reload.h"

/* Measured on one AMX core with 128 images, time of the direct form over that of the product with its patches: forward
 * 3 to 9 and gradients 4 to 12 at 4x4 and 2x2 maps; at 8x8 1 for the former and 2 for the weight gradient; below 1 at
 * 16x16. In float32 (AVX-512, two cores) the direct weight gradient reaches 107 GFLOP/s at 2x2 maps, 250 at 4x4 and 320
 * above, a product 310. A fixed rule, so that the choice never varies between runs. */
enum { WIDTH_FORWARD = 4, WIDTH_WEIGHTS = 8, WIDTH_WEIGHTS_F32 = 2, CHANNELS = 16 };
static const double PATCH_BYTES = 1 << 30; /* of one layer */

static bool is_narrow(const NnProgram *p, NnNode x, int64_t width)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    return node->W <= width && node->C >= CHANNELS && nn_prog_node(p, node->in[0])->C >= CHANNELS;
}

bool nn_unfold_pays(const NnProgram *p, NnNode x, NnPass pass)
{
    if (p->type == dnnl_f32) return pass == NN_PASS_WEIGHTS && is_narrow(p, x, WIDTH_WEIGHTS_F32);
    return nn_isa_has(dnnl_cpu_isa_avx512_core_amx) &&
           is_narrow(p, x, pass == NN_PASS_WEIGHTS ? WIDTH_WEIGHTS : WIDTH_FORWARD);
}

bool nn_unfold_possible(const NnTuningRow *row)
{
    int64_t high = (row->H + 2 * row->pad - row->kernel) / row->stride + 1;
    int64_t wide = (row->W + 2 * row->pad - row->kernel) / row->stride + 1;
    double size = row->precision == NN_BF16 ? 2 : 4;
    return size * (double)row->n * (double)high * (double)wide * (double)(row->kernel * row->kernel) * (double)row->C <=
           PATCH_BYTES;
}

/* ---- patches ---- */

static NnUnfold shape_of(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x), *in = nn_prog_node(p, node->in[0]);
    return (NnUnfold){.n = p->n,
                      .C = in->C,
                      .H = in->H,
                      .W = in->W,
                      .kernel = node->kernel_h,
                      .stride = node->stride,
                      .pad = node->pad_h,
                      .out_h = node->H,
                      .out_w = node->W,
                      .element = (int64_t)dnnl_data_type_size(p->type)};
}

static bool is_pixelwise(const NnNodeInfo *node)
{
    return node->kernel_h == 1 && node->stride == 1 && node->pad_h == 0;
}

/* job: in, out, index = node */
static BaseStatus patches_run(NnProgram *p, const NnJob *job)
{
    const NnUnfold s = shape_of(p, job->index);
    nn_unfold_patches(&s, job->in, job->out);
    return BASE_OK;
}

static BaseStatus fold_run(NnProgram *p, const NnJob *job)
{
    const NnUnfold s = shape_of(p, job->index);
    nn_unfold_fold_patches(&s, job->in, job->out);
    return BASE_OK;
}

/* job: in = rows, index = node */
static BaseStatus bias_run(NnProgram *p, const NnJob *job)
{
    const NnUnfold s = shape_of(p, job->index);
    const NnNodeInfo *node = nn_prog_node(p, job->index);
    nn_unfold_column_sums(s.n * s.out_h * s.out_w, node->C, s.element, job->in,
                          p->grads + nn_prog_param_slice(p, node->bias_slice)->offset);
    return BASE_OK;
}

/* [n * oh * ow, F] */
static NnMd patches_md(NnProgram *p, NnNode x)
{
    const NnUnfold s = shape_of(p, x);
    const int64_t dims[2] = {s.n * s.out_h * s.out_w, s.C * s.kernel * s.kernel};
    return nn_md(&p->kit, p->type, dnnl_ab, 2, dims);
}

/* The patches of the layer's input. */
static BaseStatus source(NnProgram *p, NnSteps *steps, NnNode x, bool pooled, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTensor map = {0};
    NnMd plain = nn_md_map(p, node->in[0], p->type, dnnl_nhwc), patches = patches_md(p, x);
    BASE_TRY(nn_prog_convert(p, steps, node->name, &p->state[node->in[0]].value, &plain, pooled, &map));
    if (is_pixelwise(node)) {
        BASE_TRY(nn_prog_view(p, &map, &patches, out));
        goto out;
    }
    BASE_TRY(nn_prog_tensor(p, &patches, pooled, out));
    NnJob job = {.in = map.buf->data, .out = out->buf->data, .index = x};
    BASE_TRY(nn_prog_own_step(steps, node->name, patches_run, job));
out:
    nn_prog_release(&map);
    return st;
}

/* Its transpose: gradients of patches summed into that of the input. */
static BaseStatus fold(NnProgram *p, NnNode x, const NnTensor *patches, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnMd plain = nn_md_map(p, node->in[0], p->type, dnnl_nhwc);
    if (is_pixelwise(node)) return nn_prog_view(p, patches, &plain, out);
    BASE_TRY(nn_prog_tensor(p, &plain, true, out));
    NnJob job = {.in = patches->buf->data, .out = out->buf->data, .index = x};
    BASE_TRY(nn_prog_own_step(&p->backward, node->name, fold_run, job));
out:
    return st;
}

/* ---- products ---- */

typedef struct {
    NnTensor a, b, c;     /* c = a b + bias (+ other), plain 2-d */
    NnTensor bias, other; /* empty: none */
    NnEltwise function;   /* of the result */
} Product;

/* @p pack: where b is repacked for speed; NULL: taken as it is. */
static BaseStatus product(NnProgram *p, NnSteps *steps, NnNode x, const Product *m, NnSteps *pack)
{
    BaseStatus st = BASE_OK;
    const char *name = nn_prog_name(p, x);
    const int64_t bias_dims[2] = {1, m->c.md.dims[1]};
    NnMd bias_md = nn_md(&p->kit, dnnl_f32, dnnl_ab, 2, bias_dims), b_md = m->b.md;
    NnTensor bias = {0}, b = {0};
    const_dnnl_primitive_desc_t pd;
    if (pack) b_md = nn_md(&p->kit, m->b.md.type, dnnl_format_tag_any, 2, m->b.md.dims);
    NnOp op = {.kind = NN_OP_MATMUL,
               .src = &m->a.md,
               .weight = &b_md,
               .bias = m->bias.mem ? &bias_md : NULL,
               .dst = &m->c.md,
               .post = {.add = m->other.mem ? &m->other.md : NULL, .function = m->function}};
    BASE_TRY(nn_kit_pd(&p->kit, &op, name, &pd));
    BASE_TRY(nn_prog_convert_for(p, pack, name, &m->b, pd, dnnl_query_weights_md, false, &b));
    if (m->bias.mem) BASE_TRY(nn_prog_view(p, &m->bias, &bias_md, &bias));
    const NnStepArg args[] = {{DNNL_ARG_SRC, &m->a}, {DNNL_ARG_WEIGHTS, &b},    {DNNL_ARG_BIAS, &bias},
                              {DNNL_ARG_DST, &m->c}, {NN_ARG_ADDED, &m->other}, {0}};
    BASE_TRY(nn_prog_step(p, steps, name, pd, args));
out:
    nn_prog_release(&b);
    nn_prog_release(&bias);
    return st;
}

/* The same storage seen as the transposed matrix. */
static BaseStatus transposed(NnProgram *p, const NnTensor *from, NnTensor *out)
{
    const int64_t dims[2] = {from->md.dims[1], from->md.dims[0]};
    bool plain = nn_md_last_stride(&from->md) == 1;
    NnMd md = nn_md(&p->kit, from->md.type, plain ? dnnl_ba : dnnl_ab, 2, dims);
    return nn_prog_view(p, from, &md, out);
}

/* The weight as [F, K], stored as [K, F]. */
static BaseStatus weight_matrix(NnProgram *p, NnNode x, NnNode norm, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    NnMd shape = nn_md_weight(p, x, p->type, false);
    NnMd stored = nn_md(&p->kit, p->type, dnnl_acdb, 4, shape.dims);
    const int64_t dims[2] = {patches_md(p, x).dims[1], nn_prog_node(p, x)->C};
    NnMd matrix = nn_md(&p->kit, p->type, dnnl_ba, 2, dims);
    NnTensor weight = {0};
    BASE_TRY(nn_reload_weight(p, x, norm, &stored, &weight));
    BASE_TRY(nn_prog_view(p, &weight, &matrix, out));
out:
    nn_prog_release(&weight);
    return st;
}

/* ---- the three passes ---- */

BaseStatus nn_unfold_forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    NnState *state = &p->state[x];
    NnChain c = nn_chain_find(p, x, NN_CHAIN_ADD | NN_CHAIN_FUNCTION);
    Product m = {.function = nn_chain_function(p, &c)};
    /* in plain eval nothing reads the patches again, and the weights are packed once for many batches */
    bool eval = p->mode == NN_MODE_EVAL;
    NnMd map = nn_md_map(p, x, p->type, dnnl_nhwc);
    BASE_TRY(source(p, &p->forward, x, eval, &state->src));
    if (c.add >= 0) BASE_TRY(nn_prog_rows(p, &p->forward, x, &p->state[c.other].value, true, &m.other));
    BASE_TRY(weight_matrix(p, x, c.norm, &state->weight));
    BASE_TRY(nn_reload_bias(p, x, c.norm, &m.bias));
    BASE_TRY(nn_prog_tensor(p, &map, p->reuse, &p->state[c.last].value));
    BASE_TRY(nn_prog_rows(p, &p->forward, x, &p->state[c.last].value, true, &m.c));
    m.a = state->src;
    m.b = state->weight;
    BASE_TRY(product(p, &p->forward, x, &m, eval ? &p->load : NULL));
    state->unfolded = true;
    if (eval) nn_prog_release(&state->src);
    nn_chain_finish(p, x, &c);
out:
    nn_prog_release(&m.other);
    nn_prog_release(&m.c);
    return st;
}

BaseStatus nn_unfold_weights(NnProgram *p, NnNode x, const NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    const NnState *state = &p->state[x];
    NnTensor patches = {0}, rows = {0}, turned = {0}, sums = {0}, written = {0}, plain = {0};
    BASE_TRY(nn_prog_rows(p, &p->backward, x, g, true, &rows));
    if (state->unfolded) {
        patches = state->src;
        nn_prog_hold(&patches);
    } else {
        BASE_TRY(source(p, &p->backward, x, true, &patches));
    }
    const int64_t dims[2] = {node->C, patches.md.dims[1]};
    NnMd shape = nn_md_weight(p, x, dnnl_f32, false), matrix = nn_md(&p->kit, dnnl_f32, dnnl_ab, 2, dims);
    NnMd stored = nn_md(&p->kit, dnnl_f32, dnnl_acdb, 4, shape.dims);
    if (node->kernel_h == 1) { /* [K, 1, 1, C] is [K, C, 1, 1] */
        BASE_TRY(nn_prog_grad_view(p, &matrix, nn_prog_param_slice(p, node->weight)->offset, &sums));
    } else {
        BASE_TRY(nn_gradient_weight(p, x, &stored, &written, &plain));
        BASE_TRY(nn_prog_view(p, &written, &matrix, &sums));
    }
    BASE_TRY(transposed(p, &rows, &turned));
    Product m = {.a = turned, .b = patches, .c = sums};
    BASE_TRY(product(p, &p->backward, x, &m, NULL));
    NnJob bias = {.in = rows.buf->data, .index = x};
    if (node->bias) BASE_TRY(nn_prog_own_step(&p->backward, node->name, bias_run, bias));
    if (written.mem != plain.mem) BASE_TRY(nn_prog_reorder(p, &p->backward, node->name, &written, &plain));
out:
    nn_prog_release(&patches);
    nn_prog_release(&rows);
    nn_prog_release(&turned);
    nn_prog_release(&sums);
    nn_prog_release(&written);
    return st;
}

BaseStatus nn_unfold_data(NnProgram *p, NnNode x, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    const NnState *state = &p->state[x];
    NnTensor weight, patches = {0}, rows = {0}, turned = {0};
    NnMd md = patches_md(p, x);
    if (state->unfolded)
        weight = state->weight;
    else
        BASE_TRY(weight_matrix(p, x, -1, &weight));
    BASE_TRY(nn_prog_rows(p, &p->backward, x, g, true, &rows));
    BASE_TRY(transposed(p, &weight, &turned));
    BASE_TRY(nn_prog_tensor(p, &md, true, &patches));
    Product m = {.a = rows, .b = turned, .c = patches};
    BASE_TRY(product(p, &p->backward, x, &m, NULL));
    BASE_TRY(fold(p, x, &patches, diff));
out:
    nn_prog_release(&patches);
    nn_prog_release(&rows);
    nn_prog_release(&turned);
    return st;
}
