/* nn/onednn/ops/linear.c - linear layers, y = x W^T + b: of vectors, or of every token or pixel by itself. */
#include "nn/onednn/ops/chain.h"
#include "nn/onednn/ops/gradient.h"
#include "nn/onednn/ops/ops.h"
#include "nn/onednn/reload.h"

static NnMd rows_md(NnProgram *p, NnNode x, NnNode of, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    const int64_t dims[2] = {p->n * node->H * node->W, nn_prog_node(p, of)->C};
    return nn_md(&p->kit, type, tag, 2, dims);
}

/* Whether oneDNN chooses how the weights lie. Many rows in float32: its product of plain ones is faster (ViT-B/16, Zen 5,
 * oneDNN 2.6), and they need no copy. */
static bool any_layout(const NnProgram *p, NnNode x)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    return p->type != dnnl_f32 || node->H * node->W == 1;
}

static BaseStatus forward_pd(NnProgram *p, NnNode x, const NnChain *c, const_dnnl_primitive_desc_t *out)
{
    const NnNodeInfo *node = nn_prog_node(p, x);
    /* logits leave in float32, so that bf16 does not round them */
    dnnl_data_type_t out_type = c->last == nn_net_output(p->net) ? dnnl_f32 : p->type;
    NnMd src = rows_md(p, x, node->in[0], p->type, dnnl_format_tag_any), dst = rows_md(p, x, x, out_type, dnnl_nc);
    NnMd weight = nn_md_weight(p, x, p->type, any_layout(p, x)), bias = nn_md_vector(p, node->C);
    NnMd added = rows_md(p, x, x, p->type, dnnl_nc);
    NnOp op = {.kind = NN_OP_INNER_PRODUCT,
               .prop = nn_prog_forward(p),
               .src = &src,
               .weight = &weight,
               .bias = node->bias || c->norm >= 0 ? &bias : NULL,
               .dst = &dst,
               .post = {.add = c->add >= 0 ? &added : NULL, .function = nn_chain_function(p, c)}};
    return nn_kit_pd(&p->kit, &op, node->name, out);
}

/* With what follows, if oneDNN runs that by one of its fast kernels, block by block. After a plain product it would be a
 * pass of its own, no faster than a step. */
static BaseStatus choose_chain(NnProgram *p, NnNode x, NnChain *c, const_dnnl_primitive_desc_t *pd)
{
    *c = nn_chain_find(p, x, any_layout(p, x) ? NN_CHAIN_ADD | NN_CHAIN_FUNCTION : 0);
    BaseStatus st = forward_pd(p, x, c, pd);
    if (st == BASE_ENOMEM || (st == BASE_OK && !nn_pd_is_reference(*pd))) return st;
    *c = nn_chain_find(p, x, 0);
    return forward_pd(p, x, c, pd);
}

static BaseStatus forward(NnProgram *p, NnNode x)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnState *state = &p->state[x];
    NnChain c = {0};
    NnTensor flat = {0}, weight, bias, dst = {0}, other = {0};
    BASE_TRY(choose_chain(p, x, &c, &state->pd));
    NnMd wanted = nn_pd_md(state->pd, dnnl_query_weights_md), rows = nn_pd_md(state->pd, dnnl_query_dst_md);
    NnMd map = nn_md_map(p, x, rows.type, dnnl_nhwc);
    BASE_TRY(nn_prog_vector(p, &p->forward, node->name, &p->state[node->in[0]].value, false, &flat));
    BASE_TRY(nn_prog_convert_for(p, &p->forward, node->name, &flat, state->pd, dnnl_query_src_md, false, &state->src));
    BASE_TRY(nn_reload_weight(p, x, c.norm, &wanted, &weight));
    BASE_TRY(nn_reload_bias(p, x, c.norm, &bias));
    if (c.add >= 0) BASE_TRY(nn_prog_rows(p, &p->forward, x, &p->state[c.other].value, p->reuse, &other));
    BASE_TRY(nn_prog_tensor(p, &map, p->reuse, &p->state[c.last].value));
    BASE_TRY(nn_prog_view(p, &p->state[c.last].value, &rows, &dst));
    const NnStepArg args[] = {{DNNL_ARG_SRC, &state->src}, {DNNL_ARG_WEIGHTS, &weight}, {DNNL_ARG_BIAS, &bias},
                              {DNNL_ARG_DST, &dst},        {NN_ARG_ADDED, &other},      {0}};
    BASE_TRY(nn_prog_step(p, &p->forward, node->name, state->pd, args));
    nn_chain_finish(p, x, &c);
out:
    nn_prog_release(&flat);
    nn_prog_release(&other);
    nn_prog_release(&dst);
    return st;
}

static BaseStatus weights(NnProgram *p, NnNode x, const NnMd *src, const NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnMd diff_weight = nn_md_weight(p, x, dnnl_f32, true), bias = nn_md_vector(p, node->C);
    NnOp op = {.kind = NN_OP_INNER_PRODUCT,
               .prop = dnnl_backward_weights,
               .src = src,
               .weight = &diff_weight,
               .bias = node->bias ? &bias : NULL,
               .dst = &g->md,
               .hint = p->state[x].pd};
    const_dnnl_primitive_desc_t pd;
    BASE_TRY(nn_kit_pd(&p->kit, &op, node->name, &pd));
    BASE_TRY(nn_gradient_weights_step(p, x, pd, &p->state[x].src, g));
out:
    return st;
}

static BaseStatus data(NnProgram *p, NnNode x, const NnMd *src, const NnTensor *g, NnTensor *out)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTensor diff = {0}, plain = {0};
    NnMd weight = nn_md_weight(p, x, p->type, true), rows = rows_md(p, x, node->in[0], p->type, dnnl_nc);
    NnMd map = nn_md_map(p, node->in[0], p->type, dnnl_nhwc);
    NnOp op = {.kind = NN_OP_INNER_PRODUCT,
               .prop = dnnl_backward_data,
               .src = src,
               .weight = &weight,
               .dst = &g->md,
               .hint = p->state[x].pd};
    const_dnnl_primitive_desc_t pd;
    BASE_TRY(nn_kit_pd(&p->kit, &op, node->name, &pd));
    BASE_TRY(nn_gradient_data_step(p, x, pd, g, &diff));
    BASE_TRY(nn_prog_convert(p, &p->backward, node->name, &diff, &rows, true, &plain));
    BASE_TRY(nn_prog_view(p, &plain, &map, out));
out:
    nn_prog_release(&diff);
    nn_prog_release(&plain);
    return st;
}

static BaseStatus backward(NnProgram *p, NnNode x, NnTensor *g)
{
    BaseStatus st = BASE_OK;
    const NnNodeInfo *node = nn_prog_node(p, x);
    NnTensor flat = {0}, typed = {0}, diff = {0};
    NnMd src = rows_md(p, x, node->in[0], p->type, dnnl_format_tag_any), dst = rows_md(p, x, x, p->type, dnnl_nc);
    BASE_TRY(nn_prog_vector(p, &p->backward, node->name, g, true, &flat));
    nn_prog_release(g);
    BASE_TRY(nn_prog_convert(p, &p->backward, node->name, &flat, &dst, true, &typed));
    nn_prog_release(&flat);
    BASE_TRY(weights(p, x, &src, &typed));
    if (!p->state[node->in[0]].needs_grad) goto out;
    BASE_TRY(data(p, x, &src, &typed, &diff));
    nn_prog_release(&typed);
    BASE_TRY(nn_gradient_add_take(p, node->in[0], &diff));
out:
    nn_prog_release(&flat);
    nn_prog_release(&typed);
    nn_prog_release(&diff);
    return st;
}

const NnOpBackend nn_op_linear = {.forward = forward, .backward = backward};
