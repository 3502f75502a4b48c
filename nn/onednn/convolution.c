/* Which algorithm runs a convolution, and those that oneDNN runs itself: directly, or in float32 on AVX-512 by
 * Winograd's algorithm F(4x4, 3x3), which needs 36 multiplications where the direct form needs 144. Its transforms add
 * and scale by up to 8, which costs digits: measured against the direct form, 4e-6 of the largest entry at most in
 * outputs and data gradients, 1.5e-5 in weight gradients (sums over 131072 positions). */
#include "math/threads.h"
#include "nn/onednn/program.h"

/* Measured with 128 images on one AVX-512 core, direct GFLOP/s against Winograd's: 140 to 185 against 300 to 400 for 64
 * to 512 channels at maps of 4x4 to 32x32, in all three directions; half as fast at 2x2, where a tile is mostly empty,
 * and an eighth with 3 input channels. The transformed weights are made again in each pass: with few tiles they would
 * cost more than is won. A fixed rule, so that the choice never varies between runs. */
enum { TILE = 4, CHANNELS = 64, TILES = 64 };
static const int64_t WORKSPACE = (int64_t)512 << 20; /* bytes; what the transformed maps may need */

static bool winograd_pays(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x), *in = nn_prog_node(p, node->in[0]);
    if (!nn_has_avx512()) return nn_winograd_pays(p, x);
    if (p->type != dnnl_f32) return false;
    if (node->kernel_h != 3 || node->kernel_w != 3 || node->stride != 1 || node->pad != 1) return false;
    if (node->C < CHANNELS || in->C < CHANNELS || node->C % 16 || in->C % 16) return false;
    int64_t tiles = ((node->H + TILE - 1) / TILE) * ((node->W + TILE - 1) / TILE);
    return p->n * tiles >= TILES && 2 * tiles * TILE * TILE <= 3 * node->H * node->W;
}

NnPass nn_conv_forward_pass(const NnProgram *p) { return p->mode == NN_MODE_EVAL ? NN_PASS_INFER : NN_PASS_FORWARD; }

NnTuningRow nn_conv_row(const NnProgram *p, NnNode x, NnPass pass)
{
    const NnNodeInfo *node = nn_prog_node(p, x), *in = nn_prog_node(p, node->in[0]);
    return (NnTuningRow){.isa = nn_tuning_isa(),
                         .threads = math_threads_get(),
                         .precision = p->type == dnnl_bf16 ? NN_BF16 : NN_F32,
                         .pass = pass,
                         .n = p->n,
                         .C = in->C,
                         .H = in->H,
                         .W = in->W,
                         .K = node->C,
                         .kernel = node->kernel_h,
                         .stride = node->stride,
                         .pad = node->pad};
}

NnConvAlgorithm nn_conv_algorithm(const NnProgram *p, NnNode x, NnPass pass, NnConvAlgorithm *rule)
{
    const NnTuning *tuning = nn_net_tuning(p->net);
    NnTuningRow row = nn_conv_row(p, x, pass);
    bool winograd = winograd_pays(p, x);
    NnConvAlgorithm fixed = nn_unfold_pays(p, x, pass) && !(winograd && !nn_has_avx512()) ? NN_CONV_UNFOLD
                            : winograd                                                    ? NN_CONV_WINOGRAD
                                                                                          : NN_CONV_DIRECT;
    if (rule) *rule = fixed;
    /* a table made for fewer images may name what these would need too much memory for */
    if (!tuning || !nn_tuning_find(tuning, &row, &row.algorithm)) return fixed;
    return row.algorithm != NN_CONV_UNFOLD || nn_unfold_possible(&row) ? row.algorithm : fixed;
}

void nn_conv_geometry(const NnNodeInfo *node, dnnl_dims_t stride, dnnl_dims_t kernel, dnnl_dims_t pad)
{
    stride[0] = stride[1] = node->stride;
    kernel[0] = node->kernel_h;
    kernel[1] = node->kernel_w;
    pad[0] = pad[1] = node->pad;
}

/* What the three directions are told alike. */
typedef struct {
    dnnl_memory_desc_t src, dst, weight, bias;
    const dnnl_memory_desc_t *with_bias; /* NULL: none */
    dnnl_dims_t stride, kernel, pad;
} Shape;

static Shape shape_of(const NnProgram *p, NnNode x, dnnl_data_type_t weight)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    Shape s = {.src = nn_md_map(p, node->in[0], p->type, dnnl_format_tag_any),
               .dst = nn_md_map(p, x, p->type, dnnl_format_tag_any),
               .weight = nn_md_weight(p, x, weight, true),
               .bias = nn_md(dnnl_f32, dnnl_x, 1, &node->C)};
    nn_conv_geometry(node, s.stride, s.kernel, s.pad);
    return s;
}

typedef dnnl_status_t (*Describe)(bool eval, const Shape *s, dnnl_alg_kind_t algorithm, dnnl_convolution_desc_t *out);

static dnnl_status_t describe_forward(bool eval, const Shape *s, dnnl_alg_kind_t algorithm,
                                      dnnl_convolution_desc_t *out)
{
    /* asked for inference, Winograd wants its weights transformed by a reorder 40 times as slow as its own pass, which
     * would cost more at each change of the weights than twenty batches save */
    bool inference = eval && algorithm == dnnl_convolution_direct;
    dnnl_prop_kind_t kind = inference ? dnnl_forward_inference : dnnl_forward_training;
    return dnnl_convolution_forward_desc_init(out, kind, algorithm, &s->src, &s->weight, s->with_bias, &s->dst,
                                              s->stride, s->pad, s->pad);
}

static dnnl_status_t describe_data(bool eval, const Shape *s, dnnl_alg_kind_t algorithm, dnnl_convolution_desc_t *out)
{
    (void)eval;
    return dnnl_convolution_backward_data_desc_init(out, algorithm, &s->src, &s->weight, &s->dst, s->stride, s->pad,
                                                    s->pad);
}

static dnnl_status_t describe_weights(bool eval, const Shape *s, dnnl_alg_kind_t algorithm,
                                      dnnl_convolution_desc_t *out)
{
    (void)eval;
    return dnnl_convolution_backward_weights_desc_init(out, algorithm, &s->src, &s->weight, s->with_bias, &s->dst,
                                                       s->stride, s->pad, s->pad);
}

static bool fits(const_dnnl_primitive_desc_t pd)
{
    int64_t bytes = 0;
    return dnnl_primitive_desc_query(pd, dnnl_query_memory_consumption_s64, 0, &bytes) == dnnl_success &&
           bytes <= WORKSPACE;
}

static BaseStatus choose(NnProgram *p, NnNode x, NnPass pass, const Shape *s, Describe describe,
                         const_dnnl_primitive_attr_t attr, const_dnnl_primitive_desc_t hint,
                         const_dnnl_primitive_desc_t *out)
{
    BaseStatus st = BASE_OK;
    const char *name = nn_prog_name(p, x);
    dnnl_convolution_desc_t desc;
    if (nn_has_avx512() && nn_conv_algorithm(p, x, pass, NULL) == NN_CONV_WINOGRAD &&
        describe(p->mode == NN_MODE_EVAL, s, dnnl_convolution_winograd, &desc) == dnnl_success &&
        nn_prog_pd(p, &desc, attr, hint, name, out) == BASE_OK && fits(*out)) {
        p->state[x].used[pass] = 1 + NN_CONV_WINOGRAD;
        return BASE_OK;
    }
    p->state[x].used[pass] = 1 + NN_CONV_DIRECT;
    NN_DNNL(describe(p->mode == NN_MODE_EVAL, s, dnnl_convolution_direct, &desc), "the convolution", name);
    BASE_TRY(nn_prog_pd(p, &desc, attr, hint, name, out));
out:
    return st;
}

bool nn_conv_winograd_possible(const NnTuningRow *row)
{
    static const Describe DESCRIBE[NN_PASSES] = {describe_forward, describe_forward, describe_data, describe_weights};
    const int64_t high = row->H + 2 * row->pad - 2, wide = row->W + 2 * row->pad - 2;
    const int64_t src[4] = {row->n, row->C, row->H, row->W}, dst[4] = {row->n, row->K, high, wide};
    const int64_t weight[4] = {row->K, row->C, 3, 3};
    Shape s = {.src = nn_md(dnnl_f32, dnnl_format_tag_any, 4, src),
               .dst = nn_md(dnnl_f32, dnnl_format_tag_any, 4, dst),
               .weight = nn_md(dnnl_f32, dnnl_format_tag_any, 4, weight),
               .stride = {1, 1},
               .kernel = {3, 3},
               .pad = {row->pad, row->pad}};
    dnnl_engine_t engine = NULL;
    dnnl_primitive_desc_t hint = NULL, pd = NULL;
    dnnl_convolution_desc_t desc;
    bool forward = row->pass <= NN_PASS_FORWARD;
    bool possible = dnnl_engine_create(&engine, dnnl_cpu, 0) == dnnl_success;
    if (possible && !forward)
        possible = describe_forward(false, &s, dnnl_convolution_direct, &desc) == dnnl_success &&
                   dnnl_primitive_desc_create(&hint, &desc, NULL, engine, NULL) == dnnl_success;
    possible = possible && DESCRIBE[row->pass](false, &s, dnnl_convolution_winograd, &desc) == dnnl_success &&
               dnnl_primitive_desc_create(&pd, &desc, NULL, engine, hint) == dnnl_success && fits(pd);
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (hint) dnnl_primitive_desc_destroy(hint);
    if (engine) dnnl_engine_destroy(engine);
    return possible;
}

/* Left to itself oneDNN takes nhwc for float32 inference, where its kernels need 1.5 times as long (VGG-11, AVX-512) as
 * on channels in blocks of 16. */
static dnnl_memory_desc_t blocked(const NnProgram *p, NnNode x)
{
    bool blocks = p->type == dnnl_f32 && nn_prog_node(p, x)->C % 16 == 0 && nn_has_avx512();
    return nn_md_map(p, x, p->type, blocks ? dnnl_nChw16c : dnnl_format_tag_any);
}

BaseStatus nn_conv_forward_pd(NnProgram *p, NnNode x, bool bias, const_dnnl_primitive_attr_t attr,
                              const_dnnl_primitive_desc_t *out)
{
    Shape s = shape_of(p, x, p->type);
    s.src = blocked(p, nn_prog_node(p, x)->in[0]);
    s.dst = blocked(p, x);
    s.with_bias = bias ? &s.bias : NULL;
    return choose(p, x, nn_conv_forward_pass(p), &s, describe_forward, attr, NULL, out);
}

BaseStatus nn_conv_data_pd(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t hint, const_dnnl_primitive_desc_t *out)
{
    Shape s = shape_of(p, x, p->type);
    return choose(p, x, NN_PASS_DATA, &s, describe_data, NULL, hint, out);
}

BaseStatus nn_conv_weights_pd(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t hint,
                              const_dnnl_primitive_desc_t *out)
{
    Shape s = shape_of(p, x, dnnl_f32);
    s.with_bias = nn_prog_node(p, x)->bias ? &s.bias : NULL;
    return choose(p, x, NN_PASS_WEIGHTS, &s, describe_weights, NULL, hint, out);
}
