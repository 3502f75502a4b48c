/* nn/onednn/ops/conv/direct.c - describes a convolution to oneDNN, which then chooses layouts but in one case. */
#include "nn/onednn/ops/conv/conv.h"

#include "base/param.h"
#include "nn/onednn/ops/gradient.h"
#include "nn/onednn/reload.h"

/* What the three directions are told alike. */
typedef struct {
    NnMd src, dst, weight, bias;
} Shape;

static Shape shape_of(NnProgram *p, NnNode x, dnnl_data_type_t weight)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    return (Shape){.src = nn_md_map(p, node->in[0], p->type, dnnl_format_tag_any),
                   .dst = nn_md_map(p, x, p->type, dnnl_format_tag_any),
                   .weight = nn_md_weight(p, x, weight, true),
                   .bias = nn_md_vector(p, node->C)};
}

static NnOp describe(const NnProgram *p, NnNode x, const Shape *s, dnnl_prop_kind_t prop, bool bias)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    return (NnOp){.kind = NN_OP_CONVOLUTION,
                  .prop = prop,
                  .algorithm = dnnl_convolution_direct,
                  .src = &s->src,
                  .weight = &s->weight,
                  .bias = bias ? &s->bias : NULL,
                  .dst = &s->dst,
                  .stride = {node->stride, node->stride},
                  .kernel = {node->kernel_h, node->kernel_w},
                  .pad = {node->pad_h, node->pad_w},
                  .end = {node->pad_h + node->more_h, node->pad_w + node->more_w},
                  .dilation = {node->dilation - 1, node->dilation - 1}}; /* of pixels left out */
}

/* Left to itself oneDNN takes nhwc for float32 inference, where its kernels need 1.5 times as long (VGG-11, AVX-512) as
 * on channels in blocks of 16. */
static NnMd blocked(NnProgram *p, NnNode x, int64_t groups)
{
    int64_t C = nn_prog_node(p, x)->C;
    bool whole = C % 16 == 0 && (groups == C || C / groups % 16 == 0); /* no block of two groups, but for depthwise */
    bool blocks = p->type == dnnl_f32 && whole && nn_isa_has(dnnl_cpu_isa_avx512_core);
    return nn_md_map(p, x, p->type, blocks ? dnnl_nChw16c : dnnl_format_tag_any);
}

BaseStatus nn_direct_forward_pd(NnProgram *p, NnNode x, const NnChain *c, const_dnnl_primitive_desc_t *out)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    Shape s = shape_of(p, x, p->type);
    s.src = blocked(p, node->in[0], node->groups);
    s.dst = blocked(p, x, node->groups);
    NnOp op = describe(p, x, &s, nn_prog_forward(p), node->bias || (c && c->norm >= 0));
    if (c && c->add >= 0) op.post.add = &p->state[c->other].value.md;
    if (c) op.post.function = nn_chain_function(p, c);
    return nn_kit_pd(&p->kit, &op, node->name, out);
}

/* The longest chain that oneDNN runs by one of its fast kernels; what is left out gets a step of its own. */
static BaseStatus choose_chain(NnProgram *p, NnNode x, NnChain *c, const_dnnl_primitive_desc_t *pd)
{
    static const unsigned WITH[] = {NN_CHAIN_ADD | NN_CHAIN_FUNCTION, NN_CHAIN_FUNCTION, 0};
    BaseStatus st = BASE_OK;
    for (size_t i = 0; i < BASE_COUNT(WITH); i++) {
        *c = nn_chain_find(p, x, WITH[i]);
        st = nn_direct_forward_pd(p, x, c, pd);
        if (st == BASE_ENOMEM) break;
        NnMd dst = st == BASE_OK ? nn_pd_md(*pd, dnnl_query_dst_md) : (NnMd){0};
        bool fits = c->add < 0 || nn_md_equal(&dst, &p->state[c->other].value.md);
        if (st == BASE_OK && fits && !nn_pd_is_reference(*pd)) break;
    }
    return st;
}

BaseStatus nn_direct_forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x];
    NnChain c = {0};
    const_dnnl_primitive_desc_t pd = NULL;
    BASE_TRY(choose_chain(p, x, &c, &pd));
    state->pd = pd;
    NnMd dst = nn_pd_md(pd, dnnl_query_dst_md);
    NnMd wanted = nn_pd_md(pd, dnnl_query_weights_md);
    NnTensor weight, bias, *value = &p->state[c.last].value;
    BASE_TRY(nn_prog_convert_for(p, &p->forward, node->name, &p->state[node->in[0]].value, pd, dnnl_query_src_md, false,
                                 &state->src));
    BASE_TRY(nn_reload_weight(p, x, c.norm, &wanted, &weight));
    BASE_TRY(nn_reload_bias(p, x, c.norm, &bias));
    BASE_TRY(nn_prog_tensor(p, &dst, p->reuse, value));
    const NnStepArg args[] = {{DNNL_ARG_SRC, &state->src},
                              {DNNL_ARG_WEIGHTS, &weight},
                              {DNNL_ARG_BIAS, &bias},
                              {DNNL_ARG_DST, value},
                              {NN_ARG_ADDED, c.add >= 0 ? &p->state[c.other].value : NULL},
                              {0}};
    BASE_TRY(nn_prog_step(p, &p->forward, node->name, pd, args));
    nn_chain_finish(p, x, &c);
out:
    return st;
}

BaseStatus nn_direct_weights(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t hint, const NnTensor *src,
                             const NnTensor *g)
{
    BaseStatus st = BASE_OK;
    Shape s = shape_of(p, x, dnnl_f32);
    NnOp op = describe(p, x, &s, dnnl_backward_weights, nn_prog_node(p, x)->bias);
    const_dnnl_primitive_desc_t pd;
    op.hint = hint;
    BASE_TRY(nn_kit_pd(&p->kit, &op, nn_prog_name(p, x), &pd));
    BASE_TRY(nn_gradient_weights_step(p, x, pd, src, g));
out:
    return st;
}

BaseStatus nn_direct_data(NnProgram *p, NnNode x, const_dnnl_primitive_desc_t hint, const NnTensor *g, NnTensor *diff)
{
    BaseStatus st = BASE_OK;
    Shape s = shape_of(p, x, p->type);
    NnOp op = describe(p, x, &s, dnnl_backward_data, false);
    const_dnnl_primitive_desc_t pd;
    op.hint = hint;
    BASE_TRY(nn_kit_pd(&p->kit, &op, nn_prog_name(p, x), &pd));
    BASE_TRY(nn_gradient_data_step(p, x, pd, g, diff));
out:
    return st;
}
